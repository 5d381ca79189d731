//! The operators of a graph: one implementation of [`Operator`] each, which is its row of the table.
//!
//! A row says what the shape of the result is, how it is computed, what it costs, how it is differentiated (by adding nodes
//! to the graph, so that the backward pass is a graph too), which operands that needs, and how the axes of the operands
//! relate to those of the result. [`table`] lists every row with examples; a test proves each of them.

use std::any::Any;
use std::fmt;

use crate::{Derivation, Extent, Result, TensorType};

mod arithmetic;
mod attention;
mod bag;
mod call;
mod cast;
mod contraction;
mod convolution;
mod embedding;
mod fill;
mod function;
mod layout;
mod loss;
mod norm;
mod pairs;
mod part;
mod pool;
mod port;
mod random;
mod reduce;
pub(crate) mod rule;
pub mod table;
mod window;

pub use arithmetic::{Arithmetic, Binary};
pub use attention::{Attention, AttentionGradient, Rotary};
pub use bag::{EmbeddingBag, LowerTriangle, LowerTriangleGradient};
pub(crate) use call::Slot;
pub use call::{Call, Ids};
pub use cast::Cast;
pub use contraction::{Linear, MatMul};
pub use convolution::{Conv2d, Conv2dInputGradient, Conv2dWeightGradient};
pub use embedding::{Embedding, OneHot, ScatterAdd};
pub use fill::{Arange, Fill};
pub use function::{Affine, Function, Unary, UnaryGradient};
pub use layout::{Broadcast, Permute, Reshape};
pub use loss::{BinaryCrossEntropy, CrossEntropy, LinearCrossEntropy, MeanSquaredError};
pub use norm::{BatchNorm, BatchNormGradient, LayerNorm, LayerNormGradient, Softmax, SoftmaxGradient};
pub use pairs::{PairwiseProducts, PairwiseProductsGradient};
pub use part::{Concat, Pad, Slice};
pub use pool::{AveragePool, AveragePoolGradient, MaxPool, MaxPoolGradient};
pub use port::{Peer, Ports, ReceiveFrom, SendTo};
pub use random::Dropout;
pub use reduce::{Reduce, Reduction};
pub use window::Window;

/// What an operator does to tensors: a row of the table.
///
/// Implement it to add an operator of your own, such as a product with a sparse matrix; [`Graph::apply`](crate::Graph::apply)
/// takes any.
pub trait Operator: Any + fmt::Debug + Send + Sync {
    /// The name, in messages and plans.
    fn name(&self) -> &'static str;

    /// Types of the results, from those of the operands.
    ///
    /// # Errors
    /// Operands that do not go together.
    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>>;

    /// Computes the results.
    ///
    /// # Errors
    /// Values that cannot be, such as an id beyond the rows of a table.
    fn run(&self, call: &Call<'_>) -> Result<()>;

    /// Adds the gradients of the operands to the graph.
    ///
    /// # Errors
    /// [`Error::NotDifferentiable`](crate::Error::NotDifferentiable), if there is no rule.
    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        Err(at.not_differentiable(self.name()))
    }

    /// What a run costs.
    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        let elements = results.first().map_or(0, Extent::elements);
        Cost::streaming(elements, operands, results)
    }

    /// Which operands and results the derivative reads; a planner keeps, swaps or recomputes them.
    fn saved(&self) -> Saved {
        Saved::default()
    }

    /// Pairs (operand, result) of equal size that may lie in the same memory, for each result the best first.
    fn in_place(&self) -> &'static [(usize, usize)] {
        &[]
    }

    /// Whether result 0 is operand 0 under another shape, so that nothing is to be done.
    fn is_view(&self) -> bool {
        false
    }

    /// Whether a run does something besides giving results, such as sending, so that the node is needed even if nobody reads them.
    fn has_effect(&self) -> bool {
        false
    }

    /// Bytes of scratch memory with a team of so many threads.
    fn workspace(&self, _operands: &[Extent], _results: &[Extent], _threads: usize) -> usize {
        0
    }

    /// For each operand and each of its axes, what becomes of it in result 0.
    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>>;
}

/// What becomes of an operand's axis in the first result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// A slice of it gives the same slice of this axis of the result, and needs nothing from other slices.
    Passes(usize),
    /// It is summed over: slices give parts of a sum.
    Contracts,
    /// It is needed whole.
    Whole,
}

/// Arithmetic and memory traffic of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Additions and multiplications; a function such as an exponential counts as one.
    pub flops: u64,
    /// Bytes read and written at least, each operand and result once.
    pub bytes: u64,
}

impl Cost {
    /// The cost of so many operations on operands and results that are read and written once.
    pub fn streaming(flops: usize, operands: &[Extent], results: &[Extent]) -> Self {
        let bytes = operands.iter().chain(results).map(Extent::bytes).sum::<usize>();
        Self { flops: flops as u64, bytes: bytes as u64 }
    }
}

/// Operands and results that a derivative reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Saved {
    /// Numbers of operands.
    pub operands: &'static [usize],
    /// Numbers of results.
    pub results: &'static [usize],
}

/// Each axis passes to the axis of the same number.
pub(crate) fn pass_all(rank: usize) -> Vec<Role> {
    (0..rank).map(Role::Passes).collect()
}

/// Each axis but the last passes; the last is needed whole.
pub(crate) fn pass_rows(rank: usize) -> Vec<Role> {
    (0..rank).map(|axis| if axis + 1 < rank { Role::Passes(axis) } else { Role::Whole }).collect()
}
