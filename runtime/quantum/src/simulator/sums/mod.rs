//! Sums of Pauli products on state vectors: few passes over memory, however many products.
//!
//! Products that flip the same qubits (X or Y on them) differ in signs only. Together they take amplitude `j` to
//! `j ^ flip` with a factor `f(j) = sum_k c_k i^{#Y} (-1)^|z_k & j|`, so they cost as much as one product, once the
//! values of `f` are there. These come block by block from a table of few different ones, or from a Walsh-Hadamard
//! transform of the coefficients within the block. Groups of products that flip only the number of a place in a block,
//! or numbers of blocks in one small linear space, share a pass.

mod function;
mod kernel;
mod subspace;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use num_complex::Complex;
use rayon::prelude::*;

use super::kernel::PARALLEL;
use super::precision::Precision;
use super::sweep::vector::Level;
use crate::observable::PauliProduct;
use function::{Function, MARGIN};
use kernel::{Factors, SMALLEST};
use subspace::Subspace;

/// Bits of the place in a block: 16 KiB in double precision, half of a usual first-level cache.
const BLOCK: usize = 10;

/// Dimension of the space of numbers of blocks that are read together: 512 KiB, half of a usual second-level cache.
const TOGETHER: usize = 5;

/// Amplitudes that one task works on at least: fixed, so that sums do not depend on the number of threads.
const TASK: usize = 1 << 13;

/// Numbers in all tables: 1 MiB in double precision.
const ROOM: usize = 1 << 17;

/// A real sum of Pauli products, ready for states of one width.
#[derive(Debug, Clone)]
pub(crate) struct PauliSum<T> {
    width: usize,
    level: Level,
    /// Bits of the place in a block.
    block: usize,
    passes: Vec<Pass<T>>,
}

/// Groups that read the same blocks.
#[derive(Debug, Clone)]
struct Pass<T> {
    /// Numbers of blocks that are read together: this space, and its cosets.
    space: Subspace,
    members: Vec<usize>,
    groups: Vec<Group<T>>,
}

/// Products that flip the same bits.
#[derive(Debug, Clone)]
struct Group<T> {
    /// The bits of the number of the block.
    high: usize,
    /// The bits of the place in the block.
    low: usize,
    /// The real part of the factors: products with an even number of Y.
    real: Option<Function<T>>,
    /// The imaginary part.
    imaginary: Option<Function<T>>,
}

impl<T: Precision> PauliSum<T> {
    /// Plans a sum for states of `width` qubits, which has room for all products.
    pub(crate) fn new(terms: impl IntoIterator<Item = (PauliProduct, f64)>, width: usize) -> Self {
        Self::with_level(terms, width, Level::best())
    }

    fn with_level(terms: impl IntoIterator<Item = (PauliProduct, f64)>, width: usize, level: Level) -> Self {
        let block = width.clamp(SMALLEST.ilog2() as usize, BLOCK);
        let mut by_flip: BTreeMap<usize, [Vec<(usize, f64)>; 2]> = BTreeMap::new();
        for (product, coefficient) in terms {
            let phase = product.phase() * coefficient;
            let parts = by_flip.entry(product.x_mask() as usize).or_default();
            let (part, factor) = if phase.im == 0.0 { (0, phase.re) } else { (1, phase.im) };
            parts[part].push((product.z_mask() as usize, factor));
        }
        let mut room = ROOM;
        let mut function = |terms: &Vec<(usize, f64)>| {
            (!terms.is_empty()).then(|| Function::new(terms, block, &mut room, level))
        };
        let groups = by_flip.iter().map(|(flip, [real, imaginary])| Group {
            high: flip >> block,
            low: flip & ((1 << block) - 1),
            real: function(real),
            imaginary: function(imaginary),
        });
        Self { width, level, block, passes: Pass::of(groups.collect()) }
    }

    /// `<psi| M |psi>`.
    ///
    /// # Panics
    /// If the state has another width.
    pub(crate) fn expectation(&self, psi: &[Complex<T>]) -> f64 {
        assert_eq!(psi.len(), 1 << self.width);
        if psi.len() < SMALLEST {
            return self.sum(&padded(psi));
        }
        self.sum(psi)
    }

    /// Writes `M psi` to `dual` and returns `<psi| M |psi>`.
    ///
    /// # Panics
    /// If one of the states has another width.
    pub(crate) fn apply(&self, psi: &[Complex<T>], dual: &mut [Complex<T>]) -> f64 {
        assert!(psi.len() == 1 << self.width && dual.len() == psi.len());
        if psi.len() < SMALLEST {
            let mut wide = padded(dual);
            let value = self.product(&padded(psi), &mut wide);
            dual.copy_from_slice(&wide[..dual.len()]);
            return value;
        }
        self.product(psi, dual)
    }

