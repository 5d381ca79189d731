//! Which primitives are applied to a block of amplitudes while it is in the cache, and to a tile while it is in registers.
//!
//! Both levels choose alike ([`select`]): a set of qubits, within which as many primitives as possible are applied before
//! the next set is taken. Phases and controls may be on qubits outside of the set. A phase is never a reason for a
//! step: it is applied with the first rotation that needs it.

use super::meeting::Meeting;
use super::primitive::Primitive;
use super::tile::Tile;
use crate::Matrix;

/// What a plan is cut to, in qubits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape {
    /// Qubits whose amplitudes share a vector register.
    pub(crate) lanes: usize,
    /// Qubits that number the registers of a tile.
    pub(crate) tile: usize,
    /// Qubits of a block, lanes and tile included: it stays in the second-level cache.
    pub(crate) block: usize,
    /// Qubits of the runs in which a block is read from memory.
    pub(crate) chunk: usize,
    /// The last qubit, if it tells apart two states that the same gates act on, to be compared: each tile holds it.
    pub(crate) pair: Option<usize>,
}

impl Shape {
    /// The qubits that every block holds.
    fn low(&self, width: usize) -> u64 {
        ((1 << self.chunk.min(width)) - 1) | self.pair()
    }

    fn pair(&self) -> u64 {
        self.pair.map_or(0, |qubit| 1 << qubit)
    }
}

/// A part of a plan.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    /// One pass over memory, block by block.
    Sweep(Sweep),
    /// A matrix that no primitive covers, by the general kernel.
    Dense { matrix: Matrix, targets: Vec<usize>, controls: u64 },
}

/// Primitives that are applied to each block while it is in the cache.
#[derive(Debug, Clone)]
pub(crate) struct Sweep {
    /// The qubit at each position of a block's index; the first ones are in place.
    pub(crate) places: Vec<usize>,
    /// The qubits that number the blocks.
    pub(crate) outer: Vec<usize>,
    pub(crate) tiles: Vec<Tile>,
    /// The derivatives that are taken.
    pub(crate) meetings: Vec<Meeting>,
}

impl Sweep {
    /// The bits of the outer qubits in the block of this number.
    pub(crate) fn outer_bits(&self, number: usize) -> u64 {
        let spread = |(k, qubit): (usize, &usize)| (number as u64 >> k & 1) << qubit;
        self.outer.iter().enumerate().map(spread).sum()
    }
}

/// Cuts primitives on `width` qubits into stages. `width` is at least what a tile needs.
pub(crate) fn schedule(primitives: Vec<Primitive>, width: usize, shape: Shape) -> Vec<Stage> {
    let mut rest = primitives;
    let mut stages: Vec<(u64, Vec<Primitive>)> = Vec::new();
    let low = shape.low(width);
    let room = shape.block.min(width) - low.count_ones() as usize;
    while !rest.is_empty() {
        let mut set = low;
        let taken = select(&mut rest, &mut set, room);
        if !taken.is_empty() {
            stages.push((set, taken));
        } else if let Some(first) = rest.iter().position(|step| step.mixed() != 0) {
            // only a dense matrix is never taken; the phases before it go first
            let dense = rest.remove(first);
            let before: Vec<_> = rest.drain(..first).collect();
            append(&mut stages, before, low);
            stages.push((0, vec![dense]));
        } else {
            append(&mut stages, std::mem::take(&mut rest), low);
        }
    }
    stages.into_iter().map(|(set, steps)| Stage::new(set, steps, width, shape)).collect()
}

/// Adds phases that nothing needs any more to the last stages that touch them.
fn append(stages: &mut Vec<(u64, Vec<Primitive>)>, phases: Vec<Primitive>, low: u64) {
    for phase in phases {
        // a dense matrix has the empty set: a phase does not move before it
        let free = stages.iter().rposition(|(set, _)| *set == 0).map_or(0, |dense| dense + 1);
        match stages[free..].iter_mut().rev().find(|(set, _)| set & phase.diagonal() != 0) {
            Some((_, steps)) => steps.push(phase),
            None => stages.push((low | phase.diagonal() & phase.diagonal().wrapping_neg(), vec![phase])),
        }
    }
}

