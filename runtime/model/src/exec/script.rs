//! What a stage does for one micro-batch, pass by pass: its nodes, and what makes evicted tensors leave and come back.

use std::collections::{BTreeMap, BTreeSet};

use super::traffic::Traffic;
use crate::graph::{Pass, Source, Value};
use crate::plan::{Derived, Eviction, Link, Partition, Restore, Times};
use crate::{Error, Result};

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// A node runs.
    Run(usize),
    /// A forward node runs once more.
    Again(usize),
    /// A tensor is copied to the host, and leaves.
    Out(Value),
    /// A tensor comes back from the host.
    Back(Value),
    /// A tensor that another stage sent, for the backward pass alone.
    Take(Value),
}

/// The passes of a micro-batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) forward: Vec<Item>,
    pub(crate) backward: Vec<Item>,
    /// Gradients of weights, if they are a pass of their own.
    pub(crate) weights: Vec<Item>,
}

/// How long things take, so that tensors are asked back early enough.
#[derive(Debug, Clone, Copy)]
pub struct Pace<'a> {
    /// Seconds of the model's nodes.
    pub times: &'a Times,
    /// From the host to a device.
    pub host: Link,
}

struct Writer<'a> {
    derived: &'a Derived,
    evictions: &'a BTreeMap<Value, Eviction>,
    whole_layers: bool,
    back: BTreeSet<Value>,
    items: Vec<Item>,
}

impl Writer<'_> {
    /// Brings a tensor back for a node, and first what it is made of.
    fn restore(&mut self, value: Value, node: usize) {
        let value = self.derived.behind_views(value);
        if self.whole_layers && self.evictions.contains_key(&value) && !self.back.contains(&value) {
            // what an earlier layer made is this layer's input, and comes alone
            let layer = Some(self.derived.graph().nodes()[node].stage);
            let all: Vec<Value> = (self.evictions.keys().copied())
                .filter(|&other| self.layer(value) == layer && self.layer(other) == layer)
                .collect();
            for other in all {
                self.bring(other);
            }
        }
        self.bring(value);
    }

    /// The layer in which a tensor is made.
    fn layer(&self, value: Value) -> Option<usize> {
        match self.derived.graph().tensor(value).source {
            Source::Node { node, .. } => Some(self.derived.graph().nodes()[node].stage),
            _ => None,
        }
    }

    fn bring(&mut self, value: Value) {
        let Some(&eviction) = self.evictions.get(&value) else { return };
        if !self.back.insert(value) {
            return;
        }
        match (eviction, &self.derived.graph().tensor(value).source) {
            (Eviction::Recompute, &Source::Node { node, .. }) => {
                for &operand in &self.derived.graph().nodes()[node].operands {
                    self.bring(self.derived.behind_views(operand));
                }
                self.back.extend(&self.derived.graph().nodes()[node].results);
                self.items.push(Item::Again(node));
            }
            _ => self.items.push(Item::Back(value)),
        }
    }

    fn run(&mut self, nodes: impl Iterator<Item = usize>) -> Vec<Item> {
        for node in nodes {
            for &operand in &self.derived.graph().nodes()[node].operands {
                self.restore(operand, node);
            }
            self.items.push(Item::Run(node));
        }
        std::mem::take(&mut self.items)
    }
}

