//! What the training loop asks of an ansatz, whether it is made of gates or of pulses.

use super::{TargetState, Task};
use crate::gradient::{Gradient, Operator};
use crate::{C64, Result};

/// States that parameters prepare on an ideal simulator: what the straight-through rule goes backward through.
///
/// A [`Task`] prepares them with gates, a [`PulseTask`](super::PulseTask) with pulses.
pub trait Preparation {
    /// The states to reach, one a case.
    fn targets(&self) -> Vec<&TargetState>;

    /// Refuses values that are not those of the ansatz.
    ///
    /// # Errors
    /// [`Error::ParameterCount`](crate::Error::ParameterCount) and
    /// [`Error::ParameterValue`](crate::Error::ParameterValue).
    fn check(&self, values: &[f64]) -> Result<()>;

    /// The ideal state of a case; of norm 1.
    ///
    /// # Errors
    /// As [`Self::check`], and what the simulator reports.
    fn state(&self, case: usize, values: &[f64]) -> Result<Vec<C64>>;

    /// The expectation of an operator in the ideal state of a case, and its gradient.
    ///
    /// # Errors
    /// As [`Self::state`].
    fn gradient(&self, case: usize, operator: &dyn Operator, values: &[f64]) -> Result<Gradient>;
}

impl Preparation for Task {
    fn targets(&self) -> Vec<&TargetState> {
        self.cases().iter().map(super::Case::target).collect()
    }

    fn check(&self, values: &[f64]) -> Result<()> {
        self.cases()[0].circuit().parameters().check(values)
    }

    fn state(&self, case: usize, values: &[f64]) -> Result<Vec<C64>> {
        Ok(self.cases()[case].ideal().state(values)?.as_slice().to_vec())
    }

    fn gradient(&self, case: usize, operator: &dyn Operator, values: &[f64]) -> Result<Gradient> {
        self.cases()[case].ideal().gradient(&operator, values)
    }
}

/// The mean over all cases of the expectations of their operators, and its gradient.
pub(super) fn mean<O: Operator>(
    task: &dyn Preparation,
    values: &[f64],
    mut operator: impl FnMut(usize, &TargetState) -> Result<O>,
) -> Result<Gradient> {
    let targets = task.targets();
    let mut mean = Gradient { value: 0.0, gradient: vec![0.0; values.len()] };
    let share = 1.0 / targets.len() as f64;
    for (number, target) in targets.into_iter().enumerate() {
        let one = task.gradient(number, &operator(number, target)?, values)?;
        mean.value += share * one.value;
        mean.gradient.iter_mut().zip(one.gradient).for_each(|(sum, slope)| *sum += share * slope);
    }
    Ok(mean)
}
