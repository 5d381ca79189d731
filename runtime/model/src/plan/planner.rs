//! From a model, its times and a cluster to a partition.

use std::fmt;
use std::ops::Range;

use super::balance::{WIDER, misses};
use super::chain::Chain;
use super::cluster::Cluster;
use super::derived::Derived;
use super::evict::{Decision, Evictor, Grain};
use super::exact::exact;
use super::law::Law;
use super::method::Method;
use super::partition::{Cut, Eviction, Partition};
use super::price::{Cuts, Priced, Stages};
use super::refine::spread;
use super::schedule::PipelineSchedule;
use super::times::{Clock, Times};
use crate::train::Optimiser;
use crate::{Error, Result, Sizes};

/// Cuts models into stages, one a device, that fit.
///
/// ```
/// use ketline_model::models::Transformer;
/// use ketline_model::plan::{Cluster, Derived, Planner, Times};
/// use ketline_model::Sizes;
///
/// let derived = Derived::new(&Transformer { layers: 6, ..Transformer::default() }.gpt(false)?)?;
/// let sizes = Sizes::new().with("B", 16); // of a micro-batch
/// let cluster = Cluster { devices: 4, memory: 100_000_000, ..Cluster::pcie_16gb() };
/// let times = Times::of_cluster(&derived, &sizes, &cluster)?;
///
/// let planned = Planner::new(cluster).plan(&derived, &sizes, &times)?;
/// assert_eq!(planned.partition.stages.len(), 4);
/// assert!(planned.stages.iter().all(|stage| stage.bytes <= cluster.memory));
/// println!("{planned}");
/// # Ok::<(), ketline_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Planner {
    /// What is planned for; a stage stands on each of its devices.
    pub cluster: Cluster,
    /// How cuts are found.
    pub method: Method,
    /// The schedules to choose from: the fastest one that fits is taken.
    pub schedules: Vec<PipelineSchedule>,
    /// Micro-batches of a step.
    pub micro_batches: usize,
    /// The rule that changes parameters; its moments are part of a stage's memory.
    pub optimiser: Optimiser,
    /// Threads of each stage, on which workspaces depend.
    pub threads: usize,
    /// Whether to look for the best cuts too, to know how far the found ones are from them.
    pub gap: bool,
}

/// What a stage of a plan comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct StagePlan {
    /// Its forward nodes.
    pub nodes: Range<usize>,
    /// Seconds of its nodes for a micro-batch, both passes, each node once.
    pub compute: f64,
    /// Seconds more, for what is computed again and what waits for the host or for neighbours.
    pub added: f64,
    /// Bytes that it is expected to need.
    pub bytes: u64,
    /// Bytes that each micro-batch leaves on the host.
    pub swapped: u64,
    /// Bytes that are computed again for each micro-batch.
    pub recomputed: u64,
}

/// How found cuts stand beside the best ones, before evictions are gone over once more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exactness {
    /// Seconds of the slowest stage of the best cuts for a micro-batch.
    pub best: f64,
    /// How many times as long the slowest stage of the found cuts takes; 1 if they are the best.
    pub gap: f64,
    /// Whether all of the best cuts lie outside of the interval in which the theorem behind [`Method::Halves`] looks for the first cut,
    /// between that of balanced time and that of balanced memory, so that what it assumes does not hold.
    pub outside: bool,
}

/// A partition, and what is expected of it.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Planned {
    /// Where the model is cut, and what is evicted.
    pub partition: Partition,
    /// Its stages.
    pub stages: Vec<StagePlan>,
    /// Seconds of the slowest stage for a micro-batch.
    pub bottleneck: f64,
    /// What no cuts can be below: the mean of the stages, or the longest node.
    pub lower_bound: f64,
    /// How the found cuts stand beside the best ones, if those were looked for.
    pub exactness: Option<Exactness>,
    /// Seconds of a step.
    pub step_seconds: f64,
    /// Stages whose memory was laid out while cuts were looked for.
    pub leaves: usize,
    /// How it was found.
    pub method: Method,
    /// Where the times come from.
    pub clock: Clock,
    memory: u64,
}

