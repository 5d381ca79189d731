//! A unitary circuit as operations on slots.

use super::super::sweep::primitive::{Primitive, Primitives};
use super::MAX_LANE_QUBITS;
use super::angles::{Angles, Turn};
use super::frame::{Frame, Parity, bits};
use super::places::Places;
use crate::gate::Call;
use crate::linalg::dagger;
use crate::{C64, Matrix};

/// Phases that one pass over the slots applies: their products are tabulated.
pub(super) const PHASES: usize = 4;

/// What is done to all slots.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    /// `exp(-i angle/2 (-1)^p)` for each phase, `p` being bit `k` of the class of a slot for phase number `k`.
    Diagonal { phases: Vec<Phase>, classes: Classes },
    /// A real rotation of each pair of slots that differ by `flip`.
    Rotate { flip: usize, turn: Turn, signs: Signs },
    /// Exchanges the contents of each pair.
    Exchange { pairs: Vec<(u16, u16)> },
    /// Any constant matrix.
    Dense(Dense),
}

/// A phase of the parity of some bits of the slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phase {
    pub(super) mask: usize,
    pub(super) turn: Turn,
}

/// For each slot, 4 bits: 16 slots a word.
#[derive(Debug, Clone)]
pub(super) struct Classes(pub(super) Box<[u64]>);

/// For each pair, whether the slot of it without the highest bit of `flip` holds a 1 of the qubit: 64 pairs a word.
#[derive(Debug, Clone)]
pub(super) struct Signs(pub(super) Box<[u64]>);

/// A matrix on groups of slots.
#[derive(Debug, Clone)]
pub(super) struct Dense {
    /// Row by row.
    pub(super) matrix: Vec<C64>,
    pub(super) inverse: Vec<C64>,
    pub(super) places: Places,
}

/// A unitary circuit ready to run on lanes.
#[derive(Debug, Clone)]
pub(super) struct Operations {
    pub(super) width: usize,
    pub(super) list: Vec<Operation>,
    pub(super) angles: Angles,
    /// Where the basis states lie after the last operation.
    pub(super) frame: Frame,
    /// The first operation that depends on a parameter.
    pub(super) first: usize,
}

