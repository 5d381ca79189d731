//! Vectors as plain arrays.
#![allow(clippy::inline_always)] // what runs inside a function with vector instructions must be part of it

use std::array::from_fn;

use super::{Lanes, Tiled};
use crate::simulator::precision::Precision;

/// `N` numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Array<T, const N: usize>([T; N]);

impl<T: Precision, const N: usize> Array<T, N> {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(T, T) -> T) -> Self {
        Self(from_fn(|k| f(self.0[k], other.0[k])))
    }
}

// SAFETY (of all methods): the trait asks the caller for valid pointers
impl<T: Precision, const N: usize> Lanes for Array<T, N> {
    type Real = T;
    type Index = [usize; N];
    const LANES: usize = N;
    const TILE: usize = 8;

    #[inline(always)]
    unsafe fn tiled<K: Tiled<Self::Real>>(kernel: K) {
        unsafe { kernel.run::<Self, 8>() }
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        unsafe { Self(from.cast::<[T; N]>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        unsafe { to.cast::<[T; N]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        Self([value; N])
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    // fused products would be calls of the C library where the processor has none

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(from_fn(|k| self.0[k] * factor.0[k] + term.0[k]))
    }

    #[inline(always)]
    unsafe fn mul_sub_from(self, factor: Self, term: Self) -> Self {
        Self(from_fn(|k| term.0[k] - self.0[k] * factor.0[k]))
    }

    #[inline(always)]
    unsafe fn mul_alternate(self, factor: Self, term: Self) -> Self {
        let sum = |k: usize| {
            let product = self.0[k] * factor.0[k];
            if k.is_multiple_of(2) { product - term.0[k] } else { product + term.0[k] }
        };
        Self(from_fn(sum))
    }

    #[inline(always)]
    unsafe fn exchange(self) -> Self {
        Self(from_fn(|k| self.0[k ^ 1]))
    }

    #[inline(always)]
    unsafe fn real_parts(self) -> Self {
        Self(from_fn(|k| self.0[k & !1]))
    }

    #[inline(always)]
    unsafe fn imaginary_parts(self) -> Self {
        Self(from_fn(|k| self.0[k | 1]))
    }

    #[inline(always)]
    unsafe fn index(of: impl Fn(usize) -> usize) -> Self::Index {
        from_fn(of)
    }

    #[inline(always)]
    unsafe fn permute(self, index: Self::Index) -> Self {
        Self(from_fn(|k| self.0[index[k] & (N - 1)]))
    }

    #[inline(always)]
    unsafe fn select(self, other: Self, sign: Self) -> Self {
        Self(from_fn(|k| if sign.0[k] < T::zero() { other.0[k] } else { self.0[k] }))
    }

    #[inline(always)]
    unsafe fn sum(self) -> T {
        self.0.iter().fold(T::zero(), |sum, lane| sum + *lane)
    }
}
