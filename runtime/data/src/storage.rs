//! Where files lie: a disk, or whatever implements [`Storage`], such as one that fails on purpose in tests.

mod disk;
mod memory;
#[cfg_attr(not(all(feature = "io_uring", target_os = "linux")), path = "storage/ring_absent.rs")]
pub(crate) mod ring;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub use disk::{Disk, Reads};
pub(crate) use memory::{AlignedBuffer, advise_huge};

/// What positions, sizes and addresses of direct reads are multiples of, in bytes.
pub const ALIGNMENT: usize = 4096;

/// A file system, as far as a data set needs one.
pub trait Storage: Send + Sync + fmt::Debug {
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Source>>;
    /// Makes a file, empty even if it was there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Sink>>;
    /// Gives a file another name; whoever looks at `to` sees the old file or the new one.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The files of a folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;
    /// Makes a folder and those above it.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;
    /// Makes names that were given or removed in a folder lasting.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Locks a folder against other writers as long as the returned value lives; `None` if another has it.
    fn lock(&self, folder: &Path) -> io::Result<Option<Box<dyn fmt::Debug + Send>>>;
}

/// A file that is read at any place by any number of threads.
pub trait Source: Send + Sync + fmt::Debug {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether it is empty.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }
    /// Reads at most `buffer.len()` bytes from `offset` on, and says how many; 0 only at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// The file of the operating system that a read of this range into memory aligned to [`ALIGNMENT`] may use as it is, for
    /// readers that have many reads under way; `None` where [`read_at`](Self::read_at) must do it.
    fn file(&self, offset: u64, len: usize) -> Option<&File> {
        let _ = (offset, len);
        None
    }
}

/// A file that is written from its beginning to its end.
pub trait Sink: Send + fmt::Debug {
    /// Writes at most all of `bytes`, and says how many.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Makes what was written lasting.
    fn sync(&mut self) -> io::Result<()>;
}

/// Reads until the buffer is full; what ends early is `UnexpectedEof`. Interrupted and short reads go on.
pub fn read_exact(source: &dyn Source, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while done < buffer.len() {
        match source.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => {
                let message = format!("the file ends at {}", offset + done as u64);
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
            }
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all of `bytes`. Interrupted and short writes go on.
pub(crate) fn write_all(sink: &mut dyn Sink, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match sink.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes what was written lasting. Interrupted calls go on.
pub(crate) fn sync(sink: &mut dyn Sink) -> io::Result<()> {
    loop {
        match sink.sync() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
