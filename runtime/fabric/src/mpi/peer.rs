//! What goes on between a postman and one peer.

use ::mpi::Tag;
use ::mpi::point_to_point::Status;
use ::mpi::topology::Process;
use ::mpi::traits::{Equivalence, Source};

use super::transfer::Transfer;
use super::{Post, TAG_BYTES};
use crate::Error;

/// A message of a worker.
const LETTER: Tag = 0;
/// The work is ended: the reason.
const ABORT: Tag = 1;
/// The last message to a peer: how many it was sent before, since MPI keeps messages under different tags in no order.
const FAREWELL: Tag = 2;

/// What goes on with one peer.
#[derive(Default)]
pub(super) struct Peer {
    /// One letter each way at a time, so that they stay in order.
    outgoing: Option<Transfer>,
    incoming: Option<Transfer>,
    abort: Option<Transfer>,
    has_told_abort: bool,
    farewell: Option<Transfer>,
    has_said_farewell: bool,
    /// Letters and aborts.
    sent: u64,
    received: u64,
    /// How many it has sent, once it has left.
    left: Option<u64>,
}

impl Peer {
    /// Does what can be done without waiting; whether anything could.
    pub(super) fn visit(&mut self, process: &Process<'_>, post: &Post, closing: bool) -> bool {
        let heard = self.hear(process, post);
        let received = self.receive(process, post);
        let sent = self.send(process, post);
        // what the worker sent before it left is on its way by now
        let said = closing && self.outgoing.is_none() && self.say_farewell(process);
        heard | received | sent | said
    }

    /// Whether nothing will ever move between the two.
    pub(super) fn is_done(&self) -> bool {
        let sending = [&self.outgoing, &self.abort, &self.farewell];
        self.has_said_farewell
            && sending.iter().all(|slot| slot.is_none())
            && self.left == Some(self.received)
    }

    /// Whether it ended the work or left.
    fn hear(&mut self, process: &Process<'_>, post: &Post) -> bool {
        let rank = process.rank() as usize;
        let abort = process.immediate_matched_probe_with_tag(ABORT);
        let farewell = process.immediate_matched_probe_with_tag(FAREWELL);
        let heard = abort.is_some() || farewell.is_some();
        if let Some((message, status)) = abort {
            let mut reason = vec![0; length(&status)];
            message.matched_receive_into(&mut reason[..]);
            post.abort(rank, String::from_utf8_lossy(&reason).into_owned());
            self.received += 1;
        }
        if let Some((message, _)) = farewell {
            let mut count = [0; size_of::<u64>()];
            message.matched_receive_into(&mut count[..]);
            self.left = Some(u64::from_le_bytes(count));
            post.outboxes[rank].close_receiver();
        }
        if self.left == Some(self.received) {
            post.inboxes[rank].close_sender();
        }
        heard
    }

    fn receive(&mut self, process: &Process<'_>, post: &Post) -> bool {
        let inbox = &post.inboxes[process.rank() as usize];
        let arrived = Transfer::finish(&mut self.incoming);
        let mut moved = arrived.is_some();
        if let Some(mut letter) = arrived {
            let tag = split_tag(&mut letter);
            inbox.deliver(tag, letter);
            self.received += 1;
        }
        if self.incoming.is_none()
            && inbox.has_room()
            && let Some((message, status)) = process.immediate_matched_probe_with_tag(LETTER)
        {
            let length = length(&status);
            let mut letter = inbox.state().reserve(length);
            letter.resize(length, 0);
            self.incoming = Some(Transfer::receive(message, letter));
            moved = true;
        }
        moved
    }

    fn send(&mut self, process: &Process<'_>, post: &Post) -> bool {
        let outbox = &post.outboxes[process.rank() as usize];
        let arrived = Transfer::finish(&mut self.outgoing);
        let mut moved = arrived.is_some();
        if let Some(letter) = arrived {
            outbox.give_back(letter);
        }
        if self.outgoing.is_none()
            && let Some(message) = outbox.collect()
        {
            let letter = join_tag(message.bytes, message.tag);
            self.outgoing = Some(Transfer::send(process, LETTER, letter));
            self.sent += 1;
            moved = true;
        }
        Transfer::finish(&mut self.abort);
        if !self.has_told_abort
            && let Some(Error::Aborted { rank, reason }) = post.aborted.get()
            && *rank == post.rank
        {
            self.abort = Some(Transfer::send(process, ABORT, reason.clone().into_bytes()));
            self.has_told_abort = true;
            self.sent += 1;
            moved = true;
        }
        moved
    }

    fn say_farewell(&mut self, process: &Process<'_>) -> bool {
        Transfer::finish(&mut self.farewell);
        if self.has_said_farewell {
            return false;
        }
        let count = self.sent.to_le_bytes().to_vec();
        self.farewell = Some(Transfer::send(process, FAREWELL, count));
        self.has_said_farewell = true;
        true
    }
}

/// Bytes of a message that was probed.
fn length(status: &Status) -> usize {
    status.count(u8::equivalent_datatype()) as usize
}

/// The tag follows the bytes.
fn join_tag(mut bytes: Vec<u8>, tag: u64) -> Vec<u8> {
    bytes.reserve_exact(TAG_BYTES); // the buffer comes back, so once for each
    bytes.extend_from_slice(&tag.to_le_bytes());
    bytes
}

fn split_tag(letter: &mut Vec<u8>) -> u64 {
    let (length, tag) =
        letter.split_last_chunk().map_or((0, [0; TAG_BYTES]), |(bytes, tag)| (bytes.len(), *tag));
    letter.truncate(length);
    u64::from_le_bytes(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_follow_the_bytes() {
        for (bytes, tag) in [(vec![], u64::MAX), (vec![1, 2, 3], 0x0102_0304_0506_0708)] {
            let mut letter = join_tag(bytes.clone(), tag);
            assert_eq!(letter.len(), bytes.len() + TAG_BYTES);
            assert_eq!((split_tag(&mut letter), letter), (tag, bytes));
        }
    }
}
