//! A small BERT in stages, threads of this machine: what is expected of them, and what they do.

use std::path::Path;

use ketline::model::exec::{Pipeline, PipelineOptions, Program, Simulation, Timeline, Worker, fit};
use ketline::model::models::Transformer;
use ketline::model::plan::{Derived, Planned, Planner, Profile, ProfileTable, Profiling, Times};
use ketline::model::text::{Corpus, Vocabulary};
use ketline::model::{self, Run, Sizes};

use crate::Hidden;
use crate::versus::median;

/// What is learnt: this repository's own text.
const OWN: [&str; 2] = [include_str!("../../README.md"), include_str!("../../guide/src/circuits.md")];

/// A BERT that fills in hidden bytes, its text, and how much of it makes a micro-batch.
#[derive(Debug)]
pub struct StagedBert {
    derived: Derived,
    learn: Corpus,
    mask: i32,
    length: usize,
    batch: usize,
    seed: u64,
}

/// Stages that were planned, and that trained.
#[derive(Debug)]
pub struct Staged {
    /// The plan.
    pub planned: Planned,
    /// Bytes of each stage's arena.
    pub bytes: Vec<usize>,
    /// The losses of the steps.
    pub losses: Vec<f64>,
    /// What a step was expected to look like, and the last one that ran.
    pub timelines: [Timeline; 2],
    /// Seconds of a step by round, as simulated from what its nodes took then, and as measured.
    pub seconds: Vec<(f64, f64)>,
}

impl StagedBert {
    /// Of this shape, with so many crops a micro-batch; the vocabulary is that of the text.
    ///
    /// # Errors
    /// A shape that cannot be, or crops longer than the text.
    pub fn new(shape: &Transformer, batch: usize, seed: u64) -> model::Result<Self> {
        let text = OWN.concat().into_bytes();
        let vocabulary = Vocabulary::of(&text);
        let (learn, _) = Corpus::split(&vocabulary.encode(&text)?, shape.length, batch)?;
        let bert = Transformer { vocabulary: vocabulary.len() + 1, ..shape.clone() };
        let derived = Derived::new(&bert.bert()?)?;
        let mask = i32::try_from(vocabulary.len()).unwrap_or(i32::MAX); // a byte has 256 values
        Ok(Self { derived, learn, mask, length: shape.length, batch, seed })
    }

    /// The model with its derivative.
    pub fn derived(&self) -> &Derived {
        &self.derived
    }

    fn sizes(&self, batch: usize) -> Sizes {
        Sizes::new().with("B", batch).with("P", batch * self.length / Hidden::ONE_IN)
    }

    fn hidden(&self, batch: usize, draw: u64) -> Hidden {
        Hidden::new(self.learn.random(batch, self.seed, draw).0, draw, self.mask)
    }

    /// Times of nodes on this machine, where as many threads run at once as there will be stages; kept in a file, if one is given.
    ///
    /// # Errors
    /// Those of [`Profiling::cached`].
    pub fn profile(&self, stages: usize, file: Option<&Path>) -> model::Result<Profile> {
        self.timed(stages, 9, file)
    }

    /// Times and bytes of nodes.
    ///
    /// # Errors
    /// Those of [`Profile::table`].
    pub fn table(&self, profile: &Profile) -> model::Result<ProfileTable> {
        profile.table(&self.derived, &self.sizes(self.batch), self.batch)
    }

    fn timed(&self, stages: usize, runs: usize, file: Option<&Path>) -> model::Result<Profile> {
        let sizes = |batch| self.sizes(batch);
        let inputs = |run: &mut Run, batch: usize| {
            let Hidden { ids, positions, targets } = self.hidden(batch, 0);
            run.set("ids", &ids)?;
            run.set("mask", &vec![1_u8; ids.len()])?;
            run.set("positions", &positions)?;
            run.set("targets", &targets)
        };
        let profiling = Profiling {
            batches: vec![self.batch],
            runs,
            at_once: stages,
            inputs: Some(&inputs),
            ..Profiling::new(&self.derived, &sizes)
        };
        match file {
            Some(file) => profiling.cached(file),
            None => profiling.measure(),
        }
    }

