//! A row, measured: both sides in turn, so that whatever else the machine does meets both.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::machine::{self, Machine};
use super::outcome::{Memory, Outcome, Timing};
use super::{Complaint, Environment, Peer, Row, Side, budget};

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
/// What the rounds may take in any case: starting the peers may have used up the time of the row.
const LEAST: Duration = Duration::from_secs(8);
/// The most rounds of a row.
const MOST_ROUNDS: usize = 15;
/// A first run that takes longer than this, in seconds, tells enough: what comes once is small beside it.
const COLD: f64 = 0.5;
/// A peer that takes this many times as long as the best one at first is not timed again: where the best takes less than
/// [`COLD`], when a first run may have been disturbed and rounds cost little, and where it takes longer.
const HOPELESS: (f64, f64) = (3.0, 1.5);
/// A first run is given up after this many times the best one so far, which is hopeless, and as many seconds as what comes
/// once may take.
const GIVEN_UP: (f64, f64) = (2.0, 5.0);

/// The processes that take part, kept from row to row: importing a peer takes seconds.
#[derive(Debug)]
pub struct Contest {
    machine: Machine,
    program: PathBuf,
    environment: Option<Environment>,
    sides: HashMap<(Peer, usize), Side>,
}

/// Peers with what they answer to.
type Entries = Vec<(Peer, Entry)>;
/// Peers that could not take part, with the reason.
type Absent = Vec<(Peer, Complaint)>;

impl Contest {
    /// A contest of this program and of what the environment has.
    pub fn new(machine: Machine, program: PathBuf, environment: Option<Environment>) -> Self {
        Self { machine, program, environment, sides: HashMap::new() }
    }

    /// Measures a row, until `end` if that can be.
    ///
    /// # Errors
    /// What keeps our own side from running.
    pub fn measure<R: Row>(&mut self, row: &'static R, end: Instant) -> Result<Outcome<R>, Complaint> {
        let mut command = self.machine.command(&self.program, row.threads());
        command.args(["side", row.name()]);
        let mut own = Side::start(command)?;
        let planned = own.ask(&json!({ "ask": "load" }), LOADING)?;
        let planning = planned["planning"].as_f64().unwrap_or_default();
        let plan = planned["plan"].as_str().unwrap_or_default().to_owned();
        let mut ours = Entry::warm(own, String::new(), RUNNING)?;
        let (peers, mut absent) = self.entries(row, end);
        let best = peers.iter().map(|(_, entry)| entry.first).fold(f64::INFINITY, f64::min);
        let limit = best * if best < COLD { HOPELESS.0 } else { HOPELESS.1 };
        let (mut racing, beaten): (Entries, Entries) =
            peers.into_iter().partition(|(_, entry)| entry.first <= limit);
        race(&mut ours, &mut racing, &mut absent, end)?;

        let found = ours.side.ask(&json!({ "ask": "check" }), RUNNING)?;
        let (mut disagreements, mut peers) = (Vec::new(), Vec::new());
        for (peer, mut entry) in racing.into_iter().chain(beaten) {
            match entry.side.ask(&json!({ "ask": "check" }), RUNNING) {
                Ok(theirs) => {
                    disagreements.extend(differences(row, peer, &found["values"], &theirs["values"]));
                }
                Err(complaint) => disagreements.push(format!("{}: {peer} {complaint}", row.name())),
            }
            peers.push((peer, entry.timing));
            // a state of this row would take the memory of the next
            if entry.side.ask(&json!({ "ask": "forget" }), RUNNING).is_ok() {
                self.sides.insert((peer, row.threads()), entry.side);
            }
        }
        peers.sort_by(|a, b| a.1.seconds().total_cmp(&b.1.seconds()));
        let (memory, load) = (Memory::read(&planned, &found), machine::load());
        Ok(Outcome { row, ours: ours.timing, planning, plan, memory, peers, absent, disagreements, load })
    }

