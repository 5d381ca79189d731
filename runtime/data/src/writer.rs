//! Writes sets: streaming, with bounded memory, shuffled, and atomic.

mod pipeline;
mod settings;
mod shuffle;

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use settings::{Progress, Settings};

use self::pipeline::ChunkFiles;
use self::shuffle::Shuffler;
use crate::format::{CHUNKS, INDEX, Index, MOST_CHUNK_BYTES};
use crate::random::Key;
use crate::sample::{Raw, RecordWriter, Sample};
use crate::statistics::Statistics;
use crate::storage::{Storage, sync, write_all};
use crate::{Bytes, Error, Result, Schema, compress};

/// Takes samples and writes them; a set is there only after [`finish`](Self::finish).
pub struct Writer<S: Sample = Raw> {
    settings: Settings,
    folder: PathBuf,
    /// The set as it is, to which chunks are added.
    base: Index,
    schema: Schema,
    statistics: Statistics,
    shuffler: Option<Shuffler>,
    files: ChunkFiles,
    record: Vec<u8>,
    /// Names that were there before.
    old: Vec<PathBuf>,
    finished: bool,
    _lock: Box<dyn fmt::Debug + Send>,
    samples: PhantomData<fn(S)>,
}

const LEAST_MEMORY: Bytes = Bytes::mib(8);
const USUAL_CHUNK: Bytes = Bytes::kib(384);

impl<S: Sample> fmt::Debug for Writer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({}: {} samples of {})", self.folder.display(), self.statistics.samples, self.schema)
    }
}

impl<S: Sample> Writer<S> {
    fn begin(mut settings: Settings, folder: &Path, schema: &Schema, append: bool) -> Result<Self> {
        schema.check()?;
        let defaults = S::defaults();
        let codec = settings.codec.unwrap_or(defaults.codec);
        compress::check(codec)?;
        let samples =
            settings.chunk_samples.or_else(|| settings.chunk_bytes.map_or(defaults.chunk_samples, |_| None));
        if samples == Some(0) {
            return Err(Error::setting("the number of samples in a chunk", 0, "at least 1"));
        }
        if settings.memory < LEAST_MEMORY {
            return Err(Error::setting(
                "the memory of a writer",
                settings.memory,
                format!("at least {LEAST_MEMORY}"),
            ));
        }
        let bytes = settings.chunk_bytes.or(defaults.chunk_bytes).unwrap_or(USUAL_CHUNK);
        let most = Bytes::from(MOST_CHUNK_BYTES).min(Bytes(settings.memory.0 / 2));
        if bytes > most || bytes.0 == 0 {
            return Err(Error::setting(
                "the size of a chunk",
                bytes,
                format!("at most {most}, half of the memory"),
            ));
        }
        settings.threads = settings.threads.clamp(1, 64);
        let storage = Arc::clone(&settings.storage);
        storage.make_folder(folder).map_err(Error::file("make", folder))?;
        let lock = storage.lock(folder).map_err(Error::file("lock", folder))?;
        let lock = lock.ok_or_else(|| Error::Locked { path: folder.to_owned() })?;
        let base = match Index::open(&*storage, folder) {
            Ok(index) if append && index.header.schema != *schema => {
                return Err(Error::Schema {
                    path: folder.to_owned(),
                    found: index.header.schema.to_string(),
                    expected: schema.to_string(),
                });
            }
            Ok(index) => index,
            Err(error) if append => return Err(error),
            // What is no set, or a damaged one, is replaced; a disk that fails is not written to.
            Err(error @ Error::File { .. }) => return Err(error),
            Err(_) => Index::default(),
        };
        let old = clean(&*storage, folder, &base)?;
        // A number that no writer before had, so that names never meet.
        let seed = settings.seed.or(defaults.seed).unwrap_or_default();
        let generation = generation(&base);
        let id = if append { base.id } else { Key::new(base.id).part(seed).at(generation) };
        let base = if append { base } else { Index { id, ..Index::default() } };
        let limits = pipeline::Limits {
            samples,
            bytes: if samples.is_some() { most.size() } else { bytes.size() },
            exact: samples.is_some(),
        };
        let files = ChunkFiles::new(folder, generation, id, &base, codec, limits, &settings);
        let shuffler = settings.shuffle.then(|| {
            Shuffler::new(folder, Key::new(seed).part(generation), settings.memory, Arc::clone(&storage))
        });
        Ok(Self {
            folder: folder.to_owned(),
            statistics: base.header.statistics.clone(),
            schema: schema.clone(),
            base,
            settings,
            shuffler,
            files,
            record: Vec::new(),
            old,
            finished: false,
            _lock: lock,
            samples: PhantomData,
        })
    }

    /// Adds a sample.
    ///
    /// # Errors
    /// [`Error::Sample`] if a number is outside of its range or the sample is larger than a chunk can be;
    /// [`Error::File`] if the disk is full.
    pub fn push(&mut self, sample: &S) -> Result<()> {
        let mut record = std::mem::take(&mut self.record);
        record.clear();
        sample.write(&mut RecordWriter::new(&mut record));
        let pushed = self.push_bytes(&record);
        self.record = record;
        pushed
    }

