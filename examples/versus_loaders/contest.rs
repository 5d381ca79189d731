//! A row, measured: all sides in turn, so that whatever else the machine does meets all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::limit::{Group, Limits};
use crate::peer::{Run, Waiting};
use crate::row::{Cache, Peer, Row};
use crate::venv::Environment;
use crate::workload::Workload;

/// Rounds of a row.
const ROUNDS: usize = 3;
/// A run is stopped after this, in seconds: a rate is known by then.
const LONGEST: (f64, f64) = (15.0, 6.0);
/// What starting and stopping may take besides.
const PATIENCE: Duration = Duration::from_secs(45);
/// Threads of ours that read.
const THREADS: usize = 2;

/// What one side did in a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timing {
    pub(crate) runs: Vec<Run>,
    /// Bytes that the disk read over the bytes of the samples.
    pub(crate) amplification: Vec<f64>,
    /// The most memory of its group, page cache included.
    pub(crate) peaks: Vec<u64>,
}

impl Timing {
    /// Median of the samples a second.
    pub(crate) fn rate(&self) -> f64 {
        median(self.runs.iter().map(Run::rate).collect())
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        even if even % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

/// A measured row.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) row: &'static Row,
    pub(crate) ours: Timing,
    /// The peers, the fastest first.
    pub(crate) peers: Vec<(Peer, Timing)>,
    /// Those that could not take part, with the reason; without a peer for the whole row.
    pub(crate) absent: Vec<(Option<Peer>, String)>,
}

impl Outcome {
    /// The best peer's time over ours.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.peers
            .first()
            .filter(|_| !self.ours.runs.is_empty())
            .map(|(_, timing)| self.ours.rate() / timing.rate())
    }
}

pub(crate) struct Contest {
    program: PathBuf,
    environment: Option<Environment>,
    limits: Limits,
    data: PathBuf,
    workloads: [Workload; 2],
    quick: bool,
    /// Formats that could not be written.
    failed: BTreeSet<(&'static str, &'static str)>,
}

impl Contest {
    pub(crate) fn new(
        program: PathBuf,
        environment: Option<Environment>,
        limits: Limits,
        data: PathBuf,
        workloads: [Workload; 2],
        quick: bool,
    ) -> Self {
        Self { program, environment, limits, data, workloads, quick, failed: BTreeSet::new() }
    }

    /// Measures a row, until `end` if that can be.
    pub(crate) fn measure(&mut self, row: &'static Row, end: Instant) -> Outcome {
        let mut outcome = Outcome { row, ours: Timing::default(), peers: Vec::new(), absent: Vec::new() };
        let missing = match (row.caps, row.slow, row.cache) {
            (Some(_), ..) if !self.limits.can_cap() => Some("memory cannot be capped here"),
            (_, Some(_), _) if !self.limits.can_slow() => Some("the disk cannot be slowed down here"),
            (.., Cache::Cold) if !self.limits.can_drop => Some("the page cache cannot be dropped here"),
            _ => None,
        };
        if let Some(reason) = missing {
            outcome.absent.push((None, reason.to_owned()));
            return outcome;
        }
        let Some(workload) = self.workloads.into_iter().find(|workload| workload.name == row.workload) else {
            return outcome;
        };
        let mut peers: Vec<(Peer, Timing)> = Vec::new();
        for peer in row.peers {
            match self.prepare(*peer, &workload) {
                Ok(()) => peers.push((*peer, Timing::default())),
                Err(reason) => outcome.absent.push((Some(*peer), reason)),
            }
        }
        for round in 0..ROUNDS {
            if round > 0 && Instant::now() > end {
                break;
            }
            let ours = self.ours(row, &workload);
            if let Err(reason) =
                self.run(ours, row, &workload, row.caps.map(|caps| caps.0), &mut outcome.ours)
            {
                outcome.absent.push((None, format!("ketline {reason}")));
                return outcome;
            }
            let best = peers.iter().map(|(_, timing)| timing.rate()).fold(0.0, f64::max);
            peers.retain_mut(|(peer, timing)| {
                // one run tells enough of a peer that is far behind
                if round > 0 && timing.rate() < 0.6 * best {
                    return true;
                }
                let command = self.theirs(*peer, &workload);
                let run = self.run(command, row, &workload, row.caps.map(|caps| caps.1), timing);
                run.map_err(|reason| outcome.absent.push((Some(*peer), reason))).is_ok()
            });
        }
        peers.sort_by(|a, b| b.1.rate().total_cmp(&a.1.rate()));
        outcome.peers = peers;
        outcome
    }

