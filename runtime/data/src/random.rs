//! Numbers that are a function of a key and a place: nothing is drawn in turn, so any place can be looked at.
//!
//! This is `SplitMix64` (Steele, Lea, Flood 2014): its nth number is a hash of `key + n * gamma`.

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A key of its own stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u64);

impl Key {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x6b65_746c_696e_6500))
    }

    /// The key of a part of what this one is for.
    pub(crate) fn part(self, number: u64) -> Self {
        Self(mix(self.0 ^ mix(number.wrapping_add(GAMMA))))
    }

    /// The number at a place, all 64 bits of it.
    pub(crate) fn at(self, place: u64) -> u64 {
        mix(self.0.wrapping_add(place.wrapping_mul(GAMMA)))
    }

    /// A number below `end` at a place.
    pub(crate) fn below(self, place: u64, end: u64) -> u64 {
        // The bias is below end / 2^64.
        ((u128::from(self.at(place)) * u128::from(end)) >> 64) as u64
    }

    /// Puts a list into random order, by the rule of Fisher and Yates.
    pub(crate) fn shuffle<T>(self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at as u64, at as u64 + 1) as usize);
        }
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_equally_likely() {
        let mut counts = std::collections::HashMap::new();
        for seed in 0..24_000 {
            let mut list = [0, 1, 2, 3];
            Key::new(seed).shuffle(&mut list);
            *counts.entry(list).or_insert(0_i32) += 1;
        }
        // 24 orders, 1000 times each: five standard deviations are 155
        assert_eq!(counts.len(), 24);
        assert!(counts.values().all(|count| (count - 1000).abs() < 155), "{counts:?}");
    }

    #[test]
    fn parts_differ() {
        let key = Key::new(1);
        assert_ne!(key.part(0).at(0), key.part(1).at(0));
        assert_ne!(key.at(0), Key::new(2).at(0));
        assert!((0..1000).all(|place| key.below(place, 7) < 7));
    }
}
