//! Pooling by the usual windows, two by two and apart: four candidates without a loop over a window.

#![allow(clippy::needless_range_loop)] // several arrays side by side

use super::level::vectorised;
use super::real::Real;

vectorised! {
    /// The largest of four and its place, for a pair of rows that begins at `top`.
    fn halve_rows<T: Real>(upper: &[T], lower: &[T], top: i32, width: i32, y: &mut [T], places: &mut [i32]) {
        let n = y.len();
        let (upper, lower, places) = (&upper[..2 * n], &lower[..2 * n], &mut places[..n]);
        for k in 0..n {
            // a NaN wins, so that it is not lost
            let larger = |a: (T, i32), b: (T, i32)| if b.0 > a.0 || b.0.is_nan() { b } else { a };
            let at = top + 2 * k as i32;
            let above = larger((upper[2 * k], at), (upper[2 * k + 1], at + 1));
            let below = larger((lower[2 * k], at + width), (lower[2 * k + 1], at + width + 1));
            let (most, place) = larger(above, below);
            y[k] = most;
            places[k] = place;
        }
    }
}

/// The largest of each four, and its place within the plane.
pub(crate) fn halve<T: Real>(x: &[T], width: usize, out: usize, y: &mut [T], places: &mut [i32]) {
    for (row, (y, places)) in y.chunks_exact_mut(out).zip(places.chunks_exact_mut(out)).enumerate() {
        let top = 2 * row * width;
        let (upper, lower) = (&x[top..top + 2 * out], &x[top + width..top + width + 2 * out]);
        halve_rows(upper, lower, top as i32, width as i32, y, places);
    }
}

vectorised! {
    /// A gradient where the place says, zeros beside it.
    fn double_row<T: Real>(g: &[T], places: &[i32], first: i32, dx: &mut [T]) {
        let n = g.len();
        let (places, dx) = (&places[..n], &mut dx[..2 * n]);
        for k in 0..n {
            let at = first + 2 * k as i32;
            dx[2 * k] = if places[k] == at { g[k] } else { T::ZERO };
            dx[2 * k + 1] = if places[k] == at + 1 { g[k] } else { T::ZERO };
        }
    }
}

/// The gradient of [`halve`]: each of the result's goes to the place that it came from.
pub(crate) fn double<T: Real>(g: &[T], places: &[i32], out: usize, width: usize, dx: &mut [T]) {
    let rows = g.len() / out;
    for (y, dx) in dx.chunks_exact_mut(width).enumerate() {
        if y / 2 >= rows {
            dx.fill(T::ZERO);
            continue;
        }
        let row = y / 2 * out..(y / 2 + 1) * out;
        double_row(&g[row.clone()], &places[row], (y * width) as i32, dx);
        dx[2 * out..].fill(T::ZERO);
    }
}
