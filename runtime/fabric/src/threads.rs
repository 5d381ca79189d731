//! Workers that are threads of one process.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::mailbox::Mailbox;
use crate::{Endpoint, Error, Options, Result, check_rank};

/// More threads than any machine runs at once; boxes are as many as its square.
const MAX_SIZE: usize = 256;

pub(crate) fn group(size: usize, options: &Options) -> Result<Vec<Box<dyn Endpoint>>> {
    if !(1..=MAX_SIZE).contains(&size) {
        return Err(Error::Setting { name: "size", found: size.to_string(), expected: "1 to 256" });
    }
    let boxes = (0..size * size).map(|i| Mailbox::new(i / size, i % size, options)).collect();
    let group = Arc::new(Group { size, boxes, aborted: OnceLock::new() });
    Ok((0..size).map(|rank| Box::new(Thread { rank, group: Arc::clone(&group) }) as _).collect())
}

/// What the workers share.
struct Group {
    size: usize,
    /// From each worker to each, row by sender.
    boxes: Vec<Mailbox>,
    aborted: OnceLock<Error>,
}

impl Group {
    fn mailbox(&self, from: usize, to: usize) -> &Mailbox {
        &self.boxes[from * self.size + to]
    }
}

/// A worker's end.
struct Thread {
    rank: usize,
    group: Arc<Group>,
}

impl Endpoint for Thread {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.group.size
    }

    fn send(&self, to: usize, tag: u64, bytes: &[u8]) -> Result<()> {
        check_rank(to, self.size())?;
        self.group.mailbox(self.rank, to).put(tag, bytes)
    }

    fn receive(&self, from: usize, tag: u64, bytes: &mut [u8]) -> Result<()> {
        check_rank(from, self.size())?;
        self.group.mailbox(from, self.rank).take(tag, bytes)
    }

    fn abort(&self, reason: &str) {
        tracing::warn!(rank = self.rank, reason, "the group's work is ended");
        let error =
            self.group.aborted.get_or_init(|| Error::Aborted { rank: self.rank, reason: reason.into() });
        for mailbox in &self.group.boxes {
            mailbox.abort(error);
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        for peer in 0..self.group.size {
            self.group.mailbox(self.rank, peer).close_sender();
            self.group.mailbox(peer, self.rank).close_receiver();
        }
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thread {} of {}", self.rank, self.group.size)
    }
}
