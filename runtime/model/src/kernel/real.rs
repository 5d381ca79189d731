//! Real numbers.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

#[cfg(target_arch = "x86_64")]
use super::vector::Vector;
use crate::DType;

/// Runs a block with `$T` as the type of real numbers that `$dtype` names.
macro_rules! real {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F64 => {
                type $T = f64;
                $body
            }
            _ => {
                type $T = f32;
                $body
            }
        }
    };
}
pub(crate) use real;

/// A plain number that tensors hold.
pub trait Element: Copy + Send + Sync + Debug + Default + PartialEq + 'static {
    /// Its name in graphs.
    const DTYPE: DType;
}

macro_rules! elements {
    ($($type:ty => $dtype:ident),*) => {$(
        impl Element for $type {
            const DTYPE: DType = DType::$dtype;
        }
    )*};
}
elements!(f32 => F32, f64 => F64, u16 => BF16, i32 => I32, i64 => I64, u8 => Bool);

/// The arithmetic of kernels. For `f32`, the functions that tensors are mapped with contain no branch, and no call where the
/// processor multiplies and adds at once, so that loops become vectors. Only [`fused`](Self::fused) does so, which is rounded
/// once everywhere: every level gives the same bits.
pub(crate) trait Real:
    Element
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + Sum
{
    /// Its register of 64 bytes.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Vector<Self>;
    /// Its register of 32 bytes.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Vector<Self>;
    const ZERO: Self;
    const ONE: Self;
    const NEG_INFINITY: Self;
    fn of(value: f64) -> Self;
    fn wide(self) -> f64;
    fn exp(self) -> Self;
    fn exp2(self) -> Self;
    fn tanh(self) -> Self;
    fn erf(self) -> Self;
    fn ln(self) -> Self;
    /// The logarithm of `1 + self`.
    fn ln_1p(self) -> Self;
    /// `self * by + plus`, rounded once.
    fn fused(self, by: Self, plus: Self) -> Self;
    fn sqrt(self) -> Self;
    fn abs(self) -> Self;
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    fn is_nan(self) -> bool;
}

/// What is the same for both precisions.
macro_rules! alike {
    () => {
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        const NEG_INFINITY: Self = Self::NEG_INFINITY;

        #[inline(always)]
        fn ln(self) -> Self {
            Self::ln(self)
        }

        #[inline(always)]
        fn ln_1p(self) -> Self {
            Self::ln_1p(self)
        }

        #[inline(always)]
        fn fused(self, by: Self, plus: Self) -> Self {
            self.mul_add(by, plus)
        }

        #[inline(always)]
        fn sqrt(self) -> Self {
            Self::sqrt(self)
        }

        #[inline(always)]
        fn abs(self) -> Self {
            Self::abs(self)
        }

        #[inline(always)]
        fn max(self, other: Self) -> Self {
            if self > other { self } else { other }
        }

        #[inline(always)]
        fn min(self, other: Self) -> Self {
            if self < other { self } else { other }
        }

        #[inline(always)]
        fn is_nan(self) -> bool {
            Self::is_nan(self)
        }
    };
}

/// `1.5 * 2^23`: adding it to a single rounds that to a whole number, which the lowest bits then hold.
const ROUND: f32 = 12_582_912.0;

#[allow(clippy::inline_always)] // a call within a vector loop costs more than the loop
impl Real for f32 {
    #[cfg(target_arch = "x86_64")]
    type Avx512 = std::arch::x86_64::__m512;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = std::arch::x86_64::__m256;
    alike!();

    #[inline(always)]
    fn of(value: f64) -> Self {
        value as Self
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }

    /// Range reduction to |r| <= ln 2 / 2 and a polynomial of degree 6 (Remez): within 2 units in the last place. Zero below the
    /// range of normal numbers, infinite from 88.38 on, as 2^128 already is.
    #[inline(always)]
    fn exp(self) -> Self {
        // comparisons in this order keep NaN; at the ends the exponent is -127 and 128: zero and infinity
        let x = if self < -88.0 { -88.0 } else { self };
        let x = if x > 89.0 { 89.0 } else { x };
        let shifted = x.fused(std::f32::consts::LOG2_E, ROUND);
        let n = shifted - ROUND;
        let r = n.fused(-0.693_359_4, x);
        let r = n.fused(2.121_944_4e-4, r);
        let p = 1.381_461_3e-3_f32;
        let p = p.fused(r, 8.368_71e-3);
        let p = p.fused(r, 4.166_839e-2);
        let p = p.fused(r, 1.666_652_1e-1);
        let p = p.fused(r, 0.499_999_94);
        let p = p.fused(r, 1.0);
        let p = p.fused(r, 1.0);
        p * Self::from_bits(shifted.to_bits().wrapping_add(127) << 23)
    }

