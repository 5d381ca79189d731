//! What the nodes of a program are there for.

use crate::operator::Peer;
use crate::plan::Turn;

/// What a node of a program is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Duty {
    /// It is a node of the model, by its number in [`Derived::graph`](crate::plan::Derived::graph).
    Run(usize),
    /// It is such a node once more, since its results left memory.
    Again(usize),
    /// It sends a tensor.
    Send(Peer, u64),
    /// It receives a tensor.
    Receive(Peer, u64),
    /// It adds a gradient to the sum of those before.
    Sum,
    /// It changes a parameter.
    Change,
}

/// A node's place in the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub turn: Turn,
    /// What for.
    pub duty: Duty,
}
