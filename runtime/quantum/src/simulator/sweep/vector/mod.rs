//! Vectors of the processor, and which of them it has.
//!
//! A kernel is written once over [`Lanes`] and compiled for each kind of vector: [`Dispatch::run`]
//! enters it inside of a function with the right `#[target_feature]`. All methods of `Lanes` are `#[inline(always)]`, and
//! so must be every function between the entry and them.
#![allow(unsafe_code)] // the instructions of the processor
#![allow(clippy::inline_always)] // what runs inside a function with vector instructions must be part of it

/// [`Lanes::pin`] for a tile: which register each vector is in.
#[cfg(target_arch = "x86_64")]
macro_rules! pin {
    ($name:ident, $vector:ty, $count:literal, $feature:literal, $($register:tt $number:literal)*) => {
        #[inline]
        #[target_feature(enable = $feature)]
        fn $name(tile: &mut [$vector; $count]) {
            // SAFETY: no instruction
            unsafe {
                std::arch::asm!(
                    "",
                    $(inout($register) tile[$number],)*
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::{F32x8, F64x4};
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::{F32x16, F64x8};
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::{F32x4, F64x2};
pub(crate) use portable::Array;

use super::super::precision::Precision;

/// A vector of real numbers. Complex numbers lie in it as (re, im), (re, im), ...; a *lane* is one real number.
///
/// # Safety
/// Of every method: the processor has the instructions of the implementing type. Pointers are valid for
/// [`Self::LANES`] reals; they need not be aligned.
pub trait Lanes: Copy + 'static {
    /// The type of a lane.
    type Real: Precision;

    /// Which lane each lane is taken from.
    type Index: Copy + 'static;

    /// How many lanes there are: a power of two, at least 2.
    const LANES: usize;

    /// How many vectors of a tile fit in the registers, with a few to spare: 16 or 8.
    const TILE: usize;

    /// Runs a kernel with tiles of [`Self::TILE`] vectors.
    unsafe fn tiled<K: Tiled<Self::Real>>(kernel: K);
    /// Reads [`Self::LANES`] reals.
    unsafe fn load(from: *const Self::Real) -> Self;
    /// Writes [`Self::LANES`] reals.
    unsafe fn store(self, to: *mut Self::Real);
    /// The same number in all lanes.
    unsafe fn splat(value: Self::Real) -> Self;
    /// `self + other`.
    unsafe fn add(self, other: Self) -> Self;
    /// `self - other`.
    unsafe fn sub(self, other: Self) -> Self;
    /// `self * other`.
    unsafe fn mul(self, other: Self) -> Self;
    /// `self * factor + term`.
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
    /// `term - self * factor`.
    unsafe fn mul_sub_from(self, factor: Self, term: Self) -> Self;
    /// `self * factor - term` in even lanes, `self * factor + term` in odd ones: the last step of a complex product.
    unsafe fn mul_alternate(self, factor: Self, term: Self) -> Self;
    /// Exchanges real and imaginary parts.
    unsafe fn exchange(self) -> Self;
    /// The even lanes, each twice.
    unsafe fn real_parts(self) -> Self;
    /// The odd lanes, each twice.
    unsafe fn imaginary_parts(self) -> Self;
    /// The index that takes lane `k` from lane `of(k)`.
    unsafe fn index(of: impl Fn(usize) -> usize) -> Self::Index;
    /// The lanes in another order.
    unsafe fn permute(self, index: Self::Index) -> Self;
    /// The lanes of `other` where those of `sign` are negative.
    unsafe fn select(self, other: Self, sign: Self) -> Self;
    /// The sum of all lanes.
    unsafe fn sum(self) -> Self::Real;

    /// Asks for a line of memory that will be read, to lie in the second-level cache; the address need not be valid.
    #[inline(always)]
    fn prefetch(_: *const u8) {}

    /// Has each vector of a tile in a register of its own here: where an interpreter jumps, the compiler would choose
    /// differently before and after each jump, and move or spill the whole tile.
    #[inline(always)]
    unsafe fn pin<const R: usize>(_: &mut [Self; R]) {}

    /// The complex product with numbers whose real parts are in all lanes of `re` and imaginary parts in those of `im`.
    #[inline(always)]
    unsafe fn times(self, re: Self, im: Self) -> Self {
        // SAFETY: as the caller's
        unsafe { self.mul_alternate(re, self.exchange().mul(im)) }
    }
}

/// A kind of vector that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Plain Rust, which the compiler turns into what every processor of the target has.
    Portable,
    /// NEON.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F and DQ.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// What this processor has, the widest last.
    pub(crate) fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Level>> = LazyLock::new(|| {
            let mut levels = vec![Level::Portable];
            #[cfg(target_arch = "aarch64")]
            if std::arch::is_aarch64_feature_detected!("neon") {
                levels.push(Level::Neon);
            }
            #[cfg(target_arch = "x86_64")]
            {
                use std::arch::is_x86_feature_detected as has;
                if has!("avx2") && has!("fma") {
                    levels.push(Level::Avx2);
                    if has!("avx512f") && has!("avx512dq") {
                        levels.push(Level::Avx512);
                    }
                }
            }
            levels
        });
        &ALL
    }

    /// The widest that this processor has.
    pub(crate) fn best() -> Self {
        Self::all().last().copied().unwrap_or(Self::Portable)
    }

    /// The name of the instructions.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "NEON",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "AVX-512",
        }
    }
}

