//! A set that is opened for reading.

use std::fmt;
use std::fs::File;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use twox_hash::XxHash3_64;

use crate::format::{self, ChunkEntry, Codec, Index, Records};
use crate::plan::Planner;
use crate::sample::{Raw, RecordReader, Sample};
use crate::statistics::Statistics;
use crate::storage::{AlignedBuffer, Disk, Source, Storage, read_exact};
use crate::{Bytes, Error, Result, Schema, compress};

/// A finished set.
///
/// Cheap to clone; files stay open, so that a set that is replaced meanwhile is read to its end as it was.
pub struct Dataset<S: Sample = Raw> {
    pub(crate) set: Arc<Set>,
    samples: PhantomData<fn() -> S>,
}

/// What all clones share.
pub(crate) struct Set {
    pub(crate) folder: PathBuf,
    pub(crate) schema: Schema,
    /// Bytes of each sample, where all have the same.
    pub(crate) record_size: Option<usize>,
    pub(crate) chunks: Vec<ChunkEntry>,
    /// The number of each chunk's first sample, and that of all samples.
    pub(crate) firsts: Vec<u64>,
    pub(crate) shuffled: bool,
    statistics: Statistics,
    files: Vec<(PathBuf, Box<dyn Source>)>,
    /// The most bytes that a chunk takes in its file, and those that a packed one has when it is unpacked.
    pub(crate) largest: (usize, usize),
    pub(crate) id: u64,
}

impl<S: Sample> Clone for Dataset<S> {
    fn clone(&self) -> Self {
        Self { set: Arc::clone(&self.set), samples: PhantomData }
    }
}

impl<S: Sample> fmt::Debug for Dataset<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dataset({}: {} samples of {})", self.set.folder.display(), self.len(), self.schema())
    }
}

impl Dataset<Raw> {
    /// Opens a set whose samples may be anything.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::open_as(folder)
    }
}

impl<S: Sample> Dataset<S> {
    /// Opens a set of samples that the program knows.
    ///
    /// # Errors
    /// [`Error::NoDataset`], [`Error::File`] for a file that is missing, [`Error::Format`] for one that is damaged or of
    /// another set, [`Error::Schema`] if the samples are others.
    pub fn open_as(folder: impl AsRef<Path>) -> Result<Self> {
        Self::open_in(folder, &Disk::default())
    }

    /// The same elsewhere than on the disk, or with other [`Reads`](crate::Reads).
    pub fn open_in(folder: impl AsRef<Path>, storage: &dyn Storage) -> Result<Self> {
        let folder = folder.as_ref();
        let index = Index::open(storage, folder)?;
        if let Some(expected) = S::schema()
            && expected != index.header.schema
        {
            return Err(Error::Schema {
                path: folder.to_owned(),
                found: index.header.schema.to_string(),
                expected: expected.to_string(),
            });
        }
        let mut files = Vec::with_capacity(index.header.files.len());
        for (number, file) in index.header.files.iter().enumerate() {
            let path = folder.join(&file.name);
            let source = storage.open(&path).map_err(Error::file("open", &path))?;
            format::check_file(&path, &*source, index.id, number as u32, file.bytes)?;
            files.push((path, source));
        }
        for codec in [Codec::Zstd, Codec::Lz4] {
            if index.chunks.iter().any(|chunk| chunk.codec == codec) {
                compress::check(codec)?;
            }
        }
        let mut firsts = Vec::with_capacity(index.chunks.len() + 1);
        let mut first = 0;
        for chunk in &index.chunks {
            firsts.push(first);
            first += u64::from(chunk.samples);
        }
        firsts.push(first);
        let packed = index.chunks.iter().filter(|chunk| chunk.codec != Codec::None);
        let largest = (
            index.chunks.iter().map(ChunkEntry::padded).max().unwrap_or_default(),
            packed.map(|chunk| chunk.raw as usize).max().unwrap_or_default(),
        );
        let set = Set {
            largest,
            folder: folder.to_owned(),
            record_size: index.header.schema.record_size(),
            schema: index.header.schema,
            chunks: index.chunks,
            firsts,
            shuffled: index.header.shuffled,
            statistics: index.header.statistics,
            files,
            id: index.id,
        };
        Ok(Self { set: Arc::new(set), samples: PhantomData })
    }

