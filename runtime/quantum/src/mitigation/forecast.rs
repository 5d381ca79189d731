//! Whether mitigation helps or hurts, told from what was measured.

use super::{Estimate, Extrapolated};

/// What is expected of the error of a mitigated value, and of that which was not mitigated.
///
/// Extrapolation takes away a bias and multiplies the variance. With `c` the coefficients, `E` the measured values of variance
/// `v`, and `d` how much the *noiseless* program is known to drift when it is folded:
///
/// * the square of the raw bias is estimated without bias of its own as `(E_1 - Z)² - Var(E_1 - Z)`, where `Z` is the
///   extrapolated value less `Σ c d`, and `Var(E_1 - Z) = Σ (c_k - δ_k1)² v_k`;
/// * the extrapolated value has the variance `Σ c² v`, and the bias `Σ c d` that folds bring in.
///
/// Where the first is less than the second, mitigation hurts: too few shots, or pulses that their reverse does not undo. What it
/// cannot see is a fit of the wrong form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Root of the expected squared error without mitigation.
    pub raw: f64,
    /// Root of the expected squared error with it.
    pub mitigated: f64,
}

impl Forecast {
    /// From the measured values, the extrapolation, and the drift that is still in the values.
    pub fn new(values: &[Estimate], extrapolated: &Extrapolated, drift: &[f64]) -> Self {
        let Some(first) = values.first() else { return Self { raw: 0.0, mitigated: 0.0 } };
        let c = &extrapolated.coefficients;
        let bias: f64 = c.iter().zip(drift).map(|(c, d)| c * d).sum();
        let difference = first.value - (extrapolated.estimate.value - bias);
        let variance: f64 = c
            .iter()
            .zip(values)
            .enumerate()
            .map(|(k, (c, v))| (c - f64::from(k == 0)).powi(2) * v.variance)
            .sum();
        let raw = (difference * difference - variance).max(0.0) + first.variance;
        let mitigated = bias * bias + extrapolated.estimate.variance;
        Self { raw: raw.sqrt(), mitigated: mitigated.sqrt() }
    }

    /// Whether mitigation is expected to help.
    pub fn helps(self) -> bool {
        self.mitigated < self.raw
    }
}
