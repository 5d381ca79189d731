//! From outcomes to a score.

use crate::circuit::Confusion;
use crate::tomography::{mitigate, nearest_distribution};
use crate::{Error, Result};

use super::MaxCut;

/// How outcomes become the number that is maximised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The share of the best outcomes that counts (conditional value at risk, Barkoutsos et al. 2020); 1 is the mean.
    pub tail: f64,
    /// Whether misread outcomes are undone with the confusion of each qubit, which is what M3 (Nation et al. 2021) does on the
    /// outcomes that were seen.
    pub mitigate: bool,
}

impl Default for Score {
    /// The mean with readout undone.
    fn default() -> Self {
        Self { tail: 1.0, mitigate: true }
    }
}

impl Score {
    /// The score of a distribution of outcomes: the approximation ratio of a graph.
    ///
    /// # Errors
    /// [`Error::Setting`] for a tail that is not above 0 and at most 1; as [`mitigate`].
    pub fn of(self, problem: &MaxCut, frequencies: &[f64], confusion: &[Confusion]) -> Result<f64> {
        if !(self.tail > 0.0 && self.tail <= 1.0) {
            let (name, expected) = ("tail", "a number above 0 and at most 1");
            return Err(Error::Setting { name, found: self.tail, expected });
        }
        let distribution = if self.mitigate {
            nearest_distribution(&mitigate(frequencies, confusion)?)
        } else {
            frequencies.to_vec()
        };
        let mut outcomes: Vec<(f64, f64)> =
            distribution.iter().enumerate().map(|(bits, p)| (problem.ratio(bits), *p)).collect();
        outcomes.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut left, mut sum) = (self.tail, 0.0);
        for (ratio, probability) in outcomes {
            let taken = probability.min(left);
            sum += taken * ratio;
            left -= taken;
            if left <= 0.0 {
                break;
            }
        }
        Ok(sum / (self.tail - left.max(0.0)).max(f64::MIN_POSITIVE))
    }
}
