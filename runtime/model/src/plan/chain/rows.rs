//! Nodes as steps, and the memory that they read and write.

use std::collections::{BTreeMap, BTreeSet};

use super::{Maker, Memory, Step};
use crate::Extent;
use crate::graph::{Pass, Source, Value};
use crate::plan::derived::Derived;
use crate::plan::memory::ALIGN;
use crate::plan::times::Times;

/// What a tensor takes in an arena.
pub(super) fn aligned(extent: &Extent) -> u64 {
    extent.bytes().next_multiple_of(ALIGN) as u64
}

/// Steps and memory in the making.
pub(super) struct Rows<'a> {
    derived: &'a Derived,
    extents: &'a [Extent],
    times: &'a Times,
    threads: usize,
    pub(super) memory: Vec<Memory>,
    numbers: BTreeMap<Value, u32>,
    /// By gradient: first users and bytes of the parameters that it is of.
    gradients: BTreeMap<Value, Vec<(usize, u64)>>,
    /// Places of backward nodes among them.
    pub(super) backward: BTreeMap<usize, usize>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        derived: &'a Derived,
        extents: &'a [Extent],
        times: &'a Times,
        threads: usize,
        users: &BTreeMap<Value, BTreeSet<usize>>,
    ) -> Self {
        let (memory, numbers, backward) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let mut gradients: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for &(parameter, gradient) in derived.gradients() {
            let Some(&first) = users.get(&parameter).and_then(BTreeSet::first) else { continue };
            let bytes = aligned(&extents[parameter.index()]);
            gradients.entry(derived.behind_views(gradient)).or_default().push((first, bytes));
        }
        Self { derived, extents, times, threads, memory, numbers, gradients, backward }
    }

    /// The number of the memory behind a tensor; none for parameters and states.
    fn number(&mut self, value: Value) -> Option<u32> {
        let value = self.derived.behind_views(value);
        if let Some(&number) = self.numbers.get(&value) {
            return Some(number);
        }
        let graph = self.derived.graph();
        let maker = match graph.tensor(value).source {
            Source::Input => Maker::Host,
            Source::Node { node, .. } if graph.nodes()[node].pass == Pass::Forward => Maker::Forward(node),
            Source::Node { node, .. } => Maker::Backward(*self.backward.get(&node)?),
            Source::Parameter(_) | Source::State(_) => return None,
        };
        let number = self.memory.len() as u32;
        self.memory.push(Memory { value, bytes: aligned(&self.extents[value.index()]), maker });
        self.numbers.insert(value, number);
        Some(number)
    }

    pub(super) fn step(&mut self, number: usize) -> Step {
        let node = &self.derived.graph().nodes()[number];
        let mut step = Step {
            home: self.derived.home(number),
            seconds: 0.0,
            workspace: 0,
            reads: Vec::new(),
            writes: Vec::new(),
            in_place: Vec::new(),
            waits: self.derived.only_weights(number),
            parameters: 0,
            last_reads: 0,
            gradients: Vec::new(),
        };
        if node.operator.is_view() {
            return step;
        }
        let of = |values: &[Value]| {
            values.iter().map(|value| self.extents[value.index()].clone()).collect::<Vec<_>>()
        };
        let workspace = node.operator.workspace(&of(&node.operands), &of(&node.results), self.threads);
        step.workspace = workspace.next_multiple_of(ALIGN) as u64;
        step.seconds = self.times.node(number);
        for &value in &node.operands {
            step.reads.extend(self.number(value));
        }
        step.reads.sort_unstable();
        step.reads.dedup();
        for &value in &node.results {
            step.writes.extend(self.number(value));
        }
        let made = node.results.iter().filter_map(|value| self.gradients.get(value));
        step.gradients.extend(made.flatten());
        for &(operand, result) in node.operator.in_place() {
            let (Some(&from), Some(&to)) = (node.operands.get(operand), node.results.get(result)) else {
                continue;
            };
            let (Some(from), Some(to)) = (self.number(from), self.number(to)) else { continue };
            if self.memory[from as usize].bytes == self.memory[to as usize].bytes {
                step.in_place.push((from, to));
            }
        }
        step
    }
}