    fn longest(&self) -> f64 {
        if self.quick { LONGEST.1 } else { LONGEST.0 }
    }

    fn ours(&self, row: &Row, workload: &Workload) -> Command {
        let mut command = Command::new(&self.program);
        let budget = row.budget << 20;
        command.args(["side", workload.name, &workload.samples.to_string()]).arg(workload.set(&self.data));
        command.args([budget.to_string(), THREADS.to_string(), self.longest().to_string()]);
        command
    }

    fn theirs(&self, peer: Peer, workload: &Workload) -> Command {
        let mut command = self.python(workload);
        command
            .args(["read", peer.name, workload.name, &peer.workers.to_string()])
            .arg(workload.folder(&self.data));
        command.env("LIMIT", self.longest().to_string());
        command
    }

    fn python(&self, workload: &Workload) -> Command {
        let (python, driver) = self.environment.as_ref().map_or_else(
            || (PathBuf::from("python3"), PathBuf::new()),
            |environment| (environment.python.clone(), environment.driver.clone()),
        );
        let mut command = Command::new(python);
        command
            .arg(driver)
            .env("SAMPLES", workload.samples.to_string())
            .env("TOKENIZERS_PARALLELISM", "false");
        command
    }

    /// Writes what a peer reads, unless it is there.
    fn prepare(&mut self, peer: Peer, workload: &Workload) -> Result<(), String> {
        if self.environment.is_none() {
            return Err("no peers are wanted".into());
        }
        let Some(format) = peer.format else { return Ok(()) };
        if self.failed.contains(&(format, workload.name)) {
            return Err("its format could not be written".into());
        }
        let folder = workload.folder(&self.data);
        let (target, mark) = (folder.join(format), folder.join(format!("{format}.written")));
        if mark.exists() {
            return Ok(());
        }
        // What an interrupted run left.
        let _ = std::fs::remove_dir_all(&target);
        let mut command = self.python(workload);
        command.args(["write", format, workload.name]).arg(&folder).stdin(Stdio::null());
        let done = command.output().map_err(|error| error.to_string()).and_then(|output| {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
            if output.status.success() {
                Ok(())
            } else {
                Err(format!("its format could not be written: {last}"))
            }
        });
        let done = done.and_then(|()| std::fs::write(&mark, "").map_err(|error| error.to_string()));
        if done.is_err() {
            self.failed.insert((format, workload.name));
        }
        done
    }

    /// Runs one side once.
    fn run(
        &self,
        command: Command,
        row: &Row,
        workload: &Workload,
        cap: Option<u64>,
        timing: &mut Timing,
    ) -> Result<(), String> {
        let files = match row.cache {
            Cache::Cold => None,
            Cache::Warm => Some(workload.folder(&self.data)),
        };
        let waiting = Waiting::start(command)?;
        match files {
            // all formats: each side's own must be warm
            Some(folder) => warm(&folder, row, workload, &self.data),
            None => self.limits.drop_caches().map_err(|error| error.to_string())?,
        }
        let group = self.limits.group(waiting.process(), cap.map(|mib| mib << 20), row.slow);
        let group: Group = group.map_err(|error| error.to_string())?;
        let before = self.limits.bytes_read();
        let run = waiting.run(Duration::from_secs_f64(self.longest()) + PATIENCE)?;
        let read = self.limits.bytes_read().zip(before).map(|(after, before)| (after - before) as f64);
        let whole = run.partial || run.samples == workload.samples;
        if !whole || run.distinct != run.samples {
            let (found, distinct) = (run.samples, run.distinct);
            return Err(format!(
                "gave {found} samples, {distinct} of them distinct, expected {}",
                workload.samples
            ));
        }
        timing.amplification.extend(read.map(|read| read / (run.samples * workload.bytes as u64) as f64));
        timing.peaks.extend(group.peak());
        timing.runs.push(run);
        Ok(())
    }

    /// What is left behind are data and environment, for the next run.
    pub(crate) fn finish(&mut self) {
        if self.quick {
            println!("data stays in {}", self.data.display());
        }
    }
}

/// Reads the files of a row's sides, so that they lie in the page cache.
fn warm(folder: &Path, row: &Row, workload: &Workload, data: &Path) {
    let mut folders = vec![workload.set(data)];
    folders.extend(row.peers.iter().filter_map(|peer| Some(folder.join(peer.format?))));
    let mut files = vec![folder.join("x.bin")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    let mut block = vec![0; 1 << 20];
    for file in files {
        let Ok(mut file) = std::fs::File::open(file) else { continue };
        while std::io::Read::read(&mut file, &mut block).is_ok_and(|read| read > 0) {}
    }
}
