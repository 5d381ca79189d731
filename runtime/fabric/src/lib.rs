//! How the workers of one group talk: messages of bytes with tags, between threads of one process or between processes.
//!
//! A group of `n` workers has the ranks `0..n`. Each worker holds an [`Endpoint`], which sends to ranks and receives from
//! them. Between any two workers there is one box in each direction, which holds a bounded number of messages: who sends
//! more waits until the other has received. Messages are matched by tag, in the order in which they were sent under that
//! tag; messages with other tags are left where they are.
//!
//! | to | see |
//! |---|---|
//! | make a group of threads | [`threads`] |
//! | join a group of processes, which `mpirun` started | [`mpi`], with the feature `mpi` |
//! | talk | [`Endpoint`] |
//! | say how much a box holds and how long a call waits | [`Options`] |
//!
//! Nothing waits for ever. A worker that finishes or panics drops its endpoint, and who waits for it gets [`Error::Gone`];
//! one that fails calls [`Endpoint::abort`], and everybody gets [`Error::Aborted`] with its rank and reason; one that hangs
//! is an [`Error::Patience`] of those who wait for it.
//!
//! ```
//! use ketline_fabric::{Options, Result, threads};
//!
//! # fn main() -> Result<()> {
//! let mut ends = threads(2, &Options::default())?.into_iter();
//! let (first, second) = (ends.next().unwrap(), ends.next().unwrap());
//! std::thread::scope(|scope| {
//!     let worker = scope.spawn(move || {
//!         let mut question = [0; 8];
//!         second.receive(0, 1, &mut question)?;
//!         second.send(0, 2, &question.map(|byte| byte + 1))
//!     });
//!     first.send(1, 1, &[41; 8])?;
//!     let mut answer = [0; 8];
//!     first.receive(1, 2, &mut answer)?;
//!     assert_eq!(answer, [42; 8]);
//!     worker.join().unwrap()
//! })
//! # }
//! ```

mod error;
mod mailbox;
#[cfg_attr(not(feature = "mpi"), path = "mpi_absent.rs")]
mod mpi;
mod threads;

use std::fmt;
use std::time::Duration;

pub use error::{Error, Result};

/// One worker's end of the fabric.
///
/// Threads of a worker may share it. Where several of them receive from one peer at once, the box must have room for a message
/// to each of them ([`Options::messages`]).
///
/// ```
/// use ketline_fabric::{Endpoint, Options, Result, threads};
///
/// /// Every worker's number, summed up on every worker.
/// fn sum(end: &dyn Endpoint, number: u64) -> Result<u64> {
///     for peer in 0..end.size() {
///         end.send(peer, 0, &number.to_le_bytes())?;
///     }
///     let mut sum = 0;
///     for peer in 0..end.size() {
///         let mut bytes = [0; 8];
///         end.receive(peer, 0, &mut bytes)?;
///         sum += u64::from_le_bytes(bytes);
///     }
///     Ok(sum)
/// }
///
/// let ends = threads(3, &Options::default())?;
/// std::thread::scope(|scope| {
///     let workers: Vec<_> = ends.iter().map(|end| scope.spawn(|| sum(&**end, 10 + end.rank() as u64))).collect();
///     for worker in workers {
///         assert_eq!(worker.join().unwrap(), Ok(33));
///     }
/// });
/// # Ok::<(), ketline_fabric::Error>(())
/// ```
pub trait Endpoint: fmt::Debug + Send + Sync {
    /// Which worker of the group this is, from 0.
    fn rank(&self) -> usize;

    /// How many workers the group has.
    fn size(&self) -> usize;

    /// Hands bytes over to a peer under a tag; waits while the peer's box is full. A worker may send to itself.
    fn send(&self, to: usize, tag: u64, bytes: &[u8]) -> Result<()>;

    /// Fills `bytes` with the first message that `from` sent under `tag` and that was not received; waits for it.
    ///
    /// After an error the message, if there is one, can still be received.
    fn receive(&self, from: usize, tag: u64, bytes: &mut [u8]) -> Result<()>;

    /// Ends the group's work: all calls, those that wait now and those that come later, return [`Error::Aborted`] with this
    /// rank and reason, everywhere. The first worker to call it names the reason; of processes that call it at the same time each
    /// may have heard of another one first.
    fn abort(&self, reason: &str);
}

/// How much boxes hold, and how long calls wait.
///
/// ```
/// use ketline_fabric::{Error, Options, threads};
/// use std::time::Duration;
///
/// let options = Options { messages: 2, patience: Duration::from_millis(10) };
/// let ends = threads(2, &options)?;
/// ends[0].send(1, 0, b"first")?;
/// ends[0].send(1, 0, b"second")?;
/// // the box is full, and nobody receives
/// assert!(matches!(ends[0].send(1, 0, b"third"), Err(Error::Patience { rank: 0, peer: 1, .. })));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A box holds at most so many messages from one peer.
    pub messages: usize,
    /// The longest that a call waits.
    pub patience: Duration,
}

impl Default for Options {
    /// 64 messages, one minute.
    fn default() -> Self {
        Self { messages: 64, patience: Duration::from_mins(1) }
    }
}

impl Options {
    fn check(&self) -> Result<()> {
        if self.messages == 0 {
            return Err(Error::Setting { name: "messages", found: "0".into(), expected: "1 or more" });
        }
        Ok(())
    }
}

fn check_rank(found: usize, size: usize) -> Result<()> {
    if found < size { Ok(()) } else { Err(Error::Rank { found, size }) }
}

/// Makes a group of workers that are threads of this process: an endpoint for each, by rank.
///
/// ```
/// use ketline_fabric::{Options, threads};
///
/// let ends = threads(4, &Options::default())?;
/// for (rank, end) in ends.iter().enumerate() {
///     assert_eq!((end.rank(), end.size()), (rank, 4));
/// }
/// # Ok::<(), ketline_fabric::Error>(())
/// ```
pub fn threads(size: usize, options: &Options) -> Result<Vec<Box<dyn Endpoint>>> {
    options.check()?;
    threads::group(size, options)
}

/// Joins the group of processes that `mpirun` started, one worker each; alone without `mpirun`.
///
/// A thread of its own carries messages, so that they travel while the worker computes. There is a box on either side, so that
/// up to twice [`Options::messages`] are on their way.
///
/// A process joins once. It leaves when the endpoint is dropped, which waits until all others have left as well; where the group's
/// work was aborted it waits no longer than [`Options::patience`] and then has MPI kill the group. A process that is killed takes
/// its group along, which is `mpirun`'s doing.
///
/// ```
/// use ketline_fabric::{Error, Options, mpi};
///
/// match mpi(&Options::default()) {
///     Ok(end) => assert!(end.rank() < end.size()),
///     Err(Error::Absent { feature, .. }) => assert_eq!(feature, "mpi"),
///     Err(error) => panic!("{error}"),
/// }
/// ```
pub fn mpi(options: &Options) -> Result<Box<dyn Endpoint>> {
    options.check()?;
    mpi::join(options)
}
