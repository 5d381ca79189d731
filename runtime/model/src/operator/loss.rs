//! Losses. Each gives the mean and, as a by-product of the same pass, its gradient, which the backward pass only scales.

use super::{Arithmetic, Binary, Call, Cost, Ids, Operator, Role, Saved, rule};
use crate::kernel::elementwise::Pair;
use crate::kernel::loss::{self, LinearLoss};
use crate::kernel::real::real;
use crate::kernel::shared::Shared;
use crate::{Derivation, Error, Extent, Result, TensorType};

/// Elements whose losses one task adds up.
const PART: usize = 1 << 13;

/// Passes on gradients that were computed with the loss: result `k + 1` is that of operand `k`.
fn ready(at: &mut Derivation<'_>, operands: usize) -> Result<()> {
    for k in 0..operands {
        if at.wants(k) {
            let mut gradient = at.result(k + 1);
            if !at.is_unit() {
                let by = at.gradient(0);
                gradient = at.apply(Binary(Arithmetic::Multiply), &[gradient, by])?;
            }
            at.add(k, gradient)?;
        }
    }
    Ok(())
}

/// Targets, of which negative ones do not count.
fn targets<'a>(call: &Call<'a>, operand: usize, classes: usize) -> Result<(Ids<'a>, usize)> {
    let ids = match call.operand_extent(operand).dtype {
        crate::DType::I64 => Ids::Long(call.operand(operand)),
        _ => Ids::Short(call.operand(operand)),
    };
    let mut count = 0;
    for k in 0..ids.len() {
        let id = match ids {
            Ids::Short(ids) => i64::from(ids[k]),
            Ids::Long(ids) => ids[k],
        };
        if id >= classes as i64 {
            return Err(Error::Id { name: call.name().into(), id, position: k, rows: classes });
        }
        count += usize::from(id >= 0);
    }
    Ok((ids, count))
}

fn target(ids: &Ids<'_>, k: usize) -> Option<usize> {
    match ids {
        Ids::Short(ids) => usize::try_from(ids[k]).ok(),
        Ids::Long(ids) => usize::try_from(ids[k]).ok(),
    }
}

/// Cross entropy of logits `[.., classes]` with target ids `[..]`, the mean over targets that are not negative. Result 1 is the
/// gradient by the logits, which it may replace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CrossEntropy;

impl Operator for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=2)?;
        let logits = &operands[0];
        rule::real(self.name(), &[logits])?;
        rule::ids(self.name(), &operands[1])?;
        rule::axis(self.name(), 0, logits.rank())?;
        rule::equal(self.name(), "targets", &operands[1].shape, &logits.shape[..logits.rank() - 1])?;
        Ok(vec![TensorType::scalar(logits.dtype), logits.clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let classes = call.operand_extent(0).last();
        let (ids, count) = targets(call, 1, classes)?;
        real!(call.operand_extent(0).dtype, T => {
            let y = match call.pair::<T>(0, 1) {
                Pair::Same(y) => y,
                Pair::Apart(x, y) => {
                    y.copy_from_slice(x);
                    y
                }
            };
            let losses = call.scratch::<T>();
            let losses = &mut losses[..ids.len()];
            loss::cross_entropy(call.team(), y, classes, |k| target(&ids, k), count, losses);
            call.result::<T>(0)[0] = losses.iter().sum::<T>() / count.max(1) as T;
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        ready(at, 1)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(5 * operands[0].elements(), operands, results)
    }

    fn saved(&self) -> Saved {
        Saved { operands: &[], results: &[1] }
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 1)]
    }

    fn workspace(&self, operands: &[Extent], _results: &[Extent], _threads: usize) -> usize {
        operands[1].elements() * operands[0].dtype.bytes()
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        operands.iter().map(|operand| vec![Role::Whole; operand.rank()]).collect()
    }
}

/// Cross entropy of `x W^T` with target ids, the logits of some rows at a time, so that they are never kept. Operands are `x`
/// `[.., in]`, the weight `[classes, in]` and the targets `[..]`; results are the mean and the gradients by `x` and weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinearCrossEntropy {
    /// Rows whose logits exist at a time.
    pub rows: usize,
}

