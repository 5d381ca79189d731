//! What a circuit must be, rule by rule. What literals and structure show is reported here; what constants decide
//! becomes a [`Check`] for rustc to evaluate; the rest is left to types and to the runtime.

mod coupling;
pub(crate) mod frames;
mod measurement;
mod operands;
mod plain;
mod signature;

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Expr, Pat};

use self::frames::{frame, inner};
use self::measurement::Count;
use super::model::{Action, Argument, Call, Circuit, Dialect, For, Modified, Modifier, Step, Value, root};
use crate::diag::{Diagnostics, source};
use crate::gates::{self, BUILDER};
use crate::index::{bound, fold};
use crate::pulse;
use crate::replay::{Check, Frame, Message, Tight, Verdict, is_constant, is_upper};

/// Reports mistakes, and returns the assertions that constants decide.
pub(crate) fn check(circuit: &Circuit, diagnostics: &mut Diagnostics) -> Vec<Check> {
    let mut walk = Walk {
        circuit,
        diagnostics,
        generics: circuit.generic_names(),
        frames: Vec::new(),
        inside: Vec::new(),
        controls: Vec::new(),
        bits: BTreeMap::new(),
        checks: Vec::new(),
        scopes: Vec::new(),
        loops: 0,
        seen: BTreeSet::new(),
        budget: 1_000_000,
    };
    walk.signature();
    if let Some(body) = &circuit.body {
        walk.body(body);
    }
    walk.checks
}

pub(crate) struct Walk<'a> {
    pub(crate) circuit: &'a Circuit,
    pub(crate) diagnostics: &'a mut Diagnostics,
    pub(crate) generics: Vec<Ident>,
    pub(crate) frames: Vec<Frame>,
    /// The `inverse`, `control` and `power` around this point.
    inside: Vec<&'a Ident>,
    /// First arguments of the `control`s around this point.
    controls: Vec<&'a Argument>,
    /// Names that hold measured bits, and how many.
    bits: BTreeMap<String, Count>,
    checks: Vec<Check>,
    /// Numbers of the open loops, and how many there were.
    scopes: Vec<usize>,
    loops: usize,
    /// Assertions so far, by their loop.
    seen: BTreeSet<(Option<usize>, String)>,
    /// Turns of loops that the macro may still follow itself.
    budget: usize,
}

impl<'a> Walk<'a> {
    fn body(&mut self, body: &'a [Step]) {
        if let (Dialect::Pulse, [Step::Pulse(pulses)]) = (self.circuit.dialect, body) {
            return pulse::check::program(self, pulses);
        }
        let (last, before) = match body.split_last() {
            Some((Step::Tail(tail), before)) => (Some(tail), before),
            _ => (None, body),
        };
        for step in before {
            self.step(step);
        }
        self.output(last);
    }

    fn block(&mut self, block: &'a [Step]) {
        let depth = self.frames.len();
        for step in block {
            self.step(step);
        }
        self.frames.truncate(depth);
    }

    fn step(&mut self, step: &'a Step) {
        match step {
            Step::Let { pat, value, .. } => self.binding(pat, value),
            Step::Run(action) | Step::Tail(Value::Action(action)) => {
                self.dropped(action);
                self.action(action);
            }
            Step::Tail(Value::Plain(expr)) => {
                self.diagnostics.error(expr, "this value is not used");
            }
            Step::For(for_loop) => self.for_loop(for_loop),
            Step::Pulse(pulses) => {
                if let Some(word) = self.inside.last() {
                    let message =
                        format!("a pulse program has no inverse, so it cannot stand inside `{word}`");
                    let message = if *word == "inverse" {
                        message
                    } else {
                        format!("a pulse program cannot stand inside `{word}`: what it does is the device's")
                    };
                    self.diagnostics.error(&pulses.word, message);
                }
                pulse::check::inline(self, pulses);
            }
            Step::If(branch) => {
                self.condition(&branch.condition);
                if let Some(word) = self.inside.last() {
                    let message =
                        format!("`if` depends on a measurement, so it cannot stand inside `{word}`");
                    self.diagnostics.error(branch.token, message);
                }
                self.block(&branch.then);
                if let Some(otherwise) = &branch.otherwise {
                    self.block(otherwise);
                }
            }
        }
    }

