//! Models that people know, as graphs: what the examples train, and what comparisons run.
//!
//! Each builds inputs, layers and the output `loss`, with named sizes for the batch, and marks its stages.

use crate::graph::{Graph, Init, Value};
use crate::layers::Heads;
use crate::operator::Window;
use crate::{DType, Dim, Result, TensorType};

/// Sizes of a transformer.
#[derive(Debug, Clone, PartialEq)]
pub struct Transformer {
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
    /// The longest text, in tokens.
    pub length: usize,
    /// Channels.
    pub width: usize,
    /// Heads of attention.
    pub heads: usize,
    /// Blocks.
    pub layers: usize,
    /// Probability of dropout; zero for none.
    pub dropout: f64,
    /// Seed of dropout.
    pub seed: u64,
}

impl Default for Transformer {
    /// Four blocks of 256 channels.
    fn default() -> Self {
        Self { vocabulary: 256, length: 128, width: 256, heads: 4, layers: 4, dropout: 0.0, seed: 0 }
    }
}

impl Transformer {
    fn drop(&self, graph: &mut Graph, x: Value) -> Result<Value> {
        if self.dropout > 0.0 { graph.dropout(x, self.dropout, self.seed) } else { Ok(x) }
    }

    fn embed(&self, graph: &mut Graph, ids: Value) -> Result<Value> {
        let token = graph.embedding("token", ids, self.vocabulary, self.width, 0.02)?;
        let places = graph.arange(self.length)?;
        let place = graph.embedding("place", places, self.length, self.width, 0.02)?;
        let x = graph.add(token, place)?;
        self.drop(graph, x)
    }

    fn feed_forward(&self, graph: &mut Graph, x: Value) -> Result<Value> {
        let h = graph.layer_norm("norm2", x)?;
        let h = graph.linear("up", h, 4 * self.width)?;
        let h = graph.gelu_tanh(h)?;
        let h = graph.linear("down", h, self.width)?;
        let h = self.drop(graph, h)?;
        graph.add(x, h)
    }

    fn block(&self, graph: &mut Graph, x: Value, causal: bool, mask: Option<Value>) -> Result<Value> {
        let a = graph.layer_norm("norm1", x)?;
        let a = graph.self_attention("attention", a, Heads { heads: self.heads, causal, mask })?;
        let a = self.drop(graph, a)?;
        let x = graph.add(x, a)?;
        self.feed_forward(graph, x)
    }

    fn ids(&self, graph: &mut Graph, name: &str) -> Result<Value> {
        graph.input(name, TensorType::new(DType::I32, [Dim::named("B"), self.length.into()]))
    }

    /// GPT: inputs `ids` and `targets` `I32<B, length>`; outputs `loss` and, if wanted, `logits`. The loss keeps no logits.
    ///
    /// # Errors
    /// Sizes that do not go together.
    pub fn gpt(&self, logits: bool) -> Result<Graph> {
        let mut graph = Graph::new();
        let (ids, targets) = (self.ids(&mut graph, "ids")?, self.ids(&mut graph, "targets")?);
        graph.stage("embedding");
        let mut x = self.embed(&mut graph, ids)?;
        for layer in 0..self.layers {
            graph.stage(format!("block.{layer}"));
            x = graph.scope(format!("block.{layer}"), |graph| self.block(graph, x, true, None))?;
        }
        graph.stage("head");
        let x = graph.layer_norm("norm", x)?;
        let weight = TensorType::new(DType::F32, [self.vocabulary, self.width]);
        let weight = graph.parameter("head.weight", weight, Init::Normal(0.02))?;
        if logits {
            let logits = graph.apply(crate::operator::Linear, &[x, weight])?;
            graph.output("logits", logits)?;
        }
        let loss = graph.linear_cross_entropy(x, weight, targets)?;
        graph.output("loss", loss)?;
        Ok(graph)
    }