    fn sum(&self, psi: &[Complex<T>]) -> f64 {
        let block = |number: usize| &psi[number << self.block..][..1 << self.block];
        let of_pass = |pass: &Pass<T>| {
            let cosets = psi.len() >> self.block >> pass.space.dimension();
            let per_task = self.per_task(pass);
            let task = |task: usize| {
                let mut scratch = self.scratch();
                let mut sum = 0.0;
                for coset in task * per_task..((task + 1) * per_task).min(cosets) {
                    let first = pass.space.representative(coset);
                    for number in pass.members.iter().map(|member| first ^ member) {
                        for group in &pass.groups {
                            let other = number ^ group.high;
                            if other < number {
                                continue; // its conjugate is counted
                            }
                            let part = kernel::overlap(
                                block(other),
                                block(number),
                                group.factors(number, &mut scratch, self.level),
                                self.level,
                            );
                            sum += if other == number { part } else { 2.0 * part };
                        }
                    }
                }
                sum
            };
            let tasks = cosets.div_ceil(per_task);
            if psi.len() < PARALLEL {
                return (0..tasks).map(task).sum::<f64>();
            }
            let parts: Vec<f64> = (0..tasks).into_par_iter().map(task).collect();
            parts.into_iter().sum()
        };
        self.passes.iter().map(of_pass).sum()
    }

    fn product(&self, psi: &[Complex<T>], dual: &mut [Complex<T>]) -> f64 {
        let Some(last) = self.passes.len().checked_sub(1) else {
            dual.fill(zero());
            return 0.0;
        };
        let size = 1 << self.block;
        let mut value = 0.0;
        for (at, pass) in self.passes.iter().enumerate() {
            // the blocks of a coset one after the other, so that they are read from the cache
            let mut blocks: Vec<Option<&mut [Complex<T>]>> = dual.chunks_exact_mut(size).map(Some).collect();
            let cosets = 0..blocks.len() >> pass.space.dimension();
            let mut ordered = Vec::with_capacity(blocks.len());
            for first in cosets.map(|coset| pass.space.representative(coset)) {
                for number in pass.members.iter().map(|member| first ^ member) {
                    ordered.extend(blocks[number].take().map(|to| (number, to)));
                }
            }
            let task = |blocks: &mut [(usize, &mut [Complex<T>])]| {
                let mut scratch = self.scratch();
                let mut sum = 0.0;
                for (number, to) in blocks {
                    if at == 0 {
                        to.fill(zero());
                    }
                    for group in &pass.groups {
                        let from = &psi[(*number ^ group.high) * size..][..size];
                        let factors = group.factors(*number, &mut scratch, self.level);
                        kernel::accumulate(from, to, factors, self.level);
                    }
                    if at == last {
                        sum += kernel::inner(&psi[*number * size..][..size], to, self.level);
                    }
                }
                sum
            };
            let per_task = self.per_task(pass) << pass.space.dimension();
            value = if psi.len() < PARALLEL {
                ordered.chunks_mut(per_task).map(task).sum()
            } else {
                let parts: Vec<f64> = ordered.par_chunks_mut(per_task).map(task).collect();
                parts.into_iter().sum()
            };
        }
        value
    }

    /// Cosets of a task.
    fn per_task(&self, pass: &Pass<T>) -> usize {
        (TASK >> self.block >> pass.space.dimension()).max(1)
    }

    /// Room for the real and the imaginary parts of the factors of a block.
    fn scratch(&self) -> [Vec<T>; 2] {
        let length = (1 << self.block) + MARGIN;
        [vec![T::zero(); length], vec![T::zero(); length]]
    }
}

impl<T: Precision> Pass<T> {
    /// As few passes as a greedy choice finds.
    fn of(mut groups: Vec<Group<T>>) -> Vec<Self> {
        let mut passes = Vec::new();
        while !groups.is_empty() {
            let mut space = Subspace::default();
            let fits = |group: &mut Group<T>| {
                if space.dimension() < TOGETHER {
                    space.insert(group.high);
                }
                space.contains(group.high)
            };
            let chosen = groups.extract_if(.., fits).collect();
            passes.push(Self { members: space.members(), space, groups: chosen });
        }
        passes
    }
}

impl<T: Precision> Group<T> {
    /// The factors of the amplitudes of a block.
    fn factors<'a>(&'a self, number: usize, scratch: &'a mut [Vec<T>; 2], level: Level) -> Factors<'a, T> {
        let [real, imaginary] = scratch;
        Factors {
            flip: self.low,
            real: self.real.as_ref().map(|function| function.block(number, real, level)),
            imaginary: self.imaginary.as_ref().map(|function| function.block(number, imaginary, level)),
        }
    }
}

/// The amplitudes of a state that is smaller than a block, and zeros.
fn padded<T: Precision>(psi: &[Complex<T>]) -> [Complex<T>; SMALLEST] {
    std::array::from_fn(|j| psi.get(j).copied().unwrap_or(zero()))
}

fn zero<T: Precision>() -> Complex<T> {
    Complex::new(T::zero(), T::zero())
}
