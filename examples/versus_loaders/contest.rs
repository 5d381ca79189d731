//! A row, measured: all sides in turn, so that whatever else the machine does meets all.
//!
//! Processes answer as in every contest, but each lives for one epoch: what it may take is limited from its beginning on, and
//! what it reads is put into the page cache, or out of it, before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ketline_examples::versus::{
    Complaint, Environment, Machine, Outcome, Peer, Row as _, Side, Timing, load,
};
use serde_json::{Value, json};

use crate::limit::{Limits, evict};
use crate::ours;
use crate::row::{Cache, Row};
use crate::workload::Workload;

/// Rounds of a row, if there is time.
const ROUNDS: usize = 3;
/// The longest that a peer may take to import and open.
const LOADING: Duration = Duration::from_mins(1);
/// The longest that writing a format may take.
const WRITING: Duration = Duration::from_mins(5);
/// What an epoch that is left early may take besides.
const PATIENCE: Duration = Duration::from_secs(20);
/// A peer that takes this many times as long as the best one is not run again.
const HOPELESS: f64 = 1.6;

/// What the runs of one side mixed and took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    /// Distinct 256ths of the set in a batch.
    pub(crate) bins: f64,
    /// Distinct chunks in a batch, and what the plan says is resident at most; of ours.
    pub(crate) chunks: f64,
    pub(crate) planned: f64,
    /// Whether runs were left before their end: their rate was known.
    pub(crate) partial: bool,
    /// Bytes that the disk read over the bytes of the samples, run by run.
    pub(crate) amplification: Vec<f64>,
    /// The most memory of the group, page cache included.
    pub(crate) peak: u64,
}

/// A measured row. Timings are seconds of a whole epoch.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) outcome: Outcome<Row>,
    pub(crate) ours: Reads,
    pub(crate) peers: Vec<(Peer, Reads)>,
    pub(crate) workload: Workload,
}

impl Measured {
    pub(crate) fn rate(&self, timing: &Timing) -> f64 {
        self.workload.samples as f64 / timing.seconds()
    }
}

/// A side of a row while it is measured.
#[derive(Default)]
struct Entry {
    rounds: Vec<f64>,
    reads: Reads,
}

impl Entry {
    fn timing(&self) -> Timing {
        Timing {
            rounds: self.rounds.clone(),
            repeated: 1,
            note: String::new(),
            first: self.rounds.len() == 1,
        }
    }
}

pub(crate) struct Contest {
    pub(crate) machine: Machine,
    pub(crate) program: PathBuf,
    pub(crate) environment: Option<Environment>,
    pub(crate) limits: Limits,
    /// The folder of the data.
    pub(crate) data: PathBuf,
    /// An epoch is left after this: a rate is known by then.
    pub(crate) longest: Duration,
    /// Formats that could not be written.
    pub(crate) failed: BTreeMap<(&'static str, &'static str), Complaint>,
}

impl Contest {
    /// Writes what peers read, unless it is there.
    pub(crate) fn prepare(&mut self, peer: Peer, workload: &Workload) {
        let Some(environment) = self.environment.as_ref().filter(|_| peer.name != "torch") else { return };
        let folder = workload.folder(&self.data);
        let (target, mark) = (folder.join(peer.name), folder.join(format!("{}.written", peer.name)));
        if mark.exists() || self.failed.contains_key(&(peer.name, workload.name)) {
            return;
        }
        // What an interrupted run left.
        let _ = std::fs::remove_dir_all(&target);
        let written = environment.command(self.machine, peer, 2).and_then(|command| {
            let mut side = Side::start(command)?;
            let question = self.question(json!({ "kind": "write" }), workload);
            side.ask(&json!({ "ask": "load", "workload": question, "option": peer.option }), LOADING)?;
            side.run(1, WRITING)?;
            std::fs::write(&mark, "").map_err(|error| error.to_string())
        });
        if let Err(complaint) = written {
            let complaint = format!("could not write its format: {complaint}");
            self.failed.insert((peer.name, workload.name), complaint);
        }
    }

    fn question(&self, mut question: Value, workload: &Workload) -> Value {
        question["name"] = json!(workload.name);
        question["samples"] = json!(workload.samples);
        question["bytes"] = json!(workload.bytes);
        question["folder"] = json!(workload.folder(&self.data));
        question["limit"] = json!(self.longest.as_secs_f64());
        question
    }

