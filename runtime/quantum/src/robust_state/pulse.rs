//! `RobustState` with pulses: the same rule, with the pulse simulator as the one that is differentiated.

use super::preparation::{Preparation, mean};
use super::{Estimation, Laboratory, TargetState};
use crate::circuit::{Confusion, Parameters};
use crate::gradient::{Gradient, Operator, RankOnes};
use crate::linalg::{Matrix, dagger, kron};
use crate::pulse::transmon::{Goal, Transmons};
use crate::pulse::{Schedule, Timeline};
use crate::simulator::sampling;
use crate::tomography::{Basis, Measurement, reconstruct};
use crate::{C64, Error, Result};

/// A schedule that is to prepare a state from |0..0>, on transmons as they are believed to be.
#[derive(Debug, Clone)]
pub struct PulseTask {
    model: Transmons,
    timeline: Timeline,
    parameters: Parameters,
    target: TargetState,
    parts: usize,
}

impl PulseTask {
    /// Qubit k of the target is transmon k of the model; the schedule names qubits of the device and has `dt` as its sample. How
    /// finely samples are cut is found at `values` and kept.
    ///
    /// # Errors
    /// [`Error::Width`] for a target of another width, [`Error::NothingToTrain`] for a schedule without parameters, and as
    /// [`Schedule::timeline`] and [`Transmons::gradient`].
    pub fn state(
        model: &Transmons,
        schedule: &Schedule,
        dt: f64,
        target: TargetState,
        values: &[f64],
    ) -> Result<Self> {
        let width = model.qubits().len();
        if target.width() != width {
            let gate = schedule.name().to_owned();
            return Err(Error::Width { gate, found: target.width(), expected: width });
        }
        if schedule.parameters().is_empty() {
            return Err(Error::NothingToTrain { ansatz: schedule.name().to_owned() });
        }
        let timeline = schedule.timeline(dt)?;
        let goal =
            Goal::State { initial: first(target.amplitudes().len()), target: target.amplitudes().to_vec() };
        let parts = model.gradient(&timeline.samples(values)?, &goal)?.parts;
        Ok(Self { model: model.clone(), timeline, parameters: schedule.parameters().clone(), target, parts })
    }

    /// The infidelity `1 - |<t|psi>|^2` on the model, and its gradient: what training that is unaware of the device descends.
    ///
    /// # Errors
    /// As [`Preparation::gradient`].
    pub fn ideal(&self, values: &[f64]) -> Result<Gradient> {
        let mut found =
            mean(self, values, |_, target| RankOnes::new(vec![(-1.0, target.amplitudes().to_vec())]))?;
        found.value += 1.0;
        Ok(found)
    }
}

/// |0..0>.
fn first(dimension: usize) -> Vec<C64> {
    let mut state = vec![C64::ZERO; dimension];
    state[0] = C64::ONE;
    state
}

impl Preparation for PulseTask {
    fn targets(&self) -> Vec<&TargetState> {
        vec![&self.target]
    }

    fn check(&self, values: &[f64]) -> Result<()> {
        self.parameters.check(values)
    }

    fn state(&self, _case: usize, values: &[f64]) -> Result<Vec<C64>> {
        let propagator = self.model.propagator(&self.timeline.samples(values)?)?;
        let state = propagator.gate().column(0).to_vec();
        // What leaks is small, and no part of the state of qubits.
        let norm = state.iter().map(C64::norm_sqr).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        Ok(state.into_iter().map(|amplitude| amplitude / norm).collect())
    }

    fn gradient(&self, _case: usize, operator: &dyn Operator, values: &[f64]) -> Result<Gradient> {
        let width = self.target.width();
        operator.check(width)?;
        let dimension = 1 << width;
        let mut matrix = Matrix::zeros((dimension, dimension));
        for column in 0..dimension {
            let mut unit = vec![C64::ZERO; dimension];
            unit[column] = C64::ONE;
            let mut image = vec![C64::ZERO; dimension];
            operator.apply(&unit, &mut image);
            matrix.column_mut(column).assign(&ndarray::ArrayView1::from(&image));
        }
        let goal = Goal::Expectation { initial: first(dimension), operator: matrix };
        let samples = self.timeline.samples(values)?;
        let found = self.model.gradient_with(&samples, &goal, self.parts)?;
        let gradient = found.along(&self.timeline.slopes(values)?, self.parameters.len());
        Ok(Gradient { value: found.value, gradient })
    }
}

/// A simulated device that plays schedules: transmons as they are, which need not be those of the model.
#[derive(Debug, Clone)]
pub struct PulseLaboratory {
    device: Transmons,
    timeline: Timeline,
    measured: Option<(Estimation, Vec<Confusion>)>,
}

