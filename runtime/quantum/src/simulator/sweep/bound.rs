//! A plan with the values of its parameters: codes and tables that the kernel reads.

use std::f64::consts::TAU;

use num_complex::Complex;

use super::schedule::{Shape, Stage, Sweep};
use super::tile::{Bit, MOST_SIGNS, Operation, Phases, Table, Term, Tile};
use crate::C64;
use crate::simulator::form::Form;
use crate::simulator::precision::{Precision, narrow};

/// Largest tangent of one step, as a power of two: the half-turns beyond are two steps.
const STEEPEST: i32 = 16;

/// The power of two that deferred cosines may shrink to: far from the smallest numbers of each precision, and so are the
/// amplitudes that grow instead from the largest.
const fn deferred<T>() -> f64 {
    if size_of::<T>() == 4 { 64.0 } else { 512.0 }
}

/// What a code does. One flat list: the kernel jumps by it. `0` to `3` are bits of a register's number.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A rotation over its cosine: `a - t b`, `b + t a`.
    Tangent0,
    Tangent1,
    Tangent2,
    Tangent3,
    /// The same for a lane's bit: `v + (-t, t) permuted v`.
    LaneTangent,
    /// Products with factors, one a register.
    Scalars,
    /// The same, where the factors are products of those of several tables.
    ScalarProducts,
    /// Products with factors, one a lane.
    Vectors,
    /// Exchange of the registers that differ in a bit, the second number, where the first is 1 or the same.
    Exchange00,
    Exchange11,
    Exchange22,
    Exchange33,
    Exchange01,
    Exchange02,
    Exchange03,
    Exchange10,
    Exchange12,
    Exchange13,
    Exchange20,
    Exchange21,
    Exchange23,
    Exchange30,
    Exchange31,
    Exchange32,
    /// Any exchange of registers, by list, in some lanes.
    Move,
    /// A permutation of the lanes of each register, by list.
    LaneFlip,
    /// A product with one number.
    Scale,
    /// The derivative by a rotation of a register's bit, but the last: that one tells the two states apart.
    Meet0,
    Meet1,
    Meet2,
    /// The same for a lane's bit.
    LaneMeet,
    /// The derivatives by phases.
    Characters,
    /// Skips the next code where not all of these positions and outer qubits are 1.
    Unless,
}

const MEETINGS: [Kind; 3] = [Kind::Meet0, Kind::Meet1, Kind::Meet2];

/// Registers of the largest tile.
pub(crate) const MOST_REGISTERS: usize = 16;

const TANGENTS: [Kind; 4] = [Kind::Tangent0, Kind::Tangent1, Kind::Tangent2, Kind::Tangent3];
const EXCHANGES: [[Kind; 4]; 4] = [
    [Kind::Exchange00, Kind::Exchange01, Kind::Exchange02, Kind::Exchange03],
    [Kind::Exchange10, Kind::Exchange11, Kind::Exchange12, Kind::Exchange13],
    [Kind::Exchange20, Kind::Exchange21, Kind::Exchange22, Kind::Exchange23],
    [Kind::Exchange30, Kind::Exchange31, Kind::Exchange32, Kind::Exchange33],
];

/// One step of the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code<T> {
    pub(crate) kind: Kind,
    /// One of [`Bound::lists`]; for rotations of a lane's bit, the number of its flip.
    pub(crate) list: u16,
    /// Positions of a block's index that must be 1; for characters, the first derivative of the sweep.
    pub(crate) inside: u32,
    /// Outer qubits that must be 1; for characters, the first of [`Bound::sums`].
    pub(crate) outside: u64,
    pub(crate) value: T,
    /// Where its table starts; for factors and characters, the first of [`Bound::choices`]; else which derivative.
    pub(crate) at: u32,
    /// How many tables there are.
    pub(crate) count: u32,
}

/// A table of which each tile uses one part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    /// Where the table starts.
    pub(crate) at: u32,
}

/// Codes and tables.
#[derive(Debug, Clone)]
pub(crate) struct Bound<T> {
    pub(crate) codes: Vec<Code<T>>,
    /// For each tile of each sweep, the end of its codes.
    pub(crate) ends: Vec<u32>,
    /// In the order of the plan's selections.
    pub(crate) choices: Vec<Choice>,
    pub(crate) tables: Vec<T>,
    /// For each register, what is done to it: the register that it takes the place of, or the number of a flip of lanes.
    pub(crate) lists: Vec<[u8; MOST_REGISTERS]>,
    /// Matrices of the dense stages.
    pub(crate) forms: Vec<Form<T>>,
    /// What is left to multiply the state with.
    pub(crate) scale: C64,
    /// For each derivative that a sweep takes, the square of what both states were left to be multiplied with.
    pub(crate) weights: Vec<f64>,
    /// For each derivative by a phase, the number of the register that has its sum, and the bit of the part that is its
    /// sign.
    pub(crate) sums: Vec<(u8, u8)>,
}

