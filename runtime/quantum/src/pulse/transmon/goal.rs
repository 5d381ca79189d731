//! What pulses are to do, and how that varies with their samples.

use super::evolution::MAX_PARTS;
use super::{Transmons, check_rows, digit, rows_of_qubits};
use crate::linalg::{Matrix, dagger};
use crate::pulse::solver::Objective;
use crate::pulse::{Line, Samples, Slope};
use crate::{C64, Error, Result};

/// A figure of merit of pulses on the qubits.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Goal {
    /// |<target|ψ>|² after starting in a basis state of the qubits, or `initial`. Both have an amplitude for each basis state.
    State {
        /// Where the qubits start.
        initial: Vec<C64>,
        /// Where they are to end.
        target: Vec<C64>,
    },
    /// <ψ|O|ψ> of a Hermitian matrix on the qubits; leaked states count as 0.
    Expectation {
        /// Where the qubits start.
        initial: Vec<C64>,
        /// O.
        operator: Matrix,
    },
    /// Average fidelity of a gate on the qubits.
    Gate(Matrix),
}

/// The value of a [`Goal`], and its derivatives by all samples.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct SampleGradient {
    /// The value.
    pub value: f64,
    /// For each line of the samples: the derivative by the real part of a sample is the real part, that by the imaginary part the
    /// imaginary part.
    pub lines: Vec<Line>,
    /// The derivative by the angle of an rz on each qubit after the pulses.
    pub frames: Vec<f64>,
    /// Mean probability to leave the qubits' levels.
    pub leakage: f64,
    /// Steps that each sample was cut into; 0 where nothing turns within a sample.
    pub parts: usize,
}

impl SampleGradient {
    /// The derivatives by parameters of a schedule, from how its samples vary with them: entry p is that of parameter p.
    pub fn along(&self, slopes: &[Slope], parameters: usize) -> Vec<f64> {
        let mut gradient = vec![0.0; parameters];
        for slope in slopes {
            let Some(line) = self.lines.iter().find(|line| line.channel == slope.channel) else { continue };
            let derivatives = line.samples.iter().skip(slope.start);
            if let Some(slot) = gradient.get_mut(slope.parameter) {
                *slot += derivatives.zip(&slope.samples).map(|(g, d)| g.re * d.re + g.im * d.im).sum::<f64>();
            }
        }
        gradient
    }
}

impl Transmons {
    /// The value of a goal and its exact derivative by every sample, without relaxation: one sweep forward and one back, after the
    /// sweeps that find how finely samples must be cut.
    ///
    /// Silent lines of the samples have derivatives too.
    ///
    /// # Errors
    /// As [`Self::propagator`], and [`Error::Dimension`] or [`Error::NotFinite`] for a goal that is none of these qubits.
    pub fn gradient(&self, samples: &Samples, goal: &Goal) -> Result<SampleGradient> {
        self.gradient_in(samples, goal, &[])
    }

    /// [`Self::gradient`] of what the pulses and an rz on each qubit after them do.
    pub(crate) fn gradient_in(
        &self,
        samples: &Samples,
        goal: &Goal,
        frames: &[f64],
    ) -> Result<SampleGradient> {
        if self.drives(samples, true)?.stand_still() {
            return self.gradient_at(samples, goal, frames, 0);
        }
        let mut coarse = self.gradient_at(samples, goal, frames, 1)?;
        loop {
            let parts = 2 * coarse.parts;
            let fine = self.gradient_at(samples, goal, frames, parts)?;
            // Of fourth order: the difference is fifteen times what is left.
            let error = (fine.value - coarse.value).abs() / 15.0;
            if error <= self.tolerance {
                return Ok(fine);
            }
            if parts >= MAX_PARTS {
                let steps = parts * samples.duration();
                return Err(Error::Tolerance { wanted: self.tolerance, reached: error, steps });
            }
            coarse = fine;
        }
    }

