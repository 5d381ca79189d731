//! The return probability of a program and its reverse: a fidelity estimate that asks for no ideal result.

use ndarray::array;

use super::Estimate;
use crate::linalg::{Matrix, dagger, kron};
use crate::pulse::transmon::Transmons;
use crate::pulse::{Samples, Schedule};
use crate::{C64, Result};

/// The probability to find the initial state after `S` and then `S^R` (arXiv:2305.12597).
///
/// A program that is undone returns to where it began; noise acts both ways. It needs no ideal result and no tomography, but it is
/// blind to what `S^R` undoes as well: an amplitude that is off by a few per cent turns too far there and back, and `S` with the
/// wrong gate returns as well as with the right one. And it counts twice: noise of the pair, and whatever of the drift
/// (anharmonicity, couplings, light shifts) does not change its sign.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Echo {
    /// The probability to return.
    pub probability: Estimate,
    /// The dimension of the qubits.
    pub dimension: usize,
}

impl Echo {
    /// From a measured probability; `dimension` is `2^n`.
    pub const fn new(probability: Estimate, dimension: usize) -> Self {
        Self { probability, dimension }
    }

    /// Plays a schedule and its reverse from |0..0> on simulated transmons, with their relaxation.
    ///
    /// # Errors
    /// As [`Schedule::reversed`], [`Schedule::samples`] and [`Transmons::density`].
    pub fn simulated(transmons: &Transmons, schedule: &Schedule, dt: f64, values: &[f64]) -> Result<Self> {
        let pair = schedule.then(&schedule.reversed()?)?;
        let dimension = 1 << transmons.qubits().len();
        let end = transmons.density(&pair.samples(dt, values)?, &ground(dimension))?;
        Ok(Self::new(Estimate::exact(end.qubits()[[0, 0]].re), dimension))
    }

    /// What noise alone leaves of the return: the probability over that of the same pair without noise, which a simulation knows
    /// and whose distance to 1 is drift. At most 1; as it is, if without noise nothing comes back.
    #[must_use]
    pub fn without_drift(self, noiseless: Self) -> Self {
        let back = noiseless.probability.value;
        if back <= 0.0 {
            return self;
        }
        let Estimate { value, variance } = self.probability;
        let probability = Estimate { value: (value / back).min(1.0), variance: variance / (back * back) };
        Self { probability, ..self }
    }

    /// The fidelity of one way, if both are equally bad: √P.
    pub fn fidelity(self) -> f64 {
        self.probability.value.max(0.0).sqrt()
    }

    /// The share of the state that one way loses, if noise depolarizes: `1 - √((P - 1/d) / (1 - 1/d))`, from 0 without noise to 1
    /// where nothing is left.
    pub fn loss(self) -> f64 {
        let mixed = 1.0 / self.dimension.max(2) as f64;
        1.0 - ((self.probability.value - mixed) / (1.0 - mixed)).clamp(0.0, 1.0).sqrt()
    }
}

/// |0..0><0..0| of a dimension.
pub(super) fn ground(dimension: usize) -> Matrix {
    let mut rho = Matrix::zeros((dimension, dimension));
    rho[[0, 0]] = C64::ONE;
    rho
}

/// The process fidelity of pulses under relaxation with what the same pulses do without: what the return probability estimates,
/// told by a simulation from `4^n` density matrices.
///
/// # Errors
/// As [`Transmons::propagator`] and [`Transmons::density`].
pub fn process_fidelity(transmons: &Transmons, samples: &Samples) -> Result<f64> {
    let ideal = transmons.propagator(samples)?;
    let width = transmons.qubits().len();
    let dimension = 1_usize << width;
    // |0><0|, |1><1|, |+><+|, |+i><+i| of each qubit, and how |row><column| is made of them
    let half = C64::from(0.5);
    let i = C64::new(0.0, 1.0);
    let states: [Matrix; 4] = [
        array![[C64::ONE, C64::ZERO], [C64::ZERO, C64::ZERO]],
        array![[C64::ZERO, C64::ZERO], [C64::ZERO, C64::ONE]],
        array![[half, half], [half, half]],
        array![[half, -half * i], [half * i, half]],
    ];
    let parts = |row: usize, column: usize| -> [C64; 4] {
        let mixed = |sign: f64| (C64::ONE + i * sign) * -0.5;
        match (row, column) {
            (0, 0) => [C64::ONE, C64::ZERO, C64::ZERO, C64::ZERO],
            (1, 1) => [C64::ZERO, C64::ONE, C64::ZERO, C64::ZERO],
            (0, 1) => [mixed(1.0), mixed(1.0), C64::ONE, i],
            _ => [mixed(-1.0), mixed(-1.0), C64::ONE, -i],
        }
    };
    let mut sum = 0.0;
    for number in 0..1_usize << (2 * width) {
        let kind = |qubit: usize| number >> (2 * qubit) & 3;
        let input = (0..width).fold(Matrix::eye(1), |low, qubit| kron(&states[kind(qubit)], &low));
        let output = transmons.density(samples, &input)?;
        // <row| U† ρ U |column> weighted by the share of this input in |row><column|
        let back = dagger(ideal.gate()).dot(output.qubits()).dot(ideal.gate());
        for ((row, column), entry) in back.indexed_iter() {
            let share = |qubit: usize| parts(row >> qubit & 1, column >> qubit & 1)[kind(qubit)];
            sum += ((0..width).map(share).product::<C64>() * entry).re;
        }
    }
    Ok(sum / (dimension * dimension) as f64)
}
