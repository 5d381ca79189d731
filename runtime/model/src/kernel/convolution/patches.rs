//! Patches of images that exist only while they are packed: convolutions of any stride as matrix products.

use super::super::gemm::{Source, Strided, WIDEST};
use super::super::real::Real;
use super::Geometry;

/// Patches of an image: depth is the element of a patch, the other axis the pixel of the result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patches<'a, T> {
    pub(crate) image: &'a [T],
    pub(crate) shape: Geometry,
}

impl<T: Real> Patches<'_, T> {
    /// Element `k` of the patches of consecutive pixels of the result.
    fn line(&self, k: usize, first: usize, out: &mut [T]) {
        let s = &self.shape;
        let (channel, i, j) = s.place(k);
        let plane = &self.image[channel * s.pixels()..(channel + 1) * s.pixels()];
        let (mut done, width) = (0, out.len());
        while done < width {
            // the rest of a row of the result
            let (y, x) = ((first + done) / s.out.1, (first + done) % s.out.1);
            let run = (s.out.1 - x).min(width - done);
            let out = &mut out[done..done + run];
            done += run;
            let Some(row) = (y * s.stride.0 + i).checked_sub(s.padding.0).filter(|&row| row < s.size.0)
            else {
                out.fill(T::ZERO);
                continue;
            };
            let row = &plane[row * s.size.1..(row + 1) * s.size.1];
            if s.stride.1 == 1 {
                // columns x + j - padding .. of the image, zeros outside
                let before = s.padding.1.saturating_sub(x + j).min(run);
                let start = (x + j + before).saturating_sub(s.padding.1).min(s.size.1);
                let inside = (run - before).min(s.size.1 - start);
                out[..before].fill(T::ZERO);
                out[before..before + inside].copy_from_slice(&row[start..start + inside]);
                out[before + inside..].fill(T::ZERO);
            } else {
                for (k, out) in out.iter_mut().enumerate() {
                    let column = ((x + k) * s.stride.1 + j).checked_sub(s.padding.1);
                    *out = column.and_then(|column| row.get(column)).copied().unwrap_or(T::ZERO);
                }
            }
        }
    }
}

impl<T: Real> Source<T> for Patches<'_, T> {
    fn pack(&self, first: usize, width: usize, from: usize, to: usize, panel: usize, out: &mut [T]) {
        for (k, out) in (from..to).zip(out.chunks_exact_mut(panel)) {
            self.line(k, first, &mut out[..width]);
            out[width..].fill(T::ZERO);
        }
    }
}

/// The same patches with the axes exchanged: depth is the pixel of the result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PatchesByPixel<'a, T>(pub(crate) Patches<'a, T>);

impl<T: Real> Source<T> for PatchesByPixel<'_, T> {
    fn pack(&self, first: usize, width: usize, from: usize, to: usize, panel: usize, out: &mut [T]) {
        /// Pixels that are gathered as lines before they are transposed.
        const PIXELS: usize = 64;
        let mut lines = [T::ZERO; WIDEST * PIXELS];
        for at in (from..to).step_by(PIXELS) {
            let count = PIXELS.min(to - at);
            for (lane, line) in lines.chunks_exact_mut(PIXELS).take(width).enumerate() {
                self.0.line(first + lane, at, &mut line[..count]);
            }
            let lines = Strided { data: &lines, along: PIXELS, depth: 1 };
            lines.pack(0, width, 0, count, panel, &mut out[(at - from) * panel..]);
        }
    }
}

/// The gradient's patches that a pixel of the operand contributed to: depth is filter and kernel element, the other axis the
/// pixel of the operand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contributions<'a, T> {
    pub(crate) gradient: &'a [T],
    pub(crate) shape: Geometry,
}

impl<T: Real> Source<T> for Contributions<'_, T> {
    fn pack(&self, first: usize, width: usize, from: usize, to: usize, panel: usize, out: &mut [T]) {
        let s = &self.shape;
        for (k, out) in (from..to).zip(out.chunks_exact_mut(panel)) {
            let (filter, i, j) = s.place(k);
            let plane = &self.gradient[filter * s.out_pixels()..(filter + 1) * s.out_pixels()];
            out[width..].fill(T::ZERO);
            let mut done = 0;
            while done < width {
                let (y, x) = ((first + done) / s.size.1, (first + done) % s.size.1);
                let run = (s.size.1 - x).min(width - done);
                let out = &mut out[done..done + run];
                done += run;
                let row = (y + s.padding.0).checked_sub(i).filter(|row| row.is_multiple_of(s.stride.0));
                let Some(row) = row.map(|row| row / s.stride.0).filter(|&row| row < s.out.0) else {
                    out.fill(T::ZERO);
                    continue;
                };
                let row = &plane[row * s.out.1..(row + 1) * s.out.1];
                if s.stride.1 == 1 {
                    // columns x + padding - j .. of the gradient
                    let before = j.saturating_sub(x + s.padding.1).min(run);
                    let start = (x + s.padding.1 + before).saturating_sub(j).min(s.out.1);
                    let inside = (run - before).min(s.out.1 - start);
                    out[..before].fill(T::ZERO);
                    out[before..before + inside].copy_from_slice(&row[start..start + inside]);
                    out[before + inside..].fill(T::ZERO);
                } else {
                    for (k, out) in out.iter_mut().enumerate() {
                        let column = (x + k + s.padding.1)
                            .checked_sub(j)
                            .filter(|column| column.is_multiple_of(s.stride.1));
                        let value = column.and_then(|column| row.get(column / s.stride.1));
                        *out = value.copied().unwrap_or(T::ZERO);
                    }
                }
            }
        }
    }
}

/// Filters `[filters, channels, area]` as `[filters, area, channels]`, which are the depths of [`Contributions`].
pub(crate) fn filters_by_channel<T: Real>(filters: &[T], shape: &Geometry, out: &mut [T]) {
    let (channels, area) = (shape.channels, shape.area());
    for (filter, out) in filters.chunks_exact(channels * area).zip(out.chunks_exact_mut(channels * area)) {
        for (channel, filter) in filter.chunks_exact(area).enumerate() {
            filter.iter().enumerate().for_each(|(place, &x)| out[place * channels + channel] = x);
        }
    }
}
