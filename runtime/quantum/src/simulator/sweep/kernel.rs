//! The inner loop: tiles of amplitudes in vector registers, and the codes that act on them.
#![allow(unsafe_code)] // vector instructions, and threads that write disjoint parts of one vector
#![allow(clippy::inline_always)] // what runs inside a function with vector instructions must be part of it

use super::bound::{Bound, Code, Kind, LANE_FLIPS};
use super::tile::Tile;
use super::vector::{Lanes, Tiled};
use crate::simulator::precision::Precision;

/// Reals of a second-level cache line group after which one line is left out, so that strides of powers of two do not
/// fall into one set of the cache.
pub(crate) const PAD_EVERY: usize = 4096;
const PAD: usize = 64;

/// The place of a position of a block in its buffer, in reals.
#[inline(always)]
pub(crate) const fn padded<T>(position: usize) -> usize {
    let every = PAD_EVERY / (2 * size_of::<T>());
    2 * position + position / every * (PAD / size_of::<T>())
}

/// What choices and flips need of the plan, beside what is bound.
pub(crate) struct Layouts<'a> {
    pub(crate) tiles: &'a [Tile],
    /// For each choice of each tile of the sweep, which part each tile uses, before the outer qubits are looked at.
    pub(crate) selections: &'a [Selection],
    /// Bits of a block's index.
    pub(crate) block: usize,
    /// Bits of a lane's number.
    pub(crate) lanes: usize,
}

/// Which part of a table each tile uses.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    /// For each tile.
    pub(crate) inside: Vec<u8>,
    /// The outer qubits whose parity flips each bit.
    pub(crate) outside: Vec<u64>,
}

/// All tiles of a sweep on one block.
pub(crate) struct Block<'a, T> {
    pub(crate) bound: &'a Bound<T>,
    pub(crate) layouts: &'a Layouts<'a>,
    /// The first code, the first tile and the first choice of the sweep.
    pub(crate) first_code: usize,
    pub(crate) first_tile: usize,
    pub(crate) first_choice: usize,
    /// The bits of the outer qubits.
    pub(crate) outer: u64,
    /// The amplitudes, [`padded`].
    pub(crate) buffer: *mut T,
}

impl<T: Precision> Tiled<T> for Block<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Lanes<Real = T>, const R: usize>(self) {
        // SAFETY: as the caller's; the buffer holds the block
        unsafe { self.tiles::<V, R>() }
    }
}

