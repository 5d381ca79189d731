//! Unitaries planned for the state-vector kernels, and their runs.
#![allow(unsafe_code)] // threads write disjoint blocks of one vector

use num_complex::Complex;
use rayon::prelude::*;

use super::bound::Bound;
use super::effort::Effort;
use super::kernel::{Layouts, Selection, padded};
use super::meeting::Meeting;
use super::pass::{First, Memory, Pass, Runs, with_buffer};
use super::primitive::{Primitive, Primitives};
use super::schedule::{Shape, Stage, Sweep, schedule};
use super::tile::{Operation, Table, Tile};
use super::vector::Level;
use crate::gate::Call;
use crate::simulator::cache;
use crate::simulator::kernel::Layout;
use crate::simulator::precision::Precision;
use crate::{Angle, Error, Result};

/// Part of the second-level cache that a block fills: what it is read from and what is read next lie there too.
const CACHE_PART: usize = 2;

/// Fewest and most qubits of a block of a wide state.
const BLOCK: (usize, usize) = (14, 17);

/// Qubits of the runs in which blocks are read: 256 bytes.
const CHUNK: usize = 4;

/// Fewest qubits that are worth several threads.
const PARALLEL: usize = 14;

/// A unitary ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Engine<T> {
    pub(super) level: Level,
    pub(super) shape: Shape,
    pub(super) stages: Vec<Stage>,
    /// For each stage, the parts of tables that tiles use.
    selections: Vec<Vec<Selection>>,
    /// The global phase is the sum of these.
    phase: Vec<Angle>,
    /// Codes and tables, where no parameter takes part.
    constant: Option<Bound<T>>,
    /// The angles by which derivatives are taken.
    slopes: Vec<Angle>,
}

