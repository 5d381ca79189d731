//! Transforms of samples on several threads.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use super::ahead::Ahead;
use super::epoch::Epoch;
use super::pool::Batch;
use crate::sample::Sample;
use crate::{Error, Result};

/// What happens when a transform fails or panics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFault {
    /// The batch is an error that names the sample, and the epoch ends.
    #[default]
    Stop,
    /// The sample is left out of its batch, and counted.
    Skip,
}

type Fault = Box<dyn std::error::Error + Send + Sync>;
type Transform<S, T> = Arc<dyn Fn(u64, S) -> Result<T, Fault> + Send + Sync>;

/// The values that a transform makes of the samples of an epoch, batch by batch, each with the number of its sample.
pub struct Mapped<S: Sample, T> {
    epoch: Epoch<S>,
    threads: usize,
    on_fault: OnFault,
    transform: Transform<S, T>,
    skipped: u64,
    failed: bool,
}

impl<S: Sample, T> fmt::Debug for Mapped<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mapped({:?}, {} threads, {:?})", self.epoch, self.threads, self.on_fault)
    }
}

impl<S: Sample, T: Send> Mapped<S, T> {
    pub(super) fn new(
        epoch: Epoch<S>,
        threads: usize,
        on_fault: OnFault,
        transform: impl Fn(u64, S) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Self {
        let threads = threads.clamp(1, 256);
        Self { epoch, threads, on_fault, transform: Arc::new(transform), skipped: 0, failed: false }
    }

    /// The epoch that is read.
    pub fn epoch(&self) -> &Epoch<S> {
        &self.epoch
    }

    /// Samples that were left out because their transform failed.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Makes so many batches of values ahead, on a thread of its own. Values are the program's memory, not the plan's.
    pub fn ahead(self, batches: usize) -> Result<Ahead<Vec<(u64, T)>>>
    where
        T: 'static,
    {
        Ahead::spawn(self, batches.saturating_sub(1), || true)
    }

    fn values(&mut self, batch: &Batch<S>) -> Result<Vec<(u64, T)>> {
        let samples: Vec<S> = batch.samples().collect::<Result<_>>()?;
        let mut inputs: Vec<(u64, S)> = batch.ids().iter().copied().zip(samples).collect();
        let part = inputs.len().div_ceil(self.threads).max(1);
        let (transform, mut parts) = (&self.transform, Vec::new());
        while !inputs.is_empty() {
            let rest = inputs.split_off(part.min(inputs.len()));
            parts.push(std::mem::replace(&mut inputs, rest));
        }
        let run = |part: Vec<(u64, S)>| -> Vec<Result<(u64, T)>> {
            part.into_iter().map(|(id, sample)| one(transform, id, sample).map(|value| (id, value))).collect()
        };
        let results: Vec<Result<(u64, T)>> = thread::scope(|scope| {
            let mut parts = parts.into_iter();
            let own = parts.next();
            let others: Vec<_> = parts.map(|part| scope.spawn(|| run(part))).collect();
            let mut results = own.map(run).unwrap_or_default();
            // Panics are caught sample by sample.
            results.extend(others.into_iter().filter_map(|thread| thread.join().ok()).flatten());
            results
        });
        let mut values = Vec::with_capacity(results.len());
        for result in results {
            match result {
                Ok(value) => values.push(value),
                Err(_) if self.on_fault == OnFault::Skip => self.skipped += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(values)
    }
}

fn one<S, T>(transform: &Transform<S, T>, id: u64, sample: S) -> Result<T> {
    let fault = |reason| Error::Transform { sample: id, reason };
    match catch_unwind(AssertUnwindSafe(|| transform(id, sample))) {
        Ok(result) => result.map_err(|error| fault(format!("failed: {error}"))),
        Err(panic) => Err(fault(format!("panicked: {}", message(&*panic)))),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

impl<S: Sample, T: Send> Iterator for Mapped<S, T> {
    type Item = Result<Vec<(u64, T)>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let values = self.epoch.next()?.and_then(|batch| self.values(&batch));
        self.failed = values.is_err();
        Some(values)
    }
}
