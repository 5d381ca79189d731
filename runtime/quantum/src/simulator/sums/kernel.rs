//! The inner loops: overlaps, products and transforms of one block, in vectors of the processor.
#![allow(unsafe_code)] // vector instructions
#![allow(clippy::inline_always)] // what runs inside a function with vector instructions must be part of it

use num_complex::Complex;

use super::super::precision::Precision;
use super::super::sweep::vector::{Kernel, Lanes, Level};
use super::function::MARGIN;

/// Vectors that are summed independently of each other, so that none waits for the sum before it.
const CHAINS: usize = 4;

/// Amplitudes of the smallest block: those of two of the widest vectors.
pub(super) const SMALLEST: usize = 16;

/// What a group of products that flip the same bits multiplies amplitudes by, in one block: real and imaginary parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Factors<'a, T> {
    /// The bits that are flipped within the block.
    pub(super) flip: usize,
    pub(super) real: Option<&'a [T]>,
    pub(super) imaginary: Option<&'a [T]>,
}

/// `Re sum_j conj(left[j ^ flip]) f(j) right[j]`; if both are the same block, so that `f(j ^ flip)` is the conjugate of
/// `f(j)`, over half of it only where that is cheaper.
pub(super) fn overlap<T: Precision>(
    left: &[Complex<T>],
    right: &[Complex<T>],
    factors: Factors<'_, T>,
    level: Level,
) -> f64 {
    check(left, right, &factors);
    // SAFETY: the slices are blocks of the same size, and tables as long as they are
    unsafe { T::run(level, Overlap { left, right, factors }) }
}

/// Adds `conj(f(j)) from[j ^ flip]` to `to[j]`.
pub(super) fn accumulate<T: Precision>(
    from: &[Complex<T>],
    to: &mut [Complex<T>],
    factors: Factors<'_, T>,
    level: Level,
) {
    check(from, to, &factors);
    // SAFETY: the slices are blocks of the same size, and tables as long as they are
    unsafe { T::run(level, Accumulate { from, to, factors }) }
}

/// `Re <left|right>`.
pub(super) fn inner<T: Precision>(left: &[Complex<T>], right: &[Complex<T>], level: Level) -> f64 {
    check(left, right, &Factors { flip: 0, real: None, imaginary: None });
    // SAFETY: the slices are blocks of the same size
    unsafe { T::run(level, Inner { left, right }) }
}

/// Replaces coefficients by the sums of them with the signs `(-1)^|k & j|`.
pub(super) fn walsh_hadamard<T: Precision>(table: &mut [T], level: Level) {
    assert!(table.len().is_power_of_two() && table.len() >= SMALLEST);
    // SAFETY: the table consists of whole vectors
    unsafe { T::run(level, Walsh(table)) }
}

fn check<T>(a: &[Complex<T>], b: &[Complex<T>], factors: &Factors<'_, T>) {
    let size = a.len();
    assert!(size.is_power_of_two() && size >= SMALLEST && b.len() == size && factors.flip < size);
    let tables = [factors.real, factors.imaginary];
    assert!(tables.into_iter().flatten().all(|table| table.len() >= size + MARGIN));
}

/// How a flip acts on vectors.
struct Flip<V: Lanes> {
    /// The bits of the number of the vector.
    vectors: usize,
    /// Where each lane comes from.
    lanes: V::Index,
    /// Whether lanes change place.
    moves: bool,
}

impl<V: Lanes> Flip<V> {
    #[inline(always)]
    unsafe fn new(flip: usize) -> Self {
        let (vectors, inside) = (flip / (V::LANES / 2), flip % (V::LANES / 2));
        // SAFETY: as the caller's
        let lanes = unsafe { V::index(|k| k ^ (2 * inside)) };
        Self { vectors, lanes, moves: inside != 0 }
    }

    /// The vector that takes the place of one.
    #[inline(always)]
    unsafe fn load<const MOVES: bool>(&self, from: *const V::Real, number: usize) -> V {
        // SAFETY: as the caller's
        unsafe {
            let v = V::load(from.add((number ^ self.vectors) * V::LANES));
            if MOVES { v.permute(self.lanes) } else { v }
        }
    }
}

/// The values of a table for the amplitudes of a vector, each twice.
#[inline(always)]
unsafe fn doubled<V: Lanes>(table: *const V::Real, number: usize, twice: V::Index) -> V {
    // SAFETY: as the caller's; a table goes on for a vector after its end
    unsafe { V::load(table.add(number * (V::LANES / 2))).permute(twice) }
}

