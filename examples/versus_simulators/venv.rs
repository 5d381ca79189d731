//! The peers' Python environment.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The peers with the packages that they need, at the versions that the goals were set against.
const PACKAGES: [(&str, &[(&str, &str)]); 7] = [
    ("qulacs", &[("qulacs", "0.6.14")]),
    ("scaluq", &[("scaluq", "0.2.0")]),
    ("lightning", &[("pennylane", "0.45.1"), ("pennylane-lightning", "0.45.0")]),
    ("qsim", &[("cirq-core", "1.7.0"), ("qsimcirq", "0.22.1")]),
    ("aer", &[("qiskit", "2.6.2"), ("qiskit-aer", "0.18.2")]),
    ("mindquantum", &[("mindquantum", "0.12.0")]),
    ("tensorcircuit", &[("jax", "0.10.2"), ("jaxlib", "0.10.2"), ("tensorcircuit-ng", "1.10.0")]),
];

/// The program that runs a peer, and a module a peer.
const PROGRAM: [(&str, &str); 9] = [
    ("main.py", include_str!("peers/main.py")),
    ("workload.py", include_str!("peers/workload.py")),
    ("peer_aer.py", include_str!("peers/peer_aer.py")),
    ("peer_lightning.py", include_str!("peers/peer_lightning.py")),
    ("peer_mindquantum.py", include_str!("peers/peer_mindquantum.py")),
    ("peer_qsim.py", include_str!("peers/peer_qsim.py")),
    ("peer_qulacs.py", include_str!("peers/peer_qulacs.py")),
    ("peer_scaluq.py", include_str!("peers/peer_scaluq.py")),
    ("peer_tensorcircuit.py", include_str!("peers/peer_tensorcircuit.py")),
];

/// Prints the versions of all packages that are installed.
const VERSIONS: &str = "import importlib.metadata as m, json
print(json.dumps({d.metadata['Name'].lower().replace('_', '-'): d.version for d in m.distributions()}))";

/// An environment with what could be installed of the peers.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) python: PathBuf,
    pub(crate) driver: PathBuf,
    /// Versions of the peers that are there.
    versions: BTreeMap<&'static str, String>,
}

impl Environment {
    /// Makes the environment in `folder`, or takes the one that is there, and installs what is missing of `peers`.
    pub(crate) fn make(folder: &Path, python: &str, peers: &[&str]) -> Result<Self, String> {
        let interpreter = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        if !interpreter.exists() {
            quiet(Command::new(python).args(["-m", "venv"]).arg(folder))?;
        }
        let program = folder.join("peers");
        fs::create_dir_all(&program).map_err(|error| format!("{}: {error}", program.display()))?;
        for (name, text) in PROGRAM {
            let path = program.join(name);
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let driver = program.join("main.py");
        let mut environment = Self { python: interpreter, driver, versions: BTreeMap::new() };
        environment.look()?;
        let missing: Vec<_> = PACKAGES
            .iter()
            .filter(|(name, _)| peers.contains(name) && environment.version(name).is_none())
            .collect();
        // all at once, so that the resolver sees everything; where that fails, each for itself
        let all: Vec<_> = missing.iter().flat_map(|(_, packages)| packages.iter()).collect();
        if !all.is_empty() && environment.install(&all).is_err() {
            for (name, packages) in missing {
                if let Err(reason) = environment.install(&packages.iter().collect::<Vec<_>>()) {
                    println!("{name} does not install: {reason}");
                }
            }
        }
        environment.look()?;
        Ok(environment)
    }

    /// The version of a peer, if all of it is installed.
    pub(crate) fn version(&self, peer: &str) -> Option<&str> {
        self.versions.get(peer).map(String::as_str)
    }

    /// The peers that are there, with their versions.
    pub(crate) fn peers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.versions.iter().map(|(name, version)| (*name, version.as_str()))
    }

    fn look(&mut self) -> Result<(), String> {
        let text = quiet(Command::new(&self.python).args(["-c", VERSIONS]))?;
        let found: BTreeMap<String, String> =
            serde_json::from_str(&text).map_err(|error| format!("the list of packages: {error}"))?;
        let complete = PACKAGES.iter().filter(|(_, packages)| {
            packages.iter().all(|(name, version)| found.get(*name).is_some_and(|found| found == version))
        });
        let text = |packages: &[(&str, &str)]| {
            let own = packages.last().map(|(_, version)| *version);
            own.unwrap_or_default().to_owned()
        };
        self.versions = complete.map(|(name, packages)| (*name, text(packages))).collect();
        Ok(())
    }

    fn install(&self, packages: &[&(&str, &str)]) -> Result<(), String> {
        let wanted = packages.iter().map(|(name, version)| format!("{name}=={version}"));
        let mut pip = Command::new(&self.python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            "--retries",
            "2",
        ]);
        quiet(pip.args(wanted)).map(drop)
    }
}

/// What a command prints, or the last line of its complaint.
fn quiet(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    Err(format!("{program}: {last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_has_a_module() {
        for (name, packages) in PACKAGES {
            let module = format!("peer_{name}.py");
            let text = PROGRAM.iter().find(|(file, _)| *file == module).map(|(_, text)| *text);
            assert!(text.is_some_and(|text| text.contains("class Peer:")), "{module}");
            assert!(!packages.is_empty());
        }
        let modules = PROGRAM.iter().filter(|(file, _)| file.starts_with("peer_")).count();
        assert_eq!(modules, PACKAGES.len());
    }

    #[test]
    fn rows_name_peers_with_packages_and_a_method_for_their_kind() {
        for row in crate::row::ROWS {
            let kind = serde_json::to_value(row.definition().kind).unwrap();
            let method = format!("def {}(self, w, option)", kind.as_str().unwrap());
            for peer in row.peers {
                let module = format!("peer_{}.py", peer.name);
                let text = PROGRAM.iter().find(|(file, _)| *file == module).map(|(_, text)| *text);
                assert!(
                    text.is_some_and(|text| text.contains(&method)),
                    "{}: {}: {method}",
                    row.name,
                    peer.name
                );
            }
        }
    }

    #[test]
    fn a_command_that_fails_says_its_last_line() {
        assert!(quiet(&mut Command::new("no-such-program")).unwrap_err().starts_with("no-such-program: "));
    }
}
