//! Ordinary expressions inside a circuit: units of literals, and indices of trainable parameters.

use syn::visit::{self, Visit};
use syn::{Expr, ExprIndex, Lit, parse_quote};

use super::Walk;
use crate::circuit::model::{Kind, root};
use crate::diag::source;
use crate::index::{fold, names};
use crate::replay::{Frame, Message, Tight, is_constant};
use crate::unit;

impl Walk<'_> {
    /// Checks every literal and every parameter index in an ordinary expression.
    pub(super) fn plain(&mut self, expr: &Expr) {
        struct Plain<'a> {
            literals: Vec<&'a Lit>,
            indices: Vec<&'a ExprIndex>,
        }
        impl<'a> Visit<'a> for Plain<'a> {
            fn visit_lit(&mut self, lit: &'a Lit) {
                self.literals.push(lit);
            }
            fn visit_expr_index(&mut self, index: &'a ExprIndex) {
                self.indices.push(index);
                visit::visit_expr_index(self, index);
            }
        }
        let mut plain = Plain { literals: Vec::new(), indices: Vec::new() };
        plain.visit_expr(expr);
        for literal in plain.literals {
            if let Err(error) = unit::angle(literal) {
                self.diagnostics.push(error);
            }
        }
        for index in plain.indices {
            self.element(index);
        }
    }

    /// An index of a trainable parameter or of a register.
    pub(crate) fn element(&mut self, index: &ExprIndex) {
        self.parameter_index(index);
        self.qubit_index(index);
    }

    /// A whole number where an angle is wanted: radians or degrees?
    pub(crate) fn unitless(&mut self, expr: &Expr) {
        match expr {
            Expr::Lit(lit) if unit::is_bare_integer(&lit.lit) => {
                let digits = source(lit);
                let message =
                    format!("an angle needs a unit: write `{digits}deg` or `{digits}.0` for radians");
                self.diagnostics.error(lit, message);
            }
            Expr::Unary(unary) => self.unitless(&unary.expr),
            Expr::Paren(paren) => self.unitless(&paren.expr),
            _ => {}
        }
    }

    /// A qubit inside a larger expression, such as `[q[0], q[2]]`.
    fn qubit_index(&mut self, index: &ExprIndex) {
        let Some((_, input)) = root(&index.expr).and_then(|name| self.circuit.input(name)) else { return };
        if let Kind::Register(size) = &input.kind
            && !matches!(*index.index, Expr::Range(_))
        {
            self.index(&Expr::Index(index.clone()), &input.name, &index.index, size);
        }
    }

    fn parameter_index(&mut self, index: &ExprIndex) {
        let Some(name) = root(&index.expr) else { return };
        let Some((_, input)) = self.circuit.input(name) else { return };
        let Kind::Angles(sizes) = &input.kind else { return };
        let level = depth(&index.expr);
        let Some(size) = sizes.get(level) else { return };
        let noun = if level + 1 == sizes.len() { "angles" } else { "rows" };
        let (base, whole) = (source(&index.expr), source(index));
        let at = &*index.index;
        match (fold(at), size.literal()) {
            (Some(value), Some(length)) if !(0..length).contains(&value) => {
                let noun = if length == 1 { noun.trim_end_matches('s') } else { noun };
                self.diagnostics
                    .error(at, format!("`{whole}` is out of range: `{base}` has {length} {noun}"));
            }
            (Some(_), Some(_)) => {}
            _ if is_constant(at, &self.frames, &self.generics) => {
                let length = &size.expr;
                let mut message = Message::default();
                message = if self.varies(at) {
                    message.text(format!("`{whole}` reaches index ")).number(at).text(", but")
                } else {
                    message.text(format!("`{whole}` is out of range:"))
                };
                message = message
                    .text(format!(" `{base}` has {} {noun}\nhelp: the index is ", source(length)))
                    .number(at)
                    .text(", and the last one is ")
                    .number(&parse_quote!((#length) - 1));
                self.assert(parse_quote!((#at) < (#length)), message, at, Tight::of(at));
            }
            _ => {}
        }
    }

    /// Does a loop variable occur in `expr`?
    pub(super) fn varies(&self, expr: &Expr) -> bool {
        names(expr).iter().any(|name| {
            let name = name.to_string();
            matches!(
                self.frames.iter().rev().find(|frame| frame.binds(&name)),
                Some(Frame::Range { .. } | Frame::Slice { .. })
            )
        })
    }
}

/// How many indices an expression has already.
fn depth(expr: &Expr) -> usize {
    match expr {
        Expr::Index(index) => depth(&index.expr) + 1,
        Expr::Paren(paren) => depth(&paren.expr),
        _ => 0,
    }
}
