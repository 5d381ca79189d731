//! Whether a state fits in memory, asked before it is allocated.

use std::path::Path;

use crate::{Error, Result};

/// Taken to be available where the system does not say: 4 GiB.
const UNKNOWN: u64 = 4 << 30;

/// Smaller requests are not worth the question.
const SMALL: u64 = 16 << 20;

/// Refuses states of `qubits` qubits that need `bytes` more than what is available.
///
/// # Errors
/// [`Error::Memory`].
pub(crate) fn check(qubits: usize, bytes: u64) -> Result<()> {
    if bytes < SMALL {
        return Ok(());
    }
    let available = available();
    if bytes <= available { Ok(()) } else { Err(Error::Memory { needed: bytes, available, qubits }) }
}

/// Bytes of a dense matrix on `qubits` qubits, or more than any machine has.
pub(crate) fn dense(qubits: usize) -> u64 {
    16 << (2 * qubits.min(28))
}

/// Bytes that can be allocated: what the system has left, and no more than what the control groups of this process
/// leave.
fn available() -> u64 {
    let system = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| meminfo(&text));
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = groups.lines().filter_map(group_left);
    limits.chain(system).min().unwrap_or(UNKNOWN)
}

/// `MemAvailable` of /proc/meminfo in bytes.
fn meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// What the control group of one line of /proc/self/cgroup and the groups around it leave, the tightest of them.
fn group_left(line: &str) -> Option<u64> {
    let mut fields = line.splitn(3, ':');
    let (root, limit, usage) = match (fields.next()?, fields.next()?) {
        ("0", "") => ("/sys/fs/cgroup", "memory.max", "memory.current"),
        (_, kinds) if kinds.split(',').any(|kind| kind == "memory") => {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
        }
        _ => return None,
    };
    let path = fields.next()?.trim_start_matches('/');
    let read = |group: &Path, file: &str| -> Option<u64> {
        std::fs::read_to_string(Path::new(root).join(group).join(file)).ok()?.trim().parse().ok()
    };
    // inside a container the path may name a group that is not mounted: its ancestors still count
    Path::new(path)
        .ancestors()
        .filter_map(|group| Some(read(group, limit)?.saturating_sub(read(group, usage).unwrap_or(0))))
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read() {
        assert_eq!(meminfo("MemTotal: 9 kB\nMemAvailable:   2048 kB\n"), Some(2 << 20));
        assert_eq!(meminfo("MemTotal: 9 kB\n"), None);
        assert_eq!(group_left("3:cpu,cpuacct:/"), None);
        assert!(available() > 1 << 20);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let error = check(50, u64::MAX).unwrap_err();
        assert!(matches!(error, Error::Memory { qubits: 50, needed: u64::MAX, .. }));
        assert_eq!(check(3, 128), Ok(()));
    }
}
