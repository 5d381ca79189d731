//! What stages say at the end of a step, so that all decide alike.

/// What a stage tells the others at the end of a step: its losses' sum, its gradient's squares, what went wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Word {
    pub(super) loss: f64,
    pub(super) squares: f64,
    /// Number of the first micro-batch whose loss is not finite, and that loss.
    pub(super) bad: Option<(u64, f64)>,
}

impl Word {
    pub(super) const BYTES: usize = 32;

    pub(super) fn bytes(self) -> [u8; Self::BYTES] {
        let (micro_batch, value) = self.bad.unwrap_or((u64::MAX, 0.0));
        let mut bytes = [0; Self::BYTES];
        let words = [self.loss.to_bits(), self.squares.to_bits(), micro_batch, value.to_bits()];
        for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    pub(super) fn of(bytes: [u8; Self::BYTES]) -> Self {
        let word = |k: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[8 * k + i]));
        let bad = (word(2) != u64::MAX).then(|| (word(2), f64::from_bits(word(3))));
        Self { loss: f64::from_bits(word(0)), squares: f64::from_bits(word(1)), bad }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_arrive_as_they_were_said() {
        for bad in [None, Some((3, f64::INFINITY))] {
            let said = Word { loss: -1.5, squares: 1e-300, bad };
            assert_eq!(Word::of(said.bytes()), said);
        }
    }
}
