//! Gradient descent with momentum.

use serde::{Deserialize, Serialize};

use super::{Optimiser, Schedule, check_setting, check_step};
use crate::Result;

/// Gradient descent, with heavy-ball momentum (Polyak 1964) or Nesterov's (1983) if asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sgd {
    schedule: Schedule,
    momentum: f64,
    nesterov: bool,
    step: usize,
    velocity: Vec<f64>,
}

impl Sgd {
    /// Plain gradient descent before its first step.
    pub const fn new(schedule: Schedule) -> Self {
        Self { schedule, momentum: 0.0, nesterov: false, step: 0, velocity: Vec::new() }
    }

    /// Sets the momentum, in [0, 1): the velocity is `momentum` times the last one, plus the gradient.
    #[must_use]
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, nesterov: false, ..self }
    }

    /// Sets the momentum, in [0, 1), and looks ahead along it as Nesterov does.
    #[must_use]
    pub fn nesterov(self, momentum: f64) -> Self {
        Self { momentum, nesterov: true, ..self }
    }
}

impl Optimiser for Sgd {
    fn step(&mut self, parameters: &mut [f64], gradient: &[f64]) -> Result<()> {
        let rate = self.rate();
        check_setting("learning rate", rate, rate.is_finite() && rate >= 0.0, "a finite number >= 0")?;
        check_setting("momentum", self.momentum, (0.0..1.0).contains(&self.momentum), "a number in [0, 1)")?;
        check_step(parameters, gradient, &self.velocity)?;
        self.velocity.resize(parameters.len(), 0.0);
        self.step += 1;
        for ((x, &g), v) in parameters.iter_mut().zip(gradient).zip(&mut self.velocity) {
            *v = self.momentum * *v + g;
            *x -= rate * if self.nesterov { self.momentum * *v + g } else { *v };
        }
        Ok(())
    }

    fn steps(&self) -> usize {
        self.step
    }

    fn rate(&self) -> f64 {
        self.schedule.at(self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn plain_descent_contracts_as_the_closed_form_says() {
        let mut sgd = Sgd::new(Schedule::constant(0.1));
        let mut x = [1.0];
        for _ in 0..10 {
            let g = [2.0 * x[0]];
            sgd.step(&mut x, &g).unwrap();
        }
        assert!((x[0] - 0.8_f64.powi(10)).abs() < 1e-15);
        assert_eq!(sgd.steps(), 10);
    }

    #[test]
    fn momentum_and_lookahead_give_the_hand_computed_steps() {
        let mut heavy = Sgd::new(Schedule::constant(1.0)).momentum(0.5);
        let mut ahead = Sgd::new(Schedule::constant(1.0)).nesterov(0.5);
        let (mut x, mut y) = ([0.0], [0.0]);
        for _ in 0..2 {
            heavy.step(&mut x, &[1.0]).unwrap();
            ahead.step(&mut y, &[1.0]).unwrap();
        }
        assert_eq!((x, y), ([-2.5], [-3.25]));
    }

    #[test]
    fn momentum_outside_its_range_is_refused() {
        let mut sgd = Sgd::new(Schedule::constant(1.0)).momentum(1.0);
        let wanted = Error::Setting { name: "momentum", found: 1.0, expected: "a number in [0, 1)" };
        assert_eq!(sgd.step(&mut [0.0], &[0.0]), Err(wanted));
        let mut sgd = Sgd::new(Schedule::constant(1.0));
        assert!(matches!(sgd.step(&mut [f64::INFINITY], &[0.0]), Err(Error::NotFinite { index: 0, .. })));
    }
}
