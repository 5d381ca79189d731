//! Filters run over an image: rows of tiles are filters, columns are pixels, and two channels share a word.

use std::ops::Range;

use super::super::Geometry;
use super::super::padded::Padded;
use super::super::vectors::Vectors;
use super::shifted::{Place, Shifted};
use super::{add, band, singles_mut, suits, sums};
use crate::kernel::amx::{
    Line, PANEL, Rows, STEP, STEP_BYTES, Square, TILE, Tiles, elements, lines, lines_of,
};
use crate::kernel::gemm::amx::{Panels, Side};
use crate::kernel::gemm::{BLOCK_ROWS, Source};
use crate::kernel::level::LINE;
use crate::kernel::real::Real;
use crate::kernel::shared::Shared;

/// A convolution by the matrix unit.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Unit {
    shape: Geometry,
    padded: Padded,
    /// Rows of the result that are computed at once.
    band: usize,
}

impl Unit {
    /// `None` where the unit has no advantage.
    pub(in super::super) fn new<T: Real>(shape: &Geometry, padded: Padded) -> Option<Self> {
        let vectors = Vectors::new(shape.out, padded.width(), TILE).count.next_multiple_of(2);
        let extents = [
            (shape.channels, shape.channels.next_multiple_of(STEP)),
            (shape.filters, shape.filters.next_multiple_of(PANEL)),
            (shape.out_pixels(), vectors * TILE),
        ];
        let unit = |band| Self { shape: *shape, padded, band };
        let band = band(shape.out.0, shape.kernel.0, |band| 3 * unit(band).part());
        suits::<T>(extents).then(|| unit(band))
    }

    /// Groups of channels that a step takes.
    fn groups(&self) -> usize {
        self.shape.channels.div_ceil(STEP)
    }

    /// A step for each element of a filter's plane and each group of channels.
    fn steps(&self) -> usize {
        self.groups() * self.shape.area()
    }

    /// Bytes of a row of words.
    fn row(&self) -> usize {
        self.padded.width() * size_of::<f32>()
    }

    /// Bytes of a plane of words: a line beyond its end for the last vector, and an odd number of lines, so that planes fall into
    /// different sets of a cache.
    fn plane(&self) -> usize {
        let rows = self.band + self.shape.kernel.0 - 1;
        (((rows * self.row()).div_ceil(LINE) + 1) | 1) * LINE
    }

    /// Bytes of a part of what is split at once.
    fn part(&self) -> usize {
        self.groups() * TILE * self.plane()
    }

    /// Lines of the words that are split at once, and of the places that steps begin at.
    fn lines(&self) -> (usize, usize) {
        (3 * self.part() / LINE, ((self.steps() + 1) * size_of::<usize>()).div_ceil(LINE))
    }

    pub(in super::super) fn workspace(&self) -> usize {
        let (words, places) = self.lines();
        elements(words + places)
    }

    /// Elements of the filters as [`pack`](Self::pack) lays them out.
    pub(in super::super) fn filters(&self) -> usize {
        elements(self.shape.filters.div_ceil(PANEL) * Panels::pitch(self.steps() * STEP))
    }

    /// Lays out filters; `at` gives the element of a filter, a channel and a place of its plane.
    pub(in super::super) fn pack<T: Real>(
        &self,
        at: impl Fn(usize, usize, usize) -> T + Sync,
        out: &mut [T],
    ) {
        let panels = Panels::new(Shared::new(lines(out)), (0, self.steps() * STEP));
        let source = BySteps { at, shape: &self.shape };
        for first in (0..self.shape.filters).step_by(BLOCK_ROWS) {
            let width = BLOCK_ROWS.min(self.shape.filters - first);
            // SAFETY: there is a unit, and the panels are ours.
            unsafe { panels.skip(first / PANEL).split(&source, Side::Left, first, width) };
        }
    }

