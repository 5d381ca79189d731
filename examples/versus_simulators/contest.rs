//! A row, measured: both sides in turn, so that whatever else the machine does meets both.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::machine::Machine;
use crate::row::{Peer, Row};
use crate::side::{Complaint, Side};
use crate::venv::Environment;

/// The longest that a peer may take to load a workload, compilation included.
const LOADING: Duration = Duration::from_mins(3);
/// The longest that a single timing may take.
const RUNNING: Duration = Duration::from_mins(2);
/// A timing of short runs is as many of them as take this long, in seconds.
const SAMPLE: f64 = 0.03;
/// A run that takes longer than this, in seconds, is repeated fewer times.
const LONG: f64 = 3.0;
/// What the rounds of a row may take together, in seconds, unless the fewest take longer.
const ROUNDS: f64 = 6.0;
/// The most rounds of a row.
const MOST_ROUNDS: usize = 15;
/// A first run that takes longer than this, in seconds, tells enough: what comes once is small beside it.
const COLD: f64 = 0.5;
/// A peer that takes this many times as long as the best one at first is not timed again.
const HOPELESS: f64 = 1.5;

/// The processes that take part, kept from row to row: importing a peer takes seconds.
#[derive(Debug)]
pub(crate) struct Contest {
    machine: Machine,
    program: PathBuf,
    environment: Option<Environment>,
    sides: HashMap<(Peer, usize), Side>,
    /// From then on every row is measured once only.
    deadline: Option<Instant>,
}

/// Peers that could not take part, with the reason.
type Absent = Vec<(Peer, Complaint)>;

/// What one side did in a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Timing {
    /// Seconds of one run, round by round.
    rounds: Vec<f64>,
    /// How many runs in a row one timing is the mean of.
    pub(crate) repeated: u64,
    pub(crate) note: String,
}

impl Timing {
    /// The median, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        let mut sorted = self.rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 { sorted[middle] } else { 0.5 * (sorted[middle - 1] + sorted[middle]) }
    }

    /// How many rounds there were.
    pub(crate) fn count(&self) -> usize {
        self.rounds.len()
    }
}

/// A measured row.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) row: &'static Row,
    pub(crate) ours: Timing,
    /// Seconds that planning took, before the runs.
    pub(crate) planning: f64,
    /// Most memory that our process had, in bytes.
    pub(crate) memory: Option<f64>,
    /// The peers with their timings, the best first.
    pub(crate) peers: Vec<(Peer, Timing)>,
    pub(crate) absent: Absent,
    /// Peers that computed something else.
    pub(crate) disagreements: Vec<String>,
}

impl Outcome {
    /// The best peer's time over ours.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.peers.first().map(|(_, timing)| timing.seconds() / self.ours.seconds())
    }
}

impl Contest {
    pub(crate) fn new(
        machine: Machine,
        program: PathBuf,
        environment: Option<Environment>,
        deadline: Option<Instant>,
    ) -> Self {
        Self { machine, program, environment, sides: HashMap::new(), deadline }
    }

    /// Measures a row.
    ///
    /// # Errors
    /// What keeps our own side from running.
    pub(crate) fn measure(&mut self, row: &'static Row) -> Result<Outcome, Complaint> {
        let mut command = self.machine.command(&self.program, row.threads);
        command.args(["side", row.name]);
        let mut own = Side::start(command)?;
        let planning = own.ask(&json!({ "ask": "load" }), LOADING)?["planning"].as_f64().unwrap_or_default();
        let mut ours = Entry::warm(own, String::new())?;
        let (peers, mut absent) = self.entries(row);
        let best = peers.iter().map(|(_, entry)| entry.first).fold(f64::INFINITY, f64::min);
        let (mut racing, beaten): (Vec<_>, Vec<_>) =
            peers.into_iter().partition(|(_, entry)| entry.first <= HOPELESS * best);
        self.race(&mut ours, &mut racing, &mut absent)?;

        let found = ours.side.ask(&json!({ "ask": "check" }), RUNNING)?;
        let mut disagreements = Vec::new();
        for (peer, entry) in &mut racing {
            match entry.side.ask(&json!({ "ask": "check" }), RUNNING) {
                Ok(theirs) => {
                    disagreements.extend(differences(row, *peer, &found["values"], &theirs["values"]));
                }
                Err(complaint) => disagreements.push(format!("{}: {} {complaint}", row.name, peer.name)),
            }
        }
        let mut peers = Vec::new();
        for (peer, mut entry) in racing.into_iter().chain(beaten) {
            peers.push((peer, entry.timing));
            // a state of this row would take the memory of the next
            if entry.side.ask(&json!({ "ask": "forget" }), RUNNING).is_ok() {
                self.sides.insert((peer, row.threads), entry.side);
            }
        }
        peers.sort_by(|a, b| a.1.seconds().total_cmp(&b.1.seconds()));
        let memory = found["memory"].as_f64();
        Ok(Outcome { row, ours: ours.timing, planning, memory, peers, absent, disagreements })
    }

