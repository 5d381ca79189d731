//! The state-vector engine: circuit → primitives → sweeps over blocks of amplitudes → tiles of vector registers.
mod ahead;
pub(crate) mod bound;
mod buffer;
pub(crate) mod effort;
pub(crate) mod engine;
mod kernel;
mod meeting;
mod pass;
pub(crate) mod primitive;
mod schedule;
#[cfg(test)]
mod tests;
mod tile;
pub(crate) mod vector;
