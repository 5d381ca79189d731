//! What pulses make of the states of the qubits: gates, their fidelity, and what leaks.

use super::{Transmons, digit, rows_of_qubits};
use crate::linalg::{Matrix, dagger, is_unitary, trace};
use crate::{C64, Error, Result};

/// Tolerance for targets that have to be unitary.
const UNITARY: f64 = 1e-9;

/// Rounds of the search for frames; each improves all angles once.
const ROUNDS: usize = 200;

/// The evolution of all basis states of the qubits.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Propagator {
    columns: Matrix,
    gate: Matrix,
    error: f64,
}

/// A gate up to changes of frames.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct VirtualZ {
    /// Average gate fidelity with these changes of frames.
    pub fidelity: f64,
    /// Angle of an rz on each qubit before the pulses.
    pub before: Vec<f64>,
    /// Angle of an rz on each qubit after the pulses.
    pub after: Vec<f64>,
}

impl Propagator {
    pub(super) fn new(transmons: &Transmons, columns: Matrix, error: f64) -> Self {
        Self { gate: rows_of_qubits(transmons, &columns), columns, error }
    }

    /// The final states: a column is that of a basis state of the qubits, a row a dressed level.
    pub fn columns(&self) -> &Matrix {
        &self.columns
    }

    /// The part of it that stays with the qubits: not unitary, if there is leakage.
    pub fn gate(&self) -> &Matrix {
        &self.gate
    }

    /// Bound of the error of a column in norm; where carriers turn within samples, an estimate.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// Mean probability to leave the qubits' levels: 1 - Tr M M† / d.
    pub fn leakage(&self) -> f64 {
        1.0 - self.gate.iter().map(C64::norm_sqr).sum::<f64>() / self.gate.nrows() as f64
    }

    /// Average gate fidelity: (Tr M M† + |Tr V†M|²) / (d (d + 1)) (Pedersen, Møller and Mølmer 2007, eq. 5).
    ///
    /// # Errors
    /// [`Error::Dimension`] or [`Error::NotUnitary`] for what is no gate of these qubits.
    pub fn fidelity(&self, target: &Matrix) -> Result<f64> {
        self.check(target)?;
        Ok(self.fidelity_of(trace(&dagger(target).dot(&self.gate)).norm()))
    }

    /// The best average gate fidelity that changes of frames, which cost nothing, can make of these pulses.
    ///
    /// Each angle in turn is the best for the others, in closed form, from several starts.
    ///
    /// # Errors
    /// As [`Self::fidelity`].
    pub fn virtual_z(&self, target: &Matrix) -> Result<VirtualZ> {
        self.check(target)?;
        // Tr V†ZMZ' = Σ conj(V_rc) M_rc exp(i (after · r + before · c)), with rz up to a phase
        let products = Matrix::from_shape_fn(self.gate.raw_dim(), |at| target[at].conj() * self.gate[at]);
        let width = self.gate.nrows().trailing_zeros() as usize;
        let mut best = (f64::NEG_INFINITY, vec![0.0; 2 * width]);
        for start in 0..1 << (2 * width).min(4) {
            let mut angles: Vec<f64> =
                (0..2 * width).map(|k| if start >> k & 1 == 1 { 2.0 } else { 0.0 }).collect();
            let mut reached = f64::NEG_INFINITY;
            for _ in 0..ROUNDS {
                let mut modulus = 0.0;
                for k in 0..2 * width {
                    let [without, with] = split(&products, &angles, k);
                    angles[k] = if with == C64::ZERO { 0.0 } else { without.arg() - with.arg() };
                    modulus = without.norm() + with.norm();
                }
                if modulus - reached <= 1e-15 {
                    break;
                }
                reached = modulus;
            }
            if reached > best.0 {
                best = (reached, angles);
            }
        }
        let (before, after) = best.1.split_at(width);
        Ok(VirtualZ { fidelity: self.fidelity_of(best.0), before: before.to_vec(), after: after.to_vec() })
    }

