//! Everything that can go wrong with a data set, as one typed enum.

use std::io;
use std::path::{Path, PathBuf};

use crate::Bytes;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong with a data set. Messages say what was found and what was wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // each message names its fields
pub enum Error {
    /// The system refused to read or write.
    #[error("cannot {action} {path}: {source}")]
    File { action: &'static str, path: PathBuf, source: io::Error },
    /// A folder that holds no finished data set.
    #[error("{path} holds no data set: it has no `{index}`")]
    NoDataset { path: PathBuf, index: &'static str },
    /// A file that is no part of a data set, or of another version of the format.
    #[error("{path}: found {what} {found}, expected {expected}")]
    Format { path: PathBuf, what: &'static str, found: String, expected: String },
    /// A chunk that is not what was written.
    #[error("{path}: chunk {chunk} (samples {first}..{end}): found {found}, expected {expected}")]
    Chunk { path: PathBuf, chunk: u64, first: u64, end: u64, found: String, expected: String },
    /// A set of other samples than the program has.
    #[error("{path} stores `{found}`, expected `{expected}`")]
    Schema { path: PathBuf, found: String, expected: String },
    /// A field that is not there, or of another type.
    #[error("field `{field}` is {found}, expected {expected}")]
    Field { field: String, found: String, expected: String },
    /// A sample that cannot be stored or is not what its schema says.
    #[error("sample {sample}: {reason}")]
    Sample { sample: u64, reason: String },
    /// A setting outside of its range.
    #[error("{name} is {found}, expected {expected}")]
    Setting { name: &'static str, found: String, expected: String },
    /// A budget that does not hold the least that is needed.
    #[error("a budget of {found} is too small, expected at least {needed}: {parts}")]
    Budget { found: Bytes, needed: Bytes, parts: String },
    /// More batches alive than the budget was made for.
    #[error("{found} batches are held at once, expected at most {expected}; drop one or plan for more")]
    BatchesHeld { found: usize, expected: usize },
    /// A transform that failed or panicked.
    #[error("the transform of sample {sample} {reason}")]
    Transform { sample: u64, reason: String },
    /// A sampler that the protocol cannot serve.
    #[error("{sampler} cannot be served chunk by chunk: {reason}")]
    Sampler { sampler: String, reason: String },
    /// A place to go on from that belongs to another order.
    #[error("the place to go on from is of a run with {what} {found}, expected {expected}")]
    Resume { what: &'static str, found: String, expected: String },
    /// Another writer is at work.
    #[error("{path} is being written by another writer")]
    Locked { path: PathBuf },
    /// Something that this build leaves out.
    #[error("{what} needs the feature `{feature}`, which this build leaves out")]
    Feature { what: &'static str, feature: &'static str },
    /// The system has no `io_uring`, or does not let this program use it.
    #[error("the system refuses io_uring ({source}); threads can read instead")]
    Ring { source: io::Error },
    /// An input file that is not what an importer reads.
    #[error("{path}: {reason}")]
    Import { path: PathBuf, reason: String },
}

impl Error {
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { action, path: path.to_owned(), source }
    }

    #[allow(clippy::needless_pass_by_value)] // calls read better without a reference
    pub(crate) fn setting(name: &'static str, found: impl ToString, expected: impl Into<String>) -> Self {
        Self::Setting { name, found: found.to_string(), expected: expected.into() }
    }

    pub(crate) fn import(path: &Path, reason: impl Into<String>) -> Self {
        Self::Import { path: path.to_owned(), reason: reason.into() }
    }

    /// Whether this is damage of a single chunk, which a loader may pass over.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Chunk { .. })
    }
}
