//! Extrapolation to no noise.

use super::{Estimate, kik_coefficients};
use crate::{Error, Result};

/// Most points of an extrapolation.
const MAX_POINTS: usize = 64;

/// Rates that are tried for an exponential, for a step, in units of one over the range of the noise.
const RATES: usize = 200;

/// How values at several strengths of noise become one without noise.
///
/// | fit | needs | for noise 1, 3, (5) |
/// |---|---|---|
/// | [`Linear`](Self::Linear) | two points or more, least squares by variance | (3 E₁ - E₃) / 2 |
/// | [`Richardson`](Self::Richardson) | two points or more, the polynomial through all | (15 E₁ - 10 E₃ + 3 E₅) / 8 |
/// | [`Exponential`](Self::Exponential) | three points, or two and the value at infinite noise | a + b exp(-c λ) |
/// | [`AdaptiveKik`](Self::AdaptiveKik) | noise 1, 3, 5, .. of reversed pulses | [`kik_coefficients`] |
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Fit {
    /// A straight line.
    Linear,
    /// The polynomial through all points (Temme, Bravyi and Gambetta 2017).
    Richardson,
    /// An exponential decay (Endo, Benjamin and Li 2018).
    Exponential {
        /// What the value decays to; fitted if it is not known.
        asymptote: Option<f64>,
    },
    /// Coefficients for noise that shrinks parts of the state by factors from `floor` to 1 for each fold (arXiv:2303.05001).
    /// They count folds, so the measured axis does not matter to them.
    AdaptiveKik {
        /// The smallest factor; [`Zne`](super::Zne) takes the square of the measured return probability if there is none here,
        /// and [`Fit::extrapolate`] 1.
        floor: Option<f64>,
    },
}

/// An extrapolated value.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Extrapolated {
    /// The value without noise.
    pub estimate: Estimate,
    /// How it varies with each value that went in; for all but the exponential it is their sum with these coefficients.
    pub coefficients: Vec<f64>,
}

impl Fit {
    /// A name for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Richardson => "Richardson",
            Self::Exponential { .. } => "exponential",
            Self::AdaptiveKik { .. } => "adaptive KIK",
        }
    }

    /// The value at noise 0 from values at `noise`, which increases.
    ///
    /// # Errors
    /// [`Error::Dimension`] for lists of different lengths, [`Error::Setting`] for too few or more than 64 points,
    /// [`Error::NotFinite`], [`Error::Extrapolation`] for noise that does not increase, values on both sides of the asymptote, or
    /// a KIK fit whose noise is not 1, 3, 5, ..
    pub fn extrapolate(self, noise: &[f64], values: &[Estimate]) -> Result<Extrapolated> {
        self.check(noise, values)?;
        let numbers: Vec<f64> = values.iter().map(|v| v.value).collect();
        let (value, coefficients) = match self {
            Self::Linear => weighted(line(noise, &weights(values)), &numbers),
            Self::Richardson => weighted(lagrange(noise), &numbers),
            Self::AdaptiveKik { floor } => {
                weighted(kik_coefficients(noise.len() - 1, floor.unwrap_or(1.0))?, &numbers)
            }
            Self::Exponential { asymptote } => {
                let weights = weights(values);
                let at = |numbers: &[f64]| exponential(noise, numbers, &weights, asymptote);
                let value = at(&numbers)?;
                let spread = numbers.iter().map(|x| (x - numbers[0]).abs()).fold(0.0, f64::max);
                let step = 1e-4 * spread.max(1e-9 * numbers[0].abs()).max(1e-300);
                let mut slopes = Vec::with_capacity(numbers.len());
                for k in 0..numbers.len() {
                    let mut moved = numbers.clone();
                    moved[k] += step;
                    let above = at(&moved)?;
                    moved[k] -= 2.0 * step;
                    slopes.push((above - at(&moved)?) / (2.0 * step));
                }
                (value, slopes)
            }
        };
        let variance = values.iter().zip(&coefficients).map(|(v, c)| c * c * v.variance).sum();
        Ok(Extrapolated { estimate: Estimate { value, variance }, coefficients })
    }

    fn check(self, noise: &[f64], values: &[Estimate]) -> Result<()> {
        let (found, expected) = (values.len(), noise.len());
        if found != expected {
            return Err(Error::Dimension { what: "the list of values", found, expected });
        }
        let (least, wanted) = match self {
            Self::Exponential { asymptote: None } => (3, "3 to 64"),
            _ => (2, "2 to 64"),
        };
        if !(least..=MAX_POINTS).contains(&found) {
            return Err(Error::Setting { name: "points", found: found as f64, expected: wanted });
        }
        let numbers = noise.iter().copied().chain(values.iter().flat_map(|v| [v.value, v.variance]));
        if let Some((index, value)) = numbers.enumerate().find(|(_, x)| !x.is_finite()) {
            return Err(Error::NotFinite { what: "an extrapolation", index, value });
        }
        let refused = |reason: String| Err(Error::Extrapolation { fit: self.name(), reason });
        if let Some(k) = (1..found).find(|k| noise[*k] - noise[*k - 1] <= 1e-12 * noise[*k].abs()) {
            return refused(format!(
                "found noise {} after {}, expected an increasing list",
                noise[k],
                noise[k - 1]
            ));
        }
        if let Self::AdaptiveKik { .. } = self
            && let Some(k) = (0..found).find(|k| noise[*k] != (2 * k + 1) as f64)
        {
            return refused(format!("found noise {} at place {k}, expected {}", noise[k], 2 * k + 1));
        }
        Ok(())
    }
}

