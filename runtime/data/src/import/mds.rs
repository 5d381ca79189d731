//! MDS shards, the format of `StreamingDataset`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::read;
use crate::{Error, Result};

/// The samples of a folder of MDS shards that are not packed: the bytes of each column by its name.
///
/// A shard has the number of samples, one more offset than samples (all little-endian `u32`), and the samples: the lengths of the
/// columns that vary, and the columns. `index.json` says which columns there are.
#[derive(Debug)]
pub struct Mds {
    folder: PathBuf,
    shards: Vec<Shard>,
    shard: usize,
    sample: usize,
    bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct Index {
    shards: Vec<Shard>,
}

#[derive(Debug, Deserialize)]
struct Shard {
    column_names: Vec<String>,
    column_encodings: Vec<String>,
    column_sizes: Vec<Option<u32>>,
    compression: Option<String>,
    raw_data: ShardFile,
    samples: usize,
}

#[derive(Debug, Deserialize)]
struct ShardFile {
    basename: String,
}

impl Mds {
    /// Reads the index of a folder.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref().to_owned();
        let path = folder.join("index.json");
        let index: Index =
            serde_json::from_slice(&read(&path)?).map_err(|error| Error::import(&path, error.to_string()))?;
        for shard in &index.shards {
            let (names, sizes) = (shard.column_names.len(), shard.column_sizes.len());
            let plain = Path::new(&shard.raw_data.basename)
                .file_name()
                .is_some_and(|name| name == shard.raw_data.basename.as_str());
            if shard.compression.is_some() || names != sizes || !plain {
                let file = &shard.raw_data.basename;
                return Err(Error::import(
                    &path,
                    format!("`{file}` is packed or has {sizes} sizes for {names} columns"),
                ));
            }
        }
        Ok(Self { folder, shards: index.shards, shard: 0, sample: 0, bytes: Vec::new() })
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.samples).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns of the first shard with their encodings, such as `int` or `ndarray:float32:784`.
    pub fn columns(&self) -> Vec<(&str, &str)> {
        let first = self.shards.first();
        let pairs = first.map(|shard| shard.column_names.iter().zip(&shard.column_encodings));
        pairs.into_iter().flatten().map(|(name, encoding)| (name.as_str(), encoding.as_str())).collect()
    }

    fn sample(&mut self) -> Result<Option<BTreeMap<String, Vec<u8>>>> {
        loop {
            let Some(shard) = self.shards.get(self.shard) else { return Ok(None) };
            if self.sample == shard.samples {
                (self.shard, self.sample) = (self.shard + 1, 0);
                self.bytes.clear();
                continue;
            }
            let path = self.folder.join(&shard.raw_data.basename);
            if self.bytes.is_empty() {
                self.bytes = read(&path)?;
            }
            let found = cut(shard, &self.bytes, self.sample);
            let found = found
                .ok_or_else(|| Error::import(&path, format!("sample {} is not within it", self.sample)))?;
            self.sample += 1;
            return Ok(Some(found));
        }
    }
}

fn cut(shard: &Shard, bytes: &[u8], sample: usize) -> Option<BTreeMap<String, Vec<u8>>> {
    let number =
        |at: usize| bytes.get(at..at + 4)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize);
    let (start, end) = (number(4 + 4 * sample)?, number(8 + 4 * sample)?);
    let own = bytes.get(start..end)?;
    let mut sizes = Vec::new();
    let mut at = 0;
    for size in &shard.column_sizes {
        if let Some(size) = size {
            sizes.push(*size as usize);
        } else {
            at += 4;
            sizes.push(u32::from_le_bytes(*own.get(at - 4..at)?.first_chunk()?) as usize);
        }
    }
    let mut columns = BTreeMap::new();
    for (name, size) in shard.column_names.iter().zip(sizes) {
        columns.insert(name.clone(), own.get(at..at.checked_add(size)?)?.to_vec());
        at += size;
    }
    (at == own.len()).then_some(columns)
}

impl Iterator for Mds {
    type Item = Result<BTreeMap<String, Vec<u8>>>;

    fn next(&mut self) -> Option<Self::Item> {
        let sample = self.sample().transpose();
        if matches!(sample, Some(Err(_))) {
            self.shard = self.shards.len();
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_read_and_a_damaged_one_named() {
        let folder = std::env::temp_dir().join(format!("ketline-mds-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let index = r#"{"version": 2, "shards": [{"column_encodings": ["str", "int"], "column_names": ["t", "y"],
            "column_sizes": [null, 8], "compression": null, "format": "mds", "hashes": [],
            "raw_data": {"basename": "shard.00000.mds", "bytes": 47, "hashes": {}}, "samples": 2, "size_limit": 1, "zip_data": null}]}"#;
        std::fs::write(folder.join("index.json"), index).unwrap();
        let sample = |text: &str, y: i64| {
            [&(text.len() as u32).to_le_bytes()[..], text.as_bytes(), &y.to_le_bytes()].concat()
        };
        let (one, two) = (sample("hey", -1), sample("", 9));
        let ends = [16, 16 + one.len(), 16 + one.len() + two.len()].map(|end| (end as u32).to_le_bytes());
        let bytes = [&2_u32.to_le_bytes()[..], ends.as_flattened(), &one, &two].concat();
        std::fs::write(folder.join("shard.00000.mds"), &bytes).unwrap();
        let set = Mds::open(&folder).unwrap();
        assert_eq!((set.len(), set.columns()), (2, vec![("t", "str"), ("y", "int")]));
        let samples: Vec<_> = set.map(Result::unwrap).collect();
        assert_eq!((&samples[0]["t"][..], &samples[1]["y"][..]), (&b"hey"[..], &9_i64.to_le_bytes()[..]));
        std::fs::write(folder.join("shard.00000.mds"), &bytes[..30]).unwrap();
        assert!(Mds::open(&folder).unwrap().next().unwrap().is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
