//! Many shots of one distribution, in time linear in the number of outcomes and of shots.
//!
//! The shots are uniform numbers on the interval that the outcomes cut in pieces, and their digits are drawn only as far as
//! they matter. The first digits say how many shots fall in each *part* of the interval, the next in which *bin* of the part,
//! so that shots come nearly in order and one walk along the outcomes serves all of a part. Only where a bin holds a border
//! between two outcomes are the remaining digits drawn. Parts have random streams of their own: the counts do not depend on
//! how many threads share them.

use num_complex::Complex;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

use super::counts::Counts;
use super::precision::Precision;
use crate::Result;

/// Outcomes whose weights are read at once.
const BLOCK: usize = 256;

/// Shots that one random stream distributes among the parts.
const CHUNK: usize = 1 << 17;

/// Shots of a part, about: its bins fit in the first cache.
const PART: usize = 1 << 12;

/// Most parts, and most bins of a part, in powers of two.
const MAX_DIGITS: u32 = 16;

/// Most shots of one run, so that no count passes 32 bits.
const MAX_SHOTS: usize = 1 << 31;

/// The weights of outcomes, which need not sum to 1. What is not above zero counts as impossible.
pub(crate) trait Weights: Sync {
    /// How many outcomes there are.
    fn len(&self) -> usize;

    /// Reads the weights of the outcomes from number `first` on.
    fn read(&self, first: usize, weights: &mut [f64]);
}

impl Weights for [f64] {
    fn len(&self) -> usize {
        self.len()
    }

    fn read(&self, first: usize, weights: &mut [f64]) {
        for (weight, p) in weights.iter_mut().zip(&self[first..]) {
            *weight = p.max(0.0);
        }
    }
}

impl<T: Precision> Weights for [Complex<T>] {
    fn len(&self) -> usize {
        self.len()
    }

    fn read(&self, first: usize, weights: &mut [f64]) {
        for (weight, amplitude) in weights.iter_mut().zip(&self[first..]) {
            let (re, im) = (amplitude.re.widen(), amplitude.im.widen());
            *weight = re * re + im * im;
        }
    }
}

/// Counts of `shots` independent draws. No shots and no outcome with a positive weight give empty counts.
pub(crate) fn draw(weights: &(impl Weights + ?Sized), shots: usize, seed: u64) -> Result<Counts> {
    let width = weights.len().trailing_zeros() as usize;
    let intervals = Intervals::new(weights);
    let mut counts = Counts::new(width)?;
    if !(intervals.total() > 0.0 && intervals.total().is_finite()) {
        return Ok(counts);
    }
    for (run, first) in (0..shots).step_by(MAX_SHOTS).enumerate() {
        let size = MAX_SHOTS.min(shots - first);
        let list = Run { intervals: &intervals, shots: size, seed: seed.wrapping_add(run as u64) }.counts();
        let part = Counts::from_sorted(width, list)?;
        if run == 0 { counts = part } else { counts.merge(&part)? }
    }
    Ok(counts)
}

/// The interval from 0 to the sum of all weights, cut in a piece for each outcome.
struct Intervals<'a, W: ?Sized> {
    weights: &'a W,
    /// Where the pieces of each block of outcomes begin, and the end of the last.
    starts: Vec<f64>,
}

impl<'a, W: Weights + ?Sized> Intervals<'a, W> {
    fn new(weights: &'a W) -> Self {
        let block = |at: usize| {
            let mut list = [0.0; BLOCK];
            let first = at * BLOCK;
            weights.read(first, &mut list[..BLOCK.min(weights.len() - first)]);
            let mut sums = [0.0; 8];
            for eight in list.chunks_exact(8) {
                sums.iter_mut().zip(eight).for_each(|(sum, p)| *sum += p);
            }
            sums.iter().sum::<f64>()
        };
        let count = weights.len().div_ceil(BLOCK);
        let sums: Vec<f64> = (0..count).into_par_iter().with_min_len(64).map(block).collect();
        let mut starts = Vec::with_capacity(count + 1);
        starts.push(0.0);
        sums.iter().fold(0.0, |start, sum| {
            starts.push(start + sum);
            start + sum
        });
        Self { weights, starts }
    }

    fn total(&self) -> f64 {
        self.starts[self.starts.len() - 1]
    }
}

/// Drawing so many shots.
struct Run<'a, W: ?Sized> {
    intervals: &'a Intervals<'a, W>,
    shots: usize,
    seed: u64,
}

