//! Parameters changed by their gradients, in parts that workers take.

#![allow(unsafe_code)] // parameters that workers change at once, each a part of its own

use super::optimiser::Optimiser;
use crate::graph::Value;
use crate::kernel::norm::spread;
use crate::kernel::optimiser::{AdamStep, adam, add, descend_rows, descent, momentum};
use crate::kernel::real::{Real, real};
use crate::{DType, Extent, Result, Run};

/// Elements of a parameter that one task changes.
pub(super) const CHUNK: usize = 1 << 16;

/// Where the gradient of a parameter is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Dense {
        gradient: Value,
        /// Number of the reserved tensor in which gradients are added up.
        sum: Option<usize>,
    },
    Rows {
        parts: Vec<(Value, Value)>,
        /// Numbers of the reserved order of lookups and sum of a row.
        order: usize,
    },
}

/// A parameter that is trained.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) value: Value,
    pub(crate) name: String,
    pub(crate) place: Place,
    /// Number of the first reserved moment; the others follow.
    pub(crate) moments: usize,
}

/// The parameters that a run trains, and the rule.
#[derive(Debug)]
pub(crate) struct Descent {
    pub(crate) rule: Optimiser,
    pub(crate) targets: Vec<Target>,
    /// Parts of parameters, a task each: target, first element, number of elements; of rows, all at once.
    tasks: Vec<(usize, usize, usize)>,
    /// Number of the reserved sums of squares.
    squares: usize,
}

/// How far one update goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stride {
    /// What gradients are multiplied by.
    pub(crate) scale: f64,
    /// The factor of the learning rate.
    pub(crate) factor: f64,
    /// Number of the update, counted from one.
    pub(crate) update: u64,
}

impl Descent {
    /// Lays out the work on targets with their extents, and reserves what it needs besides.
    pub(crate) fn new(
        rule: Optimiser,
        targets: Vec<(Target, Extent)>,
        reserve: &mut Vec<(String, Extent)>,
    ) -> Self {
        let mut tasks = Vec::new();
        for (k, (target, extent)) in targets.iter().enumerate() {
            match target.place {
                Place::Dense { .. } => {
                    for from in (0..extent.elements()).step_by(CHUNK) {
                        tasks.push((k, from, CHUNK.min(extent.elements() - from)));
                    }
                }
                Place::Rows { .. } => tasks.push((k, 0, extent.elements())),
            }
        }
        let squares = reserve.len();
        reserve.push(("sums of squares".into(), Extent::new(DType::F64, &[tasks.len().max(1)])));
        Self { rule, targets: targets.into_iter().map(|(target, _)| target).collect(), tasks, squares }
    }

    /// The loss that a run has computed.
    pub(crate) fn loss(run: &Run, loss: Value) -> Result<f64> {
        Ok(match run.plan().extent(loss).dtype {
            DType::F64 => run.values::<f64>(loss)?[0],
            _ => f64::from(run.values::<f32>(loss)?[0]),
        })
    }

    /// The gradient of a parameter as the last step left it, if it is dense.
    pub(crate) fn gradient(&self, name: &str) -> Option<Value> {
        self.targets.iter().find(|target| target.name == name).and_then(|target| match target.place {
            Place::Dense { gradient, .. } => Some(gradient),
            Place::Rows { .. } => None,
        })
    }

    /// The gradient that a task reads: the sum over batches, or the last batch's.
    fn source<T: Real>(run: &Run, target: &Target) -> *mut [T] {
        match target.place {
            Place::Dense { sum: Some(sum), .. } => run.reserved(sum),
            Place::Dense { gradient, sum: None } => run.place(gradient),
            Place::Rows { .. } => {
                std::ptr::slice_from_raw_parts_mut(std::ptr::NonNull::dangling().as_ptr(), 0)
            }
        }
    }

    fn dtype(run: &Run, target: &Target) -> DType {
        run.plan().extent(target.value).dtype
    }