    /// The peers of a row, loaded and warm, and those that could not be.
    fn entries(&mut self, row: &impl Row, end: Instant) -> (Entries, Absent) {
        let (mut entries, mut absent) = (Entries::new(), Absent::new());
        if self.environment.is_none() {
            return (entries, absent);
        }
        let workload = row.workload();
        let mut limit = RUNNING;
        for peer in row.peers() {
            // the first of the list has been the best before; the others are left out where their runs are long
            let long = entries.iter().any(|(_, entry)| entry.first > LONG);
            if long && Instant::now() >= end {
                absent.push((*peer, "had no time left".to_owned()));
                continue;
            }
            let side = self.side(*peer, row.threads());
            match side.and_then(|side| Entry::load(side, *peer, &workload, limit)) {
                Ok(entry) => {
                    let seconds = GIVEN_UP.0 * entry.first + GIVEN_UP.1;
                    limit = limit.min(Duration::try_from_secs_f64(seconds).unwrap_or(RUNNING));
                    entries.push((*peer, entry));
                }
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
        Side::start(environment.command(self.machine, peer, threads)?)
    }
}

/// Times all in turn, round after round; a peer that fails is out.
fn race(ours: &mut Entry, peers: &mut Entries, absent: &mut Absent, end: Instant) -> Result<(), Complaint> {
    let (mut round, mut long) = (0.0, false);
    for entry in std::iter::once(&mut *ours).chain(peers.iter_mut().map(|(_, entry)| entry)) {
        let repeated = (SAMPLE / entry.first).ceil().clamp(1.0, 1e6);
        entry.timing =
            Timing { rounds: Vec::new(), repeated: repeated as u64, first: false, ..entry.timing.clone() };
        round += entry.first * repeated;
        long |= entry.first > LONG;
    }
    let bounds = (if long { 3 } else { 5 }, MOST_ROUNDS);
    let left = end.saturating_duration_since(Instant::now()).max(LEAST);
    for _ in 0..budget::rounds(round, ROUNDS, bounds, left) {
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

/// A side that takes part in a row.
#[derive(Debug)]
struct Entry {
    side: Side,
    /// Seconds of a first run.
    first: f64,
    timing: Timing,
}

impl Entry {
    fn load(mut side: Side, peer: Peer, workload: &Value, limit: Duration) -> Result<Self, Complaint> {
        let question = json!({ "ask": "load", "workload": workload, "option": peer.option });
        let note = side.ask(&question, LOADING)?["note"].as_str().unwrap_or_default().to_owned();
        Self::warm(side, note, limit)
    }

    /// A loaded side after its first runs: one that takes long, or three of which the best tells what it can do.
    fn warm(mut side: Side, note: String, limit: Duration) -> Result<Self, Complaint> {
        let mut first = side.run(1, limit)?;
        if first < COLD {
            let (second, third) = (side.run(1, limit)?, side.run(1, limit)?);
            first = second.min(third);
        }
        Ok(Self { side, first, timing: Timing { rounds: vec![first], repeated: 1, note, first: true } })
    }

    fn time(&mut self) -> Result<(), Complaint> {
        let seconds = self.side.run(self.timing.repeated, RUNNING)?;
        self.timing.rounds.push(seconds);
        Ok(())
    }
}

/// Values that both sides name and that differ.
fn differences(row: &impl Row, peer: Peer, ours: &Value, theirs: &Value) -> Vec<String> {
    let Some(theirs) = theirs.as_object().filter(|values| !values.is_empty()) else {
        return vec![format!("{}: {peer} names no value", row.name())];
    };
    let differ = |(name, value): (&String, &Value)| {
        let (Some(our), Some(their)) = (ours[name].as_f64(), value.as_f64()) else {
            return Some(format!("{}: {name} is {} here and {value} with {peer}", row.name(), ours[name]));
        };
        let text = format!("{}: {name} is {our:e} here and {their:e} with {peer}", row.name());
        (!row.agrees(name, our, their)).then_some(text)
    };
    theirs.iter().filter_map(differ).collect()
}
