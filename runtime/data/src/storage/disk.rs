//! Files of the operating system, read past its page cache where that does not hold them already.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{ALIGNMENT, Sink, Source, Storage};

/// How files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// From the page cache what lies there in full, else directly: memory stays within its budget, and what the system
    /// has is used.
    #[default]
    Auto,
    /// Directly (`O_DIRECT`), where the file system can.
    Direct,
    /// Through the page cache, and what was read is left there.
    Buffered,
}

/// The file system of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk {
    /// How files are read.
    pub reads: Reads,
}

impl Storage for Disk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Source>> {
        let buffered = File::open(path)?;
        if !buffered.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let direct = if self.reads == Reads::Buffered { None } else { system::open_direct(path) };
        if self.reads != Reads::Buffered {
            // Read-ahead would bring in up to megabytes around each chunk.
            system::advise_random(&buffered);
        }
        let can_direct = AtomicBool::new(direct.is_some());
        Ok(Box::new(DiskSource { buffered, direct, can_direct, reads: self.reads }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        Ok(Box::new(DiskSink { file: File::create(path)?, written: 0, flushed: 0 }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                paths.push(entry.path());
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }

    fn lock(&self, folder: &Path) -> io::Result<Option<Box<dyn fmt::Debug + Send>>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(".lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

struct DiskSource {
    buffered: File,
    direct: Option<File>,
    can_direct: AtomicBool,
    reads: Reads,
}

impl fmt::Debug for DiskSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DiskSource({:?}, {:?})", self.buffered, self.reads)
    }
}

impl Source for DiskSource {
    fn len(&self) -> io::Result<u64> {
        Ok(self.buffered.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let cached = self.is_cached(offset, buffer.len());
        if let (Some(direct), true, false) =
            (self.direct(offset, buffer.len()), buffer.as_ptr().addr().is_multiple_of(ALIGNMENT), cached)
        {
            match system::read_at(direct, buffer, offset) {
                // Some file systems open for direct reads and then refuse them.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    self.can_direct.store(false, Ordering::Relaxed);
                }
                read => return read,
            }
        }
        let read = system::read_at(&self.buffered, buffer, offset)?;
        if self.reads != Reads::Buffered && !cached {
            system::forget(&self.buffered, offset, read);
        }
        Ok(read)
    }

    fn file(&self, offset: u64, len: usize) -> Option<&File> {
        if self.reads == Reads::Buffered || self.is_cached(offset, len) {
            return Some(&self.buffered);
        }
        // Without direct reads, pages must be forgotten after each.
        self.direct(offset, len)
    }
}

impl DiskSource {
    fn is_cached(&self, offset: u64, len: usize) -> bool {
        self.reads == Reads::Auto && system::is_cached(&self.buffered, offset, len)
    }

    /// The file for a direct read of a range, where that can be.
    fn direct(&self, offset: u64, len: usize) -> Option<&File> {
        let aligned = len.is_multiple_of(ALIGNMENT) && offset.is_multiple_of(ALIGNMENT as u64);
        self.direct.as_ref().filter(|_| aligned && self.can_direct.load(Ordering::Relaxed))
    }
}

/// Written pages are handed to the disk in steps, so that they do not pile up.
const FLUSH: u64 = 8 << 20;

#[derive(Debug)]
struct DiskSink {
    file: File,
    written: u64,
    flushed: u64,
}

impl Sink for DiskSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written += written as u64;
        if self.written - self.flushed >= FLUSH {
            self.file.sync_data()?;
            system::forget(&self.file, self.flushed, (self.written - self.flushed) as usize);
            self.flushed = self.written;
        }
        Ok(written)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }
}

#[cfg(target_os = "linux")]
mod system {
    //! What Linux offers.
    #![allow(unsafe_code)] // system calls that no safe function of the standard library makes

    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};

    pub(super) fn open_direct(path: &Path) -> Option<File> {
        OpenOptions::new().read(true).custom_flags(libc::O_DIRECT).open(path).ok()
    }

    pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        file.read_at(buffer, offset)
    }

    pub(super) fn advise_random(file: &File) {
        advise(file, 0, 0, libc::POSIX_FADV_RANDOM);
    }

    /// Lets the page cache drop what was read.
    pub(super) fn forget(file: &File, offset: u64, len: usize) {
        advise(file, offset, len, libc::POSIX_FADV_DONTNEED);
    }

    fn advise(file: &File, offset: u64, len: usize, advice: i32) {
        let (Ok(offset), Ok(len)) = (offset.try_into(), len.try_into()) else { return };
        // SAFETY: the call takes numbers only, and the descriptor is open. Advice may be ignored, also by us.
        let _ = unsafe { libc::posix_fadvise(file.as_raw_fd(), offset, len, advice) };
    }

    #[repr(C)]
    struct Range {
        offset: u64,
        len: u64,
    }

    #[repr(C)]
    #[derive(Default)]
    struct Stat {
        cached: u64,
        dirty: u64,
        writeback: u64,
        evicted: u64,
        recently_evicted: u64,
    }

    const CACHESTAT: libc::c_long = 451;
    const PAGE: u64 = 4096;

    /// Whether all of a range lies in the page cache; `false` where the system (before Linux 6.5) cannot tell.
    pub(super) fn is_cached(file: &File, offset: u64, len: usize) -> bool {
        static ABSENT: AtomicBool = AtomicBool::new(false);
        if len == 0 || ABSENT.load(Ordering::Relaxed) {
            return false;
        }
        let range = Range { offset, len: len as u64 };
        let mut stat = Stat::default();
        // SAFETY: both structures are of the layout of linux/mman.h and live through the call, which writes the second.
        let answer =
            unsafe { libc::syscall(CACHESTAT, file.as_raw_fd(), &raw const range, &raw mut stat, 0) };
        if answer != 0 {
            ABSENT.store(true, Ordering::Relaxed);
            return false;
        }
        let pages = (offset + len as u64).div_ceil(PAGE) - offset / PAGE;
        stat.cached >= pages
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    //! Other systems: plain reads.

    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(super) fn open_direct(_: &Path) -> Option<File> {
        None
    }

    #[cfg(unix)]
    pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(file, buffer, offset)
    }

    #[cfg(windows)]
    pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
    }

    pub(super) fn advise_random(_: &File) {}

    pub(super) fn forget(_: &File, _: u64, _: usize) {}

    pub(super) fn is_cached(_: &File, _: u64, _: usize) -> bool {
        false
    }
}