    /// The peers of a row, loaded and warm, and those that could not be.
    fn entries(&mut self, row: &Row) -> (Vec<(Peer, Entry)>, Absent) {
        let (mut entries, mut absent) = (Vec::new(), Vec::new());
        if self.environment.is_none() {
            return (entries, absent);
        }
        let workload = json!(row.definition());
        for peer in row.peers {
            let entry = self.side(*peer, row.threads).and_then(|side| Entry::load(side, *peer, &workload));
            match entry {
                Ok(entry) => entries.push((*peer, entry)),
                Err(complaint) => absent.push((*peer, complaint)),
            }
        }
        (entries, absent)
    }

    /// The process of a peer, taken out of those that run or started.
    fn side(&mut self, peer: Peer, threads: usize) -> Result<Side, Complaint> {
        if let Some(mut side) = self.sides.remove(&(peer, threads))
            && side.lives()
        {
            return Ok(side);
        }
        let environment = self.environment.as_ref().ok_or("no peers are wanted")?;
        if environment.version(peer.name).is_none() {
            return Err("is not installed".to_owned());
        }
        let mut command = self.machine.command(&environment.python, threads);
        command.arg("-u").arg(&environment.driver).arg(peer.name);
        Side::start(command)
    }

    /// Times all in turn, round after round; a peer that fails is out.
    fn race(
        &self,
        ours: &mut Entry,
        peers: &mut Vec<(Peer, Entry)>,
        absent: &mut Absent,
    ) -> Result<(), Complaint> {
        let (mut round, mut long) = (0.0, false);
        for entry in std::iter::once(&mut *ours).chain(peers.iter_mut().map(|(_, entry)| entry)) {
            entry.timing.rounds.clear();
            entry.timing.repeated = (SAMPLE / entry.first).ceil().clamp(1.0, 1e6) as u64;
            round += entry.first * entry.timing.repeated as f64;
            long |= entry.first > LONG;
        }
        let fewest = if long { 3 } else { 5 };
        let late = self.deadline.is_some_and(|deadline| Instant::now() > deadline);
        let rounds = if late { 1 } else { ((ROUNDS / round) as usize).clamp(fewest, MOST_ROUNDS) };
        for _ in 0..rounds {
            ours.time()?;
            peers.retain_mut(|(peer, entry)| match entry.time() {
                Ok(()) => true,
                Err(complaint) => {
                    absent.push((*peer, complaint));
                    false
                }
            });
        }
        Ok(())
    }
}

/// A side that takes part in a row.
#[derive(Debug)]
struct Entry {
    side: Side,
    /// Seconds of a first run.
    first: f64,
    timing: Timing,
}

impl Entry {
    fn load(mut side: Side, peer: Peer, workload: &Value) -> Result<Self, Complaint> {
        let question = json!({ "ask": "load", "workload": workload, "option": peer.option });
        let note = side.ask(&question, LOADING)?["note"].as_str().unwrap_or_default().to_owned();
        Self::warm(side, note)
    }

    /// A loaded side after its first runs: one that takes long, or three of which the best tells what it can do.
    fn warm(mut side: Side, note: String) -> Result<Self, Complaint> {
        let mut first = side.run(1, RUNNING)?;
        if first < COLD {
            let (second, third) = (side.run(1, RUNNING)?, side.run(1, RUNNING)?);
            first = second.min(third);
        }
        Ok(Self { side, first, timing: Timing { rounds: vec![first], repeated: 1, note } })
    }

    fn time(&mut self) -> Result<(), Complaint> {
        let seconds = self.side.run(self.timing.repeated, RUNNING)?;
        self.timing.rounds.push(seconds);
        Ok(())
    }
}

/// Values that both sides name and that differ.
fn differences(row: &Row, peer: Peer, ours: &Value, theirs: &Value) -> Vec<String> {
    let Some(theirs) = theirs.as_object().filter(|values| !values.is_empty()) else {
        return vec![format!("{}: {} names no value", row.name, peer.name)];
    };
    let differ = |(name, value): (&String, &Value)| {
        let (our, their) = (ours[name].as_f64()?, value.as_f64()?);
        let text = format!("{}: {name} is {our:e} here and {their:e} with {}", row.name, peer.name);
        (!row.agrees(name, our, their)).then_some(text)
    };
    theirs.iter().filter_map(differ).collect()
}
