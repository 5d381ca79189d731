//! Transfer matrices: linear maps of the Pauli vectors of a few qubits.

use super::convert::{to_matrix, to_pauli};
use crate::linalg::dagger;
use crate::{C64, Matrix};

/// A real matrix of `4^k` rows, row by row; operand `m` is the digit of place `m`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Transfer {
    pub(crate) qubits: usize,
    pub(crate) entries: Vec<f64>,
}

impl Transfer {
    pub(crate) fn identity(qubits: usize) -> Self {
        let d = 1 << (2 * qubits);
        let mut entries = vec![0.0; d * d];
        entries.iter_mut().step_by(d + 1).for_each(|entry| *entry = 1.0);
        Self { qubits, entries }
    }

    /// The number of rows.
    pub(crate) fn dimension(&self) -> usize {
        1 << (2 * self.qubits)
    }

    /// The matrix of a map of Hermitian matrices, given by what it makes of each `2^-k P`.
    fn of(qubits: usize, map: impl Fn(&[C64]) -> Vec<C64>) -> Self {
        let d = 1 << (2 * qubits);
        let mut entries = vec![0.0; d * d];
        let mut basis = vec![0.0; d];
        for column in 0..d {
            basis[column] = 1.0;
            let image = to_pauli(qubits, &map(&to_matrix(qubits, &basis)));
            basis[column] = 0.0;
            entries.iter_mut().skip(column).step_by(d).zip(image).for_each(|(entry, r)| *entry = r);
        }
        Self { qubits, entries }.without_dust()
    }

    /// `rho -> U rho U^+`.
    pub(crate) fn unitary(matrix: &Matrix) -> Self {
        let (qubits, inverse) = (matrix.nrows().trailing_zeros() as usize, dagger(matrix));
        Self::of(qubits, |rho| rows(&matrix.dot(&square(rho)).dot(&inverse)))
    }

    /// The derivative of [`Self::unitary`] as the matrix moves by `slope`: `rho -> slope rho U^+ + U rho slope^+`.
    pub(crate) fn slope(matrix: &Matrix, slope: &Matrix) -> Self {
        let (qubits, inverse) = (matrix.nrows().trailing_zeros() as usize, dagger(matrix));
        Self::of(qubits, |rho| {
            let half = slope.dot(&square(rho)).dot(&inverse);
            rows(&(&half + &dagger(&half)))
        })
    }

    /// A superoperator for density matrices stacked row by row.
    pub(crate) fn superoperator(matrix: &Matrix) -> Self {
        let qubits = matrix.nrows().trailing_zeros() as usize / 2;
        Self::of(qubits, |rho| matrix.dot(&ndarray::ArrayView1::from(rho)).to_vec())
    }

    /// `rho -> Tr(rho) |0><0|` on one qubit.
    pub(crate) fn reset() -> Self {
        let mut entries = vec![0.0; 16];
        (entries[0], entries[8]) = (1.0, 1.0);
        Self { qubits: 1, entries }
    }

    /// The projection of one qubit on an outcome, divided by the outcome's probability.
    pub(crate) fn projection(outcome: bool, probability: f64) -> Self {
        let (half, sign) = (0.5 / probability, if outcome { -1.0 } else { 1.0 });
        let mut entries = vec![0.0; 16];
        (entries[0], entries[2]) = (half, sign * half);
        (entries[8], entries[10]) = (sign * half, half);
        Self { qubits: 1, entries }
    }

    /// First `before`, then this map, on the same qubits.
    pub(crate) fn after(&self, before: &Self) -> Self {
        let mut product = vec![0.0; self.entries.len()];
        multiply(self.dimension(), &self.entries, &before.entries, &mut product);
        Self { qubits: self.qubits, entries: product }.without_dust()
    }

    pub(crate) fn transposed(&self) -> Self {
        let d = self.dimension();
        let entries = (0..d * d).map(|at| self.entries[at % d * d + at / d]).collect();
        Self { qubits: self.qubits, entries }
    }

    /// The map on qubits `from` as one on all qubits `to`, which name them all.
    pub(crate) fn embed(&self, from: &[usize], to: &[usize]) -> Self {
        if from == to {
            return self.clone();
        }
        let places: Vec<_> = from.iter().map(|q| to.iter().position(|p| p == q).unwrap_or(0)).collect();
        let inner = |at: usize| -> usize {
            places.iter().enumerate().map(|(m, p)| (at >> (2 * p) & 3) << (2 * m)).sum()
        };
        let others = !places.iter().fold(0, |mask, p| mask | 3 << (2 * p));
        let (d, small) = (1_usize << (2 * to.len()), self.dimension());
        let entry = |at: usize| {
            let (row, column) = (at / d, at % d);
            if row & others == column & others {
                self.entries[inner(row) * small + inner(column)]
            } else {
                0.0
            }
        };
        Self { qubits: to.len(), entries: (0..d * d).map(entry).collect() }
    }

    /// Entries that rounding left beside -1, 0 and 1 put right, so that sparse matrices are seen to be.
    pub(super) fn without_dust(mut self) -> Self {
        const DUST: f64 = 8.0 * f64::EPSILON;
        for entry in &mut self.entries {
            let near = entry.round();
            if near.abs() <= 1.0 && (*entry - near).abs() < DUST {
                *entry = near;
            }
        }
        self
    }
}

/// `product = a b` for square matrices of `d` rows.
pub(crate) fn multiply(d: usize, a: &[f64], b: &[f64], product: &mut [f64]) {
    for (row, out) in a.chunks_exact(d).zip(product.chunks_exact_mut(d)) {
        out.fill(0.0);
        for (factor, other) in row.iter().zip(b.chunks_exact(d)) {
            if *factor != 0.0 {
                out.iter_mut().zip(other).for_each(|(out, b)| *out += factor * b);
            }
        }
    }
}

fn square(entries: &[C64]) -> ndarray::ArrayView2<'_, C64> {
    let d = 1 << (entries.len().trailing_zeros() / 2);
    ndarray::ArrayView2::from_shape((d, d), entries).expect("the entries are a square of this side")
}

fn rows(matrix: &Matrix) -> Vec<C64> {
    matrix.iter().copied().collect()
}
