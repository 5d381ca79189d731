//! Sines and cosines of a vector of angles.
//!
//! `x = k pi + r` with `|r| <= pi/2`: then `sin x = (-1)^k sin r` and `cos x = (-1)^k cos r`, so no lane takes another
//! path than its neighbour. The polynomials interpolate in `r^2` at Chebyshev's nodes, to 7e-17; the errors that are left
//! are those of rounding, at most 3e-16.

use super::super::sweep::vector::Lanes;

/// The largest angle for which the multiples of pi below are exact.
pub(super) const LARGEST: f64 = 1e6;

/// Pi in three parts, the first two of 33 bits: their products with integers below 2^20 are exact.
const PI: [f64; 3] = [3.141_592_653_468_251_2, 1.215_420_101_260_793_2e-10, 4.044_532_497_591_901e-21];

/// Added and taken away again, it leaves the nearest integer.
const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52

/// `(sin r - r) / r^3` by powers of `r^2`, the highest first.
const SINE: [f64; 8] = [
    2.731_436_876_937_989_5e-15,
    -7.643_969_663_988_074e-13,
    1.605_897_729_264_274_3e-10,
    -2.505_210_761_669_045e-8,
    2.755_731_921_916_083_3e-6,
    -0.000_198_412_698_412_549_66,
    0.008_333_333_333_333_316,
    -0.166_666_666_666_666_66,
];

/// `(cos r - 1 + r^2/2) / r^4` by powers of `r^2`, the highest first.
const COSINE: [f64; 7] = [
    4.646_422_837_808_079_4e-14,
    -1.146_625_136_921_544_4e-11,
    2.087_668_153_639_063e-9,
    -2.755_731_857_310_729_6e-7,
    2.480_158_729_891_222e-5,
    -0.001_388_888_888_888_476_5,
    0.041_666_666_666_666_66,
];

/// `(sin x, cos x)` in each lane.
///
/// # Safety
/// The processor has the instructions of `V`. Lanes beyond [`LARGEST`] give wrong numbers.
#[inline(always)]
pub(super) unsafe fn sin_cos<V: Lanes<Real = f64>>(x: V) -> (V, V) {
    // SAFETY: as the caller's
    unsafe {
        let number = |value: f64| V::splat(value);
        let nearest = |x: V| x.add(number(ROUND)).sub(number(ROUND));
        let k = nearest(x.mul(number(std::f64::consts::FRAC_1_PI)));
        let r = PI.iter().fold(x, |r, part| k.mul_sub_from(number(*part), r));
        // half of an odd number is half away from an integer: 1 - 8 / 4 = -1
        let half = k.mul(number(0.5));
        let odd = half.sub(nearest(half));
        let sign = odd.mul(odd).mul_sub_from(number(8.0), number(1.0));
        let square = r.mul(r);
        let polynomial = |powers: &[f64]| {
            let rest = &powers[1..];
            rest.iter().fold(number(powers[0]), |sum, power| sum.mul_add(square, number(*power)))
        };
        let sine = polynomial(&SINE).mul(square).mul_add(r, r);
        let near_one = square.mul_sub_from(number(0.5), number(1.0));
        let cosine = polynomial(&COSINE).mul(square).mul_add(square, near_one);
        (sine.mul(sign), cosine.mul(sign))
    }
}
