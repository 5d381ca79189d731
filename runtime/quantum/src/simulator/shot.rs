//! One run of a circuit with every chance drawn: what a device does in one shot.

use num_complex::Complex;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

use super::branch::{self, Collapse};
use super::counts::Counts;
use super::form::Form;
use super::precision::Precision;
use super::program::{Bindings, Kraus, Program, Step};
use super::pure::PureState;
use super::{memory, readout};
use crate::{C64, Result};

/// Shots that one task draws: fixed, so that sums do not depend on the number of threads.
pub(crate) const BLOCK: usize = 64;

/// A program with its parameters bound and the part that needs no chance done.
#[derive(Debug)]
pub(crate) struct Shots<'a, T> {
    program: &'a Program<T>,
    bindings: Bindings<T>,
    /// The state after the steps that need no chance.
    start: PureState<T>,
    seed: u64,
}

impl<'a, T: Precision> Shots<'a, T> {
    pub(crate) fn new(program: &'a Program<T>, values: &[f64], seed: u64) -> Result<Self> {
        let bindings = program.bind(values)?;
        let mut start = PureState::zero(program.width)?;
        memory::check(program.width, start.bytes() * rayon::current_num_threads() as u64)?;
        for step in &program.steps[..program.certain()] {
            branch::apply(step, &bindings, &mut start.amplitudes);
        }
        Ok(Self { program, bindings, start, seed })
    }

    /// Draws shot number `index` into `state` and returns the recorded bits.
    pub(crate) fn draw(&self, index: usize, state: &mut PureState<T>) -> (u128, ChaCha8Rng) {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(index as u64);
        state.amplitudes.copy_from_slice(&self.start.amplitudes);
        let mut bits = 0;
        self.steps(&self.program.steps[self.program.certain()..], state, &mut bits, &mut rng);
        (bits, rng)
    }

    /// Folds all shots of `0..count` in blocks of a fixed size; the parts are in order.
    pub(crate) fn fold<A: Send>(
        &self,
        count: usize,
        new: impl Fn() -> A + Sync,
        add: impl Fn(&mut A, &mut PureState<T>, u128, &mut ChaCha8Rng) + Sync,
    ) -> Vec<A> {
        let block = |at: usize, state: &mut PureState<T>| {
            let mut part = new();
            for index in at * BLOCK..((at + 1) * BLOCK).min(count) {
                let (bits, mut rng) = self.draw(index, state);
                add(&mut part, state, bits, &mut rng);
            }
            part
        };
        let blocks = (0..count.div_ceil(BLOCK)).into_par_iter();
        blocks.map_init(|| self.start.clone(), |state, at| block(at, state)).collect()
    }

    /// Counts of `count` shots.
    pub(crate) fn counts(&self, count: usize) -> Result<Counts> {
        readout::check_shots(count)?;
        let width = self.program.outputs.len();
        let empty = Counts::new(width)?;
        let parts = self.fold(
            count,
            || empty.clone(),
            |counts, state, bits, rng| counts.add(result(self.program, state, bits, rng), 1),
        );
        let mut counts = empty;
        parts.iter().try_for_each(|part| counts.merge(part))?;
        Ok(counts)
    }

    fn steps(&self, steps: &[Step<T>], state: &mut PureState<T>, bits: &mut u128, rng: &mut ChaCha8Rng) {
        for step in steps {
            match step {
                Step::Fixed(..) | Step::Gate(_) | Step::Unitary { .. } => {
                    branch::apply(step, &self.bindings, &mut state.amplitudes);
                }
                Step::Kraus(kraus) => jump(kraus, &mut state.amplitudes, rng),
                Step::Measure { qubit, bit, confusion, .. } => {
                    let outcome = measure(state, *qubit, rng);
                    let recorded = record(outcome, [confusion.p1_given_0, confusion.p0_given_1], rng);
                    *bits = *bits & !(1 << bit) | u128::from(recorded) << bit;
                }
                Step::Reset { qubit, flip } => {
                    if measure(state, *qubit, rng) {
                        flip.apply(&Form::Exchange(0, 1), &mut state.amplitudes);
                    }
                }
                Step::If { bit, value, body, .. } => {
                    if (*bits >> bit & 1 == 1) == *value {
                        self.steps(body, state, bits, rng);
                    }
                }
            }
        }
    }
}

