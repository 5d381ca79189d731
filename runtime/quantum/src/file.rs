//! Files read with a limit and written whole.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use crate::{Error, Result};

/// Reads a text file of at most `limit` bytes.
///
/// Anything but a regular file is refused: reading a pipe could wait for ever.
pub fn read(path: &Path, limit: u64) -> Result<String> {
    let fail = |reason: String| Error::File { file: path.display().to_string(), reason };
    let about = fs::metadata(path).map_err(|error| fail(error.to_string()))?;
    if !about.is_file() {
        return Err(fail("it is not a regular file".into()));
    }
    let file = File::open(path).map_err(|error| fail(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| fail(error.to_string()))?;
    if bytes.len() as u64 > limit {
        return Err(fail(format!("found more than {limit} bytes, which is the most that is read")));
    }
    String::from_utf8(bytes).map_err(|error| fail(format!("it is not UTF-8 text: {error}")))
}

/// Writes `text` to a new file beside `path`, then renames it: whoever looks at `path` sees all of it or nothing.
pub fn write(path: &Path, text: &str) -> Result<()> {
    let fail = |reason: String| Error::File { file: path.display().to_string(), reason };
    let Some(name) = path.file_name() else {
        return Err(fail("the path names no file".into()));
    };
    let temporary = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // Nothing useful can be said about a failure to remove what may not exist.
        let _ = fs::remove_file(&temporary);
        fail(error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = std::env::temp_dir().join(format!("ketline-file-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("a.txt");
        write(&path, "twelve bytes").unwrap();
        assert_eq!(read(&path, 12).unwrap(), "twelve bytes");
        assert!(read(&path, 11).unwrap_err().to_string().contains("more than 11 bytes"));
        assert!(read(&folder, 12).unwrap_err().to_string().contains("not a regular file"));
        assert!(matches!(read(&folder.join("none"), 12), Err(Error::File { .. })));
        assert!(write(&folder.join("none/a.txt"), "x").is_err());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no temporary file stays behind");
        fs::remove_dir_all(&folder).unwrap();
    }
}
