//! Losses together with their gradients.

#![allow(unsafe_code)]

use super::norm::{exponentials, largest, scale};
use super::real::{Real, vectorised};
use super::shared::Shared;
use super::team::Team;

/// Rows that one task takes.
pub(crate) const ROWS: usize = 16;

/// The cross entropy of each row of `n` logits, `stride` apart, with its target, `losses`; the logits are replaced by the gradient
/// of the mean over `count` rows. A row without target is not counted.
pub(crate) fn cross_entropy<T: Real>(
    team: &Team,
    logits: &mut [T],
    (n, stride): (usize, usize),
    target: impl Fn(usize) -> Option<usize> + Sync,
    count: usize,
    losses: &mut [T],
) {
    let share = T::of(1.0 / count.max(1) as f64);
    let rows = losses.len();
    let (logits, losses) = (Shared::new(logits), Shared::new(losses));
    team.parts(rows, ROWS, |from, to| {
        for row in from..to {
            // SAFETY: rows are disjoint.
            let (y, loss) = unsafe { (logits.part(row * stride, n), losses.part(row, 1)) };
            let Some(target) = target(row) else {
                y.fill(T::ZERO);
                loss[0] = T::ZERO;
                continue;
            };
            let (most, chosen) = (largest(y), y[target]);
            let sum = exponentials(y, T::ONE, most);
            loss[0] = most + sum.ln() - chosen;
            scale(y, share / sum);
            y[target] -= share;
        }
    });
}

vectorised! {
    /// Squared errors and their slope; gives the sum.
    pub(crate) fn squared_error<T: Real>(x: &[T], target: &[T], dx: &mut [T], share: T) -> T {
        let mut sums = [T::ZERO; 16];
        for ((x, target), dx) in x.chunks(16).zip(target.chunks(16)).zip(dx.chunks_mut(16)) {
            for (((x, target), dx), sum) in x.iter().zip(target).zip(dx).zip(&mut sums) {
                let error = *x - *target;
                *sum += error * error;
                *dx = (error + error) * share;
            }
        }
        sums.iter().copied().sum()
    }
}

/// `ln(1 + exp(-|x|)) + max(x, 0) - x target` and its slope, the sigmoid less the target; gives the sum.
pub(crate) fn binary_cross_entropy<T: Real>(x: &[T], target: &[T], dx: &mut [T], share: T) -> T {
    let mut sum = T::ZERO;
    for ((&x, &target), dx) in x.iter().zip(target).zip(dx) {
        let e = (-x.abs()).exp();
        sum += (T::ONE + e).ln() + x.max(T::ZERO) - x * target;
        let sigmoid = if x < T::ZERO { e / (T::ONE + e) } else { T::ONE / (T::ONE + e) };
        *dx = (sigmoid - target) * share;
    }
    sum
}