impl Script {
    /// What stage `stage` does. `bytes` is the size of a tensor.
    ///
    /// # Errors
    /// [`Error::Partition`] for an eviction that cannot be.
    pub(crate) fn new(
        derived: &Derived,
        partition: &Partition,
        traffic: &Traffic,
        stage: usize,
        pace: Option<Pace<'_>>,
        bytes: impl Fn(Value) -> usize,
    ) -> Result<Self> {
        let (graph, cut) = (derived.graph(), &partition.stages[stage]);
        for (&value, &eviction) in &cut.evictions {
            let tensor = graph.tensor(value);
            let own = match tensor.source {
                Source::Node { node, .. } if graph.nodes()[node].pass == Pass::Forward => {
                    !graph.nodes()[node].operator.is_view() && traffic.stage_of(node) == stage
                }
                _ => false,
            };
            let comes = match tensor.source {
                Source::Input => true,
                Source::Node { node, .. } => traffic.stage_of(node) < stage,
                _ => false,
            } && traffic.readers(value).contains(&stage);
            if !(own || comes && eviction == Eviction::Swap) {
                let found = format!("{eviction:?} of `{}` in stage {stage}", tensor.name);
                let expected = "tensors that the stage makes, or swaps of those that it receives".into();
                return Err(Error::Partition { found, expected });
            }
        }
        let works = |node: &usize| !graph.nodes()[*node].operator.is_view();
        let backward = (derived.forward()..graph.nodes().len())
            .filter(|&node| traffic.stage_of(node) == stage)
            .filter(works);
        let wait = |node: &usize| partition.schedule.splits_backward() && derived.only_weights(*node);
        let mut writer = Writer {
            derived,
            evictions: &cut.evictions,
            whole_layers: cut.restore == Restore::Layer,
            back: BTreeSet::new(),
            items: Vec::new(),
        };
        let mut at_once = writer.run(backward.clone().filter(|node| !wait(node)));
        if !partition.schedule.is_synchronous() {
            // the parameters change now, also by gradients that the forward pass made
            derived
                .gradients()
                .iter()
                .for_each(|&(_, gradient)| writer.bring(derived.behind_views(gradient)));
            at_once.append(&mut writer.items);
        }
        let mut later = writer.run(backward.filter(wait));
        if let Some(pace) = pace.filter(|_| cut.early) {
            at_once = ask_early(&at_once, pace, &bytes);
            later = ask_early(&later, pace, &bytes);
        }

        // what is asked back must have left, after its last use
        let back: BTreeSet<Value> = (at_once.iter().chain(&later))
            .filter_map(|item| match item {
                Item::Back(value) => Some(*value),
                _ => None,
            })
            .filter(|value| graph.tensor(*value).source != Source::Input)
            .collect();
        let mut last_use: BTreeMap<Value, usize> = BTreeMap::new();
        let mut read: BTreeSet<Value> = BTreeSet::new();
        for node in cut.nodes.clone().filter(works) {
            let operands = graph.nodes()[node].operands.iter().map(|&value| derived.behind_views(value));
            read.extend(operands.clone());
            for value in operands.chain(graph.nodes()[node].results.iter().copied()) {
                last_use.insert(value, node);
            }
        }
        let mut forward = Vec::new();
        for node in cut.nodes.clone().filter(works) {
            forward.push(Item::Run(node));
            let leaving = back.iter().filter(|value| last_use.get(value) == Some(&node));
            forward.extend(leaving.map(|&value| Item::Out(value)));
        }
        for value in traffic.read_by(stage) {
            let Source::Node { node, .. } = graph.tensor(value).source else { continue };
            let early = graph.nodes()[node].pass == Pass::Forward && traffic.stage_of(node) < stage;
            if early && !read.contains(&value) {
                forward.push(Item::Take(value));
                if back.contains(&value) {
                    forward.push(Item::Out(value));
                }
            }
        }
        Ok(Self { forward, backward: at_once, weights: later })
    }
}

/// Moves each request to the host so far ahead that the link, one tensor after another, has it there in time, and no further.
fn ask_early(items: &[Item], pace: Pace<'_>, bytes: &impl Fn(Value) -> usize) -> Vec<Item> {
    let seconds = |item: &Item| match item {
        Item::Run(node) | Item::Again(node) => pace.times.node(*node),
        _ => 0.0,
    };
    let starts: Vec<f64> = (items.iter())
        .scan(0.0, |now, item| {
            *now += seconds(item);
            Some(*now - seconds(item))
        })
        .collect();
    // from the last to the first: when the link must begin
    let mut ask: Vec<(f64, usize)> = Vec::new();
    let mut free = f64::INFINITY;
    for (k, item) in items.iter().enumerate().rev() {
        if let Item::Back(value) = item {
            free = starts[k].min(free) - pace.host.seconds(bytes(*value) as u64);
            ask.push((free, k));
        }
    }
    let mut ordered = Vec::with_capacity(items.len());
    for (k, item) in items.iter().enumerate().filter(|(_, item)| !matches!(item, Item::Back(_))) {
        let end = starts[k] + seconds(item);
        while let Some((_, request)) = ask.pop_if(|(begin, at)| *begin < end || *at < k) {
            ordered.push(items[request]);
        }
        ordered.push(*item);
    }
    ordered
}
