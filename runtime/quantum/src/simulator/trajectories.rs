//! The quantum-trajectory simulator.

use super::counts::Counts;
use super::program::{Program, Space};
use super::pure::PureState;
use super::shot::Shots;
use super::state::{Branch, Ensemble, QuantumState};
use super::{Plan, Simulator, memory, readout};
use crate::{Circuit, Error, Observable, Result};

/// Simulates noise by many pure states: in each trajectory, every channel applies one of its Kraus operators, drawn with
/// its probability (Dalibard, Castin and Molmer 1992). It needs the memory of a state vector where [`DensityMatrix`] needs
/// the square of that; errors fall with the root of the number of trajectories.
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
        Ok(TrajectoryPlan { program: Program::new(circuit.as_ref(), Space::Vector)?, options: *self })
    }
}

/// A circuit compiled for [`Trajectories`].
#[derive(Debug, Clone)]
pub struct TrajectoryPlan {
    program: Program<f64>,
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
        let shots = Shots::new(&self.program, values, self.options.seed)?;
        let count = self.options.count;
        let parts = shots.fold(count, Vec::new, |list, state, _, _| list.push(state.expectation(observable)));
        let samples = parts.into_iter().flatten().collect::<Result<Vec<f64>>>()?;
        let mean = samples.iter().sum::<f64>() / count as f64;
        let square = samples.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>();
        let standard_error =
            if count > 1 { (square / (count - 1) as f64 / count as f64).sqrt() } else { f64::INFINITY };
        Ok(Estimate { mean, standard_error })
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
        let shots = Shots::new(&self.program, values, self.options.seed)?;
        memory::check(width, PureState::<f64>::bytes(width).saturating_mul(count as u64))?;
        let parts = shots.fold(count, Vec::new, |list, state, bits, _| list.push(self.branch(bits, state)));
        Ok(Ensemble { width, branches: parts.into_iter().flatten().collect() })
    }

    fn expectation(&self, observable: &Observable, values: &[f64]) -> Result<f64> {
        Ok(self.estimate(observable, values)?.mean)
    }

    fn probabilities(&self, values: &[f64]) -> Result<Vec<f64>> {
        super::bits::check_listed(self.program.outputs.len())?;
        let shots = Shots::new(&self.program, values, self.options.seed)?;
        let parts = shots.fold(
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
        );
        parts.into_iter().try_fold(vec![0.0; 1 << self.program.outputs.len()], |mut sum, part| {
            sum.iter_mut().zip(part?).for_each(|(sum, p)| *sum += p);
            Ok(sum)
        })
    }

    /// Each shot is a trajectory of its own; the number of trajectories plays no part.
    fn sample(&self, values: &[f64], shots: usize, seed: u64) -> Result<Counts> {
        Shots::new(&self.program, values, seed)?.counts(shots)
    }
}
