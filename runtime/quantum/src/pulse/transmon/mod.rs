//! Transmons under pulses: what the samples of a schedule do to them.
//!
//! | to | see |
//! |---|---|
//! | take qubits of a device | [`Transmons::new`], [`Transmons::with_relaxation`] |
//! | know what gate a pulse makes | [`Transmons::propagator`], [`Propagator::fidelity`], [`Propagator::virtual_z`] |
//! | carry states or density matrices | [`Transmons::states`], [`Transmons::density`] |
//! | differentiate by every sample | [`Transmons::gradient`], [`Goal`] |
//! | run a schedule, and differentiate by its parameters | [`Transmons::plan`], [`PulsePlan`] |
//!
//! Transmons are Duffing oscillators with exchange coupling, driven in the rotating-wave approximation: the coefficient of
//! a† is `Ω/2 conj(d) exp(-i w t)` for an envelope d at the carrier w. They are simulated in one frame that rotates at the mean
//! frequency of the qubits, where couplings stand still and only drives turn. Initial states and results are in the basis of
//! *dressed* states, the eigenstates without drives, and in the frame of each dressed qubit: with no pulses nothing happens but
//! what the coupling shifts beyond one qubit (ZZ). The carriers are the dressed frequencies.
//!
//! Where a drive turns within a sample, steps are of a commutator-free Magnus integrator of fourth order, and as many as the
//! tolerance needs. Qubit 0 of a result is the first that was named; it is the least significant bit, or the least significant
//! of the digits that number levels.
//!
//! ```
//! use ketline_quantum::C64;
//! use ketline_quantum::device::{Hamiltonian, Transmon};
//! use ketline_quantum::gate;
//! use ketline_quantum::pulse::{Channel, Line, Samples};
//! use ketline_quantum::pulse::transmon::Transmons;
//! use ndarray::array;
//! use std::f64::consts::{PI, TAU};
//!
//! let transmon = Transmon { frequency: TAU * 5e9, anharmonicity: -TAU * 0.33e9, strength: TAU * 0.1e9 };
//! let device = Hamiltonian::new("one", vec![transmon], vec![], vec![])?;
//! // Half a turn by a weak square pulse
//! let (dt, duration) = (1e-9, 500);
//! let amplitude = C64::from(PI / (transmon.strength * dt * duration as f64));
//! let line = Line { channel: Channel::Drive(0), samples: vec![amplitude; duration] };
//! let x = Transmons::new(&device, &[0], 3)?.propagator(&Samples::new(dt, vec![line])?)?;
//! let found = x.virtual_z(&array![[C64::ZERO, C64::ONE], [C64::ONE, C64::ZERO]])?;
//! assert!(found.fidelity > 0.999 && x.leakage() < 1e-4);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```

mod dressed;
mod drive;
mod evolution;
mod goal;
mod plan;
mod propagator;
#[cfg(test)]
mod tests;

use ndarray::Axis;

pub use goal::{Goal, SampleGradient};
pub use plan::{ParameterGradient, PulsePlan, Trained};
pub use propagator::{OpenState, Propagator, VirtualZ};

use self::dressed::Dressed;
use super::Samples;
use super::solver::{MAX_DIM, Solver, System};
use crate::device::{Calibration, Hamiltonian};
use crate::linalg::{Matrix, dagger};
use crate::{C64, Error, Result};

/// Coupled transmons of a device, ready to be driven.
#[derive(Debug, Clone)]
pub struct Transmons {
    device: Hamiltonian,
    qubits: Vec<usize>,
    levels: usize,
    /// Angular frequency of the frame of the simulation.
    frame: f64,
    /// Angular frequencies of the dressed qubits in that frame.
    detunings: Vec<f64>,
    dressed: Dressed,
    solver: Solver,
    tolerance: f64,
}