/// The sums of the even and of the odd lanes.
#[inline(always)]
unsafe fn halves<T: Precision, V: Lanes<Real = T>>(chains: [V; CHAINS]) -> [f64; 2] {
    let mut sums = [0.0; 2];
    for chain in chains {
        let mut lanes = [T::zero(); 16];
        // SAFETY: no vector has more lanes
        unsafe { chain.store(lanes.as_mut_ptr()) };
        lanes[..V::LANES].iter().enumerate().for_each(|(k, lane)| sums[k % 2] += lane.widen());
    }
    sums
}

struct Overlap<'a, T> {
    left: &'a [Complex<T>],
    right: &'a [Complex<T>],
    factors: Factors<'a, T>,
}

impl<T: Precision> Kernel<T> for Overlap<'_, T> {
    type Output = f64;

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = T>>(self) -> f64 {
        // SAFETY: as the caller's
        unsafe {
            let flip = Flip::<V>::new(self.factors.flip);
            match (flip.moves, self.factors.real, self.factors.imaginary) {
                (false, Some(real), None) => self.sum::<V, false, true, false>(&flip, real, &[]),
                (false, None, Some(imaginary)) => self.sum::<V, false, false, true>(&flip, &[], imaginary),
                (false, Some(real), Some(imaginary)) => {
                    self.sum::<V, false, true, true>(&flip, real, imaginary)
                }
                (true, Some(real), None) => self.sum::<V, true, true, false>(&flip, real, &[]),
                (true, None, Some(imaginary)) => self.sum::<V, true, false, true>(&flip, &[], imaginary),
                (true, Some(real), Some(imaginary)) => {
                    self.sum::<V, true, true, true>(&flip, real, imaginary)
                }
                (_, None, None) => 0.0,
            }
        }
    }
}

impl<T: Precision> Overlap<'_, T> {
    #[inline(always)]
    unsafe fn sum<V: Lanes<Real = T>, const MOVES: bool, const REAL: bool, const IMAGINARY: bool>(
        &self,
        flip: &Flip<V>,
        real: &[T],
        imaginary: &[T],
    ) -> f64 {
        let vectors = 2 * self.right.len() / V::LANES;
        // the pair j, j ^ flip gives a number and its conjugate: the one without the highest flipped bit is enough
        let is_halved = std::ptr::eq(self.left, self.right) && flip.vectors != 0;
        let (count, below) = if is_halved {
            (vectors / 2, (1_usize << flip.vectors.ilog2()) - 1)
        } else {
            (vectors, usize::MAX)
        };
        let (left, right) = (self.left.as_ptr().cast::<T>(), self.right.as_ptr().cast::<T>());
        // SAFETY: as the caller's
        unsafe {
            let twice = V::index(|k| k / 2);
            let (mut even, mut odd) = ([V::splat(T::zero()); CHAINS], [V::splat(T::zero()); CHAINS]);
            let mut step = |number: usize, chain: usize| {
                let at = number + (number & !below);
                let (v, w) = (V::load(right.add(at * V::LANES)), flip.load::<MOVES>(left, at));
                if REAL {
                    let factor = doubled::<V>(real.as_ptr(), at, twice);
                    even[chain] = v.mul(w).mul_add(factor, even[chain]);
                }
                if IMAGINARY {
                    // Re(conj(w) i v) = w.im v.re - w.re v.im: odd lanes less even ones
                    let factor = doubled::<V>(imaginary.as_ptr(), at, twice);
                    odd[chain] = v.exchange().mul(w).mul_add(factor, odd[chain]);
                }
            };
            let mut number = 0;
            while number + CHAINS <= count {
                step(number, 0);
                step(number + 1, 1);
                step(number + 2, 2);
                step(number + 3, 3);
                number += CHAINS;
            }
            while number < count {
                step(number, 0);
                number += 1;
            }
            let ([a, b], [c, d]) = (halves(even), halves(odd));
            let sum = a + b + d - c;
            if is_halved { 2.0 * sum } else { sum }
        }
    }
}

struct Accumulate<'a, T> {
    from: &'a [Complex<T>],
    to: &'a mut [Complex<T>],
    factors: Factors<'a, T>,
}

impl<T: Precision> Kernel<T> for Accumulate<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = T>>(mut self) {
        // SAFETY: as the caller's
        unsafe {
            let flip = Flip::<V>::new(self.factors.flip);
            if let Some(real) = self.factors.real {
                if flip.moves {
                    self.add::<V, true, false>(&flip, real);
                } else {
                    self.add::<V, false, false>(&flip, real);
                }
            }
            if let Some(imaginary) = self.factors.imaginary {
                if flip.moves {
                    self.add::<V, true, true>(&flip, imaginary);
                } else {
                    self.add::<V, false, true>(&flip, imaginary);
                }
            }
        }
    }
}

