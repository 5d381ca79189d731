//! The bytes of a data set on disk; the guide's chapter "The chunk format" is the same for people.
//!
//! A set is a folder: one index, which names everything else, and files of chunks. All numbers are little-endian.

use std::path::Path;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use crate::statistics::Statistics;
use crate::storage::{ALIGNMENT, Source, read_exact};
use crate::{Error, Result, Schema};

/// The version of the format that this crate writes and reads.
pub const VERSION: u32 = 1;
/// The name of the index in the folder of a set.
pub const INDEX: &str = "index.ketline";
/// How names of chunk files end.
pub const CHUNKS: &str = ".chunks";
/// The most bytes that a chunk may have, before compression and after.
pub const MOST_CHUNK_BYTES: usize = 1 << 30;

const INDEX_MAGIC: &[u8; 8] = b"KETLINDX";
const CHUNKS_MAGIC: &[u8; 8] = b"KETLCHNK";
const PREFIX: usize = 48;
const ENTRY: usize = 40;
const MOST_HEADER_BYTES: usize = 16 << 20;
const MOST_INDEX_BYTES: u64 = 1 << 34;

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

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.file.to_le_bytes());
        out.extend(self.samples.to_le_bytes());
        out.extend(self.offset.to_le_bytes());
        out.extend(self.stored.to_le_bytes());
        out.extend(self.raw.to_le_bytes());
        out.extend(self.checksum.to_le_bytes());
        out.extend([self.codec as u8, 0, 0, 0, 0, 0, 0, 0]);
    }

    fn read(bytes: &[u8; ENTRY]) -> Option<Self> {
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

/// The part of the index that is JSON.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) schema: Schema,
    pub(crate) files: Vec<FileEntry>,
    /// Whether samples were shuffled before they were cut into chunks.
    pub(crate) shuffled: bool,
    pub(crate) statistics: Statistics,
}

/// A file of chunks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

/// Everything that the index says.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Index {
    /// The same number in the index and in each of its files.
    pub(crate) id: u64,
    pub(crate) header: Header,
    pub(crate) chunks: Vec<ChunkEntry>,
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn u32(&mut self) -> Option<u32> {
        let (own, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*own))
    }

    fn u64(&mut self) -> Option<u64> {
        let (own, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*own))
    }
}

#[allow(clippy::needless_pass_by_value)] // calls read better without a reference
fn wrong(path: &Path, what: &'static str, found: impl ToString, expected: impl ToString) -> Error {
    Error::Format { path: path.to_owned(), what, found: found.to_string(), expected: expected.to_string() }
}