impl Transmons {
    /// Takes `qubits` of a device with `levels` levels each; 3 is the usual number. Other qubits stay out of it.
    ///
    /// # Errors
    /// [`Error::QubitIndex`] or [`Error::RepeatedQubit`] for a qubit that is not there or named twice, [`Error::OutOfRange`] for
    /// fewer than 2 levels, no qubit, or a dimension above [`MAX_DIM`].
    pub fn new(device: &Hamiltonian, qubits: &[usize], levels: usize) -> Result<Self> {
        for (place, &qubit) in qubits.iter().enumerate() {
            if qubit >= device.width() {
                return Err(Error::QubitIndex { qubit, width: device.width() });
            }
            if qubits[..place].contains(&qubit) {
                return Err(Error::RepeatedQubit { qubit });
            }
        }
        let dim = u32::try_from(qubits.len()).ok().and_then(|n| levels.checked_pow(n)).unwrap_or(usize::MAX);
        if levels < 2 || qubits.is_empty() || dim > MAX_DIM {
            let what = format!("the dimension of {} transmons of {levels} levels", qubits.len());
            let wanted =
                format!("two levels or more of at least one transmon, and a dimension up to {MAX_DIM}");
            return Err(Error::OutOfRange { what, found: dim as f64, wanted });
        }
        let frequency = |qubit: usize| device.transmons()[qubit].frequency;
        let frame = qubits.iter().map(|&qubit| frequency(qubit)).sum::<f64>() / qubits.len() as f64;
        let lowering: Vec<Matrix> =
            (0..qubits.len()).map(|place| lowering(place, qubits.len(), levels)).collect();
        let mut drift = Matrix::zeros((dim, dim));
        for (place, &qubit) in qubits.iter().enumerate() {
            let alpha = device.transmons()[qubit].anharmonicity;
            for level in 0..dim {
                let n = digit(level, place, levels) as f64;
                drift[[level, level]] += (frequency(qubit) - frame) * n + 0.5 * alpha * n * (n - 1.0);
            }
            for (other, &partner) in qubits[..place].iter().enumerate() {
                if let Some(exchange) = device.exchange(qubit, partner) {
                    let hop = dagger(&lowering[place]).dot(&lowering[other]) * C64::from(exchange.strength);
                    drift = drift + dagger(&hop) + hop;
                }
            }
        }
        let dressed = Dressed::new(&drift)?;
        let detunings = (0..qubits.len() as u32)
            .map(|place| dressed.energies[levels.pow(place)] - dressed.energies[0])
            .collect();
        let controls: Vec<Matrix> =
            lowering.iter().flat_map(|a| [a + &dagger(a), (dagger(a) - a) * C64::new(0.0, 1.0)]).collect();
        Ok(Self {
            device: device.clone(),
            qubits: qubits.to_vec(),
            levels,
            frame,
            detunings,
            dressed,
            solver: Solver::new(System::new(&drift, &controls)?),
            tolerance: 1e-6,
        })
    }

    /// The same transmons with relaxation: a pair (T1, T2) of seconds for each qubit. It acts in [`Self::density`] only.
    ///
    /// Collapse operators are `a/√T1` and `n √(2/T2 - 1/T1)` of the transmons without coupling.
    ///
    /// # Errors
    /// [`Error::Dimension`] for the wrong number of pairs, [`Error::OutOfRange`] for a time that is not positive, or a T2 above
    /// 2 T1.
    pub fn with_relaxation(self, times: &[(f64, f64)]) -> Result<Self> {
        if times.len() != self.qubits.len() {
            let what = "the list of relaxation times";
            return Err(Error::Dimension { what, found: times.len(), expected: self.qubits.len() });
        }
        let mut collapse = Vec::new();
        for (place, (&(t1, t2), qubit)) in times.iter().zip(&self.qubits).enumerate() {
            if t1.is_nan() || t1 <= 0.0 {
                let (what, wanted) = (format!("T1 of qubit {qubit}"), "a positive time".into());
                return Err(Error::OutOfRange { what, found: t1, wanted });
            }
            // A T2 that was clamped to 2 T1 may be above it by rounding.
            if !(t2 > 0.0 && t2 <= 2.0 * t1 * (1.0 + 1e-12)) {
                let (what, wanted) =
                    (format!("T2 of qubit {qubit}"), format!("a positive time up to 2 T1 = {:e}", 2.0 * t1));
                return Err(Error::OutOfRange { what, found: t2, wanted });
            }
            let a = lowering(place, self.qubits.len(), self.levels);
            let dephasing = (2.0 / t2 - 1.0 / t1).max(0.0).sqrt();
            collapse.push(dagger(&a).dot(&a) * C64::from(dephasing));
            collapse.push(a * C64::from((1.0 / t1).sqrt()));
        }
        let system = self.solver.system().clone().with_collapse(&collapse)?;
        Ok(Self { solver: Solver::new(system), ..self })
    }

