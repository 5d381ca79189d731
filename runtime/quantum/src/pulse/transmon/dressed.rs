//! The eigenstates of coupled transmons, each named after the state without coupling that it is most like.

use crate::linalg::{Eigen, Matrix};
use crate::{C64, Result};

/// Eigenstates in the order of the states without coupling.
#[derive(Debug, Clone)]
pub(super) struct Dressed {
    /// As columns, with a positive overlap with their namesakes.
    pub(super) states: Matrix,
    /// Energies.
    pub(super) energies: Vec<f64>,
}

impl Dressed {
    /// Decomposes a Hamiltonian; the largest overlaps choose first.
    pub(super) fn new(hamiltonian: &Matrix) -> Result<Self> {
        let eigen = Eigen::new(hamiltonian)?;
        let dim = hamiltonian.nrows();
        let mut overlaps: Vec<(f64, usize, usize)> = eigen
            .vectors
            .indexed_iter()
            .map(|((bare, dressed), amplitude)| (amplitude.norm_sqr(), bare, dressed))
            .collect();
        overlaps.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let (mut states, mut energies) = (Matrix::zeros((dim, dim)), vec![0.0; dim]);
        let (mut named, mut used) = (vec![false; dim], vec![false; dim]);
        for (_, bare, dressed) in overlaps {
            if named[bare] || used[dressed] {
                continue;
            }
            (named[bare], used[dressed]) = (true, true);
            let amplitude = eigen.vectors[[bare, dressed]];
            let size = amplitude.norm();
            let phase = if size > 0.0 { amplitude.conj() / size } else { C64::ONE };
            let column = eigen.vectors.column(dressed).mapv(|z| z * phase);
            states.column_mut(bare).assign(&column);
            energies[bare] = eigen.values[dressed];
        }
        Ok(Self { states, energies })
    }
}
