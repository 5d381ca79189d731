//! Attention of one head: scores live in scratch memory for a block of queries, never for all.

use super::gemm::{Near, Strided, Target, multiply_near, near};
use super::level::vectorised;
use super::norm::{dot, softmax_row};
use super::real::Real;
use super::shared::Shared;

/// Queries whose scores are held at once: few where later ones see more keys, so that less is computed in vain.
fn block(queries: usize, causal: bool) -> usize {
    queries.min(if causal { 32 } else { 128 })
}

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
pub(crate) fn workspace<T: Real>(queries: usize, keys: usize, width: usize, causal: bool) -> usize {
    let (wide, deep) = (Near::<T>::workspace(keys, width), Near::<T>::workspace(width, queries.max(keys)));
    2 * block(queries, causal) * keys + 2 * wide + 3 * deep
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

vectorised! {
    /// Minus infinity where the mask is zero.
    fn hide<T: Real>(scores: &mut [T], mask: &[u8]) {
        for (x, &mask) in scores.iter_mut().zip(mask) {
            *x = if mask == 0 { T::NEG_INFINITY } else { *x };
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

    /// Keys of those that are computed that a query may see.
    fn seen(&self, query: usize, keys: usize) -> usize {
        if self.causal { (query + 1 + self.keys).saturating_sub(self.queries).min(keys) } else { keys }
    }

    /// Scores of queries `from..to` before scaling, minus infinity where the mask hides a key; gives how many keys there are.
    fn scores(&self, k: &Near<'_, T>, from: usize, to: usize, scores: &mut [T]) -> usize {
        let (rows, keys) = (to - from, self.visible(to));
        let scores = &mut scores[..rows * keys];
        let target = Target { stride: keys, accumulate: false };
        multiply_near((rows, keys, self.width), &self.q.rows(from), k, Shared::new(scores), target);
        if let Some(mask) = self.mask {
            for row in scores.chunks_exact_mut(keys) {
                hide(row, mask);
            }
        }
        keys
    }

    /// `out = softmax(q k^T / sqrt(width)) v`, the logarithms of the sums to `lse`.
    pub(crate) fn forward(&self, out: Shared<'_, T>, stride: usize, lse: &mut [T], scratch: &mut [T]) {
        let block = block(self.queries, self.causal);
        let (scores, scratch) = scratch.split_at_mut(2 * block * self.keys);
        let (k, scratch) = near(self.k.rows(0), (self.keys, self.width), scratch);
        let (v, _) = near(self.v.columns(0), (self.width, self.keys), scratch);
        for from in (0..self.queries).step_by(block) {
            let to = self.queries.min(from + block);
            let keys = self.scores(&k, from, to, scores);
            for (i, (row, lse)) in scores.chunks_exact_mut(keys).zip(&mut lse[from..to]).enumerate() {
                let (seen, later) = row.split_at_mut(self.seen(from + i, keys));
                *lse = softmax_row(seen, self.scale());
                later.fill(T::ZERO);
            }
            let p = Strided { data: &*scores, along: keys, depth: 1 };
            let target = Target { stride, accumulate: false };
            multiply_near((to - from, self.width, keys), &p, &v, out.from(from * stride), target);
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
        let block = block(self.queries, self.causal);
        let (scores, scratch) = scratch.split_at_mut(2 * block * self.keys);
        let (p, ds) = scores.split_at_mut(block * self.keys);
        let (k, scratch) = near(self.k.rows(0), (self.keys, self.width), scratch);
        let (v, scratch) = near(self.v.rows(0), (self.keys, self.width), scratch);
        let (k_rows, scratch) = near(self.k.columns(0), (self.width, self.keys), scratch);
        let mut first = true;
        // the last block of queries sees every key, so it is the one that writes; the others add
        let blocks = self.queries.div_ceil(block);
        for from in (0..blocks).rev().map(|k| k * block) {
            let to = self.queries.min(from + block);
            let rows = to - from;
            let keys = self.scores(&k, from, to, p);
            let target = Target { stride: keys, accumulate: false };
            multiply_near((rows, keys, self.width), &g.rows(from), &v, Shared::new(ds), target);
            let pairs = p.chunks_exact_mut(keys).zip(ds.chunks_exact_mut(keys));
            for (i, (p, ds)) in pairs.take(rows).enumerate() {
                let row = |of: &Rows<'_, T>| (from + i) * of.stride..(from + i) * of.stride + self.width;
                let delta = dot(&g.data[row(&g)], &out.data[row(&out)]);
                let seen = self.seen(from + i, keys);
                score_gradient(&mut p[..seen], &mut ds[..seen], self.scale(), lse[from + i], delta);
                p[seen..].fill(T::ZERO);
                ds[seen..].fill(T::ZERO);
            }
            let (p, ds) = (&*p, &*ds);
            let by_row = Strided { data: ds, along: keys, depth: 1 };
            let target = Target { stride: q_stride, accumulate: false };
            multiply_near((rows, self.width, keys), &by_row, &k_rows, dq.from(from * q_stride), target);
            let target = Target { stride: k_stride, accumulate: !first };
            let by_column = |data| Strided { data, along: 1, depth: keys };
            for (scores, operand, result) in [(ds, &self.q, dk), (p, &g, dv)] {
                let (operand, _) = near(operand.columns(from), (self.width, rows), scratch);
                multiply_near((keys, self.width, rows), &by_column(scores), &operand, result, target);
            }
            first = false;
        }
    }
}
