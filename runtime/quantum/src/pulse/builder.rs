//! Building schedules by hand; the macro `pulse!` expands to this.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::step::MAX_STEPS;
use super::{Acquisition, Channel, Duration, Frequency, Listening, Playable, Schedule, Step, Waveform};
use crate::circuit::{IntoAngle, Operand, Parameters, Qubit, Qubits, Trainable};
use crate::{Angle, Error, Result};

/// A schedule under construction.
///
/// Each channel has a clock of its own: a step begins when the one before it on its channel has ended. Nothing here fails: the
/// first mistake is kept and [`ScheduleBuilder::finish`] returns it. Times meet when the device is known.
///
/// ```
/// use ketline_quantum::Angle;
/// use ketline_quantum::pulse::{Duration, ScheduleBuilder, Waveform, control, drive};
///
/// let dt = Duration::samples;
/// let mut b = ScheduleBuilder::new("echoed_cr");
/// let amp: Angle = b.parameter("amp");
/// let x = Waveform::drag(dt(160), 0.186, dt(40), -1.24);
/// let cr = Waveform::gaussian_square(dt(848), amp, dt(64), dt(592));
/// b.play(control(0, 1), cr.clone());
/// b.barrier(&[0, 1]);
/// b.play(drive(0), x.clone());
/// b.barrier(&[0, 1]);
/// b.play(control(0, 1), -cr);
/// b.barrier(&[0, 1]);
/// b.play(drive(0), x);
/// b.shift_phase(drive(1), Angle::degrees(-90.0));
/// let schedule = b.finish()?;
/// assert_eq!(schedule.duration(2.2e-10)?, 2016);
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug)]
pub struct ScheduleBuilder {
    schedule: Schedule,
    steps: Vec<Step>,
    count: usize,
    /// Qubits that are declared.
    width: usize,
    error: Option<Error>,
}

