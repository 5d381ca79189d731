//! Products of matrices that a cache holds: the left operand is read where it lies, and so is the right one where it can be.

use super::super::real::Real;
use super::super::shared::Shared;
use super::super::vector::lanes;
use super::fma::{DEPTH, ROWS};
use super::tile::{Block, columns};
use super::{Source, Strided, Target};

/// A right operand: panels of whole rows, packed or as they lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Near<'a, T> {
    data: &'a [T],
    /// Elements from one panel to the next.
    panel: usize,
    /// Elements from one depth to the next.
    depth: usize,
}

impl<T> Near<'_, T> {
    /// Elements of scratch memory for an operand of `n` columns and depth `k`.
    pub(crate) fn workspace(n: usize, k: usize) -> usize
    where
        T: Real,
    {
        n.next_multiple_of(columns::<T>()) * k
    }
}

/// The operand `k x n`, packed into the beginning of `scratch` if rows are not contiguous or not whole registers; gives what is
/// left of it.
pub(crate) fn near<'a, T: Real>(
    of: Strided<'a, T>,
    (n, k): (usize, usize),
    scratch: &'a mut [T],
) -> (Near<'a, T>, &'a mut [T]) {
    let width = columns::<T>();
    if of.along == 1 && n.is_multiple_of(lanes::<T>().0) {
        return (Near { data: of.data, panel: width, depth: of.depth }, scratch);
    }
    let (packed, scratch) = scratch.split_at_mut(Near::<T>::workspace(n, k));
    for (panel, out) in packed.chunks_exact_mut(width * k).enumerate() {
        of.pack(panel * width, width.min(n - panel * width), 0, k, width, out);
    }
    (Near { data: packed, panel: width * k, depth: width }, scratch)
}

/// `c = a b (+ c)`: `m x k` times `k x n`, on one thread.
pub(crate) fn multiply_near<T: Real>(
    (m, n, k): (usize, usize, usize),
    a: &Strided<'_, T>,
    b: &Near<'_, T>,
    c: Shared<'_, T>,
    target: Target,
) {
    let width = columns::<T>();
    assert!(a.data.len() > (m - 1) * a.along + (k - 1) * a.depth);
    let last = (n - 1) / width;
    let columns = (n - last * width).next_multiple_of(lanes::<T>().0);
    assert!(b.data.len() >= last * b.panel + (k - 1) * b.depth + columns);
    for from in (0..k).step_by(DEPTH) {
        let depth = DEPTH.min(k - from);
        let block = Block {
            // SAFETY: within the operands, see above.
            a: unsafe { a.data.as_ptr().add(from * a.depth) },
            a_strides: [ROWS * a.along, a.along, a.depth],
            // SAFETY: as above.
            b: unsafe { b.data.as_ptr().add(from * b.depth) },
            b_strides: [b.panel, b.depth],
            c: c.pointer(),
            bias: None,
            depth,
            stride: target.stride,
            rows: m,
            columns: n,
            accumulate: target.accumulate || from > 0,
        };
        // SAFETY: rows of the operands as above; the caller hands out the result's rows to nobody else.
        unsafe { block.run() };
    }
}
