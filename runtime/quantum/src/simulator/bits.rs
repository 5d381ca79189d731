//! Classical bits: which of them go where.

use crate::{Error, Result};

/// Most classical bits that a simulator keeps, and a count can hold.
pub const MAX_BITS: usize = 128;

/// Most bits of a result that is written as a list of all probabilities.
const MAX_LISTED: usize = 30;

/// Gathers bits of an index at other places, a byte at a time.
#[derive(Debug, Clone)]
pub(crate) struct BitMap {
    bytes: Vec<[usize; 256]>,
}

impl BitMap {
    /// The map that puts bit `from[k]` at place `k`.
    pub(crate) fn gather(from: &[usize]) -> Self {
        Self::new(&from.iter().enumerate().map(|(to, from)| (*from, to)).collect::<Vec<_>>())
    }

    /// The map that puts bit `from` at place `to` for each pair `(from, to)`; a bit may go to several places.
    pub(crate) fn new(pairs: &[(usize, usize)]) -> Self {
        let len = pairs.iter().map(|(from, _)| from / 8 + 1).max().unwrap_or(0);
        let mut bytes = vec![[0; 256]; len];
        for (from, to) in pairs {
            for (value, mapped) in bytes[from / 8].iter_mut().enumerate() {
                *mapped |= (value >> (from % 8) & 1) << to;
            }
        }
        Self { bytes }
    }

    pub(crate) fn map(&self, index: usize) -> usize {
        self.bytes.iter().enumerate().fold(0, |sum, (at, table)| sum | table[index >> (8 * at) & 255])
    }
}

/// Refuses more bits than a simulator keeps.
pub(crate) fn check(bits: usize) -> Result<()> {
    if bits <= MAX_BITS { Ok(()) } else { Err(Error::TooManyBits { found: bits, limit: MAX_BITS }) }
}

/// Refuses to list the probabilities of so many bits.
pub(crate) fn check_listed(bits: usize) -> Result<()> {
    if bits > MAX_LISTED {
        return Err(Error::TooManyBits { found: bits, limit: MAX_LISTED });
    }
    super::memory::check(bits, 8 << bits)
}
