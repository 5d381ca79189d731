//! The mixer as a pulse: one DRAG on each qubit, whose amplitude is the angle.

use std::f64::consts::{PI, TAU};

use ndarray::array;

use crate::device::{Hamiltonian, NoiseModel, Transmon};
use crate::linalg::{Matrix, dagger};
use crate::pulse::transmon::Transmons;
use crate::pulse::{Duration, PulseTarget, Samples, Schedule, ScheduleBuilder, Waveform, drive};
use crate::{C64, Channel, Error, Result};

/// Whether a parameter is one for all qubits, or one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// One for all qubits.
    All,
    /// One for each qubit: multi-angle QAOA (Herrman et al. 2022), where the mixer is gates.
    Each,
}

/// Which parameters a mixer has, for each layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freedom {
    /// The angle: the amplitude of the pulse.
    pub angle: Sharing,
    /// The phase of the pulse: the axis of the rotation in the equator. `None` leaves it at X.
    pub phase: Option<Sharing>,
    degenerate: bool,
}

impl Freedom {
    /// One angle for all qubits, about X: QAOA.
    pub const fn shared() -> Self {
        Self { angle: Sharing::All, phase: None, degenerate: false }
    }

    /// An angle for each qubit, about X: multi-angle QAOA.
    pub const fn angles() -> Self {
        Self { angle: Sharing::Each, phase: None, degenerate: false }
    }

    /// The same with a phase.
    #[must_use]
    pub const fn with_phase(self, phase: Sharing) -> Self {
        Self { phase: Some(phase), ..self }
    }

    /// Lets a mixer pass that makes the problem trivial: to see that it does.
    #[must_use]
    pub const fn allow_degenerate(self) -> Self {
        Self { degenerate: true, ..self }
    }

    /// How many parameters the mixer of a layer has.
    pub fn count(self, qubits: usize) -> usize {
        let of = |sharing| match sharing {
            Sharing::All => 1,
            Sharing::Each => qubits,
        };
        of(self.angle) + self.phase.map_or(0, of)
    }

    /// Refuses what alone can turn |+> into any product state.
    pub(super) fn check(self) -> Result<()> {
        if self.phase == Some(Sharing::Each) && self.angle == Sharing::Each && !self.degenerate {
            return Err(Error::DegenerateMixer);
        }
        Ok(())
    }

    /// The angle and the phase of a qubit, from the parameters of a layer; `straight` is the phase of X.
    pub(super) fn of<T: Copy>(self, values: &[T], straight: T, qubit: usize, qubits: usize) -> (T, T) {
        let place = |sharing| if sharing == Sharing::All { 0 } else { qubit };
        let phases = if self.angle == Sharing::All { 1 } else { qubits };
        let phase = self.phase.map_or(straight, |sharing| values[phases + place(sharing)]);
        (values[place(self.angle)], phase)
    }
}

/// What one pulse does to one qubit.
#[derive(Debug, Clone)]
pub struct MixerPulse {
    /// Average infidelity of the rotation that was meant, with the frames that a calibration would give it, without relaxation and
    /// miscalibration.
    pub infidelity: f64,
    /// Probability to leave the qubit's levels.
    pub leakage: f64,
    /// All of it, with relaxation, miscalibration and the rest of the error of a published pulse.
    pub channel: Channel,
}

/// A pulse of one duration that turns each of some qubits of a device about an axis of the equator.
///
/// For each qubit amplitude and beta are calibrated against the model of the device: the amplitude of half a turn and its DRAG,
/// by golden section around `π / (Ω Σ shape dt)` and `1 / (2 α dt)`. Other angles scale the amplitude; what the pulse shifts the
/// phase by is taken back in the frame, without cost. A miscalibrated qubit, as the noise model draws it for its `sx`, turns too
/// far by its share whatever the pulse; an error of `sx` that relaxation does not explain is suffered at the rate at which `sx`
/// suffers it, so that a pulse as long as the gates' is as bad as they are.
#[derive(Debug, Clone)]
pub struct PulseMixer {
    duration: usize,
    dt: f64,
    qubits: Vec<Line>,
}

#[derive(Debug, Clone)]
struct Line {
    nominal: Transmons,
    actual: Transmons,
    /// Of half a turn.
    amp: f64,
    beta: f64,
    rest: Option<Channel>,
    relaxes: bool,
}

