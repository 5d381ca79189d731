//! What a pulse program is, with the user's own tokens kept in every part.

use proc_macro2::TokenStream;
use syn::{Expr, ExprCall, Ident, Pat, Token};

use super::word;

/// A block of pulses: the body of a pulse program, or `pulse!({ .. })` inside a circuit.
pub(crate) struct Pulses {
    /// What messages about all of it point at.
    pub(crate) word: TokenStream,
    pub(crate) steps: Vec<Step>,
}

/// A statement.
pub(crate) enum Step {
    Let {
        token: Token![let],
        pat: Pat,
        value: Expr,
    },
    Run(ExprCall),
    For {
        token: Token![for],
        pat: Pat,
        items: Expr,
        body: Vec<Step>,
    },
    /// The last expression of a program, without a semicolon.
    Tail(Expr),
}

impl Pulses {
    /// Visits every expression of the user.
    pub(crate) fn each_expr(&self, see: &mut dyn FnMut(&Expr)) {
        each_expr(&self.steps, see);
    }
}

pub(crate) fn each_expr(steps: &[Step], see: &mut dyn FnMut(&Expr)) {
    for step in steps {
        match step {
            Step::Let { value, .. } | Step::Tail(value) => see(value),
            Step::Run(call) => see(&Expr::Call(call.clone())),
            Step::For { items, body, .. } => {
                see(items);
                each_expr(body, see);
            }
        }
    }
}

/// The name that a call calls, if it is a bare one: all words of the language are.
pub(crate) fn callee(call: &ExprCall) -> Option<&Ident> {
    match &*call.func {
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    }
}

/// Is this expression a waveform, given the names that hold one?
pub(crate) fn is_waveform(expr: &Expr, names: &dyn Fn(&Ident) -> bool) -> bool {
    match expr {
        Expr::Call(call) => callee(call).is_some_and(|name| word::is_waveform(&name.to_string())),
        Expr::Path(path) => path.path.get_ident().is_some_and(names),
        Expr::Paren(inner) => is_waveform(&inner.expr, names),
        Expr::Group(inner) => is_waveform(&inner.expr, names),
        Expr::Unary(unary) => is_waveform(&unary.expr, names),
        Expr::Binary(binary) => is_waveform(&binary.left, names) || is_waveform(&binary.right, names),
        _ => false,
    }
}
