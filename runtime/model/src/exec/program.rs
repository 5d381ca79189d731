//! A stage's program with its memory laid out.

use super::mark::Mark;
use super::script::Pace;
use super::traffic::Traffic;
use super::unroll::{Feeds, unroll};
use crate::graph::Value;
use crate::plan::{Derived, Partition};
use crate::train::update::{Descent, Place, Target};
use crate::train::{Change, Optimiser, Schedule};
use crate::{Plan, PlanOptions, Result, Sizes};

/// What programs are made for.
#[derive(Debug, Clone, Copy)]
pub struct ProgramOptions<'a> {
    /// The rule that changes parameters; its moments are part of a stage's memory.
    pub optimiser: Optimiser,
    /// The learning rate, for schedules that change parameters within a step.
    pub schedule: Schedule,
    /// Threads of each stage.
    pub threads: usize,
    /// The most bytes that a stage may use.
    pub cap: Option<usize>,
    /// How long things take, for hosts that copy while the device computes; without, tensors come back when they are needed.
    pub pace: Option<Pace<'a>>,
}

impl Default for ProgramOptions<'_> {
    /// AdamW, one thread a stage, as much memory as there is.
    fn default() -> Self {
        Self {
            optimiser: Optimiser::adamw(1e-3),
            schedule: Schedule::Constant,
            threads: 1,
            cap: None,
            pace: None,
        }
    }
}

/// What a stage does in a step, node after node, with the place of each tensor in its arena.
///
/// Executor and simulator read the same program.
#[derive(Debug)]
pub struct Program {
    pub(crate) plan: Plan,
    pub(crate) descent: Descent,
    pub(crate) losses: Vec<Value>,
    pub(crate) feeds: Feeds,
    pub(crate) messages: usize,
    stage: usize,
    marks: Vec<Mark>,
}

impl Program {
    /// The program of one stage. `sizes` are those of a micro-batch.
    ///
    /// # Errors
    /// A partition of another model, an eviction that cannot be, or [`Error::DoesNotFit`](crate::Error::DoesNotFit) with the
    /// stage, the tensor and its bytes.
    pub fn new(
        derived: &Derived,
        partition: &Partition,
        stage: usize,
        sizes: &Sizes,
        options: &ProgramOptions<'_>,
    ) -> Result<Self> {
        let traffic = Traffic::new(derived, partition)?;
        Self::with(derived, partition, &traffic, stage, sizes, options)
    }

    /// The programs of all stages.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn all(
        derived: &Derived,
        partition: &Partition,
        sizes: &Sizes,
        options: &ProgramOptions<'_>,
    ) -> Result<Vec<Self>> {
        let traffic = Traffic::new(derived, partition)?;
        (0..partition.stages.len())
            .map(|stage| Self::with(derived, partition, &traffic, stage, sizes, options))
            .collect()
    }

    fn with(
        derived: &Derived,
        partition: &Partition,
        traffic: &Traffic,
        stage: usize,
        sizes: &Sizes,
        options: &ProgramOptions<'_>,
    ) -> Result<Self> {
        options.optimiser.check()?;
        let change = Change { rule: options.optimiser, schedule: options.schedule };
        let program = unroll(derived, partition, traffic, stage, sizes, options.pace, change)?;
        let (graph, mut reserve, mut targets) = (program.graph, Vec::new(), Vec::new());
        let mut keep = program.losses.clone();
        for owned in &program.owned {
            let tensor = graph.tensor(owned.value);
            let (name, extent) = (tensor.name.clone(), tensor.ty.resolve(sizes, &tensor.name)?);
            let moments = options.optimiser.reserve(&name, &extent, &mut reserve);
            keep.push(owned.gradient);
            let place = Place::Dense { gradient: owned.gradient, sum: None };
            targets.push((Target { value: owned.value, name, place, moments }, extent));
        }
        let rolling = !partition.schedule.is_synchronous();
        let descent = Descent::new(options.optimiser, targets, &mut reserve);
        let options = PlanOptions {
            threads: options.threads,
            cap: options.cap,
            keep,
            reserve,
            rolling,
            ..PlanOptions::default()
        };
        let plan = Plan::new(&graph, sizes, &options)?;
        let (marks, losses, feeds) = (program.marks, program.losses, program.feeds);
        Ok(Self { plan, descent, losses, feeds, messages: program.messages, stage, marks })
    }

    /// Number of the stage.
    pub fn stage(&self) -> usize {
        self.stage
    }

    /// The nodes and where their tensors lie.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What each node is there for, in the order in which they run.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Bytes of the stage's arena: all that it ever uses.
    pub fn bytes(&self) -> usize {
        self.plan.bytes()
    }

    /// Bytes that a node sends or receives.
    pub fn carried(&self, node: usize) -> u64 {
        let node = &self.plan.graph().nodes()[node];
        let tensor = node.operands.first().or(node.results.first());
        tensor.map_or(0, |value| self.plan.extent(*value).bytes() as u64)
    }
}