fn weighted(coefficients: Vec<f64>, values: &[f64]) -> (f64, Vec<f64>) {
    (coefficients.iter().zip(values).map(|(c, v)| c * v).sum(), coefficients)
}

/// One over the variances where all are known, else 1 each.
fn weights(values: &[Estimate]) -> Vec<f64> {
    if values.iter().all(|v| v.variance > 0.0) {
        let least = values.iter().map(|v| v.variance).fold(f64::INFINITY, f64::min);
        values.iter().map(|v| least / v.variance).collect()
    } else {
        vec![1.0; values.len()]
    }
}

/// Coefficients of the intercept of the straight line of least squares.
fn line(noise: &[f64], weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    let mean = noise.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>() / total;
    let spread: f64 = noise.iter().zip(weights).map(|(x, w)| w * (x - mean).powi(2)).sum();
    noise.iter().zip(weights).map(|(x, w)| w / total - mean * w * (x - mean) / spread).collect()
}

/// Lagrange polynomials at 0.
fn lagrange(noise: &[f64]) -> Vec<f64> {
    let others = |k: usize| noise.iter().enumerate().filter(move |(j, _)| *j != k);
    noise.iter().enumerate().map(|(k, x)| others(k).map(|(_, y)| y / (y - x)).product()).collect()
}

/// a + b at the best a + b exp(-c x).
fn exponential(noise: &[f64], values: &[f64], weights: &[f64], asymptote: Option<f64>) -> Result<f64> {
    if let Some(a) = asymptote {
        let sign = (values[0] - a).signum();
        if values.iter().any(|v| (v - a) * sign <= 0.0) {
            let reason = format!("found values on both sides of the asymptote {a}, expected all on one side");
            return Err(Error::Extrapolation { fit: "exponential", reason });
        }
        let logarithms: Vec<f64> = values.iter().map(|v| ((v - a) * sign).ln()).collect();
        // The variance of a logarithm is that of its argument over its square.
        let weights: Vec<f64> = weights.iter().zip(values).map(|(w, v)| w * (v - a).powi(2)).collect();
        let (intercept, _) = weighted(line(noise, &weights), &logarithms);
        return Ok(a + sign * intercept.exp());
    }
    let range = noise[noise.len() - 1] - noise[0];
    let rate = |k: f64| 10.0_f64.powf(-4.0 + 6.0 * k / RATES as f64) / range;
    let (mut best, mut least) = (0.0, f64::INFINITY);
    for k in 0..=RATES {
        let (residual, _) = decay(noise, values, weights, rate(k as f64));
        if residual < least {
            (best, least) = (k as f64, residual);
        }
    }
    // Golden section around the best of the grid
    let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
    let (mut low, mut high) = (best - 1.0, best + 1.0);
    for _ in 0..80 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if decay(noise, values, weights, rate(a)).0 < decay(noise, values, weights, rate(b)).0 {
            high = b;
        } else {
            low = a;
        }
    }
    Ok(decay(noise, values, weights, rate(0.5 * (low + high))).1)
}

/// The residual of the best a + b exp(-c x) for one c, and its value at 0.
fn decay(noise: &[f64], values: &[f64], weights: &[f64], rate: f64) -> (f64, f64) {
    // In u = (1 - exp(-c x)) / c the model is a line whose intercept is the value at 0.
    let u: Vec<f64> = noise.iter().map(|x| -(-rate * x).exp_m1() / rate).collect();
    let (intercept, _) = weighted(line(&u, weights), values);
    let total: f64 = weights.iter().sum();
    let mean = |list: &[f64]| list.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>() / total;
    let slope = {
        let at = mean(&u);
        if at == 0.0 { 0.0 } else { (mean(values) - intercept) / at }
    };
    let residual = u
        .iter()
        .zip(values)
        .zip(weights)
        .map(|((u, v), w)| w * (v - intercept - slope * u).powi(2))
        .sum::<f64>();
    (residual, intercept)
}
