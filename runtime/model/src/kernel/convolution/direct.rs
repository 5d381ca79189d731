//! Convolutions whose windows are one pixel apart, without patches.
//!
//! Planes are padded with zeros, row after row. A vector of consecutive places of a padded plane, shifted by the place of a
//! kernel element, holds the operands of as many consecutive results, so it is loaded from where it lies; results at the ends of
//! rows, which belong to no pixel, are not stored. Every result is a sum in one order.

#![allow(unsafe_code)]

use super::super::gemm::{Source, Strided};
use super::super::real::Real;
use super::super::vector::{Kernel, Vector, dispatch, lanes};
use super::Geometry;

/// Filters of a tile of results, and filter elements of a tile of their gradient.
const ROWS: usize = 8;
/// The most vectors of a tile.
const VECTORS: usize = 3;
/// Numbers of the widest vector.
const LANES: usize = 16;
/// Pixels whose gradients stay in the first-level cache while filters are gone through.
const PIXELS: usize = 256;

/// Planes of an image with zeros around them.
#[derive(Debug, Clone, Copy)]
struct Padded {
    channels: usize,
    size: (usize, usize),
    padding: (usize, usize),
}

impl Padded {
    fn width(&self) -> usize {
        self.size.1 + 2 * self.padding.1
    }

    fn plane(&self) -> usize {
        (self.size.0 + 2 * self.padding.0) * self.width()
    }

    /// Elements, with as many after the end as a tile may read.
    fn elements(&self) -> usize {
        self.channels * self.plane() + VECTORS * LANES
    }

    /// Copies an image between the zeros.
    fn fill<T: Real>(&self, image: &[T], padded: &mut [T]) {
        let (height, width) = self.size;
        for (plane, padded) in image.chunks_exact(height * width).zip(padded.chunks_exact_mut(self.plane())) {
            let inner = &mut padded[self.padding.0 * self.width() + self.padding.1..];
            for (row, padded) in plane.chunks_exact(width).zip(inner.chunks_mut(self.width())) {
                padded[..width].copy_from_slice(row);
            }
        }
    }
}

/// Filters laid out for tiles, to be run over images.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Direct {
    shape: Geometry,
    padded: Padded,
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

/// The gradient by the filters, image after image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FilterGradient {
    shape: Geometry,
    padded: Padded,
}

impl FilterGradient {
    /// `None` if windows are further apart than a pixel.
    pub(crate) fn new(shape: &Geometry) -> Option<Self> {
        Direct::forward(shape).map(|Direct { shape, padded }| Self { shape, padded })
    }

    fn columns<T: Real>(&self) -> usize {
        self.shape.filters.next_multiple_of(lanes::<T>().0)
    }

    /// Elements of the sums that images are added to.
    pub(crate) fn sums<T: Real>(&self) -> usize {
        self.shape.patch().next_multiple_of(ROWS) * self.columns::<T>()
    }

    /// Elements of scratch memory of a worker; it begins with zeros.
    pub(crate) fn workspace<T: Real>(&self) -> usize {
        self.padded.elements() + self.shape.out_pixels() * self.columns::<T>()
    }

    /// Adds what an image and the gradient of its result contribute.
    pub(crate) fn add<T: Real>(&self, image: &[T], gradient: &[T], sums: &mut [T], scratch: &mut [T]) {
        let (s, columns) = (&self.shape, self.columns::<T>());
        let (padded, by_pixel) = scratch.split_at_mut(self.padded.elements());
        self.padded.fill(image, padded);
        let by_pixel = &mut by_pixel[..s.out_pixels() * columns];
        let planes = Strided { data: gradient, along: s.out_pixels(), depth: 1 };
        planes.pack(0, s.filters, 0, s.out_pixels(), columns, by_pixel);
        let sums = &mut sums[..self.sums::<T>()];
        let (width, (lanes, wide), depth) = (self.padded.width(), lanes::<T>(), s.patch());
        let rows = (PIXELS / s.out.1).max(1);
        for top in (0..s.out.0).step_by(rows) {
            let height = rows.min(s.out.0 - top);
            for first in (0..depth).step_by(ROWS) {
                // places beyond the last filter element are summed like the last one, and never read
                let planes = std::array::from_fn(|k| {
                    let (channel, i, j) = s.place((first + k).min(depth - 1));
                    // SAFETY: within the padded planes.
                    unsafe { padded.as_ptr().add(channel * self.padded.plane() + (top + i) * width + j) }
                });
                let mut column = 0;
                while column < columns {
                    let vectors = if wide && columns - column >= 2 * lanes { 2 } else { 1 };
                    let tile = GradientTile {
                        planes,
                        width,
                        // SAFETY: within the transposed gradient.
                        gradient: unsafe { by_pixel.as_ptr().add(top * s.out.1 * columns + column) },
                        // SAFETY: within the sums.
                        sums: unsafe { sums.as_mut_ptr().add(first * columns + column) },
                        stride: columns,
                        size: (height, s.out.1),
                        vectors,
                    };
                    // SAFETY: the planes hold a kernel element's operand for each pixel, the gradient and the sums whole rows.
                    unsafe { dispatch(&tile) };
                    column += vectors * lanes;
                }
            }
        }
    }

    /// Adds the sums to a gradient `[filters, channels, height, width]`.
    pub(crate) fn add_to<T: Real>(&self, sums: &[T], out: &mut [T]) {
        let (columns, depth) = (self.columns::<T>(), self.shape.patch());
        for (filter, out) in out.chunks_exact_mut(depth).enumerate() {
            for (y, row) in out.iter_mut().zip(sums.chunks_exact(columns)) {
                *y += row[filter];
            }
        }
    }
}

