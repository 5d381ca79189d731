//! What pulses do to the qubits: a gate, or a channel.

use super::transmon::{Propagator, Transmons};
use super::{Samples, Timeline, drive};
use crate::linalg::{self, Matrix, dagger};
use crate::{C64, Channel, Error, Result};

/// Probability to leave the levels of the qubits above which no gate describes pulses.
const MAX_LEAKAGE: f64 = 0.01;

/// Below this part of the largest, an eigenvalue is what rounding left.
const FLOOR: f64 = 1e-14;

/// What takes the place of pulses in a circuit.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// The unitary matrix that is nearest to what stays in the levels of the qubits.
    Gate(Matrix),
    /// A channel.
    Channel(Channel),
}

/// What one pulse program of a circuit does on a device.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct PulseEffect {
    /// Its name.
    pub name: String,
    /// The physical qubits, the first is the least significant bit.
    pub qubits: Vec<usize>,
    /// How long it takes, in samples.
    pub duration: usize,
    /// Mean probability to leave the levels of the qubits.
    pub leakage: f64,
    /// Bound of the error of the simulation.
    pub error: f64,
    /// What takes its place.
    pub effect: Effect,
}

impl Effect {
    /// The gate that pulses make of their qubits, with the frames that they leave.
    pub(super) fn gate(name: &str, propagator: &Propagator, frames: &[f64]) -> Result<Self> {
        let (leakage, limit) = (propagator.leakage(), MAX_LEAKAGE);
        if leakage > limit {
            return Err(Error::Leakage { step: name.to_owned(), leakage, limit });
        }
        Ok(Self::Gate(turned(&nearest_unitary(propagator.gate())?, frames)))
    }

    /// The channel of pulses without relaxation. A transmon above level 1 counts as 1: that is how readout takes it, and where
    /// it decays to.
    pub(super) fn coherent(transmons: &Transmons, propagator: &Propagator, frames: &[f64]) -> Result<Self> {
        let (levels, width) = (transmons.levels(), frames.len());
        let d = 1_usize << width;
        // Which transmons are above level 1, and in which level, tells what is forgotten: a Kraus operator each.
        let mut operators: Vec<(Vec<usize>, Matrix)> = Vec::new();
        for (level, row) in propagator.columns().rows().into_iter().enumerate() {
            let digits: Vec<usize> = (0..width).map(|q| level / levels.pow(q as u32) % levels).collect();
            let lost: Vec<usize> = digits.iter().map(|digit| if *digit > 1 { *digit } else { 0 }).collect();
            let bits =
                digits.iter().enumerate().map(|(q, digit)| usize::from(*digit > 0) << q).sum::<usize>();
            let at = operators.iter().position(|(known, _)| *known == lost).unwrap_or_else(|| {
                operators.push((lost, Matrix::zeros((d, d))));
                operators.len() - 1
            });
            operators[at].1.row_mut(bits).assign(&row);
        }
        let operators = operators.into_iter().map(|(_, operator)| turned(&operator, frames)).collect();
        Ok(Self::Channel(preserving(operators)?))
    }

    /// The channel of pulses with relaxation, and the mean leakage and the largest error of its columns. States above level 1
    /// count as 1.
    pub(super) fn open(transmons: &Transmons, samples: &Samples, frames: &[f64]) -> Result<(Self, f64, f64)> {
        let (levels, width) = (transmons.levels(), frames.len());
        let d = 1_usize << width;
        let bits_of = |level: usize| -> (usize, usize) {
            (0..width).fold((0, 0), |(bits, lost), q| {
                let digit = level / levels.pow(q as u32) % levels;
                let above = if digit > 1 { digit } else { 0 };
                (bits | usize::from(digit > 0) << q, lost * levels + above)
            })
        };
        let (mut leakage, mut error) = (0.0, 0.0_f64);
        // E(|psi><psi|) of a few states; by linearity, those of all |k><l|.
        let mut image = |psi: &[C64]| -> Result<Matrix> {
            let end = transmons.density(samples, &linalg::outer(psi, psi))?;
            error = error.max(end.error());
            let mut rho = Matrix::zeros((d, d));
            for ((row, column), value) in end.levels().indexed_iter() {
                let ((i, lost), (j, other)) = (bits_of(row), bits_of(column));
                if lost == other {
                    rho[[i, j]] += value;
                }
            }
            if psi.iter().filter(|amplitude| **amplitude != C64::ZERO).count() == 1 {
                leakage += end.leakage() / d as f64;
            }
            Ok(rho)
        };
        let basis = |k: usize| {
            let mut psi = vec![C64::ZERO; d];
            psi[k] = C64::ONE;
            psi
        };
        let diagonal = (0..d).map(|k| image(&basis(k))).collect::<Result<Vec<_>>>()?;
        let mut map = Matrix::zeros((d * d, d * d));
        let mut put = |k: usize, l: usize, rho: &Matrix| {
            for ((i, j), value) in rho.indexed_iter() {
                map[[i * d + j, k * d + l]] = *value;
            }
        };
        for (k, own) in diagonal.iter().enumerate() {
            put(k, k, own);
            for (l, other) in diagonal.iter().enumerate().take(k) {
                let half = std::f64::consts::FRAC_1_SQRT_2;
                let (mut plus, mut turned) = (vec![C64::ZERO; d], vec![C64::ZERO; d]);
                (plus[k], plus[l]) = (C64::from(half), C64::from(half));
                (turned[k], turned[l]) = (C64::from(half), C64::new(0.0, half));
                let mean = (own + other) * C64::from(0.5);
                let (even, odd) = (image(&plus)? - &mean, image(&turned)? - &mean);
                // |+><+| less its diagonal is (|k><l| + |l><k|) / 2; that of |k> + i|l> is (|l><k| - |k><l|) i / 2.
                put(k, l, &(&even + &(&odd * C64::new(0.0, 1.0))));
                put(l, k, &(&even - &(&odd * C64::new(0.0, 1.0))));
            }
        }
        let operators = kraus(&map, d)?.iter().map(|operator| turned(operator, frames)).collect();
        Ok((Self::Channel(preserving(operators)?), leakage, error))
    }
}

