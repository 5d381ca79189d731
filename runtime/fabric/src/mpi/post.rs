//! Boxes as the postman uses them: it never waits.

use crate::mailbox::{Mailbox, Message};

impl Mailbox {
    /// Takes the first message under any tag; none after an abort.
    pub(super) fn collect(&self) -> Option<Message> {
        let mut state = self.state();
        if state.aborted.is_some() {
            return None;
        }
        let message = state.messages.pop_front()?;
        drop(state);
        self.changed.notify_all();
        Some(message)
    }

    /// Whether a message can be delivered; always where nobody will take it out again.
    pub(super) fn has_room(&self) -> bool {
        let state = self.state();
        state.receiver_gone || !state.is_full(self.capacity)
    }
}