impl Index {
    /// The bytes of the index file.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut header = serde_json::to_vec(&self.header)
            .map_err(|error| Error::setting("the header", error, "text that JSON can hold"))?;
        // The table after it begins at a multiple of 8.
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut out = Vec::with_capacity(PREFIX + header.len() + ENTRY * self.chunks.len() + 8);
        out.extend(INDEX_MAGIC);
        out.extend(VERSION.to_le_bytes());
        out.extend((header.len() as u32).to_le_bytes());
        out.extend((self.chunks.len() as u64).to_le_bytes());
        out.extend(self.id.to_le_bytes());
        out.extend([0; PREFIX - 32]);
        out.extend(header);
        self.chunks.iter().for_each(|chunk| chunk.write(&mut out));
        out.extend(XxHash3_64::oneshot(&out).to_le_bytes());
        Ok(out)
    }

    /// Reads an index file. What is allocated is bounded by the length of the file.
    pub(crate) fn read(path: &Path, source: &dyn Source) -> Result<Self> {
        let fail = |error| Error::File { action: "read", path: path.to_owned(), source: error };
        let length = source.len().map_err(fail)?;
        if length > MOST_INDEX_BYTES {
            return Err(wrong(path, "an index of bytes", length, format!("at most {MOST_INDEX_BYTES}")));
        }
        let mut bytes = vec![0; length as usize];
        read_exact(source, &mut bytes, 0).map_err(fail)?;
        Self::parse(path, &bytes)
    }

    /// Reads the bytes of an index file.
    pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let Some((prefix, _)) = bytes.split_first_chunk::<PREFIX>() else {
            return Err(wrong(path, "an index of bytes", bytes.len(), format!("at least {PREFIX}")));
        };
        if !prefix.starts_with(INDEX_MAGIC) {
            return Err(wrong(
                path,
                "a file that begins with",
                prefix[..8].escape_ascii(),
                INDEX_MAGIC.escape_ascii(),
            ));
        }
        let mut numbers = Reader(&prefix[8..]);
        let (version, header, chunks, id) = (numbers.u32(), numbers.u32(), numbers.u64(), numbers.u64());
        let (Some(version), Some(header), Some(count), Some(id)) = (version, header, chunks, id) else {
            return Err(wrong(path, "an index of bytes", bytes.len(), format!("at least {PREFIX}")));
        };
        if version != VERSION {
            return Err(wrong(path, "version", version, VERSION));
        }
        let expected = count
            .checked_mul(ENTRY as u64)
            .and_then(|table| table.checked_add(u64::from(header) + PREFIX as u64 + 8));
        if expected != Some(bytes.len() as u64) || header as usize > MOST_HEADER_BYTES {
            let expected = expected.map_or_else(|| "fewer chunks".into(), |bytes| bytes.to_string());
            return Err(wrong(path, "an index of bytes", bytes.len(), expected));
        }
        let (body, checksum) = bytes.split_at(bytes.len() - 8);
        let expected = Reader(checksum).u64().unwrap_or_default();
        if XxHash3_64::oneshot(body) != expected {
            return Err(wrong(
                path,
                "an index with checksum",
                format!("{:016x}", XxHash3_64::oneshot(body)),
                format!("{expected:016x}"),
            ));
        }
        let (json, table) = body[PREFIX..].split_at(header as usize);
        let header: Header = serde_json::from_slice(json)
            .map_err(|error| wrong(path, "a header that", error, "the JSON of this version"))?;
        header.schema.check()?;
        let (entries, _) = table.as_chunks::<ENTRY>();
        let chunks: Option<Vec<_>> = entries.iter().map(ChunkEntry::read).collect();
        let chunks = chunks.ok_or_else(|| wrong(path, "a chunk packed", "in an unknown way", "0, 1 or 2"))?;
        let index = Self { id, header, chunks };
        index.check(path)?;
        Ok(index)
    }

    /// Whether the chunks can be as the index says: nothing later has to doubt it.
    fn check(&self, path: &Path) -> Result<()> {
        let (schema, files) = (&self.header.schema, &self.header.files);
        for file in files {
            let plain = Path::new(&file.name).file_name().is_some_and(|name| name == file.name.as_str());
            if !plain || !file.name.ends_with(CHUNKS) {
                return Err(wrong(
                    path,
                    "a chunk file named",
                    &file.name,
                    format!("a plain name with `{CHUNKS}`"),
                ));
            }
        }
        for chunk in &self.chunks {
            let Some(file) = files.get(chunk.file as usize) else {
                return Err(wrong(path, "a chunk in file", chunk.file, format!("below {}", files.len())));
            };
            let end = chunk.offset.checked_add(chunk.padded() as u64);
            let inside = end.is_some_and(|end| end <= file.bytes) && chunk.offset >= ALIGNMENT as u64;
            if !inside || !chunk.offset.is_multiple_of(ALIGNMENT as u64) {
                return Err(wrong(
                    path,
                    "a chunk at",
                    chunk.offset,
                    format!("a multiple of 4096 within {}", file.bytes),
                ));
            }
            let samples = u64::from(chunk.samples);
            let (least, raw) = match schema.record_size() {
                Some(size) => (samples * size as u64, u64::from(chunk.raw)),
                // the table of offsets, and the samples
                None => (4 * (samples + 1) + samples * schema.smallest() as u64, u64::from(chunk.raw)),
            };
            let right = if schema.record_size().is_some() { raw == least } else { raw >= least };
            let sizes = raw <= MOST_CHUNK_BYTES as u64 && u64::from(chunk.stored) <= MOST_CHUNK_BYTES as u64;
            if samples == 0 || !right || !sizes || (chunk.codec == Codec::None && chunk.stored != chunk.raw) {
                let found = format!("{samples} samples in {raw} bytes ({} stored)", chunk.stored);
                return Err(wrong(
                    path,
                    "a chunk of",
                    found,
                    format!("at least {least} bytes for its samples"),
                ));
            }
        }
        Ok(())
    }
}