impl Stage {
    fn new(mut set: u64, mut steps: Vec<Primitive>, width: usize, shape: Shape) -> Self {
        if set == 0
            && let Some(Primitive::Dense { matrix, targets, controls }) = steps.pop()
        {
            return Self::Dense { matrix, targets, controls };
        }
        fill(&mut set, shape.block.min(width));
        let (places, outer): (Vec<_>, Vec<_>) = (0..width).partition(|qubit| set >> qubit & 1 == 1);
        let mut meetings = Vec::new();
        let tiles = tiles(steps, &places, shape, &mut meetings);
        Self::Sweep(Sweep { places, outer, tiles, meetings })
    }
}

/// The tiles of a sweep.
fn tiles(mut rest: Vec<Primitive>, places: &[usize], shape: Shape, meetings: &mut Vec<Meeting>) -> Vec<Tile> {
    let held = places[..shape.lanes].iter().fold(shape.pair(), |set, qubit| set | 1 << qubit);
    let block = places.iter().fold(0, |set, qubit| set | 1 << qubit);
    let mut chosen: Vec<(u64, Vec<Primitive>)> = Vec::new();
    while !rest.is_empty() {
        let mut set = held;
        let taken = select(&mut rest, &mut set, shape.lanes + shape.tile - held.count_ones() as usize);
        if taken.is_empty() {
            for phase in std::mem::take(&mut rest) {
                if let Some((_, steps)) = chosen.iter_mut().rev().find(|(set, _)| set & phase.diagonal() != 0)
                {
                    steps.push(phase);
                } else {
                    let inside = phase.diagonal() & block;
                    chosen.push((held | inside & inside.wrapping_neg(), vec![phase]));
                }
            }
        } else {
            chosen.push((set, taken));
        }
    }
    let tile = |(set, steps): (u64, Vec<Primitive>)| {
        let inside = |position: &usize| set >> places[*position] & 1 == 1;
        let mut bits: Vec<_> = (shape.lanes..places.len()).filter(inside).collect();
        let spare = (shape.lanes..places.len()).filter(|position| !inside(position));
        bits.extend(spare.take(shape.tile - bits.len()));
        bits.sort_unstable();
        Tile::new(&steps, bits, places, shape, meetings)
    };
    chosen.into_iter().map(tile).collect()
}

/// Takes from `list` what can be applied on the qubits of `set`, which may grow by `room` qubits, and leaves the rest in
/// order.
fn select(list: &mut Vec<Primitive>, set: &mut u64, mut room: usize) -> Vec<Primitive> {
    // the qubits that a primitive which was left mixes, and those on which it is diagonal
    let (mut mixed, mut diagonal) = (0, 0);
    let (mut taken, mut rest) = (Vec::new(), Vec::new());
    let mut held: Vec<(usize, Primitive)> = Vec::new();
    for (order, step) in std::mem::take(list).into_iter().enumerate() {
        let (mixes, reads) = (step.mixed(), step.diagonal());
        if matches!(step, Primitive::Phase { .. }) {
            if reads & mixed == 0 {
                held.push((order, step));
            } else {
                diagonal |= reads;
                rest.push((order, step));
            }
            continue;
        }
        let new = mixes & !*set;
        let is_ready = mixes & (mixed | diagonal) == 0 && reads & mixed == 0;
        if is_ready && !matches!(step, Primitive::Dense { .. }) && new.count_ones() as usize <= room {
            *set |= new;
            room -= new.count_ones() as usize;
            taken.extend(
                held.extract_if(.., |(_, phase)| phase.diagonal() & mixes != 0).map(|(_, phase)| phase),
            );
            taken.push(step);
        } else {
            mixed |= mixes;
            diagonal |= reads;
            rest.push((order, step));
        }
    }
    rest.extend(held);
    rest.sort_by_key(|(order, _)| *order);
    list.extend(rest.into_iter().map(|(_, step)| step));
    taken
}

/// Adds the lowest qubits that are missing until there are `count`.
fn fill(set: &mut u64, count: usize) {
    while (set.count_ones() as usize) < count {
        *set |= 1 << set.trailing_ones();
    }
}
