//! The gradient by filters: rows of tiles are filters, columns are channels, and two images share a word.

use std::ops::Range;

use super::super::Geometry;
use super::super::padded::Padded;
use super::shifted::{Place, Shifted};
use super::{STEPS, add, band, is_finite, singles, singles_mut, suits, sums};
use crate::kernel::amx::{Line, PANEL, Rows, STEP_BYTES, Square, TILE, TILE_BYTES, Tiles, elements, lines};
use crate::kernel::level::LINE;
use crate::kernel::real::Real;

/// The gradient by filters, two images at once.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct UnitGradient {
    shape: Geometry,
    padded: Padded,
    /// Rows of the result that are gone through at once.
    band: usize,
}

impl UnitGradient {
    /// `None` where the unit has no advantage.
    pub(in super::super) fn new<T: Real>(shape: &Geometry, padded: Padded) -> Option<Self> {
        let extents = [
            (shape.filters, shape.filters.next_multiple_of(PANEL)),
            (shape.channels, shape.channels.next_multiple_of(PANEL)),
            (shape.out.1, shape.out.1.next_multiple_of(TILE)),
        ];
        let unit = |band| Self { shape: *shape, padded, band };
        let bytes = |band| 3 * unit(band).part() + unit(band).panels().0 * unit(band).panel();
        let band = band(shape.out.0, shape.kernel.0, bytes);
        suits::<T>(extents).then(|| unit(band))
    }

    /// Panels of filters and of channels.
    fn panels(&self) -> (usize, usize) {
        (self.shape.filters.div_ceil(PANEL), self.shape.channels.div_ceil(PANEL))
    }

    /// Steps of a row: vectors of pixels.
    fn in_row(&self) -> usize {
        self.shape.out.1.div_ceil(TILE)
    }

    /// Bytes of the words of [`TILE`] channels, with a vector beyond their end.
    fn half(&self) -> usize {
        ((self.band + self.shape.kernel.0 - 1) * self.padded.width() + TILE) * LINE
    }

    /// Bytes of a part of what is split at once of images.
    fn part(&self) -> usize {
        self.panels().1 * 2 * self.half()
    }

    /// Bytes of a panel of the gradient.
    fn panel(&self) -> usize {
        self.band * self.in_row() * STEP_BYTES
    }

    /// Elements of the sums that images are added to.
    pub(in super::super) fn sums(&self) -> usize {
        self.shape.area() * self.panels().0 * self.panels().1 * PANEL * PANEL
    }

    /// Adds sums to a gradient `[filters, channels, places]`.
    pub(in super::super) fn add_to<T: Real>(&self, sums: &[T], out: &mut [T]) {
        self.each_run(|from, to, step, count| {
            let out = out[to..].iter_mut().step_by(step).take(count);
            out.zip(&sums[from..]).for_each(|(out, &sum)| *out += sum);
        });
    }

    /// Calls `run` for all channels of a square of each filter and place: where their sums are, where the first of them is in a
    /// gradient, elements of that from channel to channel, and how many there are.
    fn each_run(&self, mut run: impl FnMut(usize, usize, usize, usize)) {
        let (Geometry { filters, channels, .. }, area) = (self.shape, self.shape.area());
        let mut square = 0;
        for place in 0..area {
            for channel in (0..channels).step_by(PANEL) {
                for first in (0..filters).step_by(PANEL) {
                    for filter in first..filters.min(first + PANEL) {
                        let at = (filter * channels + channel) * area + place;
                        run(square + (filter - first) * PANEL, at, area, PANEL.min(channels - channel));
                    }
                    square += PANEL * PANEL;
                }
            }
        }
    }

    /// Elements of scratch memory, which begins with zeros.
    pub(in super::super) fn workspace(&self) -> usize {
        elements((3 * self.part() + self.panels().0 * self.panel()) / LINE)
    }

