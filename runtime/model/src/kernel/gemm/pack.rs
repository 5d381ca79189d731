//! Operands as panels: what the micro-kernel reads in order.

use super::super::real::{Level, Real, level};

/// An operand that can be packed: a matrix in memory, or one that exists only in panels.
pub(crate) trait Source<T>: Sync {
    /// Writes, for each `depth` of `from..to`, `width` elements along the other axis from `first` on, and zeros up to `panel`.
    fn pack(&self, first: usize, width: usize, from: usize, to: usize, panel: usize, out: &mut [T]);

    /// The matrix in memory, if tiles may read its rows where they lie.
    fn rows(&self) -> Option<Strided<'_, T>> {
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
        if self.along == 1 {
            for (k, out) in (from..to).zip(out.chunks_exact_mut(panel)) {
                let start = k * self.depth + first;
                out[..width].copy_from_slice(&self.data[start..start + width]);
                out[width..].fill(T::ZERO);
            }
        } else {
            transpose_pack(self.data, self.along, self.depth, first, width, from, to, panel, out);
        }
    }

    fn rows(&self) -> Option<Strided<'_, T>> {
        (self.depth == 1).then_some(*self)
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
    let mut k = from;
    while k < to {
        let count = RUN.min(to - k);
        let out = &mut out[(k - from) * panel..(k - from + count) * panel];
        let mut done = 0;
        #[cfg(target_arch = "x86_64")]
        if depth == 1
            && count.is_multiple_of(8)
            && T::DTYPE == crate::DType::F32
            && level() != Level::Portable
        {
            while done + 8 <= width {
                let start = (first + done) * along + k;
                let data = &data[start..start + 7 * along + count];
                for part in (0..count).step_by(8) {
                    // SAFETY: the processor has AVX2; eight rows of eight elements lie within `data`, and within `out`.
                    unsafe {
                        let out = out[part * panel + done..].as_mut_ptr();
                        transpose8(data[part..].as_ptr().cast(), along, out.cast(), panel);
                    }
                }
                done += 8;
            }
        }
        for j in done..width {
            let start = (first + j) * along + k * depth;
            if depth == 1 {
                let line = &data[start..start + count];
                for (i, &value) in line.iter().enumerate() {
                    out[i * panel + j] = value;
                }
            } else {
                for i in 0..count {
                    out[i * panel + j] = data[start + i * depth];
                }
            }
        }
        k += count;
    }
}

/// Eight rows of eight singles become eight columns.
///
/// # Safety
/// The processor has AVX2; `from` has eight rows, `stride` apart, of eight elements, and so has `to`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn transpose8(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
    use std::arch::x86_64::{
        _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps,
        _mm256_unpacklo_ps,
    };
    // SAFETY: as the caller promises.
    unsafe {
        let row = |k: usize| _mm256_loadu_ps(from.add(k * stride));
        let pair = |k: usize| {
            let (a, b) = (row(k), row(k + 1));
            (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b))
        };
        let four = |k: usize| {
            let ((a, b), (c, d)) = (pair(k), pair(k + 2));
            [
                _mm256_shuffle_ps::<0x44>(a, c),
                _mm256_shuffle_ps::<0xee>(a, c),
                _mm256_shuffle_ps::<0x44>(b, d),
                _mm256_shuffle_ps::<0xee>(b, d),
            ]
        };
        let (upper, lower) = (four(0), four(4));
        for k in 0..4 {
            _mm256_storeu_ps(to.add(k * to_stride), _mm256_permute2f128_ps::<0x20>(upper[k], lower[k]));
            _mm256_storeu_ps(to.add((k + 4) * to_stride), _mm256_permute2f128_ps::<0x31>(upper[k], lower[k]));
        }
    }
}
