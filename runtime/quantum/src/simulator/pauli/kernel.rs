//! The inner loops: a stencil applied to all groups of a Pauli vector.
#![allow(unsafe_code)] // vector instructions, and several threads that write disjoint groups
#![allow(clippy::inline_always)] // what runs inside a function with vector instructions must be part of it

use std::ops::Range;

use rayon::prelude::*;

use super::stencil::{MAX_INPUTS, Stencil, outputs};
use crate::simulator::sweep::vector::{Dispatch, Kernel, Lanes, Level};

/// Entries from which several threads pay.
pub(super) const PARALLEL: usize = 1 << 16;

/// Tasks of a pass; the same for any number of threads.
const TASKS: usize = 16;

/// Lanes of a vector of this processor.
pub(crate) fn lanes() -> usize {
    f64::lanes(Level::best())
}

/// Applies a matrix, given by the coefficients of its stencil.
///
/// # Panics
/// If a qubit of the stencil is beyond the vector: programs are only run on vectors of their own width.
pub(crate) fn apply(stencil: &Stencil, coefficients: &[f64], vector: &mut [f64]) {
    apply_with(Level::best(), stencil, coefficients, vector);
}

/// As [`apply`], with the vectors of a level.
pub(super) fn apply_with(level: Level, stencil: &Stencil, coefficients: &[f64], vector: &mut [f64]) {
    let vectors = vector.len() / f64::lanes(level);
    let top = stencil.holes.last().map_or(0, |(place, count)| place + count);
    assert!(vector.len().is_power_of_two() && vectors > 0 && vectors >> top > 0, "the vector is too short");
    assert_eq!(coefficients.len(), stencil.len(), "as many coefficients as the stencil has");
    let groups = vectors / stencil.group;
    // SAFETY: groups have disjoint vectors, all of them below the length that was checked
    let pass = |start: &Start, groups: Range<usize>| unsafe {
        f64::run(level, Pass { stencil, coefficients, start: start.0, groups });
    };
    let start = Start(vector.as_mut_ptr());
    if vector.len() < PARALLEL || rayon::current_num_threads() == 1 {
        pass(&start, 0..groups);
    } else {
        let size = groups.div_ceil(TASKS).next_multiple_of(UNROLLED);
        let tasks = (0..groups.div_ceil(size)).into_par_iter();
        tasks.for_each(|task| pass(&start, task * size..((task + 1) * size).min(groups)));
    }
}

/// Adds `sum dual[row] state[column]` over all groups to the entries (row, column) that a sparse stencil lists: the derivative
/// of `<dual| matrix |state>` by them.
///
/// # Panics
/// As [`apply`].
pub(super) fn environment(stencil: &Stencil, dual: &[f64], state: &[f64], entries: &mut [f64]) {
    let level = Level::best();
    let vectors = state.len() / f64::lanes(level);
    let top = stencil.holes.last().map_or(0, |(place, count)| place + count);
    assert!(state.len().is_power_of_two() && vectors > 0 && vectors >> top > 0, "the vector is too short");
    assert!(dual.len() == state.len() && !stencil.dense, "two vectors of a length and a list of terms");
    let groups = vectors / stencil.group;
    let part = |groups: Range<usize>| {
        // SAFETY: the groups are below the length that was checked
        let sums = unsafe { f64::run(level, Overlap { stencil, dual, state, groups }) };
        let mut part = vec![0.0; stencil.len()];
        let (all, each) = (sums.len(), sums.len() / stencil.len().max(1));
        for (sum, lanes) in part.iter_mut().zip(sums[..all].chunks_exact(each.max(1))) {
            *sum = lanes.iter().sum();
        }
        part
    };
    if state.len() < PARALLEL {
        stencil.scatter(&part(0..groups), entries);
        return;
    }
    let size = groups.div_ceil(TASKS);
    let tasks = (0..groups.div_ceil(size)).into_par_iter();
    let parts: Vec<Vec<f64>> = tasks.map(|task| part(task * size..((task + 1) * size).min(groups))).collect();
    for part in &parts {
        stencil.scatter(part, entries);
    }
}

/// Products of two vectors, summed for each term of a stencil.
struct Overlap<'a> {
    stencil: &'a Stencil,
    dual: &'a [f64],
    state: &'a [f64],
    groups: Range<usize>,
}

