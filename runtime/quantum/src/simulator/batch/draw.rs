//! Running trajectories, one a lane, each with its own random numbers.

use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

use super::super::precision::Precision;
use super::super::pure::PureState;
use super::super::shot::{BLOCK, pick, record};
use super::super::sweep::vector::{Dispatch, Kernel, Lanes, Level};
use super::places::Places;
use super::scratch::{MAX_LANES, Scratch};
use super::slots::Slots;
use super::trajectory::{Step, Trajectory};
use super::unravel::{Action, Alternatives, Kind};
use crate::simulator::memory;
use crate::{C64, Result};

/// A circuit with its parameters bound and the part that needs no chance done.
#[derive(Debug)]
pub(in crate::simulator) struct Walks<'a> {
    trajectory: &'a Trajectory,
    actions: Vec<Action>,
    /// The state after the steps that need no chance.
    start: PureState<f64>,
    seed: u64,
    level: Level,
}

impl<'a> Walks<'a> {
    pub(in crate::simulator) fn new(trajectory: &'a Trajectory, values: &[f64], seed: u64) -> Result<Self> {
        Self::with(trajectory, values, seed, Level::best())
    }

    pub(super) fn with(trajectory: &'a Trajectory, values: &[f64], seed: u64, level: Level) -> Result<Self> {
        let actions = trajectory.bind(values)?;
        let start = PureState::zero(trajectory.width)?;
        let bytes = Scratch::bytes(vectors(trajectory)).saturating_mul(rayon::current_num_threads() as u64);
        memory::check(trajectory.width, bytes)?;
        let mut walks = Self { trajectory, actions, start, seed, level };
        let mut state = walks.start.clone();
        let mut scratch = Scratch::new(vectors(trajectory));
        walks.block(0..trajectory.certain(), 0..1, &mut state, &mut scratch, &mut |_, _, _| {});
        walks.start = state;
        Ok(walks)
    }

    /// Folds all trajectories of `0..count` in blocks of a fixed size; the parts are in order.
    pub(in crate::simulator) fn fold<A: Send>(
        &self,
        count: usize,
        new: impl Fn() -> A + Sync,
        add: impl Fn(&mut A, &mut PureState<f64>, u128, &mut ChaCha8Rng) + Sync,
    ) -> Vec<A> {
        let steps = self.trajectory.certain()..self.trajectory.steps.len();
        let block = |at: usize, (state, scratch): &mut (PureState<f64>, Scratch)| {
            let mut part = new();
            let shots = at * BLOCK..((at + 1) * BLOCK).min(count);
            self.block(steps.clone(), shots, state, scratch, &mut |state, bits, rng| {
                add(&mut part, state, bits, rng);
            });
            part
        };
        let room = || (self.start.clone(), Scratch::new(vectors(self.trajectory)));
        (0..count.div_ceil(BLOCK)).into_par_iter().map_init(room, |room, at| block(at, room)).collect()
    }

    fn block(
        &self,
        steps: Range<usize>,
        shots: Range<usize>,
        state: &mut PureState<f64>,
        scratch: &mut Scratch,
        visit: &mut Visit<'_>,
    ) {
        // SAFETY: the scratch is that of this trajectory
        unsafe { f64::run(self.level, Block { walks: self, steps, shots, state, scratch, visit }) }
    }
}

/// Vectors that a run needs: the state, matrices that differ from lane to lane, and a column of the largest.
fn vectors(trajectory: &Trajectory) -> usize {
    let (shared, own) = trajectory.largest();
    2 * (1 << trajectory.width) + 4 * own * own + 2 * shared.max(own)
}

/// What is done with the state, the bits and the random numbers at the end of a trajectory.
type Visit<'a> = dyn FnMut(&mut PureState<f64>, u128, &mut ChaCha8Rng) + 'a;

/// Some trajectories.
struct Block<'a> {
    walks: &'a Walks<'a>,
    steps: Range<usize>,
    shots: Range<usize>,
    state: &'a mut PureState<f64>,
    scratch: &'a mut Scratch,
    /// Sees the end of each; not generic, so that the steps are compiled once for each kind of vector.
    visit: &'a mut Visit<'a>,
}

