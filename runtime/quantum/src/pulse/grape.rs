//! Optimal control: the samples that reach a goal, and how few of them do.
//!
//! Gradient ascent pulse engineering (Khaneja et al., J. Magn. Reson. 172, 296): every sample is free, and follows the exact gradient
//! of the goal. Bounds of amplitudes hold at every step, because the search is among numbers of the plane that are mapped into
//! the disc: `d = L z / sqrt(1 + |z|^2)`.
//!
//! ```
//! use ketline_quantum::Gate;
//! use ketline_quantum::device::Hamiltonian;
//! use ketline_quantum::pulse::grape::Grape;
//! use ketline_quantum::pulse::transmon::{Goal, Transmons};
//! use ketline_quantum::pulse::drive;
//!
//! let jakarta = Hamiltonian::bundled("jakarta")?;
//! let one = Transmons::new(&jakarta, &[0], 3)?;
//! let x = Goal::Gate(Gate::named("x").expect("is in the table").matrix(&[]));
//! // A third of the length of the published pulse
//! let found = Grape::new(48).find(&one, &[drive(0)], 2e-9 / 9.0, &x)?;
//! assert!(1.0 - found.value < 1e-4 && found.samples.peak() <= 1.0);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```

use std::f64::consts::PI;

use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::transmon::{Goal, SampleGradient, Transmons};
use super::{Channel, Line, Samples, Schedule, ScheduleBuilder, Timing, Waveform, drive};
use crate::optimise::Lbfgs;
use crate::{C64, Error, Result};

/// Part of the bound that a start may have: at the bound itself nothing would move.
const INSIDE: f64 = 0.95;

/// How strong the pulses are that a search begins with, in parts of the bound.
const GUESS: f64 = 0.3;

/// A search for samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Grape {
    /// Samples of the pulse.
    pub duration: usize,
    /// The largest modulus of a sample.
    pub limit: f64,
    /// The bound rises from 0 to the limit, and falls, within so many samples at either end, as half a cosine; 0 for none.
    pub rise: usize,
    /// So many samples have one value: what the bandwidth of a line allows. At least 1.
    pub hold: usize,
    /// Whether an rz on each qubit after the pulses is free, as frames are.
    pub frames: bool,
    /// The value of the goal at which to stop.
    pub enough: f64,
    /// Most evaluations of the goal and its gradient from each start.
    pub evaluations: usize,
    /// Starts of a search; the best counts.
    pub starts: usize,
    /// Seed of the starts.
    pub seed: u64,
}

/// Samples that were found.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Controlled {
    /// The samples.
    pub samples: Samples,
    /// Angle of an rz on each qubit after the pulses; all 0, unless frames are free.
    pub frames: Vec<f64>,
    /// The value of the goal.
    pub value: f64,
    /// Mean probability to leave the qubits' levels.
    pub leakage: f64,
    /// Evaluations of the goal and its gradient, of all starts.
    pub evaluations: usize,
}

/// The shortest pulse that reaches its goal, and the lengths that were tried.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Shortest<T> {
    /// Its length in samples.
    pub duration: usize,
    /// What was found with it.
    pub found: T,
    /// Lengths in the order in which they were tried, with whether they were enough.
    pub tried: Vec<(usize, bool)>,
}

impl Grape {
    /// A search for a pulse of so many samples of at most 1, without ramps, each sample free, frames fixed, that stops at 1 - 1e-6,
    /// after at most 300 evaluations of each of two starts.
    pub const fn new(duration: usize) -> Self {
        Self {
            duration,
            limit: 1.0,
            rise: 0,
            hold: 1,
            frames: false,
            enough: 1.0 - 1e-6,
            evaluations: 300,
            starts: 2,
            seed: 42,
        }
    }

    /// The samples on these lines, of `dt` seconds, that reach the goal best.
    ///
    /// # Errors
    /// [`Error::Setting`] for a setting out of its range, those of [`Samples::new`] and [`Transmons::gradient`].
    pub fn find(&self, transmons: &Transmons, lines: &[Channel], dt: f64, goal: &Goal) -> Result<Controlled> {
        self.check()?;
        let mut best: Option<Controlled> = None;
        let mut evaluations = 0;
        for start in 0..self.starts {
            let start = self.start(lines, dt, start as u64)?;
            let found = self.improve(transmons, &start, goal)?;
            evaluations += found.evaluations;
            if best.as_ref().is_none_or(|known| found.value > known.value) {
                best = Some(found);
            }
            if best.as_ref().is_some_and(|known| known.value >= self.enough) {
                break;
            }
        }
        let wanted = || Error::Setting { name: "starts", found: 0.0, expected: "at least 1" };
        best.map(|found| Controlled { evaluations, ..found }).ok_or_else(wanted)
    }