impl<W: Weights + ?Sized> Run<'_, W> {
    /// How often each outcome was drawn, in increasing order, without those that were not.
    fn counts(&self) -> Vec<(u32, u32)> {
        let digits = (self.shots / PART).max(1).next_power_of_two().ilog2().min(MAX_DIGITS);
        let bins = (self.shots >> digits).max(16).next_power_of_two().ilog2().min(MAX_DIGITS);
        let parts = self.parts(digits);
        let draw = |(number, shots): (usize, &u32)| self.part(number, *shots as usize, digits, bins);
        let lists: Vec<Vec<(u32, u32)>> = parts.par_iter().enumerate().map(draw).collect();
        let mut lists = lists.into_iter();
        let mut all = lists.next().unwrap_or_default();
        all.reserve_exact(lists.as_slice().iter().map(Vec::len).sum());
        for list in lists {
            let shared = matches!((all.last(), list.first()), (Some(a), Some(b)) if a.0 == b.0);
            if let (true, Some(last)) = (shared, all.last_mut()) {
                last.1 += list[0].1;
            }
            all.extend_from_slice(&list[usize::from(shared)..]);
        }
        all
    }

    /// How many shots fall in each of the `2^digits` parts.
    fn parts(&self, digits: u32) -> Vec<u32> {
        if digits == 0 {
            return vec![self.shots as u32];
        }
        let chunk = |number: usize| {
            let mut rng = self.stream(number);
            histogram(CHUNK.min(self.shots - number * CHUNK), digits, &mut rng)
        };
        let chunks = (0..self.shots.div_ceil(CHUNK)).into_par_iter().map(chunk);
        chunks.reduce(
            || vec![0; 1 << digits],
            |mut sum, part| {
                sum.iter_mut().zip(part).for_each(|(sum, n)| *sum += n);
                sum
            },
        )
    }

    /// Draws the shots of one part.
    fn part(&self, number: usize, shots: usize, digits: u32, bins: u32) -> Vec<(u32, u32)> {
        let mut list: Vec<(u32, u32)> = Vec::with_capacity(shots.min(self.intervals.weights.len()));
        let mut count = |outcome: usize, times: u32| match list.last_mut() {
            Some(last) if last.0 == outcome as u32 => last.1 += times,
            _ => list.push((outcome as u32, times)),
        };
        let mut rng = self.stream(number | 1 << 62);
        let filled = histogram(shots, bins, &mut rng);
        let total = self.intervals.total();
        let (size, last) = (total / (1_u64 << (digits + bins)) as f64, total.next_down());
        let mut walk = Walk::new(self.intervals);
        let mut places = Vec::new();
        for (bin, times) in filled.into_iter().enumerate().filter(|(_, times)| *times > 0) {
            let bin = number << bins | bin;
            let (low, high) = (bin as f64 * size, (bin + 1) as f64 * size);
            walk.seek(low.min(last));
            if high <= walk.end() {
                count(walk.outcome(), times);
                continue;
            }
            places.clear();
            places.extend((0..times).map(|_| (low + rng.random::<f64>() * size).min(last)));
            places.sort_unstable_by(f64::total_cmp);
            for place in &places {
                walk.seek(*place);
                count(walk.outcome(), 1);
            }
        }
        list
    }

    fn stream(&self, number: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(number as u64);
        rng
    }
}

/// How often each number of so many binary digits comes up in `draws` draws.
fn histogram(draws: usize, digits: u32, rng: &mut impl Rng) -> Vec<u32> {
    let mut counts = vec![0; 1 << digits];
    let (mask, each) = (counts.len() - 1, (u64::BITS / digits) as usize);
    let mut left = draws;
    while left > 0 {
        let mut word = rng.next_u64();
        for _ in 0..each.min(left) {
            counts[word as usize & mask] += 1;
            word >>= digits;
        }
        left -= each.min(left);
    }
    counts
}

/// A place that moves up along the pieces of the outcomes.
struct Walk<'a, W: ?Sized> {
    intervals: &'a Intervals<'a, W>,
    block: usize,
    at: usize,
    /// Where the pieces of the block's outcomes end.
    ends: [f64; BLOCK],
}

impl<'a, W: Weights + ?Sized> Walk<'a, W> {
    fn new(intervals: &'a Intervals<'a, W>) -> Self {
        Self { intervals, block: usize::MAX, at: 0, ends: [0.0; BLOCK] }
    }

    /// Moves up to the outcome whose piece holds `place`, which is below the end of all.
    fn seek(&mut self, place: f64) {
        let starts = &self.intervals.starts;
        if self.block == usize::MAX {
            self.enter(starts.partition_point(|start| *start <= place) - 1);
        } else if starts[self.block + 1] <= place {
            let further = starts[self.block + 1..].iter().take_while(|start| **start <= place).count();
            self.enter(self.block + further);
        }
        while self.ends[self.at] <= place {
            self.at += 1;
        }
    }

    fn enter(&mut self, block: usize) {
        let (first, weights) = (block * BLOCK, self.intervals.weights);
        let mut list = [0.0; BLOCK];
        weights.read(first, &mut list[..BLOCK.min(weights.len() - first)]);
        let (start, end) = (self.intervals.starts[block], self.intervals.starts[block + 1]);
        let mut place = start;
        for (at, p) in self.ends.iter_mut().zip(&list) {
            place += p;
            *at = place.min(end);
        }
        // rounding may end the last possible outcome short of the next block, or begin the impossible ones behind it late
        let last = list.iter().rposition(|p| *p > 0.0).unwrap_or(0);
        self.ends[last..].fill(end);
        (self.block, self.at) = (block, 0);
    }

    fn outcome(&self) -> usize {
        self.block * BLOCK + self.at
    }

    /// Where the piece of the outcome ends.
    fn end(&self) -> f64 {
        self.ends[self.at]
    }
}
