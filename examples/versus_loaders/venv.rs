//! The peers' Python environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ketline_examples::versus::{Complaint, Python, Requirements};

/// The packages of the peers, at the versions that the goals were set against.
const PACKAGES: [(&str, &str); 11] = [
    ("numpy", "2.1.3"),
    ("torch", "2.15.0"),
    ("mosaicml-streaming", "0.13.0"),
    ("webdataset", "1.0.2"),
    ("grain", "0.2.18"),
    ("array-record", "0.8.6"),
    ("pylance", "14.0.2"),
    ("pyarrow", "26.0.1"),
    ("litdata", "0.2.76"),
    ("squirrel-core", "0.20.2"),
    ("absl-py", ""),
];

/// The program that runs a peer.
const PROGRAM: [(&str, &str); 4] = [
    ("main.py", include_str!("peers/main.py")),
    ("workload.py", include_str!("peers/workload.py")),
    ("formats.py", include_str!("peers/formats.py")),
    ("loaders.py", include_str!("peers/loaders.py")),
];

/// An environment with what could be installed of the peers.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) python: PathBuf,
    pub(crate) driver: PathBuf,
    found: BTreeMap<String, String>,
}

impl Environment {
    /// Makes the environment in a folder, or takes the one that is there, and installs what is missing.
    pub(crate) fn make(folder: &Path, python: &str) -> Result<Self, Complaint> {
        let python = Python::make(folder, python, &PROGRAM)?;
        python.install(&missing(&python.versions()?));
        let found = python.versions()?;
        Ok(Self { python: python.interpreter().to_path_buf(), driver: python.program("main.py"), found })
    }

    /// The peers' packages that are there, with their versions.
    pub(crate) fn versions(&self) -> Vec<String> {
        let own = PACKAGES.iter().filter_map(|(name, _)| Some(format!("{name} {}", self.found.get(*name)?)));
        own.collect()
    }
}

/// The packages that are not installed as wanted.
fn missing(found: &BTreeMap<String, String>) -> Vec<Requirements> {
    let is_missing = |(name, version): &&(&str, &str)| {
        found.get(*name).is_none_or(|found| !version.is_empty() && found != version)
    };
    let wanted = |(name, version): &(&str, &str)| {
        let package = if version.is_empty() { (*name).to_owned() } else { format!("{name}=={version}") };
        (package.clone(), vec![package])
    };
    PACKAGES.iter().filter(is_missing).map(wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::ROWS;

    #[test]
    fn rows_name_peers_that_are_there() {
        let text = |file: &str| PROGRAM.iter().find(|(name, _)| *name == file).map_or("", |(_, text)| *text);
        for peer in ROWS.iter().flat_map(|row| row.peers) {
            assert!(text("loaders.py").contains(&format!("def {}(workload, workers, folder)", peer.name)));
            let format = peer.format.unwrap_or("lit");
            assert!(text("formats.py").contains(&format!("def {format}(workload, folder)")));
        }
    }
}
