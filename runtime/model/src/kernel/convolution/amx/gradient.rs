//! The gradient by filters: rows of tiles are filters, columns are channels, and two images share a word.

use super::super::super::amx::{
    Line, PANEL, PART_BYTES, Rows, STEP_BYTES, Square, TILE, TILE_BYTES, Tiles,
};
use super::super::super::level::LINE;
use super::super::super::real::Real;
use super::super::Geometry;
use super::super::padded::Padded;
use super::shifted::{Place, Shifted};
use super::{STEPS, add, elements, lines, singles, suits, sums};

/// The gradient by filters, two images at once.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct UnitGradient {
    shape: Geometry,
    padded: Padded,
}

impl UnitGradient {
    /// `None` where the unit has no advantage.
    pub(in super::super) fn new<T: Real>(shape: &Geometry, padded: Padded) -> Option<Self> {
        let extents = [
            (shape.filters, shape.filters.next_multiple_of(PANEL)),
            (shape.channels, shape.channels.next_multiple_of(PANEL)),
            (shape.out.1, shape.out.1.next_multiple_of(TILE)),
        ];
        suits::<T>(extents).then_some(Self { shape: *shape, padded })
    }

    /// Panels of filters and of channels.
    fn panels(&self) -> (usize, usize) {
        (self.shape.filters.div_ceil(PANEL), self.shape.channels.div_ceil(PANEL))
    }

    /// Places of a filter's plane.
    fn area(&self) -> usize {
        self.shape.kernel.0 * self.shape.kernel.1
    }

    /// Steps of a row: vectors of pixels.
    fn in_row(&self) -> usize {
        self.shape.out.1.div_ceil(TILE)
    }

    fn steps(&self) -> usize {
        self.shape.out.0 * self.in_row()
    }

    /// Bytes of the words of [`TILE`] channels of an image, with a vector beyond its end.
    fn half(&self) -> usize {
        (self.padded.plane() + TILE) * LINE
    }

    /// Bytes of a part of an image.
    fn part(&self) -> usize {
        self.panels().1 * 2 * self.half()
    }

    /// Bytes of a panel of the gradient.
    fn panel(&self) -> usize {
        self.steps() * STEP_BYTES
    }

    /// Elements of the sums that images are added to.
    pub(in super::super) fn sums(&self) -> usize {
        self.area() * self.panels().0 * self.panels().1 * PANEL * PANEL
    }

    /// Where the sum of an element of a filter is.
    pub(in super::super) fn at(&self, filter: usize, channel: usize, place: usize) -> usize {
        let square = (place * self.panels().1 + channel / PANEL) * self.panels().0 + filter / PANEL;
        (square * PANEL + filter % PANEL) * PANEL + channel % PANEL
    }

    /// Elements of scratch memory, which begins with zeros.
    pub(in super::super) fn workspace(&self) -> usize {
        elements((3 * self.part() + self.panels().0 * self.panel()) / LINE)
    }

    /// Adds what some images and the gradients of their results contribute, or nothing and gives false if there is a number that
    /// is not finite. Scratch memory has zeros wherever an image was not.
    pub(in super::super) fn add<T: Real>(
        &self,
        images: &[T],
        gradients: &[T],
        sums: &mut [T],
        scratch: &mut [T],
    ) -> bool {
        let (words, panels) = lines(scratch).split_at_mut(3 * self.part() / LINE);
        // SAFETY: there is a unit, and room for all parts and panels.
        let finite = unsafe { self.split_images(images, words) && self.split_gradients(gradients, panels) };
        if finite {
            // SAFETY: as above; both were split.
            unsafe { self.multiply(words, panels, sums) };
        }
        finite
    }

    /// Splits one image or two to words between zeros, pixel after pixel for each sixteen channels.
    unsafe fn split_images<T: Real>(&self, images: &[T], words: &mut [Line]) -> bool {
        let Geometry { channels, size: (height, width), .. } = self.shape;
        let (pixels, padding) = (self.shape.pixels(), self.padded.padding);
        let second = channels * pixels;
        let is_pair = images.len() == 2 * second;
        assert!(is_pair || images.len() == second);
        let words: *mut u8 = words.as_mut_ptr().cast();
        let (mut by_pixel, mut check) = ([T::ZERO; 2 * TILE * TILE], 0.0);
        for first in (0..channels).step_by(TILE) {
            let out = words.wrapping_add(first / TILE * self.half());
            let count = TILE.min(channels - first);
            for y in 0..height {
                for x in (0..width).step_by(TILE) {
                    let lanes = TILE.min(width - x);
                    let start = first * pixels + y * width + x;
                    let to = by_pixel.as_mut_ptr().cast();
                    let rows = if count == TILE && lanes == TILE && is_pair {
                        let start = images[start..].as_ptr().cast();
                        // SAFETY: there is AVX-512; both images have so many channels and pixels.
                        unsafe { Rows::by_depth(start, pixels, second, TILE, to) }
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
                        Rows::near(to, TILE, TILE * TILE)
                    };
                    let place = (y + padding.0) * self.padded.width() + padding.1 + x;
                    // pixels beyond the row are zeros, as what is written next or is never an image's
                    // SAFETY: as the caller promises.
                    check += unsafe { rows.split_to(out.add(place * LINE), self.part(), LINE) };
                }
            }
        }
        check == 0.0
    }

    /// Splits gradients to a panel for each filters, a step for each vector of a row.
    unsafe fn split_gradients<T: Real>(&self, gradients: &[T], panels: &mut [Line]) -> bool {
        let Geometry { filters, out: (height, width), .. } = self.shape;
        let pixels = self.shape.out_pixels();
        let second = filters * pixels;
        let is_pair = gradients.len() == 2 * second;
        assert!(is_pair || gradients.len() == second);
        let panels: *mut u8 = panels.as_mut_ptr().cast();
        let mut check = 0.0;
        for first in (0..self.panels().0 * PANEL).step_by(TILE) {
            let panel = panels.wrapping_add(first / PANEL * self.panel() + first % PANEL / TILE * TILE_BYTES);
            let count = filters.saturating_sub(first).min(TILE);
            for y in 0..height {
                for (k, x) in (0..width).step_by(TILE).enumerate() {
                    let start = gradients.as_ptr().wrapping_add(first * pixels + y * width + x).cast();
                    let lanes = [TILE.min(width - x); 2];
                    let counts = [count, if is_pair { count } else { 0 }];
                    let rows = Rows::new(start, pixels, second, TILE, counts, lanes);
                    let out = panel.wrapping_add((y * self.in_row() + k) * STEP_BYTES);
                    // SAFETY: as the caller promises.
                    check += unsafe { rows.split_to(out, PART_BYTES, LINE) };
                }
            }
        }
        check == 0.0
    }

    unsafe fn multiply<T: Real>(&self, words: &[Line], panels: &[Line], totals: &mut [T]) {
        let (words, panels): (*const u8, *const u8) = (words.as_ptr().cast(), panels.as_ptr().cast());
        let (in_row, width, (_, kernel_width)) = (self.in_row(), self.padded.width(), self.shape.kernel);
        // SAFETY: there is a unit.
        let _tiles = unsafe { Tiles::configure() };
        for (from, to) in sums(self.steps()) {
            let mut places = [0; STEPS + 1];
            for (place, step) in places.iter_mut().zip(from..to) {
                *place = (step / in_row * width + step % in_row * TILE) * LINE;
            }
            // of the next product, which begins nearby
            places[to - from] = places[0];
            let mut totals = singles(totals).chunks_exact_mut(PANEL * PANEL);
            for element in 0..self.area() {
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