/// Some filter elements of some filters: sums over pixels.
struct GradientTile<T> {
    /// For each filter element its operand at the first pixel.
    planes: [*const T; ROWS],
    width: usize,
    gradient: *const T,
    sums: *mut T,
    stride: usize,
    size: (usize, usize),
    vectors: usize,
}

impl<T: Real> Kernel<T> for GradientTile<T> {
    #[inline(always)]
    #[allow(clippy::inline_always)]
    unsafe fn run<V: Vector<T>>(&self) {
        // SAFETY: as the caller promises.
        unsafe { if self.vectors == 2 && V::WIDE { self.sum::<V, 2>() } else { self.sum::<V, 1>() } }
    }
}

impl<T: Real> GradientTile<T> {
    #[inline(always)]
    #[allow(clippy::inline_always, clippy::needless_range_loop)] // indices are constants after unrolling
    unsafe fn sum<V: Vector<T>, const N: usize>(&self) {
        // SAFETY: as the caller promises.
        unsafe {
            let at = |i: usize, j: usize| self.sums.add(i * self.stride + j * V::LANES);
            let mut sums = [[V::splat(T::ZERO); N]; ROWS];
            for i in 0..ROWS {
                for j in 0..N {
                    sums[i][j] = V::load(at(i, j));
                }
            }
            let mut gradient = self.gradient;
            for y in 0..self.size.0 {
                for x in y * self.width..y * self.width + self.size.1 {
                    let mut right = [V::splat(T::ZERO); N];
                    for j in 0..N {
                        right[j] = V::load(gradient.add(j * V::LANES));
                    }
                    for i in 0..ROWS {
                        let left = V::splat(*self.planes[i].add(x));
                        for j in 0..N {
                            sums[i][j] = left.mul_add(right[j], sums[i][j]);
                        }
                    }
                    gradient = gradient.add(self.stride);
                }
            }
            for i in 0..ROWS {
                for j in 0..N {
                    sums[i][j].store(at(i, j));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values<T: Real>(n: usize, seed: u64) -> Vec<T> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            T::of((state >> 40) as f64 / f64::from(1 << 24) - 0.5)
        };
        std::iter::repeat_with(next).take(n).collect()
    }

    /// Every product of a convolution: places of filter element, image and result.
    fn products(s: &Geometry, mut each: impl FnMut(usize, usize, usize)) {
        for (filter, at) in (0..s.filters).flat_map(|filter| (0..s.out_pixels()).map(move |at| (filter, at)))
        {
            for k in 0..s.patch() {
                let (channel, i, j) = s.place(k);
                let (y, x) = (at / s.out.1 + i, at % s.out.1 + j);
                let (Some(y), Some(x)) = (y.checked_sub(s.padding.0), x.checked_sub(s.padding.1)) else {
                    continue;
                };
                if y < s.size.0 && x < s.size.1 {
                    each(
                        filter * s.patch() + k,
                        channel * s.pixels() + y * s.size.1 + x,
                        filter * s.out_pixels() + at,
                    );
                }
            }
        }
    }

    fn compare<T: Real>(s: &Geometry, tolerance: f64) {
        let (image, filters) =
            (values::<T>(s.channels * s.pixels(), 1), values::<T>(s.filters * s.patch(), 2));
        let (gradient, bias) = (values::<T>(s.filters * s.out_pixels(), 3), values::<T>(s.filters, 4));
        let mut expected = [vec![0.0; gradient.len()], vec![0.0; image.len()], vec![0.0; filters.len()]];
        products(s, |w, x, y| {
            expected[0][y] += filters[w].wide() * image[x].wide();
            expected[1][x] += filters[w].wide() * gradient[y].wide();
            expected[2][w] += image[x].wide() * gradient[y].wide();
        });
        for (plane, bias) in expected[0].chunks_exact_mut(s.out_pixels()).zip(&bias) {
            plane.iter_mut().for_each(|y| *y += bias.wide());
        }

        let mut found =
            [vec![T::ONE; gradient.len()], vec![T::ONE; image.len()], vec![T::ZERO; filters.len()]];
        let run = |direct: Direct, turned, bias, image: &[T], out: &mut [T]| {
            let mut packed = vec![T::ONE; direct.filters()];
            direct.pack(&filters, turned, &mut packed);
            direct.run(&packed, bias, image, out, &mut vec![T::ZERO; direct.workspace()]);
        };
        run(Direct::forward(s).unwrap(), false, Some(&bias[..]), &image, &mut found[0]);
        run(Direct::backward(s).unwrap(), true, None, &gradient, &mut found[1]);
        let by_filters = FilterGradient::new(s).unwrap();
        let mut sums = vec![T::ZERO; by_filters.sums::<T>()];
        by_filters.add(&image, &gradient, &mut sums, &mut vec![T::ZERO; by_filters.workspace::<T>()]);
        by_filters.add_to(&sums, &mut found[2]);
        for (found, expected) in found.iter().zip(&expected) {
            for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert!((found.wide() - expected).abs() < tolerance, "{k}: {found:?} {expected} {s:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn convolutions_are_their_sums(
            channels in 1_usize..5, filters in 1_usize..20, size in (5_usize..12, 5_usize..40),
            kernel in (1_usize..5, 1_usize..5), padding in (0_usize..4, 0_usize..4),
        ) {
            let padding = (padding.0.min(kernel.0 - 1), padding.1.min(kernel.1 - 1));
            let out = (size.0 + 2 * padding.0 - kernel.0 + 1, size.1 + 2 * padding.1 - kernel.1 + 1);
            let shape = Geometry { channels, filters, size, out, kernel, stride: (1, 1), padding };
            compare::<f32>(&shape, 1e-4);
            compare::<f64>(&shape, 1e-11);
        }
    }
}
