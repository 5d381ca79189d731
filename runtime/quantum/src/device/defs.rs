//! The pulses that a maker published for the gates of a device.

mod compact;
mod ibm;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::bundle::bundled;
use super::calibration::{MAX_BYTES, Reading, Trap, Warning};
use super::document::{self, Field};
use crate::pulse::waveform::{self, Extent};
use crate::pulse::{
    Action, Channel, Duration, Event, PulseTarget, Schedule, ScheduleBuilder, Waveform, acquire,
};
use crate::{Angle, C64, Error, Result, file};

/// A pulse on one qubit of more than this is stretched, in seconds: those of all devices that were not take 16 to 142 ns.
const LONGEST_X: f64 = 300e-9;

/// Most parameters of one gate: that of most angles has three.
const MAX_PARAMETERS: usize = 8;

/// The pulses of each gate as they were published, and the lines of the device that plays them.
///
/// Published amplitudes were calibrated on hardware; a model of it needs its own. Phases, signs and times are as published:
/// a virtual `rz(theta)` is a shift by `-theta` on the drive of the qubit and on all control lines at its frequency.
///
/// ```
/// use ketline_quantum::device::PulseDefaults;
/// use ketline_quantum::pulse::control;
///
/// let jakarta = PulseDefaults::bundled("jakarta")?;
/// let cx = jakarta.schedule("cx", &[0, 1])?;
/// assert_eq!(cx.duration(jakarta.target().dt())?, 1056);
/// assert!(cx.channels().contains(&control(0, 1)));
/// cx.check(jakarta.target(), &[])?;
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PulseDefaults {
    source: String,
    target: PulseTarget,
    commands: BTreeMap<(String, Vec<usize>), Vec<Item>>,
    reading: Reading,
    warnings: Vec<Warning>,
}

/// An instruction as published; times in samples.
#[derive(Debug, Clone, PartialEq)]
struct Item {
    start: usize,
    channel: Channel,
    what: What,
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    /// A row of the waveform table and its arguments in samples.
    Pulse {
        shape: String,
        duration: usize,
        amp: C64,
        arguments: Vec<(String, f64)>,
    },
    Sampled(Arc<[C64]>),
    Phase(Turn),
    Delay(usize),
    Capture(usize),
}

/// A phase: a number, or a parameter of the gate and its sign.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Turn {
    Radians(f64),
    Parameter { index: usize, sign: f64 },
}

