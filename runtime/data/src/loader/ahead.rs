//! Batches that are made while others are used.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::epoch::Epoch;
use super::pool::Batch;
use crate::sample::Sample;
use crate::{Error, Result};

/// An iterator whose items are made ahead by a thread of its own, which ends when this is dropped.
pub struct Ahead<T> {
    items: Option<Receiver<Result<T>>>,
    thread: Option<JoinHandle<()>>,
    waited: Duration,
}

impl<T> fmt::Debug for Ahead<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ahead(waited {:?})", self.waited)
    }
}

impl<S: Sample> Ahead<Batch<S>> {
    pub(super) fn start(epoch: Epoch<S>, held: usize) -> Result<Self> {
        if held < 2 {
            return Err(Error::setting("the number of batches held", held, "at least 2, to make one ahead"));
        }
        // One is with the caller, one with the thread, the others wait.
        let pool = Arc::clone(epoch.pool());
        Self::spawn(epoch, held - 2, move || pool.has_room())
    }
}

impl<T: Send + 'static> Ahead<T> {
    /// Lets a thread make the items of an iterator, `waiting` of which wait.
    pub(super) fn spawn(
        items: impl Iterator<Item = Result<T>> + Send + 'static,
        waiting: usize,
        has_room: impl Fn() -> bool + Send + 'static,
    ) -> Result<Self> {
        let (sender, receiver) = sync_channel(waiting);
        let builder = thread::Builder::new().name("ketline-ahead".into());
        let thread = builder.spawn(move || {
            let gated = Gated { items, has_room };
            for mut item in gated {
                // The caller may hold more batches than it should, for a while.
                if let Err(Error::BatchesHeld { .. }) = item {
                    item = Err(Error::BatchesHeld { found: waiting + 3, expected: waiting + 2 });
                }
                if sender.send(item).is_err() {
                    return;
                }
            }
        });
        let thread = thread.map_err(|error| Error::setting("the number of threads", error, "fewer"))?;
        Ok(Self { items: Some(receiver), thread: Some(thread), waited: Duration::ZERO })
    }
}

/// How long a batch is waited for that the caller holds too long.
const PATIENCE: Duration = Duration::from_secs(10);

/// An iterator that waits until there is memory for the next item.
struct Gated<I, F> {
    items: I,
    has_room: F,
}

impl<I: Iterator, F: Fn() -> bool> Iterator for Gated<I, F> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let start = Instant::now();
        while !(self.has_room)() && start.elapsed() < PATIENCE {
            thread::sleep(Duration::from_micros(200));
        }
        self.items.next()
    }
}

impl<T> Ahead<T> {
    /// How long the caller waited for items.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl<T> Iterator for Ahead<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let start = Instant::now();
        let item = self.items.as_ref()?.recv().ok();
        self.waited += start.elapsed();
        item
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        // Without a receiver the thread ends at the next item.
        self.items = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
