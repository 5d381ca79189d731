//! Weights in and out by name, and whole trainings saved and resumed.

use std::path::Path;

use super::safetensors::{Archive, Entry};
use super::trainer::Trainer;
use crate::graph::{Source, Value};
use crate::{Error, Extent, Result, Run};

/// The largest file that is read; a model's own size bounds what is kept of it.
const LIMIT: u64 = 1 << 36;
/// What the text `format` of a checkpoint says.
const FORMAT: &str = "ketline training 1";

fn check(file: &str, name: &str, found: Option<&Entry>, expected: &Extent) -> Result<()> {
    let found = match found {
        Some(entry) if entry.extent == *expected => return Ok(()),
        Some(entry) => entry.extent.to_string(),
        None => "none".into(),
    };
    Err(Error::Checkpoint { file: file.into(), name: name.into(), found, expected: expected.to_string() })
}

impl Run {
    fn kept(&self) -> Vec<(Value, String)> {
        let kept = self.plan().graph().tensors();
        let kept =
            kept.filter(|(_, tensor)| matches!(tensor.source, Source::Parameter(_) | Source::State(_)));
        kept.map(|(value, tensor)| (value, tensor.name.clone())).collect()
    }

    /// Parameters and states by name.
    pub fn weights(&self) -> Archive {
        let mut archive = Archive::default();
        for (value, name) in self.kept() {
            let entry =
                Entry { extent: self.plan().extent(value).clone(), bytes: self.bytes(value).to_vec() };
            archive.tensors.insert(name, entry);
        }
        archive
    }

    /// Takes parameters and states by name; tensors of other names are left alone. `file` is for messages.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] with the first tensor that is missing or of another type or shape; nothing is changed then.
    pub fn set_weights(&mut self, archive: &Archive, file: &str) -> Result<()> {
        let kept = self.kept();
        for (value, name) in &kept {
            check(file, name, archive.tensors.get(name), self.plan().extent(*value))?;
        }
        for (value, name) in kept {
            self.bytes_mut(value).copy_from_slice(&archive.tensors[&name].bytes);
        }
        Ok(())
    }

    /// Writes parameters and states as a safetensors file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.weights().write(path.as_ref())
    }

    /// Reads parameters and states from a safetensors file, such as a PyTorch state dict saved as one.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Format`], [`Error::Checkpoint`].
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.set_weights(&Archive::read(path, LIMIT)?, &path.display().to_string())
    }
}

impl Trainer {
    fn moments(&self) -> Vec<(String, usize, Extent)> {
        let names = self.options.optimiser.moments();
        let all = self.descent.targets.iter().flat_map(|target| {
            let extent = self.run.plan().extent(target.value);
            let of = move |(k, moment): (usize, &&str)| {
                (format!("{moment}/{}", target.name), target.moments + k, extent.clone())
            };
            names.iter().enumerate().map(of)
        });
        all.collect()
    }

    /// Writes everything that the training goes on from as a safetensors file, whole or not at all; `notes` are the caller's,
    /// such as its place in the data.
    ///
    /// # Errors
    /// [`Error::Setting`] between batches whose gradients are accumulated, [`Error::File`].
    pub fn save(&self, path: impl AsRef<Path>, notes: &[(&str, String)]) -> Result<()> {
        if self.pending() > 0 {
            let found = self.pending().to_string();
            return Err(Error::Setting {
                name: "pending batches",
                found,
                expected: "0 when a checkpoint is written",
            });
        }
        let mut archive = self.run.weights();
        for (name, k, extent) in self.moments() {
            let bytes = self.run.reserved_bytes(k).to_vec();
            archive.tensors.insert(name, Entry { extent, bytes });
        }
        archive.text.extend(notes.iter().map(|(key, value)| (format!("note.{key}"), value.clone())));
        archive.text.insert("format".into(), FORMAT.into());
        archive.text.insert("updates".into(), self.updates.to_string());
        archive.text.insert("steps".into(), self.run.steps().to_string());
        archive.write(path.as_ref())
    }

    /// Goes on from a file that [`save`](Self::save) wrote; gives the caller's notes. The steps that follow are bit for bit those
    /// that would have followed.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Format`], or [`Error::Checkpoint`] for a file of another model or optimiser; nothing is changed
    /// then.
    pub fn resume(&mut self, path: impl AsRef<Path>) -> Result<Vec<(String, String)>> {
        let file = path.as_ref().display().to_string();
        let archive = Archive::read(path.as_ref(), LIMIT)?;
        let number = |name: &str| -> Result<u64> {
            let text = archive.text.get(name);
            text.and_then(|text| text.parse().ok()).ok_or_else(|| Error::Checkpoint {
                file: file.clone(),
                name: name.into(),
                found: text.map_or("none".into(), Clone::clone),
                expected: "a number of steps".into(),
            })
        };
        if archive.text.get("format").map(String::as_str) != Some(FORMAT) {
            let found = archive.text.get("format").map_or("none".into(), Clone::clone);
            return Err(Error::Checkpoint { file, name: "format".into(), found, expected: FORMAT.into() });
        }
        let (updates, steps) = (number("updates")?, number("steps")?);
        let moments = self.moments();
        for (name, _, extent) in &moments {
            check(&file, name, archive.tensors.get(name), extent)?;
        }
        self.run.set_weights(&archive, &file)?;
        for (name, k, _) in moments {
            self.run.reserved_bytes_mut(k).copy_from_slice(&archive.tensors[&name].bytes);
        }
        self.updates = updates;
        self.run.set_steps(steps);
        self.forget();
        let notes = archive.text.into_iter();
        Ok(notes.filter_map(|(key, value)| Some((key.strip_prefix("note.")?.to_owned(), value))).collect())
    }
}
