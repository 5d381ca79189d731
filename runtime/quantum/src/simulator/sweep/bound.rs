//! A plan with the values of its parameters: codes and tables that the kernel reads.

use num_complex::Complex;

use super::schedule::{Shape, Stage, Sweep};
use super::tile::{Bit, Operation, Phases, Table, Term, Tile};
use crate::C64;
use crate::simulator::form::Form;
use crate::simulator::precision::{Precision, narrow};

/// Deferred factors of rotations are applied before they leave these powers of two.
const DEFERRED: f64 = 24.0;

/// What a code does. One flat list: the kernel jumps by it. `0` to `3` are bits of a register's number.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A rotation over its cosine: `a - t b`, `b + t a`.
    Tangent0,
    Tangent1,
    Tangent2,
    Tangent3,
    /// A rotation over its sine: `t a - b`, `t b + a`.
    Cotangent0,
    Cotangent1,
    Cotangent2,
    Cotangent3,
    /// A rotation of a lane's bit: `cos v + (-sin, sin) permuted v`.
    LaneRotation,
    /// Products with factors, one a register.
    Scalars,
    /// Products with factors, one a lane.
    Vectors,
    /// Exchange of the registers with one bit set that differ in another: control, target.
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
    /// Exchange of registers by list.
    Permute,
    /// A flip of a register's bit under control of lanes.
    MaskedFlip,
    /// A flip of a lane's bit.
    LaneFlip,
    /// A product with one number.
    Scale,
    /// Skips the next code where not all of these positions and outer qubits are 1.
    Unless,
}

const TANGENTS: [Kind; 4] = [Kind::Tangent0, Kind::Tangent1, Kind::Tangent2, Kind::Tangent3];
const COTANGENTS: [Kind; 4] = [Kind::Cotangent0, Kind::Cotangent1, Kind::Cotangent2, Kind::Cotangent3];
const EXCHANGES: [[Kind; 4]; 4] = [
    [Kind::Permute, Kind::Exchange01, Kind::Exchange02, Kind::Exchange03],
    [Kind::Exchange10, Kind::Permute, Kind::Exchange12, Kind::Exchange13],
    [Kind::Exchange20, Kind::Exchange21, Kind::Permute, Kind::Exchange23],
    [Kind::Exchange30, Kind::Exchange31, Kind::Exchange32, Kind::Permute],
];

/// One step of the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code<T> {
    pub(crate) kind: Kind,
    /// A bit of a register's number, or of a lane's.
    pub(crate) bit: u8,
    /// Bits that a register's number must have; positions of a block's index that must be 1.
    pub(crate) inside: u32,
    /// Outer qubits that must be 1.
    pub(crate) outside: u64,
    pub(crate) value: T,
    /// Where its table starts; for factors, the first of [`Bound::choices`]; for flips of lanes, which permutation.
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
    /// Matrices of the dense stages.
    pub(crate) forms: Vec<Form<T>>,
    /// What is left to multiply the state with.
    pub(crate) scale: C64,
}

impl<T: Precision> Bound<T> {
    /// Binds the stages of a plan.
    pub(crate) fn new(stages: &[Stage], shape: Shape, phase: f64, values: &[f64]) -> Self {
        let mut bound = Self {
            codes: Vec::new(),
            ends: Vec::new(),
            choices: Vec::new(),
            tables: Vec::new(),
            forms: Vec::new(),
            scale: C64::cis(phase),
        };
        for stage in stages {
            match stage {
                Stage::Sweep(Sweep { tiles, .. }) => {
                    for tile in tiles {
                        bound.tile(tile, shape, values);
                    }
                }
                Stage::Dense { matrix, .. } => bound.forms.push(Form::of(matrix)),
            }
        }
        bound
    }

