//! Times of nodes measured on the device that is planned for, and their bytes, at some sizes, and kept in a file.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::chain::Chain;
use super::derived::Derived;
use super::times::{Clock, Times};
use crate::file::read_whole;
use crate::graph::Source;
use crate::hash::fnv1a;
use crate::kernel;
use crate::{DType, Device, Error, Plan, PlanOptions, Result, Run, Sizes};

mod file;
mod table;
#[cfg(test)]
mod tests;

pub use table::{ProfileRow, ProfileTable};

/// Gives a run its inputs for so many samples.
pub type Inputs<'a> = &'a (dyn Fn(&mut Run, usize) -> Result<()> + Sync);

/// What is measured, and how.
#[derive(Clone)]
pub struct Profiling<'a> {
    /// The model.
    pub derived: &'a Derived,
    /// The sizes that go with so many samples in a micro-batch.
    pub sizes: &'a dyn Fn(usize) -> Sizes,
    /// Samples in a micro-batch at which nodes are timed: two or three numbers, since times are fitted by a line.
    pub batches: Vec<usize>,
    /// Times that each node runs at each of them; the median counts.
    pub runs: usize,
    /// Models that run at once, a thread each: stages that are threads of one machine share its caches and its memory.
    pub at_once: usize,
    /// What it is measured on; by default, inputs are ones where they are masks, and zeros elsewhere.
    pub inputs: Option<Inputs<'a>>,
    /// Threads of the team.
    pub threads: usize,
    /// Where it runs.
    pub device: Device,
    /// Seed of the parameters.
    pub seed: u64,
}

/// Seconds of each node by samples in a micro-batch, `fixed + each * samples`, what was measured, and what it was measured for.
///
/// ```
/// use ketline_model::models::mlp;
/// use ketline_model::plan::{Clock, Derived, Profiling};
/// use ketline_model::Sizes;
///
/// let derived = Derived::new(&mlp(&[32, 64, 10])?)?;
/// let profile = Profiling::new(&derived, &|b| Sizes::new().with("B", b)).measure()?;
/// let times = profile.times(&derived, 24)?;
/// assert_eq!(times.clock(), Clock::Measured);
/// println!("{:.10}", profile.table(&derived, &Sizes::new().with("B", 24), 24)?); // the ten nodes that take longest
/// # Ok::<(), ketline_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    key: Key,
    /// Threads of the team, on which workspaces depend.
    threads: usize,
    /// By node: fixed seconds, and seconds a sample.
    lines: Vec<(f64, f64)>,
    /// What was measured, by micro-batch.
    tables: Vec<ProfileTable>,
}

/// What a profile holds for.
const NAMES: [&str; 6] =
    ["model", "micro-batch", "device", "number of threads", "number of models at once", "version"];

/// Values of [`NAMES`]: a profile with others is of no use.
#[derive(Debug, Clone, PartialEq)]
struct Key([String; NAMES.len()]);

impl fmt::Debug for Profiling<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profiling")
            .field("batches", &self.batches)
            .field("runs", &self.runs)
            .field("at_once", &self.at_once)
            .field("threads", &self.threads)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

impl<'a> Profiling<'a> {
    /// 1, 4 and 16 samples, the median of 9 runs, one model at a time on one thread of the processor.
    pub fn new(derived: &'a Derived, sizes: &'a dyn Fn(usize) -> Sizes) -> Self {
        let (batches, device) = (vec![1, 4, 16], Device::Cpu);
        Self { derived, sizes, batches, runs: 9, at_once: 1, inputs: None, threads: 1, device, seed: 0 }
    }

    /// Runs the whole model on one device, node by node.
    ///
    /// # Errors
    /// No size to measure at, sizes without value, memory or a device that is not there; those of `inputs`.
    pub fn measure(&self) -> Result<Profile> {
        let numbers = [
            ("number of micro-batches to measure", self.batches.len()),
            ("number of models that run at once", self.at_once),
        ];
        if let Some((name, _)) = numbers.into_iter().find(|(_, number)| *number == 0) {
            return Err(Error::Setting { name, found: "0".into(), expected: "1 or more" });
        }
        let measured = self.batches.iter().map(|&b| self.seconds(b)).collect::<Result<Vec<_>>>()?;
        let lines = (0..self.derived.graph().nodes().len())
            .map(|node| {
                let points = self.batches.iter().zip(&measured);
                line(&points.map(|(&b, seconds)| (b as f64, seconds[node])).collect::<Vec<_>>())
            })
            .collect();
        let tables = self
            .batches
            .iter()
            .zip(measured)
            .map(|(&b, seconds)| self.table(b, &Times::new(self.derived, seconds, Clock::Measured)?));
        Ok(Profile { key: self.key(), threads: self.threads, lines, tables: tables.collect::<Result<_>>()? })
    }

    fn table(&self, b: usize, times: &Times) -> Result<ProfileTable> {
        let chain = Chain::new(self.derived, &(self.sizes)(b), times, self.threads)?;
        Ok(ProfileTable::new(self.derived, &chain, b))
    }

    /// The profile that a file keeps, or, where there is none, a new one, which is then kept there.
    ///
    /// # Errors
    /// Those of [`load`](Self::load) and [`measure`](Self::measure); [`Error::File`], if the file cannot be written.
    pub fn cached(&self, file: &Path) -> Result<Profile> {
        if file.exists() {
            return self.load(file);
        }
        let profile = self.measure()?;
        profile.save(file)?;
        Ok(profile)
    }

