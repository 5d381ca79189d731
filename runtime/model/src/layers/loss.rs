//! Losses: one number for a batch.

use crate::Result;
use crate::graph::{Graph, Value};
use crate::operator::{BinaryCrossEntropy, CrossEntropy, LinearCrossEntropy, MeanSquaredError};

impl Graph {
    /// The mean cross entropy of logits with target ids; negative ids do not count.
    ///
    /// # Errors
    /// Targets that are no ids, or not one for each row.
    pub fn cross_entropy(&mut self, logits: Value, targets: Value) -> Result<Value> {
        self.apply(CrossEntropy, &[logits, targets])
    }

    /// The mean cross entropy of `x weight^T` with target ids, without ever keeping all logits.
    ///
    /// # Errors
    /// As [`cross_entropy`](Self::cross_entropy).
    pub fn linear_cross_entropy(&mut self, x: Value, weight: Value, targets: Value) -> Result<Value> {
        self.apply(LinearCrossEntropy { rows: 512 }, &[x, weight, targets])
    }

    /// The mean squared error.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn mean_squared_error(&mut self, x: Value, targets: Value) -> Result<Value> {
        self.apply(MeanSquaredError, &[x, targets])
    }

    /// The mean binary cross entropy of logits.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn binary_cross_entropy(&mut self, logits: Value, targets: Value) -> Result<Value> {
        self.apply(BinaryCrossEntropy, &[logits, targets])
    }
}
