//! Normalisation and softmax over rows.

#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop)] // lanes of several arrays side by side

use super::elementwise::Pair;
use super::level::vectorised;
use super::real::Real;
use super::reduce::total;
use super::shared::Shared;
use super::team::Team;

/// Elements that one task takes, in whole rows.
const GRAIN: usize = 1 << 14;
/// Rows whose gradients by gain and bias are added up by one task.
pub(crate) const BLOCK: usize = 64;

vectorised! {
    /// Sum of squares of `x - mean`, in sixteen lanes.
    pub(crate) fn spread<T: Real>(x: &[T], mean: T) -> T {
        let mut sums = [T::ZERO; 16];
        let mut chunks = x.chunks_exact(16);
        for chunk in &mut chunks {
            for (sum, &x) in sums.iter_mut().zip(chunk) {
                *sum += (x - mean) * (x - mean);
            }
        }
        let rest: T = chunks.remainder().iter().map(|&x| (x - mean) * (x - mean)).sum();
        sums.iter().copied().sum::<T>() + rest
    }
}
vectorised! {
    /// Sum of products, in sixteen lanes.
    pub(crate) fn dot<T: Real>(x: &[T], a: &[T]) -> T {
        let mut sums = [T::ZERO; 16];
        let (mut xs, mut parts) = (x.chunks_exact(16), a.chunks_exact(16));
        for (x, a) in (&mut xs).zip(&mut parts) {
            for k in 0..16 {
                sums[k] += x[k] * a[k];
            }
        }
        let rest: T = xs.remainder().iter().zip(parts.remainder()).map(|(&x, &a)| x * a).sum();
        sums.iter().copied().sum::<T>() + rest
    }
}
vectorised! {
    fn normalise<T: Real>(x: &[T], y: &mut [T], mean: T, scale: T, gain: &[T], bias: Option<&[T]>) {
        match bias {
            Some(bias) => {
                for (((y, &x), &gain), &bias) in y.iter_mut().zip(x).zip(gain).zip(bias) {
                    *y = (x - mean) * scale * gain + bias;
                }
            }
            None => {
                for ((y, &x), &gain) in y.iter_mut().zip(x).zip(gain) {
                    *y = (x - mean) * scale * gain;
                }
            }
        }
    }
}

/// `y = (x - mean) / sqrt(variance + eps) * gain + bias` for each row; without `centred` the mean is taken as zero. Mean and
/// the reciprocal root go to `statistics`.
#[allow(clippy::too_many_arguments)]
pub(crate) fn layer_norm<T: Real>(
    team: &Team,
    x: &[T],
    gain: &[T],
    bias: Option<&[T]>,
    eps: f64,
    centred: bool,
    y: &mut [T],
    statistics: &mut [T],
) {
    let n = gain.len();
    let (rows, size) = (x.len() / n, T::of(1.0 / n as f64));
    let (y, statistics) = (Shared::new(y), Shared::new(statistics));
    team.parts(rows, (GRAIN / n).max(1), |from, to| {
        for row in from..to {
            let x = &x[row * n..(row + 1) * n];
            let mean = if centred { total(x) * size } else { T::ZERO };
            let scale = T::ONE / (spread(x, mean) * size + T::of(eps)).sqrt();
            // SAFETY: rows are disjoint.
            unsafe {
                normalise(x, y.part(row * n, n), mean, scale, gain, bias);
                statistics.part(2 * row, 2).copy_from_slice(&[mean, scale]);
            }
        }
    });
}

vectorised! {
    /// Adds this row to the gradients by gain and bias; gives the sums of `g gain` and of `g gain x^`.
    fn row_sums<T: Real>(
        g: &[T], x: &[T], mean: T, scale: T, gain: &[T], by_gain: &mut [T], by_bias: &mut [T],
    ) -> (T, T) {
        let add = |(g, x, gain): (T, T, T), (by_gain, by_bias): (&mut T, &mut T), sum: &mut T, product: &mut T| {
            let (normal, weighted) = ((x - mean) * scale, g * gain);
            *by_gain += g * normal;
            *by_bias += g;
            *sum += weighted;
            *product += weighted * normal;
        };
        let (mut sums, mut products) = ([T::ZERO; 16], [T::ZERO; 16]);
        // the compiler knows how long an array is, and makes a vector of it
        let ((gs, g), (xs, x), (gains, gain)) = (g.as_chunks::<16>(), x.as_chunks::<16>(), gain.as_chunks::<16>());
        let ((by_gains, by_gain), (by_biases, by_bias)) =
            (by_gain.as_chunks_mut::<16>(), by_bias.as_chunks_mut::<16>());
        for ((((g, x), gain), by_gain), by_bias) in gs.iter().zip(xs).zip(gains).zip(by_gains).zip(by_biases) {
            for k in 0..16 {
                let to = (&mut by_gain[k], &mut by_bias[k]);
                add((g[k], x[k], gain[k]), to, &mut sums[k], &mut products[k]);
            }
        }
        let (mut sum, mut product) = (T::ZERO, T::ZERO);
        for ((((&g, &x), &gain), by_gain), by_bias) in g.iter().zip(x).zip(gain).zip(by_gain).zip(by_bias) {
            add((g, x, gain), (by_gain, by_bias), &mut sum, &mut product);
        }
        (sums.iter().copied().sum::<T>() + sum, products.iter().copied().sum::<T>() + product)
    }
}
vectorised! {
    fn row_gradient<T: Real>(dx: &mut [T], x: &[T], mean: T, scale: T, gain: &[T], first: T, second: T) {
        for ((dx, &x), &gain) in dx.iter_mut().zip(x).zip(gain) {
            let normal = (x - mean) * scale;
            *dx = scale * (*dx * gain - first - normal * second);
        }
    }
}

