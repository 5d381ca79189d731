//! Which bases to measure in: all of them, a random sample, or a sample that covers the Pauli products
//! evenly.

use rand::{Rng, RngExt};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::Basis;
use super::measurement::check_width;
use crate::Result;

/// All 3^`width` settings, those of full tomography; qubit 0 changes fastest.
///
/// # Errors
/// [`Error::Dimension`](crate::Error::Dimension) if `width` is 0 or above [`MAX_WIDTH`](super::MAX_WIDTH).
pub fn settings(width: usize) -> Result<Vec<Vec<Basis>>> {
    check_width(width)?;
    Ok((0..3_usize.pow(width as u32)).map(|index| setting(index, width)).collect())
}

/// `count` settings drawn independently and uniformly, as classical shadows ask for (Huang, Kueng and
/// Preskill 2020).
///
/// # Errors
/// As [`settings`].
pub fn random_settings(width: usize, count: usize, seed: u64) -> Result<Vec<Vec<Basis>>> {
    check_width(width)?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Ok((0..count).map(|_| (0..width).map(|_| Basis::ALL[rng.random_range(0..3)]).collect()).collect())
}

/// `count` random settings that cover the Pauli products on one and two qubits as evenly as they can: none
/// comes twice before all have come once, and each is the one, of many random ones, whose pairs of bases were
/// measured least.
///
/// Each setting by itself is uniformly distributed, so shadow estimators stay unbiased. Evenness stops at
/// pairs on purpose: sets that are even up to all but one qubit form parity classes, and some of those never
/// measure the products that hold the phase of a GHZ state.
///
/// # Errors
/// As [`settings`].
pub fn balanced_settings(width: usize, count: usize, seed: u64) -> Result<Vec<Vec<Basis>>> {
    check_width(width)?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut chosen = Vec::with_capacity(count);
    let mut coverage = Coverage::new(width);
    let mut left = Vec::new();
    while chosen.len() < count {
        if left.is_empty() {
            left = settings(width)?;
            shuffle(&mut left, &mut rng);
        }
        let tried = left.iter().take(CANDIDATES).map(|basis| coverage.of(basis)).enumerate();
        // The first of equals, which the shuffle has made a random one.
        let best = tried.min_by_key(|&(place, covered)| (covered, place)).map_or(0, |(place, _)| place);
        let basis = left.swap_remove(best);
        coverage.add(&basis);
        chosen.push(basis);
    }
    Ok(chosen)
}

/// Settings that are compared for one choice: all of them up to five qubits.
const CANDIDATES: usize = 512;

/// How often each basis of a qubit, and each pair of bases of two qubits, has been measured.
struct Coverage {
    width: usize,
    singles: Vec<usize>,
    pairs: Vec<usize>,
}

impl Coverage {
    fn new(width: usize) -> Self {
        Self { width, singles: vec![0; 3 * width], pairs: vec![0; 9 * width * width] }
    }

    /// The sum over the products of a setting, pairs weighted by how much rarer they are measured.
    fn of(&self, basis: &[Basis]) -> usize {
        let singles: usize = (0..self.width).map(|q| self.singles[3 * q + basis[q] as usize]).sum();
        singles + 3 * self.pairs_of(basis).map(|place| self.pairs[place]).sum::<usize>()
    }

    fn add(&mut self, basis: &[Basis]) {
        for (qubit, &basis) in basis.iter().enumerate() {
            self.singles[3 * qubit + basis as usize] += 1;
        }
        let places: Vec<usize> = self.pairs_of(basis).collect();
        for place in places {
            self.pairs[place] += 1;
        }
    }

    fn pairs_of(&self, basis: &[Basis]) -> impl Iterator<Item = usize> {
        let width = self.width;
        (0..width).flat_map(move |q| {
            (0..q).map(move |r| 9 * (q * width + r) + 3 * basis[q] as usize + basis[r] as usize)
        })
    }
}

fn setting(index: usize, width: usize) -> Vec<Basis> {
    digits(index, width).map(|digit| Basis::ALL[digit]).collect()
}

fn digits(index: usize, width: usize) -> impl Iterator<Item = usize> {
    (0..width).scan(index, |rest, _| {
        let digit = *rest % 3;
        *rest /= 3;
        Some(digit)
    })
}

/// Fisher-Yates, written out so that the order depends on nothing but the generator.
fn shuffle<T>(items: &mut [T], rng: &mut impl Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, rng.random_range(0..=last));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::Error;

    #[test]
    fn all_settings_are_distinct() {
        let all = settings(3).unwrap();
        assert_eq!(all.len(), 27);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 27);
        assert_eq!(all[1], [Basis::Y, Basis::X, Basis::X]);
        assert!(matches!(settings(0), Err(Error::Dimension { .. })));
        assert!(matches!(settings(99), Err(Error::Dimension { found: 99, .. })));
    }

    #[test]
    fn pairs_of_bases_are_covered_evenly() {
        for width in 2..=5 {
            let chosen = balanced_settings(width, 3_usize.pow(width as u32 - 1), 4).unwrap();
            let mean = chosen.len() / 9;
            for q in 0..width {
                for r in 0..q {
                    let mut seen: BTreeMap<[Basis; 2], usize> = BTreeMap::new();
                    for setting in &chosen {
                        *seen.entry([setting[q], setting[r]]).or_default() += 1;
                    }
                    assert!(mean == 0 || seen.len() == 9);
                    assert!(seen.values().all(|&times| times.abs_diff(mean) <= 1), "{width}: {seen:?}");
                }
            }
        }
    }

    #[test]
    fn balanced_settings_repeat_only_when_all_are_used() {
        let chosen = balanced_settings(3, 60, 1).unwrap();
        assert_eq!(chosen.len(), 60);
        for block in [&chosen[..27], &chosen[27..54]] {
            assert_eq!(block.iter().collect::<BTreeSet<_>>().len(), 27);
        }
    }

    #[test]
    fn every_setting_is_equally_likely_to_be_chosen() {
        let mut times = BTreeMap::new();
        for seed in 0..2700 {
            for setting in balanced_settings(2, 2, seed).unwrap() {
                *times.entry(setting).or_insert(0) += 1;
            }
        }
        assert_eq!(times.len(), 9);
        assert!(times.values().all(|times| (500..700).contains(times)), "{times:?}");
    }

    #[test]
    fn seeds_decide() {
        assert_eq!(random_settings(4, 20, 7).unwrap(), random_settings(4, 20, 7).unwrap());
        assert_ne!(random_settings(4, 20, 7).unwrap(), random_settings(4, 20, 8).unwrap());
        assert_eq!(balanced_settings(4, 20, 7).unwrap(), balanced_settings(4, 20, 7).unwrap());
        assert_ne!(balanced_settings(4, 20, 7).unwrap(), balanced_settings(4, 20, 8).unwrap());
    }
}
