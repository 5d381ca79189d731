//! Every Rust block of the guide is a documentation test of this crate.
// Chapters are prose: names such as RobustState are no code there.
#![allow(clippy::doc_markdown)]

macro_rules! chapters {
    ($($chapter:ident),* $(,)?) => {$(
        #[doc = include_str!(concat!(env!("OUT_DIR"), "/", stringify!($chapter), ".md"))]
        pub mod $chapter {}
    )*};
}

chapters!(
    calibrating,
    chunk_format,
    circuits,
    compiler,
    data_plans,
    datasets,
    devices,
    hello,
    hybrid,
    inside,
    models,
    observables,
    openqasm,
    operators,
    parameters,
    pipelines,
    planning,
    pulses,
    reversed_pulses,
    robust_state,
    speed,
    training
);

#[doc = include_str!("../README.md")]
pub mod readme {}
