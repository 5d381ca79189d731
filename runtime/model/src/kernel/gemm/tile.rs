//! One tile of a product, in vector registers.

use super::super::real::Real;
use super::super::vector::{Kernel, Vector, dispatch, lanes};
use super::ROWS;

/// The widest tile: 32 singles.
pub(crate) const WIDEST: usize = 32;

/// Columns of a tile.
pub(super) fn columns<T: Real>() -> usize {
    // where registers are few, 8 rows of one vector leave some for operands
    match lanes::<T>() {
        (lanes, true) => 2 * lanes,
        (lanes, false) => lanes,
    }
}

/// One tile of the result.
pub(super) struct Tile<'a, T> {
    pub(super) a: *const T,
    /// Elements of `a` from one row to the next, and from one depth to the next.
    pub(super) a_strides: (usize, usize),
    /// Rows of [`columns`] elements.
    pub(super) b: *const T,
    /// Elements of `b` from one depth to the next.
    pub(super) b_stride: usize,
    pub(super) c: *mut T,
    pub(super) bias: Option<&'a [T]>,
    pub(super) depth: usize,
    pub(super) stride: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) accumulate: bool,
}

impl<T: Real> Tile<'_, T> {
    /// Computes the tile.
    ///
    /// # Safety
    /// `a` has `rows` rows of `depth` elements, `b` has `depth` rows of [`columns`], `c` has `rows` rows of `columns`.
    #[inline]
    pub(super) unsafe fn run(&self) {
        // SAFETY: as the caller promises.
        unsafe { dispatch(self) }
    }
}

impl<T: Real> Kernel<T> for Tile<'_, T> {
    #[inline(always)]
    #[allow(clippy::inline_always)]
    unsafe fn run<V: Vector<T>>(&self) {
        // SAFETY: as the caller promises.
        unsafe { if V::WIDE { self.sum::<V, 2>() } else { self.sum::<V, 1>() } }
    }
}

impl<T: Real> Tile<'_, T> {
    #[inline(always)]
    #[allow(clippy::inline_always, clippy::needless_range_loop)] // indices are constants after unrolling
    unsafe fn sum<V: Vector<T>, const N: usize>(&self) {
        // SAFETY: all accesses are within the panels and the tile, as the caller promises.
        unsafe {
            let c = |i: usize, j: usize| self.c.wrapping_add(i * self.stride + j * V::LANES);
            for i in 0..ROWS {
                for j in 0..N {
                    V::prefetch(c(i, j));
                }
            }
            let whole = self.rows == ROWS && self.columns == N * V::LANES;
            // lanes of a vector that are within the result
            let within = |j: usize| self.columns.saturating_sub(j * V::LANES).min(V::LANES);
            let mut sums = [[V::splat(T::ZERO); N]; ROWS];
            if let Some(bias) = self.bias {
                for j in 0..N {
                    let bias = V::load_lanes(bias.as_ptr().wrapping_add(j * V::LANES), within(j));
                    for i in 0..ROWS {
                        sums[i][j] = bias;
                    }
                }
            }
            // rows beyond the last are computed like it, and not stored
            let a: [*const T; ROWS] =
                std::array::from_fn(|i| self.a.add(i.min(self.rows - 1) * self.a_strides.0));
            let (mut at_a, mut b) = (0, self.b);
            for _ in 0..self.depth {
                let mut right = [V::splat(T::ZERO); N];
                for j in 0..N {
                    right[j] = V::load(b.add(j * V::LANES));
                }
                for i in 0..ROWS {
                    let left = V::splat(*a[i].add(at_a));
                    for j in 0..N {
                        sums[i][j] = left.mul_add(right[j], sums[i][j]);
                    }
                }
                at_a += self.a_strides.1;
                b = b.add(self.b_stride);
            }
            for i in 0..ROWS {
                for j in 0..N {
                    if whole {
                        let sum = if self.accumulate { V::load(c(i, j)).add(sums[i][j]) } else { sums[i][j] };
                        sum.store(c(i, j));
                    } else if i < self.rows {
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