    fn binding(&mut self, pat: &Pat, value: &'a Value) {
        let names: Vec<Ident> = bound(pat).into_iter().cloned().collect();
        for name in &names {
            if self.circuit.input(name).is_some() {
                self.diagnostics.error(name, format!("`{name}` is declared twice"));
            }
        }
        let only = match pat {
            Pat::Type(typed) => &*typed.pat,
            pat => pat,
        };
        let simple = matches!(only, Pat::Ident(ident) if ident.subpat.is_none() && ident.by_ref.is_none());
        let frame = match value {
            Value::Action(action) => {
                if let ([name], Some(width)) = (names.as_slice(), self.measured(action)) {
                    self.bits.insert(name.to_string(), width);
                }
                self.action(action);
                Frame::Dynamic { names, repeats: false }
            }
            Value::Plain(expr) => {
                self.not_a_qubit(expr);
                self.plain(expr);
                match names.as_slice() {
                    [name] if simple && is_constant(expr, &self.frames, &self.generics) => {
                        Frame::Let { name: name.clone(), value: expr.clone() }
                    }
                    _ => Frame::Dynamic { names, repeats: false },
                }
            }
        };
        self.frames.push(frame);
    }

    /// A second name for a qubit would hide that two operands are the same.
    pub(crate) fn not_a_qubit(&mut self, expr: &Expr) {
        let bare = matches!(expr, Expr::Path(_) | Expr::Index(_));
        let quantum =
            root(expr).and_then(|name| self.circuit.input(name)).is_some_and(|(_, input)| input.is_quantum());
        if bare && quantum {
            let what = if matches!(expr, Expr::Index(_)) {
                "a qubit cannot be copied; index the register where it is used"
            } else {
                "a register cannot be copied; name it where it is used"
            };
            self.diagnostics.error(expr, what);
        }
    }

    fn for_loop(&mut self, for_loop: &'a For) {
        for name in bound(&for_loop.pat) {
            if self.circuit.input(name).is_some() {
                self.diagnostics.error(name, format!("`{name}` is declared twice"));
            }
        }
        self.plain(&for_loop.items);
        self.empty_range(&for_loop.items);
        self.enter(&for_loop.pat, &for_loop.items);
        self.block(&for_loop.body);
        self.leave();
    }

    /// What follows is inside a loop.
    pub(crate) fn enter(&mut self, pat: &Pat, items: &Expr) {
        self.frames.push(frame(pat, items, &self.frames, &self.generics));
        self.loops += 1;
        self.scopes.push(self.loops);
    }

    /// The loop ends.
    pub(crate) fn leave(&mut self) {
        self.scopes.pop();
        self.frames.pop();
    }

    /// A loop over literals that never runs.
    pub(crate) fn empty_range(&mut self, items: &Expr) {
        let Expr::Range(range) = inner(items) else { return };
        let (Some(start), Some(end)) = (&range.start, &range.end) else { return };
        let (Some(first), Some(last)) = (fold(start), fold(end)) else { return };
        let (empty, wanted) = match range.limits {
            syn::RangeLimits::HalfOpen(_) => (first >= last, "below"),
            syn::RangeLimits::Closed(_) => (first > last, "at most"),
        };
        if empty {
            let message = format!("this loop never runs: {first} is not {wanted} {last}");
            self.diagnostics.lint(range, "EMPTY_LOOP", message);
        }
    }

    fn action(&mut self, action: &'a Action) {
        match action {
            Action::Call(call) => self.call(call),
            Action::Modified(modified) => self.modified(modified),
        }
    }

    fn modified(&mut self, modified: &'a Modified) {
        self.inside.push(&modified.word);
        let controls = self.controls.len();
        match &modified.modifier {
            Modifier::Inverse => {}
            Modifier::Control(control) => {
                self.argument("control", None, 0, control);
                self.nested_control(control);
                self.controls.push(control);
            }
            Modifier::Power(times) => self.power(times),
        }
        self.block(&modified.body);
        self.controls.truncate(controls);
        self.inside.pop();
    }

