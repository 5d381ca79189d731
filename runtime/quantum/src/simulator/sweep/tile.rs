//! What is done to the amplitudes in the vector registers.

use super::meeting::Meeting;
use super::primitive::{Primitive, Slope};
use super::schedule::Shape;
use crate::Angle;

/// Parities of qubits outside of a tile that one table of factors tells apart; tables of whole vectors are larger.
const SELECTORS: usize = 4;
const VECTOR_SELECTORS: usize = 2;

/// Signs that one step of derivatives tells apart.
pub(crate) const MOST_SIGNS: usize = 7;

/// Operations on all tiles of a block.
#[derive(Debug, Clone)]
pub(crate) struct Tile {
    /// The positions in a block's index that number the registers, increasing.
    pub(crate) bits: Vec<usize>,
    /// The register that each register is loaded for: flips at the beginning are done by the addresses.
    pub(crate) load: Vec<usize>,
    pub(crate) operations: Vec<Operation>,
    /// The register that is stored in each one's place.
    pub(crate) store: Vec<usize>,
}

/// A qubit of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bit {
    /// A bit of the register's number.
    Register(usize),
    /// A bit of the place in the vector.
    Lane(usize),
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operation {
    /// A real rotation.
    Rotate { bit: Bit, angle: Angle },
    /// A flip where these registers' bits, lanes' bits, positions of the block and outer qubits are all 1.
    Flip { bit: Bit, registers: usize, lanes: usize, inside: u32, outside: u64 },
    /// Factors.
    Phases(Phases),
    /// The derivative of this number, by the angle of a rotation of this bit.
    Meet { bit: Bit, number: u32 },
    /// The derivatives by the angles of phases.
    Characters(Characters),
}

/// Factors as products of tables.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Phases {
    /// Tables of one factor a register.
    pub(crate) scalars: Vec<Table>,
    /// Tables of one factor a lane of a register.
    pub(crate) vectors: Vec<Table>,
}

/// The sum of phases that depend on the bits of a tile and on some parities of other qubits.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Table {
    /// Those that depend on the tile only.
    pub(crate) fixed: Vec<Term>,
    pub(crate) selectors: Vec<Selector>,
}

/// A parity of qubits that are not in the tile, and the phases that it turns round.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selector {
    /// Positions in the block.
    pub(crate) inside: u32,
    /// Qubits outside of the block.
    pub(crate) outside: u64,
    pub(crate) terms: Vec<Term>,
}

/// `exp(-i angle/2 (-1)^p)`, `p` the parity of these bits of the register's number and of the lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Term {
    pub(crate) registers: usize,
    pub(crate) lanes: usize,
    pub(crate) angle: Angle,
}

/// Derivatives by phases: sums over all amplitudes, with signs.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Characters {
    /// The parities of positions in the block and of qubits outside of it that turn signs, at most [`MOST_SIGNS`].
    pub(crate) signs: Vec<(u32, u64)>,
    /// For each derivative, in order, the bits of the register's number whose parity is a sign, and which of `signs` is.
    pub(crate) sums: Vec<(usize, Option<usize>)>,
}

/// A mask of qubits as parts of a tile.
struct Split {
    registers: usize,
    lanes: usize,
    inside: u32,
    outside: u64,
}

/// Where the qubits of a sweep are, seen from a tile.
struct View<'a> {
    bits: &'a [usize],
    places: &'a [usize],
    lanes: usize,
}

impl View<'_> {
    fn split(&self, mask: u64) -> Split {
        let mut split = Split { registers: 0, lanes: 0, inside: 0, outside: mask };
        for (position, qubit) in self.places.iter().enumerate() {
            if mask >> qubit & 1 == 0 {
                continue;
            }
            split.outside &= !(1 << qubit);
            match self.bit(position) {
                Some(Bit::Register(k)) => split.registers |= 1 << k,
                Some(Bit::Lane(k)) => split.lanes |= 1 << k,
                None => split.inside |= 1 << position,
            }
        }
        split
    }

    fn bit(&self, position: usize) -> Option<Bit> {
        if position < self.lanes {
            return Some(Bit::Lane(position));
        }
        self.bits.iter().position(|bit| *bit == position).map(Bit::Register)
    }

    /// The bit of a qubit that a tile mixes.
    fn mixed(&self, qubit: usize) -> Bit {
        let position = self.places.iter().position(|place| *place == qubit).unwrap_or(0);
        self.bit(position).unwrap_or(Bit::Lane(0)) // the schedule only puts mixed qubits in the tile
    }
}

/// A list that phases join as early as they can, so that few steps apply them.
enum Draft {
    Phases(Vec<(u64, Angle, Slope)>),
    Step(u64, Operation),
}

