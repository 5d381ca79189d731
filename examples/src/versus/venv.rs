//! The peers of a contest in their Python environment.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::{Complaint, Machine, Peer, Python};

/// A peer, with its packages and their versions; the last is its own.
pub type Packages = (&'static str, &'static [(&'static str, &'static str)]);

/// Peers with the packages that they need, and a module each: the file `peer_NAME.py` and its text, with what else those import.
#[derive(Debug, Clone, Copy)]
pub struct Peers {
    /// What each needs.
    pub packages: &'static [Packages],
    /// Names and texts of files.
    pub modules: &'static [(&'static str, &'static str)],
}

/// The program that runs a peer.
const DRIVER: (&str, &str) = ("main.py", include_str!("main.py"));

/// An environment with what could be installed of the peers.
#[derive(Debug)]
pub struct Environment {
    python: Python,
    /// Versions of the peers that are there.
    versions: BTreeMap<&'static str, String>,
}

impl Environment {
    /// Makes the environment in `folder`, or takes the one that is there, and installs what is missing of `peers`.
    ///
    /// # Errors
    /// What went wrong, in words; a peer that cannot be installed is told and left out.
    pub fn make(folder: &Path, python: &str, known: &Peers, peers: &[&str]) -> Result<Self, Complaint> {
        let python = Python::make(folder, python, [&DRIVER].into_iter().chain(known.modules))?;
        let there = complete(known.packages, &python.versions()?);
        let missing =
            known.packages.iter().filter(|(name, _)| peers.contains(name) && !there.contains_key(name));
        let requirements = |(name, packages): &Packages| {
            let exact = packages.iter().map(|(name, version)| format!("{name}=={version}"));
            ((*name).to_owned(), exact.collect())
        };
        python.install(&missing.map(requirements).collect::<Vec<_>>());
        let versions = complete(known.packages, &python.versions()?);
        Ok(Self { python, versions })
    }

    /// The version of a peer, if all of it is installed.
    fn version(&self, peer: &str) -> Option<&str> {
        self.versions.get(peer).map(String::as_str)
    }

    /// The command that starts a peer.
    ///
    /// # Errors
    /// If it is not installed.
    pub fn command(&self, machine: Machine, peer: Peer, threads: usize) -> Result<Command, Complaint> {
        if self.version(peer.name).is_none() {
            return Err("is not installed".to_owned());
        }
        let mut command = machine.command(self.python.interpreter(), threads);
        command.arg("-u").arg(self.python.program(DRIVER.0)).arg(peer.name);
        Ok(command)
    }

    /// The peers that are there, with their versions.
    pub fn peers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.versions.iter().map(|(name, version)| (*name, version.as_str()))
    }
}

/// The peers all of whose packages are installed, with their own versions.
fn complete(known: &'static [Packages], found: &BTreeMap<String, String>) -> BTreeMap<&'static str, String> {
    let is_complete = |(_, packages): &&Packages| {
        packages.iter().all(|(name, version)| found.get(*name).is_some_and(|found| found == version))
    };
    let own = |(name, packages): &Packages| {
        (*name, packages.last().map_or_else(String::new, |(_, version)| (*version).to_owned()))
    };
    known.iter().filter(is_complete).map(own).collect()
}
