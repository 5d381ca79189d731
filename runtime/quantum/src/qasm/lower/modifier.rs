//! Modifiers of gate calls: controls, inverses, powers.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use super::super::diagnostic::{Fault, Located, Span};
use super::super::syntax::Modifier;
use super::Lowering;
use super::unitary::{close, dense, power, principal};
use super::value::Value;
use crate::gate::{Call, Gate, UnitaryGate};
use crate::{Angle, Error, Instruction};

/// Qubits of the widest block whose fractional power is taken.
const POWER_WIDTH: usize = 4;

/// A modifier with its numbers known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Inverse,
    Repeat(i64),
    Fraction(f64),
    Control { count: usize, negative: bool },
}

impl<'a> Lowering<'a> {
    /// Modifiers as they are written, outermost first, and how many qubits they take.
    pub(super) fn modifiers(
        &mut self,
        modifiers: &[Modifier<'a>],
        span: Span,
    ) -> Result<(Vec<Change>, usize), Located> {
        let mut changes = Vec::with_capacity(modifiers.len());
        let mut controls = 0_usize;
        for modifier in modifiers {
            changes.push(match modifier {
                Modifier::Inverse => Change::Inverse,
                Modifier::Power(exponent) => match self.value(exponent)? {
                    Value::Int(times) => Change::Repeat(times),
                    Value::Float(times) if times.fract() == 0.0 && times.abs() < 9e15 => {
                        Change::Repeat(times as i64)
                    }
                    Value::Float(fraction) => Change::Fraction(fraction),
                    Value::Angle(_) => {
                        return Err(Fault::NotAffine { what: self.quote(exponent.span) }.at(exponent.span));
                    }
                    other => return Err(Fault::mismatch(other.describe(), "a number").at(exponent.span)),
                },
                Modifier::Control { count, negative } => {
                    let count = match count {
                        Some(count) => self.size(count, "controls", self.limits.qubits)?,
                        None => 1,
                    };
                    controls = controls.saturating_add(count);
                    Change::Control { count, negative: *negative }
                }
            });
        }
        self.spend(modifiers.len(), span)?;
        Ok((changes, controls))
    }

    /// Steps after the modifiers, the innermost of which is the last; `controls` are in the order of the text.
    pub(super) fn modified(
        &mut self,
        mut steps: Vec<Instruction>,
        changes: &[Change],
        mut controls: &[usize],
        span: Span,
    ) -> Result<Vec<Instruction>, Located> {
        for change in changes.iter().rev() {
            self.spend(1 + steps.len() / 8, span)?;
            steps = match change {
                Change::Inverse => inverse(&steps),
                Change::Repeat(times) => self.repeat(steps, *times, span)?,
                Change::Fraction(exponent) => fraction(&steps, *exponent, span)?,
                Change::Control { count, negative } => {
                    let (rest, own) = controls.split_at(controls.len() - count);
                    controls = rest;
                    self.charge(0, steps.len().saturating_mul(*count), span)?;
                    controlled(steps, own, *negative)
                }
            };
        }
        Ok(steps)
    }

    fn repeat(
        &mut self,
        steps: Vec<Instruction>,
        times: i64,
        span: Span,
    ) -> Result<Vec<Instruction>, Located> {
        if let [Instruction::Gate(call)] = steps.as_slice()
            && let [angle] = call.angles.as_slice()
            && family(call).is_some()
        {
            let angle = *angle * times as f64;
            return Ok(vec![Instruction::Gate(Call { angles: vec![angle], ..call.clone() })]);
        }
        let steps = if times < 0 { inverse(&steps) } else { steps };
        let times = usize::try_from(times.unsigned_abs()).unwrap_or(usize::MAX);
        if steps.is_empty() {
            return Ok(steps);
        }
        // the steps are counted again where they are added; here only their number is bounded
        let total = steps.len().saturating_mul(times);
        if total > self.limits.steps {
            return Err(Fault::Limit { what: "steps", limit: self.limits.steps }.at(span));
        }
        self.spend(total, span)?;
        Ok(std::iter::repeat_n(&steps, times).flatten().cloned().collect())
    }
}

/// The principal power: `exp(exponent log U)` with the phases of the eigenvalues in (-pi, pi].
fn fraction(steps: &[Instruction], exponent: f64, span: Span) -> Result<Vec<Instruction>, Located> {
    let calls: Option<Vec<&Call>> = steps
        .iter()
        .map(|step| match step {
            Instruction::Gate(call) => Some(call),
            _ => None,
        })
        .collect();
    let Some(calls) = calls else {
        return Err(Fault::unsupported("a fractional power", "the gate has a barrier inside").at(span));
    };
    if let Some(call) = calls.iter().find(|call| !call.is_constant()) {
        let reason = "the power of a gate with an input is not affine in it everywhere: it jumps";
        return Err(Fault::unsupported(format!("a fractional power of `{}`", call.name()), reason).at(span));
    }
    if let [call] = calls.as_slice()
        && let Some(call) = named_power(call, exponent)
    {
        return Ok(vec![Instruction::Gate(call)]);
    }
    // controls stay controls; the power is that of what they control
    let (matrix, targets, controls, label) = match calls.as_slice() {
        [] => return Ok(Vec::new()),
        [call] => {
            let controls: Vec<_> = call.control_qubits().collect();
            (call.matrix(&[]), call.target_qubits().to_vec(), controls, call.gate.name().to_owned())
        }
        calls => {
            let mut qubits: Vec<_> = calls.iter().flat_map(|call| call.all_qubits()).collect();
            qubits.sort_unstable();
            qubits.dedup();
            if qubits.len() > POWER_WIDTH || calls.len() > 4096 {
                let reason = "it is taken of gates on at most 4 qubits";
                return Err(Fault::unsupported("this fractional power", reason).at(span));
            }
            let place = |qubit: usize| qubits.iter().position(|q| *q == qubit).unwrap_or(0);
            let local: Vec<_> = calls.iter().map(|call| call.relabel(place)).collect();
            (dense(&local, qubits.len()), qubits, Vec::new(), "gate".to_owned())
        }
    };
    let fault = |error: Error| Fault::Step(Box::new(error)).at(span);
    let root = power(&matrix, exponent).ok_or_else(|| {
        Fault::unsupported("this fractional power", "the eigenvalues of the gate are too close to tell apart")
            .at(span)
    })?;
    let plain = ["s", "sdg", "sx", "sxdg", "t", "tdg"].iter().filter_map(|name| Gate::named(name));
    let gate = match plain.into_iter().find(|gate| close(&gate.matrix(&[]), &root, false)) {
        Some(gate) => gate,
        None if targets.is_empty() => return Ok(Vec::new()),
        None => Gate::Unitary(UnitaryGate::new(format!("{label}^{exponent}"), root).map_err(fault)?.into()),
    };
    Ok(vec![Instruction::Gate(Call::new(gate, [], targets).controlled(&controls))])
}

fn inverse(steps: &[Instruction]) -> Vec<Instruction> {
    let undo = |step: &Instruction| match step {
        Instruction::Gate(call) => Instruction::Gate(call.inverse()),
        // what stands in a gate is a gate or a barrier
        other => other.clone(),
    };
    steps.iter().rev().map(undo).collect()
}

fn controlled(steps: Vec<Instruction>, controls: &[usize], negative: bool) -> Vec<Instruction> {
    let flips = || {
        let flip = |qubit: &usize| Gate::named("x").map(|x| Instruction::Gate(Call::new(x, [], [*qubit])));
        controls.iter().filter(|_| negative).filter_map(flip)
    };
    let add = |step: Instruction| match step {
        Instruction::Gate(call) => Instruction::Gate(call.controlled(controls)),
        other => other,
    };
    let mut result: Vec<_> = flips().collect();
    result.extend(steps.into_iter().map(add));
    result.extend(flips());
    result
}

/// How a gate with one angle depends on it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Family {
    /// Eigenvalues `1` and `exp(i angle)`.
    Phase,
    /// Eigenvalues `exp(i angle / 2)` and `exp(-i angle / 2)`.
    Rotation,
}

