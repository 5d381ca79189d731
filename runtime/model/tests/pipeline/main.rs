//! Pipelines against one device that takes the micro-batches one after another.

#![allow(clippy::needless_for_each)] // in a line of its own, what is given to whom

mod cases;
mod equality;
mod faults;
mod simulated;
