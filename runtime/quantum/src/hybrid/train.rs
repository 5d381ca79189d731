//! Training without gradients, and the search for the shortest mixer.

use super::{PulseMixer, Qaoa, Score};
use crate::optimise::{Cobyla, Minimum, Surface};
use crate::pulse::Timing;
use crate::{Error, Result};

/// How a circuit is trained: alike for both kinds of mixer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Training {
    /// Evaluations of the score.
    pub evaluations: usize,
    /// Shots of each.
    pub shots: usize,
    /// What is maximised.
    pub score: Score,
    /// Seed of the shots.
    pub seed: u64,
}

impl Default for Training {
    /// Sixty evaluations of 4096 shots.
    fn default() -> Self {
        Self { evaluations: 60, shots: 4096, score: Score::default(), seed: 42 }
    }
}

/// Maximises the score of shots: half of the evaluations to COBYLA, the optimiser of the group's code, for the region, and what it
/// leaves to a [`Surface`] for the point in it. Each evaluation has shots of its own, and the best of COBYLA's is the luckiest:
/// two arms that end there differ by the noise of their shots. With too few evaluations for a surface, COBYLA has them all.
///
/// # Errors
/// As [`Qaoa::score`] and [`Cobyla::minimise`].
pub fn train(qaoa: &Qaoa<'_>, start: &[f64], training: &Training) -> Result<Minimum> {
    let mut count = 0;
    let mut objective = |values: &[f64]| {
        count += 1;
        let seed = training.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(count);
        Ok(-qaoa.score(values, training.score, training.shots, seed)?)
    };
    let half = training.evaluations.div_ceil(2);
    if training.evaluations - half < Surface::least(start.len()) {
        let cobyla = Cobyla { radius: 0.2, tolerance: 1e-3, ..Cobyla::new(training.evaluations) };
        return cobyla.minimise(start, objective);
    }
    let rough =
        Cobyla { radius: 0.2, tolerance: 0.02, ..Cobyla::new(half) }.minimise(start, &mut objective)?;
    let evaluations = training.evaluations - rough.evaluations;
    let surface = Surface { radius: 0.25, evaluations, seed: training.seed };
    let mut fitted = surface.minimise(&rough.parameters, objective)?;
    fitted.evaluations += rough.evaluations;
    fitted.trace.splice(0..0, rough.trace);
    Ok(fitted)
}

/// What a shorter mixer has to keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// How much of the mean approximation ratio may be lost.
    pub loss: f64,
    /// Largest infidelity of a rotation.
    pub infidelity: f64,
    /// Largest probability to leak.
    pub leakage: f64,
}

/// A duration that was tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// In samples.
    pub duration: usize,
    /// Mean approximation ratio at the trained values.
    pub ratio: f64,
    /// Largest infidelity of a rotation.
    pub infidelity: f64,
    /// Largest probability to leak.
    pub leakage: f64,
    /// Whether the pulse is as good as was asked for.
    pub accepted: bool,
}

/// What a search for the shortest mixer found.
#[derive(Debug, Clone)]
#[must_use]
pub struct Shortest<'d> {
    /// The circuit with the shortest mixer.
    pub qaoa: Qaoa<'d>,
    /// Its duration in samples.
    pub duration: usize,
    /// All durations that were tried, in the order in which they were.
    pub trials: Vec<Trial>,
}

/// Bisects for the shortest legal duration of the mixer, below `longest`, that keeps the score at these trained values, and whose
/// rotations are within the limits.
///
/// # Errors
/// [`Error::Setting`] if `longest` itself is not legal or not good enough; those of `mixer` and of [`Qaoa::ratio`].
pub fn shortest_mixer<'d>(
    qaoa: &Qaoa<'d>,
    values: &[f64],
    timing: Timing,
    longest: usize,
    limits: Limits,
    mixer: &dyn Fn(&[usize], usize) -> Result<PulseMixer>,
) -> Result<Shortest<'d>> {
    let step = timing.granularity.max(1);
    let least = timing.min_length.div_ceil(step);
    let mut trials = Vec::new();
    let mut attempt = |duration: usize, floor: f64| {
        let found = qaoa.with_mixer(&|physical| mixer(physical, duration))?;
        let (ratio, pulses) = (found.ratio(values)?, found.pulses(values)?);
        let worst = |of: &dyn Fn(&super::MixerPulse) -> f64| pulses.iter().map(of).fold(0.0, f64::max);
        let mut trial = Trial {
            duration,
            ratio,
            infidelity: worst(&|p| p.infidelity),
            leakage: worst(&|p| p.leakage),
            accepted: false,
        };
        trial.accepted =
            ratio >= floor && trial.infidelity <= limits.infidelity && trial.leakage <= limits.leakage;
        trials.push(trial);
        Ok::<_, Error>((found, trial))
    };
    let (mut best, first) = attempt(longest, f64::NEG_INFINITY)?;
    if !longest.is_multiple_of(step) || longest / step < least || !first.accepted {
        let expected = "a legal length whose pulses are as good as asked for";
        return Err(Error::Setting { name: "the longest mixer", found: longest as f64, expected });
    }
    let floor = first.ratio - limits.loss;
    let (mut low, mut high) = (least, longest / step);
    while low < high {
        let middle = usize::midpoint(low, high);
        let (found, trial) = attempt(middle * step, floor)?;
        if trial.accepted {
            (best, high) = (found, middle);
        } else {
            low = middle + 1;
        }
    }
    Ok(Shortest { qaoa: best, duration: high * step, trials })
}
