//! Attention of one head: scores live in scratch memory for a block of queries, never for all.

use super::gemm::{self, Strided, Target};
use super::norm::{dot, softmax_row};
use super::real::{Real, vectorised};
use super::shared::Shared;

/// Queries whose scores are held at once.
pub(crate) const QUERIES: usize = 128;

/// Rows of one head within a tensor: `width` elements, `stride` apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) stride: usize,
}

impl<'a, T: Real> Rows<'a, T> {
    /// Rows from `first` on, with rows along the axis that is not summed over.
    fn rows(self, first: usize) -> Strided<'a, T> {
        Strided { data: &self.data[first * self.stride..], along: self.stride, depth: 1 }
    }

    /// With the width along the axis that is not summed over.
    fn columns(self, first: usize) -> Strided<'a, T> {
        Strided { data: &self.data[first * self.stride..], along: 1, depth: self.stride }
    }
}

/// One head of one sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'a, T> {
    pub(crate) q: Rows<'a, T>,
    pub(crate) k: Rows<'a, T>,
    pub(crate) v: Rows<'a, T>,
    pub(crate) queries: usize,
    pub(crate) keys: usize,
    pub(crate) width: usize,
    pub(crate) causal: bool,
    /// Keys that may be attended to, if not all.
    pub(crate) mask: Option<&'a [u8]>,
}

/// Elements of scratch memory that one worker needs.
pub(crate) fn workspace<T: Real>(queries: usize, keys: usize, width: usize) -> usize {
    let block = QUERIES.min(queries);
    let products = [
        gemm::workspace::<T>(block, keys, width),
        gemm::workspace::<T>(block, width, keys),
        gemm::workspace::<T>(keys, width, block),
    ];
    2 * block * keys + products.into_iter().max().unwrap_or(0)
}

vectorised! {
    /// `p = exp(scale s - lse)`, `s = scale p (dp - delta)` for a row; minus infinity in `lse` gives zeros.
    fn score_gradient<T: Real>(p: &mut [T], ds: &mut [T], scale: T, lse: T, delta: T) {
        if lse == T::NEG_INFINITY {
            p.fill(T::ZERO);
            ds.fill(T::ZERO);
            return;
        }
        for (p, ds) in p.iter_mut().zip(ds) {
            *p = (*p * scale - lse).exp();
            *ds = scale * *p * (*ds - delta);
        }
    }
}

impl<T: Real> Head<'_, T> {
    fn scale(&self) -> T {
        T::of(1.0 / (self.width as f64).sqrt())
    }

    /// Keys that the last of the queries before `to` may see; the last query sees the last key.
    fn visible(&self, to: usize) -> usize {
        if self.causal {
            (to + self.keys).saturating_sub(self.queries).clamp(1, self.keys)
        } else {
            self.keys
        }
    }

    /// Scores of queries `from..to` before scaling, minus infinity where nothing may be seen.
    fn scores(&self, from: usize, to: usize, scores: &mut [T], scratch: &mut [T]) -> usize {
        let (rows, keys) = (to - from, self.visible(to));
        let target = Target { stride: keys, accumulate: false };
        let shared = Shared::new(&mut scores[..rows * keys]);
        let size = (rows, keys, self.width);
        gemm::multiply(None, size, &self.q.rows(from), &self.k.rows(0), None, shared, target, scratch);
        for (i, row) in scores[..rows * keys].chunks_exact_mut(keys).enumerate() {
            if self.causal {
                let seen = (from + i + 1 + self.keys).saturating_sub(self.queries).min(keys);
                row[seen..].fill(T::NEG_INFINITY);
            }
            if let Some(mask) = self.mask {
                row.iter_mut()
                    .zip(mask)
                    .filter(|(_, mask)| **mask == 0)
                    .for_each(|(x, _)| *x = T::NEG_INFINITY);
            }
        }
        keys
    }

    /// `out = softmax(q k^T / sqrt(width)) v`, the logarithms of the sums to `lse`.
    pub(crate) fn forward(&self, out: Shared<'_, T>, stride: usize, lse: &mut [T], scratch: &mut [T]) {
        let block = QUERIES.min(self.queries);
        let (scores, scratch) = scratch.split_at_mut(2 * block * self.keys);
        for from in (0..self.queries).step_by(block) {
            let to = self.queries.min(from + block);
            let keys = self.scores(from, to, scores, scratch);
            for (row, lse) in scores.chunks_exact_mut(keys).zip(&mut lse[from..to]) {
                *lse = softmax_row(row, self.scale());
            }
            let p = Strided { data: &*scores, along: keys, depth: 1 };
            let size = (to - from, self.width, keys);
            let target = Target { stride, accumulate: false };
            gemm::multiply(
                None,
                size,
                &p,
                &self.v.columns(0),
                None,
                out.from(from * stride),
                target,
                scratch,
            );
        }
    }

    /// Gradients by queries, keys and values from that of the output, the output and the sums. Rows are `stride` apart in
    /// each of the three.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn backward(
        &self,
        g: Rows<'_, T>,
        out: Rows<'_, T>,
        lse: &[T],
        (dq, dk, dv): (Shared<'_, T>, Shared<'_, T>, Shared<'_, T>),
        (q_stride, k_stride): (usize, usize),
        scratch: &mut [T],
    ) {
        let block = QUERIES.min(self.queries);
        let (scores, scratch) = scratch.split_at_mut(2 * block * self.keys);
        let (p, ds) = scores.split_at_mut(block * self.keys);
        let mut first = true;
        // the last block of queries sees every key, so it is the one that writes; the others add
        let blocks = self.queries.div_ceil(block);
        for from in (0..blocks).rev().map(|k| k * block) {
            let to = self.queries.min(from + block);
            let rows = to - from;
            let keys = self.scores(from, to, p, scratch);
            let target = Target { stride: keys, accumulate: false };
            let size = (rows, keys, self.width);
            gemm::multiply(
                None,
                size,
                &g.rows(from),
                &self.v.rows(0),
                None,
                Shared::new(ds),
                target,
                scratch,
            );
            for (i, (p, ds)) in p.chunks_exact_mut(keys).zip(ds.chunks_exact_mut(keys)).take(rows).enumerate()
            {
                let row = |of: &Rows<'_, T>| (from + i) * of.stride..(from + i) * of.stride + self.width;
                let delta = dot(&g.data[row(&g)], &out.data[row(&out)]);
                score_gradient(p, ds, self.scale(), lse[from + i], delta);
            }
            let (p, ds) = (&*p, &*ds);
            let by_row = Strided { data: ds, along: keys, depth: 1 };
            let target = Target { stride: q_stride, accumulate: false };
            let size = (rows, self.width, keys);
            gemm::multiply(
                None,
                size,
                &by_row,
                &self.k.columns(0),
                None,
                dq.from(from * q_stride),
                target,
                scratch,
            );
            let target = Target { stride: k_stride, accumulate: !first };
            let size = (keys, self.width, rows);
            let by_column = |data| Strided { data, along: 1, depth: keys };
            gemm::multiply(None, size, &by_column(ds), &self.q.columns(from), None, dk, target, scratch);
            gemm::multiply(None, size, &by_column(p), &g.columns(from), None, dv, target, scratch);
            first = false;
        }
    }
}
