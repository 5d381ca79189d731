//! Operands as tiles of bf16: three parts of every single.

use std::arch::x86_64::{
    __m512, __mmask16, _MM_HINT_T0, _mm_prefetch, _mm512_add_epi32, _mm512_and_si512, _mm512_castps_si512,
    _mm512_castsi512_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_maskz_loadu_ps, _mm512_reduce_add_ps,
    _mm512_set1_epi32, _mm512_setzero_ps, _mm512_srli_epi32, _mm512_storeu_si512, _mm512_sub_ps,
    _mm512_ternarylogic_epi32,
};

use super::super::super::real::Real;
use super::super::super::shared::Shared;
use super::super::pack::{LINE, transpose16};
use super::super::{BLOCK_ROWS, Source};

/// Rows or columns of a panel: two tiles.
pub(super) const PANEL: usize = 2 * TILE;
/// Depths of a tile, two in each word of it.
pub(super) const STEP: usize = 2 * TILE;
/// Rows of a tile, and words of a row.
const TILE: usize = 16;
const TILE_BYTES: usize = TILE * LINE;
/// Bytes from one part of a panel's tiles to the next.
const PART_BYTES: usize = 2 * TILE_BYTES;
/// Bytes of a panel for [`STEP`] depths.
pub(super) const STEP_BYTES: usize = 3 * PART_BYTES;

/// Memory of panels.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line([u8; LINE]);

/// Which operand: a row of a tile is one row of the left operand, with all depths, or two depths of the right one, with all
/// columns. The two depths of a word are [`TILE`] apart in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Panels of [`PANEL`] rows or columns of an operand for some depths, one after another: tiles in the order of steps, parts and
/// halves, and a line that says whether all numbers are finite.
#[derive(Clone, Copy)]
pub(super) struct Panels<'a> {
    memory: Shared<'a, Line>,
    from: usize,
    to: usize,
}

impl<'a> Panels<'a> {
    /// Lines of a panel of so many depths.
    pub(super) fn pitch(depth: usize) -> usize {
        (depth.div_ceil(STEP) * STEP_BYTES) / LINE + 1
    }

    /// Panels for depths `from..to`.
    pub(super) fn new(memory: Shared<'a, Line>, (from, to): (usize, usize)) -> Self {
        Self { memory, from, to }
    }

    /// Those from a panel on.
    pub(super) fn skip(self, panels: usize) -> Self {
        Self { memory: self.memory.from(panels * Self::pitch(self.to - self.from)), ..self }
    }

    pub(super) fn steps(&self) -> usize {
        (self.to - self.from).div_ceil(STEP)
    }

    /// The tiles of a panel.
    pub(super) fn tiles(&self, panel: usize) -> *const u8 {
        self.skip(panel).memory.pointer().cast_const().cast()
    }

    fn mark(&self, panel: usize) -> *mut bool {
        self.skip(panel).memory.from(Self::pitch(self.to - self.from) - 1).pointer().cast()
    }

    /// Whether all numbers of a panel are finite.
    ///
    /// # Safety
    /// The panel was split.
    pub(super) unsafe fn is_finite(&self, panel: usize) -> bool {
        // SAFETY: splitting wrote it.
        unsafe { self.mark(panel).read() }
    }

