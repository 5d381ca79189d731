//! The simulators against independent dense algebra, closed forms and each other.

mod dynamic;
mod noise;
pub(crate) mod random;
mod sampling;
mod unitary;
