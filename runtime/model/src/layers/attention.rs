//! Attention, and positions turned into queries and keys.

use crate::Result;
use crate::graph::{Graph, Value};
use crate::operator::{Attention, Rotary};

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
}
