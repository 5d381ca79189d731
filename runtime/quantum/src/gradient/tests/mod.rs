//! The methods against each other and against finite differences.

mod agreement;
mod noisy;
