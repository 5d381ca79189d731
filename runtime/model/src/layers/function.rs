//! Functions of elements, sums over axes, and tensors made of nothing.

use crate::graph::{Graph, Value};
use crate::operator::{
    Affine, Arange, Arithmetic, Binary, Cast, Dropout, Fill, Function, Reduce, Reduction, Softmax, Unary,
};
use crate::{DType, Dim, Result, TensorType};

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident => $function:ident),* $(,)?) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// A tensor that is not real.
        pub fn $name(&mut self, x: Value) -> Result<Value> {
            self.apply(Unary(Function::$function), &[x])
        }
    )*};
}

macro_rules! arithmetic {
    ($($(#[$doc:meta])* $name:ident => $operation:ident),* $(,)?) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Types that differ, shapes that cannot be broadcast.
        pub fn $name(&mut self, a: Value, b: Value) -> Result<Value> {
            self.apply(Binary(Arithmetic::$operation), &[a, b])
        }
    )*};
}

impl Graph {
    functions! {
        /// `max(x, 0)`.
        relu => Relu,
        /// `x Phi(x)`.
        gelu => Gelu,
        /// The approximation of `gelu` by a hyperbolic tangent.
        gelu_tanh => GeluTanh,
        /// `x sigmoid(x)`.
        silu => Silu,
        /// The logistic function.
        sigmoid => Sigmoid,
        /// The hyperbolic tangent.
        tanh => Tanh,
        /// The exponential.
        exp => Exp,
        /// The natural logarithm.
        log => Log,
        /// The square root.
        sqrt => Sqrt,
        /// The square.
        square => Square,
        /// The absolute value.
        abs => Abs,
    }

    arithmetic! {
        /// The sum, broadcast.
        add => Add,
        /// The difference, broadcast.
        subtract => Subtract,
        /// The product of elements, broadcast.
        multiply => Multiply,
        /// The quotient, broadcast.
        divide => Divide,
    }

    /// `scale * x + shift`.
    ///
    /// # Errors
    /// A tensor that is not real.
    pub fn affine(&mut self, x: Value, scale: f64, shift: f64) -> Result<Value> {
        self.apply(Affine { scale, shift }, &[x])
    }

    /// The same numbers in another type.
    ///
    /// # Errors
    /// None today.
    pub fn cast(&mut self, x: Value, dtype: DType) -> Result<Value> {
        self.apply(Cast(dtype), &[x])
    }

    /// The softmax over the last axis.
    ///
    /// # Errors
    /// A tensor without axes.
    pub fn softmax(&mut self, x: Value) -> Result<Value> {
        self.apply(Softmax, &[x])
    }

    /// Sets elements to zero with a probability; see [`Dropout`].
    ///
    /// # Errors
    /// A probability outside 0 to below 1.
    pub fn dropout(&mut self, x: Value, probability: f64, seed: u64) -> Result<Value> {
        // nodes of one seed draw differently
        let seed = seed.wrapping_add((self.nodes().len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        self.apply(Dropout { probability, seed }, &[x])
    }

    /// The sum over axes, which go.
    ///
    /// # Errors
    /// An axis that is not there.
    pub fn sum(&mut self, x: Value, axes: &[usize]) -> Result<Value> {
        self.apply(Reduce { reduction: Reduction::Sum, axes: axes.to_vec(), keep: false }, &[x])
    }

    /// The mean over axes, which go.
    ///
    /// # Errors
    /// An axis that is not there.
    pub fn mean(&mut self, x: Value, axes: &[usize]) -> Result<Value> {
        self.apply(Reduce { reduction: Reduction::Mean, axes: axes.to_vec(), keep: false }, &[x])
    }

    /// The same number everywhere.
    ///
    /// # Errors
    /// None today.
    pub fn constant(&mut self, ty: TensorType, value: f64) -> Result<Value> {
        self.apply(Fill { ty, value }, &[])
    }

    /// The ids 0, 1, 2, .. up to a size.
    ///
    /// # Errors
    /// None today.
    pub fn arange(&mut self, size: impl Into<Dim>) -> Result<Value> {
        self.apply(Arange(size.into()), &[])
    }
}
