//! Which entries of a transfer matrix need arithmetic.

use super::transfer::{Transfer, multiply};

/// Share of entries from which all of a matrix are taken to count.
pub(super) const DENSE: f64 = 0.45;

/// For each entry 0 where it always is 0, 1 where it always is 1, 2 where it may be any number. These multiply and add as
/// the numbers that they stand for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    pub(crate) qubits: usize,
    entries: Vec<f64>,
}

impl Pattern {
    pub(crate) fn of(map: &Transfer) -> Self {
        let kind = |entry: &f64| if *entry == 0.0 || *entry == 1.0 { *entry } else { 2.0 };
        Self { qubits: map.qubits, entries: map.entries.iter().map(kind).collect() }
    }

    pub(crate) fn any(qubits: usize) -> Self {
        Self { qubits, entries: vec![2.0; 1 << (4 * qubits)] }
    }

    pub(super) fn none(qubits: usize) -> Self {
        Self { qubits, entries: vec![0.0; 1 << (4 * qubits)] }
    }

    /// Lets the entries vary with those of a map that has a changing coefficient.
    pub(super) fn vary(&mut self, map: &Transfer) {
        for (kind, entry) in self.entries.iter_mut().zip(&map.entries) {
            if *entry != 0.0 {
                *kind = 2.0;
            }
        }
    }

    /// The pattern of a product, `before` first.
    pub(super) fn after(&self, before: &Self) -> Self {
        let mut entries = vec![0.0; self.entries.len()];
        multiply(1 << (2 * self.qubits), &self.entries, &before.entries, &mut entries);
        for kind in &mut entries {
            *kind = kind.min(2.0);
        }
        Self { qubits: self.qubits, entries }
    }

    pub(super) fn transposed(&self) -> Self {
        let map = Transfer { qubits: self.qubits, entries: self.entries.clone() };
        Self { qubits: self.qubits, entries: map.transposed().entries }
    }

    /// Processor cycles a vector of lanes that the matrix takes, about: measured on vectors that stay in the first cache.
    pub(super) fn cycles(&self) -> f64 {
        let d = 1_usize << (2 * self.qubits);
        let (mut rows, mut filled, mut read) = (0, 0, vec![false; d]);
        for (number, row) in self.entries.chunks_exact(d).enumerate() {
            let count = row.iter().filter(|kind| **kind != 0.0).count();
            if count == 1 && row[number] == 1.0 {
                continue;
            }
            (rows, filled) = (rows + 1, filled + count);
            row.iter().zip(&mut read).for_each(|(kind, read)| *read |= *kind != 0.0);
        }
        let read = read.into_iter().filter(|read| *read).count();
        let each = |count: usize| count as f64 / d as f64;
        if self.qubits <= 2 && filled as f64 > DENSE * (rows * d) as f64 {
            return each(rows * d) + 0.3 * each(d + 2 * rows);
        }
        1.6 * each(filled) + 0.6 * each(read + 2 * rows)
    }

    pub(super) fn is_zero(&self, at: usize) -> bool {
        self.entries[at] == 0.0
    }

    pub(super) fn is_one(&self, at: usize) -> bool {
        self.entries[at] == 1.0
    }
}
