//! Tables of rows that ids name.

#![allow(unsafe_code)] // rows that workers write at once, see `Shared`

use super::{Call, Cost, Operator, Role, rule};
use crate::kernel::real::real;
use crate::kernel::shared::Shared;
use crate::{DType, Derivation, Dim, Extent, Result, TensorType};

/// Rows of a table `[rows, ..]` that ids name; operands are the ids and the table. Rows of activations are gathered so, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Embedding;

impl Operator for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=2)?;
        let (ids, table) = (&operands[0], &operands[1]);
        rule::ids(self.name(), ids)?;
        if table.rank() == 0 {
            return Err(rule::wrong(self.name(), "table", table, "a tensor with rows"));
        }
        Ok(vec![table.shaped([&ids.shape[..], &table.shape[1..]].concat())])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let table = call.operand_extent(1);
        let ids = call.ids(0, table.dims[0])?;
        let width = table.bytes() / table.dims[0];
        let (x, y) = (call.operand_bytes(1), Shared::new(call.result_bytes(0)));
        call.team().parts(ids.len(), (1 << 16) / width.min(1 << 16), |from, to| {
            for k in from..to {
                let row = ids.at(k) * width;
                // SAFETY: rows are disjoint.
                unsafe { y.part(k * width, width) }.copy_from_slice(&x[row..row + width]);
            }
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let (ids, gradient) = (at.operand(0), at.gradient(0));
        at.add_rows(1, ids, gradient);
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        // the rows that are read are as large as the result
        Cost::streaming(0, &[operands[0].clone(), results[0].clone()], results)
    }

    fn saved(&self) -> super::Saved {
        super::Saved { operands: &[0], results: &[] }
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let rank = operands[0].rank();
        let table = 0..operands[1].rank();
        let table = table.map(|axis| if axis == 0 { Role::Whole } else { Role::Passes(rank + axis - 1) });
        vec![super::pass_all(rank), table.collect()]
    }
}

/// Columns that one worker owns, so that rows named twice are added in order; narrow tables are one part.
const COLUMNS: usize = 64;

/// A table of zeros to which rows are added: row `ids[i]` receives row `i` of the values; the transpose of [`Embedding`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScatterAdd {
    /// Rows of the table.
    pub rows: Dim,
}

impl Operator for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=2)?;
        let (ids, values) = (&operands[0], &operands[1]);
        rule::ids(self.name(), ids)?;
        rule::real(self.name(), &[values])?;
        let lead = values.shape.get(..ids.rank()).unwrap_or(&values.shape);
        rule::equal(self.name(), "leading axes", lead, &ids.shape)?;
        Ok(vec![values.shaped([std::slice::from_ref(&self.rows), &values.shape[ids.rank()..]].concat())])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let table = call.result_extent(0);
        let (rows, width) = (table.dims[0], table.elements() / table.dims[0]);
        let ids = call.ids(0, rows)?;
        real!(table.dtype, T => {
            let (x, y) = (call.operand::<T>(1), call.result::<T>(0));
            let y = Shared::new(y);
            call.team().parts(width, COLUMNS, |from, to| {
                for row in 0..rows {
                    // SAFETY: columns are disjoint.
                    unsafe { y.part(row * width + from, to - from) }.fill(0.0);
                }
                for k in 0..ids.len() {
                    // SAFETY: as above.
                    let y = unsafe { y.part(ids.at(k) * width + from, to - from) };
                    y.iter_mut().zip(&x[k * width + from..k * width + to]).for_each(|(y, &x)| *y += x);
                }
            });
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let (ids, gradient) = (at.operand(0), at.gradient(0));
        let gradient = at.apply(Embedding, &[ids, gradient])?;
        at.add(1, gradient)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(operands[1].elements(), operands, results)
    }

    fn saved(&self) -> super::Saved {
        super::Saved { operands: &[0], results: &[] }
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let rank = operands[0].rank();
        let values = 0..operands[1].rank();
        let values =
            values.map(|axis| if axis < rank { Role::Contracts } else { Role::Passes(axis + 1 - rank) });
        vec![vec![Role::Contracts; rank], values.collect()]
    }
}

/// A new last axis that is one where the id says, and zero elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OneHot {
    /// Size of the new axis.
    pub classes: usize,
    /// Type of the result.
    pub dtype: DType,
}

impl Operator for OneHot {
    fn name(&self) -> &'static str {
        "one_hot"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        rule::ids(self.name(), &operands[0])?;
        let result = TensorType {
            dtype: self.dtype,
            shape: [&operands[0].shape[..], &[self.classes.into()]].concat(),
        };
        rule::real(self.name(), &[&result])?;
        Ok(vec![result])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let ids = call.ids(0, self.classes)?;
        real!(self.dtype, T => {
            let y = call.result::<T>(0);
            y.fill(0.0);
            for (k, y) in y.chunks_exact_mut(self.classes).enumerate() {
                y[ids.at(k)] = 1.0;
            }
        });
        Ok(())
    }

    fn derivative(&self, _at: &mut Derivation<'_>) -> Result<()> {
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(0, operands, results)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![super::pass_all(operands[0].rank())]
    }
}
