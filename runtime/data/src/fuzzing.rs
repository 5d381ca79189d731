//! Sets in memory for tests, also those that damage them; no part of it is stable.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use twox_hash::XxHash3_64;

use crate::format::INDEX;
use crate::storage::{Sink, Source, Storage};
use crate::{Bytes, Dataset, OnDamage, Raw, Result, Schema, Settings, Writer};

type Files = Arc<Mutex<HashMap<PathBuf, Vec<u8>>>>;

#[derive(Debug, Default)]
struct Memory(Files);

#[derive(Debug)]
struct Writing(PathBuf, Files);

#[derive(Debug)]
struct Reading(Vec<u8>);

fn files(files: &Files) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Vec<u8>>> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Storage for Memory {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Source>> {
        let bytes = files(&self.0).get(path).cloned();
        bytes
            .map(|bytes| Box::new(Reading(bytes)) as Box<dyn Source>)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        files(&self.0).insert(path.to_owned(), Vec::new());
        Ok(Box::new(Writing(path.to_owned(), Arc::clone(&self.0))))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = files(&self.0);
        let bytes = files.remove(from).unwrap_or_default();
        files.insert(to.to_owned(), bytes);
        Ok(())
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        files(&self.0).remove(path);
        Ok(())
    }
    fn list(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(files(&self.0).keys().cloned().collect())
    }
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn lock(&self, _: &Path) -> io::Result<Option<Box<dyn fmt::Debug + Send>>> {
        Ok(Some(Box::new(())))
    }
}

impl Source for Reading {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        let size = rest.len().min(buffer.len());
        buffer[..size].copy_from_slice(&rest[..size]);
        Ok(size)
    }
}

impl Sink for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        files(&self.1).entry(self.0.clone()).or_default().extend(bytes);
        Ok(bytes.len())
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A storage in memory.
pub fn memory() -> Arc<dyn Storage> {
    Arc::new(Memory::default())
}

const CHUNKS: &str = "set/000000-000000.chunks";

/// The bytes of the index and of the chunk file of a set of seven samples a chunk.
///
/// # Panics
/// If the samples are not those of the schema.
pub fn files_in_memory(
    schema: &Schema,
    fill: impl FnOnce(&mut Writer<Raw>) -> Result<()>,
) -> (Vec<u8>, Vec<u8>) {
    let storage = Memory::default();
    let all = Arc::clone(&storage.0);
    let settings = Settings::new().chunk_samples(7).threads(1).storage(Arc::new(storage));
    let mut writer = settings.create_raw("set", schema).expect("a schema that can be stored");
    fill(&mut writer).expect("samples of the schema");
    writer.finish().expect("memory does not fail");
    let mut all = files(&all);
    let mut take = |path: PathBuf| all.remove(&path).unwrap_or_default();
    (take(Path::new("set").join(INDEX)), take(PathBuf::from(CHUNKS)))
}

/// Makes the checksum of an index fit, and with the bytes of its chunks theirs.
pub fn fit_checksums(index: &mut [u8], chunks: Option<&[u8]>) {
    let number = |bytes: &[u8], at: usize| {
        bytes
            .get(at..at + 8)
            .and_then(|bytes| bytes.first_chunk())
            .map_or(0, |bytes| u64::from_le_bytes(*bytes) as usize)
    };
    let Some(end) = index.len().checked_sub(8) else { return };
    let start = 48 + (number(index, 12) & 0xffff_ffff);
    for entry in (start..end).step_by(40).filter(|entry| entry + 40 <= end) {
        let (offset, stored) = (number(index, entry + 8), number(index, entry + 16) & 0xffff_ffff);
        let chunk = offset.checked_add(stored).and_then(|end| chunks?.get(offset..end));
        if let Some(chunk) = chunk {
            index[entry + 24..entry + 32].copy_from_slice(&XxHash3_64::oneshot(chunk).to_le_bytes());
        }
    }
    let sum = XxHash3_64::oneshot(&index[..end]);
    index[end..].copy_from_slice(&sum.to_le_bytes());
}

/// Reads all of a set, whatever its bytes are.
pub fn read(index: Vec<u8>, chunks: Vec<u8>) {
    let storage = Memory::default();
    files(&storage.0).extend([(Path::new("set").join(INDEX), index), (PathBuf::from(CHUNKS), chunks)]);
    let Ok(dataset) = Dataset::<Raw>::open_in("set", &storage) else { return };
    // Any answer will do; what is tested is that there is one.
    let _ = (dataset.verify(), dataset.get(0), dataset.get(dataset.len() / 2));
    let planner = dataset.plan().batch(4).threads(1).on_damage(OnDamage::Skip).budget(Bytes::mib(1));
    let Ok(epoch) = planner.train().and_then(|loader| loader.epoch(0)) else { return };
    for batch in epoch.take(50) {
        let Ok(batch) = batch else { return };
        for name in batch.columns().names() {
            let _ = (
                batch.columns().array::<u32>(name),
                batch.columns().texts(name),
                batch.columns().lists::<u8>(name),
            );
        }
        batch.samples().for_each(drop);
    }
}
