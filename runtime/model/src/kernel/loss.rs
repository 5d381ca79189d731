//! Losses together with their gradients.

#![allow(unsafe_code)]

use super::gemm::{self, PART_ROWS, Part, Product, Strided, Target};
use super::level::vectorised;
use super::norm::{dot, exponentials, largest, scale};
use super::real::Real;
use super::shared::Shared;
use super::team::Team;

/// Rows that one task takes.
const ROWS: usize = 16;

/// The cross entropy of each row of `n` logits with its target, `losses`; the logits are replaced by the gradient of the mean over
/// `count` rows. A row without target is not counted.
pub(crate) fn cross_entropy<T: Real>(
    team: &Team,
    logits: &mut [T],
    n: usize,
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
            let (y, loss) = unsafe { (logits.part(row * n, n), losses.part(row, 1)) };
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
    /// `y = exp(y - shift)`, added to the sums.
    fn exponentials_of<T: Real>(y: &mut [T], shift: &[T], sums: &mut [T]) {
        for ((y, &shift), sum) in y.iter_mut().zip(shift).zip(sums) {
            *y = (*y - shift).exp();
            *sum += *y;
        }
    }
}
vectorised! {
    fn largest_of<T: Real>(y: &[T], most: &mut [T]) {
        for (&y, most) in y.iter().zip(most) {
            *most = y.max(*most);
        }
    }
}

/// Sums of exponentials up to here leave room for what they are multiplied by.
const LIMIT: f64 = 1e18;

/// The cross entropy of `x w^T` for some rows of `x`, whose logits are gone when it is done.
///
/// Logits stand in columns, one for each row of `x`: the weight is then read row by row where it lies, and so are the logits for
/// the gradient by the weight. Exponentials are taken while a part of the product is still in a cache, and so before the largest
/// logit is known: relative to that of the target, whose own is left out of the sum, so that a loss near zero keeps its digits.
/// Where others are so much larger that sums would overflow, the product is computed again relative to the largest.
#[derive(Clone, Copy)]
pub(crate) struct LinearLoss<'a, T> {
    pub(crate) team: &'a Team,
    /// `classes` rows of `inner`.
    pub(crate) weight: &'a [T],
    pub(crate) inner: usize,
    pub(crate) classes: usize,
    /// Rows that the mean is of.
    pub(crate) count: usize,
}

/// Scratch memory of a [`LinearLoss`], by what it holds.
struct Parts<'a, T> {
    /// From a class to the next, of logits and of sums.
    stride: usize,
    logits: &'a mut [T],
    /// Sums of exponentials of [`PART_ROWS`] classes.
    sums: &'a mut [T],
    /// The target's logit of each row.
    chosen: &'a mut [T],
    /// What exponentials are relative to; infinite for rows that do not count, which makes them zero.
    shift: &'a mut [T],
    /// Rows of `x`, each by its share of the gradient.
    scaled: &'a mut [T],
    product: &'a mut [T],
}

