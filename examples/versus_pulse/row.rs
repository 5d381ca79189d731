//! The rows: what is computed, and by whom.

use ketline_examples::versus::{self, Peer};
use serde_json::{Value, json};

use crate::problem::Problem;

/// The least ratio that is wanted.
pub(crate) const GOAL: f64 = 5.0;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The final state.
    State,
    /// The final density matrix.
    Density,
    /// A fidelity and its gradient by all samples.
    Gradient,
}

impl Kind {
    /// The method that peers are asked for.
    fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Density => "density",
            Self::Gradient => "gradient",
        }
    }
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) kind: Kind,
    /// Of the final state, or of the value.
    pub(crate) tolerance: f64,
    problem: fn() -> Problem,
    peers: &'static [Peer],
    usual: f64,
}

const fn peer(name: &'static str, option: &'static str) -> Peer {
    Peer { name, option }
}

/// All rows, with what the best peer took when the goals were set.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "p1",
        what: "DRAG on 3 levels, 160 samples",
        kind: Kind::State,
        tolerance: 1e-8,
        problem: Problem::transmon,
        peers: &[
            peer("numpy", ""),
            peer("qiskit_dynamics", "jax_expm"),
            peer("qiskit_dynamics", "jax_expm_parallel"),
            peer("dynamiqs", "expm"),
            peer("dynamiqs", "dopri8"),
            peer("qutip", ""),
        ],
        usual: 0.43e-3,
    },
    Row {
        name: "p2",
        what: "CR on 9 levels, 1000 samples",
        kind: Kind::State,
        tolerance: 1e-6,
        problem: Problem::pair,
        peers: &[
            peer("qiskit_dynamics", "jax_expm"),
            peer("numpy", ""),
            peer("dynamiqs", "expm"),
            peer("dynamiqs", "tsit5"),
            peer("dynamiqs", "dopri8"),
            peer("qutip", ""),
        ],
        usual: 0.0103,
    },
    Row {
        name: "p3",
        what: "CR with relaxation, 1000 samples",
        kind: Kind::Density,
        tolerance: 1e-6,
        problem: Problem::open_pair,
        peers: &[
            peer("dynamiqs", "tsit5"),
            peer("dynamiqs", "dopri8"),
            peer("qutip", ""),
            peer("qiskit_dynamics", "jax_expm"),
        ],
        usual: 0.0745,
    },
    Row {
        name: "p4",
        what: "gradient by 2 x 160 samples",
        kind: Kind::Gradient,
        tolerance: 1e-8,
        problem: Problem::transmon,
        peers: &[peer("qiskit_dynamics", "jax_expm"), peer("dynamiqs", "expm"), peer("numpy", "")],
        usual: 0.0031,
    },
];

impl Row {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.name == name)
    }

    pub(crate) fn problem(&self) -> Problem {
        (self.problem)()
    }
}

impl versus::Row for Row {
    fn name(&self) -> &str {
        self.name
    }

    fn threads(&self) -> usize {
        1
    }

    fn peers(&self) -> &[Peer] {
        self.peers
    }

    fn usual(&self) -> f64 {
        self.usual
    }

    fn workload(&self) -> Value {
        let mut workload = self.problem().json();
        workload["kind"] = json!(self.kind.name());
        workload["tolerance"] = json!(self.tolerance);
        workload
    }

    /// Both sides are within the tolerance of what is true.
    fn agrees(&self, value: &str, ours: f64, theirs: f64) -> bool {
        let scale = if value == "gradient" { 100.0 } else { 2.0 };
        (ours - theirs).abs() <= scale * self.tolerance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use versus::Row as _;

    #[test]
    fn rows_are_those_defined() {
        let names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names, ["p1", "p2", "p3", "p4"]);
        let p4 = Row::named("p4").unwrap();
        assert_eq!(p4.workload()["samples"].as_array().map(Vec::len), Some(160));
        assert!(p4.agrees("value", 0.5, 0.5 + 1e-8) && !p4.agrees("value", 0.5, 0.5 + 1e-7));
        assert_eq!(Row::named("p3").unwrap().workload()["collapse"].as_array().map(Vec::len), Some(4));
    }
}
