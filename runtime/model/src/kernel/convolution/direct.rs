//! Convolutions whose windows are one pixel apart, without patches.
//!
//! A vector of consecutive places of a padded plane, shifted by the place of a kernel element, holds the operands of as many
//! consecutive results, so it is loaded from where it lies; results at the ends of rows, which belong to no pixel, are not
//! stored. Every result is a sum in one order.

#![allow(unsafe_code)]

use super::super::gemm::{Source, Strided};
use super::super::real::Real;
use super::super::vector::{Kernel, Vector, dispatch, lanes};
use super::Geometry;
use super::padded::Padded;

/// Filters of a tile of results.
const ROWS: usize = 8;
/// The most vectors of a tile.
const VECTORS: usize = 3;
/// Numbers of the widest vector.
const LANES: usize = 16;

/// Filters laid out for tiles, to be run over images.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Direct {
    pub(super) shape: Geometry,
    pub(super) padded: Padded,
}

impl Direct {
    /// The convolution itself; `None` if its windows are further apart.
    pub(crate) fn forward(shape: &Geometry) -> Option<Self> {
        (shape.stride == (1, 1)).then_some(Self {
            shape: *shape,
            padded: Padded { channels: shape.channels, size: shape.size, padding: shape.padding },
        })
    }

    /// The gradient by the image: a convolution of the result's gradient, filters turned around, channels for filters.
    pub(crate) fn backward(shape: &Geometry) -> Option<Self> {
        let around = |kernel: usize, padding: usize| kernel - 1 - padding;
        Self::forward(&Geometry {
            channels: shape.filters,
            filters: shape.channels,
            size: shape.out,
            out: shape.size,
            padding: (around(shape.kernel.0, shape.padding.0), around(shape.kernel.1, shape.padding.1)),
            ..*shape
        })
    }

    /// Elements of the filters as [`pack`](Self::pack) lays them out.
    pub(crate) fn filters(&self) -> usize {
        self.shape.filters.next_multiple_of(ROWS) * self.shape.patch()
    }

    /// Elements of scratch memory of a worker; it begins with zeros.
    pub(crate) fn workspace(&self) -> usize {
        self.padded.elements()
    }

    /// Lays out filters `[filters, channels, height, width]`, as they are or turned around.
    pub(crate) fn pack<T: Real>(&self, filters: &[T], turned: bool, out: &mut [T]) {
        let (depth, area) = (self.shape.patch(), self.shape.kernel.0 * self.shape.kernel.1);
        for (block, out) in out.chunks_exact_mut(ROWS * depth).enumerate() {
            let first = block * ROWS;
            let count = ROWS.min(self.shape.filters - first);
            if !turned {
                Strided { data: filters, along: depth, depth: 1 }.pack(first, count, 0, depth, ROWS, out);
                continue;
            }
            for (k, out) in out.chunks_exact_mut(ROWS).enumerate() {
                let (channel, place) = (k / area, area - 1 - k % area);
                for (row, out) in out.iter_mut().enumerate() {
                    let at = (channel * self.shape.filters + first + row) * area + place;
                    *out = if row < count { filters[at] } else { T::ZERO };
                }
            }
        }
    }

    /// One image: `out = filters * image (+ bias)`.
    pub(crate) fn run<T: Real>(
        &self,
        filters: &[T],
        bias: Option<&[T]>,
        image: &[T],
        out: &mut [T],
        scratch: &mut [T],
    ) {
        let s = &self.shape;
        let (scratch, depth, width) = (&mut scratch[..self.workspace()], s.patch(), self.padded.width());
        self.padded.fill(image, scratch);
        assert!(out.len() >= s.filters * s.out_pixels() && filters.len() >= self.filters());
        let places = (s.out.0 - 1) * width + s.out.1;
        let ((lanes, wide), mut from) = (lanes::<T>(), 0);
        while from < places {
            let vectors = (places - from).div_ceil(lanes).min(if wide { VECTORS } else { 1 });
            for first in (0..s.filters).step_by(ROWS) {
                let rows = ROWS.min(s.filters - first);
                let mut biases = [T::ZERO; ROWS];
                if let Some(bias) = bias {
                    biases[..rows].copy_from_slice(&bias[first..first + rows]);
                }
                let tile = Tile {
                    // SAFETY: within the scratch memory; a tile begins at a result.
                    planes: unsafe { scratch.as_ptr().add(from) },
                    // SAFETY: within the filters.
                    filters: unsafe { filters.as_ptr().add(first * depth) },
                    biases,
                    // SAFETY: within the result.
                    out: unsafe { out.as_mut_ptr().add(first * s.out_pixels()) },
                    rows,
                    from,
                    vectors,
                    plane: self.padded.plane(),
                    width,
                    shape: s,
                };
                // SAFETY: a tile reads at most its own length beyond the last result, for which there is room; it stores
                // results only.
                unsafe { dispatch(&tile) };
            }
            from += vectors * lanes;
        }
    }
}

