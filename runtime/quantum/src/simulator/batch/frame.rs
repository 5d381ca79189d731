//! Where the basis states lie while flips only rename them.
//!
//! A flip with at most one control maps the bits of a basis state linearly, so it moves nothing: it changes which *slot*
//! holds which state. What a later step or a Pauli product does to states, it does to slots with other masks.

/// An affine function of the bits of a slot: the parity of those in the mask, or its opposite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Parity {
    pub(super) mask: usize,
    pub(super) inverted: bool,
}

impl Parity {
    /// Its value at a slot.
    pub(super) fn at(self, slot: usize) -> bool {
        ((slot & self.mask).count_ones() % 2 == 1) != self.inverted
    }
}

/// Which slot holds which basis state.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// For each qubit, how the slot changes with it.
    flips: Vec<usize>,
    /// For each qubit, its value in the state of a slot.
    values: Vec<Parity>,
}

impl Frame {
    /// Each state in the slot of its own number.
    pub(super) fn new(width: usize) -> Self {
        let value = |qubit: usize| Parity { mask: 1 << qubit, inverted: false };
        Self { flips: (0..width).map(|qubit| 1 << qubit).collect(), values: (0..width).map(value).collect() }
    }

    /// Renames for the flip of a qubit.
    pub(super) fn flip(&mut self, qubit: usize) {
        self.values[qubit].inverted ^= true;
    }

    /// Renames for the flip of a qubit where another is 1.
    pub(super) fn controlled_flip(&mut self, qubit: usize, control: usize) {
        let by = self.values[control];
        self.values[qubit].mask ^= by.mask;
        self.values[qubit].inverted ^= by.inverted;
        self.flips[control] ^= self.flips[qubit];
    }

    /// What is added (XOR) to the slot where these qubits flip.
    pub(super) fn change(&self, qubits: u64) -> usize {
        bits(qubits).fold(0, |change, qubit| change ^ self.flips[qubit])
    }

    /// The parity of these qubits in the state of a slot.
    pub(super) fn parity(&self, qubits: u64) -> Parity {
        bits(qubits).map(|qubit| self.values[qubit]).fold(Parity::default(), |sum, value| Parity {
            mask: sum.mask ^ value.mask,
            inverted: sum.inverted != value.inverted,
        })
    }
}

/// The places of the bits that are set.
pub(super) fn bits(mask: u64) -> impl Iterator<Item = usize> {
    (0..u64::BITS as usize).filter(move |place| mask >> place & 1 == 1)
}
