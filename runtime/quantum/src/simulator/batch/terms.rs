//! An observable on slots: products that flip the same qubits together.

use std::collections::BTreeMap;

use super::super::sweep::vector::Lanes;
use super::frame::{Frame, Parity};
use super::operation::lower;
use crate::C64;
use crate::observable::PauliProduct;

/// The products that change a slot by `flip` (XOR), as the matrix entries `<slot ^ flip| M |slot>` of the slots without
/// the highest bit of `flip`. Those of the other slots are their conjugates.
#[derive(Debug, Clone)]
struct Group {
    flip: usize,
    /// The real parts, where they are not 0.
    real: Vec<(usize, f64)>,
    /// The imaginary parts.
    imaginary: Vec<(usize, f64)>,
}

/// A sum of Pauli products.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    groups: Vec<Group>,
}

impl Terms {
    /// The entries of real combinations of products.
    pub(super) fn new(terms: &[(PauliProduct, f64)], frame: &Frame, slots: usize) -> Self {
        let mut by_flip: BTreeMap<usize, Vec<(Parity, C64)>> = BTreeMap::new();
        for (product, coefficient) in terms {
            let of_flip = by_flip.entry(frame.change(product.x_mask())).or_default();
            of_flip.push((frame.parity(product.z_mask()), product.phase() * *coefficient));
        }
        let group = |(flip, list): (usize, Vec<(Parity, C64)>)| {
            let count = if flip == 0 { slots } else { slots / 2 };
            let (mut real, mut imaginary) = (Vec::new(), Vec::new());
            for at in 0..count {
                let slot = if flip == 0 { at } else { lower(at, flip.ilog2() as usize) };
                let entry = list.iter().fold(C64::ZERO, |sum, (parity, coefficient)| {
                    if parity.at(slot) { sum - coefficient } else { sum + coefficient }
                });
                real.extend((entry.re != 0.0).then_some((slot, entry.re)));
                imaginary.extend((entry.im != 0.0 && flip != 0).then_some((slot, entry.im)));
            }
            Group { flip, real, imaginary }
        };
        Self { groups: by_flip.into_iter().map(group).collect() }
    }

    /// The expectation in each lane.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; `psi` has two vectors a slot.
    #[inline(always)]
    pub(super) unsafe fn expectation<V: Lanes<Real = f64>>(&self, psi: *const f64) -> V {
        // SAFETY: the caller's promise
        unsafe {
            let at = |slot: usize| {
                let place = psi.add(2 * slot * V::LANES);
                (V::load(place), V::load(place.add(V::LANES)))
            };
            let mut diagonal = V::splat(0.0);
            let mut pairs = V::splat(0.0);
            for group in &self.groups {
                if group.flip == 0 {
                    for (slot, weight) in &group.real {
                        let (re, im) = at(*slot);
                        let p = re.mul_add(re, im.mul(im));
                        diagonal = p.mul_add(V::splat(*weight), diagonal);
                    }
                    continue;
                }
                for (slot, weight) in &group.real {
                    let ((re, im), (other_re, other_im)) = (at(*slot), at(slot ^ group.flip));
                    let overlap = re.mul_add(other_re, im.mul(other_im));
                    pairs = overlap.mul_add(V::splat(*weight), pairs);
                }
                for (slot, weight) in &group.imaginary {
                    // Re(conj(other) i psi) = -Im(conj(other) psi)
                    let ((re, im), (other_re, other_im)) = (at(*slot), at(slot ^ group.flip));
                    let overlap = im.mul_sub_from(other_re, re.mul(other_im));
                    pairs = overlap.mul_add(V::splat(*weight), pairs);
                }
            }
            pairs.mul_add(V::splat(2.0), diagonal)
        }
    }

    /// Writes `M psi` to `dual`.
    ///
    /// # Safety
    /// As [`Self::expectation`], for both.
    #[inline(always)]
    pub(super) unsafe fn apply<V: Lanes<Real = f64>>(&self, psi: *const f64, dual: *mut f64, slots: usize) {
        // SAFETY: the caller's promise
        unsafe {
            for vector in 0..2 * slots {
                V::splat(0.0).store(dual.add(vector * V::LANES));
            }
            // adds `weight psi[from]` to `dual[to]`; `i weight` for parts that change place
            let add = |from: usize, to: usize, weight: V, turned: bool| {
                let (from, to) = (psi.add(2 * from * V::LANES), dual.add(2 * to * V::LANES));
                let (re, im) = (V::load(from), V::load(from.add(V::LANES)));
                let (to_re, to_im) = (V::load(to), V::load(to.add(V::LANES)));
                let (new_re, new_im) = if turned {
                    (im.mul_sub_from(weight, to_re), re.mul_add(weight, to_im))
                } else {
                    (re.mul_add(weight, to_re), im.mul_add(weight, to_im))
                };
                new_re.store(to);
                new_im.store(to.add(V::LANES));
            };
            for group in &self.groups {
                for (slot, weight) in &group.real {
                    add(*slot, slot ^ group.flip, V::splat(*weight), false);
                    if group.flip != 0 {
                        add(slot ^ group.flip, *slot, V::splat(*weight), false);
                    }
                }
                for (slot, weight) in &group.imaginary {
                    add(*slot, slot ^ group.flip, V::splat(*weight), true);
                    add(slot ^ group.flip, *slot, V::splat(-*weight), true);
                }
            }
        }
    }
}
