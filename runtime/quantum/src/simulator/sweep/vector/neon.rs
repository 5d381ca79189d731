//! NEON: 32 registers of 128 bits.
#![allow(clippy::inline_always)] // what runs inside a function with vector instructions must be part of it

#[allow(clippy::wildcard_imports)] // the names all begin with v
use std::arch::aarch64::*;

use super::{Lanes, Tiled};

/// 2 numbers of 64 bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct F64x2(float64x2_t);

// SAFETY (of all methods): the trait asks the caller for the instructions and for valid pointers
impl Lanes for F64x2 {
    type Real = f64;
    type Index = uint8x16_t;
    const LANES: usize = 2;
    const TILE: usize = 16;

    #[inline(always)]
    unsafe fn tiled<K: Tiled<Self::Real>>(kernel: K) {
        unsafe { kernel.run::<Self, 16>() }
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        unsafe { Self(vld1q_f64(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        unsafe { vst1q_f64(to, self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        unsafe { Self(vdupq_n_f64(value)) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(vaddq_f64(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { Self(vsubq_f64(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        unsafe { Self(vmulq_f64(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        unsafe { Self(vfmaq_f64(term.0, self.0, factor.0)) }
    }

    #[inline(always)]
    unsafe fn mul_sub_from(self, factor: Self, term: Self) -> Self {
        unsafe { Self(vfmsq_f64(term.0, self.0, factor.0)) }
    }

    #[inline(always)]
    unsafe fn mul_alternate(self, factor: Self, term: Self) -> Self {
        const SIGNS: [f64; 2] = [-1.0, 1.0];
        unsafe { Self(vfmaq_f64(vmulq_f64(term.0, vld1q_f64(SIGNS.as_ptr())), self.0, factor.0)) }
    }

    #[inline(always)]
    unsafe fn exchange(self) -> Self {
        unsafe { Self(vextq_f64::<1>(self.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn real_parts(self) -> Self {
        unsafe { Self(vtrn1q_f64(self.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn imaginary_parts(self) -> Self {
        unsafe { Self(vtrn2q_f64(self.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn index(of: impl Fn(usize) -> usize) -> Self::Index {
        let bytes: [u8; 16] = std::array::from_fn(|k| (8 * of(k / 8) + k % 8) as u8);
        unsafe { vld1q_u8(bytes.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn permute(self, index: Self::Index) -> Self {
        unsafe { Self(vreinterpretq_f64_u8(vqtbl1q_u8(vreinterpretq_u8_f64(self.0), index))) }
    }

    #[inline(always)]
    unsafe fn select(self, other: Self, sign: Self) -> Self {
        unsafe { Self(vbslq_f64(vcltzq_f64(sign.0), other.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn sum(self) -> f64 {
        unsafe { vaddvq_f64(self.0) }
    }
}

/// 4 numbers of 32 bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct F32x4(float32x4_t);

// SAFETY (of all methods): the trait asks the caller for the instructions and for valid pointers
impl Lanes for F32x4 {
    type Real = f32;
    type Index = uint8x16_t;
    const LANES: usize = 4;
    const TILE: usize = 16;

    #[inline(always)]
    unsafe fn tiled<K: Tiled<Self::Real>>(kernel: K) {
        unsafe { kernel.run::<Self, 16>() }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(vld1q_f32(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { vst1q_f32(to, self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(vdupq_n_f32(value)) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(vaddq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { Self(vsubq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        unsafe { Self(vmulq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        unsafe { Self(vfmaq_f32(term.0, self.0, factor.0)) }
    }

    #[inline(always)]
    unsafe fn mul_sub_from(self, factor: Self, term: Self) -> Self {
        unsafe { Self(vfmsq_f32(term.0, self.0, factor.0)) }
    }

    #[inline(always)]
    unsafe fn mul_alternate(self, factor: Self, term: Self) -> Self {
        const SIGNS: [f32; 4] = [-1.0, 1.0, -1.0, 1.0];
        unsafe { Self(vfmaq_f32(vmulq_f32(term.0, vld1q_f32(SIGNS.as_ptr())), self.0, factor.0)) }
    }

    #[inline(always)]
    unsafe fn exchange(self) -> Self {
        unsafe { Self(vrev64q_f32(self.0)) }
    }

    #[inline(always)]
    unsafe fn real_parts(self) -> Self {
        unsafe { Self(vtrn1q_f32(self.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn imaginary_parts(self) -> Self {
        unsafe { Self(vtrn2q_f32(self.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn index(of: impl Fn(usize) -> usize) -> Self::Index {
        let bytes: [u8; 16] = std::array::from_fn(|k| (4 * of(k / 4) + k % 4) as u8);
        unsafe { vld1q_u8(bytes.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn permute(self, index: Self::Index) -> Self {
        unsafe { Self(vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(self.0), index))) }
    }

    #[inline(always)]
    unsafe fn select(self, other: Self, sign: Self) -> Self {
        unsafe { Self(vbslq_f32(vcltzq_f32(sign.0), other.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        unsafe { vaddvq_f32(self.0) }
    }
}
