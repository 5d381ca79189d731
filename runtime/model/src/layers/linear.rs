//! Products of matrices, with and without parameters.

use std::any::Any;

use crate::graph::{Graph, Init, Value};
use crate::operator::{Linear, LowerTriangle, MatMul, PairwiseProducts, Permute};
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

    /// The elements below the diagonal of square matrices. Those of a product of `x` with its own transpose are
    /// [`PairwiseProducts`] of `x`; the product itself is not computed if nothing else needs it.
    ///
    /// # Errors
    /// What is no square matrix.
    pub fn lower_triangle(&mut self, x: Value) -> Result<Value> {
        match self.with_itself(x) {
            Some(rows) => self.apply(PairwiseProducts, &[rows]),
            None => self.apply(LowerTriangle, &[x]),
        }
    }

    /// What is multiplied by its own transpose, if `product` is of a known number of such rows.
    fn with_itself(&self, product: Value) -> Option<Value> {
        let rank = self.ty(product).rank();
        self.ty(product).shape.last()?.known().filter(|&n| n > 1)?;
        let (operator, operands) = self.made_by(product)?;
        let &MatMul { transpose_a, transpose_b } = (operator as &dyn Any).downcast_ref()?;
        let &[a, b] = operands else { return None };
        if transpose_a {
            return None;
        }
        if transpose_b {
            return (a == b).then_some(a);
        }
        let (operator, turned) = self.made_by(b)?;
        let Permute(axes) = (operator as &dyn Any).downcast_ref()?;
        let exchanged = (0..rank - 2).chain([rank - 1, rank - 2]);
        (turned == [a] && axes.iter().copied().eq(exchanged)).then_some(a)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Dim, Plan, PlanOptions, Sizes};

    /// Elements below the diagonals of products of two inputs, and the operator that gives them.
    fn lower(
        product: impl Fn(&mut Graph, Value, Value) -> Result<Value>,
    ) -> std::result::Result<(&'static str, Vec<f32>), Box<dyn std::error::Error>> {
        let mut graph = Graph::new();
        let ty = TensorType::new(DType::F32, [Dim::named("B"), 27.into(), 16.into()]);
        let (x, other) = (graph.input("x", ty.clone())?, graph.input("other", ty)?);
        let product = product(&mut graph, x, other)?;
        let lower = graph.lower_triangle(product)?;
        graph.output("lower", lower)?;
        let sizes = Sizes::new().with("B", 3);
        let mut run = Plan::new(&graph, &sizes, &PlanOptions::default())?.start(0)?;
        let values: Vec<f32> = (0..3 * 27 * 16).map(|k| ((k * 7919) % 211) as f32 / 105.0 - 1.0).collect();
        run.set("x", &values)?;
        run.set("other", &values)?;
        run.step()?;
        let name = graph.made_by(lower).map_or("", |(operator, _)| operator.name());
        Ok((name, run.output::<f32>("lower")?.to_vec()))
    }

    #[test]
    fn products_with_their_own_transpose_are_pairwise() -> std::result::Result<(), Box<dyn std::error::Error>>
    {
        let by_itself = MatMul { transpose_a: false, transpose_b: true };
        let (name, expected) = lower(|graph, x, other| graph.apply(by_itself, &[x, other]))?;
        assert_eq!(name, "lower_triangle");
        let turned = |graph: &mut Graph, x, _| {
            let turned = graph.transpose(x)?;
            graph.matmul(x, turned)
        };
        for found in [lower(|graph, x, _| graph.apply(by_itself, &[x, x]))?, lower(turned)?] {
            assert_eq!(found.0, "pairwise_products");
            for (found, expected) in found.1.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
            }
        }
        // of the other axis
        let other_axis = |graph: &mut Graph, x, _| {
            let turned = graph.transpose(x)?;
            graph.matmul(turned, x)
        };
        assert_eq!(lower(other_axis)?.0, "lower_triangle");
        Ok(())
    }
}
