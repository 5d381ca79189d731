//! Operands as panels: what the micro-kernel reads in order.

use super::super::level::{LINE, vectorised};
use super::super::real::Real;
use super::super::turn::{square, turn};

/// Bytes from row to row beyond which rows are packed.
const FAR: usize = 1 << 13;

/// The distance of rows of `n` elements that is an odd number of lines: rows then fall into different sets of the cache, whatever
/// power of two `n` is.
pub(crate) fn spaced<T>(n: usize) -> usize {
    let line = LINE / size_of::<T>();
    (n.div_ceil(line) | 1) * line
}

/// An operand that can be packed: a matrix in memory, or one that exists only in panels.
pub(crate) trait Source<T>: Sync {
    /// Writes, for each `depth` of `from..to`, `width` elements along the other axis from `first` on, and zeros up to `panel`.
    fn pack(&self, first: usize, width: usize, from: usize, to: usize, panel: usize, out: &mut [T]);

    /// Writes panel after panel, `pitch` elements apart, of `width` elements in all.
    #[allow(clippy::too_many_arguments)]
    fn pack_panels(
        &self,
        first: usize,
        width: usize,
        from: usize,
        to: usize,
        panel: usize,
        pitch: usize,
        out: &mut [T],
    ) {
        for (at, out) in (0..width).step_by(panel).zip(out.chunks_mut(pitch)) {
            let out = &mut out[..(to - from) * panel];
            self.pack(first + at, panel.min(width - at), from, to, panel, out);
        }
    }

    /// The matrix, if it is one in memory.
    fn memory(&self) -> Option<Strided<'_, T>> {
        None
    }
}

/// A matrix in memory with any strides; `along` is the stride of the axis that is not summed over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strided<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) along: usize,
    pub(crate) depth: usize,
}

impl<T: Real> Source<T> for Strided<'_, T> {
    #[inline]
    fn pack(&self, first: usize, width: usize, from: usize, to: usize, panel: usize, out: &mut [T]) {
        self.pack_panels(first, width, from, to, panel, out.len(), out);
    }

    fn pack_panels(
        &self,
        first: usize,
        width: usize,
        from: usize,
        to: usize,
        panel: usize,
        pitch: usize,
        out: &mut [T],
    ) {
        if self.along != 1 {
            for (at, out) in (0..width).step_by(panel).zip(out.chunks_mut(pitch)) {
                let width = panel.min(width - at);
                transpose_pack(self.data, self.along, self.depth, first + at, width, from, to, panel, out);
            }
            return;
        }
        let start = from * self.depth + first;
        let (data, depths) = (&self.data[start..], to - from);
        // whole panels have a width that the compiler knows
        let done = match panel {
            4 => strips(data, self.depth, depths, width, [(); 4], pitch, out),
            8 => strips(data, self.depth, depths, width, [(); 8], pitch, out),
            16 => strips(data, self.depth, depths, width, [(); 16], pitch, out),
            24 => strips(data, self.depth, depths, width, [(); 24], pitch, out),
            32 => strips(data, self.depth, depths, width, [(); 32], pitch, out),
            48 => strips(data, self.depth, depths, width, [(); 48], pitch, out),
            _ => 0,
        };
        if done == width {
            return;
        }
        let out = &mut out[done / panel * pitch..];
        for k in 0..depths {
            let row = &data[k * self.depth + done..k * self.depth + width];
            for (row, out) in row.chunks(panel).zip(out[k * panel..].chunks_mut(pitch)) {
                out[..row.len()].copy_from_slice(row);
                out[row.len()..panel].fill(T::ZERO);
            }
        }
    }

    fn memory(&self) -> Option<Strided<'_, T>> {
        Some(*self)
    }
}

impl<T> Strided<'_, T> {
    /// Whether tiles may read rows where they lie.
    pub(super) fn has_near_rows(&self) -> bool {
        // rows that are far apart by a power of two push one another out of the cache
        let bytes = self.along * size_of::<T>();
        let is_odd = bytes % (2 * LINE) == LINE;
        self.depth == 1 && (bytes <= FAR || is_odd)
    }
}

vectorised! {
    /// Copies rows, `stride` apart, to as many panels of `N` as there are whole ones in `width`, and gives how many elements of a
    /// row these are. It goes depth by depth, so that each line of memory is read once for all panels.
    fn strips<T: Real; const N>(
        data: &[T], stride: usize, depths: usize, width: usize, _panel: [(); N], pitch: usize, out: &mut [T],
    ) -> usize {
        let whole = width / N * N;
        if whole > 0 {
            for k in 0..depths {
                let (row, _) = data[k * stride..k * stride + whole].as_chunks::<N>();
                for (row, out) in row.iter().zip(out[k * N..].chunks_mut(pitch)) {
                    out[..N].copy_from_slice(row);
                }
            }
        }
        whole
    }
}

/// Packs rows that are contiguous in depth: some lines of a row are read at once, so that memory is followed in runs.
#[allow(clippy::too_many_arguments)]
fn transpose_pack<T: Real>(
    data: &[T],
    along: usize,
    depth: usize,
    first: usize,
    width: usize,
    from: usize,
    to: usize,
    panel: usize,
    out: &mut [T],
) {
    const RUN: usize = 64;
    if width < panel {
        out[..(to - from) * panel].fill(T::ZERO);
    }
    for k in (from..to).step_by(RUN) {
        let count = RUN.min(to - k);
        let out = &mut out[(k - from) * panel..(k - from + count) * panel];
        // squares that registers turn: so many rows of so many depths are done by them
        let square = if depth == 1 && T::DTYPE == crate::DType::F32 { square() } else { 1 };
        let (rows, depths) =
            if square > 1 { (width / square * square, count / square * square) } else { (0, 0) };
        for row in (0..rows).step_by(square) {
            let start = (first + row) * along + k;
            let data = &data[start..start + (square - 1) * along + depths];
            for at in (0..depths).step_by(square) {
                let out = &mut out[at * panel + row..(at + square - 1) * panel + row + square];
                // SAFETY: the processor has the instructions; a square lies within `data`, and within `out`.
                unsafe { turn(data[at..].as_ptr().cast(), along, out.as_mut_ptr().cast(), panel) };
            }
        }
        for row in 0..width {
            let start = (first + row) * along + k * depth;
            let done = if row < rows { depths } else { 0 };
            for at in done..count {
                out[at * panel + row] = data[start + at * depth];
            }
        }
    }
}
