//! Memory that will be read next, asked for early.
#![allow(clippy::inline_always)] // what runs inside a function with vector instructions must be part of it

use num_complex::Complex;

use super::vector::Lanes;

/// Bytes of a line of the cache.
const LINE: usize = 64;

/// What will be read next, asked for while a block is worked on: memory and arithmetic then take the time of the longer.
pub(crate) struct Ahead<'a, T> {
    pub(crate) memory: *const T,
    /// Where each run of amplitudes begins.
    pub(crate) starts: &'a [usize],
    /// Amplitudes of a run, a power of two.
    pub(crate) length: usize,
}

impl<T> Ahead<'_, T> {
    /// Nothing.
    pub(crate) const NONE: Self = Self { memory: std::ptr::null(), starts: &[], length: 1 };
}

/// How far the lines of an [`Ahead`] have been asked for.
pub(crate) struct Asked<'a, T> {
    ahead: &'a Ahead<'a, T>,
    /// Lines of a run, as a power of two.
    shift: u32,
    line: usize,
    /// Lines to ask for with each tile, so that all are asked for in the end.
    each: usize,
}

impl<'a, T> Asked<'a, T> {
    /// None yet, of what is ahead during so many tiles.
    pub(crate) fn new(ahead: &'a Ahead<'a, T>, tiles: usize) -> Self {
        let shift = (2 * ahead.length * size_of::<T>()).div_ceil(LINE).ilog2();
        Self { ahead, shift, line: 0, each: (ahead.starts.len() << shift).div_ceil(tiles.max(1)) }
    }

    /// Asks for the lines that come with a tile.
    #[inline(always)]
    pub(crate) fn next<V: Lanes>(&mut self) {
        for _ in 0..self.each {
            let Some(start) = self.ahead.starts.get(self.line >> self.shift) else { return };
            let within = self.line & ((1 << self.shift) - 1);
            let run = self.ahead.memory.cast::<Complex<T>>().wrapping_add(*start);
            V::prefetch(run.cast::<u8>().wrapping_add(within * LINE));
            self.line += 1;
        }
    }
}
