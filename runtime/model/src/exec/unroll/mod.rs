//! The program of a stage: its nodes for every micro-batch of a step, one graph in the order of the schedule.
//!
//! What the schedule keeps, how many versions of parameters there are, what swaps and repeated nodes save: all of it is the
//! lifetimes of tensors in this graph, so that its [`Plan`](crate::Plan) knows the stage's memory to the byte.

use std::collections::BTreeMap;

use super::mark::{Duty, Mark};
use super::script::{Item, Pace, Script};
use super::traffic::{Content, Traffic, tag};
use crate::graph::{Graph, Source, Value};
use crate::operator::{Arithmetic, Binary, Peer};
use crate::plan::{Derived, Partition, Phase, Turn};
use crate::train::Change;
use crate::{Result, Sizes};

mod operand;
mod parameters;

/// A parameter that a stage owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owned {
    /// In the program.
    pub(crate) value: Value,
    /// The sum of its gradients over micro-batches.
    pub(crate) gradient: Value,
}

/// A program: a graph, and what each of its nodes is there for.
#[derive(Debug, Clone)]
pub(crate) struct Unrolled {
    pub(crate) graph: Graph,
    pub(crate) marks: Vec<Mark>,
    pub(crate) owned: Vec<Owned>,
    /// Losses by micro-batch, on the stage that has them.
    pub(crate) losses: Vec<Value>,
    pub(crate) feeds: Feeds,
    /// The most messages between two stages that one micro-batch needs.
    pub(crate) messages: usize,
}

/// Names under which inputs come from the host, and where they arrive, by name of the input and micro-batch.
pub(crate) type Feeds = BTreeMap<String, BTreeMap<usize, (u64, Value)>>;

struct Unroll<'a> {
    derived: &'a Derived,
    traffic: &'a Traffic,
    stage: usize,
    cut: &'a crate::plan::Cut,
    graph: Graph,
    marks: Vec<Mark>,
    /// Where tensors of the model are now, by micro-batch.
    here: Vec<BTreeMap<Value, Value>>,
    /// Views by what they look at.
    views: BTreeMap<(Value, Value), Value>,
    parameters: BTreeMap<Value, Value>,
    /// Parameters as each micro-batch found them, where they change within a step.
    versions: Vec<BTreeMap<Value, Value>>,
    /// Moments by parameter, where they change within a step.
    moments: BTreeMap<Value, Vec<Value>>,
    /// What both were at the beginning of the step.
    first: BTreeMap<Value, Vec<Value>>,
    /// States as the last micro-batch left them, and as each found them.
    states: BTreeMap<Value, Value>,
    found: Vec<BTreeMap<Value, Value>>,
    sums: BTreeMap<Value, Value>,
    losses: Vec<Value>,
    feeds: Feeds,
    now: Turn,
    synchronous: bool,
    change: Change,
}

/// Writes the program of a stage.
///
/// # Errors
/// A partition of another model, an eviction that cannot be, sizes without value.
pub(crate) fn unroll(
    derived: &Derived,
    partition: &Partition,
    traffic: &Traffic,
    stage: usize,
    sizes: &Sizes,
    pace: Option<Pace<'_>>,
    change: Change,
) -> Result<Unrolled> {
    let model = derived.graph();
    let mut bytes = BTreeMap::new();
    for &value in partition.stages[stage].evictions.keys() {
        bytes.insert(value, model.ty(value).resolve(sizes, &model.tensor(value).name)?.bytes());
    }
    let script = Script::new(derived, partition, traffic, stage, pace, |value| bytes[&value])?;
    let micro_batches = partition.micro_batches;
    let mut unroll = Unroll {
        derived,
        traffic,
        stage,
        cut: &partition.stages[stage],
        graph: Graph::new(),
        marks: Vec::new(),
        here: vec![BTreeMap::new(); micro_batches],
        views: BTreeMap::new(),
        parameters: BTreeMap::new(),
        versions: vec![BTreeMap::new(); micro_batches],
        moments: BTreeMap::new(),
        first: BTreeMap::new(),
        states: BTreeMap::new(),
        found: vec![BTreeMap::new(); micro_batches],
        sums: BTreeMap::new(),
        losses: Vec::new(),
        feeds: Feeds::new(),
        now: Turn { phase: Phase::Forward, micro_batch: 0 },
        synchronous: partition.schedule.is_synchronous(),
        change,
    };
    unroll.graph.stage(format!("stage {stage}"));
    unroll.declare()?;
    for turn in partition.schedule.turns(stage, partition.stages.len(), micro_batches) {
        unroll.now = turn;
        unroll.turn(&script)?;
    }
    unroll.finish()
}