impl PulseLaboratory {
    /// States are read exactly, as only a simulation can; levels above 1 are read as 1.
    ///
    /// # Errors
    /// As [`Schedule::timeline`].
    pub fn exact(device: &Transmons, schedule: &Schedule, dt: f64) -> Result<Self> {
        Ok(Self { device: device.clone(), timeline: schedule.timeline(dt)?, measured: None })
    }

    /// The same laboratory with tomography: the settings and shots of `estimation`, readout confused as said for each qubit. The
    /// changes of basis are taken as perfect.
    ///
    /// # Errors
    /// [`Error::NoShots`]; [`Error::Setting`] for zero settings; [`Error::Dimension`] unless there is a confusion for each qubit.
    pub fn with_tomography(self, estimation: Estimation, confusion: Vec<Confusion>) -> Result<Self> {
        if estimation.shots == 0 {
            return Err(Error::NoShots);
        }
        if estimation.settings == Some(0) {
            return Err(Error::Setting { name: "settings", found: 0.0, expected: "at least 1" });
        }
        let (found, expected) = (confusion.len(), self.device.qubits().len());
        if found != expected {
            return Err(Error::Dimension { what: "the list of confusions", found, expected });
        }
        Ok(Self { measured: Some((estimation, confusion)), ..self })
    }

    /// The density matrix as a readout sees it, of infinitely many shots.
    ///
    /// # Errors
    /// As [`Timeline::samples`] and [`Transmons::density`].
    pub fn density(&self, values: &[f64]) -> Result<Matrix> {
        let dimension = 1 << self.device.qubits().len();
        let mut ground = Matrix::zeros((dimension, dimension));
        ground[[0, 0]] = C64::ONE;
        Ok(self.device.density(&self.timeline.samples(values)?, &ground)?.read().clone())
    }
}

impl Laboratory for PulseLaboratory {
    fn densities(&mut self, values: &[f64], seed: u64) -> Result<Vec<Matrix>> {
        let rho = self.density(values)?;
        let Some((estimation, confusion)) = &self.measured else { return Ok(vec![rho]) };
        let width = confusion.len();
        let mut measurements = Vec::new();
        for (number, bases) in estimation.bases(width, seed)?.into_iter().enumerate() {
            let turn = bases.iter().fold(Matrix::eye(1), |low, basis| kron(&turned(*basis), &low));
            let mut seen: Vec<f64> =
                turn.dot(&rho).dot(&dagger(&turn)).diag().iter().map(|p| p.re.max(0.0)).collect();
            for (qubit, c) in confusion.iter().enumerate() {
                for k in (0..seen.len()).filter(|k| k >> qubit & 1 == 0) {
                    let (zero, one) = (seen[k], seen[k | 1 << qubit]);
                    seen[k] = zero * (1.0 - c.p1_given_0) + one * c.p0_given_1;
                    seen[k | 1 << qubit] = zero * c.p1_given_0 + one * (1.0 - c.p0_given_1);
                }
            }
            let counts = sampling::draw(seen.as_slice(), estimation.shots, super::seed_of(seed, number))?;
            let mut list = vec![0.0; seen.len()];
            for (bits, times) in counts.iter() {
                list[bits as usize] += times as f64;
            }
            measurements.push(Measurement::new(bases, list)?);
        }
        let confusion = estimation.mitigate.then_some(confusion.as_slice());
        Ok(vec![reconstruct(&measurements, confusion, estimation.method)?])
    }

    fn executions(&self) -> usize {
        self.measured.as_ref().map_or(0, |(estimation, confusion)| estimation.count(confusion.len()))
    }
}

