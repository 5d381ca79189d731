//! How a transfer matrix meets a Pauli vector: which vectors of lanes are read, permuted, summed and written.

use super::pattern::{DENSE, Pattern};

/// Most vectors that a group reads at once, permuted ones counted: those of a map on four qubits.
pub(super) const MAX_INPUTS: usize = 256;

/// Dispatch of lanes of which a Pauli vector has `4^n / lanes` at least one.
///
/// A bit of a qubit's digit stands among the bits of an index either above the lanes, where it chooses a vector of a
/// *group*, or in the lanes. A matrix on the latter is a sum over lane permutations `lane ^ mask` with a vector of
/// coefficients each; so all qubits are alike but for those permutations.
#[derive(Debug, Clone)]
pub(crate) struct Stencil {
    /// Dispatch read by a group.
    pub(super) inputs: Vec<Input>,
    /// Dispatch written by a group, with the end of each one's terms; only those that change.
    pub(super) rows: Vec<Row>,
    /// Which input each term multiplies.
    pub(super) terms: Vec<u16>,
    /// Places of the bits above the lanes, increasing, as (place, how many next to each other).
    pub(super) holes: Vec<(u32, u32)>,
    /// How far permutations are apart: `mask = k << shift`.
    pub(super) shift: u32,
    /// Permutations.
    pub(super) permutations: usize,
    /// Bits above the lanes, as a power of two: vectors of a group.
    pub(super) group: usize,
    /// All entries count: the terms are the products of all inputs and outputs in the order of the dense kernels.
    pub(super) dense: bool,
    /// Whether the first row of a dense stencil is that of the identity.
    pub(super) skips_first: bool,
    /// The entry of the matrix that each coefficient is.
    slots: Vec<u32>,
}

/// A vector that a group reads, `offset` vectors from its first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Input {
    pub(super) offset: usize,
    pub(super) permutation: usize,
}

/// A vector that a group writes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    pub(super) offset: usize,
    pub(super) end: usize,
}

/// Outputs that the dense kernels sum at once.
pub(super) const fn outputs(rows: usize) -> usize {
    if rows < 8 { rows } else { 8 }
}

impl Stencil {
    /// The stencil of a matrix on these qubits; `lanes` is a power of two.
    pub(crate) fn new(qubits: &[usize], pattern: &Pattern, lanes: usize) -> Self {
        Self::with(qubits, pattern, lanes, true)
    }

    /// As [`Self::new`], its terms listed however many there are.
    pub(crate) fn sparse(qubits: &[usize], pattern: &Pattern, lanes: usize) -> Self {
        Self::with(qubits, pattern, lanes, false)
    }