    /// One image: `out = filters * image (+ bias)`, or false if there is a number that is not finite. Scratch memory has zeros
    /// wherever an image was not.
    pub(in super::super) fn run<T: Real>(
        &self,
        packed: &[T],
        bias: Option<&[T]>,
        image: &[T],
        out: &mut [T],
        scratch: &mut [T],
    ) -> bool {
        let (shape, steps) = (&self.shape, self.steps());
        let panels = Panels::reading(lines_of(packed), (0, steps * STEP));
        let (words, places) = self.lines();
        let (words, rest) = lines(scratch).split_at_mut(words);
        // SAFETY: any bytes are places.
        let places = &mut unsafe { rest[..places].align_to_mut::<usize>().1 }[..=steps];
        self.place(places);
        // SAFETY: the filters were split.
        if !(0..shape.filters.div_ceil(PANEL)).all(|panel| unsafe { panels.is_finite(panel) }) {
            return false;
        }
        // SAFETY: there is a unit.
        let _tiles = unsafe { Tiles::configure() };
        for top in (0..shape.out.0).step_by(self.band) {
            let height = self.band.min(shape.out.0 - top);
            // SAFETY: there is a unit, and room for all parts.
            if !unsafe {
                self.split(image, top..top + height + shape.kernel.0 - 1, words.as_mut_ptr().cast())
            } {
                return false;
            }
            let vectors = Vectors::new((height, shape.out.1), self.padded.width(), TILE);
            for filter in (0..shape.filters).step_by(PANEL) {
                let mut start = [[0.0; TILE]; PANEL];
                for (start, bias) in start.iter_mut().zip(bias.iter().flat_map(|bias| &bias[filter..])) {
                    *start = [bias.wide() as f32; TILE];
                }
                let band = Band { unit: self, panels, words, places, vectors: &vectors, top };
                for vector in (0..vectors.count).step_by(2) {
                    // SAFETY: as above; a tile reads a vector beyond the last result at most, for which there is room.
                    unsafe { band.squares(vector, filter, &start, out) };
                }
            }
        }
        true
    }

    /// Bytes from the first step's word to each one's, and to the first one's again.
    fn place(&self, places: &mut [usize]) {
        let (height, width) = self.shape.kernel;
        for (step, place) in places.iter_mut().enumerate() {
            let (group, i, j) = (step / (height * width), step / width % height, step % width);
            *place = group * TILE * self.plane() + i * self.row() + j * size_of::<f32>();
        }
        places[self.steps()] = 0;
    }

    /// Splits some rows of a padded image to planes of words between zeros, channels [`TILE`] apart together. Whether all numbers
    /// are finite.
    ///
    /// # Safety
    /// The processor has AVX-512, and there is room for three parts.
    unsafe fn split<T: Real>(&self, image: &[T], rows: Range<usize>, words: *mut u8) -> bool {
        let Geometry { channels, size: (height, width), .. } = self.shape;
        let (pixels, padding) = (self.shape.pixels(), self.padded.padding);
        assert!(image.len() >= channels * pixels);
        let mut check = 0.0;
        for group in 0..self.groups() {
            let first = group * STEP;
            let counts = [first, first + TILE].map(|first| channels.saturating_sub(first).min(TILE));
            for (row, y) in rows.clone().enumerate() {
                let out = words.wrapping_add(group * TILE * self.plane() + row * self.row());
                let Some(y) = y.checked_sub(padding.0).filter(|&y| y < height) else {
                    for plane in 0..3 * TILE {
                        let out = out.wrapping_add(plane / TILE * self.part() + plane % TILE * self.plane());
                        // SAFETY: a row of words of a plane.
                        unsafe { out.write_bytes(0, self.row()) };
                    }
                    continue;
                };
                for x in (0..width).step_by(TILE) {
                    let start = image.as_ptr().wrapping_add(first * pixels + y * width + x).cast();
                    let lanes = [TILE.min(width - x); 2];
                    let rows = Rows::new(start, pixels, TILE * pixels, TILE, counts, lanes);
                    let out = out.wrapping_add((padding.1 + x) * size_of::<f32>());
                    // lanes beyond the row are zeros, as what is written next or is never an image's
                    // SAFETY: as the caller promises.
                    check += unsafe { rows.split_to(out, self.part(), self.plane()) };
                }
            }
        }
        check == 0.0
    }
}