/// The first 4,096 bytes of a file of chunks.
pub(crate) fn file_head(id: u64, number: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(ALIGNMENT);
    out.extend(CHUNKS_MAGIC);
    out.extend(VERSION.to_le_bytes());
    out.extend(number.to_le_bytes());
    out.extend(id.to_le_bytes());
    out.resize(ALIGNMENT, 0);
    out
}

/// Whether a file is the one that the index means.
pub(crate) fn check_file(path: &Path, source: &dyn Source, id: u64, number: u32, bytes: u64) -> Result<()> {
    let fail = |error| Error::File { action: "read", path: path.to_owned(), source: error };
    let length = source.len().map_err(fail)?;
    if length != bytes {
        return Err(wrong(path, "a file of bytes", length, bytes));
    }
    let mut head = [0; 24];
    read_exact(source, &mut head, 0).map_err(fail)?;
    let expected = &file_head(id, number)[..24];
    if head[..8] != expected[..8] {
        return Err(wrong(
            path,
            "a file that begins with",
            head[..8].escape_ascii(),
            CHUNKS_MAGIC.escape_ascii(),
        ));
    }
    if head != expected {
        return Err(wrong(
            path,
            "a file of another set:",
            head[8..].escape_ascii(),
            expected[8..].escape_ascii(),
        ));
    }
    Ok(())
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
    use crate::{DType, Kind};

    fn index() -> Index {
        let schema = Schema::new().field("x", Kind::Fixed { dtype: DType::F32, shape: vec![2] });
        let chunk = ChunkEntry {
            file: 0,
            samples: 3,
            offset: 4096,
            stored: 24,
            raw: 24,
            checksum: 1,
            codec: Codec::None,
        };
        let files = vec![FileEntry { name: format!("a{CHUNKS}"), bytes: 8192 }];
        Index {
            id: 5,
            header: Header { schema, files, shuffled: true, ..Header::default() },
            chunks: vec![chunk],
        }
    }

    #[test]
    fn an_index_is_what_its_bytes_say() {
        let bytes = index().to_bytes().unwrap();
        assert_eq!(Index::parse(Path::new("i"), &bytes).unwrap(), index());
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            assert!(Index::parse(Path::new("i"), &bad).is_err(), "a flipped bit at {at}");
            assert!(Index::parse(Path::new("i"), &bytes[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn an_index_that_cannot_be_is_refused() {
        let cases: [fn(&mut Index); 9] = [
            |index| index.chunks[0].file = 1,
            |index| index.chunks[0].samples = 0,
            |index| index.chunks[0].samples = 4,
            |index| index.chunks[0].offset = 4097,
            |index| index.chunks[0].offset = 0,
            |index| index.chunks[0].offset = u64::MAX - 4095,
            |index| index.chunks[0].stored = 23,
            |index| index.header.files[0].name = format!("../a{CHUNKS}"),
            |index| index.header.schema = Schema::new(),
        ];
        for (at, case) in cases.iter().enumerate() {
            let mut bad = index();
            case(&mut bad);
            assert!(Index::parse(Path::new("i"), &bad.to_bytes().unwrap()).is_err(), "case {at}");
        }
    }

    #[test]
    fn varying_samples_have_a_checked_table() {
        let schema = Schema::new().field("t", Kind::Text);
        let records: [&[u8]; 2] = [b"\x02\0\0\0hi", b"\x01\0\0\0!"];
        let mut bytes = Vec::new();
        pack(&schema, records.into_iter(), &mut bytes);
        let entry = ChunkEntry { samples: 2, raw: bytes.len() as u32, ..index().chunks[0] };
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
