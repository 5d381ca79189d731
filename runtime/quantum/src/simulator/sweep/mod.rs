//! The state-vector engine: circuit → primitives → sweeps over blocks of amplitudes → tiles of vector registers.

#![allow(dead_code)] // until the plans use it

pub(crate) mod primitive;
#[cfg(test)]
mod tests;
pub(crate) mod vector;