    /// [`Self::with_relaxation`] with the T1 and T2 of a calibration of the device.
    ///
    /// # Errors
    /// As [`Self::with_relaxation`], and [`Error::QubitIndex`] if the calibration lacks a qubit.
    pub fn with_calibration(self, calibration: &Calibration) -> Result<Self> {
        let width = calibration.width();
        let times = self.qubits.iter().map(|&qubit| {
            let found = calibration.qubits().get(qubit).ok_or(Error::QubitIndex { qubit, width })?;
            Ok((found.t1, found.t2))
        });
        let times = times.collect::<Result<Vec<_>>>()?;
        self.with_relaxation(&times)
    }

    /// The same transmons with another bound of the error of results than 1e-6: of states in norm, of density matrices in the
    /// Frobenius norm.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if it is no number above 0 and below 1.
    pub fn with_tolerance(self, tolerance: f64) -> Result<Self> {
        self.solver.clone().with_tolerance(tolerance)?;
        Ok(Self { tolerance, ..self })
    }

    /// The qubits of the device, in the order of the results.
    pub fn qubits(&self) -> &[usize] {
        &self.qubits
    }

    /// Levels of a transmon.
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// Levels of all transmons together.
    pub fn dim(&self) -> usize {
        self.solver.system().dim()
    }

    /// The angular frequency, in rad/s, of a dressed qubit while the others are in 0; `place` counts the qubits taken. `None` if
    /// there are not as many.
    pub fn frequency(&self, place: usize) -> Option<f64> {
        self.detunings.get(place).map(|detuning| self.frame + detuning)
    }

    /// The static ZZ shift of two of the qubits taken, in rad/s: the frequency of one when the other is 1, less that when it
    /// is 0. `None` if there are not as many. Snapshots publish it with the other sign.
    pub fn zz(&self, first: usize, second: usize) -> Option<f64> {
        if first == second || first.max(second) >= self.qubits.len() {
            return None;
        }
        let (a, b) = (self.levels.pow(first as u32), self.levels.pow(second as u32));
        let energies = &self.dressed.energies;
        Some(energies[a + b] - energies[a] - energies[b] + energies[0])
    }

    /// Where a basis state of the qubits is among the levels: bit q becomes digit q.
    pub fn level_of(&self, bits: usize) -> usize {
        (0..self.qubits.len()).rev().fold(0, |level, place| level * self.levels + (bits >> place & 1))
    }

    /// What the pulses make of the states of the qubits.
    ///
    /// # Errors
    /// [`Error::Shape`] for a pulse on a line of other qubits, [`Error::NoExchange`] for one on a control line without coupling,
    /// [`Error::Tolerance`] if the tolerance cannot be reached.
    pub fn propagator(&self, samples: &Samples) -> Result<Propagator> {
        self.propagator_in(samples, &[], None)
    }

    /// Carries states through the pulses. Columns are states; rows are dressed levels.
    ///
    /// # Errors
    /// As [`Self::propagator`], and [`Error::Dimension`] or [`Error::NotFinite`] for what is no state.
    pub fn states(&self, samples: &Samples, states: &Matrix) -> Result<Matrix> {
        check_rows("a state of the transmons", states.nrows(), self.dim())?;
        Ok(self.evolve(samples, states, &[], None)?.0)
    }

    /// Carries a density matrix of the qubits, or of all levels, through the pulses with relaxation.
    ///
    /// # Errors
    /// As [`Self::propagator`], and [`Error::Dimension`], [`Error::NotSquare`], [`Error::NotFinite`] or [`Error::NotHermitian`] for
    /// what is no density matrix.
    pub fn density(&self, samples: &Samples, rho: &Matrix) -> Result<OpenState> {
        self.density_in(samples, rho, &[], None)
    }
}

/// Refuses a number of rows.
fn check_rows(what: &'static str, found: usize, expected: usize) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::Dimension { what, found, expected }) }
}

/// Level of one transmon in a level of all.
fn digit(level: usize, place: usize, levels: usize) -> usize {
    level / levels.pow(place as u32) % levels
}

/// The lowering operator of one of several transmons.
fn lowering(place: usize, width: usize, levels: usize) -> Matrix {
    let dim = levels.pow(width as u32);
    let step = levels.pow(place as u32);
    let mut a = Matrix::zeros((dim, dim));
    for level in 0..dim {
        let n = digit(level, place, levels);
        if n > 0 {
            a[[level - step, level]] = C64::from((n as f64).sqrt());
        }
    }
    a
}

/// The rows of the qubits' states.
fn rows_of_qubits(transmons: &Transmons, matrix: &Matrix) -> Matrix {
    let rows: Vec<usize> = (0..1 << transmons.qubits.len()).map(|bits| transmons.level_of(bits)).collect();
    matrix.select(Axis(0), &rows)
}
