//! The quantum-trajectory simulator.

use rand_chacha::ChaCha8Rng;

use super::batch::{Trajectory, Walks};
use super::counts::Counts;
use super::program::Program;
use super::pure::PureState;
use super::shot::{self, Shots};
use super::state::{Branch, Ensemble, QuantumState};
use super::{Plan, Simulator, memory, readout};
use crate::{Circuit, Error, Observable, Result};

/// Simulates noise by many pure states: in each trajectory, every channel applies one of its Kraus operators, drawn with
/// its probability (Dalibard, Castin and Molmer 1992). It needs the memory of a state vector where [`DensityMatrix`] needs
/// the square of that; errors fall with the root of the number of trajectories.
///
/// Up to ten qubits, a vector of the processor holds the same amplitude of eight trajectories (four, two: as it has
/// lanes), and noise on one qubit is joined with the gates around it. An alternative that is likely in every state is
/// taken without a look at the state.
///
/// Trajectory `k` of a seed is the same whatever else runs, so results do not depend on the number of threads.
///
/// [`DensityMatrix`]: super::DensityMatrix
#[derive(Debug, Clone, Copy)]
pub struct Trajectories {
    count: usize,
    seed: u64,
}

impl Trajectories {
    /// The mean over `count` trajectories drawn from `seed`.
    pub const fn new(count: usize, seed: u64) -> Self {
        Self { count, seed }
    }
}

impl Simulator for Trajectories {
    type Plan = TrajectoryPlan;

    fn plan(&self, circuit: &impl AsRef<Circuit>) -> Result<TrajectoryPlan> {
        if self.count == 0 {
            return Err(Error::OutOfRange {
                what: "the number of trajectories".into(),
                found: 0.0,
                wanted: "at least 1".into(),
            });
        }
        let program = Program::new(circuit.as_ref())?;
        Ok(TrajectoryPlan { program, lanes: Trajectory::new(circuit.as_ref())?, options: *self })
    }
}

/// A circuit compiled for [`Trajectories`].
#[derive(Debug, Clone)]
pub struct TrajectoryPlan {
    program: Program<f64>,
    /// The same for several trajectories at once, if the circuit is not too wide.
    lanes: Option<Trajectory>,
    options: Trajectories,
}

/// A mean with the standard error that its finite sample leaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its standard deviation over repetitions; infinite for a sample of one.
    pub standard_error: f64,
}

impl TrajectoryPlan {
    /// The expectation of an observable, with its standard error.
    ///
    /// # Errors
    /// As [`Plan::expectation`].
    pub fn estimate(&self, observable: &Observable, values: &[f64]) -> Result<Estimate> {
        observable.real_terms(self.program.width)?;
        let count = self.options.count;
        let add =
            |list: &mut Vec<_>, state: &mut PureState, _, _: &mut _| list.push(state.expectation(observable));
        let parts = self.fold(values, self.options.seed, count, Vec::new, add)?;
        let samples = parts.into_iter().flatten().collect::<Result<Vec<f64>>>()?;
        let mean = samples.iter().sum::<f64>() / count as f64;
        let square = samples.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>();
        let standard_error =
            if count > 1 { (square / (count - 1) as f64 / count as f64).sqrt() } else { f64::INFINITY };
        Ok(Estimate { mean, standard_error })
    }

    /// Folds all trajectories in blocks of a fixed size; the parts are in order.
    fn fold<A: Send>(
        &self,
        values: &[f64],
        seed: u64,
        count: usize,
        new: impl Fn() -> A + Sync,
        add: impl Fn(&mut A, &mut PureState, u128, &mut ChaCha8Rng) + Sync,
    ) -> Result<Vec<A>> {
        Ok(match &self.lanes {
            Some(lanes) => Walks::new(lanes, values, seed)?.fold(count, new, add),
            None => Shots::new(&self.program, values, seed)?.fold(count, new, add),
        })
    }

    fn branch(&self, bits: u128, state: &PureState) -> Branch<PureState> {
        Branch { probability: 1.0 / self.options.count as f64, bits, state: state.clone() }
    }
}

impl Plan for TrajectoryPlan {
    type State = Ensemble<PureState>;

    fn passes(&self) -> usize {
        self.program.passes()
    }

    /// All trajectories, each as a branch.
    fn run(&self, values: &[f64]) -> Result<Self::State> {
        let (width, count) = (self.program.width, self.options.count);
        self.program.parameters().check(values)?;
        memory::check(width, PureState::<f64>::bytes(width).saturating_mul(count as u64))?;
        let add =
            |list: &mut Vec<_>, state: &mut PureState, bits, _: &mut _| list.push(self.branch(bits, state));
        let parts = self.fold(values, self.options.seed, count, Vec::new, add)?;
        Ok(Ensemble { width, branches: parts.into_iter().flatten().collect() })
    }

    fn expectation(&self, observable: &Observable, values: &[f64]) -> Result<f64> {
        Ok(self.estimate(observable, values)?.mean)
    }

    fn probabilities(&self, values: &[f64]) -> Result<Vec<f64>> {
        super::bits::check_listed(self.program.outputs.len())?;
        let parts = self.fold(
            values,
            self.options.seed,
            self.options.count,
            || Ok(vec![0.0; 1 << self.program.outputs.len()]),
            |sum: &mut Result<Vec<f64>>, state, bits, _| {
                let branches = vec![self.branch(bits, state)];
                let part =
                    readout::probabilities(&self.program, &Ensemble { width: self.program.width, branches });
                match (sum.as_mut(), part) {
                    (Ok(sum), Ok(part)) => sum.iter_mut().zip(part).for_each(|(sum, p)| *sum += p),
                    (Ok(_), Err(error)) => *sum = Err(error),
                    (Err(_), _) => {}
                }
            },
        )?;
        parts.into_iter().try_fold(vec![0.0; 1 << self.program.outputs.len()], |mut sum, part| {
            sum.iter_mut().zip(part?).for_each(|(sum, p)| *sum += p);
            Ok(sum)
        })
    }

    /// Each shot is a trajectory of its own; the number of trajectories plays no part.
    fn sample(&self, values: &[f64], shots: usize, seed: u64) -> Result<Counts> {
        readout::check_shots(shots)?;
        let mut counts = Counts::new(self.program.outputs.len())?;
        let empty = counts.clone();
        let parts = self.fold(
            values,
            seed,
            shots,
            || empty.clone(),
            |counts, state, bits, rng| counts.add(shot::result(&self.program, state, bits, rng), 1),
        )?;
        parts.iter().try_for_each(|part| counts.merge(part))?;
        Ok(counts)
    }
}
