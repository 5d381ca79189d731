//! Statements to a circuit: names are looked up, constants computed, definitions and loops expanded.
//!
//! Everything that is known while the circuit is built is computed: constants, loop variables, classical variables. Only
//! inputs stay symbolic, as affine angles, and only measured bits stay open, as slots of the circuit that `if` can ask.

mod classical;
mod condition;
mod expression;
mod function;
mod gate;
mod index;
mod library;
mod modifier;
mod operand;
mod outcome;
mod scope;
mod statement;
mod unitary;
mod value;

use std::collections::HashMap;

use super::diagnostic::{Fault, Located, Span};
use super::lexer::{Kind, Lexer};
use super::parse::Parser;
use super::syntax::TypeKind;
use super::{Limits, Version};
use crate::{Circuit, Instruction};
use scope::{Scopes, Symbol};
use value::{Bit, Value};

/// What running a statement leads to.
#[derive(Debug)]
enum Flow {
    Next,
    Break,
    Continue,
    Return(Option<Value>),
}

/// A slot of the circuit for the outcome of a measurement.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// Whether something measures into it.
    written: bool,
    /// Whether more than one variable has its outcome, so that no other may be written over it.
    shared: bool,
}

#[derive(Debug)]
struct Lowering<'a> {
    text: &'a str,
    version: Version,
    limits: Limits,
    circuit: Circuit,
    scopes: Scopes<'a>,
    slots: Vec<Slot>,
    /// Registers of bits in the global scope, and those declared as output, in order.
    registers: Vec<&'a str>,
    outputs: Vec<&'a str>,
    /// The steps of the block that is being lowered.
    steps: Vec<Instruction>,
    /// Outcomes that are taken for granted while a condition is taken apart.
    assumed: HashMap<usize, bool>,
    /// Conditions on outcomes around this place.
    branch: usize,
    /// Gates and blocks that are being expanded.
    depth: usize,
    /// Gate bodies that are being expanded.
    unitary: usize,
    /// Gates defined so far, and the number of the innermost one that is being expanded.
    gates: usize,
    newest: usize,
    /// Whether the text names physical qubits.
    physical: bool,
    work: usize,
    made: usize,
    operands: usize,
}

/// Reads a text as a circuit.
pub(super) fn lower(text: &str, limits: &Limits) -> Result<Circuit, Located> {
    let mut parser = Parser::new(text, limits)?;
    let mut lowering = Lowering {
        text,
        version: parser.version(),
        limits: *limits,
        circuit: Circuit::default(),
        scopes: Scopes::new(),
        slots: Vec::new(),
        registers: Vec::new(),
        outputs: Vec::new(),
        steps: Vec::new(),
        assumed: HashMap::new(),
        branch: 0,
        depth: 0,
        unitary: 0,
        gates: 0,
        newest: usize::MAX,
        physical: false,
        work: 0,
        made: 0,
        operands: 0,
    };
    lowering.count_physical()?;
    let mut span = Span::default();
    while let Some(statement) = parser.statement()? {
        span = statement.span;
        if !matches!(lowering.execute(&statement)?, Flow::Next) {
            let reason = "it stands in no loop and no subroutine";
            return Err(Fault::unsupported("leaving a block", reason).at(statement.span));
        }
    }
    lowering.finish(span)
}

