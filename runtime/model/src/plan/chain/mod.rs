//! A model as planners see it: a row of nodes with seconds and bytes, so that a stage is an interval of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::cluster::Link;
use super::derived::Derived;
use super::times::{Clock, Times};
use crate::graph::{Source, Value};
use crate::{Result, Sizes};

mod rows;

use rows::{Rows, aligned};

/// Who makes a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    /// The host, for each micro-batch.
    Host,
    /// A forward node.
    Forward(usize),
    /// A backward node, by its place among them.
    Backward(usize),
}

/// Memory that a tensor has, and all views of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) value: Value,
    pub(crate) bytes: u64,
    pub(crate) maker: Maker,
}

/// A node that is no view.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Number of the forward node that it is, or differentiates.
    pub(crate) home: usize,
    pub(crate) seconds: f64,
    pub(crate) workspace: u64,
    /// What it reads, by number of the memory; parameters and states are left out.
    pub(crate) reads: Vec<u32>,
    pub(crate) writes: Vec<u32>,
    /// What it may write where what it reads: pairs of memory.
    pub(crate) in_place: Vec<(u32, u32)>,
    /// Whether a schedule may put it off.
    pub(crate) waits: bool,
    /// Bytes of the parameters that it is the first to use and that no backward step reads.
    pub(crate) parameters: u64,
    /// Bytes of the parameters that no backward step reads after it.
    pub(crate) last_reads: u64,
    /// Bytes of gradients of parameters that it makes, with the node that uses the parameter first.
    pub(crate) gradients: Vec<(usize, u64)>,
}

/// A parameter that several nodes use.
#[derive(Debug, Clone)]
struct Shared {
    bytes: u64,
    users: Vec<usize>,
}

/// A model at given sizes of a micro-batch, with prefix sums: what an interval of its forward nodes and their backward nodes
/// takes, holds and passes on.
#[derive(Debug, Clone)]
pub struct Chain {
    pub(crate) memory: Vec<Memory>,
    /// A step a forward node; those of views do nothing.
    pub(crate) forward: Vec<Step>,
    /// Backward nodes in the order in which they run: from the last home to the first.
    pub(crate) backward: Vec<Step>,
    /// By node: the first backward step whose home is before it.
    behind: Vec<usize>,
    /// Numbers of layers, by node.
    pub(crate) layer: Vec<usize>,
    shared: Vec<Shared>,
    can_cut: Vec<bool>,
    // sums over the nodes before a number
    seconds: Vec<f64>,
    owned: Vec<u64>,
    read_back: Vec<u64>,
    states: Vec<u64>,
    saved: Vec<u64>,
    /// By node before which is cut: bytes that go on, and bytes that come back.
    crossing: Vec<(u64, u64)>,
    clock: Clock,
}

impl Chain {
    /// Lays a model out. `threads` is the size of a stage's team, on which workspaces depend.
    ///
    /// # Errors
    /// A size without value.
    pub fn new(derived: &Derived, sizes: &Sizes, times: &Times, threads: usize) -> Result<Self> {
        let extents = derived.extents(sizes)?;
        let users = users(derived);
        let mut rows = Rows::new(derived, &extents, times, threads, &users);
        let nodes = derived.forward();
        let mut forward: Vec<_> = (0..nodes).map(|node| rows.step(node)).collect();
        let mut order: Vec<_> = (nodes..derived.graph().nodes().len()).collect();
        order.sort_by_key(|&node| std::cmp::Reverse(derived.home(node)));
        order.retain(|&node| !derived.graph().nodes()[node].operator.is_view());
        for (at, &node) in order.iter().enumerate() {
            rows.backward.insert(node, at);
        }
        let mut backward: Vec<_> = order.iter().map(|&node| rows.step(node)).collect();
        let behind =
            (0..=nodes).map(|node| backward.partition_point(|step| step.home >= node)).collect::<Vec<_>>();

        let (mut weights, mut read_back) = (vec![0; nodes], vec![0; nodes]);
        let last_reads = last_reads(derived, &order);
        let mut states = vec![0; nodes];
        let mut shared = Vec::new();
        for (value, users) in users {
            let bytes = aligned(&extents[value.index()]);
            let Some(&home) = users.first() else { continue };
            if matches!(derived.graph().tensor(value).source, Source::State(_)) {
                states[home] += bytes;
                continue;
            }
            weights[home] += bytes;
            if let Some(&at) = last_reads.get(&value) {
                read_back[home] += bytes;
                if backward[at].home == home {
                    backward[at].last_reads += bytes;
                }
            } else {
                forward[home].parameters += bytes;
            }
            if users.len() > 1 {
                shared.push(Shared { bytes, users: users.into_iter().collect() });
            }
        }
        let mut seconds: Vec<f64> = forward.iter().map(|step| step.seconds).collect();
        for step in &backward {
            seconds[step.home] += step.seconds;
        }
        let mut saved = vec![0; nodes];
        let read: BTreeSet<u32> = backward.iter().flat_map(|step| &step.reads).copied().collect();
        for memory in read.into_iter().map(|k| &rows.memory[k as usize]) {
            if let Maker::Forward(node) = memory.maker {
                saved[node] += memory.bytes;
            }
        }
        let crossing = crossing(&rows.memory, &forward, &backward);
        Ok(Self {
            behind,
            layer: (0..nodes).map(|node| derived.graph().nodes()[node].stage).collect(),
            shared,
            can_cut: (0..nodes).map(|node| derived.can_cut(node)).collect(),
            seconds: sums(&seconds),
            owned: sums(&weights),
            read_back: sums(&read_back),
            states: sums(&states),
            saved: sums(&saved),
            crossing,
            clock: times.clock(),
            memory: rows.memory,
            forward,
            backward,
        })
    }

