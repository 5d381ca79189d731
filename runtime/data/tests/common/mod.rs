//! What the tests of this crate share.
#![allow(dead_code, missing_docs, unreachable_pub)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use ketline_data::{Bytes, DType, Dataset, Field, Kind, Loader, Raw, Schema, Settings};

/// How many cases a property is tried on: `KETLINE_FUZZ=1000000 cargo test --release -p ketline-data --test outside any_bytes`
/// tries as many as wanted.
pub fn cases(usual: u32) -> u32 {
    std::env::var("KETLINE_FUZZ").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

/// A folder that is removed when it is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ketline-data-{name}-{}-{number}", std::process::id()));
        // What an earlier run left is of no use.
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Samples of a number and a text of varying length, which are both told by the number.
pub fn varying() -> Schema {
    Schema::new().field("number", u32::kind()).field("text", String::kind())
}

/// Samples of four numbers, the first of which is their own.
pub fn fixed() -> Schema {
    Schema::new().field("x", Kind::Fixed { dtype: DType::U32, shape: vec![4] })
}

pub fn record(number: u32, schema: &Schema) -> Vec<u8> {
    let mut record = number.to_le_bytes().to_vec();
    if schema.record_size().is_some() {
        record.extend([number.wrapping_mul(3); 3].iter().flat_map(|n| n.to_le_bytes()));
    } else {
        let text = "x".repeat(number as usize % 37);
        record.extend((text.len() as u32).to_le_bytes());
        record.extend(text.as_bytes());
    }
    record
}

pub fn write(folder: &Path, schema: &Schema, samples: u32, settings: Settings) {
    let mut writer = settings.create_raw(folder, schema).unwrap();
    for number in 0..samples {
        writer.push_bytes(&record(number, schema)).unwrap();
    }
    assert_eq!(writer.finish().unwrap().samples, u64::from(samples));
}

/// The numbers that samples carry.
pub fn numbers(samples: impl IntoIterator<Item = Raw>, schema: &Schema) -> Vec<u32> {
    let number = |Raw(bytes): Raw| {
        let number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        assert_eq!(bytes, record(number, schema));
        number
    };
    samples.into_iter().map(number).collect()
}

/// All samples of a set in the order in which they are stored.
pub fn stored(dataset: &Dataset) -> Vec<u32> {
    let loader = dataset.plan().batch(7).eval().unwrap();
    let schema = dataset.schema().clone();
    loader
        .pass()
        .unwrap()
        .flat_map(|batch| {
            let batch = batch.unwrap();
            numbers(batch.samples().map(Result::unwrap), &schema)
        })
        .collect()
}

/// A loader with so many open chunks.
pub fn train(dataset: &Dataset, open: usize, batch: usize) -> Loader<Raw> {
    dataset.plan().batch(batch).open_chunks(open).ahead(2).budget(Bytes::mib(8)).seed(3).train().unwrap()
}

/// The numbers of an epoch's samples in order.
pub fn epoch(loader: &Loader<Raw>, number: u64, schema: &Schema) -> Vec<u32> {
    let batches = loader.epoch(number).unwrap();
    let samples = batches.flat_map(|batch| batch.unwrap().samples().map(Result::unwrap).collect::<Vec<_>>());
    numbers(samples, schema)
}
