//! Real functions of a basis state: sums of signs.

use super::super::precision::Precision;
use super::super::sweep::vector::Level;
use super::kernel;
use super::subspace::Subspace;

/// Numbers after the end of a table, so that whole vectors can be read from its last entry on.
pub(super) const MARGIN: usize = 16;

/// Tables of a function at most, whatever is left of the room for tables.
const MAX_TABLES: usize = 16;

/// `f(j) = sum_k c_k (-1)^|z_k & j|`, given block by block: the low bits of `j` are the place in a block, the others its
/// number.
#[derive(Debug, Clone)]
pub(super) enum Function<T> {
    /// Few different blocks: a table of each. Bit `k` of a table's index is the parity of the block's number masked with
    /// selector `k`.
    Tables { selectors: Vec<usize>, tables: Vec<T> },
    /// Many: each is the Walsh-Hadamard transform of the coefficients, with the signs of its number.
    Terms(Vec<Class<T>>),
}

/// Terms that have the same sign in all of a block.
#[derive(Debug, Clone)]
pub(super) struct Class<T> {
    /// The mask of the number of the block.
    high: usize,
    /// Masks within the block, and coefficients.
    terms: Vec<(usize, T)>,
}

impl<T: Precision> Function<T> {
    /// The function of masks `z_k` and coefficients, on blocks of `block` bits. Tables take from `room`, in numbers.
    pub(super) fn new(terms: &[(usize, f64)], block: usize, room: &mut usize, level: Level) -> Self {
        let mut sorted: Vec<(usize, usize, T)> =
            terms.iter().map(|(z, c)| (z >> block, z & ((1 << block) - 1), T::narrow(*c))).collect();
        sorted.sort_by_key(|(high, low, _)| (*high, *low));
        let class = |of: &[(usize, usize, T)]| Class {
            high: of[0].0,
            terms: of.iter().map(|(_, low, c)| (*low, *c)).collect(),
        };
        let classes: Vec<_> = sorted.chunk_by(|a, b| a.0 == b.0).map(class).collect();
        let space = Subspace::spanned(classes.iter().map(|class| class.high));
        let (count, stride) = (1_usize << space.dimension().min(32), (1 << block) + MARGIN);
        if count > MAX_TABLES || count * stride > *room {
            return Self::Terms(classes);
        }
        *room -= count * stride;
        let mut tables = vec![T::zero(); count * stride];
        for (index, table) in tables.chunks_exact_mut(stride).enumerate() {
            transform(&classes, table, level, |high| space.coordinates(high) & index);
        }
        Self::Tables { selectors: space.basis().to_vec(), tables }
    }

    /// The values in the block `number`, and a margin; `scratch` has room for them.
    pub(super) fn block<'a>(&'a self, number: usize, scratch: &'a mut [T], level: Level) -> &'a [T] {
        match self {
            Self::Tables { selectors, tables } => {
                let parity = |mask: &usize| (mask & number).count_ones() as usize & 1;
                let index =
                    selectors.iter().enumerate().fold(0, |index, (k, mask)| index | parity(mask) << k);
                &tables[index * scratch.len()..][..scratch.len()]
            }
            Self::Terms(classes) => {
                transform(classes, scratch, level, |high| high & number);
                scratch
            }
        }
    }
}

/// Writes the values of a block; the sign of a class is the parity of `signs(high)`.
fn transform<T: Precision>(
    classes: &[Class<T>],
    table: &mut [T],
    level: Level,
    signs: impl Fn(usize) -> usize,
) {
    table.fill(T::zero());
    for class in classes {
        let is_odd = signs(class.high).count_ones() & 1 == 1;
        for (low, coefficient) in &class.terms {
            table[*low] += if is_odd { -*coefficient } else { *coefficient };
        }
    }
    let size = table.len() - MARGIN;
    kernel::walsh_hadamard(&mut table[..size], level);
}
