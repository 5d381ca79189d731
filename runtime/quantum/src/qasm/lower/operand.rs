//! Operands: qubits, and places for outcomes.

use super::super::diagnostic::{Fault, Located, Span};
use super::super::syntax::{Expression, ExpressionKind};
use super::scope::{Cell, Symbol};
use super::value::{Bit, Value};
use super::{Lowering, undefined};
use crate::Instruction;

/// The bits that a measurement or an assignment writes.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) name: &'a str,
    pub(super) places: Vec<usize>,
    pub(super) single: bool,
    pub(super) span: Span,
}

impl<'a> Lowering<'a> {
    /// The qubits of an operand, and whether it is a single one.
    pub(super) fn qubits(&mut self, operand: &Expression<'a>) -> Result<(Vec<usize>, bool), Located> {
        match self.value(operand)? {
            Value::Qubits { list, single } => Ok((list, single)),
            other => Err(Fault::mismatch(other.describe(), "a qubit").at(operand.span)),
        }
    }

    /// The qubits of several operands, each once.
    pub(super) fn all_qubits(&mut self, operands: &[Expression<'a>]) -> Result<Vec<usize>, Located> {
        let mut all = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for operand in operands {
            let (qubits, _) = self.qubits(operand)?;
            all.extend(qubits.into_iter().filter(|qubit| seen.insert(*qubit)));
        }
        if operands.is_empty() {
            all.extend(0..self.circuit.width());
        }
        Ok(all)
    }

    /// The bits that an expression names.
    pub(super) fn target(&mut self, expression: &Expression<'a>) -> Result<Target<'a>, Located> {
        let span = expression.span;
        let (name, item) = match &expression.kind {
            ExpressionKind::Name(name) => (*name, None),
            ExpressionKind::Index(inner, items) => match (&inner.kind, items.as_slice()) {
                (ExpressionKind::Name(name), [item]) => (*name, Some(item)),
                _ => return Err(Fault::mismatch(self.quote(span), "a bit").at(span)),
            },
            _ => return Err(Fault::mismatch(self.quote(span), "a bit").at(span)),
        };
        let (len, one) = match self.scopes.get(name) {
            Some(Symbol::Bits { cells, single, .. }) => (cells.len(), *single),
            Some(Symbol::Number { .. }) => {
                let reason =
                    "what a program computes from outcomes is not known to a circuit; measure into bits";
                return Err(Fault::unsupported(self.quote(span), reason).at(span));
            }
            Some(_) => return Err(Fault::mismatch(self.quote(span), "a bit").at(span)),
            None => return Err(undefined("bit", name, span)),
        };
        let (places, single) = match item {
            None => ((0..len).collect(), one),
            Some(_) if one => return Err(Fault::mismatch("a bit", "a register").at(span)),
            Some(item) => self.places(item, len, Span::new(span.start, span.start + name.len()))?,
        };
        Ok(Target { name, places, single, span })
    }

    /// Measures qubits into new slots or those of `target`.
    pub(super) fn measure(
        &mut self,
        source: &Expression<'a>,
        target: Option<&Target<'a>>,
    ) -> Result<Vec<Bit>, Located> {
        let span = source.span;
        if self.unitary > 0 {
            return Err(Fault::unsupported("`measure`", "a gate consists of gates").at(span));
        }
        let (qubits, _) = self.qubits(source)?;
        if let Some(target) = target
            && target.places.len() != qubits.len()
        {
            let expected = format!("{} bits to measure {} qubits into", qubits.len(), qubits.len());
            return Err(Fault::mismatch(format!("{} bits", target.places.len()), expected).at(target.span));
        }
        let mut bits = Vec::with_capacity(qubits.len());
        for (at, qubit) in qubits.into_iter().enumerate() {
            let slot = match target {
                Some(target) => self.slot_of(target, target.places[at])?,
                None => self.new_slot(span)?,
            };
            self.slots[slot].written = true;
            self.push(Instruction::Measure { qubit, bit: slot, confusion: None }, span)?;
            bits.push(Bit::Slot(slot));
        }
        Ok(bits)
    }

    pub(super) fn new_slot(&mut self, span: Span) -> Result<usize, Located> {
        if self.slots.len() >= self.limits.bits {
            return Err(Fault::Limit { what: "bits", limit: self.limits.bits }.at(span));
        }
        self.slots.push(super::Slot::default());
        Ok(self.slots.len() - 1)
    }

    /// The slot that an outcome for a bit goes to, so that no other variable's outcome is lost.
    fn slot_of(&mut self, target: &Target<'a>, place: usize) -> Result<usize, Located> {
        let (cell, local) = match self.scopes.get(target.name) {
            Some(Symbol::Bits { cells, branch, .. }) => (cells[place], *branch == self.branch),
            _ => return Err(undefined("bit", target.name, target.span)),
        };
        let slot = match cell.bit {
            Bit::Slot(slot) if !self.slots[slot].shared => slot,
            Bit::Known(value) if cell.home.is_some_and(|home| !self.slots[home].shared) => {
                let home = cell.home.unwrap_or_default();
                // where the condition fails the slot must read what the bit was
                if !local && (value || self.slots[home].written) {
                    return Err(self.lost(target.span));
                }
                home
            }
            Bit::Known(false) => self.new_slot(target.span)?,
            _ if !local => return Err(self.lost(target.span)),
            _ => self.new_slot(target.span)?,
        };
        if let Some(Symbol::Bits { cells, .. }) = self.scopes.get_mut(target.name) {
            cells[place].bit = Bit::Slot(slot);
        }
        Ok(slot)
    }

    fn lost(&self, span: Span) -> Located {
        let reason =
            "under a condition on an outcome a circuit changes a bit only by measuring into where it is";
        Fault::unsupported(self.quote(span), reason).at(span)
    }

    /// Gives bits other values: known ones, or outcomes that are in slots.
    pub(super) fn assign_bits(
        &mut self,
        target: &Target<'a>,
        value: &Value,
        span: Span,
    ) -> Result<(), Located> {
        let bits = match value {
            Value::Bit(bit) => vec![*bit],
            Value::Bool(value) => vec![Bit::Known(*value)],
            Value::Bits { bits, signed: None } => bits.clone(),
            Value::Int(value @ (0 | 1)) if target.single => vec![Bit::Known(*value == 1)],
            Value::Int(value) if *value >= 0 => {
                (0..target.places.len()).map(|at| Bit::Known(at < 63 && value >> at & 1 == 1)).collect()
            }
            other => return Err(Fault::mismatch(other.describe(), "bits").at(span)),
        };
        if bits.len() != target.places.len() {
            let expected = format!("{} bits", target.places.len());
            return Err(Fault::mismatch(format!("{} bits", bits.len()), expected).at(span));
        }
        let local = match self.scopes.get(target.name) {
            Some(Symbol::Bits { branch, .. }) => *branch == self.branch,
            _ => false,
        };
        if !local {
            return Err(self.lost(target.span));
        }
        for bit in &bits {
            if let Bit::Slot(slot) = bit {
                self.slots[*slot].shared = true;
            }
        }
        if let Some(Symbol::Bits { cells, .. }) = self.scopes.get_mut(target.name) {
            for (place, bit) in target.places.iter().zip(bits) {
                cells[*place].bit = bit;
            }
        }
        Ok(())
    }

    /// Bits that are 0 and have slots of their own.
    pub(super) fn new_bits(&mut self, count: usize, span: Span) -> Result<Vec<Cell>, Located> {
        self.spend(count / 8, span)?;
        (0..count)
            .map(|_| self.new_slot(span).map(|home| Cell { bit: Bit::Known(false), home: Some(home) }))
            .collect()
    }
}