impl PulseMixer {
    /// A mixer of `duration` samples on these qubits of the device.
    ///
    /// # Errors
    /// [`Error::Pulse`](crate::Error::Pulse) for a duration or an amplitude that the device cannot play, [`Error::QubitIndex`], and
    /// what the simulation reports.
    pub fn new(
        device: &Hamiltonian,
        noise: &NoiseModel,
        target: &PulseTarget,
        qubits: &[usize],
        duration: usize,
    ) -> Result<Self> {
        let lines = qubits
            .iter()
            .map(|&qubit| Line::new(device, noise, target, qubit, duration))
            .collect::<Result<_>>()?;
        Ok(Self { duration, dt: target.dt(), qubits: lines })
    }

    /// How many samples it takes.
    pub fn duration(&self) -> usize {
        self.duration
    }

    /// How many seconds it takes.
    pub fn seconds(&self) -> f64 {
        self.duration as f64 * self.dt
    }

    /// What it does to the qubit at this place of the list when it is to turn it by `angle` about `cos(phase) X + sin(phase) Y`.
    ///
    /// # Errors
    /// [`Error::QubitIndex`], and what the simulation reports.
    pub fn pulse(&self, place: usize, angle: f64, phase: f64) -> Result<MixerPulse> {
        let width = self.qubits.len();
        let line = self.qubits.get(place).ok_or(Error::QubitIndex { qubit: place, width })?;
        // Beyond half a turn the shorter way round is a turn the other way, up to a sign.
        let angle = (angle + PI).rem_euclid(TAU) - PI;
        line.pulse(self.duration, self.dt, angle, phase)
    }
}

impl Line {
    fn new(
        device: &Hamiltonian,
        noise: &NoiseModel,
        target: &PulseTarget,
        qubit: usize,
        duration: usize,
    ) -> Result<Self> {
        let Some(known) = device.transmons().get(qubit).copied() else {
            return Err(Error::QubitIndex { qubit, width: device.width() });
        };
        let one = |strength: f64| {
            let transmon = Transmon { strength, ..known };
            let alone = Hamiltonian::new(device.name(), vec![transmon], Vec::new(), Vec::new())?;
            // What is made a channel has to be one to nine digits.
            Transmons::new(&alone, &[0], 3)?.with_tolerance(1e-11)
        };
        let nominal = one(known.strength)?;
        let mut actual = one(known.strength * (1.0 + noise.over_rotation("sx", &[qubit])))?;
        let options = noise.options();
        let about = noise
            .calibration()
            .qubits()
            .get(qubit)
            .ok_or(Error::QubitIndex { qubit, width: device.width() })?;
        if options.gate_noise {
            actual = actual.with_relaxation(&[(about.t1, about.t2)])?;
        }
        let dt = target.dt();
        let rest = noise.channel("sx", &[qubit]).map(|channel| {
            let length = noise.calibration().gate("sx", &[qubit]).map_or(0.0, |gate| gate.length);
            let relaxation = Channel::thermal_relaxation(length, about.t1, about.t2)?;
            let left = relaxation.average_gate_fidelity() - channel.average_gate_fidelity();
            let share = if length > 0.0 { duration as f64 * dt / length } else { 1.0 };
            Channel::depolarizing((2.0 * left * share).clamp(0.0, 1.0), 1)
        });
        let rest = rest.transpose()?;
        let full = schedule(0, duration, 1.0, 0.0)?.samples(dt, &[])?;
        let area: f64 = full.lines().iter().flat_map(|line| &line.samples).map(|d| d.re).sum();
        let (mut amp, mut beta) = (PI / (known.strength * dt * area), 0.5 / (known.anharmonicity * dt));
        let flip = rotation(PI, 0.0);
        for round in 0..3 {
            let width = 0.08 / f64::from(1 << (2 * round));
            let at = |amp: f64, beta: f64| infidelity(&nominal, duration, dt, amp, beta, &flip);
            amp = golden(amp * (1.0 - width), amp * (1.0 + width), |amp| at(amp, beta))?;
            beta = golden(beta * (1.0 - 5.0 * width), beta * (1.0 + 5.0 * width), |beta| at(amp, beta))?;
        }
        let line = Self { nominal, actual, amp, beta, rest, relaxes: options.gate_noise };
        schedule(qubit, duration, line.amp, line.beta)?.check(target, &[])?;
        Ok(line)
    }

