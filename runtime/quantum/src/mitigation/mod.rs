//! Mitigation: better expectation values from a noisy device, by running more and calculating.
//!
//! | to | see |
//! |---|---|
//! | run a program with more noise | [`Schedule::folded`](crate::pulse::Schedule::folded): `S (S^R S)^k` with reversed pulses |
//! | extrapolate to no noise | [`Fit`]: linear, Richardson, exponential, adaptive KIK |
//! | measure the noise instead of counting folds | [`Axis::Return`], [`Echo`] |
//! | do all of it | [`Zne`], with anything that is [`Foldable`]; [`PulseExperiment`] is |
//! | know whether it helps | [`Forecast`] |
//! | estimate the fidelity of pulses, knowing nothing of them | [`Echo`], [`Decay`] |
//!
//! Reversed pulses and their return probability are from arXiv:2305.12597, of which the abstract was at hand; extrapolation
//! factors, fits and the decay are the field's. What is extrapolated here comes from a simulation unless a device of one's own
//! implements [`Foldable`].
//!
//! ```
//! use ketline_quantum::mitigation::{Estimate, Fit};
//!
//! // 1.7 at three times the noise of 1.5 points to 1.4 without any
//! let energies = [Estimate::exact(1.5), Estimate::exact(1.7)];
//! let found = Fit::Linear.extrapolate(&[1.0, 3.0], &energies)?;
//! assert!((found.estimate.value - 1.4).abs() < 1e-12);
//! assert_eq!(found.coefficients, [1.5, -0.5]);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```

mod decay;
mod echo;
mod experiment;
mod fit;
mod forecast;
mod kik;
#[cfg(test)]
mod tests;
mod zne;

pub use decay::{Decay, random_preparations, randomized_decay};
pub use echo::{Echo, process_fidelity};
pub use experiment::{PulseExperiment, Shots};
pub use fit::{Extrapolated, Fit};
pub use forecast::Forecast;
pub use kik::kik_coefficients;
pub use zne::{Axis, Foldable, Mitigated, Zne};

/// A mean with the variance of its estimate; 0 where it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// The square of its standard error.
    pub variance: f64,
}

impl Estimate {
    /// A value that is not estimated from counts.
    pub const fn exact(value: f64) -> Self {
        Self { value, variance: 0.0 }
    }

    /// The standard error.
    pub fn error(self) -> f64 {
        self.variance.max(0.0).sqrt()
    }
}
