//! The different angles of a circuit: each sine is taken once.

use std::collections::HashMap;

use super::super::sweep::vector::Lanes;
use super::sincos::{LARGEST, sin_cos};
use crate::Angle;

/// An angle of the list, or its opposite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) angle: usize,
    pub(super) negative: bool,
}

/// Angles without repetition, also up to sign.
#[derive(Debug, Clone, Default)]
pub(super) struct Angles {
    list: Vec<Angle>,
    known: HashMap<Vec<u64>, usize>,
}

impl Angles {
    /// The place of an angle in the list, put there if it is new.
    pub(super) fn turn(&mut self, angle: Angle) -> Turn {
        let first = angle.terms().next().map_or(angle.offset(), |(_, coefficient)| coefficient);
        let negative = first < 0.0;
        let angle = if negative { -angle } else { angle };
        let terms = angle.terms().flat_map(|(parameter, c)| [parameter as u64, c.to_bits()]);
        let key = std::iter::once((angle.offset() + 0.0).to_bits()).chain(terms).collect();
        let list = &mut self.list;
        let at = *self.known.entry(key).or_insert_with(|| {
            list.push(angle);
            list.len() - 1
        });
        Turn { angle: at, negative }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether no parameter takes part in an angle.
    pub(super) fn is_constant(&self, angle: usize) -> bool {
        self.list[angle].is_constant()
    }

    /// The largest modulus that an angle can have where no parameter exceeds `largest`.
    pub(super) fn bound(&self, largest: f64) -> f64 {
        let of =
            |angle: &Angle| angle.terms().fold(angle.offset().abs(), |sum, (_, c)| sum + c.abs() * largest);
        self.list.iter().map(of).fold(0.0, f64::max)
    }

    /// Writes the sine and the cosine of half of each angle, a vector each, for the sets of parameters in `rows`. Those of
    /// constant angles are left as they are unless this is the `first` time.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; `to` has room for two vectors an angle; there is a row a lane, and each
    /// has all parameters.
    #[inline(always)]
    pub(super) unsafe fn evaluate<V: Lanes<Real = f64>>(
        &self,
        rows: &[&[f64]],
        bound: f64,
        first: bool,
        to: *mut f64,
    ) {
        let large = 0.5 * bound > LARGEST;
        let wanted = |angle: &Angle| first || !angle.is_constant();
        // all values are brought to their vectors before any is read: a vector of eight fresh writes would wait for them
        for (at, angle) in self.list.iter().enumerate().filter(|(_, angle)| wanted(angle)) {
            // SAFETY (both blocks): the caller's promise
            let place = unsafe { to.add(2 * at * V::LANES) };
            for (lane, row) in rows.iter().enumerate() {
                let mut terms = angle.terms();
                let (parameter, c) = terms.next().unwrap_or((0, 0.0));
                let value = if c == 0.0 { 0.0 } else { row[parameter] };
                let rest = terms.fold(0.0, |sum, (parameter, c)| sum + c * row[parameter]);
                unsafe {
                    *place.add(lane) = value;
                    *place.add(V::LANES + lane) = rest;
                }
            }
        }
        for (at, angle) in self.list.iter().enumerate().filter(|(_, angle)| wanted(angle)) {
            // SAFETY: as above
            unsafe {
                let place = to.add(2 * at * V::LANES);
                let c = angle.terms().next().map_or(0.0, |(_, c)| c);
                let rest = V::load(place.add(V::LANES)).add(V::splat(angle.offset()));
                let half = V::load(place).mul_add(V::splat(c), rest).mul(V::splat(0.5));
                if large {
                    half.store(place);
                    for lane in 0..V::LANES {
                        let (sine, cosine) = (*place.add(lane)).sin_cos();
                        *place.add(lane) = sine;
                        *place.add(V::LANES + lane) = cosine;
                    }
                } else {
                    let (sine, cosine) = sin_cos(half);
                    sine.store(place);
                    cosine.store(place.add(V::LANES));
                }
            }
        }
    }

    /// Adds the slopes by the parameters to a row a lane of `to`, given those by the angles, a vector each.
    ///
    /// # Safety
    /// `slopes` has a vector an angle.
    #[inline(always)]
    pub(super) unsafe fn chain<V: Lanes<Real = f64>>(
        &self,
        slopes: *const f64,
        to: &mut [f64],
        parameters: usize,
    ) {
        for (at, angle) in self.list.iter().enumerate() {
            for (parameter, coefficient) in angle.terms() {
                for (lane, row) in to.chunks_exact_mut(parameters).take(V::LANES).enumerate() {
                    // SAFETY: the caller's promise
                    row[parameter] += coefficient * unsafe { *slopes.add(at * V::LANES + lane) };
                }
            }
        }
    }
}