    fn give(&self, pipeline: &mut Pipeline, step: u64, micro_batches: usize) -> model::Result<()> {
        for m in 0..micro_batches {
            let Hidden { ids, positions, targets } =
                self.hidden(self.batch, step * micro_batches as u64 + m as u64);
            pipeline.set("mask", m, &vec![1_u8; ids.len()])?;
            pipeline.set("ids", m, &ids)?;
            pipeline.set("positions", m, &positions)?;
            pipeline.set("targets", m, &targets)?;
        }
        Ok(())
    }

    /// Plans stages for times of nodes.
    ///
    /// # Errors
    /// Those of [`Planner::plan`].
    pub fn plan(&self, planner: &Planner, profile: &Profile) -> model::Result<Planned> {
        let times = profile.times(&self.derived, self.batch)?;
        planner.plan(&self.derived, &self.sizes(self.batch), &times)
    }

    /// Plans stages that fit, for times of nodes, and trains so many steps in so many rounds. Before each round nodes are timed anew, once: the
    /// machine is shared, and what it gives changes within a second, to nodes as to steps. So a simulated step stands beside one
    /// that ran right after, and the middle one of many such pairs counts.
    ///
    /// # Errors
    /// Those of [`fit`], [`Profiling::measure`] and [`Pipeline::step`].
    pub fn train(
        &self,
        planner: &Planner,
        profile: &Profile,
        options: &PipelineOptions,
        steps: u64,
        rounds: u64,
    ) -> model::Result<Staged> {
        let (derived, sizes) = (&self.derived, self.sizes(self.batch));
        let times = profile.times(derived, self.batch)?;
        let (planned, programs) = fit(planner, derived, &sizes, &times, &options.of_programs())?;
        let simulate = |times: &Times, programs: &[Program]| {
            Simulation { times, cluster: &planner.cluster }.run(programs)
        };
        let expected = simulate(&times, &programs)?;
        let again = Program::all(derived, &planned.partition, &sizes, &options.of_programs())?;
        let mut pipeline = Pipeline::of(derived, &planned.partition, programs, options)?;
        let (mut losses, mut seconds) = (Vec::new(), Vec::new());
        let rounds = rounds.clamp(1, steps.max(1));
        for round in 0..rounds {
            let times = self.timed(planner.cluster.devices, 1, None)?.times(derived, self.batch)?;
            let mut measured = f64::NAN;
            for step in steps * round / rounds..steps * (round + 1) / rounds {
                self.give(&mut pipeline, step, planner.micro_batches)?;
                losses.push(pipeline.step()?.loss);
                measured = pipeline.timeline().seconds(); // those before the last warm caches up
            }
            seconds.push((simulate(&times, &again)?.seconds(), measured));
        }
        let bytes = pipeline.workers().iter().map(Worker::bytes).collect();
        Ok(Staged { planned, bytes, losses, timelines: [expected, pipeline.timeline()], seconds })
    }
}

impl Staged {
    /// The largest error of the bytes that were expected of a stage, as a part of those that it has.
    pub fn memory_error(&self) -> f64 {
        let errors = self.planned.stages.iter().zip(&self.bytes);
        errors.map(|(stage, &bytes)| (stage.bytes as f64 / bytes as f64 - 1.0).abs()).fold(0.0, f64::max)
    }

    /// The error of simulated steps, as a part of the measured ones: that of the middle round.
    pub fn time_error(&self) -> f64 {
        let ratios = self.seconds.iter().map(|(simulated, measured)| simulated / measured);
        (median(&ratios.collect::<Vec<_>>()) - 1.0).abs()
    }

    /// Seconds of a step in the middle of all rounds, simulated and measured.
    pub fn step_seconds(&self) -> (f64, f64) {
        let (simulated, measured): (Vec<_>, Vec<_>) = self.seconds.iter().copied().unzip();
        (median(&simulated), median(&measured))
    }
}
