//! Pairwise products of a few vectors, such as those between features of a recommendation model.

#![allow(unsafe_code)]

use super::gemm::{Source, Strided};
use super::real::Real;
use super::vector::{Kernel, Vector, dispatch, lanes};

/// Vectors whose products are computed at once.
const ROWS: usize = 8;

/// Pairs of `n`, and the place of the first pair of `i` with a smaller number.
pub(crate) fn pairs(i: usize) -> usize {
    i * i.saturating_sub(1) / 2
}

/// Elements of scratch memory of [`products`]: whole vectors of rows, as they are and turned.
pub(crate) fn workspace<T: Real>(n: usize, width: usize) -> usize {
    2 * width * n.next_multiple_of(lanes::<T>().0)
}

/// `out = x_i x_j` for `j < i`, of `n` vectors of `width` each, row by row. Every product is summed in order.
pub(crate) fn products<T: Real>(x: &[T], (n, width): (usize, usize), out: &mut [T], scratch: &mut [T]) {
    if width == 0 {
        out.fill(T::ZERO);
        return;
    }
    assert!(x.len() == n * width && out.len() == pairs(n) && scratch.len() == workspace::<T>(n, width));
    let (rows, turned) = scratch.split_at_mut(scratch.len() / 2);
    // what lies after the last row makes products that nobody reads; single rows would be turned number by number
    rows[..x.len()].copy_from_slice(x);
    let pitch = turned.len() / width;
    Strided { data: rows, along: width, depth: 1 }.pack(0, pitch, 0, width, pitch, turned);
    let kernel = Products { x, turned, out: out.as_mut_ptr(), n, width };
    // SAFETY: the lengths are those that it needs.
    unsafe { dispatch(&kernel) };
}

/// The gradient of [`products`] by `x`: `out_i = sum over j of g_ij x_j`.
pub(crate) fn gradient<T: Real>(g: &[T], x: &[T], (n, width): (usize, usize), out: &mut [T]) {
    assert!(x.len() == n * width && g.len() == pairs(n) && out.len() == x.len());
    // SAFETY: the lengths are those that it needs.
    unsafe { dispatch(&Gradient { g, x, out: out.as_mut_ptr(), n, width }) };
}

struct Products<'a, T> {
    x: &'a [T],
    turned: &'a [T],
    out: *mut T,
    n: usize,
    width: usize,
}

impl<T: Real> Kernel<T> for Products<'_, T> {
    #[inline(always)]
    #[allow(clippy::inline_always)]
    unsafe fn run<V: Vector<T>>(&self) {
        for row in (1..self.n).step_by(ROWS) {
            // what lies before the last row of these
            let last = (row + ROWS).min(self.n) - 1;
            let mut column = 0;
            while column < last {
                // SAFETY: as the caller promises.
                unsafe {
                    if V::WIDE && last - column > V::LANES {
                        self.tile::<V, 2>(row, column);
                        column += 2 * V::LANES;
                    } else {
                        self.tile::<V, 1>(row, column);
                        column += V::LANES;
                    }
                }
            }
        }
    }
}

impl<T: Real> Products<'_, T> {
    #[inline(always)]
    #[allow(clippy::inline_always, clippy::needless_range_loop)] // indices are constants after unrolling
    unsafe fn tile<V: Vector<T>, const N: usize>(&self, row: usize, column: usize) {
        let pitch = self.turned.len() / self.width;
        // SAFETY: as the caller promises; columns are whole vectors of the turned ones.
        unsafe {
            let rows: [*const T; ROWS] =
                std::array::from_fn(|i| self.x.as_ptr().add((row + i).min(self.n - 1) * self.width));
            let mut sums = [[V::splat(T::ZERO); N]; ROWS];
            let mut turned = self.turned.as_ptr().add(column);
            for k in 0..self.width {
                let mut right = [V::splat(T::ZERO); N];
                for j in 0..N {
                    right[j] = V::load(turned.add(j * V::LANES));
                }
                for i in 0..ROWS {
                    let left = V::splat(*rows[i].add(k));
                    for j in 0..N {
                        sums[i][j] = left.mul_add(right[j], sums[i][j]);
                    }
                }
                turned = turned.wrapping_add(pitch);
            }
            for i in 0..ROWS {
                if row + i < self.n {
                    let out = self.out.add(pairs(row + i));
                    for j in 0..N {
                        let first = column + j * V::LANES;
                        let until = (row + i).saturating_sub(first).min(V::LANES);
                        sums[i][j].store_lanes(out.wrapping_add(first), 0, until);
                    }
                }
            }
        }
    }
}

struct Gradient<'a, T> {
    g: &'a [T],
    x: &'a [T],
    out: *mut T,
    n: usize,
    width: usize,
}

impl<T: Real> Kernel<T> for Gradient<'_, T> {
    #[inline(always)]
    #[allow(clippy::inline_always, clippy::needless_range_loop)] // indices are constants after unrolling
    unsafe fn run<V: Vector<T>>(&self) {
        let (n, width) = (self.n, self.width);
        for row in (0..n).step_by(ROWS) {
            let end = n.min(row + ROWS);
            // places of pairs with smaller numbers; rows beyond the last one are summed like it, and not stored
            let before: [usize; ROWS] = std::array::from_fn(|i| pairs((row + i).min(n - 1)));
            // those among these rows, zero with itself
            let mut among = [[T::ZERO; ROWS]; ROWS];
            for (i, j) in (row..end).flat_map(|i| (row..i).map(move |j| (i, j))) {
                let g = self.g[pairs(i) + j];
                (among[j - row][i - row], among[i - row][j - row]) = (g, g);
            }
            for column in (0..width).step_by(V::LANES) {
                let until = V::LANES.min(width - column);
                // SAFETY: as the caller promises.
                unsafe {
                    let mut sums = [V::splat(T::ZERO); ROWS];
                    let load = |j: usize| V::load_lanes(self.x.as_ptr().add(j * width + column), until);
                    for j in 0..row {
                        let x = load(j);
                        for i in 0..ROWS {
                            sums[i] = V::splat(*self.g.as_ptr().add(before[i] + j)).mul_add(x, sums[i]);
                        }
                    }
                    for j in row..end {
                        let x = load(j);
                        for i in 0..ROWS {
                            sums[i] = V::splat(among[j - row][i]).mul_add(x, sums[i]);
                        }
                    }
                    for j in end..n {
                        let x = load(j);
                        let g = self.g.as_ptr().add(pairs(j) + row);
                        for i in 0..ROWS {
                            sums[i] = V::splat(*g.add(i)).mul_add(x, sums[i]);
                        }
                    }
                    for i in 0..end - row {
                        sums[i].store_lanes(self.out.add((row + i) * width + column), 0, until);
                    }
                }
            }
        }
    }
}
