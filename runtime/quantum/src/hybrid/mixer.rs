//! The mixer as a pulse: one DRAG on each qubit, whose amplitude is the angle.

use std::f64::consts::{PI, TAU};
use std::sync::Arc;

use ndarray::array;

use super::Excess;
use super::tuned::{Tuned, rotation};
use crate::device::NoiseModel;
use crate::linalg::{Matrix, dagger};
use crate::pulse::Samples;
use crate::pulse::transmon::Transmons;
use crate::{C64, Channel, Error, Result};

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

/// A pulse of one duration that turns each of some qubits of a device about an axis of the equator: see
/// [`Mixers`](super::Mixers), which calibrate it.
///
/// The amplitude is the angle's; what the pulse shifts the phase by is taken back in the frame, without cost. A miscalibrated
/// qubit, as the noise model draws it for its `sx`, turns too far by its share whatever the pulse; an error of `sx` that
/// relaxation does not explain is suffered as [`Excess`] says.
#[derive(Debug, Clone)]
pub struct PulseMixer {
    duration: usize,
    dt: f64,
    lines: Vec<Line>,
}

#[derive(Debug, Clone)]
struct Line {
    tuned: Arc<Tuned>,
    actual: Transmons,
    rest: Option<Channel>,
    relaxes: bool,
}

impl PulseMixer {
    /// Of pulses that are all of `duration` samples of `dt`.
    pub(super) fn new(
        (duration, dt): (usize, f64),
        pulses: Vec<Arc<Tuned>>,
        noise: &NoiseModel,
        excess: Excess,
    ) -> Result<Self> {
        let lines = pulses.into_iter().map(|tuned| Line::new(tuned, noise, excess));
        Ok(Self { duration, dt, lines: lines.collect::<Result<_>>()? })
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
        let width = self.lines.len();
        let line = self.lines.get(place).ok_or(Error::QubitIndex { qubit: place, width })?;
        // Beyond half a turn the shorter way round is a turn the other way, up to a sign.
        line.pulse((angle + PI).rem_euclid(TAU) - PI, phase)
    }
}

impl Line {
    fn new(tuned: Arc<Tuned>, noise: &NoiseModel, excess: Excess) -> Result<Self> {
        let qubit = tuned.qubit;
        let calibration = noise.calibration();
        let width = calibration.width();
        let about = calibration.qubits().get(qubit).ok_or(Error::QubitIndex { qubit, width })?;
        let relaxes = noise.options().gate_noise;
        let mut actual = tuned.turned(noise.over_rotation("sx", &[qubit]))?;
        if relaxes {
            actual = actual.with_relaxation(&[(about.t1, about.t2)])?;
        }
        let rest = noise.channel("sx", &[qubit]).map(|channel| {
            let length = calibration.gate("sx", &[qubit]).map_or(0.0, |gate| gate.length);
            let relaxation = Channel::thermal_relaxation(length, about.t1, about.t2)?;
            let left = relaxation.average_gate_fidelity() - channel.average_gate_fidelity();
            let share = match excess {
                Excess::Length if length > 0.0 => tuned.duration as f64 * tuned.dt / length,
                Excess::Length | Excess::Pulse => 1.0,
            };
            Channel::depolarizing((2.0 * left * share).clamp(0.0, 1.0), 1)
        });
        Ok(Self { tuned, actual, rest: rest.transpose()?, relaxes })
    }

    fn pulse(&self, angle: f64, phase: f64) -> Result<MixerPulse> {
        let samples = self.tuned.samples(angle)?;
        let ideal = self.tuned.nominal.propagator(&samples)?;
        let frames = ideal.virtual_z(&rotation(angle))?;
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