/// A computation over vectors of any kind. `run` must be `#[inline(always)]`.
pub trait Kernel<T> {
    /// What it returns.
    type Output;

    /// Runs it with one kind of vector.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; and what the kernel itself asks for.
    unsafe fn run<V: Lanes<Real = T>>(self) -> Self::Output;
}

/// A computation over tiles of `R` vectors. `run` must be `#[inline(always)]`.
pub trait Tiled<T> {
    /// Runs it with one kind of vector and the tile that fits its registers.
    ///
    /// # Safety
    /// As [`Kernel::run`].
    unsafe fn run<V: Lanes<Real = T>, const R: usize>(self);
}

/// A precision with its vectors; it can be implemented here only.
pub trait Dispatch: Sized {
    /// Runs a kernel with the vectors of a level.
    ///
    /// # Safety
    /// What [`Kernel::run`] asks for, but for the level: one that the processor lacks is replaced by the best that it has.
    unsafe fn run<K: Kernel<Self>>(level: Level, kernel: K) -> K::Output;

    /// Lanes of a vector of a level.
    fn lanes(level: Level) -> usize;

    /// [`Lanes::TILE`] of a level.
    fn tile(level: Level) -> usize;
}

macro_rules! vectors {
    ($real:ty: $portable:ty, $neon:ident, $avx2:ident, $avx512:ident) => {
        impl Dispatch for $real {
            #[inline]
            unsafe fn run<K: Kernel<Self>>(level: Level, kernel: K) -> K::Output {
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
                unsafe fn avx512<K: Kernel<$real>>(kernel: K) -> K::Output {
                    // SAFETY: as the caller's, in a function with the instructions
                    unsafe { kernel.run::<$avx512>() }
                }
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx2,fma")]
                unsafe fn avx2<K: Kernel<$real>>(kernel: K) -> K::Output {
                    // SAFETY: as the caller's, in a function with the instructions
                    unsafe { kernel.run::<$avx2>() }
                }
                #[cfg(target_arch = "aarch64")]
                #[target_feature(enable = "neon")]
                unsafe fn neon<K: Kernel<$real>>(kernel: K) -> K::Output {
                    // SAFETY: as the caller's, in a function with the instructions
                    unsafe { kernel.run::<$neon>() }
                }
                // SAFETY: the level is one that was found on this processor
                unsafe {
                    match level.min(Level::best()) {
                        Level::Portable => kernel.run::<$portable>(),
                        #[cfg(target_arch = "aarch64")]
                        Level::Neon => neon(kernel),
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx2 => avx2(kernel),
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx512 => avx512(kernel),
                    }
                }
            }

            fn lanes(level: Level) -> usize {
                match level {
                    Level::Portable => <$portable>::LANES,
                    #[cfg(target_arch = "aarch64")]
                    Level::Neon => $neon::LANES,
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => $avx2::LANES,
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => $avx512::LANES,
                }
            }

            fn tile(level: Level) -> usize {
                match level {
                    Level::Portable => <$portable>::TILE,
                    #[cfg(target_arch = "aarch64")]
                    Level::Neon => $neon::TILE,
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => $avx2::TILE,
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => $avx512::TILE,
                }
            }
        }
    };
}

vectors!(f64: Array<f64, 4>, F64x2, F64x4, F64x8);
vectors!(f32: Array<f32, 8>, F32x4, F32x8, F32x16);
