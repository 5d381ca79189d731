//! The Pauli vector of a state: its linear inversion from counts, and its way to a density matrix and back.

use super::measurement::{check_width, common_width};
use super::mitigation::{apply, inverses};
use super::{Basis, Measurement};
use crate::circuit::Confusion;
use crate::linalg::{Matrix, check_square};
use crate::{C64, Error, Result};

/// The expectations Tr(P rho) of all 4^n Pauli products, which are the coordinates of a state.
///
/// Product `i` has the digit `i >> 2 q & 3` on qubit `q`: 0 for I, 1 for X, 2 for Y, 3 for Z.
#[derive(Debug, Clone, PartialEq)]
pub struct PauliVector {
    width: usize,
    values: Vec<f64>,
    weights: Vec<f64>,
}

impl PauliVector {
    /// Linear inversion: each expectation is the mean over all settings that measure it, weighted by their
    /// shots; this is the least-squares estimate. Readout is mitigated first where `readout` gives the
    /// confusion of each qubit.
    ///
    /// Products that no setting measures are left at 0 with weight 0.
    ///
    /// # Errors
    /// [`Error::NoShots`] without measurements, [`Error::Dimension`] if widths differ, those of
    /// [`mitigate`](super::mitigate).
    pub fn from_measurements(measurements: &[Measurement], readout: Option<&[Confusion]>) -> Result<Self> {
        let width = common_width(measurements)?;
        let maps = readout
            .map(|readout| check_readout(readout, width).and_then(|()| inverses(readout)))
            .transpose()?;
        let mut values = vec![0.0; 1 << (2 * width)];
        let mut weights = vec![0.0; 1 << (2 * width)];
        for measurement in measurements {
            let mut parities = measurement.frequencies();
            if let Some(maps) = &maps {
                apply(&mut parities, maps);
            }
            walsh_hadamard(&mut parities);
            for (index, parity) in products(measurement.basis()).into_iter().zip(parities) {
                values[index] += measurement.shots() * parity;
                weights[index] += measurement.shots();
            }
        }
        for (value, weight) in values.iter_mut().zip(&weights).filter(|(_, weight)| **weight > 0.0) {
            *value /= weight;
        }
        Ok(Self { width, values, weights })
    }

    /// The Pauli vector of a matrix (of its Hermitian part), each product with weight 1.
    ///
    /// # Errors
    /// [`Error::NotSquare`]; [`Error::Dimension`] if its size is no power of two from 2 on.
    pub fn from_matrix(rho: &Matrix) -> Result<Self> {
        check_square("a density matrix", rho)?;
        let dim = rho.nrows();
        if !dim.is_power_of_two() {
            let expected = dim.next_power_of_two();
            return Err(Error::Dimension { what: "a density matrix of qubits", found: dim, expected });
        }
        let width = dim.trailing_zeros() as usize;
        check_width(width)?;
        let mut values = vec![0.0; dim * dim];
        expectations(rho, width, &mut values);
        Ok(Self { width, values, weights: vec![1.0; dim * dim] })
    }

    /// The number of qubits.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The expectation of each product.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The number of shots that measured each product; 0 where it was not measured.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The matrix 2^-n sum of value times product: Hermitian, of trace 1, but with finite counts not always
    /// positive.
    pub fn matrix(&self) -> Matrix {
        matrix(&self.values, self.width)
    }

    /// The outcome distribution of the state in a setting, by the Born rule.
    ///
    /// # Errors
    /// [`Error::Dimension`] if the setting has another number of qubits.
    pub fn probabilities(&self, basis: &[Basis]) -> Result<Vec<f64>> {
        if basis.len() != self.width {
            return Err(Error::Dimension { what: "a setting", found: basis.len(), expected: self.width });
        }
        let mut distribution: Vec<f64> =
            products(basis).into_iter().map(|index| self.values[index]).collect();
        walsh_hadamard(&mut distribution);
        let scale = 0.5_f64.powf(self.width as f64);
        Ok(distribution.into_iter().map(|p| p * scale).collect())
    }
}

