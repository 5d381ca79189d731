//! Small matrices on groups of slots, the same in all lanes or not.

use super::super::sweep::vector::Lanes;
use super::places::Places;
use super::slots::{Amplitude, Slots, plus_product, times};
use crate::C64;

// SAFETY (of all blocks): the promise of `Slots`
impl<V: Lanes<Real = f64>> Slots<V> {
    /// Multiplies each group by a matrix; `old` has two vectors a row.
    #[inline(always)]
    pub(super) unsafe fn multiply(self, places: &Places, matrix: &[C64], old: *mut f64) {
        unsafe {
            match places.dimension() {
                2 => self.multiply_small::<2, 4>(places, |at| number(matrix[at])),
                4 => self.multiply_small::<4, 16>(places, |at| number(matrix[at])),
                _ => self.multiply_any(places, |at| number(matrix[at]), old),
            }
        }
    }

    /// Multiplies each group by a matrix that differs from lane to lane.
    #[inline(always)]
    pub(super) unsafe fn multiply_lanes(self, places: &Places, matrix: Self, old: *mut f64) {
        unsafe {
            match places.dimension() {
                2 => self.multiply_small::<2, 4>(places, |at| matrix.read(at)),
                4 => self.multiply_small::<4, 16>(places, |at| matrix.read(at)),
                _ => self.multiply_any(places, |at| matrix.read(at), old),
            }
        }
    }

    #[inline(always)]
    unsafe fn multiply_small<const D: usize, const ENTRIES: usize>(
        self,
        places: &Places,
        entry: impl Fn(usize) -> Amplitude<V>,
    ) {
        unsafe {
            let zero = (V::splat(0.0), V::splat(0.0));
            let mut matrix = [zero; ENTRIES];
            for (at, to) in matrix.iter_mut().enumerate() {
                *to = entry(at);
            }
            for base in &places.bases {
                let mut old = [zero; D];
                for (to, offset) in old.iter_mut().zip(&places.offsets) {
                    *to = self.read(usize::from(base ^ offset));
                }
                for (row, offset) in places.offsets.iter().enumerate().take(D) {
                    let mut sum = times(matrix[row * D], old[0]);
                    for column in 1..D {
                        sum = plus_product(sum, matrix[row * D + column], old[column]);
                    }
                    self.write(usize::from(base ^ offset), sum);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn multiply_any(self, places: &Places, entry: impl Fn(usize) -> Amplitude<V>, old: *mut f64) {
        unsafe {
            let size = places.dimension();
            let old = Self::new(old, size);
            for base in &places.bases {
                for (row, offset) in places.offsets.iter().enumerate() {
                    old.write(row, self.read(usize::from(base ^ offset)));
                }
                for (row, offset) in places.offsets.iter().enumerate() {
                    let mut sum = (V::splat(0.0), V::splat(0.0));
                    for column in 0..size {
                        sum = plus_product(sum, entry(row * size + column), old.read(column));
                    }
                    self.write(usize::from(base ^ offset), sum);
                }
            }
        }
    }

    /// As [`Self::multiply`], in the lanes where `on` is 1; `off` is the opposite.
    #[inline(always)]
    pub(super) unsafe fn multiply_where(
        self,
        places: &Places,
        matrix: &[C64],
        (on, off): (V, V),
        old: *mut f64,
    ) {
        unsafe {
            let size = places.dimension();
            let identity = |at: usize| if at.is_multiple_of(size + 1) { off } else { V::splat(0.0) };
            let entry = |at: usize| {
                let (re, im) = number(matrix[at]);
                (on.mul_add(re, identity(at)), on.mul(im))
            };
            self.multiply_any(places, entry, old);
        }
    }

    /// Multiplies each group by a diagonal.
    #[inline(always)]
    pub(super) unsafe fn multiply_diagonal(self, places: &Places, factors: &[C64]) {
        unsafe {
            for (factor, offset) in factors.iter().zip(&places.offsets) {
                if *factor == C64::ONE {
                    continue;
                }
                let by = number(*factor);
                for base in &places.bases {
                    let slot = usize::from(base ^ offset);
                    self.write(slot, times(self.read(slot), by));
                }
            }
        }
    }

    /// Exchanges two rows of each group.
    #[inline(always)]
    pub(super) unsafe fn exchange_rows(self, places: &Places, a: usize, b: usize) {
        unsafe {
            let (a, b) = (places.offsets[a], places.offsets[b]);
            for base in &places.bases {
                let (a, b) = (usize::from(base ^ a), usize::from(base ^ b));
                let (old_a, old_b) = (self.read(a), self.read(b));
                self.write(a, old_b);
                self.write(b, old_a);
            }
        }
    }

    /// Writes the lower half of the density matrix of the places in each lane, row by row, to `reduced`.
    #[inline(always)]
    pub(super) unsafe fn reduce(self, places: &Places, reduced: Self) {
        unsafe {
            let size = places.dimension();
            for row in 0..size {
                for column in 0..=row {
                    let mut sum = (V::splat(0.0), V::splat(0.0));
                    for base in &places.bases {
                        let (re, im) = self.read(usize::from(base ^ places.offsets[row]));
                        let (other_re, other_im) = self.read(usize::from(base ^ places.offsets[column]));
                        let conjugate = (other_re, V::splat(0.0).sub(other_im));
                        sum = plus_product(sum, (re, im), conjugate);
                    }
                    reduced.write(row * size + column, sum);
                }
            }
        }
    }

    /// The squared norm in each lane.
    #[inline(always)]
    pub(super) unsafe fn norm(self) -> V {
        unsafe {
            let mut sum = V::splat(0.0);
            for slot in 0..self.count {
                let (re, im) = self.read(slot);
                sum = re.mul_add(re, im.mul_add(im, sum));
            }
            sum
        }
    }
}

/// The same number in all lanes.
#[inline(always)]
unsafe fn number<V: Lanes<Real = f64>>(value: C64) -> Amplitude<V> {
    unsafe { (V::splat(value.re), V::splat(value.im)) }
}
