//! Hermitian operators whose expectation is differentiated.

use ndarray::{ArrayView1, ArrayViewMut1};

use crate::linalg::{self, inner};
use crate::observable::Declared;
use crate::simulator::sums::PauliSum;
use crate::{C64, Error, Matrix, Observable, Result};

/// How far a matrix may be from its conjugate transpose, relative to its largest entry.
const TOLERANCE: f64 = 1e-9;

/// A Hermitian operator `M` that does not depend on the parameters: an [`Observable`], a [`Hermitian`] matrix or a few
/// projectors ([`RankOnes`]).
pub trait Operator {
    /// Refuses use on `width` qubits.
    ///
    /// # Errors
    /// Whatever makes the operator unfit: its width, or coefficients that are not real.
    fn check(&self, width: usize) -> Result<()>;

    /// Writes `M psi` to `out`, which has the length of `psi`; [`Self::check`] has passed for that length.
    fn apply(&self, psi: &[C64], out: &mut [C64]);
}

impl<O: Operator + ?Sized> Operator for &O {
    fn check(&self, width: usize) -> Result<()> {
        (**self).check(width)
    }

    fn apply(&self, psi: &[C64], out: &mut [C64]) {
        (**self).apply(psi, out);
    }
}

impl<O: Operator + ?Sized> Operator for Box<O> {
    fn check(&self, width: usize) -> Result<()> {
        (**self).check(width)
    }

    fn apply(&self, psi: &[C64], out: &mut [C64]) {
        (**self).apply(psi, out);
    }
}

impl Operator for Observable {
    fn check(&self, width: usize) -> Result<()> {
        self.real_terms(width).map(drop)
    }

    fn apply(&self, psi: &[C64], out: &mut [C64]) {
        let terms = self.terms().map(|(product, coefficient)| (product, coefficient.re));
        PauliSum::new(terms, psi.len().trailing_zeros() as usize).apply(psi, out);
    }
}

impl<P> Operator for Declared<P> {
    fn check(&self, width: usize) -> Result<()> {
        Operator::check(&**self, width)
    }

    fn apply(&self, psi: &[C64], out: &mut [C64]) {
        Operator::apply(&**self, psi, out);
    }
}

/// A dense Hermitian matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Hermitian {
    matrix: Matrix,
}

impl Hermitian {
    /// The operator of this matrix, `2^n x 2^n` and equal to its conjugate transpose.
    ///
    /// # Errors
    /// [`Error::NotSquare`], [`Error::NotFinite`], [`Error::NotHermitian`].
    pub fn new(matrix: Matrix) -> Result<Self> {
        linalg::check_square("an operator", &matrix)?;
        linalg::check_finite("an operator", &matrix)?;
        let largest = matrix.iter().map(|a| a.norm()).fold(0.0, f64::max);
        if linalg::is_hermitian(&matrix, TOLERANCE * largest) {
            return Ok(Self { matrix });
        }
        Err(Error::NotHermitian { deviation: linalg::frobenius(&(&matrix - &linalg::dagger(&matrix))) })
    }

    /// The matrix.
    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }
}

impl Operator for Hermitian {
    fn check(&self, width: usize) -> Result<()> {
        dimension("an operator", self.matrix.nrows(), width)
    }

    fn apply(&self, psi: &[C64], out: &mut [C64]) {
        ArrayViewMut1::from(out).assign(&self.matrix.dot(&ArrayView1::from(psi)));
    }
}

/// A sum of projectors with real weights, `sum_k w_k |v_k><v_k|`.
#[derive(Debug, Clone, PartialEq)]
pub struct RankOnes {
    terms: Vec<(f64, Vec<C64>)>,
}

impl RankOnes {
    /// The operator with these weights and vectors, which need not be normalised.
    ///
    /// # Errors
    /// [`Error::Dimension`] for vectors of different lengths, [`Error::NotFinite`].
    pub fn new(terms: Vec<(f64, Vec<C64>)>) -> Result<Self> {
        let length = terms.first().map_or(0, |(_, vector)| vector.len());
        for (index, (weight, vector)) in terms.iter().enumerate() {
            if vector.len() != length {
                let (found, expected) = (vector.len(), length);
                return Err(Error::Dimension { what: "a vector of a projector", found, expected });
            }
            if !weight.is_finite() {
                return Err(Error::NotFinite {
                    what: "the weights of the projectors",
                    index,
                    value: *weight,
                });
            }
            if let Some(index) = vector.iter().position(|a| !a.is_finite()) {
                let value = if vector[index].re.is_finite() { vector[index].im } else { vector[index].re };
                return Err(Error::NotFinite { what: "a vector of a projector", index, value });
            }
        }
        Ok(Self { terms })
    }
}

impl Operator for RankOnes {
    fn check(&self, width: usize) -> Result<()> {
        let found = self.terms.first().map_or(1 << width, |(_, vector)| vector.len());
        dimension("a vector of a projector", found, width)
    }

    fn apply(&self, psi: &[C64], out: &mut [C64]) {
        out.fill(C64::ZERO);
        for (weight, vector) in &self.terms {
            let overlap = inner(vector, psi) * *weight;
            out.iter_mut().zip(vector).for_each(|(out, v)| *out += v * overlap);
        }
    }
}

fn dimension(what: &'static str, found: usize, width: usize) -> Result<()> {
    let expected = 1_usize << width;
    if found == expected { Ok(()) } else { Err(Error::Dimension { what, found, expected }) }
}
