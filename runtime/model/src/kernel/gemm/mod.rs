//! Matrix products: packed panels and a micro-kernel in vector registers (Goto and van de Geijn, 2008).
//!
//! The crate `gemm` was measured first and is as fast; it takes fresh memory in every call, adds three minutes to a build, and
//! leaves no room for a bias or for operands that are made while they are packed, as convolutions need.
//!
//! Every element is a sum over `k` in one order, so the result does not depend on how the rows and columns are divided.

#![allow(unsafe_code)]

mod near;
mod pack;
mod tile;

pub(crate) use near::{Near, multiply_near, near};
pub(crate) use pack::{Source, Strided, spaced};
pub(crate) use tile::WIDEST;
use tile::{Block, panel};

use super::real::Real;
use super::shared::Shared;
use super::team::Team;

/// Columns of a panel of the right operand are a multiple of this, rows of the left one of [`ROWS`].
const ROWS: usize = 8;
/// The longest sum between two visits of the result: a panel then fits the first-level cache, or nearly so.
const DEPTH: usize = 256;
/// Rows of the left operand that stay in the second-level cache with one panel of the right one.
pub(crate) const BLOCK_ROWS: usize = 128;
/// Panels packed by one task.
const GROUP: usize = 4;
/// Products with fewer multiplications are left to one thread.
const SERIAL: usize = 1 << 17;

/// Where a product goes: rows of `stride` elements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// Elements from one row to the next.
    pub(crate) stride: usize,
    /// Whether the product is added to what is there.
    pub(crate) accumulate: bool,
}

/// A part of a result: [`BLOCK_ROWS`] rows or the last ones, and some columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) row: usize,
    pub(crate) rows: usize,
    pub(crate) column: usize,
    pub(crate) columns: usize,
}

/// Elements from one panel of `width` to the next: whole lines, and an odd number of them, so that panels that are written side
/// by side fall into different sets of the cache.
fn pitch<T>(width: usize, depth: usize) -> usize {
    spaced::<T>(width * depth)
}

/// Elements of scratch memory that [`multiply`] needs.
pub(crate) fn workspace<T: Real>(m: usize, n: usize, k: usize) -> usize {
    let (depth, columns) = (depth_of(k), panel::<T>(n));
    m.div_ceil(ROWS) * pitch::<T>(ROWS, depth) + n.div_ceil(columns) * pitch::<T>(columns, depth)
}

fn depth_of(k: usize) -> usize {
    let blocks = k.div_ceil(DEPTH).max(1);
    // whole lines
    k.div_ceil(blocks).next_multiple_of(16).min(k)
}

/// `c = a b (+ bias) (+ c)`: `m x k` times `k x n`, the bias added to every row.
#[allow(clippy::too_many_arguments)]
pub(crate) fn multiply<T: Real>(
    team: Option<&Team>,
    size: (usize, usize, usize),
    a: &impl Source<T>,
    b: &impl Source<T>,
    bias: Option<&[T]>,
    c: Shared<'_, T>,
    target: Target,
    workspace: &mut [T],
) {
    multiply_then(team, size, a, b, bias, c, target, workspace, |_| ());
}

