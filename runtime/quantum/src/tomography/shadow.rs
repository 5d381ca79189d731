//! Classical shadows with random Pauli bases: unbiased estimates of a state, or of single elements of it.

use super::measurement::common_width;
use super::mitigation::{Maps, apply, inverses};
use super::pauli::{check_readout, matrix, products, walsh_hadamard};
use super::{Basis, Measurement};
use crate::circuit::Confusion;
use crate::linalg::Matrix;
use crate::{C64, Error, Result};

/// A classical shadow (Huang, Kueng and Preskill, Nature Physics 16, 1050, 2020) of settings drawn uniformly,
/// each with any number of shots.
///
/// The estimate of one outcome `s` is the product over qubits of 3|s><s| - 1. Readout errors are undone
/// exactly in the inverse channel, with the inverse confusion of each qubit (compare Chen, Yu, Zeng and
/// Flammia 2021).
#[derive(Debug, Clone, PartialEq)]
pub struct Shadow {
    width: usize,
    /// Basis, and distribution of the outcomes before readout.
    settings: Vec<(Vec<Basis>, Vec<f64>)>,
}

impl Shadow {
    /// The shadow of some measurements, settings weighted equally: their choice is what is random.
    ///
    /// # Errors
    /// [`Error::NoShots`] without measurements, [`Error::Dimension`] if widths differ, those of
    /// [`mitigate`](super::mitigate).
    pub fn new(measurements: &[Measurement], readout: Option<&[Confusion]>) -> Result<Self> {
        let width = common_width(measurements)?;
        let maps: Maps = match readout {
            Some(readout) => {
                check_readout(readout, width)?;
                inverses(readout)?
            }
            None => Vec::new(),
        };
        let settings = measurements
            .iter()
            .map(|measurement| {
                let mut distribution = measurement.frequencies();
                apply(&mut distribution, &maps);
                (measurement.basis().to_vec(), distribution)
            })
            .collect();
        Ok(Self { width, settings })
    }

    /// The mean of all estimates: Hermitian, of trace 1, far from positive when settings are few.
    pub fn matrix(&self) -> Matrix {
        let mut values = vec![0.0; 1 << (2 * self.width)];
        for (basis, distribution) in &self.settings {
            let mut parities = distribution.clone();
            walsh_hadamard(&mut parities);
            for (subset, (index, parity)) in products(basis).into_iter().zip(parities).enumerate() {
                // A product on k qubits is measured by one setting in 3^k.
                values[index] +=
                    3_f64.powf(f64::from(subset.count_ones())) * parity / self.settings.len() as f64;
            }
        }
        matrix(&values, self.width)
    }

    /// The estimate of <v|rho|w>, without forming rho: cost `n 2^n` a setting.
    ///
    /// # Errors
    /// [`Error::Dimension`] if a vector has not `2^n` elements; [`Error::NotFinite`].
    pub fn element(&self, v: &[C64], w: &[C64]) -> Result<C64> {
        for vector in [v, w] {
            let expected = 1 << self.width;
            if vector.len() != expected {
                return Err(Error::Dimension { what: "a state vector", found: vector.len(), expected });
            }
            if let Some(index) = vector.iter().position(|z| !z.is_finite()) {
                let value = if vector[index].re.is_finite() { vector[index].im } else { vector[index].re };
                return Err(Error::NotFinite { what: "a state vector", index, value });
            }
        }
        // 3|s><s| - 1 is diagonal in its own basis: 2 where the outcome agrees, -1 where not.
        let inverse_channel: Maps = vec![[2.0, -1.0, -1.0, 2.0]; self.width];
        let sum: C64 = self
            .settings
            .iter()
            .map(|(basis, distribution)| {
                let mut diagonal = distribution.clone();
                apply(&mut diagonal, &inverse_channel);
                let (v, w) = (rotated(v, basis), rotated(w, basis));
                v.iter().zip(w).zip(diagonal).map(|((v, w), d)| v.conj() * w * d).sum::<C64>()
            })
            .sum();
        Ok(sum / self.settings.len() as f64)
    }
}

/// The amplitudes of a state in the eigenbasis of a setting.
fn rotated(state: &[C64], basis: &[Basis]) -> Vec<C64> {
    let mut state = state.to_vec();
    for (qubit, basis) in basis.iter().enumerate() {
        let phase = match basis {
            Basis::Z => continue,
            Basis::X => C64::ONE,
            Basis::Y => -C64::I,
        };
        let stride = 1 << qubit;
        for block in state.chunks_exact_mut(2 * stride) {
            let (zeros, ones) = block.split_at_mut(stride);
            for (zero, one) in zeros.iter_mut().zip(ones) {
                let turned = *one * phase;
                (*zero, *one) = (
                    (*zero + turned) * std::f64::consts::FRAC_1_SQRT_2,
                    (*zero - turned) * std::f64::consts::FRAC_1_SQRT_2,
                );
            }
        }
    }
    state
}