    pub(super) fn add_up(&self, run: &mut Run, first: bool) {
        let run = &*run;
        run.team().each(self.tasks.len(), |k| {
            let (target, from, length) = self.tasks[k];
            let target = &self.targets[target];
            let Place::Dense { gradient, sum: Some(sum) } = target.place else { return };
            real!(Self::dtype(run, target), T => {
                // SAFETY: tasks are disjoint parts of tensors that nothing else touches now.
                let (sum, gradient) = unsafe {
                    (part(run.reserved::<T>(sum), from, length), part(run.place::<T>(gradient), from, length))
                };
                if first { sum.copy_from_slice(gradient) } else { add(sum, gradient) }
            });
        });
    }

    /// The sum of squares of all dense gradients, in an order that does not depend on threads.
    pub(crate) fn squares(&self, run: &mut Run) -> f64 {
        let run = &*run;
        let squares = run.reserved::<f64>(self.squares);
        let places = crate::kernel::shared::Shared::new(
            // SAFETY: reserved for this, and used nowhere else.
            unsafe { &mut *squares },
        );
        run.team().each(self.tasks.len(), |k| {
            let (target, from, length) = self.tasks[k];
            let target = &self.targets[target];
            // SAFETY: one place a task.
            let place = unsafe { &mut places.part(k, 1)[0] };
            *place = 0.0;
            if matches!(target.place, Place::Dense { .. }) {
                real!(Self::dtype(run, target), T => {
                    // SAFETY: read only.
                    let gradient = unsafe { part(Self::source::<T>(run, target), from, length) };
                    *place = spread(gradient, 0.0).wide();
                });
            }
        });
        // SAFETY: the workers are done.
        let squares = unsafe { &*squares };
        squares[..self.tasks.len()].iter().sum()
    }

    pub(crate) fn update(&self, run: &mut Run, stride: Stride) {
        let run = &*run;
        run.team().each(self.tasks.len(), |k| {
            let (target, from, length) = self.tasks[k];
            let target = &self.targets[target];
            real!(Self::dtype(run, target), T => {
                // SAFETY: tasks are disjoint parts of tensors that nothing else touches now.
                unsafe {
                    let p = part(run.place::<T>(target.value), from, length);
                    let moment = |k: usize| part(run.reserved::<T>(target.moments + k), from, length);
                    match &target.place {
                        Place::Dense { .. } => {
                            let g = part(Self::source::<T>(run, target), from, length);
                            change(&self.rule, p, g, moment, stride);
                        }
                        Place::Rows { parts, order } => self.change_rows(run, p, moment, parts, *order, run.plan().extent(target.value).dims[0], Stride { scale: 1.0, ..stride }),
                    }
                }
            });
        });
    }

