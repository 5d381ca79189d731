//! Plans: a graph with numbers for its named sizes, and a place in memory for every tensor.

use std::collections::BTreeSet;
use std::fmt;

use crate::device::Device;
use crate::graph::{Graph, Source, Value};
use crate::operator::Cost;
use crate::{Error, Extent, Result, Sizes};

mod balance;
mod binary;
mod capacity;
mod chain;
mod cluster;
mod derived;
mod evict;
mod exact;
mod law;
mod layout;
mod life;
mod memory;
mod method;
mod packing;
mod partition;
mod planner;
mod price;
mod profile;
#[cfg(test)]
mod random;
mod refine;
mod schedule;
mod sharing;
mod stage;
mod times;

pub use capacity::capacity;
pub use chain::Chain;
pub use cluster::{Cluster, Copies, Link};
pub use derived::Derived;
pub use law::Law;
use layout::Layout;
pub use life::Life;
pub use memory::Placement;
pub use method::Method;
pub use partition::{Cut, Eviction, Partition, Restore};
pub use planner::{Exactness, Planned, Planner, StagePlan};
pub use profile::{Inputs, Profile, ProfileRow, ProfileTable, Profiling};
pub use schedule::{Phase, PipelineSchedule, Turn};
pub use times::{Clock, Times};

/// The most axes that a tensor can have.
pub const MAX_RANK: usize = 8;

/// What a plan is made for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanOptions {
    /// Threads of the team; 0 for as many as the system offers.
    pub threads: usize,
    /// Where it runs.
    pub device: Device,
    /// The most bytes that may be used.
    pub cap: Option<usize>,
    /// Tensors to keep until the end of a step besides the outputs, such as gradients.
    pub keep: Vec<Value>,
    /// Memory to be had besides, such as moments of an optimiser: names and extents.
    pub reserve: Vec<(String, Extent)>,
    /// Whether states that are replaced may lose their memory on the way: less is needed, but a step that fails leaves them lost.
    pub rolling: bool,
}

/// One node with its place in memory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) node: usize,
    pub(crate) scratch: (usize, usize),
}

/// A graph made ready: an order, and where each tensor lies in one arena, known before the first step.
///
/// Tensors whose lifetimes do not overlap share memory; views and operators that may work in place lie where their operand does.
#[derive(Debug, Clone)]
#[must_use]
pub struct Plan {
    pub(crate) graph: Graph,
    pub(crate) extents: Vec<Extent>,
    pub(crate) offsets: Vec<Option<usize>>,
    pub(crate) steps: Vec<Step>,
    pub(crate) reserved: Vec<(String, Extent, usize)>,
    pub(crate) threads: usize,
    pub(crate) device: Device,
    /// Steps that one run counts as.
    pub(crate) turns: u64,
    buffers: Vec<Placement>,
    bytes: usize,
    live: usize,
}

impl Plan {
    /// Plans a graph for these sizes.
    ///
    /// # Errors
    /// A size without value, a tensor without elements, or [`Error::DoesNotFit`] under the cap.
    pub fn new(graph: &Graph, sizes: &Sizes, options: &PlanOptions) -> Result<Self> {
        let graph = graph.pruned(&options.keep);
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads.min(256),
        };
        let used: BTreeSet<Value> = (graph.nodes().iter())
            .flat_map(|node| node.operands.iter().chain(&node.results))
            .chain(graph.outputs().iter().map(|(_, value)| value))
            .chain(graph.updates().iter().flat_map(|(state, by)| [state, by]))
            .chain(&options.keep)
            .copied()
            .chain(
                graph
                    .tensors()
                    .filter(|(_, t)| !matches!(t.source, Source::Node { .. }))
                    .map(|(value, _)| value),
            )
            .collect();
        let mut extents = Vec::with_capacity(graph.tensors().len());
        for (value, tensor) in graph.tensors() {
            extents.push(if used.contains(&value) {
                let extent = tensor.ty.resolve(sizes, &tensor.name)?;
                if extent.dims.len() > MAX_RANK {
                    let rank = extent.dims.len();
                    return Err(Error::Axis { operator: "plan", axis: rank, rank: MAX_RANK });
                }
                extent
            } else {
                Extent::new(tensor.ty.dtype, &[])
            });
        }

        let layout = Layout::new(&graph, &extents, &used, options, threads);
        layout.placed.within(options.cap)?;
        let Layout { placed, reserved_from, scratch_from, .. } = &layout;
        let offset = |k: usize| placed.buffers[k].offset;
        let offsets = (0..extents.len())
            .map(|k| used.contains(&Value(k as u32)).then(|| offset(layout.buffer_of(k))))
            .collect();
        let steps = (0..graph.nodes().len())
            .map(|node| Step {
                node,
                scratch: (offset(scratch_from + node), placed.buffers[scratch_from + node].bytes),
            })
            .collect();
        let reserved = options.reserve.iter().enumerate();
        let reserved = reserved
            .map(|(k, (name, extent))| (name.clone(), extent.clone(), offset(reserved_from + k)))
            .collect();
        Ok(Self {
            extents,
            offsets,
            steps,
            reserved,
            threads,
            device: options.device,
            turns: graph.nodes().iter().map(|node| node.turn + 1).max().unwrap_or(1),
            bytes: placed.bytes,
            live: placed.live,
            buffers: layout.placed.buffers,
            graph,
        })
    }

    /// Bytes of the arena: all that a run of this plan ever uses.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The most bytes that are alive at once; the arena cannot be smaller.
    pub fn live_bytes(&self) -> usize {
        self.live
    }

    /// Threads that the plan is made for.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Where it will run.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The graph as it will run, without nodes that nobody reads.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Every piece of memory: what for, where, how large, and when.
    pub fn placements(&self) -> &[Placement] {
        &self.buffers
    }

    /// A tensor's extent.
    pub fn extent(&self, value: Value) -> &Extent {
        &self.extents[value.index()]
    }

    /// What a node costs.
    pub fn cost(&self, node: usize) -> Cost {
        let node = &self.graph.nodes()[node];
        let of =
            |values: &[Value]| values.iter().map(|value| self.extent(*value).clone()).collect::<Vec<_>>();
        node.operator.cost(&of(&node.operands), &of(&node.results))
    }

    /// What all nodes cost together.
    pub fn total_cost(&self) -> Cost {
        (0..self.steps.len()).map(|k| self.cost(k)).fold(Cost::default(), |sum, cost| Cost {
            flops: sum.flops + cost.flops,
            bytes: sum.bytes + cost.bytes,
        })
    }
}

impl fmt::Display for Plan {
    /// Memory and cost in all, then a line for each node.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total_cost();
        writeln!(
            f,
            "{} nodes, {:.3} GFLOP, arena {} bytes, {} alive at most, {} threads",
            self.steps.len(),
            total.flops as f64 / 1e9,
            self.bytes,
            self.live,
            self.threads
        )?;
        for step in &self.steps {
            let (node, cost) = (&self.graph.nodes()[step.node], self.cost(step.node));
            let results = node.results.iter().filter_map(|value| {
                Some(format!("{} at {}", self.extent(*value), self.offsets[value.index()]?))
            });
            let results = results.collect::<Vec<_>>().join(", ");
            writeln!(
                f,
                "{:5} {:40} {results}, {} flop, {} bytes",
                step.node, node.name, cost.flops, cost.bytes
            )?;
        }
        Ok(())
    }
}
