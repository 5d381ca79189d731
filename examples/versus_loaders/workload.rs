//! The workloads: samples that carry their own number, in a flat file and as our set.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ketline::data::{Bytes, DType, Kind, Schema, Settings};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Samples in a batch.
pub(crate) const BATCH: usize = 256;

/// A set of samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) samples: u64,
    /// Bytes of each.
    pub(crate) bytes: usize,
    /// The chunks of our set: as large as they can be with more than 160 of them open in 64 MiB, and two samples of b.
    pub(crate) chunk: Bytes,
}

impl Workload {
    /// Workload a: many small samples; b: a twentieth of them, each like a JPEG file.
    pub(crate) fn both(samples: u64) -> [Self; 2] {
        [
            Self { name: "a", samples, bytes: 3136, chunk: Bytes::kib(320) },
            Self { name: "b", samples: samples / 20, bytes: 110_000, chunk: Bytes::kib(216) },
        ]
    }

    pub(crate) fn all_bytes(&self) -> u64 {
        self.samples * self.bytes as u64
    }

    pub(crate) fn folder(&self, data: &Path) -> PathBuf {
        data.join(self.name)
    }

    pub(crate) fn set(&self, data: &Path) -> PathBuf {
        self.folder(data).join("ketline")
    }

    pub(crate) fn schema(&self) -> Schema {
        let (dtype, numbers) =
            if self.name == "a" { (DType::F32, self.bytes / 4) } else { (DType::U8, self.bytes) };
        Schema::new().field("x", Kind::Fixed { dtype, shape: vec![numbers] })
    }

    /// Writes the flat file and our set, unless they are there.
    pub(crate) fn write(&self, data: &Path) -> Result<(), Box<dyn Error>> {
        let (folder, set) = (self.folder(data), self.set(data));
        fs::create_dir_all(&folder)?;
        let path = folder.join("x.bin");
        if fs::metadata(&path).map_or(0, |about| about.len()) != self.all_bytes() {
            let part = folder.join("x.part");
            let mut file = BufWriter::with_capacity(1 << 20, File::create(&part)?);
            let mut rng = ChaCha8Rng::seed_from_u64(self.bytes as u64);
            let mut record = vec![0; self.bytes];
            for number in 0..self.samples {
                self.fill(number, &mut rng, &mut record);
                file.write_all(&record)?;
            }
            file.into_inner()?.sync_all()?;
            fs::rename(part, &path)?;
        }
        let whole = ketline::data::Dataset::open(&set).is_ok_and(|set| set.len() == self.samples);
        if !whole {
            let mut file = File::open(&path)?;
            let settings = Settings::new().chunk_bytes(self.chunk).seed(1).without_moments();
            let mut writer = settings.create_raw(&set, &self.schema())?;
            let mut record = vec![0; self.bytes];
            for _ in 0..self.samples {
                file.read_exact(&mut record)?;
                writer.push_bytes(&record)?;
            }
            writer.finish()?;
        }
        Ok(())
    }

    /// Noise that no file system packs, after the number.
    fn fill(&self, number: u64, rng: &mut ChaCha8Rng, record: &mut [u8]) {
        if self.name == "a" {
            // numbers between 1 and 2
            for word in record.as_chunks_mut::<4>().0 {
                *word = f32::from_bits(0x3f80_0000 | rng.next_u32() >> 9).to_le_bytes();
            }
            record[..4].copy_from_slice(&(number as f32).to_le_bytes());
        } else {
            rng.fill_bytes(record);
            record[..4].copy_from_slice(&(number as u32).to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_carry_their_number() {
        for workload in Workload::both(400_000) {
            let mut record = vec![0; workload.bytes];
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            for number in [0, 1, workload.samples - 1] {
                workload.fill(number, &mut rng, &mut record);
                let word = [record[0], record[1], record[2], record[3]];
                let found = if workload.name == "a" {
                    f32::from_le_bytes(word) as u64
                } else {
                    u32::from_le_bytes(word).into()
                };
                assert_eq!(found, number);
            }
        }
    }
}
