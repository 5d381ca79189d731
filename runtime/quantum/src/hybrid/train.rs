//! Training without gradients, and the search for the shortest mixer.

use super::{Mixing, PulseMixer, Qaoa, Score};
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

/// The first half of a training: a point near the optimum, and what was measured on the way.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Coarse {
    /// The best point so far.
    pub minimum: Minimum,
    measured: Vec<(Vec<f64>, f64)>,
}

impl Training {
    /// The first half of [`train`].
    ///
    /// # Errors
    /// As [`train`].
    pub fn coarse(&self, qaoa: &Qaoa<'_>, start: &[f64]) -> Result<Coarse> {
        let mut measured = Vec::new();
        let (evaluations, tolerance) = match self.evaluations.div_ceil(2) {
            half if self.evaluations - half < Surface::least(start.len()) => (self.evaluations, 1e-3),
            half => (half, 0.02),
        };
        let cobyla = Cobyla { radius: 0.2, tolerance, ..Cobyla::new(evaluations) };
        let minimum = cobyla.minimise(start, |values| {
            let value = self.measure(qaoa, values, measured.len())?;
            measured.push((values.to_vec(), value));
            Ok(value)
        })?;
        Ok(Coarse { minimum, measured })
    }

    /// The second half of [`train`], which may be of the same circuit with a shorter mixer: its values differ by less than the noise of
    /// their shots.
    ///
    /// # Errors
    /// As [`train`].
    pub fn fine(&self, qaoa: &Qaoa<'_>, coarse: Coarse) -> Result<Minimum> {
        let Coarse { minimum: rough, measured } = coarse;
        let evaluations = self.evaluations.saturating_sub(rough.evaluations);
        if evaluations < Surface::least(rough.parameters.len()) {
            return Ok(rough);
        }
        let mut count = rough.evaluations;
        let surface = Surface { radius: 0.25, evaluations, seed: self.seed };
        let mut fitted = surface.minimise_with(&rough.parameters, &measured, |values| {
            count += 1;
            self.measure(qaoa, values, count - 1)
        })?;
        fitted.evaluations += rough.evaluations;
        fitted.trace.splice(0..0, rough.trace);
        Ok(fitted)
    }

    /// An evaluation with shots of its own.
    fn measure(&self, qaoa: &Qaoa<'_>, values: &[f64], number: usize) -> Result<f64> {
        let seed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number as u64 + 1);
        Ok(-qaoa.score(values, self.score, self.shots, seed)?)
    }
}

/// Maximises the score of shots: half of the evaluations to COBYLA, the optimiser of the group's code, for the region, and what it
/// leaves to a [`Surface`] for the point in it, which COBYLA's values near that point join. Each evaluation has shots of its own, and
/// the best of COBYLA's is the luckiest: two arms that end there differ by the noise of their shots. With too few evaluations for a
/// surface, COBYLA has them all.
///
/// # Errors
/// As [`Qaoa::score`] and [`Cobyla::minimise`].
pub fn train(qaoa: &Qaoa<'_>, start: &[f64], training: &Training) -> Result<Minimum> {
    training.fine(qaoa, training.coarse(qaoa, start)?)
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
    /// What was found out about that mixer.
    pub mixer: Trial,
    /// All durations that were tried, in the order in which they were.
    pub trials: Vec<Trial>,
}

/// The shortest legal duration of the mixer, below `longest`, that keeps the score at these trained values, and whose rotations are
/// within the limits: the least that is legal, or else what bisection finds.
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
        // The longest is the circuit's own, as a rule
        let found = match qaoa.mixing() {
            Mixing::Pulses(known) if known.duration() == duration => qaoa.clone(),
            _ => qaoa.with_mixer(&|physical| mixer(physical, duration))?,
        };
        let pulses = found.pulses(values)?;
        let ratio = found.ratio_with(values, &pulses)?;
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
    let (mut qaoa, first) = attempt(longest, f64::NEG_INFINITY)?;
    if !longest.is_multiple_of(step) || longest / step < least || !first.accepted {
        let expected = "a legal length whose pulses are as good as asked for";
        return Err(Error::Setting { name: "the longest mixer", found: longest as f64, expected });
    }
    let (floor, mut mixer) = (first.ratio - limits.loss, first);
    let (mut low, mut high, mut next) = (least, longest / step, least);
    while low < high {
        let (found, trial) = attempt(next * step, floor)?;
        if trial.accepted {
            (qaoa, mixer, high) = (found, trial, next);
        } else {
            low = next + 1;
        }
        next = usize::midpoint(low, high);
    }
    Ok(Shortest { qaoa, mixer, trials })
}
