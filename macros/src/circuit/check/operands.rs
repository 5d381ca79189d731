//! Qubits of a call: in range, distinct, paired, coupled.

use proc_macro2::Ident;
use syn::{Expr, ExprRange, parse_quote};

use super::Walk;
use crate::circuit::model::{Argument, Call, Kind, Operand, Place, Size};
use crate::diag::source;
use crate::index::{fold, linear, names};
use crate::replay::{Frame, Message, Tight, edge_counter, is_constant};

impl<'a> Walk<'a> {
    pub(crate) fn size(&self, operand: &Operand) -> Option<&'a Size> {
        match &self.circuit.inputs[operand.input].kind {
            Kind::Register(size) => Some(size),
            _ => None,
        }
    }

    fn name(&self, operand: &Operand) -> &'a Ident {
        &self.circuit.inputs[operand.input].name
    }

    /// Rows 1, 2, 3 and the first half of 6: an index beyond its register.
    pub(crate) fn range(&mut self, argument: &Argument, operand: &Operand) {
        let name = self.name(operand);
        let Some(size) = self.size(operand) else {
            if !matches!(operand.place, Place::Whole) {
                self.diagnostics.error_help(
                    &argument.expr,
                    format!("`{name}` is one qubit, so it has no index"),
                    &format!("write `{name}`"),
                );
            }
            return;
        };
        match &operand.place {
            Place::Whole => {}
            Place::At(index) => self.index(&argument.expr, name, index, size),
            Place::Part(range) => self.part(name, range, size),
        }
    }

    pub(super) fn index(&mut self, argument: &Expr, name: &Ident, index: &Expr, size: &Size) {
        match (fold(index), size.literal()) {
            (Some(value), _) if value < 0 => {
                self.diagnostics
                    .error(index, format!("qubit index {value} is out of range: qubits count from 0"));
            }
            (Some(value), Some(width)) if value >= width => {
                let qubits = qubits(width);
                self.diagnostics
                    .error(index, format!("qubit index {value} is out of range: `{name}` has {qubits}"));
            }
            (Some(_), Some(_)) => {}
            _ if is_constant(index, &self.frames, &self.generics) => {
                let width = &size.expr;
                let condition = parse_quote!((#index) < (#width));
                let tight = Tight::of(index);
                if self.is_edge(index) {
                    let message = Message::default().text("edge ").number(&edge_counter());
                    let message = message.text(" of this graph names vertex ").number(index);
                    self.assert(condition, message.text(" of ").number(width), argument, tight);
                } else {
                    let message = self.out_of_range(name, index, size);
                    self.assert(condition, message, index, tight);
                }
            }
            _ => {}
        }
    }

    fn out_of_range(&self, name: &Ident, index: &Expr, size: &Size) -> Message {
        let (text, width, varies) = (source(index), &size.expr, self.varies(index));
        let mut message = Message::default();
        message = if varies {
            message.text(format!("`{name}[{text}]` reaches index ")).number(index).text(", but")
        } else {
            let text = if fold(index).is_some() { text.clone() } else { format!("`{text}`") };
            message.text(format!("qubit index {text} is out of range:"))
        };
        message = message.text(format!(" `{name}` has ")).size(width).text(" qubits");
        if let Some(range) = self.shorter_range(index, size) {
            message.text(format!("\nhelp: loop over `{range}`"))
        } else if !varies && fold(index).is_none() {
            let help = format!("\nhelp: `{text}` is ");
            message
                .text(help)
                .number(index)
                .text(", and the last index is ")
                .number(&parse_quote!((#width) - 1))
        } else {
            message
        }
    }

    /// The range that `q[i + 2]` wants where `i` runs over all of `q`.
    fn shorter_range(&self, index: &Expr, size: &Size) -> Option<String> {
        let linear = linear(index)?;
        let (variable, 1) = linear.terms.iter().next().filter(|_| linear.terms.len() == 1)? else {
            return None;
        };
        let frame = self.frames.iter().rev().find(|frame| frame.binds(variable))?;
        let Frame::Range { range, step: None, .. } = frame else { return None };
        let (start, end) = (range.start.as_ref()?, range.end.as_ref()?);
        let half_open = matches!(range.limits, syn::RangeLimits::HalfOpen(_));
        let whole = source(end) == source(&size.expr) || (fold(end).is_some() && fold(end) == size.literal());
        if !whole || !half_open || linear.constant < 1 {
            return None;
        }
        let end = match fold(end) {
            Some(value) => value.checked_sub(linear.constant)?.to_string(),
            None => format!("{} - {}", source(end), linear.constant),
        };
        Some(format!("{}..{end}", source(start)))
    }

    fn part(&mut self, name: &Ident, range: &ExprRange, size: &Size) {
        let Some(end) = &range.end else { return };
        let text = source(range);
        let closed = i128::from(matches!(range.limits, syn::RangeLimits::Closed(_)));
        let start = range.start.as_ref().map_or(Some(0), |start| fold(start));
        if let (Some(first), Some(last)) = (start, fold(end))
            && first >= last.saturating_add(closed)
        {
            self.diagnostics.error(range, format!("`{name}[{text}]` holds no qubit"));
            return;
        }
        match (fold(end), size.literal()) {
            (Some(last), Some(width)) if last.saturating_add(closed) > width => {
                let qubits = qubits(width);
                self.diagnostics
                    .error(range, format!("`{name}[{text}]` is out of range: `{name}` has {qubits}"));
            }
            (Some(_), Some(_)) => {}
            _ if is_constant(end, &self.frames, &self.generics) => {
                let width = &size.expr;
                let condition = if closed == 0 {
                    parse_quote!((#end) <= (#width))
                } else {
                    parse_quote!((#end) < (#width))
                };
                let message =
                    Message::default().text(format!("`{name}[{text}]` is out of range: `{name}` has "));
                self.assert(condition, message.size(width).text(" qubits"), end, Tight::of(end));
            }
            _ => {}
        }
    }

    /// Does the index come from an edge of a constant graph?
    fn is_edge(&self, index: &Expr) -> bool {
        names(index).iter().any(|name| {
            let name = name.to_string();
            matches!(self.frames.iter().rev().find(|frame| frame.binds(&name)), Some(Frame::Slice { .. }))
        })
    }

    /// Rows 4, 5, 27 and the second half of 6: one qubit as two operands.
    pub(crate) fn distinct(&mut self, call: &Call) {
        let operands: Vec<_> = call.operands().collect();
        for (at, (argument, operand)) in operands.iter().enumerate() {
            for (_, before) in &operands[..at] {
                let label = source(&call.path);
                if self.pair(
                    Rule::Operands { call: &label, count: operands.len() },
                    before,
                    argument,
                    operand,
                ) {
                    break;
                }
            }
            if call.is("measure") || call.is("reset") || call.is("barrier") {
                continue;
            }
            for control in self.controls.clone() {
                if let Some(before) = &control.operand
                    && self.pair(Rule::Control, before, argument, operand)
                {
                    break;
                }
            }
        }
    }

    /// `control(q[0], control(q[0], ..))`.
    pub(super) fn nested_control(&mut self, control: &Argument) {
        let Some(operand) = &control.operand else { return };
        for before in self.controls.clone() {
            if let Some(before) = &before.operand
                && self.pair(Rule::Control, before, control, operand)
            {
                break;
            }
        }
    }

    /// Compares two operands; true if a mistake was reported.
    fn pair(&mut self, rule: Rule<'_>, before: &Operand, argument: &Argument, operand: &Operand) -> bool {
        if before.input != operand.input {
            return false;
        }
        let name = self.name(operand);
        let text = source(&argument.expr);
        match (&before.place, &operand.place) {
            (Place::At(first), Place::At(second)) => {
                self.same_index(rule, name, (first, second), argument, operand)
            }
            (Place::Whole, Place::Whole) => self.overlap(rule, argument, &format!("`{name}`")),
            (Place::Whole, _) => self.overlap(rule, argument, &text),
            (Place::At(index), Place::Whole) => {
                self.overlap(rule, argument, &format!("{name}[{}]", source(index)))
            }
            (Place::Part(first), Place::Part(second)) if source(first) == source(second) => {
                self.overlap(rule, argument, &text)
            }
            (Place::Part(range), Place::Whole) => {
                self.overlap(rule, argument, &format!("{name}[{}]", source(range)))
            }
            (Place::Part(range), Place::At(index)) | (Place::At(index), Place::Part(range)) => {
                let inside = fold(index).is_some_and(|index| holds(range, index));
                inside && self.overlap(rule, argument, &format!("{name}[{}]", source(index)))
            }
            (Place::Part(_), Place::Part(_)) => false,
        }
    }

    fn overlap(&mut self, rule: Rule<'_>, argument: &Argument, qubit: &str) -> bool {
        self.diagnostics.error(&argument.expr, rule.message(qubit));
        true
    }

    fn same_index(
        &mut self,
        rule: Rule<'_>,
        name: &Ident,
        (first, second): (&Expr, &Expr),
        argument: &Argument,
        operand: &Operand,
    ) -> bool {
        match (linear(first), linear(second)) {
            (Some(first), Some(second)) if first.distance(&second) == Some(0) => {
                let Place::At(index) = &operand.place else { return false };
                let index = fold(index).map_or_else(|| source(index), |value| value.to_string());
                return self.overlap(rule, argument, &format!("{name}[{index}]"));
            }
            (Some(first), Some(second)) if first.distance(&second).is_some() => return false,
            _ if source(first) == source(second) => {
                return self.overlap(rule, argument, &format!("{name}[{}]", source(first)));
            }
            _ => {}
        }
        let constant = |expr| is_constant(expr, &self.frames, &self.generics);
        if !constant(first) || !constant(second) {
            return false;
        }
        let message = if self.is_edge(first) && self.is_edge(second) {
            Message::default()
                .text("edge ")
                .number(&edge_counter())
                .text(" of this graph joins a vertex to itself")
        } else {
            let (before, after) = rule.around(name);
            let message = Message::default().text(before).number(first).text(after);
            match self.size(operand).filter(|size| size.literal().is_none()) {
                Some(size) => message.text(" when ").size(&size.expr),
                None => self.loop_values(&[first, second], message),
            }
        };
        self.assert(parse_quote!((#first) != (#second)), message, &argument.expr, Tight::Anywhere);
        false
    }

    /// ` when i = 0 and j = 0`.
    fn loop_values(&self, exprs: &[&Expr], mut message: Message) -> Message {
        let mut seen: Vec<&Ident> = Vec::new();
        for name in exprs.iter().flat_map(|expr| names(expr)) {
            let bound = self.frames.iter().rev().find(|frame| frame.binds(&name.to_string()));
            if matches!(bound, Some(Frame::Range { .. })) && !seen.contains(&name) {
                let link = if seen.is_empty() { "when" } else { "and" };
                message = message.text(format!(" {link} {name} = ")).number(&parse_quote!(#name));
                seen.push(name);
            }
        }
        message
    }

    /// Row 14: registers of a gate are taken qubit by qubit.
    pub(super) fn paired(&mut self, call: &Call, gate: Option<(usize, usize)>) {
        if gate.is_none_or(|(_, operands)| operands < 2) {
            return;
        }
        let registers: Vec<_> = call
            .operands()
            .filter_map(|(argument, operand)| Some((argument, self.width(operand)?)))
            .collect();
        let Some(((first, wanted), rest)) = registers.split_first() else { return };
        let gate = source(&call.path);
        for (argument, found) in rest {
            let (first, second) = (source(&first.expr), source(&argument.expr));
            let start = format!("`{gate}` pairs two registers qubit by qubit, but `{first}` has ");
            match (wanted.literal(), found.literal()) {
                (Some(wanted), Some(found)) => {
                    if wanted != found {
                        self.diagnostics
                            .error(&argument.expr, format!("{start}{wanted} and `{second}` has {found}"));
                    }
                }
                _ if source(&wanted.expr) == source(&found.expr) => {}
                _ => {
                    let (left, right) = (&wanted.expr, &found.expr);
                    let message = Message::default().text(start).size(left);
                    let message = message.text(format!(" and `{second}` has ")).size(right);
                    self.assert(parse_quote!((#left) == (#right)), message, &argument.expr, Tight::Anywhere);
                }
            }
        }
    }

    /// The number of qubits of a register operand, where it is constant.
    pub(super) fn width(&self, operand: &Operand) -> Option<Size> {
        let size = self.size(operand)?;
        match &operand.place {
            Place::Whole => Some(size.clone()),
            Place::At(_) => None,
            Place::Part(range) => {
                let start = range.start.as_ref().map_or(Some(0), |start| fold(start))?;
                let end = range.end.as_ref().map_or_else(|| size.literal(), |end| fold(end))?;
                let closed =
                    i128::from(range.end.is_some() && matches!(range.limits, syn::RangeLimits::Closed(_)));
                let width = proc_macro2::Literal::i128_unsuffixed(
                    end.checked_sub(start)?.checked_add(closed).filter(|width| *width > 0)?,
                );
                Some(Size { expr: syn::parse_quote!(#width) })
            }
        }
    }
}

/// Which rule forbids that two operands are one qubit.
#[derive(Clone, Copy)]
enum Rule<'a> {
    Operands { call: &'a str, count: usize },
    Control,
}

impl Rule<'_> {
    fn message(self, qubit: &str) -> String {
        match self {
            Self::Operands { call, count: 2 } => {
                format!("`{call}` needs two distinct qubits, but both are {qubit}")
            }
            Self::Operands { call, count } => {
                format!("`{call}` needs {} distinct qubits, but two of them are {qubit}", number(count))
            }
            Self::Control => format!("`{}` is both control and target", qubit.trim_matches('`')),
        }
    }

    /// The message around an index that is still to be computed.
    fn around(self, name: &Ident) -> (String, String) {
        let message = self.message(&format!("{name}[?]"));
        let (before, after) = message.split_once('?').unwrap_or((&message, ""));
        (before.to_owned(), after.to_owned())
    }
}

fn number(count: usize) -> String {
    match count {
        3 => "three".into(),
        4 => "four".into(),
        count => count.to_string(),
    }
}

fn qubits(width: i128) -> String {
    if width == 1 { "1 qubit".into() } else { format!("{width} qubits") }
}

fn holds(range: &ExprRange, index: i128) -> bool {
    let start = range.start.as_ref().map_or(Some(0), |start| fold(start));
    let end = range.end.as_ref().map_or(Some(i128::MAX), |end| fold(end));
    match (start, end, &range.limits) {
        (Some(start), Some(end), syn::RangeLimits::HalfOpen(_)) => (start..end).contains(&index),
        (Some(start), Some(end), syn::RangeLimits::Closed(_)) => (start..=end).contains(&index),
        _ => false,
    }
}
