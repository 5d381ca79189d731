//! The safetensors format: a length, a JSON header, bytes. Read with every claim checked, written whole.
//!
//! Source: the format's description at <https://github.com/huggingface/safetensors>. The header is bounded at 100 MB there, and
//! at 16 MiB here.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use crate::file::{read_whole, write_whole};
use crate::{DType, Error, Extent, Result};

/// The longest header that is read.
const HEADER: u64 = 1 << 24;

/// A tensor of an archive.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Type and shape.
    pub extent: Extent,
    /// The elements, little-endian.
    pub bytes: Vec<u8>,
}

/// Named tensors and text, as a safetensors file holds them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Archive {
    /// The tensors.
    pub tensors: BTreeMap<String, Entry>,
    /// Text by name, the file's `__metadata__`.
    pub text: BTreeMap<String, String>,
}

fn name(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "F32",
        DType::F64 => "F64",
        DType::BF16 => "BF16",
        DType::I32 => "I32",
        DType::I64 => "I64",
        DType::Bool => "BOOL",
    }
}

fn dtype(name: &str) -> Option<DType> {
    [DType::F32, DType::F64, DType::BF16, DType::I32, DType::I64, DType::Bool]
        .into_iter()
        .find(|&d| self::name(d) == name)
}

impl Archive {
    /// Reads an archive of at most so many bytes from a file.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Format`].
    pub fn read(path: &Path, limit: u64) -> Result<Self> {
        Self::from_bytes(&read_whole(path, limit)?, &path.display().to_string())
    }

    /// Reads an archive from bytes; `file` is for messages. Takes no more memory than a small multiple of them.
    ///
    /// # Errors
    /// [`Error::Format`].
    pub fn from_bytes(bytes: &[u8], file: &str) -> Result<Self> {
        let fail = |reason: String| Error::Format { file: file.into(), reason };
        let (length, rest) = bytes
            .split_first_chunk::<8>()
            .ok_or_else(|| fail(format!("found {} bytes, expected at least 8", bytes.len())))?;
        let length = u64::from_le_bytes(*length);
        if length > HEADER || length > rest.len() as u64 {
            let most = HEADER.min(rest.len() as u64);
            return Err(fail(format!("its header is said to have {length} bytes, expected at most {most}")));
        }
        let (header, data) = rest.split_at(length as usize);
        let header: Map<String, Json> = serde_json::from_slice(header)
            .map_err(|error| fail(format!("its header is no JSON object: {error}")))?;
        let mut archive = Self::default();
        let mut ranges = Vec::new();
        for (name, about) in header {
            if name == "__metadata__" {
                let text = about.as_object().ok_or_else(|| fail("`__metadata__` is no object".into()))?;
                for (key, value) in text {
                    let value = value.as_str().ok_or_else(|| fail(format!("text `{key}` is no string")))?;
                    archive.text.insert(key.clone(), value.into());
                }
                continue;
            }
            let bad = |what: &str| fail(format!("tensor `{name}` {what}"));
            let dtype = about["dtype"].as_str().and_then(dtype);
            let dtype = dtype.ok_or_else(|| bad(&format!("is of type {}", about["dtype"])))?;
            let numbers = |key: &str| -> Option<Vec<usize>> {
                let list = about[key].as_array()?;
                list.iter().map(|n| n.as_u64().and_then(|n| usize::try_from(n).ok())).collect()
            };
            let dims = numbers("shape").ok_or_else(|| bad("has no shape"))?;
            let offsets = numbers("data_offsets").filter(|offsets| offsets.len() == 2);
            let offsets = offsets.ok_or_else(|| bad("has no two offsets"))?;
            let (from, to) = (offsets[0], offsets[1]);
            let size = dims.iter().try_fold(dtype.bytes(), |n, &dim| n.checked_mul(dim));
            let size = size.ok_or_else(|| bad("is too large"))?;
            if from > to || to > data.len() || to - from != size {
                return Err(bad(&format!("lies at {from}..{to} of {}, expected {size} bytes", data.len())));
            }
            ranges.push((from, to));
            let entry = Entry { extent: Extent { dtype, dims }, bytes: data[from..to].to_vec() };
            archive.tensors.insert(name, entry);
        }
        // the bytes are covered once, without holes, as the format demands; so memory is bounded by the file
        ranges.sort_unstable();
        let mut end = 0;
        for (from, to) in ranges {
            if from != end {
                return Err(fail(format!("a tensor begins at byte {from}, expected {end}")));
            }
            end = to;
        }
        if end != data.len() {
            return Err(fail(format!("{} bytes of data, expected {end}", data.len())));
        }
        Ok(archive)
    }

    /// The bytes of a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut header = Map::new();
        if !self.text.is_empty() {
            header.insert("__metadata__".into(), json!(self.text));
        }
        let mut end = 0;
        for (name, entry) in &self.tensors {
            let from = end;
            end += entry.bytes.len();
            let about = json!({ "dtype": self::name(entry.extent.dtype), "shape": entry.extent.dims, "data_offsets": [from, end] });
            header.insert(name.clone(), about);
        }
        let mut header = Json::Object(header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut bytes = Vec::with_capacity(8 + header.len() + end);
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header);
        self.tensors.values().for_each(|entry| bytes.extend(&entry.bytes));
        bytes
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<()> {
        write_whole(path, |file| file.write_all(&self.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn small() -> Archive {
        let entry = |dtype, dims: &[usize], bytes: &[u8]| Entry {
            extent: Extent::new(dtype, dims),
            bytes: bytes.to_vec(),
        };
        Archive {
            tensors: BTreeMap::from([
                ("a".into(), entry(DType::F32, &[2], &[0, 0, 128, 63, 1, 2, 3, 4])),
                ("b.weight".into(), entry(DType::Bool, &[], &[1])),
                ("none".into(), entry(DType::I64, &[0, 3], &[])),
            ]),
            text: BTreeMap::from([("step".into(), "7".into())]),
        }
    }

    /// Cases of the fuzz tests; `KETLINE_FUZZ=1000000` runs a million.
    fn cases() -> u32 {
        std::env::var("KETLINE_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(512)
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Archive::from_bytes(&small().to_bytes(), "x").unwrap(), small());
    }

    #[test]
    fn every_beginning_of_a_file_is_refused() {
        let bytes = small().to_bytes();
        for n in 0..bytes.len() {
            assert!(matches!(Archive::from_bytes(&bytes[..n], "x"), Err(Error::Format { .. })), "{n} bytes");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn foreign_bytes_are_errors(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Archive::from_bytes(&bytes, "x");
        }

        #[test]
        fn changed_files_are_read_or_refused(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let mut bytes = small().to_bytes();
            for (at, byte) in changes {
                let n = bytes.len();
                bytes[at.index(n)] = byte;
            }
            if let Ok(archive) = Archive::from_bytes(&bytes, "x") {
                prop_assert!(archive.tensors.values().map(|entry| entry.bytes.len()).sum::<usize>() <= bytes.len());
            }
        }

        #[test]
        fn headers_that_lie_are_refused(
            dtype in "[A-Z0-9]{1,5}",
            shape in prop::collection::vec(any::<u64>(), 0..4),
            from in any::<u64>(),
            to in any::<u64>(),
        ) {
            let header = json!({ "t": { "dtype": dtype, "shape": shape, "data_offsets": [from, to] } }).to_string();
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend(header.into_bytes());
            bytes.extend([0; 16]);
            let _ = Archive::from_bytes(&bytes, "x");
        }
    }
}
