//! Chunks on their way to files: cut, packed and checked by threads, written in order.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use twox_hash::XxHash3_64;

use super::Settings;
use crate::format::{self, CHUNKS, ChunkEntry, Codec, FileEntry, Index};
use crate::storage::{ALIGNMENT, Sink, Storage, sync, write_all};
use crate::{Error, Result, Schema, compress};

/// A file of chunks ends with the first chunk beyond this.
const FILE_BYTES: u64 = 4 << 30;

/// When a chunk is full.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) samples: Option<usize>,
    pub(super) bytes: usize,
    /// Whether the number of samples must be met, so that too many bytes are an error.
    pub(super) exact: bool,
}

struct Packed {
    samples: u32,
    raw: u32,
    codec: Codec,
    checksum: u64,
    bytes: Vec<u8>,
}

/// The raw bytes of a chunk, its samples, and who waits for it.
type Job = (Vec<u8>, u32, SyncSender<Packed>);

pub(super) struct ChunkFiles {
    storage: Arc<dyn Storage>,
    folder: PathBuf,
    generation: u64,
    id: u64,
    first_file: u32,
    limits: Limits,
    /// The samples of the chunk to come, one after the other.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    jobs: Option<SyncSender<Job>>,
    workers: Vec<JoinHandle<()>>,
    /// Chunks with the workers, in order.
    pending: std::collections::VecDeque<Receiver<Packed>>,
    most_pending: usize,
    sink: Option<Box<dyn Sink>>,
    files: Vec<FileEntry>,
    chunks: Vec<ChunkEntry>,
    written: (u64, u64),
}

impl fmt::Debug for ChunkFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChunkFiles({} chunks in {})", self.chunks.len(), self.folder.display())
    }
}

impl ChunkFiles {
    pub(super) fn new(
        folder: &Path,
        generation: u64,
        id: u64,
        base: &Index,
        codec: Codec,
        limits: Limits,
        settings: &Settings,
    ) -> Self {
        let (jobs, taken) = sync_channel::<Job>(settings.threads);
        let taken = Arc::new(Mutex::new(taken));
        let worker = |_| {
            let taken = Arc::clone(&taken);
            thread::spawn(move || {
                loop {
                    let job = taken.lock().map(|jobs| jobs.recv());
                    let Ok(Ok((raw, samples, answer))) = job else { return };
                    // Nobody waits for it if the writer was dropped.
                    let _ = answer.send(packed(codec, raw, samples));
                }
            })
        };
        Self {
            storage: Arc::clone(&settings.storage),
            folder: folder.to_owned(),
            generation,
            id,
            first_file: base.header.files.len() as u32,
            limits,
            bytes: Vec::new(),
            ends: Vec::new(),
            jobs: Some(jobs),
            workers: (0..settings.threads).map(worker).collect(),
            pending: std::collections::VecDeque::new(),
            // What waits takes no more than a quarter of the memory.
            most_pending: (settings.memory.size() / 4 / limits.bytes.max(1)).clamp(1, 2 * settings.threads),
            sink: None,
            files: Vec::new(),
            chunks: Vec::new(),
            written: (0, 0),
        }
    }

    pub(super) fn samples(&self) -> u64 {
        self.written.0
    }

    pub(super) fn bytes(&self) -> u64 {
        self.written.1
    }

    pub(super) fn push(&mut self, schema: &Schema, record: &[u8]) -> Result<()> {
        let table = if schema.record_size().is_some() { 0 } else { 4 * (self.ends.len() + 2) };
        let too_large = self.bytes.len() + record.len() + table > self.limits.bytes;
        if too_large && self.limits.exact && !self.ends.is_empty() {
            return Err(Error::setting(
                "the number of samples in a chunk",
                self.limits.samples.unwrap_or_default(),
                format!("at most {}, which fit in {} bytes", self.ends.len(), self.limits.bytes),
            ));
        }
        if too_large && !self.ends.is_empty() {
            self.cut(schema)?;
        }
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
        if self.limits.samples.is_some_and(|samples| self.ends.len() >= samples) {
            self.cut(schema)?;
        }
        Ok(())
    }