/// The result of a shot: the last readouts are drawn from its final state.
pub(crate) fn result<T: Precision>(
    program: &Program<T>,
    state: &PureState<T>,
    mut bits: u128,
    rng: &mut ChaCha8Rng,
) -> u128 {
    if !program.readouts.is_empty() {
        let basis = draw_basis(&state.amplitudes, rng);
        for readout in &program.readouts {
            let outcome = basis >> readout.qubit & 1 == 1;
            let confusion = readout.confusion.unwrap_or_default();
            let recorded = record(outcome, [confusion.p1_given_0, confusion.p0_given_1], rng);
            bits = bits & !(1 << readout.bit) | u128::from(recorded) << readout.bit;
        }
    }
    let outputs = program.outputs.iter().enumerate();
    outputs.fold(0, |result, (to, bit)| result | (bits >> bit & 1) << to)
}

fn measure<T: Precision>(state: &mut PureState<T>, qubit: usize, rng: &mut ChaCha8Rng) -> bool {
    let one = state.excited(qubit);
    let drawn = rng.random::<f64>() < one;
    // an outcome that only rounding makes possible is not drawn
    let outcome = if one < T::NEGLIGIBLE {
        false
    } else if one > 1.0 - T::NEGLIGIBLE {
        true
    } else {
        drawn
    };
    state.collapse(qubit, outcome, if outcome { one } else { 1.0 - one });
    outcome
}

/// The bit that is read for an outcome, given the probabilities to misread 0 and 1.
pub(crate) fn record(outcome: bool, wrong: [f64; 2], rng: &mut ChaCha8Rng) -> bool {
    let wrong = wrong[usize::from(outcome)];
    outcome != (wrong > 0.0 && rng.random::<f64>() < wrong)
}

/// Draws one of the alternatives of a channel with its probability and applies it.
fn jump<T: Precision>(kraus: &Kraus<T>, amplitudes: &mut [Complex<T>], rng: &mut ChaCha8Rng) {
    let drawn = rng.random::<f64>();
    let chosen = if let Some(list) = &kraus.probabilities {
        pick(list, drawn)
    } else {
        let reduced = kraus.layout.reduced(amplitudes);
        let d = kraus.layout.dimension();
        // Tr[effect reduced]
        let trace = |effect: &Vec<C64>| -> f64 {
            (0..d * d).map(|at| (effect[at] * reduced[at % d * d + at / d]).re).sum()
        };
        pick(&kraus.effects.iter().map(|effect| trace(effect).max(0.0)).collect::<Vec<_>>(), drawn)
    };
    kraus.layout.apply(&kraus.operators[chosen], amplitudes);
    if kraus.probabilities.is_none() {
        let norm: f64 = super::kernel::sum(amplitudes.len(), |range| {
            amplitudes[range].iter().map(|a| a.norm_sqr().widen()).sum()
        });
        let scale = T::narrow(1.0 / norm.sqrt());
        for a in amplitudes {
            *a *= scale;
        }
    }
}

/// The alternative on which a uniform number falls.
pub(crate) fn pick(weights: &[f64], drawn: f64) -> usize {
    let mut left = drawn * weights.iter().sum::<f64>();
    let mut last = 0;
    for (at, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        last = at;
        if left < *weight {
            break;
        }
        left -= weight;
    }
    last
}

/// A basis state drawn from a state vector.
fn draw_basis<T: Precision, R: Rng>(amplitudes: &[Complex<T>], rng: &mut R) -> usize {
    let mut left = rng.random::<f64>();
    let mut last = 0;
    for (j, amplitude) in amplitudes.iter().enumerate() {
        let p = amplitude.norm_sqr().widen();
        if p > 0.0 {
            last = j;
            if left < p {
                break;
            }
            left -= p;
        }
    }
    last
}