/// Gradients of [`layer_norm`]: `pair` is the gradient of `y`, and where that of `x` goes. `scratch` holds two rows for each
/// [`BLOCK`] rows.
#[allow(clippy::too_many_arguments)]
pub(crate) fn layer_norm_gradient<T: Real>(
    team: &Team,
    pair: Pair<'_, T>,
    x: &[T],
    gain: &[T],
    statistics: &[T],
    centred: bool,
    by_gain: &mut [T],
    by_bias: &mut [T],
    scratch: &mut [T],
) {
    let n = gain.len();
    let (rows, size) = (x.len() / n, T::of(1.0 / n as f64));
    let (g, dx) = match pair {
        Pair::Same(dx) => (None, Shared::new(dx)),
        Pair::Apart(g, dx) => (Some(g), Shared::new(dx)),
    };
    let blocks = rows.div_ceil(BLOCK);
    let partial = Shared::new(&mut scratch[..2 * n * blocks]);
    team.parts(rows, BLOCK, |from, to| {
        // SAFETY: blocks of rows are disjoint.
        let sums = unsafe { partial.part(from / BLOCK * 2 * n, 2 * n) };
        sums.fill(T::ZERO);
        let (by_gain, by_bias) = sums.split_at_mut(n);
        for row in from..to {
            let x = &x[row * n..(row + 1) * n];
            // SAFETY: as above.
            let dx = unsafe { dx.part(row * n, n) };
            if let Some(g) = g {
                dx.copy_from_slice(&g[row * n..(row + 1) * n]);
            }
            let (mean, scale) = (statistics[2 * row], statistics[2 * row + 1]);
            let (first, second) = row_sums(dx, x, mean, scale, gain, by_gain, by_bias);
            let first = if centred { first * size } else { T::ZERO };
            row_gradient(dx, x, mean, scale, gain, first, second * size);
        }
    });
    by_gain.fill(T::ZERO);
    by_bias.fill(T::ZERO);
    for sums in scratch[..2 * n * blocks].chunks_exact(2 * n) {
        by_gain.iter_mut().zip(&sums[..n]).for_each(|(y, &x)| *y += x);
        by_bias.iter_mut().zip(&sums[n..]).for_each(|(y, &x)| *y += x);
    }
}

vectorised! {
    pub(crate) fn largest<T: Real>(x: &[T]) -> T {
        let mut most = [T::NEG_INFINITY; 16];
        let mut chunks = x.chunks_exact(16);
        for chunk in &mut chunks {
            for (most, &x) in most.iter_mut().zip(chunk) {
                *most = most.max(x);
            }
        }
        let rest = chunks.remainder().iter().copied().fold(T::NEG_INFINITY, T::max);
        most.iter().copied().fold(rest, T::max)
    }
}
vectorised! {
    /// `y = exp(scale y - shift)`; gives the sum.
    pub(crate) fn exponentials<T: Real>(y: &mut [T], scale: T, shift: T) -> T {
        let mut sums = [T::ZERO; 16];
        let mut chunks = y.chunks_exact_mut(16);
        for chunk in &mut chunks {
            for (sum, y) in sums.iter_mut().zip(chunk) {
                *y = (*y * scale - shift).exp();
                *sum += *y;
            }
        }
        let mut rest = T::ZERO;
        for y in chunks.into_remainder() {
            *y = (*y * scale - shift).exp();
            rest += *y;
        }
        sums.iter().copied().sum::<T>() + rest
    }
}
vectorised! {
    pub(crate) fn scale<T: Real>(y: &mut [T], by: T) {
        for y in y {
            *y *= by;
        }
    }
}

/// The softmax of a row in place; a row of minus infinities becomes zeros. Gives the logarithm of the sum of exponentials.
pub(crate) fn softmax_row<T: Real>(y: &mut [T], by: T) -> T {
    let most = largest(y) * by;
    if most == T::NEG_INFINITY {
        y.fill(T::ZERO);
        return T::NEG_INFINITY;
    }
    let sum = exponentials(y, by, most);
    scale(y, T::ONE / sum);
    most + sum.ln()
}

