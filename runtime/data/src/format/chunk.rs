//! Chunks: their entries in the index, and the samples in their bytes.

use super::Reader;
use crate::Schema;
use crate::storage::ALIGNMENT;

/// Bytes of an entry.
pub(super) const ENTRY: usize = 40;

/// How the bytes of a chunk are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Codec {
    /// As they are.
    #[default]
    None = 0,
    /// Zstandard frames; needs the feature `zstd`.
    Zstd = 1,
    /// LZ4 blocks; needs the feature `lz4`.
    Lz4 = 2,
}

impl Codec {
    fn of(code: u8) -> Option<Self> {
        [Self::None, Self::Zstd, Self::Lz4].into_iter().find(|codec| *codec as u8 == code)
    }
}

/// A chunk in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkEntry {
    /// Which file it lies in.
    pub file: u32,
    /// How many samples it holds.
    pub samples: u32,
    /// Where it begins in the file, a multiple of 4,096.
    pub offset: u64,
    /// Its bytes in the file, without the zeros up to the next multiple of 4,096.
    pub stored: u32,
    /// Its bytes after decompression.
    pub raw: u32,
    /// XXH3 (64 bits, seed 0) of the stored bytes.
    pub checksum: u64,
    /// How it is packed.
    pub codec: Codec,
}

impl ChunkEntry {
    /// Its bytes in the file with the zeros after it: what a direct read takes.
    pub fn padded(&self) -> usize {
        (self.stored as usize).next_multiple_of(ALIGNMENT)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.file.to_le_bytes());
        out.extend(self.samples.to_le_bytes());
        out.extend(self.offset.to_le_bytes());
        out.extend(self.stored.to_le_bytes());
        out.extend(self.raw.to_le_bytes());
        out.extend(self.checksum.to_le_bytes());
        out.extend([self.codec as u8, 0, 0, 0, 0, 0, 0, 0]);
    }

    pub(super) fn read(bytes: &[u8; ENTRY]) -> Option<Self> {
        let mut rest = Reader(bytes);
        Some(Self {
            file: rest.u32()?,
            samples: rest.u32()?,
            offset: rest.u64()?,
            stored: rest.u32()?,
            raw: rest.u32()?,
            checksum: rest.u64()?,
            codec: Codec::of(bytes[32])?,
        })
    }
}

/// The samples of a chunk, each a range of its bytes. The table is checked in full, so that later look-ups cannot fail.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Records<'a> {
    Fixed { bytes: &'a [u8], size: usize },
    Varying { bytes: &'a [u8], ends: &'a [[u8; 4]] },
}

impl<'a> Records<'a> {
    /// Reads the table of a chunk's raw bytes; `Err` says what is wrong.
    pub(crate) fn new(
        record_size: Option<usize>,
        entry: &ChunkEntry,
        bytes: &'a [u8],
    ) -> Result<Self, String> {
        let records = Self::unchecked(record_size, entry, bytes)
            .ok_or_else(|| format!("{} bytes for {} samples", bytes.len(), entry.samples))?;
        if let Self::Varying { ends, .. } = records {
            let table = 4 * ends.len();
            let mut last = table;
            for (at, end) in ends.iter().enumerate() {
                let end = u32::from_le_bytes(*end) as usize;
                let fits = if at == 0 { end == table } else { end >= last } && end <= bytes.len();
                if !fits {
                    return Err(format!("sample {at} from {end} after {last} in {} bytes", bytes.len()));
                }
                last = end;
            }
        }
        Ok(records)
    }

    /// The same without a look at the table's numbers, for bytes that were checked before.
    pub(crate) fn unchecked(record_size: Option<usize>, entry: &ChunkEntry, bytes: &'a [u8]) -> Option<Self> {
        let samples = entry.samples as usize;
        if let Some(size) = record_size {
            return Some(Self::Fixed { bytes: bytes.get(..samples * size)?, size });
        }
        let (ends, _) = bytes.get(..4 * (samples + 1))?.as_chunks::<4>();
        Some(Self::Varying { bytes, ends })
    }

    /// The bytes of one sample.
    pub(crate) fn get(&self, at: usize) -> &'a [u8] {
        match *self {
            Self::Fixed { bytes, size } => &bytes[at * size..(at + 1) * size],
            Self::Varying { bytes, ends } => {
                let [start, end] = [ends[at], ends[at + 1]].map(|end| u32::from_le_bytes(end) as usize);
                &bytes[start..end]
            }
        }
    }
}

/// The raw bytes of a chunk made of these samples.
pub(crate) fn pack<'a>(
    schema: &Schema,
    records: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    out: &mut Vec<u8>,
) {
    out.clear();
    if schema.record_size().is_none() {
        let mut end = 4 * (records.len() + 1);
        out.extend((end as u32).to_le_bytes());
        for record in records.clone() {
            end += record.len();
            out.extend((end as u32).to_le_bytes());
        }
    }
    records.for_each(|record| out.extend(record));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn varying_samples_have_a_checked_table() {
        let schema = Schema::new().field("t", Kind::Text);
        let records: [&[u8]; 2] = [b"\x02\0\0\0hi", b"\x01\0\0\0!"];
        let mut bytes = Vec::new();
        pack(&schema, records.into_iter(), &mut bytes);
        let raw = bytes.len() as u32;
        let entry = ChunkEntry {
            file: 0,
            samples: 2,
            offset: 4096,
            stored: raw,
            raw,
            checksum: 0,
            codec: Codec::None,
        };
        let read = Records::new(None, &entry, &bytes).unwrap();
        assert_eq!([read.get(0), read.get(1)], records);
        for (at, value) in [(0, 11), (4, 255), (8, 0)] {
            let mut bad = bytes.clone();
            bad[at] = value;
            assert!(Records::new(None, &entry, &bad).is_err(), "{at}");
        }
        assert!(Records::new(None, &entry, &bytes[..11]).is_err());
    }
}
