//! The two precisions of a state vector.

use ndarray::NdFloat;
use num_complex::Complex;

use super::sweep::vector::Dispatch;
use crate::C64;

/// The real type of amplitudes: `f64`, or `f32` for half of the memory and seven digits.
pub trait Precision: NdFloat + Dispatch {
    /// Probability below which a measurement outcome is taken to be impossible: rounding leaves no exact zeros.
    const NEGLIGIBLE: f64;

    /// The nearest number of this precision.
    fn narrow(value: f64) -> Self;

    /// The number in double precision.
    fn widen(self) -> f64;
}

impl Precision for f64 {
    const NEGLIGIBLE: f64 = 1e-14;

    fn narrow(value: f64) -> Self {
        value
    }

    fn widen(self) -> f64 {
        self
    }
}

impl Precision for f32 {
    const NEGLIGIBLE: f64 = 1e-10;

    fn narrow(value: f64) -> Self {
        value as f32
    }

    fn widen(self) -> f64 {
        self.into()
    }
}

pub(crate) fn narrow<T: Precision>(value: C64) -> Complex<T> {
    Complex::new(T::narrow(value.re), T::narrow(value.im))
}

pub(crate) fn widen<T: Precision>(value: Complex<T>) -> C64 {
    C64::new(value.re.widen(), value.im.widen())
}