impl Turn {
    fn read(field: &Field<'_>) -> Result<Self> {
        let Ok(text) = field.text() else { return Ok(Self::Radians(field.number()?)) };
        let (sign, rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
        let name = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(rest);
        let digits = name.strip_prefix('P').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        match digits.and_then(|digits| digits.parse().ok()).filter(|index| *index < MAX_PARAMETERS) {
            Some(index) => Ok(Self::Parameter { index, sign }),
            None => Err(field.wrong(&format!("a number, or P0 to P{} or -(P0)", MAX_PARAMETERS - 1))),
        }
    }
}

impl PulseDefaults {
    /// Reads a file in Ketline's compact form, or IBM's `defs_*.json` with its `conf_*.json` beside it, refusing stretched
    /// pulses ([`Reading::Strict`]).
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Json`], [`Error::MissingField`], [`Error::BadField`] for what is no such file;
    /// [`Error::UnusablePulses`] for pulses that no device plays.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::read_with(path, Reading::Strict)
    }

    /// [`Self::read`], with a choice of what to do about pulses that cannot be what is played: with [`Reading::Lenient`]
    /// stretched pulses and pulses of amplitude 0 are flagged in [`Self::warnings`] and given out.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_with(path: impl AsRef<Path>, reading: Reading) -> Result<Self> {
        let path = path.as_ref();
        let label = path.display().to_string();
        let text = file::read(path, MAX_BYTES)?;
        let value = document::parse(&label, &text)?;
        let root = Field::root(&label, &value);
        if compact::FORM.is_of(&root) {
            return compact::read(&root)?.settle(&label, reading);
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.contains("defs") {
            let reason = "its file name does not contain `defs`, so the matching `conf` file is not known";
            return Err(Error::File { file: label, reason: reason.into() });
        }
        let beside = path.with_file_name(name.replacen("defs", "conf", 1));
        let conf_text = file::read(&beside, MAX_BYTES)?;
        let conf_label = beside.display().to_string();
        let conf = document::parse(&conf_label, &conf_text)?;
        ibm::read(&root, &Field::root(&conf_label, &conf))?.settle(&label, reading)
    }

    /// Reads the texts of IBM's `defs_*.json` and `conf_*.json`; errors call them `defs` and `conf`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_ibm(defs: &str, conf: &str, reading: Reading) -> Result<Self> {
        let (defs, conf) = (document::parse("defs", defs)?, document::parse("conf", conf)?);
        ibm::read(&Field::root("defs", &defs), &Field::root("conf", &conf))?.settle("defs", reading)
    }

    /// Reads the text of a file in the compact form; errors call it `label`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_compact(label: &str, text: &str, reading: Reading) -> Result<Self> {
        let value = document::parse(label, text)?;
        compact::read(&Field::root(label, &value))?.settle(label, reading)
    }

    /// Pulses that come with the crate: those of the devices with a [`Hamiltonian::bundled`](super::Hamiltonian::bundled).
    ///
    /// # Errors
    /// [`Error::UnknownDevice`].
    pub fn bundled(name: &str) -> Result<Self> {
        let Some((label, _, text)) = BUNDLED.iter().find(|(known, ..)| *known == name) else {
            let mut known: Vec<_> = BUNDLED.iter().map(|(name, ..)| *name).collect();
            known.sort_unstable();
            return Err(Error::UnknownDevice { name: name.into(), known: known.join(", ") });
        };
        Self::from_compact(label, text, Reading::Strict)
    }

    /// The pulses in the compact form. Reading it back gives an equal value.
    pub fn to_compact(&self) -> String {
        compact::write(self)
    }

    /// Writes [`Self::to_compact`] to a file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write(path.as_ref(), &self.to_compact())
    }

    /// The same with a note of where the figures come from.
    #[must_use]
    pub fn with_source(self, source: impl Into<String>) -> Self {
        Self { source: source.into(), ..self }
    }

    /// The same with only the gates of these names.
    #[must_use]
    pub fn with_gates(self, names: &[&str]) -> Self {
        self.only(|name, _| names.contains(&name))
    }

    /// The same with only the gates that `keep` is true of, by name and qubits.
    #[must_use]
    pub fn only(mut self, keep: impl Fn(&str, &[usize]) -> bool) -> Self {
        self.commands.retain(|(name, qubits), _| keep(name, qubits));
        self
    }

    /// The same with other pulses for a gate, which may be a new one. Angles of the gate are the parameters `P0`, `P1` and so on of
    /// the schedule, and only phases may depend on them, each on one with the factor 1 or -1.
    ///
    /// # Errors
    /// As [`Schedule::timeline_on`], and [`Error::UnusablePulses`] for what the published form cannot say: pulses that depend on
    /// parameters, other phases, shifts of frequency.
    pub fn with_schedule(mut self, gate: &str, qubits: &[usize], schedule: &Schedule) -> Result<Self> {
        let timeline = schedule.timeline_on(&self.target)?;
        let items: Result<Vec<Item>> = timeline
            .events()
            .iter()
            .map(|event| {
                Item::of(event, timeline.dt()).map_err(|reason| {
                    let reason = format!("{} at {} dt {reason}", event.channel, event.start);
                    self.unusable(gate, qubits, reason)
                })
            })
            .collect();
        self.commands.insert((gate.to_owned(), qubits.to_vec()), items?);
        Ok(self)
    }

    /// Where the figures come from; empty where that is not known.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The lines of the device and what they can play.
    pub fn target(&self) -> &PulseTarget {
        &self.target
    }

    /// All gates with pulses, sorted by name and qubits.
    pub fn gates(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.commands.keys().map(|(name, qubits)| (name.as_str(), qubits.as_slice()))
    }

    /// What is strange about the pulses.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The pulses of a gate on these physical qubits. Angles of the gate are parameters `P0`, `P1` and so on.
    ///
    /// # Errors
    /// [`Error::NoPulses`] for a gate that has none; [`Error::UnusablePulses`] for one that does nothing because a pulse has
    /// the amplitude 0, unless they were read leniently.
    pub fn schedule(&self, gate: &str, qubits: &[usize]) -> Result<Schedule> {
        let Some(items) = self.commands.get(&(gate.to_owned(), qubits.to_vec())) else {
            let places: Vec<_> = self.gates().filter(|(name, _)| *name == gate).map(|(_, q)| q).collect();
            let known =
                if places.is_empty() { String::new() } else { format!(", expected one of {places:?}") };
            let device = self.target.name().to_owned();
            return Err(Error::NoPulses { device, gate: gate.into(), qubits: qubits.into(), known });
        };
        let dead = items.iter().find(|item| item.is_dead(qubits));
        match dead.filter(|_| self.reading == Reading::Strict) {
            Some(silent) => {
                let reason = format!("{} at {} dt has amplitude 0", silent.channel, silent.start);
                Err(self.unusable(gate, qubits, reason))
            }
            None => build(gate, qubits, items),
        }
    }

    fn unusable(&self, gate: &str, qubits: &[usize], reason: String) -> Error {
        let device = self.target.name().to_owned();
        Error::UnusablePulses { device, gate: gate.into(), qubits: qubits.into(), reason }
    }

    /// Tries every gate, and flags or refuses what cannot be what is played.
    fn settle(mut self, file: &str, reading: Reading) -> Result<Self> {
        self.reading = reading;
        let mut warnings = std::mem::take(&mut self.warnings);
        for ((gate, qubits), items) in &self.commands {
            let timeline = build(gate, qubits, items).and_then(|schedule| schedule.timeline_on(&self.target));
            let timeline = timeline.map_err(|error| self.unusable(gate, qubits, error.to_string()))?;
            let flag = |value, trap| Warning {
                file: file.into(),
                field: format!("{gate}{qubits:?}"),
                value: Some(value),
                trap,
            };
            if items.iter().any(Item::is_silent) {
                warnings.push(flag(0.0, Trap::SilentPulse));
            }
            let length = timeline.duration() as f64 * timeline.dt();
            if gate == "x" && length > LONGEST_X {
                if reading == Reading::Strict {
                    let reason = format!(
                        "{} dt are {:.0} ns, which looks stretched: expected at most {:.0} ns",
                        timeline.duration(),
                        length * 1e9,
                        LONGEST_X * 1e9
                    );
                    return Err(self.unusable(gate, qubits, reason));
                }
                warnings.push(flag(length, Trap::StretchedPulses));
            }
        }
        self.warnings = warnings;
        Ok(self)
    }
}

impl Item {
    /// The instruction as it would be published, or why it cannot be.
    fn of(event: &Event, dt: f64) -> std::result::Result<Self, &'static str> {
        let what = match &event.action {
            Action::Play { waveform, .. } => {
                if !waveform.expressions().all(|expression| expression.is_constant()) {
                    return Err("depends on parameters");
                }
                let row = waveform.row();
                if waveform::table().contains(row) {
                    let arguments = row.arguments.iter().map(|argument| {
                        let value =
                            waveform.argument(argument.name).map_or(0.0, |known| known.value(dt, &[]));
                        (argument.name.to_owned(), value)
                    });
                    What::Pulse {
                        shape: row.name.to_owned(),
                        duration: event.duration,
                        amp: C64::cis(waveform.phase().value(&[])) * waveform.amp().value(&[]),
                        arguments: arguments.collect(),
                    }
                } else {
                    let samples = waveform.samples(dt, &[]).map_err(|_| "cannot be sampled")?;
                    What::Sampled(samples.into())
                }
            }
            Action::Delay => What::Delay(event.duration),
            Action::ShiftPhase(phase) => What::Phase(match (phase.offset(), phase.terms()) {
                (radians, []) => Turn::Radians(radians),
                (0.0, [(index, sign)]) if sign.abs() == 1.0 && *index < MAX_PARAMETERS => {
                    Turn::Parameter { index: *index, sign: *sign }
                }
                _ => return Err("turns by more than one angle of the gate"),
            }),
            Action::Capture { .. } => What::Capture(event.duration),
            Action::ShiftFrequency(_) => return Err("shifts a frequency"),
        };
        Ok(Self { start: event.start, channel: event.channel, what })
    }

    fn is_silent(&self) -> bool {
        matches!(&self.what, What::Pulse { amp, .. } if amp.norm() == 0.0)
    }

    /// Whether the gate does nothing because of this pulse. The tone on the target of a two-qubit gate only cancels what is not
    /// wanted, and may be 0.
    fn is_dead(&self, qubits: &[usize]) -> bool {
        self.is_silent() && (qubits.len() == 1 || matches!(self.channel, Channel::Control(..)))
    }
}

fn build(gate: &str, qubits: &[usize], items: &[Item]) -> Result<Schedule> {
    let mut b = ScheduleBuilder::new(format!("{gate}{qubits:?}"));
    let indices = items.iter().filter_map(|item| match item.what {
        What::Phase(Turn::Parameter { index, .. }) => Some(index + 1),
        _ => None,
    });
    let parameters: Vec<Angle> =
        (0..indices.max().unwrap_or(0)).map(|index| b.parameter(&format!("P{index}"))).collect();
    let mut ordered: Vec<&Item> = items.iter().collect();
    // A frame turns before what begins at the same time, in whatever order they are published.
    ordered.sort_by_key(|item| (item.start, !matches!(item.what, What::Phase(_))));
    for Item { start, channel, what } in ordered {
        b.at(*channel, Duration::count(*start));
        match what {
            What::Pulse { shape, duration, amp, arguments } => {
                let named: Vec<(&str, Extent)> = arguments
                    .iter()
                    .map(|(name, value)| match name.as_str() {
                        "beta" => (name.as_str(), Extent::from(Angle::radians(*value))),
                        _ => (name.as_str(), Extent::from(Duration::samples(1) * *value)),
                    })
                    .collect();
                let waveform = Waveform::named(shape, Duration::count(*duration), amp.norm(), &named)?;
                b.play(*channel, waveform.with_phase(amp.arg()));
            }
            What::Sampled(samples) => b.play(*channel, Waveform::sampled(samples.clone())),
            What::Phase(Turn::Radians(phase)) => b.shift_phase(*channel, *phase),
            What::Phase(Turn::Parameter { index, sign }) => {
                b.shift_phase(*channel, parameters[*index] * *sign);
            }
            What::Delay(length) => b.delay(*channel, Duration::count(*length)),
            What::Capture(length) => {
                if let Channel::Acquire(qubit) = channel {
                    b.capture(acquire(*qubit), Duration::count(*length));
                }
            }
        }
    }
    b.finish()
}

/// Pulses that come with the crate.
const BUNDLED: &[(&str, &str, &str)] = bundled!("pulses/");

#[cfg(test)]
mod tests;
