//! Running a chunk of parameter sets: forward, and back for the gradient.

use super::super::sweep::vector::{Kernel, Lanes};
use super::operation::{Operation, Operations, PHASES};
use super::scratch::{MAX_LANES, Scratch};
use super::slots::Slots;
use super::terms::Terms;

/// Parameter sets of one task. A multiple of all numbers of lanes, so that a set always shares its vector with the same
/// others.
pub(super) const CHUNK: usize = 64;

/// Vectors that a run needs: the state and coefficients of one group of lanes; with the dual state and slopes if there is
/// a gradient to take.
pub(super) fn vectors(operations: &Operations, gradient: bool) -> usize {
    let (state, angles) = (2 * operations.slots(), operations.angles.len());
    let forward = state + 2 * angles + 2 * operations.largest();
    if gradient { forward + state + angles } else { forward }
}

/// The expectations of at most [`CHUNK`] sets of parameters, and their gradients where there is room for them.
#[derive(Debug)]
pub(super) struct Chunk<'a> {
    pub(super) operations: &'a Operations,
    pub(super) terms: &'a Terms,
    /// A row a set.
    pub(super) values: &'a [f64],
    /// The parameters of a set.
    pub(super) parameters: usize,
    /// The largest angle.
    pub(super) bound: f64,
    pub(super) scratch: &'a mut Scratch,
    pub(super) expectations: &'a mut [f64],
    /// A row a set, all 0 before.
    pub(super) gradients: Option<&'a mut [f64]>,
}

impl Kernel<f64> for Chunk<'_> {
    type Output = ();

    /// # Safety
    /// The scratch was made for these operations and for gradients if they are wanted.
    #[inline(always)]
    unsafe fn run<V: Lanes<Real = f64>>(mut self) {
        let operations = self.operations;
        let (state, angles) = (2 * operations.slots() * V::LANES, operations.angles.len() * V::LANES);
        let start = self.scratch.pointer();
        for first in (0..self.expectations.len()).step_by(V::LANES) {
            // the last group repeats the last set in the lanes that are left over
            let last = self.expectations.len() - 1;
            let row = |lane: usize| {
                let at = (first + lane).min(last) * self.parameters;
                &self.values[at..at + self.parameters]
            };
            let rows: [&[f64]; MAX_LANES] = std::array::from_fn(row);
            // SAFETY: the parts lie in the scratch one after the other, a line has the room of a vector
            unsafe {
                let psi = Slots::<V>::new(start, operations.slots());
                let turns = Slots::<V>::new(start.add(state), operations.angles.len());
                let old = start.add(state + 2 * angles);
                operations.angles.evaluate::<V>(&rows[..V::LANES], self.bound, first == 0, turns.pointer());
                forward(operations, psi, turns, old);
                let expectation = if let Some(gradients) = self.gradients.as_deref_mut() {
                    let dual = start.add(state + 2 * angles + 2 * operations.largest() * V::LANES);
                    let slopes = dual.add(state);
                    self.terms.apply::<V>(psi.pointer(), dual, operations.slots());
                    let dual = Slots::<V>::new(dual, operations.slots());
                    let expectation = overlap(psi, dual, operations.slots());
                    backward(operations, psi, dual, turns, old, slopes);
                    let rows = &mut gradients[first * self.parameters..];
                    operations.angles.chain::<V>(slopes, rows, self.parameters);
                    expectation
                } else {
                    self.terms.expectation::<V>(psi.pointer())
                };
                let mut lanes = [0.0; MAX_LANES];
                expectation.store(lanes.as_mut_ptr());
                let to = &mut self.expectations[first..(last + 1).min(first + V::LANES)];
                to.copy_from_slice(&lanes[..to.len()]);
            }
        }
    }
}

/// Runs all operations from slot 0.
///
/// # Safety
/// As [`Slots`], for all of them.
#[inline(always)]
unsafe fn forward<V: Lanes<Real = f64>>(
    operations: &Operations,
    psi: Slots<V>,
    turns: Slots<V>,
    old: *mut f64,
) {
    // SAFETY: the caller's promise
    unsafe {
        psi.clear();
        for operation in &operations.list {
            match operation {
                Operation::Diagonal { phases, classes } => psi.scale(classes, &turns.factors(phases)),
                Operation::Rotate { flip, turn, signs } => psi.rotate(*flip, signs, turns.half(*turn)),
                Operation::Exchange { pairs } => psi.exchange(pairs),
                Operation::Dense(dense) => psi.multiply(&dense.places, &dense.matrix, old),
            }
        }
    }
}

/// Undoes all operations down to the first with a parameter, and writes the slopes by all angles.
///
/// # Safety
/// As [`Slots`], for all of them; `slopes` has a vector an angle.
#[inline(always)]
unsafe fn backward<V: Lanes<Real = f64>>(
    operations: &Operations,
    psi: Slots<V>,
    dual: Slots<V>,
    turns: Slots<V>,
    old: *mut f64,
    slopes: *mut f64,
) {
    // SAFETY: the caller's promise
    unsafe {
        let zero = V::splat(0.0);
        for angle in 0..operations.angles.len() {
            zero.store(slopes.add(angle * V::LANES));
        }
        for operation in operations.list[operations.first..].iter().rev() {
            match operation {
                Operation::Diagonal { phases, classes } => {
                    let mut sums = [zero; 1 << PHASES];
                    psi.scale_back(dual, classes, &turns.factors(phases), &mut sums);
                    for (k, phase) in phases.iter().enumerate().rev() {
                        // the even classes less the odd ones; then both together, without this phase
                        let mut slope = zero;
                        for class in 0..1 << k {
                            let (even, odd) = (sums[class], sums[class | 1 << k]);
                            slope = slope.add(even.sub(odd));
                            sums[class] = even.add(odd);
                        }
                        add(slopes.add(phase.turn.angle * V::LANES), slope, phase.turn.negative);
                    }
                }
                Operation::Rotate { flip, turn, signs } => {
                    let slope = psi.rotate_back(dual, *flip, signs, turns.half(*turn));
                    add(slopes.add(turn.angle * V::LANES), slope, turn.negative);
                }
                Operation::Exchange { pairs } => {
                    psi.exchange(pairs);
                    dual.exchange(pairs);
                }
                Operation::Dense(dense) => {
                    psi.multiply(&dense.places, &dense.inverse, old);
                    dual.multiply(&dense.places, &dense.inverse, old);
                }
            }
        }
    }
}

/// # Safety
/// The processor has the instructions of `V`; the pointer has room for a vector.
#[inline(always)]
unsafe fn add<V: Lanes<Real = f64>>(to: *mut f64, slope: V, negative: bool) {
    // SAFETY: the caller's promise
    unsafe {
        let sum = V::load(to);
        (if negative { sum.sub(slope) } else { sum.add(slope) }).store(to);
    }
}

/// `Re <a|b>`.
///
/// # Safety
/// As [`Slots`], for both.
#[inline(always)]
unsafe fn overlap<V: Lanes<Real = f64>>(a: Slots<V>, b: Slots<V>, slots: usize) -> V {
    // SAFETY: the caller's promise
    unsafe {
        (0..slots).fold(V::splat(0.0), |sum, slot| {
            let ((a_re, a_im), (b_re, b_im)) = (a.read(slot), b.read(slot));
            a_im.mul_add(b_im, a_re.mul_add(b_re, sum))
        })
    }
}
