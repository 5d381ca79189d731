//! Memory for vectors.

/// The most lanes that a vector of doubles has.
pub(super) const MAX_LANES: usize = 8;

/// A vector's place in memory, as the caches like it.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([f64; MAX_LANES]);

/// Room for vectors.
#[derive(Debug)]
pub(super) struct Scratch {
    lines: Vec<Line>,
}

impl Scratch {
    /// Room for so many.
    pub(super) fn new(vectors: usize) -> Self {
        Self { lines: vec![Line([0.0; MAX_LANES]); vectors] }
    }

    /// Bytes of so many.
    pub(super) fn bytes(vectors: usize) -> u64 {
        (vectors as u64).saturating_mul(size_of::<Line>() as u64)
    }

    /// Where it begins.
    pub(super) fn pointer(&mut self) -> *mut f64 {
        self.lines.as_mut_ptr().cast()
    }
}
