//! How each step is taken: the degree of its Taylor polynomial, chosen from a bound of the remainder.

use super::Piecewise;
use crate::{Error, Result};

/// Largest norm of a generator times its time that one polynomial takes; longer steps are cut. Terms then never grow much,
/// so that rounding stays at that of the result.
const MAX_NORM: f64 = 1.5;

/// Highest degree of a polynomial: at [`MAX_NORM`] its remainder is below 1e-27.
pub(super) const MAX_DEGREE: usize = 28;

/// Most parts that a step is cut into. Beyond, the values are more likely in wrong units than meant.
const MAX_PARTS: f64 = 65_536.0;

/// Most parts of all steps together.
const MAX_SUBSTEPS: usize = 1 << 26;

/// A part of a step, with the exponential of its generator as a polynomial.
#[derive(Debug, Clone, Copy)]
pub(super) struct Substep {
    /// The step that it is a part of.
    pub(super) step: u32,
    /// Degree of the polynomial.
    pub(super) degree: u32,
    /// Its length in time.
    pub(super) time: f64,
}

/// All parts, and a bound of what their polynomials leave out.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) substeps: Vec<Substep>,
    /// Bound of the error of the final state: of all remainders, and an estimate of rounding.
    pub(super) error: f64,
}

impl Plan {
    /// The parts of the steps such that all remainders together stay below `tolerance`; `norm` bounds the norm of a
    /// step's generator.
    ///
    /// Exponentials of what generates a unitary or a channel grow no error, so that errors of steps add up at most.
    pub(super) fn new(controls: &Piecewise, tolerance: f64, norm: impl Fn(&[f64]) -> f64) -> Result<Self> {
        let steps = controls.steps();
        let rounding = 2.0 * f64::EPSILON * (steps.max(1) as f64);
        if tolerance <= 2.0 * rounding {
            return Err(Error::Tolerance { wanted: tolerance, reached: 2.0 * rounding, steps });
        }
        let share = (tolerance - rounding) / steps.max(1) as f64;
        let whole = Ladder::new(share);
        let mut plan = Self { substeps: Vec::with_capacity(steps), error: rounding };
        for step in 0..steps {
            let norm = norm(controls.step(step)) * controls.dt();
            let parts = (norm / MAX_NORM).ceil().max(1.0);
            if !(parts <= MAX_PARTS && plan.substeps.len() + (parts as usize) <= MAX_SUBSTEPS) {
                let what = format!("the norm of the generator in step {step} times its time");
                let wanted = format!("at most {:e} radians", MAX_NORM * MAX_PARTS);
                return Err(Error::OutOfRange { what, found: norm, wanted });
            }
            let (degree, error) = if parts == 1.0 {
                whole.degree(norm)
            } else {
                Ladder::new(share / parts).degree(norm / parts)
            };
            let substep = Substep { step: step as u32, degree, time: controls.dt() / parts };
            plan.substeps.extend(std::iter::repeat_n(substep, parts as usize));
            plan.error += error * parts;
        }
        Ok(plan)
    }
}

/// The norms up to which each degree meets one tolerance.
#[derive(Debug)]
struct Ladder {
    tolerance: f64,
    norms: [f64; MAX_DEGREE + 1],
}

impl Ladder {
    /// The remainder of degree m at norm x is at most xᵐ⁺¹/(m+1)! / (1 - x/(m+2)), and the last factor at most 2 where
    /// m ≥ 1 and x ≤ [`MAX_NORM`].
    fn new(tolerance: f64) -> Self {
        let mut norms = [0.0; MAX_DEGREE + 1];
        let mut log = (0.5 * tolerance).ln();
        for (degree, norm) in norms.iter_mut().enumerate() {
            log += ((degree + 1) as f64).ln();
            *norm = (log / (degree + 1) as f64).exp();
        }
        norms[0] = 0.0;
        norms[MAX_DEGREE] = f64::INFINITY;
        Self { tolerance, norms }
    }

    /// The lowest degree that will do, and a bound of its remainder.
    fn degree(&self, norm: f64) -> (u32, f64) {
        let degree = self.norms.iter().position(|limit| norm <= *limit).unwrap_or(MAX_DEGREE);
        if degree == MAX_DEGREE || norm == 0.0 {
            return (degree as u32, 0.0);
        }
        (degree as u32, self.tolerance * (norm / self.norms[degree]).powf((degree + 1) as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_degree_is_the_lowest_whose_remainder_is_small_enough() {
        for tolerance in [1e-4, 1e-9, 1e-14] {
            let ladder = Ladder::new(tolerance);
            for norm in [1e-6, 0.01, 0.3, 1.0, 1.5] {
                let (degree, bound) = ladder.degree(norm);
                let remainder = |degree: u32| -> f64 {
                    (degree + 1..60).map(|n| (1..=n).fold(1.0, |term, k| term * norm / f64::from(k))).sum()
                };
                assert!(remainder(degree) <= bound && bound <= tolerance, "{norm} {tolerance}");
                assert!(
                    degree < 2 || remainder(degree - 1) > 0.4 * tolerance,
                    "{norm} {tolerance}: {degree}"
                );
            }
        }
    }
}
