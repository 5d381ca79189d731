//! Processes that run on the processors of one thread or of several.

use std::path::Path;
use std::process::{Command, Stdio};

/// Variables that thread pools of simulators read.
const THREADS: [&str; 8] = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "QULACS_NUM_THREADS",
    "KOKKOS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
];

/// Where processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// How many threads can run at once.
    pub processors: usize,
    /// The processor that processes of one thread are bound to; none where the system offers no way.
    single: Option<usize>,
}

impl Machine {
    /// The machine that this process runs on.
    pub fn here() -> Self {
        let mut version = Command::new("taskset");
        version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        let can_bind = version.status().is_ok_and(|status| status.success());
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let last = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).and_then(last);
        Self {
            processors: std::thread::available_parallelism().map_or(1, Into::into),
            single: last.filter(|_| can_bind),
        }
    }

    /// A command whose process has this many threads. One thread is bound to one processor, which also ties thread pools
    /// that read no variable.
    pub fn command(&self, program: &Path, threads: usize) -> Command {
        let mut command = match self.single {
            Some(processor) if threads == 1 => {
                let mut command = Command::new("taskset");
                command.arg("-c").arg(processor.to_string()).arg(program);
                command
            }
            _ => Command::new(program),
        };
        command.envs(THREADS.map(|name| (name, threads.to_string())));
        command.envs([("JAX_PLATFORMS", "cpu"), ("CUDA_VISIBLE_DEVICES", ""), ("TF_CPP_MIN_LOG_LEVEL", "3")]);
        command
    }
}

/// How many processes wanted to run, on average over the last minute; none where the system does not say.
pub fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// The last processor of a list such as `0-3,6`.
fn last(list: &str) -> Option<usize> {
    list.trim().rsplit([',', '-']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_last_processor_of_a_list() {
        assert_eq!(super::last("\t0-3,6\n"), Some(6));
        assert_eq!(super::last("0-1"), Some(1));
        assert_eq!(super::last("5"), Some(5));
        assert_eq!(super::last(""), None);
    }
}
