//! Below gates: pulses, and the transmons that they act on.

pub mod solver;
