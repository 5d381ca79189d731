//! A device without noise.

use rayon::prelude::*;

use super::cache::{Cache, Placed};
use super::compile::Compiled;
use super::execute::{self, Device, Job, check};
use super::target::Target;
use crate::circuit::Confusion;
use crate::simulator::{Counts, Plan, QuantumState, Simulator, StateVector, VectorPlan};
use crate::tomography::{Basis, Measurement};
use crate::{Matrix, Result};

/// How many plans of circuits are kept.
const PLANS: usize = 256;

/// A device without noise: the couplings of a target, simulated by a state vector.
///
/// ```
/// use ketline_quantum::device::{CompileOptions, Device, IdealDevice, Job, Target, compile};
/// use ketline_quantum::{Builder, Qubits};
///
/// let mut b = Builder::new("bell");
/// let q: Qubits<2> = b.register("q");
/// b.h(q.at(0));
/// b.cx(q.at(0), q.at(1));
/// let bits = b.measure(q);
/// b.returns(bits);
/// let device = IdealDevice::new(Target::line(3)?);
/// let compiled = compile(&b.finish()?, device.target(), &CompileOptions::default())?;
/// let counts = device.execute(&[Job { compiled, values: vec![], shots: 100, seed: 1 }])?;
/// assert_eq!(counts[0].count(0b00) + counts[0].count(0b11), 100);
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug)]
pub struct IdealDevice {
    target: Target,
    plans: Cache<Placed, VectorPlan>,
}

impl IdealDevice {
    /// A device with the couplings of `target`.
    pub fn new(target: Target) -> Self {
        Self { target, plans: Cache::new(PLANS) }
    }

    /// The density matrix of the logical qubits at the end of a circuit, outcomes inside of it averaged.
    ///
    /// # Errors
    /// As [`Plan::run`].
    pub fn density(&self, compiled: &Compiled, values: &[f64]) -> Result<Matrix> {
        self.plan(compiled)?.run(values)?.partial_trace(compiled.last())
    }

    fn plan(&self, compiled: &Compiled) -> Result<std::sync::Arc<VectorPlan>> {
        let key = Placed { circuit: compiled.shared().clone(), physical: compiled.physical().to_vec() };
        self.plans.get(key, |key| StateVector::new().plan(&key.circuit))
    }
}

impl Device for IdealDevice {
    fn target(&self) -> &Target {
        &self.target
    }

    fn execute(&self, jobs: &[Job]) -> Result<Vec<Counts>> {
        check(self, jobs)?;
        let run = |job: &Job| self.plan(&job.compiled)?.sample(&job.values, job.shots, job.seed);
        jobs.par_iter().map(run).collect()
    }

    fn confusion(&self, compiled: &Compiled) -> Vec<Confusion> {
        vec![Confusion::default(); compiled.last().len()]
    }

    fn measure(
        &self,
        compiled: &Compiled,
        values: &[f64],
        settings: &[Vec<Basis>],
        shots: usize,
        seed: u64,
    ) -> Result<Vec<Measurement>> {
        execute::check_run(self, compiled, values, shots)?;
        let state = self.plan(compiled)?.run(values)?;
        let run = |(number, setting): (usize, &Vec<Basis>)| {
            let plan = StateVector::new().plan(&compiled.readout(setting)?)?;
            let mut probabilities = vec![0.0; 1 << setting.len()];
            for branch in state.branches() {
                let part = plan.probabilities_from(branch.state.clone(), &[])?;
                probabilities.iter_mut().zip(part).for_each(|(sum, p)| *sum += branch.probability * p);
            }
            execute::sampled(setting, &probabilities, shots, execute::setting_seed(seed, number))
        };
        settings.par_iter().enumerate().map(run).collect()
    }
}
