//! A safetensors file: named arrays after a header of JSON.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::read;
use crate::{DType, Error, Result};

/// The arrays of a file: a little-endian `u64` for the length of the header, the header, and the numbers, little-endian.
#[derive(Clone, Debug)]
pub struct Safetensors {
    entries: BTreeMap<String, Entry>,
    bytes: Vec<u8>,
    start: usize,
}

#[derive(Clone, Debug, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// One array; its first axis is that of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View<'a> {
    /// The type of the numbers.
    pub dtype: DType,
    /// The axes.
    pub shape: &'a [usize],
    /// The numbers, little-endian.
    pub bytes: &'a [u8],
}

impl<'a> View<'a> {
    /// The numbers of each sample.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + '_ {
        let count = self.shape.first().copied().unwrap_or_default();
        let size = self.bytes.len().checked_div(count).unwrap_or_default();
        let bytes = self.bytes;
        (0..if size == 0 { 0 } else { count }).map(move |at| &bytes[at * size..(at + 1) * size])
    }
}

impl Safetensors {
    /// Reads a file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(read(path)?).map_err(|reason| Error::import(path, reason))
    }

    /// Reads the bytes of a file; `Err` says what is wrong.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, String> {
        let length = u64::from_le_bytes(*bytes.first_chunk().ok_or("it has no header")?);
        let start = usize::try_from(length).ok().and_then(|length| length.checked_add(8));
        let start = start.filter(|start| *start <= bytes.len()).ok_or("its header ends early")?;
        let header: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&bytes[8..start]).map_err(|error| error.to_string())?;
        let mut entries = BTreeMap::new();
        for (name, value) in header {
            if name != "__metadata__" {
                let entry: Entry =
                    serde_json::from_value(value).map_err(|error| format!("`{name}`: {error}"))?;
                entries.insert(name, entry);
            }
        }
        let file = Self { entries, bytes, start };
        file.names().try_for_each(|name| file.view(name).map(drop))?;
        Ok(file)
    }

    /// The names of the arrays.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// An array by its name.
    pub fn array(&self, name: &str) -> Option<View<'_>> {
        self.view(name).ok()
    }

    fn view(&self, name: &str) -> Result<View<'_>, String> {
        let Entry { dtype, shape, data_offsets: (from, to) } =
            self.entries.get(name).ok_or_else(|| format!("it has no `{name}`"))?;
        let dtype = match dtype.as_str() {
            "U8" => DType::U8,
            "I8" => DType::I8,
            "U16" => DType::U16,
            "I16" => DType::I16,
            "U32" => DType::U32,
            "I32" => DType::I32,
            "U64" => DType::U64,
            "I64" => DType::I64,
            "F32" => DType::F32,
            "F64" => DType::F64,
            "BOOL" => DType::Bool,
            other => return Err(format!("`{name}` is of type {other}, which is not stored")),
        };
        let data = &self.bytes[self.start..];
        let bytes = data
            .get(*from..*to)
            .ok_or_else(|| format!("`{name}` is at {from}..{to} of {} bytes", data.len()))?;
        let size = shape.iter().try_fold(dtype.size(), |size, axis| size.checked_mul(*axis));
        if size != Some(bytes.len()) {
            return Err(format!("`{name}` has {} bytes, expected {dtype}{shape:?}", bytes.len()));
        }
        Ok(View { dtype, shape, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_read_and_wrong_ones_named() {
        let file = |header: &str, data: &[u8]| {
            [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
        };
        let header =
            r#"{"__metadata__": {"a": "b"}, "x": {"dtype": "U16", "shape": [2, 1], "data_offsets": [0, 4]}}"#;
        let arrays = Safetensors::parse(file(header, &[1, 0, 2, 0])).unwrap();
        assert_eq!(arrays.names().collect::<Vec<_>>(), ["x"]);
        assert_eq!(arrays.array("x").unwrap().samples().collect::<Vec<_>>(), [[1, 0], [2, 0]]);
        assert!(Safetensors::parse(file(header, &[1, 0, 2])).unwrap_err().contains("0..4 of 3 bytes"));
        assert!(Safetensors::parse(file(&header.replace("[2, 1]", "[3, 1]"), &[0; 4])).is_err());
        assert!(Safetensors::parse(u64::MAX.to_le_bytes().to_vec()).is_err());
    }
}
