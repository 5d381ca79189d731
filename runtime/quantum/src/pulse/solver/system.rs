//! What evolves: a drift, controls, and what an environment does.

use super::dissipator::Dissipator;
use super::kernel::padded;
use crate::linalg::{Eigen, Matrix, check_finite, check_square};
use crate::{C64, Error, Result};

/// Largest dimension: five transmons of three levels.
pub const MAX_DIM: usize = 243;

/// Most terms that Σ L ρ L† may have: operators are expected to be sparse, as those of transmons are.
const MAX_JUMPS: usize = 1 << 22;

/// A quantum system with `H(t) = H₀ + Σ s_k(t) C_k`, and collapse operators `L_j`.
///
/// H is in angular frequencies, so that H times a time is in radians; the square of a collapse operator is a rate.
#[derive(Debug, Clone)]
pub struct System {
    dim: usize,
    /// -i (H₀ - c), in padded columns; c is in the middle of the spectrum.
    pub(super) drift: Vec<C64>,
    /// -i `C_k`, in padded columns.
    pub(super) controls: Vec<Vec<C64>>,
    /// c
    pub(super) centre: f64,
    /// The norms of H₀ - c and of `C_k`: largest moduli of eigenvalues.
    pub(super) drift_norm: f64,
    pub(super) control_norms: Vec<f64>,
    pub(super) dissipator: Dissipator,
}

impl System {
    /// A closed system.
    ///
    /// # Errors
    /// [`Error::NotSquare`], [`Error::NotFinite`] or [`Error::NotHermitian`] for a matrix that is no Hamiltonian,
    /// [`Error::Dimension`] if the matrices differ in size, [`Error::OutOfRange`] for a dimension of 0 or above
    /// [`MAX_DIM`].
    pub fn new(drift: &Matrix, controls: &[Matrix]) -> Result<Self> {
        check_square("a Hamiltonian", drift)?;
        let dim = drift.nrows();
        if !(1..=MAX_DIM).contains(&dim) {
            let (what, wanted) = ("the dimension of a system".into(), format!("1 to {MAX_DIM}"));
            return Err(Error::OutOfRange { what, found: dim as f64, wanted });
        }
        let values = Eigen::new(drift)?.values;
        let (low, high) = (values[0], values[dim - 1]);
        let centre = f64::midpoint(low, high);
        let mut control_norms = Vec::with_capacity(controls.len());
        for control in controls {
            check_size("a control", control, dim)?;
            let values = Eigen::new(control)?.values;
            control_norms.push(values[0].abs().max(values[dim - 1].abs()));
        }
        let minus_i = C64::new(0.0, -1.0);
        let middle = Matrix::from_diag_elem(dim, C64::from(centre));
        let drift = (drift - &middle) * minus_i;
        let controls: Vec<Matrix> = controls.iter().map(|control| control * minus_i).collect();
        Ok(Self {
            dim,
            dissipator: Dissipator::new(&drift, &controls, &[]),
            drift: columns(&drift),
            controls: controls.iter().map(columns).collect(),
            centre,
            drift_norm: 0.5 * (high - low),
            control_norms,
        })
    }

    /// The same system with an environment: dρ/dt = -i [H, ρ] + Σ (L ρ L† - ½ {L†L, ρ}).
    ///
    /// # Errors
    /// [`Error::NotSquare`], [`Error::NotFinite`] or [`Error::Dimension`] for an operator that is none of the system,
    /// [`Error::OutOfRange`] if the operators are large and not sparse.
    pub fn with_collapse(self, operators: &[Matrix]) -> Result<Self> {
        let mut products = 0;
        for operator in operators {
            check_size("a collapse operator", operator, self.dim)?;
            check_finite("a collapse operator", operator)?;
            products += operator.iter().filter(|z| **z != C64::ZERO).count().pow(2);
        }
        if products > MAX_JUMPS {
            let what = "the number of products of two elements of a collapse operator".into();
            return Err(Error::OutOfRange {
                what,
                found: products as f64,
                wanted: format!("at most {MAX_JUMPS}"),
            });
        }
        let drift = self.matrix(&self.drift);
        let controls: Vec<Matrix> = self.controls.iter().map(|control| self.matrix(control)).collect();
        Ok(Self { dissipator: Dissipator::new(&drift, &controls, operators), ..self })
    }

    /// Levels of the system.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How many controls there are.
    pub fn controls(&self) -> usize {
        self.controls.len()
    }

    fn matrix(&self, columns: &[C64]) -> Matrix {
        let stride = padded(self.dim);
        Matrix::from_shape_fn((self.dim, self.dim), |(row, column)| columns[column * stride + row])
    }
}

/// Refuses a square matrix of another size.
pub(super) fn check_size(what: &'static str, matrix: &Matrix, dim: usize) -> Result<()> {
    check_square(what, matrix)?;
    if matrix.nrows() == dim {
        Ok(())
    } else {
        Err(Error::Dimension { what, found: matrix.nrows(), expected: dim })
    }
}

/// The columns of a matrix, padded.
pub(super) fn columns(matrix: &Matrix) -> Vec<C64> {
    let stride = padded(matrix.nrows());
    let mut columns = vec![C64::ZERO; matrix.ncols() * stride];
    for ((row, column), &element) in matrix.indexed_iter() {
        columns[column * stride + row] = element;
    }
    columns
}
