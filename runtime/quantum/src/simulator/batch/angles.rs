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

    /// Writes the sine and the cosine of half of each angle, a vector each, for the sets of parameters in `rows`.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; `to` has room for two vectors an angle; each row has all parameters.
    #[inline(always)]
    pub(super) unsafe fn evaluate<V: Lanes<Real = f64>>(&self, rows: &[&[f64]], bound: f64, to: *mut f64) {
        for (at, angle) in self.list.iter().enumerate() {
            // SAFETY (both blocks): the caller's promise; there are `LANES` rows
            let place = unsafe { to.add(2 * at * V::LANES) };
            for (lane, row) in rows.iter().enumerate() {
                let sum = angle.terms().fold(angle.offset(), |sum, (parameter, c)| sum + c * row[parameter]);
                let (first, second) =
                    if 0.5 * bound > LARGEST { (0.5 * sum).sin_cos() } else { (0.5 * sum, 0.0) };
                unsafe {
                    *place.add(lane) = first;
                    *place.add(V::LANES + lane) = second;
                }
            }
        }
        if 0.5 * bound > LARGEST {
            return;
        }
        for at in 0..self.list.len() {
            // SAFETY: as above
            unsafe {
                let place = to.add(2 * at * V::LANES);
                let (sine, cosine) = sin_cos(V::load(place));
                sine.store(place);
                cosine.store(place.add(V::LANES));
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
