//! Where everything that a graph needs lies in the arena.

use std::collections::{BTreeMap, BTreeSet};

use super::PlanOptions;
use super::life::Life;
use super::memory::{Buffer, Placed, place};
use super::sharing::{Groups, Homes, lifetimes, share};
use crate::Extent;
use crate::graph::{Graph, Source, Value};

/// Tensors, reserved memory and workspaces, each with its buffer.
pub(super) struct Layout {
    groups: Groups,
    /// The buffer of each group of tensors.
    at: BTreeMap<usize, usize>,
    /// The first buffer of what is reserved, in its order.
    pub(super) reserved_from: usize,
    /// The first buffer of the workspaces, one a node.
    pub(super) scratch_from: usize,
    pub(super) placed: Placed,
}

impl Layout {
    /// The smaller one of two, if states may lose their memory on the way: what replaces a state lies where the state did, or
    /// anywhere, to be copied in the end. The former ties the places of what lives early and late, so that gaps are lost between.
    pub(super) fn new(
        graph: &Graph,
        extents: &[Extent],
        used: &BTreeSet<Value>,
        options: &PlanOptions,
        threads: usize,
    ) -> Self {
        let with = |homes: &Homes| Self::with(graph, extents, used, options, threads, homes);
        if !options.rolling {
            return with(&Homes::Kept);
        }
        let layout = with(&Homes::Lost(BTreeSet::new()));
        let hollow = |state: &Value| layout.groups.life[layout.groups.find(state.index())].ranges().len() > 1;
        let copied: BTreeSet<_> = graph.updates().iter().map(|(state, _)| *state).filter(hollow).collect();
        if copied.is_empty() || layout.placed.bytes == layout.placed.live {
            return layout;
        }
        let other = with(&Homes::Lost(copied));
        if other.placed.bytes < layout.placed.bytes { other } else { layout }
    }

    fn with(
        graph: &Graph,
        extents: &[Extent],
        used: &BTreeSet<Value>,
        options: &PlanOptions,
        threads: usize,
        homes: &Homes,
    ) -> Self {
        let mut groups = lifetimes(graph, extents, &options.keep, homes);
        share(graph, &mut groups);
        let everywhere = if let [only] = graph.stages() { only } else { "all" };
        let mut buffers = Vec::new();
        let mut at = BTreeMap::new();
        for value in used {
            let k = value.index();
            if groups.find(k) != k {
                continue;
            }
            let tensor = graph.tensor(*value);
            let stage = match tensor.source {
                Source::Node { node, .. } => graph.stage_name(graph.nodes()[node].stage),
                _ => everywhere,
            };
            at.insert(k, buffers.len());
            buffers.push(Buffer::new(&tensor.name, stage, groups.bytes[k], groups.life[k].clone()));
        }
        let last = graph.nodes().len() as isize;
        let reserved_from = buffers.len();
        for (name, extent) in &options.reserve {
            buffers.push(Buffer::new(name, everywhere, extent.bytes(), Life::new(-1, last)));
        }
        let scratch_from = buffers.len();
        for (k, node) in graph.nodes().iter().enumerate() {
            let of = |values: &[Value]| {
                values.iter().map(|value| extents[value.index()].clone()).collect::<Vec<_>>()
            };
            let bytes = node.operator.workspace(&of(&node.operands), &of(&node.results), threads);
            let (name, k) = (format!("scratch of {}", node.name), k as isize);
            buffers.push(Buffer::new(&name, graph.stage_name(node.stage), bytes, Life::new(k, k)));
        }
        Self { groups, at, reserved_from, scratch_from, placed: place(buffers) }
    }

    /// The buffer of a tensor that is used.
    pub(super) fn buffer_of(&self, tensor: usize) -> usize {
        self.at[&self.groups.find(tensor)]
    }
}
