//! Text as token ids: a byte-level vocabulary, and crops of a long text as batches.

use crate::{Error, Result};

/// A vocabulary of the bytes that occur in a text, in order of their values.
///
/// ```
/// use ketline_model::text::Vocabulary;
///
/// let vocabulary = Vocabulary::of(b"to be or not to be");
/// let ids = vocabulary.encode(b"note")?;
/// assert_eq!(vocabulary.decode(&ids), b"note");
/// assert!(vocabulary.encode(b"king").is_err());
/// # Ok::<(), ketline_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    bytes: Vec<u8>,
}

impl Vocabulary {
    /// The bytes of a text.
    pub fn of(text: &[u8]) -> Self {
        let mut seen = [false; 256];
        for &byte in text {
            seen[usize::from(byte)] = true;
        }
        Self { bytes: (0..=255).filter(|&byte| seen[usize::from(byte)]).collect() }
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Ids of a text's bytes.
    ///
    /// # Errors
    /// [`Error::Token`] with the first byte that is not in the vocabulary.
    pub fn encode(&self, text: &[u8]) -> Result<Vec<i32>> {
        let id = |(position, byte): (usize, &u8)| match self.bytes.binary_search(byte) {
            Ok(id) => Ok(id as i32),
            Err(_) => Err(Error::Token { byte: *byte, position, vocabulary: self.len() }),
        };
        text.iter().enumerate().map(id).collect()
    }

    /// Bytes of ids; ids that name none are left out.
    pub fn decode(&self, ids: &[i32]) -> Vec<u8> {
        ids.iter().filter_map(|&id| self.bytes.get(usize::try_from(id).ok()?).copied()).collect()
    }
}

/// Token ids of a text, from which batches of crops are drawn: inputs, and as targets the tokens that follow them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corpus {
    ids: Vec<i32>,
    length: usize,
}

impl Corpus {
    /// A corpus for crops of `length` tokens.
    ///
    /// # Errors
    /// [`Error::Values`] for a text without a whole crop.
    pub fn new(ids: Vec<i32>, length: usize) -> Result<Self> {
        if ids.len() <= length || length == 0 {
            return Err(Error::Values { found: ids.len(), shape: vec![length], expected: length + 1 });
        }
        Ok(Self { ids, length })
    }

    /// What is learnt of a text, and its end, a tenth or at least one batch, that is held back to judge by.
    ///
    /// # Errors
    /// [`Error::Values`] for a text that is too short for both.
    pub fn split(ids: &[i32], length: usize, batch: usize) -> Result<(Self, Self)> {
        let held = (ids.len() / 10).max(batch.saturating_mul(length).saturating_add(1));
        let Some(kept) = ids.len().checked_sub(held).filter(|kept| *kept > length) else {
            let expected = held.saturating_add(length).saturating_add(1);
            return Err(Error::Values { found: ids.len(), shape: vec![batch, length], expected });
        };
        let (learnt, held) = ids.split_at(kept);
        Ok((Self::new(learnt.to_vec(), length)?, Self::new(held.to_vec(), length)?))
    }

    fn crop(&self, start: usize, ids: &mut Vec<i32>, targets: &mut Vec<i32>) {
        ids.extend(&self.ids[start..start + self.length]);
        targets.extend(&self.ids[start + 1..=start + self.length]);
    }

    /// Batch number `step` of a training with this seed: the same whenever it is drawn.
    pub fn random(&self, batch: usize, seed: u64, step: u64) -> (Vec<i32>, Vec<i32>) {
        let (mut ids, mut targets) = (Vec::new(), Vec::new());
        let places = (self.ids.len() - self.length) as u64;
        for k in 0..batch as u64 {
            let mut z =
                seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ k.wrapping_mul(0xd1b5_4a32_d192_ed03);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            self.crop(((z ^ (z >> 31)) % places) as usize, &mut ids, &mut targets);
        }
        (ids, targets)
    }

    /// At most so many batches of consecutive crops that do not overlap, for validation.
    pub fn consecutive(&self, batch: usize, most: usize) -> Vec<(Vec<i32>, Vec<i32>)> {
        let crops = (self.ids.len() - 1) / self.length;
        (0..crops / batch)
            .take(most)
            .map(|k| {
                let (mut ids, mut targets) = (Vec::new(), Vec::new());
                (0..batch).for_each(|i| self.crop((k * batch + i) * self.length, &mut ids, &mut targets));
                (ids, targets)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_follow_inputs() {
        let corpus = Corpus::new((0..50).collect(), 8).unwrap();
        let (ids, targets) = corpus.random(3, 7, 2);
        assert_eq!((ids.len(), corpus.random(3, 7, 2).0 == ids), (24, true));
        assert!(ids.iter().zip(&targets).all(|(a, b)| a + 1 == *b));
        assert_ne!(corpus.random(3, 7, 3).0, ids);
        let batches = corpus.consecutive(2, 10);
        assert_eq!(batches.len(), 3);
        assert_eq!(batches[1].0[8], 24);
        let (learnt, held) = Corpus::split(&(0..50).collect::<Vec<_>>(), 8, 3).unwrap();
        assert_eq!((learnt.ids.len(), held.ids[0], held.consecutive(3, 10).len()), (25, 25, 1));
        assert!(Corpus::split(&(0..33).collect::<Vec<_>>(), 8, 3).is_err());
        assert!(Corpus::new(vec![1, 2], 2).is_err() && Corpus::new(vec![1, 2], 0).is_err());
    }
}