impl Unroll<'_> {
    fn turn(&mut self, script: &Script) -> Result<()> {
        let m = self.now.micro_batch;
        let items = match self.now.phase {
            Phase::Forward => {
                self.found[m] = self.states.clone();
                if !self.synchronous {
                    self.versions[m] = self.parameters.clone();
                    self.share()?;
                }
                &script.forward
            }
            Phase::Backward => &script.backward,
            Phase::Weights => &script.weights,
            Phase::Update => return self.update(),
        };
        for &item in items {
            self.item(item)?;
        }
        if self.now.phase == Phase::Forward {
            if self.has_loss() {
                let loss = self.operand(self.derived.loss())?;
                self.losses.push(loss);
            }
            for (state, by) in self.derived.graph().updates().to_vec() {
                if self.states.contains_key(&state) {
                    let by = self.operand(by)?;
                    self.states.insert(state, by);
                }
            }
            for value in self.cut.evictions.keys() {
                self.here[m].remove(value);
            }
        }
        Ok(())
    }

    fn item(&mut self, item: Item) -> Result<()> {
        let m = self.now.micro_batch;
        match item {
            Item::Run(node) => self.run(node),
            Item::Again(node) => {
                for (value, own) in self.replay(node, Duty::Again(node))? {
                    self.here[m].entry(value).or_insert(own);
                }
                Ok(())
            }
            Item::Out(value) => {
                let own = self.operand(value)?;
                self.send(Peer::Host, tag(Content::Tensor, value.index(), m), own)
            }
            Item::Back(value) => {
                let own = self.receive(Peer::Host, Content::Tensor, value, m)?;
                self.here[m].insert(value, own);
                Ok(())
            }
            Item::Take(value) => self.operand(value).map(drop),
        }
    }

    fn run(&mut self, node: usize) -> Result<()> {
        let m = self.now.micro_batch;
        for (value, own) in self.replay(node, Duty::Run(node))? {
            self.here[m].insert(value, own);
            for reader in self.others(value) {
                self.send(Peer::Stage(reader), tag(Content::Tensor, value.index(), m), own)?;
            }
            let derived = self.derived;
            for &(parameter, gradient) in derived.gradients() {
                if self.synchronous && derived.behind_views(gradient) == value {
                    self.add(parameter, gradient)?;
                }
            }
        }
        Ok(())
    }

    fn replay(&mut self, node: usize, duty: Duty) -> Result<Vec<(Value, Value)>> {
        let model = self.derived.graph();
        let operands =
            model.nodes()[node].operands.iter().map(|&value| self.operand(value)).collect::<Result<_>>()?;
        let results = self.graph.replay(model, node, operands, self.now.micro_batch as u64);
        self.mark(duty);
        Ok(model.nodes()[node].results.iter().copied().zip(results).collect())
    }

    /// Adds the gradient of this micro-batch to those before.
    fn add(&mut self, parameter: Value, gradient: Value) -> Result<()> {
        let gradient = self.operand(gradient)?;
        let sum = match self.sums.get(&parameter) {
            None => gradient,
            Some(&before) => {
                let sum = self.graph.apply(Binary(Arithmetic::Add), &[before, gradient])?;
                self.mark(Duty::Sum);
                sum
            }
        };
        self.sums.insert(parameter, sum);
        Ok(())
    }

    fn has_loss(&self) -> bool {
        match self.derived.graph().tensor(self.derived.behind_views(self.derived.loss())).source {
            Source::Node { node, .. } => self.traffic.stage_of(node) == self.stage,
            _ => self.stage == 0,
        }
    }

    fn finish(mut self) -> Result<Unrolled> {
        for (state, own) in self.states.clone() {
            let first = self.found[0].get(&state).copied().unwrap_or(own);
            if first != own {
                self.graph.update(first, own)?;
            }
        }
        for value in self.moments.keys().copied().collect::<Vec<_>>() {
            let (first, last) = (self.first[&value].clone(), self.latest(value));
            for (first, last) in first.into_iter().zip(last) {
                self.graph.update(first, last)?;
            }
        }
        let owned: Vec<Owned> = (self.sums.iter())
            .filter_map(|(parameter, &gradient)| {
                Some(Owned { value: *self.parameters.get(parameter)?, gradient })
            })
            .collect();
        let keep: Vec<Value> =
            owned.iter().map(|owned| owned.gradient).chain(self.losses.iter().copied()).collect();
        let alive = self.graph.living(&keep);
        let graph = self.graph.pruned(&keep);
        let marks: Vec<Mark> =
            self.marks.into_iter().zip(alive).filter_map(|(mark, alive)| alive.then_some(mark)).collect();
        let mut messages: BTreeMap<(Peer, usize), usize> = BTreeMap::new();
        for mark in &marks {
            if let Duty::Send(to @ Peer::Stage(_), _) = mark.duty {
                *messages.entry((to, mark.turn.micro_batch)).or_default() += 1;
            }
        }
        let messages = messages.into_values().max().unwrap_or(0);
        Ok(Unrolled { graph, marks, owned, losses: self.losses, feeds: self.feeds, messages })
    }
}
