//! Training pulses: schedules whose amplitudes and phases are parameters, and energies with their gradients.

use std::sync::Arc;

use super::transmon::{Goal, Transmons};
use super::{Channel, Schedule, Step, Timeline, Waveform};
use crate::circuit::Parameters;
use crate::linalg::{Eigen, Matrix};
use crate::{Angle, C64, Error, Observable, Result};

impl Schedule {
    /// The same schedule with the amplitude and the phase of every pulse as a parameter of its own, and the values that they had.
    ///
    /// Parameters are called `NAME_amp` and `NAME_phase`, in the order of the steps. Those that the schedule has already are bound
    /// to `values`.
    ///
    /// # Errors
    /// [`Error::ParameterCount`](crate::Error::ParameterCount) and [`Error::ParameterValue`](crate::Error::ParameterValue) for
    /// `values` that are not those of the schedule.
    pub fn trainable(&self, name: &str, values: &[f64]) -> Result<(Self, Vec<f64>)> {
        let bound = self.bind(values)?;
        let pulses = bound.steps.iter().map(plays).sum::<usize>();
        let mut parameters = Parameters::default();
        let amp = parameters.declare(&format!("{name}_amp"), vec![pulses])?;
        let phase = parameters.declare(&format!("{name}_phase"), vec![pulses])?;
        let mut start = vec![0.0; 2 * pulses];
        let mut next = 0;
        let mut free = |waveform: &Waveform| {
            let place = next;
            next += 1;
            start[amp + place] = waveform.amp().value(&[]);
            start[phase + place] = waveform.phase().value(&[]);
            let of = Angle::parameter;
            waveform.clone().with_amp(of(amp + place)).with_phase(of(phase + place))
        };
        let steps = bound.steps.iter().map(|step| played(step, &mut |_, waveform| free(waveform))).collect();
        Ok((Self { name: format!("trainable {}", self.name), parameters, steps, ..bound }, start))
    }

    /// The same schedule with the amplitudes of all pulses on a channel multiplied by one parameter: what an echo is trained by
    /// without ceasing to be one. At 1 nothing changes.
    ///
    /// # Errors
    /// [`Error::ParameterName`](crate::Error::ParameterName) if an amplitude on the channel has parameters already, for their
    /// product would be no affine expression; [`Error::DeclaredTwice`](crate::Error::DeclaredTwice).
    pub fn scaled(&self, channel: Channel, name: &str) -> Result<Self> {
        let mut parameters = self.parameters.clone();
        let factor = Angle::parameter(parameters.declare(name, Vec::new())?);
        let mut trained = false;
        let mut scale = |on: Channel, waveform: &Waveform| {
            if on != channel {
                return waveform.clone();
            }
            trained |= !waveform.amp().is_constant();
            waveform.clone().with_amp(factor * waveform.amp().offset())
        };
        let steps = self.steps.iter().map(|step| played(step, &mut scale)).collect();
        if trained {
            let (name, fault) = (name.to_owned(), "cannot scale an amplitude that has parameters");
            return Err(Error::ParameterName { name, fault, known: self.parameters.names().join(", ") });
        }
        Ok(Self { parameters, steps, ..self.clone() })
    }
}

fn plays(step: &Step) -> usize {
    match step {
        Step::Play { .. } => 1,
        Step::Block { steps, .. } => steps.iter().map(plays).sum(),
        _ => 0,
    }
}

/// The step with other waveforms.
fn played(step: &Step, of: &mut impl FnMut(Channel, &Waveform) -> Waveform) -> Step {
    match step {
        Step::Play { channel, waveform } => {
            Step::Play { channel: *channel, waveform: of(*channel, waveform) }
        }
        Step::Block { name, steps, reversed } => {
            let steps: Arc<[Step]> = steps.iter().map(|step| played(step, of)).collect();
            Step::Block { name: name.clone(), steps, reversed: *reversed }
        }
        other => other.clone(),
    }
}

/// The energy of a state that pulses prepare from |0..0>, and its exact gradient by the parameters of the schedule: what a
/// variational eigensolver at pulse level minimises (the tutorial of `TorchQuantum`'s authors; ctrl-VQE, Meitei et al. 2021).
///
/// There is no relaxation in it. What leaks out of the qubits counts with the largest eigenvalue, so that training shuns it.
///
/// ```
/// use ketline_quantum::Observable;
/// use ketline_quantum::device::{Hamiltonian, PulseDefaults};
/// use ketline_quantum::optimise::{Adam, Schedule, descend};
/// use ketline_quantum::pulse::Variational;
/// use ketline_quantum::pulse::transmon::Transmons;
///
/// // From |0> to the lowest state of X with one published pulse
/// let manila = PulseDefaults::bundled("manila")?;
/// let (ansatz, start) = manila.schedule("sx", &[0])?.trainable("pulse", &[])?;
/// let transmons = Transmons::new(&Hamiltonian::bundled("manila")?, &[0], 3)?;
/// let energy = Variational::new(&transmons, &ansatz, manila.target().dt(), &Observable::x(0), &start)?;
/// let mut adam = Adam::new(Schedule::cosine(0.05, 100));
/// let found = descend(&mut adam, &start, 100, |values| energy.gradient(values))?;
/// assert!(found.value < -0.999);
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Variational<'a> {
    transmons: &'a Transmons,
    timeline: Timeline,
    goal: Goal,
    /// The largest eigenvalue, which the operator is shifted by.
    ceiling: f64,
    parts: usize,
    parameters: usize,
}

