//! Products by the matrix unit.

mod block;
mod panels;

use super::super::amx::{DEPTH, PANEL, STEP, elements, has_amx, lines};
use super::super::real::Real;
use super::super::shared::Shared;
use super::super::team::Team;
use super::{BLOCK_ROWS, Part, Product, Source, depth_of, each};
use block::Block;
pub(crate) use panels::{Panels, Side};

/// Tasks of each thread.
const TASKS: usize = 4;
/// Rows or columns of the shared operand that one task takes at least, so that the held one is not split again for few.
const LEAST: usize = 256;
/// Rows or columns of a part of the result that still fits a cache.
const MOST: usize = 1024;
/// Products with fewer multiplications are left to one thread.
const SERIAL: usize = 1 << 19;

/// Whether a product is faster here: it is one of singles, not empty, and at least half of it is not padding.
pub(super) fn suits<T: Real>(m: usize, n: usize, k: usize) -> bool {
    let padded = m.next_multiple_of(PANEL) * n.next_multiple_of(PANEL) * k.next_multiple_of(STEP);
    T::DTYPE == crate::DType::F32 && (1..=2 * m * n * k).contains(&padded) && has_amx()
}

/// The smaller operand is split first, and shared: a second-level cache is more likely to hold it. Blocks of the other one are
/// split and held by the threads that use them. Gives the side of that.
fn held(m: usize, n: usize) -> Side {
    if m >= n { Side::Left } else { Side::Right }
}

/// Panels of the held operand that a thread has, and those of the shared one.
fn panels(m: usize, n: usize) -> (usize, usize) {
    (m.max(n).min(BLOCK_ROWS).div_ceil(PANEL), m.min(n).div_ceil(PANEL))
}

/// Elements of scratch memory that [`run`] needs.
pub(super) fn workspace(m: usize, n: usize, k: usize, threads: usize) -> usize {
    let (held, shared) = panels(m, n);
    elements((threads * held + shared) * Panels::pitch(depth_of(k, DEPTH, STEP)))
}

/// Rows or columns in nearly equal blocks of whole panels.
#[derive(Debug, Clone, Copy)]
struct Blocks {
    extent: usize,
    count: usize,
}

impl Blocks {
    /// So many blocks, or as many more as none exceeds `most`, or as many fewer as there are panels.
    fn new(extent: usize, count: usize, most: usize) -> Self {
        Self { extent, count: count.max(extent.div_ceil(most)).min(extent.div_ceil(PANEL)) }
    }

    /// The first of a block, and how many there are.
    fn block(self, k: usize) -> (usize, usize) {
        let panels = self.extent.div_ceil(PANEL);
        let [from, to] = [k, k + 1].map(|k| self.extent.min(k * panels / self.count * PANEL));
        (from, to - from)
    }
}