impl Operations {
    /// The operations of gates on `width` qubits, at most [`MAX_LANE_QUBITS`].
    pub(super) fn of<'a>(calls: impl IntoIterator<Item = &'a Call>, width: usize) -> Self {
        debug_assert!(width <= MAX_LANE_QUBITS);
        let mut operations =
            Self { width, list: Vec::new(), angles: Angles::default(), frame: Frame::new(width), first: 0 };
        Primitives::of(calls).list.into_iter().for_each(|step| operations.add(step));
        for operation in &mut operations.list {
            if let Operation::Diagonal { phases, classes } = operation {
                *classes = Classes::of(phases, 1 << width);
            }
        }
        let constant = |operation: &&Operation| match operation {
            Operation::Diagonal { phases, .. } => {
                phases.iter().all(|phase| operations.angles.is_constant(phase.turn.angle))
            }
            Operation::Rotate { turn, .. } => operations.angles.is_constant(turn.angle),
            _ => true,
        };
        operations.first = operations.list.iter().take_while(constant).count();
        operations
    }

    /// How many slots there are.
    pub(super) fn slots(&self) -> usize {
        1 << self.width
    }

    /// The dimension of the largest matrix.
    pub(super) fn largest(&self) -> usize {
        let size = |operation: &Operation| match operation {
            Operation::Dense(dense) => dense.places.dimension(),
            _ => 0,
        };
        self.list.iter().map(size).max().unwrap_or(0)
    }

    fn add(&mut self, primitive: Primitive) {
        match primitive {
            Primitive::Phase { mask, angle, .. } => {
                let Parity { mask, inverted } = self.frame.parity(mask);
                let turn = self.turn(angle, inverted);
                self.phase(Phase { mask, turn });
            }
            Primitive::Rotate { qubit, angle, .. } => {
                let Parity { mask, inverted } = self.frame.parity(1 << qubit);
                let (flip, turn) = (self.frame.change(1 << qubit), self.turn(angle, inverted));
                let signs = Signs::of(mask, flip, self.slots());
                self.list.push(Operation::Rotate { flip, turn, signs });
            }
            Primitive::Flip { qubit, controls } => match controls.count_ones() {
                0 => self.frame.flip(qubit),
                1 => self.frame.controlled_flip(qubit, controls.trailing_zeros() as usize),
                _ => {
                    let bases = self.bases(&[qubit], controls);
                    let flip = self.frame.change(1 << qubit) as u16;
                    let pairs = bases.into_iter().map(|base| (base, base ^ flip)).collect();
                    self.list.push(Operation::Exchange { pairs });
                }
            },
            Primitive::Dense { matrix, targets, controls } => {
                let flat = |matrix: &Matrix| matrix.iter().copied().collect();
                let offset = |row: usize| {
                    let set = targets.iter().enumerate().filter(|(k, _)| row >> k & 1 == 1);
                    self.frame.change(set.fold(0, |mask, (_, qubit)| mask | 1 << qubit)) as u16
                };
                self.list.push(Operation::Dense(Dense {
                    matrix: flat(&matrix),
                    inverse: flat(&dagger(&matrix)),
                    places: Places {
                        bases: self.bases(&targets, controls),
                        offsets: (0..matrix.nrows()).map(offset).collect(),
                    },
                }));
            }
        }
    }

    fn turn(&mut self, angle: crate::Angle, inverted: bool) -> Turn {
        let turn = self.angles.turn(angle);
        Turn { negative: turn.negative != inverted, ..turn }
    }

    /// The slots of states in which these qubits are 0 and all controls are 1.
    fn bases(&self, qubits: &[usize], controls: u64) -> Vec<u16> {
        let zeros: Vec<_> = qubits.iter().map(|qubit| self.frame.parity(1 << qubit)).collect();
        let ones: Vec<_> = bits(controls).map(|qubit| self.frame.parity(1 << qubit)).collect();
        let is_base =
            |slot: &usize| zeros.iter().all(|bit| !bit.at(*slot)) && ones.iter().all(|bit| bit.at(*slot));
        (0..self.slots()).filter(is_base).map(|slot| slot as u16).collect()
    }

    /// Puts a phase into the earliest pass with room that it can move to, or makes a new one.
    fn phase(&mut self, phase: Phase) {
        let mut found = None;
        for (at, operation) in self.list.iter().enumerate().rev() {
            match operation {
                Operation::Diagonal { phases, .. } if phases.len() < PHASES => found = Some(at),
                Operation::Diagonal { .. } => {}
                Operation::Rotate { flip, .. } if (flip & phase.mask).count_ones().is_multiple_of(2) => {}
                _ => break,
            }
        }
        if let Some(Operation::Diagonal { phases, .. }) = found.map(|at| &mut self.list[at]) {
            phases.push(phase);
        } else {
            let classes = Classes(Box::default());
            self.list.push(Operation::Diagonal { phases: vec![phase], classes });
        }
    }
}

impl Classes {
    fn of(phases: &[Phase], slots: usize) -> Self {
        let class = |slot: usize| {
            let bit = |phase: &Phase| u64::from((slot & phase.mask).count_ones() % 2);
            phases.iter().enumerate().fold(0, |class, (k, phase)| class | bit(phase) << k)
        };
        let word =
            |first: usize| (first..slots.min(first + 16)).rev().fold(0, |word, slot| word << 4 | class(slot));
        Self((0..slots).step_by(16).map(word).collect())
    }
}

impl Signs {
    fn of(mask: usize, flip: usize, slots: usize) -> Self {
        let pivot = flip.ilog2() as usize;
        let sign = |pair: usize| u64::from((lower(pair, pivot) & mask).count_ones() % 2);
        let pairs = slots / 2;
        let word =
            |first: usize| (first..pairs.min(first + 64)).rev().fold(0, |word, pair| word << 1 | sign(pair));
        Self((0..pairs).step_by(64).map(word).collect())
    }
}

/// The slot of a pair that has no bit at `pivot`.
#[inline(always)]
pub(super) fn lower(pair: usize, pivot: usize) -> usize {
    pair >> pivot << (pivot + 1) | pair & ((1 << pivot) - 1)
}
