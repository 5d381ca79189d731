//! What pulses are to do, and how that varies with their samples.

use super::{MAX_PARTS, Transmons, check_rows};
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
        if self.drives(samples, true)?.stand_still() {
            return self.gradient_with(samples, goal, 0);
        }
        let mut coarse = self.gradient_with(samples, goal, 1)?;
        loop {
            let parts = 2 * coarse.parts;
            let fine = self.gradient_with(samples, goal, parts)?;
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
        let drives = self.drives(samples, true)?;
        if parts > MAX_PARTS || (parts == 0 && !drives.stand_still()) {
            let (what, wanted) = ("the number of steps of a sample".into(), format!("1 to {MAX_PARTS}"));
            return Err(Error::OutOfRange { what, found: parts as f64, wanted });
        }
        let controls = drives.controls(samples, self.qubits.len(), parts)?;
        let (initial, objective) = self.objective(samples, goal)?;
        let solver = self.solver.clone().with_tolerance(0.25 * self.tolerance)?;
        let found = solver.gradient(&controls, &initial, &objective)?;
        let lines = drives.pull_back(samples, parts, &found.gradient);
        let lines = samples
            .lines()
            .iter()
            .zip(lines)
            .map(|(line, samples)| Line { channel: line.channel, samples })
            .collect();
        Ok(SampleGradient { value: found.value, lines, parts })
    }

    /// Initial states and objective in the basis and the frame of the simulation.
    fn objective(&self, samples: &Samples, goal: &Goal) -> Result<(Matrix, Objective)> {
        let qubits = self.computational();
        let into = self.dressed.states.dot(&qubits);
        // <target| F D† as the adjoint of a state
        let back = dagger(&self.to_dressed(samples)).dot(&qubits);
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
