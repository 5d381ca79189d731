//! The amplitudes of a group of states, one state a lane, and what operations do to them.

use std::marker::PhantomData;

use super::super::sweep::vector::Lanes;
use super::angles::Turn;
use super::operation::{Classes, PHASES, Phase, Signs, lower};

/// `(re, im)` of one amplitude in each lane.
pub(super) type Amplitude<V> = (V, V);

/// Two vectors a slot, and the half angles' sines and cosines, two vectors an angle.
///
/// # Safety
/// Of every method: the processor has the instructions of `V`, the pointer has room for what the operations name, and
/// nothing else refers to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots<V> {
    pub(super) start: *mut f64,
    pub(super) count: usize,
    lanes: PhantomData<V>,
}

/// The factors of a diagonal for each class of slots.
pub(super) type Factors<V> = [Amplitude<V>; 1 << PHASES];

impl<V: Lanes<Real = f64>> Slots<V> {
    #[inline(always)]
    pub(super) unsafe fn new(start: *mut f64, count: usize) -> Self {
        Self { start, count, lanes: PhantomData }
    }

    #[inline(always)]
    pub(super) fn pointer(self) -> *mut f64 {
        self.start
    }

    #[inline(always)]
    pub(super) unsafe fn read(self, slot: usize) -> Amplitude<V> {
        // SAFETY (here and below): the type's
        unsafe {
            let place = self.start.add(2 * slot * V::LANES);
            (V::load(place), V::load(place.add(V::LANES)))
        }
    }

    #[inline(always)]
    pub(super) unsafe fn write(self, slot: usize, (re, im): Amplitude<V>) {
        unsafe {
            let place = self.start.add(2 * slot * V::LANES);
            re.store(place);
            im.store(place.add(V::LANES));
        }
    }

    /// 1 in slot 0, 0 elsewhere.
    #[inline(always)]
    pub(super) unsafe fn clear(self) {
        unsafe {
            let (zero, one) = (V::splat(0.0), V::splat(1.0));
            for slot in 0..self.count {
                self.write(slot, (if slot == 0 { one } else { zero }, zero));
            }
        }
    }

    /// Rotates each pair.
    #[inline(always)]
    pub(super) unsafe fn rotate(self, flip: usize, signs: &Signs, (sine, cosine): (V, V)) {
        unsafe {
            let sines = [sine, V::splat(0.0).sub(sine)];
            let pivot = flip.ilog2() as usize;
            for (at, word) in signs.0.iter().enumerate() {
                let mut word = *word;
                for pair in 64 * at..(64 * at + 64).min(self.count / 2) {
                    let low = lower(pair, pivot);
                    let (a, b) = (self.read(low), self.read(low ^ flip));
                    let (new_a, new_b) = turned(a, b, sines[(word & 1) as usize], cosine);
                    self.write(low, new_a);
                    self.write(low ^ flip, new_b);
                    word >>= 1;
                }
            }
        }
    }

    /// Multiplies each slot by the factor of its class.
    #[inline(always)]
    pub(super) unsafe fn scale(self, classes: &Classes, factors: &Factors<V>) {
        unsafe {
            for (at, word) in classes.0.iter().enumerate() {
                let mut word = *word;
                for slot in 16 * at..(16 * at + 16).min(self.count) {
                    self.write(slot, times(self.read(slot), factors[(word & 15) as usize]));
                    word >>= 4;
                }
            }
        }
    }

    #[inline(always)]
    pub(super) unsafe fn exchange(self, pairs: &[(u16, u16)]) {
        unsafe {
            for (a, b) in pairs {
                let (a, b) = (usize::from(*a), usize::from(*b));
                let (old_a, old_b) = (self.read(a), self.read(b));
                self.write(a, old_b);
                self.write(b, old_a);
            }
        }
    }

    /// Undoes a rotation of both states and returns its slope: the sum of `Re(conj(dual) A psi)` over the pairs, where
    /// `A` is the derivative of the rotation by half of its angle.
    #[inline(always)]
    pub(super) unsafe fn rotate_back(
        self,
        dual: Self,
        flip: usize,
        signs: &Signs,
        (sine, cosine): (V, V),
    ) -> V {
        unsafe {
            let zero = V::splat(0.0);
            let sines = [zero.sub(sine), sine];
            let pivot = flip.ilog2() as usize;
            let mut sums = [zero, zero];
            for (at, word) in signs.0.iter().enumerate() {
                let mut word = *word;
                for pair in 64 * at..(64 * at + 64).min(self.count / 2) {
                    let (low, sign) = (lower(pair, pivot), (word & 1) as usize);
                    let (a, b) = (self.read(low), self.read(low ^ flip));
                    let (dual_a, dual_b) = (dual.read(low), dual.read(low ^ flip));
                    // conj(dual_b) a - conj(dual_a) b
                    let forth = dual_b.0.mul_add(a.0, dual_b.1.mul(a.1));
                    let both = dual_a.1.mul_sub_from(b.1, dual_a.0.mul_sub_from(b.0, forth));
                    sums[sign] = sums[sign].add(both);
                    let (new_a, new_b) = turned(a, b, sines[sign], cosine);
                    self.write(low, new_a);
                    self.write(low ^ flip, new_b);
                    let (new_a, new_b) = turned(dual_a, dual_b, sines[sign], cosine);
                    dual.write(low, new_a);
                    dual.write(low ^ flip, new_b);
                    word >>= 1;
                }
            }
            sums[0].sub(sums[1])
        }
    }

