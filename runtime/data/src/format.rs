//! The bytes of a data set on disk; the guide's chapter "The chunk format" is the same for people.
//!
//! A set is a folder: one index, which names everything else, and files of chunks. All numbers are little-endian.

mod chunk;
mod file;
mod index;

use std::path::Path;

pub use chunk::{ChunkEntry, Codec};
pub(crate) use chunk::{Records, pack};
pub(crate) use file::{check_file, file_head};
pub(crate) use index::{FileEntry, Index};

use crate::Error;

/// The version of the format that this crate writes and reads.
pub const VERSION: u32 = 1;
/// The name of the index in the folder of a set.
pub const INDEX: &str = "index.ketline";
/// How names of chunk files end.
pub const CHUNKS: &str = ".chunks";
/// The most bytes that a chunk may have, before compression and after.
pub const MOST_CHUNK_BYTES: usize = 1 << 30;

/// Little-endian numbers, one after the other.
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
