//! Learning rates over steps.

/// A factor of the learning rate that depends on the step.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// Always one.
    Constant,
    /// From zero to one in a straight line over the warm-up, then half a cosine down to `floor` at the last step.
    Cosine {
        /// Steps of the warm-up.
        warmup: u64,
        /// Number of the last step.
        steps: u64,
        /// The factor that remains.
        floor: f64,
    },
    /// From zero to one over the warm-up, then in a straight line to zero at the last step.
    Linear {
        /// Steps of the warm-up.
        warmup: u64,
        /// Number of the last step.
        steps: u64,
    },
    /// Multiplied by a factor every so many steps.
    Staircase {
        /// Steps from one change to the next.
        every: u64,
        /// What it is multiplied by.
        factor: f64,
    },
}

impl Schedule {
    /// The factor of step `k`, counted from zero.
    pub fn factor(self, k: u64) -> f64 {
        let warm = |warmup: u64| (k + 1) as f64 / (warmup + 1) as f64;
        let progress = |warmup: u64, steps: u64| {
            let span = steps.saturating_sub(warmup).max(1) as f64;
            (k.saturating_sub(warmup) as f64 / span).min(1.0)
        };
        match self {
            Self::Constant => 1.0,
            Self::Cosine { warmup, .. } | Self::Linear { warmup, .. } if k < warmup => warm(warmup),
            Self::Cosine { warmup, steps, floor } => {
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * progress(warmup, steps)).cos())
            }
            Self::Linear { warmup, steps } => 1.0 - progress(warmup, steps),
            Self::Staircase { every, factor } => factor.powf((k / every.max(1)) as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_begin_and_end_where_they_say() {
        let cosine = Schedule::Cosine { warmup: 10, steps: 110, floor: 0.1 };
        assert!((cosine.factor(0) - 1.0 / 11.0).abs() < 1e-12);
        assert!((cosine.factor(10) - 1.0).abs() < 1e-12);
        assert!((cosine.factor(60) - 0.55).abs() < 1e-12);
        assert!((cosine.factor(110) - 0.1).abs() < 1e-12 && (cosine.factor(500) - 0.1).abs() < 1e-12);
        let linear = Schedule::Linear { warmup: 0, steps: 10 };
        assert!((linear.factor(5) - 0.5).abs() < 1e-12 && linear.factor(10) == 0.0);
        assert!((Schedule::Staircase { every: 3, factor: 0.5 }.factor(7) - 0.25).abs() < 1e-12);
    }
}
