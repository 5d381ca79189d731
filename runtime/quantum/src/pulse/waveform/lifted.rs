//! Bells that are lifted so that they are zero one sample before they begin.

/// A lifted bell `(g(x) - g(edge)) / (1 - g(edge))` at the distance `x` from its peak, and its derivatives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifted {
    pub(super) value: f64,
    pub(super) by_x: f64,
    pub(super) by_sigma: f64,
    /// By the distance at which it is zero.
    pub(super) by_edge: f64,
}

/// The derivative `by_x` of a lifted Gaussian, and its own derivatives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sloped {
    pub(super) value: f64,
    pub(super) by_x: f64,
    pub(super) by_sigma: f64,
    pub(super) by_edge: f64,
}

/// A bell and its derivatives by distance and by sigma.
type Bell = (f64, f64, f64);

impl Lifted {
    fn of(bell: fn(f64, f64) -> Bell, x: f64, edge: f64, sigma: f64) -> Self {
        let ((g, g_x, g_sigma), (floor, floor_x, floor_sigma)) = (bell(x, sigma), bell(edge, sigma));
        let scale = 1.0 / (1.0 - floor);
        let by_floor = (g - 1.0) * scale * scale;
        Self {
            value: (g - floor) * scale,
            by_x: g_x * scale,
            by_sigma: g_sigma * scale + by_floor * floor_sigma,
            by_edge: by_floor * floor_x,
        }
    }

    pub(super) fn gaussian(x: f64, edge: f64, sigma: f64) -> Self {
        Self::of(gaussian, x, edge, sigma)
    }

    /// The derivative by x of [`Self::gaussian`].
    pub(super) fn gaussian_slope(x: f64, edge: f64, sigma: f64) -> Sloped {
        let ((g, g_x, _), (floor, floor_x, floor_sigma)) = (gaussian(x, sigma), gaussian(edge, sigma));
        let (scale, u) = (1.0 / (1.0 - floor), x / sigma);
        let by_floor = g_x * scale * scale;
        Sloped {
            value: g_x * scale,
            by_x: (u * u - 1.0) / (sigma * sigma) * g * scale,
            by_sigma: (2.0 * u - u.powi(3)) / (sigma * sigma) * g * scale + by_floor * floor_sigma,
            by_edge: by_floor * floor_x,
        }
    }

    pub(super) fn sech(x: f64, edge: f64, sigma: f64) -> Self {
        Self::of(sech, x, edge, sigma)
    }
}

pub(super) fn gaussian(x: f64, sigma: f64) -> Bell {
    let u = x / sigma;
    let g = (-0.5 * u * u).exp();
    (g, -u / sigma * g, u * u / sigma * g)
}

fn sech(x: f64, sigma: f64) -> Bell {
    let u = x / sigma;
    let s = u.cosh().recip();
    let slope = s * u.tanh() / sigma;
    (s, -slope, slope * u)
}