impl<T: Precision> Accumulate<'_, T> {
    #[inline(always)]
    unsafe fn add<V: Lanes<Real = T>, const MOVES: bool, const IMAGINARY: bool>(
        &mut self,
        flip: &Flip<V>,
        table: &[T],
    ) {
        let (from, to) = (self.from.as_ptr().cast::<T>(), self.to.as_mut_ptr().cast::<T>());
        // SAFETY: as the caller's
        unsafe {
            let twice = V::index(|k| k / 2);
            let alternating: [T; 16] = std::array::from_fn(|k| if k % 2 == 0 { T::one() } else { -T::one() });
            let alternating = V::load(alternating.as_ptr());
            for number in 0..2 * self.from.len() / V::LANES {
                let place = to.add(number * V::LANES);
                let (v, factor) =
                    (flip.load::<MOVES>(from, number), doubled::<V>(table.as_ptr(), number, twice));
                let sum = if IMAGINARY {
                    // -i v = v.im - i v.re
                    v.exchange().mul_add(factor.mul(alternating), V::load(place))
                } else {
                    v.mul_add(factor, V::load(place))
                };
                sum.store(place);
            }
        }
    }
}

struct Inner<'a, T> {
    left: &'a [Complex<T>],
    right: &'a [Complex<T>],
}

impl<T: Precision> Kernel<T> for Inner<'_, T> {
    type Output = f64;

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = T>>(self) -> f64 {
        let (left, right) = (self.left.as_ptr().cast::<T>(), self.right.as_ptr().cast::<T>());
        // SAFETY: as the caller's
        unsafe {
            let mut sums = [V::splat(T::zero()); CHAINS];
            for number in 0..2 * self.left.len() / V::LANES {
                let at = number * V::LANES;
                let sum = &mut sums[number % CHAINS];
                *sum = V::load(left.add(at)).mul_add(V::load(right.add(at)), *sum);
            }
            halves(sums).iter().sum()
        }
    }
}

struct Walsh<'a, T>(&'a mut [T]);

impl<T: Precision> Kernel<T> for Walsh<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = T>>(self) {
        let (start, vectors) = (self.0.as_mut_ptr(), self.0.len() / V::LANES);
        // SAFETY: as the caller's; each pass takes the vectors of the table once
        unsafe {
            // a first pass within vectors, too; the others between vectors only
            let mut done = match vectors {
                1 => pass::<T, V, 1, true>(start, vectors, 1),
                2 => pass::<T, V, 2, true>(start, vectors, 1),
                4 => pass::<T, V, 4, true>(start, vectors, 1),
                _ => pass::<T, V, 8, true>(start, vectors, 1),
            };
            while done < vectors {
                done = match vectors / done {
                    2 => pass::<T, V, 2, false>(start, vectors, done),
                    4 => pass::<T, V, 4, false>(start, vectors, done),
                    16 if V::TILE >= 16 => pass::<T, V, 16, false>(start, vectors, done),
                    _ => pass::<T, V, 8, false>(start, vectors, done),
                };
            }
        }
    }
}

/// The steps of the transform between `R` vectors that are `stride` apart; returns the next stride.
#[inline(always)]
unsafe fn pass<T: Precision, V: Lanes<Real = T>, const R: usize, const WITHIN: bool>(
    start: *mut T,
    vectors: usize,
    stride: usize,
) -> usize {
    // SAFETY: as the caller's
    unsafe {
        let sign = |level: usize, k: usize| {
            if k >> level & 1 == 0 { T::one() } else { -T::one() }
        };
        let signs: [[T; 16]; 4] = std::array::from_fn(|level| std::array::from_fn(|k| sign(level, k)));
        let within: [(V, V::Index); 4] = std::array::from_fn(|level| {
            (V::load(signs[level].as_ptr()), V::index(|k| (k ^ (1 << level)) & (V::LANES - 1)))
        });
        let levels = V::LANES.ilog2() as usize;
        for number in 0..vectors / R {
            let first = number + (number & !(stride - 1)) * (R - 1);
            let at = |k: usize| start.add((first + k * stride) * V::LANES);
            let mut v: [V; R] = std::array::from_fn(|k| V::load(at(k)));
            if WITHIN {
                for (signs, other) in &within[..levels] {
                    let mut k = 0;
                    while k < R {
                        v[k] = v[k].mul_add(*signs, v[k].permute(*other));
                        k += 1;
                    }
                }
            }
            let mut half = 1;
            while half < R {
                let mut k = 0;
                while k < R {
                    if k & half == 0 {
                        (v[k], v[k | half]) = (v[k].add(v[k | half]), v[k].sub(v[k | half]));
                    }
                    k += 1;
                }
                half *= 2;
            }
            let mut k = 0;
            while k < R {
                v[k].store(at(k));
                k += 1;
            }
        }
    }
    stride * R
}
