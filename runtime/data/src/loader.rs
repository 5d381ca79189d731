//! Loaders: epochs as iterators over batches.

mod ahead;
mod epoch;
mod jpeg;
mod map;
mod pool;
mod position;
mod reader;

use std::fmt;
use std::marker::PhantomData;

pub use ahead::Ahead;
pub use epoch::{Activity, Epoch};
pub use map::{Mapped, OnFault};
pub use pool::Batch;
pub use position::Position;

use crate::dataset::Dataset;
use crate::plan::Plan;
use crate::sample::Sample;
use crate::{Error, Result};

/// Training: the loader chooses the order.
#[derive(Debug)]
pub struct Train;

/// Evaluation: the order is that of the set.
#[derive(Debug)]
pub struct Eval;

/// Reads a set by a plan, as often as wanted.
///
/// ```
/// use ketline_data::{Bytes, DType, Dataset, Kind, Schema, Settings};
///
/// # let folder = std::env::temp_dir().join(format!("ketline-doc-loader-{}", std::process::id()));
/// # let schema = Schema::new().field("x", Kind::Fixed { dtype: DType::F32, shape: vec![2] });
/// # let mut writer = Settings::new().chunk_samples(10).create_raw(&folder, &schema)?;
/// # for i in 0..1000 {
/// #     writer.push_bytes([i as f32, 0.5].map(f32::to_le_bytes).as_flattened())?;
/// # }
/// # writer.finish()?;
/// let dataset = Dataset::open(&folder)?;
/// let loader = dataset.plan().batch(32).budget(Bytes::mib(1)).seed(7).train()?;
/// println!("{}\n{}", loader.plan(), loader.plan().randomness(0));
/// for epoch in 0..2 {
///     let mut seen = 0;
///     for batch in loader.epoch(epoch)? {
///         let batch = batch?;
///         let x = batch.columns().array::<f32>("x")?;
///         assert_eq!(x.shape(), [batch.len(), 2]);
///         seen += batch.len();
///     }
///     assert_eq!(seen, 1000);
/// }
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), ketline_data::Error>(())
/// ```
pub struct Loader<S: Sample, M = Train> {
    dataset: Dataset<S>,
    plan: Plan,
    mode: PhantomData<fn() -> M>,
}

impl<S: Sample, M> fmt::Debug for Loader<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Loader({:?}, {:?})", self.dataset, self.plan)
    }
}

impl<S: Sample, M> Loader<S, M> {
    pub(crate) fn new(dataset: Dataset<S>, plan: Plan) -> Self {
        Self { dataset, plan, mode: PhantomData }
    }

    /// How the set is read.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    fn start(&self, epoch: u64, batch: u64) -> Result<Epoch<S>> {
        Epoch::start(self.dataset.clone(), self.plan.clone(), epoch, batch)
    }
}

impl<S: Sample> Loader<S, Train> {
    /// An epoch from its beginning. Threads start to read at once, and end when the iterator is dropped.
    pub fn epoch(&self, epoch: u64) -> Result<Epoch<S>> {
        self.start(epoch, 0)
    }

    /// An epoch from where it was left, bit for bit as if it had not been: in time that does not depend on the place.
    ///
    /// # Errors
    /// [`Error::Resume`] if the order is another one; [`Planner::like`](crate::Planner::like) makes it the same.
    pub fn resume(&self, position: &Position) -> Result<Epoch<S>> {
        let own = Position::of(&self.plan, self.dataset.set.id, position.epoch, position.batch);
        let other = own.entries().into_iter().zip(position.entries()).find(|(own, found)| own != found);
        if let Some(((what, expected), (_, found))) = other {
            return Err(Error::Resume { what, found: found.to_string(), expected: expected.to_string() });
        }
        self.start(position.epoch, position.batch)
    }
}

impl<S: Sample> Loader<S, Eval> {
    /// All samples in order.
    pub fn pass(&self) -> Result<Epoch<S>> {
        self.start(0, 0)
    }

    /// All samples in order, from a batch on.
    pub fn pass_from(&self, batch: u64) -> Result<Epoch<S>> {
        self.start(0, batch)
    }
}
