//! Matrices on a few places of an index, with controls: the inner loops of all simulators.
//!
//! A place is a bit of the index into a vector of amplitudes: a qubit of a state vector; the row or the column half of a
//! qubit in a stacked density matrix. The indices that a matrix mixes form a group: they differ only in the target
//! places. Groups are visited in *spans*, runs of neighbouring groups whose amplitudes are neighbours too, so that the
//! innermost loop is over plain slices.
#![allow(unsafe_code)] // several threads write disjoint parts of one vector

use std::ops::Range;

use num_complex::Complex;
use rayon::prelude::*;

use super::form::{Form, SparseRows};
use super::precision::{Precision, widen};
use crate::C64;

/// Fewest amplitudes that are worth several threads.
pub(crate) const PARALLEL: usize = 1 << 14;

/// Groups that one task works on: fixed, so that sums do not depend on the number of threads.
const TASK: usize = 1 << 12;

/// Longest span, in powers of two: all slices of a span fit in the first cache.
const MAX_SPAN: usize = 9;

/// The places that a matrix acts on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    targets: Vec<usize>,
    controls: usize,
    /// Target and control places, increasing.
    fixed: Vec<usize>,
    /// For each index of the matrix, the bits it has in the index of the vector.
    offsets: Vec<usize>,
}

impl Layout {
    /// `targets[0]` is the least significant bit of the matrix; all places are distinct.
    pub(crate) fn new(targets: &[usize], controls: impl IntoIterator<Item = usize>) -> Self {
        let controls: Vec<_> = controls.into_iter().collect();
        let mut fixed = [targets, &controls].concat();
        fixed.sort_unstable();
        let spread =
            |index: usize| targets.iter().enumerate().map(|(k, place)| (index >> k & 1) << place).sum();
        Self {
            targets: targets.to_vec(),
            controls: controls.iter().map(|place| 1 << place).sum(),
            fixed,
            offsets: (0..1 << targets.len()).map(spread).collect(),
        }
    }

    /// The dimension of the matrix.
    pub(crate) fn dimension(&self) -> usize {
        self.offsets.len()
    }

    /// Multiplies the vector by the matrix.
    ///
    /// # Panics
    /// If a place is beyond the index of the vector: a program is only run on vectors of its own width.
    pub(crate) fn apply<T: Precision>(&self, form: &Form<T>, vector: &mut [Complex<T>]) {
        assert!(
            vector.len().is_power_of_two() && self.fixed.last().is_none_or(|top| vector.len() >> top > 1)
        );
        let spans = self.spans(vector.len());
        let view = View { start: vector.as_mut_ptr(), run: spans.run };
        let offsets = self.offsets.as_slice();
        // SAFETY (of all views below): spans have disjoint index sets, and within one the slices at different offsets
        // are disjoint; `Spans` only yields indices below the length of the vector.
        match form {
            Form::Diagonal(factors) => spans.each(|base| {
                for (factor, offset) in factors.iter().zip(offsets) {
                    if *factor != one() {
                        unsafe { view.at(base + offset) }.iter_mut().for_each(|a| *a *= *factor);
                    }
                }
            }),
            Form::Exchange(a, b) => spans.each(|base| {
                let (a, b) = unsafe { (view.at(base + offsets[*a]), view.at(base + offsets[*b])) };
                a.swap_with_slice(b);
            }),
            Form::Sparse(rows) => spans.each(|base| unsafe { view.sparse(base, offsets, rows) }),
            Form::Dense(matrix) => match offsets.len() {
                2 => spans.each(|base| unsafe { view.pair(base, offsets, matrix) }),
                4 => spans.each(|base| unsafe { view.dense::<4>(base, offsets, matrix) }),
                8 => spans.each(|base| unsafe { view.dense::<8>(base, offsets, matrix) }),
                16 => spans.each(|base| unsafe { view.dense::<16>(base, offsets, matrix) }),
                _ => spans.each(|base| unsafe { view.any(base, offsets, matrix) }),
            },
        }
    }

