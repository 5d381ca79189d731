//! Decay under repeated pairs: an error rate free of preparation and readout.

use std::f64::consts::TAU;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::echo::ground;
use crate::linalg::solve_positive;
use crate::pulse::transmon::Transmons;
use crate::pulse::{Schedule, ScheduleBuilder, drive};
use crate::{Error, Result};

/// Most pairs that are played one after another.
const MAX_PAIRS: usize = 1000;

/// A decay `A p^m + B` over m pairs of a program and its reverse.
///
/// What preparation and readout do to every point alike is in A and B. With random preparations that are undone in the end it is a
/// mirrored randomized benchmark of the pair.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Decay {
    /// A.
    pub amplitude: f64,
    /// p: what a pair leaves of the state.
    pub rate: f64,
    /// B.
    pub floor: f64,
    /// Root mean square of what the fit misses.
    pub residual: f64,
    dimension: usize,
}

impl Decay {
    /// Fits survival probabilities after `pairs` pairs on qubits of this dimension. The floor is fitted if there are four points or
    /// more and it is not given.
    ///
    /// # Errors
    /// [`Error::Dimension`] for lists of different lengths, [`Error::Setting`] for fewer than three points, [`Error::NotFinite`].
    pub fn fit(pairs: &[usize], survivals: &[f64], dimension: usize, floor: Option<f64>) -> Result<Self> {
        let (found, expected) = (survivals.len(), pairs.len());
        if found != expected {
            return Err(Error::Dimension { what: "the list of survival probabilities", found, expected });
        }
        if found < 3 {
            return Err(Error::Setting { name: "points", found: found as f64, expected: "at least 3" });
        }
        if let Some(index) = survivals.iter().position(|s| !s.is_finite()) {
            let (what, value) = ("the list of survival probabilities", survivals[index]);
            return Err(Error::NotFinite { what, index, value });
        }
        let floor = floor.or_else(|| (found < 4).then(|| 1.0 / dimension.max(2) as f64));
        let fit = |rate: f64| amplitudes(pairs, survivals, rate, floor);
        // The residual over -ln(1 - p) has one minimum that matters: a grid, then golden section.
        let rate = |k: f64| 1.0 - 10.0_f64.powf(-6.0 + 6.0 * k / 300.0);
        let mut best = (f64::INFINITY, 0.0);
        for k in 0..300 {
            let (_, _, residual) = fit(rate(f64::from(k)))?;
            if residual < best.0 {
                best = (residual, f64::from(k));
            }
        }
        let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
        let (mut low, mut high) = ((best.1 - 1.0).max(0.0), (best.1 + 1.0).min(299.9));
        for _ in 0..60 {
            let (a, b) = (high - golden * (high - low), low + golden * (high - low));
            if fit(rate(a))?.2 < fit(rate(b))?.2 {
                high = b;
            } else {
                low = a;
            }
        }
        let rate = rate(0.5 * (low + high));
        let (amplitude, floor, residual) = fit(rate)?;
        Ok(Self { amplitude, rate, floor, residual: (residual / found as f64).sqrt(), dimension })
    }

    /// Average infidelity of a pair: `(d - 1)(1 - p) / d`.
    pub fn error_per_pair(&self) -> f64 {
        let d = self.dimension as f64;
        (d - 1.0) / d * (1.0 - self.rate)
    }

    /// The survival probability after m pairs, by the fit.
    pub fn survival(&self, pairs: usize) -> f64 {
        self.amplitude * self.rate.powf(pairs as f64) + self.floor
    }
}