impl Kernel<f64> for Block<'_> {
    type Output = ();

    /// # Safety
    /// The scratch was made for this trajectory.
    #[inline(always)]
    unsafe fn run<V: Lanes<Real = f64>>(self) {
        let (walks, count) = (self.walks, self.state.as_slice().len());
        let (shared, own) = walks.trajectory.largest();
        let start = self.scratch.pointer();
        // SAFETY (of all blocks): the parts lie in the scratch one after the other
        let mut lanes = unsafe {
            let after = start.add(2 * count * V::LANES);
            let reduced = after.add(2 * own * own * V::LANES);
            let old = reduced.add(2 * own * own * V::LANES);
            debug_assert!(shared.max(own) * 2 + 4 * own * own + 2 * count <= vectors(walks.trajectory));
            Group::<V> {
                psi: Slots::new(start, count),
                matrix: Slots::new(after, own * own),
                reduced: Slots::new(reduced, own * own),
                old,
                rngs: Vec::with_capacity(V::LANES),
                bits: [0; MAX_LANES],
                active: [true; MAX_LANES],
            }
        };
        let seeded = ChaCha8Rng::seed_from_u64(walks.seed);
        for first in self.shots.clone().step_by(V::LANES) {
            lanes.rngs.clear();
            lanes.rngs.extend((first..first + V::LANES).map(|index| {
                let mut rng = seeded.clone();
                rng.set_stream(index as u64);
                rng
            }));
            lanes.bits = [0; MAX_LANES];
            unsafe {
                for (slot, amplitude) in walks.start.as_slice().iter().enumerate() {
                    lanes.psi.write(slot, (V::splat(amplitude.re), V::splat(amplitude.im)));
                }
                lanes.steps(walks, self.steps.clone());
                let mut norms = [0.0; MAX_LANES];
                lanes.psi.norm().store(norms.as_mut_ptr());
                let kept = V::LANES.min(self.shots.end - first);
                for (lane, norm) in norms.iter().enumerate().take(kept) {
                    let scale = 1.0 / norm.sqrt();
                    for (slot, amplitude) in self.state.amplitudes.iter_mut().enumerate() {
                        let place = start.add(2 * slot * V::LANES + lane);
                        *amplitude = C64::new(*place * scale, *place.add(V::LANES) * scale);
                    }
                    (self.visit)(self.state, lanes.bits[lane], &mut lanes.rngs[lane]);
                }
            }
        }
    }
}

/// The trajectories of one vector.
struct Group<V> {
    psi: Slots<V>,
    matrix: Slots<V>,
    reduced: Slots<V>,
    old: *mut f64,
    rngs: Vec<ChaCha8Rng>,
    bits: [u128; MAX_LANES],
    /// The lanes that take part: those whose conditions hold.
    active: [bool; MAX_LANES],
}

// SAFETY (of all blocks): the promise of `Slots`
impl<V: Lanes<Real = f64>> Group<V> {
    #[inline(always)]
    unsafe fn steps(&mut self, walks: &Walks<'_>, steps: Range<usize>) {
        let trajectory = walks.trajectory;
        let places = |at: &usize| &trajectory.places[*at];
        let mut outer = Vec::new();
        let mut at = steps.start;
        while at < steps.end {
            // SAFETY: as the caller's
            unsafe {
                match &trajectory.steps[at] {
                    Step::Gate { places: at, action } => self.gate(places(at), action),
                    Step::Parametrised { places: at, slot, .. } => {
                        self.gate(places(at), &walks.actions[*slot]);
                    }
                    Step::Channel { places: at, alternatives } => {
                        self.channel(places(at), &trajectory.alternatives[*alternatives]);
                    }
                    Step::Measure { places: at, bit, wrong } => {
                        let outcomes = self.measure(places(at), false);
                        for (lane, outcome) in outcomes.into_iter().enumerate().take(V::LANES) {
                            if self.active[lane] {
                                let read = record(outcome, *wrong, &mut self.rngs[lane]);
                                self.bits[lane] = self.bits[lane] & !(1 << bit) | u128::from(read) << bit;
                            }
                        }
                    }
                    Step::Reset { places: at } => {
                        self.measure(places(at), true);
                    }
                    Step::If { bit, value, end } => {
                        outer.push(self.active);
                        for (active, bits) in self.active.iter_mut().zip(&self.bits) {
                            *active &= (bits >> bit & 1 == 1) == *value;
                        }
                        if !self.active[..V::LANES].contains(&true) {
                            at = *end;
                            continue;
                        }
                    }
                    Step::End => self.active = outer.pop().unwrap_or([true; MAX_LANES]), // each ends an `if`
                }
            }
            at += 1;
        }
    }

    fn all_active(&self) -> bool {
        !self.active[..V::LANES].contains(&false)
    }

    /// What is the same in all lanes, or in those that are active.
    #[inline(always)]
    unsafe fn gate(&mut self, places: &Places, action: &Action) {
        unsafe {
            if !self.all_active() {
                let mut masks = [[0.0; MAX_LANES]; 2];
                for (lane, active) in self.active.iter().enumerate() {
                    masks[usize::from(!active)][lane] = 1.0;
                }
                let masks = (V::load(masks[0].as_ptr()), V::load(masks[1].as_ptr()));
                self.psi.multiply_where(places, &action.entries, masks, self.old);
                return;
            }
            match &action.kind {
                Kind::Nothing => {}
                Kind::Diagonal(factors) => self.psi.multiply_diagonal(places, factors),
                Kind::Exchange(a, b) => self.psi.exchange_rows(places, *a, *b),
                Kind::Dense => self.psi.multiply(places, &action.entries, self.old),
            }
        }
    }