/// Some consecutive results of some filters.
struct Tile<'a, T> {
    planes: *const T,
    filters: *const T,
    biases: [T; ROWS],
    out: *mut T,
    rows: usize,
    /// Number of the first result, counted with those that belong to no pixel.
    from: usize,
    vectors: usize,
    plane: usize,
    width: usize,
    shape: &'a Geometry,
}

impl<T: Real> Kernel<T> for Tile<'_, T> {
    #[inline(always)]
    #[allow(clippy::inline_always)]
    unsafe fn run<V: Vector<T>>(&self) {
        // SAFETY: as the caller promises.
        unsafe {
            match self.vectors {
                3 if V::WIDE => self.sum::<V, 3>(),
                2 if V::WIDE => self.sum::<V, 2>(),
                _ => self.sum::<V, 1>(),
            }
        }
    }
}

impl<T: Real> Tile<'_, T> {
    #[inline(always)]
    #[allow(clippy::inline_always, clippy::needless_range_loop)] // indices are constants after unrolling
    unsafe fn sum<V: Vector<T>, const N: usize>(&self) {
        let mut results = [T::ZERO; ROWS * VECTORS * LANES];
        // SAFETY: as the caller promises.
        unsafe {
            let mut sums = [[V::splat(T::ZERO); N]; ROWS];
            for i in 0..ROWS {
                sums[i] = [V::splat(self.biases[i]); N];
            }
            let mut filters = self.filters;
            let (height, width) = self.shape.kernel;
            for channel in 0..self.shape.channels {
                for row in 0..height {
                    let mut x = self.planes.add(channel * self.plane + row * self.width);
                    for _ in 0..width {
                        let mut right = [V::splat(T::ZERO); N];
                        for j in 0..N {
                            right[j] = V::load(x.add(j * V::LANES));
                        }
                        for i in 0..ROWS {
                            let left = V::splat(*filters.add(i));
                            for j in 0..N {
                                sums[i][j] = left.mul_add(right[j], sums[i][j]);
                            }
                        }
                        x = x.add(1);
                        filters = filters.add(ROWS);
                    }
                }
            }
            for i in 0..ROWS {
                for j in 0..N {
                    sums[i][j].store(results.as_mut_ptr().add((i * N + j) * V::LANES));
                }
            }
            for j in 0..N {
                self.store::<V>(&results[j * V::LANES..], N * V::LANES, self.from + j * V::LANES);
            }
        }
    }

    /// Stores a vector of each row, whose first place is `from`, but for what lies beyond the end of a row of pixels.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    unsafe fn store<V: Vector<T>>(&self, results: &[T], stride: usize, from: usize) {
        let (height, width) = self.shape.out;
        let (mut y, mut x, mut lane) = (from / self.width, from % self.width, 0);
        while lane < V::LANES && y < height {
            let count = (self.width - x).min(V::LANES - lane);
            let until = lane + width.saturating_sub(x).min(count);
            if until > lane {
                let start = self.out.wrapping_add(y * width + x).wrapping_sub(lane);
                for row in 0..self.rows {
                    // SAFETY: these lanes are pixels `x..` of row `y` of the filter's plane.
                    unsafe {
                        let result = V::load(results.as_ptr().add(row * stride));
                        result.store_lanes(start.wrapping_add(row * height * width), lane, until);
                    }
                }
            }
            (lane, x, y) = (lane + count, 0, y + 1);
        }
    }
}
