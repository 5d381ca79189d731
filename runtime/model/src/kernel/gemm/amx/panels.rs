//! Operands as panels of tiles.

use super::super::{BLOCK_ROWS, Source};
use crate::kernel::amx::{Line, PANEL, Rows, STEP, STEP_BYTES, TILE, TILE_BYTES};
use crate::kernel::level::LINE;
use crate::kernel::real::Real;
use crate::kernel::shared::Shared;

/// Which operand: a row of a tile is one row of the left operand, with all depths, or two depths of the right one, with all
/// columns. The two depths of a word are [`TILE`] apart in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// Panels of [`PANEL`] rows or columns of an operand for some depths, one after another: tiles in the order of steps, parts and
/// halves, and a line that says whether all numbers are finite.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a> {
    memory: Shared<'a, Line>,
    from: usize,
    to: usize,
}

impl<'a> Panels<'a> {
    /// Lines of a panel of so many depths.
    pub(crate) fn pitch(depth: usize) -> usize {
        (depth.div_ceil(STEP) * STEP_BYTES) / LINE + 1
    }

    /// Panels for depths `from..to`.
    pub(crate) fn new(memory: Shared<'a, Line>, (from, to): (usize, usize)) -> Self {
        Self { memory, from, to }
    }

    /// Panels to be read.
    pub(crate) fn reading(memory: &'a [Line], depths: (usize, usize)) -> Self {
        Self::new(Shared::reading(memory), depths)
    }

    /// Those from a panel on.
    pub(crate) fn skip(self, panels: usize) -> Self {
        Self { memory: self.memory.from(panels * Self::pitch(self.to - self.from)), ..self }
    }

    pub(crate) fn steps(&self) -> usize {
        (self.to - self.from).div_ceil(STEP)
    }

    /// The tiles of a panel.
    pub(crate) fn tiles(&self, panel: usize) -> *const u8 {
        self.skip(panel).memory.pointer().cast_const().cast()
    }

    fn mark(&self, panel: usize) -> *mut bool {
        self.skip(panel).memory.from(Self::pitch(self.to - self.from) - 1).pointer().cast()
    }

    /// Whether all numbers of a panel are finite.
    ///
    /// # Safety
    /// The panel was split.
    pub(crate) unsafe fn is_finite(&self, panel: usize) -> bool {
        // SAFETY: splitting wrote it.
        unsafe { self.mark(panel).read() }
    }

    /// Splits rows or columns `first..first + width`, at most [`BLOCK_ROWS`], of an operand of singles to the first panels.
    ///
    /// # Safety
    /// The processor has AVX-512, and nobody else uses these panels now.
    pub(crate) unsafe fn split<T: Real>(
        &self,
        source: &impl Source<T>,
        side: Side,
        first: usize,
        width: usize,
    ) {
        let memory = source.memory().filter(|memory| memory.along == 1 || memory.depth == 1);
        if let Some(memory) = memory {
            let last = (first + width - 1) * memory.along + (self.to - 1) * memory.depth;
            assert!(last < memory.data.len());
        }
        let (tiles, steps) = (2 * width.div_ceil(PANEL), self.steps());
        let [mut by_depth, mut by_row] = [[T::ZERO; TILE * STEP]; 2];
        let mut checks = [0.0; BLOCK_ROWS / PANEL];
        for at in 0..tiles * steps {
            // in the order of memory
            let along_rows = memory.is_some_and(|memory| memory.depth == 1);
            let (tile, step) = if along_rows { (at / steps, at % steps) } else { (at % tiles, at / tiles) };
            let (index, from) = (first + tile * TILE, self.from + step * STEP);
            let (width, depths) = (width.saturating_sub(tile * TILE).min(TILE), STEP.min(self.to - from));
            let start = memory.map(|memory| {
                let start = memory.data.as_ptr().wrapping_add(index * memory.along + from * memory.depth);
                (memory, start.cast::<f32>())
            });
            let halves = [depths.min(TILE), depths.saturating_sub(TILE)];
            let rows = match start {
                Some((memory, start)) if memory.depth == 1 && side == Side::Left => {
                    Rows::new(start, memory.along, TILE, TILE * memory.along, [width; 2], halves)
                }
                Some((memory, start)) if memory.along == 1 && side == Side::Right => {
                    let (second, ahead) = (TILE * memory.depth, STEP * memory.depth);
                    Rows::new(start, memory.depth, second, ahead, halves, [width; 2])
                }
                // SAFETY: the processor has AVX-512; the tile is whole, and lies within memory.
                Some((memory, start)) if width == TILE && depths == STEP => unsafe {
                    if side == Side::Left {
                        Rows::by_row(start, memory.depth, STEP * memory.depth, by_row.as_mut_ptr().cast())
                    } else {
                        let ahead = TILE * memory.along;
                        Rows::by_depth(start, memory.along, TILE, ahead, by_depth.as_mut_ptr().cast())
                    }
                },
                _ => {
                    by_depth.fill(T::ZERO);
                    if width > 0 {
                        let out = &mut by_depth[..depths * TILE];
                        source.pack(index, width, from, from + depths, TILE, out);
                    }
                    let start = by_depth.as_ptr().cast();
                    if side == Side::Left {
                        // SAFETY: the processor has AVX-512, and a tile is as many singles.
                        unsafe { Rows::by_row(start, TILE, 0, by_row.as_mut_ptr().cast()) }
                    } else {
                        Rows::near(start, TILE, TILE * TILE)
                    }
                }
            };
            let out = self.tiles(tile / 2).cast_mut().wrapping_add(step * STEP_BYTES + tile % 2 * TILE_BYTES);
            // SAFETY: the processor has AVX-512, the rows lie within their operand, the tiles within their panel.
            checks[tile / 2] += unsafe { rows.split(out) };
        }
        for (panel, check) in checks.iter().enumerate().take(tiles / 2) {
            // SAFETY: as the caller promises.
            unsafe { self.mark(panel).write(*check == 0.0) };
        }
    }
}
