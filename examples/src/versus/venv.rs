//! The peers' Python environment.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Prints the versions of all packages that are installed.
const VERSIONS: &str = "import importlib.metadata as m, json
print(json.dumps({d.metadata['Name'].lower().replace('_', '-'): d.version for d in m.distributions()}))";

/// An environment with what could be installed of the peers.
#[derive(Debug)]
pub struct Environment {
    pub(super) python: PathBuf,
    pub(super) driver: PathBuf,
    packages: &'static [Packages],
    /// Versions of the peers that are there.
    versions: BTreeMap<&'static str, String>,
}

impl Environment {
    /// Makes the environment in `folder`, or takes the one that is there, and installs what is missing of `peers`.
    ///
    /// # Errors
    /// What went wrong, in words; a peer that cannot be installed is told and left out.
    pub fn make(folder: &Path, python: &str, known: &Peers, peers: &[&str]) -> Result<Self, String> {
        let interpreter = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        if !interpreter.exists() {
            quiet(Command::new(python).args(["-m", "venv"]).arg(folder))?;
        }
        let program = folder.join("peers");
        fs::create_dir_all(&program).map_err(|error| format!("{}: {error}", program.display()))?;
        for (name, text) in [&DRIVER].into_iter().chain(known.modules) {
            let path = program.join(name);
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let driver = program.join("main.py");
        let packages = known.packages;
        let mut environment = Self { python: interpreter, driver, packages, versions: BTreeMap::new() };
        environment.look()?;
        let missing: Vec<_> = packages
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
    pub fn version(&self, peer: &str) -> Option<&str> {
        self.versions.get(peer).map(String::as_str)
    }

    /// The peers that are there, with their versions.
    pub fn peers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.versions.iter().map(|(name, version)| (*name, version.as_str()))
    }

    fn look(&mut self) -> Result<(), String> {
        let text = quiet(Command::new(&self.python).args(["-c", VERSIONS]))?;
        let found: BTreeMap<String, String> =
            serde_json::from_str(&text).map_err(|error| format!("the list of packages: {error}"))?;
        let complete = self.packages.iter().filter(|(_, packages)| {
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
    fn a_command_that_fails_says_its_last_line() {
        assert!(quiet(&mut Command::new("no-such-program")).unwrap_err().starts_with("no-such-program: "));
    }
}
