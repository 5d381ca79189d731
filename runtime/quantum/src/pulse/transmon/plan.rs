//! Schedules on transmons, ready to run with many parameter values.

use std::fmt;

use ndarray::Array2;
use rayon::prelude::*;

use super::evolution::MAX_PARTS;
use super::{Goal, OpenState, Propagator, SampleGradient, Transmons};
use crate::linalg::Matrix;
use crate::optimise::Lbfgs;
use crate::pulse::{Timeline, drive};
use crate::{Error, Result};

/// A schedule on transmons, ready to run with many parameter values.
///
/// What it does is that of its pulses, followed by the rz that its frames stand for: where the frame of `drive(q)` has turned by f
/// when it ends, all that follows is turned, which is what `rz(f)` on q does. So a schedule that only shifts a phase is that rz,
/// and gates that were calibrated one by one may follow one another.
///
/// Rows of a table of parameter values are run on all threads; results do not depend on how many.
///
/// ```
/// use ketline_quantum::device::{Hamiltonian, Transmon};
/// use ketline_quantum::pulse::transmon::{Goal, Transmons};
/// use ketline_quantum::pulse::{Duration, ScheduleBuilder, Waveform, drive};
/// use ketline_quantum::{Angle, Gate};
/// use std::f64::consts::TAU;
///
/// let transmon = Transmon { frequency: TAU * 5e9, anharmonicity: -TAU * 0.33e9, strength: TAU * 0.1e9 };
/// let device = Hamiltonian::new("one", vec![transmon], vec![], vec![])?;
/// let dt = Duration::samples;
/// let mut b = ScheduleBuilder::new("x");
/// let [amp, beta]: [Angle; 2] = b.parameter("drag");
/// b.play(drive(0), Waveform::drag(dt(160), amp, dt(40), beta));
/// let x = Transmons::new(&device, &[0], 3)?.plan(&b.finish()?.timeline(2.5e-10)?)?;
///
/// let x_gate = Gate::named("x").expect("is in the table").matrix(&[]);
/// let found = x.gradient(&[0.2, -1.0], &Goal::Gate(x_gate))?;
/// // A stronger pulse turns further, towards the half turn.
/// assert!(found.value < 0.99 && found.gradient[0] > 0.0);
/// assert!(x.propagator(&[0.23, -1.0])?.leakage() < 1e-4);
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct PulsePlan {
    transmons: Transmons,
    timeline: Timeline,
    parts: Option<usize>,
}

/// The value of a [`Goal`], and its derivatives by the parameters of a schedule.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct ParameterGradient {
    /// The value.
    pub value: f64,
    /// Its derivative by each parameter.
    pub gradient: Vec<f64>,
    /// Mean probability to leave the qubits' levels.
    pub leakage: f64,
    /// Steps that each sample was cut into; 0 where nothing turns within a sample.
    pub parts: usize,
}

/// Parameters that were trained for a [`Goal`].
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Trained {
    /// The best values of the parameters.
    pub values: Vec<f64>,
    /// The value of the goal with them.
    pub value: f64,
    /// Mean probability to leave the qubits' levels.
    pub leakage: f64,
    /// Evaluations of the goal and its gradient.
    pub evaluations: usize,
}

impl Transmons {
    /// Makes a schedule on these transmons ready to run.
    ///
    /// # Errors
    /// [`Error::Shape`] for a pulse on a line of other qubits, [`Error::NoExchange`] for one on a control line without coupling.
    pub fn plan(&self, timeline: &Timeline) -> Result<PulsePlan> {
        for event in timeline.events() {
            self.check_line(event)?;
        }
        Ok(PulsePlan { transmons: self.clone(), timeline: timeline.clone(), parts: None })
    }
}

impl PulsePlan {
    /// The same with a fixed number of steps that each sample is cut into, instead of as many as the tolerance needs: what
    /// training asks for, whose steps should not differ in accuracy. It takes a third of the time.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for none or more than 64.
    pub fn with_parts(self, parts: usize) -> Result<Self> {
        if (1..=MAX_PARTS).contains(&parts) {
            return Ok(Self { parts: Some(parts), ..self });
        }
        let (what, wanted) = ("the number of steps of a sample".into(), format!("1 to {MAX_PARTS}"));
        Err(Error::OutOfRange { what, found: parts as f64, wanted })
    }

    /// [`Self::with_parts`] with as many steps as the tolerance needs for this goal at these values.
    ///
    /// # Errors
    /// As [`Self::gradient`].
    pub fn fitted(self, values: &[f64], goal: &Goal) -> Result<Self> {
        let parts = self.gradient(values, goal)?.parts;
        self.with_parts(parts.max(1))
    }

    /// The transmons.
    pub fn transmons(&self) -> &Transmons {
        &self.transmons
    }

    /// The schedule.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The angles, in radians, by which the frames of the qubits' drives have turned at the end.
    pub fn frames(&self, values: &[f64]) -> Vec<f64> {
        let frame = |qubit: &usize| self.timeline.frame(drive(*qubit)).phase.value(values);
        self.transmons.qubits().iter().map(frame).collect()
    }

