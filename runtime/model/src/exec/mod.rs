//! Partitions in execution: a program for each stage, workers that run them, and a simulator that reads the same programs.
//!
//! | to | see |
//! |---|---|
//! | know a stage's nodes, order and memory | [`Program`] |
//! | plan stages that fit to the byte | [`fit`] |
//! | train in stages, a thread each | [`Pipeline`] |
//! | train in stages, a process each | [`Worker`], on an endpoint of `ketline-fabric` |
//! | know how long a step takes elsewhere | [`Simulation`] |
//! | see when what ran | [`Timeline`] |

mod ends;
mod fit;
mod mark;
mod pipeline;
mod program;
mod script;
mod simulate;
mod timeline;
mod traffic;
mod unroll;
mod word;
mod worker;

pub use fit::fit;
pub use mark::{Duty, Mark};
pub use pipeline::Pipeline;
pub use program::{Program, ProgramOptions};
pub use script::Pace;
pub use simulate::Simulation;
pub use timeline::{Span, Timeline};
pub use worker::{PipelineOptions, Worker};
