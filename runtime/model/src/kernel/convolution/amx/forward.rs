//! Filters run over an image: rows of tiles are filters, columns are pixels, and two channels share a word.

use super::super::super::amx::{Line, PANEL, Rows, STEP, Square, TILE, Tiles};
use super::super::super::gemm::Strided;
use super::super::super::gemm::amx::{Panels, Side};
use super::super::super::level::{LINE, vectorised};
use super::super::super::real::Real;
use super::super::super::shared::Shared;
use super::super::Geometry;
use super::super::padded::Padded;
use super::shifted::{Place, Shifted};
use super::{STEPS, elements, lines, suits, sums};

/// Filters split to panels, to be run over images.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Filters {
    shape: Geometry,
    padded: Padded,
}

/// Panels that are split at once.
const SPLIT: usize = 4 * PANEL;

impl Filters {
    /// `None` where the unit has no advantage.
    pub(in super::super) fn new<T: Real>(shape: &Geometry, padded: Padded) -> Option<Self> {
        let vectors = Vectors::new(shape, padded).count.next_multiple_of(2);
        let extents = [
            (shape.channels, shape.channels.next_multiple_of(STEP)),
            (shape.filters, shape.filters.next_multiple_of(PANEL)),
            (shape.out_pixels(), vectors * TILE),
        ];
        suits::<T>(extents).then_some(Self { shape: *shape, padded })
    }

    /// Groups of channels that a step takes.
    fn groups(&self) -> usize {
        self.shape.channels.div_ceil(STEP)
    }

    /// Places of a filter's elements.
    fn area(&self) -> usize {
        self.shape.kernel.0 * self.shape.kernel.1
    }

    fn steps(&self) -> usize {
        self.groups() * self.area()
    }

    /// Elements of the filters in the order of steps.
    fn plain(&self) -> usize {
        self.shape.filters * self.steps() * STEP
    }

    /// Elements of the filters as [`pack`](Self::pack) lays them out: in the order of steps, and split.
    pub(in super::super) fn filters(&self) -> usize {
        let panels = self.shape.filters.div_ceil(PANEL);
        self.plain() + elements(panels * Panels::pitch(self.steps() * STEP))
    }

    /// Bytes of a plane of words: with a line beyond its end for the last vector, and an odd number of lines, so that planes fall
    /// into different sets of a cache.
    fn plane(&self) -> usize {
        ((self.padded.plane() * size_of::<f32>()).div_ceil(LINE) + 1 | 1) * LINE
    }

    /// Bytes of a part of an image.
    fn part(&self) -> usize {
        self.groups() * TILE * self.plane()
    }

    pub(in super::super) fn workspace(&self) -> usize {
        elements(3 * self.part() / LINE)
    }

    fn panels<'a>(&self, memory: Shared<'a, Line>) -> Panels<'a> {
        Panels::new(memory, (0, self.steps() * STEP))
    }

    /// Lays out filters; `at` gives the place of a filter's element of a channel.
    pub(in super::super) fn pack<T: Real>(
        &self,
        filters: &[T],
        at: impl Fn(usize, usize, usize) -> usize,
        out: &mut [T],
    ) {
        let (depth, count) = (self.steps() * STEP, self.shape.filters);
        let (plain, split) = out.split_at_mut(self.plain());
        plain.fill(T::ZERO);
        for (filter, plain) in plain.chunks_exact_mut(depth).enumerate() {
            for channel in 0..self.shape.channels {
                let group = &mut plain[channel / STEP * self.area() * STEP..];
                for (place, step) in group.chunks_exact_mut(STEP).take(self.area()).enumerate() {
                    step[channel % STEP] = filters[at(filter, channel, place)];
                }
            }
        }
        let panels = self.panels(Shared::new(lines(split)));
        let source = Strided { data: plain, along: depth, depth: 1 };
        for first in (0..count).step_by(SPLIT) {
            // SAFETY: there is a unit, and the panels are ours.
            unsafe { panels.skip(first / PANEL).split(&source, Side::Left, first, SPLIT.min(count - first)) };
        }
    }

    /// One image: `out = filters * image (+ bias)`; scratch memory has zeros wherever an image was not.
    pub(in super::super) fn run<T: Real>(
        &self,
        packed: &mut [T],
        bias: Option<&[T]>,
        image: &[T],
        out: &mut [T],
        scratch: &mut [T],
    ) {
        todo!()
    }
}
