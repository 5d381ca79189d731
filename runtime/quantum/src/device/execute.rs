//! What every device does: run compiled circuits and count.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::compile::Compiled;
use super::target::Target;
use crate::circuit::{Confusion, Instruction};
use crate::simulator::{self, Counts};
use crate::tomography::{Basis, Measurement};
use crate::{Error, Result};

/// A compiled circuit to run, with values for its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The circuit; a clone costs little.
    pub compiled: Compiled,
    /// Values of its parameters, in flat order.
    pub values: Vec<f64>,
    /// How often it is run.
    pub shots: usize,
    /// Seed of the outcomes, where they are simulated.
    pub seed: u64,
}

/// Something that runs compiled circuits: a simulator of a device, or a device elsewhere.
///
/// [`Self::execute`] takes a batch and blocks until all of it is done. An implementation for a remote device binds each
/// job's values ([`Compiled::bind`]), places it on [`Compiled::physical`], submits the batch in as few requests as the
/// service allows, keeps their ids, and polls; an id that may serve again after an interruption belongs in the
/// implementation, beside its credentials. Seeds are for simulators only. The other methods have defaults that use
/// nothing but [`Self::execute`] and [`Self::target`].
pub trait Device: Send + Sync {
    /// The name; circuits are compiled for the device of this name.
    fn name(&self) -> &str {
        self.target().name()
    }

    /// Which gates it has, and between which qubits.
    fn target(&self) -> &Target;

    /// Runs the jobs and returns the counts of each: of the bits that its circuit returns, the first least significant;
    /// of all measured bits where it returns none.
    ///
    /// # Errors
    /// As [`check`], and whatever running can meet. No job is run if one of them is refused.
    fn execute(&self, jobs: &[Job]) -> Result<Vec<Counts>>;

    /// The probabilities with which each logical qubit is misread at the end of a circuit, as far as the device knows.
    fn confusion(&self, compiled: &Compiled) -> Vec<Confusion> {
        let sites = self.target().sites();
        let place = |circuit: &usize| compiled.physical().get(*circuit).and_then(|p| sites.get(*p));
        let readout = |circuit| place(circuit).and_then(|site| site.readout).unwrap_or_default();
        compiled.last().iter().map(readout).collect()
    }

    /// Runs a circuit once for each setting, with `shots` shots each, its logical qubits measured in the bases of the
    /// setting: what tomography and shadows ask for. The rotations into the bases are native gates and as noisy as all
    /// others.
    ///
    /// # Errors
    /// As [`Self::execute`] and [`Compiled::measured`].
    fn measure(
        &self,
        compiled: &Compiled,
        values: &[f64],
        settings: &[Vec<Basis>],
        shots: usize,
        seed: u64,
    ) -> Result<Vec<Measurement>> {
        let jobs = settings
            .iter()
            .enumerate()
            .map(|(number, setting)| {
                let (compiled, seed) = (compiled.measured(setting)?, setting_seed(seed, number));
                Ok(Job { compiled, values: values.to_vec(), shots, seed })
            })
            .collect::<Result<Vec<_>>>()?;
        let counts = self.execute(&jobs)?;
        settings.iter().zip(counts).map(|(setting, counts)| measurement(setting, &counts)).collect()
    }
}

/// The seed of setting number `number`: one step of `SplitMix64`, so that neighbouring seeds share no outcomes.
pub(super) fn setting_seed(seed: u64, number: usize) -> u64 {
    let mut z = seed ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Counts drawn from the probabilities of a setting's outcomes, as a run of the measured circuit draws them.
pub(super) fn sampled(
    setting: &[Basis],
    probabilities: &[f64],
    shots: usize,
    seed: u64,
) -> Result<Measurement> {
    measurement(setting, &simulator::sample(probabilities, shots, &mut ChaCha8Rng::seed_from_u64(seed))?)
}

fn measurement(setting: &[Basis], counts: &Counts) -> Result<Measurement> {
    let mut list = vec![0.0; 1 << setting.len()];
    for (bits, times) in counts.iter() {
        list[bits as usize] += times as f64;
    }
    Measurement::new(setting.to_vec(), list)
}

/// Refuses jobs that no device can run; an implementation of [`Device::execute`] begins with it.
///
/// # Errors
/// [`Error::NoShots`], [`Error::OtherDevice`] for a circuit compiled for another device, [`Error::NothingMeasured`],
/// [`Error::ParameterCount`] and [`Error::ParameterValue`].
pub fn check(device: &(impl Device + ?Sized), jobs: &[Job]) -> Result<()> {
    for job in jobs {
        check_run(device, &job.compiled, &job.values, job.shots)?;
        let measures = |step: &Instruction| !step.bits().is_empty();
        if !job.compiled.circuit().instructions().iter().any(measures) {
            return Err(Error::NothingMeasured { circuit: job.compiled.circuit().name().to_owned() });
        }
    }
    Ok(())
}

pub(super) fn check_run(
    device: &(impl Device + ?Sized),
    compiled: &Compiled,
    values: &[f64],
    shots: usize,
) -> Result<()> {
    if shots == 0 {
        return Err(Error::NoShots);
    }
    if compiled.device() != device.name() {
        let (found, expected) = (compiled.device().to_owned(), device.name().to_owned());
        return Err(Error::OtherDevice { circuit: compiled.circuit().name().to_owned(), found, expected });
    }
    compiled.circuit().parameters().check(values)
}