impl<T: Precision> Block<'_, T> {
    #[inline(always)]
    unsafe fn tiles<V: Lanes<Real = T>, const R: usize>(&self) {
        let mut start = self.first_code;
        // SAFETY: as the caller's
        unsafe {
            let flips: [V::Index; LANE_FLIPS + 1] = std::array::from_fn(|number| {
                let (lane, controls) = (number >> 3, number & 7);
                V::index(|k| {
                    let flipped = k ^ 2 << lane;
                    let is_on = number < LANE_FLIPS && (k / 2) & controls == controls && flipped < V::LANES;
                    if is_on { flipped } else { k }
                })
            });
            for (at, tile) in self.layouts.tiles.iter().enumerate() {
                let end = self.bound.ends[self.first_tile + at] as usize;
                self.tile::<V, R>(tile, &self.bound.codes[start..end], &flips);
                start = end;
            }
        }
    }

    /// The part that a tile uses of the table of a choice.
    #[inline(always)]
    unsafe fn part(&self, choice: usize, tile: usize, size: usize) -> *const T {
        let selection = &self.layouts.selections[choice - self.first_choice];
        let mut part = selection.inside[tile] as usize;
        for (k, mask) in selection.outside.iter().enumerate() {
            part ^= ((mask & self.outer).count_ones() as usize & 1) << k;
        }
        // SAFETY: each table has a part for each value of its selectors
        unsafe { self.bound.tables.as_ptr().add(self.bound.choices[choice].at as usize + part * size) }
    }

    /// Applies the codes to each tile of the block.
    #[allow(clippy::too_many_lines)] // one flat jump: the registers must not leave the function
    #[inline(always)]
    unsafe fn tile<V: Lanes<Real = T>, const R: usize>(
        &self,
        tile: &Tile,
        codes: &[Code<T>],
        flips: &[V::Index; LANE_FLIPS + 1],
    ) {
        let register = |number: usize| -> usize {
            tile.bits.iter().enumerate().map(|(k, bit)| padded::<T>((number >> k & 1) << bit)).sum()
        };
        let load: [usize; R] = std::array::from_fn(|k| register(tile.load[k]));
        let mut store = [0; R];
        (0..R).for_each(|k| store[tile.store[k]] = register(k));
        let fixed = tile.bits.iter().fold((1 << self.layouts.lanes) - 1, |mask, bit| mask | 1 << bit);
        let tables = self.bound.tables.as_ptr();
        let count = (1_usize << self.layouts.block) / (R * V::LANES / 2);
        let (mut product, mut spilled) = ([T::zero(); 32], [T::zero(); 256]);
        let mut position = 0_usize;
        for number in 0..count {
            // SAFETY: positions are those of the block; tables were written for this tile
            unsafe {
                let base = self.buffer.add(padded::<T>(position));
                let mut v = [V::splat(T::zero()); R];
                let mut k = 0;
                while k < R {
                    v[k] = V::load(base.add(load[k]));
                    k += 1;
                }
                let mut next = 0;
                while next < codes.len() {
                    let code = codes.get_unchecked(next);
                    next += 1;
                    match code.kind {
                        Kind::Tangent0 => tangent::<V, R, 0>(&mut v, code.value),
                        Kind::Tangent1 => tangent::<V, R, 1>(&mut v, code.value),
                        Kind::Tangent2 => tangent::<V, R, 2>(&mut v, code.value),
                        Kind::Tangent3 => tangent::<V, R, 3>(&mut v, code.value),
                        Kind::Cotangent0 => cotangent::<V, R, 0>(&mut v, code.value),
                        Kind::Cotangent1 => cotangent::<V, R, 1>(&mut v, code.value),
                        Kind::Cotangent2 => cotangent::<V, R, 2>(&mut v, code.value),
                        Kind::Cotangent3 => cotangent::<V, R, 3>(&mut v, code.value),
                        Kind::LaneRotation => {
                            let (cos, sin) = (V::splat(code.value), V::load(tables.add(code.at as usize)));
                            let flip = flips[(code.bit as usize) << 3];
                            let mut k = 0;
                            while k < R {
                                v[k] = v[k].permute(flip).mul_add(sin, v[k].mul(cos));
                                k += 1;
                            }
                        }
                        Kind::Scalars => {
                            let from = match code.count {
                                1 => self.part(code.at as usize, number, 2 * R),
                                _ => self.scalars::<R>(code, number, &mut product),
                            };
                            let mut k = 0;
                            while k < R {
                                v[k] = v[k].times(V::splat(*from.add(k)), V::splat(*from.add(R + k)));
                                k += 1;
                            }
                        }
                        Kind::Vectors => {
                            for choice in code.at..code.at + code.count {
                                let from = self.part(choice as usize, number, 2 * R * V::LANES);
                                let mut k = 0;
                                while k < R {
                                    let (re, im) =
                                        (from.add(2 * k * V::LANES), from.add((2 * k + 1) * V::LANES));
                                    v[k] = v[k].times(V::load(re), V::load(im));
                                    k += 1;
                                }
                            }
                        }
                        Kind::Exchange01 => exchange::<V, R, 0, 1>(&mut v),
                        Kind::Exchange02 => exchange::<V, R, 0, 2>(&mut v),
                        Kind::Exchange03 => exchange::<V, R, 0, 3>(&mut v),
                        Kind::Exchange10 => exchange::<V, R, 1, 0>(&mut v),
                        Kind::Exchange12 => exchange::<V, R, 1, 2>(&mut v),
                        Kind::Exchange13 => exchange::<V, R, 1, 3>(&mut v),
                        Kind::Exchange20 => exchange::<V, R, 2, 0>(&mut v),
                        Kind::Exchange21 => exchange::<V, R, 2, 1>(&mut v),
                        Kind::Exchange23 => exchange::<V, R, 2, 3>(&mut v),
                        Kind::Exchange30 => exchange::<V, R, 3, 0>(&mut v),
                        Kind::Exchange31 => exchange::<V, R, 3, 1>(&mut v),
                        Kind::Exchange32 => exchange::<V, R, 3, 2>(&mut v),
                        Kind::Permute | Kind::MaskedFlip => {
                            // through memory, so that the usual codes keep all registers
                            let at = spilled.as_mut_ptr();
                            let mut k = 0;
                            while k < R {
                                v[k].store(at.add(k * V::LANES));
                                k += 1;
                            }
                            let list = tables.add(code.at as usize);
                            shuffle(code, std::slice::from_raw_parts_mut(at, R * V::LANES), list, V::LANES);
                            let mut k = 0;
                            while k < R {
                                v[k] = V::load(at.add(k * V::LANES));
                                k += 1;
                            }
                        }
                        Kind::LaneFlip => {
                            // no branches a register: they would cost the registers
                            let mut k = 0;
                            while k < R {
                                let is_on = k as u32 & code.inside == code.inside;
                                let flip = if is_on { code.at as usize } else { LANE_FLIPS };
                                v[k] = v[k].permute(*flips.get_unchecked(flip));
                                k += 1;
                            }
                        }
                        Kind::Scale => {
                            let factor = V::splat(code.value);
                            let mut k = 0;
                            while k < R {
                                v[k] = v[k].mul(factor);
                                k += 1;
                            }
                        }
                        Kind::Unless => {
                            let is_on = position as u32 & code.inside == code.inside
                                && self.outer & code.outside == code.outside;
                            next += usize::from(!is_on);
                        }
                    }
                }
                let mut k = 0;
                while k < R {
                    v[k].store(base.add(store[k]));
                    k += 1;
                }
            }
            position = ((position | fixed) + 1) & !fixed;
        }
    }

    /// Real parts of the factors of all registers, then imaginary parts: those of one table, or products of several.
    #[inline(never)]
    unsafe fn scalars<const R: usize>(
        &self,
        code: &Code<T>,
        number: usize,
        product: &mut [T; 32],
    ) -> *const T {
        let first = code.at as usize;
        // SAFETY: as `part`
        unsafe {
            let mut from = self.part(first, number, 2 * R);
            for choice in first + 1..first + code.count as usize {
                let other = self.part(choice, number, 2 * R);
                for k in 0..R {
                    let (a, b) = (*from.add(k), *from.add(R + k));
                    let (c, d) = (*other.add(k), *other.add(R + k));
                    (product[k], product[R + k]) = (a * c - b * d, a * d + b * c);
                }
                from = product.as_ptr();
            }
            from
        }
    }
}