impl Lowering<'_> {
    /// Makes as many qubits as the text has physical ones.
    fn count_physical(&mut self) -> Result<(), Located> {
        if !self.text.contains('$') {
            return Ok(());
        }
        let mut lexer = Lexer::new(self.text);
        let (mut width, mut widest) = (0, Span::default());
        // what is no token is reported where it is parsed
        while let Ok(token) = lexer.next() {
            match token.kind {
                Kind::End => break,
                Kind::Physical => {
                    let number: usize = lexer.slice(token.span)[1..].parse().unwrap_or(usize::MAX);
                    if number >= self.limits.qubits {
                        return Err(Fault::Limit { what: "qubits", limit: self.limits.qubits }.at(token.span));
                    }
                    if number >= width {
                        (width, widest) = (number + 1, token.span);
                    }
                }
                _ => {}
            }
        }
        self.physical = width > 0;
        self.circuit = Circuit::new(width).map_err(|error| Fault::Step(Box::new(error)).at(widest))?;
        Ok(())
    }

    /// The circuit of all steps.
    fn finish(mut self, span: Span) -> Result<Circuit, Located> {
        let refused = |error| Fault::Step(Box::new(error)).at(span);
        let declared = !self.outputs.is_empty();
        let names = if self.outputs.is_empty() { &self.registers } else { &self.outputs };
        let mut outputs = Vec::new();
        for name in names {
            if let Some(Symbol::Bits { cells, .. }) = self.scopes.global(name) {
                for cell in cells {
                    match (cell.bit, cell.home) {
                        (Bit::Slot(slot), _) => outputs.push(slot),
                        // a slot that nothing writes reads 0, as the bit does
                        (Bit::Known(false), Some(home)) if !self.slots[home].written => outputs.push(home),
                        (Bit::Known(false), _) if declared => {
                            outputs.push(self.slots.len());
                            self.slots.push(Slot::default());
                        }
                        (Bit::Known(_), _) if declared => {
                            let reason = "a circuit returns outcomes, and what nothing has measured is 0";
                            return Err(Fault::unsupported(format!("`{name}`, which is 1"), reason).at(span));
                        }
                        // a constant is no outcome
                        (Bit::Known(_), _) => {}
                    }
                }
            }
        }
        self.circuit.declare_bits(self.slots.len()).map_err(refused)?;
        for step in std::mem::take(&mut self.steps) {
            self.circuit.push(step).map_err(refused)?;
        }
        // all bits in their order are what a circuit returns without being told
        if outputs.len() != self.slots.len() || outputs.iter().enumerate().any(|(at, slot)| at != *slot) {
            self.circuit.set_outputs(outputs).map_err(refused)?;
        }
        Ok(self.circuit)
    }

    /// Counts work, so that a short text cannot ask for a long time.
    fn spend(&mut self, amount: usize, span: Span) -> Result<(), Located> {
        self.work = self.work.saturating_add(amount);
        if self.work > self.limits.work {
            return Err(Fault::Limit { what: "statements and loop turns", limit: self.limits.work }.at(span));
        }
        Ok(())
    }

    /// Counts a step and what it holds.
    fn charge(&mut self, steps: usize, operands: usize, span: Span) -> Result<(), Located> {
        self.made = self.made.saturating_add(steps);
        self.operands = self.operands.saturating_add(operands);
        if self.made > self.limits.steps {
            return Err(Fault::Limit { what: "steps", limit: self.limits.steps }.at(span));
        }
        let limit = self.limits.steps.saturating_mul(8);
        if self.operands > limit {
            return Err(Fault::Limit { what: "operands of all steps", limit }.at(span));
        }
        Ok(())
    }

    fn push(&mut self, step: Instruction, span: Span) -> Result<(), Located> {
        let operands = match &step {
            Instruction::Gate(call) => {
                let (width, parameters) = (self.circuit.width(), self.circuit.parameters().len());
                let fault = |error| Fault::Step(Box::new(error)).at(span);
                call.check(width, parameters, self.steps.len()).map_err(fault)?;
                call.qubits.len() + call.controls.len() + call.angles.len()
            }
            Instruction::Barrier { qubits } => qubits.len(),
            _ => 1,
        };
        self.charge(1, operands, span)?;
        self.steps.push(step);
        Ok(())
    }

    /// Runs `inner` one level deeper.
    fn nested<T>(
        &mut self,
        span: Span,
        inner: impl FnOnce(&mut Self) -> Result<T, Located>,
    ) -> Result<T, Located> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(Fault::Limit { what: "nested levels", limit: self.limits.depth }.at(span));
        }
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// The steps that `inner` makes, apart from those that are there.
    fn collect(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<(), Located>,
    ) -> Result<Vec<Instruction>, Located> {
        let outer = std::mem::take(&mut self.steps);
        let result = inner(self);
        let steps = std::mem::replace(&mut self.steps, outer);
        result.map(|()| steps)
    }

    /// The text of a span, for a message.
    fn quote(&self, span: Span) -> String {
        format!("`{}`", super::lexer::cut(self.text.get(span.start..span.end).unwrap_or_default()))
    }
}

/// The article that goes with a kind.
fn article(kind: TypeKind) -> String {
    let name = kind.name();
    format!("{} {name}", if name.starts_with(['a', 'i', 'u']) && kind != TypeKind::Uint { "an" } else { "a" })
}

/// A name that nothing has declared.
fn undefined(what: &'static str, name: &str, span: Span) -> Located {
    let help = match crate::gate::Gate::named(name) {
        Some(_) if what == "gate" => "; include \"qelib1.inc\" (2) or \"stdgates.inc\" (3), or define it",
        _ => "",
    };
    Fault::Undefined { what, name: super::lexer::cut(name), help: help.into() }.at(span)
}
