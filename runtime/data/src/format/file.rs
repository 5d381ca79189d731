//! Files of chunks.

use std::path::Path;

use super::{VERSION, wrong};
use crate::storage::{ALIGNMENT, Source, read_exact};
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"KETLCHNK";

/// The first 4,096 bytes of a file of chunks.
pub(crate) fn file_head(id: u64, number: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(ALIGNMENT);
    out.extend(MAGIC);
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
        return Err(wrong(path, "a file that begins with", head[..8].escape_ascii(), MAGIC.escape_ascii()));
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
