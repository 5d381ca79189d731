//! Operands as tiles of bf16: three parts of every single.

use std::arch::x86_64::{
    __m512, __mmask16, _MM_HINT_T0, _mm_prefetch, _mm512_add_epi32, _mm512_and_si512, _mm512_castps_si512,
    _mm512_castsi512_ps, _mm512_fmadd_ps, _mm512_maskz_loadu_ps, _mm512_reduce_add_ps, _mm512_set1_epi32,
    _mm512_setzero_ps, _mm512_srli_epi32, _mm512_storeu_si512, _mm512_sub_ps, _mm512_ternarylogic_epi32,
};

use super::super::super::real::Real;
use super::super::super::shared::Shared;
use super::super::pack::transpose16;
use super::super::{BLOCK_ROWS, Source};
use super::LINE;

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
        let lies = source.memory().filter(|lies| {
            assert!(lies.data.len() > (first + width - 1) * lies.along + (self.to - 1) * lies.depth);
            1 == match side {
                Side::Left => lies.depth,
                Side::Right => lies.along,
            }
        });
        let tiles = 2 * width.div_ceil(PANEL);
        let mut checks = [0.0; BLOCK_ROWS / PANEL];
        let mut put = |step: usize, tile: usize, rows: Rows| {
            let at = step * STEP_BYTES + tile % 2 * TILE_BYTES;
            let out = self.tiles(tile / 2).cast_mut().wrapping_add(at);
            // SAFETY: the processor has AVX-512, the rows lie within their operand, the tiles within their panel.
            checks[tile / 2] += unsafe { rows.split(out) };
        };
        let wide = |tile: usize| width.saturating_sub(tile * TILE).min(TILE);
        let deep = |step: usize| {
            let depths = (self.to - self.from - step * STEP).min(STEP);
            [depths.min(TILE), depths.saturating_sub(TILE)]
        };
        match (lies, side) {
            (Some(lies), Side::Left) => {
                // along the rows, in the order of memory
                for tile in 0..tiles {
                    let start =
                        lies.data.as_ptr().wrapping_add((first + tile * TILE) * lies.along + self.from);
                    for step in 0..self.steps() {
                        let start = start.wrapping_add(step * STEP).cast();
                        let counts = [wide(tile); 2];
                        put(
                            step,
                            tile,
                            Rows {
                                start,
                                stride: lies.along,
                                second: TILE,
                                ahead: TILE * lies.along,
                                counts,
                                lanes: deep(step),
                            },
                        );
                    }
                }
            }
            (Some(lies), Side::Right) => {
                for step in 0..self.steps() {
                    let start =
                        lies.data.as_ptr().wrapping_add((self.from + step * STEP) * lies.depth + first);
                    for tile in 0..tiles {
                        let (start, second) = (start.wrapping_add(tile * TILE).cast(), TILE * lies.depth);
                        let lanes = [wide(tile); 2];
                        put(
                            step,
                            tile,
                            Rows {
                                start,
                                stride: lies.depth,
                                second,
                                ahead: 2 * second,
                                counts: deep(step),
                                lanes,
                            },
                        );
                    }
                }
            }
            (None, side) => {
                // depths of a tile are gathered first
                let mut packed = [T::ZERO; BLOCK_ROWS * STEP];
                let mut turned = [T::ZERO; TILE * STEP];
                for step in 0..self.steps() {
                    let from = self.from + step * STEP;
                    let to = self.to.min(from + STEP);
                    if to - from < STEP {
                        packed.fill(T::ZERO);
                    }
                    source.pack_panels(first, width, from, to, TILE, TILE * STEP, &mut packed);
                    for tile in 0..tiles {
                        let by_depth: *const f32 = packed[tile * TILE * STEP..].as_ptr().cast();
                        let counts = [if wide(tile) == 0 { 0 } else { TILE }; 2];
                        let lanes = [TILE; 2];
                        if side == Side::Right {
                            let (stride, second) = (TILE, TILE * TILE);
                            put(
                                step,
                                tile,
                                Rows { start: by_depth, stride, second, ahead: 0, counts, lanes },
                            );
                            continue;
                        }
                        let by_row: *mut f32 = turned.as_mut_ptr().cast();
                        for half in 0..2 {
                            // SAFETY: the processor has AVX-512; both are squares within their arrays.
                            unsafe {
                                transpose16(
                                    by_depth.add(half * TILE * TILE),
                                    TILE,
                                    by_row.add(half * TILE),
                                    STEP,
                                );
                            }
                        }
                        let start = by_row.cast_const();
                        put(step, tile, Rows { start, stride: STEP, second: TILE, ahead: 0, counts, lanes });
                    }
                }
            }
        }
        for (panel, check) in checks.iter().enumerate().take(tiles / 2) {
            // SAFETY: as the caller promises.
            unsafe { self.mark(panel).write(*check == 0.0) };
        }
    }
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
    /// Writes a tile of each part. Gives NaN if there is a number that is not finite, and zero otherwise.
    ///
    /// # Safety
    /// The processor has AVX-512, the rows may be read, and the tiles be written.
    #[target_feature(enable = "avx512f")]
    unsafe fn split(&self, out: *mut u8) -> f32 {
        let masks = self.lanes.map(|lanes| ((1_u32 << lanes) - 1) as __mmask16);
        let mut invalid = _mm512_setzero_ps();
        for row in 0..TILE {
            let start = self.start.wrapping_add(row * self.stride);
            let [low, high] = [0, 1].map(|k| {
                let mask = if row < self.counts[k] { masks[k] } else { 0 };
                // SAFETY: as the caller promises; what is masked is not read.
                unsafe {
                    let start = start.wrapping_add(k * self.second);
                    _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(self.ahead).cast());
                    _mm512_maskz_loadu_ps(mask, start)
                }
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
