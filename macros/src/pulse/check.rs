//! What a pulse program must be, rule by rule: rows 38 to 53. What literals show is reported here, what constants of the
//! device decide becomes an assertion for rustc, the rest is left to types and to the device that plays it.

mod instruction;
mod quantity;
mod waveform;

use std::collections::BTreeMap;

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprIndex, Pat, Path};

use super::clock::{Clocks, Time};
use super::model::{Pulses, Step, callee, is_waveform};
use super::word;
use crate::circuit::check::Walk;
use crate::circuit::model::{Output, root};
use crate::diag::source;
use crate::gates;
use crate::index::bound;
use crate::replay::{Frame, is_constant};
use crate::unit::Quantity;

/// Checks a pulse program.
pub(crate) fn program<'a>(walk: &mut Walk<'a>, pulses: &'a Pulses) {
    let mut check = Check::new(walk, pulses, false);
    let (last, before) = match pulses.steps.split_last() {
        Some((Step::Tail(tail), before)) => (Some(tail), before),
        _ => (None, pulses.steps.as_slice()),
    };
    check.block(before);
    check.output(last);
}

/// Checks pulses inside a circuit.
pub(crate) fn inline<'a>(walk: &mut Walk<'a>, pulses: &'a Pulses) {
    let depth = walk.frames.len();
    Check::new(walk, pulses, true).block(&pulses.steps);
    walk.frames.truncate(depth);
}

struct Check<'w, 'a> {
    walk: &'w mut Walk<'a>,
    device: Option<Path>,
    /// Inside a circuit.
    is_inline: bool,
    /// Names of waveforms, with their duration where literals and constants show it.
    waveforms: BTreeMap<String, Option<Time>>,
    /// Names of durations that literals and constants show.
    durations: BTreeMap<String, Time>,
    /// Names of waveforms that are multiplied somewhere: what amplitude they are played with is not that of their declaration.
    scaled: Vec<String>,
    clocks: Clocks,
}

impl<'w, 'a> Check<'w, 'a> {
    fn new(walk: &'w mut Walk<'a>, pulses: &Pulses, is_inline: bool) -> Self {
        let device = walk.circuit.device.clone();
        let mut scaled = Scaled(Vec::new());
        pulses.each_expr(&mut |expr| scaled.visit_expr(expr));
        let (waveforms, durations) = (BTreeMap::new(), BTreeMap::new());
        Self { walk, device, is_inline, waveforms, durations, scaled: scaled.0, clocks: Clocks::default() }
    }

    fn block(&mut self, steps: &'a [Step]) {
        for step in steps {
            match step {
                Step::Let { pat, value, .. } => self.binding(pat, value),
                Step::Run(call) => self.statement(call),
                Step::For { pat, items, body, .. } => {
                    self.names(pat);
                    self.other(items);
                    self.walk.empty_range(items);
                    self.clocks.lose();
                    let depth = self.walk.frames.len();
                    self.walk.enter(pat, items);
                    self.block(body);
                    self.walk.frames.truncate(depth + 1);
                    self.walk.leave();
                }
                Step::Tail(expr) => {
                    let message = if self.is_inline {
                        "pulses inside a circuit give no value; end the statement with `;`"
                    } else {
                        "this value is not used"
                    };
                    self.walk.diagnostics.error(expr, message);
                }
            }
        }
    }

    fn names(&mut self, pat: &Pat) -> Vec<Ident> {
        let names: Vec<Ident> = bound(pat).into_iter().cloned().collect();
        for name in &names {
            if self.walk.circuit.input(name).is_some() {
                self.walk.diagnostics.error(name, format!("`{name}` is declared twice"));
            }
        }
        names
    }

    fn binding(&mut self, pat: &'a Pat, value: &'a Expr) {
        let names = self.names(pat);
        let only = match pat {
            Pat::Type(typed) => &*typed.pat,
            pat => pat,
        };
        let name = match (only, names.as_slice()) {
            (Pat::Ident(ident), [name]) if ident.subpat.is_none() && ident.by_ref.is_none() => Some(name),
            _ => None,
        };
        let frame = if self.is_waveform(value) {
            let is_scaled = name.is_some_and(|name| self.scaled.contains(&name.to_string()));
            let duration = self.waveform(value, is_scaled);
            if let Some(name) = name {
                self.waveforms.insert(name.to_string(), duration);
            }
            Frame::Dynamic { names, repeats: false }
        } else if let Expr::Call(call) = value
            && callee(call)
                .is_some_and(|name| word::instruction(&name.to_string()).is_some() || is_gate(name))
        {
            self.call(call);
            Frame::Dynamic { names, repeats: false }
        } else {
            self.walk.not_a_qubit(value);
            self.other(value);
            match name {
                Some(name) if is_constant(value, &self.walk.frames, &self.walk.generics) => {
                    Frame::Let { name: name.clone(), value: value.clone() }
                }
                Some(name) => {
                    if let Some(time) = self.time(value) {
                        self.durations.insert(name.to_string(), time);
                    }
                    Frame::Dynamic { names, repeats: false }
                }
                None => Frame::Dynamic { names, repeats: false },
            }
        };
        self.walk.frames.push(frame);
    }

