//! Gates: the rows of the table and unitaries of the user.
//!
//! A gate is one [`Row`] of [`table`]: names, matrix, derivative, inverse, decomposition. Builder, simulators, gradients,
//! compiler, drawings and the macro `circuit!` read the row; the methods of [`Builder`](crate::Builder) list them all.
//! Rotations are `exp(-i theta P / 2)`. Of a gate with several qubits the first operand is the least significant bit.
//!
//! ```
//! use ketline_quantum::gate::{self, Gate};
//!
//! let rzz = Gate::named("rzz").unwrap();
//! assert_eq!(rzz.matrix(&[0.3]).dim(), (4, 4));
//! assert_eq!(gate::table().iter().filter(|row| row.controls == 2).count(), 2);
//! ```

mod call;
mod cartan;
#[macro_use]
mod declare;
mod lower;
mod matrix;
mod row;
mod table;
#[cfg(test)]
mod tests;
mod unitary;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

pub use call::Call;
pub use cartan::Cartan;
pub(crate) use lower::euler_angles;
pub use row::{Row, Step};
#[cfg(test)]
pub(crate) use tests::dense;
pub use unitary::UnitaryGate;

use crate::{Angle, Matrix};

/// All gates of the table.
pub fn table() -> &'static [Row] {
    table::TABLE
}

static BY_NAME: LazyLock<HashMap<&'static str, &'static Row>> = LazyLock::new(|| {
    let rows = table::TABLE.iter();
    rows.flat_map(|row| std::iter::once(&row.name).chain(row.aliases).map(move |name| (*name, row))).collect()
});

/// A gate, before it is given angles and qubits.
#[derive(Debug, Clone, PartialEq)]
pub enum Gate {
    /// A row of the table.
    Standard(&'static Row),
    /// A unitary matrix of the user.
    Unitary(Arc<UnitaryGate>),
}

impl Gate {
    /// The gate of the table with this name or alias.
    pub fn named(name: &str) -> Option<Self> {
        BY_NAME.get(name).map(|row| Self::Standard(row))
    }

    /// The gate of the table that is `self` with `controls` more controls, if there is one.
    fn controlled(&self, controls: usize) -> Option<Self> {
        let Self::Standard(row) = self else { return None };
        let base = row.base_name();
        let controls = row.controls + controls;
        match (base, controls) {
            ("gphase", 1..) => Self::named("p")?.controlled(controls - 1),
            (_, 0) => Self::named(base),
            _ => table().iter().find(|r| r.base == base && r.controls == controls).map(Self::Standard),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Self::Standard(row) => row.name,
            Self::Unitary(gate) => gate.label(),
        }
    }

    /// How many angles the gate takes.
    pub fn angles(&self) -> usize {
        match self {
            Self::Standard(row) => row.angles.len(),
            Self::Unitary(_) => 0,
        }
    }

    /// How many qubits the gate takes, controls included.
    pub fn operands(&self) -> usize {
        match self {
            Self::Standard(row) => row.operands.len(),
            Self::Unitary(gate) => gate.width(),
        }
    }

    /// How many leading operands are controls.
    pub fn controls(&self) -> usize {
        match self {
            Self::Standard(row) => row.controls,
            Self::Unitary(_) => 0,
        }
    }

    /// The matrix on the targets (operand 0 of them is the least significant bit), for angles in radians.
    ///
    /// # Panics
    /// If fewer angles are given than the gate takes.
    pub fn matrix(&self, angles: &[f64]) -> Matrix {
        match self {
            Self::Standard(row) => (row.matrix)(angles),
            Self::Unitary(gate) => gate.matrix().clone(),
        }
    }

    /// The derivative of [`Self::matrix`] by angle number `k`.
    ///
    /// # Panics
    /// If the gate has no such angle.
    pub fn derivative(&self, angles: &[f64], k: usize) -> Matrix {
        assert!(
            k < self.angles(),
            "`{}` has {} angles, asked for the derivative by number {k}",
            self.name(),
            self.angles()
        );
        match self {
            Self::Standard(row) => (row.slope)(angles, k),
            Self::Unitary(gate) => Matrix::zeros(gate.matrix().dim()),
        }
    }

    /// The frequencies at which entries of the gate vary with angle number `k`; controls add the frequency 0.
    pub(crate) fn exponents(&self, k: usize) -> &'static [f64] {
        match self {
            Self::Standard(row) => row.exponents.get(k).copied().unwrap_or_default(),
            Self::Unitary(_) => &[],
        }
    }

    /// The matrix on all operands, controls included: the dense form, for tests and small unitaries.
    ///
    /// # Panics
    /// If fewer angles are given than the gate takes.
    pub fn full_matrix(&self, angles: &[f64]) -> Matrix {
        let (targets, controls) = (self.matrix(angles), self.controls());
        let mask = (1 << controls) - 1;
        Matrix::from_shape_fn((targets.nrows() << controls, targets.ncols() << controls), |(r, c)| {
            match (r & mask == c & mask, c & mask == mask) {
                (true, true) => targets[(r >> controls, c >> controls)],
                (true, false) if r == c => 1.0.into(),
                _ => 0.0.into(),
            }
        })
    }

    fn inverse(&self, angles: &[Angle]) -> (Self, Vec<Angle>, Vec<usize>) {
        match self {
            Self::Standard(row) => resolve((row.inverse)(angles)),
            Self::Unitary(gate) => {
                (Self::Unitary(Arc::new(gate.adjoint())), Vec::new(), (0..gate.width()).collect())
            }
        }
    }
}

/// A step with its gate looked up.
fn resolve(step: Step) -> (Gate, Vec<Angle>, Vec<usize>) {
    let row = BY_NAME[step.gate]; // a test proves that every step of the table names a row
    (Gate::Standard(row), step.angles, step.operands)
}
