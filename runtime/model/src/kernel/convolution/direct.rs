//! Convolutions whose windows are one pixel apart, without patches: by the matrix unit where there is one and it is worth its
//! padding, and by multiply-adds otherwise.
//!
//! A vector of consecutive places of a padded plane, shifted by the place of a kernel element, holds the operands of as many
//! consecutive results, so it is loaded from where it lies; results at the ends of rows, which belong to no pixel, are not
//! stored. Every result is a sum in one order.

#![allow(unsafe_code)]

use super::super::gemm::{Source, Strided};
use super::super::real::Real;
use super::super::vector::{Kernel, Vector, dispatch};
use super::Geometry;
use super::amx::Unit;
use super::padded::Padded;
use super::vectors::Vectors;

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
    /// The same by the matrix unit.
    pub(super) unit: Option<Unit>,
}

impl Direct {
    /// The convolution itself; `None` if its windows are further apart.
    pub(crate) fn forward<T: Real>(shape: &Geometry) -> Option<Self> {
        (shape.stride == (1, 1)).then(|| {
            let padded = Padded { channels: shape.channels, size: shape.size, padding: shape.padding };
            Self { shape: *shape, padded, unit: Unit::new::<T>(shape, padded) }
        })
    }

    /// The gradient by the image: a convolution of the result's gradient, filters turned around, channels for filters.
    pub(crate) fn backward<T: Real>(shape: &Geometry) -> Option<Self> {
        let around = |kernel: usize, padding: usize| kernel - 1 - padding;
        Self::forward::<T>(&Geometry {
            channels: shape.filters,
            filters: shape.channels,
            size: shape.out,
            out: shape.size,
            padding: (around(shape.kernel.0, shape.padding.0), around(shape.kernel.1, shape.padding.1)),
            ..*shape
        })
    }

    /// Elements of the filters for multiply-adds.
    fn plain(&self) -> usize {
        self.shape.filters.next_multiple_of(ROWS) * self.shape.patch()
    }

    /// Elements of the filters as [`pack`](Self::pack) lays them out.
    pub(crate) fn filters(&self) -> usize {
        self.plain() + self.unit.map_or(0, |unit| unit.filters())
    }

    /// Elements of scratch memory of a worker; it begins with zeros.
    pub(crate) fn workspace(&self) -> usize {
        self.padded.elements().max(self.unit.map_or(0, |unit| unit.workspace()))
    }

    /// Lays out filters `[filters, channels, height, width]`, as they are or turned around.
    pub(crate) fn pack<T: Real>(&self, filters: &[T], turned: bool, out: &mut [T]) {
        let (depth, area) = (self.shape.patch(), self.shape.area());
        let at = |filter: usize, channel: usize, place: usize| {
            if turned {
                (channel * self.shape.filters + filter) * area + area - 1 - place
            } else {
                (filter * self.shape.channels + channel) * area + place
            }
        };
        let (plain, split) = out.split_at_mut(self.plain());
        for (block, out) in plain.chunks_exact_mut(ROWS * depth).enumerate() {
            let first = block * ROWS;
            let count = ROWS.min(self.shape.filters - first);
            if !turned {
                Strided { data: filters, along: depth, depth: 1 }.pack(first, count, 0, depth, ROWS, out);
                continue;
            }
            for (k, out) in out.chunks_exact_mut(ROWS).enumerate() {
                let (channel, place) = (k / area, k % area);
                for (row, out) in out.iter_mut().enumerate() {
                    *out = if row < count { filters[at(first + row, channel, place)] } else { T::ZERO };
                }
            }
        }
        if let Some(unit) = &self.unit {
            unit.pack(|filter, channel, place| filters[at(filter, channel, place)], split);
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
        assert!(out.len() >= s.filters * s.out_pixels() && filters.len() >= self.filters());
        assert!(bias.is_none_or(|bias| bias.len() >= s.filters));
        let (filters, split) = filters.split_at(self.plain());
        let scratch = &mut scratch[..self.workspace()];
        if let Some(unit) = &self.unit {
            if unit.run(split, bias, image, out, scratch) {
                return;
            }
            scratch.fill(T::ZERO);
        }
        self.padded.fill(image, scratch);
        let image = Image {
            planes: scratch.as_ptr(),
            filters: filters.as_ptr(),
            bias,
            out: out.as_mut_ptr(),
            plane: self.padded.plane(),
            width: self.padded.width(),
            shape: s,
        };
        // SAFETY: a tile reads at most its own length beyond the last result, for which there is room; it stores results only.
        unsafe { dispatch(&image) };
        if self.unit.is_some() {
            scratch.fill(T::ZERO);
        }
    }
}

/// One image, tile after tile: some vectors of results of some filters each.
struct Image<'a, T> {
    planes: *const T,
    filters: *const T,
    bias: Option<&'a [T]>,
    out: *mut T,
    plane: usize,
    width: usize,
    shape: &'a Geometry,
}

