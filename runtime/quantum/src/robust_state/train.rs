//! The training loop: forward on the device, backward through the ideal simulator.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::preparation::{Preparation, mean};
use super::{Loss, coherent_error, newton};
use crate::optimise::{Adam, Optimiser, Schedule};
use crate::{Error, Matrix, Result, file, linalg};

/// Where the states of a task are prepared and measured.
pub trait Laboratory {
    /// The density matrices that the device prepares for each case of the task, measured afresh.
    ///
    /// # Errors
    /// Whatever the device or the estimation reports.
    fn densities(&mut self, values: &[f64], seed: u64) -> Result<Vec<Matrix>>;

    /// How many circuits the device executes for one call of [`Laboratory::densities`]; 0 where states are computed.
    fn executions(&self) -> usize;
}

/// One step of a training run, as it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The step, from 0.
    pub step: usize,
    /// The loss, averaged over the cases.
    pub loss: f64,
    /// The measured fidelity `<t|rho|t>`, averaged over the cases.
    pub fidelity: f64,
    /// The measured coherent error, averaged over the cases.
    pub coherent_error: f64,
    /// Circuits that the device has executed so far.
    pub executions: usize,
}

/// How the parameters follow the measured state.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Update {
    /// Adam along the straight-through gradient: the method of the paper.
    Adam,
    /// Damped Gauss-Newton along the way from the dominant eigenvector to the target. Beyond the paper: the same
    /// measurements, the same ideal backward pass, and quadratic instead of linear convergence. For
    /// [`Loss::DominantEigenvector`] only.
    GaussNewton {
        /// What is added to the squared singular values of the Jacobian; larger is shorter and safer.
        damping: f64,
    },
}

/// Settings of `RobustState` (arXiv:2311.16035).
///
/// Each step runs the circuit on the device, estimates the state `rho`, freezes the slope `M = dL/d rho` there and moves
/// along `d <psi(theta)| M |psi(theta)>` of the *ideal* simulator: the straight-through rule. The gradient vanishes where
/// the device's dominant eigenvector is the target, so the parameters end up pre-compensating the device's coherent error.
#[derive(Debug, Clone, PartialEq)]
pub struct RobustState {
    /// The loss.
    pub loss: Loss,
    /// How the parameters move.
    pub update: Update,
    /// How many steps, unless it stops early.
    pub steps: usize,
    /// The learning rate of Adam, or the share of each Gauss-Newton step that is taken. It should fall towards the end:
    /// then the noise of single measurements averages out.
    pub rate: Schedule,
    /// The seed from which every measurement's seed follows.
    pub seed: u64,
    /// Stops after so many steps without a better loss.
    pub patience: Option<usize>,
    /// Where the state of the run is kept, written every so many steps; a run that finds its file goes on from there.
    pub checkpoint: Option<(PathBuf, usize)>,
}

impl Default for RobustState {
    /// [`RobustState::newton`] with 60 steps.
    fn default() -> Self {
        Self::newton(60)
    }
}

impl RobustState {
    /// Gauss-Newton with a damping of 0.03 and a share that falls by a cosine from 1.
    pub const fn newton(steps: usize) -> Self {
        Self {
            loss: Loss::DominantEigenvector,
            update: Update::GaussNewton { damping: 0.03 },
            steps,
            rate: Schedule::cosine(1.0, steps),
            seed: 42,
            patience: None,
            checkpoint: None,
        }
    }

    /// Adam at 0.02 with cosine annealing: the paper's optimiser.
    pub const fn adam(loss: Loss, steps: usize) -> Self {
        let rate = Schedule::cosine(0.02, steps);
        Self { loss, update: Update::Adam, steps, rate, seed: 42, patience: None, checkpoint: None }
    }
}

