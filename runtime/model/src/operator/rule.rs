//! The rules that shapes share.

use crate::{DType, Dim, Error, Result, TensorType};

pub(crate) fn count(
    operator: &'static str,
    found: usize,
    allowed: std::ops::RangeInclusive<usize>,
) -> Result<()> {
    if allowed.contains(&found) {
        return Ok(());
    }
    let (low, high) = (allowed.start(), allowed.end());
    let expected = if low == high { low.to_string() } else { format!("{low} to {high}") };
    Err(Error::Operands { operator, found, expected })
}

pub(crate) fn real(operator: &'static str, operands: &[&TensorType]) -> Result<DType> {
    let dtype = operands[0].dtype;
    for operand in operands {
        if !operand.dtype.is_real() || operand.dtype != dtype {
            return Err(Error::DType {
                operator,
                found: operands.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "),
                expected: "operands of one type, F32 or F64",
            });
        }
    }
    Ok(dtype)
}

pub(crate) fn ids(operator: &'static str, operand: &TensorType) -> Result<()> {
    if operand.dtype.is_id() {
        return Ok(());
    }
    Err(Error::DType { operator, found: operand.to_string(), expected: "integer ids, I32 or I64" })
}

pub(crate) fn axis(operator: &'static str, axis: usize, rank: usize) -> Result<()> {
    if axis < rank { Ok(()) } else { Err(Error::Axis { operator, axis, rank }) }
}

pub(crate) fn equal(operator: &'static str, what: &str, found: &[Dim], expected: &[Dim]) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Shape {
        operator,
        what: what.into(),
        found: format!("{found:?}"),
        expected: format!("{expected:?}"),
    })
}

pub(crate) fn wrong(
    operator: &'static str,
    what: &str,
    found: impl std::fmt::Display,
    expected: &str,
) -> Error {
    Error::Shape { operator, what: what.into(), found: found.to_string(), expected: expected.into() }
}
