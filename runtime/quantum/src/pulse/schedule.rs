//! Schedules: pulses as a value.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::timeline::Timeline;
use super::{Channel, PulseTarget, Samples, ScheduleBuilder, Slope, Step};
use crate::circuit::Parameters;
use crate::{Angle, Error, Result};

/// Pulses on channels, with named parameters: a declaration. Times are fixed when the device is known.
///
/// [`Schedule::timeline`] places every instruction, [`Schedule::samples`] makes numbers of it, [`Schedule::check`] asks whether
/// a device can play it, [`Schedule::reversed`] undoes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub(super) name: String,
    pub(super) parameters: Parameters,
    pub(super) bits: usize,
    pub(super) steps: Arc<[Step]>,
}

impl Schedule {
    pub(super) fn empty(name: String) -> Self {
        Self { name, parameters: Parameters::default(), bits: 0, steps: Arc::default() }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The trainable parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// How many classical bits captures give.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// The steps as declared.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// All channels that are mentioned, sorted.
    pub fn channels(&self) -> Vec<Channel> {
        let mut all = BTreeSet::new();
        for step in &*self.steps {
            step.channels(&mut |channel| all.extend([channel]));
        }
        all.into_iter().collect()
    }

    /// All qubits that are mentioned, sorted.
    pub fn qubits(&self) -> Vec<usize> {
        let mut all = BTreeSet::new();
        for step in &*self.steps {
            step.qubits(&mut |qubit| all.extend([qubit]));
        }
        all.into_iter().collect()
    }

    /// The same pulses on other qubits: qubit k on `qubits[k]`.
    ///
    /// # Errors
    /// [`Error::QubitIndex`] for a qubit that is beyond the list, [`Error::RepeatedQubit`] for one that is in it twice.
    pub fn on(&self, qubits: &[usize]) -> Result<Self> {
        let mut seen = BTreeSet::new();
        if let Some(qubit) = qubits.iter().find(|qubit| !seen.insert(**qubit)) {
            return Err(Error::RepeatedQubit { qubit: *qubit });
        }
        let place =
            |q: usize| qubits.get(q).copied().ok_or(Error::QubitIndex { qubit: q, width: qubits.len() });
        self.mapped(&place, &|angle| angle, self.parameters.clone())
    }

    /// This schedule, then another: each as one block. Parameters of the same name are the same.
    ///
    /// # Errors
    /// [`Error::ParameterShape`] if one name has different shapes.
    pub fn then(&self, next: &Self) -> Result<Self> {
        let mut b = ScheduleBuilder::new(format!("{}, {}", self.name, next.name));
        b.append(self);
        b.append(next);
        b.finish()
    }

    /// The schedule with numbers instead of parameters.
    ///
    /// # Errors
    /// [`Error::ParameterCount`] and [`Error::ParameterValue`].
    pub fn bind(&self, values: &[f64]) -> Result<Self> {
        self.parameters.check(values)?;
        let of = |angle: Angle| Angle::radians(angle.value(values));
        self.mapped(&Ok, &of, Parameters::default())
    }

    /// The schedule on other qubits, with other expressions of other parameters.
    pub(crate) fn mapped(
        &self,
        qubit: &impl Fn(usize) -> Result<usize>,
        angle: &impl Fn(Angle) -> Angle,
        parameters: Parameters,
    ) -> Result<Self> {
        let steps = self.steps.iter().map(|step| step.map(qubit, &|bit| bit, angle));
        Ok(Self { steps: steps.collect::<Result<_>>()?, parameters, ..self.clone() })
    }

    /// Declares the parameters of another schedule that are not there yet, and says which number each of its parameters has
    /// here.
    pub(super) fn adopt(&mut self, other: &Self) -> Result<BTreeMap<usize, usize>> {
        let mut numbers = BTreeMap::new();
        for group in other.parameters.groups() {
            let offset = match self.parameters.group(&group.name) {
                Some(here) if here.shape == group.shape => here.offset,
                Some(here) => {
                    let (name, found, expected) =
                        (group.name.clone(), group.shape.clone(), here.shape.clone());
                    return Err(Error::ParameterShape { name, found, expected });
                }
                None => self.parameters.declare(&group.name, group.shape.clone())?,
            };
            numbers.extend((0..group.len()).map(|k| (group.offset + k, offset + k)));
        }
        Ok(numbers)
    }

    /// When each instruction is played, in samples of `dt` seconds.
    ///
    /// # Errors
    /// [`Error::Pulse`] with channel and time for a duration that is no whole number of samples, a busy channel, or an absolute
    /// frequency, [`Error::ScheduleSize`] for a schedule that is too large.
    pub fn timeline(&self, dt: f64) -> Result<Timeline> {
        Timeline::of(self, dt, None)
    }

    /// [`Self::timeline`] on a device, whose carriers tell what absolute frequencies are.
    ///
    /// # Errors
    /// As [`Self::timeline`], but for frequencies of channels whose carrier is known.
    pub fn timeline_on(&self, target: &PulseTarget) -> Result<Timeline> {
        Timeline::of(self, target.dt(), Some(target))
    }

    /// How many samples of `dt` seconds it takes.
    ///
    /// # Errors
    /// As [`Self::timeline`].
    pub fn duration(&self, dt: f64) -> Result<usize> {
        Ok(self.timeline(dt)?.duration())
    }

    /// The envelopes as numbers, a line for each channel on which something is played.
    ///
    /// # Errors
    /// As [`Self::timeline`]; [`Error::ParameterCount`] and [`Error::ParameterValue`]; [`Error::Pulse`] with channel and time
    /// for an argument outside of its range.
    pub fn samples(&self, dt: f64, values: &[f64]) -> Result<Samples> {
        self.timeline(dt)?.samples(values)
    }

    /// How the samples vary with each parameter.
    ///
    /// # Errors
    /// As [`Self::samples`].
    pub fn slopes(&self, dt: f64, values: &[f64]) -> Result<Vec<Slope>> {
        self.timeline(dt)?.slopes(values)
    }

    /// Whether a device can play the schedule with these values: times, channels, frequencies, amplitudes.
    ///
    /// # Errors
    /// As [`Self::samples`]; [`Error::Pulse`] with channel and time around [`Error::PulseTiming`], [`Error::NoLine`],
    /// [`Error::Band`] or [`Error::Amplitude`].
    pub fn check(&self, target: &PulseTarget, values: &[f64]) -> Result<()> {
        target.check(&self.timeline_on(target)?, values)
    }
}

impl AsRef<Self> for Schedule {
    fn as_ref(&self) -> &Self {
        self
    }
}

#[cfg(test)]
mod tests;
