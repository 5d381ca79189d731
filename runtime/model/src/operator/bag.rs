//! Bags of rows and the pairwise products of recommendation models.

#![allow(unsafe_code)] // rows that workers write at once, see `Shared`

use super::{Call, Cost, Operator, Role, Saved, rule};
use crate::kernel::layout::prefetch;
use crate::kernel::pairs::pairs;
use crate::kernel::real::real;
use crate::kernel::shared::Shared;
use crate::{Derivation, Dim, Extent, Result, TensorType};

/// How many bags ahead rows are asked for.
const AHEAD: usize = 16;

/// Sums of table rows: ids `[.., bag]` and a table `[rows, width]` give `[.., width]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct EmbeddingBag;

impl Operator for EmbeddingBag {
    fn name(&self) -> &'static str {
        "embedding_bag"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=2)?;
        let (ids, table) = (&operands[0], &operands[1]);
        rule::ids(self.name(), ids)?;
        rule::real(self.name(), &[table])?;
        if table.rank() != 2 || ids.rank() == 0 {
            return Err(rule::wrong(
                self.name(),
                "table",
                table,
                "a matrix [rows, width], and ids with a bag axis",
            ));
        }
        Ok(vec![table.shaped([&ids.shape[..ids.rank() - 1], &table.shape[1..]].concat())])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let table = call.operand_extent(1);
        let (rows, width, bag) = (table.dims[0], table.dims[1], call.operand_extent(0).last());
        let ids = call.ids(0, rows)?;
        real!(table.dtype, T => {
            let (x, y) = (call.operand::<T>(1), Shared::new(call.result::<T>(0)));
            call.team().parts(ids.len() / bag, 512, |from, to| {
                for k in from..to {
                    // SAFETY: rows are disjoint.
                    let y = unsafe { y.part(k * width, width) };
                    let row = |i: usize| &x[ids.at(k * bag + i) * width..][..width];
                    // rows lie anywhere, so the ones after next are asked for early
                    for i in (k + AHEAD) * bag..((k + AHEAD + 1) * bag).min(ids.len()) {
                        prefetch(x, ids.at(i) * width);
                    }
                    y.copy_from_slice(row(0));
                    for i in 1..bag {
                        y.iter_mut().zip(row(i)).for_each(|(y, &x)| *y += x);
                    }
                }
            });
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        if !at.wants(1) {
            return Ok(());
        }
        // every row of a bag receives the bag's gradient
        let (ids, mut gradient) = (at.operand(0), at.gradient(0));
        let (bags, width) = (at.operand_type(0).shape, at.operand_type(1).shape[1].clone());
        let (bag, lead) = (&bags[bags.len() - 1], &bags[..bags.len() - 1]);
        if bag.known() == Some(1) {
            gradient = at.apply(super::Reshape([&bags[..], &[width]].concat()), &[gradient])?;
        } else {
            gradient = at.apply(super::Reshape([lead, &[1.into(), width.clone()]].concat()), &[gradient])?;
            gradient = at.apply(super::Broadcast([&bags[..], &[width]].concat()), &[gradient])?;
        }
        at.add_rows(1, ids, gradient);
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        let read = operands[0].elements() * operands[1].dims[1];
        let rows = Extent::new(operands[1].dtype, &[read]);
        Cost::streaming(read - results[0].elements(), &[operands[0].clone(), rows], results)
    }

    fn saved(&self) -> Saved {
        Saved { operands: &[0], results: &[] }
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let rank = operands[0].rank();
        let ids = (0..rank).map(|axis| if axis + 1 == rank { Role::Contracts } else { Role::Passes(axis) });
        vec![ids.collect(), vec![Role::Whole, Role::Passes(rank - 1)]]
    }
}

/// The elements below the diagonal of square matrices `[.., n, n]`, row by row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct LowerTriangle;

fn matrix_roles(rank: usize) -> Vec<Role> {
    (0..rank).map(|axis| if axis + 2 < rank { Role::Passes(axis) } else { Role::Whole }).collect()
}

impl Operator for LowerTriangle {
    fn name(&self) -> &'static str {
        "lower_triangle"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let x = &operands[0];
        rule::real(self.name(), &[x])?;
        let size = match &x.shape[..] {
            [.., m, n] if m == n => n.known().filter(|&n| n > 1),
            _ => None,
        };
        let n = size.ok_or_else(|| {
            rule::wrong(self.name(), "operand", x, "square matrices of known size, 2 or more")
        })?;
        let mut shape = x.shape[..x.rank() - 2].to_vec();
        shape.push(Dim::from(pairs(n)));
        Ok(vec![x.shaped(shape)])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let n = call.operand_extent(0).last();
        let size = pairs(n);
        real!(call.operand_extent(0).dtype, T => {
            let (x, y) = (call.operand::<T>(0), Shared::new(call.result::<T>(0)));
            call.team().parts(x.len() / (n * n), 64, |from, to| {
                for k in from..to {
                    // SAFETY: rows are disjoint.
                    let mut y = unsafe { y.part(k * size, size) };
                    for i in 1..n {
                        let (head, tail) = y.split_at_mut(i);
                        head.copy_from_slice(&x[k * n * n + i * n..][..i]);
                        y = tail;
                    }
                }
            });
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let gradient = at.gradient(0);
        let size = at.operand_type(0).shape.last().and_then(Dim::known).unwrap_or(0);
        let gradient = at.apply(LowerTriangleGradient { size }, &[gradient])?;
        at.add(0, gradient)
    }

    fn cost(&self, _operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(0, results, results)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![matrix_roles(operands[0].rank())]
    }
}

/// Matrices that are zero but below the diagonal: the transpose of [`LowerTriangle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LowerTriangleGradient {
    /// Rows of a matrix.
    pub size: usize,
}

impl Operator for LowerTriangleGradient {
    fn name(&self) -> &'static str {
        "lower_triangle_gradient"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let (n, x) = (self.size, &operands[0]);
        rule::real(self.name(), &[x])?;
        if n < 2 || x.shape.last().and_then(Dim::known) != Some(pairs(n)) {
            return Err(rule::wrong(self.name(), "operand", x, &format!("triangles of {n} rows")));
        }
        let mut shape = x.shape[..x.rank() - 1].to_vec();
        shape.extend([Dim::from(n), Dim::from(n)]);
        Ok(vec![x.shaped(shape)])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let n = self.size;
        let size = pairs(n);
        real!(call.operand_extent(0).dtype, T => {
            let (x, y) = (call.operand::<T>(0), Shared::new(call.result::<T>(0)));
            call.team().parts(x.len() / size, 64, |from, to| {
                for k in from..to {
                    // SAFETY: matrices are disjoint.
                    let y = unsafe { y.part(k * n * n, n * n) };
                    y.fill(0.0);
                    let mut x = &x[k * size..(k + 1) * size];
                    for i in 1..n {
                        let (head, tail) = x.split_at(i);
                        y[i * n..i * n + i].copy_from_slice(head);
                        x = tail;
                    }
                }
            });
        });
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(0, operands, results)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![super::pass_rows(operands[0].rank())]
    }
}
