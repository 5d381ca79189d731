//! What Ketline's own files of devices have in common: a head with format, version and figures, then lists of an item a line.

use std::fmt::Write;

use serde_json::Value;

use super::document::Field;
use crate::Result;

/// A form of file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) format: &'static str,
    pub(super) version: usize,
}

impl Form {
    /// Whether this is a file of this form, of whatever version.
    pub(super) fn is_of(self, root: &Field<'_>) -> bool {
        root.find("format").is_some_and(|format| format.text() == Ok(self.format))
    }

    /// Refuses another form or version.
    pub(super) fn check(self, root: &Field<'_>) -> Result<()> {
        let (format, version) = (root.get("format")?, root.get("version")?);
        if format.text()? != self.format {
            return Err(format.wrong(self.format));
        }
        if version.index(usize::MAX)? != self.version {
            return Err(version.wrong(&format!("version {}", self.version)));
        }
        Ok(())
    }

    /// The text of a file.
    pub(super) fn write<const N: usize, const M: usize>(
        self,
        head: [(&str, Value); N],
        lists: [(&str, Vec<Value>); M],
    ) -> String {
        let mut text = format!("{{\n\"format\": \"{}\",\n\"version\": {}", self.format, self.version);
        // Writing to a `String` cannot fail.
        for (name, value) in head {
            let _ = write!(text, ",\n\"{name}\": {value}");
        }
        for (name, items) in lists {
            let lines: Vec<String> = items.iter().map(Value::to_string).collect();
            let _ = write!(text, ",\n\"{name}\": [\n{}\n]", lines.join(",\n"));
        }
        text.push_str("\n}\n");
        text
    }
}

/// Where the figures of a file come from; empty where it does not say.
pub(super) fn source(root: &Field<'_>) -> Result<String> {
    Ok(root.find("source").map(|source| source.parsed::<String>()).transpose()?.unwrap_or_default())
}
