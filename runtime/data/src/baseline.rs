//! What others do, in the same runtime and on the same files: for comparison and for teaching.
//!
//! | | reads | random | memory |
//! |---|---|---|---|
//! | [`Baseline::Random`] | each sample by itself, in turn | fully | a batch |
//! | [`Baseline::RandomAhead`] | the same, many at once and out of turn | fully | a batch |
//! | [`Baseline::ShuffleBuffer`] | chunks in order of the files | within the buffer | the buffer |
//! | [`Baseline::ChunkCache`] | whole chunks, the least recently used one is forgotten | fully | the cache |
//!
//! All give each sample once an epoch. Random reads go through the page cache, one call for a sample.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::columns::Columns;
use crate::dataset::{ChunkBuffers, Dataset, Set};
use crate::random::Key;
use crate::sample::{RecordReader, Sample};
use crate::{Bytes, Error, Result};

/// A way to read a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// A random order, one sample after the other: `PyTorch`'s sampler over single reads.
    Random,
    /// A random order that is known in advance: the samples of a batch are read by so many threads, in any order (as
    /// RINAS, arXiv:2312.02368, and `NoPFS`, arXiv:2101.08734).
    RandomAhead {
        /// Reads at once.
        depth: usize,
    },
    /// Samples in the order of the files go through a buffer that gives a random one for each that comes (as
    /// `WebDataset` and tf.data).
    ShuffleBuffer {
        /// Samples in the buffer.
        samples: usize,
    },
    /// A random order whose chunks are kept, as long as there is room.
    ChunkCache {
        /// Chunks in the cache.
        chunks: usize,
    },
}

/// An epoch read by a baseline.
pub struct BaselineEpoch<S: Sample> {
    set: Arc<Set>,
    dataset: Dataset<S>,
    way: Baseline,
    batch: usize,
    key: Key,
    /// The samples to come, from the end on; for the buffer, those in it.
    order: Vec<u64>,
    place: u64,
    cache: HashMap<usize, (u64, ChunkBuffers)>,
    clock: u64,
    buffer: Vec<(u64, Vec<u8>)>,
    read: (u64, u64),
}

impl<S: Sample> fmt::Debug for BaselineEpoch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaselineEpoch({:?} of {:?})", self.way, self.dataset)
    }
}

/// The samples of one batch of a baseline.
#[derive(Debug, Default)]
pub struct Samples {
    /// Their numbers in the set.
    pub ids: Vec<u64>,
    /// Their bytes, as they are stored.
    pub records: Vec<Vec<u8>>,
}

impl Samples {
    /// The samples as values.
    pub fn read<S: Sample>(&self) -> impl Iterator<Item = Result<S>> + '_ {
        self.ids.iter().zip(&self.records).map(|(id, record)| S::read(&mut RecordReader::new(record, *id)))
    }

    /// The samples field by field, as a loader gives them.
    pub fn columns<S: Sample>(&self, dataset: &Dataset<S>) -> Result<Columns> {
        let schema = dataset.schema();
        let mut columns = Columns::new(schema, self.ids.len(), dataset.set.largest_sample());
        self.ids.iter().zip(&self.records).try_for_each(|(id, record)| columns.push(schema, *id, record))?;
        Ok(columns)
    }
}

impl Baseline {
    /// Begins an epoch.
    ///
    /// # Errors
    /// [`Error::Setting`] for a batch, buffer, cache or depth of 0, and for random reads of packed chunks.
    pub fn epoch<S: Sample>(
        self,
        dataset: &Dataset<S>,
        batch: usize,
        seed: u64,
        epoch: u64,
    ) -> Result<BaselineEpoch<S>> {
        let set = Arc::clone(&dataset.set);
        let size = match self {
            Self::Random => 1,
            Self::RandomAhead { depth: size }
            | Self::ShuffleBuffer { samples: size }
            | Self::ChunkCache { chunks: size } => size,
        };
        if size == 0 || batch == 0 {
            return Err(Error::setting("the size of a baseline", 0, "at least 1"));
        }
        if matches!(self, Self::Random | Self::RandomAhead { .. }) && set.is_packed() {
            return Err(Error::setting(
                "the chunks of a set that is read sample by sample",
                "packed",
                "not packed",
            ));
        }
        let key = Key::new(seed).part(epoch);
        let mut order = Vec::new();
        if !matches!(self, Self::ShuffleBuffer { .. }) {
            order.extend(0..set.samples());
            key.shuffle(&mut order);
        }
        Ok(BaselineEpoch {
            set,
            dataset: dataset.clone(),
            way: self,
            batch,
            key,
            order,
            place: 0,
            cache: HashMap::new(),
            clock: 0,
            buffer: Vec::new(),
            read: (0, 0),
        })
    }
}

