//! A bounded box of messages from one worker to another.
//!
//! `mpi/post.rs` adds what a thread needs that carries messages between boxes of two processes.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{Error, Options, Result};

/// What one worker has sent to another and that one has not received.
#[derive(Debug)]
pub(crate) struct Mailbox {
    from: usize,
    to: usize,
    pub(crate) capacity: usize,
    patience: Duration,
    state: Mutex<State>,
    pub(crate) changed: Condvar,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// In the order of sending.
    pub(crate) messages: VecDeque<Message>,
    /// Places whose messages are being copied.
    reserved: usize,
    /// Buffers of messages that were received, for those to come.
    spare: Vec<Vec<u8>>,
    sender_gone: bool,
    pub(crate) receiver_gone: bool,
    pub(crate) aborted: Option<Error>,
}

#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) tag: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Mailbox {
    pub(crate) fn new(from: usize, to: usize, options: &Options) -> Self {
        Self {
            from,
            to,
            capacity: options.messages,
            patience: options.patience,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Puts a message in; waits while the box is full.
    pub(crate) fn put(&self, tag: u64, bytes: &[u8]) -> Result<()> {
        let mut state = self.state();
        let deadline = self.deadline();
        while state.is_full(self.capacity) {
            state.may_send(self.to)?;
            state = self.wait(state, deadline).ok_or_else(|| self.impatient("send", tag))?;
        }
        state.may_send(self.to)?;
        let mut buffer = state.reserve(bytes.len());
        // copied without the lock, so that sender and receiver copy at the same time
        drop(state);
        buffer.clear();
        buffer.extend_from_slice(bytes);
        self.deliver(tag, buffer);
        Ok(())
    }

    /// Takes the first message with this tag; waits for it.
    pub(crate) fn take(&self, tag: u64, bytes: &mut [u8]) -> Result<()> {
        let mut state = self.state();
        let deadline = self.deadline();
        let place = loop {
            state.check_aborted()?;
            if let Some(place) = state.messages.iter().position(|message| message.tag == tag) {
                break place;
            }
            // a message that is being copied may be the one
            if state.reserved == 0 {
                if state.sender_gone {
                    return Err(Error::Gone { peer: self.from });
                }
                if state.is_full(self.capacity) {
                    return Err(Error::Order { from: self.from, tag, held: state.messages.len() });
                }
            }
            state = self.wait(state, deadline).ok_or_else(|| self.impatient("receive", tag))?;
        };
        let found = state.messages[place].bytes.len();
        if found != bytes.len() {
            return Err(Error::Length { from: self.from, tag, found, expected: bytes.len() });
        }
        let Some(message) = state.messages.remove(place) else {
            unreachable!("`place` was found under this lock")
        };
        drop(state);
        self.changed.notify_all();
        bytes.copy_from_slice(&message.bytes);
        self.give_back(message.bytes);
        Ok(())
    }

    /// Fills a place that was reserved.
    pub(crate) fn deliver(&self, tag: u64, bytes: Vec<u8>) {
        let mut state = self.state();
        state.reserved -= 1;
        if !state.receiver_gone {
            state.messages.push_back(Message { tag, bytes });
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Keeps a buffer for a message to come.
    pub(crate) fn give_back(&self, bytes: Vec<u8>) {
        let mut state = self.state();
        // one more than places, since a message that is being copied out has left its place
        if state.spare.len() <= self.capacity {
            state.spare.push(bytes);
        }
    }

    /// Nothing more will be put in.
    pub(crate) fn close_sender(&self) {
        self.state().sender_gone = true;
        self.changed.notify_all();
    }

    /// Nothing more will be taken out.
    pub(crate) fn close_receiver(&self) {
        let mut state = self.state();
        state.receiver_gone = true;
        state.messages.clear();
        state.spare.clear();
        drop(state);
        self.changed.notify_all();
    }

    /// Has every call return `error`.
    pub(crate) fn abort(&self, error: &Error) {
        self.state().aborted = Some(error.clone());
        self.changed.notify_all();
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // nothing panics under the lock, so a state is whole even when a worker has panicked
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None: so late that no clock shows it.
    fn deadline(&self) -> Option<Instant> {
        Instant::now().checked_add(self.patience)
    }

    /// Waits for a change; none when the time is over.
    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        deadline: Option<Instant>,
    ) -> Option<MutexGuard<'a, State>> {
        let Some(deadline) = deadline else {
            return Some(self.changed.wait(state).unwrap_or_else(PoisonError::into_inner));
        };
        let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        let (state, _) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        Some(state)
    }

    fn impatient(&self, what: &'static str, tag: u64) -> Error {
        let (rank, peer) = if what == "send" { (self.from, self.to) } else { (self.to, self.from) };
        Error::Patience { rank, peer, tag, what, after: self.patience }
    }
}

impl State {
    pub(crate) fn is_full(&self, capacity: usize) -> bool {
        self.messages.len() + self.reserved >= capacity
    }

    fn check_aborted(&self) -> Result<()> {
        self.aborted.clone().map_or(Ok(()), Err)
    }

    fn may_send(&self, to: usize) -> Result<()> {
        self.check_aborted()?;
        if self.receiver_gone { Err(Error::Gone { peer: to }) } else { Ok(()) }
    }

    /// Takes a place, and a buffer for so many bytes: the smallest spare one that is large enough, else the largest, so that after
    /// a while there is one for each. What it held is still there, since to clear bytes that MPI overwrites takes time.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Vec<u8> {
        self.reserved += 1;
        let best = (0..self.spare.len()).min_by_key(|&i| match self.spare[i].capacity() {
            enough if enough >= bytes => (false, enough),
            less => (true, usize::MAX - less),
        });
        let mut buffer = best.map_or_else(Vec::new, |i| self.spare.swap_remove(i));
        if buffer.capacity() < bytes {
            buffer.clear();
            buffer.reserve_exact(bytes);
        }
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the buffers lie, those of messages and spare ones.
    fn buffers(mailbox: &Mailbox) -> Vec<(*const u8, usize)> {
        let state = mailbox.state();
        let messages = state.messages.iter().map(|message| &message.bytes);
        let mut buffers: Vec<_> =
            messages.chain(&state.spare).map(|bytes| (bytes.as_ptr(), bytes.capacity())).collect();
        buffers.sort_unstable();
        buffers
    }

    #[test]
    fn after_a_round_nothing_is_allocated() {
        let mailbox = Mailbox::new(0, 1, &Options { messages: 4, ..Options::default() });
        let round = || {
            let mut bytes = vec![0; 1000];
            for lengths in [[10, 1000, 10, 500], [1000, 500, 10, 10]] {
                for (tag, length) in lengths.into_iter().enumerate() {
                    mailbox.put(tag as u64, &bytes[..length]).unwrap();
                }
                for (tag, length) in lengths.into_iter().enumerate().rev() {
                    mailbox.take(tag as u64, &mut bytes[..length]).unwrap();
                }
            }
        };
        round();
        let before = buffers(&mailbox);
        assert_eq!(before.len(), 4);
        for _ in 0..10 {
            round();
            assert_eq!(buffers(&mailbox), before);
        }
    }

    #[test]
    fn no_call_keeps_its_place_when_it_fails() {
        let mailbox = Mailbox::new(0, 1, &Options { messages: 1, patience: Duration::ZERO });
        mailbox.put(0, b"one").unwrap();
        for _ in 0..3 {
            assert!(matches!(mailbox.put(0, b"two"), Err(Error::Patience { what: "send", .. })));
            assert!(matches!(mailbox.take(0, &mut []), Err(Error::Length { found: 3, .. })));
        }
        let mut bytes = [0; 3];
        mailbox.take(0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"one");
        assert!(matches!(mailbox.take(0, &mut []), Err(Error::Patience { what: "receive", .. })));
        mailbox.put(0, b"three").unwrap();
    }
}
