//! Vector registers as types, so that a kernel is written once for all of them.

#![allow(unsafe_code)]

use super::level::{Level, level};
use super::real::Real;

/// A register of numbers. Its functions are inlined into kernels that [`dispatch`] compiles for the instructions that they need.
pub(crate) trait Vector<T>: Copy {
    /// Numbers in a register.
    const LANES: usize;
    /// Whether there are registers for tiles of two vectors a row; one otherwise.
    const WIDE: bool;

    /// # Safety
    /// The processor has the instructions.
    unsafe fn splat(x: T) -> Self;

    /// # Safety
    /// The processor has the instructions; so many numbers may be read.
    unsafe fn load(from: *const T) -> Self;

    /// The first numbers, and zeros.
    ///
    /// # Safety
    /// The processor has the instructions; `until` numbers may be read.
    unsafe fn load_lanes(from: *const T, until: usize) -> Self;

    /// # Safety
    /// The processor has the instructions; so many numbers may be written.
    unsafe fn store(self, to: *mut T);

    /// Stores lanes `from..until` at `to[from]..`, and touches no other.
    ///
    /// # Safety
    /// The processor has the instructions; these numbers may be written.
    unsafe fn store_lanes(self, to: *mut T, from: usize, until: usize);

    /// `self * by + plus`.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self;

    /// # Safety
    /// The processor has the instructions.
    unsafe fn add(self, other: Self) -> Self;

    /// Says that a place will be used soon; it may be any.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn prefetch(at: *const T) {
        let _ = at;
    }
}

/// A loop over registers.
pub(crate) trait Kernel<T: Real> {
    /// Runs it; to be inlined.
    ///
    /// # Safety
    /// The processor has the instructions of `V`, and what the kernel points to may be read and written.
    unsafe fn run<V: Vector<T>>(&self);
}

/// Runs a kernel on the widest registers of this processor.
///
/// # Safety
/// What the kernel points to may be read and written.
#[inline]
pub(crate) unsafe fn dispatch<T: Real>(kernel: &impl Kernel<T>) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
        unsafe fn avx512<T: Real>(kernel: &impl Kernel<T>) {
            // SAFETY: the caller looked whether the processor has them.
            unsafe { kernel.run::<T::Avx512>() }
        }
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2<T: Real>(kernel: &impl Kernel<T>) {
            // SAFETY: the caller looked whether the processor has them.
            unsafe { kernel.run::<T::Avx2>() }
        }
        match level() {
            // SAFETY: the processor has these instructions.
            Level::Avx512 => return unsafe { avx512(kernel) },
            // SAFETY: as above.
            Level::Avx2 => return unsafe { avx2(kernel) },
            Level::Portable => {}
        }
    }
    // SAFETY: arrays need no instructions.
    unsafe { kernel.run::<[T; 4]>() }
}

/// Numbers in a register of [`dispatch`], and whether they are [`WIDE`](Vector::WIDE).
pub(crate) fn lanes<T: Real>() -> (usize, bool) {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => (T::Avx512::LANES, T::Avx512::WIDE),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => (T::Avx2::LANES, T::Avx2::WIDE),
        Level::Portable => (<[T; 4] as Vector<T>>::LANES, <[T; 4] as Vector<T>>::WIDE),
    }
}

#[allow(clippy::inline_always)]
impl<T: Real> Vector<T> for [T; 4] {
    const LANES: usize = 4;
    const WIDE: bool = false;

    #[inline(always)]
    unsafe fn splat(x: T) -> Self {
        [x; 4]
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: as the caller promises; arrays are no more aligned than their numbers.
        unsafe { from.cast::<Self>().read() }
    }

    #[inline(always)]
    unsafe fn load_lanes(from: *const T, until: usize) -> Self {
        // SAFETY: as the caller promises.
        std::array::from_fn(|k| if k < until { unsafe { from.add(k).read() } } else { T::ZERO })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: as above.
        unsafe { to.cast::<Self>().write(self) }
    }

    #[inline(always)]
    unsafe fn store_lanes(self, to: *mut T, from: usize, until: usize) {
        for (k, x) in self.into_iter().enumerate().take(until).skip(from) {
            // SAFETY: as the caller promises.
            unsafe { to.wrapping_add(k).write(x) }
        }
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
        std::array::from_fn(|k| self[k] * by[k] + plus[k])
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        std::array::from_fn(|k| self[k] + other[k])
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #[allow(clippy::wildcard_imports)] // some fifty intrinsics
    use std::arch::x86_64::*;

    use super::Vector;

    macro_rules! registers {
        ($($V:ident of $T:ident x $lanes:literal, wide $wide:literal: $splat:ident $load:ident $store:ident $fma:ident $add:ident,
           some by $mask:ident: $read:ident $write:ident;)*) => {$(
            #[allow(clippy::inline_always)]
            impl Vector<$T> for $V {
                const LANES: usize = $lanes;
                const WIDE: bool = $wide;

                #[inline(always)]
                unsafe fn splat(x: $T) -> Self {
                    // SAFETY: as the caller promises.
                    unsafe { $splat(x) }
                }

                #[inline(always)]
                unsafe fn load(from: *const $T) -> Self {
                    // SAFETY: as the caller promises.
                    unsafe { $load(from) }
                }

                #[inline(always)]
                unsafe fn load_lanes(from: *const $T, until: usize) -> Self {
                    // SAFETY: as the caller promises; lanes outside the mask are not touched.
                    unsafe { $read(from, $mask(0, until)) }
                }

                #[inline(always)]
                unsafe fn store(self, to: *mut $T) {
                    // SAFETY: as the caller promises.
                    unsafe { $store(to, self) }
                }

                #[inline(always)]
                unsafe fn store_lanes(self, to: *mut $T, from: usize, until: usize) {
                    // SAFETY: as the caller promises; lanes outside the mask are not touched.
                    unsafe { $write(to, $mask(from, until), self) }
                }

                #[inline(always)]
                unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
                    // SAFETY: as the caller promises.
                    unsafe { $fma(self, by, plus) }
                }

                #[inline(always)]
                unsafe fn add(self, other: Self) -> Self {
                    // SAFETY: as the caller promises.
                    unsafe { $add(self, other) }
                }

                #[inline(always)]
                unsafe fn prefetch(at: *const $T) {
                    // SAFETY: a prefetch may name any place.
                    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
                }
            }
        )*};
    }

