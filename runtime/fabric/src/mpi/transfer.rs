//! Bytes on their way.

use std::{mem, slice};

use ::mpi::Tag;
use ::mpi::point_to_point::{Destination, Message};
use ::mpi::request::{Request, StaticScope};

/// Bytes that MPI reads or writes until it is done with them.
///
/// Where they are dropped before, as after a panic, they are leaked, since MPI may still use them.
///
/// Requests of the crate `mpi` borrow their bytes, for a scope of the stack. These outlive any, so they are owned.
pub(super) struct Transfer {
    /// None when MPI is done.
    request: Option<Request<'static, [u8]>>,
    bytes: Vec<u8>,
}

#[allow(unsafe_code)] // transport
impl Transfer {
    /// Begins to send.
    pub(super) fn send(to: &impl Destination, tag: Tag, bytes: Vec<u8>) -> Self {
        // SAFETY: the bytes lie on the heap, where they stay when the vector is moved. Until the request is complete they are neither
        // touched nor freed: `finish` hands them out only then, and `drop` forgets them if that never happened.
        let whole: &'static [u8] = unsafe { slice::from_raw_parts(bytes.as_ptr(), bytes.len()) };
        Self { request: Some(to.immediate_send_with_tag(StaticScope, whole, tag)), bytes }
    }

    /// Begins to receive; `bytes` are as long as the message.
    pub(super) fn receive(message: Message, mut bytes: Vec<u8>) -> Self {
        // SAFETY: as above, and nobody else has a reference to bytes of this vector.
        let whole: &'static mut [u8] = unsafe { slice::from_raw_parts_mut(bytes.as_mut_ptr(), bytes.len()) };
        Self { request: Some(message.immediate_matched_receive_into(StaticScope, whole)), bytes }
    }

    /// The bytes, once MPI is done with them; the slot is empty then.
    pub(super) fn finish(slot: &mut Option<Self>) -> Option<Vec<u8>> {
        let mut transfer = slot.take()?;
        if let Some(request) = transfer.request.take()
            && let Err(request) = request.test()
        {
            transfer.request = Some(request);
            *slot = Some(transfer);
            return None;
        }
        Some(mem::take(&mut transfer.bytes))
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            mem::forget(request);
            mem::forget(mem::take(&mut self.bytes));
        }
    }
}
