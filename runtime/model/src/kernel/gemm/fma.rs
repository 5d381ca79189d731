//! Products by multiply-add of vectors, for every processor and precision.

use super::super::real::Real;
use super::super::shared::Shared;
use super::tile::{Block, panel};
use super::{BLOCK_ROWS, Part, Product, Source, Strided, depth_of, each, spaced};

/// Rows of a panel of the left operand.
pub(super) const ROWS: usize = 8;
/// The longest sum between two visits of the result: a panel then fits the first-level cache, or nearly so.
pub(super) const DEPTH: usize = 256;
/// Depths of a block come in steps of so many, which are whole lines.
const STEP: usize = 16;
/// Panels packed by one task.
const GROUP: usize = 4;
/// Products with fewer multiplications are left to one thread.
const SERIAL: usize = 1 << 17;

/// Elements from one panel of `width` to the next: whole lines, and an odd number of them, so that panels that are written side
/// by side fall into different sets of the cache.
fn pitch<T>(width: usize, depth: usize) -> usize {
    spaced::<T>(width * depth)
}

/// Elements of scratch memory that [`run`] needs.
pub(super) fn workspace<T: Real>(m: usize, n: usize, k: usize) -> usize {
    let (depth, columns) = (depth_of(k, DEPTH, STEP), panel::<T>(n));
    m.div_ceil(ROWS) * pitch::<T>(ROWS, depth) + n.div_ceil(columns) * pitch::<T>(columns, depth)
}

/// Computes a product, and calls `then` for each part as soon as it is complete.
pub(super) fn run<T: Real, A: Source<T>, B: Source<T>>(
    product: &Product<'_, T, A, B>,
    workspace: &mut [T],
    then: impl Fn(Part) + Sync,
) {
    let &Product { team, size: (m, n, k), a, b, bias, c, target } = product;
    let depth = depth_of(k, DEPTH, STEP);
    let nr = panel::<T>(n);
    // rows that lie whole are read there; a tile then follows eight of them
    let lying = a.memory().filter(Strided::has_near_rows);
    if let Some(rows) = lying {
        assert!(rows.data.len() >= (m - 1) * rows.along + k);
    }
    let (left_pitch, right_pitch) = (pitch::<T>(ROWS, depth), pitch::<T>(nr, depth));
    let (left, right) = workspace.split_at_mut(m.div_ceil(ROWS) * left_pitch);
    let (left, right) = (Shared::new(left), Shared::new(right));
    let team = team.filter(|team| team.threads() > 1 && m * n * k >= SERIAL);
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
        each(team, left_tasks + right_tasks, &|_, task| {
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
        each(team, row_blocks * column_blocks, &|_, tile| {
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