/// As [`multiply`]; `then` is called for each part as soon as it is complete, by who made it and has it in a cache.
#[allow(clippy::too_many_arguments)]
pub(crate) fn multiply_then<T: Real>(
    team: Option<&Team>,
    (m, n, k): (usize, usize, usize),
    a: &impl Source<T>,
    b: &impl Source<T>,
    bias: Option<&[T]>,
    c: Shared<'_, T>,
    target: Target,
    workspace: &mut [T],
    then: impl Fn(Part) + Sync,
) {
    let depth = depth_of(k);
    let nr = panel::<T>(n);
    // rows that lie whole are read there; a tile then follows eight of them
    let lying = a.rows();
    if let Some(rows) = lying {
        assert!(rows.data.len() >= (m - 1) * rows.along + k);
    }
    let (left_pitch, right_pitch) = (pitch::<T>(ROWS, depth), pitch::<T>(nr, depth));
    let (left, right) = workspace.split_at_mut(m.div_ceil(ROWS) * left_pitch);
    let (left, right) = (Shared::new(left), Shared::new(right));
    let team = team.filter(|team| team.threads() > 1 && m * n * k >= SERIAL);
    let each = |tasks: usize, task: &(dyn Fn(usize) + Sync)| match team {
        Some(team) => team.each(tasks, task),
        None => (0..tasks).for_each(task),
    };
    let (row_panels, column_panels) = (m.div_ceil(ROWS), n.div_ceil(nr));
    // tiles of the result: about twice as wide as BLOCK_ROWS in bytes of a cache, some for each thread
    let row_blocks = row_panels.div_ceil(BLOCK_ROWS / ROWS);
    let wanted = if team.is_some() { 16_usize.div_ceil(row_blocks) } else { 1 };
    let block = column_panels.div_ceil(wanted).clamp(1, (1024 / nr).max(1));
    let column_blocks = column_panels.div_ceil(block);
    for from in (0..k).step_by(depth) {
        let to = k.min(from + depth);
        let count = to - from;
        let left_tasks = if lying.is_some() { 0 } else { row_panels.div_ceil(4 * GROUP) };
        let right_tasks = column_panels.div_ceil(GROUP);
        each(left_tasks + right_tasks, &|task| {
            // SAFETY: panels are disjoint, each is packed by one task.
            if task < left_tasks {
                let from_panel = 4 * GROUP * task;
                let panels = (4 * GROUP).min(row_panels - from_panel);
                let out = unsafe { left.part(from_panel * left_pitch, panels * left_pitch) };
                let width = (panels * ROWS).min(m - from_panel * ROWS);
                a.pack_panels(from_panel * ROWS, width, from, to, ROWS, left_pitch, out);
            } else {
                let from_panel = GROUP * (task - left_tasks);
                let panels = GROUP.min(column_panels - from_panel);
                let out = unsafe { right.part(from_panel * right_pitch, panels * right_pitch) };
                let width = (panels * nr).min(n - from_panel * nr);
                b.pack_panels(from_panel * nr, width, from, to, nr, right_pitch, out);
            }
        });
        let (first, last) = (from == 0, to == k);
        each(row_blocks * column_blocks, &|tile| {
            let (i, j) = (tile % row_blocks, tile / row_blocks);
            let (row, panel) = (i * BLOCK_ROWS, j * block);
            let column = panel * nr;
            // SAFETY: within the rows, or the panels.
            let (a, a_strides) = match lying {
                Some(rows) => {
                    let start = unsafe { rows.data.as_ptr().add(row * rows.along + from) };
                    (start, [ROWS * rows.along, rows.along, 1])
                }
                None => (
                    unsafe { left.pointer().add(row / ROWS * left_pitch) }.cast_const(),
                    [left_pitch, 1, ROWS],
                ),
            };
            let block = Block {
                a,
                a_strides,
                // SAFETY: the panels were written above and are only read now; the block lies within `c`, and no other task
                // writes it.
                b: unsafe { right.pointer().add(panel * right_pitch) },
                b_strides: [right_pitch, nr],
                c: unsafe { c.pointer().add(row * target.stride + column) },
                bias: bias.filter(|_| first).map(|bias| &bias[column..]),
                depth: count,
                stride: target.stride,
                rows: BLOCK_ROWS.min(m - row),
                columns: (block * nr).min(n - column),
                accumulate: target.accumulate || !first,
            };
            // SAFETY: as above.
            unsafe { block.run() };
            if last {
                then(Part { row, rows: block.rows, column, columns: block.columns });
            }
        });
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
            let mut scratch = vec![T::ZERO; workspace::<T>(m, n, k)];
            multiply(
                Some(&team),
                (m, n, k),
                &Strided { data: &a, along: ra, depth: ca },
                &Strided { data: &b, along: cb, depth: rb },
                bias.then_some(&offsets[..]),
                Shared::new(&mut c),
                Target { stride: n, accumulate: add },
                &mut scratch,
            );
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
