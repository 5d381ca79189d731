//! What a pulse is to reach, as a function of the final states.

use super::system::check_size;
use crate::linalg::{Matrix, check_finite, inner};
use crate::{C64, Error, Result};

/// A figure of merit of the states that a system ends in. All are real, and the fidelities at most 1.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Objective {
    /// |<target|ψ>|², of one state.
    State(Vec<C64>),
    /// <ψ|O|ψ> of a Hermitian O, summed over all states.
    Expectation(Matrix),
    /// Average fidelity of a gate on a subspace of d levels: (Tr M M† + |Tr V†M|²) / (d (d + 1)), where M is the
    /// evolution projected to the subspace, V the gate (Pedersen, Møller and Mølmer 2007, eq. 5). Column c is the state
    /// that column c of the initial states is to become; the columns are orthonormal, and span the subspace.
    Gate(Matrix),
}

impl Objective {
    /// Refuses an objective that is none of `columns` states of `dim` levels.
    pub(super) fn check(&self, dim: usize, columns: usize) -> Result<()> {
        let (what, found, expected) = match self {
            Self::State(target) => {
                if let Some(index) = target.iter().position(|z| !z.is_finite()) {
                    let value =
                        if target[index].re.is_finite() { target[index].im } else { target[index].re };
                    return Err(Error::NotFinite { what: "a target state", index, value });
                }
                if columns != 1 {
                    let what = "the list of initial states for one target state";
                    return Err(Error::Dimension { what, found: columns, expected: 1 });
                }
                ("a target state", target.len(), dim)
            }
            Self::Expectation(operator) => {
                check_size("an observable", operator, dim)?;
                check_finite("an observable", operator)?;
                return Ok(());
            }
            Self::Gate(target) => {
                check_finite("a target gate", target)?;
                if target.nrows() == dim {
                    ("the list of target states of a gate", target.ncols(), columns)
                } else {
                    ("a target state of a gate", target.nrows(), dim)
                }
            }
        };
        if found == expected { Ok(()) } else { Err(Error::Dimension { what, found, expected }) }
    }

    /// The value, and for each state ψ the vector χ with which it changes by 2 Re <χ|dψ>. States and vectors are padded
    /// columns of length `stride`.
    pub(super) fn value(&self, dim: usize, stride: usize, states: &[C64]) -> (f64, Vec<C64>) {
        let mut duals = vec![C64::ZERO; states.len()];
        let value = match self {
            Self::State(target) => {
                let overlap = inner(target, &states[..dim]);
                duals.iter_mut().zip(target).for_each(|(dual, z)| *dual = z * overlap);
                overlap.norm_sqr()
            }
            Self::Expectation(operator) => {
                let mut value = 0.0;
                for (dual, state) in duals.chunks_exact_mut(stride).zip(states.chunks_exact(stride)) {
                    for (row, slot) in operator.rows().into_iter().zip(dual.iter_mut()) {
                        *slot = row.iter().zip(state).map(|(a, b)| a * b).sum();
                    }
                    value += inner(&state[..dim], &dual[..dim]).re;
                }
                value
            }
            Self::Gate(target) => {
                let d = target.ncols();
                let norm = 1.0 / (d * (d + 1)) as f64;
                let targets: Vec<Vec<C64>> =
                    target.columns().into_iter().map(|column| column.to_vec()).collect();
                // M in the basis of the targets: V†M
                let overlap =
                    Matrix::from_shape_fn((d, d), |(a, c)| inner(&targets[a], &states[c * stride..][..dim]));
                let sum: C64 = overlap.diag().sum();
                for (c, dual) in duals.chunks_exact_mut(stride).enumerate() {
                    for (a, target) in targets.iter().enumerate() {
                        let factor = (overlap[[a, c]] + if a == c { sum } else { C64::ZERO }) * norm;
                        dual.iter_mut().zip(target).for_each(|(dual, z)| *dual += z * factor);
                    }
                }
                (overlap.iter().map(C64::norm_sqr).sum::<f64>() + sum.norm_sqr()) * norm
            }
        };
        (value, duals)
    }
}
