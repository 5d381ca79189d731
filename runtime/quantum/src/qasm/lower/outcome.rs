//! Outcomes in expressions: what is decided without them, and which one is needed next.

use super::super::diagnostic::{Fault, Located, Span};
use super::Lowering;
use super::value::{Bit, Stop, Value};

impl Lowering<'_> {
    /// The value of a bit, which may be assumed.
    pub(super) fn outcome(&self, bit: Bit, span: Span) -> Result<bool, Stop> {
        match bit {
            Bit::Known(value) => Ok(value),
            Bit::Slot(slot) => self.assumed.get(&slot).copied().ok_or(Stop::Open(slot, span)),
        }
    }

    /// Whether a value counts as true.
    pub(super) fn truth(&self, value: Value, span: Span) -> Result<bool, Stop> {
        match value {
            Value::Bool(value) => Ok(value),
            Value::Int(value) => Ok(value != 0),
            Value::Bit(bit) => self.outcome(bit, span),
            Value::Bits { bits, .. } => self.equals(&bits, &[], span).map(|zero| !zero),
            other => Err(Fault::mismatch(other.describe(), "a condition").at(span).into()),
        }
    }

    /// Whether bits are equal to others, missing ones being 0; open only where the known ones do not decide it.
    fn equals(&self, bits: &[Bit], others: &[Bit], span: Span) -> Result<bool, Stop> {
        let mut open = None;
        for at in 0..bits.len().max(others.len()) {
            let bit = |list: &[Bit]| self.outcome(list.get(at).copied().unwrap_or(Bit::Known(false)), span);
            match (bit(bits), bit(others)) {
                (Ok(a), Ok(b)) if a != b => return Ok(false),
                (Ok(_), Ok(_)) => {}
                (Err(stop), _) | (_, Err(stop)) => open = open.or(Some(stop)),
            }
        }
        open.map_or(Ok(true), Err)
    }

    /// Bits as a number.
    fn number(&self, bits: &[Bit], signed: bool, span: Span) -> Result<i64, Stop> {
        if bits.len() > 62 {
            let fault = Fault::Value {
                what: "a number".into(),
                found: format!("{} bits", bits.len()),
                expected: "at most 62",
            };
            return Err(fault.at(span).into());
        }
        let mut value = 0;
        for (at, bit) in bits.iter().enumerate() {
            value |= i64::from(self.outcome(*bit, span)?) << at;
        }
        let negative = signed && !bits.is_empty() && value >> (bits.len() - 1) & 1 == 1;
        Ok(if negative { value - (1 << bits.len()) } else { value })
    }

    /// A value that takes part in arithmetic.
    pub(super) fn operand(&self, value: Value, span: Span) -> Result<Value, Stop> {
        Ok(match value {
            Value::Bool(value) => Value::Int(i64::from(value)),
            Value::Bit(bit) => Value::Int(i64::from(self.outcome(bit, span)?)),
            Value::Bits { bits, signed } => Value::Int(self.number(&bits, signed == Some(true), span)?),
            Value::Int(_) | Value::Float(_) | Value::Angle(_) => value,
            other => return Err(Fault::mismatch(other.describe(), "a number").at(span).into()),
        })
    }

    /// Whether two values are equal, if one of them has bits.
    pub(super) fn same(&self, a: &Value, b: &Value, span: Span) -> Result<Option<bool>, Stop> {
        let (bits, signed, other) = match (a, b) {
            (Value::Bits { bits, signed }, other) | (other, Value::Bits { bits, signed }) => {
                (bits, *signed, other)
            }
            (Value::Bit(bit), Value::Int(value)) | (Value::Int(value), Value::Bit(bit))
                if !(0..=1).contains(value) =>
            {
                return Err(self.decided(&Value::Bit(*bit), span).into());
            }
            _ => return Ok(None),
        };
        match other {
            Value::Bits { bits: others, signed: None } if signed.is_none() && bits.len() != others.len() => {
                Err(Fault::mismatch(other.describe(), format!("one of {} bits", bits.len())).at(span).into())
            }
            Value::Bits { bits: others, signed: also } if also.is_some() == signed.is_some() => {
                self.equals(bits, others, span).map(Some)
            }
            Value::Int(value) => {
                let width = u32::try_from(bits.len().min(62)).unwrap_or(62);
                let (lowest, highest) = reach(bits.len(), signed == Some(true));
                if !(lowest..=highest).contains(value) {
                    return Err(self.decided(&Value::Bits { bits: bits.clone(), signed }, span).into());
                }
                let wanted: Vec<_> = (0..width).map(|at| Bit::Known(value >> at & 1 == 1)).collect();
                self.equals(bits, &wanted, span).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A comparison that is always true or never: nobody writes it on purpose.
    fn decided(&self, value: &Value, span: Span) -> Located {
        let (lowest, highest) = match value {
            Value::Bits { bits, signed } => reach(bits.len(), *signed == Some(true)),
            _ => (0, 1),
        };
        let help = if lowest < 0 { "; `uint` reads the bits without a sign" } else { "" };
        let (comparison, what) = (self.quote(span), value.describe());
        Fault::Decided { comparison, what, lowest, highest, help }.at(span)
    }
}

/// The lowest and the highest number that so many bits give.
fn reach(bits: usize, signed: bool) -> (i64, i64) {
    let width = bits.min(62);
    if signed && width > 0 { (-(1 << (width - 1)), (1 << (width - 1)) - 1) } else { (0, (1 << width) - 1) }
}
