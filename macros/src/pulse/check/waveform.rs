//! Waveforms: their arguments by name, and what these may be.

use std::collections::BTreeMap;

use syn::{BinOp, Expr, ExprCall, parse_quote};

use super::super::clock::Time;
use super::super::model::callee;
use super::super::word::{self, Argument, SAMPLED};
use super::Check;
use super::quantity::{constant, plain};
use crate::circuit::model::root;
use crate::diag::source;
use crate::replay::Message;
use crate::unit::Quantity;

impl Check<'_, '_> {
    /// A waveform, possibly negated or scaled; its duration where that is known.
    pub(super) fn waveform(&mut self, expr: &Expr, is_scaled: bool) -> Option<Time> {
        match expr {
            Expr::Call(call) if callee(call).is_some_and(|name| word::is_waveform(&name.to_string())) => {
                self.constructor(call, is_scaled)
            }
            Expr::Paren(inner) => self.waveform(&inner.expr, is_scaled),
            Expr::Group(inner) => self.waveform(&inner.expr, is_scaled),
            Expr::Unary(unary) => self.waveform(&unary.expr, is_scaled),
            Expr::Binary(binary) if matches!(binary.op, BinOp::Mul(_) | BinOp::Div(_)) => {
                let (waveform, factor) = if self.is_waveform(&binary.left) {
                    (&binary.left, &binary.right)
                } else {
                    (&binary.right, &binary.left)
                };
                self.number(factor);
                self.waveform(waveform, true)
            }
            Expr::Path(_) => {
                root(expr).and_then(|name| self.waveforms.get(&name.to_string()).cloned().flatten())
            }
            Expr::Lit(_) => {
                let message = format!("expected a waveform, found `{}`", source(expr));
                self.walk.diagnostics.error_help(
                    expr,
                    message,
                    "`drag(duration = 160ns, sigma = 40ns, amp = 0.2, beta = -1.0)`",
                );
                None
            }
            other => {
                self.other(other);
                None
            }
        }
    }

    /// A call with named arguments that is no waveform; ordinary functions have none.
    pub(super) fn unknown_waveform(&mut self, expr: &Expr) -> bool {
        let Expr::Call(call) = expr else { return false };
        let is_named = call.args.iter().any(|argument| matches!(argument, Expr::Assign(_)));
        let Some(name) = callee(call).filter(|_| is_named) else { return false };
        let name = name.to_string();
        if word::is_waveform(&name) {
            return false;
        }
        let mut known: Vec<&str> = word::WAVEFORMS.iter().map(|(name, _)| *name).collect();
        known.push(SAMPLED);
        let help = word::similar(&name, known.iter().copied())
            .map_or_else(|| format!("there are {}", list(&known)), |near| format!("`{near}`"));
        self.walk.diagnostics.error_help(&call.func, format!("no waveform `{name}`"), &help);
        true
    }

    /// Rows 39 and 42 to 47.
    fn constructor(&mut self, call: &ExprCall, is_scaled: bool) -> Option<Time> {
        let name = callee(call)?.to_string();
        let wanted = arguments(&name);
        let mut given: BTreeMap<&'static str, &Expr> = BTreeMap::new();
        for argument in &call.args {
            let Expr::Assign(named) = argument else {
                let help = format!("`{name}` takes {}", list(&wanted));
                let message = "an argument of a waveform has a name, such as `duration = 160ns`";
                self.walk.diagnostics.error_help(argument, message, &help);
                return None;
            };
            let label = source(&named.left);
            let Some(known) = wanted.iter().find(|known| **known == label) else {
                let message = format!("`{name}` has no argument `{label}`");
                let help = word::similar(&label, wanted.iter().copied())
                    .map_or_else(|| format!("it has {}", list(&wanted)), |near| format!("`{near}`"));
                self.walk.diagnostics.error_help(&named.left, message, &help);
                return None;
            };
            if given.insert(known, &named.right).is_some() {
                self.walk.diagnostics.error(&named.left, format!("`{label}` is given twice"));
                return None;
            }
        }
        if let (Some(_), Some(rise)) = (given.get("width"), given.get("rise")) {
            self.walk.diagnostics.error(rise, "`width` and `rise` say the same; give one of them");
            return None;
        }
        let is_optional = |argument: &str| argument == "phase" || argument == "rise";
        for missing in wanted.iter().filter(|wanted| !is_optional(wanted) && !given.contains_key(**wanted)) {
            if *missing == "width" && given.contains_key("rise") {
                continue;
            }
            self.walk.diagnostics.error(&call.func, format!("`{name}` needs `{missing}`"));
            return None;
        }
        if let Some(phase) = given.get("phase") {
            self.elements(phase);
            self.units(phase, Some(Quantity::Angle));
        }
        if let Some(samples) = given.get("samples") {
            self.other(samples);
        }
        if let Some(amp) = given.get("amp") {
            self.amplitude(amp, is_scaled);
        }
        let duration = given.get("duration").and_then(|expr| self.pulse_length(expr));
        for (argument, expr) in &given {
            match word::waveform(&name).and_then(|all| all.iter().find(|(known, _)| known == argument)) {
                Some((_, Argument::Number)) => _ = self.number(expr),
                Some((_, Argument::Positive)) => _ = self.positive(argument, expr),
                Some((_, Argument::Within)) => self.within(expr, duration.as_ref(), given.get("duration")),
                None if *argument == "rise" => _ = self.duration(expr),
                None => {}
            }
        }
        duration
    }

