//! Attention and rotary positions.

#![allow(unsafe_code)] // rows that workers write at once, see `Shared`

use super::{Call, Cost, Operator, Role, Saved, rule};
use crate::kernel::attention::{self, Head, Rows};
use crate::kernel::elementwise::Pair;
use crate::kernel::real::{Real, real};
use crate::kernel::shared::Shared;
use crate::{DType, Derivation, Dim, Extent, Result, TensorType};

/// Scaled dot-product attention of several heads, without ever holding all scores.
///
/// Operands are queries `[B, S, heads * d]`, keys and values `[B, T, heads * d]`; or, if `packed`, the three side by side in
/// one tensor `[B, S, 3 * heads * d]`. If `masked`, the last operand is `Bool[B, T]`, true where a key may be seen. Results
/// are `[B, S, heads * d]`, and for the derivative the logarithms of the softmax sums. A query that may see nothing gives zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attention {
    /// How many heads share the width.
    pub heads: usize,
    /// Whether a query sees only keys up to its own position, counted from the end.
    pub causal: bool,
    /// Whether queries, keys and values are one operand.
    pub packed: bool,
    /// Whether the last operand says which keys may be seen.
    pub masked: bool,
}

/// Sizes of an attention with numbers for names.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    queries: usize,
    keys: usize,
    width: usize,
    heads: usize,
    /// Elements from one row of an operand to the next.
    stride: usize,
}

impl Attention {
    fn count(self) -> usize {
        if self.packed { 1 } else { 3 }
    }

    fn sizes(self, q: &Extent, k: &Extent) -> Sizes {
        let (q, k) = (&q.dims, &k.dims);
        let width = if self.packed { q[2] / 3 } else { q[2] };
        let keys = if self.packed { q[1] } else { k[1] };
        Sizes { batch: q[0], queries: q[1], keys, width, heads: self.heads, stride: q[2] }
    }

    fn check(self, operands: &[TensorType]) -> Result<TensorType> {
        let name = self.name();
        let q = &operands[0];
        rule::real(name, &operands[..self.count()].iter().collect::<Vec<_>>())?;
        for operand in &operands[..self.count()] {
            if operand.rank() != 3 {
                return Err(rule::wrong(name, "operand", operand, "a tensor [batch, positions, channels]"));
            }
        }
        let parts = Dim::from(if self.packed { 3 } else { 1 });
        let width = q.shape[2].divided(&parts);
        let width =
            width.ok_or_else(|| rule::wrong(name, "packed channels", &q.shape[2], "three times as many"))?;
        if self.heads == 0 || width.divided(&self.heads.into()).is_none() {
            let found = format!("{width} channels and {} heads", self.heads);
            return Err(rule::wrong(name, "heads", found, "channels that can be split among the heads"));
        }
        if !self.packed {
            rule::equal(name, "values", &operands[2].shape, &operands[1].shape)?;
            rule::equal(name, "batch of keys", &operands[1].shape[..1], &q.shape[..1])?;
            rule::equal(name, "channels of keys", &operands[1].shape[2..], &q.shape[2..])?;
        }
        if self.masked {
            let mask = &operands[self.count()];
            let keys = &operands[self.count() / 3];
            if mask.dtype != DType::Bool {
                return Err(rule::wrong(name, "mask", mask, "a Bool tensor"));
            }
            rule::equal(name, "mask", &mask.shape, &keys.shape[..2])?;
        }
        Ok(q.shaped(vec![q.shape[0].clone(), q.shape[1].clone(), width]))
    }

