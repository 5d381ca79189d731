//! Expressions to values.

use std::f64::consts::{E, PI, TAU};

use super::super::Version;
use super::super::diagnostic::{Fault, Located, Span};
use super::super::syntax::{Binary, Expression, ExpressionKind, TypeKind, Unary};
use super::scope::Symbol;
use super::value::{Bit, Pair, Shape, Stop, Value, arithmetic};
use super::{Lowering, undefined};
use crate::Angle;

impl<'a> Lowering<'a> {
    /// The value of an expression that must be known now.
    pub(super) fn value(&mut self, expression: &Expression<'a>) -> Result<Value, Located> {
        self.evaluate(expression).map_err(|stop| self.closed(stop))
    }

    /// An open outcome where a value is needed.
    pub(super) fn closed(&self, stop: Stop) -> Located {
        match stop {
            Stop::Fault(located) => located,
            Stop::Open(_, span) => {
                let reason =
                    "it depends on a measured bit, and outside of `if` a circuit computes nothing with those";
                Fault::unsupported(self.quote(span), reason).at(span)
            }
        }
    }

    /// A whole number that must be known now.
    pub(super) fn whole(&mut self, expression: &Expression<'a>) -> Result<i64, Located> {
        match self.value(expression)? {
            Value::Int(value) => Ok(value),
            Value::Bool(value) | Value::Bit(Bit::Known(value)) => Ok(i64::from(value)),
            value => {
                let shape = Shape { kind: TypeKind::Uint, width: Some(62) };
                let found = value.describe();
                match (matches!(value, Value::Bits { .. }), shape.convert(value)) {
                    (true, Ok(Value::Int(value))) => Ok(value),
                    _ => Err(Fault::mismatch(found, "a whole number").at(expression.span)),
                }
            }
        }
    }

    /// A size between 1 and `limit`.
    pub(super) fn size(
        &mut self,
        size: &Expression<'a>,
        what: &'static str,
        limit: usize,
    ) -> Result<usize, Located> {
        let value = self.whole(size)?;
        if value < 1 {
            let fault = Fault::Value { what: what.into(), found: value.to_string(), expected: "at least 1" };
            return Err(fault.at(size.span));
        }
        usize::try_from(value)
            .ok()
            .filter(|size| *size <= limit)
            .ok_or_else(|| Fault::Limit { what, limit }.at(size.span))
    }

    /// An angle that must be known now, inputs aside.
    pub(super) fn angle(&mut self, expression: &Expression<'a>) -> Result<Angle, Located> {
        let value = match self.value(expression)? {
            // a cast has made it a number
            value @ Value::Bits { signed: Some(_), .. } => {
                self.operand(value, expression.span).map_err(|stop| self.closed(stop))?
            }
            value => value,
        };
        match value {
            Value::Int(value) => Ok(Angle::radians(value as f64)),
            Value::Float(value) => Ok(Angle::radians(value)),
            Value::Angle(angle) => Ok(angle),
            other => Err(Fault::mismatch(other.describe(), "an angle").at(expression.span)),
        }
    }