    /// Measures a row, until `end` if that can be.
    ///
    /// # Errors
    /// What keeps our own side from running, or the row from being measured here.
    pub(crate) fn measure(
        &self,
        row: &'static Row,
        workload: &Workload,
        end: Instant,
    ) -> Result<Measured, Complaint> {
        let missing = match (row.caps, row.slow, row.cache) {
            (Some(_), ..) if !self.limits.can_cap() => Some("memory cannot be capped here"),
            (_, Some(_), _) if !self.limits.can_slow() => Some("the disk cannot be slowed down here"),
            (.., Cache::Cold) if !self.limits.can_evict => {
                Some("files cannot be put out of the page cache here")
            }
            _ => None,
        };
        if let Some(reason) = missing {
            return Err(reason.to_owned());
        }
        let wanted = if self.environment.is_some() { row.peers() } else { &[] };
        let (mut ours, mut absent, mut disagreements) = (Entry::default(), Vec::new(), Vec::new());
        let mut peers: Vec<_> = wanted.iter().map(|peer| (*peer, Entry::default())).collect();
        for round in 0..ROUNDS {
            if round > 0 && Instant::now() > end {
                break;
            }
            let wrong = self.ours(row, workload, &mut ours)?;
            disagreements.extend(wrong.map(|wrong| format!("{}: ketline {wrong}", row.name)));
            let best = peers.iter().map(|(_, entry)| entry.timing().seconds()).fold(f64::INFINITY, f64::min);
            peers.retain_mut(|(peer, entry)| {
                if round > 0 && entry.timing().seconds() > HOPELESS * best {
                    return true;
                }
                let done = self.theirs(*peer, row, workload, entry);
                done.map_err(|complaint| absent.push((*peer, complaint))).is_ok()
            });
        }
        peers.sort_by(|a, b| a.1.timing().seconds().total_cmp(&b.1.timing().seconds()));
        let outcome = Outcome {
            row,
            ours: ours.timing(),
            planning: 0.0,
            plan: String::new(),
            memory: None,
            peers: peers.iter().map(|(peer, entry)| (*peer, entry.timing())).collect(),
            absent,
            disagreements,
            load: load(),
        };
        let peers = peers.into_iter().map(|(peer, entry)| (peer, entry.reads)).collect();
        Ok(Measured { outcome, ours: ours.reads, peers, workload: *workload })
    }

    /// Runs our side once; says if it lost samples or repeated some.
    fn ours(
        &self,
        row: &Row,
        workload: &Workload,
        entry: &mut Entry,
    ) -> Result<Option<Complaint>, Complaint> {
        let set = workload.set(&self.data);
        let mut command = self.machine.command(&self.program, row.threads());
        command.args(["side", &ours::question(workload, &set, row.budget.bytes(workload), self.longest)]);
        let side = Side::start(command)?;
        self.run(side, &json!({ "ask": "load" }), &set, row, (workload, true), entry)
    }

    /// Runs a peer once, which must not lose samples either.
    fn theirs(&self, peer: Peer, row: &Row, workload: &Workload, entry: &mut Entry) -> Result<(), Complaint> {
        let environment = self.environment.as_ref().ok_or("no peers are wanted")?;
        if let Some(complaint) = self.failed.get(&(peer.name, workload.name)) {
            return Err(complaint.clone());
        }
        let folder = workload.folder(&self.data);
        let files = folder.join(if peer.name == "torch" { "x.bin" } else { peer.name });
        let side = Side::start(environment.command(self.machine, peer, row.threads())?)?;
        let question = self.question(row.workload(), workload);
        let load = json!({ "ask": "load", "workload": question, "option": peer.option });
        self.run(side, &load, &files, row, (workload, false), entry)?.map_or(Ok(()), Err)
    }

    fn run(
        &self,
        mut side: Side,
        load: &Value,
        files: &Path,
        row: &Row,
        (workload, own): (&Workload, bool),
        entry: &mut Entry,
    ) -> Result<Option<Complaint>, Complaint> {
        // What Python imports is not counted; all of ours is.
        if !own {
            side.ask(load, LOADING)?;
        }
        match row.cache {
            Cache::Cold => evict(files),
            Cache::Warm => warm(files),
        }
        .map_err(|error| format!("{}: {error}", files.display()))?;
        let cap = row.caps.map(|(ours, theirs)| (if own { ours } else { theirs }) << 20);
        let group = self.limits.group(side.process(), cap, row.slow).map_err(|error| error.to_string())?;
        let before = self.limits.bytes_read();
        if own {
            side.ask(load, LOADING)?;
        }
        let seconds = side.run(1, self.longest + PATIENCE).map_err(|complaint| match cap {
            Some(_) if complaint.contains("signal: 9") => "was killed by its limit on memory".to_owned(),
            _ => complaint,
        })?;
        let read = self.limits.bytes_read().zip(before).map(|(after, before)| (after - before) as f64);
        let answer = side.ask(&json!({ "ask": "check" }), PATIENCE)?;
        let found = |name: &str| answer["values"][name].as_f64().unwrap_or_default();
        let (samples, distinct, all) = (found("samples"), found("distinct"), workload.samples as f64);
        let partial = samples < all && seconds > self.longest.as_secs_f64();
        if distinct != samples || !(partial || samples == all) {
            return Ok(Some(format!("gave {samples} samples, {distinct} of them distinct, expected {all}")));
        }
        entry.rounds.push(seconds * all / samples);
        let reads = &mut entry.reads;
        reads.amplification.extend(read.map(|read| read / (samples * workload.bytes as f64)));
        reads.peak = reads.peak.max(group.peak().unwrap_or_default());
        reads.partial |= partial;
        (reads.bins, reads.chunks, reads.planned) = (found("bins"), found("chunks"), found("planned"));
        Ok(None)
    }
}

/// All files of a folder and of those below it, or the file itself.
pub(crate) fn files(path: &Path) -> Vec<PathBuf> {
    let (mut waiting, mut files) = (vec![path.to_owned()], Vec::new());
    while let Some(path) = waiting.pop() {
        match std::fs::read_dir(&path) {
            Ok(entries) => waiting.extend(entries.flatten().map(|entry| entry.path())),
            Err(_) => files.push(path),
        }
    }
    files
}

/// Reads files, so that they lie in the page cache.
fn warm(path: &Path) -> std::io::Result<()> {
    let mut block = vec![0; 1 << 20];
    for path in files(path) {
        let mut file = std::fs::File::open(path)?;
        while std::io::Read::read(&mut file, &mut block)? > 0 {}
    }
    Ok(())
}
