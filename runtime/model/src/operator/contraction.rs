//! Matrix products.

use super::{Call, Cost, Operator, Role, Saved, rule};
use crate::kernel::gemm::{self, Near, Product, Strided, Target};
use crate::kernel::real::{Real, real};
use crate::kernel::shared::Shared;
use crate::operator::{Reduce, Reduction, Reshape};
use crate::{Derivation, Dim, Error, Extent, Result, TensorType};

/// Multiplications that one task does at least.
const SOME: usize = 1 << 17;

/// A product of matrices, which are the last two axes; any others are equal in both operands, and each has a product of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct MatMul {
    /// Whether the first operand is taken transposed.
    pub transpose_a: bool,
    /// Whether the second operand is.
    pub transpose_b: bool,
}

impl MatMul {
    fn axes(self, a: usize, b: usize) -> [usize; 4] {
        let (m, ka) = if self.transpose_a { (a - 1, a - 2) } else { (a - 2, a - 1) };
        let (kb, n) = if self.transpose_b { (b - 1, b - 2) } else { (b - 2, b - 1) };
        [m, ka, kb, n]
    }

    /// Whether one of several products stays in the second-level cache.
    fn small<T: Real>((m, n, k): (usize, usize, usize)) -> bool {
        (m * k + n * k + m * n) * size_of::<T>() <= 1 << 19
    }

    /// Elements of scratch memory for all threads.
    fn scratch<T: Real>((m, n, k): (usize, usize, usize), count: usize, threads: usize) -> usize {
        if count == 1 {
            gemm::workspace::<T>(m, n, k, threads)
        } else if Self::small::<T>((m, n, k)) {
            threads * Near::<T>::workspace(n, k)
        } else {
            threads * gemm::workspace::<T>(m, n, k, 1)
        }
    }

    pub(crate) fn sizes(self, a: &[usize], b: &[usize]) -> (usize, usize, usize) {
        let [m, k, _, n] = self.axes(a.len(), b.len());
        (a[m], b[n], a[k])
    }
}

impl Operator for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=2)?;
        let (a, b) = (&operands[0], &operands[1]);
        rule::real(self.name(), &[a, b])?;
        for operand in operands {
            if operand.rank() < 2 {
                return Err(rule::wrong(self.name(), "operand", operand, "a matrix, or several"));
            }
        }
        let [m, ka, kb, n] = self.axes(a.rank(), b.rank());
        if a.shape[ka] != b.shape[kb] {
            return Err(rule::wrong(
                self.name(),
                "inner sizes differ",
                &b.shape[kb],
                &a.shape[ka].to_string(),
            ));
        }
        rule::equal(self.name(), "leading axes", &b.shape[..b.rank() - 2], &a.shape[..a.rank() - 2])?;
        let mut shape = a.shape[..a.rank() - 2].to_vec();
        shape.extend([a.shape[m].clone(), b.shape[n].clone()]);
        Ok(vec![a.shaped(shape)])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        fn products<T: Real>(op: MatMul, call: &Call<'_>) {
            let (da, db) = (&call.operand_extent(0).dims, &call.operand_extent(1).dims);
            let (m, n, k) = op.sizes(da, db);
            let (a, b) = (call.operand::<T>(0), call.operand::<T>(1));
            let c = Shared::new(call.result::<T>(0));
            let count = call.result_extent(0).elements() / (m * n);
            let scratch = call.scratch::<T>();
            let each = MatMul::scratch::<T>((m, n, k), count, 1);
            let left = |i: usize| {
                let data = &a[i * m * k..(i + 1) * m * k];
                if op.transpose_a {
                    Strided { data, along: 1, depth: m }
                } else {
                    Strided { data, along: k, depth: 1 }
                }
            };
            let right = |i: usize| {
                let data = &b[i * n * k..(i + 1) * n * k];
                if op.transpose_b {
                    Strided { data, along: k, depth: 1 }
                } else {
                    Strided { data, along: 1, depth: n }
                }
            };
            let target = Target { stride: n, accumulate: false };
            let size = (m, n, k);
            if count == 1 {
                let (a, b) = (&left(0), &right(0));
                Product { team: Some(call.team()), size, a, b, bias: None, c, target }.run(scratch);
                return;
            }
            // each worker has scratch memory of its own
            let small = MatMul::small::<T>((m, n, k));
            let scratch = Shared::new(scratch);
            // small products are taken some at a time
            let some = (SOME / (m * n * k)).clamp(1, count);
            #[allow(unsafe_code)]
            call.team().each_worker(count.div_ceil(some), |worker, task| {
                // SAFETY: each worker has its own part, and each product its own result.
                let scratch = unsafe { scratch.part(worker * each, each) };
                for i in task * some..count.min((task + 1) * some) {
                    // SAFETY: as above.
                    let c = Shared::new(unsafe { c.part(i * m * n, m * n) });
                    if small {
                        let (right, _) = gemm::near(right(i), (n, k), scratch);
                        gemm::multiply_near(size, &left(i), &right, c, target);
                    } else {
                        let (a, b) = (&left(i), &right(i));
                        Product { team: None, size, a, b, bias: None, c, target }.run(scratch);
                    }
                }
            });
        }
        real!(call.operand_extent(0).dtype, T => products::<T>(*self, call));
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let (a, b, g) = (at.operand(0), at.operand(1), at.gradient(0));
        let of = |transpose_a, transpose_b| Self { transpose_a, transpose_b };
        if at.wants(0) {
            let da = if self.transpose_a {
                at.apply(of(self.transpose_b, true), &[b, g])?
            } else {
                at.apply(of(false, !self.transpose_b), &[g, b])?
            };
            at.add(0, da)?;
        }
        if at.wants(1) {
            let db = if self.transpose_b {
                at.apply(of(true, self.transpose_a), &[g, a])?
            } else {
                at.apply(of(!self.transpose_a, false), &[a, g])?
            };
            at.add(1, db)?;
        }
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        let (_, _, k) = self.sizes(&operands[0].dims, &operands[1].dims);
        Cost::streaming(2 * k * results[0].elements(), operands, results)
    }

    fn saved(&self) -> Saved {
        Saved { operands: &[0, 1], results: &[] }
    }

    fn workspace(&self, operands: &[Extent], results: &[Extent], threads: usize) -> usize {
        let (m, n, k) = self.sizes(&operands[0].dims, &operands[1].dims);
        let count = results[0].elements() / (m * n);
        real!(operands[0].dtype, T => {
            Self::scratch::<T>((m, n, k), count, threads) * size_of::<T>()
        })
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let rank = operands[0].rank();
        let [m, ka, kb, n] = self.axes(rank, rank);
        let roles = |free: usize, summed: usize, to: usize| {
            (0..rank)
                .map(|axis| match axis {
                    _ if axis == free => Role::Passes(to),
                    _ if axis == summed => Role::Contracts,
                    _ => Role::Passes(axis),
                })
                .collect()
        };
        vec![roles(m, ka, rank - 2), roles(n, kb, rank - 1)]
    }
}

