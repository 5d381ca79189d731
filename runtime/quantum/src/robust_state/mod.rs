//! Robust state preparation.

mod arithmetic;
mod target;

pub use arithmetic::arithmetic;
pub use target::Target;
