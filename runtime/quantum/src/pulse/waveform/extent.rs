//! Lengths within a waveform, fixed or trainable.

use std::fmt;
use std::ops::{Mul, Neg, Sub};

use crate::Angle;
use crate::pulse::Duration;

/// A length within a waveform, such as the `sigma` of a Gaussian: a [`Duration`], plus an affine expression of trainable
/// parameters in samples of the device. It need not be a whole number of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    pub(super) fixed: Duration,
    pub(super) varied: Angle,
}

impl Extent {
    /// The length in samples of `dt` seconds.
    pub fn value(&self, dt: f64, parameters: &[f64]) -> f64 {
        self.fixed.in_samples(dt) + self.varied.value(parameters)
    }

    pub(crate) fn map(self, of: impl Fn(Angle) -> Angle) -> Self {
        Self { varied: of(self.varied), ..self }
    }

    pub(crate) fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: impl FnMut(usize, &mut fmt::Formatter<'_>) -> fmt::Result,
    ) -> fmt::Result {
        match (self.fixed == Duration::ZERO, self.varied == Angle::ZERO) {
            (_, true) => write!(f, "{}", self.fixed),
            (true, false) => self.varied.write(f, name),
            (false, false) => {
                write!(f, "{} + ", self.fixed)?;
                self.varied.write(f, name)
            }
        }
    }
}

impl From<Duration> for Extent {
    fn from(fixed: Duration) -> Self {
        Self { fixed, varied: Angle::ZERO }
    }
}

/// Samples of the device, trainable.
impl From<Angle> for Extent {
    fn from(varied: Angle) -> Self {
        Self { fixed: Duration::ZERO, varied }
    }
}

impl Neg for Extent {
    type Output = Self;

    fn neg(self) -> Self {
        Self { fixed: -self.fixed, varied: -self.varied }
    }
}

impl Sub for Extent {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { fixed: self.fixed - other.fixed, varied: self.varied - other.varied }
    }
}

impl Mul<f64> for Extent {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self { fixed: self.fixed * factor, varied: self.varied * factor }
    }
}

/// A plain number within a waveform, such as the `beta` of DRAG, fixed or trainable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(Angle);

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self(Angle::radians(value))
    }
}

impl From<Angle> for Number {
    fn from(value: Angle) -> Self {
        Self(value)
    }
}

impl From<Number> for Extent {
    fn from(number: Number) -> Self {
        Self::from(number.0)
    }
}
