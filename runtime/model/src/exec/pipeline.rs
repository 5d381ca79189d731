//! A pipeline whose stages are threads of this process.

use std::sync::Arc;
use std::time::Duration;

use ketline_fabric::Endpoint;

use super::program::Program;
use super::timeline::Timeline;
use super::worker::{PipelineOptions, Worker};
use crate::kernel::real::Element;
use crate::plan::{Derived, Partition};
use crate::train::{Archive, Record};
use crate::{Error, Result, Sizes};

/// The longest that a stage waits for another.
const PATIENCE: Duration = Duration::from_mins(1);

/// Stages that train together, a thread each.
///
/// The gradients are those of one device that takes the micro-batches one after another, bit by bit.
///
/// ```
/// use ketline_model::exec::{Pipeline, PipelineOptions};
/// use ketline_model::models::Transformer;
/// use ketline_model::plan::{Derived, Partition, PipelineSchedule};
/// use ketline_model::Sizes;
///
/// let gpt = Transformer { vocabulary: 16, length: 4, width: 8, heads: 2, layers: 2, ..Transformer::default() };
/// let derived = Derived::new(&gpt.gpt(false)?)?;
/// let half = derived.forward() / 2;
/// let partition = Partition::new(&derived, PipelineSchedule::OneForwardOneBackward, 4, &[half]);
/// let sizes = Sizes::new().with("B", 2); // of a micro-batch
/// let mut pipeline = Pipeline::new(&derived, &partition, &sizes, &PipelineOptions::default())?;
/// for name in ["ids", "targets"] {
///     pipeline.set_batch(name, &[3_i32; 4 * 2 * 4])?;
/// }
/// let first = pipeline.step()?.loss;
/// assert!(pipeline.step()?.loss < first);
/// # Ok::<(), ketline_model::Error>(())
/// ```
#[derive(Debug)]
pub struct Pipeline {
    workers: Vec<Worker>,
    micro_batches: usize,
}

impl Pipeline {
    /// Plans every stage and takes its memory.
    ///
    /// # Errors
    /// Those of [`Worker::new`].
    pub fn new(
        derived: &Derived,
        partition: &Partition,
        sizes: &Sizes,
        options: &PipelineOptions,
    ) -> Result<Self> {
        let programs = Program::all(derived, partition, sizes, &options.of_programs())?;
        Self::of(derived, partition, programs, options)
    }

    /// A pipeline of programs that are made, such as those of [`fit`](super::fit).
    ///
    /// # Errors
    /// Those of [`Worker::new`].
    pub fn of(
        derived: &Derived,
        partition: &Partition,
        programs: Vec<Program>,
        options: &PipelineOptions,
    ) -> Result<Self> {
        // as many as can be on their way: those of each micro-batch in flight, and a word at the end of the step
        let most = programs.iter().map(|program| program.messages).max().unwrap_or(0);
        let messages = most * (partition.stages.len() + 1) + 1;
        let fabric = ketline_fabric::Options { messages, patience: PATIENCE };
        let fabric = ketline_fabric::threads(partition.stages.len(), &fabric)?;
        Self::on(derived, partition, programs, options, fabric)
    }

    /// As [`of`](Self::of), on endpoints of one's own, by rank.
    ///
    /// # Errors
    /// Those of [`Worker::new`].
    pub fn on(
        derived: &Derived,
        partition: &Partition,
        programs: Vec<Program>,
        options: &PipelineOptions,
        fabric: Vec<Box<dyn Endpoint>>,
    ) -> Result<Self> {
        let workers = (programs.into_iter().zip(fabric))
            .map(|(program, end)| Worker::of(program, derived, partition, options, Arc::from(end)))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { workers, micro_batches: partition.micro_batches })
    }

    /// The workers, by stage.
    pub fn workers(&self) -> &[Worker] {
        &self.workers
    }

    /// Gives an input its values for one micro-batch.
    ///
    /// # Errors
    /// Those of [`Worker::set`].
    pub fn set<T: Element>(&mut self, name: &str, micro_batch: usize, values: &[T]) -> Result<()> {
        self.workers.iter_mut().try_for_each(|worker| worker.set(name, micro_batch, values))
    }

    /// Gives an input its values for all micro-batches, an equal part each.
    ///
    /// # Errors
    /// [`Error::Batch`], if the micro-batches do not divide them; those of [`Worker::set`].
    pub fn set_batch<T: Element>(&mut self, name: &str, values: &[T]) -> Result<()> {
        if values.is_empty() || !values.len().is_multiple_of(self.micro_batches) {
            let (found, micro_batches) = (values.len(), self.micro_batches);
            return Err(Error::Batch { name: name.into(), found, micro_batches });
        }
        let part = values.len() / self.micro_batches;
        (values.chunks_exact(part).enumerate()).try_for_each(|(m, values)| self.set(name, m, values))
    }

    /// Runs a step on all stages.
    ///
    /// # Errors
    /// Those of [`Worker::step`]: that of the stage where it began.
    pub fn step(&mut self) -> Result<Record> {
        let results: Vec<Result<Record>> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                self.workers.iter_mut().map(|worker| scope.spawn(|| worker.step())).collect();
            // a worker catches what its nodes throw
            threads
                .into_iter()
                .map(|thread| {
                    thread.join().unwrap_or_else(|_| Err(Error::Panic { message: "worker".into() }))
                })
                .collect()
        });
        // what a stage found itself comes before what it heard of others
        let heard = |error: &Error| match error {
            Error::Stage { source, .. } => match **source {
                Error::Fabric(ketline_fabric::Error::Aborted { .. }) => 2,
                Error::Fabric(ketline_fabric::Error::Gone { .. }) => 1,
                _ => 0,
            },
            _ => 0,
        };
        let (records, errors): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        let first = errors.into_iter().filter_map(Result::err).min_by_key(heard);
        match (first, records.into_iter().next()) {
            (Some(error), _) => Err(error),
            (None, Some(record)) => record,
            (None, None) => Err(Error::Partition { found: "no stage".into(), expected: "1 or more".into() }),
        }
    }

    /// When each node of the last step ran.
    pub fn timeline(&self) -> Timeline {
        Timeline::joined(self.workers.iter().map(Worker::timeline))
    }

    /// Parameters and states of all stages by name.
    pub fn weights(&self) -> Archive {
        let mut all = Archive::default();
        for worker in &self.workers {
            all.tensors.extend(worker.weights().tensors);
        }
        all
    }

    /// Takes parameters and states by name, such as those of a [`Trainer`](crate::train::Trainer)'s run.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] with the first one that is missing or of another shape.
    pub fn set_weights(&mut self, archive: &Archive, file: &str) -> Result<()> {
        self.workers.iter_mut().try_for_each(|worker| worker.set_weights(archive, file))
    }
}