    pub(super) fn evaluate(&mut self, expression: &Expression<'a>) -> Result<Value, Stop> {
        let span = expression.span;
        self.spend(1, span)?;
        match &expression.kind {
            ExpressionKind::Integer(value) => i64::try_from(*value).map(Value::Int).map_err(|_| {
                let what = "a whole number".to_owned();
                Fault::Value { what, found: value.to_string(), expected: "one below 2^63" }.at(span).into()
            }),
            ExpressionKind::Float(value) => Ok(Value::Float(*value)),
            ExpressionKind::Bool(value) => Ok(Value::Bool(*value)),
            ExpressionKind::Bits(bits) => {
                Ok(Value::Bits { bits: bits.iter().map(|bit| Bit::Known(*bit)).collect(), signed: None })
            }
            ExpressionKind::Timing => {
                Err(Fault::unsupported(self.quote(span), "a circuit has no durations").at(span).into())
            }
            ExpressionKind::Physical(number)
                if !self.circuit.registers().is_empty() || *number >= self.circuit.width() =>
            {
                let reason = "a circuit has either physical qubits or registers";
                Err(Fault::unsupported(self.quote(span), reason).at(span).into())
            }
            ExpressionKind::Physical(number) => Ok(Value::Qubits { list: vec![*number], single: true }),
            ExpressionKind::Name(name) => self.named(name, span),
            ExpressionKind::Unary(operator, inner) => self.unary(*operator, inner, span),
            ExpressionKind::Binary(operator, left, right) => self.binary(*operator, left, right, span),
            ExpressionKind::Index(inner, items) => {
                let value = self.evaluate(inner)?;
                self.indexed(value, items, inner.span, span)
            }
            ExpressionKind::Call(name, arguments) => self.called(name, arguments, span),
            ExpressionKind::Cast(of, inner) => self.cast(of, inner, span),
        }
    }

    fn named(&mut self, name: &str, span: Span) -> Result<Value, Stop> {
        let value = match self.scopes.get(name) {
            Some(Symbol::Qubits { list, single }) => Value::Qubits { list: list.to_vec(), single: *single },
            Some(Symbol::Bits { cells, single: true, .. }) => Value::Bit(cells[0].bit),
            Some(Symbol::Bits { cells, .. }) => {
                Value::Bits { bits: cells.iter().map(|cell| cell.bit).collect(), signed: None }
            }
            Some(Symbol::Number { value: Some(value), .. }) => value.clone(),
            Some(Symbol::Number { value: None, .. }) => {
                let reason =
                    "it has no value yet; what a program computes when it runs is not known to a circuit";
                return Err(Fault::unsupported(self.quote(span), reason).at(span).into());
            }
            Some(Symbol::Inputs { offset, shape }) => Value::Inputs { offset: *offset, shape: shape.clone() },
            Some(_) => return Err(Fault::mismatch(format!("the name `{name}`"), "a value").at(span).into()),
            None => match name {
                "pi" | "π" => Value::Float(PI),
                "tau" | "τ" if self.version == Version::Three => Value::Float(TAU),
                "euler" | "ℇ" if self.version == Version::Three => Value::Float(E),
                _ => return Err(undefined("value", name, span).into()),
            },
        };
        if let Value::Bits { bits, .. } = &value {
            self.spend(bits.len() / 8, span)?;
        } else if let Value::Qubits { list, .. } = &value {
            self.spend(list.len() / 8, span)?;
        }
        Ok(value)
    }

    fn unary(&mut self, operator: Unary, inner: &Expression<'a>, span: Span) -> Result<Value, Stop> {
        let value = self.evaluate(inner)?;
        match (operator, value) {
            (Unary::Not, value) => Ok(Value::Bool(!self.truth(value, inner.span)?)),
            (Unary::Minus, value) => match self.operand(value, inner.span)? {
                Value::Int(value) => arithmetic(Binary::Subtract, Pair::Whole(0, value), false)
                    .map_err(|fault| fault.at(span).into()),
                Value::Float(value) => Ok(Value::Float(-value)),
                Value::Angle(angle) => Ok(Value::Angle(-angle)),
                other => Ok(other),
            },
            (Unary::Complement, Value::Bool(value)) => Ok(Value::Bool(!value)),
            (Unary::Complement, Value::Int(value)) => Ok(Value::Int(!value)),
            (Unary::Complement, Value::Bit(bit)) => Ok(Value::Bit(Bit::Known(!self.outcome(bit, span)?))),
            (Unary::Complement, Value::Bits { bits, signed }) => {
                let flipped = bits.iter().map(|bit| self.outcome(*bit, span).map(|value| Bit::Known(!value)));
                Ok(Value::Bits { bits: flipped.collect::<Result<_, _>>()?, signed })
            }
            (Unary::Complement, other) => {
                Err(Fault::mismatch(other.describe(), "bits").at(inner.span).into())
            }
        }
    }

