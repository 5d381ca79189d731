//! Matrix products: packed panels and a micro-kernel in registers (Goto and van de Geijn, 2008).
//!
//! The crate `gemm` was measured first and is as fast as [`fma`]; it takes fresh memory in every call, adds three minutes to a
//! build, and leaves no room for a bias or for operands that are made while they are packed, as convolutions need.
//!
//! Every element is a sum over `k` in one order, so the result does not depend on how the rows and columns are divided.

#![allow(unsafe_code)]

#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), path = "amx_absent.rs")]
pub(crate) mod amx;
mod fma;
mod near;
mod pack;
mod tile;

pub(crate) use near::{Near, multiply_near, near};
pub(crate) use pack::{Source, Strided, spaced};
pub(crate) use tile::WIDEST;

use super::real::Real;
use super::shared::Shared;
use super::team::Team;

/// Rows of the left operand that stay in the second-level cache while they meet all columns.
pub(crate) const BLOCK_ROWS: usize = 128;
/// Parts of a result begin at multiples of so many rows.
pub(crate) const PART_ROWS: usize = 32;

/// Where a product goes: rows of `stride` elements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// Elements from one row to the next.
    pub(crate) stride: usize,
    /// Whether the product is added to what is there.
    pub(crate) accumulate: bool,
}

/// A part of a result: some columns of some rows, which begin at a multiple of [`PART_ROWS`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) row: usize,
    pub(crate) rows: usize,
    pub(crate) column: usize,
    pub(crate) columns: usize,
}

/// `c = a b (+ bias) (+ c)`: `m x k` times `k x n`, the bias added to every row.
pub(crate) struct Product<'a, T, A, B> {
    /// Threads that divide it, if not the caller's alone.
    pub(crate) team: Option<&'a Team>,
    /// `m`, `n` and `k`.
    pub(crate) size: (usize, usize, usize),
    pub(crate) a: &'a A,
    pub(crate) b: &'a B,
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) c: Shared<'a, T>,
    pub(crate) target: Target,
}

/// Elements of scratch memory of a [`Product`] of a size, that so many threads divide.
pub(crate) fn workspace<T: Real>(m: usize, n: usize, k: usize, threads: usize) -> usize {
    if amx::suits::<T>(m, n, k) { amx::workspace(m, n, k, threads) } else { fma::workspace::<T>(m, n, k) }
}

impl<T: Real, A: Source<T>, B: Source<T>> Product<'_, T, A, B> {
    /// Computes it in a [`workspace`].
    pub(crate) fn run(&self, workspace: &mut [T]) {
        self.run_then(workspace, |_| ());
    }

    /// As [`run`](Self::run); `then` is called for each part as soon as it is complete, by who made it and has it in a cache.
    pub(crate) fn run_then(&self, workspace: &mut [T], then: impl Fn(Part) + Sync) {
        let (m, n, k) = self.size;
        if amx::suits::<T>(m, n, k) {
            amx::run(self, workspace, then);
        } else {
            fma::run(self, workspace, then);
        }
    }
}

/// Depths of the blocks that a sum of `k` is divided into: nearly equal, `most` at most, whole steps if there are
/// several.
pub(crate) fn depth_of(k: usize, most: usize, step: usize) -> usize {
    k.div_ceil(k.div_ceil(most).max(1)).next_multiple_of(step).min(k)
}

/// Calls `task(worker, 0)` to `task(worker, tasks - 1)`, on the threads of a team if there is one.
fn each(team: Option<&Team>, tasks: usize, task: &(dyn Fn(usize, usize) + Sync)) {
    match team {
        Some(team) => team.each_worker(tasks, task),
        None => (0..tasks).for_each(|k| task(0, k)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values<T: Real>(n: usize, seed: u64) -> Vec<T> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..n)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                T::of((state >> 40) as f64 / f64::from(1 << 24) - 0.5)
            })
            .collect()
    }

    #[allow(clippy::fn_params_excessive_bools, clippy::too_many_arguments)]
    fn compare<T: Real>(
        m: usize,
        n: usize,
        k: usize,
        ta: bool,
        tb: bool,
        add: bool,
        bias: bool,
        tolerance: f64,
    ) {
        let (a, b, before) = (values::<T>(m * k, 1), values::<T>(k * n, 2), values::<T>(m * n, 3));
        let offsets = values::<T>(n, 4);
        let (ra, ca) = if ta { (1, m) } else { (k, 1) };
        let (rb, cb) = if tb { (1, k) } else { (n, 1) };
        let mut results = Vec::new();
        for threads in [1, 2] {
            let team = Team::new(threads);
            let mut c = before.clone();
            let mut scratch = vec![T::ZERO; workspace::<T>(m, n, k, threads)];
            Product {
                team: Some(&team),
                size: (m, n, k),
                a: &Strided { data: &a, along: ra, depth: ca },
                b: &Strided { data: &b, along: cb, depth: rb },
                bias: bias.then_some(&offsets[..]),
                c: Shared::new(&mut c),
                target: Target { stride: n, accumulate: add },
            }
            .run(&mut scratch);
            results.push(c);
        }
        assert_eq!(results[0], results[1]);
        for i in 0..m {
            for j in 0..n {
                let mut sum = if add { before[i * n + j].wide() } else { 0.0 };
                sum += if bias { offsets[j].wide() } else { 0.0 };
                for l in 0..k {
                    sum += a[i * ra + l * ca].wide() * b[l * rb + j * cb].wide();
                }
                assert!((results[0][i * n + j].wide() - sum).abs() < tolerance, "({i}, {j}) of {m}x{n}x{k}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn products_are_sums(
            m in 1_usize..40, n in 1_usize..70, k in 1_usize..50,
            ta: bool, tb: bool, add: bool, bias: bool,
        ) {
            compare::<f32>(m, n, k, ta, tb, add, bias, 1e-4);
            compare::<f64>(m, n, k, ta, tb, add, bias, 1e-12);
        }
    }

    #[test]
    fn long_sums_and_many_tiles_too() {
        compare::<f32>(150, 100, 800, false, true, false, true, 1e-3);
        compare::<f32>(130, 70, 500, true, false, true, false, 1e-3);
        // rows so far apart that they are packed
        compare::<f32>(11, 40, 2100, false, true, false, true, 2e-3);
    }
}
