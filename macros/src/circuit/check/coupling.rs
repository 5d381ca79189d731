//! `#[device(..)]`: qubits that meet must be coupled.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, Path};

use super::Walk;
use crate::circuit::model::{Argument, Call, Kind, Operand, Place};
use crate::diag::source;
use crate::index::{Frame, Piece, by_value, fold, is_constant};

impl Walk<'_> {
    /// The device must hold the circuit.
    pub(super) fn device_width(&mut self, device: &Path) {
        let (width, mut uses) = self.offset(self.circuit.inputs.len());
        uses.push(syn::parse_quote!(#device));
        let has = quote!(<#device as ::ketline::quantum::Topology>::QUBITS);
        let message = vec![
            Piece::Text(format!("{} has ", source(device))),
            Piece::Number(has.clone()),
            Piece::Text(" qubits, but the circuit uses ".into()),
            Piece::Number(width.clone()),
        ];
        self.assert(quote!(#width <= #has), uses, message, device.to_token_stream(), false);
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
                syn::parse_quote!(0..#end)
            },
            step: None,
        });
        self.frames.extend(steps.clone());
        for (at, (argument, _)) in operands.iter().enumerate().skip(1) {
            let Some(Some((target, target_uses))) = places.get(at) else { continue };
            let mut uses = target_uses.clone();
            let mut found = TokenStream::new();
            let mut nearest = None;
            for (place, place_uses) in places[..at].iter().flatten() {
                uses.extend(place_uses.clone());
                let or = nearest.is_some().then(|| quote!(||));
                found.extend(quote!(#or ::ketline::__private::coupled::<#device>(#place, #target)));
                nearest = Some(place.clone());
            }
            let Some(nearest) = nearest else { continue };
            if places[..at].iter().any(Option::is_none) {
                continue;
            }
            uses.push(syn::parse_quote!(#device));
            let message = vec![
                Piece::Text(format!("{} has no coupling between ", source(device))),
                Piece::Number(nearest),
                Piece::Text(" and ".into()),
                Piece::Number(target.clone()),
            ];
            self.assert(found, uses, message, argument.expr.to_token_stream(), false);
        }
        if steps.is_some() {
            self.frames.pop();
        }
    }

    /// The number of an operand's qubit on the device, where constants decide it.
    fn place(&self, operand: &Operand) -> Option<(TokenStream, Vec<Expr>)> {
        let (offset, mut uses) = self.offset(operand.input);
        let index = match &operand.place {
            Place::At(index) if is_constant(index, &self.frames, &self.generics) => index.clone(),
            Place::At(_) => return None,
            Place::Whole if self.size(operand).is_none() => return Some((offset, uses)),
            Place::Whole => {
                let step = step_variable();
                syn::parse_quote!(#step)
            }
            Place::Part(range) => {
                let step = step_variable();
                let start = range.start.as_ref().map_or(Some(0), |start| fold(start))?;
                let start = proc_macro2::Literal::i128_unsuffixed(start.max(0));
                syn::parse_quote!(#start + #step)
            }
        };
        let value = by_value(&index);
        uses.push(index);
        Some((quote!(#offset + (#value)), uses))
    }

    /// How many qubits the inputs before number `input` have.
    fn offset(&self, input: usize) -> (TokenStream, Vec<Expr>) {
        let (mut sum, mut uses) = (quote!(0), Vec::new());
        for before in &self.circuit.inputs[..input] {
            match &before.kind {
                Kind::Qubit => sum.extend(quote!(+ 1)),
                Kind::Register(size) => {
                    let value = by_value(&size.expr);
                    sum.extend(quote!(+ (#value)));
                    uses.push(size.expr.clone());
                }
                _ => {}
            }
        }
        (quote!((#sum)), uses)
    }
}

/// Counts the pairs that two registers make.
fn step_variable() -> Ident {
    Ident::new("__step", Span::mixed_site())
}
