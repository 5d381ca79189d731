//! The index: everything that there is to know of a set before its chunks are read.

use std::path::Path;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use super::chunk::{ChunkEntry, Codec, ENTRY};
use super::{CHUNKS, INDEX, MOST_CHUNK_BYTES, Reader, VERSION, wrong};
use crate::statistics::Statistics;
use crate::storage::{ALIGNMENT, Source, Storage, read_exact};
use crate::{Error, Result, Schema};

const MAGIC: &[u8; 8] = b"KETLINDX";
const PREFIX: usize = 48;
const MOST_HEADER_BYTES: usize = 16 << 20;
const MOST_INDEX_BYTES: u64 = 1 << 34;

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

impl Index {
    /// The bytes of the index file.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut header = serde_json::to_vec(&self.header)
            .map_err(|error| Error::setting("the header", error, "text that JSON can hold"))?;
        // The table after it begins at a multiple of 8.
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut out = Vec::with_capacity(PREFIX + header.len() + ENTRY * self.chunks.len() + 8);
        out.extend(MAGIC);
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

    /// Reads the index of a set.
    pub(crate) fn open(storage: &dyn Storage, folder: &Path) -> Result<Self> {
        let path = folder.join(INDEX);
        let source = storage.open(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::NoDataset { path: folder.to_owned(), index: INDEX },
            _ => Error::File { action: "open", path: path.clone(), source: error },
        })?;
        Self::read(&path, &*source)
    }

    /// Reads an index file. What is allocated is bounded by the length of the file.
    fn read(path: &Path, source: &dyn Source) -> Result<Self> {
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
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let Some((prefix, _)) = bytes.split_first_chunk::<PREFIX>() else {
            return Err(wrong(path, "an index of bytes", bytes.len(), format!("at least {PREFIX}")));
        };
        if !prefix.starts_with(MAGIC) {
            return Err(wrong(
                path,
                "a file that begins with",
                prefix[..8].escape_ascii(),
                MAGIC.escape_ascii(),
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
}
