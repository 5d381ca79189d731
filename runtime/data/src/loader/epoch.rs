//! An epoch: samples leave open chunks for batches.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::ahead::Ahead;
use super::jpeg;
use super::map::{Mapped, OnFault};
use super::pool::{Batch, Pool};
use super::position::Position;
use super::reader::{Readers, Slot};
use crate::columns::Columns;
use crate::dataset::{Dataset, Set};
use crate::order::Cursor;
use crate::plan::{OnDamage, Plan};
use crate::sample::Sample;
use crate::{Bytes, Error, Result, Schema};

/// What an epoch has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Activity {
    /// Bytes that were read.
    pub bytes: Bytes,
    /// Chunks that were read.
    pub chunks: u64,
    /// Samples that were handed out.
    pub samples: u64,
    /// Samples that were left out because their chunk is damaged or their image cannot be decoded.
    pub skipped: u64,
    /// How long the caller waited for chunks.
    pub waited: Duration,
}

/// The chunk of a list.
#[derive(Debug, Default)]
enum Place {
    /// None is open.
    #[default]
    Empty,
    Open(Slot),
    /// It is damaged and passed over.
    Damaged,
}

#[derive(Debug)]
struct Lane {
    cursor: Cursor,
    /// The chunk of each list.
    open: Vec<Place>,
}

/// The batches of an epoch.
///
/// Each `next` takes the samples of a batch out of the open chunks, on the caller's thread, while other threads read
/// those that come next. For work that shall not wait for this, see [`ahead`](Self::ahead).
pub struct Epoch<S: Sample> {
    dataset: Dataset<S>,
    set: Arc<Set>,
    schema: Arc<Schema>,
    plan: Plan,
    number: u64,
    batch: u64,
    batches: u64,
    lanes: Vec<Lane>,
    readers: Readers,
    pool: Arc<Pool>,
    samples: u64,
    skipped: u64,
    /// Whether the last call found that all batches are held.
    refused: bool,
    failed: bool,
}

impl<S: Sample> fmt::Debug for Epoch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch({}, batch {} of {}, {:?})", self.number, self.batch, self.batches, self.dataset)
    }
}

impl<S: Sample> Epoch<S> {
    pub(super) fn start(dataset: Dataset<S>, plan: Plan, number: u64, batch: u64) -> Result<Self> {
        let set = Arc::clone(&dataset.set);
        let batches = plan.batches(number);
        if batch > batches {
            return Err(Error::setting("the batch to go on from", batch, format!("at most {batches}")));
        }
        let mut lanes = Vec::with_capacity(plan.own_lanes());
        let mut lines = Vec::with_capacity(plan.own_lanes());
        for lane in (plan.rank..plan.lanes).step_by(plan.ranks) {
            let order = Arc::new(plan.lane(number, lane));
            let cursor = Cursor::new(&order, batch * plan.stride());
            lines.push((Arc::clone(&order), cursor.queue()));
            lanes.push(Lane { cursor, open: (0..order.lists()).map(|_| Place::Empty).collect() });
        }
        let readers = Readers::start(&set, lines, plan.open + plan.ahead, plan.reader, plan.verify)?;
        Ok(Self {
            schema: Arc::new(set.schema.clone()),
            pool: Pool::new(plan.batches),
            dataset,
            set,
            plan,
            number,
            batch,
            batches,
            lanes,
            readers,
            samples: 0,
            skipped: 0,
            refused: false,
            failed: false,
        })
    }

    /// How the set is read.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where to go on after the batches that were handed out.
    pub fn position(&self) -> Position {
        Position::of(&self.plan, self.set.id, self.number, self.batch)
    }

    /// What was done so far.
    pub fn activity(&self) -> Activity {
        let (bytes, chunks) = self.readers.read();
        Activity {
            bytes: Bytes(bytes),
            chunks,
            samples: self.samples,
            skipped: self.skipped,
            waited: self.readers.waited(),
        }
    }

