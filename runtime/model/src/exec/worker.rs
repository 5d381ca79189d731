//! The worker of a stage: it runs the stage's program, step after step.

#![allow(unsafe_code)] // numbers as the bytes of messages

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use ketline_fabric::Endpoint;

use super::ends::Ends;
use super::mark::Mark;
use super::program::{Program, ProgramOptions};
use super::timeline::{Span, Timeline};
use super::traffic::{Content, tag};
use super::unroll::Feeds;
use super::word::Word;
use crate::graph::Value;
use crate::kernel::real::Element;
use crate::plan::{Clock, Derived, Partition};
use crate::train::update::{Descent, Stride};
use crate::train::{Archive, Clip, Optimiser, Record, Schedule};
use crate::{Error, Result, Run, Sizes};

/// How a pipeline trains.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineOptions {
    /// The rule.
    pub optimiser: Optimiser,
    /// The learning rate over steps.
    pub schedule: Schedule,
    /// The largest norm of the gradient of all stages, beyond which it is scaled down.
    pub clip: Option<f64>,
    /// Threads of each stage.
    pub threads: usize,
    /// The most bytes of each stage.
    pub cap: Option<usize>,
    /// The seed of the parameters.
    pub seed: u64,
}

impl Default for PipelineOptions {
    /// AdamW at 1e-3, one thread a stage.
    fn default() -> Self {
        Self {
            optimiser: Optimiser::adamw(1e-3),
            schedule: Schedule::Constant,
            clip: None,
            threads: 1,
            cap: None,
            seed: 0,
        }
    }
}

impl PipelineOptions {
    /// What their programs are made for.
    pub fn of_programs(&self) -> ProgramOptions<'static> {
        ProgramOptions {
            optimiser: self.optimiser,
            schedule: self.schedule,
            threads: self.threads,
            cap: self.cap,
            pace: None,
        }
    }
}

/// One stage of a pipeline in training: its arena, its part of the parameters, its end of the fabric.
///
/// In one process, a [`Pipeline`](super::Pipeline) holds all of them; among processes, each makes its own.
#[derive(Debug)]
pub struct Worker {
    run: Run,
    ends: Arc<Ends>,
    descent: Descent,
    options: PipelineOptions,
    clip: Option<Clip>,
    marks: Vec<Mark>,
    losses: Vec<Value>,
    feeds: Feeds,
    /// All inputs of the model.
    inputs: Vec<String>,
    stage: usize,
    micro_batches: usize,
    /// Updates of a step: one, or one for each micro-batch.
    per_step: u64,
    updates: u64,
    /// Begin and end of each node of the last step, in seconds.
    spans: Vec<(f64, f64)>,
    began: Option<Instant>,
}

impl Worker {
    /// The worker of the stage that is the endpoint's rank. `sizes` are those of a micro-batch.
    ///
    /// # Errors
    /// Those of [`Program::new`]; [`Error::Partition`] for a group of another size; [`Error::Setting`] for clipping
    /// where parameters change within a step.
    pub fn new(
        derived: &Derived,
        partition: &Partition,
        sizes: &Sizes,
        options: &PipelineOptions,
        fabric: Arc<dyn Endpoint>,
    ) -> Result<Self> {
        let stage = fabric.rank();
        let program = Program::new(derived, partition, stage, sizes, &options.of_programs())?;
        Self::of(program, derived, partition, options, fabric)
    }

