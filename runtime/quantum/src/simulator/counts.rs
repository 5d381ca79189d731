//! Counts of measured bitstrings.

use std::collections::BTreeMap;
use std::fmt;

use super::bits;
use crate::{Error, Observable, Result};

/// How often each bitstring was measured. Bit 0 of a key is the first bit of the result.
///
/// ```
/// use ketline_quantum::simulator::Counts;
///
/// let mut counts = Counts::new(2)?;
/// counts.add(0b01, 3);
/// counts.add(0b11, 1);
/// assert_eq!((counts.total(), counts.frequency(0b01)), (4, 0.75));
/// assert_eq!(counts.to_string(), "01: 3, 11: 1");
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    width: usize,
    counts: BTreeMap<u128, u64>,
}

impl Counts {
    /// No counts of strings of `width` bits.
    ///
    /// # Errors
    /// [`Error::TooManyBits`] beyond [`MAX_BITS`](super::MAX_BITS).
    pub fn new(width: usize) -> Result<Self> {
        bits::check(width)?;
        Ok(Self { width, counts: BTreeMap::new() })
    }

    /// Counts `times` more of a bitstring; bits beyond the width are dropped, and a count stays at most `u64::MAX`.
    pub fn add(&mut self, bits: u128, times: u64) {
        if times > 0 {
            let count = self.counts.entry(bits & mask(self.width)).or_default();
            *count = count.saturating_add(times);
        }
    }

    /// Adds the counts of another run.
    ///
    /// # Errors
    /// [`Error::Dimension`] for another width.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if other.width != self.width {
            return Err(Error::Dimension {
                what: "a measured bitstring",
                found: other.width,
                expected: self.width,
            });
        }
        other.counts.iter().for_each(|(bits, times)| self.add(*bits, *times));
        Ok(())
    }

    /// How many bits a string has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many shots there were, at most `u64::MAX`.
    pub fn total(&self) -> u64 {
        self.counts.values().fold(0, |sum, times| sum.saturating_add(*times))
    }

    /// How often a bitstring was measured.
    pub fn count(&self, bits: u128) -> u64 {
        self.counts.get(&bits).copied().unwrap_or(0)
    }

    /// The share of a bitstring; 0 without shots.
    pub fn frequency(&self, bits: u128) -> f64 {
        self.count(bits) as f64 / self.total().max(1) as f64
    }

    /// The bitstrings that were measured and how often, in increasing order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u128, u64)> {
        self.counts.iter().map(|(bits, times)| (*bits, *times))
    }

    /// The bitstrings that were measured and their shares, in increasing order.
    pub fn frequencies(&self) -> impl ExactSizeIterator<Item = (u128, f64)> {
        let total = self.total() as f64;
        self.iter().map(move |(bits, times)| (bits, times as f64 / total))
    }

    /// The bitstrings that were measured, the most frequent first, ties in increasing order.
    pub fn most_common(&self) -> Vec<(u128, u64)> {
        let mut counts: Vec<_> = self.iter().collect();
        counts.sort_by_key(|(bits, times)| (std::cmp::Reverse(*times), *bits));
        counts
    }

    /// The shares of all `2^width` bitstrings.
    ///
    /// # Errors
    /// [`Error::TooManyBits`] beyond 30 bits, [`Error::Memory`].
    pub fn to_probabilities(&self) -> Result<Vec<f64>> {
        bits::check_listed(self.width)?;
        let mut list = vec![0.0; 1 << self.width];
        self.frequencies().for_each(|(bits, share)| list[bits as usize] = share);
        Ok(list)
    }

    /// The mean of a diagonal observable, whose qubit `k` is bit `k` of the strings; 0 without shots.
    ///
    /// # Errors
    /// [`Error::NotDiagonal`]; as [`Observable::real_terms`].
    pub fn expectation(&self, observable: &Observable) -> Result<f64> {
        let mut sum = 0.0;
        for (product, coefficient) in observable.real_terms(self.width)? {
            if !product.is_diagonal() {
                return Err(Error::NotDiagonal { term: product.to_string() });
            }
            let odd = |bits: u128| (bits as u64 & product.z_mask()).count_ones() % 2 == 1;
            let mean: f64 =
                self.frequencies().map(|(bits, share)| if odd(bits) { -share } else { share }).sum();
            sum += coefficient * mean;
        }
        Ok(sum)
    }
}

fn mask(width: usize) -> u128 {
    1_u128.checked_shl(width as u32).map_or(u128::MAX, |bit| bit - 1)
}

impl fmt::Display for Counts {
    /// The bitstrings, the most frequent first; bit 0 is the rightmost.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (bits, times)) in self.most_common().into_iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            write!(f, "{separator}{bits:0width$b}: {times}", width = self.width)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_numbers_and_bitstrings() {
        let mut counts = Counts::new(3).unwrap();
        counts.add(0b110, 2);
        counts.add(0b001, 5);
        counts.add(0b011, 2);
        counts.add(0b111, 0);
        assert_eq!(counts.to_string(), "001: 5, 011: 2, 110: 2");
        let mut many = counts.clone();
        many.add(0b110, u64::MAX);
        assert_eq!((many.count(0b110), many.total()), (u64::MAX, u64::MAX));
        assert_eq!(counts.most_common()[0], (1, 5));
        assert_eq!(counts.to_probabilities().unwrap()[6], 2.0 / 9.0);
        assert_eq!(counts.iter().len(), 3);
        let mut twice = counts.clone();
        twice.merge(&counts).unwrap();
        assert_eq!((twice.total(), twice.count(6)), (18, 4));
        assert!(twice.merge(&Counts::new(2).unwrap()).is_err());
        assert_eq!(Counts::new(2).unwrap().frequency(0), 0.0);
        assert!(matches!(Counts::new(129), Err(Error::TooManyBits { found: 129, limit: 128 })));
        let mut widest = Counts::new(128).unwrap();
        widest.add(u128::MAX, 1);
        assert!(matches!(widest.to_probabilities(), Err(Error::TooManyBits { .. })));
    }

    #[test]
    fn diagonal_observables_have_a_mean() {
        let mut counts = Counts::new(2).unwrap();
        counts.add(0b01, 3);
        counts.add(0b11, 1);
        let (x, z) = (Observable::x, Observable::z);
        let mean = counts.expectation(&(2.0 + z(0) * z(1) - 3.0 * z(1))).unwrap();
        assert_eq!(mean, 2.0 + (-0.75 + 0.25) - 3.0 * 0.5);
        assert_eq!(counts.expectation(&x(1)), Err(Error::NotDiagonal { term: "X(1)".into() }));
        assert!(matches!(counts.expectation(&z(2)), Err(Error::ObservableWidth { .. })));
    }
}
