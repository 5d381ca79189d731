//! Everything that can go wrong between workers, as one typed enum.

use std::time::Duration;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong between workers. Messages say what was found and what was wanted.
///
/// ```
/// use ketline_fabric::{Error, Options, threads};
///
/// assert_eq!(
///     threads(0, &Options::default()).unwrap_err().to_string(),
///     "size is 0, expected 1 to 256"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // each message names its fields
pub enum Error {
    /// A worker that ended the group's work.
    #[error("rank {rank} ended the group's work: {reason}")]
    Aborted { rank: usize, reason: String },
    /// A call that waited as long as [`Options::patience`](crate::Options::patience) allows; `what` is `send` or `receive`.
    #[error("rank {rank}: {what} with rank {peer} under tag {tag} waited {after:?}")]
    Patience { rank: usize, peer: usize, tag: u64, what: &'static str, after: Duration },
    /// A peer whose endpoint was dropped: its worker has finished, failed or panicked.
    #[error("rank {peer} has left the group")]
    Gone { peer: usize },
    /// A message of another length than the receiver expects; it stays in its box.
    #[error("the message from rank {from} under tag {tag} has {found} bytes, expected {expected}")]
    Length { from: usize, tag: u64, found: usize, expected: usize },
    /// A box that is full of messages with other tags, so that the one that is waited for can never enter it.
    #[error("the box from rank {from} holds {held} messages, all that it can, and none under tag {tag}")]
    Order { from: usize, tag: u64, held: usize },
    /// A rank that the group does not have.
    #[error("rank {found} of a group of {size}")]
    Rank { found: usize, size: usize },
    /// A setting outside its range.
    #[error("{name} is {found}, expected {expected}")]
    Setting { name: &'static str, found: String, expected: &'static str },
    /// Something that this build was made without.
    #[error("found a build without {what}, expected one with the feature `{feature}`")]
    Absent { what: &'static str, feature: &'static str },
    /// What MPI refuses.
    #[error("mpi: {reason}")]
    Mpi { reason: String },
}
