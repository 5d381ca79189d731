//! Mixed states.

use ndarray::ArrayView2;

use super::bits::BitMap;
use super::state::{QuantumState, check_qubits};
use super::{bits, memory};
use crate::linalg;
use crate::{C64, Error, Matrix, Observable, Result};

/// Qubits of the widest density matrix.
pub const MAX_MIXED_QUBITS: usize = 15;

/// A density matrix of `width` qubits; qubit 0 is the least significant bit of both indices.
#[derive(Debug, Clone, PartialEq)]
pub struct MixedState {
    pub(super) width: usize,
    /// Row by row: the row is the high half of the index.
    pub(super) entries: Vec<C64>,
}

impl MixedState {
    /// All qubits in |0>.
    ///
    /// # Errors
    /// [`Error::TooManyQubits`] beyond [`MAX_MIXED_QUBITS`], [`Error::Memory`] if the entries do not fit.
    pub fn zero(width: usize) -> Result<Self> {
        if width > MAX_MIXED_QUBITS {
            return Err(Error::TooManyQubits { found: width, limit: MAX_MIXED_QUBITS });
        }
        memory::check(width, Self::bytes(width))?;
        let mut entries = vec![C64::ZERO; 1 << (2 * width)];
        entries[0] = C64::ONE;
        Ok(Self { width, entries })
    }

    /// The state of this density matrix, which must be Hermitian with trace 1 to nine digits. Whether its eigenvalues are
    /// positive is not checked.
    ///
    /// # Errors
    /// [`Error::NotSquare`], [`Error::Dimension`], [`Error::NotFinite`], [`Error::NotHermitian`], [`Error::OutOfRange`] for the
    /// trace, [`Error::TooManyQubits`].
    pub fn from_matrix(matrix: &Matrix) -> Result<Self> {
        linalg::check_square("a density matrix", matrix)?;
        linalg::check_finite("a density matrix", matrix)?;
        let dimension = matrix.nrows().next_power_of_two();
        if matrix.nrows() != dimension {
            return Err(Error::Dimension {
                what: "a density matrix of qubits",
                found: matrix.nrows(),
                expected: dimension,
            });
        }
        let width = dimension.trailing_zeros() as usize;
        if width > MAX_MIXED_QUBITS {
            return Err(Error::TooManyQubits { found: width, limit: MAX_MIXED_QUBITS });
        }
        if !linalg::is_hermitian(matrix, 1e-9) {
            return Err(Error::NotHermitian {
                deviation: linalg::frobenius(&(matrix - &linalg::dagger(matrix))),
            });
        }
        let trace = linalg::trace(matrix).re;
        if (trace - 1.0).abs() > 1e-9 {
            return Err(Error::OutOfRange {
                what: "the trace of a density matrix".into(),
                found: trace,
                wanted: "1 to nine digits".into(),
            });
        }
        Ok(Self { width, entries: matrix.iter().copied().collect() })
    }

    /// The density matrix, without a copy.
    ///
    /// # Panics
    /// Never: the entries are a square.
    pub fn matrix(&self) -> ArrayView2<'_, C64> {
        let d = 1 << self.width;
        ArrayView2::from_shape((d, d), &self.entries).expect("the entries are a square of this side")
    }

    /// The entries, row by row.
    pub fn as_slice(&self) -> &[C64] {
        &self.entries
    }

    /// The purity Tr rho².
    pub fn purity(&self) -> f64 {
        self.entries.iter().map(C64::norm_sqr).sum()
    }

    pub(super) fn bytes(width: usize) -> u64 {
        16 << (2 * width)
    }

    pub(super) fn diagonal(&self) -> impl Iterator<Item = f64> {
        self.entries.iter().step_by((1 << self.width) + 1).map(|entry| entry.re)
    }
}

impl QuantumState for MixedState {
    fn width(&self) -> usize {
        self.width
    }

    fn expectation(&self, observable: &Observable) -> Result<f64> {
        let d = 1 << self.width;
        let mut sum = 0.0;
        for (product, coefficient) in observable.real_terms(self.width)? {
            let flip = product.x_mask() as usize;
            let trace: C64 = (0..d).map(|j| self.entries[j * d + (j ^ flip)] * product.sign(j)).sum();
            sum += coefficient * (trace * product.phase()).re;
        }
        Ok(sum)
    }

    fn probabilities_of(&self, qubits: &[usize]) -> Result<Vec<f64>> {
        check_qubits(qubits, self.width)?;
        bits::check_listed(qubits.len())?;
        let map = BitMap::gather(qubits);
        let mut probabilities = vec![0.0; 1 << qubits.len()];
        self.diagonal().enumerate().for_each(|(j, p)| probabilities[map.map(j)] += p);
        Ok(probabilities)
    }

    fn density(&self) -> Result<Matrix> {
        memory::check(self.width, Self::bytes(self.width))?;
        Ok(self.matrix().to_owned())
    }

    fn partial_trace(&self, keep: &[usize]) -> Result<Matrix> {
        check_qubits(keep, self.width)?;
        let rest: Vec<usize> = (0..self.width).filter(|qubit| !keep.contains(qubit)).collect();
        let place = |index: usize, qubits: &[usize]| -> usize {
            qubits.iter().enumerate().map(|(k, qubit)| (index >> k & 1) << qubit).sum()
        };
        let size = 1 << keep.len();
        let mut reduced = Matrix::zeros((size, size));
        for traced in 0..1 << rest.len() {
            let traced = place(traced, &rest);
            for ((row, column), entry) in reduced.indexed_iter_mut() {
                let (row, column) = (traced | place(row, keep), traced | place(column, keep));
                *entry += self.entries[row << self.width | column];
            }
        }
        Ok(reduced)
    }
}