    /// Draws one alternative a lane.
    #[inline(always)]
    unsafe fn channel(&mut self, places: &Places, alternatives: &Alternatives) {
        let mut drawn = [0.0; MAX_LANES];
        for (lane, rng) in self.rngs.iter_mut().enumerate() {
            if self.active[lane] {
                drawn[lane] = rng.random::<f64>();
            }
        }
        // a lane that is not active draws 0, which is below the floor or does not matter
        if drawn[..V::LANES].iter().all(|drawn| *drawn < alternatives.floor) {
            // SAFETY: as the caller's
            unsafe { self.gate(places, &alternatives.first) };
        } else {
            // SAFETY: as the caller's
            unsafe { self.jump(places, alternatives, &drawn) };
        }
    }

    /// Applies to each lane the alternative that its number falls on. Rare, and so kept out of the loop over the steps.
    #[inline(always)]
    unsafe fn jump(&mut self, places: &Places, alternatives: &Alternatives, drawn: &[f64; MAX_LANES]) {
        let size = places.dimension();
        if alternatives.probabilities.is_none() {
            // SAFETY: as the caller's
            unsafe { self.psi.reduce(places, self.reduced) };
        }
        let identity = |at: usize| C64::from(f64::from(u8::from(at.is_multiple_of(size + 1))));
        for (lane, drawn) in drawn.iter().enumerate().take(V::LANES) {
            if !self.active[lane] {
                self.enter(lane, (0..size * size).map(identity));
                continue;
            }
            if *drawn < alternatives.floor {
                self.enter(lane, alternatives.first.entries.iter().copied());
                continue;
            }
            let own;
            let weights = if let Some(list) = &alternatives.probabilities {
                list
            } else {
                own = self.weights(alternatives, size, lane);
                &own
            };
            let chosen = pick(weights, *drawn);
            let scale = 1.0 / weights[chosen].max(f64::MIN_POSITIVE).sqrt();
            let operator = &alternatives.list[chosen].operator;
            self.enter(lane, operator.iter().map(|entry| entry * scale));
        }
        // SAFETY: as the caller's
        unsafe { self.psi.multiply_lanes(places, self.matrix, self.old) };
    }

    /// Writes the matrix of one lane.
    fn enter(&mut self, lane: usize, entries: impl Iterator<Item = C64>) {
        for (at, entry) in entries.enumerate() {
            // SAFETY: the matrices have the size of the largest channel, and there are `LANES` lanes
            unsafe {
                let place = self.matrix.start.add(2 * at * V::LANES + lane);
                *place = entry.re;
                *place.add(V::LANES) = entry.im;
            }
        }
    }

    /// An entry of the lower half of the density matrix of one lane.
    fn density(&self, size: usize, row: usize, column: usize, lane: usize) -> C64 {
        // SAFETY: as `enter`
        unsafe {
            let place = self.reduced.start.add(2 * (row * size + column) * V::LANES + lane);
            C64::new(*place, *place.add(V::LANES))
        }
    }

    /// `Tr[effect rho]` of each alternative in one lane.
    fn weights(&self, alternatives: &Alternatives, size: usize, lane: usize) -> Vec<f64> {
        let weight = |effect: &[C64]| {
            let mut sum = 0.0;
            for row in 0..size {
                for column in 0..row {
                    sum += 2.0 * (effect[column * size + row] * self.density(size, row, column, lane)).re;
                }
                sum += effect[row * (size + 1)].re * self.density(size, row, row, lane).re;
            }
            sum.max(0.0)
        };
        alternatives.list.iter().map(|alternative| weight(&alternative.effect)).collect()
    }

    /// Measures a qubit in the active lanes, and resets it to 0 where that is asked for.
    #[inline(always)]
    unsafe fn measure(&mut self, places: &Places, reset: bool) -> [bool; MAX_LANES] {
        // SAFETY: as the caller's
        unsafe { self.psi.reduce(places, self.reduced) };
        let mut outcomes = [false; MAX_LANES];
        for (lane, to) in outcomes.iter_mut().enumerate().take(V::LANES) {
            if !self.active[lane] {
                self.enter(lane, [C64::ONE, C64::ZERO, C64::ZERO, C64::ONE].into_iter());
                continue;
            }
            let weights = [0, 1].map(|k| self.density(2, k, k, lane).re);
            let one = weights[1] / (weights[0] + weights[1]);
            let drawn = self.rngs[lane].random::<f64>() < one;
            // an outcome that only rounding makes possible is not drawn
            let outcome = if one < f64::NEGLIGIBLE { false } else { one > 1.0 - f64::NEGLIGIBLE || drawn };
            *to = outcome;
            let mut matrix = [C64::ZERO; 4];
            let row = usize::from(outcome && !reset);
            matrix[2 * row + usize::from(outcome)] = C64::from(1.0 / weights[usize::from(outcome)].sqrt());
            self.enter(lane, matrix.into_iter());
        }
        // SAFETY: as the caller's
        unsafe { self.psi.multiply_lanes(places, self.matrix, self.old) };
        outcomes
    }
}