    /// How many samples there are.
    pub fn len(&self) -> u64 {
        self.set.samples()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its chunks.
    pub fn chunks(&self) -> &[ChunkEntry] {
        &self.set.chunks
    }

    /// What its samples are made of.
    pub fn schema(&self) -> &Schema {
        &self.set.schema
    }

    /// What was counted when it was written.
    pub fn statistics(&self) -> &Statistics {
        &self.set.statistics
    }

    /// Whether its samples were shuffled before they were cut into chunks.
    pub fn is_shuffled(&self) -> bool {
        self.set.shuffled
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.set.folder
    }

    /// Begins a plan for reading it.
    pub fn plan(&self) -> Planner<S> {
        Planner::new(self.clone())
    }

    /// One sample by its number: two small reads where samples vary, else one; a packed chunk is read as a whole.
    ///
    /// This is for looking at single samples: nothing is kept, and no checksum covers a part of a chunk.
    pub fn get(&self, sample: u64) -> Result<S> {
        let mut record = Vec::new();
        self.set.record(sample, &mut record)?;
        S::read(&mut RecordReader::new(&record, sample))
    }

    /// Reads all chunks and compares their checksums; says how many were read, or what is wrong with the first bad one.
    pub fn verify(&self) -> Result<u64> {
        let mut buffers = ChunkBuffers::default();
        for chunk in 0..self.set.chunks.len() {
            self.set.load(chunk, &mut buffers, true)?;
        }
        Ok(self.set.chunks.len() as u64)
    }
}

/// Memory for one chunk: as it is stored, and as it is unpacked.
#[derive(Debug, Default)]
pub(crate) struct ChunkBuffers {
    pub(crate) stored: AlignedBuffer,
    pub(crate) raw: Vec<u8>,
}

impl Set {
    pub(crate) fn samples(&self) -> u64 {
        self.firsts.last().copied().unwrap_or_default()
    }

    /// The most samples of a chunk.
    pub(crate) fn most_samples(&self) -> u32 {
        self.chunks.iter().map(|chunk| chunk.samples).max().unwrap_or_default()
    }

    /// The most bytes of a sample, but no more than the largest chunk leaves it.
    pub(crate) fn largest_sample(&self) -> usize {
        let most = self.chunks.iter().map(|chunk| chunk.raw as usize).max().unwrap_or_default();
        self.record_size.unwrap_or_else(|| (self.statistics.largest as usize).min(most))
    }

    #[allow(clippy::needless_pass_by_value)] // calls read better without a reference
    fn damage(&self, chunk: usize, found: impl ToString, expected: impl ToString) -> Error {
        let file = self.chunks[chunk].file as usize;
        Error::Chunk {
            path: self.files[file].0.clone(),
            chunk: chunk as u64,
            first: self.firsts[chunk],
            end: self.firsts[chunk + 1],
            found: found.to_string(),
            expected: expected.to_string(),
        }
    }

    /// Reads a chunk, compares its checksum, unpacks it and checks its table.
    pub(crate) fn load(&self, chunk: usize, buffers: &mut ChunkBuffers, verify: bool) -> Result<()> {
        self.fetch(chunk, buffers)?;
        self.check(chunk, buffers, verify)
    }

    /// Makes room for the stored bytes of a chunk.
    pub(crate) fn make_room(&self, chunk: usize, buffers: &mut ChunkBuffers) {
        if buffers.stored.as_slice().len() < self.chunks[chunk].padded() {
            // Room for any chunk, so that memory is made once; what is not used is not resident.
            buffers.stored = AlignedBuffer::new(self.largest.0);
        }
    }

    /// The file, place and length of a chunk, where the operating system may read it without the storage.
    pub(crate) fn place(&self, chunk: usize) -> Option<(&File, u64, usize)> {
        let entry = &self.chunks[chunk];
        let (_, source) = &self.files[entry.file as usize];
        Some((source.file(entry.offset, entry.padded())?, entry.offset, entry.padded()))
    }