/// The softmax of each row of `n`.
pub(crate) fn softmax<T: Real>(team: &Team, pair: Pair<'_, T>, n: usize) {
    let (x, y) = match pair {
        Pair::Same(y) => (None, y),
        Pair::Apart(x, y) => (Some(x), y),
    };
    let (rows, y) = (y.len() / n, Shared::new(y));
    team.parts(rows, (GRAIN / n).max(1), |from, to| {
        for row in from..to {
            // SAFETY: rows are disjoint.
            let y = unsafe { y.part(row * n, n) };
            if let Some(x) = x {
                y.copy_from_slice(&x[row * n..(row + 1) * n]);
            }
            softmax_row(y, T::ONE);
        }
    });
}

vectorised! {
    fn softmax_row_gradient<T: Real>(dx: &mut [T], y: &[T], sum: T) {
        for (dx, &y) in dx.iter_mut().zip(y) {
            *dx = y * (*dx - sum);
        }
    }
}

/// `dx = y (g - sum of g y)` for each row of `n`.
pub(crate) fn softmax_gradient<T: Real>(team: &Team, pair: Pair<'_, T>, y: &[T], n: usize) {
    let (g, dx) = match pair {
        Pair::Same(dx) => (None, dx),
        Pair::Apart(g, dx) => (Some(g), dx),
    };
    let (rows, dx) = (dx.len() / n, Shared::new(dx));
    team.parts(rows, (GRAIN / n).max(1), |from, to| {
        for row in from..to {
            // SAFETY: rows are disjoint.
            let dx = unsafe { dx.part(row * n, n) };
            if let Some(g) = g {
                dx.copy_from_slice(&g[row * n..(row + 1) * n]);
            }
            let y = &y[row * n..(row + 1) * n];
            let sum = dot(dx, y);
            softmax_row_gradient(dx, y, sum);
        }
    });
}

/// Where the values of a channel lie: `batch` runs of `inner` elements, `channels * inner` apart.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_field_names)] // the axes' names
pub(crate) struct Channels {
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    pub(crate) inner: usize,
}

impl Channels {
    fn run(self, channel: usize, n: usize) -> std::ops::Range<usize> {
        let start = (n * self.channels + channel) * self.inner;
        start..start + self.inner
    }
}

/// Normalises each channel over the batch. `statistics` are rows of mean, reciprocal deviation and unbiased variance.
#[allow(clippy::too_many_arguments)]
pub(crate) fn batch_norm<T: Real>(
    team: &Team,
    shape: Channels,
    x: &[T],
    gain: &[T],
    bias: &[T],
    eps: f64,
    y: &mut [T],
    (mean, scale, variance): (&mut [T], &mut [T], &mut [T]),
) {
    let count = (shape.batch * shape.inner) as f64;
    let (y, means, scales, variances) =
        (Shared::new(y), Shared::new(mean), Shared::new(scale), Shared::new(variance));
    team.each(shape.channels, |c| {
        let mean = (0..shape.batch).map(|n| total(&x[shape.run(c, n)])).sum::<T>() * T::of(1.0 / count);
        let squares = (0..shape.batch).map(|n| spread(&x[shape.run(c, n)], mean)).sum::<T>();
        let scale = T::ONE / (squares * T::of(1.0 / count) + T::of(eps)).sqrt();
        // SAFETY: channels are disjoint.
        unsafe {
            means.part(c, 1)[0] = mean;
            scales.part(c, 1)[0] = scale;
            variances.part(c, 1)[0] = squares * T::of(1.0 / (count - 1.0).max(1.0));
            let factor = scale * gain[c];
            for n in 0..shape.batch {
                let run = shape.run(c, n);
                let y = y.part(run.start, run.len());
                y.iter_mut().zip(&x[run]).for_each(|(y, &x)| *y = (x - mean) * factor + bias[c]);
            }
        }
    });
}

/// Gradients of [`batch_norm`].
#[allow(clippy::too_many_arguments)]
pub(crate) fn batch_norm_gradient<T: Real>(
    team: &Team,
    shape: Channels,
    g: &[T],
    x: &[T],
    gain: &[T],
    (mean, scale): (&[T], &[T]),
    dx: &mut [T],
    (by_gain, by_bias): (&mut [T], &mut [T]),
) {
    let size = T::of(1.0 / (shape.batch * shape.inner) as f64);
    let (dx, by_gain, by_bias) = (Shared::new(dx), Shared::new(by_gain), Shared::new(by_bias));
    team.each(shape.channels, |c| {
        let (mean, scale) = (mean[c], scale[c]);
        let (mut sum, mut product) = (T::ZERO, T::ZERO);
        for n in 0..shape.batch {
            let run = shape.run(c, n);
            let part = total(&g[run.clone()]);
            sum += part;
            product += (dot(&g[run.clone()], &x[run]) - mean * part) * scale;
        }
        // SAFETY: channels are disjoint.
        unsafe {
            by_gain.part(c, 1)[0] = product;
            by_bias.part(c, 1)[0] = sum;
            for n in 0..shape.batch {
                let run = shape.run(c, n);
                let dx = dx.part(run.start, run.len());
                for ((dx, &g), &x) in dx.iter_mut().zip(&g[run.clone()]).zip(&x[run]) {
                    *dx = gain[c] * scale * (g - sum * size - (x - mean) * scale * product * size);
                }
            }
        }
    });
}
