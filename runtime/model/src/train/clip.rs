//! How far a gradient may reach.

use crate::{Error, Result};

/// The largest norm of a gradient, beyond which it is scaled down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Clip(f64);

impl Clip {
    /// # Errors
    /// [`Error::Setting`] for a norm that none can have.
    pub(crate) fn new(clip: Option<f64>) -> Result<Option<Self>> {
        match clip {
            Some(norm) if !norm.is_finite() || norm <= 0.0 => {
                let found = norm.to_string();
                Err(Error::Setting { name: "clip", found, expected: "a finite norm above 0" })
            }
            clip => Ok(clip.map(Self)),
        }
    }

    /// What a gradient of this norm is multiplied by in step `step`.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub(crate) fn factor(self, norm: f64, step: u64) -> Result<f64> {
        if !norm.is_finite() {
            return Err(Error::NotFinite { what: "the norm of the gradient", value: norm, step });
        }
        Ok((self.0 / (norm + 1e-6)).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_gradients_are_scaled_and_short_ones_are_not() {
        let clip = Clip::new(Some(2.0)).unwrap().unwrap();
        assert!((clip.factor(8.0, 1).unwrap() - 0.25).abs() < 1e-6);
        assert_eq!(clip.factor(1.0, 1), Ok(1.0));
        assert!(matches!(clip.factor(f64::INFINITY, 3), Err(Error::NotFinite { step: 3, .. })));
        assert_eq!(Clip::new(None), Ok(None));
        for bad in [0.0, -1.0, f64::NAN] {
            assert!(matches!(Clip::new(Some(bad)), Err(Error::Setting { name: "clip", .. })));
        }
    }
}