    /// The worker of a program that is made.
    pub(crate) fn of(
        program: Program,
        derived: &Derived,
        partition: &Partition,
        options: &PipelineOptions,
        fabric: Arc<dyn Endpoint>,
    ) -> Result<Self> {
        let stage = program.stage();
        if fabric.size() != partition.stages.len() {
            let found = format!("{} stages", partition.stages.len());
            return Err(Error::Partition {
                found,
                expected: format!("one for each of {} workers", fabric.size()),
            });
        }
        let clip = Clip::new(options.clip)?;
        let (marks, inputs) = (
            program.marks().to_vec(),
            derived.graph().inputs().map(|(_, tensor)| tensor.name.clone()).collect(),
        );
        if clip.is_some() && !partition.schedule.is_synchronous() {
            let found = partition.schedule.to_string();
            return Err(Error::Setting {
                name: "schedule",
                found,
                expected: "a synchronous one to clip the gradient",
            });
        }
        let per_step = if partition.schedule.is_synchronous() { 1 } else { partition.micro_batches as u64 };
        let mut run = program.plan.start(options.seed)?;
        let ends = Ends::new(fabric);
        run.attach(Box::new(Arc::clone(&ends)));
        Ok(Self {
            run,
            ends,
            descent: program.descent,
            options: options.clone(),
            clip,
            spans: vec![(0.0, 0.0); marks.len()],
            marks,
            losses: program.losses,
            feeds: program.feeds,
            inputs,
            stage,
            micro_batches: partition.micro_batches,
            per_step,
            updates: 0,
            began: None,
        })
    }

    /// Number of the stage.
    pub fn stage(&self) -> usize {
        self.stage
    }

    /// The run, to read parameters from; those of other stages are not there.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Bytes of the arena.
    pub fn bytes(&self) -> usize {
        self.run.plan().bytes()
    }