    /// The profile that a file keeps.
    ///
    /// # Errors
    /// [`Error::Profile`] for one of another model, other sizes, another device or version; [`Error::File`] for what cannot be
    /// read, is no profile, or has other bytes than the model.
    pub fn load(&self, file: &Path) -> Result<Profile> {
        let fail = |reason: String| Error::File { file: file.display().to_string(), reason };
        let json = serde_json::from_slice(&read_whole(file, file::LONGEST)?)
            .map_err(|error| fail(format!("not a profile: {error}")))?;
        let key = Key::of(&json).map_err(fail)?;
        for ((what, found), expected) in NAMES.into_iter().zip(&key.0).zip(&self.key().0) {
            if found != expected {
                let (file, found, expected) = (file.display().to_string(), found.clone(), expected.clone());
                return Err(Error::Profile { file, what, found, expected });
            }
        }
        let profile = Profile::of(&json, key, self.threads).map_err(fail)?;
        let (found, nodes) = (profile.lines.len(), self.derived.graph().nodes().len());
        if found != nodes {
            return Err(fail(format!("times of {found} nodes, expected {nodes}")));
        }
        let found: Vec<usize> = profile.tables.iter().map(|table| table.samples).collect();
        if found != self.batches {
            return Err(fail(format!("micro-batches of {found:?} samples, expected {:?}", self.batches)));
        }
        for table in &profile.tables {
            let samples = table.samples;
            let expected = self.table(samples, &profile.times(self.derived, samples)?)?;
            if let Some((found, expected)) = table.difference(&expected) {
                return Err(fail(format!("with {samples} samples, found {found}, expected {expected}")));
            }
        }
        Ok(profile)
    }

    /// Seconds of each node with so many samples.
    fn seconds(&self, b: usize) -> Result<Vec<f64>> {
        let keep = self.derived.gradients().iter().map(|&(_, gradient)| gradient).collect();
        let options =
            PlanOptions { threads: self.threads, device: self.device, keep, ..PlanOptions::default() };
        let plan = Plan::new(self.derived.graph(), &(self.sizes)(b), &options)?;
        let mut runs = (0..self.at_once)
            .map(|_| {
                let mut run = plan.clone().start(self.seed)?;
                self.give(&mut run, b)?;
                Ok(run)
            })
            .collect::<Result<Vec<_>>>()?;
        let times = self.runs;
        let measured = std::thread::scope(|scope| {
            let threads: Vec<_> = (runs.iter_mut())
                .map(|run| {
                    scope.spawn(move || {
                        run.profile(1)?; // pages and caches are warm after it
                        run.profile(times)
                    })
                })
                .collect();
            let joined = threads.into_iter().map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(Error::Panic { message: "while nodes were timed".into() }))
            });
            joined.collect::<Result<Vec<Vec<Duration>>>>()
        })?;
        let mean = |node: usize| {
            let sum: Duration = measured.iter().map(|times| times[node]).sum();
            sum.as_secs_f64() / self.at_once as f64
        };
        Ok((0..self.derived.graph().nodes().len()).map(mean).collect())
    }

    fn give(&self, run: &mut Run, b: usize) -> Result<()> {
        if let Some(give) = self.inputs {
            return give(run, b);
        }
        for (value, tensor) in self.derived.graph().tensors() {
            if tensor.source == Source::Input && tensor.ty.dtype == DType::Bool {
                run.values_mut::<u8>(value)?.fill(1);
            }
        }
        Ok(())
    }

    fn key(&self) -> Key {
        let graph = self.derived.graph().to_string();
        let sizes: Vec<_> = self.batches.iter().map(|&b| (b, (self.sizes)(b))).collect();
        Key([
            format!("{:016x}", fnv1a(&graph)),
            format!("{:016x}", fnv1a(&format!("{sizes:?}"))),
            format!("{} ({}, {})", self.device, std::env::consts::ARCH, kernel::instructions()),
            self.threads.to_string(),
            self.at_once.to_string(),
            env!("CARGO_PKG_VERSION").into(),
        ])
    }
}

impl Profile {
    /// Times for a micro-batch of so many samples.
    ///
    /// # Errors
    /// [`Error::Partition`] for a model with another number of nodes.
    pub fn times(&self, derived: &Derived, samples: usize) -> Result<Times> {
        let seconds = self.lines.iter().map(|(fixed, each)| fixed + each * samples as f64).collect();
        Times::new(derived, seconds, Clock::Measured)
    }

    /// Times and bytes of nodes for a micro-batch of so many samples, whose sizes are these. Where nodes were measured with so many,
    /// the times are those; elsewhere they are on the lines.
    ///
    /// # Errors
    /// [`Error::Partition`] for a model, or sizes, with other nodes or bytes than were measured; a size without value.
    pub fn table(&self, derived: &Derived, sizes: &Sizes, samples: usize) -> Result<ProfileTable> {
        let chain = Chain::new(derived, sizes, &self.times(derived, samples)?, self.threads)?;
        let table = ProfileTable::new(derived, &chain, samples);
        let Some(measured) = self.tables.iter().find(|table| table.samples == samples) else {
            return Ok(table);
        };
        match measured.difference(&table) {
            None => Ok(measured.clone()),
            Some((found, expected)) => {
                Err(Error::Partition { found: format!("a profile with {found}"), expected })
            }
        }
    }
}

/// The line `a + c x` of least squares, with neither number below zero.
fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let n = points.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(&|p| p.0), mean(&|p| p.1));
    let (xx, xy) = (mean(&|p| p.0 * p.0), mean(&|p| p.0 * p.1));
    let spread = xx - x * x;
    let each = if spread > 1e-9 * xx { (xy - x * y) / spread } else { xy / xx };
    let fixed = y - each * x;
    match (fixed >= 0.0, each >= 0.0) {
        (true, true) => (fixed, each),
        (_, false) => (y, 0.0),
        (false, true) => (0.0, xy / xx),
    }
}