    fn is_waveform(&self, expr: &Expr) -> bool {
        is_waveform(expr, &|name| self.waveforms.contains_key(&name.to_string()))
    }

    /// A call whose value is not used.
    fn statement(&mut self, call: &'a ExprCall) {
        let name = callee(call).map(ToString::to_string);
        match name.as_deref() {
            // Row 52.
            Some("capture") if !call.args.is_empty() => {
                let message = if self.is_inline {
                    "`capture` cannot stand in a circuit; use `measure`".to_owned()
                } else {
                    let channel = call.args.first().map_or_else(String::new, source);
                    format!("the bit captured from `{channel}` is dropped; bind it, or return it")
                };
                self.walk.diagnostics.error(&call.func, message);
                self.call(call);
            }
            Some(name) if word::channel(name).is_some() || word::is_waveform(name) => {
                let what = if word::channel(name).is_some() { "channel" } else { "waveform" };
                let message = format!("`{name}` gives a {what}, which does nothing by itself");
                self.walk.diagnostics.error_help(&call.func, message, "`play(channel, waveform)`");
            }
            _ => self.call(call),
        }
    }

    /// The last expression of a program against its return type.
    fn output(&mut self, tail: Option<&'a Expr>) {
        let declared = match &self.walk.circuit.output {
            Output::None => None,
            Output::Bit(ty) | Output::Bits(ty, _) => Some(ty),
        };
        match (declared, tail) {
            (None, Some(Expr::Call(call))) => self.statement(call),
            (None, Some(expr)) => {
                let message = "the pulse program ends with a value, but is not declared to return one";
                self.walk.diagnostics.error_help(expr, message, "`-> Bit`, or `-> Bits<N>`");
            }
            (Some(ty), None) => {
                let message = format!("declared to return `{}`, but nothing is captured", source(ty));
                self.walk.diagnostics.error_help(ty, message, "end with `capture(acquire(q), 1us)`");
            }
            (Some(_), Some(expr)) => self.value(expr),
            (None, None) => {}
        }
    }

    /// Bits.
    fn value(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(call) => self.call(call),
            Expr::Array(array) => array.elems.iter().for_each(|element| self.value(element)),
            Expr::Tuple(tuple) => tuple.elems.iter().for_each(|element| self.value(element)),
            expr => self.other(expr),
        }
    }

    /// Indices of registers and parameters, and nothing about units.
    fn elements(&mut self, expr: &Expr) {
        struct Indices<'e>(Vec<&'e ExprIndex>);
        impl<'e> Visit<'e> for Indices<'e> {
            fn visit_expr_index(&mut self, index: &'e ExprIndex) {
                self.0.push(index);
                visit::visit_expr_index(self, index);
            }
        }
        let mut indices = Indices(Vec::new());
        indices.visit_expr(expr);
        for index in indices.0 {
            self.walk.element(index);
        }
    }

    /// An expression of which nothing is known.
    fn other(&mut self, expr: &Expr) {
        if self.unknown_waveform(expr) {
            return;
        }
        self.elements(expr);
        self.units(expr, None);
    }

    /// What a duration is, where literals and constants show it.
    fn time(&self, expr: &Expr) -> Option<Time> {
        quantity::time(expr, &|name| self.durations.get(name).cloned())
    }

    /// A duration that is expected to be one.
    fn duration(&mut self, expr: &Expr) -> Option<Time> {
        self.elements(expr);
        let fits = self.units(expr, Some(Quantity::Duration));
        if fits { self.time(expr) } else { None }
    }
}

/// A word of circuits.
fn is_gate(name: &Ident) -> bool {
    gates::is_known(&name.to_string()) && word::channel(&name.to_string()).is_none()
}

/// Collects what is multiplied or divided.
struct Scaled(Vec<String>);

impl<'ast> Visit<'ast> for Scaled {
    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        for side in [&binary.left, &binary.right] {
            let mut side = &**side;
            while let Expr::Unary(syn::ExprUnary { expr, .. }) | Expr::Paren(syn::ExprParen { expr, .. }) =
                side
            {
                side = expr;
            }
            self.0.extend(root(side).map(ToString::to_string));
        }
        visit::visit_expr_binary(self, binary);
    }
}
