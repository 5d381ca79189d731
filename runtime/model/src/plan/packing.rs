//! Packs blocks of memory: each at an offset of its own for as long as it is in use, with little lost between them.

use std::ops::Range;

use super::life::Life;

/// Tries in a row without success, after which weights of another kind are tried, or the best so far is taken.
const TRIES: usize = 100;

/// Pairs of blocks that are looked at in as many tries, at most: part of a second's work.
const PAIRS: usize = 1 << 28;

/// What may be lost: one byte in so many.
const LOSS: usize = 1024;

/// By how much a block's weight grows when it was left over.
const BLAME: f64 = 1.2;

/// Memory without a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) bytes: usize,
    pub(super) life: &'a Life,
}

/// Where blocks lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) offsets: Vec<usize>,
    /// The end of the highest.
    pub(super) bytes: usize,
    /// The most that is in use at once: no packing has fewer bytes.
    pub(super) live: usize,
}

/// Places all blocks.
///
/// First fit gives a packing; then others are looked for that lie under ever lower caps. These are made from the lowest offset up,
/// and know how much may still be lost in each section of time; what was left over has more weight in the next try.
pub(super) fn pack(blocks: &[Block<'_>]) -> Packed {
    let mut packing = Packing::new(blocks);
    let live = packing.alive.iter().copied().max().unwrap_or(0);
    let (mut offsets, mut bytes) = packing.first_fit();
    let count = packing.blocks.len().max(1);
    let tries = (PAIRS / count.saturating_mul(count)).min(TRIES);
    for measure in [Piece::steps as fn(&Piece) -> f64, Piece::area, Piece::height] {
        packing.blocks.iter_mut().for_each(|block| block.weight = measure(block));
        let mut left = tries;
        while left > 0 && bytes - live > live / LOSS {
            left -= 1;
            let loss = bytes - live;
            let cap = if loss > live / (LOSS / 4) { live + loss - loss / 4 } else { live };
            if let Some(found) = packing.fill(cap) {
                bytes = packing.end(&found);
                (offsets, left) = (found, tries);
            }
        }
    }
    let mut all = vec![0; blocks.len()];
    for (block, offset) in packing.blocks.iter().zip(offsets) {
        all[block.number] = offset;
    }
    Packed { offsets: all, bytes, live }
}

/// A block in sections of time, within each of which the same blocks are in use.
#[derive(Debug)]
struct Piece {
    number: usize,
    bytes: usize,
    sections: Vec<Range<usize>>,
    steps: usize,
    weight: f64,
}

impl Piece {
    fn steps(&self) -> f64 {
        self.steps as f64
    }

    fn height(&self) -> f64 {
        self.bytes as f64
    }

    fn area(&self) -> f64 {
        self.steps() * self.height()
    }

    fn meets(&self, other: &Self) -> bool {
        self.sections.iter().any(|a| other.sections.iter().any(|b| a.start < b.end && b.start < a.end))
    }

    /// The sections that lose more than they can spare, if it lies at an offset, over what lies lower.
    fn overflows(&self, offset: usize, floor: &[usize], spare: &[usize]) -> impl Iterator<Item = usize> {
        let sections = self.sections.iter().cloned().flatten();
        sections.filter(move |&section| offset - floor[section] > spare[section])
    }
}

#[derive(Debug)]
struct Packing {
    /// Those that have bytes.
    blocks: Vec<Piece>,
    /// Bytes in use by section.
    alive: Vec<usize>,
}

impl Packing {
    fn new(blocks: &[Block<'_>]) -> Self {
        let ranges = blocks.iter().flat_map(|block| block.life.ranges());
        let mut ends: Vec<isize> = ranges.flat_map(|&(from, to)| [from, to + 1]).collect();
        ends.sort_unstable();
        ends.dedup();
        let section = |step: isize| ends.partition_point(|&end| end < step);
        let mut alive = vec![0; ends.len()];
        let mut pieces = Vec::new();
        for (number, block) in blocks.iter().enumerate().filter(|(_, block)| block.bytes > 0) {
            let ranges = block.life.ranges();
            let sections: Vec<_> = ranges.iter().map(|&(from, to)| section(from)..section(to + 1)).collect();
            for section in sections.iter().cloned().flatten() {
                alive[section] += block.bytes;
            }
            let steps = ranges.iter().map(|(from, to)| from.abs_diff(*to) + 1).sum();
            pieces.push(Piece { number, bytes: block.bytes, sections, steps, weight: 0.0 });
        }
        Self { blocks: pieces, alive }
    }

    fn end(&self, offsets: &[usize]) -> usize {
        self.blocks.iter().zip(offsets).map(|(block, offset)| offset + block.bytes).max().unwrap_or(0)
    }

    /// Each at the lowest offset that is free for its whole life, the largest first.
    fn first_fit(&self) -> (Vec<usize>, usize) {
        let blocks = &self.blocks;
        let mut order: Vec<usize> = (0..blocks.len()).collect();
        // what is in use from the first step on comes first, so that parameters lie together
        let early = |k: usize| blocks[k].sections.first().is_some_and(|range| range.start == 0);
        order.sort_by_key(|&k| (!early(k), std::cmp::Reverse(blocks[k].bytes)));
        let mut offsets = vec![0; blocks.len()];
        let mut placed: Vec<usize> = Vec::new(); // by offset
        for k in order {
            let mut offset = 0;
            for &other in placed.iter().filter(|&&other| blocks[other].meets(&blocks[k])) {
                if offset + blocks[k].bytes <= offsets[other] {
                    break;
                }
                offset = offset.max(offsets[other] + blocks[other].bytes);
            }
            offsets[k] = offset;
            placed.insert(placed.partition_point(|&other| offsets[other] <= offset), k);
        }
        let bytes = self.end(&offsets);
        (offsets, bytes)
    }

    /// Offsets that end under a cap, from the lowest up; if none are found, what was left over gains weight.
    ///
    /// A block can lie no lower than the ends of those that were placed before and meet it. Next comes the heaviest of those that do
    /// not leave room for another one below them, and do not lose more in any section than it has to spare. (Offsets that rise are
    /// enough: blocks of any packing can be let down in the order of their offsets. So is what leaves no room: else the other one
    /// could be let down there.)
    fn fill(&mut self, cap: usize) -> Option<Vec<usize>> {
        let blocks = &mut self.blocks;
        let mut left: Vec<usize> = (0..blocks.len()).collect();
        left.sort_by(|&a, &b| blocks[b].weight.total_cmp(&blocks[a].weight));
        let (mut offsets, mut floor) = (vec![0; blocks.len()], vec![0; self.alive.len()]);
        let mut spare: Vec<usize> = self.alive.iter().map(|alive| cap - alive).collect();
        while let Some(bound) = left.iter().map(|&k| offsets[k] + blocks[k].bytes).min() {
            let over = |k: usize| blocks[k].overflows(offsets[k], &floor, &spare);
            let next = left.iter().position(|&k| offsets[k] < bound && over(k).next().is_none());
            let Some(next) = next else {
                let mut full: Vec<usize> =
                    left.iter().filter(|&&k| offsets[k] < bound).flat_map(|&k| over(k)).collect();
                full.sort_unstable();
                let hit = |range: &Range<usize>| {
                    full.get(full.partition_point(|&section| section < range.start))
                        .is_some_and(|section| range.contains(section))
                };
                for k in left {
                    if blocks[k].sections.iter().any(hit) {
                        blocks[k].weight *= BLAME;
                    }
                }
                return None;
            };
            let placed = left.remove(next);
            let end = offsets[placed] + blocks[placed].bytes;
            for section in blocks[placed].sections.iter().cloned().flatten() {
                spare[section] -= offsets[placed] - floor[section];
                floor[section] = end;
            }
            for &k in &left {
                if offsets[k] < end && blocks[k].meets(&blocks[placed]) {
                    offsets[k] = end;
                }
            }
        }
        Some(offsets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::random::Dice;

    fn packed(blocks: &[(usize, Life)]) -> (Packed, usize) {
        let blocks: Vec<_> = blocks.iter().map(|(bytes, life)| Block { bytes: *bytes, life }).collect();
        let packed = pack(&blocks);
        for (i, (a, at)) in blocks.iter().zip(&packed.offsets).enumerate() {
            assert!(at + a.bytes <= packed.bytes);
            for (b, other) in blocks.iter().zip(&packed.offsets).take(i) {
                let apart = at + a.bytes <= *other || other + b.bytes <= *at;
                assert!(apart || !a.life.meets(b.life));
            }
        }
        (packed, Packing::new(&blocks).first_fit().1)
    }

    /// Cuts a rectangle of bytes and steps into blocks, at random.
    fn cut(dice: &mut Dice, bytes: usize, steps: Range<isize>, blocks: &mut Vec<(usize, Life)>) {
        let length = steps.end - steps.start;
        if bytes > 64 && dice.uniform() < 0.5 {
            let low = 1 + dice.below(bytes - 1);
            cut(dice, low, steps.clone(), blocks);
            cut(dice, bytes - low, steps, blocks);
        } else if length > 4 {
            let middle = steps.start + 1 + dice.below(length as usize - 1) as isize;
            cut(dice, bytes, steps.start..middle, blocks);
            cut(dice, bytes, middle..steps.end, blocks);
        } else {
            blocks.push((bytes, Life::new(steps.start, steps.end - 1)));
        }
    }

    #[test]
    fn what_fits_without_loss_is_found_with_little() {
        let (mut dice, mut lost, mut first) = (Dice(5), 0.0, 0.0);
        for _ in 0..20 {
            let mut blocks = Vec::new();
            cut(&mut dice, 10_000, 0..40, &mut blocks);
            let (packed, fitted) = packed(&blocks);
            assert_eq!(packed.live, 10_000);
            assert!(packed.bytes <= fitted);
            lost += packed.bytes as f64 / 10_000.0 - 1.0;
            first += fitted as f64 / 10_000.0 - 1.0;
        }
        println!("lost {:.4}, by first fit {:.4}", lost / 20.0, first / 20.0);
        assert!(lost < 0.2 * first, "{lost} {first}");
    }

    #[test]
    fn nothing_takes_nothing() {
        assert_eq!(packed(&[]).0, Packed { offsets: vec![], bytes: 0, live: 0 });
        let hollow = Life::new(0, 1).with(&Life::new(4, 5));
        let blocks = [(64, hollow), (128, Life::new(2, 3)), (0, Life::new(0, 9)), (64, Life::default())];
        assert_eq!(packed(&blocks).0, Packed { offsets: vec![0, 0, 0, 0], bytes: 128, live: 128 });
    }
}