    /// Updates done.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Gives an input its values for a micro-batch; a stage that does not read it lets them go.
    ///
    /// # Errors
    /// An input that the model does not have, another type or number of values, a micro-batch beyond those of a step.
    pub fn set<T: Element>(&mut self, name: &str, micro_batch: usize, values: &[T]) -> Result<()> {
        if !self.inputs.iter().any(|input| input == name) {
            let (name, known) = (name.into(), self.inputs.join(", "));
            return Err(Error::Unknown { what: "input", name, known });
        }
        if micro_batch >= self.micro_batches {
            let found = micro_batch.to_string();
            return Err(Error::Setting { name: "micro-batch", found, expected: "one of those of a step" });
        }
        let feed = self.feeds.get(name).and_then(|feeds| feeds.get(&micro_batch));
        let Some(&(tag, value)) = feed else { return Ok(()) };
        let extent = self.run.plan().extent(value);
        if extent.dtype != T::DTYPE {
            let (name, found) = (name.into(), T::DTYPE.to_string());
            return Err(Error::Tensor { name, found, expected: extent.to_string() });
        }
        if extent.elements() != values.len() {
            let shape = extent.dims.clone();
            return Err(Error::Values { found: values.len(), shape, expected: extent.elements() });
        }
        // SAFETY: elements are numbers, every byte of which is initialised.
        let bytes = unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) };
        self.ends.keep(tag, bytes);
        Ok(())
    }

    /// Runs the stage's part of a step, and changes its parameters together with the others. All stages call it.
    ///
    /// # Errors
    /// [`Error::Stage`], with the micro-batch where there is one: what a node found wrong, a worker that is gone or does not
    /// answer, or a loss that is not finite. Parameters are then those before the step, unless the schedule changes them within it.
    /// After any but the last of these, the group is at its end.
    pub fn step(&mut self) -> Result<Record> {
        let stage = self.stage;
        let caught = catch_unwind(AssertUnwindSafe(|| self.pass()));
        let (micro_batch, error) = match caught {
            Ok(Ok(record)) => return Ok(record),
            Ok(Err(failed)) => failed,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
                (None, Error::Panic { message: text.into() })
            }
        };
        let error = match error {
            // another stage's, and all know of it
            Error::Stage { .. } => return Err(error),
            error => Error::Stage { stage, micro_batch, source: Box::new(error) },
        };
        self.ends.fabric.abort(&error.to_string());
        Err(error)
    }

    /// The step, with the micro-batch of what goes wrong.
    fn pass(&mut self) -> Result<Record, (Option<usize>, Error)> {
        let began = *self.began.get_or_insert_with(Instant::now);
        for k in 0..self.marks.len() {
            let from = began.elapsed().as_secs_f64();
            self.run.node(k).map_err(|error| (Some(self.marks[k].turn.micro_batch), self.named(error)))?;
            self.spans[k] = (from, began.elapsed().as_secs_f64());
        }
        self.finish().map_err(|error| (None, error))
    }

    /// Names the input that is missing.
    fn named(&self, error: Error) -> Error {
        let Error::NotGiven { micro_batch, .. } = error else { return error };
        let missing = self
            .feeds
            .iter()
            .find(|(_, feeds)| feeds.get(&micro_batch).is_some_and(|&(tag, _)| !self.ends.has(tag)));
        Error::NotGiven { name: missing.map(|(name, _)| name.clone()).unwrap_or_default(), micro_batch }
    }

    fn finish(&mut self) -> Result<Record> {
        let mut word = Word { loss: 0.0, squares: 0.0, bad: None };
        for (m, &loss) in self.losses.iter().enumerate() {
            let loss = Descent::loss(&self.run, loss)?;
            word.loss += loss;
            if !loss.is_finite() && word.bad.is_none() {
                word.bad = Some((m as u64, loss));
            }
        }
        if self.clip.is_some() {
            word.squares = self.descent.squares(&mut self.run);
        }
        // every stage hears the same words, and so decides alike
        let (fabric, step) = (&self.ends.fabric, self.updates + self.per_step);
        let name = tag(Content::Step, 0, 0);
        for peer in (0..fabric.size()).filter(|&peer| peer != self.stage) {
            fabric.send(peer, name, &word.bytes())?;
        }
        let (mut loss, mut squares) = (0.0, 0.0);
        for peer in 0..fabric.size() {
            let mut said = word;
            if peer != self.stage {
                let mut bytes = [0; Word::BYTES];
                fabric.receive(peer, name, &mut bytes)?;
                said = Word::of(bytes);
            }
            if let Some((micro_batch, value)) = said.bad {
                let source = Box::new(Error::NotFinite { what: "the loss", value, step });
                return Err(Error::Stage { stage: peer, micro_batch: Some(micro_batch as usize), source });
            }
            (loss, squares) = (loss + said.loss, squares + said.squares);
        }
        let share = 1.0 / self.micro_batches as f64;
        let mut scale = share;
        let mut gradient_norm = None;
        if let Some(clip) = self.clip {
            let norm = squares.sqrt() * share;
            scale *= clip.factor(norm, step).map_err(|error| Error::Stage {
                stage: self.stage,
                micro_batch: None,
                source: Box::new(error),
            })?;
            gradient_norm = Some(norm);
        }
        let factor = self.options.schedule.factor(step - 1);
        self.run.commit();
        self.descent.update(&mut self.run, Stride { scale, factor, update: step });
        self.updates = step;
        let rate = factor * self.options.optimiser.rate();
        Ok(Record { step, loss: loss / self.micro_batches as f64, gradient_norm, rate })
    }

    /// The gradient of a parameter of this stage, summed over the micro-batches of the last step.
    pub fn gradient(&self, name: &str) -> Option<Value> {
        self.descent.gradient(name)
    }

    /// When each node of the last step ran, in seconds since the first step began.
    pub fn timeline(&self) -> Timeline {
        let spans = self.marks.iter().zip(&self.spans);
        let spans = spans.map(|(&mark, &(from, to))| Span { stage: self.stage, mark, from, to }).collect();
        Timeline::new(spans, Clock::Measured)
    }

    /// Parameters and states of this stage by name.
    pub fn weights(&self) -> Archive {
        self.run.weights()
    }

    /// Takes those parameters and states that this stage has.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] with the first one that is missing or of another shape; nothing is changed then.
    pub fn set_weights(&mut self, archive: &Archive, file: &str) -> Result<()> {
        self.run.set_weights(archive, file)
    }
}
