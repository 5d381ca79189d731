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
pub(crate) fn place(buffers: Vec<Buffer>, cap: Option<usize>) -> Result<Placed> {
    let blocks: Vec<_> =
        buffers.iter().map(|buffer| Block { bytes: rounded(buffer), life: &buffer.life }).collect();
    let Packed { offsets, bytes, live } = pack(&blocks);
    if let Some(cap) = cap.filter(|&cap| bytes > cap) {
        let end = |k: &usize| offsets[*k] + rounded(&buffers[*k]);
        if let Some(buffer) = (0..buffers.len()).max_by_key(end).map(|k| &buffers[k]) {
            return Err(Error::DoesNotFit {
                stage: buffer.stage.clone(),
                tensor: buffer.name.clone(),
                bytes: buffer.bytes,
                needed: bytes,
                cap,
            });
        }
    }
    let buffers = buffers
        .into_iter()
        .zip(offsets)
        .map(|(b, offset)| Placement { name: b.name, stage: b.stage, offset, bytes: b.bytes, life: b.life })
        .collect();
    Ok(Placed { buffers, bytes, live })
}

fn rounded(buffer: &Buffer) -> usize {
    buffer.bytes.next_multiple_of(ALIGN)
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
            let placed = place(buffers.collect(), None).unwrap();
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
        let error = place(buffers, Some(1000)).map(|placed| placed.bytes).unwrap_err();
        let message = "stage `encoder`: `h` of 1000 bytes does not fit: 1152 bytes needed, 1000 allowed";
        assert_eq!(error.to_string(), message);
    }
}