impl Planner {
    /// A planner by halves for 1F1B with as many micro-batches as devices, `AdamW`, and one thread a stage.
    pub fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            method: Method::Halves,
            schedules: vec![PipelineSchedule::OneForwardOneBackward],
            micro_batches: cluster.devices,
            optimiser: Optimiser::adamw(1e-3),
            threads: 1,
            gap: false,
        }
    }

    /// Plans a model; `sizes` and `times` are those of a micro-batch.
    ///
    /// # Errors
    /// [`Error::DoesNotFit`] with the tightest stage and its largest tensor; [`Error::Partition`] for more stages than nodes (or
    /// layers, if the method cuts there); settings that cannot be.
    pub fn plan(&self, derived: &Derived, sizes: &Sizes, times: &Times) -> Result<Planned> {
        let chain = Chain::new(derived, sizes, times, self.threads)?;
        self.plan_chain(derived, &chain)
    }

    /// Plans a model whose chain is known.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub fn plan_chain(&self, derived: &Derived, chain: &Chain) -> Result<Planned> {
        self.check()?;
        let mut best: Option<Planned> = None;
        let mut failed = None;
        for &schedule in &self.schedules {
            match self.plan_for(derived, chain, schedule) {
                Ok(planned) => {
                    if best.as_ref().is_none_or(|best| planned.step_seconds < best.step_seconds) {
                        best = Some(planned);
                    }
                }
                Err(error @ Error::DoesNotFit { .. }) => failed = failed.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        best.ok_or_else(|| {
            failed.unwrap_or(Error::Setting {
                name: "number of schedules to choose from",
                found: "0".into(),
                expected: "1 or more",
            })
        })
    }

    fn check(&self) -> Result<()> {
        self.cluster.check()?;
        self.optimiser.check()?;
        if self.micro_batches == 0 {
            let (name, expected) = ("number of micro-batches", "1 or more");
            return Err(Error::Setting { name, found: "0".into(), expected });
        }
        Ok(())
    }

    fn plan_for(&self, derived: &Derived, chain: &Chain, schedule: PipelineSchedule) -> Result<Planned> {
        let law = Law {
            schedule,
            stages: self.cluster.devices,
            micro_batches: self.micro_batches,
            moments: self.optimiser.moments().len(),
        };
        let blind = Cluster { memory: u64::MAX, ..self.cluster };
        let searched = if self.method.is_blind() { &blind } else { &self.cluster };
        let mut row = Priced::new(chain, searched, law, self.method.grain());
        let places = 1 + (1..chain.nodes()).filter(|&node| row.can_cut(node)).count();
        if places < law.stages {
            let found = format!("{} stages", law.stages);
            let expected = format!("at most {places}: the model can be cut nowhere else");
            return Err(Error::Partition { found, expected });
        }
        let cuts = row.room().and_then(|room| self.method.cuts(&mut row, room));
        let Some(cuts) = cuts else { return Err(self.short(derived, chain, law)) };
        let is_fine = self.method.grain() == Grain::Nodes;
        let exactness = (self.gap && is_fine).then(|| {
            // the found cuts bound the search, and are the best ones if it finds none
            let best = exact(&mut row, cuts.seconds).map_or(cuts.seconds, |best| best.seconds);
            Exactness { best, gap: cuts.seconds / best, outside: misses(&mut row, best, WIDER) }
        });
        let mut candidates = vec![cuts];
        if is_fine {
            candidates[0] = spread(&mut row, candidates[0].clone());
            // a step is not its slowest stage alone: cuts at layers may have less to fill
            for grain in [Grain::Layers, Grain::LastLayers] {
                candidates.extend(exact(&mut Priced::new(chain, searched, law, grain), f64::INFINITY));
            }
        }
        let leaves = row.leaves();
        let mut evictor = Evictor::new(chain, &self.cluster, law, self.method.grain());
        let decided = candidates.iter().filter_map(|cuts| {
            let decided = cuts.stages(chain.nodes()).into_iter().enumerate();
            let decided: Vec<_> = decided
                .map(|(x, nodes)| Some((evictor.decide(x, nodes.clone())?, nodes)))
                .collect::<Option<_>>()?;
            let seconds: Vec<f64> = decided.iter().map(|(decision, _)| decision.outcome.seconds).collect();
            let transfers = cuts.ends.iter().map(|&end| chain.transfer(end, &self.cluster.link)).sum();
            Some((law.step_seconds(&seconds, transfers), seconds, decided))
        });
        let Some((step_seconds, seconds, decided)) = decided.min_by(|a, b| a.0.total_cmp(&b.0)) else {
            return Err(self.tightest(derived, chain, law, &candidates[0]));
        };
        let bottleneck = seconds.into_iter().fold(0.0, f64::max);
        let lower_bound = (chain.seconds(&(0..chain.nodes())) / law.stages as f64).max(chain.longest());
        let (mut plans, mut parts) = (Vec::new(), Vec::new());
        for (Decision { outcome, evictions, early, compute }, nodes) in decided {
            plans.push(StagePlan {
                nodes: nodes.clone(),
                compute,
                added: outcome.seconds - compute,
                bytes: outcome.bytes,
                swapped: outcome.walk.swapped,
                recomputed: outcome.walk.remade,
            });
            parts.push(Cut { nodes, evictions, restore: self.method.restore(), early });
        }
        Ok(Planned {
            partition: Partition { schedule, micro_batches: self.micro_batches, stages: parts },
            stages: plans,
            bottleneck,
            lower_bound,
            exactness,
            step_seconds,
            leaves,
            method: self.method,
            clock: chain.clock(),
            memory: self.cluster.memory,
        })
    }

    /// Why nothing fits: the stage that is tightest where the model would be cut if memory were no matter.
    fn short(&self, derived: &Derived, chain: &Chain, law: Law) -> Error {
        let blind = Cluster { memory: u64::MAX, ..self.cluster };
        let cuts = exact(&mut Priced::new(chain, &blind, law, self.method.grain()), f64::INFINITY);
        self.tightest(derived, chain, law, &cuts.unwrap_or(Cuts { ends: Vec::new(), seconds: 0.0 }))
    }

    fn tightest(&self, derived: &Derived, chain: &Chain, law: Law, cuts: &Cuts) -> Error {
        let mut evictor = Evictor::new(chain, &self.cluster, law, self.method.grain());
        let needs =
            cuts.stages(chain.nodes()).into_iter().enumerate().map(|(x, nodes)| (x, evictor.least(x, nodes)));
        let (stage, (needed, largest)) =
            needs.max_by_key(|(_, (needed, _))| *needed).unwrap_or((0, (0, None)));
        let memory = largest.map(|largest| chain.memory[largest]);
        let tensor = memory.map(|memory| derived.graph().tensor(memory.value).name.clone());
        Error::DoesNotFit {
            stage: stage.to_string(),
            tensor: tensor.unwrap_or_default(),
            bytes: memory.map_or(0, |memory| memory.bytes as usize),
            needed: needed as usize,
            cap: self.cluster.memory as usize,
        }
    }
}

