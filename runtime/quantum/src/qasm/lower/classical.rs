//! Declarations and assignments of classical values, inputs and registers.

use std::sync::Arc;

use super::super::Version;
use super::super::diagnostic::{Fault, Located, Span};
use super::super::syntax::{Binary, Expression, ExpressionKind, Name, Source, Type, TypeKind};
use super::operand::Target;
use super::scope::{Cell, Symbol};
use super::value::{Bit, Pair, Value, angle, arithmetic};
use super::{Lowering, article, undefined};
use crate::Angle;

impl<'a> Lowering<'a> {
    pub(super) fn declare(
        &mut self,
        name: Name<'a>,
        of: &Type<'a>,
        value: Option<&Source<'a>>,
        constant: bool,
        span: Span,
    ) -> Result<(), Located> {
        let shape = self.shape(of)?;
        match of.kind {
            TypeKind::Qubit => {
                if !self.scopes.is_top() {
                    return Err(
                        Fault::unsupported("`qubit`", "qubits are declared at the top level").at(span)
                    );
                }
                if let Some(Source::Value(value) | Source::Measure(value)) = value {
                    return Err(Fault::mismatch("a value", "`;`: qubits have none").at(value.span));
                }
                self.declare_qubits(name, shape.width, span)
            }
            TypeKind::Bit => {
                let count = shape.width.unwrap_or(1);
                let top = self.scopes.is_top();
                let cells = self.new_bits(count, name.span)?;
                let symbol = Symbol::Bits { cells, single: shape.width.is_none(), branch: self.branch };
                // the value may name an outer variable of the same name
                let target = Target {
                    name: name.text,
                    places: (0..count).collect(),
                    single: shape.width.is_none(),
                    span,
                };
                match value {
                    Some(Source::Measure(source)) => {
                        self.scopes.declare(name, symbol)?;
                        self.measure(source, Some(&target))?;
                    }
                    Some(source @ Source::Value(_)) => {
                        let value = self.source(source)?;
                        self.scopes.declare(name, symbol)?;
                        self.assign_bits(&target, &value, span)?;
                    }
                    None => self.scopes.declare(name, symbol)?,
                }
                if top {
                    self.registers.push(name.text);
                }
                Ok(())
            }
            _ => {
                let value = match value {
                    Some(source) => {
                        let value = self.source(source)?;
                        if let (Source::Measure(_), _) | (_, Value::Bit(Bit::Slot(_))) = (source, &value) {
                            return Err(self.outcome_in_variable(span));
                        }
                        Some(shape.convert(value).map_err(|fault| fault.at(span))?)
                    }
                    None => None,
                };
                self.scopes.declare(name, Symbol::Number { value, shape, constant, branch: self.branch })
            }
        }
    }

    fn declare_qubits(&mut self, name: Name<'a>, width: Option<usize>, span: Span) -> Result<(), Located> {
        if self.physical {
            let reason = "a circuit has either physical qubits or registers";
            return Err(Fault::unsupported("a register beside physical qubits", reason).at(span));
        }
        let count = width.unwrap_or(1);
        if self.circuit.width() + count > self.limits.qubits {
            return Err(Fault::Limit { what: "qubits", limit: self.limits.qubits }.at(span));
        }
        let start = self.circuit.width();
        let list: Arc<[usize]> = (start..start + count).collect();
        self.scopes.declare(name, Symbol::Qubits { list, single: width.is_none() })?;
        let declared = self.circuit.declare(name.text, count);
        declared.map(drop).map_err(|error| Fault::Step(Box::new(error)).at(span))
    }

    /// An outcome where a variable of the program is meant.
    fn outcome_in_variable(&self, span: Span) -> Located {
        let reason = "what a program computes from outcomes is not known to a circuit; measure into bits";
        Fault::unsupported(self.quote(span), reason).at(span)
    }

    pub(super) fn input(&mut self, name: Name<'a>, of: &Type<'a>, span: Span) -> Result<(), Located> {
        if !self.scopes.is_top() {
            return Err(Fault::unsupported("`input`", "inputs are declared at the top level").at(span));
        }
        if !matches!(of.kind, TypeKind::Float | TypeKind::Angle) {
            let what = format!("an input of type `{}`", of.kind.name());
            return Err(Fault::unsupported(what, "the inputs of a circuit are angles").at(of.span));
        }
        if let Some(width) = &of.width {
            self.size(width, "bits", self.limits.bits)?;
        }
        let mut shape = Vec::with_capacity(of.shape.len());
        for size in &of.shape {
            shape.push(self.size(size, "inputs", self.limits.bits)?);
        }
        let count = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
        if count
            .and_then(|count| count.checked_add(self.circuit.parameters().len()))
            .is_none_or(|all| all > self.limits.bits)
        {
            return Err(Fault::Limit { what: "inputs", limit: self.limits.bits }.at(of.span));
        }
        let fault = |error| Fault::Step(Box::new(error)).at(span);
        // a name that is taken is reported before the circuit has the parameter
        let symbol = if shape.is_empty() {
            let value =
                angle(Angle::parameter(self.circuit.parameters().len())).map_err(|fault| fault.at(span))?;
            Symbol::constant(value)
        } else {
            Symbol::Inputs { offset: self.circuit.parameters().len(), shape: shape.clone() }
        };
        self.scopes.declare(name, symbol)?;
        self.circuit.declare_parameters(name.text, &shape).map(drop).map_err(fault)
    }

