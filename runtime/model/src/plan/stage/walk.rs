//! What both passes of a micro-batch come to.

/// The most bytes alive in a part of the backward pass.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Peak {
    pub(crate) plain: u64,
    /// With the gradients of parameters that the pass has made before.
    pub(crate) growing: u64,
    /// And without the parameters that it has read for the last time.
    pub(crate) releasing: i64,
}

impl Peak {
    pub(super) fn reach(&mut self, bytes: i64, grown: u64, released: u64) {
        self.plain = self.plain.max(bytes.unsigned_abs());
        self.growing = self.growing.max(bytes.unsigned_abs() + grown);
        self.releasing = self.releasing.max(bytes + grown as i64 - released as i64);
    }
}

/// What a choice comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Walk {
    /// Bytes that one micro-batch keeps between its passes.
    pub(crate) kept: u64,
    /// The most bytes alive while one micro-batch goes forward.
    pub(crate) forward: u64,
    /// While it goes backward, and while gradients of weights that waited are made.
    pub(crate) backward: [Peak; 2],
    /// Bytes that one keeps between its backward pass and gradients of weights that waited.
    pub(crate) owed: u64,
    /// Seconds of nodes that run again.
    pub(crate) recompute: f64,
    /// Bytes of parameters that only these read in the backward pass.
    pub(crate) read_again: u64,
    /// Bytes of what runs again.
    pub(crate) remade: u64,
    /// Bytes that come back from the host.
    pub(crate) swapped: u64,
    /// Seconds of copies to the host.
    pub(crate) out: f64,
    /// Seconds of copies back.
    pub(crate) back: f64,
    /// Seconds that the device waits for the host.
    pub(crate) stall: f64,
}