    /// What the schedule makes of the states of the qubits.
    ///
    /// # Errors
    /// As [`Timeline::samples`] and [`Transmons::propagator`].
    pub fn propagator(&self, values: &[f64]) -> Result<Propagator> {
        let samples = self.timeline.samples(values)?;
        self.transmons.propagator_in(&samples, &self.frames(values), self.parts)
    }

    /// [`Self::propagator`] for many sets of parameter values, a row each.
    ///
    /// # Errors
    /// As [`Self::propagator`].
    pub fn propagators(&self, sets: &Array2<f64>) -> Result<Vec<Propagator>> {
        in_parallel(sets, |values| self.propagator(values))
    }

    /// Carries a density matrix of the qubits, or of all levels, through the schedule with the relaxation of the transmons.
    ///
    /// # Errors
    /// As [`Timeline::samples`] and [`Transmons::density`].
    pub fn density(&self, values: &[f64], rho: &Matrix) -> Result<OpenState> {
        let samples = self.timeline.samples(values)?;
        self.transmons.density_in(&samples, rho, &self.frames(values), self.parts)
    }

    /// [`Self::density`] for many sets of parameter values, a row each.
    ///
    /// # Errors
    /// As [`Self::density`].
    pub fn densities(&self, sets: &Array2<f64>, rho: &Matrix) -> Result<Vec<OpenState>> {
        in_parallel(sets, |values| self.density(values, rho))
    }

    /// The value of a goal and its exact derivative by every parameter, without relaxation: through amplitudes, phases, lengths and
    /// shapes of waveforms, and through frames.
    ///
    /// # Errors
    /// As [`Timeline::samples`] and [`Transmons::gradient`].
    pub fn gradient(&self, values: &[f64], goal: &Goal) -> Result<ParameterGradient> {
        let samples = self.timeline.samples(values)?;
        let slopes = self.timeline.slopes(values)?;
        let frames = self.frames(values);
        let by_samples = match self.parts {
            Some(parts) => self.transmons.gradient_at(&samples, goal, &frames, parts)?,
            None => self.transmons.gradient_in(&samples, goal, &frames)?,
        };
        let mut gradient = by_samples.along(&slopes, values.len());
        let SampleGradient { value, frames, leakage, parts, .. } = by_samples;
        for (qubit, derivative) in self.transmons.qubits().iter().zip(frames) {
            for (parameter, coefficient) in self.timeline.frame(drive(*qubit)).phase.terms() {
                gradient[*parameter] += derivative * coefficient;
            }
        }
        Ok(ParameterGradient { value, gradient, leakage, parts })
    }

    /// Raises a goal from `start` by following its gradient. Every evaluation cuts samples into as many steps, those that `start`
    /// needs; the result is told with as many as it needs itself.
    ///
    /// The method's own goal, if it has one, is the *loss* `1 - value` at which it stops.
    ///
    /// # Errors
    /// As [`Self::gradient`] and [`Lbfgs::minimise`].
    pub fn maximise(&self, start: &[f64], goal: &Goal, method: &Lbfgs) -> Result<Trained> {
        let fixed = match self.parts {
            Some(_) => self.clone(),
            None => self.clone().fitted(start, goal)?,
        };
        let found = method.minimise(start, |values| {
            let ParameterGradient { value, gradient, .. } = fixed.gradient(values, goal)?;
            Ok((1.0 - value, gradient.iter().map(|x| -x).collect()))
        })?;
        let ParameterGradient { value, leakage, .. } = self.gradient(&found.parameters, goal)?;
        Ok(Trained { values: found.parameters, value, leakage, evaluations: found.evaluations })
    }

    /// [`Self::gradient`] for many sets of parameter values, a row each.
    ///
    /// # Errors
    /// As [`Self::gradient`].
    pub fn gradients(&self, sets: &Array2<f64>, goal: &Goal) -> Result<Vec<ParameterGradient>> {
        in_parallel(sets, |values| self.gradient(values, goal))
    }
}

/// Runs each row of a table; the first error in the order of rows is the one returned.
fn in_parallel<T: Send>(sets: &Array2<f64>, run: impl Fn(&[f64]) -> Result<T> + Sync) -> Result<Vec<T>> {
    let rows: Vec<Vec<f64>> = sets.rows().into_iter().map(|row| row.to_vec()).collect();
    let all: Vec<Result<T>> = rows.par_iter().map(|values| run(values)).collect();
    all.into_iter().collect()
}

impl fmt::Display for PulsePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transmons = &self.transmons;
        write!(f, "{}", self.timeline)?;
        let (qubits, levels, dim) = (transmons.qubits(), transmons.levels(), transmons.dim());
        write!(f, "on qubits {qubits:?} of {levels} levels, in {dim} dimensions: ")?;
        match self.parts {
            Some(parts) => write!(f, "{parts} steps of a sample"),
            None => write!(f, "as many steps of a sample as {:e} needs", transmons.tolerance),
        }
    }
}

#[cfg(test)]
mod tests;
