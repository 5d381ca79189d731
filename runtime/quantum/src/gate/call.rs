//! A gate with its angles and qubits.

use super::Gate;
use crate::angle::MAX_TERMS;
use crate::circuit::repeated_qubit;
use crate::{Angle, Error, Matrix, Result};

/// A gate applied: its angles, its qubits and any controls beyond those of its row.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The gate.
    pub gate: Gate,
    /// Its angles, in the order of the row.
    pub angles: Vec<Angle>,
    /// Control qubits beyond those that the row has, sorted.
    pub controls: Vec<usize>,
    /// The operands of the row, its own controls first.
    pub qubits: Vec<usize>,
}

impl Call {
    /// A call of a gate; [`Call::check`] says whether it fits a circuit.
    pub fn new(gate: Gate, angles: impl Into<Vec<Angle>>, qubits: impl Into<Vec<usize>>) -> Self {
        Self { gate, angles: angles.into(), controls: Vec::new(), qubits: qubits.into() }
    }

    /// All control qubits.
    pub fn control_qubits(&self) -> impl Iterator<Item = usize> + '_ {
        self.controls.iter().chain(&self.qubits[..self.gate.controls()]).copied()
    }

    /// The qubits that the matrix acts on; the first is the least significant bit.
    pub fn target_qubits(&self) -> &[usize] {
        &self.qubits[self.gate.controls()..]
    }

    /// All qubits, controls first.
    pub fn all_qubits(&self) -> impl Iterator<Item = usize> + '_ {
        self.controls.iter().chain(&self.qubits).copied()
    }

    /// The values of the angles in radians.
    pub fn values(&self, parameters: &[f64]) -> Vec<f64> {
        self.angles.iter().map(|angle| angle.value(parameters)).collect()
    }

    /// The matrix on the targets for the given parameters.
    pub fn matrix(&self, parameters: &[f64]) -> Matrix {
        self.gate.matrix(&self.values(parameters))
    }

    /// Whether no parameter takes part.
    pub fn is_constant(&self) -> bool {
        self.angles.iter().all(Angle::is_constant)
    }

    /// The name with one `c` for each extra control, as in `ccrzz`.
    pub fn name(&self) -> String {
        "c".repeat(self.controls.len()) + self.gate.name()
    }

    /// Refuses a call that does not fit `width` qubits and `parameters` parameters.
    ///
    /// # Errors
    /// [`Error::Operands`], [`Error::Angles`], [`Error::QubitRange`], [`Error::SameQubit`], [`Error::Angle`],
    /// [`Error::AngleTerms`], [`Error::ParameterRange`].
    pub fn check(&self, width: usize, parameters: usize, step: usize) -> Result<()> {
        let gate = || self.name();
        if self.qubits.len() != self.gate.operands() {
            return Err(Error::Operands {
                gate: gate(),
                found: self.qubits.len(),
                expected: self.gate.operands(),
            });
        }
        if self.angles.len() != self.gate.angles() {
            return Err(Error::Angles {
                gate: gate(),
                found: self.angles.len(),
                expected: self.gate.angles(),
            });
        }
        let qubits: Vec<_> = self.all_qubits().collect();
        if let Some(&qubit) = qubits.iter().find(|qubit| **qubit >= width) {
            return Err(Error::QubitRange { gate: gate(), qubit, width, step });
        }
        if let Some(qubit) = repeated_qubit(&qubits) {
            return Err(Error::SameQubit { gate: gate(), qubit, step });
        }
        for angle in &self.angles {
            if angle.is_crowded() {
                return Err(Error::AngleTerms { gate: gate(), limit: MAX_TERMS, step });
            }
            if !angle.is_valid() {
                return Err(Error::Angle { gate: gate(), step });
            }
            if let Some(parameter) = angle.last_parameter().filter(|p| *p >= parameters) {
                return Err(Error::ParameterRange { gate: gate(), parameter, parameters, step });
            }
        }
        Ok(())
    }

    /// The inverse call.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let (gate, angles, operands) = self.gate.inverse(&self.angles);
        let qubits = operands.into_iter().map(|operand| self.qubits[operand]).collect();
        Self { gate, angles, controls: self.controls.clone(), qubits }.canonical()
    }

    /// The call with more control qubits; a row that has them is used where there is one (`x` becomes `cx`).
    #[must_use]
    pub fn controlled(mut self, controls: &[usize]) -> Self {
        self.controls.extend_from_slice(controls);
        self.canonical()
    }

    /// Moves controls from and to the row so that the widest row of the table is used.
    fn canonical(mut self) -> Self {
        self.controls.sort_unstable();
        if self.controls.is_empty() {
            return self;
        }
        for extra in (1..=self.controls.len()).rev() {
            let Some(gate) = self.gate.controlled(extra) else { continue };
            let rest = self.controls.split_off(extra);
            let mut qubits = std::mem::replace(&mut self.controls, rest);
            qubits.append(&mut self.qubits);
            return Self { gate, qubits, ..self };
        }
        self
    }

    /// The call with its qubits renamed.
    #[must_use]
    pub fn relabel(&self, mut to: impl FnMut(usize) -> usize) -> Self {
        let mut call = self.clone();
        call.qubits.iter_mut().chain(&mut call.controls).for_each(|qubit| *qubit = to(*qubit));
        call.controls.sort_unstable();
        call
    }
}
