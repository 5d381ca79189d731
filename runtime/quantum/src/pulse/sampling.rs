//! From a timeline to numbers, and their derivatives.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use super::samples::{Line, MAX_TOTAL, Slope};
use super::timeline::{Action, Event, Timeline, clock_text};
use super::waveform::Shape;
use super::{Channel, Frequency, Phase, Samples};
use crate::{C64, Error, Result};

impl Timeline {
    /// The envelopes as numbers, a line for each channel on which something is played.
    ///
    /// # Errors
    /// [`Error::ParameterCount`] and [`Error::ParameterValue`]; [`Error::Pulse`] with channel and time for an argument outside
    /// of its range; [`Error::ScheduleSize`] for more samples than fit.
    pub fn samples(&self, values: &[f64]) -> Result<Samples> {
        self.parameters.check(values)?;
        let mut lines: BTreeMap<Channel, Vec<C64>> = BTreeMap::new();
        for (event, pulse) in self.pulses(values) {
            let pulse = pulse?;
            if !lines.contains_key(&event.channel) {
                self.fits((lines.len() + 1).saturating_mul(self.duration))?;
                lines.insert(event.channel, vec![C64::ZERO; self.duration]);
            }
            let line = lines.get_mut(&event.channel).map_or(&mut [][..], |line| &mut line[event.start..]);
            for ((place, sample), k) in line.iter_mut().zip(pulse.shape.samples()).zip(0..) {
                *place = sample * pulse.turn(k, self.dt);
            }
        }
        if lines.is_empty() {
            return Ok(Samples::silent(self.dt, self.duration));
        }
        Samples::new(self.dt, lines.into_iter().map(|(channel, samples)| Line { channel, samples }).collect())
    }

    /// How the samples vary with each parameter: a list of stretches, in the order of time. A phase that was shifted by a
    /// parameter is in all pulses after it. Stretches of one channel and parameter do not overlap.
    ///
    /// # Errors
    /// As [`Self::samples`].
    pub fn slopes(&self, values: &[f64]) -> Result<Vec<Slope>> {
        self.parameters.check(values)?;
        let (mut slopes, mut total) = (Vec::new(), 0_usize);
        for (event, pulse) in self.pulses(values) {
            let pulse = pulse?;
            let mut parameters = pulse.shape.parameters();
            parameters.extend(pulse.phase.terms().iter().map(|(parameter, _)| *parameter));
            parameters.sort_unstable();
            parameters.dedup();
            let plain: Vec<C64> = pulse.shape.samples().collect();
            for parameter in parameters {
                total = total.saturating_add(event.duration);
                self.fits(total)?;
                let turning = C64::new(0.0, pulse.phase.coefficient(parameter));
                let slope = |(k, sample): (usize, &C64)| {
                    (pulse.shape.slope(k, parameter) + turning * sample) * pulse.turn(k, self.dt)
                };
                let samples = plain.iter().enumerate().map(slope).collect();
                slopes.push(Slope { parameter, channel: event.channel, start: event.start, samples });
            }
        }
        Ok(slopes)
    }

    /// What is played, with numbers for all that can vary.
    pub(super) fn pulses<'a>(
        &'a self,
        values: &'a [f64],
    ) -> impl Iterator<Item = (&'a Event, Result<Pulse<'a>>)> {
        self.events.iter().filter_map(move |event| {
            let Action::Play { waveform, phase, frequency } = &event.action else { return None };
            let pulse = waveform.shape(self.dt, values).map(|shape| {
                let turn = C64::cis(phase.value(values));
                Pulse { shape, phase, frequency: *frequency, turn }
            });
            Some((event, pulse.map_err(|fault| self.fault(event, fault))))
        })
    }

    pub(super) fn fault(&self, event: &Event, fault: Error) -> Error {
        let time = clock_text(event.start, self.dt);
        Error::Pulse { channel: event.channel, time, fault: Box::new(fault) }
    }

    fn fits(&self, found: usize) -> Result<()> {
        if found <= MAX_TOTAL {
            return Ok(());
        }
        let schedule = self.name.clone();
        Err(Error::ScheduleSize { schedule, what: "samples on all channels", found, limit: MAX_TOTAL })
    }
}

/// A waveform in its frame, with numbers for all that can vary.
pub(super) struct Pulse<'a> {
    pub(super) shape: Shape<'a>,
    phase: &'a Phase,
    pub(super) frequency: Frequency,
    /// The frame when it begins.
    turn: C64,
}

impl Pulse<'_> {
    /// What the frame multiplies sample number k by.
    fn turn(&self, k: usize, dt: f64) -> C64 {
        match self.frequency.in_hertz() {
            0.0 => self.turn,
            frequency => self.turn * C64::cis(TAU * frequency * (k as f64 + 0.5) * dt),
        }
    }
}