/// What a training run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[must_use]
pub struct Trained {
    /// The parameters after the last step.
    pub values: Vec<f64>,
    /// Every step, and the state after the last one.
    pub history: Vec<Record>,
    /// Why the run ended.
    pub end: End,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum End {
    /// All steps were taken.
    Finished,
    /// The loss stopped falling.
    EarlyStop,
    /// The observer asked for it; the checkpoint, if any, is written.
    Stopped,
}

/// What is kept on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Checkpoint {
    format: String,
    loss: Loss,
    update: Update,
    seed: u64,
    steps: usize,
    rate: Schedule,
    start: Vec<f64>,
    values: Vec<f64>,
    adam: Adam,
    history: Vec<Record>,
}

const FORMAT: &str = "ketline robust-state checkpoint 1";

/// Gradients below this are no reason to move. Adam's own 1e-8 would turn the rounding noise around a converged start
/// into steps of full length.
const EPSILON: f64 = 1e-4;

/// A checkpoint holds a few hundred parameters and a line a step; more is no checkpoint of ours.
const MAX_BYTES: u64 = 64 << 20;

impl RobustState {
    /// Trains from `start` (random values, or noise-unaware ones to fine-tune). `observe` sees every record and may stop
    /// the run.
    ///
    /// # Errors
    /// [`Error::Setting`] for zero steps, the laboratory's errors, and those of a checkpoint that cannot be read, written
    /// or belongs to another run.
    pub fn train(
        &self,
        task: &dyn Preparation,
        laboratory: &mut dyn Laboratory,
        start: &[f64],
        observe: &mut dyn FnMut(&Record) -> ControlFlow<()>,
    ) -> Result<Trained> {
        let span = tracing::info_span!("robust_state", steps = self.steps, parameters = start.len());
        let _entered = span.enter();
        self.check()?;
        task.check(start)?;
        let mut run = self.resume(start)?;
        let mut end = End::Finished;
        loop {
            let step = run.history.len();
            let densities = laboratory.densities(&run.values, seed_of(self.seed, step))?;
            let record = self.measure(task, &densities, step, laboratory.executions() * (step + 1))?;
            tracing::debug!(step, record.loss, record.fidelity, record.coherent_error);
            run.history.push(record);
            if observe(&record).is_break() {
                run.history.pop(); // measured again when the run goes on
                end = End::Stopped;
            } else if self.stalled(&run.history) {
                end = End::EarlyStop;
            }
            if end == End::Stopped {
                self.save(&run)?;
            }
            if end != End::Finished || step == self.steps {
                return Ok(Trained { values: run.values, history: run.history, end });
            }
            self.advance(&mut run, task, &densities, step)?;
            if self.checkpoint.as_ref().is_some_and(|(_, every)| (step + 1).is_multiple_of((*every).max(1))) {
                self.save(&run)?;
            }
        }
    }

    fn advance(
        &self,
        run: &mut Checkpoint,
        task: &dyn Preparation,
        densities: &[Matrix],
        step: usize,
    ) -> Result<()> {
        match self.update {
            Update::Adam => {
                let slope = mean(task, &run.values, |number, target| {
                    self.loss.slope(&densities[number], target.amplitudes())
                })?;
                run.adam.step(&mut run.values, &slope.gradient)
            }
            Update::GaussNewton { damping } => {
                let way = newton::step(task, &run.values, densities, damping)?;
                let share = self.rate.at(step);
                run.values.iter_mut().zip(way).for_each(|(value, change)| *value += share * change);
                Ok(())
            }
        }
    }

    fn check(&self) -> Result<()> {
        if self.steps == 0 {
            return Err(Error::Setting { name: "steps", found: 0.0, expected: "at least 1" });
        }
        if let Update::GaussNewton { damping } = self.update {
            if self.loss != Loss::DominantEigenvector {
                return Err(Error::UpdateLoss { loss: format!("{:?}", self.loss) });
            }
            if !(damping > 0.0 && damping.is_finite()) {
                return Err(Error::Setting {
                    name: "damping",
                    found: damping,
                    expected: "a positive number",
                });
            }
            if !self.rate.peak.is_finite() {
                return Err(Error::Setting {
                    name: "rate",
                    found: self.rate.peak,
                    expected: "a finite number",
                });
            }
        }
        Ok(())
    }

