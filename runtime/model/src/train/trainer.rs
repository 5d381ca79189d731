//! The loop's body: forward, backward, update.

use super::clip::Clip;
use super::optimiser::Optimiser;
use super::record::Record;
use super::schedule::Schedule;
use super::update::{Descent, Place, Stride, Target};
use crate::graph::{Graph, Value};
use crate::{DType, Device, Error, Extent, Gradient, Plan, PlanOptions, Result, Run, Sizes};

/// How to train.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainerOptions {
    /// The rule.
    pub optimiser: Optimiser,
    /// The learning rate over steps.
    pub schedule: Schedule,
    /// The largest norm of the gradient, beyond which it is scaled down.
    pub clip: Option<f64>,
    /// Batches whose gradients are averaged for one update.
    pub accumulate: u32,
    /// Tables whose gradient comes by rows, by name. They are neither decayed nor clipped.
    pub sparse: Vec<String>,
    /// How activations are kept from the forward to the backward pass: `F32` as they are, or `BF16` in half of the bytes.
    pub storage: DType,
    /// Threads; 0 for as many as the system offers.
    pub threads: usize,
    /// Where it runs; parameters are changed by the processor.
    pub device: Device,
    /// The most bytes that may be used.
    pub cap: Option<usize>,
    /// The seed of the parameters.
    pub seed: u64,
}

impl Default for TrainerOptions {
    fn default() -> Self {
        Self {
            optimiser: Optimiser::adamw(1e-3),
            schedule: Schedule::Constant,
            clip: None,
            accumulate: 1,
            sparse: Vec::new(),
            storage: DType::F32,
            threads: 0,
            device: Device::Cpu,
            cap: None,
            seed: 0,
        }
    }
}

/// A graph in training: parameters, gradients and moments in one planned arena.
#[derive(Debug)]
pub struct Trainer {
    pub(crate) run: Run,
    pub(crate) descent: Descent,
    pub(crate) options: TrainerOptions,
    clip: Option<Clip>,
    loss: Value,
    pub(crate) updates: u64,
    pending: u32,
    pending_loss: f64,
}

impl Trainer {
    /// Differentiates the output `loss` by every parameter and plans.
    ///
    /// # Errors
    /// A graph without such an output, settings outside their range, a plan that does not fit.
    pub fn new(mut graph: Graph, sizes: &Sizes, options: TrainerOptions) -> Result<Self> {
        options.optimiser.check()?;
        if options.accumulate == 0 {
            return Err(Error::Setting { name: "accumulate", found: "0".into(), expected: "1 or more" });
        }
        let clip = Clip::new(options.clip)?;
        let loss = graph.find_output("loss")?;
        let parameters: Vec<_> =
            graph.parameters().map(|(value, tensor)| (value, tensor.name.clone())).collect();
        let sparse = options.sparse.iter().map(|name| graph.find(name)).collect::<Result<Vec<_>>>()?;
        if !sparse.is_empty() && options.accumulate > 1 {
            let found = options.accumulate.to_string();
            return Err(Error::Setting {
                name: "accumulate",
                found,
                expected: "1 where gradients come by rows",
            });
        }
        if let Optimiser::Sgd { momentum, .. } = options.optimiser
            && momentum != 0.0
            && !sparse.is_empty()
        {
            let found = momentum.to_string();
            return Err(Error::Setting {
                name: "momentum",
                found,
                expected: "0 where gradients come by rows",
            });
        }
        let by: Vec<_> = parameters.iter().map(|&(value, _)| value).collect();
        let gradients = graph.differentiate(loss, &by, &sparse)?;
        match options.storage {
            DType::F32 => {}
            DType::BF16 => graph = graph.stored_in_bf16()?,
            other => {
                return Err(Error::Setting {
                    name: "storage",
                    found: other.to_string(),
                    expected: "F32 or BF16",
                });
            }
        }

        let mut reserve: Vec<(String, Extent)> = Vec::new();
        let (mut targets, mut keep) = (Vec::new(), Vec::new());
        for ((value, name), gradient) in parameters.into_iter().zip(gradients) {
            let Some(gradient) = gradient else { continue };
            let extent = graph.ty(value).resolve(sizes, &name)?;
            let moments = options.optimiser.reserve(&name, &extent, &mut reserve);
            let place = match gradient {
                Gradient::Dense(gradient) => {
                    keep.push(gradient);
                    let sum = (options.accumulate > 1).then_some(reserve.len());
                    if sum.is_some() {
                        reserve.push((format!("sum of gradients of {name}"), extent.clone()));
                    }
                    Place::Dense { gradient, sum }
                }
                Gradient::Rows { parts } => {
                    let mut lookups = 0;
                    for &(ids, values) in &parts {
                        keep.extend([ids, values]);
                        lookups += graph.ty(ids).resolve(sizes, &name)?.elements();
                    }
                    let order = reserve.len();
                    // pairs of part and place
                    reserve
                        .push((format!("order of lookups of {name}"), Extent::new(DType::I64, &[lookups])));
                    let width = extent.elements() / extent.dims[0];
                    reserve.push((format!("sum of a row of {name}"), Extent::new(extent.dtype, &[width])));
                    Place::Rows { parts, order }
                }
            };
            targets.push((Target { value, name, place, moments }, extent));
        }
        let descent = Descent::new(options.optimiser, targets, &mut reserve);
        let plan = PlanOptions {
            threads: options.threads,
            device: options.device,
            cap: options.cap,
            keep,
            reserve,
            ..PlanOptions::default()
        };
        let run = Plan::new(&graph, sizes, &plan)?.start(options.seed)?;
        Ok(Self { run, descent, options, clip, loss, updates: 0, pending: 0, pending_loss: 0.0 })
    }

