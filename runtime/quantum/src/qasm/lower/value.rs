//! What an expression is worth while a circuit is built.

use crate::Angle;

use super::super::diagnostic::{Fault, Located, Span};
use super::super::syntax::{Binary, TypeKind};

/// A classical bit: known already, or kept by the circuit in the slot of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bit {
    Known(bool),
    Slot(usize),
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A sum with inputs in it.
    Angle(Angle),
    Bit(Bit),
    /// A register of bits, the first the least significant; as a signed or unsigned number where it was cast to one.
    Bits {
        bits: Vec<Bit>,
        signed: Option<bool>,
    },
    Qubits {
        list: Vec<usize>,
        single: bool,
    },
    /// An array of inputs.
    Inputs {
        offset: usize,
        shape: Vec<usize>,
    },
}

impl Value {
    /// What it is, for a message.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Bool(value) => format!("`{value}`"),
            Self::Int(value) => format!("the whole number {value}"),
            Self::Float(value) => format!("the number {value}"),
            Self::Angle(_) => "an angle with inputs".to_owned(),
            Self::Bit(_) => "a bit".to_owned(),
            Self::Bits { bits, signed: None } => format!("a register of {} bits", bits.len()),
            Self::Bits { bits, .. } => format!("a number of {} bits", bits.len()),
            Self::Qubits { single: true, .. } => "a qubit".to_owned(),
            Self::Qubits { list, .. } => format!("a register of {} qubits", list.len()),
            Self::Inputs { .. } => "an array of inputs".to_owned(),
        }
    }
}

/// Why an expression has no value.
#[derive(Debug)]
pub(super) enum Stop {
    Fault(Located),
    /// It depends on the outcome in this slot.
    Open(usize, Span),
}

impl From<Located> for Stop {
    fn from(located: Located) -> Self {
        Self::Fault(located)
    }
}

/// Two numbers of one kind.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pair {
    Whole(i64, i64),
    Real(f64, f64),
    Angles(Angle, Angle),
}

/// Arithmetic. Division of whole numbers drops the remainder, as OpenQASM 3 says; `real` divides them exactly.
pub(super) fn arithmetic(operator: Binary, pair: Pair, real: bool) -> Result<Value, Fault> {
    let pair = match pair {
        Pair::Whole(a, b) if real && operator == Binary::Divide => Pair::Real(a as f64, b as f64),
        Pair::Whole(a, b) if operator == Binary::Power && b < 0 => Pair::Real(a as f64, b as f64),
        pair => pair,
    };
    match pair {
        Pair::Whole(a, b) => whole(operator, a, b),
        Pair::Real(a, b) => reals(operator, a, b),
        Pair::Angles(a, b) => angles(operator, a, b),
    }
}

fn whole(operator: Binary, a: i64, b: i64) -> Result<Value, Fault> {
    let shift = || u32::try_from(b).ok();
    let result = match operator {
        Binary::Add => a.checked_add(b),
        Binary::Subtract => a.checked_sub(b),
        Binary::Multiply => a.checked_mul(b),
        Binary::Divide => a.checked_div(b),
        Binary::Remainder => a.checked_rem(b),
        Binary::Power => shift().and_then(|b| a.checked_pow(b)),
        Binary::ShiftLeft => shift().filter(|b| *b < 63).and_then(|b| a.checked_mul(1 << b)),
        Binary::ShiftRight => shift().map(|b| a >> b.min(63)),
        Binary::BitAnd => Some(a & b),
        Binary::BitOr => Some(a | b),
        Binary::BitXor => Some(a ^ b),
        _ => return Ok(Value::Bool(compare(operator, &a, &b))),
    };
    result.map(Value::Int).ok_or_else(|| Fault::Value {
        what: "a whole number".into(),
        found: format!("the result of an operation on {a} and {b}"),
        expected: "one that 64 bits hold",
    })
}

fn reals(operator: Binary, a: f64, b: f64) -> Result<Value, Fault> {
    let result = match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::Remainder => a % b,
        Binary::Power => a.powf(b),
        Binary::Equal
        | Binary::NotEqual
        | Binary::Less
        | Binary::LessEqual
        | Binary::Greater
        | Binary::GreaterEqual => {
            return Ok(Value::Bool(compare(operator, &a, &b)));
        }
        _ => {
            return Err(Fault::mismatch(
                format!("the number {}", if a.fract() == 0.0 { b } else { a }),
                "a whole number",
            ));
        }
    };
    real(result)
}

/// A number, unless it is not finite.
pub(super) fn real(value: f64) -> Result<Value, Fault> {
    if value.is_finite() {
        Ok(Value::Float(value))
    } else {
        Err(Fault::Value { what: "a number".into(), found: value.to_string(), expected: "a finite one" })
    }
}

