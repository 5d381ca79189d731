//! What is legal but hardly meant: warnings.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Expr, ExprRange, Pat, RangeLimits};

use super::model::{Action, Argument, Call, Circuit, Kind, Modifier, Operand, Place, Step, Value};
use crate::diag::{Diagnostics, source};
use crate::index::value;
use crate::pulse;

/// Loops over literals are followed this far to see which qubits they touch.
const TURNS: usize = 4096;

/// Reports unused qubits and parameters, and qubits that are used after their measurement.
pub(crate) fn lint(circuit: &Circuit, diagnostics: &mut Diagnostics) {
    let Some(body) = &circuit.body else { return };
    unused_parameters(circuit, body, diagnostics);
    let mut touched = Touched { circuit, gates: BTreeSet::new(), other: BTreeSet::new(), turns: TURNS };
    touched.block(body, &mut BTreeMap::new());
    if !body.is_empty() {
        touched.report(diagnostics);
    }
    for step in body {
        pulse::lint::lint(step, diagnostics);
    }
    Collapse { circuit, diagnostics, measured: BTreeSet::new() }.block(body);
}

fn unused_parameters(circuit: &Circuit, body: &[Step], diagnostics: &mut Diagnostics) {
    let mut names = Names(BTreeSet::new());
    each_expr(body, &mut |expr| names.visit_expr(expr));
    for input in &circuit.inputs {
        if matches!(input.kind, Kind::Angles(_)) && !names.0.contains(&input.name.to_string()) {
            let (name, step) = (&input.name, circuit.dialect.step());
            let message =
                format!("parameter `{name}` takes part in no {step}, so its gradient is always zero");
            diagnostics.lint(&input.name, "UNUSED_PARAMETER", message);
        }
    }
}

struct Names(BTreeSet<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.extend(path.get_ident().map(ToString::to_string));
        visit::visit_path(self, path);
    }
}

/// Calls `see` on every expression of the user in these steps.
fn each_expr(steps: &[Step], see: &mut dyn FnMut(&Expr)) {
    fn action(action: &Action, see: &mut dyn FnMut(&Expr)) {
        match action {
            Action::Call(call) => call.arguments.iter().for_each(|argument| see(&argument.expr)),
            Action::Modified(modified) => {
                match &modified.modifier {
                    Modifier::Inverse => {}
                    Modifier::Control(control) => see(&control.expr),
                    Modifier::Power(times) => see(times),
                }
                each_expr(&modified.body, see);
            }
        }
    }
    for step in steps {
        match step {
            Step::Let { value: Value::Plain(expr), .. } | Step::Tail(Value::Plain(expr)) => see(expr),
            Step::Let { value: Value::Action(inner), .. }
            | Step::Tail(Value::Action(inner))
            | Step::Run(inner) => {
                action(inner, see);
            }
            Step::For(for_loop) => {
                see(&for_loop.items);
                each_expr(&for_loop.body, see);
            }
            Step::Pulse(pulses) => pulses.each_expr(see),
            Step::If(branch) => {
                see(&branch.condition);
                each_expr(&branch.then, see);
                branch.otherwise.iter().for_each(|otherwise| each_expr(otherwise, see));
            }
        }
    }
}

/// Which qubits gates touch: `(input, index)`, or no index for all of a register.
struct Touched<'a> {
    circuit: &'a Circuit,
    gates: BTreeSet<(usize, Option<i128>)>,
    /// Inputs that are measured, reset or passed in a way that is not followed.
    other: BTreeSet<usize>,
    turns: usize,
}

