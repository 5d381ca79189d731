//! What is trained: an ansatz and the states that it must reach.

use super::TargetState;
use super::preparation::mean;
use crate::gate::UnitaryGate;
use crate::gradient::{Adjoint, Gradient, RankOnes};
use crate::{Builder, C64, Circuit, Error, Matrix, QubitSlice, Result};

/// One state to reach: a fixed preparation, then the ansatz.
#[derive(Debug, Clone)]
pub struct Case {
    circuit: Circuit,
    target: TargetState,
    ideal: Adjoint,
}

impl Case {
    fn new(circuit: Circuit, target: TargetState) -> Result<Self> {
        Ok(Self { ideal: Adjoint::new(&circuit)?, circuit, target })
    }

    /// Preparation and ansatz, with the ansatz's parameters.
    pub fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// The state that should come out.
    pub fn target(&self) -> &TargetState {
        &self.target
    }

    /// The circuit, compiled for gradients on ideal qubits.
    pub fn ideal(&self) -> &Adjoint {
        &self.ideal
    }
}

/// An ansatz with one state to prepare, or a unitary to synthesise as several states at once.
#[derive(Debug, Clone)]
pub struct Task {
    cases: Vec<Case>,
}

impl Task {
    /// Prepares `target` from |0..0>.
    ///
    /// # Errors
    /// [`Error::Width`] where ansatz and target differ, [`Error::NotUnitaryStep`] for an ansatz that measures,
    /// [`Error::NothingToTrain`] for one without parameters.
    pub fn state(ansatz: &impl AsRef<Circuit>, target: TargetState) -> Result<Self> {
        let ansatz = ansatz.as_ref();
        check(ansatz, target.width())?;
        Ok(Self { cases: vec![Case::new(ansatz.clone(), target)?] })
    }

    /// Synthesises a unitary of `n` qubits, up to global phase: every basis state and the equal sum of all of them must
    /// go where the unitary sends them. The sum fixes the relative phases (Reich, Gualdi, Koch, Phys. Rev. A 88, 042309).
    ///
    /// # Errors
    /// As [`Task::state`], and [`Error::UnitaryGate`], [`Error::MatrixShape`] for a matrix that is no unitary.
    pub fn unitary(ansatz: &impl AsRef<Circuit>, unitary: &Matrix) -> Result<Self> {
        let ansatz = ansatz.as_ref();
        let (width, size) = (UnitaryGate::new("target", unitary.clone())?.width(), unitary.nrows());
        check(ansatz, width)?;
        let prepared = |prepare: &dyn Fn(&mut Builder, &QubitSlice)| {
            let mut b = Builder::new(ansatz.name());
            let q = b.qubits("q", width);
            prepare(&mut b, &q);
            b.append(ansatz, &q);
            b.finish()
        };
        let mut cases = Vec::with_capacity(size + 1);
        for basis in 0..size {
            let circuit = prepared(&|b, q| {
                for qubit in (0..width).filter(|qubit| basis >> qubit & 1 == 1) {
                    b.x(q.at(qubit));
                }
            })?;
            let target = TargetState::new(format!("column {basis}"), unitary.column(basis).to_vec())?;
            cases.push(Case::new(circuit, target)?);
        }
        let circuit = prepared(&|b, q| b.h(q))?;
        let norm = C64::from((size as f64).sqrt().recip());
        let sum: Vec<_> = unitary.rows().into_iter().map(|row| row.sum() * norm).collect();
        cases.push(Case::new(circuit, TargetState::new("sum of columns", sum)?)?);
        Ok(Self { cases })
    }

    /// The states to reach.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// How many qubits are trained.
    pub fn width(&self) -> usize {
        self.cases[0].target.width()
    }

    /// How many parameters are trained.
    pub fn parameters(&self) -> usize {
        self.cases[0].circuit.parameters().len()
    }

    /// The mean infidelity `1 - |<t|psi>|^2` on ideal qubits, and its gradient.
    ///
    /// # Errors
    /// Parameters of the wrong number, or not finite.
    pub fn ideal(&self, values: &[f64]) -> Result<Gradient> {
        let mut mean = mean(self, values, |_, target| projector(target))?;
        mean.value += 1.0;
        Ok(mean)
    }
}

/// `-|t><t|`: its expectation is the fidelity, negated to be minimised.
fn projector(target: &TargetState) -> Result<RankOnes> {
    RankOnes::new(vec![(-1.0, target.amplitudes().to_vec())])
}

fn check(ansatz: &Circuit, width: usize) -> Result<()> {
    if ansatz.width() != width {
        return Err(Error::Width { gate: ansatz.name().to_owned(), found: width, expected: ansatz.width() });
    }
    if let Some(step) = ansatz.instructions().iter().find(|step| !step.is_unitary()) {
        return Err(Error::NotUnitaryStep { what: "an ansatz", step: step.name() });
    }
    if ansatz.parameters().is_empty() {
        return Err(Error::NothingToTrain { ansatz: ansatz.name().to_owned() });
    }
    Ok(())
}
