//! Batches, whose memory goes back when they are dropped.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use crate::columns::Columns;
use crate::sample::{RecordReader, Sample};
use crate::{Error, Result, Schema};

/// Memory for as many batches as the plan has.
#[derive(Debug)]
pub(crate) struct Pool {
    state: Mutex<State>,
    limit: usize,
}

#[derive(Debug)]
struct State {
    free: Vec<Columns>,
    held: usize,
}

impl Pool {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { free: Vec::new(), held: 0 }), limit })
    }

    /// Memory for a batch; none is made before it is needed.
    pub(crate) fn take(&self, make: impl FnOnce() -> Columns) -> Result<Columns> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.held == self.limit {
            return Err(Error::BatchesHeld { found: state.held + 1, expected: self.limit });
        }
        state.held += 1;
        Ok(state.free.pop().unwrap_or_else(make))
    }

    pub(crate) fn give(&self, mut columns: Columns) {
        columns.clear();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.held -= 1;
        state.free.push(columns);
    }

    /// Whether one may be taken.
    pub(crate) fn has_room(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).held < self.limit
    }
}

/// The samples of a batch, field by field.
pub struct Batch<S: Sample> {
    columns: Columns,
    pool: Arc<Pool>,
    schema: Arc<Schema>,
    number: u64,
    samples: PhantomData<fn() -> S>,
}

impl<S: Sample> fmt::Debug for Batch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({}: {} samples of {})", self.number, self.len(), self.schema)
    }
}

impl<S: Sample> Batch<S> {
    pub(crate) fn new(columns: Columns, pool: Arc<Pool>, schema: Arc<Schema>, number: u64) -> Self {
        Self { columns, pool, schema, number, samples: PhantomData }
    }

    /// Its number in the epoch.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many samples it has.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The numbers of its samples in the set.
    pub fn ids(&self) -> &[u64] {
        self.columns.ids()
    }

    /// Its fields by name.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Its fields by type.
    pub fn view(&self) -> Result<S::Batch<'_>> {
        S::batch(&self.columns)
    }

    /// Its samples as values of their own, in order.
    ///
    /// # Errors
    /// [`Error::Sample`] for bytes that are no such sample.
    pub fn samples(&self) -> impl Iterator<Item = Result<S>> + '_ {
        let mut record = Vec::new();
        self.ids().iter().enumerate().map(move |(row, id)| {
            self.columns.record(row, &mut record);
            S::read(&mut RecordReader::new(&record, *id))
        })
    }
}

impl<S: Sample> Drop for Batch<S> {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.columns));
    }
}