    fn binary(
        &mut self,
        operator: Binary,
        left: &Expression<'a>,
        right: &Expression<'a>,
        span: Span,
    ) -> Result<Value, Stop> {
        let a = self.evaluate(left)?;
        if let Binary::And | Binary::Or = operator {
            let first = self.truth(a, left.span)?;
            if first == (operator == Binary::Or) {
                return Ok(Value::Bool(first));
            }
            let b = self.evaluate(right)?;
            return self.truth(b, right.span).map(Value::Bool);
        }
        let b = self.evaluate(right)?;
        if let Binary::Equal | Binary::NotEqual = operator
            && let Some(equal) = self.same(&a, &b, span)?
        {
            return Ok(Value::Bool(equal == (operator == Binary::Equal)));
        }
        if let (Value::Bits { bits: x, signed: None }, Value::Bits { bits: y, signed: None }) = (&a, &b)
            && let Binary::BitAnd | Binary::BitOr | Binary::BitXor = operator
        {
            if x.len() != y.len() {
                return Err(Fault::mismatch(b.describe(), a.describe()).at(right.span).into());
            }
            let pairs = x.iter().zip(y).map(|(x, y)| {
                let (x, y) = (self.outcome(*x, span)?, self.outcome(*y, span)?);
                Ok(Bit::Known(match operator {
                    Binary::BitAnd => x && y,
                    Binary::BitOr => x || y,
                    _ => x != y,
                }))
            });
            return Ok(Value::Bits { bits: pairs.collect::<Result<_, Stop>>()?, signed: None });
        }
        if operator == Binary::Join {
            return self.joined(a, b, span);
        }
        let logical = |value: &Value| matches!(value, Value::Bool(_) | Value::Bit(_));
        let both = logical(&a) && logical(&b);
        let (a, b) = (self.operand(a, left.span)?, self.operand(b, right.span)?);
        let pair = match (&a, &b) {
            (Value::Int(a), Value::Int(b)) => Pair::Whole(*a, *b),
            (Value::Angle(_), _) | (_, Value::Angle(_)) => Pair::Angles(symbolic(&a), symbolic(&b)),
            _ => Pair::Real(symbolic(&a).offset(), symbolic(&b).offset()),
        };
        let result =
            arithmetic(operator, pair, self.version == Version::Two).map_err(|fault| match fault {
                Fault::NotAffine { .. } => Fault::NotAffine { what: self.quote(span) }.at(span),
                fault => fault.at(span),
            })?;
        Ok(match (operator, result) {
            (Binary::BitAnd | Binary::BitOr | Binary::BitXor, Value::Int(value)) if both => {
                Value::Bool(value != 0)
            }
            (_, result) => result,
        })
    }

    fn joined(&mut self, a: Value, b: Value, span: Span) -> Result<Value, Stop> {
        match (a, b) {
            (Value::Qubits { mut list, .. }, Value::Qubits { list: more, .. }) => {
                list.extend(more);
                if list.len() > self.limits.qubits {
                    return Err(Fault::Limit { what: "qubits", limit: self.limits.qubits }.at(span).into());
                }
                Ok(Value::Qubits { list, single: false })
            }
            (Value::Bits { mut bits, signed: None }, Value::Bits { bits: more, signed: None }) => {
                bits.extend(more);
                if bits.len() > self.limits.bits {
                    return Err(Fault::Limit { what: "bits", limit: self.limits.bits }.at(span).into());
                }
                Ok(Value::Bits { bits, signed: None })
            }
            (a, b) => Err(Fault::mismatch(format!("{} and {}", a.describe(), b.describe()), "two registers")
                .at(span)
                .into()),
        }
    }
}

/// A number as an angle.
fn symbolic(value: &Value) -> Angle {
    match value {
        Value::Int(value) => Angle::radians(*value as f64),
        Value::Float(value) => Angle::radians(*value),
        Value::Angle(angle) => *angle,
        _ => Angle::ZERO,
    }
}