    /// As [`exp`](Real::exp), with |r| <= 1/2: zero below -126.5, infinite from 127.5 on.
    #[inline(always)]
    fn exp2(self) -> Self {
        let x = if self < -127.0 { -127.0 } else { self };
        let x = if x > 128.0 { 128.0 } else { x };
        let shifted = x + ROUND;
        let r = x - (shifted - ROUND);
        let p = 1.559_467_8e-4_f32;
        let p = p.fused(r, 1.340_664_3e-3);
        let p = p.fused(r, 9.617_693e-3);
        let p = p.fused(r, 5.550_31e-2);
        let p = p.fused(r, 2.402_265_2e-1);
        let p = p.fused(r, 6.931_472_4e-1);
        let p = p.fused(r, 1.0);
        p * Self::from_bits(shifted.to_bits().wrapping_add(127) << 23)
    }

    #[inline(always)]
    fn tanh(self) -> Self {
        let x = Real::abs(self);
        let e = Real::exp(-2.0 * x);
        let far = (1.0 - e) / (1.0 + e);
        // near zero the quotient would lose digits
        let s = self * self;
        let near = x + x * s * (-1.0 / 3.0 + s * (2.0 / 15.0 + s * (-17.0 / 315.0 + s * (62.0 / 2835.0))));
        let y = if x < 0.3 { near } else { far };
        if self.is_nan() { self } else { y.copysign(self) }
    }

    /// The rational form
    /// `x P(x^2) / Q(x^2)` on |x| < 4 (coefficients as in Eigen), within 2e-7.
    #[inline(always)]
    #[allow(clippy::excessive_precision)] // as published
    fn erf(self) -> Self {
        let x = Real::min(Real::max(self, -4.0), 4.0);
        let s = x * x;
        let p = -2.726_142_4e-10_f32;
        let p = p.fused(s, 2.770_681_6e-8);
        let p = p.fused(s, -2.101_024e-6);
        let p = p.fused(s, -5.692_506_4e-5);
        let p = p.fused(s, -7.349_906_4e-4);
        let p = p.fused(s, -2.954_599_8e-3);
        let p = p.fused(s, -1.609_603_3e-2);
        let q = -1.456_607_2e-5_f32;
        let q = q.fused(s, -2.133_740_1e-4);
        let q = q.fused(s, -1.682_827e-3);
        let q = q.fused(s, -7.373_329_3e-3);
        let q = q.fused(s, -1.426_473_9e-2);
        x * p / q
    }
}

#[allow(clippy::inline_always)]
impl Real for f64 {
    #[cfg(target_arch = "x86_64")]
    type Avx512 = std::arch::x86_64::__m512d;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = std::arch::x86_64::__m256d;
    alike!();

    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }

    #[inline(always)]
    fn exp(self) -> Self {
        Self::exp(self)
    }

    #[inline(always)]
    fn exp2(self) -> Self {
        Self::exp2(self)
    }

    #[inline(always)]
    fn tanh(self) -> Self {
        Self::tanh(self)
    }

    /// By its series near zero and a continued fraction beyond (Lentz), to the last few bits.
    fn erf(self) -> Self {
        let x = Self::abs(self);
        let y = if x < 2.5 {
            let (mut term, mut sum, mut n) = (x, x, 0.0);
            while Self::abs(term) > 1e-17 * sum {
                n += 1.0;
                term *= -x * x / n;
                sum += term / (2.0 * n + 1.0);
                if n > 100.0 {
                    break;
                }
            }
            sum * std::f64::consts::FRAC_2_SQRT_PI
        } else {
            let mut fraction = x;
            for k in (1..=60).rev() {
                fraction = x + 0.5 * f64::from(k) / fraction;
            }
            1.0 - Self::exp(-x * x) / (fraction * std::f64::consts::PI.sqrt())
        };
        if self.is_nan() { self } else { y.copysign(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_singles_are_those_of_doubles() {
        for k in -4000..4000 {
            let x = k as f32 * 0.01;
            let wide = f64::from(x);
            let exp = f64::from(Real::exp(x));
            assert!((exp - wide.exp()).abs() <= 3e-7 * wide.exp(), "exp({x}) = {exp}");
            let exp2 = f64::from(Real::exp2(x));
            assert!((exp2 - wide.exp2()).abs() <= 2e-7 * wide.exp2(), "exp2({x}) = {exp2}");
            let tanh = f64::from(Real::tanh(x));
            assert!((tanh - wide.tanh()).abs() <= 4e-7 * wide.tanh().abs(), "tanh({x}) = {tanh}");
            let erf = f64::from(Real::erf(x));
            assert!((erf - Real::erf(wide)).abs() <= 4e-7, "erf({x}) = {erf}");
        }
        assert_eq!(Real::exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(Real::exp(100_f32), f32::INFINITY);
        assert_eq!((Real::exp2(f32::NEG_INFINITY), Real::exp2(-126.6_f32)), (0.0, 0.0));
        assert_eq!((Real::exp2(127.5_f32), Real::exp2(f32::INFINITY)), (f32::INFINITY, f32::INFINITY));
        assert!(
            Real::exp(f32::NAN).is_nan() && Real::exp2(f32::NAN).is_nan() && Real::tanh(f32::NAN).is_nan()
        );
    }

    #[test]
    fn the_error_function_has_known_values() {
        for (x, y) in [
            (0.5_f64, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (3.0, 0.999_977_909_503_001_4),
        ] {
            assert!((Real::erf(x) - y).abs() < 1e-14 && (Real::erf(-x) + y).abs() < 1e-14);
        }
    }
}
