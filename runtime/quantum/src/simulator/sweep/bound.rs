//! A plan with the values of its parameters: codes and tables that the kernel reads.

use num_complex::Complex;

use super::schedule::{Shape, Stage, Sweep};
use super::tile::{Bit, Operation, Phases, Table, Term, Tile};
use super::vector::Vectors;
use crate::C64;
use crate::simulator::form::Form;
use crate::simulator::precision::narrow;

/// Deferred factors of rotations are applied before they leave these powers of two.
const DEFERRED: f64 = 24.0;

/// What a code does. Bits of registers are 0 to 3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// A rotation over its cosine: `a - t b`, `b + t a`.
    Tangent(u8),
    /// A rotation over its sine: `t a - b`, `t b + a`.
    Cotangent(u8),
    /// A rotation of a lane's bit: `cos v + (-sin, sin) permuted v`.
    LaneRotation(u8),
    /// Products with factors.
    Phases,
    /// Exchange of the registers with one bit set that differ in another: control, target.
    Exchange(u8, u8),
    /// Exchange of registers by list.
    Permute,
    /// A flip of a register's bit under control of lanes.
    MaskedFlip(u8),
    /// A flip of a lane's bit.
    LaneFlip,
    /// A product with one number.
    Scale,
}

/// One step of the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code<T> {
    pub(crate) kind: Kind,
    /// The positions of a block's index that must be 1, for flips.
    pub(crate) inside: u32,
    /// The outer qubits that must be 1, for flips.
    pub(crate) outside: u64,
    /// Bits that a register's number must have, for flips.
    pub(crate) registers: u32,
    pub(crate) value: T,
    /// Where its table starts; for phases, which of [`Bound::factors`]; for flips of lanes, which permutation.
    pub(crate) at: u32,
}

/// Tables of factors of one step of phases.
#[derive(Debug, Clone)]
pub(crate) struct Factors {
    pub(crate) scalars: Vec<Choice>,
    pub(crate) vectors: Vec<Choice>,
}

/// A table of which each tile uses one part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    /// Where the table starts.
    pub(crate) at: u32,
    /// Which of [`Bound::choices`] it is.
    pub(crate) number: u32,
}

/// Codes and tables.
#[derive(Debug, Clone)]
pub(crate) struct Bound<T> {
    pub(crate) codes: Vec<Code<T>>,
    /// For each tile of each sweep, the end of its codes.
    pub(crate) ends: Vec<u32>,
    pub(crate) factors: Vec<Factors>,
    pub(crate) tables: Vec<T>,
    /// Matrices of the dense stages.
    pub(crate) forms: Vec<Form<T>>,
    /// What is left to multiply the state with.
    pub(crate) scale: C64,
    choices: u32,
}

impl<T: Vectors> Bound<T> {
    /// Binds the stages of a plan.
    pub(crate) fn new(stages: &[Stage], shape: Shape, phase: f64, values: &[f64]) -> Self {
        let mut bound = Self {
            codes: Vec::new(),
            ends: Vec::new(),
            factors: Vec::new(),
            tables: Vec::new(),
            forms: Vec::new(),
            scale: C64::cis(phase),
            choices: 0,
        };
        for stage in stages {
            match stage {
                Stage::Sweep(Sweep { tiles, .. }) => {
                    tiles.iter().for_each(|tile| bound.tile(tile, shape, values))
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
                    let (kind, at) = match *bit {
                        Bit::Lane(lane) => (Kind::LaneFlip, lane_flip(lane, *lanes) as u32),
                        Bit::Register(k) if *lanes != 0 => {
                            (Kind::MaskedFlip(k as u8), self.mask(*lanes, shape))
                        }
                        Bit::Register(k) if registers.count_ones() == 1 => {
                            (Kind::Exchange(registers.trailing_zeros() as u8, k as u8), 0)
                        }
                        Bit::Register(_) => {
                            let at = self.tables.len();
                            let sources = operation.sources(shape.tile);
                            self.tables.extend(sources.iter().map(|from| T::narrow(*from as f64)));
                            (Kind::Permute, at as u32)
                        }
                    };
                    let (inside, outside, registers) = (*inside, *outside, *registers as u32);
                    self.codes.push(Code { kind, inside, outside, registers, value: T::zero(), at });
                }
                Operation::Phases(phases) => self.phases(phases, shape, values),
            }
        }
        self.ends.push(self.codes.len() as u32);
    }

    fn code(&mut self, kind: Kind, value: f64, at: usize) {
        let value = T::narrow(value);
        self.codes.push(Code { kind, inside: 0, outside: 0, registers: 0, value, at: at as u32 });
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
                self.code(Kind::LaneRotation(lane as u8), cos, at);
                return;
            }
            Bit::Register(k) if cos.abs() >= sin.abs() => {
                self.scale *= cos;
                self.code(Kind::Tangent(k as u8), sin / cos, 0);
            }
            Bit::Register(k) => {
                self.scale *= sin;
                self.code(Kind::Cotangent(k as u8), cos / sin, 0);
            }
        }
        let size = self.scale.norm();
        if size.log2().abs() > DEFERRED {
            self.code(Kind::Scale, size, 0);
            self.scale /= size;
        }
    }

    fn phases(&mut self, phases: &Phases, shape: Shape, values: &[f64]) {
        let mut scale = std::mem::replace(&mut self.scale, C64::ONE);
        let registers = 1 << shape.tile;
        let mut choices = |bound: &mut Self, tables: &[Table], lanes: usize| -> Vec<Choice> {
            let of = |table: &Table| {
                let at = bound.tables.len() as u32;
                bound.table(table, registers, lanes, std::mem::replace(&mut scale, C64::ONE), values);
                bound.choices += 1;
                Choice { at, number: bound.choices - 1 }
            };
            tables.iter().map(of).collect()
        };
        let scalars = choices(self, &phases.scalars, 0);
        let vectors = choices(self, &phases.vectors, 1 << shape.lanes);
        self.factors.push(Factors { scalars, vectors });
        self.code(Kind::Phases, 0.0, self.factors.len() - 1);
    }

    /// Writes the factors for each value of the selectors. With no `lanes` they are the real parts of all registers, then
    /// the imaginary parts; else a vector of real parts and one of imaginary parts for each register.
    fn table(&mut self, table: &Table, registers: usize, lanes: usize, scale: C64, values: &[f64]) {
        let count = registers * lanes.max(1);
        let mut entries = vec![scale; count << table.selectors.len()];
        let multiply = |entries: &mut [C64], term: &Term| {
            let factor = C64::cis(term.angle.value(values) / -2.0);
            for (k, entry) in entries.iter_mut().enumerate() {
                let odd =
                    (k % registers & term.registers).count_ones() + (k / registers & term.lanes).count_ones();
                *entry *= if odd % 2 == 0 { factor } else { factor.conj() };
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

    /// Ones and zeros where lanes have these bits, and the other way round.
    fn mask(&mut self, lanes: usize, shape: Shape) -> u32 {
        let at = self.tables.len() as u32;
        for wanted in [true, false] {
            let is_on = |k: usize| (k / 2 & lanes == lanes) == wanted;
            self.tables.extend((0..2 << shape.lanes).map(|k| if is_on(k) { T::one() } else { T::zero() }));
        }
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

/// Numbers the flips of a lane's bit: there are at most three bits, and controls on the other two.
pub(crate) fn lane_flip(lane: usize, controls: usize) -> usize {
    lane << 3 | controls
}

/// How many numbers [`lane_flip`] gives.
pub(crate) const LANE_FLIPS: usize = 24;
