//! A row of the gate table, and the steps in which rows speak of other rows.

use crate::{Angle, Matrix};

/// Frequencies at which the entries of a gate vary with an angle; differences of them are those of an expectation value.
pub(super) const HALF: &[f64] = &[-0.5, 0.5];
pub(super) const HALF_CONTROLLED: &[f64] = &[-0.5, 0.0, 0.5];
pub(super) const UNIT: &[f64] = &[0.0, 1.0];
pub(super) const BOTH: &[f64] = &[-1.0, 0.0, 1.0];

/// A gate of the table: its names, its matrix with derivatives, its inverse and its decomposition.
///
/// Matrices are those of the *targets*: `controls` leading operands control them. Operand 0 is the least significant
/// bit of a basis index. Tests prove every row self-consistent.
#[derive(Debug)]
#[non_exhaustive]
pub struct Row {
    /// The name: that of the builder's method and, where `OpenQASM` 3 has the gate, its name there.
    pub name: &'static str,
    /// Other names of the same gate.
    pub aliases: &'static [&'static str],
    /// What the gate does.
    pub doc: &'static str,
    /// Names of its angles, in radians.
    pub angles: &'static [&'static str],
    /// Names of its operands, controls first.
    pub operands: &'static [&'static str],
    /// How many leading operands are controls.
    pub controls: usize,
    /// The row that this one is a controlled form of, or empty.
    pub base: &'static str,
    /// The matrix on the targets.
    pub matrix: fn(&[f64]) -> Matrix,
    /// The derivative of the matrix by one angle.
    pub slope: fn(&[f64], usize) -> Matrix,
    /// For each angle, the frequencies at which entries of the whole gate vary with it; an expectation value varies at
    /// their differences, which gives the parameter-shift rule (Wierichs et al., Quantum 6, 677).
    pub exponents: &'static [&'static [f64]],
    /// The inverse, as one step.
    pub inverse: fn(&[Angle]) -> Step,
    /// The gate in simpler rows, exact with its global phase; empty where `native`.
    pub decomposition: fn(&[Angle]) -> Vec<Step>,
    /// Whether decompositions end here: `rz`, `sx`, `x`, `cx` and the phase.
    pub native: bool,
}

impl Row {
    pub(super) const BLANK: Self = Self {
        name: "",
        aliases: &[],
        doc: "",
        angles: &[],
        operands: &[],
        controls: 0,
        base: "",
        matrix: |_| Matrix::zeros((0, 0)),
        slope: |_, _| Matrix::zeros((0, 0)),
        exponents: &[],
        inverse: |_| plain("id", [0]),
        decomposition: |_| Vec::new(),
        native: false,
    };

    /// The row that this one is a controlled form of, or the row itself.
    pub(crate) fn base_name(&self) -> &'static str {
        if self.base.is_empty() { self.name } else { self.base }
    }

    /// How many qubits the matrix acts on.
    pub fn targets(&self) -> usize {
        self.operands.len() - self.controls
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// One gate on operands of another gate, by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The name of a row.
    pub gate: &'static str,
    /// Its angles.
    pub angles: Vec<Angle>,
    /// For each of its operands, which operand of the outer gate it is.
    pub operands: Vec<usize>,
}

pub(super) fn step<A: Into<Angle>, const N: usize, const Q: usize>(
    gate: &'static str,
    angles: [A; N],
    operands: [usize; Q],
) -> Step {
    Step { gate, angles: angles.map(Into::into).to_vec(), operands: operands.to_vec() }
}

/// A [`step`] without angles.
pub(super) fn plain<const Q: usize>(gate: &'static str, operands: [usize; Q]) -> Step {
    Step { gate, angles: Vec::new(), operands: operands.to_vec() }
}

/// The general one-qubit gate.
pub(super) fn step_u(theta: Angle, phi: Angle, lambda: Angle, target: usize) -> Step {
    step("u", [theta, phi, lambda], [target])
}

/// `diag(1, exp(i lambda))` in native gates.
pub(super) fn phase_of(lambda: f64) -> Vec<Step> {
    vec![step("gphase", [lambda / 2.0], []), step("rz", [lambda], [0])]
}
