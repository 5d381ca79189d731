//! Training: optimisers, schedules, clipping, accumulation, checkpoints, metrics.
//!
//! A [`Trainer`] differentiates a graph's output `loss`, plans forward pass, backward pass, gradients and moments into one
//! arena, and steps. The same seed and the same batches give the same bits, on any number of threads and across a resume.
//!
//! ```
//! use ketline_model::train::{Optimiser, Trainer, TrainerOptions};
//! use ketline_model::{DType, Dim, Graph, Sizes, TensorType};
//!
//! let mut graph = Graph::new();
//! let x = graph.input("x", TensorType::new(DType::F32, ["B".into(), Dim::from(1)]))?;
//! let t = graph.input("t", TensorType::new(DType::F32, ["B".into(), Dim::from(1)]))?;
//! let y = graph.linear("line", x, 1)?;
//! let loss = graph.mean_squared_error(y, t)?;
//! graph.output("loss", loss)?;
//!
//! let options = TrainerOptions { optimiser: Optimiser::sgd(0.2), ..TrainerOptions::default() };
//! let mut trainer = Trainer::new(graph, &Sizes::new().with("B", 2), options)?;
//! for _ in 0..200 {
//!     trainer.run_mut().set("x", &[0.0_f32, 1.0])?;
//!     trainer.run_mut().set("t", &[1.0_f32, 3.0])?;
//!     trainer.step()?;
//! }
//! let line = trainer.run().values::<f32>(trainer.run().plan().graph().find("line.weight")?)?;
//! assert!((line[0] - 2.0).abs() < 1e-3);
//! # Ok::<(), ketline_model::Error>(())
//! ```

mod change;
mod checkpoint;
mod clip;
mod optimiser;
mod record;
mod safetensors;
mod schedule;
mod trainer;
pub(crate) mod update;

pub use change::Change;
pub(crate) use clip::Clip;
pub use optimiser::Optimiser;
pub use record::{EarlyStop, Log, Record};
pub use safetensors::{Archive, Entry};
pub use schedule::Schedule;
pub use trainer::{Trainer, TrainerOptions};
