//! The state-vector engine: circuit → primitives → sweeps over blocks of amplitudes → tiles of vector registers.
#![allow(dead_code)] // until the plans use it

pub(crate) mod bound;
mod buffer;
pub(crate) mod engine;
mod kernel;
pub(crate) mod primitive;
mod schedule;
#[cfg(test)]
mod tests;
mod tile;
pub(crate) mod vector;
