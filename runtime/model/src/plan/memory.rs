//! Where buffers go: each at the lowest place that is free for its whole life, in the order that loses least.

use super::life::Life;
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

/// Places all buffers: in one order after another, until nothing is lost between them, or else as it is best.
pub(crate) fn place(buffers: Vec<Buffer>, cap: Option<usize>) -> Result<Placed> {
    let live = most_alive(&buffers);
    let mut best = (Vec::new(), usize::MAX);
    for order in [by_size as fn(&Buffer) -> (usize, usize), by_area, by_length] {
        let (offsets, bytes) = offsets(&buffers, order);
        if bytes < best.1 {
            best = (offsets, bytes);
        }
        if best.1 <= live {
            break;
        }
    }
    let (offsets, bytes) = best;
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

fn steps(buffer: &Buffer) -> usize {
    buffer.life.ranges().iter().map(|(from, to)| from.abs_diff(*to) + 1).sum()
}

/// The largest first.
fn by_size(buffer: &Buffer) -> (usize, usize) {
    (buffer.bytes, 0)
}

/// The most bytes times steps first.
fn by_area(buffer: &Buffer) -> (usize, usize) {
    (buffer.bytes.saturating_mul(steps(buffer)), buffer.bytes)
}

/// What lives longest first.
fn by_length(buffer: &Buffer) -> (usize, usize) {
    (steps(buffer), buffer.bytes)
}

/// Offsets of buffers that are placed in an order, each at the lowest place that is free for its whole life, and bytes in all.
fn offsets(buffers: &[Buffer], order: impl Fn(&Buffer) -> (usize, usize)) -> (Vec<usize>, usize) {
    let mut numbers: Vec<_> = (0..buffers.len()).filter(|&k| buffers[k].bytes > 0).collect();
    // what lives for ever first, so that it lies together
    numbers.sort_by_key(|&k| {
        let buffer = &buffers[k];
        (buffer.life.first() >= 0, std::cmp::Reverse(order(buffer)), buffer.life.first(), k)
    });
    let mut offsets = vec![0; buffers.len()];
    let mut placed: Vec<usize> = Vec::new(); // by offset
    let mut bytes = 0;
    for k in numbers {
        let buffer = &buffers[k];
        let size = rounded(buffer);
        let overlap = |&&other: &&usize| buffers[other].life.meets(&buffer.life);
        let mut offset = 0;
        for &other in placed.iter().filter(overlap) {
            if offset + size <= offsets[other] {
                break;
            }
            offset = offset.max(offsets[other] + rounded(&buffers[other]));
        }
        offsets[k] = offset;
        bytes = bytes.max(offset + size);
        let at = placed.partition_point(|&other| offsets[other] <= offset);
        placed.insert(at, k);
    }
    (offsets, bytes)
}

fn most_alive(buffers: &[Buffer]) -> usize {
    let mut changes: Vec<(isize, isize)> = Vec::new();
    for buffer in buffers {
        let bytes = rounded(buffer) as isize;
        for (from, to) in buffer.life.ranges() {
            changes.push((*from, bytes));
            changes.push((to + 1, -bytes));
        }
    }
    // what ends before a step makes room before the step's own buffers count
    changes.sort_unstable();
    let mut sum = 0;
    changes
        .iter()
        .map(|(_, change)| {
            sum += change;
            sum
        })
        .max()
        .unwrap_or(0)
        .unsigned_abs()
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
