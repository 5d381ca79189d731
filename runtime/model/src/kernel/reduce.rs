//! Sums over axes.

#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop)] // lanes of several arrays side by side

use super::level::vectorised;
use super::real::Real;
use super::shared::Shared;
use super::team::Team;

/// Elements of a long sum that one task adds up; the partial sums are then added in order.
const PART: usize = 1 << 14;
/// Columns that one task sums over all rows.
const COLUMNS: usize = 256;

vectorised! {
    /// Sixteen sums side by side, then their sum: a fixed order that vectors can follow.
    pub(crate) fn total<T: Real>(x: &[T]) -> T {
        let mut sums = [T::ZERO; 16];
        let mut chunks = x.chunks_exact(16);
        for chunk in &mut chunks {
            for (sum, &x) in sums.iter_mut().zip(chunk) {
                *sum += x;
            }
        }
        let rest: T = chunks.remainder().iter().copied().sum();
        sums.iter().copied().sum::<T>() + rest
    }
}
vectorised! {
    fn add_rows<T: Real>(x: &[T], stride: usize, rows: usize, y: &mut [T], scale: T) {
        y.fill(T::ZERO);
        let n = y.len();
        let mut rows = x.chunks(stride).take(rows);
        // four rows at once, so that the sums are read and written less often
        while let (Some(a), b, c, d) = (rows.next(), rows.next(), rows.next(), rows.next()) {
            match (b, c, d) {
                (Some(b), Some(c), Some(d)) => {
                    let (a, b, c, d) = (&a[..n], &b[..n], &c[..n], &d[..n]);
                    for k in 0..n {
                        y[k] += (a[k] + b[k]) + (c[k] + d[k]);
                    }
                }
                _ => {
                    for row in [Some(a), b, c, d].into_iter().flatten() {
                        for (y, &x) in y.iter_mut().zip(row) {
                            *y += x;
                        }
                    }
                }
            }
        }
        for y in y {
            *y *= scale;
        }
    }
}

/// The reduced axes as one, if they follow one another: sizes before, of them, and after.
fn block(dims: &[usize], axes: &[usize]) -> Option<(usize, usize, usize)> {
    let (&first, &last) = (axes.first()?, axes.last()?);
    (last - first + 1 == axes.len()).then(|| {
        let product = |range: std::ops::Range<usize>| dims[range].iter().product();
        (product(0..first), product(first..last + 1), product(last + 1..dims.len()))
    })
}

/// One block of axes that stays between two that are reduced, as for sums by channel: sizes before, of it, and after.
fn channels(dims: &[usize], axes: &[usize]) -> Option<(usize, usize, usize)> {
    let first = (0..dims.len()).find(|axis| !axes.contains(axis))?;
    let last = (0..dims.len()).rfind(|axis| !axes.contains(axis))?;
    (last - first + 1 + axes.len() == dims.len()).then(|| {
        let product = |range: std::ops::Range<usize>| dims[range].iter().product();
        (product(0..first), product(first..last + 1), product(last + 1..dims.len()))
    })
}

/// Elements of scratch memory that [`sum`] needs.
pub(crate) fn workspace(dims: &[usize], axes: &[usize], results: usize) -> usize {
    match block(dims, axes) {
        Some((outer, reduced, 1)) if outer < 8 => outer * reduced.div_ceil(PART),
        _ => results.min(1),
    }
}

/// `y = scale * sum of x over axes`.
pub(crate) fn sum<T: Real>(
    team: &Team,
    x: &[T],
    dims: &[usize],
    axes: &[usize],
    scale: f64,
    y: &mut [T],
    scratch: &mut [T],
) {
    let scale = T::of(scale);
    match block(dims, axes) {
        None if axes.is_empty() => y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * scale),
        None if channels(dims, axes).is_some() => {
            let Some((outer, kept, inner)) = channels(dims, axes) else { return };
            let y = Shared::new(y);
            team.each(kept, |k| {
                let run = |i: usize| &x[(i * kept + k) * inner..(i * kept + k + 1) * inner];
                let sum: T = (0..outer).map(|i| total(run(i))).sum();
                // SAFETY: one element a task.
                let y = unsafe { &mut y.part(k, 1)[0] };
                *y = sum * scale;
            });
        }
        None => {
            // axes that do not follow one another: every element is added to its place, in order
            y.fill(T::ZERO);
            let mut strides = [0; crate::MAX_RANK];
            let mut stride = 1;
            for axis in (0..dims.len()).rev().filter(|axis| !axes.contains(axis)) {
                strides[axis] = stride;
                stride *= dims[axis];
            }
            let last = dims[dims.len() - 1];
            for (row, x) in x.chunks_exact(last).enumerate() {
                let start = super::elementwise::row_start(row, dims, &strides[..dims.len()]);
                if axes.contains(&(dims.len() - 1)) {
                    y[start] += total(x);
                } else {
                    y[start..start + last].iter_mut().zip(x).for_each(|(y, &x)| *y += x);
                }
            }
            for y in y.iter_mut() {
                *y *= scale;
            }
        }
        Some((outer, reduced, 1)) if outer < 8 => {
            let parts = reduced.div_ceil(PART);
            let partial = Shared::new(&mut scratch[..outer * parts]);
            team.each(outer * parts, |k| {
                let (i, part) = (k / parts, k % parts);
                let row = &x[i * reduced..(i + 1) * reduced];
                // SAFETY: one element a task.
                let sum = unsafe { &mut partial.part(k, 1)[0] };
                *sum = total(&row[part * PART..reduced.min((part + 1) * PART)]);
            });
            for (y, parts) in y.iter_mut().zip(scratch.chunks_exact(parts)) {
                *y = parts.iter().copied().sum::<T>() * scale;
            }
        }
        Some((_, reduced, 1)) => {
            let n = y.len();
            let y = Shared::new(y);
            team.parts(n, (PART / reduced).max(1), |from, to| {
                for i in from..to {
                    // SAFETY: parts are disjoint.
                    let y = unsafe { &mut y.part(i, 1)[0] };
                    *y = total(&x[i * reduced..(i + 1) * reduced]) * scale;
                }
            });
        }
        Some((outer, reduced, inner)) => {
            let y = Shared::new(y);
            let blocks = inner.div_ceil(COLUMNS);
            team.each(outer * blocks, |k| {
                let (i, from) = (k / blocks, k % blocks * COLUMNS);
                let width = COLUMNS.min(inner - from);
                // SAFETY: parts are disjoint.
                let y = unsafe { y.part(i * inner + from, width) };
                add_rows(&x[i * reduced * inner + from..(i + 1) * reduced * inner], inner, reduced, y, scale);
            });
        }
    }
}
