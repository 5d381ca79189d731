//! Layers and functions as methods of [`Graph`]: what people write.
//!
//! A layer makes parameters under its name and applies an operator; names and layouts are those of PyTorch's modules, so that
//! a state dict saved as safetensors fits. Parameters begin as PyTorch's do, except where a method says otherwise.

use std::sync::Arc;

use crate::graph::{Graph, Init, Value};
use crate::operator::{
    Affine, Arange, Arithmetic, Attention, AveragePool, BatchNorm, Binary, BinaryCrossEntropy, Broadcast,
    Cast, Concat, Conv2d, CrossEntropy, Dropout, Embedding, EmbeddingBag, Fill, Function, LayerNorm, Linear,
    LinearCrossEntropy, LowerTriangle, MatMul, MaxPool, MeanSquaredError, OneHot, Permute, Reduce, Reduction,
    Reshape, Rotary, ScatterAdd, Slice, Softmax, Unary, Window,
};
use crate::{DType, Dim, Error, Result, TensorType};

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

/// How attention is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heads {
    /// How many heads share the channels.
    pub heads: usize,
    /// Whether a position sees only those up to itself.
    pub causal: bool,
    /// `Bool[B, S]`, true where a position may be seen.
    pub mask: Option<Value>,
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

    /// The ids 0, 1, 2, .. up to a size.
    ///
    /// # Errors
    /// None today.
    pub fn arange(&mut self, size: impl Into<Dim>) -> Result<Value> {
        self.apply(Arange(size.into()), &[])
    }

    /// The same number everywhere.
    ///
    /// # Errors
    /// None today.
    pub fn constant(&mut self, ty: TensorType, value: f64) -> Result<Value> {
        self.apply(Fill { ty, value }, &[])
    }

    /// Normalises over the last axis, with parameters `name.weight` and `name.bias`.
    ///
    /// # Errors
    /// A last axis whose size is not known, a name used twice.
    pub fn layer_norm(&mut self, name: &str, x: Value) -> Result<Value> {
        let ty = TensorType::new(self.ty(x).dtype, [self.channels("layer_norm", x)?]);
        let gain = self.parameter(&format!("{name}.weight"), ty.clone(), Init::Constant(1.0))?;
        let bias = self.parameter(&format!("{name}.bias"), ty, Init::Constant(0.0))?;
        self.apply(LayerNorm { eps: 1e-5, centred: true }, &[x, gain, bias])
    }

    /// Normalises by the root mean square over the last axis, with a parameter `name.weight`.
    ///
    /// # Errors
    /// As [`layer_norm`](Self::layer_norm).
    pub fn rms_norm(&mut self, name: &str, x: Value) -> Result<Value> {
        let ty = TensorType::new(self.ty(x).dtype, [self.channels("rms_norm", x)?]);
        let gain = self.parameter(&format!("{name}.weight"), ty, Init::Constant(1.0))?;
        self.apply(LayerNorm { eps: 1e-6, centred: false }, &[x, gain])
    }

    /// Normalises each channel, axis 1. While training it is over the batch, and the states `name.running_mean` and
    /// `name.running_var` follow with momentum 0.1; otherwise by these states.
    ///
    /// # Errors
    /// A tensor without channels, a name used twice.
    pub fn batch_norm(&mut self, name: &str, x: Value, training: bool) -> Result<Value> {
        let (eps, momentum) = (1e-5, 0.1);
        let ty = self.ty(x).clone();
        if ty.rank() < 2 {
            return Err(Error::Axis { operator: "batch_norm", axis: 1, rank: ty.rank() });
        }
        let channel = ty.shaped(vec![ty.shape[1].clone()]);
        let gain = self.parameter(&format!("{name}.weight"), channel.clone(), Init::Constant(1.0))?;
        let bias = self.parameter(&format!("{name}.bias"), channel.clone(), Init::Constant(0.0))?;
        let mean = self.state(&format!("{name}.running_mean"), channel.clone(), Init::Constant(0.0))?;
        let variance = self.state(&format!("{name}.running_var"), channel.clone(), Init::Constant(1.0))?;
        if training {
            let results = self.apply_all(Arc::new(BatchNorm { eps }), &[x, gain, bias])?;
            for (state, now) in [(mean, results[1]), (variance, results[3])] {
                let old = self.affine(state, 1.0 - momentum, 0.0)?;
                let new = self.affine(now, momentum, 0.0)?;
                let new = self.add(old, new)?;
                self.update(state, new)?;
            }
            return Ok(results[0]);
        }
        let mut shape = vec![Dim::from(1); ty.rank() - 1];
        shape[0] = ty.shape[1].clone();
        let deviation = self.affine(variance, 1.0, eps)?;
        let deviation = self.sqrt(deviation)?;
        let scale = self.divide(gain, deviation)?;
        let offset = self.multiply(mean, scale)?;
        let offset = self.subtract(bias, offset)?;
        let (scale, offset) = (self.reshape(scale, shape.clone())?, self.reshape(offset, shape)?);
        let y = self.multiply(x, scale)?;
        self.add(y, offset)
    }

    /// The softmax over the last axis.
    ///
    /// # Errors
    /// A tensor without axes.
    pub fn softmax(&mut self, x: Value) -> Result<Value> {
        self.apply(Softmax, &[x])
    }

    /// Attention of queries to keys and values, all `[B, positions, channels]`.
    ///
    /// # Errors
    /// Shapes that do not go together, channels that the heads cannot share.
    pub fn attention(&mut self, q: Value, k: Value, v: Value, how: Heads) -> Result<Value> {
        let Heads { heads, causal, mask } = how;
        let operator = Attention { heads, causal, packed: false, masked: mask.is_some() };
        self.apply(operator, &[q, k, v].into_iter().chain(mask).collect::<Vec<_>>())
    }

    /// Attention with queries, keys and values side by side in one tensor `[B, S, 3 * channels]`.
    ///
    /// # Errors
    /// As [`attention`](Self::attention).
    pub fn attention_packed(&mut self, qkv: Value, how: Heads) -> Result<Value> {
        let Heads { heads, causal, mask } = how;
        let operator = Attention { heads, causal, packed: true, masked: mask.is_some() };
        self.apply(operator, &[qkv].into_iter().chain(mask).collect::<Vec<_>>())
    }

    /// Self-attention as a layer: `name.qkv` makes queries, keys and values, `name.out` mixes the heads.
    ///
    /// # Errors
    /// As [`attention`](Self::attention).
    pub fn self_attention(&mut self, name: &str, x: Value, how: Heads) -> Result<Value> {
        let channels = self.channels("attention", x)?;
        self.scope(name, |graph| {
            let qkv = graph.linear("qkv", x, 3 * channels)?;
            let a = graph.attention_packed(qkv, how)?;
            graph.linear("out", a, channels)
        })
    }

    /// Turns pairs of channels by their position.
    ///
    /// # Errors
    /// Channels that cannot be paired within heads.
    pub fn rotary(&mut self, x: Value, heads: usize) -> Result<Value> {
        self.apply(Rotary { heads, base: 10_000.0, inverse: false }, &[x])
    }

    /// A convolution with bias: parameters `name.weight` `[filters, channels, size, size]` and `name.bias`.
    ///
    /// # Errors
    /// What is no image, windows that do not fit, a name used twice.
    pub fn conv2d(&mut self, name: &str, x: Value, filters: usize, window: Window) -> Result<Value> {
        let ty = self.ty(x).clone();
        let channels = ty.shape.get(1).and_then(Dim::known).unwrap_or(1);
        let bound = 1.0 / ((channels * window.size.0 * window.size.1).max(1) as f64).sqrt();
        let shape = [filters, channels, window.size.0, window.size.1];
        let weight = TensorType::new(ty.dtype, shape);
        let weight = self.parameter(&format!("{name}.weight"), weight, Init::Uniform(bound))?;
        let bias = TensorType::new(ty.dtype, [filters]);
        let bias = self.parameter(&format!("{name}.bias"), bias, Init::Uniform(bound))?;
        self.apply(Conv2d { stride: window.stride, padding: window.padding }, &[x, weight, bias])
    }

    /// The largest element of each window.
    ///
    /// # Errors
    /// What is no image, windows that do not fit.
    pub fn max_pool(&mut self, x: Value, window: Window) -> Result<Value> {
        self.apply(MaxPool(window), &[x])
    }

    /// The mean of each window.
    ///
    /// # Errors
    /// What is no image, windows that do not fit.
    pub fn average_pool(&mut self, x: Value, window: Window) -> Result<Value> {
        self.apply(AveragePool(window), &[x])
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

    /// The same elements under another shape.
    ///
    /// # Errors
    /// Another number of elements.
    pub fn reshape<D: Into<Dim>>(&mut self, x: Value, shape: impl IntoIterator<Item = D>) -> Result<Value> {
        self.apply(Reshape(shape.into_iter().map(Into::into).collect()), &[x])
    }

    /// All axes but the first as one.
    ///
    /// # Errors
    /// A tensor without axes.
    pub fn flatten(&mut self, x: Value) -> Result<Value> {
        let shape = self.ty(x).shape.clone();
        let Some((first, rest)) = shape.split_first() else {
            return Err(Error::Axis { operator: "flatten", axis: 0, rank: 0 });
        };
        let rest = rest.iter().cloned().fold(Dim::from(1), std::ops::Mul::mul);
        self.reshape(x, [first.clone(), rest])
    }

    /// The axes in another order.
    ///
    /// # Errors
    /// Axes that are not each named once.
    pub fn permute(&mut self, x: Value, axes: &[usize]) -> Result<Value> {
        self.apply(Permute(axes.to_vec()), &[x])
    }

    /// The last two axes exchanged.
    ///
    /// # Errors
    /// A tensor with fewer axes.
    pub fn transpose(&mut self, x: Value) -> Result<Value> {
        let rank = self.ty(x).rank();
        if rank < 2 {
            return Err(Error::Axis { operator: "transpose", axis: 1, rank });
        }
        let mut axes: Vec<_> = (0..rank).collect();
        axes.swap(rank - 1, rank - 2);
        self.permute(x, &axes)
    }

    /// Tensors one after another along an axis.
    ///
    /// # Errors
    /// Other axes that differ.
    pub fn concat(&mut self, tensors: &[Value], axis: usize) -> Result<Value> {
        self.apply(Concat { axis }, tensors)
    }

    /// Tensors of one shape along a new axis.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn stack(&mut self, tensors: &[Value], axis: usize) -> Result<Value> {
        let parts = tensors.iter().map(|&x| {
            let mut shape = self.ty(x).shape.clone();
            if axis > shape.len() {
                return Err(Error::Axis { operator: "stack", axis, rank: shape.len() + 1 });
            }
            shape.insert(axis, 1.into());
            self.reshape(x, shape)
        });
        let parts = parts.collect::<Result<Vec<_>>>()?;
        self.concat(&parts, axis)
    }

    /// A part of an axis.
    ///
    /// # Errors
    /// A part that is not within.
    pub fn slice(&mut self, x: Value, axis: usize, range: std::ops::Range<usize>) -> Result<Value> {
        self.apply(Slice { axis, start: range.start, length: range.len() }, &[x])
    }

    /// Parts of an axis, of these lengths, which together are all of it.
    ///
    /// # Errors
    /// Lengths that do not add up.
    pub fn split(&mut self, x: Value, axis: usize, lengths: &[usize]) -> Result<Vec<Value>> {
        let found: usize = lengths.iter().sum();
        let size = self.ty(x).shape.get(axis).and_then(Dim::known);
        if size != Some(found) {
            return Err(Error::Shape {
                operator: "split",
                what: format!("lengths along axis {axis} add up to"),
                found: found.to_string(),
                expected: size.as_ref().map_or("an axis of known size".into(), ToString::to_string),
            });
        }
        let mut start = 0;
        lengths
            .iter()
            .map(|&length| {
                start += length;
                self.slice(x, axis, start - length..start)
            })
            .collect()
    }

    /// One index of an axis, which goes.
    ///
    /// # Errors
    /// An index that is not within.
    pub fn at(&mut self, x: Value, axis: usize, index: usize) -> Result<Value> {
        let part = self.slice(x, axis, index..index + 1)?;
        let mut shape = self.ty(part).shape.clone();
        shape.remove(axis);
        self.reshape(part, shape)
    }

    /// A tensor repeated to a shape.
    ///
    /// # Errors
    /// A shape that it does not broadcast to.
    pub fn broadcast<D: Into<Dim>>(&mut self, x: Value, shape: impl IntoIterator<Item = D>) -> Result<Value> {
        self.apply(Broadcast(shape.into_iter().map(Into::into).collect()), &[x])
    }

    /// The elements below the diagonal of square matrices.
    ///
    /// # Errors
    /// What is no square matrix.
    pub fn lower_triangle(&mut self, x: Value) -> Result<Value> {
        self.apply(LowerTriangle, &[x])
    }

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
