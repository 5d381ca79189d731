//! Adam: gradient descent with a rate of its own for each parameter.

use serde::{Deserialize, Serialize};

use super::{Optimiser, Schedule, check_setting, check_step};
use crate::Result;

/// Adam with bias correction (Kingma and Ba 2015) and, if asked for, decoupled weight decay (`AdamW`,
/// Loshchilov and Hutter 2019). Defaults are the paper's: `beta1` 0.9, `beta2` 0.999, `epsilon` 1e-8, no
/// decay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    schedule: Schedule,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    step: usize,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Adam {
    /// Adam before its first step.
    pub const fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            step: 0,
            first: Vec::new(),
            second: Vec::new(),
        }
    }

    /// Sets the decay of the first and of the second moment, both in [0, 1).
    #[must_use]
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { beta1, beta2, ..self }
    }

    /// Sets what is added to the root of the second moment; positive.
    #[must_use]
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets the decoupled weight decay: each step multiplies the parameters by `1 - rate * weight_decay`
    /// first.
    #[must_use]
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    fn check(&self, rate: f64) -> Result<()> {
        check_setting("learning rate", rate, rate.is_finite() && rate >= 0.0, "a finite number >= 0")?;
        for (name, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            check_setting(name, beta, (0.0..1.0).contains(&beta), "a number in [0, 1)")?;
        }
        let epsilon = self.epsilon;
        check_setting("epsilon", epsilon, epsilon.is_finite() && epsilon > 0.0, "a finite number > 0")?;
        let decay = self.weight_decay;
        check_setting("weight decay", decay, decay.is_finite() && decay >= 0.0, "a finite number >= 0")
    }
}

impl Optimiser for Adam {
    fn step(&mut self, parameters: &mut [f64], gradient: &[f64]) -> Result<()> {
        let rate = self.rate();
        self.check(rate)?;
        check_step(parameters, gradient, &self.first)?;
        check_step(parameters, gradient, &self.second)?;
        self.first.resize(parameters.len(), 0.0);
        self.second.resize(parameters.len(), 0.0);
        self.step += 1;
        // As f64: a power by i32 would overflow for a checkpoint with an absurd step.
        let step = self.step as f64;
        let (correction1, correction2) = (1.0 - self.beta1.powf(step), 1.0 - self.beta2.powf(step));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((x, &g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
            *m = self.beta1 * *m + (1.0 - self.beta1) * g;
            *v = self.beta2 * *v + (1.0 - self.beta2) * g * g;
            *x -= rate * self.weight_decay * *x;
            *x -= rate * (*m / correction1) / ((*v / correction2).sqrt() + self.epsilon);
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

    /// An ill-conditioned quadratic with a coupling.
    fn gradient(x: &[f64]) -> Vec<f64> {
        let mut g: Vec<f64> =
            x.iter().enumerate().map(|(i, x)| (1.0 + 10.0 * i as f64) * (x - i as f64)).collect();
        g[0] += 0.3 * (x[1] - 1.0);
        g[1] += 0.3 * x[0];
        g
    }

    #[test]
    fn the_first_steps_are_those_of_the_paper() {
        // Bias correction makes the first step rate * sign(g); the second is computed by hand.
        let mut adam = Adam::new(Schedule::constant(0.1));
        let mut x = [1.0];
        adam.step(&mut x, &[3.0]).unwrap();
        assert!((x[0] - 0.9).abs() < 1e-9);
        adam.step(&mut x, &[-1.0]).unwrap();
        let (m, v) = ((0.9 * 0.3 - 0.1) / 0.19, (0.999 * 0.009 + 0.001) / 0.001_999_f64);
        assert!((x[0] - (0.9 - 0.1 * m / (v.sqrt() + 1e-8))).abs() < 1e-9);
    }

    #[test]
    fn finds_the_minimum_of_a_quadratic() {
        let mut adam = Adam::new(Schedule::cosine(0.1, 2000));
        let mut x = vec![5.0; 4];
        for _ in 0..2000 {
            let g = gradient(&x);
            adam.step(&mut x, &g).unwrap();
        }
        assert!(x.iter().enumerate().all(|(i, x)| (x - i as f64).abs() < 1e-6), "{x:?}");
    }

    #[test]
    fn weight_decay_is_decoupled_from_the_gradient() {
        let mut adam = Adam::new(Schedule::constant(0.1)).weight_decay(0.5);
        let mut x = [2.0];
        adam.step(&mut x, &[0.0]).unwrap();
        assert!((x[0] - 1.9).abs() < 1e-15);
    }

    #[test]
    fn a_resumed_run_is_bit_identical() {
        let run = |interrupted_at: Option<usize>| {
            let mut adam = Adam::new(Schedule::cosine(0.07, 100).warm_up(5)).weight_decay(1e-3);
            let mut x = vec![0.1, 0.2, 0.3];
            for step in 0..100 {
                if interrupted_at == Some(step) {
                    let text = serde_json::to_string(&(&adam, &x)).unwrap();
                    (adam, x) = serde_json::from_str(&text).unwrap();
                }
                let g = gradient(&x);
                adam.step(&mut x, &g).unwrap();
            }
            x.into_iter().map(f64::to_bits).collect::<Vec<_>>()
        };
        let whole = run(None);
        assert!([0, 1, 3, 42, 99].into_iter().all(|step| run(Some(step)) == whole));
    }

    #[test]
    fn bad_input_is_refused_and_changes_nothing() {
        let mut adam = Adam::new(Schedule::constant(0.1));
        let mut x = [1.0, 2.0];
        adam.step(&mut x, &[1.0, 1.0]).unwrap();
        let (before, state) = (x, adam.clone());
        let nan = adam.step(&mut x, &[0.0, f64::NAN]);
        assert!(matches!(nan, Err(Error::NotFinite { what: "the gradient", index: 1, .. })));
        assert!(matches!(adam.step(&mut x, &[0.0]), Err(Error::Dimension { found: 1, expected: 2, .. })));
        assert!(matches!(adam.step(&mut [0.0], &[0.0]), Err(Error::Dimension { found: 2, expected: 1, .. })));
        assert_eq!((x, &adam), (before, &state));
        let settings = [
            Adam::new(Schedule::constant(f64::NAN)),
            Adam::new(Schedule::constant(-1.0)),
            Adam::new(Schedule::constant(0.1)).betas(1.0, 0.999),
            Adam::new(Schedule::constant(0.1)).epsilon(0.0),
            Adam::new(Schedule::constant(0.1)).weight_decay(-0.1),
        ];
        for mut adam in settings {
            assert!(matches!(adam.step(&mut x, &[0.0, 0.0]), Err(Error::Setting { .. })));
        }
    }
}