    /// `<left| M |right>` over the groups whose controls are set, `M` given by its entries `(row, column, value)`.
    pub(crate) fn bracket<T: Precision>(
        &self,
        entries: &[(usize, usize, Complex<T>)],
        left: &[Complex<T>],
        right: &[Complex<T>],
    ) -> C64 {
        let spans = self.spans(right.len());
        let run = spans.run;
        spans.sum(|base| {
            let mut sum = C64::ZERO;
            for (row, column, value) in entries {
                let (row, column) = (base + self.offsets[*row], base + self.offsets[*column]);
                let overlap = left[row..row + run]
                    .iter()
                    .zip(&right[column..column + run])
                    .fold(zero(), |sum, (l, r)| sum + l.conj() * r);
                sum += widen(*value * overlap);
            }
            sum
        })
    }

    /// The density matrix of the target places in a pure state, row by row; the other places are traced out.
    pub(crate) fn reduced<T: Precision>(&self, vector: &[Complex<T>]) -> Vec<C64> {
        let d = self.dimension();
        let mut reduced = vec![C64::ZERO; d * d];
        for row in 0..d {
            for column in 0..=row {
                let entry = self.bracket(&[(column, row, one())], vector, vector);
                reduced[row * d + column] = entry;
                reduced[column * d + row] = entry.conj();
            }
        }
        reduced
    }

    fn spans(&self, len: usize) -> Spans<'_> {
        let low = self.fixed.first().map_or(len.trailing_zeros() as usize, |place| *place).min(MAX_SPAN);
        Spans {
            run: 1 << low,
            low,
            count: (len >> self.fixed.len()) >> low,
            fixed: &self.fixed,
            controls: self.controls,
            parallel: len >= PARALLEL,
        }
    }
}

/// The runs of neighbouring groups in a vector.
struct Spans<'a> {
    run: usize,
    low: usize,
    count: usize,
    fixed: &'a [usize],
    controls: usize,
    parallel: bool,
}

impl Spans<'_> {
    /// The index of the first group of a span, its controls set.
    fn base(&self, span: usize) -> usize {
        self.fixed.iter().fold(span << self.low, |index, place| spread(index, *place)) | self.controls
    }

    fn per_task(&self) -> usize {
        (TASK >> self.low).max(1)
    }

    fn each(&self, visit: impl Fn(usize) + Sync) {
        if self.parallel {
            let spans = (0..self.count).into_par_iter().with_min_len(self.per_task());
            spans.for_each(|span| visit(self.base(span)));
        } else {
            (0..self.count).for_each(|span| visit(self.base(span)));
        }
    }

    fn sum(&self, part: impl Fn(usize) -> C64 + Sync) -> C64 {
        if !self.parallel {
            return (0..self.count).map(|span| part(self.base(span))).sum();
        }
        let size = self.per_task();
        let task = |first: usize| -> C64 {
            (first..(first + size).min(self.count)).map(|span| part(self.base(span))).sum()
        };
        let parts: Vec<C64> =
            (0..self.count.div_ceil(size)).into_par_iter().map(|at| task(at * size)).collect();
        parts.into_iter().sum()
    }
}

/// A vector that several threads write at disjoint places.
struct View<T> {
    start: *mut Complex<T>,
    run: usize,
}

// SAFETY: a view is only used through `apply`, which hands each thread its own spans.
unsafe impl<T: Send> Sync for View<T> {}

impl<T: Precision> View<T> {
    /// The slice of one run.
    ///
    /// # Safety
    /// `index + run` is within the vector, and no other slice over these indices is alive.
    #[allow(clippy::mut_from_ref)]
    unsafe fn at(&self, index: usize) -> &mut [Complex<T>] {
        // SAFETY: the caller's promise
        unsafe { std::slice::from_raw_parts_mut(self.start.add(index), self.run) }
    }

