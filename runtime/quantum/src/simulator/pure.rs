//! Pure states.

use ndarray::ArrayView1;
use num_complex::Complex;

use super::bits::BitMap;
use super::counts::Counts;
use super::kernel::Layout;
use super::precision::{Precision, widen};
use super::state::{QuantumState, check_qubits};
use super::sums::PauliSum;
use super::{bits, memory, pages, readout, sampling};
use crate::{C64, Error, Matrix, Observable, Result};

/// Qubits of the widest state vector.
pub const MAX_QUBITS: usize = 30;

/// A state vector of `2^width` amplitudes; qubit 0 is the least significant bit of the index.
#[derive(Debug, Clone, PartialEq)]
pub struct PureState<T = f64> {
    pub(super) amplitudes: Vec<Complex<T>>,
}

impl<T: Precision> PureState<T> {
    /// All qubits in |0>.
    ///
    /// # Errors
    /// [`Error::TooManyQubits`] beyond [`MAX_QUBITS`], [`Error::Memory`] if the amplitudes do not fit.
    pub fn zero(width: usize) -> Result<Self> {
        if width > MAX_QUBITS {
            return Err(Error::TooManyQubits { found: width, limit: MAX_QUBITS });
        }
        memory::check(width, Self::bytes(width))?;
        let mut amplitudes = pages::zeros(1 << width);
        amplitudes[0].re = T::one();
        Ok(Self { amplitudes })
    }

    /// The state with these amplitudes, which must have norm 1 to six digits; it is then normalised.
    ///
    /// # Errors
    /// [`Error::Dimension`] for a number that is no power of two, [`Error::TooManyQubits`], [`Error::OutOfRange`] for the norm.
    pub fn from_amplitudes(mut amplitudes: Vec<Complex<T>>) -> Result<Self> {
        let dimension = amplitudes.len().next_power_of_two();
        if amplitudes.len() != dimension {
            return Err(Error::Dimension {
                what: "a state vector",
                found: amplitudes.len(),
                expected: dimension,
            });
        }
        if dimension > 1 << MAX_QUBITS {
            let found = dimension.trailing_zeros() as usize;
            return Err(Error::TooManyQubits { found, limit: MAX_QUBITS });
        }
        let norm = amplitudes.iter().map(|a| widen(*a).norm_sqr()).sum::<f64>().sqrt();
        if (norm - 1.0).abs() > 1e-6 || norm.is_nan() {
            return Err(Error::OutOfRange {
                what: "the norm of a state vector".into(),
                found: norm,
                wanted: "1 to six digits".into(),
            });
        }
        for a in &mut amplitudes {
            *a /= T::narrow(norm);
        }
        Ok(Self { amplitudes })
    }

    /// The amplitudes.
    pub fn amplitudes(&self) -> ArrayView1<'_, Complex<T>> {
        ArrayView1::from(&self.amplitudes)
    }

    /// The amplitudes.
    pub fn as_slice(&self) -> &[Complex<T>] {
        &self.amplitudes
    }

    /// The amplitudes.
    pub fn into_vec(self) -> Vec<Complex<T>> {
        self.amplitudes
    }

    /// `<self|other>`; 0 for another width.
    pub fn overlap(&self, other: &Self) -> C64 {
        if self.amplitudes.len() != other.amplitudes.len() {
            return C64::ZERO;
        }
        let whole = Layout::new(&[], []);
        let one = Complex::new(T::one(), T::zero());
        whole.bracket(&[(0, 0, one)], &self.amplitudes, &other.amplitudes)
    }

    pub(super) fn bytes(width: usize) -> u64 {
        (size_of::<Complex<T>>() as u64) << width
    }
}

impl<T: Precision> QuantumState for PureState<T> {
    fn width(&self) -> usize {
        self.amplitudes.len().trailing_zeros() as usize
    }

    fn expectation(&self, observable: &Observable) -> Result<f64> {
        let terms = observable.real_terms(self.width())?;
        Ok(PauliSum::new(terms, self.width()).expectation(&self.amplitudes))
    }

    fn probabilities_of(&self, qubits: &[usize]) -> Result<Vec<f64>> {
        check_qubits(qubits, self.width())?;
        bits::check_listed(qubits.len())?;
        let mut probabilities = vec![0.0; 1 << qubits.len()];
        if qubits.iter().copied().eq(0..self.width()) {
            for (p, a) in probabilities.iter_mut().zip(&self.amplitudes) {
                *p = a.norm_sqr().widen();
            }
        } else {
            let map = BitMap::gather(qubits);
            for (j, a) in self.amplitudes.iter().enumerate() {
                probabilities[map.map(j)] += a.norm_sqr().widen();
            }
        }
        Ok(probabilities)
    }

    fn sample(&self, shots: usize, seed: u64) -> Result<Counts> {
        readout::check_shots(shots)?;
        sampling::draw(self.amplitudes.as_slice(), shots, seed)
    }

    fn partial_trace(&self, keep: &[usize]) -> Result<Matrix> {
        check_qubits(keep, self.width())?;
        let d = 1 << keep.len();
        memory::check(keep.len(), memory::dense(keep.len()))?;
        let reduced = Layout::new(keep, []).reduced(&self.amplitudes);
        Ok(Matrix::from_shape_fn((d, d), |(row, column)| reduced[row * d + column]))
    }
}
