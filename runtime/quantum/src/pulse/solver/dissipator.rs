//! The generator of a density matrix's evolution, as products of sparse matrices.
#![allow(unsafe_code)] // kernels
#![allow(clippy::inline_always)] // instructions of the processor are only used inside of a function that has them

use std::collections::BTreeMap;

use super::kernel::{apply_sparse, padded};
use super::system::columns;
use crate::C64;
use crate::linalg::{Matrix, dagger, frobenius};
use crate::simulator::sweep::vector::Lanes;

/// One term of Σ L ρ L†: element `to` of the result grows by `factor` times element `from` of ρ.
#[derive(Debug, Clone, Copy)]
struct Jump {
    to: u32,
    from: u32,
    factor: C64,
}

/// dρ/dt = X + X† with X = A ρ + J(ρ), where A = -i (H - c) - ½ Σ L†L, and J is the half of Σ L ρ L† above the diagonal
/// with half of the diagonal itself. Both are Hermitian only together, which is what spares the other half.
///
/// Rows of ρ lie one after the other, padded.
#[derive(Debug, Clone)]
pub(super) struct Dissipator {
    dim: usize,
    /// Rows of the constant part of A, padded.
    pub(super) drift: Vec<C64>,
    /// Rows of the controls' parts of A.
    pub(super) controls: Vec<Vec<C64>>,
    /// Where a row of A may differ from zero, row after row; `starts` says where each begins.
    pattern: Vec<u32>,
    starts: Vec<usize>,
    jumps: Vec<Jump>,
    /// 2 Σ ‖L‖²: bounds what the environment adds to the norm of the generator.
    pub(super) norm: f64,
}

impl Dissipator {
    /// From -i (H₀ - c), -i `C_k` and the collapse operators, all of one size.
    pub(super) fn new(drift: &Matrix, controls: &[Matrix], operators: &[Matrix]) -> Self {
        let dim = drift.nrows();
        let mut decay = drift.clone();
        for operator in operators {
            decay = decay - dagger(operator).dot(operator) * C64::from(0.5);
        }
        let (mut pattern, mut starts) = (Vec::new(), vec![0]);
        for row in 0..dim {
            let all = std::iter::once(&decay).chain(controls);
            let any = |column: &usize| all.clone().any(|matrix| matrix[[row, *column]] != C64::ZERO);
            pattern.extend((0..dim).filter(any).map(|column| column as u32));
            starts.push(pattern.len());
        }
        Self {
            dim,
            drift: rows(&decay),
            controls: controls.iter().map(rows).collect(),
            pattern,
            starts,
            jumps: jumps(operators, padded(dim)),
            // A Frobenius norm is no less than the spectral one.
            norm: operators.iter().map(|operator| 2.0 * frobenius(operator).powi(2)).sum(),
        }
    }

    /// `y` = factor · generator(ρ), where `a` are the rows of A times the time step and `time` is that step.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; all slices have `dim` padded rows.
    #[inline(always)]
    pub(super) unsafe fn apply<V: Lanes<Real = f64>>(
        &self,
        a: &[C64],
        time: f64,
        rho: &[C64],
        factor: f64,
        y: &mut [C64],
    ) {
        let stride = padded(self.dim);
        for row in 0..self.dim {
            let columns = &self.pattern[self.starts[row]..self.starts[row + 1]];
            let place = row * stride..(row + 1) * stride;
            // SAFETY: as the caller's; the columns are below `dim`
            unsafe { apply_sparse::<V>(rho, columns, &a[place.clone()], &mut y[place]) };
        }
        for jump in &self.jumps {
            y[jump.to as usize] += jump.factor * rho[jump.from as usize] * time;
        }
        for row in 0..self.dim {
            let diagonal = &mut y[row * stride + row];
            *diagonal = C64::from(2.0 * factor * diagonal.re);
            for column in row + 1..self.dim {
                let (upper, lower) = (row * stride + column, column * stride + row);
                let sum = (y[upper] + y[lower].conj()) * factor;
                y[upper] = sum;
                y[lower] = sum.conj();
            }
        }
    }
}

/// The rows of a matrix, padded.
fn rows(matrix: &Matrix) -> Vec<C64> {
    columns(&matrix.t().to_owned())
}

/// The terms of Σ L ρ L† on and above the diagonal, those on it halved.
fn jumps(operators: &[Matrix], stride: usize) -> Vec<Jump> {
    let mut sums: BTreeMap<(usize, usize), C64> = BTreeMap::new();
    for operator in operators {
        let elements: Vec<((usize, usize), C64)> =
            operator.indexed_iter().filter(|(_, z)| **z != C64::ZERO).map(|(at, z)| (at, *z)).collect();
        for ((row, i), left) in &elements {
            for ((column, j), right) in elements.iter().filter(|((column, _), _)| column >= row) {
                let half = if row == column { 0.5 } else { 1.0 };
                let factor = left * right.conj() * half;
                *sums.entry((row * stride + column, i * stride + j)).or_default() += factor;
            }
        }
    }
    let jump =
        |((to, from), factor): ((usize, usize), C64)| Jump { to: to as u32, from: from as u32, factor };
    sums.into_iter().filter(|(_, factor)| *factor != C64::ZERO).map(jump).collect()
}
