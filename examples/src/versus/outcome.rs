//! What the measuring of a row gives.

use serde_json::Value;

use super::{Complaint, Peer, Row};

/// The median; infinity of nothing, which is slower than anything.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::INFINITY,
        even if even % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// What one side did in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// Seconds of one run, round by round.
    pub rounds: Vec<f64>,
    /// How many runs in a row one timing is the mean of.
    pub repeated: u64,
    /// What it says about its times.
    pub note: String,
    /// Whether it is the first run, or the best of the first three: the side was not raced.
    pub first: bool,
}

impl Timing {
    /// The median, in seconds.
    pub fn seconds(&self) -> f64 {
        median(&self.rounds)
    }

    /// How many rounds there were.
    pub fn count(&self) -> usize {
        self.rounds.len()
    }
}

/// What our process had of memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    /// Before a circuit was built: the program itself.
    pub first: f64,
    /// The most that it had at any time.
    pub most: f64,
}

impl Memory {
    /// Reads the answers to the first and to the last question.
    pub(super) fn read(first: &Value, last: &Value) -> Option<Self> {
        Some(Self { first: first["memory"].as_f64()?, most: last["memory"].as_f64()? })
    }
}

/// The fastest of the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// Who it is.
    pub name: String,
    /// What it takes, in seconds.
    pub seconds: f64,
    /// Whether it is not of this run, but scaled from what it was seen to take.
    pub seen: bool,
}

/// A measured row.
#[derive(Debug)]
pub struct Outcome<R: 'static> {
    /// The row.
    pub row: &'static R,
    /// Our own time.
    pub ours: Timing,
    /// Seconds that planning took, before the runs.
    pub planning: f64,
    /// The plan as it is printed; empty where it cannot be.
    pub plan: String,
    /// What our process had; none where the system does not say.
    pub memory: Option<Memory>,
    /// The peers with their timings, the best first.
    pub peers: Vec<(Peer, Timing)>,
    /// Peers that could not take part, with the reason.
    pub absent: Vec<(Peer, Complaint)>,
    /// Peers that computed something else.
    pub disagreements: Vec<String>,
    /// The load of the machine afterwards: how many processes wanted to run, on average over a minute.
    pub load: Option<f64>,
}

impl<R: Row> Outcome<R> {
    /// The best of the peers in this run, and of one that is on no registry if it would be better.
    pub fn best(&self) -> Option<Best> {
        let (peer, timing) = self.peers.first()?;
        let measured = Best { name: peer.to_string(), seconds: timing.seconds(), seen: false };
        let seen = self.seen().filter(|seen| seen.seconds < measured.seconds);
        Some(seen.unwrap_or(measured))
    }

    /// The peer that is on no registry, if one was seen to be good in this row and the one beside it took part.
    pub fn seen(&self) -> Option<Best> {
        let seen = self.row.seen()?;
        let (_, beside) = self.peers.iter().find(|(peer, _)| peer.to_string() == seen.beside)?;
        Some(Best { name: seen.peer.to_owned(), seconds: seen.scaled(beside.seconds()), seen: true })
    }

    /// The best peer's time over ours.
    pub fn ratio(&self) -> Option<f64> {
        self.best().map(|best| best.seconds / self.ours.seconds())
    }

    /// The most memory that our process took for the workload, plan included, over that of one state vector.
    pub fn states(&self) -> Option<f64> {
        let Memory { first, most } = self.memory?;
        Some((most - first) / self.row.state_bytes()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::versus::Seen;
    use crate::versus::tests::Named;

    fn timing(rounds: &[f64]) -> Timing {
        Timing { rounds: rounds.to_vec(), repeated: 1, note: String::new(), first: false }
    }

    static PLAIN: Named =
        Named { name: "plain", usual: 1.0, state_bytes: Some(256.0 * 1_048_576.0), seen: None };
    static SEEN: Named = Named {
        name: "seen",
        usual: 1.0,
        state_bytes: None,
        seen: Some(Seen { peer: "QuEST", seconds: 5.127e-3, beside: "aer", beside_seconds: 6.689e-3 }),
    };

    fn outcome(row: &'static Named, ours: f64, peers: &[(&'static str, f64)]) -> Outcome<Named> {
        let peers = peers.iter().map(|(name, seconds)| (Peer { name, option: "" }, timing(&[*seconds])));
        Outcome {
            row,
            ours: timing(&[ours]),
            planning: 0.0,
            plan: String::new(),
            memory: Some(Memory { first: 4.0 * 1_048_576.0, most: 276.0 * 1_048_576.0 }),
            peers: peers.collect(),
            absent: Vec::new(),
            disagreements: Vec::new(),
            load: None,
        }
    }

    #[test]
    fn medians_are_of_the_rounds() {
        assert_eq!(timing(&[3.0, 1.0, 9.0]).seconds(), 3.0);
        assert_eq!(timing(&[3.0, 1.0, 9.0, 5.0]).seconds(), 4.0);
    }

    #[test]
    fn the_best_is_measured_unless_one_seen_would_be_better() {
        let plain = outcome(&PLAIN, 2.0, &[("lightning", 8.0), ("scaluq", 12.0)]);
        assert_eq!(plain.best().map(|best| (best.name, best.seen)), Some(("lightning".to_owned(), false)));
        assert_eq!((plain.ratio(), plain.states()), (Some(4.0), Some(272.0 / 256.0)));
        // QuEST took 0.77 of what Aer takes
        let scaled = outcome(&SEEN, 1e-3, &[("aer", 6.689e-3), ("qulacs", 0.08)]);
        assert!((scaled.ratio().unwrap() - 5.127).abs() < 1e-9 && scaled.best().unwrap().seen);
        // it cannot be told without Aer
        let without = outcome(&SEEN, 1e-3, &[("qulacs", 0.08)]);
        assert!((without.ratio().unwrap() - 80.0).abs() < 1e-9 && without.seen().is_none());
        assert_eq!(outcome(&SEEN, 1e-3, &[]).ratio(), None);
    }
}
