//! Running a program on every possible record of its measurements.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use num_complex::Complex;

use super::form::Form;
use super::precision::Precision;
use super::program::{Bindings, Program, Step};
use super::pure::PureState;
use super::state::{Branch, Ensemble, QuantumState};
use super::{kernel, memory};
use crate::circuit::Confusion;
use crate::{Error, Result};

/// Most branches of one run.
pub const MAX_BRANCHES: usize = 1 << 12;

/// A state that measurements split.
pub(crate) trait Collapse: QuantumState + Clone {
    /// Probability below which an outcome is taken to be impossible.
    const NEGLIGIBLE: f64;

    fn bytes(&self) -> u64;

    /// The probability to find a qubit in |1>.
    fn excited(&self, qubit: usize) -> f64;

    /// Projects on an outcome of that probability and normalises.
    fn collapse(&mut self, qubit: usize, outcome: bool, probability: f64);

    /// `weight * self + other_weight * other`, where that is a state of the same kind; else false.
    fn mix(&mut self, weight: f64, other: &Self, other_weight: f64) -> bool;
}

/// A state that programs evolve.
pub(crate) trait Evolve: Collapse {
    type Real: Precision;

    fn vector(&mut self) -> &mut [Complex<Self::Real>];
}

impl<T: Precision> Evolve for PureState<T> {
    type Real = T;

    fn vector(&mut self) -> &mut [Complex<T>] {
        &mut self.amplitudes
    }
}

impl<T: Precision> Collapse for PureState<T> {
    const NEGLIGIBLE: f64 = T::NEGLIGIBLE;

    fn bytes(&self) -> u64 {
        Self::bytes(self.width())
    }

    fn excited(&self, qubit: usize) -> f64 {
        let (all, one) = (&self.amplitudes, 1 << qubit);
        kernel::sum(all.len() / 2, |range| {
            range.map(|i| all[kernel::spread(i, qubit) | one].norm_sqr().widen()).sum()
        })
    }

    fn collapse(&mut self, qubit: usize, outcome: bool, probability: f64) {
        let scale = T::narrow(1.0 / probability.sqrt());
        for (j, amplitude) in self.amplitudes.iter_mut().enumerate() {
            let kept = (j >> qubit & 1 == 1) == outcome;
            *amplitude = if kept { *amplitude * scale } else { Complex::new(T::zero(), T::zero()) };
        }
    }

    fn mix(&mut self, _: f64, _: &Self, _: f64) -> bool {
        false
    }
}

/// Runs a program from `initial`. Bits outside of `keep` are forgotten once no step reads them any more, and branches with
/// equal bits are merged where they can be.
pub(crate) fn run<S: Evolve>(
    program: &Program<S::Real>,
    bindings: &Bindings<S::Real>,
    initial: S,
    keep: u128,
) -> Result<Ensemble<S>> {
    let branches = vec![Branch { probability: 1.0, bits: 0, state: initial }];
    let branches = evolve(&program.steps, bindings, branches, keep)?;
    Ok(Ensemble { width: program.width, branches })
}

fn evolve<S: Evolve>(
    steps: &[Step<S::Real>],
    bindings: &Bindings<S::Real>,
    mut branches: Vec<Branch<S>>,
    keep: u128,
) -> Result<Vec<Branch<S>>> {
    for step in steps {
        match step {
            Step::Measure { qubit, bit, confusion, live } => {
                branches = fork(branches, *qubit, *bit, &records(*confusion))?;
                merge(&mut branches, live | keep);
            }
            Step::Reset { qubit, flip } => {
                branches = fork(branches, *qubit, 0, &|_| [(None, 1.0), (None, 0.0)])?;
                for branch in &mut branches {
                    if branch.state.excited(*qubit) > 0.5 {
                        flip.apply(&Form::Exchange(0, 1), branch.state.vector());
                    }
                }
            }
            Step::If { bit, value, body, live } => {
                let (chosen, others): (Vec<_>, Vec<_>) =
                    branches.into_iter().partition(|branch| (branch.bits >> bit & 1 == 1) == *value);
                branches = others;
                branches.extend(evolve(body, bindings, chosen, keep)?);
                merge(&mut branches, live | keep);
            }
            Step::Kraus(kraus) => return Err(Error::NeedsMixedState { channel: kraus.name.clone() }),
            Step::Fixed(..) | Step::Gate(_) | Step::Unitary { .. } => {
                for branch in &mut branches {
                    apply(step, bindings, branch.state.vector());
                }
            }
        }
    }
    Ok(branches)
}