/// Computes a product that [`suits`], and calls `then` for each part as soon as it is complete.
pub(super) fn run<T: Real, A: Source<T>, B: Source<T>>(
    product: &Product<'_, T, A, B>,
    workspace: &mut [T],
    then: impl Fn(Part) + Sync,
) {
    let &Product { team, size: (m, n, k), a, b, .. } = product;
    let (depth, held) = (depth_of(k, DEPTH, STEP), held(m, n));
    let team = team.filter(|team| team.threads() > 1 && m * n * k >= SERIAL);
    let threads = team.map_or(1, Team::threads);
    let held_panels = panels(m, n).0;
    let (own, common) = lines(workspace).split_at_mut(threads * held_panels * Panels::pitch(depth));
    let (own, common) = (Shared::new(own), Shared::new(common));
    // some tasks for each thread: smaller blocks rather than several for one block, which would be split again
    let wanted = if threads > 1 { TASKS * threads } else { 1 };
    let blocks = Blocks::new(m.max(n), wanted, BLOCK_ROWS);
    let most = m.min(n).div_ceil(wanted.div_ceil(blocks.count)).clamp(LEAST, MOST);
    let chunks = Blocks::new(m.min(n), 1, most.next_multiple_of(PANEL));
    let shared = Blocks::new(m.min(n), wanted, BLOCK_ROWS);
    // SAFETY: the product suits; nobody else uses the panels.
    let split = |side, panels: Panels<'_>, (first, width)| unsafe {
        match side {
            Side::Left => panels.split(a, side, first, width),
            Side::Right => panels.split(b, side, first, width),
        }
    };
    for from in (0..k).step_by(depth) {
        let depths = (from, k.min(from + depth));
        let (own, common) = (Panels::new(own, depths), Panels::new(common, depths));
        each(team, shared.count, &|_, task| {
            let block = shared.block(task);
            split(held.other(), common.skip(block.0 / PANEL), block);
        });
        each(team, blocks.count * chunks.count, &|worker, task| {
            let (block, chunk) = (blocks.block(task % blocks.count), chunks.block(task / blocks.count));
            let own = own.skip(worker * held_panels);
            split(held, own, block);
            let common = common.skip(chunk.0 / PANEL);
            let (rows, columns, left, right) = match held {
                Side::Left => (block, chunk, own, common),
                Side::Right => (chunk, block, common, own),
            };
            let part = Part { row: rows.0, rows: rows.1, column: columns.0, columns: columns.1 };
            // SAFETY: the product suits; a worker has panels of its own, the others were split above and are only read now;
            // parts of the result are disjoint.
            unsafe { Block { product, part, depths, rows: left, columns: right, held }.run() };
            if depths.1 == k {
                then(part);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Strided, Target, fma};
    use super::*;

    type Shape = fn(f32) -> f32;

    /// Numbers from `shape` of numbers between -1 and 1, which look random.
    fn noise(n: usize, seed: u64, shape: impl Fn(f32) -> f32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shape((state >> 40) as f32 / 8_388_608.0 - 1.0)
        };
        std::iter::repeat_with(next).take(n).collect()
    }

    /// The product by the unit and by multiply-adds.
    fn both((m, n, k): (usize, usize, usize), a: &[f32], b: &[f32]) -> [Vec<f32>; 2] {
        let mut results = [vec![0.0; m * n], vec![0.0; m * n]];
        for (with_unit, c) in [true, false].into_iter().zip(&mut results) {
            let (a, b) = (&Strided { data: a, along: k, depth: 1 }, &Strided { data: b, along: 1, depth: n });
            let target = Target { stride: n, accumulate: false };
            let c = Shared::new(c);
            let product = Product { team: None, size: (m, n, k), a, b, bias: None, c, target };
            let length = workspace(m, n, k, 1).max(fma::workspace::<f32>(m, n, k));
            let mut scratch = vec![0.0; length];
            if with_unit {
                run(&product, &mut scratch, |_| ());
            } else {
                fma::run(&product, &mut scratch, |_| ());
            }
        }
        results
    }

    #[test]
    fn products_are_as_near_the_true_ones_as_those_of_multiply_adds() {
        if !has_amx() {
            return;
        }
        let shapes: [(&str, Shape); 4] = [
            ("even", |x| x),
            ("positive", |x| x.abs()),
            ("of many sizes", |x| x * (20.0 * x.abs()).exp2()),
            ("near one", |x| 1.0 + x / 1024.0),
        ];
        for size @ (m, n, k) in [(96, 64, 32), (64, 96, 256), (40, 50, 1000), (33, 35, 4000)] {
            for (name, shape) in shapes {
                let (a, b) = (noise(m * k, 1, shape), noise(k * n, 2, shape));
                let wide = |x: f32| f64::from(x);
                // errors relative to the sum of magnitudes, which is what rounding is relative to
                let [unit, plain] = both(size, &a, &b).map(|c| {
                    let errors = (0..m * n).map(|at| {
                        let terms = (0..k).map(|l| wide(a[at / n * k + l]) * wide(b[l * n + at % n]));
                        let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), x| (sum + x, size + x.abs()));
                        (wide(c[at]) - sum).abs() / size
                    });
                    let (most, squares) =
                        errors.fold((0.0_f64, 0.0), |(most, sum), x| (most.max(x), sum + x * x));
                    (most, (squares / (m * n) as f64).sqrt())
                });
                assert!(
                    unit.0 < 1.1 * plain.0 && unit.1 < 0.9 * plain.1,
                    "errors of {size:?}, {name}: {unit:?} by the unit, {plain:?} by multiply-adds"
                );
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_multiplied_as_ever() {
        if !has_amx() {
            return;
        }
        let size @ (m, n, k) = (70, 70, 70);
        let (mut a, mut b) = (noise(m * k, 1, |x| x), noise(k * n, 2, |x| x));
        (a[3 * k + 5], a[40 * k], b[7 * n + 9]) = (f32::INFINITY, f32::NAN, f32::NEG_INFINITY);
        // rounds to a bf16 beyond all
        (a[60 * k], b[50]) = (f32::MAX, 0.5);
        let [unit, plain] = both(size, &a, &b);
        for (at, (unit, plain)) in unit.iter().zip(&plain).enumerate() {
            let same = unit == plain || (unit.is_nan() && plain.is_nan()) || (unit - plain).abs() < 1e-4;
            assert!(same, "({}, {}): {unit} is not {plain}", at / n, at % n);
        }
    }
}