    /// BERT, masked language model: inputs `ids` `I32<B, length>`, `mask` `Bool<B, length>` (true for tokens, false for
    /// padding), `positions` `I32<P>` into the `B * length` positions, and `targets` `I32<P>`; output `loss`.
    ///
    /// # Errors
    /// Sizes that do not go together.
    pub fn bert(&self) -> Result<Graph> {
        let mut graph = Graph::new();
        let ids = self.ids(&mut graph, "ids")?;
        let mask =
            graph.input("mask", TensorType::new(DType::Bool, [Dim::named("B"), self.length.into()]))?;
        let positions = graph.input("positions", TensorType::new(DType::I32, ["P"]))?;
        let targets = graph.input("targets", TensorType::new(DType::I32, ["P"]))?;
        graph.stage("embedding");
        let mut x = self.embed(&mut graph, ids)?;
        for layer in 0..self.layers {
            graph.stage(format!("block.{layer}"));
            x = graph.scope(format!("block.{layer}"), |graph| self.block(graph, x, false, Some(mask)))?;
        }
        graph.stage("head");
        let x = graph.layer_norm("norm", x)?;
        let rows = Dim::named("B") * self.length.into();
        let x = graph.reshape(x, [rows, self.width.into()])?;
        let x = graph.gather(positions, x)?;
        let weight = TensorType::new(DType::F32, [self.vocabulary, self.width]);
        let weight = graph.parameter("head.weight", weight, Init::Normal(0.02))?;
        let loss = graph.linear_cross_entropy(x, weight, targets)?;
        graph.output("loss", loss)?;
        Ok(graph)
    }

    /// An encoder and a decoder in the manner of T5: inputs `ids` and `mask` of the source, `decoder_ids` and `targets`;
    /// root-mean-square norms, rotary positions, attention across; output `loss`.
    ///
    /// # Errors
    /// Sizes that do not go together.
    pub fn t5(&self) -> Result<Graph> {
        let mut graph = Graph::new();
        let ids = self.ids(&mut graph, "ids")?;
        let mask =
            graph.input("mask", TensorType::new(DType::Bool, [Dim::named("B"), self.length.into()]))?;
        let (decoder, targets) = (self.ids(&mut graph, "decoder_ids")?, self.ids(&mut graph, "targets")?);
        graph.stage("embedding");
        let table = TensorType::new(DType::F32, [self.vocabulary, self.width]);
        let table = graph.parameter("shared.weight", table, Init::Normal(0.05))?;
        let mut x = graph.gather(ids, table)?;
        for layer in 0..self.layers {
            graph.stage(format!("encoder.{layer}"));
            x = graph.scope(format!("encoder.{layer}"), |graph| {
                let x = self.gated_attention(graph, "self", x, x, false, Some(mask), true)?;
                self.gated(graph, x)
            })?;
        }
        let memory = graph.rms_norm("encoder.norm", x)?;
        let mut y = graph.gather(decoder, table)?;
        for layer in 0..self.layers {
            graph.stage(format!("decoder.{layer}"));
            y = graph.scope(format!("decoder.{layer}"), |graph| {
                let y = self.gated_attention(graph, "self", y, y, true, None, true)?;
                let y = self.gated_attention(graph, "cross", y, memory, false, Some(mask), false)?;
                self.gated(graph, y)
            })?;
        }
        graph.stage("head");
        let y = graph.rms_norm("decoder.norm", y)?;
        // the table is also the head
        let loss = graph.linear_cross_entropy(y, table, targets)?;
        graph.output("loss", loss)?;
        Ok(graph)
    }

    #[allow(clippy::too_many_arguments)] // the parts of an attention
    fn gated_attention(
        &self,
        graph: &mut Graph,
        name: &str,
        x: Value,
        memory: Value,
        causal: bool,
        mask: Option<Value>,
        rotate: bool,
    ) -> Result<Value> {
        graph.scope(name, |graph| {
            let h = graph.rms_norm("norm", x)?;
            let source = if memory == x { h } else { memory };
            let init = Init::Normal(1.0 / (self.width as f64).sqrt());
            let mut q = graph.linear_from("q", h, self.width, init, None)?;
            let mut k = graph.linear_from("k", source, self.width, init, None)?;
            let v = graph.linear_from("v", source, self.width, init, None)?;
            if rotate {
                (q, k) = (graph.rotary(q, self.heads)?, graph.rotary(k, self.heads)?);
            }
            let a = graph.attention(q, k, v, Heads { heads: self.heads, causal, mask })?;
            let a = graph.linear_from("out", a, self.width, init, None)?;
            graph.add(x, a)
        })
    }

