//! Graphs made from graphs: storage in half precision, nodes that nobody reads left out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Graph, Node, Pass, Source, Tensor, Value};
use crate::operator::{Cast, Operator};
use crate::{DType, Result};

impl Graph {
    /// The same graph, but what the backward pass reads of the forward pass is kept in `BF16` from one to the other: half of the
    /// bytes for a rounding of 2^-8. Parameters, statistics and arithmetic stay as they are.
    ///
    /// # Errors
    /// Those of the casts.
    pub fn stored_in_bf16(&self) -> Result<Self> {
        let forward = |value: &Value| match self.tensor(*value).source {
            Source::Node { node, result: 0 } => {
                self.nodes[node].pass == Pass::Forward && !self.nodes[node].operator.is_view()
            }
            _ => false,
        };
        let saved: BTreeSet<Value> = (self.nodes.iter())
            .filter(|node| node.pass == Pass::Backward)
            .flat_map(|node| &node.operands)
            .filter(|value| {
                forward(value) && self.ty(**value).dtype == DType::F32 && self.ty(**value).rank() > 1
            })
            .copied()
            .collect();
        let mut out = Self { nodes: Vec::new(), ..self.clone() };
        let (mut numbers, mut halves, mut restored) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for original in &self.nodes {
            let mut node = original.clone();
            let of = node.of.map(|of: usize| numbers[of]);
            if node.pass == Pass::Backward {
                for operand in &mut node.operands {
                    let Some(&half) = halves.get(operand) else { continue };
                    let whole = match restored.get(operand) {
                        Some(&whole) => whole,
                        None => out.insert(Cast(DType::F32), half, original, of)?,
                    };
                    restored.insert(*operand, whole);
                    *operand = whole;
                }
            }
            let number = out.nodes.len();
            numbers.push(number);
            for (result, value) in node.results.iter().enumerate() {
                out.tensors[value.index()].source = Source::Node { node: number, result };
            }
            node.of = of;
            out.nodes.push(node.clone());
            for value in node.results.iter().filter(|value| saved.contains(value)) {
                halves.insert(*value, out.insert(Cast(DType::BF16), *value, original, of)?);
            }
        }
        Ok(out)
    }

    /// Adds a node beside another, of the same stage and pass.
    fn insert(
        &mut self,
        operator: impl Operator + 'static,
        x: Value,
        beside: &Node,
        of: Option<usize>,
    ) -> Result<Value> {
        let ty = operator.results(&[self.ty(x).clone()])?.remove(0);
        let (node, name) = (self.nodes.len(), format!("{} for {}", operator.name(), beside.name));
        let value = self.push(Tensor { name: name.clone(), ty, source: Source::Node { node, result: 0 } });
        let (stage, pass) = (beside.stage, beside.pass);
        self.nodes.push(Node {
            operator: Arc::new(operator),
            operands: vec![x],
            results: vec![value],
            name,
            stage,
            pass,
            of,
            turn: 0,
        });
        Ok(value)
    }

    /// Adds a node of another graph on operands of this one, as part of the last stage.
    pub(crate) fn replay(&mut self, from: &Self, node: usize, operands: Vec<Value>, turn: u64) -> Vec<Value> {
        let (node, number) = (&from.nodes[node], self.nodes.len());
        let results: Vec<Value> = (node.results.iter().enumerate())
            .map(|(result, value)| {
                let Tensor { name, ty, .. } = from.tensor(*value);
                let source = Source::Node { node: number, result };
                self.push(Tensor { name: format!("{name}@{turn}"), ty: ty.clone(), source })
            })
            .collect();
        self.nodes.push(Node {
            operator: Arc::clone(&node.operator),
            operands,
            results: results.clone(),
            name: format!("{}@{turn}", node.name),
            stage: self.stages.len().saturating_sub(1),
            pass: node.pass,
            of: None,
            turn,
        });
        results
    }

    /// Which nodes are needed: their results are read by another that is, they are outputs, updates or in `keep`, or the node
    /// does something besides.
    pub(crate) fn living(&self, keep: &[Value]) -> Vec<bool> {
        let mut needed: BTreeSet<Value> = keep.iter().copied().collect();
        needed.extend(self.outputs.iter().map(|&(_, value)| value));
        needed.extend(self.updates.iter().map(|&(_, by)| by));
        let mut alive = vec![false; self.nodes.len()];
        for (k, node) in self.nodes.iter().enumerate().rev() {
            if node.operator.has_effect() || node.results.iter().any(|value| needed.contains(value)) {
                alive[k] = true;
                needed.extend(&node.operands);
            }
        }
        alive
    }

    /// Drops nodes whose results nobody reads: neither another node, nor an output, an update, or `keep`.
    #[must_use]
    pub fn pruned(&self, keep: &[Value]) -> Self {
        let alive = self.living(keep);
        let mut pruned = self.clone();
        let renumber: Vec<_> = alive
            .iter()
            .scan(0, |next, &alive| {
                let number = *next;
                *next += usize::from(alive);
                Some(number)
            })
            .collect();
        pruned.nodes = self
            .nodes
            .iter()
            .zip(&alive)
            .filter(|(_, alive)| **alive)
            .map(|(node, _)| node.clone())
            .collect();
        for node in &mut pruned.nodes {
            node.of = node.of.filter(|&of| alive[of]).map(|of| renumber[of]);
        }
        for tensor in &mut pruned.tensors {
            if let Source::Node { node, .. } = &mut tensor.source {
                *node = renumber[*node];
            }
        }
        pruned
    }
}