    fn tile(&mut self, tile: &Tile, shape: Shape, values: &[f64]) {
        for operation in &tile.operations {
            match operation {
                Operation::Rotate { bit, angle } => self.rotation(*bit, angle.value(values), shape),
                Operation::Flip { bit, registers, lanes, inside, outside } => {
                    if *inside != 0 || *outside != 0 {
                        let code = Code { inside: *inside, outside: *outside, ..Code::new(Kind::Unless) };
                        self.codes.push(code);
                    }
                    let code = match *bit {
                        Bit::Lane(lane) => {
                            Code { at: lane_flip(lane, *lanes) as u32, ..Code::new(Kind::LaneFlip) }
                        }
                        Bit::Register(k) if *lanes != 0 => {
                            let at = self.mask(*lanes, shape);
                            Code { bit: k as u8, at, ..Code::new(Kind::MaskedFlip) }
                        }
                        Bit::Register(k) if registers.is_power_of_two() => {
                            Code::new(EXCHANGES[registers.trailing_zeros() as usize][k])
                        }
                        Bit::Register(_) => {
                            let at = self.tables.len() as u32;
                            let sources = operation.sources(shape.tile);
                            self.tables.extend(sources.iter().map(|from| T::narrow(*from as f64)));
                            Code { at, ..Code::new(Kind::Permute) }
                        }
                    };
                    self.codes.push(Code { inside: *registers as u32, ..code });
                }
                Operation::Phases(phases) => self.phases(phases, shape, values),
            }
        }
        self.ends.push(self.codes.len() as u32);
    }

    fn rotation(&mut self, bit: Bit, angle: f64, shape: Shape) {
        let (sin, cos) = (angle / 2.0).sin_cos();
        if sin == 0.0 {
            self.scale *= cos;
            return;
        }
        match bit {
            Bit::Lane(lane) => {
                let at = self.tables.len();
                let complex = |k: usize| if k >> lane & 1 == 0 { -sin } else { sin };
                self.tables.extend((0..2 << shape.lanes).map(|k| T::narrow(complex(k / 2))));
                let (bit, value, at) = (lane as u8, T::narrow(cos), at as u32);
                self.codes.push(Code { bit, value, at, ..Code::new(Kind::LaneRotation) });
                return;
            }
            Bit::Register(k) if cos.abs() >= sin.abs() => {
                self.scale *= cos;
                self.codes.push(Code { value: T::narrow(sin / cos), ..Code::new(TANGENTS[k]) });
            }
            Bit::Register(k) => {
                self.scale *= sin;
                self.codes.push(Code { value: T::narrow(cos / sin), ..Code::new(COTANGENTS[k]) });
            }
        }
        let size = self.scale.norm();
        if size.log2().abs() > DEFERRED {
            self.codes.push(Code { value: T::narrow(size), ..Code::new(Kind::Scale) });
            self.scale /= size;
        }
    }

    fn phases(&mut self, phases: &Phases, shape: Shape, values: &[f64]) {
        let mut scale = std::mem::replace(&mut self.scale, C64::ONE);
        let kinds = [(Kind::Scalars, &phases.scalars, 0), (Kind::Vectors, &phases.vectors, 1 << shape.lanes)];
        for (kind, tables, lanes) in kinds {
            let (at, count) = (self.choices.len() as u32, tables.len() as u32);
            for table in tables {
                self.choices.push(Choice { at: self.tables.len() as u32 });
                self.table(table, 1 << shape.tile, lanes, std::mem::replace(&mut scale, C64::ONE), values);
            }
            if count > 0 {
                self.codes.push(Code { at, count, ..Code::new(kind) });
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

    /// Ones where lanes have these bits, else zeros.
    fn mask(&mut self, lanes: usize, shape: Shape) -> u32 {
        let at = self.tables.len() as u32;
        let is_on = |k: usize| (k / 2) & lanes == lanes;
        self.tables.extend((0..2 << shape.lanes).map(|k| if is_on(k) { T::one() } else { T::zero() }));
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
        Self { kind, bit: 0, inside: 0, outside: 0, value: T::zero(), at: 0, count: 0 }
    }
}

/// Numbers the flips of a lane's bit: there are at most three bits, and controls on the other two.
pub(crate) fn lane_flip(lane: usize, controls: usize) -> usize {
    lane << 3 | controls
}

/// How many numbers [`lane_flip`] gives.
pub(crate) const LANE_FLIPS: usize = 24;
