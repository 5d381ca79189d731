//! Squares of singles that registers turn: rows become columns.

#![allow(unsafe_code)]

use super::level::{Level, level};

/// Singles of a row of a square that [`turn`] turns; 1 if there are no registers for it.
pub(crate) fn square() -> usize {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => 16,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => 8,
        Level::Portable => 1,
    }
}

/// The rows of a [`square`] become its columns.
///
/// # Safety
/// `from` has rows, `stride` apart, and so has `to`.
#[inline]
pub(crate) unsafe fn turn(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
    match level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has AVX-512, otherwise as the caller promises.
        Level::Avx512 => unsafe { transpose16(from, stride, to, to_stride) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has AVX2, otherwise as the caller promises.
        Level::Avx2 => unsafe { transpose8(from, stride, to, to_stride) },
        // SAFETY: one element.
        Level::Portable => unsafe { *to = *from },
    }
}

/// Eight rows of eight singles become eight columns.
///
/// # Safety
/// The processor has AVX2; `from` has eight rows, `stride` apart, of eight elements, and so has `to`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn transpose8(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
    use std::arch::x86_64::{
        _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps,
        _mm256_unpacklo_ps,
    };
    // SAFETY: as the caller promises.
    unsafe {
        let row = |k: usize| _mm256_loadu_ps(from.add(k * stride));
        let pair = |k: usize| {
            let (a, b) = (row(k), row(k + 1));
            (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b))
        };
        let four = |k: usize| {
            let ((a, b), (c, d)) = (pair(k), pair(k + 2));
            [
                _mm256_shuffle_ps::<0x44>(a, c),
                _mm256_shuffle_ps::<0xee>(a, c),
                _mm256_shuffle_ps::<0x44>(b, d),
                _mm256_shuffle_ps::<0xee>(b, d),
            ]
        };
        let (upper, lower) = (four(0), four(4));
        for k in 0..4 {
            _mm256_storeu_ps(to.add(k * to_stride), _mm256_permute2f128_ps::<0x20>(upper[k], lower[k]));
            _mm256_storeu_ps(to.add((k + 4) * to_stride), _mm256_permute2f128_ps::<0x31>(upper[k], lower[k]));
        }
    }
}

/// Sixteen rows of sixteen singles become sixteen columns.
///
/// # Safety
/// The processor has AVX-512; `from` has sixteen rows, `stride` apart, of sixteen elements, and so has `to`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[allow(clippy::needless_range_loop)] // of four arrays side by side
pub(crate) unsafe fn transpose16(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
    use std::arch::x86_64::{
        _mm512_loadu_ps, _mm512_shuffle_f32x4, _mm512_shuffle_ps, _mm512_storeu_ps, _mm512_unpackhi_ps,
        _mm512_unpacklo_ps,
    };
    // SAFETY: as the caller promises.
    unsafe {
        let row = |k: usize| _mm512_loadu_ps(from.add(k * stride));
        let pair = |k: usize| {
            let (a, b) = (row(k), row(k + 1));
            (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b))
        };
        // quarter q of number j is column 4 q + j of four rows
        let four = |k: usize| {
            let ((a, b), (c, d)) = (pair(k), pair(k + 2));
            [
                _mm512_shuffle_ps::<0x44>(a, c),
                _mm512_shuffle_ps::<0xee>(a, c),
                _mm512_shuffle_ps::<0x44>(b, d),
                _mm512_shuffle_ps::<0xee>(b, d),
            ]
        };
        let fours = [four(0), four(4), four(8), four(12)];
        for j in 0..4 {
            let [a, b, c, d] = [fours[0][j], fours[1][j], fours[2][j], fours[3][j]];
            let (even, odd) = (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b));
            let (later, last) = (_mm512_shuffle_f32x4::<0x88>(c, d), _mm512_shuffle_f32x4::<0xdd>(c, d));
            let column = |q: usize| to.add((4 * q + j) * to_stride);
            _mm512_storeu_ps(column(0), _mm512_shuffle_f32x4::<0x88>(even, later));
            _mm512_storeu_ps(column(1), _mm512_shuffle_f32x4::<0x88>(odd, last));
            _mm512_storeu_ps(column(2), _mm512_shuffle_f32x4::<0xdd>(even, later));
            _mm512_storeu_ps(column(3), _mm512_shuffle_f32x4::<0xdd>(odd, last));
        }
    }
}
