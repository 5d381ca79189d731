//! Layers and functions as methods of [`Graph`]: what people write.
//!
//! A layer makes parameters under its name and applies an operator; names and layouts are those of PyTorch's modules, so that
//! a state dict saved as safetensors fits. Parameters begin as PyTorch's do, except where a method says otherwise.

mod arrangement;
mod attention;
mod embedding;
mod function;
mod image;
mod linear;
mod loss;
mod norm;

pub use attention::Heads;

use crate::graph::{Graph, Value};
use crate::{Dim, Error, Result};

impl Graph {
    /// The last axis of a tensor, as a number.
    fn channels(&self, operator: &'static str, x: Value) -> Result<usize> {
        let ty = self.ty(x);
        ty.shape.last().and_then(Dim::known).ok_or_else(|| Error::Shape {
            operator,
            what: "operand".into(),
            found: ty.to_string(),
            expected: "a last axis of known size".into(),
        })
    }
}
