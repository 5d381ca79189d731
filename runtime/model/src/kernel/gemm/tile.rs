//! One tile of a product, in vector registers.

use super::super::real::Real;
use super::super::vector::{Kernel, Vector, dispatch, lanes};
use super::fma::ROWS;

/// The widest tile: 48 singles.
pub(crate) const WIDEST: usize = 48;

/// Columns of a tile.
pub(super) fn columns<T: Real>() -> usize {
    // where registers are few, 8 rows of one vector leave some for operands
    match lanes::<T>() {
        (lanes, true) => 3 * lanes,
        (lanes, false) => lanes,
    }
}

/// Columns of a panel of an operand of `n` columns: no more vectors than these need.
pub(super) fn panel<T: Real>(n: usize) -> usize {
    columns::<T>().min(n.next_multiple_of(lanes::<T>().0))
}

/// A part of the result, tile after tile; a panel of the right operand stays in a cache while it meets all rows.
pub(super) struct Block<'a, T> {
    pub(super) a: *const T,
    /// Elements of `a` from [`ROWS`] rows to the next so many, from one row to the next, and from one depth to the next.
    pub(super) a_strides: [usize; 3],
    /// Rows of [`columns`] elements.
    pub(super) b: *const T,
    /// Elements of `b` from one panel to the next, and from one depth to the next.
    pub(super) b_strides: [usize; 2],
    pub(super) c: *mut T,
    pub(super) bias: Option<&'a [T]>,
    pub(super) depth: usize,
    pub(super) stride: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) accumulate: bool,
}

impl<T: Real> Block<'_, T> {
    /// Computes the block.
    ///
    /// # Safety
    /// `a` has `rows` rows of `depth` elements, `b` has panels of `depth` rows of [`columns`], `c` has `rows` rows of `columns`.
    #[inline]
    pub(super) unsafe fn run(&self) {
        // SAFETY: as the caller promises.
        unsafe { dispatch(self) }
    }
}

impl<T: Real> Kernel<T> for Block<'_, T> {
    #[inline(always)]
    #[allow(clippy::inline_always)]
    unsafe fn run<V: Vector<T>>(&self) {
        let width = if V::WIDE { 3 * V::LANES } else { V::LANES };
        let (mut b, mut column) = (self.b, 0);
        // SAFETY: as the caller promises.
        unsafe {
            while column < self.columns {
                let left = self.columns - column;
                if V::WIDE && left > width && left <= width + V::LANES {
                    // four vectors as two and two: one alone has too few sums for the time that a product takes
                    let middle = 2 * V::LANES;
                    self.strip::<V, 2, false>(b, (column, middle));
                    self.strip::<V, 2, true>(b.add(middle), (column + middle, left - middle));
                    return;
                }
                let columns = width.min(left);
                match columns.div_ceil(V::LANES) {
                    3 if V::WIDE => self.strip::<V, 3, false>(b, (column, columns)),
                    2 if V::WIDE => self.strip::<V, 2, false>(b, (column, columns)),
                    _ => self.strip::<V, 1, false>(b, (column, columns)),
                }
                b = b.wrapping_add(self.b_strides[0]);
                column += width;
            }
        }
    }
}

impl<T: Real> Block<'_, T> {
    /// Tiles below one another. With `APART`, the second vector of `b` is the first one of the next panel.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    unsafe fn strip<V: Vector<T>, const N: usize, const APART: bool>(
        &self,
        b: *const T,
        (column, columns): (usize, usize),
    ) {
        for (strip, row) in (0..self.rows).step_by(ROWS).enumerate() {
            // SAFETY: as the caller promises.
            unsafe {
                let a = self.a.add(strip * self.a_strides[0]);
                self.tile::<V, N, APART>(a, b, (row, column, columns));
            }
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, clippy::needless_range_loop)] // indices are constants after unrolling
    unsafe fn tile<V: Vector<T>, const N: usize, const APART: bool>(
        &self,
        a: *const T,
        mut b: *const T,
        (row, column, columns): (usize, usize, usize),
    ) {
        // SAFETY: all accesses are within the panels and the tile, as the caller promises.
        unsafe {
            let rows = ROWS.min(self.rows - row);
            let start = self.c.add(row * self.stride + column);
            let c = |i: usize, j: usize| start.wrapping_add(i * self.stride + j * V::LANES);
            let whole = rows == ROWS && columns == N * V::LANES;
            // lanes of a vector that are within the result
            let within = |j: usize| columns.saturating_sub(j * V::LANES).min(V::LANES);
            let mut sums = [[V::splat(T::ZERO); N]; ROWS];
            if let Some(bias) = self.bias {
                for j in 0..N {
                    let bias = V::load_lanes(bias.as_ptr().wrapping_add(column + j * V::LANES), within(j));
                    for i in 0..ROWS {
                        sums[i][j] = bias;
                    }
                }
            }
            // rows beyond the last are computed like it, and not stored
            let a: [*const T; ROWS] = std::array::from_fn(|i| a.add(i.min(rows - 1) * self.a_strides[1]));
            let next = if APART { self.b_strides[0] - 2 * V::LANES } else { V::LANES };
            let mut at_a = 0;
            // the result is asked for row by row on the way: all at once would hold up the operands
            let run = self.depth.div_ceil(ROWS);
            let mut done = 0;
            for i in 0..ROWS {
                for j in 0..N {
                    V::prefetch(c(i, j));
                }
                let to = self.depth.min(done + run);
                for _ in done..to {
                    let mut right = [V::splat(T::ZERO); N];
                    for j in 0..N {
                        right[j] = V::load(b.add(j * next));
                    }
                    for i in 0..ROWS {
                        let left = V::splat(*a[i].add(at_a));
                        for j in 0..N {
                            sums[i][j] = left.mul_add(right[j], sums[i][j]);
                        }
                    }
                    at_a += self.a_strides[2];
                    b = b.add(self.b_strides[1]);
                }
                done = to;
            }
            for i in 0..ROWS {
                for j in 0..N {
                    if whole {
                        let sum = if self.accumulate { V::load(c(i, j)).add(sums[i][j]) } else { sums[i][j] };
                        sum.store(c(i, j));
                    } else if i < rows {
                        let mut sum = sums[i][j];
                        if self.accumulate {
                            sum = V::load_lanes(c(i, j), within(j)).add(sum);
                        }
                        sum.store_lanes(c(i, j), 0, within(j));
                    }
                }
            }
        }
    }
}
