//! What an observable is made of, with the user's own tokens kept in every part.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{BinOp, Expr, ExprCall, ExprClosure, Token};

pub(crate) enum Term {
    Pauli(Pauli),
    /// Ordinary Rust: a number, or an observable that was made elsewhere.
    Plain(Expr),
    Negative(Token![-], Box<Term>),
    /// `+`, `-` or `*`, or `/` by a plain number.
    Binary(Box<Term>, BinOp, Box<Term>),
    Paren(Box<Term>),
    Sum(Box<Sum>),
}

pub(crate) struct Pauli {
    pub(crate) letter: Letter,
    pub(crate) name: Ident,
    /// `None` only for a bare `I`.
    pub(crate) qubit: Option<Expr>,
    /// The whole factor, for its tokens.
    pub(crate) source: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letter {
    I,
    X,
    Y,
    Z,
}

/// `sum(items, |item| term)`.
pub(crate) struct Sum {
    pub(crate) source: ExprCall,
    pub(crate) items: Expr,
    pub(crate) closure: ExprClosure,
    pub(crate) term: Term,
}

impl Letter {
    pub(crate) fn of(name: &Ident) -> Option<Self> {
        match name.to_string().as_str() {
            "I" => Some(Self::I),
            "X" => Some(Self::X),
            "Y" => Some(Self::Y),
            "Z" => Some(Self::Z),
            _ => None,
        }
    }

    /// The name of the runtime's constructor.
    pub(crate) fn constructor(self) -> &'static str {
        match self {
            Self::I => "identity",
            Self::X => "x",
            Self::Y => "y",
            Self::Z => "z",
        }
    }

    /// `self * other` as a power of `i` and a letter.
    pub(crate) fn times(self, other: Self) -> (u8, Self) {
        match (self, other) {
            (Self::I, letter) | (letter, Self::I) => (0, letter),
            (Self::X, Self::Y) => (1, Self::Z),
            (Self::Y, Self::Z) => (1, Self::X),
            (Self::Z, Self::X) => (1, Self::Y),
            (Self::Y, Self::X) => (3, Self::Z),
            (Self::Z, Self::Y) => (3, Self::X),
            (Self::X, Self::Z) => (3, Self::Y),
            _ => (0, Self::I),
        }
    }
}

impl Term {
    /// The Pauli factors in order, sums and parentheses included.
    pub(crate) fn paulis(&self) -> Vec<&Pauli> {
        match self {
            Self::Pauli(pauli) => vec![pauli],
            Self::Plain(_) => Vec::new(),
            Self::Negative(_, term) | Self::Paren(term) => term.paulis(),
            Self::Binary(left, _, right) => [left.paulis(), right.paulis()].concat(),
            Self::Sum(sum) => sum.term.paulis(),
        }
    }

    /// Is every part known to the macro? An observable made elsewhere has qubits that only it knows.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Pauli(_) => true,
            Self::Plain(expr) => is_number(expr),
            Self::Negative(_, term) | Self::Paren(term) => term.is_closed(),
            Self::Binary(left, _, right) => left.is_closed() && right.is_closed(),
            Self::Sum(_) => false,
        }
    }
}

/// Arithmetic of literals, which no observable hides in.
pub(crate) fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) => true,
        Expr::Unary(unary) => is_number(&unary.expr),
        Expr::Paren(paren) => is_number(&paren.expr),
        Expr::Binary(binary) => is_number(&binary.left) && is_number(&binary.right),
        _ => false,
    }
}

impl ToTokens for Pauli {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        self.source.to_tokens(tokens);
    }
}
