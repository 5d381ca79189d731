//! Counts of measured bitstrings.

use std::fmt;

use super::bits;
use crate::{Error, Observable, Result};

mod table;

use table::Table;

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
#[derive(Debug, Clone)]
pub struct Counts {
    width: usize,
    table: Table,
}

impl Counts {
    /// No counts of strings of `width` bits.
    ///
    /// # Errors
    /// [`Error::TooManyBits`] beyond [`MAX_BITS`](super::MAX_BITS).
    pub fn new(width: usize) -> Result<Self> {
        bits::check(width)?;
        Ok(Self { width, table: Table::new() })
    }

    /// The counts of different bitstrings in increasing order, none of them zero.
    pub(super) fn from_sorted(width: usize, list: Vec<(u32, u32)>) -> Result<Self> {
        bits::check(width)?;
        Ok(Self { width, table: Table::from_sorted(list) })
    }

    /// Counts `times` more of a bitstring; bits beyond the width are dropped, and a count stays at most `u64::MAX`.
    pub fn add(&mut self, bits: u128, times: u64) {
        if times > 0 {
            self.table.add(bits & mask(self.width), times);
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
        self.table.merge(&other.table);
        Ok(())
    }

    /// How many bits a string has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many shots there were, at most `u64::MAX`.
    pub fn total(&self) -> u64 {
        self.iter().fold(0, |sum, (_, times)| sum.saturating_add(times))
    }

    /// How often a bitstring was measured.
    pub fn count(&self, bits: u128) -> u64 {
        self.table.count(bits)
    }

    /// The share of a bitstring; 0 without shots.
    pub fn frequency(&self, bits: u128) -> f64 {
        self.count(bits) as f64 / self.total().max(1) as f64
    }

    /// The bitstrings that were measured and how often, in increasing order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u128, u64)> {
        self.table.iter()
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

impl PartialEq for Counts {
    fn eq(&self, other: &Self) -> bool {
        self.width == other.width && self.iter().eq(other.iter())
    }
}

impl Eq for Counts {}

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

    /// Whatever the order in which bitstrings come, the counts are those of a map.
    #[test]
    fn counts_are_sorted_in_any_order() {
        use rand::RngExt;
        use rand_chacha::ChaCha8Rng;
        use rand_chacha::rand_core::SeedableRng;

        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for (width, wide) in [(3, 0), (20, 0), (40, 0), (100, 0), (20, 1 << 40)] {
            let (mut sum, mut expected) = (Counts::new(width).unwrap(), std::collections::BTreeMap::new());
            for size in [1, 3, 700, 40, 5000, 2, 0, 600] {
                let mut part = Counts::new(width).unwrap();
                for _ in 0..size {
                    let (bits, times) = (rng.random::<u128>() & mask(width), rng.random_range(1..3) + wide);
                    part.add(bits, times);
                    *expected.entry(bits).or_insert(0) += times;
                }
                sum.merge(&part).unwrap();
                assert!(sum.iter().eq(expected.iter().map(|(bits, times)| (*bits, *times))));
                assert_eq!(sum.iter().len(), expected.len());
            }
            assert!(expected.iter().all(|(bits, times)| sum.count(*bits) == *times));
            assert_eq!(sum.total(), expected.values().sum::<u64>());
            let again: Counts = sum.iter().fold(Counts::new(width).unwrap(), |mut counts, (bits, times)| {
                counts.add(bits, times);
                counts
            });
            assert_eq!(again, sum);
        }
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
