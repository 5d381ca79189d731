//! A Python environment with the packages of the peers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Complaint;

/// Prints the versions of all packages that are installed.
const VERSIONS: &str = "import importlib.metadata as m, json
print(json.dumps({d.metadata['Name'].lower().replace('_', '-'): d.version for d in m.distributions()}))";

/// What one peer needs, as pip takes it, under a name for when it cannot be had.
pub type Requirements = (String, Vec<String>);

/// An environment of its own, with programs in it.
#[derive(Debug)]
pub struct Python {
    interpreter: PathBuf,
    programs: PathBuf,
}

impl Python {
    /// Makes the environment in `folder`, or takes the one that is there, and writes programs, a name and a text each, into it.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn make<'a>(
        folder: &Path,
        python: &str,
        programs: impl IntoIterator<Item = &'a (&'a str, &'a str)>,
    ) -> Result<Self, Complaint> {
        let interpreter = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        if !interpreter.exists() {
            quiet(Command::new(python).args(["-m", "venv"]).arg(folder))?;
        }
        let made = Self { interpreter, programs: folder.join("peers") };
        fs::create_dir_all(&made.programs)
            .map_err(|error| format!("{}: {error}", made.programs.display()))?;
        for (name, text) in programs {
            let path = made.program(name);
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(made)
    }

    /// The interpreter.
    pub fn interpreter(&self) -> &Path {
        &self.interpreter
    }

    /// Where the program of this name is.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// The versions of all packages that are installed, by names in small letters with hyphens.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn versions(&self) -> Result<BTreeMap<String, String>, Complaint> {
        let text = quiet(Command::new(&self.interpreter).args(["-c", VERSIONS]))?;
        serde_json::from_str(&text).map_err(|error| format!("the list of packages: {error}"))
    }

    /// Installs packages: all at once, so that the resolver sees everything; where that fails, each peer's for itself, and what
    /// cannot be had is told.
    pub fn install(&self, wanted: &[Requirements]) {
        let all = wanted.iter().flat_map(|(_, packages)| packages);
        if wanted.is_empty() || self.pip(all).is_ok() {
            return;
        }
        for (name, packages) in wanted {
            if let Err(reason) = self.pip(packages) {
                println!("{name} does not install: {reason}");
            }
        }
    }

    fn pip<'a>(&self, packages: impl IntoIterator<Item = &'a String>) -> Result<(), Complaint> {
        let mut pip = Command::new(&self.interpreter);
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
        quiet(pip.args(["--retries", "2"]).args(packages)).map(drop)
    }
}

/// What a command prints, or the last line of its complaint.
fn quiet(command: &mut Command) -> Result<String, Complaint> {
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
