//! How sets are written.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::Writer;
use crate::format::{Codec, Index};
use crate::sample::{Raw, Sample};
use crate::storage::{Disk, Storage};
use crate::{Bytes, Error, Result, Schema};

/// How far a writer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Samples that were taken.
    pub taken: u64,
    /// Samples that are in chunks.
    pub written: u64,
    /// Bytes of chunks.
    pub bytes: Bytes,
}

/// How a set is written.
///
/// ```
/// use ketline_data::{Bytes, DType, Dataset, Kind, Schema, Settings};
///
/// # let folder = std::env::temp_dir().join(format!("ketline-doc-writer-{}", std::process::id()));
/// let schema = Schema::new().field("x", Kind::Fixed { dtype: DType::F32, shape: vec![2] });
/// let mut writer = Settings::new().chunk_bytes(Bytes::kib(64)).seed(7).create_raw(&folder, &schema)?;
/// for i in 0..1000 {
///     let x = [i as f32, 0.5];
///     writer.push_bytes(x.map(f32::to_le_bytes).as_flattened())?;
/// }
/// let statistics = writer.finish()?;
/// assert_eq!(statistics.samples, 1000);
/// assert_eq!(Dataset::open(&folder)?.len(), 1000);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), ketline_data::Error>(())
/// ```
#[derive(Clone)]
pub struct Settings {
    pub(super) chunk_bytes: Option<Bytes>,
    pub(super) chunk_samples: Option<usize>,
    pub(super) codec: Option<Codec>,
    pub(super) seed: Option<u64>,
    pub(super) shuffle: bool,
    pub(super) memory: Bytes,
    pub(super) threads: usize,
    pub(super) moments: bool,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("chunk_bytes", &self.chunk_bytes)
            .field("chunk_samples", &self.chunk_samples)
            .field("codec", &self.codec)
            .field("seed", &self.seed)
            .field("shuffle", &self.shuffle)
            .field("memory", &self.memory)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl Settings {
    /// Chunks of 384 KiB, shuffled, not packed, by two threads within 256 MiB.
    pub fn new() -> Self {
        Self {
            chunk_bytes: None,
            chunk_samples: None,
            codec: None,
            seed: None,
            shuffle: true,
            memory: Bytes::mib(256),
            threads: 2,
            moments: true,
            storage: Arc::new(Disk::default()),
            progress: None,
        }
    }

    /// Whole samples up to so many bytes make a chunk (384 KiB); a larger sample makes one alone.
    #[must_use]
    pub fn chunk_bytes(mut self, bytes: Bytes) -> Self {
        self.chunk_bytes = Some(bytes);
        self
    }

    /// So many samples make a chunk, whatever their bytes.
    #[must_use]
    pub fn chunk_samples(mut self, samples: usize) -> Self {
        self.chunk_samples = Some(samples);
        self
    }

    /// Packs each chunk that gets smaller by it ([`Codec::None`]).
    #[must_use]
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = Some(codec);
        self
    }

    /// The seed of the shuffle (0).
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Keeps the samples in their order. A set whose neighbours are alike then trains badly: see the guide.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.shuffle = false;
        self
    }

    /// The memory for samples that wait to be shuffled, at least 8 MiB; what exceeds it waits on disk.
    #[must_use]
    pub fn memory(mut self, bytes: Bytes) -> Self {
        self.memory = bytes;
        self
    }

    /// Threads that pack and check chunks; the files are the same with any number.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Leaves out the moments of fields, which take a look at up to 64 numbers of each sample.
    #[must_use]
    pub fn without_moments(mut self) -> Self {
        self.moments = false;
        self
    }

    /// Writes elsewhere than to the disk.
    #[must_use]
    pub fn storage(mut self, storage: Arc<dyn Storage>) -> Self {
        self.storage = storage;
        self
    }

    /// Is called now and then, and at the end.
    #[must_use]
    pub fn progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(report));
        self
    }

    /// Begins a set in a folder; one that is there is replaced as a whole when the writer finishes, and not before.
    pub fn create<S: Sample>(self, folder: impl AsRef<Path>) -> Result<Writer<S>> {
        let schema =
            S::schema().ok_or_else(|| Error::setting("the schema", "none", "one; see `create_raw`"))?;
        Writer::begin(self, folder.as_ref(), &schema, false)
    }

    /// Begins a set of samples that are given as bytes.
    pub fn create_raw(self, folder: impl AsRef<Path>, schema: &Schema) -> Result<Writer<Raw>> {
        Writer::begin(self, folder.as_ref(), schema, false)
    }

    /// Adds chunks to a set. Its old chunks stay as they are, and are all there is until the writer finishes. New samples
    /// are shuffled among themselves.
    pub fn append<S: Sample>(self, folder: impl AsRef<Path>) -> Result<Writer<S>> {
        let folder = folder.as_ref();
        let index = Index::open(&*self.storage, folder)?;
        let schema = S::schema().unwrap_or_else(|| index.header.schema.clone());
        Writer::begin(self, folder, &schema, true)
    }
}
