//! A circuit in native gates, with where its qubits went.

use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

use crate::circuit::{Circuit, Instruction};
use crate::linalg::{Matrix, partial_trace};
use crate::tomography::Basis;
use crate::{Angle, Error, Result};

use super::super::target::Entangler;
use super::native::call;

/// A circuit compiled to a device.
///
/// Three numberings meet here. *Logical* qubits are those of the circuit that was compiled. *Circuit* qubits are those of
/// [`Self::circuit`]: only physical qubits that take part, so that simulating costs what the circuit needs and not what
/// the device has. *Physical* qubits are those of the device. Routing may end with logical qubits in other circuit qubits
/// than those they began in; a measurement inside the circuit is where it belongs already.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// Shared, so that devices know by its address a circuit that they have prepared before.
    pub(super) circuit: Arc<Circuit>,
    pub(super) physical: Vec<usize>,
    pub(super) initial: Vec<usize>,
    pub(super) last: Vec<usize>,
    pub(super) swaps: usize,
    pub(super) device: String,
}

impl Compiled {
    /// The circuit in native gates, on as many qubits as take part; parameters and classical bits are those of the
    /// circuit that was compiled.
    pub fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    pub(in super::super) fn shared(&self) -> &Arc<Circuit> {
        &self.circuit
    }

    /// The physical qubit of each circuit qubit.
    pub fn physical(&self) -> &[usize] {
        &self.physical
    }

    /// The circuit qubit that each logical qubit begins in: logical qubits come first, in order, and any that routing
    /// passes through come after them.
    pub fn initial(&self) -> &[usize] {
        &self.initial
    }

    /// The circuit qubit that each logical qubit ends in.
    pub fn last(&self) -> &[usize] {
        &self.last
    }

    /// How many swaps were inserted.
    pub fn swaps(&self) -> usize {
        self.swaps
    }

    /// The name of the device.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// The length of the longest chain of steps that wait for each other.
    pub fn depth(&self) -> usize {
        self.circuit.depth()
    }

    /// How many two-qubit gates there are.
    pub fn entanglers(&self) -> usize {
        let counts = self.circuit.counts();
        Entangler::ALL.iter().filter_map(|kind| counts.get(kind.name())).sum()
    }

    /// How many pulses there are on single qubits; `rz` is none.
    pub fn pulses(&self) -> usize {
        let counts = self.circuit.counts();
        ["sx", "x"].iter().filter_map(|name| counts.get(*name)).sum()
    }

    /// The same with all parameters replaced by values.
    ///
    /// # Errors
    /// As [`Circuit::bind`].
    pub fn bind(&self, values: &[f64]) -> Result<Self> {
        Ok(Self { circuit: Arc::new(self.circuit.bind(values)?), ..self.clone() })
    }

    /// An operator on the logical qubits at the end, as one on the circuit qubits: the identity on all others.
    ///
    /// # Errors
    /// [`Error::Dimension`] where `operator` is none on the logical qubits.
    pub fn lift(&self, operator: &Matrix) -> Result<Matrix> {
        let (expected, size) = (1 << self.last.len(), 1 << self.circuit.width());
        if operator.dim() != (expected, expected) {
            return Err(Error::Dimension { what: "an operator", found: operator.nrows(), expected });
        }
        let logical =
            |index: usize| self.last.iter().enumerate().fold(0, |sum, (k, q)| sum | (index >> q & 1) << k);
        let others = !self.last.iter().fold(0, |mask, qubit| mask | 1 << qubit);
        Ok(Matrix::from_shape_fn((size, size), |(r, c)| {
            if r & others == c & others { operator[(logical(r), logical(c))] } else { crate::C64::ZERO }
        }))
    }

    /// The state of the logical qubits at the end, from that of the circuit qubits.
    ///
    /// # Errors
    /// [`Error::Dimension`] where `rho` is no state of the circuit qubits.
    pub fn logical_density(&self, rho: &Matrix) -> Result<Matrix> {
        let expected = 1 << self.circuit.width();
        if rho.nrows() != expected {
            return Err(Error::Dimension { what: "a density matrix", found: rho.nrows(), expected });
        }
        partial_trace(rho, &self.last)
    }

    /// The circuit with all logical qubits measured at its end, each in its basis: a barrier, the pulse that turns X or Y
    /// to Z, the measurement. The result is one bit a logical qubit, whatever the circuit returned before.
    ///
    /// # Errors
    /// [`Error::Dimension`] unless there is one basis for each logical qubit.
    pub fn measured(&self, setting: &[Basis]) -> Result<Self> {
        let mut circuit = Circuit::clone(&self.circuit);
        circuit.push(Instruction::Barrier { qubits: (0..circuit.width()).collect() })?;
        self.measure(&mut circuit, setting)?;
        Ok(Self { circuit: Arc::new(circuit), ..self.clone() })
    }

    /// What [`Self::measured`] adds behind the barrier, as a circuit by itself.
    pub(in super::super) fn readout(&self, setting: &[Basis]) -> Result<Circuit> {
        let mut circuit = Circuit::new(self.circuit.width())?;
        self.measure(&mut circuit, setting)?;
        Ok(circuit)
    }

    fn measure(&self, circuit: &mut Circuit, setting: &[Basis]) -> Result<()> {
        if setting.len() != self.last.len() {
            let expected = self.last.len();
            return Err(Error::Dimension { what: "a measurement setting", found: setting.len(), expected });
        }
        for (basis, &qubit) in setting.iter().zip(&self.last) {
            if *basis == Basis::X {
                circuit.push(call("rz", [Angle::radians(FRAC_PI_2)], [qubit]))?;
            }
            if *basis != Basis::Z {
                circuit.push(call("sx", [], [qubit]))?;
            }
        }
        let first = circuit.bits();
        for (k, &qubit) in self.last.iter().enumerate() {
            circuit.push(Instruction::Measure { qubit, bit: first + k, confusion: None })?;
        }
        circuit.set_outputs((first..first + self.last.len()).collect::<Vec<_>>())
    }
}
