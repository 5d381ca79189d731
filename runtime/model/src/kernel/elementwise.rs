//! Functions of one and two numbers over whole tensors.

#![allow(unsafe_code)]

use super::level::vectorised;
use super::real::Real;
use super::shared::Shared;
use super::team::Team;
use crate::MAX_RANK;

/// Elements that one task takes.
pub(crate) const GRAIN: usize = 1 << 15;

/// An operand and a result, which may be the same memory.
#[derive(Debug)]
pub enum Pair<'a, T> {
    /// The result replaces the operand.
    Same(&'a mut [T]),
    /// The operand stays.
    Apart(&'a [T], &'a mut [T]),
}

/// A function of a number. A type of its own each, so that loops over it become vectors.
pub(crate) trait Map<T>: Copy + Send + Sync {
    fn at(self, x: T) -> T;
}

/// A function of two numbers.
pub(crate) trait Zip<T>: Copy + Send + Sync {
    fn at(self, x: T, a: T) -> T;
}

vectorised! {
    fn map_same<T: Real, F: Map<T>>(y: &mut [T], f: F) {
        for y in y {
            *y = f.at(*y);
        }
    }
}
vectorised! {
    fn map_apart<T: Real, F: Map<T>>(x: &[T], y: &mut [T], f: F) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = f.at(x);
        }
    }
}
vectorised! {
    fn zip_same<T: Real, F: Zip<T>>(y: &mut [T], a: &[T], f: F) {
        for (y, &a) in y.iter_mut().zip(a) {
            *y = f.at(*y, a);
        }
    }
}
vectorised! {
    fn zip_apart<T: Real, F: Zip<T>>(x: &[T], a: &[T], y: &mut [T], f: F) {
        for ((y, &x), &a) in y.iter_mut().zip(x).zip(a) {
            *y = f.at(x, a);
        }
    }
}
vectorised! {
    fn zip_number<T: Real, F: Zip<T>>(x: &[T], a: T, y: &mut [T], f: F) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = f.at(x, a);
        }
    }
}

/// `y = f(x)`.
pub(crate) fn map<T: Real, F: Map<T>>(team: &Team, pair: Pair<'_, T>, f: F) {
    match pair {
        Pair::Same(y) => {
            let (n, y) = (y.len(), Shared::new(y));
            // SAFETY: parts are disjoint.
            team.parts(n, GRAIN, |from, to| map_same(unsafe { y.part(from, to - from) }, f));
        }
        Pair::Apart(x, y) => {
            let (n, y) = (y.len(), Shared::new(y));
            // SAFETY: parts are disjoint.
            team.parts(n, GRAIN, |from, to| map_apart(&x[from..to], unsafe { y.part(from, to - from) }, f));
        }
    }
}

/// `y = f(x, a)`, elements in step.
pub(crate) fn zip<T: Real, F: Zip<T>>(team: &Team, pair: Pair<'_, T>, a: &[T], f: F) {
    match pair {
        Pair::Same(y) => {
            let (n, y) = (y.len(), Shared::new(y));
            // SAFETY: parts are disjoint.
            team.parts(n, GRAIN, |from, to| zip_same(unsafe { y.part(from, to - from) }, &a[from..to], f));
        }
        Pair::Apart(x, y) => {
            let (n, y) = (y.len(), Shared::new(y));
            team.parts(n, GRAIN, |from, to| {
                // SAFETY: parts are disjoint.
                zip_apart(&x[from..to], &a[from..to], unsafe { y.part(from, to - from) }, f);
            });
        }
    }
}

/// Elements from one index of the result to the next, for each of its axes; zero where an operand is repeated.
pub(crate) fn broadcast_strides(operand: &[usize], result: &[usize]) -> [usize; MAX_RANK] {
    let lead = result.len() - operand.len();
    let mut strides = [0; MAX_RANK];
    let mut stride = 1;
    for (axis, &dim) in operand.iter().enumerate().rev() {
        if dim > 1 {
            strides[lead + axis] = stride;
        }
        stride *= dim;
    }
    strides
}

/// The place of a row of the result in an operand; a row is all indices but the last.
pub(crate) fn row_start(mut row: usize, dims: &[usize], strides: &[usize]) -> usize {
    let mut start = 0;
    for (&dim, &stride) in dims.iter().zip(strides).rev().skip(1) {
        start += row % dim * stride;
        row /= dim;
    }
    start
}

vectorised! {
    fn zip_number_same<T: Real, F: Zip<T>>(y: &mut [T], a: T, f: F) {
        for y in y {
            *y = f.at(*y, a);
        }
    }
}

/// `y = f(y, a)` where `a`, with these strides, is repeated along some axes.
pub(crate) fn zip_broadcast_same<T: Real, F: Zip<T>>(
    team: &Team,
    y: &mut [T],
    a: &[T],
    (dims, strides): (&[usize], &[usize]),
    f: F,
) {
    let last = dims.last().copied().unwrap_or(1);
    let step = strides.last().copied().unwrap_or(0);
    let rows = y.len() / last.max(1);
    let y = Shared::new(y);
    team.parts(rows, (GRAIN / last.max(1)).max(1), |from, to| {
        for row in from..to {
            // SAFETY: rows are disjoint.
            let y = unsafe { y.part(row * last, last) };
            let a = &a[row_start(row, dims, strides)..];
            if step == 1 { zip_same(y, a, f) } else { zip_number_same(y, a[0], f) }
        }
    });
}

#[derive(Clone, Copy)]
struct Swapped<F>(F);

impl<T, F: Zip<T>> Zip<T> for Swapped<F> {
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn at(self, x: T, a: T) -> T {
        self.0.at(a, x)
    }
}

/// Strides of both operands of a broadcast over the result's `dims`.
pub(crate) struct Broadcast<'a> {
    pub(crate) dims: &'a [usize],
    pub(crate) x: &'a [usize],
    pub(crate) a: &'a [usize],
}

/// `y = f(x, a)` where operands are repeated along some axes.
pub(crate) fn zip_broadcast<T: Real, F: Zip<T>>(
    team: &Team,
    (x, a): (&[T], &[T]),
    y: &mut [T],
    shape: &Broadcast<'_>,
    f: F,
) {
    let last = shape.dims.last().copied().unwrap_or(1);
    let rows = y.len() / last.max(1);
    let steps = (shape.x.last().copied().unwrap_or(0), shape.a.last().copied().unwrap_or(0));
    let y = Shared::new(y);
    team.parts(rows, (GRAIN / last.max(1)).max(1), |from, to| {
        for row in from..to {
            // SAFETY: rows are disjoint.
            let y = unsafe { y.part(row * last, last) };
            let x = &x[row_start(row, shape.dims, shape.x)..];
            let a = &a[row_start(row, shape.dims, shape.a)..];
            match steps {
                (1, 1) => zip_apart(x, a, y, f),
                (1, _) => zip_number(x, a[0], y, f),
                (_, 1) => zip_number(a, x[0], y, Swapped(f)),
                _ => y.fill(f.at(x[0], a[0])),
            }
        }
    });
}