impl<T: Precision> Engine<T> {
    /// Plans gates on `width` qubits.
    pub(crate) fn new<'a>(calls: impl IntoIterator<Item = &'a Call>, width: usize) -> Self {
        Self::with_level(calls, width, level::<T>(width))
    }

    /// Plans gates for the vectors of a level.
    pub(crate) fn with_level<'a>(
        calls: impl IntoIterator<Item = &'a Call>,
        width: usize,
        level: Level,
    ) -> Self {
        let Primitives { list, phase, .. } = Primitives::of(calls);
        Self::shaped(list, phase, width, level, shape::<T>(level, width))
    }

    /// Plans the way back of gates on `width` qubits, for two states at once, and the derivatives of their overlap by
    /// the gates' angles. The states are the halves of a vector of [`Self::pair_width`] qubits.
    pub(crate) fn back<'a>(calls: impl IntoIterator<Item = &'a Call>, width: usize) -> Self {
        Self::back_with_level(calls, width, level::<T>(width + 1))
    }

    /// As [`Self::back`], for the vectors of a level.
    pub(crate) fn back_with_level<'a>(
        calls: impl IntoIterator<Item = &'a Call>,
        width: usize,
        level: Level,
    ) -> Self {
        let (list, slopes) = Primitives::of(calls).inverse();
        // the qubit that tells the states apart is the last one, also of a tile
        let shape = shape::<T>(level, width + 1);
        let width = (width + 1).max(shape.lanes + shape.tile);
        let shape = Shape { pair: Some(width - 1), ..shape };
        Self { slopes, ..Self::shaped(list, Vec::new(), width, level, shape) }
    }

    fn shaped(list: Vec<Primitive>, phase: Vec<Angle>, width: usize, level: Level, shape: Shape) -> Self {
        let angles = list.iter().filter_map(Primitive::angle).chain(&phase);
        let is_constant = angles.into_iter().all(Angle::is_constant);
        let stages = schedule(list, width.max(shape.block), shape);
        let selections = stages.iter().map(|stage| stage.selections(shape)).collect();
        let slopes = Vec::new();
        let mut engine = Self { level, shape, stages, selections, phase, constant: None, slopes };
        if is_constant {
            engine.constant = Some(engine.compile(&[]));
        }
        engine
    }

    fn compile(&self, values: &[f64]) -> Bound<T> {
        let phase = self.phase.iter().map(|angle| angle.value(values)).sum();
        Bound::new(&self.stages, self.shape, phase, values)
    }

    /// Codes and tables for these values; none where no parameter takes part.
    ///
    /// # Errors
    /// [`Error::Angle`] where finite values give an angle that is not.
    pub(crate) fn bind(&self, values: &[f64]) -> Result<Option<Bound<T>>> {
        if self.constant.is_some() {
            return Ok(None);
        }
        let bound = self.compile(values);
        if bound.is_finite() { Ok(Some(bound)) } else { Err(Error::Angle { gate: "a gate".into(), step: 0 }) }
    }

    /// The vectors that it is planned for.
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Qubits of a vector that has both states as its halves; 0 where there is one state.
    pub(crate) fn pair_width(&self) -> usize {
        self.shape.pair.map_or(0, |qubit| qubit + 1)
    }

    /// What a run on a state of `width` qubits takes.
    pub(crate) fn effort(&self, width: usize) -> Effort {
        Effort::of(self, width)
    }

    /// How often a run passes over the vector.
    pub(crate) fn passes(&self) -> usize {
        self.stages.len()
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_identity(&self) -> bool {
        self.stages.is_empty() && self.phase.is_empty()
    }

    /// Multiplies a vector by the unitary, as [`Self::bind`] bound it.
    pub(crate) fn apply(&self, bound: Option<&Bound<T>>, vector: &mut [Complex<T>]) {
        self.run(bound, vector, &mut []);
    }

    /// Carries two states back, the halves of a vector, and adds the derivatives by the parameters to the gradient.
    pub(crate) fn meet(&self, bound: Option<&Bound<T>>, vector: &mut [Complex<T>], gradient: &mut [f64]) {
        let mut slopes = vec![0.0; self.slopes.len()];
        self.run(bound, vector, &mut slopes);
        for (angle, slope) in self.slopes.iter().zip(slopes) {
            angle.terms().for_each(|(parameter, coefficient)| gradient[parameter] += coefficient * slope);
        }
    }

    fn run(&self, bound: Option<&Bound<T>>, vector: &mut [Complex<T>], slopes: &mut [f64]) {
        let Some(bound) = bound.or(self.constant.as_ref()) else { return };
        let mut first = First { code: 0, tile: 0, choice: 0, meeting: 0 };
        let mut forms = bound.forms.iter();
        let last = self.stages.iter().rposition(|stage| matches!(stage, Stage::Sweep(_)));
        for (at, (stage, selections)) in self.stages.iter().zip(&self.selections).enumerate() {
            match stage {
                Stage::Dense { targets, controls, .. } => {
                    let controls = (0..64).filter(|qubit| controls >> qubit & 1 == 1);
                    if let Some(form) = forms.next() {
                        Layout::new(targets, controls).apply(form, vector);
                    }
                }
                Stage::Sweep(sweep) => {
                    let layouts = Layouts {
                        tiles: &sweep.tiles,
                        selections,
                        block: sweep.places.len(),
                        lanes: self.shape.lanes,
                    };
                    let scale = (last == Some(at)).then(|| bound.scale());
                    let met = self.sweep(sweep, &layouts, bound, &first, scale, vector);
                    let weights = &bound.weights[first.meeting..];
                    for ((meeting, weight), met) in sweep.meetings.iter().zip(weights).zip(met) {
                        slopes[meeting.number as usize] = weight * met;
                    }
                    first.tile += sweep.tiles.len();
                    first.choice += selections.len();
                    first.meeting += sweep.meetings.len();
                    first.code = first.tile.checked_sub(1).map_or(0, |tile| bound.ends[tile] as usize);
                }
            }
        }
        let scale = bound.scale();
        if last.is_none() && scale != Complex::new(T::one(), T::zero()) {
            vector.par_iter_mut().with_min_len(1 << PARALLEL).for_each(|a| *a *= scale);
        }
    }

    /// Applies a sweep; returns its derivatives, unweighted.
    fn sweep(
        &self,
        sweep: &Sweep,
        layouts: &Layouts<'_>,
        bound: &Bound<T>,
        first: &First,
        scale: Option<Complex<T>>,
        vector: &mut [Complex<T>],
    ) -> Vec<f64> {
        let runs = Runs::new::<T>(sweep, vector.len());
        let memory = Memory(vector.as_mut_ptr().cast());
        let lanes = T::lanes(self.level);
        let blocks = 1_usize << sweep.outer.len();
        let is_far = blocks > 1 && size_of_val(vector) > cache::second_level();
        let block = |number: usize| {
            let outer = sweep.outer_bits(number);
            // threads take blocks in order, so the next one is most often this thread's
            let next = (is_far && number + 1 < blocks).then(|| sweep.outer_bits(number + 1));
            let mut sums = vec![T::zero(); lanes * sweep.meetings.len()];
            with_buffer(padded::<T>(1 << sweep.places.len()), |buffer| {
                let (memory, sums) = (memory.get(), sums.as_mut_ptr());
                let pass =
                    Pass { layouts, bound, first, scale, runs: &runs, memory, outer, next, buffer, sums };
                // SAFETY: blocks of different numbers are disjoint parts of the vector, the buffer holds one, and each
                // derivative has its sums
                unsafe { T::run(self.level, pass) };
            });
            let total = |(meeting, sums): (&Meeting, &[T])| meeting.total(sums);
            sweep.meetings.iter().zip(sums.chunks_exact(lanes)).map(total).collect::<Vec<_>>()
        };
        let met: Vec<Vec<f64>> = if blocks > 1 && vector.len() >> PARALLEL > 0 {
            (0..blocks).into_par_iter().map(block).collect()
        } else {
            (0..blocks).map(block).collect()
        };
        (0..sweep.meetings.len()).map(|at| met.iter().map(|block| block[at]).sum()).collect()
    }
}