    /// Raises the goal from given samples, whose number is that of the result.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn improve(&self, transmons: &Transmons, start: &Samples, goal: &Goal) -> Result<Controlled> {
        self.check()?;
        let search = Search { grape: self, transmons, start, goal };
        let parts = transmons.gradient(start, goal)?.parts;
        let angles = if self.frames { transmons.qubits().len() } else { 0 };
        let point = search.point(angles);
        let method =
            Lbfgs { goal: 1.0 - self.enough, first: 0.1, tolerance: 1e-9, ..Lbfgs::new(self.evaluations) };
        let found = method.minimise(&point, |point| search.loss(point, parts))?;
        let (samples, frames) = search.played(&found.parameters)?;
        let end = transmons.gradient_in(&samples, goal, &frames)?;
        let SampleGradient { value, leakage, .. } = end;
        let mut all = vec![0.0; transmons.qubits().len()];
        all[..frames.len()].copy_from_slice(&frames);
        Ok(Controlled { samples, frames: all, value, leakage, evaluations: found.evaluations })
    }

    /// The shortest pulse of a legal length that is good enough, up to this search's own length; `None` if that is too short
    /// already. Each length that is enough is where the search of the next begins.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn shortest(
        &self,
        transmons: &Transmons,
        lines: &[Channel],
        dt: f64,
        timing: &Timing,
        goal: &Goal,
    ) -> Result<Option<Shortest<Controlled>>> {
        let mut known: Option<Samples> = None;
        shortest(timing, self.duration, |duration| {
            let search = Self { duration, ..self.clone() };
            let mut found = match &known {
                Some(longer) => search.improve(transmons, &resampled(longer, duration)?, goal)?,
                None => search.find(transmons, lines, dt, goal)?,
            };
            if found.value < self.enough && known.is_some() {
                let fresh = search.find(transmons, lines, dt, goal)?;
                if fresh.value > found.value {
                    found = fresh;
                }
            }
            if found.value < self.enough {
                return Ok(None);
            }
            known = Some(found.samples.clone());
            Ok(Some(found))
        })
    }

    /// Smooth random pulses around a bell.
    fn start(&self, lines: &[Channel], dt: f64, number: u64) -> Result<Samples> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(number);
        let line = |channel: &Channel| {
            let mut draw = || C64::new(rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0));
            let waves: Vec<C64> = (0..3).map(|_| draw() * 0.3).collect();
            let at = |k: usize| {
                let x = (k as f64 + 0.5) / self.duration as f64;
                let shape: C64 =
                    waves.iter().zip(1..).map(|(w, n)| w * (PI * x * f64::from(n)).sin()).sum::<C64>() + 0.5;
                shape * (PI * x).sin() * GUESS * self.limit
            };
            Line { channel: *channel, samples: (0..self.duration).map(at).collect() }
        };
        Samples::new(dt, lines.iter().map(line).collect())
    }

    /// The bound of sample number k of `duration`.
    fn bound(&self, k: usize, duration: usize) -> f64 {
        let edge = (k.min(duration - 1 - k) as f64 + 0.5) / self.rise.max(1) as f64;
        if self.rise == 0 || edge >= 1.0 { self.limit } else { self.limit * 0.5 * (1.0 - (PI * edge).cos()) }
    }

    fn check(&self) -> Result<()> {
        let setting = |name, found, valid: bool, expected| {
            if valid { Ok(()) } else { Err(Error::Setting { name, found, expected }) }
        };
        setting("duration", self.duration as f64, self.duration >= 1, "at least 1 sample")?;
        setting("hold", self.hold as f64, self.hold >= 1, "at least 1 sample")?;
        setting("starts", self.starts as f64, self.starts >= 1, "at least 1")?;
        let limit = self.limit;
        setting("limit", limit, limit.is_finite() && limit > 0.0, "a finite number > 0")?;
        setting("enough", self.enough, !self.enough.is_nan(), "a number")
    }
}

impl Controlled {
    /// The samples as a schedule: a pulse on each line, then what frames turn by.
    ///
    /// # Errors
    /// [`Error::NotPlayable`] if one of the lines only listens.
    pub fn schedule(&self, name: &str, qubits: &[usize]) -> Result<Schedule> {
        let mut b = ScheduleBuilder::new(name);
        for line in self.samples.lines() {
            b.play(line.channel, Waveform::sampled(line.samples.clone()));
        }
        b.barrier(qubits);
        for (qubit, angle) in qubits.iter().zip(&self.frames) {
            if *angle != 0.0 {
                b.shift_phase(drive(*qubit), *angle);
            }
        }
        b.finish()
    }
}