// SAFETY (of all below): as `Lanes`

#[inline(always)]
unsafe fn tangent<V: Lanes, const R: usize, const BIT: usize>(v: &mut [V; R], t: V::Real) {
    unsafe {
        let t = V::splat(t);
        let mut k = 0;
        while k < R {
            let other = k | 1 << BIT;
            if k != other && other < R {
                let (a, b) = (v[k], v[other]);
                (v[k], v[other]) = (t.mul_sub_from(b, a), t.mul_add(a, b));
            }
            k += 1;
        }
    }
}

#[inline(always)]
unsafe fn cotangent<V: Lanes, const R: usize, const BIT: usize>(v: &mut [V; R], t: V::Real) {
    unsafe {
        let t = V::splat(t);
        let mut k = 0;
        while k < R {
            let other = k | 1 << BIT;
            if k != other && other < R {
                let (a, b) = (v[k], v[other]);
                (v[k], v[other]) = (t.mul(a).sub(b), t.mul_add(b, a));
            }
            k += 1;
        }
    }
}

#[inline(always)]
unsafe fn exchange<V: Lanes, const R: usize, const CONTROL: usize, const TARGET: usize>(v: &mut [V; R]) {
    let mut k = 0;
    while k < R {
        let other = k | 1 << TARGET;
        if k != other && other < R && k >> CONTROL & 1 == 1 {
            (v[k], v[other]) = (v[other], v[k]);
        }
        k += 1;
    }
}

/// Moves registers of a tile in memory: not inlined, so that the usual codes keep all registers.
#[inline(never)]
unsafe fn shuffle<T: Precision>(code: &Code<T>, tile: &mut [T], list: *const T, lanes: usize) {
    if code.kind == Kind::Permute {
        // for each register, the one whose vector it takes
        let mut moved = [T::zero(); 256];
        for (k, to) in moved[..tile.len()].chunks_exact_mut(lanes).enumerate() {
            // SAFETY: the list has an entry a register
            let from = unsafe { *list.add(k) }.widen() as usize * lanes;
            to.copy_from_slice(&tile[from..from + lanes]);
        }
        tile.copy_from_slice(&moved[..tile.len()]);
        return;
    }
    // registers that differ in a bit exchange the lanes that the list has ones for
    let (bit, registers) = (1 << code.bit, code.inside as usize);
    for k in (0..tile.len() / lanes).filter(|k| k & bit == 0 && k & registers == registers) {
        for lane in 0..lanes {
            // SAFETY: the list has an entry a lane
            if unsafe { *list.add(lane) } != T::zero() {
                tile.swap(k * lanes + lane, (k | bit) * lanes + lane);
            }
        }
    }
}
