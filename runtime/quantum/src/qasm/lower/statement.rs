//! Statements.

use std::sync::Arc;

use super::super::diagnostic::{Fault, Located, Span};
use super::super::lexer::cut;
use super::super::syntax::{Block, Expression, Item, Name, Source, Statement, StatementKind, Type};
use super::scope::Symbol;
use super::value::Value;
use super::{Flow, Lowering, undefined};
use crate::Instruction;

impl<'a> Lowering<'a> {
    pub(super) fn execute(&mut self, statement: &Statement<'a>) -> Result<Flow, Located> {
        let span = statement.span;
        self.spend(1, span)?;
        match &statement.kind {
            StatementKind::Include(file) => self.include(file, span)?,
            StatementKind::Declare { name, of, value, constant } => {
                self.declare(*name, of, value.as_ref(), *constant, span)?;
            }
            StatementKind::Input { name, of } => self.input(*name, of, span)?,
            StatementKind::Output { name, of } => self.output(*name, of, span)?,
            StatementKind::Gate(definition) => self.define(definition)?,
            StatementKind::Opaque(name) => self.scopes.declare(*name, Symbol::Opaque)?,
            StatementKind::Extern(name) => self.scopes.declare(*name, Symbol::Extern)?,
            StatementKind::Subroutine(subroutine) => {
                self.scopes.declare(subroutine.name, Symbol::Subroutine(subroutine.clone()))?;
            }
            StatementKind::Alias { name, value } => self.alias(*name, value)?,
            StatementKind::Call(call) => self.gate_call(call, span)?,
            StatementKind::Measure { source, target } => {
                self.qubits(source)?; // what is wrong is reported from left to right
                let target = match target {
                    Some(target) => Some(self.target(target)?),
                    None => None,
                };
                self.measure(source, target.as_ref())?;
            }
            StatementKind::Reset(operand) => {
                if self.unitary > 0 {
                    return Err(Fault::unsupported("`reset`", "a gate consists of gates").at(span));
                }
                for qubit in self.qubits(operand)?.0 {
                    self.push(Instruction::Reset { qubit }, span)?;
                }
            }
            StatementKind::Barrier(operands) | StatementKind::Delay(operands) => {
                // a delay does nothing to the state, and nothing moves across it
                let qubits = self.all_qubits(operands)?;
                if !qubits.is_empty() {
                    self.push(Instruction::Barrier { qubits }, span)?;
                }
            }
            StatementKind::Box(body) => return self.boxed(body, span),
            StatementKind::If { condition, then, otherwise } => {
                return self.conditional(condition, then, otherwise);
            }
            StatementKind::For { name, values, body } => return self.repetition(*name, values, body, span),
            StatementKind::Assign { target, operator, value } => self.assign(target, *operator, value)?,
            StatementKind::Expression(expression) => {
                self.call_subroutine(expression)?;
            }
            StatementKind::Return(source) => {
                let value = match source {
                    Some(source) => Some(self.source(source)?),
                    None => None,
                };
                return Ok(Flow::Return(value));
            }
            StatementKind::Break => return Ok(Flow::Break),
            StatementKind::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    /// Runs statements in a scope of their own.
    pub(super) fn block(&mut self, block: &Block<'a>, span: Span) -> Result<Flow, Located> {
        self.nested(span, |lowering| {
            lowering.scopes.open();
            let mut flow = Ok(Flow::Next);
            for statement in block {
                flow = lowering.execute(statement);
                if !matches!(flow, Ok(Flow::Next)) {
                    break;
                }
            }
            lowering.scopes.close();
            flow
        })
    }

    /// What stands in a box, which nothing moves into or out of.
    fn boxed(&mut self, body: &Block<'a>, span: Span) -> Result<Flow, Located> {
        let mut flow = Flow::Next;
        let steps = self.collect(|lowering| {
            flow = lowering.block(body, span)?;
            Ok(())
        })?;
        let mut qubits: Vec<_> = steps.iter().flat_map(Instruction::qubits).collect();
        qubits.sort_unstable();
        qubits.dedup();
        if !qubits.is_empty() {
            self.push(Instruction::Barrier { qubits: qubits.clone() }, span)?;
            self.steps.extend(steps);
            self.push(Instruction::Barrier { qubits }, span)?;
        }
        Ok(flow)
    }

    fn repetition(
        &mut self,
        name: Name<'a>,
        values: &Item<'a>,
        body: &Block<'a>,
        span: Span,
    ) -> Result<Flow, Located> {
        let values: Vec<Value> = match values {
            Item::Range(range) => self.range(range, None)?.into_iter().map(Value::Int).collect(),
            Item::Set(list) => list.iter().map(|value| self.value(value)).collect::<Result<_, _>>()?,
            Item::One(expression) => match self.value(expression)? {
                Value::Bits { bits, .. } => bits.into_iter().map(Value::Bit).collect(),
                other => {
                    return Err(
                        Fault::mismatch(other.describe(), "a range, a set or bits").at(expression.span)
                    );
                }
            },
        };
        for value in values {
            self.spend(1, span)?;
            self.scopes.open();
            let declared = self.scopes.declare(name, Symbol::constant(value));
            let flow = declared.and_then(|()| self.block(body, span));
            self.scopes.close();
            match flow? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                returned @ Flow::Return(_) => return Ok(returned),
            }
        }
        Ok(Flow::Next)
    }

    fn alias(&mut self, name: Name<'a>, value: &Expression<'a>) -> Result<(), Located> {
        match self.value(value)? {
            Value::Qubits { list, single } => {
                // a loop may name its qubits anew each turn
                self.scopes.declare(name, Symbol::Qubits { list: list.into(), single })
            }
            Value::Bit(_) | Value::Bits { .. } => {
                Err(Fault::unsupported("an alias of bits", "name the register itself").at(value.span))
            }
            other => Err(Fault::mismatch(other.describe(), "qubits").at(value.span)),
        }
    }

    /// What stands right of `=`.
    pub(super) fn source(&mut self, source: &Source<'a>) -> Result<Value, Located> {
        match source {
            Source::Value(expression) if self.is_subroutine(expression) => match self
                .call_subroutine(expression)?
            {
                Some(value) => Ok(value),
                None => Err(Fault::mismatch("a subroutine without a result", "a value").at(expression.span)),
            },
            Source::Value(expression) => self.value(expression),
            Source::Measure(operand) => {
                let single = self.qubits(operand)?.1;
                let bits = self.measure(operand, None)?;
                Ok(match bits.as_slice() {
                    [bit] if single => Value::Bit(*bit),
                    _ => Value::Bits { bits, signed: None },
                })
            }
        }
    }

    fn is_subroutine(&self, expression: &Expression<'a>) -> bool {
        let super::super::syntax::ExpressionKind::Call(name, _) = &expression.kind else { return false };
        matches!(self.scopes.get(name), Some(Symbol::Subroutine(_)))
    }

    /// Runs a subroutine in place of its call.
    fn call_subroutine(&mut self, expression: &Expression<'a>) -> Result<Option<Value>, Located> {
        let span = expression.span;
        let super::super::syntax::ExpressionKind::Call(name, arguments) = &expression.kind else {
            return Err(Fault::mismatch(self.quote(span), "a call").at(span));
        };
        let Some(Symbol::Subroutine(subroutine)) = self.scopes.get(name) else {
            return match self.scopes.get(name) {
                Some(Symbol::Extern) => self.value(expression).map(Some),
                _ => Err(undefined("subroutine", name, span)),
            };
        };
        let subroutine = Arc::clone(subroutine);
        if arguments.len() != subroutine.arguments.len() {
            let (found, expected) = (arguments.len(), subroutine.arguments.len());
            return Err(Fault::Count { name: cut(name), what: "arguments", found, expected }.at(span));
        }
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push((self.value(argument)?, argument.span));
        }
        self.nested(span, |lowering| {
            let base = lowering.scopes.enter();
            let result = lowering.run(
                &subroutine.arguments,
                values,
                &subroutine.body,
                subroutine.result.as_ref(),
                span,
            );
            lowering.scopes.leave(base);
            result
        })
    }

    fn run(
        &mut self,
        arguments: &[(Type<'a>, Name<'a>)],
        values: Vec<(Value, Span)>,
        body: &Block<'a>,
        result: Option<&Type<'a>>,
        span: Span,
    ) -> Result<Option<Value>, Located> {
        for ((of, name), (value, at)) in arguments.iter().zip(values) {
            self.argument(of, *name, value, at)?;
        }
        for statement in body {
            match self.execute(statement)? {
                Flow::Next => {}
                Flow::Return(None) if result.is_none() => return Ok(None),
                Flow::Return(Some(value)) => {
                    let Some(of) = result else {
                        return Err(Fault::mismatch("a result", "none").at(statement.span));
                    };
                    return self.result(of, value, statement.span).map(Some);
                }
                Flow::Return(None) => return Err(Fault::mismatch("no result", "one").at(statement.span)),
                _ => return Err(Fault::unsupported("leaving a loop", "it stands in none").at(statement.span)),
            }
        }
        match result {
            None => Ok(None),
            Some(_) => Err(Fault::mismatch("a subroutine that returns nothing", "a result").at(span)),
        }
    }
}
