//! What graphs are made of: tensors with a source, nodes with an operator.

use std::sync::Arc;

use crate::TensorType;
use crate::operator::Operator;

/// A tensor of a graph, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub(crate) u32);

impl Value {
    /// Its number, counted in the order in which tensors were made.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a parameter begins.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// The same number everywhere.
    Constant(f64),
    /// Normal with this standard deviation and mean zero.
    Normal(f64),
    /// Uniform between minus and plus this bound.
    Uniform(f64),
}

/// Where a tensor comes from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// It is given for each step.
    Input,
    /// It is trained.
    Parameter(Init),
    /// It is kept from step to step without being trained, such as a running mean.
    State(Init),
    /// It is a result of a node.
    Node {
        /// Number of the node.
        node: usize,
        /// Number of the result.
        result: usize,
    },
}

/// A tensor's place in a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its name; parameters and inputs are found by it.
    pub name: String,
    /// Type of elements and shape.
    pub ty: TensorType,
    /// Where it comes from.
    pub source: Source,
}

/// Which pass a node belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pass {
    /// Declared by the model.
    Forward,
    /// Added by differentiation.
    Backward,
}

/// An operator applied to tensors.
#[derive(Debug, Clone)]
pub struct Node {
    /// What is done.
    pub operator: Arc<dyn Operator>,
    /// The operands.
    pub operands: Vec<Value>,
    /// The results.
    pub results: Vec<Value>,
    /// Scope and operator.
    pub name: String,
    /// Number of its stage; see [`Graph::stages`](crate::Graph::stages).
    pub stage: usize,
    /// Declared or derived.
    pub pass: Pass,
    /// The forward node that it differentiates.
    pub of: Option<usize>,
    /// Added to the number of the step for what is random: the number of the micro-batch, where a graph holds several.
    pub turn: u64,
}
