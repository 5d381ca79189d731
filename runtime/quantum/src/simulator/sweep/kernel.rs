//! The inner loop: tiles of amplitudes in vector registers, and the codes that act on them.
#![allow(unsafe_code)] // vector instructions, and threads that write disjoint parts of one vector
#![allow(clippy::inline_always)] // what runs inside a function with vector instructions must be part of it

use super::ahead::{Ahead, Asked};
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
    /// For each tile of the block.
    pub(crate) inside: Vec<u8>,
    /// The outer qubits whose parity flips each bit.
    pub(crate) outside: Vec<u64>,
}

impl Selection {
    /// What the outer qubits flip of the part of each tile.
    pub(crate) fn outside(&self, outer: u64) -> u8 {
        let parity = |mask: &u64| (mask & outer).count_ones() as u8 & 1;
        self.outside.iter().enumerate().fold(0, |part, (k, mask)| part | parity(mask) << k)
    }
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
    /// For each choice, what the outer qubits flip of the parts that [`Selection::inside`] says.
    pub(crate) outside: &'a [u8],
    /// The amplitudes, [`padded`].
    pub(crate) buffer: *mut T,
    pub(crate) ahead: Ahead<'a, T>,
    /// For each lane of each derivative of the sweep, its sum.
    pub(crate) sums: *mut T,
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
            let rounds = self.layouts.tiles.len() * ((2 << self.layouts.block) / (R * V::LANES));
            let mut asked = Asked::new(&self.ahead, rounds);
            for (at, tile) in self.layouts.tiles.iter().enumerate() {
                let end = self.bound.ends[self.first_tile + at] as usize;
                self.tile::<V, R>(tile, &self.bound.codes[start..end], &flips, &mut asked);
                start = end;
            }
        }
    }

    /// The part that a tile uses of the table of a choice.
    #[inline(always)]
    unsafe fn part(&self, choice: usize, tile: usize, size: usize) -> *const T {
        let number = choice - self.first_choice;
        // SAFETY: each table has a part for each value of its selectors
        unsafe {
            let inside = *self.layouts.selections.get_unchecked(number).inside.get_unchecked(tile);
            let part = (inside ^ self.outside.get_unchecked(number)) as usize;
            self.bound.tables.as_ptr().add(self.bound.choices.get_unchecked(choice).at as usize + part * size)
        }
    }

    /// Applies the codes to each tile of the block.
    #[allow(clippy::too_many_lines)] // one flat jump: the registers must not leave the function
    #[inline(always)]
    unsafe fn tile<V: Lanes<Real = T>, const R: usize>(
        &self,
        tile: &Tile,
        codes: &[Code<T>],
        flips: &[V::Index; LANE_FLIPS + 1],
        asked: &mut Asked<'_, T>,
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
            asked.next::<V>();
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
                    V::pin(&mut v);
                    match code.kind {
                        Kind::Tangent0 => tangent::<V, R, 0>(&mut v, code.value),
                        Kind::Tangent1 => tangent::<V, R, 1>(&mut v, code.value),
                        Kind::Tangent2 => tangent::<V, R, 2>(&mut v, code.value),
                        Kind::Tangent3 => tangent::<V, R, 3>(&mut v, code.value),
                        Kind::LaneTangent => {
                            let tangents = V::load(tables.add(code.at as usize));
                            let flip = *flips.get_unchecked(code.list as usize);
                            let mut k = 0;
                            while k < R {
                                v[k] = v[k].permute(flip).mul_add(tangents, v[k]);
                                k += 1;
                            }
                        }
                        Kind::Scalars => {
                            scalars(&mut v, self.part(code.at as usize, number, 2 * R));
                        }
                        Kind::ScalarProducts => {
                            scalars(&mut v, self.products::<R>(code, number, &mut product));
                        }
                        Kind::Vectors => {
                            let from = self.part(code.at as usize, number, 2 * R * V::LANES);
                            let mut k = 0;
                            while k < R {
                                let (re, im) = (from.add(2 * k * V::LANES), from.add((2 * k + 1) * V::LANES));
                                v[k] = v[k].times(V::load(re), V::load(im));
                                k += 1;
                            }
                        }
                        Kind::Exchange00 => exchange::<V, R, 0, 0>(&mut v),
                        Kind::Exchange11 => exchange::<V, R, 1, 1>(&mut v),
                        Kind::Exchange22 => exchange::<V, R, 2, 2>(&mut v),
                        Kind::Exchange33 => exchange::<V, R, 3, 3>(&mut v),
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
                        Kind::Move => {
                            // through memory: a branch a register would cost all registers
                            let sources = self.bound.lists.get_unchecked(code.list as usize);
                            let moved = V::load(tables.add(code.at as usize));
                            let at = spilled.as_mut_ptr();
                            let mut k = 0;
                            while k < R {
                                v[k].store(at.add(k * V::LANES));
                                k += 1;
                            }
                            let mut k = 0;
                            while k < R {
                                v[k] = v[k].select(V::load(at.add(sources[k] as usize * V::LANES)), moved);
                                k += 1;
                            }
                        }
                        Kind::LaneFlip => {
                            let numbers = self.bound.lists.get_unchecked(code.list as usize);
                            let mut k = 0;
                            while k < R {
                                v[k] = v[k].permute(*flips.get_unchecked(numbers[k] as usize));
                                k += 1;
                            }
                        }
                        Kind::Meet0 => self.meet::<V, R, 0>(&v, code),
                        Kind::Meet1 => self.meet::<V, R, 1>(&v, code),
                        Kind::Meet2 => self.meet::<V, R, 2>(&v, code),
                        Kind::LaneMeet => {
                            let sum = self.sums.add(code.at as usize * V::LANES);
                            let flip = *flips.get_unchecked(code.list as usize);
                            let (mut even, mut odd) = (V::load(sum), V::splat(T::zero()));
                            let mut k = 0;
                            while k + 1 < R / 2 {
                                even = v[k + R / 2].mul_add(v[k].permute(flip), even);
                                odd = v[k + 1 + R / 2].mul_add(v[k + 1].permute(flip), odd);
                                k += 2;
                            }
                            even.add(odd).store(sum);
                        }
                        Kind::Characters => {
                            characters::<V, R>(&v, spilled.as_mut_ptr());
                            self.characters::<V>(code, number, &spilled);
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

    /// Adds what each pair of amplitudes gives to the derivative by a rotation of a bit.
    #[inline(always)]
    unsafe fn meet<V: Lanes<Real = T>, const R: usize, const BIT: usize>(&self, v: &[V; R], code: &Code<T>) {
        // SAFETY: each derivative has its sums
        unsafe {
            let sum = self.sums.add(code.at as usize * V::LANES);
            let (mut plus, mut minus) = (V::load(sum), V::splat(T::zero()));
            let mut k = 0;
            while k < R / 2 {
                let other = k | 1 << BIT;
                if k != other && other < R / 2 {
                    plus = v[other + R / 2].mul_add(v[k], plus);
                    minus = v[k + R / 2].mul_add(v[other], minus);
                }
                k += 1;
            }
            plus.sub(minus).store(sum);
        }
    }

    /// Adds the sums of all parities of the registers' bits to the derivatives by phases.
    #[inline(always)]
    unsafe fn characters<V: Lanes<Real = T>>(&self, code: &Code<T>, tile: usize, parities: &[T; 256]) {
        // SAFETY: each derivative has its sums
        unsafe {
            let choice = code.at as usize - self.first_choice;
            let inside = *self.layouts.selections.get_unchecked(choice).inside.get_unchecked(tile);
            let part = inside ^ self.outside.get_unchecked(choice);
            let mut sum = self.sums.add(code.inside as usize * V::LANES);
            for at in 0..code.count as usize {
                let (registers, sign) = *self.bound.sums.get_unchecked(code.outside as usize + at);
                let sign = T::narrow(f64::from(1 - 2 * i32::from(part >> sign & 1)));
                let parity = V::load(parities.as_ptr().add(registers as usize * V::LANES));
                parity.mul_add(V::splat(sign), V::load(sum)).store(sum);
                sum = sum.add(V::LANES);
            }
        }
    }

    /// Real parts of the factors of all registers, then imaginary parts: products of several tables.
    #[inline(never)]
    unsafe fn products<const R: usize>(
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

/// Products with the same factor for all lanes of a register: real parts, then imaginary parts.
#[inline(always)]
unsafe fn scalars<V: Lanes, const R: usize>(v: &mut [V; R], from: *const V::Real) {
    unsafe {
        let mut k = 0;
        while k < R {
            v[k] = v[k].times(V::splat(*from.add(k)), V::splat(*from.add(R + k)));
            k += 1;
        }
    }
}

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

/// Writes the products of the two states, real with imaginary parts, for each parity of the registers' bits.
#[inline(always)]
unsafe fn characters<V: Lanes, const R: usize>(v: &[V; R], to: *mut V::Real) {
    unsafe {
        let mut sums = [v[0]; R];
        let mut k = 0;
        while k < R / 2 {
            sums[k] = v[k + R / 2].mul(v[k].exchange());
            k += 1;
        }
        let mut bit = 1;
        while bit < R / 2 {
            let mut k = 0;
            while k < R / 2 {
                if k & bit == 0 {
                    let (a, b) = (sums[k], sums[k | bit]);
                    (sums[k], sums[k | bit]) = (a.add(b), a.sub(b));
                }
                k += 1;
            }
            bit *= 2;
        }
        let mut k = 0;
        while k < R / 2 {
            sums[k].store(to.add(k * V::LANES));
            k += 1;
        }
    }
}

/// Flips a bit of the registers' numbers, where another is 1 if that is given.
#[inline(always)]
unsafe fn exchange<V: Lanes, const R: usize, const CONTROL: usize, const TARGET: usize>(v: &mut [V; R]) {
    let mut k = 0;
    while k < R {
        let other = k | 1 << TARGET;
        if k != other && other < R && (CONTROL == TARGET || k >> CONTROL & 1 == 1) {
            (v[k], v[other]) = (v[other], v[k]);
        }
        k += 1;
    }
}
