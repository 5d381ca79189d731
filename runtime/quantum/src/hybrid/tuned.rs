//! The pulses of a device's mixers, calibrated against its Hamiltonian.

use std::f64::consts::PI;

use ndarray::array;

use super::PulseMixer;
use crate::device::{Cache, Hamiltonian, NoiseModel, Transmon};
use crate::linalg::Matrix;
use crate::pulse::transmon::Transmons;
use crate::pulse::{Duration, PulseTarget, Samples, Schedule, ScheduleBuilder, Waveform, drive};
use crate::{C64, Error, Result};

/// How many calibrated pulses are kept: those of a thousand qubits at a few durations.
const PULSES: usize = 4096;

/// What goes with the part of an `sx` error that relaxation does not explain, where another pulse takes the place of `sx`.
///
/// A calibration reports the error of a pulse of one length, so it cannot tell. What can be seen are entangling gates, whose lengths
/// differ from pair to pair: in the bundled calibrations this part of their error does not grow with it. So it looks like errors of
/// control; relaxation alone is what is left of the error of pulses of 10 ns where these are calibrated away (Chiaro and Zhang 2025,
/// arXiv:2503.14731).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Excess {
    /// The pulse: each has as much of it as an `sx`, and all that a shorter one gains is less relaxation.
    #[default]
    Pulse,
    /// The length of the pulse: one as long as two `sx` has as much of it as they do. Dephasing beyond T2 is of this kind.
    Length,
}

/// The pulses that mixers of a device are made of. What does not depend on its noise is calibrated once: a pulse when it is first
/// asked for on its qubit with its duration.
///
/// Calibrated against the Hamiltonian, by golden section, are beta and the amplitude of half a turn around `1 / (2 α dt)` and
/// `π / (Ω Σ shape dt)`, and the amplitude of a quarter turn, as that of `sx` is beside that of `x`: what a short pulse turns by
/// is not quite in proportion to its amplitude. Other angles lie on the cubic through these two.
#[derive(Debug)]
pub struct Mixers {
    device: Hamiltonian,
    target: PulseTarget,
    excess: Excess,
    /// By qubit and duration.
    pulses: Cache<(usize, usize), Tuned>,
}

impl Mixers {
    /// Mixers for a device, and for what its electronics can play.
    pub fn new(device: Hamiltonian, target: PulseTarget) -> Self {
        Self { device, target, excess: Excess::default(), pulses: Cache::new(PULSES) }
    }

    /// The same with another rule for the errors of `sx` that relaxation does not explain.
    #[must_use]
    pub fn with_excess(self, excess: Excess) -> Self {
        Self { excess, ..self }
    }

    /// A mixer of `duration` samples on these qubits of the device, with this noise.
    ///
    /// # Errors
    /// [`Error::Pulse`] for a duration or an amplitude that the device cannot play, [`Error::QubitIndex`], and what the simulation
    /// reports.
    pub fn mixer(&self, noise: &NoiseModel, qubits: &[usize], duration: usize) -> Result<PulseMixer> {
        let pulses = qubits.iter().map(|&qubit| {
            self.pulses.get((qubit, duration), |_| Tuned::new(&self.device, &self.target, qubit, duration))
        });
        let pulses = pulses.collect::<Result<_>>()?;
        PulseMixer::new((duration, self.target.dt()), pulses, noise, self.excess)
    }
}

/// A pulse that turns one qubit about X, calibrated for half a turn and a quarter turn.
#[derive(Debug)]
pub(super) struct Tuned {
    pub(super) qubit: usize,
    /// In samples.
    pub(super) duration: usize,
    pub(super) dt: f64,
    known: Transmon,
    /// The qubit as its Hamiltonian says.
    pub(super) nominal: Transmons,
    /// Of half a turn.
    amp: f64,
    /// Twice that of a quarter turn.
    twice_quarter: f64,
    beta: f64,
}

