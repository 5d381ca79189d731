//! Indices, ranges and sets.

use super::super::diagnostic::{Fault, Located, Span};
use super::super::syntax::{Expression, Item, Range};
use super::Lowering;
use super::value::{Bit, Stop, Value, angle, length};
use crate::Angle;

impl<'a> Lowering<'a> {
    pub(super) fn indexed(
        &mut self,
        value: Value,
        items: &[Item<'a>],
        name: Span,
        span: Span,
    ) -> Result<Value, Stop> {
        if let Value::Inputs { offset, shape } = value {
            return self.input_at(offset, &shape, items, name, span);
        }
        let [item] = items else {
            return Err(Fault::mismatch(format!("{} indices", items.len()), "one").at(span).into());
        };
        match value {
            Value::Qubits { list, single: false } => {
                let (places, one) = self.places(item, list.len(), name)?;
                Ok(Value::Qubits { list: places.iter().map(|at| list[*at]).collect(), single: one })
            }
            Value::Bits { bits, signed } => {
                let (places, one) = self.places(item, bits.len(), name)?;
                let chosen: Vec<_> = places.iter().map(|at| bits[*at]).collect();
                match (one, chosen.first()) {
                    (true, Some(bit)) => Ok(Value::Bit(*bit)),
                    _ => Ok(Value::Bits { bits: chosen, signed: signed.map(|_| false) }),
                }
            }
            Value::Int(number) => {
                let (places, one) = self.places(item, 63, name)?;
                let bits: Vec<_> = places.iter().map(|at| Bit::Known(number >> at & 1 == 1)).collect();
                match (one, bits.first()) {
                    (true, Some(bit)) => Ok(Value::Bit(*bit)),
                    _ => Ok(Value::Bits { bits, signed: None }),
                }
            }
            other => Err(Fault::mismatch(other.describe(), "a register").at(name).into()),
        }
    }

    fn input_at(
        &mut self,
        offset: usize,
        shape: &[usize],
        items: &[Item<'a>],
        name: Span,
        span: Span,
    ) -> Result<Value, Stop> {
        let mut start = offset;
        let mut rest = shape;
        for item in items {
            let [size, inner @ ..] = rest else {
                return Err(Fault::mismatch(format!("{} indices", items.len()), shape.len().to_string())
                    .at(span)
                    .into());
            };
            let (places, one) = self.places(item, *size, name)?;
            let (true, Some(place)) = (one, places.first()) else {
                return Err(Fault::unsupported("a part of an array", "take its values one by one")
                    .at(span)
                    .into());
            };
            start += place * inner.iter().product::<usize>();
            rest = inner;
        }
        if rest.is_empty() {
            angle(Angle::parameter(start)).map_err(|fault| fault.at(span).into())
        } else {
            Ok(Value::Inputs { offset: start, shape: rest.to_vec() })
        }
    }

    /// The places that an index means in something of length `len`, and whether it is a single one.
    pub(super) fn places(
        &mut self,
        item: &Item<'a>,
        len: usize,
        name: Span,
    ) -> Result<(Vec<usize>, bool), Located> {
        let place = |lowering: &Self, index: i64, span: Span| {
            // from the end, where it is negative
            let at = if index < 0 { index + length(len) } else { index };
            let name = lowering.text.get(name.start..name.end).unwrap_or_default();
            let fault = || Fault::Index { name: super::super::lexer::cut(name), index, len }.at(span);
            usize::try_from(at).ok().filter(|at| *at < len).ok_or_else(fault)
        };
        match item {
            Item::One(index) => {
                let value = self.whole(index)?;
                Ok((vec![place(self, value, index.span)?], true))
            }
            Item::Set(indices) => {
                let mut places = Vec::with_capacity(indices.len());
                for index in indices {
                    let value = self.whole(index)?;
                    places.push(place(self, value, index.span)?);
                }
                Ok((places, false))
            }
            Item::Range(range) => {
                let numbers = self.range(range, Some(len))?;
                let places = numbers.into_iter().map(|number| place(self, number, range.span));
                Ok((places.collect::<Result<_, _>>()?, false))
            }
        }
    }

    /// The numbers of a range; without bounds it is all of something of length `len`.
    pub(super) fn range(&mut self, range: &Range<'a>, len: Option<usize>) -> Result<Vec<i64>, Located> {
        let step = match &range.step {
            Some(step) => self.whole(step)?,
            None => 1,
        };
        let mut bound = |bound: &Option<Box<Expression<'a>>>, default: usize| match (bound, len) {
            (Some(expression), _) => self.whole(expression),
            (None, Some(len)) => Ok(if default == 0 { 0 } else { length(len) - 1 }),
            (None, None) => Err(Fault::mismatch("a range without an end", "both ends").at(range.span)),
        };
        let (mut first, mut last) =
            (bound(&range.first, usize::from(step < 0))?, bound(&range.last, usize::from(step > 0))?);
        if let Some(len) = len {
            for end in [&mut first, &mut last] {
                *end += if *end < 0 { length(len) } else { 0 };
            }
        }
        if step == 0 {
            let fault = Fault::Value {
                what: "the step of a range".into(),
                found: "0".into(),
                expected: "another number",
            };
            return Err(fault.at(range.span));
        }
        let distance = i128::from(last) - i128::from(first);
        let count = if distance.signum() * i128::from(step.signum()) < 0 {
            0
        } else {
            distance / i128::from(step) + 1
        };
        // each number is at least one turn of a loop or one place
        self.spend(usize::try_from(count).unwrap_or(usize::MAX), range.span)?;
        Ok((0..count).map(|at| (i128::from(first) + at * i128::from(step)) as i64).collect())
    }
}
