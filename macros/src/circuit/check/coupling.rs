//! `#[device(..)]`: qubits that meet must be coupled.

use proc_macro2::{Ident, Span};
use syn::{Expr, Path, parse_quote};

use super::Walk;
use crate::circuit::model::{Argument, Call, Kind, Operand, Place};
use crate::diag::source;
use crate::index::fold;
use crate::replay::{Frame, Message, Tight, is_constant};

impl Walk<'_> {
    /// The device must hold the circuit.
    pub(super) fn device_width(&mut self, device: &Path) {
        let width = self.offset(self.circuit.inputs.len());
        let has: Expr = parse_quote!(<#device as ::ketline::quantum::Topology>::QUBITS);
        let message = Message::default().text(format!("{} has ", source(device))).number(&has);
        let message = message.text(" qubits, but the circuit uses ").number(&width);
        self.assert(parse_quote!((#width) <= (#has)), message, device, Tight::Anywhere);
    }

    /// Row 36: two qubits that meet in a call must be coupled on the device.
    pub(super) fn coupled(&mut self, call: &Call) {
        let Some(device) = &self.circuit.device else { return };
        if call.is("barrier") || call.is("measure") || call.is("reset") {
            return;
        }
        let controls = self.controls.iter().filter_map(|control| Some((*control, control.operand.as_ref()?)));
        let operands: Vec<(&Argument, &Operand)> = controls.chain(call.operands()).collect();
        let registers = operands.iter().filter_map(|(_, operand)| self.width(operand)).collect::<Vec<_>>();
        let places: Vec<_> = operands.iter().map(|(_, operand)| self.place(operand)).collect();
        let steps = registers.first().map(|size| Frame::Range {
            variable: step_variable(),
            range: {
                let end = &size.expr;
                parse_quote!(0..#end)
            },
            step: None,
        });
        self.frames.extend(steps.clone());
        for (at, (argument, _)) in operands.iter().enumerate().skip(1) {
            let Some(Some(target)) = places.get(at) else { continue };
            let Some(before) = places[..at].iter().cloned().collect::<Option<Vec<_>>>() else { continue };
            let Some(nearest) = before.last() else { continue };
            let message = Message::default().text(format!("{} has no coupling between ", source(device)));
            let message = message.number(nearest).text(" and ").number(target);
            let condition = parse_quote!(#(::ketline::__private0_1::coupled::<#device>(#before, #target))||*);
            self.assert(condition, message, &argument.expr, Tight::Anywhere);
        }
        if steps.is_some() {
            self.frames.pop();
        }
    }

    /// The number of an operand's qubit on the device, where constants decide it.
    pub(crate) fn place(&self, operand: &Operand) -> Option<Expr> {
        let (offset, step) = (self.offset(operand.input), step_variable());
        match &operand.place {
            Place::At(index) if is_constant(index, &self.frames, &self.generics) => {
                Some(parse_quote!((#offset) + (#index)))
            }
            Place::At(_) => None,
            Place::Whole if self.size(operand).is_none() => Some(offset),
            Place::Whole => Some(parse_quote!((#offset) + #step)),
            Place::Part(range) => {
                let start = range.start.as_ref().map_or(Some(0), |start| fold(start))?;
                let start = proc_macro2::Literal::i128_unsuffixed(start.max(0));
                Some(parse_quote!((#offset) + #start + #step))
            }
        }
    }

    /// How many qubits the inputs before number `input` have.
    fn offset(&self, input: usize) -> Expr {
        let widths = self.circuit.inputs[..input].iter().filter_map(|before| match &before.kind {
            Kind::Qubit => Some(parse_quote!(1)),
            Kind::Register(size) => Some(size.expr.clone()),
            _ => None,
        });
        let sum: Option<Expr> = widths.reduce(|sum, width: Expr| parse_quote!((#sum) + (#width)));
        sum.unwrap_or_else(|| parse_quote!(0))
    }
}

/// Counts the pairs that two registers make.
fn step_variable() -> Ident {
    Ident::new("__step", Span::mixed_site())
}
