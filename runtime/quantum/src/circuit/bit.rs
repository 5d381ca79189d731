//! Measured bits: one, several, what `if` decides on, what a circuit returns.

use std::ops::{Deref, Not};

/// A measured bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bit {
    pub(super) index: usize,
}

impl Bit {
    /// A bit that no circuit has; an `if` on it is refused.
    pub(crate) const MISSING: Self = Self { index: usize::MAX };

    /// A bit of this number.
    pub(crate) const fn new(index: usize) -> Self {
        Self { index }
    }

    /// Its number among the circuit's classical bits.
    pub fn index(self) -> usize {
        self.index
    }
}

/// `N` measured bits; it derefs to an array of [`Bit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bits<const N: usize> {
    pub(super) bits: [Bit; N],
}

impl<const N: usize> Bits<N> {
    pub(crate) const fn new(bits: [Bit; N]) -> Self {
        Self { bits }
    }
}

impl<const N: usize> Deref for Bits<N> {
    type Target = [Bit; N];

    fn deref(&self) -> &[Bit; N] {
        &self.bits
    }
}

/// A bit that must be 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotBit(Bit);

impl Not for Bit {
    type Output = NotBit;

    fn not(self) -> NotBit {
        NotBit(self)
    }
}

impl Not for NotBit {
    type Output = Bit;

    fn not(self) -> Bit {
        self.0
    }
}

/// What `if` can decide on.
#[diagnostic::on_unimplemented(
    message = "`if` needs a measured bit, found `{Self}`",
    label = "not a measured bit",
    note = "a quantum condition is written `control(q[0], ..)`"
)]
pub trait Condition {
    /// The bit and the value that it must have.
    fn condition(self) -> (Bit, bool);
}

impl Condition for Bit {
    fn condition(self) -> (Bit, bool) {
        (self, true)
    }
}

impl Condition for NotBit {
    fn condition(self) -> (Bit, bool) {
        (self.0, false)
    }
}

/// What a circuit can return: measured bits.
#[diagnostic::on_unimplemented(
    message = "a circuit returns measured bits, found `{Self}`",
    label = "not measured bits"
)]
pub trait Output {
    /// The bits, the first is the least significant.
    fn outputs(&self) -> Vec<Bit>;
}

impl Output for Bit {
    fn outputs(&self) -> Vec<Bit> {
        vec![*self]
    }
}

impl<const N: usize> Output for Bits<N> {
    fn outputs(&self) -> Vec<Bit> {
        self.bits.to_vec()
    }
}

impl Output for Vec<Bit> {
    fn outputs(&self) -> Vec<Bit> {
        self.clone()
    }
}

impl<const N: usize> Output for [Bit; N] {
    fn outputs(&self) -> Vec<Bit> {
        self.to_vec()
    }
}

impl<A: Output, B: Output> Output for (A, B) {
    fn outputs(&self) -> Vec<Bit> {
        let mut bits = self.0.outputs();
        bits.extend(self.1.outputs());
        bits
    }
}
