//! Parameters changed by their gradients, in parts that workers take.

#![allow(unsafe_code)] // parameters that workers change at once, each a part of its own

use super::optimiser::Optimiser;
use super::trainer::{Place, Target, Trainer};
use crate::DType;
use crate::graph::Value;
use crate::kernel::norm::spread;
use crate::kernel::optimiser::{AdamStep, adam, add, descend_rows, descent, momentum};
use crate::kernel::real::{Real, real};

impl Trainer {
    /// The gradient that a task reads: the sum over batches, or the last batch's.
    fn source<T: Real>(&self, target: &Target) -> *mut [T] {
        match target.place {
            Place::Dense { sum: Some(sum), .. } => self.run.reserved(sum),
            Place::Dense { gradient, sum: None } => self.run.place(gradient),
            Place::Rows { .. } => {
                std::ptr::slice_from_raw_parts_mut(std::ptr::NonNull::dangling().as_ptr(), 0)
            }
        }
    }

    fn dtype(&self, target: &Target) -> DType {
        self.run.plan().extent(target.value).dtype
    }

    pub(super) fn add_up(&mut self, first: bool) {
        let this = &*self;
        this.run.team().each(this.tasks.len(), |k| {
            let (target, from, length) = this.tasks[k];
            let target = &this.targets[target];
            let Place::Dense { gradient, sum: Some(sum) } = target.place else { return };
            real!(this.dtype(target), T => {
                // SAFETY: tasks are disjoint parts of tensors that nothing else touches now.
                let (sum, gradient) = unsafe {
                    (part(this.run.reserved::<T>(sum), from, length), part(this.run.place::<T>(gradient), from, length))
                };
                if first { sum.copy_from_slice(gradient) } else { add(sum, gradient) }
            });
        });
    }

    /// The norm of all dense gradients, summed in an order that does not depend on threads.
    pub(super) fn norm(&mut self) -> f64 {
        let this = &*self;
        let squares = this.run.reserved::<f64>(this.squares);
        let places = crate::kernel::shared::Shared::new(
            // SAFETY: reserved for this, and used nowhere else.
            unsafe { &mut *squares },
        );
        this.run.team().each(this.tasks.len(), |k| {
            let (target, from, length) = this.tasks[k];
            let target = &this.targets[target];
            // SAFETY: one place a task.
            let place = unsafe { &mut places.part(k, 1)[0] };
            *place = 0.0;
            if matches!(target.place, Place::Dense { .. }) {
                real!(this.dtype(target), T => {
                    // SAFETY: read only.
                    let gradient = unsafe { part(this.source::<T>(target), from, length) };
                    *place = spread(gradient, 0.0).wide();
                });
            }
        });
        // SAFETY: the workers are done.
        let sum: f64 = unsafe { &*squares }[..self.tasks.len()].iter().sum();
        sum.sqrt()
    }

    pub(super) fn update(&mut self, scale: f64, factor: f64) {
        let step = self.updates + 1;
        let this = &*self;
        this.run.team().each(this.tasks.len(), |k| {
            let (target, from, length) = this.tasks[k];
            let target = &this.targets[target];
            real!(this.dtype(target), T => {
                // SAFETY: tasks are disjoint parts of tensors that nothing else touches now.
                unsafe {
                    let p = part(this.run.place::<T>(target.value), from, length);
                    let moment = |k: usize| part(this.run.reserved::<T>(target.moments + k), from, length);
                    match &target.place {
                        Place::Dense { .. } => {
                            let g = part(this.source::<T>(target), from, length);
                            change(&this.options.optimiser, p, g, moment, scale, factor, step);
                        }
                        Place::Rows { parts, order } => this.change_rows(target, p, moment, parts, *order, 1.0, factor, step),
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
        target: &Target,
        p: &mut [T],
        moment: impl Fn(usize) -> &'m mut [T],
        parts: &[(Value, Value)],
        order: usize,
        scale: f64,
        factor: f64,
        step: u64,
    ) {
        let width = p.len() / self.run.plan().extent(target.value).dims[0];
        if let Optimiser::Sgd { rate, .. } = self.options.optimiser {
            // no moments: the order of additions to a row is that of the lookups
            let rate = T::of(rate * factor * scale);
            for &(ids, values) in parts {
                // SAFETY: kept by the plan until the end of the step, and read only.
                let g = unsafe { &*self.run.place::<T>(values) };
                if self.run.plan().extent(ids).dtype == DType::I64 {
                    // SAFETY: as above.
                    let ids = unsafe { &*self.run.place::<i64>(ids) };
                    descend_rows(p, g, width, rate, &|k: usize| ids[k] as usize);
                } else {
                    // SAFETY: as above.
                    let ids = unsafe { &*self.run.place::<i32>(ids) };
                    descend_rows(p, g, width, rate, &|k: usize| ids[k] as usize);
                }
            }
            return;
        }
        // SAFETY: reserved for this parameter.
        let (order, sum) =
            unsafe { (&mut *self.run.reserved::<i64>(order), &mut *self.run.reserved::<T>(order + 1)) };
        // the row of a lookup and its gradient; ids were checked when the rows were read
        let lookup = |mark: i64| {
            let (part, k) = ((mark >> 40) as usize, (mark & ((1 << 40) - 1)) as usize);
            let (ids, values) = parts[part];
            // SAFETY: kept by the plan until the end of the step, and read only.
            let (row, values) = unsafe {
                let row = match self.run.plan().extent(ids).dtype {
                    DType::I64 => (&*self.run.place::<i64>(ids))[k] as usize,
                    _ => (&*self.run.place::<i32>(ids))[k] as usize,
                };
                (row, &*self.run.place::<T>(values))
            };
            (row, &values[k * width..(k + 1) * width])
        };
        let mut next = 0;
        for (part, &(ids, _)) in parts.iter().enumerate() {
            for k in 0..self.run.plan().extent(ids).elements() {
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
            let rule = match self.options.optimiser {
                Optimiser::Adam { rate, beta1, beta2, eps, .. } => {
                    Optimiser::Adam { rate, beta1, beta2, eps, weight_decay: 0.0, decoupled: false }
                }
                rule => rule,
            };
            change(&rule, &mut p[range.clone()], sum, of_row, scale, factor, step);
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

fn change<'m, T: Real>(
    rule: &Optimiser,
    p: &mut [T],
    g: &[T],
    moment: impl Fn(usize) -> &'m mut [T],
    scale: f64,
    factor: f64,
    step: u64,
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
            let power = i32::try_from(step).unwrap_or(i32::MAX);
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
