//! AVX-512: 32 registers of 512 bits.
#![allow(clippy::inline_always)] // what runs inside a function with vector instructions must be part of it
#![allow(clippy::cast_possible_wrap)] // numbers of lanes

#[allow(clippy::wildcard_imports)] // the names all begin with _mm
use std::arch::x86_64::*;

use super::{Lanes, Tiled};

/// 8 numbers of 64 bits.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F64x8(__m512d);

// SAFETY (of all methods): the trait asks the caller for the instructions and for valid pointers
impl Lanes for F64x8 {
    type Real = f64;
    type Index = __m512i;
    const LANES: usize = 8;
    const TILE: usize = 16;

    #[inline(always)]
    unsafe fn tiled<K: Tiled<Self::Real>>(kernel: K) {
        unsafe { kernel.run::<Self, 16>() }
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        unsafe { Self(_mm512_loadu_pd(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        unsafe { _mm512_storeu_pd(to, self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        unsafe { Self(_mm512_set1_pd(value)) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(_mm512_add_pd(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { Self(_mm512_sub_pd(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        unsafe { Self(_mm512_mul_pd(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        unsafe { Self(_mm512_fmadd_pd(self.0, factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn mul_sub_from(self, factor: Self, term: Self) -> Self {
        unsafe { Self(_mm512_fnmadd_pd(self.0, factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn mul_alternate(self, factor: Self, term: Self) -> Self {
        unsafe { Self(_mm512_fmaddsub_pd(self.0, factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn exchange(self) -> Self {
        unsafe { Self(_mm512_permute_pd::<0x55>(self.0)) }
    }

    #[inline(always)]
    unsafe fn real_parts(self) -> Self {
        unsafe { Self(_mm512_movedup_pd(self.0)) }
    }

    #[inline(always)]
    unsafe fn imaginary_parts(self) -> Self {
        unsafe { Self(_mm512_permute_pd::<0xff>(self.0)) }
    }

    #[inline(always)]
    unsafe fn index(of: impl Fn(usize) -> usize) -> Self::Index {
        let lanes: [i64; 8] = std::array::from_fn(|k| of(k) as i64);
        unsafe { _mm512_loadu_epi64(lanes.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn permute(self, index: Self::Index) -> Self {
        unsafe { Self(_mm512_permutexvar_pd(index, self.0)) }
    }

    #[inline(always)]
    unsafe fn select(self, other: Self, sign: Self) -> Self {
        unsafe {
            Self(_mm512_mask_blend_pd(_mm512_movepi64_mask(_mm512_castpd_si512(sign.0)), self.0, other.0))
        }
    }

    #[inline(always)]
    unsafe fn pin<const R: usize>(tile: &mut [Self; R]) {
        if let Some(tile) = tile.first_chunk_mut::<16>() {
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
        unsafe { _mm512_reduce_add_pd(self.0) }
    }
}

/// 16 numbers of 32 bits.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F32x16(__m512);

// SAFETY (of all methods): the trait asks the caller for the instructions and for valid pointers
impl Lanes for F32x16 {
    type Real = f32;
    type Index = __m512i;
    const LANES: usize = 16;
    const TILE: usize = 16;

    #[inline(always)]
    unsafe fn tiled<K: Tiled<Self::Real>>(kernel: K) {
        unsafe { kernel.run::<Self, 16>() }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(_mm512_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(_mm512_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(_mm512_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { Self(_mm512_sub_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        unsafe { Self(_mm512_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        unsafe { Self(_mm512_fmadd_ps(self.0, factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn mul_sub_from(self, factor: Self, term: Self) -> Self {
        unsafe { Self(_mm512_fnmadd_ps(self.0, factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn mul_alternate(self, factor: Self, term: Self) -> Self {
        unsafe { Self(_mm512_fmaddsub_ps(self.0, factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn exchange(self) -> Self {
        unsafe { Self(_mm512_permute_ps::<0b10_11_00_01>(self.0)) }
    }

    #[inline(always)]
    unsafe fn real_parts(self) -> Self {
        unsafe { Self(_mm512_moveldup_ps(self.0)) }
    }

    #[inline(always)]
    unsafe fn imaginary_parts(self) -> Self {
        unsafe { Self(_mm512_movehdup_ps(self.0)) }
    }

    #[inline(always)]
    unsafe fn index(of: impl Fn(usize) -> usize) -> Self::Index {
        let lanes: [i32; 16] = std::array::from_fn(|k| of(k) as i32);
        unsafe { _mm512_loadu_epi32(lanes.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn permute(self, index: Self::Index) -> Self {
        unsafe { Self(_mm512_permutexvar_ps(index, self.0)) }
    }

    #[inline(always)]
    unsafe fn select(self, other: Self, sign: Self) -> Self {
        unsafe {
            Self(_mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(sign.0)), self.0, other.0))
        }
    }

    #[inline(always)]
    unsafe fn pin<const R: usize>(tile: &mut [Self; R]) {
        if let Some(tile) = tile.first_chunk_mut::<16>() {
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
        unsafe { _mm512_reduce_add_ps(self.0) }
    }
}

pin!(pin_f64, __m512d, 16, "avx512f", "zmm0" 0 "zmm1" 1 "zmm2" 2 "zmm3" 3 "zmm4" 4 "zmm5" 5 "zmm6" 6 "zmm7" 7
    "zmm8" 8 "zmm9" 9 "zmm10" 10 "zmm11" 11 "zmm12" 12 "zmm13" 13 "zmm14" 14 "zmm15" 15);
pin!(pin_f32, __m512, 16, "avx512f", "zmm0" 0 "zmm1" 1 "zmm2" 2 "zmm3" 3 "zmm4" 4 "zmm5" 5 "zmm6" 6 "zmm7" 7
    "zmm8" 8 "zmm9" 9 "zmm10" 10 "zmm11" 11 "zmm12" 12 "zmm13" 13 "zmm14" 14 "zmm15" 15);