impl Stage {
    /// The choices of a sweep, in the order in which they are bound.
    fn selections(&self, shape: Shape) -> Vec<Selection> {
        let Self::Sweep(sweep) = self else { return Vec::new() };
        let selection = |tile: &Tile, masks: Vec<(u32, u64)>| {
            let (inside, outside): (Vec<_>, _) = masks.into_iter().unzip();
            Selection { inside: parts(tile, &inside, sweep.places.len(), shape.lanes), outside }
        };
        let selectors = |table: &Table| table.selectors.iter().map(|s| (s.inside, s.outside)).collect();
        let of = |tile: &Tile| {
            let masks = tile.operations.iter().flat_map(|operation| match operation {
                Operation::Phases(phases) => {
                    phases.scalars.iter().chain(&phases.vectors).map(selectors).collect::<Vec<_>>()
                }
                Operation::Characters(characters) => vec![characters.signs.clone()],
                _ => Vec::new(),
            });
            masks.map(|masks| selection(tile, masks)).collect::<Vec<_>>()
        };
        sweep.tiles.iter().flat_map(of).collect()
    }
}

/// For each tile of a block, the parities of these positions.
fn parts(tile: &Tile, masks: &[u32], block: usize, lanes: usize) -> Vec<u8> {
    let mut parts = vec![0];
    for position in (lanes..block).filter(|position| !tile.bits.contains(position)) {
        let flip =
            masks.iter().enumerate().fold(0, |flip, (k, mask)| flip | ((mask >> position & 1) as u8) << k);
        let half = parts.len();
        parts.extend_from_within(..);
        parts[half..].iter_mut().for_each(|part| *part ^= flip);
    }
    parts
}

/// The widest vectors of which a tile fits in the state.
fn level<T: Precision>(width: usize) -> Level {
    let fits = |level: &&Level| T::tile(**level) * T::lanes(**level) / 2 <= 1 << width;
    let smallest = || Level::all().iter().rev().min_by_key(|level| T::tile(**level) * T::lanes(**level));
    Level::all().iter().rev().find(fits).or_else(smallest).copied().unwrap_or(Level::Portable)
}

/// How plans of this width are cut. It does not depend on the number of threads, so that results do not either.
fn shape<T: Precision>(level: Level, width: usize) -> Shape {
    let lanes = (T::lanes(level) / 2).ilog2() as usize;
    let tile = T::tile(level).ilog2() as usize;
    let block = match width {
        ..=14 => width,
        15..=17 => 13,
        _ => {
            let amplitudes = cache::second_level() / CACHE_PART / (2 * size_of::<T>());
            (amplitudes.max(1).ilog2() as usize).clamp(BLOCK.0, BLOCK.1)
        }
    };
    let block = block.max(lanes + tile);
    let chunk = if block >= width { block } else { CHUNK.max(lanes) };
    Shape { lanes, tile, block, chunk, pair: None }
}