impl Kernel<f64> for Overlap<'_> {
    /// The lanes of each term's sum.
    type Output = Vec<f64>;

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = f64>>(self) -> Vec<f64> {
        let stencil = self.stencil;
        // SAFETY: the processor has the instructions of `V`, the groups are within both vectors, terms name inputs
        unsafe {
            let indices: [V::Index; 16] =
                std::array::from_fn(|k| V::index(|lane| (lane ^ (k << stencil.shift)) & (V::LANES - 1)));
            let mut sums = vec![0.0; stencil.terms.len() * V::LANES];
            let mut x = [V::splat(0.0); MAX_INPUTS];
            for group in self.groups.clone() {
                let base = stencil.base(group) * V::LANES;
                for (x, input) in x.iter_mut().zip(&stencil.inputs) {
                    *x = V::load(self.state.as_ptr().add(base + input.offset * V::LANES));
                    if input.permutation > 0 {
                        *x = x.permute(indices[input.permutation & 15]);
                    }
                }
                let (mut term, mut sum) = (0, sums.as_mut_ptr());
                for row in &stencil.rows {
                    let y = V::load(self.dual.as_ptr().add(base + row.offset * V::LANES));
                    for input in stencil.terms.get_unchecked(term..row.end) {
                        y.mul_add(*x.get_unchecked(*input as usize), V::load(sum)).store(sum);
                        sum = sum.add(V::LANES);
                    }
                    term = row.end;
                }
            }
            sums
        }
    }
}

/// Groups next to each other that a sparse stencil may take at once.
const UNROLLED: usize = 4;

/// A vector that several threads write at disjoint places.
struct Start(*mut f64);

// SAFETY: only used by `apply`, which hands each thread its own groups
unsafe impl Sync for Start {}

/// A stencil on some groups.
struct Pass<'a> {
    stencil: &'a Stencil,
    coefficients: &'a [f64],
    start: *mut f64,
    groups: Range<usize>,
}

impl Kernel<f64> for Pass<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = f64>>(self) {
        let stencil = self.stencil;
        // SAFETY (of all calls): the processor has the instructions of `V`, the groups are within the vector
        unsafe {
            if stencil.dense {
                return match (stencil.group, stencil.permutations, stencil.skips_first) {
                    (4, 1, true) => self.dense::<V, 4, 4, 1>(),
                    (4, 1, false) => self.dense::<V, 4, 4, 0>(),
                    (2, 2, _) => self.dense::<V, 2, 4, 0>(),
                    (1, 4, _) => self.dense::<V, 1, 4, 0>(),
                    (16, 1, _) => self.dense::<V, 16, 16, 0>(),
                    (8, 2, _) => self.dense::<V, 8, 16, 0>(),
                    (4, 4, _) => self.dense::<V, 4, 16, 0>(),
                    (2, 8, _) => self.dense::<V, 2, 16, 0>(),
                    (1, 16, _) => self.dense::<V, 1, 16, 0>(),
                    (group, permutations, _) => unreachable!("no dense stencil of {group} x {permutations}"),
                };
            }
            let run = stencil.holes.first().map_or(u32::MAX, |hole| hole.0);
            let even =
                self.groups.start.is_multiple_of(UNROLLED) && self.groups.len().is_multiple_of(UNROLLED);
            match (stencil.inputs.len(), run >= 2 && even) {
                (..=16, true) => self.sparse::<V, UNROLLED, 16>(),
                (..=16, false) => self.sparse::<V, 1, 16>(),
                (..=64, _) => self.sparse::<V, 1, 64>(),
                _ => self.sparse::<V, 1, MAX_INPUTS>(),
            }
        }
    }
}