    /// [`Self::gradient`] with a fixed number of steps that each sample is cut into: what a training loop asks for, whose steps
    /// should not differ in accuracy. [`SampleGradient::parts`] says how many the tolerance needs.
    ///
    /// # Errors
    /// As [`Self::gradient`], and [`Error::OutOfRange`] for more than 64 steps, or none where carriers turn within a sample.
    pub fn gradient_with(&self, samples: &Samples, goal: &Goal, parts: usize) -> Result<SampleGradient> {
        self.gradient_at(samples, goal, &[], parts)
    }

    pub(crate) fn gradient_at(
        &self,
        samples: &Samples,
        goal: &Goal,
        frames: &[f64],
        parts: usize,
    ) -> Result<SampleGradient> {
        let drives = self.drives(samples, true)?;
        // Where nothing turns, there is nothing to cut.
        let parts = if drives.stand_still() { 0 } else { parts };
        if parts > MAX_PARTS || (parts == 0 && !drives.stand_still()) {
            let (what, wanted) = ("the number of steps of a sample".into(), format!("1 to {MAX_PARTS}"));
            return Err(Error::OutOfRange { what, found: parts as f64, wanted });
        }
        let controls = drives.controls(samples, self.qubits.len(), parts)?;
        let (initial, objective) = self.objective(samples, goal, frames)?;
        let solver = self.solver.clone().with_tolerance(0.25 * self.tolerance)?;
        let found = solver.gradient(&controls, &initial, &objective)?;
        let lines = drives.pull_back(samples, parts, &found.gradient);
        let lines = samples
            .lines()
            .iter()
            .zip(lines)
            .map(|(line, samples)| Line { channel: line.channel, samples })
            .collect();
        // In dressed levels; what their frames turn by drops out.
        let [states, duals] = [&found.states, &found.duals].map(|m| dagger(&self.dressed.states).dot(m));
        let frames = (0..self.qubits.len())
            .map(|place| {
                let turned = states.indexed_iter().map(|((level, column), z)| {
                    digit(level, place, self.levels) as f64 * (duals[[level, column]].conj() * z).im
                });
                -2.0 * turned.sum::<f64>()
            })
            .collect();
        let size = |m: &Matrix| m.iter().map(C64::norm_sqr).sum::<f64>();
        let leakage = 1.0 - size(&rows_of_qubits(self, &states)) / size(&states);
        Ok(SampleGradient { value: found.value, lines, frames, leakage, parts })
    }

    /// Initial states and objective in the basis and the frame of the simulation.
    fn objective(&self, samples: &Samples, goal: &Goal, frames: &[f64]) -> Result<(Matrix, Objective)> {
        let qubits = self.computational();
        let into = self.dressed.states.dot(&qubits);
        // <target| F D† as the adjoint of a state
        let back = dagger(&self.to_dressed(samples, frames)).dot(&qubits);
        let column = |amplitudes: &[C64]| {
            check_rows("a state of the qubits", amplitudes.len(), qubits.ncols())?;
            Ok::<_, Error>(Matrix::from_shape_fn((amplitudes.len(), 1), |(row, _)| amplitudes[row]))
        };
        Ok(match goal {
            Goal::State { initial, target } => {
                let target = back.dot(&column(target)?);
                (into.dot(&column(initial)?), Objective::State(target.column(0).to_vec()))
            }
            Goal::Expectation { initial, operator } => {
                check_rows("an observable", operator.nrows(), qubits.ncols())?;
                crate::linalg::check_square("an observable", operator)?;
                let operator = back.dot(operator).dot(&dagger(&back));
                (into.dot(&column(initial)?), Objective::Expectation(operator))
            }
            Goal::Gate(target) => {
                check_rows("a target gate", target.nrows(), qubits.ncols())?;
                crate::linalg::check_square("a target gate", target)?;
                (into, Objective::Gate(back.dot(target)))
            }
        })
    }
}
