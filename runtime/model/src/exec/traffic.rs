//! What crosses from stage to stage.

use std::collections::{BTreeMap, BTreeSet};

use crate::Result;
use crate::graph::{Pass, Source, Value};
use crate::plan::{Derived, Partition};

/// What a message holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Content {
    /// A tensor of a micro-batch.
    Tensor,
    /// A parameter, for stages that use it without owning it.
    Parameter,
    /// Something of the step as a whole, by number.
    Step,
}

/// The name of a message: what it holds, by number of the tensor, and the micro-batch.
pub(crate) const fn tag(content: Content, value: usize, micro_batch: usize) -> u64 {
    (value as u64) << 32 | (micro_batch as u64 & 0x00ff_ffff) << 8 | content as u64
}

/// The micro-batch in the name of a message.
pub(crate) const fn micro_batch_of(tag: u64) -> usize {
    (tag >> 8 & 0x00ff_ffff) as usize
}

/// Which stages make and read the tensors of a model. Views are not tensors of their own: a stage that reads one makes it from
/// what is behind it.
#[derive(Debug)]
pub(crate) struct Traffic {
    stages: Vec<usize>,
    forward: BTreeMap<Value, BTreeSet<usize>>,
    backward: BTreeMap<Value, BTreeSet<usize>>,
}

impl Traffic {
    /// # Errors
    /// A partition of another model.
    pub(crate) fn new(derived: &Derived, partition: &Partition) -> Result<Self> {
        partition.check(derived)?;
        let graph = derived.graph();
        let stages: Vec<usize> =
            (0..graph.nodes().len()).map(|node| partition.stage_of(derived.home(node))).collect();
        let (mut forward, mut backward) =
            (BTreeMap::<_, BTreeSet<_>>::new(), BTreeMap::<_, BTreeSet<_>>::new());
        for (k, node) in graph.nodes().iter().enumerate() {
            let readers = if node.pass == Pass::Forward { &mut forward } else { &mut backward };
            for &operand in &node.operands {
                let behind = derived.behind_views(operand);
                // a view reads nothing, but a parameter's gradient ends where its first view stands
                if !node.operator.is_view() || matches!(graph.tensor(behind).source, Source::Parameter(_)) {
                    readers.entry(behind).or_default().insert(stages[k]);
                }
            }
        }
        Ok(Self { stages, forward, backward })
    }

    /// The stage of a node, forward or backward.
    pub(crate) fn stage_of(&self, node: usize) -> usize {
        self.stages[node]
    }

    /// Stages that read a tensor in either pass.
    pub(crate) fn readers(&self, value: Value) -> BTreeSet<usize> {
        let of =
            |readers: &BTreeMap<Value, BTreeSet<usize>>| readers.get(&value).cloned().unwrap_or_default();
        of(&self.forward).union(&of(&self.backward)).copied().collect()
    }

    /// The stage that owns a parameter: the first that uses it.
    pub(crate) fn owner(&self, parameter: Value) -> Option<usize> {
        self.readers(parameter).first().copied()
    }

    /// Tensors that a stage reads.
    pub(crate) fn read_by(&self, stage: usize) -> BTreeSet<Value> {
        let of = |readers: &BTreeMap<Value, BTreeSet<usize>>| -> Vec<Value> {
            readers.iter().filter(|(_, stages)| stages.contains(&stage)).map(|(&value, _)| value).collect()
        };
        of(&self.forward).into_iter().chain(of(&self.backward)).collect()
    }
}