/// Applies a step that needs no chance.
pub(crate) fn apply<T: Precision>(step: &Step<T>, bindings: &Bindings<T>, vector: &mut [Complex<T>]) {
    match step {
        Step::Fixed(layout, form) => layout.apply(form, vector),
        Step::Gate(gate) => {
            gate.layout.apply(&bindings.forms[gate.slot], vector);
        }
        Step::Unitary { engine, slot } => engine.apply(bindings.bounds[*slot].as_ref(), vector),
        _ => {}
    }
}

/// What is recorded of an outcome, with its probability.
pub(super) fn records(confusion: Confusion) -> impl Fn(bool) -> [(Option<bool>, f64); 2] {
    let wrong = [confusion.p1_given_0, confusion.p0_given_1];
    move |outcome| {
        let wrong = wrong[usize::from(outcome)];
        [(Some(outcome), 1.0 - wrong), (Some(!outcome), wrong)]
    }
}

/// Splits each branch by the outcome of a measurement and by what is recorded of it in `bit`, if anything.
pub(super) fn fork<S: Collapse>(
    branches: Vec<Branch<S>>,
    qubit: usize,
    bit: usize,
    record: &dyn Fn(bool) -> [(Option<bool>, f64); 2],
) -> Result<Vec<Branch<S>>> {
    let mut forked = Vec::with_capacity(2 * branches.len());
    for branch in branches {
        let one = branch.state.excited(qubit).clamp(0.0, 1.0);
        let possible = [(false, 1.0 - one), (true, one)];
        for (outcome, p) in possible.into_iter().filter(|(_, p)| *p > S::NEGLIGIBLE) {
            let mut state = copy(&branch.state, forked.len())?;
            state.collapse(qubit, outcome, p);
            for (recorded, share) in record(outcome).into_iter().filter(|(_, share)| *share > 0.0) {
                let bits = match recorded {
                    Some(value) => branch.bits & !(1 << bit) | u128::from(value) << bit,
                    None => branch.bits,
                };
                let state = state.clone();
                forked.push(Branch { probability: branch.probability * p * share, bits, state });
            }
        }
    }
    Ok(forked)
}

/// A copy, if there is room for it beside `others`.
fn copy<S: Collapse>(state: &S, others: usize) -> Result<S> {
    if others >= MAX_BRANCHES {
        return Err(Error::Branches { found: others + 1, limit: MAX_BRANCHES });
    }
    // two more: a readout error doubles the branch once again
    memory::check(state.width(), 2 * state.bytes())?;
    Ok(state.clone())
}

/// Forgets the bits that nothing reads, and joins branches with equal bits where the states can be mixed.
pub(super) fn merge<S: Collapse>(branches: &mut Vec<Branch<S>>, read: u128) {
    let mut merged: Vec<Branch<S>> = Vec::with_capacity(branches.len());
    let mut first: HashMap<u128, usize> = HashMap::new();
    for mut branch in branches.drain(..) {
        branch.bits &= read;
        match first.entry(branch.bits) {
            Entry::Occupied(at) => {
                let kept = &mut merged[*at.get()];
                let sum = kept.probability + branch.probability;
                if kept.state.mix(kept.probability / sum, &branch.state, branch.probability / sum) {
                    kept.probability = sum;
                    continue;
                }
            }
            Entry::Vacant(free) => {
                free.insert(merged.len());
            }
        }
        merged.push(branch);
    }
    *branches = merged;
}