    fn power(&mut self, times: &Expr) {
        let whole = match inner(times) {
            Expr::Lit(lit) => matches!(lit.lit, syn::Lit::Int(_)),
            Expr::Unary(unary) => !matches!(unary.op, syn::UnOp::Neg(_)),
            _ => true,
        };
        if !whole || fold(times).is_some_and(|times| times < 0) {
            self.diagnostics.error_help(times, "`power` takes a whole number >= 0", "`inverse(..)`");
        }
    }

    fn call(&mut self, call: &'a Call) {
        let name = call.bare().map(ToString::to_string);
        let own =
            self.circuit.name == *call.path.segments.last().map_or(&self.circuit.name, |last| &last.ident);
        let here = call.path.segments.len() == 1
            || call.path.segments[0].ident == "self" && call.path.segments.len() == 2;
        if own && here {
            let message = format!("circuit `{}` calls itself, so it would never end", self.circuit.name);
            self.diagnostics.error(&call.path, message);
            return;
        }
        if let Some(name) = name.as_deref().filter(|name| BUILDER.contains(name)) {
            self.diagnostics.error(&call.path, format!("no gate `{name}`"));
            return;
        }
        self.undoable(call);
        let gate = name.as_deref().and_then(gates::gate);
        let label = source(&call.path);
        if self.misplaced(call, gate) {
            return;
        }
        for (position, argument) in call.arguments.iter().enumerate() {
            self.argument(&label, gate, position, argument);
        }
        self.distinct(call);
        self.paired(call, gate);
        self.coupled(call);
    }

    /// A qubit where a gate wants an angle: rustc would show the whole gate table.
    fn misplaced(&mut self, call: &Call, gate: Option<(usize, usize)>) -> bool {
        let angles = gate.map_or(0, |(angles, _)| angles);
        let found = call.arguments.iter().take(angles).find(|argument| argument.operand.is_some());
        if let Some(argument) = found {
            let message = "expected an angle, found a qubit";
            let help = format!("`{}` takes angles first, then qubits", source(&call.path));
            self.diagnostics.error_help(&argument.expr, message, &help);
        }
        found.is_some()
    }

    /// One argument of a call: qubits, or a plain value.
    fn argument(&mut self, callee: &str, gate: Option<(usize, usize)>, position: usize, argument: &Argument) {
        if let Some(operand) = &argument.operand {
            self.range(argument, operand);
            return;
        }
        let wants_qubit = match gate {
            Some((angles, _)) => position >= angles,
            None => {
                matches!(argument.expr, Expr::Index(_))
                    || ["measure", "reset", "barrier", "control"].contains(&callee)
            }
        };
        if wants_qubit && self.unknown(&argument.expr) {
            return;
        }
        if gate.is_some_and(|(angles, _)| position < angles) {
            self.unitless(&argument.expr);
        }
        self.plain(&argument.expr);
    }

    /// Reports `r[0]` where there is no `r`.
    fn unknown(&mut self, expr: &Expr) -> bool {
        let Some(name) = root(expr) else { return false };
        let known = is_upper(name)
            || self.circuit.input(name).is_some()
            || self.generics.contains(name)
            || self.frames.iter().any(|frame| frame.binds(&name.to_string()));
        if known {
            return false;
        }
        let registers: Vec<String> = self
            .circuit
            .inputs
            .iter()
            .filter(|input| input.is_quantum())
            .map(|input| format!("`{}`", input.name))
            .collect();
        let has = if registers.is_empty() { "none".into() } else { registers.join(", ") };
        self.diagnostics.error(name, format!("no register `{name}` in this circuit; it has {has}"));
        true
    }

    /// Adds an assertion under the frames that hold here; what literals decide is decided at once.
    pub(crate) fn assert(&mut self, condition: Expr, message: Message, at: impl ToTokens, tight: Tight) {
        let frames = self.frames.clone();
        let check = Check { frames, condition, message, at: at.to_token_stream(), tight };
        match check.decide(&mut self.budget) {
            Verdict::Holds => {}
            Verdict::Fails(message) => self.diagnostics.error(&check.at, message),
            Verdict::Open => {
                // The same assertion in the same place holds or fails alike.
                if self.seen.insert((self.scopes.last().copied(), check.key())) {
                    self.checks.push(check);
                }
            }
        }
    }
}
