//! The plan of a schedule: every instruction at its time on a device.

use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::TAU;

use super::phase::Phase;
use super::samples::check_dt;
use super::unit::{MAX_SAMPLES, short};
use super::{Channel, Duration, Frequency, PulseTarget, Schedule, Step, Waveform};
use crate::circuit::Parameters;
use crate::{Error, Result};

/// One instruction at its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The channel.
    pub channel: Channel,
    /// When it begins, in samples.
    pub start: usize,
    /// How long it takes, in samples.
    pub duration: usize,
    /// What is done.
    pub action: Action,
}

/// What an instruction does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Plays a waveform in the channel's frame.
    Play {
        /// The waveform.
        waveform: Waveform,
        /// The phase of the frame when it begins.
        phase: Phase,
        /// The frequency of the frame, less the carrier.
        frequency: Frequency,
    },
    /// Nothing.
    Delay,
    /// Turns the frame.
    ShiftPhase(Phase),
    /// Raises the frequency of the frame.
    ShiftFrequency(Frequency),
    /// Listens.
    Capture {
        /// The classical bit that it gives.
        bit: usize,
    },
}

/// The frame of a channel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Frame {
    /// The phase that has accumulated.
    pub phase: Phase,
    /// The frequency, less the carrier.
    pub frequency: Frequency,
}

/// A schedule on a device: every instruction at its time, in the order of time.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Timeline {
    pub(super) name: String,
    pub(super) parameters: Parameters,
    pub(super) dt: f64,
    pub(super) duration: usize,
    pub(super) events: Vec<Event>,
    frames: BTreeMap<Channel, Frame>,
}

impl Timeline {
    pub(super) fn of(schedule: &Schedule, dt: f64, target: Option<&PulseTarget>) -> Result<Self> {
        check_dt(dt)?;
        let mut cursor = Cursor::new(&schedule.name, dt, target);
        cursor.run(&schedule.steps, 0)?;
        let duration = cursor.end();
        let frames = cursor.frames.iter().map(|(channel, ticking)| (*channel, ticking.at(duration, dt)));
        let frames = frames.collect();
        let mut events = cursor.events;
        events.sort_by_key(|event| event.start); // stable: what is on one channel stays in order
        let (name, parameters) = (schedule.name.clone(), schedule.parameters.clone());
        Ok(Self { name, parameters, dt, duration, events, frames })
    }

    /// Length of a sample in seconds.
    pub fn dt(&self) -> f64 {
        self.dt
    }

    /// How many samples the schedule takes.
    pub fn duration(&self) -> usize {
        self.duration
    }

    /// The instructions in the order of time; on one channel, in the order in which they take effect.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The frame of a channel at the end: what the next pulse on it would have to carry.
    pub fn frame(&self, channel: Channel) -> Frame {
        self.frames.get(&channel).cloned().unwrap_or_default()
    }

    /// All channels of instructions, sorted.
    pub fn channels(&self) -> Vec<Channel> {
        let all: BTreeSet<_> = self.events.iter().map(|event| event.channel).collect();
        all.into_iter().collect()
    }
}

/// A time as people read it.
pub(super) fn clock_text(samples: usize, dt: f64) -> String {
    format!("{samples} dt ({} ns)", short(samples as f64 * dt * 1e9))
}

/// A frame that goes on turning.
#[derive(Debug, Clone, Default)]
struct Ticking {
    frame: Frame,
    /// When the phase was as it is, in samples.
    since: usize,
}

impl Ticking {
    fn at(&self, time: usize, dt: f64) -> Frame {
        let mut frame = self.frame.clone();
        let turns = frame.frequency.in_hertz() * (time as f64 - self.since as f64) * dt;
        frame.phase.add_radians(TAU * turns);
        frame
    }
}

/// Where the placing of steps has come to.
struct Cursor<'a> {
    schedule: &'a str,
    dt: f64,
    target: Option<&'a PulseTarget>,
    clocks: BTreeMap<Channel, usize>,
    /// When the last barrier of each qubit was: channels that are not mentioned before it begin there.
    floors: BTreeMap<usize, usize>,
    frames: BTreeMap<Channel, Ticking>,
    events: Vec<Event>,
}