/// The density matrix of full (or partial) tomography by linear inversion: Hermitian, of trace 1, not always
/// positive. [`nearest_state`](super::nearest_state) makes it physical.
///
/// # Errors
/// As [`PauliVector::from_measurements`].
pub fn linear_inversion(measurements: &[Measurement], readout: Option<&[Confusion]>) -> Result<Matrix> {
    Ok(PauliVector::from_measurements(measurements, readout)?.matrix())
}

/// Refuses a readout of another number of qubits.
pub(super) fn check_readout(readout: &[Confusion], expected: usize) -> Result<()> {
    let found = readout.len();
    if found == expected {
        Ok(())
    } else {
        Err(Error::Dimension { what: "the readout confusion", found, expected })
    }
}

/// The index of the product on each subset of the qubits of a setting; subset `s` holds qubit `q` if bit `q`
/// is set.
pub(super) fn products(basis: &[Basis]) -> Vec<usize> {
    let mut indices = vec![0; 1 << basis.len()];
    for (qubit, &basis) in basis.iter().enumerate() {
        let digit = match basis {
            Basis::X => 1,
            Basis::Y => 2,
            Basis::Z => 3,
        };
        let (without, with) = indices.split_at_mut(1 << qubit);
        for (with, without) in with.iter_mut().zip(without) {
            *with = *without | digit << (2 * qubit);
        }
    }
    indices
}

/// The unnormalised Walsh-Hadamard transform: outcome probabilities to parities of subsets, and back times
/// 2^n.
pub(super) fn walsh_hadamard(values: &mut [f64]) {
    let mut stride = 1;
    while stride < values.len() {
        for block in values.chunks_exact_mut(2 * stride) {
            let (low, high) = block.split_at_mut(stride);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        stride *= 2;
    }
}

/// 2^-n sum over products of `values[i]` times the product.
pub(super) fn matrix(values: &[f64], width: usize) -> Matrix {
    let scale = 0.5_f64.powf(width as f64);
    let mut elements: Vec<C64> = values.iter().map(|&x| C64::from(x * scale)).collect();
    for qubit in 0..width {
        quads(&mut elements, qubit, |[i, x, y, z]| [i + z, x - C64::I * y, x + C64::I * y, i - z]);
    }
    let dim = 1 << width;
    let mut rho = Matrix::zeros((dim, dim));
    let columns: Vec<usize> = (0..dim).map(interleave).collect();
    for (row, mut slots) in rho.rows_mut().into_iter().enumerate() {
        let row = columns[row] << 1;
        slots.iter_mut().zip(&columns).for_each(|(slot, column)| *slot = elements[row | column]);
    }
    rho
}

/// Tr(P a) for each product P, of the Hermitian part of `a`.
pub(super) fn expectations(a: &Matrix, width: usize, values: &mut [f64]) {
    let mut elements = vec![C64::ZERO; values.len()];
    let columns: Vec<usize> = (0..1 << width).map(interleave).collect();
    for (row, slots) in a.rows().into_iter().enumerate() {
        let row = columns[row] << 1;
        slots.iter().zip(&columns).for_each(|(slot, column)| elements[row | column] = *slot);
    }
    for qubit in 0..width {
        quads(&mut elements, qubit, |[a, b, c, d]| [a + d, b + c, C64::I * (b - c), a - d]);
    }
    values.iter_mut().zip(elements).for_each(|(value, element)| *value = element.re);
}

/// Applies `map` to the four elements that differ only in the base-4 digit of `qubit`.
fn quads(elements: &mut [C64], qubit: usize, map: impl Fn([C64; 4]) -> [C64; 4]) {
    let stride = 1 << (2 * qubit);
    for block in elements.chunks_exact_mut(4 * stride) {
        for i in 0..stride {
            let places = [i, i + stride, i + 2 * stride, i + 3 * stride];
            let values = map(places.map(|place| block[place]));
            for (place, value) in places.into_iter().zip(values) {
                block[place] = value;
            }
        }
    }
}

/// The bits of `index` moved to the even places.
fn interleave(index: usize) -> usize {
    (0..MAX_BITS).fold(0, |spread, bit| spread | (index >> bit & 1) << (2 * bit))
}

const MAX_BITS: usize = super::MAX_WIDTH;
