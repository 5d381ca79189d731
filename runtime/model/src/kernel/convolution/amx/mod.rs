//! Convolutions by the matrix unit, without patches.
//!
//! An image is split once, to words of two numbers that the same element of filters is multiplied by: the same pixel of two
//! channels for the convolution itself, of two images for the gradient by the filters. So a tile of words is read from where it
//! lies, shifted by the place of the element.

#![allow(unsafe_code)]

mod gradient;
mod shifted;
mod unit;

pub(super) use gradient::UnitGradient;
pub(super) use unit::Unit;

use super::super::amx::{DEPTH, STEP, has_amx};
use super::super::gemm::depth_of;
use super::super::level::vectorised;
use super::super::real::Real;

/// Bytes of an image that are split at once, about: so many that a second-level cache holds them.
const BAND: usize = 1 << 20;

/// The most steps of a sum between two visits of the result.
const STEPS: usize = DEPTH / STEP;

/// Whether the unit is worth its padding: at least half of what it multiplies, by `(real, padded)` extents, is real.
fn suits<T: Real>(extents: [(usize, usize); 3]) -> bool {
    let (mut real, mut padded) = (2, 1);
    for (extent, with_padding) in extents {
        (real, padded) = (real * extent, padded * with_padding);
    }
    T::DTYPE == crate::DType::F32 && padded <= real && has_amx()
}

/// Beginnings and ends of the sums that `steps` are divided into, nearly equal, of [`STEPS`] at most.
fn sums(steps: usize) -> impl Iterator<Item = (usize, usize)> {
    let most = depth_of(steps, STEPS, 1).max(1);
    (0..steps).step_by(most).map(move |from| (from, steps.min(from + most)))
}

/// Rows of a result that are computed at once, of `rows`: nearly equal bands that take about [`BAND`] bytes, but not so few that
/// much is split again for the next band.
fn band(rows: usize, kernel: usize, bytes: impl Fn(usize) -> usize) -> usize {
    // over many rows, since those of one may vanish in rounding
    let each = ((bytes(65) - bytes(1)) / 64).max(1);
    let most = (BAND.saturating_sub(bytes(0)) / each).max(4 * kernel);
    depth_of(rows, most, 1)
}

/// Singles as what they are.
fn singles<T: Real>(values: &[T]) -> &[f32] {
    assert_eq!(T::DTYPE, crate::DType::F32);
    // SAFETY: `T` is `f32`.
    unsafe { &*(&raw const *values as *const [f32]) }
}

/// Singles as what they are.
fn singles_mut<T: Real>(values: &mut [T]) -> &mut [f32] {
    assert_eq!(T::DTYPE, crate::DType::F32);
    // SAFETY: `T` is `f32`.
    unsafe { &mut *(&raw mut *values as *mut [f32]) }
}

vectorised! {
    /// Adds sums to totals.
    fn add(sums: &[f32], totals: &mut [f32]) {
        totals.iter_mut().zip(sums).for_each(|(total, &sum)| *total += sum);
    }
}

vectorised! {
    /// Whether all numbers are finite, also when they are rounded to bf16.
    fn is_finite(values: &[f32]) -> bool {
        let largest = values.iter().fold(0, |largest, x| x.abs().to_bits().max(largest));
        largest < f32::INFINITY.to_bits() - 0x8000
    }
}