/// The phases of the frames of the drives at the end of a schedule: what a gate that follows would have to carry. A shift of
/// the frame is an rz of all that follows on the line, so a gate that ends with it is that rz after the pulses.
pub(super) fn frames(timeline: &Timeline, qubits: &[usize]) -> Vec<f64> {
    qubits.iter().map(|qubit| timeline.frame(drive(*qubit)).phase.value(&[])).collect()
}

/// An rz on each qubit after a matrix.
fn turned(matrix: &Matrix, frames: &[f64]) -> Matrix {
    let mut out = matrix.clone();
    for (bits, mut row) in out.rows_mut().into_iter().enumerate() {
        let angle: f64 = frames
            .iter()
            .enumerate()
            .map(|(q, phase)| if bits >> q & 1 == 1 { *phase } else { -phase })
            .sum();
        let factor = C64::cis(angle / 2.0);
        row.mapv_inplace(|z| z * factor);
    }
    out
}

/// The unitary factor of the polar decomposition: no unitary matrix is nearer in the Frobenius norm (Fan and Hoffman 1955).
fn nearest_unitary(matrix: &Matrix) -> Result<Matrix> {
    let mut unitary = matrix.clone();
    // Once more takes away what rounding left.
    for _ in 0..2 {
        unitary = unitary.dot(&inverse_root(&dagger(&unitary).dot(&unitary))?);
    }
    Ok(unitary)
}

fn inverse_root(gram: &Matrix) -> Result<Matrix> {
    let eigen = linalg::Eigen::new(gram)?;
    let largest = eigen.values.last().copied().unwrap_or(1.0);
    Ok(eigen.map(|value| value.max(FLOOR * largest).sqrt().recip()))
}

/// Kraus operators of a map whose matrix takes density matrices stacked row by row; what the solver's error makes negative is
/// left out.
fn kraus(map: &Matrix, d: usize) -> Result<Vec<Matrix>> {
    let choi =
        Matrix::from_shape_fn((d * d, d * d), |(a, b)| map[[(a / d) * d + b / d, (a % d) * d + b % d]]);
    let eigen = linalg::Eigen::new(&((&choi + &dagger(&choi)) * C64::from(0.5)))?;
    let largest = eigen.values.last().copied().unwrap_or(1.0);
    let kept =
        eigen.values.iter().zip(eigen.vectors.columns()).filter(|(value, _)| **value > FLOOR * largest);
    Ok(kept
        .map(|(value, vector)| Matrix::from_shape_fn((d, d), |(i, k)| vector[i * d + k] * value.sqrt()))
        .collect())
}

/// The channel of Kraus operators that preserve the trace up to the solver's error.
fn preserving(operators: Vec<Matrix>) -> Result<Channel> {
    let mut operators = operators;
    for _ in 0..2 {
        let Some(d) = operators.first().map(Matrix::nrows) else { break };
        let gram = operators.iter().fold(Matrix::zeros((d, d)), |sum, k| sum + dagger(k).dot(k));
        let root = inverse_root(&gram)?;
        for operator in &mut operators {
            *operator = operator.dot(&root);
        }
    }
    Channel::from_kraus(operators)
}