    /// The run, to read outputs from.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The run, to give it batches.
    pub fn run_mut(&mut self) -> &mut Run {
        &mut self.run
    }

    /// Updates done.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Batches since the last update whose gradients are waiting for others.
    pub fn pending(&self) -> u32 {
        self.pending
    }

    /// The gradient of a parameter as the last step left it, if it is dense.
    pub fn gradient(&self, name: &str) -> Option<Value> {
        self.descent.gradient(name)
    }

    /// Runs the batch that was given and, if it is the last of an update's, changes the parameters.
    ///
    /// # Errors
    /// Ids out of range; [`Error::NotFinite`] for a loss or a norm that is none, with parameters, states and moments as before.
    pub fn step(&mut self) -> Result<Option<Record>> {
        self.run.compute()?;
        let step = self.updates + 1;
        let loss = Descent::loss(&self.run, self.loss)?;
        if !loss.is_finite() {
            self.forget();
            return Err(Error::NotFinite { what: "the loss", value: loss, step });
        }
        self.pending_loss += loss;
        let accumulate = self.options.accumulate;
        if accumulate > 1 {
            self.descent.add_up(&mut self.run, self.pending == 0);
        }
        self.pending += 1;
        if self.pending < accumulate {
            self.run.commit();
            return Ok(None);
        }
        let mut scale = 1.0 / f64::from(accumulate);
        let mut gradient_norm = None;
        if let Some(clip) = self.clip {
            let norm = self.descent.squares(&mut self.run).sqrt() * scale;
            scale *= clip.factor(norm, step).inspect_err(|_| self.forget())?;
            gradient_norm = Some(norm);
        }
        let factor = self.options.schedule.factor(self.updates);
        self.run.commit();
        self.descent.update(&mut self.run, Stride { scale, factor, update: step });
        let loss = self.pending_loss / f64::from(accumulate);
        self.updates = step;
        self.forget();
        let rate = factor * self.options.optimiser.rate();
        Ok(Some(Record { step, loss, gradient_norm, rate }))
    }

    /// Drops gradients that wait for others.
    pub(crate) fn forget(&mut self) {
        (self.pending, self.pending_loss) = (0, 0.0);
    }
}
