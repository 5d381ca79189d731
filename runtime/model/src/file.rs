//! Files read with a limit and written whole.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::{Error, Result};

/// The bytes of a file, at most so many.
///
/// Anything but a regular file is refused: reading a pipe could wait for ever.
pub(crate) fn read_whole(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let fail = |reason: String| Error::File { file: path.display().to_string(), reason };
    let about = fs::metadata(path).map_err(|error| fail(error.to_string()))?;
    if !about.is_file() {
        return Err(fail("it is not a regular file".into()));
    }
    let mut bytes = Vec::new();
    let too_long = |found: u64| fail(format!("found {found} bytes, expected at most {limit}"));
    if about.len() > limit {
        return Err(too_long(about.len()));
    }
    let file = File::open(path).map_err(|error| fail(error.to_string()))?;
    // it may have grown since
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| fail(error.to_string()))?;
    if bytes.len() as u64 > limit { Err(too_long(bytes.len() as u64)) } else { Ok(bytes) }
}

/// Writes a new file beside `path` and renames it: whoever looks at `path` sees all of it, or what was there before.
pub(crate) fn write_whole(path: &Path, body: impl FnOnce(&mut File) -> std::io::Result<()>) -> Result<()> {
    let fail = |reason: String| Error::File { file: path.display().to_string(), reason };
    let Some(name) = path.file_name() else {
        return Err(fail("the path names no file".into()));
    };
    let temporary = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
    let written = File::create(&temporary)
        .and_then(|mut file| body(&mut file).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // nothing useful can be said about a failure to remove what may not exist
        let _ = fs::remove_file(&temporary);
        fail(error.to_string())
    })
}
