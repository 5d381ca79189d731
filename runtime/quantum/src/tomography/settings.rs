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

/// `count` random settings that cover the Pauli products evenly: no setting comes twice before all have come
/// once, and those of one parity class come first.
///
/// A parity class is an orthogonal array of strength `width - 1`: its 3^(`width` - 1) settings measure each
/// product on fewer than all qubits equally often, as full tomography does, and leave out only two thirds of
/// the products on all qubits. Each setting by itself is uniformly distributed, so shadow estimators stay
/// unbiased.
///
/// # Errors
/// As [`settings`].
pub fn balanced_settings(width: usize, count: usize, seed: u64) -> Result<Vec<Vec<Basis>>> {
    check_width(width)?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let total = 3_usize.pow(width as u32);
    let mut chosen = Vec::with_capacity(count);
    while chosen.len() < count {
        // The sign of each digit and the first class are random; all classes follow each other.
        let signs: Vec<usize> = (0..width).map(|_| rng.random_range(1..3)).collect();
        let first = rng.random_range(0..3);
        let mut classes: [Vec<usize>; 3] = Default::default();
        for index in 0..total {
            let parity: usize = digits(index, width).zip(&signs).map(|(digit, sign)| digit * sign).sum();
            classes[(parity + first) % 3].push(index);
        }
        for class in &mut classes {
            shuffle(class, &mut rng);
            let wanted = class.len().min(count - chosen.len());
            chosen.extend(class[..wanted].iter().map(|&index| setting(index, width)));
        }
    }
    Ok(chosen)
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
fn shuffle(items: &mut [usize], rng: &mut impl Rng) {
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
    fn a_parity_class_covers_every_smaller_product_equally() {
        for width in 2..=5 {
            let chosen = balanced_settings(width, 3_usize.pow(width as u32 - 1), 4).unwrap();
            for left_out in 0..width {
                let mut seen = BTreeMap::new();
                for mut setting in chosen.clone() {
                    setting.remove(left_out);
                    *seen.entry(setting).or_insert(0) += 1;
                }
                assert_eq!(seen.len(), 3_usize.pow(width as u32 - 1));
                assert!(seen.values().all(|&times| times == 1));
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