/// `x W^T + b` over the last axis: operands are `x`, the weight `[out, in]` as PyTorch stores it, and perhaps the bias `[out]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Linear;

impl Operator for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=3)?;
        let (x, w) = (&operands[0], &operands[1]);
        rule::real(self.name(), &operands.iter().collect::<Vec<_>>())?;
        if x.rank() == 0 || w.rank() != 2 {
            return Err(rule::wrong(
                self.name(),
                "weight",
                w,
                "a matrix [out, in], and an operand with axes",
            ));
        }
        let inner = &x.shape[x.rank() - 1];
        if *inner != w.shape[1] {
            return Err(rule::wrong(self.name(), "inner sizes differ", &w.shape[1], &inner.to_string()));
        }
        if let Some(bias) = operands.get(2) {
            rule::equal(self.name(), "bias", &bias.shape, &w.shape[..1])?;
        }
        let mut shape = x.shape.clone();
        shape[x.rank() - 1] = w.shape[0].clone();
        Ok(vec![x.shaped(shape)])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        real!(call.operand_extent(0).dtype, T => {
            let (x, w) = (call.operand_extent(0), call.operand_extent(1));
            let (m, n, k) = (x.rows(), w.dims[0], w.dims[1]);
            Product {
                team: Some(call.team()),
                size: (m, n, k),
                a: &Strided { data: call.operand::<T>(0), along: k, depth: 1 },
                b: &Strided { data: call.operand::<T>(1), along: k, depth: 1 },
                bias: (call.operand_count() > 2).then(|| call.operand::<T>(2)),
                c: Shared::new(call.result::<T>(0)),
                target: Target { stride: n, accumulate: false },
            }
            .run(call.scratch::<T>());
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let (x, w, g) = (at.operand(0), at.operand(1), at.gradient(0));
        let flat = |at: &mut Derivation<'_>, value| -> Result<_> {
            let ty = at.ty(value).clone();
            if ty.rank() == 2 {
                return Ok(value);
            }
            let (last, lead) =
                ty.shape.split_last().ok_or(Error::Axis { operator: "linear", axis: 0, rank: 0 })?;
            let rows = lead.iter().cloned().fold(Dim::from(1), std::ops::Mul::mul);
            at.apply(Reshape(vec![rows, last.clone()]), &[value])
        };
        let rows = flat(at, g)?;
        if at.wants(1) {
            let x = flat(at, x)?;
            let dw = at.apply(MatMul { transpose_a: true, transpose_b: false }, &[rows, x])?;
            at.add(1, dw)?;
        }
        if at.operands() > 2 && at.wants(2) {
            let db = at.apply(Reduce { reduction: Reduction::Sum, axes: vec![0], keep: false }, &[rows])?;
            at.add(2, db)?;
        }
        if at.wants(0) {
            let dx = at.apply(MatMul::default(), &[rows, w])?;
            let shape = at.operand_type(0).shape;
            let dx = if at.ty(dx).shape == shape { dx } else { at.apply(Reshape(shape), &[dx])? };
            at.add(0, dx)?;
        }
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        let bias = usize::from(operands.len() > 2);
        Cost::streaming((2 * operands[1].dims[1] + bias) * results[0].elements(), operands, results)
    }

    fn saved(&self) -> Saved {
        Saved { operands: &[0, 1], results: &[] }
    }

    fn workspace(&self, operands: &[Extent], _results: &[Extent], threads: usize) -> usize {
        let (m, n, k) = (operands[0].rows(), operands[1].dims[0], operands[1].dims[1]);
        real!(operands[0].dtype, T => gemm::workspace::<T>(m, n, k, threads) * size_of::<T>())
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let rank = operands[0].rank();
        let x = (0..rank)
            .map(|axis| if axis + 1 == rank { Role::Contracts } else { Role::Passes(axis) })
            .collect();
        let mut roles = vec![x, vec![Role::Passes(rank - 1), Role::Contracts]];
        if operands.len() > 2 {
            roles.push(vec![Role::Passes(rank - 1)]);
        }
        roles
    }
}
