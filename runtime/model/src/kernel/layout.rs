//! Copies of tensors into other arrangements, whatever their elements are.

#![allow(unsafe_code)]

use super::elementwise::GRAIN;
use super::shared::Shared;
use super::team::Team;

/// Copies with strides (in elements) from a start, over the result's `dims`.
pub(crate) fn gather(
    team: &Team,
    (x, start): (&[u8], usize),
    strides: &[usize],
    dims: &[usize],
    bytes: usize,
    y: &mut [u8],
) {
    let last = dims.last().copied().unwrap_or(1);
    let step = strides.last().copied().unwrap_or(1);
    let rows = y.len() / (last * bytes);
    let y = Shared::new(y);
    team.parts(rows, (GRAIN / last).max(1), |from, to| {
        for row in from..to {
            let at = start + super::elementwise::row_start(row, dims, strides);
            // SAFETY: rows are disjoint.
            let y = unsafe { y.part(row * last * bytes, last * bytes) };
            if step == 1 {
                y.copy_from_slice(&x[at * bytes..(at + last) * bytes]);
            } else {
                for (k, y) in y.chunks_exact_mut(bytes).enumerate() {
                    let at = (at + k * step) * bytes;
                    y.copy_from_slice(&x[at..at + bytes]);
                }
            }
        }
    });
}

/// Tells the processor that the element at `at` is about to be used; a place outside is no harm.
#[inline]
pub(crate) fn prefetch<T>(of: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch may name any address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(of.as_ptr().wrapping_add(at).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (of, at);
}

/// Copies blocks: `count` of `width` bytes, each with its own stride.
pub(crate) fn blocks(
    team: &Team,
    (x, x_start, x_stride): (&[u8], usize, usize),
    (y, y_start, y_stride): (Shared<'_, u8>, usize, usize),
    width: usize,
    count: usize,
) {
    team.parts(count, (4 * GRAIN / width.max(1)).max(1), |from, to| {
        for k in from..to {
            let from = x_start + k * x_stride;
            // SAFETY: blocks of the result are disjoint.
            unsafe { y.part(y_start + k * y_stride, width) }.copy_from_slice(&x[from..from + width]);
        }
    });
}

/// Copies `count` rows of operands, each with the bytes of its rows, beside one another from `start` on: row by row, so that the
/// result is written in its order.
pub(crate) fn join(
    team: &Team,
    operands: &[(&[u8], usize)],
    (y, start, stride): (Shared<'_, u8>, usize, usize),
    count: usize,
) {
    team.parts(count, (4 * GRAIN / stride.max(1)).max(1), |from, to| {
        let mut start = start;
        for &(x, width) in operands {
            for row in from..to {
                // SAFETY: rows are disjoint, and so are operands within them.
                let y = unsafe { y.part(row * stride + start, width) };
                y.copy_from_slice(&x[row * width..(row + 1) * width]);
            }
            start += width;
        }
    });
}