    fn gated(&self, graph: &mut Graph, x: Value) -> Result<Value> {
        let h = graph.rms_norm("norm2", x)?;
        let init = Init::Normal(1.0 / (self.width as f64).sqrt());
        let gate = graph.linear_from("gate", h, 2 * self.width, init, None)?;
        let gate = graph.silu(gate)?;
        let up = graph.linear_from("up", h, 2 * self.width, init, None)?;
        let h = graph.multiply(gate, up)?;
        let h = graph.linear_from("down", h, self.width, init, None)?;
        graph.add(x, h)
    }
}

/// A network of linear layers with `relu` between them: inputs `x` `F32<B, sizes[0]>` and `targets` `I32<B>`; output `loss`.
///
/// # Errors
/// Fewer than two sizes.
pub fn mlp(sizes: &[usize]) -> Result<Graph> {
    let mut graph = Graph::new();
    let (&[first, ..], &[.., last]) = (sizes, sizes) else {
        let found = sizes.len().to_string();
        return Err(crate::Error::Setting { name: "the number of sizes", found, expected: "2 or more" });
    };
    let mut x = graph.input("x", TensorType::new(DType::F32, [Dim::named("B"), first.into()]))?;
    let targets = graph.input("targets", TensorType::new(DType::I32, ["B"]))?;
    for (k, &size) in sizes[1..sizes.len() - 1].iter().enumerate() {
        x = graph.linear(&format!("layer.{k}"), x, size)?;
        x = graph.relu(x)?;
    }
    let logits = graph.linear(&format!("layer.{}", sizes.len() - 2), x, last)?;
    let loss = graph.cross_entropy(logits, targets)?;
    graph.output("logits", logits)?;
    graph.output("loss", loss)?;
    Ok(graph)
}

/// A convolutional classifier of square images: two convolutions, a pool, two of twice the filters, a pool, two linear layers.
/// Inputs are `x` `F32<B, channels, size, size>` and `targets` `I32<B>`; outputs `logits` and `loss`.
///
/// # Errors
/// Images that are too small.
pub fn conv_net(channels: usize, size: usize, filters: usize, classes: usize) -> Result<Graph> {
    let mut graph = Graph::new();
    let shape = [Dim::named("B"), channels.into(), size.into(), size.into()];
    let mut x = graph.input("x", TensorType::new(DType::F32, shape))?;
    let targets = graph.input("targets", TensorType::new(DType::I32, ["B"]))?;
    for (k, filters) in [filters, 2 * filters].into_iter().enumerate() {
        graph.stage(format!("convolutions.{k}"));
        for half in 0..2 {
            x = graph.conv2d(&format!("conv.{}", 2 * k + half), x, filters, Window::square(3, 1, 1))?;
            x = graph.relu(x)?;
        }
        x = graph.max_pool(x, Window::square(2, 2, 0))?;
    }
    graph.stage("head");
    let x = graph.flatten(x)?;
    let x = graph.linear("hidden", x, 128)?;
    let x = graph.relu(x)?;
    let logits = graph.linear("out", x, classes)?;
    let loss = graph.cross_entropy(logits, targets)?;
    graph.output("logits", logits)?;
    graph.output("loss", loss)?;
    Ok(graph)
}

