//! Gates on many qubits, by way of the density matrix.

use super::convert::{to_matrix, to_pauli};
use super::state::PauliState;
use crate::gate::Call;
use crate::{C64, Matrix};

/// A matrix on targets, controlled by other qubits.
#[derive(Debug)]
pub(super) struct Wide<'a> {
    targets: Vec<usize>,
    controls: usize,
    matrix: &'a Matrix,
}

impl<'a> Wide<'a> {
    pub(super) fn new(call: &Call, matrix: &'a Matrix) -> Self {
        let controls = call.control_qubits().fold(0, |mask, qubit| mask | 1 << qubit);
        Self { targets: call.target_qubits().to_vec(), controls, matrix }
    }

    /// `rho -> U rho U^+`, or `U^+ rho U` if `adjoint`.
    pub(super) fn apply(&self, state: &mut PauliState, width: usize, adjoint: bool) {
        let mut rho = to_matrix(width, state.entries());
        let matrix = if adjoint { self.matrix.t().mapv(|a| a.conj()) } else { self.matrix.clone() };
        self.rows(&matrix, &mut rho, width, false);
        dagger(&mut rho, width);
        self.rows(&matrix, &mut rho, width, false);
        let vector = to_pauli(width, &rho);
        state.vector_mut()[..vector.len()].copy_from_slice(&vector);
    }

    /// `Tr[dual d(U rho U^+)]` as the matrix moves by `slope`, for Pauli vectors.
    pub(super) fn slope(&self, slope: &Matrix, dual: &[f64], state: &PauliState, width: usize) -> f64 {
        let mut rho = to_matrix(width, state.entries());
        self.rows(self.matrix, &mut rho, width, false);
        dagger(&mut rho, width);
        self.rows(slope, &mut rho, width, true);
        // the Hermitian part of `slope rho U^+`, twice
        let mut sum = rho.clone();
        dagger(&mut rho, width);
        sum.iter_mut().zip(&rho).for_each(|(a, b)| *a += b);
        to_pauli(width, &sum).iter().zip(dual).map(|(r, d)| r * d).sum()
    }

    /// Multiplies each column by the matrix; what the controls leave alone stays, or becomes zero if `only_controlled`.
    fn rows(&self, matrix: &Matrix, rho: &mut [C64], width: usize, only_controlled: bool) {
        let d = 1_usize << width;
        let offsets: Vec<usize> = (0..matrix.nrows())
            .map(|k| self.targets.iter().enumerate().map(|(at, target)| (k >> at & 1) << target).sum())
            .collect();
        let targets = offsets[offsets.len() - 1];
        let mut old = vec![C64::ZERO; offsets.len()];
        for row in (0..d).filter(|row| row & targets == 0) {
            if row & self.controls != self.controls {
                if only_controlled {
                    for offset in &offsets {
                        rho[(row | offset) * d..][..d].fill(C64::ZERO);
                    }
                }
                continue;
            }
            for column in 0..d {
                for (old, offset) in old.iter_mut().zip(&offsets) {
                    *old = rho[(row | offset) * d + column];
                }
                for (entries, offset) in matrix.rows().into_iter().zip(&offsets) {
                    rho[(row | offset) * d + column] = entries.iter().zip(&old).map(|(m, a)| m * a).sum();
                }
            }
        }
    }
}

/// The conjugate transpose, in place.
fn dagger(rho: &mut [C64], width: usize) {
    let d = 1 << width;
    for row in 0..d {
        for column in 0..=row {
            let (a, b) = (rho[row * d + column], rho[column * d + row]);
            (rho[row * d + column], rho[column * d + row]) = (b.conj(), a.conj());
        }
    }
}
