//! The density-matrix simulator.

use std::fmt;

use super::branch::Collapse;
use super::counts::Counts;
use super::mixed::MixedState;
use super::pauli::{self, Effort, PauliState};
use super::program::Program;
use super::shot::Shots;
use super::state::{Branch, Ensemble, QuantumState};
use super::{Plan, Simulator, readout};
use crate::{Circuit, Error, Observable, Result};

/// Simulates mixed states: exact with noise, `4^n` entries.
///
/// Outcomes of measurements in the middle of a circuit make branches; those whose bits agree as far as they are still
/// needed are mixed into one.
#[derive(Debug, Clone, Copy, Default)]
pub struct DensityMatrix;

impl DensityMatrix {
    /// The simulator.
    pub const fn new() -> Self {
        Self
    }
}

impl Simulator for DensityMatrix {
    type Plan = DensityPlan;

    fn plan(&self, circuit: &impl AsRef<Circuit>) -> Result<DensityPlan> {
        let circuit = circuit.as_ref();
        let program = pauli::Program::new(circuit)?;
        let branches = program.certain() < program.steps.len();
        let shots = branches.then(|| Program::new(circuit)).transpose()?;
        Ok(DensityPlan { program, shots })
    }
}

/// A circuit compiled for [`DensityMatrix`]: neighbouring gates and channels are one map where that is cheaper.
#[derive(Debug, Clone)]
pub struct DensityPlan {
    program: pauli::Program,
    /// The circuit for single shots, where it measures before its end.
    shots: Option<Program<f64>>,
}

impl DensityPlan {
    /// Runs from another state than |0...0>.
    ///
    /// # Errors
    /// [`Error::Dimension`] for a state of another width; as [`Plan::run`].
    #[allow(clippy::needless_pass_by_value)] // the state ends here, as that of a run does
    pub fn run_from(&self, initial: MixedState, values: &[f64]) -> Result<Ensemble<MixedState>> {
        mixed(self.evolve(self.start(&initial)?, values, u128::MAX)?)
    }

    /// As [`Plan::probabilities`], from another state than |0...0>.
    ///
    /// # Errors
    /// As [`Self::run_from`] and [`Plan::probabilities`].
    #[allow(clippy::needless_pass_by_value)] // as above
    pub fn probabilities_from(&self, initial: MixedState, values: &[f64]) -> Result<Vec<f64>> {
        self.listed(self.start(&initial)?, values)
    }

    /// The state after the circuit, outcomes inside of it averaged.
    pub(crate) fn mean(&self, values: &[f64]) -> Result<PauliState> {
        self.mean_after(PauliState::zero(self.program.width)?, values)
    }

    /// [`Self::mean`] from another state than |0...0>.
    pub(crate) fn mean_after(&self, initial: PauliState, values: &[f64]) -> Result<PauliState> {
        let ensemble = self.evolve(initial, values, 0)?;
        let mut branches = ensemble.branches.into_iter();
        let Some(first) = branches.next() else { return PauliState::empty(self.program.width) };
        let mut sum = first.state;
        let mut probability = first.probability;
        for branch in branches {
            sum.mix(probability, &branch.state, branch.probability);
            probability = 1.0;
        }
        Ok(sum)
    }

    /// As [`Self::probabilities_from`], from a Pauli vector.
    pub(crate) fn probabilities_after(&self, initial: PauliState, values: &[f64]) -> Result<Vec<f64>> {
        self.listed(initial, values)
    }

    fn start(&self, initial: &MixedState) -> Result<PauliState> {
        if initial.width != self.program.width {
            return Err(Error::Dimension {
                what: "the initial state",
                found: 1 << initial.width,
                expected: 1 << self.program.width,
            });
        }
        PauliState::of(initial)
    }

    fn evolve(&self, initial: PauliState, values: &[f64], keep: u128) -> Result<Ensemble<PauliState>> {
        self.program.run(&self.program.bind(values)?, initial, keep)
    }

    fn listed(&self, initial: PauliState, values: &[f64]) -> Result<Vec<f64>> {
        let ensemble = self.evolve(initial, values, self.program.kept())?;
        readout::listed(&self.program.readouts, &self.program.outputs, &ensemble)
    }
}

/// The branches with density matrices.
fn mixed(ensemble: Ensemble<PauliState>) -> Result<Ensemble<MixedState>> {
    let convert = |branch: Branch<PauliState>| {
        let Branch { probability, bits, state } = branch;
        Ok(Branch { probability, bits, state: state.to_mixed()? })
    };
    let branches = ensemble.branches.into_iter().map(convert).collect::<Result<_>>()?;
    Ok(Ensemble { width: ensemble.width, branches })
}

impl fmt::Display for DensityPlan {
    /// Passes over the state, multiply-adds and bytes of a run.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Effort::of(&self.program).fmt(f)
    }
}

impl Plan for DensityPlan {
    type State = Ensemble<MixedState>;

    fn passes(&self) -> usize {
        self.program.passes()
    }

    fn run(&self, values: &[f64]) -> Result<Self::State> {
        mixed(self.evolve(PauliState::zero(self.program.width)?, values, u128::MAX)?)
    }

    fn expectation(&self, observable: &Observable, values: &[f64]) -> Result<f64> {
        observable.real_terms(self.program.width)?;
        self.evolve(PauliState::zero(self.program.width)?, values, 0)?.expectation(observable)
    }

    fn probabilities(&self, values: &[f64]) -> Result<Vec<f64>> {
        self.listed(PauliState::zero(self.program.width)?, values)
    }

    fn sample(&self, values: &[f64], shots: usize, seed: u64) -> Result<Counts> {
        readout::check_shots(shots)?;
        match &self.shots {
            None => {
                let start = PauliState::zero(self.program.width)?;
                let state = self.evolve(start, values, self.program.kept())?;
                readout::sample_listed(&self.program.readouts, &self.program.outputs, &state, shots, seed)
            }
            Some(program) => Shots::new(program, values, seed)?.counts(shots),
        }
    }
}
