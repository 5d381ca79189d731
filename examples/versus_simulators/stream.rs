//! The uniform numbers of numpy's `default_rng(seed).uniform(low, high)`, bit by bit: those that the workloads are defined
//! with.
//!
//! The generator is PCG64 (O'Neill 2014), seeded by numpy's `SeedSequence` (after O'Neill's `seed_seq_fe128`).

const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

/// A stream of pseudo-random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    state: u128,
    increment: u128,
}

impl Stream {
    pub(crate) fn new(seed: u32) -> Self {
        let words = SeedSequence::new(seed).words();
        let long = |high: u64, low: u64| u128::from(high) << 64 | u128::from(low);
        let mut stream = Self { state: 0, increment: long(words[2], words[3]) << 1 | 1 };
        stream.step();
        stream.state = stream.state.wrapping_add(long(words[0], words[1]));
        stream.step();
        stream
    }

    /// The next number from `low` to `high`.
    pub(crate) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        self.step();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        let bits = folded.rotate_right((self.state >> 122) as u32);
        low + (high - low) * ((bits >> 11) as f64 / (1_u64 << 53) as f64)
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
    }
}

/// Spreads a seed over the words that a generator starts from.
struct SeedSequence {
    pool: [u32; 4],
}

impl SeedSequence {
    fn new(seed: u32) -> Self {
        let mut multiplier = 0x43b0_d7e5_u32;
        let mut hash = |value: u32| {
            let value = value ^ multiplier;
            multiplier = multiplier.wrapping_mul(0x931e_8875);
            let value = value.wrapping_mul(multiplier);
            value ^ value >> 16
        };
        let mut pool = [seed, 0, 0, 0].map(&mut hash);
        for from in 0..4 {
            for to in (0..4).filter(|to| *to != from) {
                let value = pool[to]
                    .wrapping_mul(0xca01_f9dd)
                    .wrapping_sub(hash(pool[from]).wrapping_mul(0x4973_f715));
                pool[to] = value ^ value >> 16;
            }
        }
        Self { pool }
    }

    fn words(&self) -> [u64; 4] {
        let mut multiplier = 0x8b51_f9dd_u32;
        let mut half = |place: usize| {
            let value = self.pool[place % 4] ^ multiplier;
            multiplier = multiplier.wrapping_mul(0x58f3_8ded);
            let value = value.wrapping_mul(multiplier);
            u64::from(value ^ value >> 16)
        };
        // the low half is drawn first
        [0, 2, 4, 6].map(|place| half(place) | half(place + 1) << 32)
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// Printed by numpy 2.4: `default_rng(seed).uniform(0, 2 pi, count)[-1]`.
    #[test]
    fn numbers_are_those_of_numpy() {
        let last = |seed, count| {
            let mut stream = Stream::new(seed);
            (0..count).map(|_| stream.uniform(0.0, TAU)).last()
        };
        assert_eq!(last(1, 1), Some(3.215_870_112_213_437_4));
        assert_eq!(last(1, 3), Some(0.905_781_560_528_702_1));
        assert_eq!(last(21, 750), Some(2.391_793_478_401_605));
        assert_eq!(last(11, 30_000), Some(1.357_008_179_795_130_6));
    }
}
