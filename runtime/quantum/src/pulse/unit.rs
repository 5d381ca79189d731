//! Units of pulse programs: durations, also in samples of a device not yet known, and frequencies.

use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

use crate::{Error, Result};

/// The longest time that is resolved, in samples: a second at 0.2 ns.
pub(crate) const MAX_SAMPLES: f64 = 4_294_967_296.0;

/// How far from a whole number of samples a duration may be, for the rounding of nanoseconds.
const TOLERANCE: f64 = 1e-6;

/// A time: a sum of seconds and of samples (`dt`) of the device that will play the program.
///
/// The two meet when the device is known: [`Duration::resolve`].
///
/// ```
/// use ketline_quantum::pulse::Duration;
///
/// let time = Duration::samples(160) + Duration::nanoseconds(20.0);
/// assert_eq!(time.to_string(), "160dt + 20ns");
/// assert_eq!(time.resolve(0.5e-9)?, 200);
/// assert!(time.resolve(0.3e-9).is_err());
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Duration {
    seconds: f64,
    samples: f64,
}

impl Duration {
    /// No time.
    pub const ZERO: Self = Self { seconds: 0.0, samples: 0.0 };

    /// Samples of the device: `160dt`.
    pub const fn samples(number: i64) -> Self {
        Self { seconds: 0.0, samples: number as f64 }
    }

    /// Samples of the device, also fractional: `40.5dt`. What is played takes a whole number of them, but a sigma need not.
    pub const fn dt(number: f64) -> Self {
        Self { seconds: 0.0, samples: number }
    }

    /// As many samples as there are.
    pub(crate) const fn count(number: usize) -> Self {
        Self { seconds: 0.0, samples: number as f64 }
    }

    /// Seconds.
    pub const fn seconds(number: f64) -> Self {
        Self { seconds: number, samples: 0.0 }
    }

    /// Milliseconds.
    pub const fn milliseconds(number: f64) -> Self {
        Self::seconds(number / 1e3)
    }

    /// Microseconds.
    pub const fn microseconds(number: f64) -> Self {
        Self::seconds(number / 1e6)
    }

    /// Nanoseconds.
    pub const fn nanoseconds(number: f64) -> Self {
        Self::seconds(number / 1e9)
    }

    /// The time in samples of `dt` seconds, whole or not.
    pub const fn in_samples(self, dt: f64) -> f64 {
        if self.seconds == 0.0 { self.samples } else { self.samples + self.seconds / dt }
    }

    /// The time in seconds on a device with samples of `dt` seconds.
    pub const fn in_seconds(self, dt: f64) -> f64 {
        self.seconds + self.samples * dt
    }

    /// Whether it is a whole number of samples of `dt` seconds, up to rounding, from 0 to 2^32.
    pub const fn is_whole(self, dt: f64) -> bool {
        let samples = self.in_samples(dt);
        let whole = samples.round();
        let slack = TOLERANCE.max(whole.abs() * 1e-12);
        (samples - whole).abs() <= slack && whole >= 0.0 && whole <= MAX_SAMPLES
    }

    /// The time as a whole number of samples of `dt` seconds.
    ///
    /// # Errors
    /// [`Error::OffGrid`] if it is negative, not whole, or more than 2^32 of them.
    pub fn resolve(self, dt: f64) -> Result<usize> {
        let samples = self.in_samples(dt);
        if self.is_whole(dt) {
            return Ok(samples.round() as usize);
        }
        Err(Error::OffGrid { found: self.to_string(), samples, dt })
    }
}

impl Add for Duration {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { seconds: self.seconds + other.seconds, samples: self.samples + other.samples }
    }
}

impl Neg for Duration {
    type Output = Self;

    fn neg(self) -> Self {
        Self { seconds: -self.seconds, samples: -self.samples }
    }
}

impl Sub for Duration {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl AddAssign for Duration {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Duration {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Mul<f64> for Duration {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self { seconds: self.seconds * factor, samples: self.samples * factor }
    }
}

impl Mul<Duration> for f64 {
    type Output = Duration;

    fn mul(self, duration: Duration) -> Duration {
        duration * self
    }
}

impl Div<f64> for Duration {
    type Output = Self;

