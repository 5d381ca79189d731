//! Neighbouring constant steps made one.

use crate::circuit::Instruction;
use crate::gate::Call;
use crate::{C64, Channel, Matrix};

/// A step on its way to the program.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    /// The qubits that it touches, in the order of its matrix.
    pub(crate) qubits: Vec<usize>,
    pub(crate) what: What<'a>,
}

/// What the step does.
#[derive(Debug)]
pub(crate) enum What<'a> {
    /// A constant gate.
    Unitary { matrix: Matrix, targets: Vec<usize>, controls: Vec<usize> },
    /// A gate with parameters.
    Gate(&'a Call),
    /// A channel that is unravelled.
    Channel(&'a Channel),
    /// Measurement, reset, condition or pulses.
    Other(&'a Instruction),
}

impl<'a> Draft<'a> {
    /// The draft of an instruction, `None` for a barrier.
    pub(crate) fn of(step: &'a Instruction) -> Option<Self> {
        let what = match step {
            Instruction::Barrier { .. } => return None,
            Instruction::Gate(call) if call.is_constant() => What::Unitary {
                matrix: call.matrix(&[]),
                targets: call.target_qubits().to_vec(),
                controls: call.control_qubits().collect(),
            },
            Instruction::Gate(call) => What::Gate(call),
            Instruction::Channel { channel, .. } => What::Channel(channel),
            Instruction::Reset { .. }
            | Instruction::Measure { .. }
            | Instruction::If { .. }
            | Instruction::Pulse(_) => What::Other(step),
        };
        Some(Self { qubits: step.qubits(), what })
    }
}

/// Merges each constant gate into the next step on its qubit, where both are gates on that qubit alone.
pub(crate) fn fuse(drafts: Vec<Draft<'_>>) -> Vec<Draft<'_>> {
    let mut drafts: Vec<Option<Draft<'_>>> = drafts.into_iter().map(Some).collect();
    for start in (0..drafts.len()).rev() {
        let mut at = start;
        while let Some(draft) = &drafts[at] {
            let touches = |other: &Draft<'_>| other.qubits.iter().any(|qubit| draft.qubits.contains(qubit));
            let Some(next) = (at + 1..drafts.len()).find(|next| drafts[*next].as_ref().is_some_and(touches))
            else {
                break;
            };
            let Some(merged) = drafts[next].as_ref().and_then(|next| merge(draft, next)) else {
                break;
            };
            (drafts[at], drafts[next]) = (None, Some(merged));
            at = next;
        }
    }
    drafts.into_iter().flatten().collect()
}

/// `first`, then `second`, as one step; `None` where that is not cheaper.
fn merge<'a>(first: &Draft<'_>, second: &Draft<'_>) -> Option<Draft<'a>> {
    if first.qubits.len() != 1 || first.qubits != second.qubits {
        return None;
    }
    let qubits = second.qubits.clone();
    let matrix = on_all(&second.what, &qubits)?.dot(&on_all(&first.what, &qubits)?);
    Some(Draft { what: What::Unitary { matrix, targets: qubits.clone(), controls: Vec::new() }, qubits })
}

/// The unitary on all of `qubits`.
fn on_all(what: &What<'_>, qubits: &[usize]) -> Option<Matrix> {
    match what {
        What::Unitary { matrix, targets, controls } => Some(embed(matrix, targets, controls, qubits)),
        _ => None,
    }
}

/// The matrix on `targets`, controlled by `controls`, as a matrix on all of `places`.
fn embed(matrix: &Matrix, targets: &[usize], controls: &[usize], places: &[usize]) -> Matrix {
    let at = |place: &usize| places.iter().position(|p| p == place).unwrap_or(0); // callers name all places
    let targets: Vec<_> = targets.iter().map(at).collect();
    let controls: usize = controls.iter().map(|control| 1 << at(control)).sum();
    let inner =
        |index: usize| -> usize { targets.iter().enumerate().map(|(k, t)| (index >> t & 1) << k).sum() };
    let mask: usize = targets.iter().map(|target| 1 << target).sum();
    let d = 1 << places.len();
    Matrix::from_shape_fn((d, d), |(row, column)| {
        if row & !mask != column & !mask {
            C64::ZERO
        } else if column & controls == controls {
            matrix[(inner(row), inner(column))]
        } else {
            C64::from(f64::from(row == column))
        }
    })
}