impl<T: Precision> Bound<T> {
    /// Binds the stages of a plan.
    pub(crate) fn new(stages: &[Stage], shape: Shape, phase: f64, values: &[f64]) -> Self {
        let mut bound = Self {
            codes: Vec::new(),
            ends: Vec::new(),
            choices: Vec::new(),
            tables: Vec::new(),
            lists: Vec::new(),
            forms: Vec::new(),
            scale: C64::cis(phase),
            weights: Vec::new(),
            sums: Vec::new(),
        };
        for stage in stages {
            match stage {
                Stage::Sweep(Sweep { tiles, .. }) => {
                    let first = bound.weights.len();
                    for tile in tiles {
                        bound.tile(tile, shape, values, first);
                    }
                }
                Stage::Dense { matrix, .. } => bound.forms.push(Form::of(matrix)),
            }
        }
        bound
    }

    /// Binds a tile of a sweep whose first derivative has this number.
    fn tile(&mut self, tile: &Tile, shape: Shape, values: &[f64], first: usize) {
        for operation in &tile.operations {
            match operation {
                Operation::Rotate { bit, angle } => self.rotation(*bit, angle.value(values), shape),
                Operation::Flip { bit, registers, lanes, inside, outside } => {
                    if *inside != 0 || *outside != 0 {
                        let code = Code { inside: *inside, outside: *outside, ..Code::new(Kind::Unless) };
                        self.codes.push(code);
                    }
                    let code = self.flip(operation, *bit, *registers, *lanes, shape);
                    self.codes.push(code);
                }
                Operation::Phases(phases) => self.phases(phases, shape, values),
                Operation::Meet { bit, .. } => {
                    let at = (self.weights.len() - first) as u32;
                    self.weights.push(self.scale.norm_sqr());
                    self.codes.push(match *bit {
                        Bit::Register(k) => Code { at, ..Code::new(MEETINGS[k]) },
                        Bit::Lane(lane) => {
                            Code { at, list: lane_flip(lane, 0) as u16, ..Code::new(Kind::LaneMeet) }
                        }
                    });
                }
                Operation::Characters(characters) => {
                    let code = Code {
                        at: self.choices.len() as u32,
                        count: characters.sums.len() as u32,
                        inside: (self.weights.len() - first) as u32,
                        outside: self.sums.len() as u64,
                        ..Code::new(Kind::Characters)
                    };
                    self.codes.push(code);
                    self.choices.push(Choice { at: 0 });
                    for (registers, sign) in &characters.sums {
                        self.weights.push(self.scale.norm_sqr());
                        self.sums.push((*registers as u8, sign.unwrap_or(MOST_SIGNS) as u8));
                    }
                }
            }
        }
        self.ends.push(self.codes.len() as u32);
    }

    fn flip(
        &mut self,
        operation: &Operation,
        bit: Bit,
        registers: usize,
        lanes: usize,
        shape: Shape,
    ) -> Code<T> {
        match bit {
            Bit::Lane(lane) => {
                let flip =
                    |k: usize| if k & registers == registers { lane_flip(lane, lanes) } else { LANE_FLIPS };
                let list = self.list((0..1 << shape.tile).map(flip));
                Code { list, ..Code::new(Kind::LaneFlip) }
            }
            Bit::Register(k) if lanes == 0 && registers == 0 => Code::new(EXCHANGES[k][k]),
            Bit::Register(k) if lanes == 0 && registers.is_power_of_two() => {
                Code::new(EXCHANGES[registers.trailing_zeros() as usize][k])
            }
            Bit::Register(_) => {
                let list = self.list(operation.sources(shape.tile));
                Code { at: self.mask(lanes, shape), list, ..Code::new(Kind::Move) }
            }
        }
    }

    /// Where a list is kept; there are few different ones.
    fn list(&mut self, entries: impl IntoIterator<Item = usize>) -> u16 {
        let mut list = [0; MOST_REGISTERS];
        list.iter_mut().zip(entries).for_each(|(slot, entry)| *slot = entry as u8);
        let at = self.lists.iter().position(|other| *other == list).unwrap_or_else(|| {
            self.lists.push(list);
            self.lists.len() - 1
        });
        at as u16
    }

