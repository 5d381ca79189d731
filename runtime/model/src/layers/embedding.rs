//! Rows of tables that ids name.

use crate::graph::{Graph, Init, Value};
use crate::operator::{Embedding, EmbeddingBag, OneHot, ScatterAdd};
use crate::{DType, Dim, Result, TensorType};

impl Graph {
    /// Rows of a table `name.weight` `[rows, dim]` that ids name; it begins normal with this deviation.
    ///
    /// # Errors
    /// Ids that are no integers, a name used twice.
    pub fn embedding(
        &mut self,
        name: &str,
        ids: Value,
        rows: usize,
        dim: usize,
        deviation: f64,
    ) -> Result<Value> {
        let table = self.table(name, rows, dim, deviation)?;
        self.apply(Embedding, &[ids, table])
    }

    /// Sums of rows of a table `name.weight` that the ids of a bag, the last axis, name.
    ///
    /// # Errors
    /// As [`embedding`](Self::embedding).
    pub fn embedding_bag(
        &mut self,
        name: &str,
        ids: Value,
        rows: usize,
        dim: usize,
        deviation: f64,
    ) -> Result<Value> {
        let table = self.table(name, rows, dim, deviation)?;
        self.apply(EmbeddingBag, &[ids, table])
    }

    fn table(&mut self, name: &str, rows: usize, dim: usize, deviation: f64) -> Result<Value> {
        let ty = TensorType::new(DType::F32, [rows, dim]);
        self.parameter(&format!("{name}.weight"), ty, Init::Normal(deviation))
    }

    /// Rows of a tensor, along axis 0, that ids name.
    ///
    /// # Errors
    /// Ids that are no integers.
    pub fn gather(&mut self, ids: Value, rows: Value) -> Result<Value> {
        self.apply(Embedding, &[ids, rows])
    }

    /// Zeros of so many rows, to which each row of `values` is added where its id says.
    ///
    /// # Errors
    /// Ids that are no integers, or not one for each row.
    pub fn scatter_add(&mut self, ids: Value, values: Value, rows: impl Into<Dim>) -> Result<Value> {
        self.apply(ScatterAdd { rows: rows.into() }, &[ids, values])
    }

    /// One where the id says, zero elsewhere, along a new last axis.
    ///
    /// # Errors
    /// Ids that are no integers.
    pub fn one_hot(&mut self, ids: Value, classes: usize) -> Result<Value> {
        self.apply(OneHot { classes, dtype: DType::F32 }, &[ids])
    }
}