/// The shortest legal length, up to `longest`, with which an attempt succeeds, by bisection; `None` if it does not with the longest.
/// What is enough at one length is taken to be enough at all longer ones.
///
/// ```
/// use ketline_quantum::pulse::Timing;
/// use ketline_quantum::pulse::grape::shortest;
///
/// let timing = Timing { granularity: 16, min_length: 64, ..Timing::default() };
/// let found = shortest(&timing, 320, |length| Ok((length >= 90).then_some(length)))?;
/// assert_eq!(found.map(|found| found.duration), Some(96));
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
///
/// # Errors
/// Those of the attempts.
pub fn shortest<T>(
    timing: &Timing,
    longest: usize,
    mut attempt: impl FnMut(usize) -> Result<Option<T>>,
) -> Result<Option<Shortest<T>>> {
    let step = timing.granularity.max(1);
    let least = timing.min_length.max(1).div_ceil(step);
    let mut tried = Vec::new();
    let mut run = |units: usize, tried: &mut Vec<(usize, bool)>| -> Result<Option<T>> {
        let found = attempt(units * step)?;
        tried.push((units * step, found.is_some()));
        Ok(found)
    };
    let mut high = longest / step;
    if high < least {
        return Ok(None);
    }
    let Some(mut best) = run(high, &mut tried)? else { return Ok(None) };
    // Nothing below `low` is enough.
    let mut low = least;
    while low < high {
        let middle = usize::midpoint(low, high);
        match run(middle, &mut tried)? {
            Some(found) => (best, high) = (found, middle),
            None => low = middle + 1,
        }
    }
    Ok(Some(Shortest { duration: high * step, found: best, tried }))
}

/// The samples on a grid of another length.
fn resampled(samples: &Samples, duration: usize) -> Result<Samples> {
    let scale = samples.duration() as f64 / duration as f64;
    let line = |line: &Line| {
        let at = |k: usize| {
            let x = ((k as f64 + 0.5) * scale - 0.5).clamp(0.0, samples.duration() as f64 - 1.0);
            let (low, part) = (x.floor() as usize, x.fract());
            let high = (low + 1).min(samples.duration() - 1);
            // A shorter pulse has to be stronger.
            (line.samples[low] * (1.0 - part) + line.samples[high] * part) * scale
        };
        Line { channel: line.channel, samples: (0..duration).map(at).collect() }
    };
    Samples::new(samples.dt(), samples.lines().iter().map(line).collect())
}

/// One search: points of the plane for all samples, two numbers each, then angles of frames.
struct Search<'a> {
    grape: &'a Grape,
    transmons: &'a Transmons,
    start: &'a Samples,
    goal: &'a Goal,
}

impl Search<'_> {
    /// How many values a line has.
    fn values(&self) -> usize {
        self.start.duration().div_ceil(self.grape.hold)
    }

    /// The bound of a value: the least of the samples that have it.
    fn bound(&self, value: usize) -> f64 {
        let duration = self.start.duration();
        let samples = value * self.grape.hold..((value + 1) * self.grape.hold).min(duration);
        samples.map(|k| self.grape.bound(k, duration)).fold(f64::INFINITY, f64::min)
    }

    /// The start as a point.
    fn point(&self, angles: usize) -> Vec<f64> {
        let mut point = Vec::new();
        for line in self.start.lines() {
            for (value, held) in line.samples.chunks(self.grape.hold).enumerate() {
                let bound = self.bound(value);
                let mean = held.iter().sum::<C64>() / (held.len() as f64 * bound);
                let d = if mean.norm() > INSIDE { mean * (INSIDE / mean.norm()) } else { mean };
                let z = d / (1.0 - d.norm_sqr()).sqrt();
                point.extend([z.re, z.im]);
            }
        }
        point.resize(point.len() + angles, 0.0);
        point
    }

    /// Samples and frames of a point.
    fn played(&self, point: &[f64]) -> Result<(Samples, Vec<f64>)> {
        let values = self.values();
        let (points, frames) = point.split_at(2 * values * self.start.lines().len());
        let line = |(number, line): (usize, &Line)| {
            let own = &points[2 * values * number..2 * values * (number + 1)];
            let samples = (0..self.start.duration()).map(|k| {
                let value = k / self.grape.hold;
                let z = C64::new(own[2 * value], own[2 * value + 1]);
                z * (self.bound(value) / (1.0 + z.norm_sqr()).sqrt())
            });
            Line { channel: line.channel, samples: samples.collect() }
        };
        let lines = self.start.lines().iter().enumerate().map(line).collect();
        Ok((Samples::new(self.start.dt(), lines)?, frames.to_vec()))
    }

    /// 1 less the value of the goal, and its derivatives.
    fn loss(&self, point: &[f64], parts: usize) -> Result<(f64, Vec<f64>)> {
        let (samples, frames) = self.played(point)?;
        let found = self.transmons.gradient_at(&samples, self.goal, &frames, parts)?;
        let mut gradient = Vec::with_capacity(point.len());
        for line in &found.lines {
            for (value, held) in line.samples.chunks(self.grape.hold).enumerate() {
                let by_d: C64 = held.iter().sum();
                let place = gradient.len();
                let z = C64::new(point[place], point[place + 1]);
                let shrink = 1.0 / (1.0 + z.norm_sqr());
                let along = (z.conj() * by_d).re * shrink;
                let by_z = (by_d - z * along) * (self.bound(value) * shrink.sqrt());
                gradient.extend([-by_z.re, -by_z.im]);
            }
        }
        gradient.extend(found.frames.iter().take(frames.len()).map(|derivative| -derivative));
        Ok((1.0 - found.value, gradient))
    }
}

#[cfg(test)]
mod tests;