/// Filters whose depths are in the order of steps.
struct BySteps<'a, F> {
    at: F,
    shape: &'a Geometry,
}

impl<T: Real, F: Fn(usize, usize, usize) -> T + Sync> Source<T> for BySteps<'_, F> {
    fn pack(&self, first: usize, width: usize, from: usize, to: usize, panel: usize, out: &mut [T]) {
        let area = self.shape.area();
        for (k, out) in (from..to).zip(out.chunks_exact_mut(panel)) {
            let (channel, place) = (k / STEP / area * STEP + k % STEP, k / STEP % area);
            for (lane, out) in out.iter_mut().enumerate() {
                let real = lane < width && channel < self.shape.channels;
                *out = if real { (self.at)(first + lane, channel, place) } else { T::ZERO };
            }
        }
    }
}

/// Some rows of an image, split, and the filters.
struct Band<'a> {
    unit: &'a Unit,
    panels: Panels<'a>,
    words: &'a [Line],
    places: &'a [usize],
    vectors: &'a Vectors,
    /// The first row of the result.
    top: usize,
}

impl Band<'_> {
    /// Computes and stores the results of two vectors of pixels and of a panel of filters.
    ///
    /// # Safety
    /// Tiles are configured, the image and the filters were split.
    unsafe fn squares<T: Real>(
        &self,
        vector: usize,
        filter: usize,
        start: &[[f32; TILE]; PANEL],
        out: &mut [T],
    ) {
        let Geometry { filters, out: (_, width), .. } = self.unit.shape;
        let (pixels, rows) = (self.unit.shape.out_pixels(), PANEL.min(filters - filter));
        let last = self.vectors.count - 1;
        let from = [vector, last.min(vector + 1)].map(|vector| self.vectors.place(vector));
        let multiply = |(first, end): (usize, usize), start, to: &Place| {
            let shifted = Shifted {
                left: self.panels.tiles(filter / PANEL).wrapping_add(first * STEP_BYTES),
                right: self.words.as_ptr().cast::<u8>().wrapping_add(from[0] * size_of::<f32>()),
                places: &self.places[first..=end],
                row: self.unit.plane(),
                half: (from[1] - from[0]) * size_of::<f32>(),
                part: self.unit.part(),
            };
            // SAFETY: as the caller promises.
            unsafe { shifted.multiply(start, to) };
        };
        let out = &mut singles_mut(out)[filter * pixels + self.top * width..(filter + rows) * pixels];
        let mut parts = sums(self.unit.steps());
        let first = parts.next().unwrap_or_default();
        let is_only = first.1 == self.unit.steps();
        if let [Some(one), Some(other)] = from.map(|place| self.vectors.whole(place))
            && (is_only && rows == PANEL && other > one)
        {
            let size = size_of::<f32>();
            let place =
                Place { start: out[one..].as_mut_ptr(), row: pixels * size, half: (other - one) * size };
            multiply(first, start, &place);
            return;
        }
        let mut square = Square([[0.0; PANEL]; PANEL]);
        multiply(first, start, &Place::from(&mut square));
        for part in parts {
            let mut more = Square([[0.0; PANEL]; PANEL]);
            multiply(part, &[[0.0; TILE]; PANEL], &Place::from(&mut more));
            add(more.0.as_flattened(), square.0.as_flattened_mut());
        }
        for (half, &place) in from.iter().enumerate() {
            self.vectors.runs(place, |lane, until, pixel| {
                for (out, sums) in out.chunks_mut(pixels).zip(&square.0) {
                    let sums = &sums[half * TILE..];
                    out[pixel..pixel + until - lane].copy_from_slice(&sums[lane..until]);
                }
            });
        }
    }
}
