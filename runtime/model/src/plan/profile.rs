//! Times of nodes measured on the device that is planned for, at some sizes, and kept in a file.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write as _};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::derived::Derived;
use super::times::{Clock, Times};
use crate::graph::Source;
use crate::hash::fnv1a;
use crate::train::write_whole;
use crate::{DType, Device, Error, Plan, PlanOptions, Result, Run, Sizes};

/// No profile is longer, in bytes.
const LONGEST: u64 = 1 << 26;

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

/// Seconds of each node by samples in a micro-batch, `fixed + each * samples`, and what they were measured for.
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
/// # Ok::<(), ketline_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    key: Key,
    /// By node: fixed seconds, and seconds a sample.
    lines: Vec<(f64, f64)>,
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
        Ok(Profile { key: self.key(), lines })
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
    /// read, or is no profile.
    pub fn load(&self, file: &Path) -> Result<Profile> {
        let profile = Profile::read(file)?;
        for ((what, found), expected) in NAMES.into_iter().zip(&profile.key.0).zip(&self.key().0) {
            if found != expected {
                let (file, found, expected) = (file.display().to_string(), found.clone(), expected.clone());
                return Err(Error::Profile { file, what, found, expected });
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
            format!("{} ({})", self.device, std::env::consts::ARCH),
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

    /// Keeps it in a file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, file: &Path) -> Result<()> {
        let key: serde_json::Map<_, _> =
            NAMES.into_iter().zip(&self.key.0).map(|(what, value)| (what.into(), json!(value))).collect();
        let nodes: Vec<_> = self.lines.iter().map(|(fixed, each)| json!([fixed, each])).collect();
        let text = json!({ "key": key, "nodes": nodes }).to_string();
        write_whole(file, |file| file.write_all(text.as_bytes()))
    }

    fn read(path: &Path) -> Result<Self> {
        let fail = |reason: String| Error::File { file: path.display().to_string(), reason };
        let mut text = String::new();
        let file = File::open(path).map_err(|error| fail(error.to_string()))?;
        file.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| fail(error.to_string()))?;
        if text.len() as u64 > LONGEST {
            return Err(fail(format!("longer than a profile can be, {LONGEST} bytes")));
        }
        let json: Json =
            serde_json::from_str(&text).map_err(|error| fail(format!("not a profile: {error}")))?;
        let mut key = Key(NAMES.map(|_| String::new()));
        for (name, value) in NAMES.into_iter().zip(&mut key.0) {
            let found = json["key"][name].as_str();
            *value = found.ok_or_else(|| fail(format!("not a profile: its key has no {name}")))?.into();
        }
        let lines = json["nodes"].as_array().ok_or_else(|| fail("not a profile: no nodes".into()))?;
        let lines = (lines.iter().enumerate())
            .map(|(node, line)| {
                let number = |k: usize| line[k].as_f64().filter(|x| x.is_finite() && *x >= 0.0);
                let both = number(0).zip(number(1));
                both.ok_or_else(|| fail(format!("not a profile: node {node} has times {line}")))
            })
            .collect::<Result<_>>()?;
        Ok(Self { key, lines })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Transformer, mlp};

    fn sizes(b: usize) -> Sizes {
        Sizes::new().with("B", b).with("P", b)
    }

    #[test]
    fn lines_go_through_points_and_stay_above_zero() {
        let near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() + (a.1 - b.1).abs() < 1e-12;
        assert!(near(line(&[(1.0, 3.0), (2.0, 5.0), (4.0, 9.0)]), (1.0, 2.0)));
        assert!(near(line(&[(1.0, 3.0), (2.0, 1.0)]), (2.0, 0.0)));
        assert!(near(line(&[(1.0, 0.0), (2.0, 5.0)]), (0.0, 2.0)));
        assert!(near(line(&[(4.0, 8.0)]), (0.0, 2.0)));
    }

    #[test]
    fn a_profile_is_kept_and_holds_for_its_model_alone() {
        let folder = std::env::temp_dir().join(format!("ketline-profile-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("profile.json");
        let derived = Derived::new(
            &Transformer { layers: 1, length: 8, width: 16, ..Transformer::default() }.bert().unwrap(),
        )
        .unwrap();
        let profiling = Profiling { batches: vec![1, 2], runs: 1, ..Profiling::new(&derived, &sizes) };
        let profile = profiling.cached(&file).unwrap();
        assert_eq!(profiling.load(&file).unwrap(), profile);
        assert_eq!(profiling.cached(&file).unwrap(), profile);
        let times = profile.times(&derived, 3).unwrap();
        assert!(times.all().iter().sum::<f64>() > 0.0);

        let both = Profiling { at_once: 2, ..profiling.clone() }.measure().unwrap();
        assert_eq!(both.lines.len(), profile.lines.len());
        let none = Profiling { at_once: 0, ..profiling.clone() }.measure();
        assert!(matches!(none, Err(Error::Setting { .. })));

        let other = Derived::new(&mlp(&[4, 5, 2]).unwrap()).unwrap();
        assert!(matches!(profile.times(&other, 3), Err(Error::Partition { .. })));
        let wrong = |profiling: Profiling<'_>| match profiling.load(&file) {
            Err(Error::Profile { what, .. }) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(wrong(Profiling { derived: &other, ..profiling.clone() }), "model");
        assert_eq!(wrong(Profiling { threads: 2, ..profiling.clone() }), "number of threads");
        assert_eq!(wrong(Profiling { at_once: 2, ..profiling.clone() }), "number of models at once");
        assert_eq!(wrong(Profiling { device: Device::Cuda(0), ..profiling.clone() }), "device");
        assert_eq!(wrong(Profiling { batches: vec![1], ..profiling.clone() }), "micro-batch");

        // every beginning of the file, and some noise
        let whole = std::fs::read(&file).unwrap();
        for end in (0..whole.len()).step_by(97) {
            std::fs::write(&file, &whole[..end]).unwrap();
            assert!(matches!(profiling.load(&file), Err(Error::File { .. })), "{end}");
        }
        let text = String::from_utf8(whole).unwrap();
        for (from, to) in [("\"nodes\"", "\"edges\""), ("[[", "[[-"), ("\"key\":{", "\"key\":[],\"x\":{")] {
            std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
            assert!(matches!(profiling.load(&file), Err(Error::File { .. })), "{from}");
        }
        let version = text.replace(env!("CARGO_PKG_VERSION"), "0.0.0");
        std::fs::write(&file, version).unwrap();
        assert_eq!(wrong(profiling.clone()), "version");
        let long = File::create(&file).unwrap();
        long.set_len(LONGEST + 10).unwrap();
        assert!(matches!(profiling.load(&file), Err(Error::File { .. })));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