/// A residual network of images in the manner of `ResNet` (arXiv:1512.03385): a convolution, then four groups of as many blocks
/// as given, each block two convolutions with batch norms beside a shortcut; from group to group twice the filters and half the
/// size. Its first layers hold most of the activations, and its last ones most of the parameters. Inputs are `x`
/// `F32<B, channels, size, size>` and `targets` `I32<B>`; output `loss`.
///
/// # Errors
/// Images that are too small.
pub fn residual_net(
    channels: usize,
    size: usize,
    filters: usize,
    blocks: [usize; 4],
    classes: usize,
) -> Result<Graph> {
    let mut graph = Graph::new();
    let shape = [Dim::named("B"), channels.into(), size.into(), size.into()];
    let x = graph.input("x", TensorType::new(DType::F32, shape))?;
    let targets = graph.input("targets", TensorType::new(DType::I32, ["B"]))?;
    graph.stage("stem");
    let mut x = convolved(&mut graph, "stem", x, filters, Window::square(3, 1, 1))?;
    x = graph.relu(x)?;
    for (group, blocks) in blocks.into_iter().enumerate() {
        for block in 0..blocks {
            let name = format!("group.{group}.{block}");
            graph.stage(&name);
            let stride = if group > 0 && block == 0 { 2 } else { 1 };
            x = graph.scope(name, |graph| residual(graph, x, filters << group, stride))?;
        }
    }
    graph.stage("head");
    let x = graph.mean(x, &[2, 3])?;
    let logits = graph.linear("head", x, classes)?;
    let loss = graph.cross_entropy(logits, targets)?;
    graph.output("loss", loss)?;
    Ok(graph)
}

fn convolved(graph: &mut Graph, name: &str, x: Value, filters: usize, window: Window) -> Result<Value> {
    let x = graph.conv2d(name, x, filters, window)?;
    graph.batch_norm(&format!("{name}.norm"), x, true)
}

fn residual(graph: &mut Graph, x: Value, filters: usize, stride: usize) -> Result<Value> {
    let h = convolved(graph, "conv1", x, filters, Window::square(3, stride, 1))?;
    let h = graph.relu(h)?;
    let h = convolved(graph, "conv2", h, filters, Window::square(3, 1, 1))?;
    let shortcut = if graph.ty(x) == graph.ty(h) {
        x
    } else {
        convolved(graph, "shortcut", x, filters, Window::square(1, stride, 0))?
    };
    let sum = graph.add(shortcut, h)?;
    graph.relu(sum)
}

/// DLRM (arXiv:1906.00091): tables of `rows` by `width` for sparse features, networks below and above their pairwise products.
/// Inputs are `x` `F32<B, dense>`, `ids.0` .. `I32<B, 1>`, and `targets` `F32<B>`; output `loss`, the binary cross entropy.
///
/// # Errors
/// Sizes that do not go together.
pub fn dlrm(dense: usize, tables: usize, rows: usize, width: usize) -> Result<Graph> {
    let mut graph = Graph::new();
    let mut b = graph.input("x", TensorType::new(DType::F32, [Dim::named("B"), dense.into()]))?;
    let targets = graph.input("targets", TensorType::new(DType::F32, ["B"]))?;
    for (k, size) in [512, 256, 64, width].into_iter().enumerate() {
        b = graph.linear(&format!("bottom.{k}"), b, size)?;
        b = graph.relu(b)?;
    }
    let mut vectors = vec![b];
    for k in 0..tables {
        let ids =
            graph.input(&format!("ids.{k}"), TensorType::new(DType::I32, [Dim::named("B"), 1.into()]))?;
        vectors.push(graph.embedding_bag(&format!("table.{k}"), ids, rows, width, 1.0)?);
    }
    let all = graph.stack(&vectors, 1)?;
    let products =
        graph.apply(crate::operator::MatMul { transpose_a: false, transpose_b: true }, &[all, all])?;
    let products = graph.lower_triangle(products)?;
    let mut x = graph.concat(&[b, products], 1)?;
    for (k, size) in [512, 256].into_iter().enumerate() {
        x = graph.linear(&format!("top.{k}"), x, size)?;
        x = graph.relu(x)?;
    }
    let logits = graph.linear("top.2", x, 1)?;
    let logits = graph.reshape(logits, ["B"])?;
    let loss = graph.binary_cross_entropy(logits, targets)?;
    graph.output("logits", logits)?;
    graph.output("loss", loss)?;
    Ok(graph)
}