/// The family of a gate whose powers are those with a multiple of its angle.
fn family(call: &Call) -> Option<Family> {
    let Gate::Standard(row) = &call.gate else { return None };
    match if row.base.is_empty() { row.name } else { row.base } {
        "p" | "gphase" => Some(Family::Phase),
        "rx" | "ry" | "rz" | "rxx" | "ryy" | "rzz" | "rzx" => Some(Family::Rotation),
        _ => None,
    }
}

/// A fractional power that is a row of the table.
fn named_power(call: &Call, exponent: f64) -> Option<Call> {
    let Gate::Standard(row) = &call.gate else { return None };
    let base = if row.base.is_empty() { row.name } else { row.base };
    let phase = |angle: f64, name| {
        let controls: Vec<_> = call.control_qubits().collect();
        let angle = Angle::radians(principal(angle) * exponent);
        Some(Call::new(Gate::named(name)?, [angle], call.target_qubits()).controlled(&controls))
    };
    let angle = call.angles.first().map_or(0.0, Angle::offset);
    match base {
        "z" => phase(PI, "p"),
        "s" => phase(FRAC_PI_2, "p"),
        "sdg" => phase(-FRAC_PI_2, "p"),
        "t" => phase(FRAC_PI_4, "p"),
        "tdg" => phase(-FRAC_PI_4, "p"),
        "p" => phase(angle, "p"),
        "gphase" => phase(angle, "gphase"),
        _ if family(call) == Some(Family::Rotation) => {
            // half the angle is a phase; at half a turn both eigenvalues are -1, and the power is a phase alone
            let half = principal(angle / 2.0);
            let angle = Angle::radians(2.0 * half * exponent);
            ((half.abs() - PI).abs() > 1e-9).then(|| Call { angles: vec![angle], ..call.clone() })
        }
        _ => None,
    }
}