    /// Undoes phases of both states; adds `Im(conj(dual) psi)` of each slot to the sum of its class.
    #[inline(always)]
    pub(super) unsafe fn scale_back(
        self,
        dual: Self,
        classes: &Classes,
        factors: &Factors<V>,
        sums: &mut [V; 1 << PHASES],
    ) {
        unsafe {
            for (at, word) in classes.0.iter().enumerate() {
                let mut word = *word;
                for slot in 16 * at..(16 * at + 16).min(self.count) {
                    let class = (word & 15) as usize;
                    let (psi, other) = (self.read(slot), dual.read(slot));
                    let im = other.1.mul_sub_from(psi.0, other.0.mul(psi.1));
                    sums[class] = sums[class].add(im);
                    let (re, im) = factors[class];
                    let back = (re, V::splat(0.0).sub(im));
                    self.write(slot, times(psi, back));
                    dual.write(slot, times(other, back));
                    word >>= 4;
                }
            }
        }
    }

    /// The sine and the cosine of half of an angle, where the slots hold those.
    #[inline(always)]
    pub(super) unsafe fn half(self, turn: Turn) -> (V, V) {
        unsafe {
            let (sine, cosine) = self.read(turn.angle);
            (if turn.negative { V::splat(0.0).sub(sine) } else { sine }, cosine)
        }
    }

    /// The factors of all classes of a diagonal, where the slots hold sines and cosines.
    #[inline(always)]
    pub(super) unsafe fn factors(self, phases: &[Phase]) -> Factors<V> {
        unsafe {
            let zero = V::splat(0.0);
            let mut factors = [(V::splat(1.0), zero); 1 << PHASES];
            // exp(-i/2 ..) is cos - i sin where the parity is even; opposite classes are conjugates
            let Some((last, others)) = phases.split_last() else { return factors };
            let (sine, cosine) = self.half(last.turn);
            factors[0] = (cosine, zero.sub(sine));
            for (k, phase) in others.iter().enumerate() {
                let (sine, cosine) = self.half(phase.turn);
                for class in 0..1 << k {
                    let old = factors[class];
                    factors[class] = times(old, (cosine, zero.sub(sine)));
                    factors[class | 1 << k] = times(old, (cosine, sine));
                }
            }
            let half = 1 << others.len();
            for class in 0..half {
                let (re, im) = factors[half - 1 - class];
                factors[half + class] = (re, zero.sub(im));
            }
            factors
        }
    }
}

/// `[[cos, -sin], [sin, cos]] (a, b)`.
#[inline(always)]
unsafe fn turned<V: Lanes>(
    a: Amplitude<V>,
    b: Amplitude<V>,
    sine: V,
    cosine: V,
) -> (Amplitude<V>, Amplitude<V>) {
    // SAFETY (here and below): the caller has the instructions
    unsafe {
        (
            (sine.mul_sub_from(b.0, cosine.mul(a.0)), sine.mul_sub_from(b.1, cosine.mul(a.1))),
            (sine.mul_add(a.0, cosine.mul(b.0)), sine.mul_add(a.1, cosine.mul(b.1))),
        )
    }
}

/// The complex product.
#[inline(always)]
pub(super) unsafe fn times<V: Lanes>(a: Amplitude<V>, b: Amplitude<V>) -> Amplitude<V> {
    unsafe { (a.1.mul_sub_from(b.1, a.0.mul(b.0)), a.1.mul_add(b.0, a.0.mul(b.1))) }
}

/// `sum + a b`.
#[inline(always)]
pub(super) unsafe fn plus_product<V: Lanes>(
    sum: Amplitude<V>,
    a: Amplitude<V>,
    b: Amplitude<V>,
) -> Amplitude<V> {
    unsafe { (a.1.mul_sub_from(b.1, a.0.mul_add(b.0, sum.0)), a.1.mul_add(b.0, a.0.mul_add(b.1, sum.1))) }
}