    /// Adds what some images and the gradients of their results contribute. Scratch memory has zeros wherever an image was not.
    pub(in super::super) fn add<T: Real>(
        &self,
        images: &[T],
        gradients: &[T],
        sums: &mut [T],
        scratch: &mut [T],
    ) {
        if !(is_finite(singles(images)) && is_finite(singles(gradients))) {
            self.add_plainly(images, gradients, sums);
            return;
        }
        let (words, panels) = lines(scratch).split_at_mut(3 * self.part() / LINE);
        let (height, kernel) = (self.shape.out.0, self.shape.kernel.0);
        for top in (0..height).step_by(self.band) {
            let end = height.min(top + self.band);
            // SAFETY: there is a unit, and room for all parts and panels.
            unsafe {
                self.split_images(images, top..end + kernel - 1, words);
                self.split_gradients(gradients, top..end, panels);
                self.multiply(end - top, words, panels, sums);
            }
        }
    }

    /// Adds the same without the unit.
    #[cold]
    fn add_plainly<T: Real>(&self, images: &[T], gradients: &[T], sums: &mut [T]) {
        let s = &self.shape;
        let pairs = images.chunks_exact(s.channels * s.pixels());
        for (image, gradient) in pairs.zip(gradients.chunks_exact(s.filters * s.out_pixels())) {
            self.each_run(|at, first, step, count| {
                for (k, sum) in sums[at..at + count].iter_mut().enumerate() {
                    let element = first + k * step;
                    let (filter, (channel, i, j)) = (element / s.patch(), s.place(element % s.patch()));
                    let (gradient, image) =
                        (&gradient[filter * s.out_pixels()..], &image[channel * s.pixels()..]);
                    // columns of the result whose operand is no padding
                    let from = s.padding.1.saturating_sub(j);
                    let until = s.out.1.min((s.size.1 + s.padding.1).saturating_sub(j)).max(from);
                    for y in 0..s.out.0 {
                        let Some(row) = (y + i).checked_sub(s.padding.0).filter(|&row| row < s.size.0) else {
                            continue;
                        };
                        let gradient = &gradient[y * s.out.1..][from..until];
                        let image = &image[row * s.size.1 + from + j - s.padding.1..];
                        *sum = gradient.iter().zip(image).fold(*sum, |sum, (&g, &x)| g.fused(x, sum));
                    }
                }
            });
        }
    }

    /// Splits some rows of one padded image or two to words between zeros, pixel after pixel for each sixteen channels.
    unsafe fn split_images<T: Real>(&self, images: &[T], rows: Range<usize>, words: &mut [Line]) {
        let Geometry { channels, size: (height, width), .. } = self.shape;
        let (pixels, padding, row_bytes) =
            (self.shape.pixels(), self.padded.padding, self.padded.width() * LINE);
        let second = channels * pixels;
        let is_pair = images.len() == 2 * second;
        assert!(is_pair || images.len() == second);
        let words: *mut u8 = words.as_mut_ptr().cast();
        let mut by_pixel = [T::ZERO; 2 * TILE * TILE];
        for first in (0..channels).step_by(TILE) {
            let count = TILE.min(channels - first);
            for (row, y) in rows.clone().enumerate() {
                let out = words.wrapping_add(first / TILE * self.half() + row * row_bytes);
                let Some(y) = y.checked_sub(padding.0).filter(|&y| y < height) else {
                    for part in 0..3 {
                        // SAFETY: a row of words.
                        unsafe { out.wrapping_add(part * self.part()).write_bytes(0, row_bytes) };
                    }
                    continue;
                };
                for x in (0..width).step_by(TILE) {
                    let lanes = TILE.min(width - x);
                    let start = first * pixels + y * width + x;
                    let rows = if count == TILE && lanes == TILE && is_pair {
                        let start = images[start..].as_ptr().cast();
                        // SAFETY: there is AVX-512; both images have so many channels and pixels.
                        unsafe { Rows::by_depth(start, pixels, second, TILE, by_pixel.as_mut_ptr().cast()) }
                    } else {
                        by_pixel.fill(T::ZERO);
                        for (image, by_pixel) in
                            images.chunks_exact(second).zip(by_pixel.chunks_exact_mut(TILE * TILE))
                        {
                            for channel in 0..count {
                                let row = &image[start + channel * pixels..][..lanes];
                                let column = by_pixel[channel..].iter_mut().step_by(TILE);
                                column.zip(row).for_each(|(to, &x)| *to = x);
                            }
                        }
                        Rows::near(by_pixel.as_ptr().cast(), TILE, TILE * TILE)
                    };
                    // pixels beyond the row are zeros, as what is written next or is never an image's
                    // SAFETY: as the caller promises.
                    unsafe { rows.split_to(out.wrapping_add((padding.1 + x) * LINE), self.part(), LINE) };
                }
            }
        }
    }

