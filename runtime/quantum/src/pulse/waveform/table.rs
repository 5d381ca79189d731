//! The waveform table: one row a waveform, and everything else reads the row. Adding one is one edit, here.

use std::f64::consts::TAU;

use super::lifted::{Lifted, Sloped, gaussian};
use super::row::{Point, waveforms};
use super::{Extent, Number};
use crate::C64;

waveforms! {
    /// Flat.
    constant() {
        shape: |_| real(1.0),
        slope: |_, _| real(0.0),
    }
    /// A Gaussian that is cut where the pulse begins and ends: `exp(-x^2 / (2 sigma^2))`, x from the middle.
    gaussian(sigma: Extent [Positive]) {
        shape: |p| real(gaussian(p.offset(), p.arguments[0]).0),
        slope: |p, _| real(gaussian(p.offset(), p.arguments[0]).2),
    }
    /// A Gaussian g lifted to be zero one sample before the pulse begins and one after it ends, as IBM's devices play it:
    /// `(g - g(-1)) / (1 - g(-1))`.
    lifted_gaussian(sigma: Extent [Positive]) {
        shape: |p| real(middle(p).value),
        slope: |p, _| real(middle(p).by_sigma),
    }
    /// Derivative removal by adiabatic gate: the lifted Gaussian G with the quadrature `i beta G'`, its derivative by time in
    /// samples, so that beta is in samples (Motzoi et al., PRL 103, 110501). G' is not lifted: with it the betas that were
    /// calibrated on IBM's devices are those that fit their published Hamiltonians.
    drag(sigma: Extent [Positive], beta: Number [Any]) {
        shape: |p| C64::new(middle(p).value, p.arguments[1] * middle_slope(p).value),
        slope: |p, k| match k {
            0 => C64::new(middle(p).by_sigma, p.arguments[1] * middle_slope(p).by_sigma),
            _ => imaginary(middle_slope(p).value),
        },
    }
    /// A flat top of `width` between halves of a lifted Gaussian.
    gaussian_square(sigma: Extent [Positive], width: Extent [Within]) {
        shape: |p| flank(p, p.arguments[1]).map_or(real(1.0), |flank| real(flank.bell.value)),
        slope: |p, k| flank(p, p.arguments[1]).map_or(real(0.0), |flank| match k {
            0 => real(flank.bell.by_sigma),
            _ => real(flank.by_width()),
        }),
    }
    /// A flat top of `width` between halves of a DRAG pulse: the quadrature is on the flanks only.
    gaussian_square_drag(sigma: Extent [Positive], width: Extent [Within], beta: Number [Any]) {
        shape: |p| flank(p, p.arguments[1]).map_or(real(1.0), |flank| {
            C64::new(flank.bell.value, p.arguments[2] * flank.slope.value)
        }),
        slope: |p, k| flank(p, p.arguments[1]).map_or(real(0.0), |flank| {
            let (g, slope, beta) = (flank.bell, flank.slope, p.arguments[2]);
            match k {
                0 => C64::new(g.by_sigma, beta * slope.by_sigma),
                1 => C64::new(flank.by_width(), beta * flank.slope_by_width()),
                _ => imaginary(slope.value),
            }
        }),
    }
    /// One period of a cosine, lifted to be zero at both ends: `(1 - cos(2 pi t / duration)) / 2`.
    cosine() {
        shape: |p| real((1.0 - (TAU * p.time / p.duration).cos()) / 2.0),
        slope: |_, _| real(0.0),
    }
    /// A hyperbolic secant `1 / cosh(x / sigma)`, lifted like the Gaussian.
    sech(sigma: Extent [Positive]) {
        shape: |p| real(Lifted::sech(p.offset(), p.duration / 2.0 + 1.0, p.arguments[0]).value),
        slope: |p, _| real(Lifted::sech(p.offset(), p.duration / 2.0 + 1.0, p.arguments[0]).by_sigma),
    }
}

/// Samples from the user: no formula, so not in the table of formulas.
pub(super) static SAMPLED: super::Row = super::Row {
    name: "sampled",
    doc: "Samples from the user.",
    arguments: &[],
    shape: |p| p.samples.get(p.time as usize).copied().unwrap_or_default(),
    slope: |_, _| C64::ZERO,
};

impl Point<'_> {
    /// From the middle.
    fn offset(&self) -> f64 {
        self.time - self.duration / 2.0
    }
}

const fn real(value: f64) -> C64 {
    C64::new(value, 0.0)
}

const fn imaginary(value: f64) -> C64 {
    C64::new(0.0, value)
}

fn middle(p: &Point<'_>) -> Lifted {
    Lifted::gaussian(p.offset(), p.duration / 2.0 + 1.0, p.arguments[0])
}

fn middle_slope(p: &Point<'_>) -> Sloped {
    Lifted::gaussian_slope(p.offset(), p.duration / 2.0 + 1.0, p.arguments[0])
}

/// A place on the rise or fall of a flat top.
struct Flank {
    bell: Lifted,
    slope: Sloped,
    x_by_width: f64,
}

/// `None` on the flat top.
fn flank(p: &Point<'_>, width: f64) -> Option<Flank> {
    let rise = (p.duration - width) / 2.0;
    let (x, x_by_width) = match p.time {
        t if t < rise => (t - rise, 0.5),
        t if t > p.duration - rise => (t - (p.duration - rise), -0.5),
        _ => return None,
    };
    let sigma = p.arguments[0];
    let (bell, slope) =
        (Lifted::gaussian(x, rise + 1.0, sigma), Lifted::gaussian_slope(x, rise + 1.0, sigma));
    Some(Flank { bell, slope, x_by_width })
}

impl Flank {
    fn by_width(&self) -> f64 {
        // A wider top leaves half of it less for each flank.
        self.bell.by_x * self.x_by_width - self.bell.by_edge / 2.0
    }

    fn slope_by_width(&self) -> f64 {
        self.slope.by_x * self.x_by_width - self.slope.by_edge / 2.0
    }
}
