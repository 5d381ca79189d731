//! How often each sample comes in an epoch.

use std::sync::Arc;

use crate::order::Piece;
use crate::random::Key;
use crate::{Error, Result};

/// How often each sample comes in an epoch. All of them read each chunk once.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Sampler {
    /// Once.
    #[default]
    Once,
    /// As often as draws with replacement bring it: a Poisson number of mean 1, the bootstrap of streams. The length of an
    /// epoch then differs from the number of samples by about its square root.
    WithReplacement,
    /// In proportion to weights, one for each sample of the set: so often as the weight over the mean weight says, and what
    /// is left of that after the point by chance. See [`Sampler::weighted`].
    Weighted(Weights),
}

/// Weights that can be served.
#[derive(Clone, Debug)]
pub struct Weights {
    /// How often each sample comes on average.
    expected: Arc<[f32]>,
    /// The number of each chunk's first sample; filled in when a plan is made.
    firsts: Arc<[u64]>,
}

/// The most often that one sample comes in an epoch.
const MOST: f64 = 1024.0;

impl Sampler {
    /// Weights by the number of the sample; only their ratios matter.
    ///
    /// # Errors
    /// [`Error::Sampler`] if a weight is negative or not finite, if all are zero, or if one sample would come more than 1,024
    /// times in an epoch: it would be alone in its chunk for most of it.
    pub fn weighted(weights: impl IntoIterator<Item = f64>) -> Result<Self> {
        let weights: Vec<f64> = weights.into_iter().collect();
        let fail = |reason: String| Error::Sampler { sampler: "a weighted sampler".into(), reason };
        if let Some(at) = weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
            return Err(fail(format!("weight {at} is {}, expected a finite number >= 0", weights[at])));
        }
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        if mean.is_nan() || mean <= 0.0 {
            return Err(fail("all weights are 0, expected one above".into()));
        }
        if let Some(at) = weights.iter().position(|weight| weight / mean > MOST) {
            let times = weights[at] / mean;
            return Err(fail(format!(
                "sample {at} would come {times:.0} times an epoch, expected at most {MOST}"
            )));
        }
        let expected = weights.iter().map(|weight| (weight / mean) as f32).collect();
        Ok(Self::Weighted(Weights { expected, firsts: Arc::new([]) }))
    }

    /// The sampler for a set whose chunks begin at these samples.
    pub(crate) fn bind(&self, firsts: &[u64]) -> Result<Self> {
        let Self::Weighted(weights) = self else { return Ok(self.clone()) };
        let samples = firsts.last().copied().unwrap_or_default();
        if weights.expected.len() as u64 != samples {
            return Err(Error::Sampler {
                sampler: "a weighted sampler".into(),
                reason: format!(
                    "found {} weights, expected {samples}, one for each sample",
                    weights.expected.len()
                ),
            });
        }
        Ok(Self::Weighted(Weights { expected: Arc::clone(&weights.expected), firsts: firsts.into() }))
    }

    /// What it takes of memory.
    pub(crate) fn memory(&self) -> u64 {
        match self {
            Self::Weighted(weights) => 4 * weights.expected.len() as u64 + 8 * weights.firsts.len() as u64,
            _ => 0,
        }
    }

    /// The most samples that a piece hands out.
    pub(crate) fn most(&self, samples: u32) -> u64 {
        match self {
            Self::Once => u64::from(samples),
            // twelve times the mean does not happen: the chance is below 1e-9
            Self::WithReplacement => 12 * u64::from(samples),
            Self::Weighted(weights) => {
                let largest = weights.expected.iter().copied().fold(0.0, f32::max);
                (f64::from(largest).ceil() as u64 + 1) * u64::from(samples)
            }
        }
    }

    fn times(&self, key: Key, chunk: u32, at: u32) -> u32 {
        let chance = || (key.at(u64::from(at)) >> 11) as f64 / (1_u64 << 53) as f64;
        match self {
            Self::Once => 1,
            Self::WithReplacement => {
                // inversion: the terms of exp(-1) / k!
                let (mut left, mut term, mut k) = (chance(), (-1.0_f64).exp(), 0);
                while left >= term && k < 12 {
                    left -= term;
                    k += 1;
                    term /= f64::from(k);
                }
                k
            }
            Self::Weighted(weights) => {
                let first = weights.firsts.get(chunk as usize).copied().unwrap_or_default();
                let expected =
                    weights.expected.get(first as usize + at as usize).copied().unwrap_or_default();
                let whole = expected.floor();
                whole as u32 + u32::from(chance() < f64::from(expected - whole))
            }
        }
    }

    /// How many samples a piece hands out.
    pub(crate) fn count(&self, key: Key, piece: Piece) -> u32 {
        if matches!(self, Self::Once) {
            return piece.samples;
        }
        (piece.start..piece.start + piece.samples).map(|at| self.times(key, piece.chunk, at)).sum()
    }

    /// The samples that a piece hands out.
    pub(crate) fn draw(&self, key: Key, piece: Piece, out: &mut Vec<u32>) {
        out.clear();
        for at in piece.start..piece.start + piece.samples {
            let times = self.times(key, piece.chunk, at);
            out.extend(std::iter::repeat_n(at, times as usize));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE: Piece = Piece { chunk: 0, start: 0, samples: 10_000 };

    fn counts(sampler: &Sampler) -> Vec<u32> {
        let (key, mut drawn, mut counts) = (Key::new(3), Vec::new(), vec![0; 10_000]);
        sampler.draw(key, PIECE, &mut drawn);
        assert_eq!(sampler.count(key, PIECE) as usize, drawn.len());
        for at in drawn {
            counts[at as usize] += 1;
        }
        counts
    }

    #[test]
    fn draws_with_replacement_are_poisson() {
        let counts = counts(&Sampler::WithReplacement);
        // a share of exp(-1) = 3679 is left out, and of exp(-1) / 2 = 1839 comes twice; five deviations are 241 and 194
        let times = |k| counts.iter().filter(|n| **n == k).count() as f64;
        assert!((times(0) - 3679.0).abs() < 241.0 && (times(2) - 1839.0).abs() < 194.0);
    }

    #[test]
    fn weights_are_proportions() {
        let sampler = Sampler::weighted((0..10_000).map(|at| if at < 5000 { 1.0 } else { 4.0 })).unwrap();
        let counts = counts(&sampler.bind(&[0, 10_000]).unwrap());
        let sums = [&counts[..5000], &counts[5000..]].map(|half| half.iter().sum::<u32>());
        // 0.4 and 1.6 times 5000; five deviations are 173
        assert!(sums[0].abs_diff(2000) < 173 && sums[1].abs_diff(8000) < 173, "{sums:?}");
        assert!(counts[5000..].iter().all(|n| (1..=2).contains(n)));
    }

    #[test]
    fn what_cannot_be_served_is_an_error() {
        for weights in [vec![], vec![0.0; 3], vec![1.0, -1.0], vec![1.0, f64::NAN]] {
            assert!(matches!(Sampler::weighted(weights), Err(Error::Sampler { .. })));
        }
        let mut peak = vec![0.0; 2000];
        peak[7] = 1.0;
        let error = Sampler::weighted(peak).unwrap_err().to_string();
        assert!(error.contains("sample 7 would come 2000 times an epoch"), "{error}");
        let error = Sampler::weighted([1.0, 2.0]).unwrap().bind(&[0, 3]).unwrap_err().to_string();
        assert!(error.contains("found 2 weights, expected 3"), "{error}");
    }
}
