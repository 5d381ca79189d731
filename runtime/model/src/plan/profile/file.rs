//! The file of a profile: a JSON object with its key, the line of each node, and the tables that were measured.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::{Key, NAMES, Profile, ProfileRow, ProfileTable};
use crate::Result;
use crate::file::write_whole;
use crate::plan::Clock;

/// No profile is longer, in bytes.
pub(super) const LONGEST: u64 = 1 << 26;

/// What was kept, or why it is no profile.
type Kept<T> = std::result::Result<T, String>;

impl Profile {
    /// Keeps it in a file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File).
    pub fn save(&self, file: &Path) -> Result<()> {
        let key: serde_json::Map<_, _> =
            NAMES.into_iter().zip(&self.key.0).map(|(what, value)| (what.into(), json!(value))).collect();
        let nodes: Vec<_> = self.lines.iter().map(|(fixed, each)| json!([fixed, each])).collect();
        let tables = self.tables.iter().map(|table| {
            let rows: Vec<_> = table.rows.iter().map(to_json).collect();
            json!({ "samples": table.samples, "rows": rows })
        });
        let tables: Vec<_> = tables.collect();
        let text = json!({ "key": key, "nodes": nodes, "tables": tables }).to_string();
        write_whole(file, |file| file.write_all(text.as_bytes()))
    }

    /// What a file says besides its key.
    pub(super) fn of(json: &Json, key: Key, threads: usize) -> Kept<Self> {
        let lines = list(json, "nodes")?.iter().enumerate().map(|(node, line)| {
            let both = seconds(&line[0]).zip(seconds(&line[1]));
            both.ok_or_else(|| format!("not a profile: node {node} has times {line}"))
        });
        let lines = lines.collect::<Kept<_>>()?;
        let tables = list(json, "tables")?.iter().map(|table| {
            let samples = number(&table["samples"]);
            let samples = samples.ok_or_else(|| format!("not a profile: a table of {}", table["samples"]))?;
            let rows = list(table, "rows")?.iter().map(|row| {
                of_json(row).ok_or_else(|| format!("not a profile: with {samples} samples, a node is {row}"))
            });
            Ok(ProfileTable { samples, clock: Clock::Measured, rows: rows.collect::<Kept<_>>()? })
        });
        let tables = tables.collect::<Kept<_>>()?;
        Ok(Self { key, threads, lines, tables })
    }
}

impl Key {
    pub(super) fn of(json: &Json) -> Kept<Self> {
        let mut key = Self(NAMES.map(|_| String::new()));
        for (name, value) in NAMES.into_iter().zip(&mut key.0) {
            let found = json["key"][name].as_str();
            *value = found.ok_or_else(|| format!("not a profile: its key has no {name}"))?.into();
        }
        Ok(key)
    }
}

fn to_json(row: &ProfileRow) -> Json {
    let ProfileRow { node, name, layer, forward, backward, saved, workspace, crossing } = row;
    json!({
        "node": node,
        "name": name,
        "layer": layer,
        "forward": forward,
        "backward": backward,
        "saved": saved,
        "workspace": workspace,
        "crossing": crossing,
    })
}

fn of_json(json: &Json) -> Option<ProfileRow> {
    Some(ProfileRow {
        node: number(&json["node"])?,
        name: json["name"].as_str()?.into(),
        layer: json["layer"].as_str()?.into(),
        forward: seconds(&json["forward"])?,
        backward: seconds(&json["backward"])?,
        saved: json["saved"].as_u64()?,
        workspace: json["workspace"].as_u64()?,
        crossing: match json.get("crossing")? {
            Json::Null => None,
            both => Some((both[0].as_u64()?, both[1].as_u64()?)),
        },
    })
}

fn list<'a>(json: &'a Json, name: &str) -> Kept<&'a Vec<Json>> {
    json[name].as_array().ok_or_else(|| format!("not a profile: no {name}"))
}

fn number(json: &Json) -> Option<usize> {
    json.as_u64().and_then(|number| number.try_into().ok())
}

fn seconds(json: &Json) -> Option<f64> {
    json.as_f64().filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
}