impl<'a> Cursor<'a> {
    fn new(schedule: &'a str, dt: f64, target: Option<&'a PulseTarget>) -> Self {
        let (clocks, floors, frames) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { schedule, dt, target, clocks, floors, frames, events: Vec::new() }
    }

    fn clock(&self, channel: Channel) -> usize {
        self.clocks.get(&channel).copied().unwrap_or_else(|| {
            channel.qubits().map(|q| self.floors.get(&q).copied().unwrap_or(0)).max().unwrap_or(0)
        })
    }

    fn end(&self) -> usize {
        self.clocks.values().chain(self.floors.values()).copied().max().unwrap_or(0)
    }

    /// When all channels of these qubits are free.
    fn free(&self, qubits: &BTreeSet<usize>) -> usize {
        let clocks = self.clocks.iter().filter(|(c, _)| c.qubits().any(|q| qubits.contains(&q)));
        let floors = qubits.iter().filter_map(|q| self.floors.get(q));
        clocks.map(|(_, clock)| clock).chain(floors).copied().max().unwrap_or(0)
    }

    fn align(&mut self, qubits: &BTreeSet<usize>, time: usize) {
        for (channel, clock) in &mut self.clocks {
            if channel.qubits().any(|q| qubits.contains(&q)) {
                *clock = time;
            }
        }
        self.floors.extend(qubits.iter().map(|q| (*q, time)));
    }

    /// A length in samples; what is wrong with it is said of the channel.
    fn length(&self, channel: Channel, duration: Duration) -> Result<usize> {
        duration.resolve(self.dt).map_err(|fault| self.fault(channel, fault))
    }

    fn fault(&self, channel: Channel, fault: Error) -> Error {
        Error::Pulse { channel, time: clock_text(self.clock(channel), self.dt), fault: Box::new(fault) }
    }

    /// The steps of a schedule or block that begins at `origin`.
    fn run(&mut self, steps: &[Step], origin: usize) -> Result<()> {
        for step in steps {
            match step {
                Step::Play { channel, waveform } => {
                    let (start, length) = (self.clock(*channel), self.length(*channel, waveform.duration())?);
                    self.play(*channel, start, length, waveform.clone())?;
                }
                Step::Delay { channel, duration } => {
                    let (start, length) = (self.clock(*channel), self.length(*channel, *duration)?);
                    self.record(*channel, start, length, Action::Delay)?;
                }
                Step::At { channel, time } => {
                    let at = origin.saturating_add(self.length(*channel, *time)?);
                    let clock = self.clock(*channel);
                    if clock > at {
                        let (until, at) = (clock_text(clock, self.dt), clock_text(at, self.dt));
                        return Err(Error::Busy { channel: *channel, until, at });
                    }
                    self.tick(*channel, at)?;
                }
                Step::Barrier { qubits } => {
                    let qubits = qubits.iter().copied().collect();
                    let time = self.free(&qubits);
                    self.align(&qubits, time);
                }
                Step::ShiftPhase { channel, phase } => {
                    let time = self.clock(*channel);
                    self.shift_phase(*channel, time, Phase::from(*phase))?;
                }
                Step::SetPhase { channel, phase } => {
                    let time = self.clock(*channel);
                    let mut by = Phase::from(*phase);
                    by.add(&self.frame(*channel, time).phase, -1.0);
                    self.shift_phase(*channel, time, by)?;
                }
                Step::ShiftFrequency { channel, frequency } => {
                    self.shift_frequency(*channel, self.clock(*channel), *frequency)?;
                }
                Step::SetFrequency { channel, frequency } => {
                    let time = self.clock(*channel);
                    let Some(carrier) = self.target.and_then(|target| target.carrier(*channel)) else {
                        return Err(self.fault(*channel, Error::NoCarrier { channel: *channel }));
                    };
                    let by = *frequency - carrier - self.frame(*channel, time).frequency;
                    self.shift_frequency(*channel, time, by)?;
                }
                Step::Capture { qubit, duration, bit } => {
                    let channel = Channel::Acquire(*qubit);
                    let (start, length) = (self.clock(channel), self.length(channel, *duration)?);
                    self.record(channel, start, length, Action::Capture { bit: *bit })?;
                }
                Step::Block { steps, reversed, .. } => {
                    let mut qubits = BTreeSet::new();
                    for step in &**steps {
                        step.qubits(&mut |q| qubits.extend([q]));
                    }
                    let start = self.free(&qubits);
                    self.align(&qubits, start);
                    if *reversed {
                        self.undo(steps, start)?;
                    } else {
                        self.run(steps, start)?;
                    }
                    let end = self.free(&qubits);
                    self.align(&qubits, end);
                }
            }
        }
        Ok(())
    }