    /// Splits rows or columns `first..first + width`, at most [`BLOCK_ROWS`], of an operand of singles to the first panels.
    ///
    /// # Safety
    /// The processor has AVX-512, and nobody else uses these panels now.
    pub(super) unsafe fn split<T: Real>(
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
                Some((memory, start)) if memory.depth == 1 && side == Side::Left => Rows {
                    start,
                    stride: memory.along,
                    second: TILE,
                    ahead: TILE * memory.along,
                    counts: [width; 2],
                    lanes: halves,
                },
                Some((memory, start)) if memory.along == 1 && side == Side::Right => Rows {
                    start,
                    stride: memory.depth,
                    second: TILE * memory.depth,
                    ahead: STEP * memory.depth,
                    counts: halves,
                    lanes: [width; 2],
                },
                // SAFETY: the processor has AVX-512; the tile is whole, and lies within memory.
                Some((memory, start)) if width == TILE && depths == STEP => unsafe {
                    if side == Side::Left {
                        Rows::by_row(start, memory.depth, STEP * memory.depth, by_row.as_mut_ptr().cast())
                    } else {
                        Rows::by_depth(start, memory.along, TILE * memory.along, by_depth.as_mut_ptr().cast())
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

/// Asks for the line of a place, which may be any.
#[inline]
fn ask(place: *const f32) {
    // SAFETY: a prefetch may name any place.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
}

/// Rows of two vectors, which become the halves of words.
struct Rows {
    start: *const f32,
    /// Singles from one row to the next.
    stride: usize,
    /// Singles from the first vector to the second.
    second: usize,
    /// Singles from a row to the one that will be split next in its place, which is asked for now.
    ahead: usize,
    /// How many rows there are of each; beyond, there are zeros.
    counts: [usize; 2],
    /// How many singles of each vector there are.
    lanes: [usize; 2],
}

impl Rows {
    /// Whole rows that a cache holds.
    fn near(start: *const f32, stride: usize, second: usize) -> Self {
        Self { start, stride, second, ahead: 0, counts: [TILE; 2], lanes: [TILE; 2] }
    }

    /// A whole tile by row, from memory whose rows are depths.
    ///
    /// # Safety
    /// The processor has AVX-512; `from` has [`STEP`] rows, `stride` apart, of [`TILE`] singles, and `to` as many singles.
    unsafe fn by_row(from: *const f32, stride: usize, ahead: usize, to: *mut f32) -> Self {
        for row in 0..STEP {
            ask(from.wrapping_add(row * stride + ahead));
        }
        for half in 0..2 {
            // SAFETY: as the caller promises.
            unsafe { transpose16(from.add(half * TILE * stride), stride, to.add(half * TILE), STEP) };
        }
        Self::near(to, STEP, TILE)
    }

    /// A whole tile by depth, from memory whose rows have all depths.
    ///
    /// # Safety
    /// The processor has AVX-512; `from` has [`TILE`] rows, `stride` apart, of [`STEP`] singles, and `to` as many singles.
    unsafe fn by_depth(from: *const f32, stride: usize, ahead: usize, to: *mut f32) -> Self {
        for row in 0..TILE {
            ask(from.wrapping_add(row * stride + ahead));
            ask(from.wrapping_add(row * stride + ahead + TILE));
        }
        for half in 0..2 {
            // SAFETY: as the caller promises.
            unsafe { transpose16(from.add(half * TILE), stride, to.add(half * TILE * TILE), TILE) };
        }
        Self::near(to, TILE, TILE * TILE)
    }

    /// Writes a tile of each part. Gives NaN if there is a number that is not finite, and zero otherwise.
    ///
    /// # Safety
    /// The processor has AVX-512, the rows may be read, and the tiles be written.
    unsafe fn split(&self, out: *mut u8) -> f32 {
        // SAFETY: as the caller promises.
        unsafe {
            if self.counts == [TILE; 2] && self.lanes == [TILE; 2] {
                self.split_to::<true>(out)
            } else {
                self.split_to::<false>(out)
            }
        }
    }

    /// As [`split`](Self::split), with what is known of all whole tiles.
    #[target_feature(enable = "avx512f")]
    unsafe fn split_to<const WHOLE: bool>(&self, out: *mut u8) -> f32 {
        let masks = self.lanes.map(|lanes| ((1_u32 << lanes) - 1) as __mmask16);
        let mut invalid = _mm512_setzero_ps();
        for row in 0..TILE {
            let start = self.start.wrapping_add(row * self.stride);
            let [low, high] = [0, 1].map(|k| {
                let start = start.wrapping_add(k * self.second);
                let mask = if row < self.counts[k] { masks[k] } else { 0 };
                ask(start.wrapping_add(self.ahead));
                // SAFETY: as the caller promises; what is masked is not read.
                unsafe { if WHOLE { _mm512_loadu_ps(start) } else { _mm512_maskz_loadu_ps(mask, start) } }
            });
            let (low, high) = (thirds(low, &mut invalid), thirds(high, &mut invalid));
            for k in 0..3 {
                let upper = _mm512_set1_epi32(UPPER);
                // low >> 16 | high & upper
                let words = _mm512_ternarylogic_epi32::<0xf8>(
                    _mm512_srli_epi32::<16>(_mm512_castps_si512(low[k])),
                    _mm512_castps_si512(high[k]),
                    upper,
                );
                // SAFETY: as the caller promises.
                unsafe { _mm512_storeu_si512(out.add(k * PART_BYTES + row * LINE).cast(), words) };
            }
        }
        _mm512_reduce_add_ps(invalid)
    }
}

/// The bits of a single that are a bf16.
const UPPER: i32 = 0xffff_0000_u32 as i32;

/// Three parts that add up to `x`, the first and second one rounded to bf16, the third one a bf16. Adds NaN to `invalid` if `x`,
/// or its first part, is not finite, and zero otherwise.
#[inline]
#[target_feature(enable = "avx512f")]
fn thirds(x: __m512, invalid: &mut __m512) -> [__m512; 3] {
    let round = |x| {
        let half = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000));
        _mm512_castsi512_ps(_mm512_and_si512(half, _mm512_set1_epi32(UPPER)))
    };
    let first = round(x);
    let rest = _mm512_sub_ps(x, first);
    *invalid = _mm512_fmadd_ps(rest, _mm512_setzero_ps(), *invalid);
    let second = round(rest);
    [first, second, _mm512_sub_ps(rest, second)]
}
