//! What `RobustState` is compared with, each with the same number of device executions.
//!
//! | baseline | executions a step | knows of the noise |
//! |---|---|---|
//! | [`noise_unaware`] | 0 | nothing |
//! | [`arithmetic`] | 0 | nothing; no training at all |
//! | [`parameter_shift`] | 2 for each angle, and more | through the shifted fidelities |
//! | [`spsa`] | 2 | through two fidelities |
//! | [`cobyla()`] | 1 | through one fidelity |
//! | [`exact_gradient`] | none: a simulation only | everything; the upper reference |

use std::fmt;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{ExactLaboratory, TargetState, Task, arithmetic, seed_of};
use crate::circuit::Confusion;
use crate::device::{CompileOptions, Compiled, Device, Edge, Job, Layout, Region, Target, compile};
use crate::gradient::{DensityAdjoint, Hermitian, ShiftRule};
use crate::optimise::{Adam, Cobyla, Optimiser, Schedule, Spsa};
use crate::simulator::Counts;
use crate::tomography::mitigate;
use crate::{C64, Circuit, Error, Instruction, Result, linalg};

/// What a device can be asked: how close a prepared state is to the target.
pub trait FidelityEstimator {
    /// An estimate of `<t|rho|t>`, one execution on the device.
    ///
    /// # Errors
    /// Whatever the device or the estimation reports.
    fn fidelity(&mut self, values: &[f64], seed: u64) -> Result<f64>;
}

/// The fidelity by undoing the target: the inverse of its [arithmetic] preparation follows the circuit, and the share of
/// shots that read all zeros is the estimate. Any device can do it; the inverse adds its own noise.
pub struct InverseFidelity<'d> {
    device: &'d dyn Device,
    compiled: Compiled,
    confusion: Vec<Confusion>,
    shots: usize,
}

impl<'d> InverseFidelity<'d> {
    /// Compiles a circuit and the inverse of its target for a device, within the qubits and edges of `region`.
    ///
    /// # Errors
    /// [`Error::NoShots`]; as [`compile()`].
    pub fn new(
        device: &'d dyn Device,
        circuit: &Circuit,
        target: &TargetState,
        region: &Region,
        shots: usize,
    ) -> Result<Self> {
        if shots == 0 {
            return Err(Error::NoShots);
        }
        let mut whole = circuit.clone();
        let qubits: Vec<_> = (0..circuit.width()).collect();
        whole.append(&arithmetic(target)?.inverse()?, &qubits)?;
        for qubit in qubits {
            whole.push(Instruction::Measure { qubit, bit: qubit, confusion: None })?;
        }
        let all = device.target();
        let inside =
            |edge: &&Edge| region.qubits.contains(&edge.first) && region.qubits.contains(&edge.second);
        let edges = all.edges().filter(inside).copied().collect::<Vec<_>>();
        let part = Target::new(all.name(), all.sites().to_vec(), edges)?;
        let options =
            CompileOptions { layout: Layout::Fixed(region.qubits.clone()), ..CompileOptions::default() };
        let compiled = compile(&whole, &part, &options)?;
        Ok(Self { confusion: device.confusion(&compiled), device, compiled, shots })
    }
}

impl fmt::Debug for InverseFidelity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InverseFidelity")
            .field("device", &self.device.name())
            .field("shots", &self.shots)
            .finish()
    }
}

impl FidelityEstimator for InverseFidelity<'_> {
    fn fidelity(&mut self, values: &[f64], seed: u64) -> Result<f64> {
        let job = Job { compiled: self.compiled.clone(), values: values.to_vec(), shots: self.shots, seed };
        let counts = self.device.execute(&[job])?;
        let frequencies = counts.first().map_or(Ok(Vec::new()), Counts::to_probabilities)?;
        Ok(mitigate(&frequencies, &self.confusion)?.first().copied().unwrap_or_default())
    }
}

/// Settings of noise-unaware training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseUnaware {
    /// How many random starts; the best end is taken.
    pub restarts: usize,
    /// Steps of Adam for each.
    pub steps: usize,
    /// Its learning rate, annealed by a cosine.
    pub rate: f64,
    /// Seed of the starts.
    pub seed: u64,
}

impl Default for NoiseUnaware {
    /// Two starts of 600 steps at 0.1.
    fn default() -> Self {
        Self { restarts: 2, steps: 600, rate: 0.1, seed: 42 }
    }
}

