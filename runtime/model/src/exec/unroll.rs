//! The program of a stage: its nodes for every micro-batch of a step, one graph in the order of the schedule.
//!
//! What the schedule keeps, how many versions of parameters there are, what swaps and repeated nodes save: all of it is the
//! lifetimes of tensors in this graph, so that its [`Plan`](crate::Plan) knows the stage's memory to the byte.

use std::collections::BTreeMap;

use super::script::{Item, Pace, Script};
use super::traffic::{Content, Traffic, tag};
use crate::graph::{Graph, Init, Source, Value};
use crate::operator::{Arithmetic, Binary, Peer, ReceiveFrom, SendTo};
use crate::plan::{Derived, Partition, Phase, Turn};
use crate::train::Change;
use crate::{Error, Result, Sizes};

/// What a node of a program is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Duty {
    /// It is a node of the model, by its number in [`Derived::graph`].
    Run(usize),
    /// It is such a node once more, since its results left memory.
    Again(usize),
    /// It sends a tensor.
    Send(Peer, u64),
    /// It receives a tensor.
    Receive(Peer, u64),
    /// It adds a gradient to the sum of those before.
    Sum,
    /// It changes a parameter.
    Change,
}

/// A node's place in the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub turn: Turn,
    /// What for.
    pub duty: Duty,
}

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
    /// Names under which inputs come from the host, by name of the input and micro-batch.
    pub(crate) feeds: BTreeMap<(String, usize), (u64, Value)>,
    /// The most messages between two stages that one micro-batch needs.
    pub(crate) messages: usize,
}

struct Unroll<'a> {
    derived: &'a Derived,
    traffic: &'a Traffic,
    stage: usize,
    cut: &'a crate::plan::Cut,
    script: Script,
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
    feeds: BTreeMap<(String, usize), (u64, Value)>,
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
        script,
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
        feeds: BTreeMap::new(),
        now: Turn { phase: Phase::Forward, micro_batch: 0 },
        synchronous: partition.schedule.is_synchronous(),
        change,
    };
    unroll.graph.stage(format!("stage {stage}"));
    unroll.declare()?;
    for turn in partition.schedule.turns(stage, partition.stages.len(), micro_batches) {
        unroll.now = turn;
        unroll.turn()?;
    }
    unroll.finish()
}

