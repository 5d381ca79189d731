//! A model with its derivative: what planners cut, and what programs of stages are made from.

use std::collections::BTreeSet;

use crate::graph::{Graph, Pass, Source, Value};
use crate::{Extent, Gradient, Result, Sizes};

/// A graph with its backward pass, and the only output `loss`. Forward nodes stand before all others, in an order in which they
/// can run; every backward node names the forward node that it differentiates.
///
/// ```
/// use ketline_model::models::Transformer;
/// use ketline_model::plan::Derived;
///
/// let graph = Transformer { layers: 2, ..Transformer::default() }.gpt(false)?;
/// let derived = Derived::new(&graph)?;
/// assert!(derived.forward() < derived.graph().nodes().len());
/// assert_eq!(derived.gradients().len(), graph.parameters().count());
/// # Ok::<(), ketline_model::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Derived {
    graph: Graph,
    forward: usize,
    loss: Value,
    gradients: Vec<(Value, Value)>,
    only_weights: Vec<bool>,
    /// By forward node: whether a stage may end before it.
    cuttable: Vec<bool>,
}

impl Derived {
    /// Differentiates the output `loss` by every parameter; what neither needs is left out.
    ///
    /// # Errors
    /// No such output, or a node without derivative.
    pub fn new(graph: &Graph) -> Result<Self> {
        let mut graph = graph.clone();
        let loss = graph.find_output("loss")?;
        let parameters: Vec<Value> = graph.parameters().map(|(value, _)| value).collect();
        let found = graph.differentiate(loss, &parameters, &[])?;
        let gradients: Vec<(Value, Value)> = (parameters.iter().zip(found))
            .filter_map(|(&parameter, gradient)| match gradient? {
                Gradient::Dense(value) => Some((parameter, value)),
                Gradient::Rows { .. } => None, // none was asked for
            })
            .collect();
        graph.only_output("loss", loss);
        let keep: Vec<Value> = gradients.iter().map(|&(_, gradient)| gradient).collect();
        let graph = graph.pruned(&keep);
        let forward = graph.nodes().iter().take_while(|node| node.pass == Pass::Forward).count();
        let (only_weights, cuttable) = (only_weights(&graph), cuttable(&graph, forward));
        Ok(Self { graph, forward, loss, gradients, only_weights, cuttable })
    }

    /// The graph, backward pass included.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Number of forward nodes; they are the first ones.
    pub fn forward(&self) -> usize {
        self.forward
    }

    /// The loss.
    pub fn loss(&self) -> Value {
        self.loss
    }

    /// Parameters and their gradients, in order of declaration; parameters on which the loss does not depend are left out.
    pub fn gradients(&self) -> &[(Value, Value)] {
        &self.gradients
    }

    /// The forward node that a node belongs to: itself, or the one that it differentiates.
    pub fn home(&self, node: usize) -> usize {
        self.graph.nodes()[node].of.unwrap_or(node)
    }

    /// Whether a backward node leads to gradients of parameters alone, so that a schedule may put it off (zero bubble).
    pub fn only_weights(&self, node: usize) -> bool {
        self.only_weights[node]
    }

    /// Whether a stage may end before a forward node: not between nodes that use and replace one state, such as a running mean.
    pub fn can_cut(&self, before: usize) -> bool {
        self.cuttable.get(before).copied().unwrap_or(false)
    }

    /// Extents of all tensors that nodes read or write, by number; those of other tensors are of one element.
    ///
    /// # Errors
    /// A size without value, a tensor without elements.
    pub fn extents(&self, sizes: &Sizes) -> Result<Vec<Extent>> {
        let graph = &self.graph;
        let mut extents: Vec<_> =
            graph.tensors().map(|(_, tensor)| Extent::new(tensor.ty.dtype, &[])).collect();
        let used: BTreeSet<Value> = graph
            .nodes()
            .iter()
            .flat_map(|node| node.operands.iter().chain(&node.results))
            .copied()
            .collect();
        for value in used {
            let tensor = graph.tensor(value);
            extents[value.index()] = tensor.ty.resolve(sizes, &tensor.name)?;
        }
        Ok(extents)
    }

    /// The tensor whose memory a view looks at; itself, if it is none.
    pub fn behind_views(&self, value: Value) -> Value {
        self.graph.behind_views(value)
    }
}

/// Backward nodes that no other forward node's derivative waits for.
fn only_weights(graph: &Graph) -> Vec<bool> {
    let mut waited: BTreeSet<Value> = BTreeSet::new();
    let mut only = vec![false; graph.nodes().len()];
    for (k, node) in graph.nodes().iter().enumerate().rev() {
        if node.pass != Pass::Backward {
            continue;
        }
        let needed = node.results.iter().any(|value| waited.contains(value));
        only[k] = !needed;
        for &operand in &node.operands {
            let Source::Node { node: from, .. } = graph.tensor(operand).source else { continue };
            if needed || graph.nodes()[from].of != node.of {
                waited.insert(operand);
            }
        }
    }
    only
}

fn cuttable(graph: &Graph, forward: usize) -> Vec<bool> {
    let mut cuttable = vec![true; forward];
    cuttable.iter_mut().take(1).for_each(|first| *first = false);
    for (state, by) in graph.updates() {
        let uses = |node: &crate::Node| {
            let all = || {
                node.operands
                    .iter()
                    .map(|&value| graph.behind_views(value))
                    .chain(node.results.iter().copied())
            };
            all().any(|value| value == *state || value == graph.behind_views(*by))
        };
        let mut users = (0..forward).filter(|&node| uses(&graph.nodes()[node]));
        if let Some(first) = users.next() {
            let last = users.next_back().unwrap_or(first);
            cuttable[first + 1..=last].fill(false);
        }
    }
    cuttable
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Transformer;

    #[test]
    fn products_for_weights_can_wait_and_those_for_activations_cannot() {
        let graph = Transformer { layers: 1, ..Transformer::default() }.gpt(false).unwrap();
        let derived = Derived::new(&graph).unwrap();
        let graph = derived.graph();
        let wait = |k: usize| derived.only_weights(k);
        for (k, node) in graph.nodes().iter().enumerate().skip(derived.forward()) {
            let gives_gradient =
                node.results.iter().any(|value| derived.gradients().iter().any(|(_, g)| g == value));
            if wait(k) && node.operator.name() == "matmul" {
                assert!(gives_gradient, "{}", node.name);
            }
        }
        let waiting = (derived.forward()..graph.nodes().len()).filter(|&k| wait(k)).count();
        assert!(waiting > 5, "{waiting}");
    }

    #[test]
    fn an_older_derivative_is_left_out() {
        let mut graph = Transformer { layers: 1, ..Transformer::default() }.gpt(false).unwrap();
        let nodes = Derived::new(&graph).unwrap().graph().nodes().len();
        let loss = graph.find_output("loss").unwrap();
        let by: Vec<_> = graph.parameters().map(|(value, _)| value).collect();
        graph.differentiate(loss, &by, &[]).unwrap();
        assert_eq!(Derived::new(&graph).unwrap().graph().nodes().len(), nodes);
    }
}