    /// Adds a sample as the bytes in which it is stored.
    pub fn push_bytes(&mut self, record: &[u8]) -> Result<()> {
        let sample = self.statistics.samples;
        self.schema.check_record(record).map_err(|reason| Error::Sample { sample, reason })?;
        let most = (self.settings.memory.size() / 2).min(MOST_CHUNK_BYTES) - 16;
        if record.len() > most {
            let reason =
                format!("its {} bytes are more than the {most} of a chunk in this memory", record.len());
            return Err(Error::Sample { sample, reason });
        }
        self.statistics.add(&self.schema, record, self.settings.moments);
        match &mut self.shuffler {
            Some(shuffler) => shuffler.push(record)?,
            None => self.files.push(&self.schema, record)?,
        }
        if self.statistics.samples.is_multiple_of(4096) {
            self.report();
        }
        Ok(())
    }

    /// Adds all samples of an iterator.
    pub fn extend(&mut self, samples: impl IntoIterator<Item = Result<S>>) -> Result<()> {
        samples.into_iter().try_for_each(|sample| self.push(&sample?))
    }

    fn report(&self) {
        if let Some(report) = &self.settings.progress {
            report(Progress {
                taken: self.statistics.samples,
                written: self.files.samples(),
                bytes: Bytes(self.files.bytes()),
            });
        }
    }

    /// Writes what waits, and then the index: from here on the set is there, as a whole.
    pub fn finish(mut self) -> Result<Statistics> {
        if let Some(mut shuffler) = self.shuffler.take() {
            let (files, schema) = (&mut self.files, &self.schema);
            let (progress, taken) = (self.settings.progress.clone(), self.statistics.samples);
            shuffler.drain(|record| {
                files.push(schema, record)?;
                if let Some(report) = progress.as_ref().filter(|_| files.samples().is_multiple_of(4096)) {
                    report(Progress { taken, written: files.samples(), bytes: Bytes(files.bytes()) });
                }
                Ok(())
            })?;
        }
        self.files.finish(&self.schema)?;
        let (files, chunks) = self.files.take();
        let shuffled = self.settings.shuffle && (self.base.chunks.is_empty() || self.base.header.shuffled);
        let mut index = std::mem::take(&mut self.base);
        index.header.files.extend(files);
        index.chunks.extend(chunks);
        index.header.schema = self.schema.clone();
        index.header.shuffled = shuffled;
        index.header.statistics = self.statistics.clone();
        self.commit(&index)?;
        self.finished = true;
        let named: HashSet<_> = index.header.files.iter().map(|file| self.folder.join(&file.name)).collect();
        for path in self.old.iter().filter(|path| !named.contains(*path)) {
            // It is out of the index; the next writer tries again.
            let _ = self.settings.storage.remove(path);
        }
        self.report();
        Ok(std::mem::take(&mut self.statistics))
    }

    /// The index appears at once, after everything that it names is lasting.
    fn commit(&self, index: &Index) -> Result<()> {
        let (path, part) = (self.folder.join(INDEX), self.folder.join(format!("{INDEX}{PART}")));
        let storage = &*self.settings.storage;
        storage.sync_folder(&self.folder).map_err(Error::file("sync", &self.folder))?;
        let mut sink = storage.create(&part).map_err(Error::file("create", &part))?;
        write_all(&mut *sink, &index.to_bytes()?).map_err(Error::file("write", &part))?;
        sync(&mut *sink).map_err(Error::file("sync", &part))?;
        drop(sink);
        storage.rename(&part, &path).map_err(Error::file("rename to", &path))?;
        storage.sync_folder(&self.folder).map_err(Error::file("sync", &self.folder))
    }
}

impl<S: Sample> Drop for Writer<S> {
    fn drop(&mut self) {
        if !self.finished {
            self.files.remove(&*self.settings.storage, &self.folder);
            let _ = self.settings.storage.remove(&self.folder.join(format!("{INDEX}{PART}")));
        }
    }
}

/// How names of files end that no index knows yet.
pub(crate) const PART: &str = ".part";

/// Removes what a killed writer left, and says which chunk files belong to the set.
fn clean(storage: &dyn Storage, folder: &Path, base: &Index) -> Result<Vec<PathBuf>> {
    let named: HashSet<_> = base.header.files.iter().map(|file| folder.join(&file.name)).collect();
    for path in storage.list(folder).map_err(Error::file("list", folder))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ours = name.ends_with(PART) || (name.ends_with(CHUNKS) && !named.contains(&path));
        if ours {
            storage.remove(&path).map_err(Error::file("remove", &path))?;
        }
    }
    Ok(named.into_iter().collect())
}

/// One above the generations in the names of a set's files.
fn generation(base: &Index) -> u64 {
    let generations =
        base.header.files.iter().filter_map(|file| file.name.split('-').next()?.parse::<u64>().ok());
    generations.max().map_or(0, |last| last + 1)
}
