//! The thread that carries messages between the boxes of this process and those of others.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use ::mpi::environment::Universe;
use ::mpi::topology::SimpleCommunicator;
use ::mpi::traits::Communicator;
use ::mpi::{Rank, Threading};

use super::Post;
use super::peer::Peer;
use crate::{Error, Options, Result};

/// The longest rest between two rounds.
const MAX_REST: Duration = Duration::from_micros(500);
/// A rest that is shorter than what the system needs for one.
const MIN_REST: Duration = Duration::from_micros(10);

/// Owns MPI: enters it, is the only thread to call it, and leaves it.
pub(super) struct Postman {
    post: Arc<Post>,
    patience: Duration,
    /// All but the worker itself.
    peers: Vec<(Rank, Peer)>,
    /// Not the world itself, so that nobody else's messages are in it.
    group: SimpleCommunicator,
    /// Ends MPI when it is dropped, so it is the last field.
    _universe: Universe,
}

impl Postman {
    /// Initialises MPI and meets the others.
    pub(super) fn enter(options: &Options) -> Result<Self> {
        let (universe, threading) = ::mpi::initialize_with_threading(Threading::Funneled)
            .ok_or_else(|| Error::Mpi { reason: "this process has joined its group before".into() })?;
        if threading < Threading::Funneled {
            return Err(Error::Mpi {
                reason: format!("found threading {threading:?}, expected Funneled or more"),
            });
        }
        let group = universe.world().duplicate();
        let (rank, size) = (group.rank(), group.size());
        Ok(Self {
            post: Arc::new(Post::new(rank as usize, size as usize, options)),
            patience: options.patience,
            peers: (0..size).filter(|&peer| peer != rank).map(|peer| (peer, Peer::default())).collect(),
            group,
            _universe: universe,
        })
    }

    pub(super) fn post(&self) -> Arc<Post> {
        Arc::clone(&self.post)
    }

    /// Goes round until the worker and all its peers have left.
    pub(super) fn work(mut self) {
        let mut moving = Instant::now();
        let mut closed = None;
        loop {
            let closing = self.post.closing.load(Ordering::Acquire);
            if self.go_round(closing) {
                moving = Instant::now();
            } else if closing && self.peers.iter().all(|(_, peer)| peer.is_done()) {
                return;
            } else {
                rest(moving.elapsed());
            }
            if closing {
                let since: &mut Instant = closed.get_or_insert_with(Instant::now);
                if self.post.aborted.get().is_some() && since.elapsed() > self.patience {
                    tracing::error!(
                        rank = self.post.rank,
                        "the group's work was ended, but not all leave: it is killed"
                    );
                    self.group.abort(1);
                }
            }
        }
    }

    /// Visits all peers; whether anything moved.
    fn go_round(&mut self, closing: bool) -> bool {
        let (group, post) = (&self.group, &self.post);
        let mut moved = false;
        for (rank, peer) in &mut self.peers {
            moved |= peer.visit(&group.process_at_rank(*rank), post, closing);
        }
        moved
    }
}

/// The longer nothing moves, the longer it may take until something is seen to move: an eighth.
fn rest(idle: Duration) {
    let rest = (idle / 8).min(MAX_REST);
    if rest < MIN_REST {
        thread::yield_now();
    } else {
        thread::park_timeout(rest);
    }
}
