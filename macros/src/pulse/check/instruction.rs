//! Instructions: what is done on which channel, and when.

use quote::ToTokens;
use syn::{Expr, ExprCall, parse_quote};

use super::super::model::callee;
use super::super::word::{self, Operand};
use super::Check;
use super::quantity::frequency;
use crate::circuit::model::{self, Kind, Place};
use crate::circuit::parse::body::argument;
use crate::diag::source;
use crate::index::fold;
use crate::replay::{Message, Tight};
use crate::unit::Quantity;

/// A channel that the macro can tell from others.
struct Line {
    /// As the user wrote it.
    text: String,
    qubits: Vec<String>,
}

impl<'a> Check<'_, 'a> {
    pub(super) fn call(&mut self, call: &'a ExprCall) {
        let Expr::Path(path) = &*call.func else {
            self.walk.diagnostics.error(&call.func, "a call names an instruction or a pulse program");
            return;
        };
        let name = path.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match (name.as_str(), word::instruction(&name)) {
            ("barrier", _) => self.barrier(call),
            (_, Some(operand)) => self.instruction(call, &name, operand),
            ("inverse", _) => {
                let message = "a pulse program has no inverse";
                self.walk.diagnostics.error_help(
                    &call.func,
                    message,
                    "`schedule.reversed()` of what it gives",
                );
            }
            ("measure", _) => {
                let message = "`measure` is for circuits";
                self.walk.diagnostics.error_help(&call.func, message, "`let m = capture(acquire(q), 1us);`");
            }
            (name, _) if crate::gates::is_known(name) => {
                let message = format!("`{name}` is for circuits; a pulse program is made of pulses");
                self.walk.diagnostics.error_help(&call.func, message, "`play(drive(q), ..)`");
            }
            _ => self.program(call),
        }
    }

    /// Another pulse program.
    fn program(&mut self, call: &'a ExprCall) {
        let Some(lowered) = self.lowered(call) else { return };
        let last = lowered.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let here = lowered.path.segments.len() == 1
            || lowered.path.segments.len() == 2 && lowered.path.segments[0].ident == "self";
        if here && self.walk.circuit.name == last && !self.is_inline {
            let message = format!("pulse program `{last}` calls itself, so it would never end");
            self.walk.diagnostics.error(&call.func, message);
            return;
        }
        for argument in &lowered.arguments {
            match &argument.operand {
                Some(operand) => self.walk.range(argument, operand),
                None if self.is_waveform(&argument.expr) => _ = self.waveform(&argument.expr, false),
                None => self.other(&argument.expr),
            }
        }
        self.walk.distinct(&lowered);
        self.clocks.lose();
    }

    fn lowered(&self, call: &ExprCall) -> Option<model::Call> {
        let Expr::Path(path) = &*call.func else { return None };
        let arguments = call.args.iter().map(|expr| argument(self.walk.circuit, expr)).collect();
        Some(model::Call { path: path.path.clone(), arguments, source: call.clone() })
    }

    fn barrier(&mut self, call: &'a ExprCall) {
        if call.args.is_empty() {
            let message = "`barrier` takes the qubits whose channels wait for each other";
            return self.walk.diagnostics.error(call, message);
        }
        match self.qubits(call, None) {
            Some(qubits) => self.clocks.align(&qubits),
            None => self.clocks.lose(),
        }
    }

    /// The qubits of a call by their text, where all of them can be told apart.
    fn qubits(&mut self, call: &ExprCall, wanted: Option<usize>) -> Option<Vec<String>> {
        let lowered = self.lowered(call)?;
        let name = source(&call.func);
        if let Some(wanted) = wanted.filter(|wanted| *wanted != call.args.len()) {
            let plural = if wanted == 1 { "" } else { "s" };
            let message = format!("`{name}` takes {wanted} qubit{plural}, found {}", call.args.len());
            self.walk.diagnostics.error(call, message);
            return None;
        }
        let mut qubits = Vec::new();
        let mut known = true;
        for argument in &lowered.arguments {
            let Some(operand) = &argument.operand else {
                known = false;
                self.operand(&name, &argument.expr);
                continue;
            };
            self.walk.range(argument, operand);
            let input = &self.walk.circuit.inputs[operand.input];
            match (&operand.place, &input.kind) {
                (Place::Whole, Kind::Qubit) => qubits.push(input.name.to_string()),
                (Place::At(index), _) => match fold(index) {
                    Some(index) => qubits.push(format!("{}[{index}]", input.name)),
                    None => known = false,
                },
                (Place::Whole, Kind::Register(size)) if wanted.is_none() => match size.literal() {
                    Some(width) => qubits.extend((0..width.min(64)).map(|k| format!("{}[{k}]", input.name))),
                    None => known = false,
                },
                (Place::Whole, Kind::Register(_)) => {
                    let message = format!("`{name}` takes one qubit, and `{}` is a register", input.name);
                    let help = format!("`{name}({}[0])`", input.name);
                    self.walk.diagnostics.error_help(&argument.expr, message, &help);
                    known = false;
                }
                _ => known = false,
            }
        }
        self.walk.distinct(&lowered);
        known.then_some(qubits)
    }

    /// What stands where a qubit is wanted and is none of the inputs.
    fn operand(&mut self, name: &str, expr: &Expr) {
        let quantum = self.walk.circuit.inputs.iter().filter(|input| input.is_quantum());
        let quantum: Vec<String> = quantum.map(|input| format!("`{}`", input.name)).collect();
        match super::root(expr) {
            Some(root) => {
                let is_bound = self.walk.frames.iter().any(|frame| frame.binds(&root.to_string()));
                let input = self.walk.circuit.input(root);
                let noun = self.walk.circuit.dialect.noun();
                if input.is_none() && !is_bound {
                    let message = format!("no qubit `{root}` in this {noun}; it has {}", quantum.join(", "));
                    self.walk.diagnostics.error(root, message);
                }
                self.other(expr);
            }
            None if matches!(expr, Expr::Lit(_)) => {
                let message = format!("`{name}` takes qubits, found `{}`", source(expr));
                let has = format!("this has {}", quantum.join(", "));
                self.walk.diagnostics.error_help(expr, message, &has);
            }
            None => self.other(expr),
        }
    }

    fn instruction(&mut self, call: &'a ExprCall, name: &str, operand: Operand) {
        let what = match operand {
            Operand::Waveform => "a waveform",
            Operand::Measured(quantity) => quantity.noun(),
        };
        if let Some(named) = call.args.iter().find(|argument| matches!(argument, Expr::Assign(_))) {
            let message = format!("`{name}` has no named arguments; it takes a channel and {what}");
            return self.walk.diagnostics.error(named, message);
        }
        let (Some(first), Some(second), 2) = (call.args.first(), call.args.last(), call.args.len()) else {
            let plural = if call.args.len() == 1 { "" } else { "s" };
            let found = call.args.len();
            let message = format!("`{name}` takes a channel and {what}, found {found} argument{plural}");
            return self.walk.diagnostics.error(call, message);
        };
        let line = self.channel(first, name);
        match operand {
            Operand::Waveform => {
                let duration = self.waveform(second, false);
                self.advance(line.as_ref(), duration);
            }
            Operand::Measured(Quantity::Duration) => {
                let time = self.duration(second);
                if let Some(time) = &time {
                    self.whole(second, time);
                    if Some(false) == super::Time::default().is_at_most(time) {
                        let message = match name {
                            "at" => format!("{} is before the beginning", source(second)),
                            name => format!("`{name}` cannot take a negative time"),
                        };
                        self.walk.diagnostics.error(second, message);
                        return;
                    }
                }
                if name == "at" {
                    self.at(line.as_ref(), second, time);
                } else {
                    self.advance(line.as_ref(), time);
                }
            }
            Operand::Measured(quantity) => {
                self.elements(second);
                if self.units(second, Some(quantity)) && name == "set_frequency" {
                    self.band(first, second);
                }
            }
        }
    }

    fn advance(&mut self, line: Option<&Line>, by: Option<super::Time>) {
        let Some(line) = line else { return self.clocks.lose() };
        let start = self.clocks.free(&line.text, &line.qubits);
        let end = start.zip(by).map(|(start, by)| start.plus(&by, 1.0));
        self.clocks.set(&line.text, &line.qubits, end);
    }

    /// Row 48: nothing starts while the channel is busy.
    fn at(&mut self, line: Option<&Line>, expr: &Expr, time: Option<super::Time>) {
        let Some(line) = line else { return self.clocks.lose() };
        if let (Some(busy), Some(time)) = (self.clocks.free(&line.text, &line.qubits), &time) {
            match busy.is_at_most(time) {
                Some(true) => {}
                Some(false) => {
                    self.walk.diagnostics.error(expr, format!("`{}` is busy until {busy}", line.text));
                }
                None => {
                    if let Some(device) = self.device.clone() {
                        let (busy, time) = (busy.in_samples(&device), time.in_samples(&device));
                        let message = Message::default().text(format!("`{}` is busy until ", line.text));
                        let message = message.number(&busy).text("dt, and this is ").number(&time);
                        let condition = parse_quote!((#busy) <= (#time) + 1e-6);
                        self.assert(condition, message.text("dt"), expr);
                    }
                }
            }
        }
        self.clocks.set(&line.text, &line.qubits, time);
    }

    /// Rows 49 and 50: the first argument of an instruction.
    fn channel(&mut self, expr: &Expr, instruction: &str) -> Option<Line> {
        let Expr::Call(call) = expr else {
            self.channel_value(expr, instruction);
            return None;
        };
        let name = callee(call).map(ToString::to_string).unwrap_or_default();
        let Some(width) = word::channel(&name) else {
            self.channel_value(expr, instruction);
            return None;
        };
        let waits = instruction == "delay" || instruction == "at";
        let refused = match (instruction, name.as_str()) {
            ("play", "acquire") => Some("cannot play on an acquisition channel".to_owned()),
            ("capture", "acquire") => None,
            ("capture", _) => Some(format!("cannot capture from `{}`, which plays", source(expr))),
            (_, "acquire") if !waits => Some("an acquisition channel has no frame".to_owned()),
            _ => None,
        };
        if let Some(message) = refused {
            let help = if instruction == "capture" { "`acquire(q)` listens" } else { "`readout(q)` plays" };
            self.walk.diagnostics.error_help(expr, message, help);
            return None;
        }
        let qubits = self.qubits(call, Some(width));
        if name == "control" {
            self.coupled(call);
        }
        qubits.map(|qubits| Line { text: source(expr), qubits })
    }

    /// A channel that is given by something else than its name.
    fn channel_value(&mut self, expr: &Expr, instruction: &str) {
        if let Expr::Lit(_) = expr {
            let message = format!("`{instruction}` takes a channel first, found `{}`", source(expr));
            self.walk.diagnostics.error_help(expr, message, "`drive(q)`");
            return;
        }
        let input = super::root(expr).and_then(|name| self.walk.circuit.input(name));
        if input.is_some_and(|(_, input)| input.is_quantum()) {
            let text = source(expr);
            let message = format!("`{instruction}` takes a channel first, and `{text}` is a qubit");
            self.walk.diagnostics.error_help(expr, message, &format!("`drive({text})`"));
            return;
        }
        self.other(expr);
    }

    /// Row 49: a control line needs a coupling. Qubits are numbered as on the device where they are in a register; single
    /// qubits are placed by who calls the program.
    fn coupled(&mut self, call: &ExprCall) {
        let (Some(device), Some(lowered)) = (self.device.clone(), self.lowered(call)) else { return };
        let [control, target] = lowered.arguments.as_slice() else { return };
        let (Some(a), Some(b)) = (&control.operand, &target.operand) else { return };
        let single = |operand: &model::Operand| self.walk.size(operand).is_none();
        if single(a) || single(b) {
            return;
        }
        let (Some(a), Some(b)) = (self.walk.place(a), self.walk.place(b)) else { return };
        let message = Message::default().text(format!("{} has no control line from ", source(&device)));
        let message = message.number(&a).text(" to ").number(&b);
        let condition = parse_quote!(::ketline::__private0_1::coupled::<#device>(#a, #b));
        self.walk.assert(condition, message, call.to_token_stream(), Tight::Anywhere);
    }

    /// Row 53: what a drive can send.
    fn band(&mut self, channel: &Expr, expr: &Expr) {
        let drives = matches!(channel, Expr::Call(call)
            if callee(call).is_some_and(|name| name == "drive" || name == "control"));
        let Some(device) = self.device.clone().filter(|_| drives) else { return };
        let value: Expr = match (frequency(expr), super::quantity::constant(expr)) {
            (Some(hertz), _) => parse_quote!(#hertz),
            (None, Some(constant)) => parse_quote!((#constant).in_hertz()),
            _ => return,
        };
        let message = Message::default()
            .text(source(expr))
            .text(" is outside the drive band ")
            .number(&parse_quote!(::ketline::__private0_1::band::<#device>().0))
            .text("-")
            .number(&parse_quote!(::ketline::__private0_1::band::<#device>().1))
            .text("GHz");
        let condition = parse_quote!(::ketline::__private0_1::in_band::<#device>(#value));
        self.assert(condition, message, expr);
    }
}
