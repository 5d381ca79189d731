//! Where a model is cut, and what each stage does to fit.

use std::collections::BTreeMap;
use std::ops::Range;

use super::derived::Derived;
use super::schedule::PipelineSchedule;
use crate::graph::Value;
use crate::{Error, Result};

/// How a tensor that the backward pass reads leaves memory in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Eviction {
    /// It is copied to the host after its last use of the forward pass, and back before its first use of the backward pass.
    Swap,
    /// The node that made it runs again, right before its first use of the backward pass.
    Recompute,
}

/// When evicted tensors come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Restore {
    /// Each right before the backward node that first needs it.
    #[default]
    Node,
    /// All those of a layer (a stage in the sense of [`Graph::stages`](crate::Graph::stages)) before its first backward node.
    Layer,
}

/// A stage: consecutive forward nodes, with their backward nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Numbers of its forward nodes in [`Derived::graph`].
    pub nodes: Range<usize>,
    /// What leaves memory between the passes. A tensor that is not listed is kept if anything needs it again: to run a chain of
    /// nodes again from its beginning, all tensors of the chain are listed.
    pub evictions: BTreeMap<Value, Eviction>,
    /// When they come back.
    pub restore: Restore,
    /// Whether tensors on the host are asked back so early that they are there in time, which takes memory before they are read;
    /// otherwise they are asked back when they are read, and the device waits.
    pub early: bool,
}

/// A model in stages, one a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// The order of passes.
    pub schedule: PipelineSchedule,
    /// Micro-batches of a step.
    pub micro_batches: usize,
    /// The stages, in order; together they have every forward node once.
    pub stages: Vec<Cut>,
}

impl Partition {
    /// Stages that end before these nodes, with nothing evicted.
    pub fn new(derived: &Derived, schedule: PipelineSchedule, micro_batches: usize, ends: &[usize]) -> Self {
        let mut from = 0;
        let stages = (ends.iter().copied().chain([derived.forward()]))
            .map(|to| {
                let nodes = from..to;
                from = to;
                Cut { nodes, evictions: BTreeMap::new(), restore: Restore::Node, early: true }
            })
            .collect();
        Self { schedule, micro_batches, stages }
    }

    /// The stage of a forward node.
    pub fn stage_of(&self, node: usize) -> usize {
        self.stages.partition_point(|cut| cut.nodes.end <= node)
    }

    /// Whether the stages are those of this model.
    ///
    /// # Errors
    /// [`Error::Partition`]: no stage, a stage without nodes, nodes that are missing or there twice, no micro-batch.
    pub fn check(&self, derived: &Derived) -> Result<()> {
        let wrong = |found: String, expected: String| Err(Error::Partition { found, expected });
        if self.micro_batches == 0 {
            return wrong("no micro-batch".into(), "1 or more".into());
        }
        if self.stages.len() > derived.forward() {
            let found = format!("{} stages", self.stages.len());
            return wrong(found, format!("at most one for each of {} nodes", derived.forward()));
        }
        let mut from = 0;
        for (stage, cut) in self.stages.iter().enumerate() {
            if cut.nodes.start != from || cut.nodes.is_empty() {
                let found = format!("nodes {:?} in stage {stage}", cut.nodes);
                return wrong(found, format!("one node or more, from number {from} on"));
            }
            if from > 0 && !derived.can_cut(from) {
                let found = format!("a cut before node {from}, which uses a state of the stage before");
                return wrong(found, "one stage for all that use a state".into());
            }
            from = cut.nodes.end;
        }
        if from != derived.forward() {
            return wrong(format!("stages up to node {from}"), format!("all {} nodes", derived.forward()));
        }
        Ok(())
    }
}
