//! A simulated device with the noise of a calibration.

use std::sync::Arc;

use rayon::prelude::*;

use super::cache::{Cache, Placed};
use super::compile::Compiled;
use super::execute::{self, Device, Job, check};
use super::target::Target;
use super::{Calibration, NoiseModel, NoiseOptions};
use crate::circuit::{Circuit, Confusion};
use crate::simulator::{Counts, DensityMatrix, DensityPlan, Plan, QuantumState, Simulator};
use crate::tomography::{Basis, Measurement};
use crate::{Matrix, Result};

/// How many plans of circuits are kept.
const PLANS: usize = 256;

/// How many plans of measurement settings are kept; they are small.
const SETTINGS: usize = 4096;

/// A device simulated with the noise of its calibration, by density matrices: up to
/// [`MAX_MIXED_QUBITS`](crate::simulator::MAX_MIXED_QUBITS) qubits at a time.
///
/// Noisy circuits are prepared once and run with many values. Its results are those of a simulator, not of hardware.
///
/// ```
/// use ketline_quantum::device::{Calibration, CompileOptions, Device, NoiseOptions, NoisyDevice, compile};
/// use ketline_quantum::tomography::settings;
/// use ketline_quantum::{Builder, Qubits};
///
/// let mut b = Builder::new("bell");
/// let q: Qubits<2> = b.register("q");
/// b.h(q.at(0));
/// b.cx(q.at(0), q.at(1));
/// let device = NoisyDevice::new(&Calibration::bundled("manila")?, NoiseOptions::default())?;
/// let bell = compile(&b.finish()?, device.target(), &CompileOptions::default())?;
/// let rho = device.density(&bell, &[])?;
/// assert!((0.4..0.5).contains(&rho[(0, 3)].re));
/// let measurements = device.measure(&bell, &[], &settings(2)?, 1024, 7)?;
/// assert_eq!(measurements.len(), 9);
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug)]
pub struct NoisyDevice {
    target: Target,
    noise: NoiseModel,
    plans: Cache<Placed, DensityPlan>,
    settings: Cache<Setting, DensityPlan>,
}

/// The end of a measured circuit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Setting {
    physical: Vec<usize>,
    /// Where the logical qubits stand among them.
    last: Vec<usize>,
    bases: Vec<Basis>,
}

impl NoisyDevice {
    /// The device of a calibration, as noisy as `options` say.
    ///
    /// # Errors
    /// As [`NoiseModel::new`].
    pub fn new(calibration: &Calibration, options: NoiseOptions) -> Result<Self> {
        Ok(Self {
            target: Target::from(calibration),
            noise: NoiseModel::new(calibration, options)?,
            plans: Cache::new(PLANS),
            settings: Cache::new(SETTINGS),
        })
    }

    /// The noise.
    pub fn noise(&self) -> &NoiseModel {
        &self.noise
    }

    /// The circuit with the noise in it, parameters symbolic: what a gradient through the noise needs.
    ///
    /// # Errors
    /// As [`NoiseModel::apply`].
    pub fn noisy(&self, compiled: &Compiled) -> Result<Circuit> {
        self.noise.apply(compiled.circuit(), compiled.physical())
    }

    /// The density matrix of the logical qubits at the end of a circuit, outcomes inside of it averaged: what tomography
    /// estimates.
    ///
    /// # Errors
    /// As [`NoiseModel::apply`] and [`Plan::run`].
    pub fn density(&self, compiled: &Compiled, values: &[f64]) -> Result<Matrix> {
        self.plan(compiled)?.mean(values)?.partial_trace(compiled.last())
    }

    /// The measurements of [`Device::measure`] with infinitely many shots: probabilities, readout errors included.
    ///
    /// # Errors
    /// As [`Device::measure`].
    pub fn measure_exactly(
        &self,
        compiled: &Compiled,
        values: &[f64],
        settings: &[Vec<Basis>],
    ) -> Result<Vec<Measurement>> {
        execute::check_run(self, compiled, values, 1)?;
        let probabilities = self.probabilities(compiled, values, settings)?;
        let measured = settings.iter().zip(probabilities);
        // the least bits of a sum of probabilities may be below zero
        let exact = |list: Vec<f64>| list.into_iter().map(|p| p.max(0.0)).collect();
        measured.map(|(setting, list)| Measurement::new(setting.clone(), exact(list))).collect()
    }

    fn plan(&self, compiled: &Compiled) -> Result<Arc<DensityPlan>> {
        let key = Placed { circuit: compiled.shared().clone(), physical: compiled.physical().to_vec() };
        self.plans.get(key, |key| DensityMatrix::new().plan(&self.noise.apply(&key.circuit, &key.physical)?))
    }

    /// The probabilities of the outcomes in each setting: the circuit is run once, each setting from the state it leaves.
    fn probabilities(
        &self,
        compiled: &Compiled,
        values: &[f64],
        settings: &[Vec<Basis>],
    ) -> Result<Vec<Vec<f64>>> {
        let state = self.plan(compiled)?.mean(values)?;
        let run = |bases: &Vec<Basis>| {
            let (physical, last) = (compiled.physical().to_vec(), compiled.last().to_vec());
            let plan = self.settings.get(Setting { physical, last, bases: bases.clone() }, |key| {
                DensityMatrix::new().plan(&self.noise.apply(&compiled.readout(bases)?, &key.physical)?)
            })?;
            plan.probabilities_after(state.clone(), &[])
        };
        settings.par_iter().map(run).collect()
    }
}

impl Device for NoisyDevice {
    fn target(&self) -> &Target {
        &self.target
    }

    fn execute(&self, jobs: &[Job]) -> Result<Vec<Counts>> {
        check(self, jobs)?;
        let run = |job: &Job| self.plan(&job.compiled)?.sample(&job.values, job.shots, job.seed);
        jobs.par_iter().map(run).collect()
    }

    fn confusion(&self, compiled: &Compiled) -> Vec<Confusion> {
        let qubits = self.noise.calibration().qubits();
        let readout = |circuit: &usize| {
            let place = compiled.physical().get(*circuit)?;
            Some(qubits.get(*place).filter(|_| self.noise.options().readout)?.confusion())
        };
        compiled.last().iter().map(|circuit| readout(circuit).unwrap_or_default()).collect()
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
        let probabilities = self.probabilities(compiled, values, settings)?;
        let measured = settings.par_iter().zip(probabilities).enumerate();
        let sample = |(number, (setting, list)): (usize, (&Vec<Basis>, Vec<f64>))| {
            execute::sampled(setting, &list, shots, execute::setting_seed(seed, number))
        };
        measured.map(sample).collect()
    }
}
