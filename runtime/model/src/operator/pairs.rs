//! Pairwise products of vectors.

#![allow(unsafe_code)] // rows that workers write at once, see `Shared`

use super::{Call, Cost, Operator, Role, Saved, rule};
use crate::kernel::pairs;
use crate::kernel::real::real;
use crate::kernel::shared::Shared;
use crate::{Derivation, Dim, Extent, Result, TensorType};

/// Rows that a task takes.
const ROWS: usize = 64;

/// The inner products of every two of the rows `[.., n, width]`: those of the second with the first, of the third with the first
/// and second, and so on, `[.., n (n - 1) / 2]`.
///
/// It is [`LowerTriangle`](super::LowerTriangle) of a product of `x` with its own transpose, and stands for it in graphs: half of
/// that product is not needed, and both of its gradients are one product (Naumov et al., arXiv:1906.00091, call it the
/// interaction of features).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PairwiseProducts;

/// Rows and their width.
fn size(x: &Extent) -> (usize, usize) {
    (x.dims[x.dims.len() - 2], x.last())
}

impl Operator for PairwiseProducts {
    fn name(&self) -> &'static str {
        "pairwise_products"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let x = &operands[0];
        rule::real(self.name(), &[x])?;
        let rows = match &x.shape[..] {
            [.., n, _] => n.known().filter(|&n| n > 1),
            _ => None,
        };
        let n = rows.ok_or_else(|| {
            rule::wrong(self.name(), "operand", x, "vectors of a known number, 2 or more, and their width")
        })?;
        let mut shape = x.shape[..x.rank() - 2].to_vec();
        shape.push(Dim::from(pairs::pairs(n)));
        Ok(vec![x.shaped(shape)])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let (n, width) = size(call.operand_extent(0));
        let (all, count) = (n * width, pairs::pairs(n));
        real!(call.operand_extent(0).dtype, T => {
            let (x, y) = (call.operand::<T>(0), Shared::new(call.result::<T>(0)));
            let size = pairs::workspace::<T>(n, width);
            let scratch = Shared::new(call.scratch::<T>());
            let samples = call.result_extent(0).elements() / count;
            call.team().each_worker(samples.div_ceil(ROWS), |worker, task| {
                for k in task * ROWS..samples.min((task + 1) * ROWS) {
                    // SAFETY: rows are disjoint, each worker has its own scratch memory.
                    let (y, turned) =
                        unsafe { (y.part(k * count, count), scratch.part(worker * size, size)) };
                    pairs::products(&x[k * all..(k + 1) * all], (n, width), y, turned);
                }
            });
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let (x, gradient) = (at.operand(0), at.gradient(0));
        let gradient = at.apply(PairwiseProductsGradient, &[gradient, x])?;
        at.add(0, gradient)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(2 * operands[0].last() * results[0].elements(), operands, results)
    }

    fn saved(&self) -> Saved {
        Saved { operands: &[0], results: &[] }
    }

    fn workspace(&self, operands: &[Extent], _results: &[Extent], threads: usize) -> usize {
        let (n, width) = size(&operands[0]);
        real!(operands[0].dtype, T => threads * pairs::workspace::<T>(n, width) * size_of::<T>())
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let rank = operands[0].rank();
        let role = |axis| match rank - axis {
            1 => Role::Contracts,
            2 => Role::Whole,
            _ => Role::Passes(axis),
        };
        vec![(0..rank).map(role).collect()]
    }
}

/// The gradient of [`PairwiseProducts`], from that of its result and its operand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PairwiseProductsGradient;

impl Operator for PairwiseProductsGradient {
    fn name(&self) -> &'static str {
        "pairwise_products_gradient"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=2)?;
        let products = PairwiseProducts.results(&operands[1..])?;
        rule::equal(self.name(), "gradient", &operands[0].shape, &products[0].shape)?;
        Ok(vec![operands[1].clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let (n, width) = size(call.operand_extent(1));
        let (all, count) = (n * width, pairs::pairs(n));
        real!(call.operand_extent(1).dtype, T => {
            let (g, x) = (call.operand::<T>(0), call.operand::<T>(1));
            let y = Shared::new(call.result::<T>(0));
            call.team().parts(g.len() / count, ROWS, |from, to| {
                for k in from..to {
                    // SAFETY: rows are disjoint.
                    let y = unsafe { y.part(k * all, all) };
                    let (g, x) = (&g[k * count..(k + 1) * count], &x[k * all..(k + 1) * all]);
                    pairs::gradient(g, x, (n, width), y);
                }
            });
        });
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(4 * results[0].last() * operands[0].elements(), operands, results)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let rank = operands[1].rank();
        let rows = (0..rank - 2).map(Role::Passes);
        vec![
            rows.clone().chain([Role::Whole]).collect(),
            rows.chain([Role::Whole, Role::Passes(rank - 1)]).collect(),
        ]
    }
}