/// A and B of least squares for one p, and the sum of squares that is left.
fn amplitudes(pairs: &[usize], survivals: &[f64], rate: f64, floor: Option<f64>) -> Result<(f64, f64, f64)> {
    let powers: Vec<f64> = pairs.iter().map(|m| rate.powf(*m as f64)).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let (a, b) = if let Some(b) = floor {
        let shifted: Vec<f64> = survivals.iter().map(|s| s - b).collect();
        (dot(&powers, &shifted) / dot(&powers, &powers).max(f64::MIN_POSITIVE), b)
    } else {
        let ones = vec![1.0; powers.len()];
        let cross = dot(&powers, &ones);
        // Nearly flat powers leave A and B undetermined; the least of both is as good as any.
        let small = 1e-14 * powers.len() as f64;
        let normal =
            vec![vec![dot(&powers, &powers) + small, cross], vec![cross, powers.len() as f64 + small]];
        let solved = solve_positive(normal, &[dot(&powers, survivals), dot(&ones, survivals)])?;
        (solved[0], solved[1])
    };
    let left = powers.iter().zip(survivals).map(|(p, s)| (a * p + b - s).powi(2)).sum();
    Ok((a, b, left))
}

/// Random product states as schedules: on each qubit two quarter turns about random axes of the equator, `sx[k]` turned in its frame
/// for qubit k of `qubits`.
///
/// # Errors
/// [`Error::Dimension`] unless there is a pulse for each qubit, and the errors of [`ScheduleBuilder::finish`].
pub fn random_preparations(
    sx: &[Schedule],
    qubits: &[usize],
    count: usize,
    seed: u64,
) -> Result<Vec<Schedule>> {
    if sx.len() != qubits.len() {
        let (what, found, expected) = ("the list of sx pulses", sx.len(), qubits.len());
        return Err(Error::Dimension { what, found, expected });
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|number| {
            let mut b = ScheduleBuilder::new(format!("preparation {number}"));
            for _ in 0..2 {
                for (pulse, &qubit) in sx.iter().zip(qubits) {
                    let phase = TAU * random.random::<f64>();
                    b.shift_phase(drive(qubit), phase);
                    b.append(pulse);
                    // Frames are back afterwards: lines that others drive have frames of their own.
                    b.shift_phase(drive(qubit), -phase);
                }
                b.barrier(qubits);
            }
            b.finish()
        })
        .collect()
}

/// The survival probabilities of |0..0> after `R (S S^R)^m R^R`, averaged over preparations R, for each m of `pairs`, on simulated
/// transmons with their relaxation.
///
/// Without preparations the program is played from |0..0>.
///
/// # Errors
/// [`Error::Setting`] for more than 1000 pairs; as [`Schedule::reversed`], [`Schedule::samples`] and [`Transmons::density`].
pub fn randomized_decay(
    transmons: &Transmons,
    schedule: &Schedule,
    dt: f64,
    preparations: &[Schedule],
    pairs: &[usize],
) -> Result<Vec<f64>> {
    use rayon::prelude::*;

    if let Some(m) = pairs.iter().find(|m| **m > MAX_PAIRS) {
        return Err(Error::Setting { name: "pairs", found: *m as f64, expected: "at most 1000" });
    }
    let reversed = schedule.reversed()?;
    let nothing = [ScheduleBuilder::new("nothing").finish()?];
    let preparations = if preparations.is_empty() { &nothing } else { preparations };
    let runs: Vec<(&Schedule, usize)> =
        preparations.iter().flat_map(|r| pairs.iter().map(move |m| (r, *m))).collect();
    let survive = |(preparation, m): &(&Schedule, usize)| {
        let mut b = ScheduleBuilder::new("pairs");
        b.append(preparation);
        b.barrier(transmons.qubits());
        for _ in 0..*m {
            b.append(schedule);
            b.append(&reversed);
        }
        b.barrier(transmons.qubits());
        b.append(&preparation.reversed()?);
        let program = b.finish()?;
        let start = ground(1 << transmons.qubits().len());
        Ok(transmons.density(&program.samples(dt, &[])?, &start)?.qubits()[[0, 0]].re)
    };
    let survivals: Vec<f64> = runs.par_iter().map(survive).collect::<Result<_>>()?;
    let share = 1.0 / preparations.len() as f64;
    let mean = |k: usize| survivals.iter().skip(k).step_by(pairs.len()).sum::<f64>() * share;
    Ok((0..pairs.len()).map(mean).collect())
}