impl Tuned {
    fn new(device: &Hamiltonian, target: &PulseTarget, qubit: usize, duration: usize) -> Result<Self> {
        let Some(known) = device.transmons().get(qubit).copied() else {
            return Err(Error::QubitIndex { qubit, width: device.width() });
        };
        let dt = target.dt();
        let full = schedule(0, duration, 1.0, 0.0)?.samples(dt, &[])?;
        let area: f64 = full.lines().iter().flat_map(|line| &line.samples).map(|d| d.re).sum();
        let (amp, beta) = (PI / (known.strength * dt * area), 0.5 / (known.anharmonicity * dt));
        let nominal = alone(known)?;
        let mut tuned = Self { qubit, duration, dt, known, nominal, amp, twice_quarter: amp, beta };
        let widths = [0.08, 0.02, 0.005];
        for width in widths {
            tuned.amp = golden(tuned.amp, width, |amp| tuned.infidelity(PI, amp, tuned.beta))?;
            tuned.beta = golden(tuned.beta, 5.0 * width, |beta| tuned.infidelity(PI, tuned.amp, beta))?;
        }
        tuned.twice_quarter = tuned.amp;
        for width in widths {
            let at = |twice: f64| tuned.infidelity(0.5 * PI, 0.5 * twice, tuned.beta);
            tuned.twice_quarter = golden(tuned.twice_quarter, width, at)?;
        }
        schedule(qubit, duration, tuned.amp, tuned.beta)?.check(target, &[])?;
        Ok(tuned)
    }

    /// Of a turn, up to changes of frame.
    fn infidelity(&self, angle: f64, amp: f64, beta: f64) -> Result<f64> {
        let samples = schedule(0, self.duration, amp, beta)?.samples(self.dt, &[])?;
        Ok(1.0 - self.nominal.propagator(&samples)?.virtual_z(&rotation(angle))?.fidelity)
    }

    /// The pulse that turns by an angle of at most half a turn.
    pub(super) fn samples(&self, angle: f64) -> Result<Samples> {
        let share = angle / PI;
        // The odd cubic through both amplitudes: the other way round, the pulse is the same with the other sign
        let bend = (self.twice_quarter - self.amp) * 4.0 / 3.0 * (1.0 - share * share);
        schedule(0, self.duration, share * (self.amp + bend), self.beta)?.samples(self.dt, &[])
    }

    /// The qubit where every pulse turns it too far by a share.
    pub(super) fn turned(&self, share: f64) -> Result<Transmons> {
        alone(Transmon { strength: self.known.strength * (1.0 + share), ..self.known })
    }
}

/// One transmon by itself.
fn alone(transmon: Transmon) -> Result<Transmons> {
    let alone = Hamiltonian::new("mixer", vec![transmon], Vec::new(), Vec::new())?;
    // What is made a channel has to be one to nine digits.
    Transmons::new(&alone, &[0], 3)?.with_tolerance(1e-11)
}

/// cos(angle/2) - i sin(angle/2) X.
pub(super) fn rotation(angle: f64) -> Matrix {
    let (cos, sin) = (C64::from((0.5 * angle).cos()), C64::new(0.0, -(0.5 * angle).sin()));
    array![[cos, sin], [sin, cos]]
}

fn schedule(qubit: usize, duration: usize, amp: f64, beta: f64) -> Result<Schedule> {
    let length = Duration::samples(1) * duration as f64;
    let mut b = ScheduleBuilder::new("mixer");
    b.play(drive(qubit), Waveform::drag(length, amp, length / 4.0, beta));
    b.finish()
}

/// The minimum within a share of a value around it.
fn golden(around: f64, width: f64, mut f: impl FnMut(f64) -> Result<f64>) -> Result<f64> {
    let share = 0.5 * (5.0_f64.sqrt() - 1.0);
    let ends = [around * (1.0 - width), around * (1.0 + width)];
    let (mut low, mut high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
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
