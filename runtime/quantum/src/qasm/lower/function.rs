//! Functions and casts.

use super::super::diagnostic::{Fault, Located, Span};
use super::super::syntax::{Binary, Expression, Type, TypeKind};
use super::scope::Symbol;
use super::value::{Bit, Pair, Shape, Stop, Value, arithmetic, function, length, real};
use super::{Lowering, undefined};

impl<'a> Lowering<'a> {
    pub(super) fn called(
        &mut self,
        name: &str,
        arguments: &[Expression<'a>],
        span: Span,
    ) -> Result<Value, Stop> {
        match self.scopes.get(name) {
            Some(Symbol::Subroutine(_)) => {
                let reason = "a subroutine is called alone or right after `=`, not inside an expression";
                return Err(Fault::unsupported(format!("`{name}`"), reason).at(span).into());
            }
            Some(Symbol::Extern) => {
                let reason = "what an extern function returns is not known to a circuit";
                return Err(Fault::unsupported(format!("`{name}`"), reason).at(span).into());
            }
            _ => {}
        }
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.evaluate(argument)?);
        }
        match (name, values.as_slice()) {
            ("sizeof", [Value::Bits { bits, .. }]) => return Ok(Value::Int(length(bits.len()))),
            ("sizeof", [Value::Qubits { list, .. }]) => return Ok(Value::Int(length(list.len()))),
            ("sizeof", [Value::Inputs { shape, .. }, rest @ ..]) => {
                let at = match rest {
                    [] => 0,
                    [Value::Int(at)] => usize::try_from(*at).unwrap_or(usize::MAX),
                    _ => usize::MAX,
                };
                let index =
                    || Fault::Index { name: "shape".into(), index: length(at), len: shape.len() }.at(span);
                return Ok(Value::Int(length(*shape.get(at).ok_or_else(index)?)));
            }
            ("popcount", [Value::Bits { bits, .. }]) => {
                let ones = bits.iter().map(|bit| self.outcome(*bit, span).map(i64::from));
                return Ok(Value::Int(ones.sum::<Result<i64, Stop>>()?));
            }
            ("popcount", [Value::Int(value)]) => return Ok(Value::Int(i64::from(value.count_ones()))),
            ("mod", [Value::Int(a), Value::Int(b)]) => {
                return arithmetic(Binary::Remainder, Pair::Whole(*a, *b), false)
                    .map_err(|fault| fault.at(span).into());
            }
            ("pow", [Value::Int(a), Value::Int(b)]) => {
                return arithmetic(Binary::Power, Pair::Whole(*a, *b), false)
                    .map_err(|fault| fault.at(span).into());
            }
            ("rotl" | "rotr", [Value::Bits { bits, signed }, Value::Int(by)]) if !bits.is_empty() => {
                let mut bits = bits.clone();
                let by = by.rem_euclid(length(bits.len())) as usize;
                if name == "rotl" {
                    bits.rotate_right(by);
                } else {
                    bits.rotate_left(by);
                }
                return Ok(Value::Bits { bits, signed: *signed });
            }
            _ => {}
        }
        let mut numbers = Vec::with_capacity(values.len());
        for (value, argument) in values.into_iter().zip(arguments) {
            match self.operand(value, argument.span)? {
                Value::Int(value) => numbers.push(value as f64),
                Value::Float(value) => numbers.push(value),
                _ => return Err(Fault::NotAffine { what: self.quote(span) }.at(span).into()),
            }
        }
        match function(name, &numbers) {
            Some(value) => real(value).map_err(|fault| fault.at(span).into()),
            None => Err(undefined("function", name, span).into()),
        }
    }

    pub(super) fn cast(&mut self, of: &Type<'a>, inner: &Expression<'a>, span: Span) -> Result<Value, Stop> {
        let shape = self.shape(of)?;
        let value = self.evaluate(inner)?;
        match (of.kind, value) {
            (TypeKind::Bool, value @ (Value::Bit(_) | Value::Bits { .. })) => {
                Ok(Value::Bool(self.truth(value, inner.span)?))
            }
            (TypeKind::Bit, Value::Bit(bit)) if shape.width.is_none() => Ok(Value::Bit(bit)),
            (TypeKind::Bit, Value::Bool(value)) if shape.width.is_none() => Ok(Value::Bit(Bit::Known(value))),
            (TypeKind::Bit, Value::Bits { bits, .. }) if shape.width == Some(bits.len()) => {
                Ok(Value::Bits { bits, signed: None })
            }
            (TypeKind::Bit, Value::Int(value)) if shape.width.is_some_and(|width| width < 63) => {
                let bits = (0..shape.width.unwrap_or(0)).map(|at| Bit::Known(value >> at & 1 == 1)).collect();
                Ok(Value::Bits { bits, signed: None })
            }
            (TypeKind::Int | TypeKind::Uint, Value::Bits { bits, .. })
                if shape.width.is_none_or(|width| width >= bits.len()) =>
            {
                let mut bits = bits;
                // a wider number is not negative
                let signed = of.kind == TypeKind::Int && shape.width.is_none_or(|width| width == bits.len());
                let width = shape.width.unwrap_or(bits.len()).min(62).max(bits.len());
                bits.resize(width, Bit::Known(false));
                Ok(Value::Bits { bits, signed: Some(signed) })
            }
            (TypeKind::Int | TypeKind::Uint, Value::Bit(bit)) => {
                Ok(Value::Bits { bits: vec![bit], signed: Some(false) })
            }
            (_, value) => shape.convert(value).map_err(|fault| fault.at(span).into()),
        }
    }

    /// A type with its width.
    pub(super) fn shape(&mut self, of: &Type<'a>) -> Result<Shape, Located> {
        if !of.shape.is_empty() {
            return Err(
                Fault::unsupported("an array", "a circuit has no arrays of classical values").at(of.span)
            );
        }
        let mut width = None;
        if let Some(size) = &of.width {
            let limit = if of.kind == TypeKind::Qubit { self.limits.qubits } else { self.limits.bits };
            width =
                Some(self.size(size, if of.kind == TypeKind::Qubit { "qubits" } else { "bits" }, limit)?);
        }
        Ok(Shape { kind: of.kind, width })
    }
}
