//! Limits on processes: memory with the page cache, and the speed of the disk.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::contest::files;

/// What can be limited here.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    memory: Option<PathBuf>,
    disk: Option<PathBuf>,
    /// The device of the data, as control groups name it.
    device: Option<String>,
    /// Its counters.
    counters: Option<PathBuf>,
    /// Whether files can be put out of the page cache.
    pub(crate) can_evict: bool,
}

/// A limited group; it is removed when it is dropped, and so must be empty then.
#[derive(Debug)]
pub(crate) struct Group {
    folders: Vec<PathBuf>,
    memory: Option<PathBuf>,
}

/// How a disk is slowed down: bytes and reads a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slow {
    pub(crate) bytes: u64,
    pub(crate) reads: u64,
}

const ROOT: &str = "/sys/fs/cgroup";

impl Limits {
    /// Tries what can be done, for data in a folder.
    pub(crate) fn here(data: &Path) -> io::Result<Self> {
        fs::create_dir_all(data)?;
        // Version 1 of control groups has a folder for each controller.
        let usable = |name: &str| {
            let folder = Path::new(ROOT).join(name);
            let probe = folder.join(format!("ketline-probe-{}", std::process::id()));
            let made = folder.is_dir() && fs::create_dir(&probe).is_ok();
            let works = made && probe.join("cgroup.procs").exists();
            if made {
                let _ = fs::remove_dir(&probe);
            }
            works.then_some(folder)
        };
        let number = fs::metadata(data)?.dev();
        let (major, minor) = ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0x0fff_ff00));
        let device = format!("{major}:{minor}");
        let counters = Path::new("/sys/dev/block").join(&device).join("stat");
        Ok(Self {
            memory: usable("memory").filter(|folder| folder.join("memory.limit_in_bytes").exists()),
            disk: usable("blkio").filter(|_| counters.exists()),
            device: counters.exists().then_some(device),
            counters: counters.exists().then_some(counters),
            can_evict: evict(&std::env::current_exe()?).is_ok(),
        })
    }

    pub(crate) fn can_cap(&self) -> bool {
        self.memory.is_some() && self.can_evict
    }

    pub(crate) fn can_slow(&self) -> bool {
        self.disk.is_some() && self.can_evict
    }

    /// Bytes that the disk has read so far.
    pub(crate) fn bytes_read(&self) -> Option<u64> {
        let text = fs::read_to_string(self.counters.as_ref()?).ok()?;
        text.split_whitespace().nth(2)?.parse::<u64>().ok().map(|sectors| 512 * sectors)
    }

    /// Puts a process into a group of its own, whose memory is counted, and limited if that is wanted.
    pub(crate) fn group(&self, process: u32, cap: Option<u64>, slow: Option<Slow>) -> io::Result<Group> {
        let mut group = Group { folders: Vec::new(), memory: None };
        let name = format!("ketline-{process}");
        if let Some(memory) = &self.memory {
            let folder = memory.join(&name);
            fs::create_dir(&folder)?;
            group.folders.push(folder.clone());
            if let Some(cap) = cap {
                fs::write(folder.join("memory.limit_in_bytes"), cap.to_string())?;
            }
            fs::write(folder.join("cgroup.procs"), process.to_string())?;
            group.memory = Some(folder);
        }
        if let (Some(slow), Some(disk), Some(device)) = (slow, &self.disk, &self.device) {
            let folder = disk.join(&name);
            fs::create_dir(&folder)?;
            group.folders.push(folder.clone());
            fs::write(folder.join("blkio.throttle.read_bps_device"), format!("{device} {}", slow.bytes))?;
            fs::write(folder.join("blkio.throttle.read_iops_device"), format!("{device} {}", slow.reads))?;
            fs::write(folder.join("cgroup.procs"), process.to_string())?;
        }
        Ok(group)
    }
}

impl Group {
    /// The most memory that the group had, page cache included.
    pub(crate) fn peak(&self) -> Option<u64> {
        let path = self.memory.as_ref()?.join("memory.max_usage_in_bytes");
        fs::read_to_string(path).ok()?.trim().parse().ok()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Workers that a side started may outlive it.
        for folder in &self.folders {
            let left = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            if !left.is_empty() {
                let _ = Command::new("kill")
                    .arg("-9")
                    .args(left.split_whitespace())
                    .stderr(Stdio::null())
                    .status();
            }
        }
        for folder in &self.folders {
            // Processes that end leave it a moment later.
            for _ in 0..50 {
                if fs::remove_dir(folder).is_ok() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let can = |can| if can { "can" } else { "cannot" };
        write!(
            f,
            "limits: memory {} be capped, the disk {} be slowed down, files {} be put out of the page cache",
            can(self.can_cap()),
            can(self.can_slow()),
            can(self.can_evict)
        )
    }
}

/// Lets the page cache forget a file, or all files of a folder.
pub(crate) fn evict(path: &Path) -> io::Result<()> {
    files(path).iter().try_for_each(|file| forget(file))
}

/// Advises the system to forget a file's pages, which it does unless they wait to be written: `dd` asks for it without reading
/// anything.
fn forget(path: &Path) -> io::Result<()> {
    let mut file = OsString::from("if=");
    file.push(path);
    let status = Command::new("dd").arg(file).args(["iflag=nocache", "count=0", "status=none"]).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("dd: {status}"))) }
}
