//! One block of a sweep: read, all its tiles, written back.
#![allow(unsafe_code)] // threads write disjoint blocks of one vector
#![allow(clippy::inline_always)] // what runs inside a function with vector instructions must be part of it

use std::cell::RefCell;

use num_complex::Complex;

use super::ahead::Ahead;
use super::bound::Bound;
use super::buffer::Buffer;
use super::kernel::{Block, Layouts, PAD_EVERY, padded};
use super::schedule::Sweep;
use super::vector::{Kernel, Lanes};
use crate::simulator::precision::Precision;

/// Where the codes, tiles, choices and derivatives of a sweep begin.
pub(super) struct First {
    pub(super) code: usize,
    pub(super) tile: usize,
    pub(super) choice: usize,
    pub(super) meeting: usize,
}

/// The runs of neighbouring amplitudes that a block consists of.
pub(super) struct Runs {
    /// Amplitudes of a run.
    length: usize,
    /// Where each begins in memory, relative to the block.
    starts: Vec<usize>,
    /// Amplitudes of the buffer that memory has no place for, as the state is smaller than a tile.
    missing: usize,
}

impl Runs {
    pub(super) fn new<T>(sweep: &Sweep, size: usize) -> Self {
        let in_place =
            sweep.places.iter().enumerate().take_while(|(position, place)| position == *place).count();
        let block = 1 << sweep.places.len();
        if size < block {
            return Self { length: size, starts: vec![0], missing: block - size };
        }
        // at most what lies in the buffer without padding between
        let low = in_place.min((PAD_EVERY / (2 * size_of::<T>())).ilog2() as usize);
        let mut starts = vec![0];
        for place in &sweep.places[low..] {
            starts.extend_from_within(..);
            let half = starts.len() / 2;
            starts[half..].iter_mut().for_each(|start| *start += 1 << place);
        }
        Self { length: 1 << low, starts, missing: 0 }
    }
}

/// A vector that several threads write disjoint parts of.
#[derive(Clone, Copy)]
pub(super) struct Memory<T>(pub(super) *mut T);

// SAFETY: each thread touches its own blocks only
unsafe impl<T: Send> Sync for Memory<T> {}

impl<T> Memory<T> {
    pub(super) fn get(&self) -> *mut T {
        self.0
    }
}

/// One block: read, all tiles, written back.
pub(super) struct Pass<'a, T> {
    pub(super) layouts: &'a Layouts<'a>,
    pub(super) bound: &'a Bound<T>,
    pub(super) first: &'a First,
    pub(super) scale: Option<Complex<T>>,
    pub(super) runs: &'a Runs,
    pub(super) memory: *mut T,
    pub(super) outer: u64,
    /// The outer qubits of the block that is likely to be next.
    pub(super) next: Option<u64>,
    pub(super) buffer: *mut T,
    /// For each lane of each derivative, its sum.
    pub(super) sums: *mut T,
}

impl<T: Precision> Kernel<T> for Pass<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = T>>(self) {
        let Runs { length, starts, missing } = self.runs;
        // SAFETY: the caller gives a buffer for the block, and runs are parts of the vector
        unsafe {
            let block = self.memory.add(2 * self.outer as usize);
            for (number, start) in starts.iter().enumerate() {
                copy::<V>(block.add(2 * start), self.buffer.add(padded::<T>(number * length)), 2 * length);
            }
            for empty in 0..*missing {
                let at = self.buffer.add(padded::<T>(length + empty));
                (*at, *at.add(1)) = (T::zero(), T::zero());
            }
            let outside: Vec<_> =
                self.layouts.selections.iter().map(|selection| selection.outside(self.outer)).collect();
            V::tiled(Block {
                bound: self.bound,
                layouts: self.layouts,
                first_code: self.first.code,
                first_tile: self.first.tile,
                first_choice: self.first.choice,
                outer: self.outer,
                outside: &outside,
                buffer: self.buffer,
                ahead: self.next.map_or(Ahead::NONE, |outer| Ahead {
                    memory: self.memory.add(2 * outer as usize),
                    starts,
                    length: *length,
                }),
                sums: self.sums,
            });
            let scale = self.scale.filter(|scale| *scale != Complex::new(T::one(), T::zero()));
            for (number, start) in starts.iter().enumerate() {
                let from = self.buffer.add(padded::<T>(number * length));
                if let Some(scale) = scale {
                    for k in 0..*length {
                        let a = from.add(2 * k).cast::<Complex<T>>();
                        a.write(a.read() * scale);
                    }
                }
                copy::<V>(from, block.add(2 * start), 2 * length);
            }
        }
    }
}

/// Copies `count` reals.
#[inline(always)]
unsafe fn copy<V: Lanes>(from: *const V::Real, to: *mut V::Real, count: usize) {
    let whole = count / V::LANES * V::LANES;
    // SAFETY: as the caller's
    unsafe {
        let mut at = 0;
        while at < whole {
            V::load(from.add(at)).store(to.add(at));
            at += V::LANES;
        }
        for at in whole..count {
            *to.add(at) = *from.add(at);
        }
    }
}

/// Lends the thread's buffer.
pub(super) fn with_buffer<T: Precision>(reals: usize, run: impl FnOnce(*mut T)) {
    thread_local! {
        static BUFFER: RefCell<Buffer> = const { RefCell::new(Buffer::new()) };
    }
    BUFFER.with_borrow_mut(|buffer| run(buffer.reserve(reals * size_of::<T>()).cast()));
}