impl Touched<'_> {
    fn block(&mut self, steps: &[Step], values: &mut BTreeMap<String, i128>) {
        for step in steps {
            match step {
                Step::Run(action)
                | Step::Let { value: Value::Action(action), .. }
                | Step::Tail(Value::Action(action)) => {
                    self.action(action, values);
                }
                Step::Let { .. } | Step::Tail(_) => {}
                Step::Pulse(pulses) => {
                    let mut names = Names(BTreeSet::new());
                    pulses.each_expr(&mut |expr| names.visit_expr(expr));
                    self.whole(&names);
                }
                Step::For(for_loop) => {
                    let range = literal_range(&for_loop.items, values);
                    match (&for_loop.pat, range) {
                        (Pat::Ident(pat), Some((start, end)))
                            if usize::try_from(end.saturating_sub(start)).is_ok_and(|n| n <= self.turns) =>
                        {
                            for value in start..end {
                                self.turns = self.turns.saturating_sub(1);
                                let before = values.insert(pat.ident.to_string(), value);
                                self.block(&for_loop.body, values);
                                match before {
                                    Some(before) => values.insert(pat.ident.to_string(), before),
                                    None => values.remove(&pat.ident.to_string()),
                                };
                            }
                        }
                        _ => self.block(&for_loop.body, values),
                    }
                }
                Step::If(branch) => {
                    self.block(&branch.then, values);
                    if let Some(otherwise) = &branch.otherwise {
                        self.block(otherwise, values);
                    }
                }
            }
        }
    }

    fn action(&mut self, action: &Action, values: &mut BTreeMap<String, i128>) {
        match action {
            Action::Modified(modified) => {
                if let Modifier::Control(control) = &modified.modifier {
                    self.argument(control, values, true);
                }
                self.block(&modified.body, values);
            }
            Action::Call(call) => {
                let gate = !is_passive(call) && !call.is("measure");
                for argument in &call.arguments {
                    self.argument(argument, values, gate);
                }
            }
        }
    }

    /// All of the inputs that are named.
    fn whole(&mut self, names: &Names) {
        for (at, input) in self.circuit.inputs.iter().enumerate() {
            if names.0.contains(&input.name.to_string()) {
                self.gates.insert((at, None));
            }
        }
    }

    fn argument(&mut self, argument: &Argument, values: &BTreeMap<String, i128>, gate: bool) {
        let Some(operand) = &argument.operand else {
            let mut names = Names(BTreeSet::new());
            names.visit_expr(&argument.expr);
            self.whole(&names);
            return;
        };
        let input = operand.input;
        if !gate {
            self.other.insert(input);
            return;
        }
        match &operand.place {
            Place::At(index) => {
                self.gates.insert((input, value(index, values)));
            }
            Place::Part(range) => match bounds(range, values) {
                Some((start, end)) if end.saturating_sub(start) <= 4096 => {
                    self.gates.extend((start..end).map(|index| (input, Some(index))));
                }
                _ => {
                    self.gates.insert((input, None));
                }
            },
            Place::Whole => {
                self.gates.insert((input, None));
            }
        }
    }

    fn report(&self, diagnostics: &mut Diagnostics) {
        for (at, input) in self.circuit.inputs.iter().enumerate() {
            let any = self.gates.iter().any(|(input, _)| *input == at);
            if self.gates.contains(&(at, None)) || (!any && self.other.contains(&at)) {
                continue;
            }
            let name = &input.name;
            let unused: Vec<String> = match &input.kind {
                Kind::Qubit => vec![name.to_string()].into_iter().filter(|_| !any).collect(),
                Kind::Register(size) => {
                    let Some(width) = size.literal().filter(|width| *width <= 4096) else { continue };
                    let unused = (0..width).filter(|index| !self.gates.contains(&(at, Some(*index))));
                    unused.map(|index| format!("{name}[{index}]")).collect()
                }
                _ => continue,
            };
            let step = self.circuit.dialect.step();
            let message = match unused.as_slice() {
                [] => continue,
                [one] => format!("qubit {one} takes part in no {step}"),
                [first, .., last] if unused.len() > 4 => {
                    format!("{} qubits, {first} to {last}, take part in no {step}", unused.len())
                }
                several => format!("qubits {} take part in no {step}", several.join(", ")),
            };
            diagnostics.lint(&input.ty, "UNUSED_QUBIT", message);
        }
    }
}

fn is_passive(call: &Call) -> bool {
    call.is("reset") || call.is("barrier")
}