    pub(super) fn output(&mut self, name: Name<'a>, of: &Type<'a>, span: Span) -> Result<(), Located> {
        if !self.scopes.is_top() {
            return Err(Fault::unsupported("`output`", "outputs are declared at the top level").at(span));
        }
        if of.kind != TypeKind::Bit {
            let what = format!("an output of type `{}`", of.kind.name());
            return Err(Fault::unsupported(what, "the outputs of a circuit are bits").at(of.span));
        }
        let shape = self.shape(of)?;
        let count = shape.width.unwrap_or(1);
        self.spend(count / 8, span)?;
        let cells = vec![Cell { bit: Bit::Known(false), home: None }; count];
        let single = shape.width.is_none();
        self.scopes.declare(name, Symbol::Bits { cells, single, branch: self.branch })?;
        self.outputs.push(name.text);
        Ok(())
    }

    pub(super) fn assign(
        &mut self,
        target: &Expression<'a>,
        operator: Option<Binary>,
        source: &Source<'a>,
    ) -> Result<(), Located> {
        let name = match &target.kind {
            ExpressionKind::Name(name) => *name,
            ExpressionKind::Index(inner, _) => match &inner.kind {
                ExpressionKind::Name(name) => *name,
                _ => return Err(Fault::mismatch(self.quote(target.span), "a variable").at(target.span)),
            },
            _ => return Err(Fault::mismatch(self.quote(target.span), "a variable").at(target.span)),
        };
        match self.scopes.get(name) {
            Some(Symbol::Bits { .. }) => self.assign_to_bits(target, operator, source),
            Some(Symbol::Number { constant: true, .. }) => {
                Err(Fault::mismatch(format!("`{name}`, which is constant"), "a variable").at(target.span))
            }
            Some(Symbol::Number { value, shape, branch, .. }) => {
                let (old, shape, branch) = (value.clone(), *shape, *branch);
                if matches!(source, Source::Measure(_)) {
                    return Err(self.outcome_in_variable(target.span));
                }
                if !matches!(target.kind, ExpressionKind::Name(_)) {
                    return Err(Fault::unsupported(self.quote(target.span), "assign the whole variable")
                        .at(target.span));
                }
                if branch != self.branch {
                    let reason = "under a condition on an outcome a circuit changes no variables";
                    return Err(Fault::unsupported(self.quote(target.span), reason).at(target.span));
                }
                let value = self.source(source)?;
                let value = match operator {
                    None => value,
                    Some(operator) => self.updated(old, operator, value, target.span)?,
                };
                if let Value::Bit(Bit::Slot(_)) | Value::Bits { signed: None, .. } = value {
                    return Err(self.outcome_in_variable(target.span));
                }
                let value = shape.convert(value).map_err(|fault| fault.at(target.span))?;
                if let Some(Symbol::Number { value: kept, .. }) = self.scopes.get_mut(name) {
                    *kept = Some(value);
                }
                Ok(())
            }
            Some(_) => Err(Fault::mismatch(self.quote(target.span), "a variable").at(target.span)),
            None => Err(undefined("variable", name, target.span)),
        }
    }