    fn measure(
        &self,
        task: &dyn Preparation,
        densities: &[Matrix],
        step: usize,
        executions: usize,
    ) -> Result<Record> {
        let targets = task.targets();
        if densities.len() != targets.len() {
            let (found, expected) = (densities.len(), targets.len());
            return Err(Error::Dimension { what: "the measured states", found, expected });
        }
        let mut record = Record { step, loss: 0.0, fidelity: 0.0, coherent_error: 0.0, executions };
        let share = 1.0 / densities.len() as f64;
        for (rho, target) in densities.iter().zip(targets) {
            let target = target.amplitudes();
            record.loss += share * self.loss.value(rho, target)?;
            record.fidelity += share * linalg::state_fidelity(rho, target)?;
            record.coherent_error += share * coherent_error(rho, target)?;
        }
        Ok(record)
    }

    /// Whether the best loss is older than the patience.
    fn stalled(&self, history: &[Record]) -> bool {
        let Some(patience) = self.patience else { return false };
        let best = history.iter().min_by(|a, b| a.loss.total_cmp(&b.loss));
        best.is_some_and(|best| history.len() - 1 - best.step > patience)
    }

    fn fresh(&self, start: &[f64]) -> Checkpoint {
        Checkpoint {
            format: FORMAT.to_owned(),
            loss: self.loss,
            update: self.update,
            seed: self.seed,
            steps: self.steps,
            rate: self.rate,
            start: start.to_vec(),
            values: start.to_vec(),
            adam: Adam::new(self.rate).epsilon(EPSILON),
            history: Vec::new(),
        }
    }

    /// The state on disk, or that before the first step.
    fn resume(&self, start: &[f64]) -> Result<Checkpoint> {
        let fresh = self.fresh(start);
        let Some((path, _)) = self.checkpoint.as_ref().filter(|(path, _)| path.exists()) else {
            return Ok(fresh);
        };
        let kept = read(path)?;
        let other = |field: &str, found: String, wanted: String| {
            let (file, field) = (path.display().to_string(), field.to_owned());
            Err(Error::BadField { file, field, found, wanted })
        };
        if kept.format != fresh.format {
            return other("format", kept.format, fresh.format);
        }
        let settings = |c: &Checkpoint| (c.loss, c.update, c.seed, c.steps, c.rate);
        if settings(&kept) != settings(&fresh) {
            let show = |c: &Checkpoint| format!("{:?}", settings(c));
            return other("loss, update, seed, steps, rate", show(&kept), show(&fresh));
        }
        if kept.start != fresh.start || kept.values.len() != start.len() {
            return other("start", format!("{:?}", kept.start), format!("{:?}", fresh.start));
        }
        let taken = if self.update == Update::Adam { kept.adam.steps() } else { kept.history.len() };
        if kept.history.len() != taken || taken > self.steps {
            let wanted = format!("{} records", taken.min(self.steps));
            return other("history", format!("{} records", kept.history.len()), wanted);
        }
        Ok(kept)
    }

    fn save(&self, run: &Checkpoint) -> Result<()> {
        let Some((path, _)) = &self.checkpoint else { return Ok(()) };
        let text = serde_json::to_string(run)
            .map_err(|error| Error::File { file: path.display().to_string(), reason: error.to_string() })?;
        file::write(path, &text)
    }
}

fn read(path: &Path) -> Result<Checkpoint> {
    serde_json::from_str(&file::read(path, MAX_BYTES)?).map_err(|error| Error::Json {
        file: path.display().to_string(),
        line: error.line(),
        column: error.column(),
        reason: error.to_string(),
    })
}

/// The seed of a step's measurements: a different one each step, the same after a resume.
pub(super) fn seed_of(seed: u64, step: usize) -> u64 {
    // the finaliser of SplitMix64 (Steele, Lea, Flood 2014) mixes the two well
    let mut z = seed.wrapping_add((step as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