    fn head<'a, T: Real>(
        self,
        sizes: Sizes,
        operands: [&'a [T]; 3],
        mask: Option<&'a [u8]>,
        k: usize,
    ) -> Head<'a, T> {
        let Sizes { queries, keys, width, heads, stride, .. } = sizes;
        let (sample, head) = (k / heads, k % heads);
        let d = width / heads;
        let rows = |part: usize, positions: usize| {
            let inset = if self.packed { part * width } else { 0 } + head * d;
            Rows { data: &operands[part][sample * positions * stride + inset..], stride }
        };
        Head {
            q: rows(0, queries),
            k: rows(1, keys),
            v: rows(2, keys),
            queries,
            keys,
            width: d,
            causal: self.causal,
            mask: mask.map(|mask| &mask[sample * keys..(sample + 1) * keys]),
        }
    }

    fn scratch(self, operands: &[Extent], threads: usize) -> usize {
        let s = self.sizes(&operands[0], &operands[self.count() / 3]);
        real!(operands[0].dtype, T => {
            attention::workspace::<T>(s.queries, s.keys, s.width / s.heads, self.causal) * size_of::<T>() * threads
        })
    }

    fn flops(self, operands: &[Extent], products: usize) -> usize {
        let s = self.sizes(&operands[0], &operands[self.count() / 3]);
        2 * products * s.batch * s.queries * s.keys * s.width
    }

    /// Runs `task` for every head of every sample, with scratch memory of its own.
    fn each<T: Real>(self, call: &Call<'_>, sizes: Sizes, task: impl Fn(usize, &mut [T]) + Sync) {
        let count = sizes.batch * sizes.heads;
        let size =
            attention::workspace::<T>(sizes.queries, sizes.keys, sizes.width / sizes.heads, self.causal);
        let scratch = Shared::new(call.scratch::<T>());
        call.team().each_worker(count, |worker, k| {
            // SAFETY: each worker has its own part.
            task(k, unsafe { scratch.part(worker * size, size) });
        });
    }
}

fn three<'a, T: crate::kernel::real::Element>(call: &Call<'a>, packed: bool, first: usize) -> [&'a [T]; 3] {
    if packed { [call.operand(first); 3] } else { [0, 1, 2].map(|k| call.operand(first + k)) }
}

impl Operator for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        let count = self.count() + usize::from(self.masked);
        rule::count(self.name(), operands.len(), count..=count)?;
        let out = self.check(operands)?;
        let sums = out.shaped(vec![out.shape[0].clone(), self.heads.into(), out.shape[1].clone()]);
        Ok(vec![out, sums])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let sizes = self.sizes(call.operand_extent(0), call.operand_extent(self.count() / 3));
        let mask = self.masked.then(|| call.operand::<u8>(self.count()));
        real!(call.operand_extent(0).dtype, T => {
            let operands = three::<T>(call, self.packed, 0);
            let (out, sums) = (Shared::new(call.result::<T>(0)), Shared::new(call.result::<T>(1)));
            let Sizes { queries, width, heads, .. } = sizes;
            self.each::<T>(call, sizes, |k, scratch| {
                let out = out.from(k / heads * queries * width + k % heads * (width / heads));
                // SAFETY: each head has its own sums and its own columns of the output.
                let sums = unsafe { sums.part(k * queries, queries) };
                self.head(sizes, operands, mask, k).forward(out, width, sums, scratch);
            });
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let mut operands = vec![at.gradient(0), at.result(0), at.result(1)];
        operands.extend((0..at.operands()).map(|k| at.operand(k)));
        let gradients = at.apply_all(AttentionGradient(*self), &operands)?;
        (0..self.count()).try_for_each(|k| at.add(k, gradients[k]))
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(self.flops(operands, 2), operands, results)
    }

    fn saved(&self) -> Saved {
        let operands: &[usize] = match (self.packed, self.masked) {
            (true, false) => &[0],
            (true, true) => &[0, 1],
            (false, false) => &[0, 1, 2],
            (false, true) => &[0, 1, 2, 3],
        };
        Saved { operands, results: &[0, 1] }
    }

    fn workspace(&self, operands: &[Extent], _results: &[Extent], threads: usize) -> usize {
        self.scratch(operands, threads)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let mut roles = vec![vec![Role::Passes(0), Role::Whole, Role::Whole]; self.count()];
        if !self.packed && !self.causal {
            roles[0][1] = Role::Passes(1);
        }
        roles.resize(operands.len(), vec![Role::Passes(0), Role::Whole]);
        roles
    }
}

/// Gradients of [`Attention`] by its operands but the mask, from that of its output, the output, the sums, and the operands.
/// The scores are computed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttentionGradient(pub Attention);

