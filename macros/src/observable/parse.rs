//! Tokens to model: which parts of an expression are operators, and which are numbers.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprCall, Lit, UnOp};

use super::model::{Letter, Pauli, Sum, Term};
use crate::diag::{Diagnostics, source};
use crate::unit::{self, Quantity};

const SUM_OF_PRODUCTS: &str = "an observable is a real sum of Pauli products";

/// Reads the whole argument of the macro.
pub(crate) fn parse(input: TokenStream, diagnostics: &mut Diagnostics) -> Option<Term> {
    if input.is_empty() {
        let message = format!("{SUM_OF_PRODUCTS}\nhelp: `observable!(0.5 * Z(0) * Z(1))`");
        diagnostics.push(syn::Error::new(proc_macro2::Span::call_site(), message));
        return None;
    }
    match syn::parse2::<Expr>(input) {
        Ok(expr) => term(&expr, diagnostics),
        Err(error) => {
            diagnostics.push(error);
            None
        }
    }
}

fn term(expr: &Expr, diagnostics: &mut Diagnostics) -> Option<Term> {
    match expr {
        Expr::Lit(lit) => number(&lit.lit, diagnostics).then(|| Term::Plain(expr.clone())),
        Expr::Paren(inner) => Some(Term::Paren(Box::new(term(&inner.expr, diagnostics)?))),
        Expr::Group(inner) => term(&inner.expr, diagnostics),
        Expr::Path(path) if path.path.get_ident().and_then(Letter::of).is_some() => bare(path, diagnostics),
        Expr::Call(call) if name(call).is_some_and(|name| name == "sum") => sum(call, diagnostics),
        Expr::Call(call) if name(call).is_some_and(is_pauli_like) => pauli(call, diagnostics),
        expr if !acts(expr) => literals(expr, diagnostics).then(|| Term::Plain(expr.clone())),
        Expr::Unary(unary) => match unary.op {
            UnOp::Neg(minus) => Some(Term::Negative(minus, Box::new(term(&unary.expr, diagnostics)?))),
            other => refuse(other, diagnostics),
        },
        Expr::Binary(binary) => {
            let (left, right) = (term(&binary.left, diagnostics), term(&binary.right, diagnostics));
            match binary.op {
                BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) => {}
                BinOp::Div(_) if !acts(&binary.right) => {}
                other => return refuse(other, diagnostics),
            }
            Some(Term::Binary(Box::new(left?), binary.op, Box::new(right?)))
        }
        Expr::MethodCall(call) => refuse(&call.method, diagnostics),
        other => refuse(other, diagnostics),
    }
}

fn refuse(at: impl ToTokens, diagnostics: &mut Diagnostics) -> Option<Term> {
    diagnostics.error(at, SUM_OF_PRODUCTS);
    None
}

/// `I` alone is the identity; the others need a qubit.
fn bare(path: &syn::ExprPath, diagnostics: &mut Diagnostics) -> Option<Term> {
    let name = path.path.get_ident()?.clone();
    let letter = Letter::of(&name)?;
    if letter != Letter::I {
        diagnostics.error(path, format!("`{name}` acts on a qubit: write `{name}(0)`"));
        return None;
    }
    Some(Term::Pauli(Pauli { letter, name, qubit: None, source: Expr::Path(path.clone()) }))
}

fn name(call: &ExprCall) -> Option<&proc_macro2::Ident> {
    match &*call.func {
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    }
}

/// Upper-case names are Paulis, and so are the four letters in lower case: nobody calls a function `z`.
fn is_pauli_like(name: &proc_macro2::Ident) -> bool {
    let name = name.to_string();
    name.starts_with(char::is_uppercase) || matches!(name.as_str(), "i" | "x" | "y" | "z")
}

fn pauli(call: &ExprCall, diagnostics: &mut Diagnostics) -> Option<Term> {
    let name = name(call)?.clone();
    let Some(letter) = Letter::of(&name) else {
        diagnostics.error(&name, format!("no Pauli `{name}`; use I, X, Y or Z"));
        return None;
    };
    let Some(qubit) = call.args.first().filter(|_| call.args.len() == 1) else {
        let found = call.args.len();
        let help = format!("`{name}(0) * {name}(1)`");
        diagnostics.error_help(call, format!("`{name}` acts on one qubit, found {found}"), &help);
        return None;
    };
    if acts(qubit) {
        diagnostics.error(qubit, "a qubit is a whole number");
        return None;
    }
    Some(Term::Pauli(Pauli { letter, name, qubit: Some(qubit.clone()), source: Expr::Call(call.clone()) }))
}

fn sum(call: &ExprCall, diagnostics: &mut Diagnostics) -> Option<Term> {
    let mut arguments = call.args.iter();
    let (Some(items), Some(Expr::Closure(closure)), None) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        let help = "`sum(edges, |(i, j)| Z(i) * Z(j))`";
        diagnostics.error_help(call, "`sum` takes items and a closure that makes a term of each", help);
        return None;
    };
    if acts(items) {
        return refuse(items, diagnostics);
    }
    let term = term(&closure.body, diagnostics)?;
    Some(Term::Sum(Box::new(Sum {
        source: call.clone(),
        items: items.clone(),
        closure: closure.clone(),
        term,
    })))
}

/// A coefficient is a plain real number.
fn number(literal: &Lit, diagnostics: &mut Diagnostics) -> bool {
    if !matches!(literal, Lit::Int(_) | Lit::Float(_)) {
        diagnostics.error(literal, SUM_OF_PRODUCTS);
        return false;
    }
    match unit::suffix(literal) {
        None => true,
        Some("i" | "j" | "im") => {
            diagnostics.error(literal, "an observable needs real coefficients");
            false
        }
        Some(suffix) => {
            let message = match Quantity::of(suffix) {
                Some(quantity) => format!("expected a number, found {}", quantity.noun()),
                None => format!("unknown unit `{suffix}`; a coefficient is a plain number"),
            };
            diagnostics.error(literal, message);
            false
        }
    }
}

/// Checks the numbers inside ordinary Rust.
fn literals(expr: &Expr, diagnostics: &mut Diagnostics) -> bool {
    struct Literals<'a>(Vec<&'a Lit>);
    impl<'a> Visit<'a> for Literals<'a> {
        fn visit_lit(&mut self, literal: &'a Lit) {
            self.0.push(literal);
        }
    }
    let mut literals = Literals(Vec::new());
    literals.visit_expr(expr);
    let mut numbers = literals.0.into_iter().filter(|literal| unit::suffix(literal).is_some());
    numbers.all(|literal| number(literal, diagnostics))
}

/// Does an expression hold a Pauli?
fn acts(expr: &Expr) -> bool {
    struct Acts(bool);
    impl<'a> Visit<'a> for Acts {
        fn visit_expr(&mut self, expr: &'a Expr) {
            self.0 |= match expr {
                Expr::Call(call) => name(call).is_some_and(|name| name == "sum" || is_pauli_like(name)),
                Expr::Path(path) => path.path.get_ident().and_then(Letter::of).is_some(),
                _ => false,
            };
            visit::visit_expr(self, expr);
        }
    }
    let mut found = Acts(false);
    found.visit_expr(expr);
    found.0
}

/// The text of a whole number, for messages.
pub(super) fn shown(qubit: &Expr) -> String {
    crate::index::fold(qubit).map_or_else(|| source(qubit), |value| value.to_string())
}
