//! Zero-noise extrapolation: from folded programs to a value without noise.

use super::{Echo, Estimate, Extrapolated, Fit, Forecast};
use crate::{Error, Result};

/// Something that can be run with its noise multiplied by 1, 3, 5, ..: a program that is undone and done again.
pub trait Foldable {
    /// The mean of the observable after `S (S^R S)^folds`.
    ///
    /// # Errors
    /// Whatever the device reports.
    fn expectation(&mut self, folds: usize) -> Result<Estimate>;

    /// The probability to return to the initial state after `S (S^R S)^folds` and its reverse.
    ///
    /// # Errors
    /// Whatever the device reports.
    fn return_probability(&mut self, folds: usize) -> Result<Echo>;

    /// The mean of the observable after `S (S^R S)^folds` without noise, as a model says; all the same for programs that their
    /// reverse undoes.
    ///
    /// # Errors
    /// Whatever the simulation reports.
    fn noiseless(&mut self, folds: usize) -> Result<f64>;
}

/// What noise is plotted against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// How often the program is run: 1, 3, 5, ..
    Folds,
    /// The share of the state that is lost, from the measured return probability of each folded program: [`Echo::loss`]
    /// (inverted circuits: arXiv:2403.01608). It takes an experiment more for each point, and asks nothing of the noise but that it
    /// acts alike in the program and its reverse.
    Return,
}

/// Settings of zero-noise extrapolation.
///
/// ```
/// use ketline_quantum::mitigation::{Echo, Estimate, Fit, Foldable, Zne};
///
/// /// Depolarizing noise: each run keeps 0.97 of the state.
/// struct Toy;
///
/// impl Foldable for Toy {
///     fn expectation(&mut self, folds: usize) -> ketline_quantum::Result<Estimate> {
///         Ok(Estimate::exact(-1.0 * 0.97_f64.powf(2.0 * folds as f64 + 1.0)))
///     }
///     fn return_probability(&mut self, folds: usize) -> ketline_quantum::Result<Echo> {
///         let kept = 0.97_f64.powf(4.0 * folds as f64 + 2.0);
///         Ok(Echo::new(Estimate::exact(0.25 + 0.75 * kept), 4))
///     }
///     fn noiseless(&mut self, _folds: usize) -> ketline_quantum::Result<f64> {
///         Ok(-1.0)
///     }
/// }
///
/// let found = Zne { fit: Fit::Richardson, ..Zne::default() }.run(&mut Toy)?;
/// assert!((found.values[0].value + 1.0).abs() > 0.02);
/// assert!((found.estimate().value + 1.0).abs() < 1e-4 && found.forecast.helps());
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Zne {
    /// How often the program is folded at each point; noise is `2 folds + 1`.
    pub folds: Vec<usize>,
    /// The fit.
    pub fit: Fit,
    /// What the fit is against.
    pub axis: Axis,
    /// Whether the drift of the simulated noiseless program is subtracted: `E(folds) - (E'(folds) - E'(0))` with E' from the
    /// model.
    pub subtract_drift: bool,
}

impl Default for Zne {
    /// Richardson's extrapolation from noise 1, 3 and 5.
    fn default() -> Self {
        Self { folds: vec![0, 1, 2], fit: Fit::Richardson, axis: Axis::Folds, subtract_drift: false }
    }
}

/// What an extrapolation found, with everything that went into it.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Mitigated {
    /// The axis of the fit.
    pub noise: Vec<f64>,
    /// The values as measured; the first is that of the program as it is, if it was asked for.
    pub values: Vec<Estimate>,
    /// How far the noiseless program drifts when it is folded, as the model says: subtracted, or reported only.
    pub drift: Vec<f64>,
    /// The fit at noise 0.
    pub extrapolated: Extrapolated,
    /// Whether it helped, by what is expected of both errors.
    pub forecast: Forecast,
}

impl Mitigated {
    /// The mitigated value.
    pub fn estimate(&self) -> Estimate {
        self.extrapolated.estimate
    }

    /// The mitigated value where mitigation is expected to help, else the value as measured.
    pub fn guarded(&self) -> Estimate {
        if self.forecast.helps() { self.estimate() } else { self.values[0] }
    }
}

impl Zne {
    /// Runs a program at each point and extrapolates.
    ///
    /// # Errors
    /// Those of the program and of [`Fit::extrapolate`]; [`Error::Setting`] for folds that do not increase.
    pub fn run(&self, program: &mut dyn Foldable) -> Result<Mitigated> {
        if let Some(pair) = self.folds.windows(2).find(|pair| pair[1] <= pair[0]) {
            let (name, expected) = ("folds", "more than at the point before");
            return Err(Error::Setting { name, found: pair[1] as f64, expected });
        }
        let mut values = Vec::with_capacity(self.folds.len());
        let mut drift = Vec::with_capacity(self.folds.len());
        let mut noise = Vec::with_capacity(self.folds.len());
        let origin = program.noiseless(0)?;
        for &folds in &self.folds {
            values.push(program.expectation(folds)?);
            drift.push(program.noiseless(folds)? - origin);
            noise.push(match (self.axis, self.fit) {
                (Axis::Return, Fit::Linear | Fit::Richardson | Fit::Exponential { .. }) => {
                    program.return_probability(folds)?.loss()
                }
                _ => (2 * folds + 1) as f64,
            });
        }
        let fit = match self.fit {
            Fit::AdaptiveKik { floor: None } => {
                let returned = program.return_probability(0)?.probability.value;
                Fit::AdaptiveKik { floor: Some((returned * returned).clamp(1e-6, 1.0)) }
            }
            fit => fit,
        };
        let corrected: Vec<Estimate> = values
            .iter()
            .zip(&drift)
            .map(|(v, d)| Estimate { value: if self.subtract_drift { v.value - d } else { v.value }, ..*v })
            .collect();
        let extrapolated = fit.extrapolate(&noise, &corrected)?;
        let left: &[f64] = if self.subtract_drift { &[] } else { &drift };
        let forecast = Forecast::new(&corrected, &extrapolated, left);
        Ok(Mitigated { noise, values, drift, extrapolated, forecast })
    }
}
