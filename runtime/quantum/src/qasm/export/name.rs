//! Names that are legal and not taken.

use std::collections::HashSet;

use super::super::Version;
use super::super::lexer::{is_continuation, is_start};
use super::super::parse::is_reserved;
use crate::gate;

#[derive(Debug)]
pub(super) struct Names {
    version: Version,
    taken: HashSet<String>,
}

impl Names {
    /// Nothing but the gates is taken.
    pub(super) fn new(version: Version) -> Self {
        let rows = gate::table().iter().flat_map(|row| std::iter::once(&row.name).chain(row.aliases));
        let others =
            ["u0", "u2", "cu3", "rccx", "rc3x", "c3x", "c4x", "c3sx", "c3sqrtx", "CX", "U", "gphase"];
        Self { version, taken: rows.chain(&others).map(|name| (*name).to_owned()).collect() }
    }

    /// `wanted`, or something like it: `theta[0][1]` becomes `theta_0_1`, a name that is taken gets a number.
    pub(super) fn free(&mut self, wanted: &str) -> String {
        let plain = |c: char| match self.version {
            Version::Two => c.is_ascii_alphanumeric() || c == '_',
            Version::Three => is_continuation(c),
        };
        let words: Vec<_> = wanted.split(|c| !plain(c)).filter(|word| !word.is_empty()).collect();
        let mut name = words.join("_");
        let begins = |c: char| match self.version {
            Version::Two => c.is_ascii_lowercase(),
            Version::Three => is_start(c),
        };
        if !name.starts_with(begins) {
            name.insert_str(0, "r_");
        }
        let is_free = |name: &String| !self.taken.contains(name) && !is_reserved(name, self.version);
        if !is_free(&name) {
            // one of as many names is free as are taken, and one
            let numbered = (2..self.taken.len() + 3).map(|number| format!("{name}_{number}")).find(is_free);
            name = numbered.unwrap_or_default();
        }
        self.taken.insert(name.clone());
        name
    }
}