impl<'a> Variational<'a> {
    /// Qubit k of the observable is transmon k; the schedule names qubits of the device. How finely samples are cut is found at
    /// `values` and kept.
    ///
    /// # Errors
    /// As [`Schedule::timeline`], [`Observable::matrix`] and [`Transmons::gradient`].
    pub fn new(
        transmons: &'a Transmons,
        schedule: &Schedule,
        dt: f64,
        observable: &Observable,
        values: &[f64],
    ) -> Result<Self> {
        let matrix = observable.matrix(transmons.qubits().len())?;
        let ceiling = Eigen::new(&matrix)?.values.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let operator = matrix - Matrix::eye(1 << transmons.qubits().len()) * C64::from(ceiling);
        let mut initial = vec![C64::ZERO; operator.nrows()];
        initial[0] = C64::ONE;
        let goal = Goal::Expectation { initial, operator };
        let timeline = schedule.timeline(dt)?;
        let parameters = schedule.parameters().len();
        let parts = transmons.gradient(&timeline.samples(values)?, &goal)?.parts;
        Ok(Self { transmons, timeline, goal, ceiling, parts, parameters })
    }

    /// The energy.
    ///
    /// # Errors
    /// As [`Schedule::samples`] and [`Transmons::propagator`].
    pub fn value(&self, values: &[f64]) -> Result<f64> {
        let samples = self.timeline.samples(values)?;
        Ok(self.ceiling + self.transmons.gradient_with(&samples, &self.goal, self.parts)?.value)
    }

    /// The energy and its derivative by each parameter.
    ///
    /// # Errors
    /// As [`Schedule::slopes`] and [`Transmons::gradient_with`].
    pub fn gradient(&self, values: &[f64]) -> Result<(f64, Vec<f64>)> {
        let samples = self.timeline.samples(values)?;
        let found = self.transmons.gradient_with(&samples, &self.goal, self.parts)?;
        let slopes = self.timeline.slopes(values)?;
        Ok((self.ceiling + found.value, found.along(&slopes, self.parameters)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{Hamiltonian, PulseDefaults};

    #[test]
    fn energies_have_the_gradient_of_finite_differences() {
        let manila = PulseDefaults::bundled("manila").unwrap();
        let dt = manila.target().dt();
        let pair = manila.schedule("sx", &[0]).unwrap().then(&manila.schedule("sx", &[1]).unwrap()).unwrap();
        let (ansatz, start) = pair.trainable("pulse", &[]).unwrap();
        assert_eq!((ansatz.parameters().len(), start.len()), (4, 4));
        // At the values that it had, it is what it was
        assert_eq!(ansatz.samples(dt, &start).unwrap(), pair.samples(dt, &[]).unwrap());
        let scaled = pair.scaled(crate::pulse::drive(1), "factor").unwrap();
        assert_eq!(scaled.samples(dt, &[1.0]).unwrap(), pair.samples(dt, &[]).unwrap());
        let (twice, once) = (scaled.samples(dt, &[2.0]).unwrap(), pair.samples(dt, &[]).unwrap());
        assert_eq!(twice.lines()[0], once.lines()[0]);
        assert!((twice.lines()[1].samples[80] - once.lines()[1].samples[80] * 2.0).norm() < 1e-15);
        assert!(matches!(ansatz.scaled(crate::pulse::drive(1), "factor"), Err(Error::ParameterName { .. })));
        let transmons = Transmons::new(&Hamiltonian::bundled("manila").unwrap(), &[0, 1], 3).unwrap();
        let observable = Observable::x(0) * Observable::z(1) + 0.5 * Observable::y(1);
        let energy = Variational::new(&transmons, &ansatz, dt, &observable, &start).unwrap();
        let (value, gradient) = energy.gradient(&start).unwrap();
        assert!((energy.value(&start).unwrap() - value).abs() < 1e-12);
        for (k, slope) in gradient.iter().enumerate() {
            let at = |h: f64| {
                let mut moved = start.clone();
                moved[k] += h;
                energy.value(&moved).unwrap()
            };
            let h = 1e-3;
            let expected = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            assert!((slope - expected).abs() < 1e-7 * slope.abs().max(1.0), "{k}: {slope} {expected}");
        }
    }
}