    fn updated(
        &self,
        old: Option<Value>,
        operator: Binary,
        value: Value,
        span: Span,
    ) -> Result<Value, Located> {
        let pair = match (old, value) {
            (Some(Value::Int(a)), Value::Int(b)) => Pair::Whole(a, b),
            (Some(Value::Float(a)), Value::Float(b)) => Pair::Real(a, b),
            (Some(Value::Float(a)), Value::Int(b)) => Pair::Real(a, b as f64),
            (Some(Value::Int(a)), Value::Float(b)) => Pair::Real(a as f64, b),
            (Some(Value::Angle(a)), Value::Angle(b)) => Pair::Angles(a, b),
            (Some(Value::Angle(a)), Value::Float(b)) => Pair::Angles(a, Angle::radians(b)),
            (Some(Value::Float(a)), Value::Angle(b)) => Pair::Angles(Angle::radians(a), b),
            (Some(Value::Angle(a)), Value::Int(b)) => Pair::Angles(a, Angle::radians(b as f64)),
            (None, _) => {
                let reason =
                    "it has no value yet; what a program computes when it runs is not known to a circuit";
                return Err(Fault::unsupported(self.quote(span), reason).at(span));
            }
            (Some(_), Value::Bit(_) | Value::Bits { .. }) => return Err(self.outcome_in_variable(span)),
            (Some(_), other) => return Err(Fault::mismatch(other.describe(), "a number").at(span)),
        };
        arithmetic(operator, pair, self.version == Version::Two).map_err(|fault| match fault {
            Fault::NotAffine { .. } => Fault::NotAffine { what: self.quote(span) }.at(span),
            fault => fault.at(span),
        })
    }

    fn assign_to_bits(
        &mut self,
        target: &Expression<'a>,
        operator: Option<Binary>,
        source: &Source<'a>,
    ) -> Result<(), Located> {
        let place = self.target(target)?;
        if let Some(operator) = operator {
            let reason = "a circuit computes nothing with bits";
            let what = format!("assigning with {operator:?}");
            return Err(Fault::unsupported(what.to_lowercase(), reason).at(target.span));
        }
        match source {
            Source::Measure(qubits) => self.measure(qubits, Some(&place)).map(drop),
            Source::Value(expression) => {
                let value = self.source(source)?;
                self.assign_bits(&place, &value, expression.span)
            }
        }
    }

    /// An argument of a subroutine as a name inside it.
    pub(super) fn argument(
        &mut self,
        of: &Type<'a>,
        name: Name<'a>,
        value: Value,
        at: Span,
    ) -> Result<(), Located> {
        let shape = self.shape(of)?;
        let symbol = match (of.kind, value) {
            (TypeKind::Qubit, Value::Qubits { list, single }) if shape.width.unwrap_or(1) == list.len() => {
                Symbol::Qubits {
                    list: list.into(),
                    single: shape.width.is_none() || single && shape.width.is_none(),
                }
            }
            (TypeKind::Bit, Value::Bit(bit)) if shape.width.is_none() => {
                let cells = self.copied(&[bit], at)?;
                Symbol::Bits { cells, single: true, branch: self.branch }
            }
            (TypeKind::Bit, Value::Bits { bits, .. }) if shape.width == Some(bits.len()) => {
                let cells = self.copied(&bits, at)?;
                Symbol::Bits { cells, single: false, branch: self.branch }
            }
            (TypeKind::Qubit | TypeKind::Bit, other) => {
                let width = shape.width.map(|width| format!("[{width}]")).unwrap_or_default();
                return Err(Fault::mismatch(other.describe(), format!("{}{width}", article(of.kind))).at(at));
            }
            (_, value) => {
                let value = shape.convert(value).map_err(|fault| fault.at(at))?;
                Symbol::Number { value: Some(value), shape, constant: false, branch: self.branch }
            }
        };
        self.scopes.declare(name, symbol)
    }

    /// Bits of another variable in a new one.
    fn copied(&mut self, bits: &[Bit], span: Span) -> Result<Vec<Cell>, Located> {
        let mut cells = self.new_bits(bits.len(), span)?;
        for (cell, bit) in cells.iter_mut().zip(bits) {
            cell.bit = *bit;
            if let Bit::Slot(slot) = bit {
                self.slots[*slot].shared = true;
            }
        }
        Ok(cells)
    }

    /// What a subroutine returns, as its type says.
    pub(super) fn result(&mut self, of: &Type<'a>, value: Value, span: Span) -> Result<Value, Located> {
        let shape = self.shape(of)?;
        match (of.kind, value) {
            (TypeKind::Bit, Value::Bit(bit)) if shape.width.is_none() => Ok(Value::Bit(bit)),
            (TypeKind::Bit, Value::Bool(value)) if shape.width.is_none() => Ok(Value::Bit(Bit::Known(value))),
            (TypeKind::Bit, Value::Bits { bits, .. }) if shape.width == Some(bits.len()) => {
                Ok(Value::Bits { bits, signed: None })
            }
            (TypeKind::Bit | TypeKind::Qubit, other) => {
                Err(Fault::mismatch(other.describe(), format!("{} as the result", article(of.kind))).at(span))
            }
            (_, Value::Bit(Bit::Slot(_)) | Value::Bits { .. }) => Err(self.outcome_in_variable(span)),
            (_, value) => shape.convert(value).map_err(|fault| fault.at(span)),
        }
    }
}