    fn div(self, divisor: f64) -> Self {
        Self { seconds: self.seconds / divisor, samples: self.samples / divisor }
    }
}

/// As in the language: `160dt + 20ns`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.samples != 0.0 {
            write!(f, "{}dt", short(self.samples))?;
        }
        match (self.samples != 0.0, self.seconds) {
            (true, 0.0) => Ok(()),
            (true, seconds) if seconds < 0.0 => write!(f, " - {}", time(-seconds)),
            (true, seconds) => write!(f, " + {}", time(seconds)),
            (false, seconds) => f.write_str(&time(seconds)),
        }
    }
}

/// Seconds with the unit that suits them.
fn time(seconds: f64) -> String {
    let (factor, unit) = match seconds.abs() {
        x if x < 1e-6 => (1e9, "ns"),
        x if x < 1e-3 => (1e6, "us"),
        x if x < 1.0 => (1e3, "ms"),
        _ => (1.0, "s"),
    };
    format!("{}{unit}", short(seconds * factor))
}

/// A number with at most four decimals, without trailing zeros.
pub(crate) fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A frequency in hertz.
///
/// ```
/// use ketline_quantum::pulse::Frequency;
///
/// assert_eq!(Frequency::gigahertz(5.0) - Frequency::megahertz(340.0), Frequency::hertz(4.66e9));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Frequency(f64);

impl Frequency {
    /// Hertz.
    pub const fn hertz(number: f64) -> Self {
        Self(number)
    }

    /// Kilohertz.
    pub const fn kilohertz(number: f64) -> Self {
        Self(number * 1e3)
    }

    /// Megahertz.
    pub const fn megahertz(number: f64) -> Self {
        Self(number * 1e6)
    }

    /// Gigahertz.
    pub const fn gigahertz(number: f64) -> Self {
        Self(number * 1e9)
    }

    /// The frequency in hertz.
    pub const fn in_hertz(self) -> f64 {
        self.0
    }
}

impl Add for Frequency {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Frequency {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Frequency {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Mul<f64> for Frequency {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self(self.0 * factor)
    }
}

impl Mul<Frequency> for f64 {
    type Output = Frequency;

    fn mul(self, frequency: Frequency) -> Frequency {
        frequency * self
    }
}

/// As in the language: `4.66GHz`.
impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (factor, unit) = match self.0.abs() {
            x if x < 1e3 => (1.0, "Hz"),
            x if x < 1e6 => (1e-3, "kHz"),
            x if x < 1e9 => (1e-6, "MHz"),
            _ => (1e-9, "GHz"),
        };
        write!(f, "{}{unit}", short(self.0 * factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_and_seconds_meet_on_a_device() {
        let time = Duration::samples(160) + Duration::nanoseconds(20.0);
        assert_eq!(time.resolve(2e-9 / 9.0).unwrap(), 250);
        assert_eq!((2.0 * time - Duration::samples(20)).resolve(0.5e-9).unwrap(), 380);
        assert_eq!((Duration::samples(160) / 2.0).resolve(1.0).unwrap(), 80);
        // 35.6 ns rounded as people write it is no whole number; the exact product is.
        assert_eq!(Duration::seconds(160.0 * (2e-9 / 9.0)).resolve(2e-9 / 9.0).unwrap(), 160);
        assert!(Duration::nanoseconds(35.6).resolve(2e-9 / 9.0).is_err());
    }

    #[test]
    fn what_is_no_whole_number_of_samples_is_refused_with_both_numbers() {
        let message = (Duration::samples(3) / 2.0).resolve(0.5e-9).unwrap_err().to_string();
        assert_eq!(message, "1.5dt is 1.5 samples of 5e-10 s, expected a whole number from 0 to 2^32");
        assert!(Duration::nanoseconds(160.3).resolve(0.5e-9).is_err());
        for time in [
            Duration::samples(-1),
            Duration::seconds(1e9),
            Duration::seconds(f64::NAN),
            Duration::seconds(f64::INFINITY),
            Duration::samples(i64::MAX),
        ] {
            assert!(time.resolve(1e-9).is_err(), "{time}");
        }
    }

    #[test]
    fn units_print_as_they_are_written() {
        let text = [
            (Duration::samples(160) - Duration::microseconds(1.5)).to_string(),
            Duration::ZERO.to_string(),
            Duration::milliseconds(2.0).to_string(),
            Frequency::megahertz(-340.0).to_string(),
            Frequency::gigahertz(5.25).to_string(),
        ];
        assert_eq!(text, ["160dt - 1.5us", "0ns", "2ms", "-340MHz", "5.25GHz"]);
    }
}
