//! Neighbouring constant steps made one.

use super::program::{Space, superoperator};
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
    /// A constant map of density matrices.
    Superoperator(Matrix),
    /// A gate with parameters.
    Gate(&'a Call),
    /// A channel that is unravelled.
    Channel(&'a Channel),
    /// Measurement, reset or condition.
    Other(&'a Instruction),
}

impl<'a> Draft<'a> {
    /// The draft of an instruction, `None` for a barrier.
    pub(crate) fn of(step: &'a Instruction, space: Space) -> Option<Self> {
        let dense = matches!(space, Space::Density(_));
        let what = match step {
            Instruction::Barrier { .. } => return None,
            Instruction::Gate(call) if call.is_constant() => What::Unitary {
                matrix: call.matrix(&[]),
                targets: call.target_qubits().to_vec(),
                controls: call.control_qubits().collect(),
            },
            Instruction::Gate(call) => What::Gate(call),
            Instruction::Channel { channel, .. } if dense => {
                What::Superoperator(channel.superoperator().clone())
            }
            Instruction::Channel { channel, .. } => What::Channel(channel),
            Instruction::Reset { .. } if dense => What::Superoperator(reset()),
            Instruction::Reset { .. } | Instruction::Measure { .. } | Instruction::If { .. } => {
                What::Other(step)
            }
        };
        Some(Self { qubits: step.qubits(), what })
    }
}

/// `rho -> Tr(rho) |0><0|` on one qubit.
fn reset() -> Matrix {
    let mut matrix = Matrix::zeros((4, 4));
    matrix[(0, 0)] = C64::ONE;
    matrix[(0, 3)] = C64::ONE;
    matrix
}

/// Merges each constant step into the next step that touches any of its qubits, where one pass is then cheaper than two.
/// No step between the two touches those qubits, so the order does not matter to it.
pub(crate) fn fuse(drafts: Vec<Draft<'_>>, space: Space) -> Vec<Draft<'_>> {
    let mut drafts: Vec<Option<Draft<'_>>> = drafts.into_iter().map(Some).collect();
    for start in (0..drafts.len()).rev() {
        let mut at = start;
        while let Some(draft) = &drafts[at] {
            let touches = |other: &Draft<'_>| other.qubits.iter().any(|qubit| draft.qubits.contains(qubit));
            let Some(next) = (at + 1..drafts.len()).find(|next| drafts[*next].as_ref().is_some_and(touches))
            else {
                break;
            };
            let Some(merged) = drafts[next].as_ref().and_then(|next| merge(draft, next, space)) else {
                break;
            };
            (drafts[at], drafts[next]) = (None, Some(merged));
            at = next;
        }
    }
    drafts.into_iter().flatten().collect()
}

/// `first`, then `second`, as one step; `None` where that is not cheaper.
fn merge<'a>(first: &Draft<'_>, second: &Draft<'_>, space: Space) -> Option<Draft<'a>> {
    let within = |a: &Draft<'_>, b: &Draft<'_>| a.qubits.iter().all(|qubit| b.qubits.contains(qubit));
    let wide = if within(first, second) {
        second
    } else if within(second, first) {
        first
    } else {
        return None;
    };
    let (a, b) = (&first.what, &second.what);
    let qubits = wide.qubits.clone();
    match (a, b) {
        (What::Unitary { .. }, What::Unitary { .. }) if qubits.len() == 1 => {
            let matrix = on_all(b, &qubits)?.dot(&on_all(a, &qubits)?);
            let what = What::Unitary { matrix, targets: qubits.clone(), controls: Vec::new() };
            Some(Draft { qubits, what })
        }
        (What::Unitary { .. } | What::Superoperator(_), What::Unitary { .. } | What::Superoperator(_)) => {
            // a map on two qubits costs sixteen products an entry: only what pays that anyway takes others in
            let worth = qubits.len() == 1
                || qubits.len() == 2 && matches!(wide.what, What::Superoperator(_))
                || qubits.len() == 2 && first.qubits.len() == 2 && second.qubits.len() == 2;
            let maps = matches!(a, What::Superoperator(_)) || matches!(b, What::Superoperator(_));
            if !worth || !maps || space == Space::Vector {
                return None;
            }
            let matrix = map_on(second, &qubits)?.dot(&map_on(first, &qubits)?);
            Some(Draft { qubits, what: What::Superoperator(matrix) })
        }
        _ => None,
    }
}

/// The unitary on all of `qubits`.
fn on_all(what: &What<'_>, qubits: &[usize]) -> Option<Matrix> {
    match what {
        What::Unitary { matrix, targets, controls } => Some(embed(matrix, targets, controls, qubits)),
        _ => None,
    }
}

/// The superoperator on all of `qubits`.
fn map_on(draft: &Draft<'_>, qubits: &[usize]) -> Option<Matrix> {
    match &draft.what {
        What::Superoperator(matrix) => {
            let all = Space::Density(qubits.iter().max()? + 1);
            Some(embed(matrix, &stacked(&draft.qubits, all), &[], &stacked(qubits, all)))
        }
        what => on_all(what, qubits).map(|unitary| superoperator(&unitary)),
    }
}

/// The places of the qubits in a stacked density matrix: columns, then rows.
pub(crate) fn stacked(qubits: &[usize], space: Space) -> Vec<usize> {
    match space {
        Space::Vector => qubits.to_vec(),
        Space::Density(width) => qubits.iter().copied().chain(qubits.iter().map(|q| q + width)).collect(),
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