/// What turns the eigenstates of a basis to those of Z.
fn turned(basis: Basis) -> Matrix {
    let (a, i) = (C64::from(0.5_f64.sqrt()), C64::new(0.0, 0.5_f64.sqrt()));
    match basis {
        Basis::X => ndarray::array![[a, a], [a, -a]],
        Basis::Y => ndarray::array![[a, -i], [a, i]],
        Basis::Z => Matrix::eye(2),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::device::{Calibration, Hamiltonian, PulseDefaults};
    use crate::gradient::Hermitian;
    use crate::linalg;
    use crate::optimise::{Adam, Schedule as Rate, descend};
    use crate::robust_state::{Loss, RobustState};

    /// Two quarter turns on one qubit of manila, to a state that they can reach.
    fn task() -> (PulseTask, Schedule, f64, Vec<f64>) {
        let defaults = PulseDefaults::bundled("manila").unwrap();
        let dt = defaults.target().dt();
        let sx = defaults.schedule("sx", &[0]).unwrap();
        let (schedule, start) = sx.then(&sx).unwrap().trainable("pulse", &[]).unwrap();
        let model = Transmons::new(&Hamiltonian::bundled("manila").unwrap(), &[0], 3).unwrap();
        let target = TargetState::new("tilted", vec![C64::from(0.8), C64::new(0.0, 0.6)]).unwrap();
        let task = PulseTask::state(&model, &schedule, dt, target, &start).unwrap();
        (task, schedule, dt, start)
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let (task, _, _, start) = task();
        let operator = Hermitian::new(ndarray::array![
            [C64::from(0.3), C64::new(0.2, -0.4)],
            [C64::new(0.2, 0.4), C64::from(-0.7)]
        ])
        .unwrap();
        let found = task.gradient(0, &operator, &start).unwrap();
        for (k, slope) in found.gradient.iter().enumerate() {
            let at = |h: f64| {
                let mut moved = start.clone();
                moved[k] += h;
                task.gradient(0, &operator, &moved).unwrap().value
            };
            let h = 1e-3;
            let expected = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            assert!((slope - expected).abs() < 1e-7 * slope.abs().max(1.0), "{k}: {slope} {expected}");
        }
    }

    #[test]
    fn pulses_learn_to_compensate_a_device_that_turns_too_far() {
        let (task, schedule, dt, start) = task();
        let mut adam = Adam::new(Rate::cosine(0.05, 150));
        let unaware = descend(&mut adam, &start, 150, |values| {
            let found = task.ideal(values)?;
            Ok((found.value, found.gradient))
        })
        .unwrap();
        assert!(unaware.value < 1e-4, "{}", unaware.value);
        let off = Hamiltonian::bundled("manila").unwrap().miscalibrated(0.06, 3).unwrap();
        let device = Transmons::new(&off, &[0], 3)
            .unwrap()
            .with_calibration(&Calibration::bundled("manila").unwrap())
            .unwrap();
        let mut laboratory = PulseLaboratory::exact(&device, &schedule, dt).unwrap();
        let mut go = |_: &crate::robust_state::Record| ControlFlow::Continue(());
        let trained =
            RobustState::newton(12).train(&task, &mut laboratory, &unaware.parameters, &mut go).unwrap();
        let (before, after) = (trained.history[0], trained.history[12]);
        assert!(after.coherent_error < before.coherent_error / 20.0, "{before:?} {after:?}");
        // The control: a loss that does not look at the device learns nothing.
        let control = RobustState::adam(Loss::Fidelity, 12)
            .train(&task, &mut laboratory, &unaware.parameters, &mut go)
            .unwrap();
        assert!(control.history[12].coherent_error > 0.5 * before.coherent_error);
        // And with shots
        let confusion = vec![Confusion { p1_given_0: 0.02, p0_given_1: 0.04 }];
        let mut counted =
            laboratory.clone().with_tomography(Estimation::tomography(4000), confusion).unwrap();
        assert_eq!(counted.executions(), 3);
        let shots = RobustState::newton(12).train(&task, &mut counted, &unaware.parameters, &mut go).unwrap();
        let rho = laboratory.density(&shots.values).unwrap();
        let target = task.targets()[0].amplitudes();
        let error = crate::robust_state::coherent_error(&rho, target).unwrap();
        assert!(error < before.coherent_error / 4.0, "{error} {before:?}");
        assert!((linalg::trace(&rho).re - 1.0).abs() < 1e-6);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (task, schedule, dt, start) = task();
        let wide = PulseTask::state(&task.model, &schedule, dt, TargetState::ghz(2).unwrap(), &start);
        assert!(matches!(wide, Err(Error::Width { found: 2, expected: 1, .. })));
        let fixed = schedule.bind(&start).unwrap();
        let fixed = PulseTask::state(&task.model, &fixed, dt, TargetState::ghz(1).unwrap(), &[]);
        assert!(matches!(fixed, Err(Error::NothingToTrain { .. })));
        let laboratory = PulseLaboratory::exact(&task.model, &schedule, dt).unwrap();
        let none = laboratory.clone().with_tomography(Estimation::tomography(0), vec![Confusion::default()]);
        assert!(matches!(none, Err(Error::NoShots)));
        let none = laboratory.with_tomography(Estimation::tomography(10), vec![]);
        assert!(matches!(none, Err(Error::Dimension { .. })));
        assert!(task.check(&[0.0]).is_err());
    }
}