    /// Number of forward nodes.
    pub fn nodes(&self) -> usize {
        self.forward.len()
    }

    /// Where its times come from.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Whether a stage may end before a node.
    pub fn can_cut(&self, before: usize) -> bool {
        self.can_cut.get(before).copied().unwrap_or(false)
    }

    /// Whether a layer begins at a node, and it is not the first.
    pub fn is_layer_start(&self, node: usize) -> bool {
        (1..self.nodes()).contains(&node) && self.layer[node] != self.layer[node - 1]
    }

    /// Seconds of both passes of an interval of nodes.
    pub fn seconds(&self, nodes: &Range<usize>) -> f64 {
        self.seconds[nodes.end] - self.seconds[nodes.start]
    }

    /// The longest time of one node's passes.
    pub fn longest(&self) -> f64 {
        self.seconds.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
    }

    /// Bytes of the parameters that a stage owns: those of which it is the first user.
    pub fn owned(&self, nodes: &Range<usize>) -> u64 {
        self.owned[nodes.end] - self.owned[nodes.start]
    }

    /// Bytes of those parameters that the backward pass reads.
    pub fn read_back(&self, nodes: &Range<usize>) -> u64 {
        self.read_back[nodes.end] - self.read_back[nodes.start]
    }

    /// Bytes of parameters that a stage uses and an earlier one owns.
    pub fn borrowed(&self, nodes: &Range<usize>) -> u64 {
        let uses = |shared: &&Shared| {
            shared.users[0] < nodes.start && shared.users.iter().any(|user| nodes.contains(user))
        };
        self.shared.iter().filter(uses).map(|shared| shared.bytes).sum()
    }

    /// Bytes of states, such as running means.
    pub fn states(&self, nodes: &Range<usize>) -> u64 {
        self.states[nodes.end] - self.states[nodes.start]
    }

    /// Bytes that nodes of an interval make and the backward pass reads.
    pub fn saved(&self, nodes: &Range<usize>) -> u64 {
        self.saved[nodes.end] - self.saved[nodes.start]
    }

    /// Bytes that go over a cut before a node, in either pass; none at the ends.
    pub fn crossing(&self, before: usize) -> u64 {
        let (on, back) = self.crossing[before];
        on + back
    }

    /// Bytes that go on over a cut before a node, and bytes that come back.
    pub(crate) fn crossing_each(&self, before: usize) -> (u64, u64) {
        self.crossing[before]
    }

    /// Seconds that a link is busy with the cut before a node, for one micro-batch: tensors on and gradients back.
    pub fn transfer(&self, before: usize, link: &Link) -> f64 {
        let (on, back) = self.crossing[before];
        link.seconds(on) + link.seconds(back)
    }

    /// The backward steps of an interval of nodes.
    pub(crate) fn backward_of(&self, nodes: &Range<usize>) -> Range<usize> {
        self.behind[nodes.end]..self.behind[nodes.start]
    }
}