impl fmt::Display for Planned {
    /// The plan in a line, then a line for each stage.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Partition { schedule, micro_batches, stages } = &self.partition;
        writeln!(
            f,
            "{}: {} stages, {schedule}, {micro_batches} micro-batches, a step {:.3} ms ({})",
            self.method,
            stages.len(),
            1e3 * self.step_seconds,
            self.clock
        )?;
        write!(
            f,
            "slowest stage {:.3} ms, no cuts below {:.3} ms",
            1e3 * self.bottleneck,
            1e3 * self.lower_bound
        )?;
        if let Some(Exactness { best, .. }) = self.exactness {
            write!(f, ", best cuts {:.3} ms", 1e3 * best)?;
        }
        writeln!(f, ", {} stages laid out", self.leaves)?;
        writeln!(
            f,
            "{:>5}  {:>11}  {:>10}  {:>10}  {:>8}  {:>5}  {:>10}  {:>10}  {:>9}",
            "stage", "nodes", "compute/ms", "added/ms", "MiB", "of it", "swap/MiB", "again/MiB", "evictions"
        )?;
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        for (x, (stage, cut)) in self.stages.iter().zip(stages).enumerate() {
            let swaps = cut.evictions.values().filter(|&&eviction| eviction == Eviction::Swap).count();
            writeln!(
                f,
                "{x:>5}  {:>11}  {:>10.3}  {:>10.3}  {:>8.1}  {:>4.0}%  {:>10.1}  {:>10.1}  {:>4}+{:<4}",
                format!("{}..{}", stage.nodes.start, stage.nodes.end),
                1e3 * stage.compute,
                1e3 * stage.added,
                mib(stage.bytes),
                100.0 * stage.bytes as f64 / self.memory as f64,
                mib(stage.swapped),
                mib(stage.recomputed),
                swaps,
                cut.evictions.len() - swaps
            )?;
        }
        Ok(())
    }
}
