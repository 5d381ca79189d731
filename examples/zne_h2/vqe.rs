//! A variational eigensolver whose parameters are the amplitudes and phases of published pulses.

use std::f64::consts::TAU;

use ketline::Observable;
use ketline::quantum::circuit::Confusion;
use ketline::quantum::device::{Calibration, Hamiltonian, PulseDefaults};
use ketline::quantum::mitigation::{Foldable, PulseExperiment};
use ketline::quantum::optimise::{Adam, Cobyla, Minimum, Schedule as Rate, descend};
use ketline::quantum::pulse::transmon::Transmons;
use ketline::quantum::pulse::{Schedule, Variational, control};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::molecule::Molecule;

/// Devices and their pairs, control first.
pub(crate) const DEVICES: [(&str, [usize; 2]); 7] = [
    ("manila", [0, 1]),
    ("nairobi", [6, 5]),
    ("jakarta", [0, 1]),
    ("quito", [0, 1]),
    ("lima", [2, 1]),
    ("belem", [0, 1]),
    ("santiago", [0, 1]),
];

/// Random starts that are tried, and the steps that each is given.
const STARTS: u64 = 4;
const TRIAL: usize = 50;

/// A pair of a simulated device.
pub(crate) struct Device {
    pub(crate) name: &'static str,
    pub(crate) pair: [usize; 2],
    pub(crate) transmons: Transmons,
    pub(crate) dt: f64,
    pub(crate) confusion: Vec<Confusion>,
    /// Published pulses with free amplitudes and phases.
    pub(crate) ansatz: Schedule,
    start: Vec<f64>,
    /// The scale of the cross-resonance tones among the parameters, and what the device can play of it.
    tone: (usize, f64),
    defaults: PulseDefaults,
}

pub(crate) struct Trained {
    pub(crate) values: Vec<f64>,
    /// Without noise.
    pub(crate) energy: f64,
}

impl Device {
    pub(crate) fn new(name: &'static str, pair: [usize; 2]) -> ketline::Result<Self> {
        // ANCHOR: ansatz
        let calibration = Calibration::bundled(name)?;
        let transmons =
            Transmons::new(&Hamiltonian::bundled(name)?, &pair, 3)?.with_calibration(&calibration)?;
        let defaults = PulseDefaults::bundled(name)?;
        let dt = defaults.target().dt();
        // Quarter turns with free amplitudes and phases around the published cx, whose cross-resonance tones have one scale: its echo
        // stays an echo
        let layer = |name: &str| {
            let [a, b] = pair.map(|qubit| defaults.schedule("sx", &[qubit]));
            a?.then(&b?)?.trainable(name, &[])
        };
        let ((first, before), (last, after)) = (layer("first")?, layer("last")?);
        let cx = defaults.schedule("cx", &pair)?.scaled(control(pair[0], pair[1]), "tone")?;
        let ansatz = first.then(&cx)?.then(&last)?;
        let start = [before, vec![1.0], after].concat();
        // ANCHOR_END: ansatz
        let peak = cx
            .samples(dt, &[1.0])?
            .line(control(pair[0], pair[1]))
            .map_or(1.0, |line| line.iter().map(|sample| sample.norm()).fold(f64::MIN_POSITIVE, f64::max));
        let place = ansatz.parameters().group("tone").map_or(0, |group| group.offset);
        let tone = (place, 0.98 * defaults.target().limit() / peak);
        let confusion = pair.iter().map(|&qubit| calibration.qubits()[qubit].confusion()).collect();
        Ok(Self { name, pair, transmons, dt, confusion, ansatz, start, tone, defaults })
    }

    /// The ansatz with these values, measured on the noisy device.
    pub(crate) fn experiment(
        &self,
        values: &[f64],
        observable: &Observable,
    ) -> ketline::Result<PulseExperiment<'_>> {
        PulseExperiment::new(&self.transmons, &self.ansatz, self.dt, values, observable)
    }
}

/// Trains without noise, from the best of several starts, or from values that were good for a neighbour.
pub(crate) fn train(
    device: &Device,
    molecule: &Molecule,
    steps: usize,
    seed: u64,
    known: Option<&[f64]>,
    undone: bool,
) -> ketline::Result<Trained> {
    let observable = molecule.observable()?;
    // ANCHOR: train
    let energy = Variational::new(&device.transmons, &device.ansatz, device.dt, &observable, &device.start)?;
    let descent = |start: &[f64], steps: usize| {
        let mut adam = Adam::new(Rate::cosine(0.04, steps));
        descend(&mut adam, start, steps, |values| Ok(playable(device, values, energy.gradient(values)?)))
    };
    // ANCHOR_END: train
    // ANCHOR: reversible
    // Both the pulses and the pulses folded once: parameters that their reverse undoes
    let folded = Variational::new(
        &device.transmons,
        &device.ansatz.folded(1)?,
        device.dt,
        &observable,
        &device.start,
    )?;
    let reversible = |start: &[f64], steps: usize| {
        let mut adam = Adam::new(Rate::cosine(0.02, steps));
        descend(&mut adam, start, steps, |values| {
            let (once, thrice) = (energy.gradient(values)?, folded.gradient(values)?);
            let slope = once.1.iter().zip(&thrice.1).map(|(a, b)| 0.5 * (a + b)).collect();
            Ok(playable(device, values, (0.5 * (once.0 + thrice.0), slope)))
        })
    };
    // ANCHOR_END: reversible
    let start = if let Some(values) = known {
        values.to_vec()
    } else {
        let trials: Vec<Minimum> = (0..STARTS)
            .map(|k| descent(&scattered(device, seed.wrapping_add(k)), TRIAL.min(steps)))
            .collect::<ketline::Result<_>>()?;
        let best = trials.into_iter().min_by(|a, b| a.value.total_cmp(&b.value));
        best.map_or_else(|| device.start.clone(), |best| best.parameters)
    };
    let mut values = descent(&start, steps)?.parameters;
    if undone {
        values = reversible(&values, steps / 3)?.parameters;
    }
    device.ansatz.check(device.defaults.target(), &values)?;
    Ok(Trained { energy: energy.value(&values)?, values })
}

/// A value and its gradient with a wall where the tone would be louder than the device can play.
fn playable(device: &Device, values: &[f64], (value, mut gradient): (f64, Vec<f64>)) -> (f64, Vec<f64>) {
    const STEEPNESS: f64 = 100.0;
    let (place, limit) = device.tone;
    let beyond = (values[place].abs() - limit).max(0.0);
    gradient[place] += 2.0 * STEEPNESS * beyond * values[place].signum();
    (value + STEEPNESS * beyond * beyond, gradient)
}

/// The published values, moved at random: phases by up to half a turn, amplitudes and the tone by up to a half.
fn scattered(device: &Device, seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let groups = device.ansatz.parameters().groups();
    let mut values = device.start.clone();
    for group in groups {
        for value in &mut values[group.offset..group.offset + group.len()] {
            let off = random.random::<f64>() - 0.5;
            *value = if group.name.ends_with("phase") { *value + TAU * off } else { *value * (1.0 + off) };
        }
    }
    values
}

/// Trains on the noisy device, by its energies alone: the optimiser of the authors' tutorial.
pub(crate) fn gradient_free(
    device: &Device,
    molecule: &Molecule,
    evaluations: usize,
    seed: u64,
) -> ketline::Result<Minimum> {
    let observable = molecule.observable()?;
    let cobyla = Cobyla { radius: 0.1, ..Cobyla::new(evaluations) };
    cobyla.minimise(&scattered(device, seed), |values| {
        Ok(device.experiment(values, &observable)?.expectation(0)?.value)
    })
}
