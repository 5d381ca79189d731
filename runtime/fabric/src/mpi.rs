//! Workers that are processes, by MPI.
//!
//! The worker's calls use boxes as between threads. A thread, the [`Postman`], alone calls MPI: it empties the boxes of what is
//! sent and fills those of what is received. So no call of the worker waits within MPI, where neither an abort nor the end of
//! its patience would reach it, and messages travel while the worker computes.

mod peer;
mod post;
mod postman;
mod transfer;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::{self, JoinHandle};

use self::postman::Postman;
use crate::mailbox::Mailbox;
use crate::{Endpoint, Error, Options, Result, check_rank};

/// What follows the bytes of a message: its tag, since those of MPI may be as small as 32767.
const TAG_BYTES: usize = size_of::<u64>();

/// MPI counts in `int`.
const MAX_BYTES: usize = i32::MAX as usize - TAG_BYTES;

pub(crate) fn join(options: &Options) -> Result<Box<dyn Endpoint>> {
    let (sender, receiver) = mpsc::channel();
    let options = options.clone();
    let postman = thread::Builder::new()
        .name("ketline-postman".into())
        .spawn(move || match Postman::enter(&options) {
            Ok(postman) => {
                // who waits for it is `join`, below, to the end
                let _ = sender.send(Ok(postman.post()));
                postman.work();
            }
            Err(error) => {
                let _ = sender.send(Err(error));
            }
        })
        .map_err(|error| Error::Mpi { reason: error.to_string() })?;
    let post = receiver.recv().map_err(|error| Error::Mpi { reason: error.to_string() })??;
    Ok(Box::new(Process { post, postman: Some(postman) }))
}

/// What a worker shares with its postman.
struct Post {
    rank: usize,
    /// To each peer; the worker itself has only an `inbox`.
    outboxes: Vec<Mailbox>,
    /// From each worker.
    inboxes: Vec<Mailbox>,
    aborted: OnceLock<Error>,
    /// The worker has dropped its endpoint.
    closing: AtomicBool,
}

impl Post {
    fn new(rank: usize, size: usize, options: &Options) -> Self {
        Self {
            rank,
            outboxes: (0..size).map(|to| Mailbox::new(rank, to, options)).collect(),
            inboxes: (0..size).map(|from| Mailbox::new(from, rank, options)).collect(),
            aborted: OnceLock::new(),
            closing: AtomicBool::new(false),
        }
    }

    fn abort(&self, rank: usize, reason: String) {
        let error = self.aborted.get_or_init(|| Error::Aborted { rank, reason });
        for mailbox in self.outboxes.iter().chain(&self.inboxes) {
            mailbox.abort(error);
        }
    }
}

/// A worker's end.
struct Process {
    post: Arc<Post>,
    /// Always there until the end is dropped.
    postman: Option<JoinHandle<()>>,
}

impl Process {
    /// Has the postman look into the boxes at once.
    fn ring(&self) {
        if let Some(postman) = &self.postman {
            postman.thread().unpark();
        }
    }
}

impl Endpoint for Process {
    fn rank(&self) -> usize {
        self.post.rank
    }

    fn size(&self) -> usize {
        self.post.inboxes.len()
    }

    fn send(&self, to: usize, tag: u64, bytes: &[u8]) -> Result<()> {
        check_rank(to, self.size())?;
        if bytes.len() > MAX_BYTES {
            let reason = format!("found a message of {} bytes, expected at most {MAX_BYTES}", bytes.len());
            return Err(Error::Mpi { reason });
        }
        if to == self.post.rank {
            return self.post.inboxes[to].put(tag, bytes);
        }
        self.post.outboxes[to].put(tag, bytes)?;
        self.ring();
        Ok(())
    }

    fn receive(&self, from: usize, tag: u64, bytes: &mut [u8]) -> Result<()> {
        check_rank(from, self.size())?;
        self.post.inboxes[from].take(tag, bytes)
    }

    fn abort(&self, reason: &str) {
        tracing::warn!(rank = self.post.rank, reason, "the group's work is ended");
        self.post.abort(self.post.rank, reason.into());
        self.ring();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for mailbox in &self.post.inboxes {
            mailbox.close_receiver();
        }
        self.post.closing.store(true, Ordering::Release);
        self.ring();
        if self.postman.take().is_some_and(|postman| postman.join().is_err()) {
            tracing::error!(rank = self.post.rank, "the thread that talks to MPI has panicked");
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} of {}", self.post.rank, self.size())
    }
}