fn literal_range(items: &Expr, values: &BTreeMap<String, i128>) -> Option<(i128, i128)> {
    match super::check::frames::inner(items) {
        Expr::Range(range) if range.start.is_some() => {
            bounds(range, values).filter(|(start, end)| start <= end)
        }
        _ => None,
    }
}

fn bounds(range: &ExprRange, values: &BTreeMap<String, i128>) -> Option<(i128, i128)> {
    let start = range.start.as_ref().map_or(Some(0), |start| value(start, values))?;
    let end = value(range.end.as_ref()?, values)?;
    let closed = i128::from(matches!(range.limits, RangeLimits::Closed(_)));
    Some((start, end.checked_add(closed)?))
}

/// Follows straight-line code and knows which qubits are measured and untouched since.
struct Collapse<'a> {
    circuit: &'a Circuit,
    diagnostics: &'a mut Diagnostics,
    measured: BTreeSet<(usize, Option<i128>)>,
}

impl Collapse<'_> {
    fn block(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Run(Action::Call(call))
                | Step::Let { value: Value::Action(Action::Call(call)), .. }
                | Step::Tail(Value::Action(Action::Call(call))) => self.call(call),
                Step::Let { value: Value::Plain(_), .. } | Step::Tail(Value::Plain(_)) => {}
                // What a loop, a branch or a block does is not followed: forget what it may touch.
                other => {
                    let mut names = Names(BTreeSet::new());
                    each_expr(std::slice::from_ref(other), &mut |expr| names.visit_expr(expr));
                    let inputs = &self.circuit.inputs;
                    self.measured.retain(|(input, _)| !names.0.contains(&inputs[*input].name.to_string()));
                }
            }
        }
    }

    fn call(&mut self, call: &Call) {
        if call.is("barrier") {
            return;
        }
        for (argument, operand) in call.operands() {
            let text = source(&argument.expr);
            let spot = Self::place(operand);
            let known = self.is_measured(operand.input, spot);
            if call.is("measure") {
                if known {
                    let message = format!("`{text}` was just measured; measuring again gives the same bit");
                    self.diagnostics.lint(&call.path, "MEASURED_TWICE", message);
                }
                match spot {
                    Spot::One(index) => self.measured.insert((operand.input, Some(index))),
                    Spot::All => self.measured.insert((operand.input, None)),
                    Spot::Unknown => false,
                };
                continue;
            }
            if !call.is("reset") && known {
                let message = format!("`{text}` is collapsed here; add `reset({text})` if it is reused");
                self.diagnostics.lint(&argument.expr, "COLLAPSED_QUBIT", message);
            }
            self.forget(operand.input, spot);
        }
    }

    fn place(operand: &Operand) -> Spot {
        match &operand.place {
            Place::Whole => Spot::All,
            Place::At(index) => crate::index::fold(index).map_or(Spot::Unknown, Spot::One),
            Place::Part(_) => Spot::Unknown,
        }
    }

    fn is_measured(&self, input: usize, spot: Spot) -> bool {
        let whole = self.measured.contains(&(input, None));
        match spot {
            Spot::Unknown => false,
            Spot::One(index) => whole || self.measured.contains(&(input, Some(index))),
            Spot::All => {
                let width = match &self.circuit.inputs[input].kind {
                    Kind::Register(size) => size.literal(),
                    _ => None,
                };
                let each =
                    |width: i128| (0..width.min(4096)).all(|at| self.measured.contains(&(input, Some(at))));
                whole || width.is_some_and(each)
            }
        }
    }

    fn forget(&mut self, input: usize, spot: Spot) {
        match spot {
            Spot::One(index) if !self.measured.contains(&(input, None)) => {
                self.measured.remove(&(input, Some(index)));
            }
            _ => self.measured.retain(|(measured, _)| *measured != input),
        }
    }
}

/// Where an operand lies in its register.
#[derive(Clone, Copy)]
enum Spot {
    One(i128),
    All,
    Unknown,
}
