//! Gates given by a matrix.

use crate::{C64, Error, Matrix, Result};

/// How far `U U^+` may be from the identity, entry by entry.
const TOLERANCE: f64 = 1e-8;

/// Qubits of the largest matrix that is taken as a gate.
const MAX_WIDTH: usize = 10;

/// A unitary matrix of the user, checked when it is made.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitaryGate {
    label: String,
    width: usize,
    matrix: Matrix,
}

impl UnitaryGate {
    /// A gate from a `2^k x 2^k` unitary matrix, `k` from 1 to 10; operand 0 is the least significant bit.
    ///
    /// # Errors
    /// [`Error::MatrixShape`], [`Error::NotFinite`] and [`Error::UnitaryGate`].
    pub fn new(label: impl Into<String>, matrix: Matrix) -> Result<Self> {
        let label = label.into();
        let (rows, columns) = matrix.dim();
        let width = rows.trailing_zeros() as usize;
        if rows != columns || !rows.is_power_of_two() || !(1..=MAX_WIDTH).contains(&width) {
            return Err(Error::MatrixShape { gate: label, rows, columns });
        }
        if let Some(index) = matrix.iter().position(|a| !a.is_finite()) {
            let (what, a) = ("the matrix of a gate", matrix[(index / columns, index % columns)]);
            let value = if a.re.is_finite() { a.im } else { a.re };
            return Err(Error::NotFinite { what, index, value });
        }
        let product = matrix.dot(&matrix.t().mapv(|a| a.conj()));
        let identity = |(r, c)| if r == c { C64::from(1.0) } else { C64::from(0.0) };
        let deviation = product.indexed_iter().map(|(at, a)| (a - identity(at)).norm()).fold(0.0, f64::max);
        if deviation <= TOLERANCE {
            Ok(Self { label, width, matrix })
        } else {
            Err(Error::UnitaryGate { gate: label, deviation, tolerance: TOLERANCE })
        }
    }

    /// The name it was given.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How many qubits it acts on.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The matrix.
    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }

    pub(crate) fn adjoint(&self) -> Self {
        let label = match self.label.strip_suffix('†') {
            Some(label) => label.to_owned(),
            None => format!("{}†", self.label),
        };
        Self { label, width: self.width, matrix: self.matrix.t().mapv(|a| a.conj()) }
    }
}
