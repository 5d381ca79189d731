//! Updates of parameters, fused: each number is read and written once.

use super::layout::prefetch;
use super::level::vectorised;
use super::real::Real;

/// How many rows ahead memory is asked for.
const AHEAD: usize = 32;

/// The numbers of one AdamW step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdamStep<T> {
    pub(crate) beta1: T,
    pub(crate) beta2: T,
    /// Learning rate over the first moment's bias correction.
    pub(crate) rate: T,
    /// The reciprocal root of the second moment's bias correction.
    pub(crate) correction: T,
    pub(crate) eps: T,
    /// One less learning rate times weight decay.
    pub(crate) keep: T,
    /// The factor of the gradient, from clipping and accumulation.
    pub(crate) scale: T,
    /// Weight decay added to the gradient, as plain Adam has it.
    pub(crate) coupled: T,
}

vectorised! {
    pub(crate) fn adam<T: Real>(p: &mut [T], g: &[T], m: &mut [T], v: &mut [T], s: AdamStep<T>) {
        for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
            let g = g * s.scale + s.coupled * *p;
            *m = s.beta1 * *m + (T::ONE - s.beta1) * g;
            *v = s.beta2 * *v + (T::ONE - s.beta2) * g * g;
            *p = *p * s.keep - s.rate * *m / ((*v).sqrt() * s.correction + s.eps);
        }
    }
}
vectorised! {
    /// Gradient descent with momentum; without, `velocity` is empty.
    pub(crate) fn momentum<T: Real>(
        p: &mut [T], g: &[T], velocity: &mut [T], rate: T, momentum: T, decay: T, scale: T, nesterov: T,
    ) {
        for ((p, &g), v) in p.iter_mut().zip(g).zip(velocity) {
            let g = g * scale + decay * *p;
            *v = momentum * *v + g;
            // plain momentum follows the velocity, Nesterov's looks one step ahead
            *p -= rate * (*v + nesterov * (g + momentum * *v - *v));
        }
    }
}
vectorised! {
    pub(crate) fn descent<T: Real>(p: &mut [T], g: &[T], rate: T, decay: T, scale: T) {
        for (p, &g) in p.iter_mut().zip(g) {
            *p -= rate * (g * scale + decay * *p);
        }
    }
}
vectorised! {
    pub(crate) fn add<T: Real>(y: &mut [T], x: &[T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y += x;
        }
    }
}
vectorised! {
    /// Gradient descent on the rows of `width` that lookups name, one after another.
    pub(crate) fn descend_rows<T: Real, R: Fn(usize) -> usize>(p: &mut [T], g: &[T], width: usize, rate: T, row: &R) {
        let (count, line) = (g.len() / width, 64 / size_of::<T>());
        for (k, g) in g.chunks_exact(width).enumerate() {
            // rows lie anywhere, so later ones are asked for early
            if k + AHEAD < count {
                let later = row(k + AHEAD) * width;
                for at in (0..width).step_by(line) {
                    prefetch(p, later + at);
                }
            }
            let start = row(k) * width;
            for (p, &g) in p[start..start + width].iter_mut().zip(g) {
                *p -= rate * g;
            }
        }
    }
}
