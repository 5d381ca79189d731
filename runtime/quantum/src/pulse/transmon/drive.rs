//! Drives as controls of the solver: envelopes times what their carriers turn in the frame of the simulation.

use std::f64::consts::TAU;

use ndarray::Array2;

use super::Transmons;
use crate::pulse::solver::{NODES, Piecewise, WEIGHTS};
use crate::pulse::{Action, Channel, Event, Samples};
use crate::{C64, Error, Result};

/// Detunings, in rad/s, that turn nothing during any pulse.
const STILL: f64 = 1e-3;

/// A line that plays, and what it drives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drive {
    /// Its number among the lines of the samples.
    line: usize,
    /// The place of the transmon that it drives.
    place: usize,
    /// Half of Ω, in rad/s.
    half_strength: f64,
    /// Its carrier in the frame of the simulation, in rad/s.
    detuning: f64,
}

/// All lines that play on the transmons.
#[derive(Debug, Clone)]
pub(super) struct Drives(Vec<Drive>);

impl Transmons {
    /// The lines of the samples that drive these transmons. Readout is not simulated, and silent lines do not matter.
    ///
    /// Derivatives want them all the same: `silent` keeps those that drive these transmons.
    pub(super) fn drives(&self, samples: &Samples, silent: bool) -> Result<Drives> {
        let mut drives = Vec::new();
        for (line, envelope) in samples.lines().iter().enumerate() {
            let channel = envelope.channel;
            if matches!(channel, Channel::Readout(_) | Channel::Acquire(_)) {
                continue;
            }
            if envelope.samples.iter().any(|d| *d != C64::ZERO) {
                drives.push(self.drive(line, channel)?);
            } else if silent {
                drives.extend(self.drive(line, channel));
            }
        }
        Ok(Drives(drives))
    }

    /// Refuses an instruction that plays on a line of other transmons.
    pub(super) fn check_line(&self, event: &Event) -> Result<()> {
        match (&event.action, event.channel) {
            (Action::Play { .. }, channel @ (Channel::Drive(_) | Channel::Control(..))) => {
                self.drive(0, channel).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// What a drive or control line does.
    fn drive(&self, line: usize, channel: Channel) -> Result<Drive> {
        let place_of = |qubit: usize| {
            self.qubits.iter().position(|known| *known == qubit).ok_or_else(|| Error::Shape {
                what: channel.to_string(),
                found: format!("qubit {qubit}"),
                wanted: format!("one of the simulated qubits {:?}", self.qubits),
            })
        };
        let (place, carrier, strength) = match channel {
            Channel::Drive(qubit) | Channel::Readout(qubit) | Channel::Acquire(qubit) => {
                let place = place_of(qubit)?;
                (place, place, self.device.transmons()[qubit].strength)
            }
            Channel::Control(control, target) => {
                let (place, carrier) = (place_of(control)?, place_of(target)?);
                let (Some(_), Some(line)) =
                    (self.device.exchange(control, target), self.device.line(control, target))
                else {
                    return Err(Error::NoExchange { control, target });
                };
                (place, carrier, line.strength)
            }
        };
        Ok(Drive { line, place, half_strength: 0.5 * strength, detuning: self.detunings[carrier] })
    }
}

impl Drives {
    /// Whether no carrier turns, so that samples are constant.
    pub(super) fn stand_still(&self) -> bool {
        self.0.iter().all(|drive| drive.detuning.abs() < STILL)
    }

    /// The two quadratures of each of `width` transmons as controls, with each sample cut into `parts` steps of the Magnus
    /// integrator, which are two constant ones each; 0 if carriers stand still.
    ///
    /// With `u = Ω/2 conj(d) exp(-i w t)` the drive is `u a† + conj(u) a = Re u (a + a†) + Im u i (a† - a)`.
    pub(super) fn controls(&self, samples: &Samples, width: usize, parts: usize) -> Result<Piecewise> {
        let per_sample = (2 * parts).max(1);
        let mut values = Array2::zeros((samples.duration() * per_sample, 2 * width));
        for drive in &self.0 {
            let envelope = &samples.lines()[drive.line].samples;
            let factors = drive.factors(samples.dt(), parts);
            for (sample, d) in envelope.iter().enumerate().filter(|(_, d)| **d != C64::ZERO) {
                let turned = d.conj() * drive.turn(samples.dt(), sample, parts);
                for (step, factor) in factors.iter().enumerate() {
                    let u = turned * factor;
                    let mut row = values.row_mut(sample * per_sample + step);
                    row[2 * drive.place] += u.re;
                    row[2 * drive.place + 1] += u.im;
                }
            }
        }
        Piecewise::new(samples.dt() / per_sample as f64, values)
    }

    /// What the derivatives by the controls of [`Self::controls`] make of those by the samples of each line: the real part is
    /// the derivative by the real part.
    pub(super) fn pull_back(&self, samples: &Samples, parts: usize, gradient: &Array2<f64>) -> Vec<Vec<C64>> {
        let per_sample = (2 * parts).max(1);
        let mut lines = vec![vec![C64::ZERO; samples.duration()]; samples.lines().len()];
        for drive in &self.0 {
            let factors = drive.factors(samples.dt(), parts);
            for (sample, slot) in lines[drive.line].iter_mut().enumerate() {
                let mut sum = C64::ZERO;
                for (step, factor) in factors.iter().enumerate() {
                    let row = gradient.row(sample * per_sample + step);
                    sum += C64::new(row[2 * drive.place], -row[2 * drive.place + 1]) * factor;
                }
                *slot += sum * drive.turn(samples.dt(), sample, parts);
            }
        }
        lines
    }
}

impl Drive {
    /// u / conj(d) of each constant step of the first sample; in later ones they are turned by [`Self::turn`].
    fn factors(self, dt: f64, parts: usize) -> Vec<C64> {
        if parts == 0 {
            return vec![C64::from(self.half_strength)];
        }
        let length = dt / parts as f64;
        let factor = |step: usize| {
            let at = |node: f64| C64::cis(-self.detuning * length * ((step / 2) as f64 + node));
            let [early, late] = if step.is_multiple_of(2) { WEIGHTS } else { [WEIGHTS[1], WEIGHTS[0]] };
            (at(NODES[0]) * early + at(NODES[1]) * late) * self.half_strength
        };
        (0..2 * parts).map(factor).collect()
    }

    /// How far the carrier has turned when a sample begins.
    fn turn(self, dt: f64, sample: usize, parts: usize) -> C64 {
        if parts == 0 { C64::ONE } else { C64::cis(-(self.detuning * sample as f64 * dt) % TAU) }
    }
}
