//! The peers' Python environment.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Prints the versions of all packages that are installed.
const VERSIONS: &str = "import importlib.metadata as m, json
print(json.dumps({d.metadata['Name'].lower().replace('_', '-'): d.version for d in m.distributions()}))";

/// An environment with what could be installed of the peers.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) python: PathBuf,
    pub(crate) driver: PathBuf,
    found: BTreeMap<String, String>,
}

impl Environment {
    /// Makes the environment in a folder, or takes the one that is there, and installs what is missing.
    pub(crate) fn make(folder: &Path, python: &str) -> Result<Self, String> {
        let interpreter = folder.join("bin/python");
        if !interpreter.exists() {
            quiet(Command::new(python).args(["-m", "venv"]).arg(folder))?;
        }
        let program = folder.join("peers");
        fs::create_dir_all(&program).map_err(|error| format!("{}: {error}", program.display()))?;
        for (name, text) in PROGRAM {
            let path = program.join(name);
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let mut environment =
            Self { python: interpreter, driver: program.join("main.py"), found: BTreeMap::new() };
        environment.look()?;
        let missing = environment.missing();
        // all at once, so that the resolver sees everything; where that fails, each for itself
        if !missing.is_empty() && environment.install(&missing).is_err() {
            for package in missing {
                if let Err(reason) = environment.install(std::slice::from_ref(&package)) {
                    println!("{package} does not install: {reason}");
                }
            }
        }
        environment.look()?;
        Ok(environment)
    }

    /// The peers' packages that are there, with their versions.
    pub(crate) fn versions(&self) -> Vec<String> {
        let own = PACKAGES.iter().filter_map(|(name, _)| Some(format!("{name} {}", self.found.get(*name)?)));
        own.collect()
    }

    fn missing(&self) -> Vec<String> {
        let is_missing = |(name, version): &&(&str, &str)| {
            self.found.get(*name).is_none_or(|found| !version.is_empty() && found != version)
        };
        let wanted = |(name, version): &(&str, &str)| {
            if version.is_empty() { (*name).to_owned() } else { format!("{name}=={version}") }
        };
        PACKAGES.iter().filter(is_missing).map(wanted).collect()
    }

    fn look(&mut self) -> Result<(), String> {
        let text = quiet(Command::new(&self.python).args(["-c", VERSIONS]))?;
        self.found = serde_json::from_str(&text).map_err(|error| format!("the list of packages: {error}"))?;
        Ok(())
    }

    fn install(&self, packages: &[String]) -> Result<(), String> {
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
        quiet(pip.args(packages)).map(drop)
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

    #[test]
    fn a_command_that_fails_says_its_last_line() {
        assert!(quiet(&mut Command::new("no-such-program")).unwrap_err().starts_with("no-such-program: "));
    }
}
