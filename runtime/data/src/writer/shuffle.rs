//! Shuffles any number of samples with a fixed amount of memory.
//!
//! Each sample goes to one of many buckets at random; then each bucket is shuffled by itself, and one follows the other.
//! Every order is equally likely (Rao 1961, Sandelius 1962). Buckets lie in memory as long as they fit there, else in
//! files; a bucket that is too large is dealt again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::PART;
use crate::random::Key;
use crate::storage::{Sink, Storage, read_exact, write_all};
use crate::{Bytes, Error, Result};

const BUCKETS: u64 = 64;
/// What a waiting sample takes besides its bytes.
const OVERHEAD: usize = 16;

#[derive(Debug)]
pub(super) struct Shuffler {
    storage: Arc<dyn Storage>,
    key: Key,
    /// What the files of this one are called.
    stem: PathBuf,
    memory: usize,
    waiting: Records,
    buckets: Vec<Bucket>,
    taken: u64,
}

/// Samples in one piece of memory.
#[derive(Debug, Default)]
struct Records {
    bytes: Vec<u8>,
    ends: Vec<u64>,
}

#[derive(Debug)]
struct Bucket {
    path: PathBuf,
    sink: Box<dyn Sink>,
    buffer: Vec<u8>,
    written: u64,
}

impl Records {
    fn push(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len() as u64);
    }

    fn get(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start as usize..self.ends[at] as usize]
    }

    fn memory(&self) -> usize {
        self.bytes.len() + OVERHEAD * self.ends.len()
    }
}

impl Shuffler {
    pub(super) fn new(folder: &Path, key: Key, memory: Bytes, storage: Arc<dyn Storage>) -> Self {
        // Half for samples that wait, whose vector may double; the other half for chunks under way.
        let memory = memory.size() / 4;
        let (waiting, stem) = (Records::default(), folder.join("bucket"));
        Self { storage, key, stem, memory, waiting, buckets: Vec::new(), taken: 0 }
    }

    pub(super) fn push(&mut self, record: &[u8]) -> Result<()> {
        if self.buckets.is_empty() {
            // One sample always fits.
            if self.waiting.ends.is_empty() || self.waiting.memory() + record.len() + OVERHEAD <= self.memory
            {
                self.waiting.push(record);
                return Ok(());
            }
            for bucket in 0..BUCKETS {
                let path = self.stem.with_added_extension(format!("{bucket}{PART}"));
                let sink = self.storage.create(&path).map_err(Error::file("create", &path))?;
                self.buckets.push(Bucket { path, sink, buffer: Vec::new(), written: 0 });
            }
            let waiting = std::mem::take(&mut self.waiting);
            (0..waiting.ends.len()).try_for_each(|at| self.deal(waiting.get(at)))?;
        }
        self.deal(record)
    }

    fn deal(&mut self, record: &[u8]) -> Result<()> {
        let bucket = &mut self.buckets[self.key.below(self.taken, BUCKETS) as usize];
        self.taken += 1;
        bucket.buffer.extend((record.len() as u32).to_le_bytes());
        bucket.buffer.extend(record);
        if bucket.buffer.len() >= self.memory / BUCKETS as usize {
            bucket.flush()?;
        }
        Ok(())
    }

    /// Gives all samples in random order.
    pub(super) fn drain(&mut self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.drain_all(&mut take)
    }

    fn drain_all(&mut self, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if self.buckets.is_empty() {
            let waiting = std::mem::take(&mut self.waiting);
            let mut order: Vec<usize> = (0..waiting.ends.len()).collect();
            self.key.part(u64::MAX).shuffle(&mut order);
            return order.into_iter().try_for_each(|at| take(waiting.get(at)));
        }
        // No longer needed, and the buckets below may need it.
        for bucket in &mut self.buckets {
            bucket.flush()?;
            bucket.buffer = Vec::new();
        }
        for number in 0..self.buckets.len() {
            let (path, length) = (self.buckets[number].path.clone(), self.buckets[number].written);
            let mut inner = Self {
                storage: Arc::clone(&self.storage),
                key: self.key.part(number as u64),
                stem: self.stem.with_added_extension(number.to_string()),
                memory: self.memory,
                waiting: Records::default(),
                buckets: Vec::new(),
                taken: 0,
            };
            self.read(&path, length, |record| inner.push(record))?;
            inner.drain_all(take)?;
            drop(inner);
            // It is removed once more when the shuffler is dropped, if this fails.
            let _ = self.storage.remove(&path);
        }
        Ok(())
    }

    fn read(&self, path: &Path, length: u64, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let source = self.storage.open(path).map_err(Error::file("open", path))?;
        let (mut block, mut at) = (Vec::new(), 0);
        let mut start = 0;
        loop {
            let own = block.get(start..).unwrap_or_default();
            let size = own.first_chunk::<4>().map(|size| u32::from_le_bytes(*size) as usize);
            if let Some(record) = size.and_then(|size| own.get(4..4 + size)) {
                take(record)?;
                start += 4 + record.len();
            } else if at < length {
                let more = (length - at)
                    .min(1 << 20)
                    .max(size.unwrap_or_default().min((length - at) as usize) as u64);
                block.drain(..start);
                start = 0;
                let old = block.len();
                block.resize(old + more as usize, 0);
                read_exact(&*source, &mut block[old..], at).map_err(Error::file("read", path))?;
                at += more;
            } else {
                return Ok(());
            }
        }
    }
}

impl Bucket {
    fn flush(&mut self) -> Result<()> {
        write_all(&mut *self.sink, &self.buffer).map_err(Error::file("write", &self.path))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

impl Drop for Shuffler {
    fn drop(&mut self) {
        for bucket in &self.buckets {
            let _ = self.storage.remove(&bucket.path);
        }
    }
}
