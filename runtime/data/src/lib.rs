//! Sets of samples that are larger than memory: chunk files, and loaders that read each chunk once an epoch and still hand
//! samples out in a random order, within a fixed amount of memory.
//!
//! This is the method of Brand, later Redox (arXiv:2505.16280): the training program asks for *some* sample, and any
//! that has not been used in this epoch will do. So a disk is read in chunks, a chunk is used up before its memory is
//! given to another one, and nothing is read twice.
//!
//! | to | see |
//! |---|---|
//! | declare samples | the macro `dataset!` of the crate `ketline`; by hand: [`Sample`], [`Field`] |
//! | write a set | [`Settings`], [`Writer`] |
//! | make one of files that are there | [`import`] |
//! | open it | [`Dataset`] |
//! | hand it to other programs | [`export`] |
//! | plan how it is read | [`Planner`], [`Plan`], [`Randomness`], [`Device`] |
//! | read it | [`Loader`], [`Epoch`], [`Batch`] |
//! | go on where a run was left | [`Position`] |
//! | compare | [`baseline`]: random reads, a shuffle buffer, a cache of chunks |
//! | read or write the files elsewhere | [`format`](mod@format), and the guide's chapter about it |
//!
//! Whatever is random takes a seed, and depends on seed, epoch and plan alone: not on the number of threads, and not on what
//! was read before. What can go wrong is one enum, [`Error`]; damaged files and bad input never make a panic.

pub mod baseline;
mod bytes;
mod columns;
mod compress;
mod dataset;
mod device;
mod element;
mod error;
#[doc(hidden)]
pub mod expansion;
pub mod export;
pub mod format;
#[doc(hidden)]
pub mod fuzzing;
pub mod import;
mod loader;
mod order;
mod plan;
mod random;
mod randomness;
mod sample;
mod sampler;
mod schema;
mod statistics;
pub mod storage;
mod tensor;
mod writer;

pub use self::bytes::Bytes;
pub use columns::{Columns, Lists, Texts};
pub use dataset::Dataset;
pub use device::{Choice, Device, Wish};
pub use element::{DType, Element};
pub use error::{Error, Result};
pub use format::{ChunkEntry, Codec};
pub use loader::{Activity, Ahead, Batch, Epoch, Eval, Loader, Mapped, OnFault, Position, Train};
pub use ndarray;
pub use plan::{OnDamage, Parts, Plan, Planner, Reader};
pub use randomness::Randomness;
pub use sample::{Defaults, Field, Jpeg, Raw, RecordReader, RecordWriter, Sample};
pub use sampler::{Sampler, Weights};
pub use schema::{FieldSchema, Kind, Schema};
pub use statistics::{Moments, Statistics};
pub use storage::{Disk, Reads, Storage};
pub use tensor::{Axes, Axes0, Axes1, Axes2, Axes3, Axes4, Tensor};
pub use writer::{Progress, Settings, Writer};