impl Unroll<'_> {
    /// Declares what the stage holds, and sends parameters to others that use them.
    fn declare(&mut self) -> Result<()> {
        let model = self.derived.graph();
        for value in self.traffic.read_by(self.stage) {
            let tensor = model.tensor(value);
            match tensor.source {
                Source::Parameter(init) if self.traffic.owner(value) == Some(self.stage) => {
                    let own = self.graph.parameter(&tensor.name, tensor.ty.clone(), init)?;
                    self.parameters.insert(value, own);
                }
                Source::State(init) => {
                    let own = self.graph.state(&tensor.name, tensor.ty.clone(), init)?;
                    self.states.insert(value, own);
                }
                _ => {}
            }
        }
        if self.synchronous { self.share() } else { self.declare_moments() }
    }

    /// Sends parameters to other stages that use them.
    fn share(&mut self) -> Result<()> {
        let m = self.now.micro_batch;
        for (value, own) in self.parameters.clone() {
            if self.traffic.owner(value) == Some(self.stage) {
                for reader in self.others(value) {
                    self.send(Peer::Stage(reader), tag(Content::Parameter, value.index(), m), own)?;
                }
            }
        }
        Ok(())
    }

    fn declare_moments(&mut self) -> Result<()> {
        let model = self.derived.graph();
        for &(value, _) in
            self.derived.gradients().iter().filter(|(value, _)| self.parameters.contains_key(value))
        {
            let tensor = model.tensor(value);
            let moments = self.change.rule.moments().iter().map(|moment| {
                let name = format!("{moment} of {}", tensor.name);
                self.graph.state(&name, tensor.ty.clone(), Init::Constant(0.0))
            });
            let moments = moments.collect::<Result<_>>()?;
            self.moments.insert(value, moments);
            self.first.insert(value, self.latest(value));
        }
        Ok(())
    }

    /// A parameter and its moments as they are now.
    fn latest(&self, value: Value) -> Vec<Value> {
        let moments = self.moments.get(&value).into_iter().flatten();
        self.parameters.get(&value).into_iter().chain(moments).copied().collect()
    }

    /// Changes the parameters by the gradients of this micro-batch.
    fn update(&mut self) -> Result<()> {
        for (value, gradient) in self.derived.gradients().to_vec() {
            if !self.moments.contains_key(&value) {
                continue;
            }
            let mut operands = self.latest(value);
            operands.insert(1, self.operand(gradient)?);
            let mut results = self.graph.apply_all(std::sync::Arc::new(self.change), &operands)?.into_iter();
            self.graph.set_turn(self.now.micro_batch as u64);
            self.mark(Duty::Change);
            self.parameters.insert(value, results.next().unwrap_or(operands[0]));
            self.moments.insert(value, results.collect());
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<()> {
        let m = self.now.micro_batch;
        let items = match self.now.phase {
            Phase::Forward => {
                self.found[m] = self.states.clone();
                if !self.synchronous {
                    self.versions[m] = self.parameters.clone();
                    self.share()?;
                }
                self.script.forward.clone()
            }
            Phase::Backward => self.script.backward.clone(),
            Phase::Weights => self.script.weights.clone(),
            Phase::Update => return self.update(),
        };
        for item in items {
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

    /// Where a tensor of the model is for this micro-batch; receives it if it is not here yet.
    fn operand(&mut self, value: Value) -> Result<Value> {
        let (model, m) = (self.derived.graph(), self.now.micro_batch);
        match model.tensor(value).source {
            Source::Node { node, .. } if model.nodes()[node].operator.is_view() => {
                let behind = self.operand(model.nodes()[node].operands[0])?;
                if let Some(&view) = self.views.get(&(behind, value)) {
                    return Ok(view);
                }
                let view = self.graph.replay(model, node, vec![behind], m as u64)[0];
                self.mark(Duty::Run(node));
                self.views.insert((behind, value), view);
                Ok(view)
            }
            Source::Parameter(_) => {
                let (known, sent) =
                    if self.synchronous { (&mut self.parameters, 0) } else { (&mut self.versions[m], m) };
                match (known.get(&value).copied(), self.traffic.owner(value)) {
                    (Some(own), _) => Ok(own),
                    (None, Some(owner)) => {
                        let own = self.receive(Peer::Stage(owner), Content::Parameter, value, sent)?;
                        if self.synchronous { &mut self.parameters } else { &mut self.versions[m] }
                            .insert(value, own);
                        Ok(own)
                    }
                    (None, None) => Err(self.missing(value)),
                }
            }
            Source::State(_) => self.found[m].get(&value).copied().ok_or_else(|| self.missing(value)),
            Source::Input | Source::Node { .. } => {
                if let Some(&own) = self.here[m].get(&value) {
                    return Ok(own);
                }
                let from = match model.tensor(value).source {
                    Source::Node { node, .. } if self.traffic.stage_of(node) != self.stage => {
                        Peer::Stage(self.traffic.stage_of(node))
                    }
                    Source::Input => Peer::Host,
                    _ => return Err(self.missing(value)),
                };
                let own = self.receive(from, Content::Tensor, value, m)?;
                self.here[m].insert(value, own);
                Ok(own)
            }
        }
    }

    /// Other stages that read a tensor.
    fn others(&self, value: Value) -> Vec<usize> {
        self.traffic.readers(value).into_iter().filter(|&reader| reader != self.stage).collect()
    }

    fn missing(&self, value: Value) -> Error {
        let found =
            format!("`{}` not at hand in stage {}", self.derived.graph().tensor(value).name, self.stage);
        Error::Partition { found, expected: "every tensor where it is read".into() }
    }

    fn mark(&mut self, duty: Duty) {
        self.marks.push(Mark { turn: self.now, duty });
    }

    fn send(&mut self, to: Peer, tag: u64, own: Value) -> Result<()> {
        self.graph.apply_all(std::sync::Arc::new(SendTo { to, tag }), &[own])?;
        self.mark(Duty::Send(to, tag));
        Ok(())
    }

    fn receive(&mut self, from: Peer, content: Content, value: Value, m: usize) -> Result<Value> {
        let tensor = self.derived.graph().tensor(value);
        let (tag, name) = (tag(content, value.index(), m), format!("{}@{m}", tensor.name));
        let own = self.graph.apply(ReceiveFrom { from, tag, ty: tensor.ty.clone() }, &[])?;
        self.graph.rename(own, name);
        self.mark(Duty::Receive(from, tag));
        if tensor.source == Source::Input {
            self.feeds.insert((tensor.name.clone(), m), (tag, own));
        }
        Ok(own)
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
