//! What published schedules are made of.

use crate::device::PulseDefaults;
use crate::pulse::{Action, Channel, Timeline, Waveform};
use crate::{Error, Result};

/// A DRAG pulse in numbers; lengths in samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Drag {
    pub(super) duration: usize,
    pub(super) amp: f64,
    pub(super) sigma: f64,
    pub(super) beta: f64,
}

/// A flat tone with Gaussian flanks in numbers; lengths in samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tone {
    pub(super) duration: usize,
    pub(super) amp: f64,
    pub(super) phase: f64,
    pub(super) sigma: f64,
    pub(super) width: f64,
}

impl Tone {
    /// Of another width, with the same flanks, as long as the device can play.
    pub(super) fn widened(self, by: f64, granularity: usize, shortest: usize) -> Self {
        let flanks = self.duration as f64 - self.width;
        let wanted = (flanks + self.width.max(0.25 * flanks) * by).max(shortest as f64);
        let duration = (wanted / granularity as f64).ceil() as usize * granularity;
        Self { duration, width: duration as f64 - flanks, ..self }
    }
}

/// The published pulses of one gate.
#[derive(Debug)]
pub(super) struct Published<'a> {
    defaults: &'a PulseDefaults,
    gate: &'static str,
    qubits: Vec<usize>,
    timeline: Timeline,
}

impl<'a> Published<'a> {
    pub(super) fn new(defaults: &'a PulseDefaults, gate: &'static str, qubits: &[usize]) -> Result<Self> {
        let timeline = defaults.schedule(gate, qubits)?.timeline_on(defaults.target())?;
        Ok(Self { defaults, gate, qubits: qubits.to_vec(), timeline })
    }

    /// All pulses on a channel with these arguments, in the order of time.
    fn plays(&self, channel: Channel, shape: &str) -> impl Iterator<Item = (&Waveform, usize)> {
        let played = self.timeline.events().iter().filter(move |event| event.channel == channel);
        let plays = played.filter_map(|event| match &event.action {
            Action::Play { waveform, .. } => Some((waveform, event.duration)),
            _ => None,
        });
        plays.filter(move |(waveform, _)| waveform.row().name == shape)
    }

    pub(super) fn has(&self, channel: Channel) -> bool {
        self.timeline.channels().contains(&channel) && self.plays(channel, "gaussian_square").next().is_some()
    }

    /// The first DRAG pulse on a channel.
    pub(super) fn drag(&self, channel: Channel) -> Result<Drag> {
        let Some((waveform, duration)) = self.plays(channel, "drag").next() else {
            return Err(self.unknown(format!("no drag pulse on {channel}")));
        };
        let of = |name| argument(waveform, name, self.timeline.dt());
        Ok(Drag { duration, amp: waveform.amp().value(&[]).abs(), sigma: of("sigma"), beta: of("beta") })
    }

    /// The first tone on a channel, if there is one, and how many there are.
    pub(super) fn tone(&self, channel: Channel) -> Option<(Tone, usize)> {
        let (waveform, duration) = self.plays(channel, "gaussian_square").next()?;
        let of = |name| argument(waveform, name, self.timeline.dt());
        let tone = Tone {
            duration,
            amp: waveform.amp().value(&[]).abs(),
            phase: waveform.phase().value(&[]),
            sigma: of("sigma"),
            width: of("width"),
        };
        Some((tone, self.plays(channel, "gaussian_square").count()))
    }

    pub(super) fn unknown(&self, reason: String) -> Error {
        let device = self.defaults.target().name().to_owned();
        Error::UnusablePulses { device, gate: self.gate.into(), qubits: self.qubits.clone(), reason }
    }
}

fn argument(waveform: &Waveform, name: &str, dt: f64) -> f64 {
    waveform.argument(name).map_or(0.0, |argument| argument.value(dt, &[]))
}