    /// Hands the samples that wait to the workers.
    fn cut(&mut self, schema: &Schema) -> Result<()> {
        while self.pending.len() >= self.most_pending {
            self.write_next()?;
        }
        let samples = self.ends.len() as u32;
        let raw = if schema.record_size().is_some() {
            let next = Vec::with_capacity(self.bytes.len());
            std::mem::replace(&mut self.bytes, next)
        } else {
            let ends = &self.ends;
            let records =
                (0..ends.len()).map(|at| &self.bytes[if at == 0 { 0 } else { ends[at - 1] }..ends[at]]);
            let mut raw = Vec::with_capacity(self.bytes.len() + 4 * (ends.len() + 1));
            format::pack(schema, records, &mut raw);
            self.bytes.clear();
            raw
        };
        self.ends.clear();
        let (answer, waiting) = sync_channel(1);
        let lost = || Error::setting("the number of threads that pack chunks", 0, "at least 1");
        self.jobs.as_ref().and_then(|jobs| jobs.send((raw, samples, answer)).ok()).ok_or_else(lost)?;
        self.pending.push_back(waiting);
        Ok(())
    }

    fn write_next(&mut self) -> Result<()> {
        let Some(answer) = self.pending.pop_front() else { return Ok(()) };
        let lost = |_| Error::setting("the number of threads that pack chunks", 0, "at least 1");
        let chunk = answer.recv().map_err(lost)?;
        if self.files.last().is_none_or(|file| file.bytes >= FILE_BYTES) {
            self.close()?;
            let number = self.first_file + self.files.len() as u32;
            let name = format!("{:06}-{:06}{CHUNKS}", self.generation, self.files.len());
            let path = self.folder.join(&name);
            let mut sink = self.storage.create(&path).map_err(Error::file("create", &path))?;
            self.files.push(FileEntry { name, bytes: ALIGNMENT as u64 });
            write_all(&mut *sink, &format::file_head(self.id, number))
                .map_err(Error::file("write", &path))?;
            self.sink = Some(sink);
        }
        let (Some(file), Some(sink)) = (self.files.last_mut(), &mut self.sink) else { return Ok(()) };
        let path = self.folder.join(&file.name);
        let entry = ChunkEntry {
            file: self.first_file + self.files.len() as u32 - 1,
            samples: chunk.samples,
            offset: self.files.last().map_or(0, |file| file.bytes),
            stored: chunk.bytes.len() as u32,
            raw: chunk.raw,
            checksum: chunk.checksum,
            codec: chunk.codec,
        };
        let mut bytes = chunk.bytes;
        bytes.resize(entry.padded(), 0);
        write_all(&mut **sink, &bytes).map_err(Error::file("write", &path))?;
        if let Some(file) = self.files.last_mut() {
            file.bytes += bytes.len() as u64;
        }
        self.written = (self.written.0 + u64::from(entry.samples), self.written.1 + bytes.len() as u64);
        self.chunks.push(entry);
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let (Some(mut sink), Some(file)) = (self.sink.take(), self.files.last()) else { return Ok(()) };
        sync(&mut *sink).map_err(Error::file("sync", &self.folder.join(&file.name)))
    }

    /// Writes all chunks that are under way, and makes the files lasting.
    pub(super) fn finish(&mut self, schema: &Schema) -> Result<()> {
        if !self.ends.is_empty() {
            self.cut(schema)?;
        }
        while !self.pending.is_empty() {
            self.write_next()?;
        }
        self.close()
    }

    pub(super) fn take(&mut self) -> (Vec<FileEntry>, Vec<ChunkEntry>) {
        (std::mem::take(&mut self.files), std::mem::take(&mut self.chunks))
    }

    /// Removes the files of a set that is not finished.
    pub(super) fn remove(&mut self, storage: &dyn Storage, folder: &Path) {
        self.sink = None;
        for file in &self.files {
            let _ = storage.remove(&folder.join(&file.name));
        }
    }
}

impl Drop for ChunkFiles {
    fn drop(&mut self) {
        self.jobs = None;
        for worker in self.workers.drain(..) {
            // A worker cannot panic; and if it did, its chunk was missed before.
            let _ = worker.join();
        }
    }
}

fn packed(codec: Codec, raw: Vec<u8>, samples: u32) -> Packed {
    let size = raw.len() as u32;
    let (bytes, codec) = match compress::pack(codec, &raw) {
        Some(bytes) => (bytes, codec),
        None => (raw, Codec::None),
    };
    Packed { samples, raw: size, codec, checksum: XxHash3_64::oneshot(&bytes), bytes }
}
