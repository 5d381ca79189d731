//! Ketline beside other packages: all sides run in turn, in one run, and must have computed the same.
//!
//! Each side is a process that answers lines of JSON: our own is the example itself, started as `EXAMPLE side ROW` ([`serve`]),
//! the others are Python modules in an environment of their own ([`Environment`]). A [`Contest`] times them round by round.

mod budget;
mod contest;
mod machine;
mod outcome;
mod python;
mod serve;
mod side;
mod venv;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

pub use budget::Budget;
pub use contest::Contest;
pub use machine::{Machine, load};
pub use outcome::{Best, Memory, Outcome, Timing, median};
pub use python::{Python, Requirements};
pub use serve::{Planned, Task, Values, serve};
pub use side::{Complaint, Side};
pub use venv::{Environment, Packages, Peers};

use crate::Arguments;

/// Another package with its option; its module says what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// Its option; empty for none.
    pub option: &'static str,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plus = if self.option.is_empty() { "" } else { "+" };
        write!(f, "{}{plus}{}", self.name, self.option)
    }
}

/// What a peer that no registry has was seen to take when it was built by hand, beside one that is measured now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Who it is.
    pub peer: &'static str,
    /// What it took, in seconds.
    pub seconds: f64,
    /// The one beside it.
    pub beside: &'static str,
    /// What that took, in seconds.
    pub beside_seconds: f64,
}

impl Seen {
    /// What it would take now, in seconds, when the one beside it takes `seconds`: times drift from machine to machine and
    /// from hour to hour, ratios much less.
    pub fn scaled(&self, seconds: f64) -> f64 {
        self.seconds / self.beside_seconds * seconds
    }
}

/// One row of a comparison.
pub trait Row {
    /// The name of its metric.
    fn name(&self) -> &str;

    /// How many threads each side may have.
    fn threads(&self) -> usize;

    /// Those that have a chance, the one that has been the best first.
    fn peers(&self) -> &[Peer];

    /// What the best peer usually takes, in seconds: so much time the row is worth.
    fn usual(&self) -> f64;

    /// The workload as peers read it; its `kind` is the method that they are asked for.
    fn workload(&self) -> Value;

    /// Whether values of this name of both sides are the same, as far as can be.
    fn agrees(&self, value: &str, ours: f64, theirs: f64) -> bool;

    /// A peer that is in no registry.
    fn seen(&self) -> Option<Seen> {
        None
    }

    /// Bytes of one state, where the memory of a run is to be told in states.
    fn state_bytes(&self) -> Option<f64> {
        None
    }
}

/// Says if others use the machine: times are then what is left.
pub fn warn(machine: Machine) {
    if let Some(load) = load().filter(|load| *load > machine.processors as f64) {
        println!("warning: found a load of {load:.1}, expected at most {}", machine.processors);
    }
}

/// Where Cargo builds: this program is `target/release/examples/NAME`.
pub fn build_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.ancestors().nth(3).map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

/// The environment of the peers of these rows, in `--venv`, or in the folder `name` of the build folder, made by `--python`; `None`
/// with the reason printed if there can be none.
pub fn environment<R: Row>(
    arguments: &Arguments,
    name: &str,
    known: &Peers,
    rows: &[&R],
) -> Option<Environment> {
    let folder = arguments.path("venv").unwrap_or_else(|| build_folder().join(name));
    let wanted: BTreeSet<_> = rows.iter().flat_map(|row| row.peers()).map(|peer| peer.name).collect();
    let python = arguments.text("python").unwrap_or("python3");
    match Environment::make(&folder, python, known, &wanted.into_iter().collect::<Vec<_>>()) {
        Ok(environment) => {
            let list: Vec<_> =
                environment.peers().map(|(name, version)| format!("{name} {version}")).collect();
            println!("peers: {}", list.join(", "));
            Some(environment)
        }
        Err(complaint) => {
            println!("no peers: {complaint}");
            None
        }
    }
}

/// A duration with its unit.
pub fn time(seconds: f64) -> String {
    match seconds {
        1.0.. => format!("{seconds:.2} s"),
        1e-3.. => format!("{:.2} ms", 1e3 * seconds),
        _ => format!("{:.1} us", 1e6 * seconds),
    }
}

/// Fails if a peer has no module, a module no peer, or a row asks a peer for what it has no method for.
///
/// # Panics
/// If it fails: it is made for tests.
pub fn check_modules<'a, R: Row + 'a>(known: &Peers, rows: impl IntoIterator<Item = &'a R>) {
    let text = |peer: &str| {
        let module = format!("peer_{peer}.py");
        known.modules.iter().find(|(file, _)| *file == module).map_or("", |(_, text)| *text)
    };
    for (name, packages) in known.packages {
        assert!(text(name).contains("class Peer:") && !packages.is_empty(), "peer_{name}.py");
    }
    let modules = known.modules.iter().filter(|(file, _)| file.starts_with("peer_")).count();
    assert_eq!(modules, known.packages.len());
    for row in rows {
        let workload = row.workload();
        let method = format!("def {}(self, w, option)", workload["kind"].as_str().unwrap_or_default());
        for peer in row.peers() {
            assert!(text(peer.name).contains(&method), "{}: {}: {method}", row.name(), peer.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row that is only named.
    #[derive(Debug, Clone, Default)]
    pub(super) struct Named {
        pub(super) name: &'static str,
        pub(super) usual: f64,
        pub(super) state_bytes: Option<f64>,
        pub(super) seen: Option<Seen>,
    }

    impl Row for Named {
        fn name(&self) -> &str {
            self.name
        }

        fn threads(&self) -> usize {
            1
        }

        fn peers(&self) -> &[Peer] {
            &[]
        }

        fn usual(&self) -> f64 {
            self.usual
        }

        fn workload(&self) -> Value {
            Value::Null
        }

        fn agrees(&self, _: &str, ours: f64, theirs: f64) -> bool {
            ours == theirs
        }

        fn seen(&self) -> Option<Seen> {
            self.seen
        }

        fn state_bytes(&self) -> Option<f64> {
            self.state_bytes
        }
    }

    #[test]
    fn a_peer_seen_scales_with_the_one_beside_it() {
        let seen = Seen { peer: "QuEST", seconds: 47.58e-3, beside: "aer", beside_seconds: 126.7e-3 };
        assert!((seen.scaled(126.7e-3) - 47.58e-3).abs() < 1e-12 && seen.scaled(1.0) < 0.5);
    }
}