/// Trains on ideal qubits from random starts: the usual first half of a fine-tuning, and the simplest baseline.
///
/// # Errors
/// [`Error::Setting`] for zero restarts.
pub fn noise_unaware(task: &Task, settings: &NoiseUnaware) -> Result<Vec<f64>> {
    let mut best: Option<(f64, Vec<f64>)> = None;
    for restart in 0..settings.restarts {
        let mut values = random_start(task, seed_of(settings.seed, restart));
        let mut adam = Adam::new(Schedule::cosine(settings.rate, settings.steps));
        for _ in 0..settings.steps {
            let slope = task.ideal(&values)?.gradient;
            adam.step(&mut values, &slope)?;
        }
        let infidelity = task.ideal(&values)?.value;
        if best.as_ref().is_none_or(|(other, _)| infidelity < *other) {
            best = Some((infidelity, values));
        }
    }
    let found = settings.restarts as f64;
    best.map(|(_, values)| values).ok_or(Error::Setting { name: "restarts", found, expected: "at least 1" })
}

/// Parameters drawn uniformly from a full turn.
pub fn random_start(task: &Task, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..task.parameters()).map(|_| rng.random_range(-1.0..1.0) * std::f64::consts::PI).collect()
}

/// Adam along the exact gradient of the fidelity through the simulated noise, `2^(2n)` entries a sweep: what no device
/// can give, and so the upper reference for what training can gain.
///
/// # Errors
/// Parameters of the wrong number or not finite; circuits that are not differentiable.
pub fn exact_gradient(
    task: &Task,
    laboratory: &ExactLaboratory<'_>,
    start: &[f64],
    rate: Schedule,
    steps: usize,
) -> Result<Vec<f64>> {
    let device = laboratory.device();
    let sweeps = laboratory
        .compiled()
        .iter()
        .zip(task.cases())
        .map(|(compiled, case)| {
            let target = case.target().amplitudes();
            let wide = compiled.lift(&linalg::outer(target, target))?;
            Ok((DensityAdjoint::new(&device.noisy(compiled)?)?, Hermitian::new(wide * C64::from(-1.0))?))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut values = start.to_vec();
    let mut adam = Adam::new(rate);
    for _ in 0..steps {
        let mut gradient = vec![0.0; values.len()];
        for (sweep, operator) in &sweeps {
            let one = sweep.gradient(operator, &values)?.gradient;
            gradient.iter_mut().zip(one).for_each(|(sum, slope)| *sum += slope / sweeps.len() as f64);
        }
        adam.step(&mut values, &gradient)?;
    }
    Ok(values)
}

/// Adam with gradients by parameter shift, measured on the device, for as many steps as `budget` executions allow.
/// `estimator` takes values of [`ShiftRule::circuit`].
///
/// # Errors
/// The estimator's; a budget too small for one gradient is [`Error::Setting`].
pub fn parameter_shift(
    rule: &ShiftRule,
    estimator: &mut dyn FidelityEstimator,
    start: &[f64],
    rate: f64,
    budget: usize,
    seed: u64,
) -> Result<Vec<f64>> {
    let steps = budget / rule.shifts().len().max(1);
    if steps == 0 {
        return Err(Error::Setting {
            name: "budget",
            found: budget as f64,
            expected: "enough for one gradient",
        });
    }
    let mut values = start.to_vec();
    let mut adam = Adam::new(Schedule::cosine(rate, steps));
    let mut objective = infidelity(estimator, seed);
    for _ in 0..steps {
        let gradient = rule.gradient(&values, &mut objective)?;
        adam.step(&mut values, &gradient)?;
    }
    Ok(values)
}

/// What the baselines minimise: the negated estimate, each asked with a seed of its own.
fn infidelity(estimator: &mut dyn FidelityEstimator, seed: u64) -> impl FnMut(&[f64]) -> Result<f64> {
    let mut asked = 0;
    move |values| {
        asked += 1;
        Ok(-estimator.fidelity(values, seed_of(seed, asked))?)
    }
}

/// Simultaneous perturbation with `budget` executions.
///
/// # Errors
/// The estimator's, and those of [`Spsa`].
pub fn spsa(
    estimator: &mut dyn FidelityEstimator,
    start: &[f64],
    budget: usize,
    seed: u64,
) -> Result<Vec<f64>> {
    let mut objective = infidelity(estimator, seed);
    // a tenth of the budget measures how steep the objective is
    let samples = (budget / 20).max(1);
    let mut spsa =
        Spsa::calibrated(seed, 0.05, 0.1, budget / 2 - budget / 20, start, samples, &mut objective)?;
    Ok(spsa.minimise(start, budget - 2 * samples, &mut objective)?.parameters)
}

/// COBYLA with `budget` executions.
///
/// # Errors
/// The estimator's, and those of [`Cobyla`].
pub fn cobyla(
    estimator: &mut dyn FidelityEstimator,
    start: &[f64],
    budget: usize,
    seed: u64,
) -> Result<Vec<f64>> {
    let objective = infidelity(estimator, seed);
    Ok(Cobyla::new(budget).minimise(start, objective)?.parameters)
}
