//! Models in Ketline: a graph of operators, its derivative, planned memory, and training.
//!
//! A [`Graph`] is a value: operators on tensors of static shape, some sizes of which are named and get a number when a
//! [`Plan`] is made. Differentiation adds nodes to the graph. A plan gives every tensor a place in one arena before anything
//! runs; a [`Run`] holds that memory and executes steps without allocating.
//!
//! | to | see |
//! |---|---|
//! | build a graph | [`Graph`], its layers in [`layers`], known models in [`models`] |
//! | know the operators, or add one | [`operator`] |
//! | differentiate | [`Graph::differentiate`] |
//! | plan memory | [`Plan`] |
//! | know whether stages fit on devices | [`Graph::fits`] |
//! | run | [`Run`], on a [`Device`] |
//! | train, save, resume | [`train`] |
//! | cut a model into stages | [`plan`] |
//! | run stages as threads or processes, or simulate them | [`exec`] |
//! | make batches of text | [`text`] |
//!
//! Tensors are stored row by row, images as `[N, channels, height, width]`, weights of linear layers as `[out, in]`. Whatever is
//! random takes a seed, and the same seed gives the same bits on any number of threads. What can go wrong is one enum, [`Error`].
//!
//! ```
//! use ketline_model::{DType, Graph, Plan, PlanOptions, Sizes, TensorType};
//!
//! let mut graph = Graph::new();
//! let x = graph.input("x", TensorType::new(DType::F32, ["B".into(), ketline_model::Dim::from(2)]))?;
//! let y = graph.linear("line", x, 1)?;
//! graph.output("y", y)?;
//!
//! let mut run = Plan::new(&graph, &Sizes::new().with("B", 3), &PlanOptions::default())?.start(7)?;
//! run.set("line.weight", &[2.0_f32, -1.0])?;
//! run.set("line.bias", &[0.5_f32])?;
//! run.set("x", &[1.0_f32, 0.0, 0.0, 1.0, 1.0, 1.0])?;
//! run.step()?;
//! assert_eq!(run.output::<f32>("y")?, [2.5, -0.5, 1.5]);
//! # Ok::<(), ketline_model::Error>(())
//! ```

#![allow(clippy::cast_possible_wrap)] // sizes are far below what the signed types hold

mod derivative;
mod device;
pub mod error;
pub mod exec;
#[doc(hidden)]
#[allow(missing_docs)]
pub mod expansion;
mod file;
mod fit;
mod graph;
mod hash;
mod kernel;
pub mod layers;
pub mod models;
pub mod operator;
pub mod plan;
mod run;
mod shape;
pub mod text;
pub mod train;

pub use derivative::{Derivation, Gradient};
pub use device::Device;
pub use error::{Error, Result};
pub use fit::{Devices, Needs, Shortage};
pub use graph::{Graph, Init, Node, Pass, Source, Tensor, Value};
pub use kernel::elementwise::Pair;
pub use kernel::real::Element;
pub use kernel::team::Team;
pub use ndarray;
pub use plan::{MAX_RANK, Placement, Plan, PlanOptions};
pub use run::Run;
pub use shape::{DType, Dim, Extent, Sizes, TensorType};
