//! Products of matrices, with and without parameters.

use crate::graph::{Graph, Init, Value};
use crate::operator::{Linear, LowerTriangle, MatMul};
use crate::{Result, TensorType};

impl Graph {
    /// A product of matrices.
    ///
    /// # Errors
    /// Inner sizes or leading axes that differ.
    pub fn matmul(&mut self, a: Value, b: Value) -> Result<Value> {
        self.apply(MatMul::default(), &[a, b])
    }

    /// A linear layer with bias: parameters `name.weight` `[out, in]` and `name.bias`.
    ///
    /// # Errors
    /// A last axis whose size is not known, a name used twice.
    pub fn linear(&mut self, name: &str, x: Value, out: usize) -> Result<Value> {
        let inner = self.channels("linear", x)?;
        let bound = 1.0 / (inner as f64).sqrt();
        self.linear_from(name, x, out, Init::Uniform(bound), Some(Init::Uniform(bound)))
    }

    /// A linear layer whose parameters begin as told; without the second there is no bias.
    ///
    /// # Errors
    /// As [`linear`](Self::linear).
    pub fn linear_from(
        &mut self,
        name: &str,
        x: Value,
        out: usize,
        weight: Init,
        bias: Option<Init>,
    ) -> Result<Value> {
        let (inner, dtype) = (self.channels("linear", x)?, self.ty(x).dtype);
        let weight =
            self.parameter(&format!("{name}.weight"), TensorType::new(dtype, [out, inner]), weight)?;
        let mut operands = vec![x, weight];
        if let Some(bias) = bias {
            operands.push(self.parameter(&format!("{name}.bias"), TensorType::new(dtype, [out]), bias)?);
        }
        self.apply(Linear, &operands)
    }

    /// The elements below the diagonal of square matrices.
    ///
    /// # Errors
    /// What is no square matrix.
    pub fn lower_triangle(&mut self, x: Value) -> Result<Value> {
        self.apply(LowerTriangle, &[x])
    }
}