    /// Ones where lanes `from..until` are.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn bits(from: usize, until: usize) -> u32 {
        (1_u32 << until).wrapping_sub(1_u32 << from)
    }

    macro_rules! masks {
        ($($name:ident -> $M:ty, $features:literal, |$bits:ident| $mask:expr;)*) => {$(
            #[inline]
            #[target_feature(enable = $features)]
            fn $name(from: usize, until: usize) -> $M {
                let $bits = bits(from, until);
                $mask
            }
        )*};
    }

    masks! {
        mask16 -> __mmask16, "avx512f", |bits| bits as __mmask16;
        mask8 -> __mmask8, "avx512f", |bits| bits as __mmask8;
        // AVX2 wants the highest bit of each lane
        lanes8 -> __m256i, "avx2", |bits| {
            _mm256_sllv_epi32(_mm256_set1_epi32(bits as i32), _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24))
        };
        lanes4 -> __m256i, "avx2", |bits| {
            _mm256_sllv_epi64(_mm256_set1_epi64x(i64::from(bits)), _mm256_setr_epi64x(63, 62, 61, 60))
        };
    }

    macro_rules! some {
        ($($load:ident $store:ident of $T:ty as $V:ident by $M:ty, $features:literal: $read:ident $write:ident;)*) => {$(
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn $load(from: *const $T, mask: $M) -> $V {
                // SAFETY: as the caller promises.
                unsafe { $read(mask, from) }
            }

            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn $store(to: *mut $T, mask: $M, x: $V) {
                // SAFETY: as the caller promises.
                unsafe { $write(to, mask, x) }
            }
        )*};
    }

    some! {
        load16 store16 of f32 as __m512 by __mmask16, "avx512f": _mm512_maskz_loadu_ps _mm512_mask_storeu_ps;
        load8 store8 of f64 as __m512d by __mmask8, "avx512f": _mm512_maskz_loadu_pd _mm512_mask_storeu_pd;
    }

    registers! {
        __m512 of f32 x 16, wide true: _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps _mm512_add_ps,
            some by mask16: load16 store16;
        __m512d of f64 x 8, wide true: _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_fmadd_pd _mm512_add_pd,
            some by mask8: load8 store8;
        __m256 of f32 x 8, wide false: _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps _mm256_add_ps,
            some by lanes8: _mm256_maskload_ps _mm256_maskstore_ps;
        __m256d of f64 x 4, wide false: _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_fmadd_pd _mm256_add_pd,
            some by lanes4: _mm256_maskload_pd _mm256_maskstore_pd;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stores some lanes of a register to an array, for all of them.
    struct Lanes<T>(*mut T);

    impl<T: Real> Kernel<T> for Lanes<T> {
        unsafe fn run<V: Vector<T>>(&self) {
            for (from, until) in (0..=V::LANES).flat_map(|until| (0..=until).map(move |from| (from, until))) {
                // SAFETY: the test's array holds a register.
                unsafe {
                    V::splat(T::ONE).store(self.0);
                    V::load(self.0)
                        .mul_add(V::splat(T::of(2.0)), V::splat(T::ONE))
                        .store_lanes(self.0, from, until);
                    for k in 0..V::LANES {
                        let expected = if (from..until).contains(&k) { 3.0 } else { 1.0 };
                        assert_eq!((*self.0.add(k)).wide(), expected, "lane {k} of {from}..{until}");
                    }
                    V::load_lanes(self.0, until).store(self.0);
                    for k in 0..V::LANES {
                        let expected = if k >= until {
                            0.0
                        } else if k >= from {
                            3.0
                        } else {
                            1.0
                        };
                        assert_eq!((*self.0.add(k)).wide(), expected, "lane {k} of {from}..{until}");
                    }
                }
            }
        }
    }

    #[test]
    fn some_lanes_are_stored_and_no_others() {
        let (mut singles, mut doubles) = ([0_f32; 16], [0_f64; 16]);
        let (singles, doubles) = (Lanes(singles.as_mut_ptr()), Lanes(doubles.as_mut_ptr()));
        // SAFETY: the arrays hold the widest register.
        unsafe {
            dispatch(&singles);
            dispatch(&doubles);
            singles.run::<[f32; 4]>();
            doubles.run::<[f64; 4]>();
        }
    }
}
