//! Small matrices in the form that is cheapest to apply.

use num_complex::Complex;

use super::precision::{Precision, narrow};
use crate::{C64, Matrix};

/// A small matrix.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form<T> {
    /// The diagonal.
    Diagonal(Vec<Complex<T>>),
    /// The permutation that exchanges two basis states: `x`, `swap`, and with controls `cx`, `ccx`, `cswap`.
    Exchange(usize, usize),
    /// The entries that are not zero, of the rows that are not those of the identity.
    Sparse(SparseRows<T>),
    /// All entries, row by row.
    Dense(Vec<Complex<T>>),
}

/// Rows of a sparse matrix.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SparseRows<T> {
    /// Each row's index and the end of its entries.
    rows: Vec<(usize, usize)>,
    entries: Vec<(usize, Complex<T>)>,
}

impl<T> SparseRows<T> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &[(usize, Complex<T>)])> {
        let starts = std::iter::once(0).chain(self.rows.iter().map(|row| row.1));
        self.rows.iter().zip(starts).map(|((row, end), start)| (*row, &self.entries[start..*end]))
    }
}

impl<T: Precision> Form<T> {
    /// The cheapest form of a square matrix.
    pub(crate) fn of(matrix: &Matrix) -> Self {
        let d = matrix.nrows();
        let filled = matrix.iter().filter(|entry| **entry != C64::ZERO).count();
        let on_diagonal = matrix.diag().iter().filter(|entry| **entry != C64::ZERO).count();
        if filled == on_diagonal {
            return Self::Diagonal(matrix.diag().iter().map(|entry| narrow(*entry)).collect());
        }
        if let Some((a, b)) = exchange(matrix, filled) {
            return Self::Exchange(a, b);
        }
        if d < 4 || 2 * filled > d * d {
            return Self::Dense(matrix.iter().map(|entry| narrow(*entry)).collect());
        }
        let mut sparse = SparseRows { rows: Vec::new(), entries: Vec::with_capacity(filled) };
        for (at, row) in matrix.rows().into_iter().enumerate() {
            let kept = row.iter().enumerate().filter(|(_, entry)| **entry != C64::ZERO);
            let identity = row[at] == C64::ONE && kept.clone().count() == 1;
            if !identity {
                sparse.entries.extend(kept.map(|(column, entry)| (column, narrow(*entry))));
                sparse.rows.push((at, sparse.entries.len()));
            }
        }
        Self::Sparse(sparse)
    }

    /// Whether it is the identity.
    pub(crate) fn is_identity(&self) -> bool {
        match self {
            Self::Diagonal(factors) => factors.iter().all(|f| f.re == T::one() && f.im == T::zero()),
            _ => false,
        }
    }
}

/// The two states that the matrix exchanges, where that is all it does.
fn exchange(matrix: &Matrix, filled: usize) -> Option<(usize, usize)> {
    let d = matrix.nrows();
    let moved = |k: &usize| matrix[(*k, *k)] != C64::ONE;
    let (a, b) = ((0..d).find(moved)?, (0..d).rev().find(moved)?);
    let others = (0..d).filter(moved).count();
    let is_exchange = filled == d && others == 2 && matrix[(a, b)] == C64::ONE && matrix[(b, a)] == C64::ONE;
    is_exchange.then_some((a, b))
}