    /// Copies the amplitudes of one group.
    ///
    /// # Safety
    /// As [`Self::at`] for the base plus each offset.
    unsafe fn group(&self, at: usize, offsets: &[usize], old: &mut [Complex<T>]) {
        for (a, offset) in old.iter_mut().zip(offsets) {
            // SAFETY: the caller's promise
            *a = unsafe { *self.start.add(at + offset) };
        }
    }

    /// # Safety
    /// As [`Self::at`] for the base plus each offset.
    unsafe fn pair(&self, base: usize, offsets: &[usize], matrix: &[Complex<T>]) {
        // SAFETY: the caller's promise; the two offsets differ in a target place, so the slices are disjoint
        let (low, high) = unsafe { (self.at(base + offsets[0]), self.at(base + offsets[1])) };
        let (m00, m01, m10, m11) = (matrix[0], matrix[1], matrix[2], matrix[3]);
        for (a, b) in low.iter_mut().zip(high) {
            (*a, *b) = (m00 * *a + m01 * *b, m10 * *a + m11 * *b);
        }
    }

    /// # Safety
    /// As [`Self::at`] for the base plus each offset.
    unsafe fn dense<const D: usize>(&self, base: usize, offsets: &[usize], matrix: &[Complex<T>]) {
        for at in base..base + self.run {
            let mut old = [zero(); D];
            // SAFETY: the caller's promise
            unsafe { self.group(at, offsets, &mut old) };
            for (row, offset) in matrix.chunks_exact(D).zip(offsets) {
                let new = row.iter().zip(&old).fold(zero(), |sum, (m, a)| sum + m * a);
                // SAFETY: the caller's promise
                unsafe { *self.start.add(at + offset) = new };
            }
        }
    }

    /// # Safety
    /// As [`Self::at`] for the base plus each offset.
    unsafe fn any(&self, base: usize, offsets: &[usize], matrix: &[Complex<T>]) {
        let mut old = vec![zero(); offsets.len()];
        for at in base..base + self.run {
            // SAFETY: the caller's promise
            unsafe { self.group(at, offsets, &mut old) };
            for (row, offset) in matrix.chunks_exact(offsets.len()).zip(offsets) {
                let new = row.iter().zip(&old).fold(zero(), |sum, (m, a)| sum + m * a);
                // SAFETY: the caller's promise
                unsafe { *self.start.add(at + offset) = new };
            }
        }
    }

    /// # Safety
    /// As [`Self::at`] for the base plus each offset.
    unsafe fn sparse(&self, base: usize, offsets: &[usize], rows: &SparseRows<T>) {
        let mut small = [zero(); 16];
        let mut large = Vec::new();
        let old = if offsets.len() <= small.len() {
            &mut small[..offsets.len()]
        } else {
            large.resize(offsets.len(), zero());
            &mut large[..]
        };
        for at in base..base + self.run {
            // SAFETY: the caller's promise
            unsafe { self.group(at, offsets, old) };
            for (row, entries) in rows.iter() {
                let new = entries.iter().fold(zero(), |sum, (column, m)| sum + *m * old[*column]);
                // SAFETY: the caller's promise
                unsafe { *self.start.add(at + offsets[row]) = new };
            }
        }
    }
}

/// The sum of `part` over all of `0..count`, in an order that does not depend on the number of threads.
pub(crate) fn sum(count: usize, part: impl Fn(Range<usize>) -> f64 + Sync) -> f64 {
    if count < PARALLEL {
        return part(0..count);
    }
    let task = |at: usize| part(at * TASK..((at + 1) * TASK).min(count));
    let parts: Vec<f64> = (0..count.div_ceil(TASK)).into_par_iter().map(task).collect();
    parts.into_iter().sum()
}

/// `index` with a zero bit put in at `place`.
pub(crate) fn spread(index: usize, place: usize) -> usize {
    index >> place << (place + 1) | index & ((1 << place) - 1)
}

fn one<T: Precision>() -> Complex<T> {
    Complex::new(T::one(), T::zero())
}

fn zero<T: Precision>() -> Complex<T> {
    Complex::new(T::zero(), T::zero())
}
