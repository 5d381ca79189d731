//! Pipelines against one device that takes the micro-batches one after another.

mod cases;
mod equality;
mod faults;
mod simulated;