    /// Reads the stored bytes of a chunk.
    fn fetch(&self, chunk: usize, buffers: &mut ChunkBuffers) -> Result<()> {
        let entry = &self.chunks[chunk];
        let padded = entry.padded();
        self.make_room(chunk, buffers);
        let bytes = &mut buffers.stored.as_mut_slice()[..padded];
        let (path, source) = &self.files[entry.file as usize];
        match read_exact(&**source, bytes, entry.offset) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(self.damage(chunk, error, format!("{padded} bytes from {} on", entry.offset)))
            }
            Err(error) => Err(Error::File { action: "read", path: path.clone(), source: error }),
        }
    }

    /// Compares the checksum of a chunk that was read, unpacks it and checks its table.
    pub(crate) fn check(&self, chunk: usize, buffers: &mut ChunkBuffers, verify: bool) -> Result<()> {
        let entry = &self.chunks[chunk];
        let stored = &buffers.stored.as_slice()[..entry.stored as usize];
        if verify {
            let checksum = XxHash3_64::oneshot(stored);
            if checksum != entry.checksum {
                let [found, expected] = [checksum, entry.checksum].map(|sum| format!("checksum {sum:016x}"));
                return Err(self.damage(chunk, found, expected));
            }
        }
        if entry.codec != Codec::None {
            if buffers.raw.capacity() == 0 {
                buffers.raw.reserve_exact(self.largest.1);
            }
            buffers.raw.resize(entry.raw as usize, 0);
            compress::unpack(entry.codec, stored, &mut buffers.raw)
                .map_err(|found| self.damage(chunk, found, format!("{} bytes after unpacking", entry.raw)))?;
        }
        Records::new(self.record_size, entry, self.raw(chunk, buffers))
            .map_err(|found| self.damage(chunk, found, format!("{} samples", entry.samples)))?;
        Ok(())
    }

    fn raw<'a>(&self, chunk: usize, buffers: &'a ChunkBuffers) -> &'a [u8] {
        let entry = &self.chunks[chunk];
        let bytes = if entry.codec == Codec::None { buffers.stored.as_slice() } else { &buffers.raw };
        &bytes[..entry.raw as usize]
    }

    /// The samples of a loaded chunk.
    pub(crate) fn records<'a>(&self, chunk: usize, buffers: &'a ChunkBuffers) -> Records<'a> {
        let (entry, bytes) = (&self.chunks[chunk], self.raw(chunk, buffers));
        Records::unchecked(self.record_size, entry, bytes).unwrap_or(Records::Fixed { bytes: &[], size: 0 })
    }

    /// The chunk of a sample, and its place there.
    pub(crate) fn locate(&self, sample: u64) -> Option<(usize, usize)> {
        if sample >= self.samples() {
            return None;
        }
        let chunk = self.firsts.partition_point(|first| *first <= sample) - 1;
        Some((chunk, (sample - self.firsts[chunk]) as usize))
    }

    /// Reads the bytes of one sample, wherever it is.
    pub(crate) fn record(&self, sample: u64, out: &mut Vec<u8>) -> Result<()> {
        let (chunk, at) = self.locate(sample).ok_or_else(|| {
            Error::setting("the number of a sample", sample, format!("below {}", self.samples()))
        })?;
        let entry = &self.chunks[chunk];
        if entry.codec != Codec::None {
            let mut buffers = ChunkBuffers::default();
            self.load(chunk, &mut buffers, true)?;
            out.clear();
            out.extend_from_slice(self.records(chunk, &buffers).get(at));
            return Ok(());
        }
        let (path, source) = &self.files[entry.file as usize];
        let read = |buffer: &mut [u8], at: u64| {
            read_exact(&**source, buffer, entry.offset + at).map_err(Error::file("read", path))
        };
        let (start, end) = if let Some(size) = self.record_size {
            (at * size, (at + 1) * size)
        } else {
            let mut ends = [0; 8];
            read(&mut ends, 4 * at as u64)?;
            let [start, end] =
                [0, 4].map(|at| u32::from_le_bytes([ends[at], ends[at + 1], ends[at + 2], ends[at + 3]]));
            if start > end || end > entry.raw {
                let found = format!("sample {at} from {start} to {end}");
                return Err(self.damage(chunk, found, "a place within it"));
            }
            (start as usize, end as usize)
        };
        out.resize(end - start, 0);
        read(out, start as u64)
    }

    /// What the index and the tables beside it take of memory.
    pub(crate) fn memory(&self) -> Bytes {
        Bytes::from(self.chunks.len() * (size_of::<ChunkEntry>() + 8))
    }

    /// Reads the beginning of a chunk, for measuring.
    pub(crate) fn touch(&self, chunk: usize, bytes: usize, buffers: &mut ChunkBuffers) -> Result<()> {
        if buffers.stored.as_slice().len() < bytes {
            buffers.stored = AlignedBuffer::new(bytes);
        }
        let entry = &self.chunks[chunk];
        let (path, source) = &self.files[entry.file as usize];
        let bytes = bytes.min(entry.padded());
        let buffer = &mut buffers.stored.as_mut_slice()[..bytes];
        read_exact(&**source, buffer, entry.offset).map_err(Error::file("read", path))
    }

    /// Whether a chunk is packed, so that no single sample can be read of it.
    pub(crate) fn is_packed(&self) -> bool {
        self.chunks.iter().any(|chunk| chunk.codec != Codec::None)
    }
}