    /// Rows 39, 41, 44 and the electronics of the device.
    fn pulse_length(&mut self, expr: &Expr) -> Option<Time> {
        let time = self.positive("duration", expr)?;
        self.whole(expr, &time);
        if let Some(device) = self.device.clone() {
            let samples = time.in_samples(&device);
            let timing: Expr = parse_quote!(<#device as ::ketline::quantum::pulse::PulseDevice>::TIMING);
            let (least, step) = (parse_quote!(#timing.min_length), parse_quote!(#timing.granularity));
            let message = Message::default().text(format!("a pulse of {} lasts at least ", source(&device)));
            let message = message.number(&least).text(" samples and a multiple of ").number(&step);
            let message = message.text(format!(", and {} is ", source(expr))).number(&samples);
            let condition = parse_quote!(::ketline::__private0_1::playable::<#device>(#samples));
            self.assert(condition, message, expr);
        }
        Some(time)
    }

    /// Row 44.
    fn positive(&mut self, argument: &str, expr: &Expr) -> Option<Time> {
        let time = self.duration(expr)?;
        if time.is_positive() == Some(false) {
            self.walk.diagnostics.error(expr, format!("a pulse needs a positive `{argument}`"));
            return None;
        }
        Some(time)
    }

    /// Row 45.
    fn within(&mut self, expr: &Expr, duration: Option<&Time>, whole: Option<&&Expr>) {
        let (Some(width), Some(duration), Some(whole)) = (self.duration(expr), duration, whole) else {
            return;
        };
        if width.is_at_most(&Time::default()) == Some(true) && width.is_positive() == Some(false) {
            let zero = Time::default().is_at_most(&width) == Some(true);
            if !zero {
                self.walk.diagnostics.error(expr, "the flat top cannot be shorter than nothing");
                return;
            }
        }
        let (top, pulse) = (source(expr), source(whole));
        match width.is_at_most(duration) {
            Some(true) => {}
            Some(false) => {
                let message = format!("the flat top ({top}) is longer than the pulse ({pulse})");
                self.walk.diagnostics.error(expr, message);
            }
            None => {
                let Some(device) = self.device.clone() else { return };
                let (width, duration) = (width.in_samples(&device), duration.in_samples(&device));
                let message = Message::default()
                    .text(format!("the flat top ({top}, "))
                    .number(&width)
                    .text(format!(" samples) is longer than the pulse ({pulse}, "))
                    .number(&duration)
                    .text(" samples)");
                self.assert(parse_quote!((#width) <= (#duration) + 1e-6), message, expr);
            }
        }
    }

    /// Row 42.
    fn amplitude(&mut self, expr: &Expr, is_scaled: bool) {
        if !self.number(expr) || is_scaled {
            return;
        }
        match (&self.device.clone(), plain(expr), constant(expr)) {
            (None, Some(value), _) if value.abs() > 1.0 => {
                let message = format!("amplitude {} is above 1, the full output of a device", source(expr));
                self.walk.diagnostics.error(expr, message);
            }
            (Some(device), _, Some(value)) => {
                let limit: Expr =
                    parse_quote!(<#device as ::ketline::quantum::pulse::PulseDevice>::AMPLITUDE);
                let message = Message::default().text("amplitude ").number(&value);
                let message = message.text(" is above the device limit of ").number(&limit);
                self.assert(
                    parse_quote!(::ketline::__private0_1::at_most((#value), (#limit))),
                    message,
                    expr,
                );
            }
            _ => {}
        }
    }
}

/// The names of the arguments of a waveform, in the order of messages.
fn arguments(waveform: &str) -> Vec<&'static str> {
    if waveform == SAMPLED {
        return vec!["samples", "phase"];
    }
    let own = word::waveform(waveform).unwrap_or_default();
    let mut all: Vec<&'static str> = vec!["duration", "amp"];
    all.extend(own.iter().map(|(name, _)| *name));
    if waveform == "gaussian_square" {
        all.push("rise");
    }
    all.push("phase");
    all
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