    /// Splits some rows of gradients to a panel for each filters, a step for each vector of a row.
    unsafe fn split_gradients<T: Real>(&self, gradients: &[T], rows: Range<usize>, panels: &mut [Line]) {
        let Geometry { filters, out: (_, width), .. } = self.shape;
        let pixels = self.shape.out_pixels();
        let second = filters * pixels;
        let is_pair = gradients.len() == 2 * second;
        assert!(is_pair || gradients.len() == second);
        let panels: *mut u8 = panels.as_mut_ptr().cast();
        for first in (0..self.panels().0 * PANEL).step_by(TILE) {
            let mut out =
                panels.wrapping_add(first / PANEL * self.panel() + first % PANEL / TILE * TILE_BYTES);
            let count = filters.saturating_sub(first).min(TILE);
            let counts = [count, if is_pair { count } else { 0 }];
            for y in rows.clone() {
                for x in (0..width).step_by(TILE) {
                    let start = gradients.as_ptr().wrapping_add(first * pixels + y * width + x).cast();
                    let lanes = [TILE.min(width - x); 2];
                    // SAFETY: as the caller promises.
                    unsafe { Rows::new(start, pixels, second, TILE, counts, lanes).split(out) };
                    out = out.wrapping_add(STEP_BYTES);
                }
            }
        }
    }

    /// Adds products of some rows.
    unsafe fn multiply<T: Real>(&self, rows: usize, words: &[Line], panels: &[Line], totals: &mut [T]) {
        let (words, panels): (*const u8, *const u8) = (words.as_ptr().cast(), panels.as_ptr().cast());
        let (in_row, width, (_, kernel_width)) = (self.in_row(), self.padded.width(), self.shape.kernel);
        // SAFETY: there is a unit.
        let _tiles = unsafe { Tiles::configure() };
        for (from, to) in sums(rows * in_row) {
            let mut places = [0; STEPS + 1];
            for (place, step) in places.iter_mut().zip(from..to) {
                *place = (step / in_row * width + step % in_row * TILE) * LINE;
            }
            // of the next product, which begins nearby
            places[to - from] = places[0];
            let mut totals = singles_mut(totals).chunks_exact_mut(PANEL * PANEL);
            for element in 0..self.shape.area() {
                let shift = (element / kernel_width * width + element % kernel_width) * LINE;
                for channels in 0..self.panels().1 {
                    for filters in 0..self.panels().0 {
                        let shifted = Shifted {
                            left: panels.wrapping_add(filters * self.panel() + from * STEP_BYTES),
                            right: words.wrapping_add(channels * 2 * self.half() + shift),
                            places: &places[..=to - from],
                            row: LINE,
                            half: self.half(),
                            part: self.part(),
                        };
                        let mut square = Square([[0.0; PANEL]; PANEL]);
                        // SAFETY: as the caller promises.
                        unsafe { shifted.multiply(&[[0.0; TILE]; PANEL], &Place::from(&mut square)) };
                        if let Some(totals) = totals.next() {
                            add(square.0.as_flattened(), totals);
                        }
                    }
                }
            }
        }
    }
}
