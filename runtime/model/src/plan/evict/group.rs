//! What is evicted together.

use std::ops::Range;

use super::Evictor;
use crate::plan::stage::{Choice, Stage};

/// What is evicted together: one node's results, or a layer's.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    /// Units that go when it is swapped.
    pub(super) swap: Range<usize>,
    /// Units that go when it is computed again; none for what comes from elsewhere.
    pub(super) again: Range<usize>,
    pub(super) bytes: f64,
    /// Seconds to make them again.
    pub(super) seconds: f64,
}

impl Group {
    pub(super) fn rate(&self) -> f64 {
        if self.again.is_empty() { f64::INFINITY } else { self.seconds / self.bytes }
    }
}

impl Evictor<'_> {
    pub(super) fn choice_of(&self, group: usize) -> Choice {
        let group = &self.groups[group];
        let first = if group.again.is_empty() { group.swap.start } else { group.again.start };
        self.choice[self.units[first]]
    }

    pub(super) fn is_kept(&self, group: usize) -> bool {
        self.choice_of(group) == Choice::Keep
    }

    pub(super) fn is_again(&self, group: usize) -> bool {
        self.choice_of(group) == Choice::Recompute
    }

    pub(super) fn set(&mut self, group: usize, to: Choice) {
        let Group { swap, again, .. } = self.groups[group].clone();
        let rest = if to == Choice::Swap { Choice::Swap } else { Choice::Keep };
        for k in swap {
            self.choice[self.units[k]] = rest;
        }
        if to == Choice::Recompute {
            for k in again {
                self.choice[self.units[k]] = to;
            }
        }
    }

    pub(super) fn set_all(&mut self, to: Choice) {
        for group in 0..self.groups.len() {
            if to != Choice::Recompute || !self.groups[group].again.is_empty() {
                self.set(group, to);
            }
        }
    }

    /// A group for each saved unit; by their rates.
    pub(super) fn group_nodes(&mut self) {
        self.groups.clear();
        self.units.clear();
        let nodes = self.stage.nodes.len();
        let mut bytes = vec![0.0; self.stage.units];
        for tensor in self.stage.tensors.iter().filter(|tensor| Stage::is_saved(tensor)) {
            bytes[tensor.unit as usize] += tensor.bytes as f64;
        }
        // what is not saved must be made again on the way
        let mut seconds: Vec<f64> = (0..nodes).map(|node| self.stage.seconds(node)).collect();
        for node in 0..nodes {
            seconds[node] += (self.stage.reads(node))
                .filter(|tensor| (tensor.unit as usize) < node && bytes[tensor.unit as usize] == 0.0)
                .map(|tensor| seconds[tensor.unit as usize])
                .sum::<f64>();
        }
        let all: f64 = bytes.iter().sum();
        for (unit, &bytes) in bytes.iter().enumerate() {
            // what is this small changes nothing
            if bytes * 4096.0 < all {
                continue;
            }
            let at = self.units.len();
            self.units.push(unit);
            let again = if unit < nodes { at..at + 1 } else { at..at };
            let seconds = seconds.get(unit).copied().unwrap_or(0.0);
            self.groups.push(Group { swap: at..at + 1, again, bytes, seconds });
        }
        self.sort();
    }

    /// A group for each layer, and one for each tensor from elsewhere; by their rates.
    pub(super) fn group_layers(&mut self) {
        self.groups.clear();
        self.units.clear();
        let (from, nodes) = (self.stage.nodes.start, self.stage.nodes.len());
        let layer = |unit: usize| self.chain.layer[from + unit];
        // what another layer reads is that layer's input
        let mut inner = vec![true; self.stage.units];
        for node in 0..nodes {
            for tensor in self.stage.reads(node).filter(|tensor| (tensor.unit as usize) < nodes) {
                if layer(tensor.unit as usize) != layer(node) {
                    inner[tensor.unit as usize] = false;
                }
            }
        }
        let mut bytes = vec![0.0; self.stage.units];
        for tensor in self.stage.tensors.iter().filter(|tensor| Stage::is_saved(tensor)) {
            bytes[tensor.unit as usize] += tensor.bytes as f64;
        }
        let mut first = 0;
        while first < nodes {
            let end = (first..nodes).find(|&node| layer(node) != layer(first)).unwrap_or(nodes);
            let saved = || (first..end).filter(|&unit| bytes[unit] > 0.0);
            let at = self.units.len();
            self.units.extend(saved().filter(|&unit| inner[unit]));
            let again = at..self.units.len();
            self.units.extend(saved().filter(|&unit| !inner[unit]));
            let group = Group {
                swap: at..self.units.len(),
                bytes: self.units[again.clone()].iter().map(|&unit| bytes[unit]).sum(),
                again,
                seconds: (first..end).map(|node| self.stage.seconds(node)).sum(),
            };
            if !group.swap.is_empty() {
                self.groups.push(group);
            }
            first = end;
        }
        for unit in (nodes..self.stage.units).filter(|&unit| bytes[unit] > 0.0) {
            let at = self.units.len();
            self.units.push(unit);
            self.groups.push(Group { swap: at..at + 1, again: at..at, bytes: bytes[unit], seconds: 0.0 });
        }
        self.sort();
    }

    fn sort(&mut self) {
        self.groups.sort_by(|a, b| a.rate().total_cmp(&b.rate()));
    }
}