impl Tile {
    /// The tile with these register bits; `places` are the qubits of the block.
    /// Derivatives that are taken in it are added to the list.
    pub(crate) fn new(
        steps: &[Primitive],
        bits: Vec<usize>,
        places: &[usize],
        shape: Shape,
        meetings: &mut Vec<Meeting>,
    ) -> Self {
        let view = View { bits: &bits, places, lanes: shape.lanes };
        let mut drafts: Vec<Draft> = Vec::new();
        for step in steps {
            match step {
                Primitive::Phase { mask, angle, slope } => join(&mut drafts, (*mask, *angle, *slope)),
                Primitive::Rotate { qubit, angle, slope } => {
                    let bit = view.mixed(*qubit);
                    if let Some(number) = slope {
                        drafts.push(Draft::Step(step.mixed(), Operation::Meet { bit, number: *number }));
                    }
                    drafts.push(Draft::Step(step.mixed(), Operation::Rotate { bit, angle: *angle }));
                }
                Primitive::Flip { qubit, controls } => {
                    let Split { registers, lanes, inside, outside } = view.split(*controls);
                    let bit = view.mixed(*qubit);
                    drafts.push(Draft::Step(
                        step.mixed(),
                        Operation::Flip { bit, registers, lanes, inside, outside },
                    ));
                }
                Primitive::Dense { .. } => {} // the schedule never puts one in a tile
            }
        }
        let mut operations = Vec::new();
        for draft in drafts {
            match draft {
                Draft::Phases(terms) => {
                    operations.extend(Characters::of(&terms, &view, meetings).map(Operation::Characters));
                    operations.push(Operation::Phases(Phases::new(&terms, &view)));
                }
                Draft::Step(_, operation) => {
                    if let Operation::Meet { bit, number } = operation {
                        meetings.push(Meeting::rotation(number, bit));
                    }
                    operations.push(operation);
                }
            }
        }
        let leading = operations.iter().take_while(|step| step.is_permutation()).count();
        let load = permutation(operations.drain(..leading), shape.tile);
        let trailing = operations.iter().rev().take_while(|step| step.is_permutation()).count();
        let store = permutation(operations.drain(operations.len() - trailing..), shape.tile);
        Self { bits, load, operations, store }
    }
}

/// Adds a phase to the earliest step of phases that it commutes back to.
fn join(drafts: &mut Vec<Draft>, term: (u64, Angle, Slope)) {
    let mask = term.0;
    let mut found = None;
    for (at, draft) in drafts.iter().enumerate().rev() {
        match draft {
            Draft::Phases(_) => found = Some(at),
            Draft::Step(mixed, _) if mixed & mask != 0 => break,
            Draft::Step(..) => {}
        }
    }
    match found.map(|at| &mut drafts[at]) {
        Some(Draft::Phases(terms)) => terms.push(term),
        _ => drafts.push(Draft::Phases(vec![term])),
    }
}

/// For each register, the one whose vector it takes.
fn permutation(flips: impl Iterator<Item = Operation>, bits: usize) -> Vec<usize> {
    let mut from: Vec<_> = (0..1 << bits).collect();
    for flip in flips {
        from = flip.sources(bits).into_iter().map(|source| from[source]).collect();
    }
    from
}

impl Operation {
    /// Whether it only exchanges whole registers, the same way in all tiles.
    fn is_permutation(&self) -> bool {
        matches!(self, Self::Flip { bit: Bit::Register(_), lanes: 0, inside: 0, outside: 0, .. })
    }

    /// For each register, the one whose vector it takes in a flip of a register bit.
    pub(crate) fn sources(&self, bits: usize) -> Vec<usize> {
        let source = |register: usize| match self {
            Self::Flip { bit: Bit::Register(k), registers, .. } if register & registers == *registers => {
                register ^ 1 << k
            }
            _ => register,
        };
        (0..1 << bits).map(source).collect()
    }
}

impl Phases {
    fn new(terms: &[(u64, Angle, Slope)], view: &View<'_>) -> Self {
        let (mut scalars, mut vectors) = (Table::default(), Table::default());
        for (mask, angle, _) in terms {
            let Split { registers, lanes, inside, outside } = view.split(*mask);
            let table = if lanes == 0 { &mut scalars } else { &mut vectors };
            let term = Term { registers, lanes, angle: *angle };
            if inside == 0 && outside == 0 {
                table.fixed.push(term);
                continue;
            }
            match table.selectors.iter_mut().find(|s| (s.inside, s.outside) == (inside, outside)) {
                Some(selector) => selector.terms.push(term),
                None => table.selectors.push(Selector { inside, outside, terms: vec![term] }),
            }
        }
        if !vectors.is_empty() && scalars.selectors.is_empty() {
            vectors.fixed.append(&mut scalars.fixed);
        }
        Self { scalars: scalars.cut(SELECTORS), vectors: vectors.cut(VECTOR_SELECTORS) }
    }
}

impl Characters {
    /// Those that are asked for, as many at once as there may be signs.
    fn of(
        terms: &[(u64, Angle, Slope)],
        view: &View<'_>,
        meetings: &mut Vec<Meeting>,
    ) -> impl Iterator<Item = Self> {
        let mut list: Vec<Self> = Vec::new();
        for (mask, _, slope) in terms {
            let Some(number) = slope else { continue };
            let Split { registers, lanes, inside, outside } = view.split(*mask);
            meetings.push(Meeting::phase(*number, lanes));
            if list.last().is_none_or(|last| last.signs.len() == MOST_SIGNS) {
                list.push(Self::default());
            }
            let Some(last) = list.last_mut() else { continue };
            let sign = (inside != 0 || outside != 0).then(|| {
                let found = last.signs.iter().position(|sign| *sign == (inside, outside));
                found.unwrap_or_else(|| {
                    last.signs.push((inside, outside));
                    last.signs.len() - 1
                })
            });
            last.sums.push((registers, sign));
        }
        list.into_iter()
    }
}

impl Table {
    fn is_empty(&self) -> bool {
        self.fixed.is_empty() && self.selectors.is_empty()
    }

    /// Tables of at most so many selectors each.
    fn cut(self, selectors: usize) -> Vec<Self> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut tables: Vec<_> = self
            .selectors
            .chunks(selectors)
            .map(|part| Self { fixed: Vec::new(), selectors: part.to_vec() })
            .collect();
        match tables.first_mut() {
            Some(first) => first.fixed = self.fixed,
            None => tables.push(self),
        }
        tables
    }
}