    /// A rotation over its cosine. However large the tangent is, no digits are lost: the norm grows with it.
    fn rotation(&mut self, bit: Bit, angle: f64, shape: Shape) {
        let (sin, cos) = (angle / 2.0).sin_cos();
        if sin == 0.0 {
            self.scale *= cos;
            return;
        }
        let tangent = sin / cos;
        if tangent.abs() > f64::powi(2.0, STEEPEST) {
            let half = angle.rem_euclid(2.0 * TAU) / 2.0;
            return (0..2).for_each(|_| self.rotation(bit, half, shape));
        }
        self.scale *= cos;
        self.codes.push(match bit {
            Bit::Register(k) => Code { value: T::narrow(tangent), ..Code::new(TANGENTS[k]) },
            Bit::Lane(lane) => {
                let at = self.tables.len() as u32;
                let signed = |k: usize| if k >> lane & 1 == 0 { -tangent } else { tangent };
                self.tables.extend((0..2 << shape.lanes).map(|k| T::narrow(signed(k / 2))));
                Code { at, list: lane_flip(lane, 0) as u16, ..Code::new(Kind::LaneTangent) }
            }
        });
        let size = self.scale.norm();
        if -size.log2() > deferred::<T>() {
            self.codes.push(Code { value: T::narrow(size), ..Code::new(Kind::Scale) });
            self.scale /= size;
        }
    }

    fn phases(&mut self, phases: &Phases, shape: Shape, values: &[f64]) {
        let mut scale = std::mem::replace(&mut self.scale, C64::ONE);
        for (tables, lanes) in [(&phases.scalars, 0), (&phases.vectors, 1 << shape.lanes)] {
            let (at, count) = (self.choices.len() as u32, tables.len() as u32);
            for table in tables {
                self.choices.push(Choice { at: self.tables.len() as u32 });
                self.table(table, 1 << shape.tile, lanes, std::mem::replace(&mut scale, C64::ONE), values);
            }
            match (lanes, count) {
                (_, 0) => {}
                (0, 1) => self.codes.push(Code { at, ..Code::new(Kind::Scalars) }),
                (0, _) => self.codes.push(Code { at, count, ..Code::new(Kind::ScalarProducts) }),
                _ => self.codes.extend((at..at + count).map(|at| Code { at, ..Code::new(Kind::Vectors) })),
            }
        }
    }

    /// Writes the factors for each value of the selectors. With no `lanes` they are the real parts of all registers, then
    /// the imaginary parts; else a vector of real parts and one of imaginary parts for each register.
    fn table(&mut self, table: &Table, registers: usize, lanes: usize, scale: C64, values: &[f64]) {
        let count = registers * lanes.max(1);
        let mut entries = vec![scale; count << table.selectors.len()];
        let multiply = |entries: &mut [C64], term: &Term| {
            let factor = C64::cis(term.angle.value(values) / -2.0);
            for (k, entry) in entries.iter_mut().enumerate() {
                let odd = ((k % registers) & term.registers).count_ones()
                    + ((k / registers) & term.lanes).count_ones();
                *entry *= if odd.is_multiple_of(2) { factor } else { factor.conj() };
            }
        };
        table.fixed.iter().for_each(|term| multiply(&mut entries[..count], term));
        for (k, selector) in table.selectors.iter().enumerate() {
            let mut factors = vec![C64::ONE; count];
            selector.terms.iter().for_each(|term| multiply(&mut factors, term));
            let (low, high) = entries.split_at_mut(count << k);
            for (at, (even, odd)) in low.iter_mut().zip(high).enumerate() {
                *odd = *even * factors[at % count].conj();
                *even *= factors[at % count];
            }
        }
        for part in entries.chunks(count) {
            if lanes == 0 {
                self.tables.extend(part.iter().map(|entry| T::narrow(entry.re)));
                self.tables.extend(part.iter().map(|entry| T::narrow(entry.im)));
                continue;
            }
            for register in 0..registers {
                let lane = |k: usize| narrow::<T>(part[k / 2 * registers + register]);
                self.tables.extend((0..2 * lanes).map(|k| lane(k).re));
                self.tables.extend((0..2 * lanes).map(|k| lane(k).im));
            }
        }
    }

    /// Negative where lanes have these bits, else positive.
    fn mask(&mut self, lanes: usize, shape: Shape) -> u32 {
        let at = self.tables.len() as u32;
        let is_on = |k: usize| (k / 2) & lanes == lanes;
        self.tables.extend((0..2 << shape.lanes).map(|k| if is_on(k) { -T::one() } else { T::one() }));
        at
    }

    /// Whether all numbers are finite: finite values may still give an angle that is not.
    pub(crate) fn is_finite(&self) -> bool {
        let codes = self.codes.iter().map(|code| code.value);
        self.scale.is_finite() && codes.chain(self.tables.iter().copied()).all(T::is_finite)
    }

    /// What the whole state is left to be multiplied with.
    pub(crate) fn scale(&self) -> Complex<T> {
        narrow(self.scale)
    }
}

impl<T: Precision> Code<T> {
    fn new(kind: Kind) -> Self {
        Self { kind, list: 0, inside: 0, outside: 0, value: T::zero(), at: 0, count: 0 }
    }
}

/// Numbers the flips of a lane's bit: there are at most three bits, and controls on the other two.
pub(crate) fn lane_flip(lane: usize, controls: usize) -> usize {
    lane << 3 | controls
}

/// How many numbers [`lane_flip`] gives.
pub(crate) const LANE_FLIPS: usize = 24;