    /// Makes batches ahead on a thread of its own: one less than [`batches_held`](crate::Planner::batches_held), so that plans
    /// for it hold two or more.
    ///
    /// # Errors
    /// [`Error::Setting`] if the plan holds one.
    pub fn ahead(self) -> Result<Ahead<Batch<S>>> {
        let held = self.plan.batches;
        Ahead::start(self, held)
    }

    /// Makes a value of each sample, on so many threads at once; values of a batch come together and in order.
    pub fn transform<T: Send>(
        self,
        threads: usize,
        on_fault: OnFault,
        transform: impl Fn(u64, S) -> Result<T, Box<dyn std::error::Error + Send + Sync>> + Sync + Send + 'static,
    ) -> Mapped<S, T> {
        Mapped::new(self, threads, on_fault, transform)
    }

    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    fn fill(&mut self, columns: &mut Columns) -> Result<()> {
        for _ in 0..self.plan.stride() {
            for number in 0..self.lanes.len() {
                self.push_next(number, columns)?;
            }
        }
        let faults = jpeg::decode(&self.schema, columns, self.plan.decoders)?;
        if faults.is_empty() {
            return Ok(());
        }
        let mut kept = vec![true; columns.len()];
        for (row, error) in faults {
            if self.plan.on_damage == OnDamage::Fail {
                return Err(error);
            }
            tracing::warn!(%error, "a sample is passed over");
            // Two images of one sample may be bad.
            let skipped = u64::from(std::mem::replace(&mut kept[row], false));
            (self.samples, self.skipped) = (self.samples - skipped, self.skipped + skipped);
        }
        columns.retain(&kept);
        Ok(())
    }

    /// Takes the next sample of a lane.
    fn push_next(&mut self, number: usize, columns: &mut Columns) -> Result<()> {
        let lane = &mut self.lanes[number];
        let Some(draw) = lane.cursor.next() else { return Ok(()) };
        let piece = lane.cursor.order().piece(draw.piece).piece;
        let chunk = piece.chunk as usize;
        let open = &mut lane.open[draw.list as usize];
        if matches!(open, Place::Empty) {
            let (slot, loaded) = self.readers.take(number, draw.piece);
            *open = match loaded {
                Ok(()) => Place::Open(slot),
                Err(error) => {
                    self.readers.give(number, slot);
                    if self.plan.on_damage == OnDamage::Fail || !error.is_damage() {
                        return Err(error);
                    }
                    tracing::warn!(%error, "a damaged chunk is passed over");
                    Place::Damaged
                }
            };
        }
        if let Place::Open(slot) = open {
            let inner = slot.inner[draw.nth as usize];
            let record = self.set.records(chunk, &slot.buffers).get(inner as usize);
            columns.push(&self.schema, self.plan.id(piece, inner), record)?;
            self.samples += 1;
        } else {
            self.skipped += 1;
        }
        if draw.last
            && let Place::Open(slot) = std::mem::take(open)
        {
            self.readers.give(number, slot);
        }
        Ok(())
    }
}

impl<S: Sample> Iterator for Epoch<S> {
    type Item = Result<Batch<S>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.batch == self.batches {
            return None;
        }
        let rows = self.plan.batch / self.plan.ranks;
        let taken = self.pool.take(|| Columns::new(&self.schema, rows, self.set.largest_sample()));
        let mut columns = match taken {
            Ok(columns) => columns,
            // Nothing is lost: the batch comes once another was dropped. Who asks again without that, as `collect` does, would
            // ask for ever.
            Err(error) => {
                self.failed = std::mem::replace(&mut self.refused, true);
                return (!self.failed).then_some(Err(error));
            }
        };
        self.refused = false;
        if let Err(error) = self.fill(&mut columns) {
            self.failed = true;
            self.pool.give(columns);
            return Some(Err(error));
        }
        let number = self.batch;
        self.batch += 1;
        Some(Ok(Batch::new(columns, Arc::clone(&self.pool), Arc::clone(&self.schema), number)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = if self.failed { 0 } else { (self.batches - self.batch) as usize };
        (left, Some(left))
    }
}

impl<S: Sample> Epoch<S> {
    /// The set that is read.
    pub fn dataset(&self) -> &Dataset<S> {
        &self.dataset
    }
}