fn sums<T: Copy + Default + std::ops::Add<Output = T>>(of: &[T]) -> Vec<T> {
    let mut sum = T::default();
    std::iter::once(sum)
        .chain(of.iter().map(|&x| {
            sum = sum + x;
            sum
        }))
        .collect()
}

/// The forward nodes that use each parameter or state.
fn users(derived: &Derived) -> BTreeMap<Value, BTreeSet<usize>> {
    let graph = derived.graph();
    let mut users: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (k, node) in graph.nodes().iter().enumerate() {
        for &operand in &node.operands {
            let behind = derived.behind_views(operand);
            if matches!(graph.tensor(behind).source, Source::Parameter(_) | Source::State(_)) {
                users.entry(behind).or_default().insert(derived.home(k));
            }
        }
    }
    users
}

/// Parameters that backward nodes read, with the place of the last of these nodes in their order.
fn last_reads(derived: &Derived, order: &[usize]) -> BTreeMap<Value, usize> {
    let nodes = order.iter().map(|&node| &derived.graph().nodes()[node]).enumerate();
    nodes
        .flat_map(|(at, node)| node.operands.iter().map(move |&value| (derived.behind_views(value), at)))
        .collect()
}

/// Bytes over each cut: a tensor crosses all cuts between its maker and its farthest reader, once in each pass.
fn crossing(memory: &[Memory], forward: &[Step], backward: &[Step]) -> Vec<(u64, u64)> {
    let makers: Vec<Option<usize>> = (memory.iter())
        .map(|memory| match memory.maker {
            Maker::Host => None,
            Maker::Forward(node) => Some(node),
            Maker::Backward(at) => Some(backward[at].home),
        })
        .collect();
    // the farthest readers of each tensor, after and before its maker
    let mut reach: Vec<(usize, usize)> =
        makers.iter().map(|maker| maker.map_or((0, 0), |m| (m, m))).collect();
    for step in forward.iter().chain(backward) {
        for &k in &step.reads {
            let reach = &mut reach[k as usize];
            *reach = (reach.0.max(step.home), reach.1.min(step.home));
        }
    }
    let mut crossing = vec![(0, 0); forward.len() + 1];
    for ((memory, maker), (last, first)) in memory.iter().zip(makers).zip(reach) {
        let Some(maker) = maker else { continue };
        crossing[maker + 1..=last].iter_mut().for_each(|(on, _)| *on += memory.bytes);
        crossing[first + 1..=maker].iter_mut().for_each(|(_, back)| *back += memory.bytes);
    }
    crossing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Transformer;
    use crate::plan::Cluster;

    fn chain(graph: &crate::Graph, b: usize) -> Chain {
        let derived = Derived::new(graph).unwrap();
        let sizes = Sizes::new().with("B", b).with("P", 3 * b);
        let times = Times::of_cluster(&derived, &sizes, &Cluster::pcie_16gb()).unwrap();
        Chain::new(&derived, &sizes, &times, 1).unwrap()
    }

    #[test]
    fn a_transformer_passes_on_one_tensor_between_blocks() {
        let model = Transformer { layers: 2, ..Transformer::default() };
        let chain = chain(&model.gpt(false).unwrap(), 2);
        let channels = 2 * 128 * 256 * 4;
        for start in (0..chain.nodes()).filter(|&node| chain.is_layer_start(node)) {
            // the tensor on, its gradient back
            assert_eq!(chain.crossing[start], (channels, channels), "{start}");
        }
        assert_eq!(chain.crossing(0), 0);
        assert_eq!(chain.crossing(chain.nodes()), 0);
        let all = 0..chain.nodes();
        let sum: f64 = chain.forward.iter().chain(&chain.backward).map(|step| step.seconds).sum();
        assert!((chain.seconds(&all) - sum).abs() < 1e-12);
        assert_eq!(chain.backward_of(&all), 0..chain.backward.len());
    }

    #[test]
    fn a_table_used_at_both_ends_is_owned_once() {
        let model = Transformer { layers: 1, ..Transformer::default() };
        let chain = chain(&model.t5().unwrap(), 1);
        let table = 256 * 256 * 4;
        let (first, last) = (0..1, chain.nodes() - 1..chain.nodes());
        assert_eq!((chain.owned(&first), chain.borrowed(&first)), (table, 0));
        assert_eq!((chain.owned(&last), chain.borrowed(&last)), (0, table));
    }
}
