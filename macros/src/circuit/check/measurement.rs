//! Measured bits: where they come from, what becomes of them, what they can decide.

use syn::Expr;

use super::Walk;
use crate::circuit::model::{Action, Call, Kind, Operand, Place, root};
use crate::diag::source;
use crate::index::fold;

/// A number of measured bits.
#[derive(Clone, Copy)]
pub(super) enum Count {
    Literal(i128),
    Unknown,
}

impl Walk<'_> {
    /// How many bits an action measures, as far as literals show; `None` if it is no measurement.
    pub(super) fn measured(&self, action: &Action) -> Option<Count> {
        let Action::Call(call) = action else { return None };
        if !call.is("measure") || call.arguments.len() != 1 {
            return None;
        }
        let width = call.operands().next().and_then(|(_, operand)| self.literal_width(operand));
        Some(width.map_or(Count::Unknown, Count::Literal))
    }

    fn literal_width(&self, operand: &Operand) -> Option<i128> {
        match &operand.place {
            Place::At(_) => Some(1),
            Place::Whole => match &self.circuit.inputs[operand.input].kind {
                Kind::Register(size) => size.literal(),
                _ => Some(1),
            },
            Place::Part(range) => {
                let start = range.start.as_ref().map_or(Some(0), |start| fold(start))?;
                let end = fold(range.end.as_ref()?)?;
                let closed = i128::from(matches!(range.limits, syn::RangeLimits::Closed(_)));
                end.checked_sub(start)?.checked_add(closed)
            }
        }
    }

    /// `measure(q[0]);` forgets what it measures.
    pub(super) fn dropped(&mut self, action: &Action) {
        let Action::Call(call) = action else { return };
        // Inside `inverse` and its kind there is a better message.
        if call.is("measure") && self.inside.is_empty() && !call.arguments.is_empty() {
            let operand =
                call.arguments.first().map_or_else(|| "q".into(), |argument| source(&argument.expr));
            let message = format!("the measured bit is dropped; bind it, or use `reset({operand})`");
            self.diagnostics.error(&call.path, message);
        }
    }

    /// `measure` and `reset` lose information, so they have no inverse.
    pub(super) fn undoable(&mut self, call: &Call) {
        let Some(word) = self.inside.last() else { return };
        let Some(name) = call.bare().filter(|name| *name == "measure" || *name == "reset") else { return };
        let why = if *word == "control" { "controlled" } else { "undone" };
        let message = format!("`{name}` cannot be {why}, so it cannot stand inside `{word}`");
        self.diagnostics.error(&call.path, message);
    }

    /// `if` takes a measured bit.
    pub(super) fn condition(&mut self, condition: &Expr) {
        match condition {
            Expr::Paren(paren) => self.condition(&paren.expr),
            Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Not(_)) => self.condition(&unary.expr),
            Expr::Binary(binary) => {
                let message = "`if` takes one measured bit";
                self.diagnostics.error_help(binary, message, "put one `if` inside another");
            }
            Expr::Call(call) => {
                self.diagnostics.error_help(call, "`if` takes a measured bit", "`let m = measure(q[0]);`");
            }
            Expr::Path(_) | Expr::Index(_) => {
                let input = root(condition).and_then(|name| self.circuit.input(name));
                if input.is_some_and(|(_, input)| input.is_quantum()) {
                    let (text, kind) = (
                        source(condition),
                        if matches!(condition, Expr::Index(_)) { "qubit" } else { "register" },
                    );
                    let kind = match input {
                        Some((_, input)) if matches!(input.kind, Kind::Qubit) => "qubit",
                        _ => kind,
                    };
                    let message = format!("`if` needs a measured bit, and `{text}` is a {kind}");
                    self.diagnostics.error_help(condition, message, &format!("`control({text}, ..)`"));
                    return;
                }
                self.bit_index(condition);
            }
            _ => {}
        }
    }

    /// `m[2]` where `m` holds two bits.
    fn bit_index(&mut self, expr: &Expr) {
        let Expr::Index(index) = expr else { return };
        let Some(name) = root(expr) else { return };
        let Some(Count::Literal(width)) = self.bits.get(&name.to_string()).copied() else { return };
        if let Some(at) = fold(&index.index)
            && !(0..width).contains(&at)
        {
            let bits = if width == 1 { "bit" } else { "bits" };
            self.diagnostics
                .error(&index.index, format!("bit index {at} is out of range: `{name}` has {width} {bits}"));
        }
    }
}