    /// Plays steps backwards from `start` on: an instruction at t of length d is at T - t - d, pulses and phases are negated.
    fn undo(&mut self, steps: &[Step], start: usize) -> Result<()> {
        let mut forward = Cursor::new(self.schedule, self.dt, self.target);
        forward.run(steps, 0)?;
        let length = forward.end();
        // A frame that turned by f(t) - of what it began with and its shifts - turns back by -f(T - t). It arrives with what it
        // had at the end of the steps, and leaves with what it had before them.
        let turning: Vec<Channel> = forward.frames.keys().copied().collect();
        for channel in &turning {
            let frequency = self.frame(*channel, start).frequency;
            self.shift_frequency(*channel, start, frequency * -2.0)?;
        }
        for event in forward.events.into_iter().rev() {
            let Event { channel, duration, .. } = event;
            let at = start.saturating_add(length - event.start - duration);
            match event.action {
                Action::Play { waveform, .. } => self.play(channel, at, duration, waveform.reversed())?,
                Action::Delay => self.record(channel, at, duration, Action::Delay)?,
                Action::ShiftPhase(phase) => {
                    let mut back = Phase::default();
                    back.add(&phase, -1.0);
                    self.shift_phase(channel, at, back)?;
                }
                Action::ShiftFrequency(frequency) => self.shift_frequency(channel, at, frequency)?,
                Action::Capture { .. } => {
                    let fault = Error::Irreversible { step: "`capture`".into() };
                    return Err(self.fault(channel, fault));
                }
            }
        }
        let end = start.saturating_add(length);
        for channel in turning {
            let frequency = self.frame(channel, end).frequency;
            self.shift_frequency(channel, end, frequency * -2.0)?;
        }
        let mut qubits = BTreeSet::new();
        for step in steps {
            step.qubits(&mut |q| qubits.extend([q]));
        }
        self.align(&qubits, end);
        Ok(())
    }

    fn frame(&self, channel: Channel, time: usize) -> Frame {
        self.frames.get(&channel).map_or_else(Frame::default, |ticking| ticking.at(time, self.dt))
    }

    fn play(&mut self, channel: Channel, start: usize, length: usize, waveform: Waveform) -> Result<()> {
        let Frame { phase, frequency } = self.frame(channel, start);
        self.record(channel, start, length, Action::Play { waveform, phase, frequency })
    }

    fn shift_phase(&mut self, channel: Channel, time: usize, by: Phase) -> Result<()> {
        if by.is_zero() {
            return Ok(());
        }
        let mut frame = self.frame(channel, time);
        frame.phase.add(&by, 1.0);
        self.frames.insert(channel, Ticking { frame, since: time });
        self.record(channel, time, 0, Action::ShiftPhase(by))
    }

    fn shift_frequency(&mut self, channel: Channel, time: usize, by: Frequency) -> Result<()> {
        if by.in_hertz() == 0.0 {
            return Ok(());
        }
        let mut frame = self.frame(channel, time);
        frame.frequency = frame.frequency + by;
        self.frames.insert(channel, Ticking { frame, since: time });
        self.record(channel, time, 0, Action::ShiftFrequency(by))
    }

    fn record(&mut self, channel: Channel, start: usize, duration: usize, action: Action) -> Result<()> {
        self.events.push(Event { channel, start, duration, action });
        self.tick(channel, start.saturating_add(duration))
    }

    fn tick(&mut self, channel: Channel, to: usize) -> Result<()> {
        if to as f64 > MAX_SAMPLES {
            let (schedule, what, limit) = (self.schedule.to_owned(), "samples", MAX_SAMPLES as usize);
            return Err(Error::ScheduleSize { schedule, what, found: to, limit });
        }
        self.clocks.insert(channel, to);
        Ok(())
    }
}