impl Operator for AttentionGradient {
    fn name(&self) -> &'static str {
        "attention_gradient"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        let count = 3 + self.0.count() + usize::from(self.0.masked);
        rule::count(self.name(), operands.len(), count..=count)?;
        let out = self.0.check(&operands[3..])?;
        rule::equal(self.name(), "gradient", &operands[0].shape, &out.shape)?;
        Ok(operands[3..3 + self.0.count()].to_vec())
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let op = self.0;
        let sizes = op.sizes(call.operand_extent(3), call.operand_extent(3 + op.count() / 3));
        let mask = op.masked.then(|| call.operand::<u8>(3 + op.count()));
        real!(call.operand_extent(0).dtype, T => {
            let operands = three::<T>(call, op.packed, 3);
            let (g, out, sums) = (call.operand::<T>(0), call.operand::<T>(1), call.operand::<T>(2));
            let Sizes { queries, keys, width, heads, stride, .. } = sizes;
            let results = if op.packed {
                let all = Shared::new(call.result::<T>(0));
                [all, all.from(width), all.from(2 * width)]
            } else {
                [0, 1, 2].map(|k| Shared::new(call.result::<T>(k)))
            };
            op.each::<T>(call, sizes, |k, scratch| {
                let (sample, inset) = (k / heads, k % heads * (width / heads));
                let rows = |data: &'_ [T]| sample * queries * width + inset..data.len();
                let at = |to: usize, positions: usize| results[to].from(sample * positions * stride + inset);
                op.head(sizes, operands, mask, k).backward(
                    Rows { data: &g[rows(g)], stride: width },
                    Rows { data: &out[rows(out)], stride: width },
                    &sums[k * queries..(k + 1) * queries],
                    (at(0, queries), at(1, keys), at(2, keys)),
                    (stride, stride),
                    scratch,
                );
            });
        });
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(self.0.flops(&operands[3..], 5), operands, results)
    }

    fn workspace(&self, operands: &[Extent], _results: &[Extent], threads: usize) -> usize {
        self.0.scratch(&operands[3..], threads)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let roles = |operand: &TensorType| {
            (0..operand.rank()).map(|axis| if axis == 0 { Role::Passes(0) } else { Role::Whole }).collect()
        };
        operands.iter().map(roles).collect()
    }
}

/// Rotary positions on `[B, S, heads * d]`: channels `i` and `i + d / 2` of a head turn by `position * base^(-2 i / d)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rotary {
    /// How many heads share the width.
    pub heads: usize,
    /// The base, 10,000 as a rule.
    pub base: f64,
    /// Whether it turns back.
    pub inverse: bool,
}

impl Operator for Rotary {
    fn name(&self) -> &'static str {
        "rotary"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let x = &operands[0];
        rule::real(self.name(), &[x])?;
        if x.rank() != 3 || self.heads == 0 || x.shape[2].divided(&(2 * self.heads).into()).is_none() {
            let expected = format!("[batch, positions, a multiple of 2 * {} channels]", self.heads);
            return Err(rule::wrong(self.name(), "operand", x, &expected));
        }
        Ok(vec![x.clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let dims = &call.operand_extent(0).dims;
        let (positions, width) = (dims[1], dims[2]);
        let half = width / self.heads / 2;
        real!(call.operand_extent(0).dtype, T => {
            let table = call.scratch::<T>();
            for (k, turn) in table.chunks_exact_mut(2).take(positions * half).enumerate() {
                let (position, i) = (k / half, k % half);
                let angle = position as f64 * self.base.powf(-(i as f64) / half as f64);
                let (sin, cos) = angle.sin_cos();
                turn[0] = cos as T;
                turn[1] = (if self.inverse { -sin } else { sin }) as T;
            }
            let y = match call.pair::<T>(0, 0) {
                Pair::Same(y) => y,
                Pair::Apart(x, y) => {
                    y.copy_from_slice(x);
                    y
                }
            };
            let (rows, table) = (y.len() / width, &*table);
            let y = Shared::new(y);
            call.team().parts(rows, 64, |from, to| {
                for row in from..to {
                    let turns = &table[row % positions * 2 * half..][..2 * half];
                    // SAFETY: rows are disjoint.
                    let row = unsafe { y.part(row * width, width) };
                    for head in row.chunks_exact_mut(2 * half) {
                        let (a, b) = head.split_at_mut(half);
                        for ((a, b), turn) in a.iter_mut().zip(b).zip(turns.chunks_exact(2)) {
                            (*a, *b) = (*a * turn[0] - *b * turn[1], *a * turn[1] + *b * turn[0]);
                        }
                    }
                }
            });
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let gradient = at.gradient(0);
        let gradient = at.apply(Self { inverse: !self.inverse, ..*self }, &[gradient])?;
        at.add(0, gradient)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(3 * results[0].elements(), operands, results)
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn workspace(&self, operands: &[Extent], _results: &[Extent], _threads: usize) -> usize {
        let dims = &operands[0].dims;
        dims[1] * dims[2] / self.heads * operands[0].dtype.bytes()
    }

    fn relation(&self, _operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![vec![Role::Passes(0), Role::Whole, Role::Whole]]
    }
}