    /// Changes the rows that were looked up, each once, with the sum of its gradients.
    ///
    /// # Safety
    /// Nothing else touches the parameter, its moments or its reserved memory.
    #[allow(clippy::too_many_arguments)]
    unsafe fn change_rows<'m, T: Real>(
        &self,
        run: &Run,
        p: &mut [T],
        moment: impl Fn(usize) -> &'m mut [T],
        parts: &[(Value, Value)],
        order: usize,
        rows: usize,
        stride: Stride,
    ) {
        let width = p.len() / rows;
        if let Optimiser::Sgd { rate, .. } = self.rule {
            // no moments: the order of additions to a row is that of the lookups
            let rate = T::of(rate * stride.factor * stride.scale);
            for &(ids, values) in parts {
                // SAFETY: kept by the plan until the end of the step, and read only.
                let g = unsafe { &*run.place::<T>(values) };
                if run.plan().extent(ids).dtype == DType::I64 {
                    // SAFETY: as above.
                    let ids = unsafe { &*run.place::<i64>(ids) };
                    descend_rows(p, g, width, rate, &|k: usize| ids[k] as usize);
                } else {
                    // SAFETY: as above.
                    let ids = unsafe { &*run.place::<i32>(ids) };
                    descend_rows(p, g, width, rate, &|k: usize| ids[k] as usize);
                }
            }
            return;
        }
        // SAFETY: reserved for this parameter.
        let (order, sum) = unsafe { (&mut *run.reserved::<i64>(order), &mut *run.reserved::<T>(order + 1)) };
        // the row of a lookup and its gradient; ids were checked when the rows were read
        let lookup = |mark: i64| {
            let (part, k) = ((mark >> 40) as usize, (mark & ((1 << 40) - 1)) as usize);
            let (ids, values) = parts[part];
            // SAFETY: kept by the plan until the end of the step, and read only.
            let (row, values) = unsafe {
                let row = match run.plan().extent(ids).dtype {
                    DType::I64 => (&*run.place::<i64>(ids))[k] as usize,
                    _ => (&*run.place::<i32>(ids))[k] as usize,
                };
                (row, &*run.place::<T>(values))
            };
            (row, &values[k * width..(k + 1) * width])
        };
        let mut next = 0;
        for (part, &(ids, _)) in parts.iter().enumerate() {
            for k in 0..run.plan().extent(ids).elements() {
                order[next] = ((part as i64) << 40) | k as i64;
                next += 1;
            }
        }
        order.sort_unstable_by_key(|&mark| (lookup(mark).0, mark));
        let mut k = 0;
        while k < order.len() {
            let (row, g) = lookup(order[k]);
            sum.copy_from_slice(g);
            k += 1;
            while k < order.len() && lookup(order[k]).0 == row {
                add(sum, lookup(order[k]).1);
                k += 1;
            }
            let range = row * width..(row + 1) * width;
            let of_row = |k: usize| {
                let all = moment(k);
                &mut all[range.clone()]
            };
            let rule = match self.rule {
                Optimiser::Adam { rate, beta1, beta2, eps, .. } => {
                    Optimiser::Adam { rate, beta1, beta2, eps, weight_decay: 0.0, decoupled: false }
                }
                rule => rule,
            };
            change(&rule, &mut p[range.clone()], sum, of_row, stride);
        }
    }
}

/// A part of a tensor.
///
/// # Safety
/// The pointer is valid, and parts that are alive at once do not overlap if one is written.
unsafe fn part<'a, T>(of: *mut [T], from: usize, length: usize) -> &'a mut [T] {
    // SAFETY: as the caller promises.
    unsafe { &mut (&mut *of)[from..from + length] }
}

pub(super) fn change<'m, T: Real>(
    rule: &Optimiser,
    p: &mut [T],
    g: &[T],
    moment: impl Fn(usize) -> &'m mut [T],
    Stride { scale, factor, update }: Stride,
) {
    match *rule {
        Optimiser::Sgd { rate, momentum: 0.0, weight_decay, .. } => {
            descent(p, g, T::of(rate * factor), T::of(weight_decay), T::of(scale));
        }
        Optimiser::Sgd { rate, momentum: keep, nesterov, weight_decay } => momentum(
            p,
            g,
            moment(0),
            T::of(rate * factor),
            T::of(keep),
            T::of(weight_decay),
            T::of(scale),
            T::of(f64::from(u8::from(nesterov))),
        ),
        Optimiser::Adam { rate, beta1, beta2, eps, weight_decay, decoupled } => {
            let rate = rate * factor;
            let power = i32::try_from(update).unwrap_or(i32::MAX);
            let numbers = AdamStep {
                beta1: T::of(beta1),
                beta2: T::of(beta2),
                rate: T::of(rate / (1.0 - beta1.powi(power))),
                correction: T::of(1.0 / (1.0 - beta2.powi(power)).sqrt()),
                eps: T::of(eps),
                keep: T::of(if decoupled { 1.0 - rate * weight_decay } else { 1.0 }),
                scale: T::of(scale),
                coupled: T::of(if decoupled { 0.0 } else { weight_decay }),
            };
            adam(p, g, moment(0), moment(1), numbers);
        }
    }
}