    fn pulse(&self, duration: usize, dt: f64, angle: f64, phase: f64) -> Result<MixerPulse> {
        let samples = schedule(0, duration, self.amp * angle / PI, self.beta)?.samples(dt, &[])?;
        let meant = rotation(angle, 0.0);
        let ideal = self.nominal.propagator(&samples)?;
        let frames = ideal.virtual_z(&meant)?;
        let z = |angle: f64| array![[C64::ONE, C64::ZERO], [C64::ZERO, C64::cis(angle)]];
        let (before, after) = (z(frames.before[0] - phase), z(frames.after[0] + phase));
        let mut channel = self.channel(&samples)?;
        channel = Channel::unitary(before)?.then(&channel)?.then(&Channel::unitary(after)?)?;
        if let Some(rest) = &self.rest {
            channel = channel.then(rest)?;
        }
        Ok(MixerPulse {
            infidelity: (1.0 - frames.fidelity).max(0.0),
            leakage: ideal.leakage().max(0.0),
            channel: channel.named("pulse"),
        })
    }

    /// The map of density matrices; what leaks is read as 1.
    fn channel(&self, samples: &Samples) -> Result<Channel> {
        if !self.relaxes {
            // Kraus operators: what stays, and each higher level to 1
            let columns = self.actual.propagator(samples)?.columns().clone();
            let stays = columns.slice(ndarray::s![0..2, ..]).to_owned();
            let mut operators = vec![stays];
            for level in 2..columns.nrows() {
                let mut falls = Matrix::zeros((2, 2));
                falls.row_mut(1).assign(&columns.row(level));
                operators.push(falls);
            }
            return Channel::from_kraus(operators);
        }
        let half = C64::from(0.5);
        let i = C64::new(0.0, 1.0);
        let inputs: [Matrix; 4] = [
            array![[C64::ONE, C64::ZERO], [C64::ZERO, C64::ZERO]],
            array![[C64::ZERO, C64::ZERO], [C64::ZERO, C64::ONE]],
            array![[half, half], [half, half]],
            array![[half, -half * i], [half * i, half]],
        ];
        let mut outputs = Vec::with_capacity(4);
        for input in &inputs {
            let read = self.actual.density(samples, input)?.read().clone();
            // The tolerance of the solver is above that of a channel: a Hermitian matrix of trace 1
            let hermitian = (&read + &dagger(&read)) * half;
            let trace = hermitian.diag().sum();
            outputs.push(hermitian / trace);
        }
        let mixed = |sign: f64| (C64::ONE + i * sign) * -0.5;
        let upper = (&outputs[0] + &outputs[1]) * mixed(1.0) + &outputs[2] + &outputs[3] * i;
        let lower = dagger(&upper);
        let images = [&outputs[0], &upper, &lower, &outputs[1]];
        // A column of the superoperator is the image of |k><l|, row by row.
        let superoperator = Matrix::from_shape_fn((4, 4), |(row, column)| images[column][[row / 2, row % 2]]);
        Channel::from_superoperator(superoperator)
    }
}

/// cos(angle/2) - i sin(angle/2) (cos(phase) X + sin(phase) Y).
fn rotation(angle: f64, phase: f64) -> Matrix {
    let (cos, sin) = (C64::from((0.5 * angle).cos()), C64::new(0.0, -(0.5 * angle).sin()));
    array![[cos, sin * C64::cis(-phase)], [sin * C64::cis(phase), cos]]
}

fn infidelity(
    transmons: &Transmons,
    duration: usize,
    dt: f64,
    amp: f64,
    beta: f64,
    target: &Matrix,
) -> Result<f64> {
    let samples = schedule(0, duration, amp, beta)?.samples(dt, &[])?;
    Ok(1.0 - transmons.propagator(&samples)?.virtual_z(target)?.fidelity)
}

fn schedule(qubit: usize, duration: usize, amp: f64, beta: f64) -> Result<Schedule> {
    let length = Duration::samples(1) * duration as f64;
    let mut b = ScheduleBuilder::new("mixer");
    b.play(drive(qubit), Waveform::drag(length, amp, length / 4.0, beta));
    b.finish()
}

/// The minimum between two points.
fn golden(a: f64, b: f64, mut f: impl FnMut(f64) -> Result<f64>) -> Result<f64> {
    let share = 0.5 * (5.0_f64.sqrt() - 1.0);
    let (mut low, mut high) = (a.min(b), a.max(b));
    let (mut left, mut right) = (high - share * (high - low), low + share * (high - low));
    let (mut at_left, mut at_right) = (f(left)?, f(right)?);
    for _ in 0..16 {
        if at_left < at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - share * (high - low);
            at_left = f(left)?;
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + share * (high - low);
            at_right = f(right)?;
        }
    }
    Ok(0.5 * (low + high))
}
