//! Where the buffers of a plan lie in its arena.

use super::life::Life;
use super::packing::{Block, Packed, pack};
use crate::{Error, Result};

/// Every buffer begins at a multiple of this, so that vectors never straddle lines.
pub(super) const ALIGN: usize = 64;

/// A buffer without a place.
#[derive(Debug, Clone)]
pub(crate) struct Buffer {
    name: String,
    stage: String,
    bytes: usize,
    life: Life,
}

impl Buffer {
    pub(crate) fn new(name: &str, stage: &str, bytes: usize, life: Life) -> Self {
        Self { name: name.into(), stage: stage.into(), bytes, life }
    }
}

/// A piece of the arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// What it is for.
    pub name: String,
    /// The stage that writes it, or `all`.
    pub stage: String,
    /// Where it begins.
    pub offset: usize,
    /// How long it is.
    pub bytes: usize,
    /// When it is in use.
    pub life: Life,
}

pub(crate) struct Placed {
    pub(crate) buffers: Vec<Placement>,
    pub(crate) bytes: usize,
    pub(crate) live: usize,
}

/// Places all buffers.
pub(crate) fn place(buffers: Vec<Buffer>) -> Placed {
    let blocks: Vec<_> =
        buffers.iter().map(|buffer| Block { bytes: rounded(buffer.bytes), life: &buffer.life }).collect();
    let Packed { offsets, bytes, live } = pack(&blocks);
    let buffers = buffers
        .into_iter()
        .zip(offsets)
        .map(|(b, offset)| Placement { name: b.name, stage: b.stage, offset, bytes: b.bytes, life: b.life })
        .collect();
    Placed { buffers, bytes, live }
}

impl Placed {
    /// # Errors
    /// [`Error::DoesNotFit`] with the buffer that ends last, if that is beyond the cap.
    pub(crate) fn within(&self, cap: Option<usize>) -> Result<()> {
        let Some(cap) = cap.filter(|&cap| self.bytes > cap) else { return Ok(()) };
        let last = self.buffers.iter().max_by_key(|buffer| buffer.offset + rounded(buffer.bytes));
        let Some(Placement { name, stage, bytes, .. }) = last else { return Ok(()) };
        let (stage, tensor) = (stage.clone(), name.clone());
        Err(Error::DoesNotFit { stage, tensor, bytes: *bytes, needed: self.bytes, cap })
    }
}

fn rounded(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn buffers_that_live_together_lie_apart(
            lives in prop::collection::vec((0_isize..20, 0_isize..6, 0_usize..5000), 1..60),
        ) {
            let buffers = lives.iter().map(|&(from, length, bytes)| {
                let again = Life::new(from + 9, from + 9 + length / 2);
                let life = Life::new(from, from + length);
                Buffer::new("b", "s", bytes, if bytes % 3 == 0 { life.with(&again) } else { life })
            });
            let placed = place(buffers.collect());
            prop_assert!(placed.bytes >= placed.live);
            for (i, a) in placed.buffers.iter().enumerate() {
                prop_assert!(a.offset % ALIGN == 0 && a.offset + a.bytes <= placed.bytes);
                for b in &placed.buffers[..i] {
                    let together = a.life.meets(&b.life);
                    let apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
                    prop_assert!(!together || apart || a.bytes == 0 || b.bytes == 0);
                }
            }
        }
    }

    #[test]
    fn a_cap_names_what_does_not_fit() {
        let buffers = vec![
            Buffer::new("w", "all", 100, Life::new(-1, 9)),
            Buffer::new("h", "encoder", 1000, Life::new(0, 3)),
        ];
        let error = place(buffers).within(Some(1000)).unwrap_err();
        let message = "stage `encoder`: `h` of 1000 bytes does not fit: 1152 bytes needed, 1000 allowed";
        assert_eq!(error.to_string(), message);
    }
}