    fn fidelity_of(&self, overlap: f64) -> f64 {
        let d = self.gate.nrows() as f64;
        (d * (1.0 - self.leakage()) + overlap * overlap) / (d * (d + 1.0))
    }

    fn check(&self, target: &Matrix) -> Result<()> {
        let (found, expected) = (target.nrows(), self.gate.nrows());
        if found != expected || target.ncols() != expected {
            return Err(Error::Dimension { what: "a target gate", found, expected });
        }
        if is_unitary(target, UNITARY) { Ok(()) } else { Err(Error::NotUnitary { tolerance: UNITARY }) }
    }
}

/// The parts of the overlap that do not turn with angle k, and that do: angles before the pulses first, then those after.
fn split(products: &Matrix, angles: &[f64], k: usize) -> [C64; 2] {
    let width = angles.len() / 2;
    let mut parts = [C64::ZERO; 2];
    for ((row, column), product) in products.indexed_iter() {
        let bits = column | row << width;
        let angle: f64 = (0..angles.len()).filter(|&n| n != k && bits >> n & 1 == 1).map(|n| angles[n]).sum();
        parts[bits >> k & 1] += product * C64::cis(angle);
    }
    parts
}

/// A density matrix after pulses with relaxation.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct OpenState {
    rho: Matrix,
    qubits: Matrix,
    read: Matrix,
    error: f64,
}

impl OpenState {
    pub(super) fn new(transmons: &Transmons, rho: Matrix, error: f64) -> Self {
        let rows = rows_of_qubits(transmons, &rho);
        let qubits = rows_of_qubits(transmons, &rows.t().to_owned()).t().to_owned();
        let read = read(transmons, &rho);
        Self { rho, qubits, read, error }
    }

    /// Of all dressed levels.
    pub fn levels(&self) -> &Matrix {
        &self.rho
    }

    /// The part that stays with the qubits; its trace is less than 1 by [`Self::leakage`].
    pub fn qubits(&self) -> &Matrix {
        &self.qubits
    }

    /// The qubits as a readout sees them, which takes higher levels for 1: the trace is 1.
    pub fn read(&self) -> &Matrix {
        &self.read
    }

    /// Probability to be outside of the qubits' levels.
    pub fn leakage(&self) -> f64 {
        1.0 - trace(&self.qubits).re
    }

    /// Bound of the error; where carriers turn within samples, an estimate.
    pub fn error(&self) -> f64 {
        self.error
    }
}

impl Transmons {
    /// A density matrix of all levels as a readout sees it, which takes higher levels for 1.
    ///
    /// # Errors
    /// [`Error::Dimension`] for what is no density matrix of these transmons.
    pub fn read(&self, rho: &Matrix) -> Result<Matrix> {
        if rho.dim() == (self.dim(), self.dim()) {
            return Ok(read(self, rho));
        }
        let (what, found, expected) = ("a density matrix of all levels", rho.nrows(), self.dim());
        Err(Error::Dimension { what, found, expected })
    }
}

/// The channel |n> to |1> for n > 1 on each transmon.
fn read(transmons: &Transmons, rho: &Matrix) -> Matrix {
    let (width, levels) = (transmons.qubits.len(), transmons.levels);
    let mut out = Matrix::zeros((1 << width, 1 << width));
    'entries: for ((row, column), entry) in rho.indexed_iter() {
        let (mut to_row, mut to_column) = (0, 0);
        for place in 0..width {
            let (r, c) = (digit(row, place, levels), digit(column, place, levels));
            match (r < 2, c < 2) {
                (true, true) => {
                    to_row |= r << place;
                    to_column |= c << place;
                }
                (false, false) if r == c => {
                    to_row |= 1 << place;
                    to_column |= 1 << place;
                }
                _ => continue 'entries,
            }
        }
        out[[to_row, to_column]] += entry;
    }
    out
}
