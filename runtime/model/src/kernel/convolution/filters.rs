//! The gradient of a convolution by its filters, where windows are one pixel apart: without patches, too.

#![allow(unsafe_code)]

use super::super::gemm::{Source, Strided};
use super::super::real::Real;
use super::super::vector::{Kernel, Vector, dispatch, lanes};
use super::Geometry;
use super::amx::UnitGradient;
use super::padded::Padded;

/// Filter elements of a tile.
const ROWS: usize = 8;
/// Pixels whose gradients stay in the first-level cache while filters are gone through.
const PIXELS: usize = 256;

/// The gradient by the filters: two images at once by the matrix unit where it is worth its padding, otherwise one after another
/// by multiply-adds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FilterGradient {
    shape: Geometry,
    padded: Padded,
    /// The same by the matrix unit.
    pub(super) unit: Option<UnitGradient>,
}

impl FilterGradient {
    /// `None` if windows are further apart than a pixel.
    pub(crate) fn new<T: Real>(shape: &Geometry) -> Option<Self> {
        (shape.stride == (1, 1)).then(|| {
            let padded = Padded { channels: shape.channels, size: shape.size, padding: shape.padding };
            Self { shape: *shape, padded, unit: UnitGradient::new::<T>(shape, padded) }
        })
    }

    fn columns<T: Real>(&self) -> usize {
        self.shape.filters.next_multiple_of(lanes::<T>().0)
    }

    /// Elements of the sums that images are added to.
    pub(crate) fn sums<T: Real>(&self) -> usize {
        let plain = self.shape.patch().next_multiple_of(ROWS) * self.columns::<T>();
        self.unit.map_or(plain, |unit| unit.sums())
    }

    /// Elements at the beginning of a worker's scratch memory that are zeros before the first image.
    pub(crate) fn zeros(&self) -> usize {
        self.unit.map_or(self.padded.elements(), |unit| unit.workspace())
    }

    /// Elements of scratch memory of a worker.
    pub(crate) fn workspace<T: Real>(&self) -> usize {
        let plain = self.padded.elements() + self.shape.out_pixels() * self.columns::<T>();
        self.unit.map_or(plain, |unit| unit.workspace())
    }

    /// Adds what images and the gradients of their results contribute.
    pub(crate) fn add<T: Real>(&self, images: &[T], gradients: &[T], sums: &mut [T], scratch: &mut [T]) {
        let s = &self.shape;
        let (image, gradient) = (s.channels * s.pixels(), s.filters * s.out_pixels());
        let (sums, scratch) = (&mut sums[..self.sums::<T>()], &mut scratch[..self.workspace::<T>()]);
        let together = if self.unit.is_some() { 2 } else { 1 };
        for (images, gradients) in images.chunks(together * image).zip(gradients.chunks(together * gradient))
        {
            match &self.unit {
                Some(unit) => unit.add(images, gradients, sums, scratch),
                None => self.add_plainly(images, gradients, sums, scratch),
            }
        }
    }

    /// Adds what an image contributes to the sums of multiply-adds.
    fn add_plainly<T: Real>(&self, image: &[T], gradient: &[T], sums: &mut [T], scratch: &mut [T]) {
        let (s, columns) = (&self.shape, self.columns::<T>());
        let (padded, by_pixel) = scratch.split_at_mut(self.padded.elements());
        self.padded.fill(image, padded);
        let by_pixel = &mut by_pixel[..s.out_pixels() * columns];
        let planes = Strided { data: gradient, along: s.out_pixels(), depth: 1 };
        planes.pack(0, s.filters, 0, s.out_pixels(), columns, by_pixel);
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
        if let Some(unit) = &self.unit {
            unit.add_to(sums, out);
            return;
        }
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
