//! Learning rates that change with the step.

use serde::{Deserialize, Serialize};

/// The learning rate as a function of the step: an optional linear warm-up, then a [`Decay`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Largest learning rate, that of the end of the warm-up.
    pub peak: f64,
    /// Steps of linear warm-up: step `s` has the rate `peak * (s + 1) / (warm_up + 1)`.
    pub warm_up: usize,
    /// What follows the warm-up.
    pub decay: Decay,
}

/// How a learning rate falls.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Decay {
    /// Not at all.
    Constant,
    /// Half a cosine from the peak down to `floor` at step `steps`, then `floor` (Loshchilov and Hutter 2017,
    /// no restarts).
    Cosine {
        /// Length of the whole run, warm-up included.
        steps: usize,
        /// Rate at its end and after it.
        floor: f64,
    },
    /// Multiplied by `factor` after every `every` steps.
    Step {
        /// Steps between two drops; 0 counts as 1.
        every: usize,
        /// What the rate is multiplied by.
        factor: f64,
    },
}

impl Schedule {
    /// The same rate at every step.
    pub const fn constant(rate: f64) -> Self {
        Self { peak: rate, warm_up: 0, decay: Decay::Constant }
    }

    /// Cosine annealing from `rate` to zero over a run of `steps`.
    pub const fn cosine(rate: f64, steps: usize) -> Self {
        Self { peak: rate, warm_up: 0, decay: Decay::Cosine { steps, floor: 0.0 } }
    }

    /// `rate`, multiplied by `factor` after every `every` steps.
    pub const fn step(rate: f64, every: usize, factor: f64) -> Self {
        Self { peak: rate, warm_up: 0, decay: Decay::Step { every, factor } }
    }

    /// The same schedule after `steps` of linear warm-up.
    #[must_use]
    pub const fn warm_up(self, steps: usize) -> Self {
        Self { warm_up: steps, ..self }
    }

    /// The rate of `step`, counted from 0.
    pub fn at(&self, step: usize) -> f64 {
        if step < self.warm_up {
            return self.peak * (step + 1) as f64 / (self.warm_up + 1) as f64;
        }
        let elapsed = step - self.warm_up;
        match self.decay {
            Decay::Constant => self.peak,
            Decay::Cosine { steps, floor } => {
                let length = steps.saturating_sub(self.warm_up);
                if elapsed >= length {
                    return floor;
                }
                let angle = std::f64::consts::PI * elapsed as f64 / length as f64;
                floor + 0.5 * (self.peak - floor) * (1.0 + angle.cos())
            }
            Decay::Step { every, factor } => self.peak * factor.powf((elapsed / every.max(1)) as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_starts_at_the_peak_and_ends_at_the_floor() {
        let schedule =
            Schedule { decay: Decay::Cosine { steps: 100, floor: 0.01 }, ..Schedule::cosine(0.1, 100) };
        assert_eq!(schedule.at(0), 0.1);
        assert!((schedule.at(50) - 0.055).abs() < 1e-15);
        assert_eq!(schedule.at(100), 0.01);
        assert_eq!(schedule.at(usize::MAX), 0.01);
        assert!((1..=100).all(|s| schedule.at(s) < schedule.at(s - 1)));
    }

    #[test]
    fn warm_up_is_linear_and_part_of_the_run() {
        let schedule = Schedule::cosine(1.0, 13).warm_up(3);
        assert_eq!((0..4).map(|s| schedule.at(s)).collect::<Vec<_>>(), [0.25, 0.5, 0.75, 1.0]);
        assert_eq!(schedule.at(13), 0.0);
        assert_eq!(Schedule::cosine(1.0, 2).warm_up(5).at(5), 0.0);
    }

    #[test]
    fn steps_drop_and_constants_stay() {
        let schedule = Schedule::step(0.8, 10, 0.5);
        assert_eq!([0, 9, 10, 19, 20].map(|s| schedule.at(s)), [0.8, 0.8, 0.4, 0.4, 0.2]);
        assert_eq!(Schedule::constant(0.3).at(1_000_000), 0.3);
        assert!(Schedule::step(0.8, 0, 0.5).at(3).is_finite());
    }
}
