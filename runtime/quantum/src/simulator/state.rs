//! What one can ask of a state, pure, mixed, or an ensemble of branches.

use super::counts::Counts;
use super::{bits, memory, readout, sampling};
use crate::{C64, Error, Matrix, Observable, Result};

/// A quantum state.
pub trait QuantumState {
    /// How many qubits it has.
    fn width(&self) -> usize;

    /// The expectation of an observable.
    ///
    /// # Errors
    /// As [`Observable::real_terms`].
    fn expectation(&self, observable: &Observable) -> Result<f64>;

    /// The probabilities of the outcomes if some qubits are measured; bit `k` of an index is the outcome of `qubits[k]`.
    ///
    /// # Errors
    /// [`Error::QubitIndex`], [`Error::RepeatedQubit`], [`Error::TooManyBits`] beyond 30 qubits, [`Error::Memory`].
    fn probabilities_of(&self, qubits: &[usize]) -> Result<Vec<f64>>;

    /// The probabilities of the outcomes if all qubits are measured.
    ///
    /// # Errors
    /// As [`Self::probabilities_of`].
    fn probabilities(&self) -> Result<Vec<f64>> {
        self.probabilities_of(&(0..self.width()).collect::<Vec<_>>())
    }

    /// Counts of `shots` measurements of all qubits, each of a new copy of the state. The time is linear in the number of
    /// outcomes and of shots; the same seed gives the same counts on any number of threads.
    ///
    /// # Errors
    /// [`Error::NoShots`]; as [`Self::probabilities`].
    fn sample(&self, shots: usize, seed: u64) -> Result<Counts> {
        readout::check_shots(shots)?;
        sampling::draw(self.probabilities()?.as_slice(), shots, seed)
    }

    /// The density matrix of the qubits `keep`, the others traced out; qubit `keep[k]` becomes qubit `k`.
    ///
    /// # Errors
    /// [`Error::QubitIndex`], [`Error::RepeatedQubit`], [`Error::Memory`].
    fn partial_trace(&self, keep: &[usize]) -> Result<Matrix>;

    /// The density matrix.
    ///
    /// # Errors
    /// [`Error::Memory`].
    fn density(&self) -> Result<Matrix> {
        self.partial_trace(&(0..self.width()).collect::<Vec<_>>())
    }
}

/// One possible past of a circuit that measures: its probability, the bits that were recorded, and the state left.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch<S> {
    /// The probability.
    pub probability: f64,
    /// The classical bits.
    pub bits: u128,
    /// The state, normalised.
    pub state: S,
}

/// The state after a circuit: one branch for each record of its measurements, or one alone if it measures nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble<S> {
    pub(super) width: usize,
    pub(super) branches: Vec<Branch<S>>,
}

impl<S: QuantumState> Ensemble<S> {
    /// The branches. Two pure ones may have the same bits.
    pub fn branches(&self) -> &[Branch<S>] {
        &self.branches
    }

    /// The state of a circuit that has one branch only.
    ///
    /// # Errors
    /// [`Error::Branches`] if there are several.
    pub fn state(&self) -> Result<&S> {
        match self.branches.as_slice() {
            [branch] => Ok(&branch.state),
            several => Err(Error::Branches { found: several.len(), limit: 1 }),
        }
    }

    /// As [`Self::state`], without a borrow.
    ///
    /// # Errors
    /// [`Error::Branches`].
    pub fn into_state(mut self) -> Result<S> {
        match self.branches.pop() {
            Some(branch) if self.branches.is_empty() => Ok(branch.state),
            _ => Err(Error::Branches { found: self.branches.len() + 1, limit: 1 }),
        }
    }

    fn mean(&self, part: impl Fn(&S) -> Result<f64>) -> Result<f64> {
        self.branches.iter().try_fold(0.0, |sum, b| Ok(sum + b.probability * part(&b.state)?))
    }
}

impl<S: QuantumState> QuantumState for Ensemble<S> {
    fn width(&self) -> usize {
        self.width
    }

    fn expectation(&self, observable: &Observable) -> Result<f64> {
        self.mean(|state| state.expectation(observable))
    }

    fn probabilities_of(&self, qubits: &[usize]) -> Result<Vec<f64>> {
        check_qubits(qubits, self.width)?;
        bits::check_listed(qubits.len())?;
        let mut sum = vec![0.0; 1 << qubits.len()];
        for branch in &self.branches {
            let part = branch.state.probabilities_of(qubits)?;
            sum.iter_mut().zip(part).for_each(|(sum, p)| *sum += branch.probability * p);
        }
        Ok(sum)
    }

    fn partial_trace(&self, keep: &[usize]) -> Result<Matrix> {
        check_qubits(keep, self.width)?;
        memory::check(keep.len(), 2 * memory::dense(keep.len()))?;
        let mut sum = Matrix::zeros((1 << keep.len(), 1 << keep.len()));
        for branch in &self.branches {
            sum.scaled_add(C64::from(branch.probability), &branch.state.partial_trace(keep)?);
        }
        Ok(sum)
    }
}

/// Refuses qubits that are not there or named twice.
pub(super) fn check_qubits(qubits: &[usize], width: usize) -> Result<()> {
    for (at, &qubit) in qubits.iter().enumerate() {
        if qubit >= width {
            return Err(Error::QubitIndex { qubit, width });
        }
        if qubits[..at].contains(&qubit) {
            return Err(Error::RepeatedQubit { qubit });
        }
    }
    Ok(())
}