impl<S: Sample> BaselineEpoch<S> {
    /// Bytes that were asked for, and reads.
    pub fn read(&self) -> (Bytes, u64) {
        (Bytes(self.read.0), self.read.1)
    }

    fn random(&mut self, depth: usize, ids: &[u64]) -> Result<Samples> {
        let (set, next) = (&self.set, AtomicUsize::new(0));
        let work = || {
            let mut own = Vec::new();
            while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut record = Vec::new();
                set.record(*id, &mut record)?;
                own.push((*id, record));
            }
            Ok(own)
        };
        let found: Result<Vec<_>> = if depth == 1 {
            work()
        } else {
            thread::scope(|scope| {
                let threads: Vec<_> = (0..depth.min(ids.len())).map(|_| scope.spawn(work)).collect();
                let lost = || Error::setting("the number of threads", "one that panicked", "none");
                let parts: Result<Vec<_>> =
                    threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(lost()))).collect();
                Ok(parts?.into_iter().flatten().collect())
            })
        };
        let (ids, records): (_, Vec<Vec<u8>>) = found?.into_iter().unzip();
        self.read.0 += records.iter().map(|record| record.len() as u64).sum::<u64>();
        self.read.1 += records.len() as u64;
        Ok(Samples { ids, records })
    }

    fn cached(&mut self, chunks: usize, ids: Vec<u64>) -> Result<Samples> {
        let mut records = Vec::with_capacity(ids.len());
        for id in &ids {
            let Some((chunk, at)) = self.set.locate(*id) else { continue };
            self.clock += 1;
            if !self.cache.contains_key(&chunk) {
                let mut buffers = ChunkBuffers::default();
                if self.cache.len() >= chunks
                    && let Some(oldest) =
                        self.cache.iter().min_by_key(|(_, (used, _))| *used).map(|(chunk, _)| *chunk)
                    && let Some((_, old)) = self.cache.remove(&oldest)
                {
                    buffers = old;
                }
                self.set.load(chunk, &mut buffers, true)?;
                self.read.0 += self.set.chunks[chunk].padded() as u64;
                self.read.1 += 1;
                self.cache.insert(chunk, (self.clock, buffers));
            }
            if let Some((used, buffers)) = self.cache.get_mut(&chunk) {
                *used = self.clock;
                records.push(self.set.records(chunk, buffers).get(at).to_vec());
            }
        }
        Ok(Samples { ids, records })
    }

    fn buffered(&mut self, samples: usize) -> Result<Samples> {
        let mut batch = Samples::default();
        while batch.ids.len() < self.batch {
            while self.buffer.len() < samples && (self.clock as usize) < self.set.chunks.len() {
                let chunk = self.clock as usize;
                let mut buffers = ChunkBuffers::default();
                self.set.load(chunk, &mut buffers, true)?;
                self.read.0 += self.set.chunks[chunk].padded() as u64;
                self.read.1 += 1;
                let records = self.set.records(chunk, &buffers);
                for at in 0..self.set.chunks[chunk].samples as usize {
                    self.buffer.push((self.set.firsts[chunk] + at as u64, records.get(at).to_vec()));
                }
                self.clock += 1;
            }
            if self.buffer.is_empty() {
                break;
            }
            let at = self.key.below(self.place, self.buffer.len() as u64) as usize;
            self.place += 1;
            let (id, record) = self.buffer.swap_remove(at);
            batch.ids.push(id);
            batch.records.push(record);
        }
        Ok(batch)
    }
}

impl<S: Sample> Iterator for BaselineEpoch<S> {
    type Item = Result<Samples>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Baseline::ShuffleBuffer { samples } = self.way {
            let batch = self.buffered(samples);
            return if matches!(&batch, Ok(batch) if batch.ids.is_empty()) { None } else { Some(batch) };
        }
        let ids = self.order.split_off(self.order.len().saturating_sub(self.batch));
        if ids.is_empty() {
            return None;
        }
        Some(match self.way {
            Baseline::RandomAhead { depth } => self.random(depth, &ids),
            Baseline::ChunkCache { chunks } => self.cached(chunks, ids),
            _ => self.random(1, &ids),
        })
    }
}
