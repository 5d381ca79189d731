//! AVX2 and FMA: 16 registers of 256 bits.
#![allow(clippy::inline_always)] // what runs inside a function with vector instructions must be part of it
#![allow(clippy::cast_possible_wrap)] // numbers of lanes

#[allow(clippy::wildcard_imports)] // the names all begin with _mm
use std::arch::x86_64::*;

use super::{Lanes, Tiled};

/// 4 numbers of 64 bits.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F64x4(__m256d);

// SAFETY (of all methods): the trait asks the caller for the instructions and for valid pointers
impl Lanes for F64x4 {
    type Real = f64;
    type Index = __m256i;
    const LANES: usize = 4;
    const TILE: usize = 8;

    #[inline(always)]
    unsafe fn tiled<K: Tiled<Self::Real>>(kernel: K) {
        unsafe { kernel.run::<Self, 8>() }
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        unsafe { Self(_mm256_loadu_pd(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        unsafe { _mm256_storeu_pd(to, self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        unsafe { Self(_mm256_set1_pd(value)) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(_mm256_add_pd(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { Self(_mm256_sub_pd(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        unsafe { Self(_mm256_mul_pd(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        unsafe { Self(_mm256_fmadd_pd(self.0, factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn mul_sub_from(self, factor: Self, term: Self) -> Self {
        unsafe { Self(_mm256_fnmadd_pd(self.0, factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn mul_alternate(self, factor: Self, term: Self) -> Self {
        unsafe { Self(_mm256_fmaddsub_pd(self.0, factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn exchange(self) -> Self {
        unsafe { Self(_mm256_permute_pd::<0b0101>(self.0)) }
    }

    #[inline(always)]
    unsafe fn real_parts(self) -> Self {
        unsafe { Self(_mm256_movedup_pd(self.0)) }
    }

    #[inline(always)]
    unsafe fn imaginary_parts(self) -> Self {
        unsafe { Self(_mm256_permute_pd::<0b1111>(self.0)) }
    }

    #[inline(always)]
    unsafe fn index(of: impl Fn(usize) -> usize) -> Self::Index {
        // there is no permutation of 64 bits by register: each number is two halves
        let lanes: [i32; 8] = std::array::from_fn(|k| (2 * of(k / 2) + k % 2) as i32);
        unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn permute(self, index: Self::Index) -> Self {
        unsafe { Self(_mm256_castps_pd(_mm256_permutevar8x32_ps(_mm256_castpd_ps(self.0), index))) }
    }

    #[inline(always)]
    unsafe fn select(self, other: Self, sign: Self) -> Self {
        unsafe { Self(_mm256_blendv_pd(self.0, other.0, sign.0)) }
    }

    #[inline(always)]
    unsafe fn pin<const R: usize>(tile: &mut [Self; R]) {
        if let Some(tile) = tile.first_chunk_mut::<8>() {
            unsafe { pin_f64(&mut *std::ptr::from_mut(tile).cast()) }
        }
    }

    #[inline(always)]
    fn prefetch(address: *const u8) {
        // SAFETY: every processor with these vectors has it, and it never faults
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) }
    }

    #[inline(always)]
    unsafe fn sum(self) -> f64 {
        let mut lanes = [0.0; Self::LANES];
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes.iter().sum()
    }
}

/// 8 numbers of 32 bits.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F32x8(__m256);

// SAFETY (of all methods): the trait asks the caller for the instructions and for valid pointers
impl Lanes for F32x8 {
    type Real = f32;
    type Index = __m256i;
    const LANES: usize = 8;
    const TILE: usize = 8;

    #[inline(always)]
    unsafe fn tiled<K: Tiled<Self::Real>>(kernel: K) {
        unsafe { kernel.run::<Self, 8>() }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(_mm256_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(_mm256_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(_mm256_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { Self(_mm256_sub_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        unsafe { Self(_mm256_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        unsafe { Self(_mm256_fmadd_ps(self.0, factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn mul_sub_from(self, factor: Self, term: Self) -> Self {
        unsafe { Self(_mm256_fnmadd_ps(self.0, factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn mul_alternate(self, factor: Self, term: Self) -> Self {
        unsafe { Self(_mm256_fmaddsub_ps(self.0, factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn exchange(self) -> Self {
        unsafe { Self(_mm256_permute_ps::<0b10_11_00_01>(self.0)) }
    }

    #[inline(always)]
    unsafe fn real_parts(self) -> Self {
        unsafe { Self(_mm256_moveldup_ps(self.0)) }
    }

    #[inline(always)]
    unsafe fn imaginary_parts(self) -> Self {
        unsafe { Self(_mm256_movehdup_ps(self.0)) }
    }

    #[inline(always)]
    unsafe fn index(of: impl Fn(usize) -> usize) -> Self::Index {
        let lanes: [i32; 8] = std::array::from_fn(|k| of(k) as i32);
        unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn permute(self, index: Self::Index) -> Self {
        unsafe { Self(_mm256_permutevar8x32_ps(self.0, index)) }
    }

    #[inline(always)]
    unsafe fn select(self, other: Self, sign: Self) -> Self {
        unsafe { Self(_mm256_blendv_ps(self.0, other.0, sign.0)) }
    }

    #[inline(always)]
    unsafe fn pin<const R: usize>(tile: &mut [Self; R]) {
        if let Some(tile) = tile.first_chunk_mut::<8>() {
            unsafe { pin_f32(&mut *std::ptr::from_mut(tile).cast()) }
        }
    }

    #[inline(always)]
    fn prefetch(address: *const u8) {
        // SAFETY: every processor with these vectors has it, and it never faults
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) }
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        let mut lanes = [0.0; Self::LANES];
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes.iter().sum()
    }
}

pin!(pin_f64, __m256d, 8, "avx", "ymm0" 0 "ymm1" 1 "ymm2" 2 "ymm3" 3 "ymm4" 4 "ymm5" 5 "ymm6" 6 "ymm7" 7);
pin!(pin_f32, __m256, 8, "avx", "ymm0" 0 "ymm1" 1 "ymm2" 2 "ymm3" 3 "ymm4" 4 "ymm5" 5 "ymm6" 6 "ymm7" 7);