impl ScheduleBuilder {
    /// An empty schedule of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { schedule: Schedule::empty(name.into()), steps: Vec::new(), count: 0, width: 0, error: None }
    }

    /// A schedule that speaks of the parameters of a circuit.
    pub(crate) fn within(name: String, parameters: Parameters) -> Self {
        let mut builder = Self::new(name);
        builder.schedule.parameters = parameters;
        builder
    }

    /// One qubit, numbered after those that are declared. Qubits may also just be numbers.
    pub fn qubit(&mut self) -> Qubit {
        self.width += 1;
        Qubit::new(self.width - 1)
    }

    /// `N` qubits, numbered after those that are declared.
    pub fn register<const N: usize>(&mut self) -> Qubits<N> {
        self.width += N;
        Qubits::new(self.width - N)
    }

    /// The line that drives a declared qubit.
    pub fn drive(&mut self, qubit: Qubit) -> Channel {
        super::drive(self.place("drive", qubit))
    }

    /// The line that drives the first of two declared qubits at the frequency of the second.
    pub fn control(&mut self, control: Qubit, target: Qubit) -> Channel {
        super::control(self.place("control", control), self.place("control", target))
    }

    /// The line that drives the resonator of a declared qubit.
    pub fn readout(&mut self, qubit: Qubit) -> Channel {
        super::readout(self.place("readout", qubit))
    }

    /// The line that listens to a declared qubit.
    pub fn acquire(&mut self, qubit: Qubit) -> Acquisition {
        super::acquire(self.place("acquire", qubit))
    }

    /// The numbers of declared qubits; a wrong index is reported under the name of what acts on them.
    pub fn places(&mut self, name: &str, operand: impl Operand) -> Vec<usize> {
        let places = operand.qubits();
        match places.fault {
            Some(fault) => {
                self.refuse(fault.error(name, self.steps.len()));
                Vec::new()
            }
            None => places.list,
        }
    }

    fn place(&mut self, name: &str, qubit: Qubit) -> usize {
        self.places(name, qubit).first().copied().unwrap_or(0)
    }

    /// Keeps the first error of those that building by hand may meet.
    pub fn fail(&mut self, error: Error) {
        self.refuse(error);
    }

    /// Trainable parameters: one [`Angle`], or arrays of them. They may stand for any number in a waveform; lengths are then
    /// in samples.
    pub fn parameter<T: Trainable>(&mut self, name: &str) -> T {
        let mut next = match self.schedule.parameters.declare(name, T::shape()) {
            Ok(offset) => offset,
            Err(error) => {
                self.refuse(error);
                0
            }
        };
        T::angles(&mut next)
    }

    /// Plays a waveform on a channel.
    pub fn play(&mut self, channel: impl Playable, waveform: Waveform) {
        self.push(Step::Play { channel: channel.playable(), waveform });
    }

    /// Leaves a channel idle for this long.
    pub fn delay(&mut self, channel: impl Into<Channel>, duration: Duration) {
        self.push(Step::Delay { channel: channel.into(), duration });
    }

    /// What follows on the channel begins at this time since the beginning of the schedule. If the channel is still busy then,
    /// the schedule is refused with [`Error::Busy`] when its device is known.
    pub fn at(&mut self, channel: impl Into<Channel>, time: Duration) {
        self.push(Step::At { channel: channel.into(), time });
    }

    /// What follows on any channel of these qubits waits until all of their channels are free. A control line is of both of its
    /// qubits.
    pub fn barrier(&mut self, qubits: &[usize]) {
        self.push(Step::Barrier { qubits: qubits.to_vec() });
    }

    /// Turns the frame of a channel: envelopes that follow are multiplied by `exp(i phase)`.
    pub fn shift_phase(&mut self, channel: Channel, phase: impl IntoAngle) {
        self.push(Step::ShiftPhase { channel, phase: phase.into_angle() });
    }

    /// Sets the phase that the frame of a channel has at this time.
    pub fn set_phase(&mut self, channel: Channel, phase: impl IntoAngle) {
        self.push(Step::SetPhase { channel, phase: phase.into_angle() });
    }

    /// Raises the frequency of a channel's frame. The phase goes on from where it is.
    pub fn shift_frequency(&mut self, channel: Channel, frequency: Frequency) {
        self.push(Step::ShiftFrequency { channel, frequency });
    }

    /// Sets the frequency that a channel sends. Only a device that knows its carriers can tell the samples:
    /// [`Schedule::timeline_on`]. The phase goes on from where it is.
    pub fn set_frequency(&mut self, channel: Channel, frequency: Frequency) {
        self.push(Step::SetFrequency { channel, frequency });
    }

    /// Listens to a qubit, and returns the number of the classical bit that it gives.
    pub fn capture(&mut self, channel: impl Listening, duration: Duration) -> usize {
        let bit = self.schedule.bits;
        self.schedule.bits += 1;
        self.push(Step::Capture { qubit: channel.listening().qubit(), duration, bit });
        bit
    }

    /// Another schedule as one step, its qubit k on `qubits[k]`, its parameters replaced by `arguments`. It begins when all
    /// channels of its qubits are free, and they are free when all of it has ended. Returns the number of its first bit.
    pub fn call(&mut self, schedule: &Schedule, qubits: &[usize], arguments: &[Angle]) -> usize {
        let (first, wanted) = (self.schedule.bits, schedule.parameters.len());
        if arguments.len() != wanted {
            self.refuse(Error::ParameterCount { found: arguments.len(), expected: wanted });
            return first;
        }
        let mut seen = BTreeSet::new();
        if let Some(qubit) = qubits.iter().find(|qubit| !seen.insert(**qubit)) {
            self.refuse(Error::RepeatedQubit { qubit: *qubit });
            return first;
        }
        let of = |angle: Angle| angle.substitute(|p| arguments.get(p).copied().unwrap_or(Angle::ZERO));
        self.block(schedule, &|q| placed(qubits, q), &of);
        first
    }

    /// Another schedule as one step, on its own qubits. Its parameters are those of this schedule that have the same names;
    /// others are declared.
    pub fn append(&mut self, schedule: &Schedule) {
        match self.schedule.adopt(schedule) {
            Ok(numbers) => self.block(schedule, &Ok, &move |angle| {
                angle.substitute(|p| numbers.get(&p).copied().map_or(Angle::ZERO, Angle::parameter))
            }),
            Err(error) => self.refuse(error),
        }
    }

    fn block(
        &mut self,
        schedule: &Schedule,
        qubit: &impl Fn(usize) -> Result<usize>,
        angle: &impl Fn(Angle) -> Angle,
    ) {
        let first = self.schedule.bits;
        let steps: Result<Arc<[Step]>> =
            schedule.steps.iter().map(|step| step.map(qubit, &|bit| first + bit, angle)).collect();
        self.schedule.bits += schedule.bits;
        match steps.and_then(|steps| {
            let parameters = self.schedule.parameters.len();
            steps.iter().try_for_each(|step| step.check(parameters)).map(|()| steps)
        }) {
            Ok(steps) => self.push(Step::Block { name: schedule.name.clone(), steps, reversed: false }),
            Err(error) => self.refuse(error),
        }
    }

    fn push(&mut self, step: Step) {
        self.count = self.count.saturating_add(step.count());
        let (schedule, found, limit) = (self.schedule.name.clone(), self.count, MAX_STEPS);
        if found > limit {
            return self.refuse(Error::ScheduleSize { schedule, what: "steps", found, limit });
        }
        let checked = step.check(self.schedule.parameters.len());
        match checked.and_then(|()| step.check_size(&schedule)) {
            Ok(()) => self.steps.push(step),
            Err(error) => self.refuse(error),
        }
    }

    pub(super) fn is_refused(&self) -> bool {
        self.error.is_some()
    }

    fn refuse(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    /// The schedule.
    ///
    /// # Errors
    /// The first mistake that was made.
    pub fn finish(self) -> Result<Schedule> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(Schedule { steps: self.steps.into(), ..self.schedule }),
        }
    }
}

fn placed(qubits: &[usize], qubit: usize) -> Result<usize> {
    qubits.get(qubit).copied().ok_or(Error::QubitIndex { qubit, width: qubits.len() })
}
