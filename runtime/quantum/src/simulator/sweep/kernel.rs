//! The inner loop: tiles of amplitudes in vector registers, and the codes that act on them.
#![allow(unsafe_code)] // vector instructions, and threads that write disjoint parts of one vector

use super::bound::{Bound, Choice, Code, Factors, Kind, LANE_FLIPS};
use super::tile::Tile;
use super::vector::{Kernel, Lanes, Vectors};

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

impl<T: Vectors> Kernel<T> for Block<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = T>>(self) {
        // SAFETY: as the caller's; the buffer holds the block
        unsafe { if V::TILE == 16 { self.tiles::<V, 16>() } else { self.tiles::<V, 8>() } }
    }
}

impl<T: Vectors> Block<'_, T> {
    #[inline(always)]
    unsafe fn tiles<V: Lanes<Real = T>, const R: usize>(&self) {
        let mut start = self.first_code;
        // SAFETY: as the caller's
        unsafe {
            let flips: [V::Index; LANE_FLIPS] = std::array::from_fn(|number| {
                let (lane, controls) = (number >> 3, number & 7);
                V::index(|k| {
                    let flipped = k ^ 2 << lane;
                    if k / 2 & controls == controls && flipped < V::LANES { flipped } else { k }
                })
            });
            for (at, tile) in self.layouts.tiles.iter().enumerate() {
                let end = self.bound.ends[self.first_tile + at] as usize;
                self.tile::<V, R>(tile, &self.bound.codes[start..end], &flips);
                start = end;
            }
        }
    }

    /// The part of a table that a tile uses.
    #[inline(always)]
    fn chosen(&self, choice: Choice, tile: usize) -> usize {
        let selection = &self.layouts.selections[choice.number as usize - self.first_choice];
        let mut part = selection.inside[tile] as usize;
        for (k, mask) in selection.outside.iter().enumerate() {
            part ^= ((mask & self.outer).count_ones() as usize & 1) << k;
        }
        part
    }

    /// Applies the codes to each tile of the block.
    #[inline(always)]
    unsafe fn tile<V: Lanes<Real = T>, const R: usize>(
        &self,
        tile: &Tile,
        codes: &[Code<T>],
        flips: &[V::Index; LANE_FLIPS],
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
                for code in codes {
                    match code.kind {
                        Kind::Tangent(0) => tangent::<V, R, 0>(&mut v, code.value),
                        Kind::Tangent(1) => tangent::<V, R, 1>(&mut v, code.value),
                        Kind::Tangent(2) => tangent::<V, R, 2>(&mut v, code.value),
                        Kind::Tangent(_) => tangent::<V, R, 3>(&mut v, code.value),
                        Kind::Cotangent(0) => cotangent::<V, R, 0>(&mut v, code.value),
                        Kind::Cotangent(1) => cotangent::<V, R, 1>(&mut v, code.value),
                        Kind::Cotangent(2) => cotangent::<V, R, 2>(&mut v, code.value),
                        Kind::Cotangent(_) => cotangent::<V, R, 3>(&mut v, code.value),
                        Kind::Phases => {
                            let factors = &self.bound.factors[code.at as usize];
                            self.phases::<V, R>(&mut v, factors, number);
                        }
                        Kind::LaneRotation(lane) => {
                            let (cos, sin) = (V::splat(code.value), V::load(tables.add(code.at as usize)));
                            let flip = flips[(lane as usize) << 3];
                            let mut k = 0;
                            while k < R {
                                v[k] = v[k].permute(flip).mul_add(sin, v[k].mul(cos));
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
                        _ if position as u32 & code.inside != code.inside
                            || self.outer & code.outside != code.outside => {}
                        Kind::Exchange(0, 1) => exchange::<V, R, 0, 1>(&mut v),
                        Kind::Exchange(0, 2) => exchange::<V, R, 0, 2>(&mut v),
                        Kind::Exchange(0, _) => exchange::<V, R, 0, 3>(&mut v),
                        Kind::Exchange(1, 0) => exchange::<V, R, 1, 0>(&mut v),
                        Kind::Exchange(1, 2) => exchange::<V, R, 1, 2>(&mut v),
                        Kind::Exchange(1, _) => exchange::<V, R, 1, 3>(&mut v),
                        Kind::Exchange(2, 0) => exchange::<V, R, 2, 0>(&mut v),
                        Kind::Exchange(2, 1) => exchange::<V, R, 2, 1>(&mut v),
                        Kind::Exchange(2, _) => exchange::<V, R, 2, 3>(&mut v),
                        Kind::Exchange(_, 0) => exchange::<V, R, 3, 0>(&mut v),
                        Kind::Exchange(_, 1) => exchange::<V, R, 3, 1>(&mut v),
                        Kind::Exchange(_, _) => exchange::<V, R, 3, 2>(&mut v),
                        Kind::Permute => {
                            let mut spilled = [V::splat(T::zero()); R];
                            let mut k = 0;
                            while k < R {
                                spilled[k] = v[k];
                                k += 1;
                            }
                            let mut k = 0;
                            while k < R {
                                let from = (*tables.add(code.at as usize + k)).widen() as usize;
                                v[k] = spilled[from % R];
                                k += 1;
                            }
                        }
                        Kind::MaskedFlip(bit) => {
                            let on = V::load(tables.add(code.at as usize));
                            let off = V::load(tables.add(code.at as usize + V::LANES));
                            match bit {
                                0 => masked::<V, R, 0>(&mut v, on, off, code.registers),
                                1 => masked::<V, R, 1>(&mut v, on, off, code.registers),
                                2 => masked::<V, R, 2>(&mut v, on, off, code.registers),
                                _ => masked::<V, R, 3>(&mut v, on, off, code.registers),
                            }
                        }
                        Kind::LaneFlip => {
                            let flip = flips[code.at as usize % LANE_FLIPS];
                            let mut k = 0;
                            while k < R {
                                if k as u32 & code.registers == code.registers {
                                    v[k] = v[k].permute(flip);
                                }
                                k += 1;
                            }
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

    #[inline(always)]
    unsafe fn phases<V: Lanes<Real = T>, const R: usize>(
        &self,
        v: &mut [V; R],
        factors: &Factors,
        number: usize,
    ) {
        let tables = self.bound.tables.as_ptr();
        // SAFETY: each table has a part for each value of its selectors
        unsafe {
            if let [first, more @ ..] = factors.scalars.as_slice() {
                let part =
                    |choice: &Choice| tables.add(choice.at as usize + self.chosen(*choice, number) * 2 * R);
                let mut product = [T::zero(); 32];
                let mut from = part(first);
                for choice in more {
                    let other = part(choice);
                    for k in 0..R {
                        let (a, b) = (*from.add(k), *from.add(R + k));
                        let (c, d) = (*other.add(k), *other.add(R + k));
                        (product[k], product[R + k]) = (a * c - b * d, a * d + b * c);
                    }
                    from = product.as_ptr();
                }
                let mut k = 0;
                while k < R {
                    v[k] = v[k].times(V::splat(*from.add(k)), V::splat(*from.add(R + k)));
                    k += 1;
                }
            }
            for choice in &factors.vectors {
                let size = 2 * R * V::LANES;
                let from = tables.add(choice.at as usize + self.chosen(*choice, number) * size);
                let mut k = 0;
                while k < R {
                    let (re, im) = (from.add(2 * k * V::LANES), from.add((2 * k + 1) * V::LANES));
                    v[k] = v[k].times(V::load(re), V::load(im));
                    k += 1;
                }
            }
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

#[inline(always)]
unsafe fn masked<V: Lanes, const R: usize, const BIT: usize>(v: &mut [V; R], on: V, off: V, registers: u32) {
    unsafe {
        let mut k = 0;
        while k < R {
            let other = k | 1 << BIT;
            if k != other && other < R && k as u32 & registers == registers {
                let (a, b) = (v[k], v[other]);
                // one of the two products is with 0: exact
                (v[k], v[other]) = (a.mul_add(off, b.mul(on)), b.mul_add(off, a.mul(on)));
            }
            k += 1;
        }
    }
}