fn angles(operator: Binary, a: Angle, b: Angle) -> Result<Value, Fault> {
    let result = match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply if b.is_constant() => a * b.offset(),
        Binary::Multiply if a.is_constant() => b * a.offset(),
        Binary::Divide if b.is_constant() && b.offset() != 0.0 => a / b.offset(),
        _ => return Err(Fault::NotAffine { what: "this".into() }),
    };
    angle(result)
}

/// An angle as a value: a number where no input is left.
pub(super) fn angle(angle: Angle) -> Result<Value, Fault> {
    if !angle.is_valid() {
        let expected = "a finite one of at most 4 inputs";
        return Err(Fault::Value { what: "an angle".into(), found: format!("{angle:?}"), expected });
    }
    Ok(if angle.is_constant() { Value::Float(angle.offset()) } else { Value::Angle(angle) })
}

fn compare<T: PartialOrd>(operator: Binary, a: &T, b: &T) -> bool {
    match operator {
        Binary::Equal => a == b,
        Binary::NotEqual => a != b,
        Binary::Less => a < b,
        Binary::LessEqual => a <= b,
        Binary::Greater => a > b,
        _ => a >= b,
    }
}

/// A function of numbers, if there is one of this name and so many arguments.
pub(super) fn function(name: &str, arguments: &[f64]) -> Option<f64> {
    Some(match (name, arguments) {
        ("sin", [x]) => x.sin(),
        ("cos", [x]) => x.cos(),
        ("tan", [x]) => x.tan(),
        ("exp", [x]) => x.exp(),
        ("ln" | "log", [x]) => x.ln(),
        ("sqrt", [x]) => x.sqrt(),
        ("arcsin" | "asin", [x]) => x.asin(),
        ("arccos" | "acos", [x]) => x.acos(),
        ("arctan" | "atan", [x]) => x.atan(),
        ("floor", [x]) => x.floor(),
        ("ceiling", [x]) => x.ceil(),
        ("pow", [x, y]) => x.powf(*y),
        ("mod", [x, y]) => x % y,
        _ => return None,
    })
}

/// A type without its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) kind: TypeKind,
    pub(super) width: Option<usize>,
}

impl Shape {
    /// A value as it is kept in a variable of this type.
    pub(super) fn convert(self, value: Value) -> Result<Value, Fault> {
        let wrong = |value: &Value| {
            let width = self.width.map(|width| format!("[{width}]")).unwrap_or_default();
            Fault::mismatch(value.describe(), format!("a value for `{}{width}`", self.kind.name()))
        };
        let bounded = |value: i64| {
            let width = self.width.unwrap_or(64);
            let unsigned = self.kind == TypeKind::Uint;
            let digits = width - usize::from(!unsigned);
            let highest = if digits >= 63 { i64::MAX } else { (1 << digits) - 1 };
            let lowest = if unsigned { 0 } else { -highest - 1 };
            match value {
                // the remainder is what an unsigned number of this width keeps
                _ if unsigned && width < 63 => Ok(Value::Int(value.rem_euclid(1 << width))),
                _ if (lowest..=highest).contains(&value) => Ok(Value::Int(value)),
                _ => {
                    let what = format!("`{}[{width}]`", self.kind.name());
                    Err(Fault::Value { what, found: value.to_string(), expected: "a number that fits" })
                }
            }
        };
        match (self.kind, value) {
            (TypeKind::Bool, Value::Int(value)) => Ok(Value::Bool(value != 0)),
            (TypeKind::Bool, Value::Bool(value) | Value::Bit(Bit::Known(value))) => Ok(Value::Bool(value)),
            (TypeKind::Int | TypeKind::Uint, Value::Int(value)) => bounded(value),
            (TypeKind::Int | TypeKind::Uint, Value::Bool(value) | Value::Bit(Bit::Known(value))) => {
                Ok(Value::Int(i64::from(value)))
            }
            (TypeKind::Int | TypeKind::Uint, Value::Float(value)) if value.abs() < 9e15 => {
                bounded(value.trunc() as i64)
            }
            (TypeKind::Int | TypeKind::Uint, Value::Bits { bits, .. }) if bits.len() < 64 => {
                let known = |sum: i64, (at, bit): (usize, &Bit)| match bit {
                    Bit::Known(value) => Some(sum | i64::from(*value) << at),
                    Bit::Slot(_) => None,
                };
                let value = bits.iter().enumerate().try_fold(0, known);
                value.map_or_else(|| Err(wrong(&Value::Bits { bits, signed: None })), bounded)
            }
            (TypeKind::Float | TypeKind::Angle, Value::Int(value)) => Ok(Value::Float(value as f64)),
            (TypeKind::Float | TypeKind::Angle, Value::Bool(value)) => {
                Ok(Value::Float(f64::from(u8::from(value))))
            }
            (TypeKind::Float | TypeKind::Angle, value @ (Value::Float(_) | Value::Angle(_))) => Ok(value),
            (_, value) => Err(wrong(&value)),
        }
    }
}

/// A length as a number of the language.
pub(super) fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
