//! Which tensors lie in the same memory.

use std::collections::BTreeSet;

use super::life::Life;
use crate::Extent;
use crate::graph::{Graph, Source, Value};

/// A union of tensors that share memory.
pub(super) struct Groups {
    parent: Vec<usize>,
    pub(super) life: Vec<Life>,
    pub(super) bytes: Vec<usize>,
    /// Whether it outlives the step, so that nothing may replace it.
    fixed: Vec<bool>,
}

impl Groups {
    pub(super) fn find(&self, mut k: usize) -> usize {
        while self.parent[k] != k {
            k = self.parent[k];
        }
        k
    }

    fn join(&mut self, into: usize, other: usize) {
        let (a, b) = (self.find(into), self.find(other));
        if a != b {
            self.parent[b] = a;
            self.life[a] = self.life[a].with(&self.life[b]);
            self.bytes[a] = self.bytes[a].max(self.bytes[b]);
            self.fixed[a] |= self.fixed[b];
        }
    }
}

/// How states that are replaced keep their memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Homes {
    /// Throughout.
    Kept,
    /// They may lose it on the way; what replaces them lies there, but for these, which come back by a copy in the end.
    Lost(BTreeSet<Value>),
}

/// Every tensor by itself.
pub(super) fn lifetimes(graph: &Graph, extents: &[Extent], keep: &[Value], homes: &Homes) -> Groups {
    let last = graph.nodes().len() as isize;
    let n = extents.len();
    let mut groups = Groups {
        parent: (0..n).collect(),
        life: vec![Life::default(); n],
        bytes: extents.iter().map(Extent::bytes).collect(),
        fixed: vec![false; n],
    };
    for (k, node) in graph.nodes().iter().enumerate() {
        for value in node.results.iter().chain(&node.operands) {
            groups.life[value.index()].reach(k as isize);
        }
    }
    for (value, tensor) in graph.tensors() {
        if !matches!(tensor.source, Source::Node { .. }) {
            groups.life[value.index()].reach(-1);
            if *homes == Homes::Kept || graph.updates().iter().all(|(state, _)| *state != value) {
                groups.life[value.index()].reach(last);
                groups.fixed[value.index()] = true;
            }
        }
    }
    for value in graph.outputs().iter().map(|(_, value)| value).chain(keep) {
        groups.life[value.index()].reach(last);
        groups.fixed[value.index()] = true;
    }
    for (state, by) in graph.updates() {
        groups.life[by.index()].reach(last);
        let over = groups.life[state.index()].last() < groups.life[by.index()].first();
        match homes {
            Homes::Lost(copied) if over && !groups.fixed[by.index()] => {
                if copied.contains(state) {
                    groups.life[state.index()] = groups.life[state.index()].with(&Life::new(last, last));
                } else {
                    groups.join(state.index(), by.index());
                }
            }
            _ => {
                groups.life[state.index()].reach(last);
                (groups.fixed[state.index()], groups.fixed[by.index()]) = (true, true);
            }
        }
    }
    groups
}

/// Lets views lie where their operand does, and results of operators that work in place where an operand dies.
pub(super) fn share(graph: &Graph, groups: &mut Groups) {
    for node in graph.nodes().iter().filter(|node| node.operator.is_view()) {
        groups.join(node.operands[0].index(), node.results[0].index());
    }
    for (k, node) in graph.nodes().iter().enumerate() {
        let mut shared = 0_u64; // results that have a place, as bits
        for &(operand, result) in node.operator.in_place() {
            let (Some(from), Some(to)) = (node.operands.get(operand), node.results.get(result)) else {
                continue;
            };
            let (from, to) = (groups.find(from.index()), groups.find(to.index()));
            let alone = node.operands.iter().filter(|value| groups.find(value.index()) == from).count() == 1;
            let same = groups.bytes[from] == groups.bytes[to] && from != to && !groups.fixed[from];
            // a result that is a view of something older cannot move
            let back = |step| gives_back(graph, groups, (from, to), step);
            let free = groups.life[from].hands_over(&groups.life[to], k as isize, back);
            if shared & (1 << result) == 0 && alone && same && free {
                let fixed = groups.fixed[to];
                groups.join(from, to);
                groups.fixed[from] = fixed;
                shared |= 1 << result;
            }
        }
    }
}

/// Whether a node takes over in place what it reads of `to` as what it makes of `from`: a state on its way home.
fn gives_back(graph: &Graph, groups: &Groups, (from, to): (usize, usize), step: isize) -> bool {
    let Some(node) = usize::try_from(step).ok().and_then(|step| graph.nodes().get(step)) else {
        return false;
    };
    let is_in = |value: Option<&Value>, group| value.is_some_and(|value| groups.find(value.index()) == group);
    let alone =
        node.operands.iter().filter(|value| [from, to].contains(&groups.find(value.index()))).count() == 1;
    alone
        && node.operator.in_place().iter().any(|&(operand, result)| {
            is_in(node.operands.get(operand), to) && is_in(node.results.get(result), from)
        })
}
