//! States to prepare.

use std::f64::consts::TAU;

use crate::{C64, Error, Result};

/// How far the norm of a target may be from 1.
const NORM_TOLERANCE: f64 = 1e-6;

/// Qubits of the largest target: tomography of more is out of reach.
const MAX_WIDTH: usize = 10;

/// A normalised pure state of `n` qubits, `2^n` amplitudes; qubit 0 is the least significant bit of an index.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetState {
    name: String,
    amplitudes: Vec<C64>,
}

impl TargetState {
    /// A target from its amplitudes.
    ///
    /// # Errors
    /// [`Error::TargetShape`] where the length is no power of two from 2 to 1024, [`Error::NotNormalised`] where the norm
    /// is not 1 within 1e-6 (a NaN is never normal).
    pub fn new(name: impl Into<String>, amplitudes: impl Into<Vec<C64>>) -> Result<Self> {
        let (name, mut amplitudes) = (name.into(), amplitudes.into());
        let found = amplitudes.len();
        if !found.is_power_of_two() || !(2..=1 << MAX_WIDTH).contains(&found) {
            return Err(Error::TargetShape { name, found, limit: 1 << MAX_WIDTH });
        }
        let norm = amplitudes.iter().map(C64::norm_sqr).sum::<f64>().sqrt();
        // NaN compares false, so the test is for what is wanted
        if (norm - 1.0).abs() <= NORM_TOLERANCE {
            for amplitude in &mut amplitudes {
                *amplitude /= norm;
            }
            Ok(Self { name, amplitudes })
        } else {
            Err(Error::NotNormalised { name, norm })
        }
    }

    /// `(|0..0> + |1..1>) / sqrt 2`.
    ///
    /// # Errors
    /// [`Error::TargetShape`] for a width that is not 1 to 10; so for all named states.
    pub fn ghz(width: usize) -> Result<Self> {
        Self::from_weights("ghz", width, |k, last| C64::from(f64::from(k == 0 || k == last)))
    }

    /// The equal sum of all basis states with a single 1.
    #[allow(missing_docs)]
    pub fn w(width: usize) -> Result<Self> {
        Self::from_weights("w", width, |k, _| C64::from(f64::from(k.is_power_of_two())))
    }

    /// The quantum Fourier transform of the basis state `|basis>`: equal weights, phases `2 pi k basis / 2^n`.
    #[allow(missing_docs)]
    pub fn fourier(width: usize, basis: usize) -> Result<Self> {
        Self::from_weights("fourier", width, |k, last| {
            C64::from_polar(1.0, TAU * ((k * basis) % (last + 1)) as f64 / (last + 1) as f64)
        })
    }

    /// Amplitudes whose squares are a Gaussian over `0..2^n`, centred, with a standard deviation of `2^n / 6`: the load of
    /// amplitude-encoded distributions.
    #[allow(missing_docs)]
    pub fn gaussian(width: usize) -> Result<Self> {
        Self::from_weights("gaussian", width, |k, last| {
            let z = (k as f64 - last as f64 / 2.0) / ((last + 1) as f64 / 6.0);
            C64::from((-z * z / 4.0).exp())
        })
    }

    /// A target by the name of one of the constructors above: `ghz`, `w`, `fourier` (of the basis state 5 mod 2^n) or
    /// `gaussian`.
    ///
    /// # Errors
    /// [`Error::UnknownTarget`], [`Error::TargetShape`].
    pub fn named(name: &str, width: usize) -> Result<Self> {
        match name {
            "ghz" => Self::ghz(width),
            "w" => Self::w(width),
            "fourier" => Self::fourier(width, 5 % (1 << width.min(MAX_WIDTH))),
            "gaussian" => Self::gaussian(width),
            _ => Err(Error::UnknownTarget { name: name.to_owned(), known: Self::NAMES.join(", ") }),
        }
    }

    /// The names that [`TargetState::named`] knows.
    pub const NAMES: [&'static str; 4] = ["ghz", "w", "fourier", "gaussian"];

    fn from_weights(name: &str, width: usize, weight: impl Fn(usize, usize) -> C64) -> Result<Self> {
        if !(1..=MAX_WIDTH).contains(&width) {
            let found = 1_usize.checked_shl(width as u32).unwrap_or(usize::MAX);
            return Err(Error::TargetShape { name: name.to_owned(), found, limit: 1 << MAX_WIDTH });
        }
        let last = (1 << width) - 1;
        let mut amplitudes: Vec<_> = (0..=last).map(|k| weight(k, last)).collect();
        let norm = amplitudes.iter().map(C64::norm_sqr).sum::<f64>().sqrt();
        for amplitude in &mut amplitudes {
            *amplitude /= norm;
        }
        Self::new(name, amplitudes)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many qubits the state has.
    pub fn width(&self) -> usize {
        self.amplitudes.len().trailing_zeros() as usize
    }

    /// The amplitudes.
    pub fn amplitudes(&self) -> &[C64] {
        &self.amplitudes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_targets_are_normalised() {
        for name in TargetState::NAMES {
            for width in 1..=5 {
                let target = TargetState::named(name, width).unwrap();
                let norm: f64 = target.amplitudes().iter().map(C64::norm_sqr).sum();
                assert!((norm - 1.0).abs() < 1e-14 && target.width() == width, "{name}");
            }
        }
        assert_eq!(TargetState::w(3).unwrap().amplitudes()[4], C64::from(1.0 / 3f64.sqrt()));
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let half = vec![C64::from(0.5); 2];
        assert!(matches!(TargetState::new("half", half), Err(Error::NotNormalised { .. })));
        let nan = vec![C64::from(f64::NAN), C64::from(0.0)];
        assert!(matches!(TargetState::new("nan", nan), Err(Error::NotNormalised { .. })));
        assert!(matches!(
            TargetState::new("three", vec![C64::from(1.0); 3]),
            Err(Error::TargetShape { found: 3, .. })
        ));
        assert!(matches!(TargetState::ghz(0), Err(Error::TargetShape { .. })));
        assert!(matches!(TargetState::ghz(64), Err(Error::TargetShape { .. })));
        assert!(matches!(TargetState::named("cat", 3), Err(Error::UnknownTarget { .. })));
    }
}
