//! What a minimisation returns, and the plain gradient loop.

use super::{Optimiser, check_finite};
use crate::{Error, Result};

/// The outcome of a minimisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// The parameters found.
    pub parameters: Vec<f64>,
    /// The value of the objective there.
    pub value: f64,
    /// Evaluations of the objective.
    pub evaluations: usize,
    /// The value of each evaluation, in order.
    pub trace: Vec<f64>,
}

/// Follows the gradient for `steps` steps from `start` and returns the best point seen; `objective` gives the
/// value and the gradient. Uses `steps + 1` evaluations.
///
/// # Errors
/// Those of the objective and of [`Optimiser::step`]; [`Error::NotFinite`] if a value is NaN or infinite.
pub fn descend(
    optimiser: &mut impl Optimiser,
    start: &[f64],
    steps: usize,
    mut objective: impl FnMut(&[f64]) -> Result<(f64, Vec<f64>)>,
) -> Result<Minimum> {
    let mut x = start.to_vec();
    let mut record = Record::new("the start", start)?;
    for step in 0..=steps {
        let (value, gradient) = objective(&x)?;
        record.push(&x, value)?;
        if step < steps {
            optimiser.step(&mut x, &gradient)?;
        }
    }
    Ok(record.best())
}

/// The evaluations of a run, and the best of them.
#[derive(Debug)]
pub(super) struct Record {
    trace: Vec<f64>,
    parameters: Vec<f64>,
    value: f64,
}

impl Record {
    pub(super) fn new(what: &'static str, start: &[f64]) -> Result<Self> {
        check_finite(what, start)?;
        Ok(Self { trace: Vec::new(), parameters: start.to_vec(), value: f64::INFINITY })
    }

    pub(super) fn push(&mut self, parameters: &[f64], value: f64) -> Result<()> {
        if !value.is_finite() {
            return Err(Error::NotFinite { what: "the objective", index: self.trace.len(), value });
        }
        self.trace.push(value);
        if value < self.value {
            self.value = value;
            self.parameters.clear();
            self.parameters.extend_from_slice(parameters);
        }
        Ok(())
    }

    pub(super) fn evaluations(&self) -> usize {
        self.trace.len()
    }

    pub(super) fn best(self) -> Minimum {
        Minimum {
            parameters: self.parameters,
            value: self.value,
            evaluations: self.trace.len(),
            trace: self.trace,
        }
    }

    /// The outcome with the latest evaluation as the result, for objectives so noisy that the best value is a
    /// lucky one.
    pub(super) fn latest(self, parameters: Vec<f64>) -> Minimum {
        let value = self.trace.last().copied().unwrap_or(f64::INFINITY);
        Minimum { parameters, value, evaluations: self.trace.len(), trace: self.trace }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimise::{Adam, Schedule};

    #[test]
    fn descent_keeps_the_best_point() {
        // A rate so large that the last point is not the best one.
        let mut adam = Adam::new(Schedule::constant(0.4));
        let minimum = descend(&mut adam, &[1.0], 20, |x| Ok((x[0] * x[0], vec![2.0 * x[0]]))).unwrap();
        assert_eq!(minimum.evaluations, 21);
        assert_eq!(minimum.trace.len(), 21);
        assert_eq!(minimum.value, minimum.trace.iter().copied().fold(f64::INFINITY, f64::min));
        assert!((minimum.parameters[0].powi(2) - minimum.value).abs() < 1e-15);
    }

    #[test]
    fn non_finite_objectives_and_starts_are_refused() {
        let mut adam = Adam::new(Schedule::constant(0.4));
        let nan = descend(&mut adam, &[1.0], 3, |_| Ok((f64::NAN, vec![0.0])));
        assert!(matches!(nan, Err(Error::NotFinite { what: "the objective", index: 0, .. })));
        let start = descend(&mut adam, &[f64::NAN], 3, |_| Ok((0.0, vec![0.0])));
        assert!(matches!(start, Err(Error::NotFinite { what: "the start", .. })));
    }
}