impl<T: Real> Kernel<T> for Image<'_, T> {
    #[inline(always)]
    #[allow(clippy::inline_always)]
    unsafe fn run<V: Vector<T>>(&self) {
        let s = self.shape;
        let vectors = Vectors::new(s.out, self.width, V::LANES);
        let count = vectors.count;
        let most = if V::WIDE { VECTORS } else { 1 };
        let (mut vector, mut tiles) = (0, count.div_ceil(most));
        while vector < count {
            // as even as can be: a single vector would wait for its sums
            let some = (count - vector).div_ceil(tiles);
            let from = std::array::from_fn(|k| vectors.place((vector + k).min(count - 1)));
            for first in (0..s.filters).step_by(ROWS) {
                // SAFETY: as the caller promises.
                unsafe {
                    match some {
                        3 if V::WIDE => self.tile::<V, 3>(first, from, &vectors),
                        2 if V::WIDE => self.tile::<V, 2>(first, from, &vectors),
                        _ => self.tile::<V, 1>(first, from, &vectors),
                    }
                }
            }
            (vector, tiles) = (vector + some, tiles - 1);
        }
    }
}

impl<T: Real> Image<'_, T> {
    /// Vectors of results, whose places are `from` on, of [`ROWS`] filters.
    #[inline(always)]
    #[allow(clippy::inline_always, clippy::needless_range_loop)] // indices are constants after unrolling
    unsafe fn tile<V: Vector<T>, const N: usize>(
        &self,
        first: usize,
        from: [usize; VECTORS],
        vectors: &Vectors,
    ) {
        let s = self.shape;
        let rows = ROWS.min(s.filters - first);
        // SAFETY: as the caller promises.
        unsafe {
            let mut sums = [[V::splat(T::ZERO); N]; ROWS];
            if let Some(bias) = self.bias {
                // indices that are not constants would keep the sums in memory
                let mut biases = [T::ZERO; ROWS];
                biases[..rows].copy_from_slice(&bias[first..first + rows]);
                for i in 0..ROWS {
                    sums[i] = [V::splat(biases[i]); N];
                }
            }
            let mut filters = self.filters.add(first * s.patch());
            let (height, width) = s.kernel;
            for channel in 0..s.channels {
                for row in 0..height {
                    let mut x = self.planes.add(channel * self.plane + row * self.width);
                    for _ in 0..width {
                        let mut right = [V::splat(T::ZERO); N];
                        for j in 0..N {
                            right[j] = V::load(x.add(from[j]));
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
            let out = self.out.add(first * s.out_pixels());
            if rows == ROWS && from[..N].iter().all(|&place| vectors.whole(place).is_some()) {
                for j in 0..N {
                    let pixel = vectors.whole(from[j]).unwrap_or_default();
                    for i in 0..ROWS {
                        sums[i][j].store(out.add(i * s.out_pixels() + pixel));
                    }
                }
                return;
            }
            let mut results = [T::ZERO; ROWS * VECTORS * LANES];
            for i in 0..ROWS {
                for j in 0..N {
                    sums[i][j].store(results.as_mut_ptr().add((j * ROWS + i) * V::LANES));
                }
            }
            for (&place, results) in from[..N].iter().zip(results.chunks_exact(ROWS * V::LANES)) {
                vectors.runs(place, |lane, until, pixel| {
                    let start = out.wrapping_add(pixel).wrapping_sub(lane);
                    for (row, result) in results.chunks_exact(V::LANES).take(rows).enumerate() {
                        // these lanes are pixels of the filter's plane
                        let result = V::load(result.as_ptr());
                        result.store_lanes(start.wrapping_add(row * s.out_pixels()), lane, until);
                    }
                });
            }
        }
    }
}