impl Operator for LinearCrossEntropy {
    fn name(&self) -> &'static str {
        "linear_cross_entropy"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 3..=3)?;
        let logits = super::Linear.results(&operands[..2])?.remove(0);
        CrossEntropy.results(&[logits.clone(), operands[2].clone()])?;
        Ok(vec![TensorType::scalar(logits.dtype), operands[0].clone(), operands[1].clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let (x, w) = (call.operand_extent(0), call.operand_extent(1));
        let (rows, inner, classes) = (x.rows(), x.last(), w.dims[0]);
        let (ids, count) = targets(call, 2, classes)?;
        let block = self.rows.clamp(1, rows);
        real!(x.dtype, T => {
            let (x, weight) = (call.operand::<T>(0), call.operand::<T>(1));
            let (dx, dw) = (call.result::<T>(1), Shared::new(call.result::<T>(2)));
            let (losses, scratch) = call.scratch::<T>().split_at_mut(rows);
            let loss = LinearLoss { team: call.team(), weight, inner, classes, count };
            for from in (0..rows).step_by(block) {
                let to = rows.min(from + block);
                let at = from * inner..to * inner;
                let losses = &mut losses[from..to];
                loss.run(
                    &x[at.clone()], |k| target(&ids, from + k), losses, &mut dx[at], (dw, from > 0), scratch,
                );
            }
            call.result::<T>(0)[0] = losses.iter().sum::<T>() / count.max(1) as T;
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        ready(at, 2)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        let logits = operands[0].rows() * operands[1].dims[0];
        Cost::streaming(logits * (6 * operands[0].last() + 5), operands, results)
    }

    fn saved(&self) -> Saved {
        Saved { operands: &[], results: &[1, 2] }
    }

    fn workspace(&self, operands: &[Extent], _results: &[Extent], threads: usize) -> usize {
        let (rows, inner, classes) = (operands[0].rows(), operands[0].last(), operands[1].dims[0]);
        let block = self.rows.clamp(1, rows);
        real!(operands[0].dtype, T => {
            // the last rows may be few enough for another kind of product
            let of = |rows: usize| LinearLoss::<T>::workspace(rows, inner, classes, threads);
            (rows + of(block).max(of((rows % block).max(1)))) * size_of::<T>()
        })
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        CrossEntropy.relation(operands)
    }
}

/// What losses of two equal tensors share.
macro_rules! pointwise {
    ($(#[$doc:meta])* $name:ident, $text:literal, $kernel:path, $flops:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct $name;

        impl Operator for $name {
            fn name(&self) -> &'static str {
                $text
            }

            fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
                rule::count(self.name(), operands.len(), 2..=2)?;
                rule::real(self.name(), &[&operands[0], &operands[1]])?;
                rule::equal(self.name(), "targets", &operands[1].shape, &operands[0].shape)?;
                Ok(vec![TensorType::scalar(operands[0].dtype), operands[0].clone()])
            }

            fn run(&self, call: &Call<'_>) -> Result<()> {
                real!(call.operand_extent(0).dtype, T => {
                    let (x, target) = (call.operand::<T>(0), call.operand::<T>(1));
                    let (dx, sums) = (Shared::new(call.result::<T>(1)), call.scratch::<T>());
                    let share = 1.0 / x.len() as T;
                    let parts = x.len().div_ceil(PART);
                    let shared = Shared::new(&mut sums[..parts]);
                    #[allow(unsafe_code)]
                    call.team().parts(x.len(), PART, |from, to| {
                        // SAFETY: parts are disjoint.
                        let (dx, sum) = unsafe { (dx.part(from, to - from), shared.part(from / PART, 1)) };
                        sum[0] = $kernel(&x[from..to], &target[from..to], dx, share);
                    });
                    call.result::<T>(0)[0] = sums[..parts].iter().sum::<T>() * share;
                });
                Ok(())
            }

            fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
                if at.wants(1) {
                    return Err(at.not_differentiable("a loss by its targets"));
                }
                ready(at, 1)
            }

            fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
                Cost::streaming($flops * operands[0].elements(), operands, results)
            }

            fn saved(&self) -> Saved {
                Saved { operands: &[], results: &[1] }
            }

            fn workspace(&self, operands: &[Extent], _results: &[Extent], _threads: usize) -> usize {
                operands[0].elements().div_ceil(PART) * operands[0].dtype.bytes()
            }

            fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
                operands.iter().map(|operand| vec![Role::Whole; operand.rank()]).collect()
            }
        }
    };
}

pointwise! {
    /// The mean of squared differences from the targets. Result 1 is the gradient.
    MeanSquaredError, "mean_squared_error", loss::squared_error, 5
}
pointwise! {
    /// The binary cross entropy of logits with targets from 0 to 1, the mean. Result 1 is the gradient.
    BinaryCrossEntropy, "binary_cross_entropy", loss::binary_cross_entropy, 10
}