    fn with(qubits: &[usize], pattern: &Pattern, lanes: usize, may_be_dense: bool) -> Self {
        let width = lanes.trailing_zeros() as usize;
        let places: Vec<usize> = qubits.iter().flat_map(|q| [2 * q, 2 * q + 1]).collect();
        let d = 1_usize << places.len();
        let high: Vec<usize> = (0..places.len()).filter(|bit| places[*bit] >= width).collect();
        let low: Vec<usize> = (0..places.len()).filter(|bit| places[*bit] < width).collect();
        let (group, permutations) = (1 << high.len(), 1 << low.len());
        let choose = |bits: &[usize], k: usize| -> usize {
            bits.iter().enumerate().map(|(i, bit)| (k >> i & 1) << bit).sum()
        };
        let offset = |k: usize| -> usize {
            high.iter().enumerate().map(|(i, bit)| (k >> i & 1) << (places[*bit] - width)).sum()
        };
        let shift = low.iter().map(|bit| places[*bit]).min().unwrap_or(0) as u32;
        // operands of a step are in increasing order, so that low bits are neighbours in the lanes too
        let lane_bits =
            |lane: usize| -> usize { low.iter().map(|bit| (lane >> places[*bit] & 1) << bit).sum() };
        let distinct = if permutations == 1 { 1 } else { lanes };
        let entries = |out: usize, input: usize, k: usize| {
            (0..distinct).map(move |lane| (out, input, k, lane)).map(|(out, input, k, lane)| {
                let row = choose(&high, out) | lane_bits(lane);
                let column = choose(&high, input) | (lane_bits(lane) ^ choose(&low, k));
                row * d + column
            })
        };
        let counts =
            |out: usize, input: usize, k: usize| entries(out, input, k).any(|at| !pattern.is_zero(at));
        let identity = |out: usize| {
            entries(out, out, 0).all(|at| pattern.is_one(at))
                && (0..group)
                    .all(|input| (0..permutations).all(|k| (input, k) == (out, 0) || !counts(out, input, k)))
        };
        let changed: Vec<usize> = (0..group).filter(|out| !identity(*out)).collect();
        let all: Vec<(usize, usize)> =
            (0..group).flat_map(|input| (0..permutations).map(move |k| (input, k))).collect();
        let filled: usize =
            changed.iter().map(|out| all.iter().filter(|(input, k)| counts(*out, *input, *k)).count()).sum();
        let skips_first = permutations == 1 && group == 4 && !changed.contains(&0);
        let rows = group - usize::from(skips_first);
        let dense = may_be_dense && matches!(d, 4 | 16) && filled as f64 > DENSE * (rows * all.len()) as f64;
        let mut stencil = Self {
            inputs: Vec::new(),
            rows: Vec::new(),
            terms: Vec::new(),
            holes: holes(&high.iter().map(|bit| places[*bit] - width).collect::<Vec<_>>()),
            shift,
            permutations,
            group,
            dense,
            skips_first: dense && skips_first,
            slots: Vec::new(),
        };
        if dense {
            let outs: Vec<usize> = (usize::from(skips_first)..group).collect();
            stencil.inputs =
                all.iter().map(|(input, k)| Input { offset: offset(*input), permutation: *k }).collect();
            stencil.rows = outs.iter().map(|out| Row { offset: offset(*out), end: 0 }).collect();
            for block in outs.chunks(outputs(outs.len())) {
                for (input, k) in &all {
                    for out in block {
                        stencil.slots.extend(entries(*out, *input, *k).map(|at| at as u32));
                    }
                }
            }
            return stencil;
        }
        let used: Vec<(usize, usize)> =
            all.into_iter().filter(|(input, k)| changed.iter().any(|out| counts(*out, *input, *k))).collect();
        for out in changed {
            for (at, (input, k)) in used.iter().enumerate() {
                if counts(out, *input, *k) {
                    stencil.terms.push(at as u16);
                    stencil.slots.extend(entries(out, *input, *k).map(|at| at as u32));
                }
            }
            stencil.rows.push(Row { offset: offset(out), end: stencil.terms.len() });
        }
        stencil.inputs =
            used.iter().map(|(input, k)| Input { offset: offset(*input), permutation: *k }).collect();
        stencil
    }

    /// The first vector of a group.
    #[inline(always)]
    #[allow(clippy::inline_always)] // part of the kernels
    pub(super) fn base(&self, group: usize) -> usize {
        self.holes.iter().fold(group, |at, (place, count)| {
            let below = (1 << place) - 1;
            (at & !below) << count | at & below
        })
    }

    /// How many coefficients there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The coefficients of a matrix, in the order of the kernels.
    pub(crate) fn gather(&self, entries: &[f64], coefficients: &mut [f64]) {
        for (coefficient, slot) in coefficients.iter_mut().zip(&self.slots) {
            *coefficient = entries[*slot as usize];
        }
    }

    /// Multiply-adds an entry of the Pauli vector.
    pub(crate) fn products(&self) -> f64 {
        let terms = if self.dense { self.rows.len() * self.inputs.len() } else { self.terms.len() };
        terms as f64 / self.group as f64
    }

    /// Reads and writes of an entry of the Pauli vector.
    pub(crate) fn touched(&self) -> f64 {
        let read = self.inputs.iter().filter(|input| input.permutation == 0).count();
        (read + self.rows.len()) as f64 / self.group as f64
    }

    /// Adds numbers in the place of coefficients to the entries of a matrix.
    pub(super) fn scatter(&self, coefficients: &[f64], entries: &mut [f64]) {
        for (coefficient, slot) in coefficients.iter().zip(&self.slots) {
            entries[*slot as usize] += coefficient;
        }
    }

    /// Whether nothing changes.
    pub(crate) fn is_idle(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Runs of neighbouring places.
fn holes(places: &[usize]) -> Vec<(u32, u32)> {
    let mut sorted = places.to_vec();
    sorted.sort_unstable();
    let mut holes: Vec<(u32, u32)> = Vec::new();
    for place in sorted {
        match holes.last_mut() {
            Some((start, count)) if (*start + *count) as usize == place => *count += 1,
            _ => holes.push((place as u32, 1)),
        }
    }
    holes
}