impl Pass<'_> {
    /// `OUTPUTS` vectors a group and `INPUTS` products for each; rows from `FIRST` on are written.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; the stencil has these numbers.
    #[inline(always)]
    unsafe fn dense<V: Lanes<Real = f64>, const OUTPUTS: usize, const INPUTS: usize, const FIRST: usize>(
        &self,
    ) {
        let stencil = self.stencil;
        let permutations = INPUTS / OUTPUTS;
        let mut offsets = [0; OUTPUTS];
        for (offset, input) in offsets.iter_mut().zip(stencil.inputs.iter().step_by(permutations)) {
            *offset = input.offset * V::LANES;
        }
        // SAFETY: as the caller's; offsets are those of the group's vectors
        unsafe {
            let indices: [V::Index; 16] =
                std::array::from_fn(|k| V::index(|lane| (lane ^ (k << stencil.shift)) & (V::LANES - 1)));
            for group in self.groups.clone() {
                let at = self.start.add(stencil.base(group) * V::LANES);
                let mut x = [V::splat(0.0); INPUTS];
                for (o, offset) in offsets.iter().enumerate() {
                    let vector = V::load(at.add(*offset));
                    x[o * permutations] = vector;
                    for k in 1..permutations {
                        x[o * permutations + k] = vector.permute(indices[k]);
                    }
                }
                let mut c = self.coefficients.as_ptr();
                let mut out = FIRST;
                while out < OUTPUTS {
                    match outputs(OUTPUTS - FIRST) {
                        8 => c = sums::<V, INPUTS, 8>(&x, c, permutations > 1, at, &offsets[out..]),
                        4 => c = sums::<V, INPUTS, 4>(&x, c, permutations > 1, at, &offsets[out..]),
                        3 => c = sums::<V, INPUTS, 3>(&x, c, permutations > 1, at, &offsets[out..]),
                        2 => c = sums::<V, INPUTS, 2>(&x, c, permutations > 1, at, &offsets[out..]),
                        _ => c = sums::<V, INPUTS, 1>(&x, c, permutations > 1, at, &offsets[out..]),
                    }
                    out += outputs(OUTPUTS - FIRST);
                }
            }
        }
    }

    /// `UNROLLED` neighbouring groups at once, only the terms of the stencil.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; groups come in whole runs of `UNROLLED`; there are at most `INPUTS` inputs.
    #[inline(always)]
    unsafe fn sparse<V: Lanes<Real = f64>, const UNROLLED: usize, const INPUTS: usize>(&self) {
        let stencil = self.stencil;
        let broadcast = stencil.permutations == 1;
        // SAFETY: as the caller's; offsets are those of the group's vectors, terms name inputs
        unsafe {
            let indices: [V::Index; 16] =
                std::array::from_fn(|k| V::index(|lane| (lane ^ (k << stencil.shift)) & (V::LANES - 1)));
            let mut x = [[V::splat(0.0); UNROLLED]; INPUTS];
            let mut group = self.groups.start;
            while group < self.groups.end {
                let at = self.start.add(stencil.base(group) * V::LANES);
                for (x, input) in x.iter_mut().zip(&stencil.inputs) {
                    for (u, x) in x.iter_mut().enumerate() {
                        *x = V::load(at.add((input.offset + u) * V::LANES));
                        if input.permutation > 0 {
                            *x = x.permute(indices[input.permutation & 15]);
                        }
                    }
                }
                let (mut c, mut term) = (self.coefficients.as_ptr(), 0);
                for row in &stencil.rows {
                    let mut sums = [V::splat(0.0); UNROLLED];
                    for input in stencil.terms.get_unchecked(term..row.end) {
                        let coefficient = if broadcast { V::splat(*c) } else { V::load(c) };
                        c = c.add(if broadcast { 1 } else { V::LANES });
                        let x = x.get_unchecked(*input as usize);
                        for (sum, x) in sums.iter_mut().zip(x) {
                            *sum = x.mul_add(coefficient, *sum);
                        }
                    }
                    term = row.end;
                    for (u, sum) in sums.iter().enumerate() {
                        sum.store(at.add((row.offset + u) * V::LANES));
                    }
                }
                group += UNROLLED;
            }
        }
    }
}

/// Sums `OUTPUTS` rows over all inputs and stores them; returns where the next coefficients are.
///
/// # Safety
/// The processor has the instructions of `V`; coefficients and offsets are there.
#[inline(always)]
unsafe fn sums<V: Lanes<Real = f64>, const INPUTS: usize, const OUTPUTS: usize>(
    x: &[V; INPUTS],
    mut c: *const f64,
    lanes: bool,
    at: *mut f64,
    offsets: &[usize],
) -> *const f64 {
    // SAFETY: as the caller's
    unsafe {
        let mut sums = [V::splat(0.0); OUTPUTS];
        for x in x {
            for sum in &mut sums {
                *sum = x.mul_add(if lanes { V::load(c) } else { V::splat(*c) }, *sum);
                c = c.add(if lanes { V::LANES } else { 1 });
            }
        }
        for (sum, offset) in sums.iter().zip(offsets) {
            sum.store(at.add(*offset));
        }
        c
    }
}
