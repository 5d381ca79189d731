//! Rows of singles, split to tiles of bf16: three parts of every single.

use std::arch::x86_64::{
    __m512, __mmask16, _MM_HINT_T0, _mm_prefetch, _mm512_add_epi32, _mm512_and_si512, _mm512_castps_si512,
    _mm512_castsi512_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_maskz_loadu_ps, _mm512_reduce_add_ps,
    _mm512_set1_epi32, _mm512_setzero_ps, _mm512_srli_epi32, _mm512_storeu_si512, _mm512_sub_ps,
    _mm512_ternarylogic_epi32,
};

use super::super::turn::transpose16;
use super::{LINE, PART_BYTES, STEP, TILE};

/// Asks for the line of a place, which may be any.
#[inline]
fn ask(place: *const f32) {
    // SAFETY: a prefetch may name any place.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
}

/// Rows of two vectors, which become the halves of words.
pub(crate) struct Rows {
    start: *const f32,
    stride: usize,
    second: usize,
    ahead: usize,
    counts: [usize; 2],
    lanes: [usize; 2],
    /// Whether there are all rows and singles.
    whole: bool,
}

impl Rows {
    /// Rows that begin at `start`, `stride` singles apart, the second vectors of them `second` singles on. There are so many of
    /// each, of so many singles; the others are zeros. What lies `ahead` of a row is split next in its place, and asked for now.
    #[inline]
    pub(crate) fn new(
        start: *const f32,
        stride: usize,
        second: usize,
        ahead: usize,
        counts: [usize; 2],
        lanes: [usize; 2],
    ) -> Self {
        // from what is in registers: read back from memory at once, it would wait for all stores before
        let whole = counts == [TILE; 2] && lanes == [TILE; 2];
        Self { start, stride, second, ahead, counts, lanes, whole }
    }

    /// Whole rows that a cache holds.
    #[inline]
    pub(crate) fn near(start: *const f32, stride: usize, second: usize) -> Self {
        Self::new(start, stride, second, 0, [TILE; 2], [TILE; 2])
    }

    /// A whole tile by row, from memory whose rows are depths.
    ///
    /// # Safety
    /// The processor has AVX-512; `from` has [`STEP`] rows, `stride` apart, of [`TILE`] singles, and `to` as many singles.
    pub(crate) unsafe fn by_row(from: *const f32, stride: usize, ahead: usize, to: *mut f32) -> Self {
        for row in 0..STEP {
            ask(from.wrapping_add(row * stride + ahead));
        }
        for half in 0..2 {
            // SAFETY: as the caller promises.
            unsafe { transpose16(from.add(half * TILE * stride), stride, to.add(half * TILE), STEP) };
        }
        Self::near(to, STEP, TILE)
    }

    /// A whole tile by depth, from memory whose rows have the depths of a half, `second` on those of the other.
    ///
    /// # Safety
    /// The processor has AVX-512; `from` has [`TILE`] rows, `stride` apart, of [`TILE`] singles, as has what is `second` on, and
    /// `to` has as many singles.
    pub(crate) unsafe fn by_depth(
        from: *const f32,
        stride: usize,
        second: usize,
        ahead: usize,
        to: *mut f32,
    ) -> Self {
        for half in 0..2 {
            let from = from.wrapping_add(half * second);
            for row in 0..TILE {
                ask(from.wrapping_add(row * stride + ahead));
            }
            // SAFETY: as the caller promises.
            unsafe { transpose16(from, stride, to.add(half * TILE * TILE), TILE) };
        }
        Self::near(to, TILE, TILE * TILE)
    }

    /// Writes a tile of each part, as [`split_to`](Self::split_to) does, to where tiles of parts follow one another.
    ///
    /// # Safety
    /// As there.
    pub(crate) unsafe fn split(&self, out: *mut u8) -> f32 {
        // SAFETY: as the caller promises.
        unsafe { self.split_to(out, PART_BYTES, LINE) }
    }

    /// Writes rows of words, `row` bytes apart, for each part, `part` bytes apart. Gives NaN if there is a number that is not
    /// finite, and zero otherwise.
    ///
    /// # Safety
    /// The processor has AVX-512, the rows may be read, and the tiles be written.
    pub(crate) unsafe fn split_to(&self, out: *mut u8, part: usize, row: usize) -> f32 {
        // SAFETY: as the caller promises.
        unsafe {
            if self.whole {
                self.split_rows::<true>(out, part, row)
            } else {
                self.split_rows::<false>(out, part, row)
            }
        }
    }

    /// As [`split_to`](Self::split_to), with what is known of all whole tiles.
    #[target_feature(enable = "avx512f")]
    unsafe fn split_rows<const WHOLE: bool>(&self, out: *mut u8, part: usize, row_bytes: usize) -> f32 {
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
                unsafe { _mm512_storeu_si512(out.add(k * part + row * row_bytes).cast(), words) };
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
