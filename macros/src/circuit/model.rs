//! What a circuit is, with the user's own tokens kept in every part.

use proc_macro2::Ident;
use syn::{Attribute, Expr, ExprRange, Generics, Pat, Path, Token, Type, Visibility};

use crate::gates;
use crate::index::fold;
use crate::pulse::model::Pulses;

/// Which macro a function stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Circuit,
    Pulse,
}

impl Dialect {
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Circuit => "circuit",
            Self::Pulse => "pulse program",
        }
    }

    /// What its steps are.
    pub(crate) fn step(self) -> &'static str {
        match self {
            Self::Circuit => "gate",
            Self::Pulse => "pulse",
        }
    }
}

/// One function inside `circuit!`, or inside `pulse!`: then its one step is a block of pulses.
pub(crate) struct Circuit {
    pub(crate) dialect: Dialect,
    /// Docs and attributes, without the macro's own.
    pub(crate) attributes: Vec<Attribute>,
    /// `#[device(..)]`.
    pub(crate) device: Option<Path>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) inputs: Vec<Input>,
    pub(crate) output: Output,
    /// `None` if the body did not parse.
    pub(crate) body: Option<Vec<Step>>,
}

/// An argument of the circuit.
pub(crate) struct Input {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Qubit,
    Register(Size),
    /// Trainable; the lengths of the array, outermost first.
    Angles(Vec<Size>),
    /// Read when the circuit is built.
    Value,
}

/// A number of qubits, bits or angles.
#[derive(Clone)]
pub(crate) struct Size {
    pub(crate) expr: Expr,
}

impl Size {
    pub(crate) fn literal(&self) -> Option<i128> {
        fold(&self.expr)
    }
}

pub(crate) enum Output {
    None,
    Bit(Type),
    Bits(Type, Size),
}

/// A statement.
pub(crate) enum Step {
    Let {
        token: Token![let],
        pat: Pat,
        value: Value,
    },
    Run(Action),
    For(For),
    If(If),
    /// `pulse!({ .. });`, or all of a pulse program.
    Pulse(Pulses),
    /// The last expression of a block, without a semicolon.
    Tail(Value),
}

pub(crate) struct For {
    pub(crate) token: Token![for],
    pub(crate) pat: Pat,
    pub(crate) items: Expr,
    pub(crate) body: Vec<Step>,
}

pub(crate) struct If {
    pub(crate) token: Token![if],
    pub(crate) condition: Expr,
    pub(crate) then: Vec<Step>,
    pub(crate) otherwise: Option<Vec<Step>>,
}

pub(crate) enum Value {
    Action(Action),
    /// Ordinary Rust.
    Plain(Expr),
}

/// What acts on qubits.
pub(crate) enum Action {
    Call(Call),
    Modified(Box<Modified>),
}

/// A gate, a measurement or another circuit.
pub(crate) struct Call {
    pub(crate) path: Path,
    pub(crate) arguments: Vec<Argument>,
    /// The whole expression, for its tokens.
    pub(crate) source: syn::ExprCall,
}

impl Call {
    /// The name, if it is a bare one: gates are.
    pub(crate) fn bare(&self) -> Option<&Ident> {
        let segment = self.path.segments.first().filter(|_| self.path.segments.len() == 1)?;
        Some(&segment.ident)
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.bare().is_some_and(|bare| bare == name)
    }

    /// Whether it is a gate or a word of the language, and so no circuit.
    pub(crate) fn is_known(&self) -> bool {
        self.bare().is_some_and(|name| gates::is_known(&name.to_string()))
    }

    pub(crate) fn operands(&self) -> impl Iterator<Item = (&Argument, &Operand)> {
        self.arguments.iter().filter_map(|argument| Some((argument, argument.operand.as_ref()?)))
    }
}

/// `inverse(..)`, `control(q, ..)`, `power(n, ..)`.
pub(crate) struct Modified {
    pub(crate) word: Ident,
    pub(crate) modifier: Modifier,
    pub(crate) body: Vec<Step>,
}

pub(crate) enum Modifier {
    Inverse,
    Control(Argument),
    Power(Expr),
}

pub(crate) struct Argument {
    pub(crate) expr: Expr,
    pub(crate) operand: Option<Operand>,
}

/// Qubits of an input: `q`, `q[i]` or `q[a..b]`.
pub(crate) struct Operand {
    /// Position among the circuit's inputs.
    pub(crate) input: usize,
    pub(crate) place: Place,
}

pub(crate) enum Place {
    Whole,
    At(Expr),
    Part(ExprRange),
}

impl Circuit {
    pub(crate) fn input(&self, name: &Ident) -> Option<(usize, &Input)> {
        self.inputs.iter().enumerate().find(|(_, input)| input.name == *name)
    }

    /// The names of all generics except lifetimes.
    pub(crate) fn generic_names(&self) -> Vec<Ident> {
        let types = self.generics.type_params().map(|param| param.ident.clone());
        types.chain(self.generics.const_params().map(|param| param.ident.clone())).collect()
    }

    /// Attributes that every item of the expansion carries.
    pub(crate) fn shared_attributes(&self) -> Vec<&Attribute> {
        let shared = |attribute: &&Attribute| {
            ["allow", "warn", "deny", "forbid", "cfg"].iter().any(|name| attribute.path().is_ident(name))
        };
        self.attributes.iter().filter(shared).collect()
    }

    /// Conditions under which the circuit exists at all.
    pub(crate) fn cfg(&self) -> Vec<&Attribute> {
        self.attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect()
    }
}

impl Input {
    pub(crate) fn is_quantum(&self) -> bool {
        matches!(self.kind, Kind::Qubit | Kind::Register(_))
    }
}

/// The name that an index expression starts from: `theta` of `theta[l][i]`.
pub(crate) fn root(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Path(path) => path.path.get_ident(),
        Expr::Index(index) => root(&index.expr),
        Expr::Paren(inner) => root(&inner.expr),
        Expr::Group(inner) => root(&inner.expr),
        _ => None,
    }
}