impl<T: Real> LinearLoss<'_, T> {
    /// Elements of scratch memory for `rows` rows.
    pub(crate) fn workspace(rows: usize, inner: usize, classes: usize, threads: usize) -> usize {
        let products = [
            gemm::workspace::<T>(classes, rows, inner, threads),
            gemm::workspace::<T>(rows, inner, classes, threads),
            gemm::workspace::<T>(classes, inner, rows, threads),
        ];
        let stride = gemm::spaced::<T>(rows);
        (classes + classes.div_ceil(PART_ROWS)) * stride
            + rows * (2 + inner)
            + products.into_iter().max().unwrap_or(0)
    }

    fn parts<'s>(&self, rows: usize, scratch: &'s mut [T]) -> Parts<'s, T> {
        let stride = gemm::spaced::<T>(rows);
        let (logits, scratch) = scratch.split_at_mut(self.classes * stride);
        let (sums, scratch) = scratch.split_at_mut(self.classes.div_ceil(PART_ROWS) * stride);
        let (chosen, scratch) = scratch.split_at_mut(rows);
        let (shift, scratch) = scratch.split_at_mut(rows);
        let (scaled, product) = scratch.split_at_mut(rows * self.inner);
        Parts { stride, logits, sums, chosen, shift, scaled, product }
    }

    /// The losses of the rows and the gradients of their share of the mean; that by the weight is added to `dw` if so wanted.
    pub(crate) fn run(
        &self,
        x: &[T],
        target: impl Fn(usize) -> Option<usize> + Sync,
        losses: &mut [T],
        dx: &mut [T],
        (dw, accumulate): (Shared<'_, T>, bool),
        scratch: &mut [T],
    ) {
        let (rows, inner) = (losses.len(), self.inner);
        let mut parts = self.parts(rows, scratch);
        for (row, x) in x.chunks_exact(inner).enumerate() {
            let chosen = target(row).map(|class| dot(x, &self.weight[class * inner..][..inner]));
            parts.chosen[row] = chosen.unwrap_or(T::ZERO);
            parts.shift[row] = chosen.unwrap_or(-T::NEG_INFINITY);
        }
        if !self.exponentials(x, &target, &mut parts) {
            self.product(x, parts.stride, Shared::new(parts.logits), parts.product, |_| ());
            let most = &mut parts.sums[..rows];
            most.fill(T::NEG_INFINITY);
            parts.logits.chunks_exact(parts.stride).for_each(|logits| largest_of(logits, most));
            for (row, &most) in most.iter().enumerate().filter(|(row, _)| target(*row).is_some()) {
                parts.shift[row] = most;
            }
            self.exponentials(x, &target, &mut parts);
        }

        let Parts { stride, logits, sums, chosen, shift, scaled, product } = parts;
        let share = T::of(1.0 / self.count.max(1) as f64);
        // from here on `chosen` is what the gradient of a row is multiplied by
        for (row, loss) in losses.iter_mut().enumerate() {
            let Some(class) = target(row) else {
                (*loss, chosen[row]) = (T::ZERO, T::ZERO);
                continue;
            };
            let others = sums[row];
            let sum = others + (chosen[row] - shift[row]).exp();
            // the sum is one and the others, if the shift is the target's logit
            let logarithm = if chosen[row] == shift[row] { others.ln_1p() } else { sum.ln() };
            *loss = logarithm + (shift[row] - chosen[row]);
            logits[class * stride + row] = -others;
            chosen[row] = share / sum;
        }
        let logits = &*logits;
        Product {
            team: Some(self.team),
            size: (rows, inner, self.classes),
            a: &Strided { data: logits, along: 1, depth: stride },
            b: &Strided { data: self.weight, along: 1, depth: inner },
            bias: None,
            c: Shared::new(dx),
            target: Target { stride: inner, accumulate: false },
        }
        .run(product);
        let by_row =
            dx.chunks_exact_mut(inner).zip(scaled.chunks_exact_mut(inner)).zip(x.chunks_exact(inner));
        for (((dx, scaled), x), &factor) in by_row.zip(&*chosen) {
            scale(dx, factor);
            scaled.copy_from_slice(x);
            scale(scaled, factor);
        }
        Product {
            team: Some(self.team),
            size: (self.classes, inner, rows),
            a: &Strided { data: logits, along: stride, depth: 1 },
            b: &Strided { data: &*scaled, along: 1, depth: inner },
            bias: None,
            c: dw,
            target: Target { stride: inner, accumulate },
        }
        .run(product);
    }

    /// Logits, classes so many elements apart, and `then` for each part of them.
    fn product(
        &self,
        x: &[T],
        stride: usize,
        logits: Shared<'_, T>,
        scratch: &mut [T],
        then: impl Fn(Part) + Sync,
    ) {
        let (rows, inner) = (x.len() / self.inner, self.inner);
        Product {
            team: Some(self.team),
            size: (self.classes, rows, inner),
            a: &Strided { data: self.weight, along: inner, depth: 1 },
            b: &Strided { data: x, along: inner, depth: 1 },
            bias: None,
            c: logits,
            target: Target { stride, accumulate: false },
        }
        .run_then(scratch, then);
    }

    /// Exponentials of the logits relative to `shift`, zero for targets, and their sums in the first row of `sums`. Gives
    /// whether these are small enough to go on with.
    fn exponentials(
        &self,
        x: &[T],
        target: &(impl Fn(usize) -> Option<usize> + Sync),
        parts: &mut Parts<'_, T>,
    ) -> bool {
        let stride = parts.stride;
        let (logits, sums) = (Shared::new(&mut *parts.logits), Shared::new(&mut *parts.sums));
        let shift = &*parts.shift;
        self.product(x, stride, logits, parts.product, |part| {
            let classes = part.row..part.row + part.rows;
            let columns = part.column..part.column + part.columns;
            // SAFETY: parts are disjoint, and so are their rows of sums.
            let row = |class: usize| unsafe { logits.part(class * stride + part.column, part.columns) };
            for column in columns.clone() {
                if let Some(class) = target(column).filter(|class| classes.contains(class)) {
                    row(class)[column - part.column] = T::NEG_INFINITY;
                }
            }
            // some classes at a time, the same whatever the part is
            for first in classes.clone().step_by(PART_ROWS) {
                // SAFETY: as above.
                let sums = unsafe { sums.part(first / PART_ROWS * stride + part.column, part.columns) };
                sums.fill(T::ZERO);
                for class in first..classes.end.min(first + PART_ROWS) {
                    exponentials_of(row(class), &shift[columns.clone()], sums);
                }
            }
        });
        let (sums, others) = parts.sums.split_at_mut(stride);
        for other in others.chunks_exact(stride) {
            sums.iter_mut().zip(other).for_each(|(sum, &other)| *sum += other);
        }
        sums[..shift.len()].iter().all(|&sum| sum.wide() < LIMIT || sum.is_nan())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Losses and both gradients, row by row in doubles.
    fn plain(x: &[f32], w: &[f32], inner: usize, ids: &[i32], count: usize) -> [Vec<f64>; 3] {
        let (rows, classes) = (x.len() / inner, w.len() / inner);
        let at = |a: &[f32], row: usize, k: usize| f64::from(a[row * inner + k]);
        let (mut losses, mut dx, mut dw) = (vec![0.0; rows], vec![0.0; x.len()], vec![0.0; w.len()]);
        for row in (0..rows).filter(|&row| ids[row] >= 0) {
            let target = ids[row] as usize;
            let logits: Vec<f64> =
                (0..classes).map(|c| (0..inner).map(|k| at(x, row, k) * at(w, c, k)).sum()).collect();
            let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = logits.iter().map(|y| (y - most).exp()).sum();
            losses[row] = most + sum.ln() - logits[target];
            for class in 0..classes {
                let p = (logits[class] - most).exp() / sum - f64::from(u8::from(class == target));
                for k in 0..inner {
                    dx[row * inner + k] += p * at(w, class, k) / count as f64;
                    dw[class * inner + k] += p * at(x, row, k) / count as f64;
                }
            }
        }
        [losses, dx, dw]
    }

    /// Ordinary logits, and some that exponentials relative to the target's could not hold.
    #[test]
    fn losses_of_products_are_those_of_logits() {
        let (rows, inner, classes) = (37, 24, 300);
        let noise = |n: usize, seed: usize| -> Vec<f32> {
            (0..n).map(|k| ((k * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0).collect()
        };
        let w = noise(classes * inner, 2);
        let ids: Vec<i32> =
            (0..rows).map(|k| if k % 5 == 3 { -1 } else { (k * 67 % classes) as i32 }).collect();
        let count = ids.iter().filter(|id| **id >= 0).count();
        for size in [0.3_f32, 2.0, 60.0] {
            let x: Vec<f32> = noise(rows * inner, 1).iter().map(|x| x * size).collect();
            let expected = plain(&x, &w, inner, &ids, count);
            let mut same = Vec::new();
            for threads in [1, 2] {
                let team = Team::new(threads);
                let (mut losses, mut dx, mut dw) = (vec![0.0; rows], vec![0.0; x.len()], vec![1.0; w.len()]);
                let mut scratch = vec![0.0; LinearLoss::<f32>::workspace(rows, inner, classes, threads)];
                let loss = LinearLoss { team: &team, weight: &w, inner, classes, count };
                let target = |k: usize| usize::try_from(ids[k]).ok();
                loss.run(&x, target, &mut losses, &mut dx, (Shared::new(&mut dw), true), &mut scratch);
                for dw in &mut dw {
                    *dw -= 1.0;
                }
                for (found, expected) in [&losses, &dx, &dw].iter().zip(&expected) {
                    let scale = expected.iter().fold(0.0_f64, |most, y| most.max(y.abs()));
                    for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
                        let error = (f64::from(*found) - expected).abs();
                        assert!(
                            error < 5e-5 * scale.max(1e-3),
                            "{found} is not {expected} at {k}, size {size}"
                        );
                    }
                }
                same.push((losses, dx, dw));
            }
            assert_eq!(same[0], same[1]);
        }
    }

    /// A target that is all but certain: the loss and the gradient keep their digits, where `1 - p` would have none.
    #[test]
    fn a_small_loss_keeps_its_digits() {
        let team = Team::new(1);
        let (x, w) = ([1.0_f32], [20.0_f32, 0.0]);
        let (mut losses, mut dx, mut dw) = ([0.0], [0.0], [0.0; 2]);
        let mut scratch = vec![0.0; LinearLoss::<f32>::workspace(1, 1, 2, 1)];
        let loss = LinearLoss { team: &team, weight: &w, inner: 1, classes: 2, count: 1 };
        loss.run(&x, |_| Some(0), &mut losses, &mut dx, (Shared::new(&mut dw), false), &mut scratch);
        let other = (-20_f64).exp();
        for (found, expected) in [(losses[0], other), (dx[0], -20.0 * other), (dw[0], -other), (dw[1], other)]
        {
            assert!((f64::from(found) / expected - 1.0).abs() < 1e-5, "{found} is not {expected}");
        }
    }
}
