//! What a device's electronics can play.

use std::collections::{BTreeMap, BTreeSet};

use super::samples::check_dt;
use super::timeline::{Action, Event, Timeline};
use super::{Channel, Frequency};
use crate::{C64, Error, Result};

/// How far above the limit rounding may lift a sample.
const ROUNDING: f64 = 1e-9;

/// When the electronics can play, in samples. The default is no constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The length of a pulse is a multiple of this.
    pub granularity: usize,
    /// The shortest pulse.
    pub min_length: usize,
    /// A pulse begins at a multiple of this.
    pub pulse_alignment: usize,
    /// A capture begins at a multiple of this.
    pub acquire_alignment: usize,
}

impl Default for Timing {
    fn default() -> Self {
        Self { granularity: 1, min_length: 1, pulse_alignment: 1, acquire_alignment: 1 }
    }
}

/// A device as pulses see it: sample time, timing constraints, lines, carriers, the largest amplitude.
///
/// ```
/// use ketline_quantum::pulse::{Duration, PulseTarget, ScheduleBuilder, Timing, Waveform, drive};
///
/// let timing = Timing { granularity: 16, min_length: 64, ..Timing::default() };
/// let target = PulseTarget::new("bench", 0.5e-9, timing, 2)?;
/// let mut b = ScheduleBuilder::new("long");
/// b.play(drive(0), Waveform::constant(Duration::nanoseconds(50.0), 0.1));
/// let error = b.finish()?.check(&target, &[]).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "drive(0) at 0 dt (0 ns): the length of a pulse is 100 samples, expected a multiple of 16"
/// );
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PulseTarget {
    name: String,
    dt: f64,
    timing: Timing,
    width: usize,
    limit: f64,
    controls: BTreeSet<(usize, usize)>,
    /// By channel: the carrier, and the band around it where that is known.
    carriers: BTreeMap<Channel, (Frequency, Option<(Frequency, Frequency)>)>,
}

impl PulseTarget {
    /// A device of `width` qubits with samples of `dt` seconds and amplitudes up to 1, without control lines.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a `dt` that is not positive or a constraint of 0 samples, [`Error::TargetWidth`] without qubits
    /// or with too many.
    pub fn new(name: impl Into<String>, dt: f64, timing: Timing, width: usize) -> Result<Self> {
        check_dt(dt)?;
        let limit = crate::device::calibration::MAX_QUBITS;
        let name = name.into();
        if !(1..=limit).contains(&width) {
            return Err(Error::TargetWidth { device: name, found: width, limit });
        }
        let Timing { granularity, min_length, pulse_alignment, acquire_alignment } = timing;
        if [granularity, min_length, pulse_alignment, acquire_alignment].contains(&0) {
            let (what, wanted) = ("a timing constraint".into(), "at least 1 sample".into());
            return Err(Error::OutOfRange { what, found: 0.0, wanted });
        }
        let (controls, carriers) = (BTreeSet::new(), BTreeMap::new());
        Ok(Self { name, dt, timing, width, limit: 1.0, controls, carriers })
    }

    /// With lines that drive the first qubit of each pair at the frequency of the second.
    ///
    /// # Errors
    /// [`Error::Edge`] for a pair that is not two qubits of the device.
    pub fn with_controls(mut self, pairs: impl IntoIterator<Item = (usize, usize)>) -> Result<Self> {
        for (first, second) in pairs {
            if first == second || first.max(second) >= self.width {
                return Err(Error::Edge { device: self.name, first, second, width: self.width });
            }
            self.controls.insert((first, second));
        }
        Ok(self)
    }

    /// With the carrier of a channel, and the band in which it can send.
    #[must_use]
    pub fn with_carrier(
        mut self,
        channel: Channel,
        carrier: Frequency,
        band: Option<(Frequency, Frequency)>,
    ) -> Self {
        self.carriers.insert(channel, (carrier, band));
        self
    }

    /// With another largest amplitude.
    #[must_use]
    pub fn with_limit(self, limit: f64) -> Self {
        Self { limit, ..self }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Length of a sample in seconds.
    pub fn dt(&self) -> f64 {
        self.dt
    }

    /// The timing constraints.
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// How many qubits there are.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The largest amplitude.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// The control lines, as (control, target).
    pub fn controls(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.controls.iter().copied()
    }

    /// The carrier of a channel, where it is known: a control line has that of its target's drive.
    pub fn carrier(&self, channel: Channel) -> Option<Frequency> {
        self.carried(channel).map(|(carrier, _)| *carrier)
    }

    /// The band in which a channel can send, where it is known.
    pub fn band(&self, channel: Channel) -> Option<(Frequency, Frequency)> {
        self.carried(channel).and_then(|(_, band)| *band)
    }

    fn carried(&self, channel: Channel) -> Option<&(Frequency, Option<(Frequency, Frequency)>)> {
        let own = self.carriers.get(&channel);
        own.or_else(|| match channel {
            Channel::Control(_, target) => self.carriers.get(&Channel::Drive(target)),
            _ => None,
        })
    }

    pub(super) fn check(&self, timeline: &Timeline, values: &[f64]) -> Result<()> {
        timeline.parameters.check(values)?;
        for event in timeline.events() {
            self.event(event).map_err(|fault| timeline.fault(event, fault))?;
        }
        for (event, pulse) in timeline.pulses(values) {
            let value = pulse?.shape.samples().map(C64::norm).fold(0.0, f64::max);
            if value > self.limit + ROUNDING {
                return Err(timeline.fault(event, Error::Amplitude { value, limit: self.limit }));
            }
        }
        Ok(())
    }

    fn event(&self, event: &Event) -> Result<()> {
        self.line(event.channel)?;
        let multiple = |what, found: usize, of: usize| {
            let wanted = || format!("a multiple of {of}");
            if found.is_multiple_of(of) {
                Ok(())
            } else {
                Err(Error::PulseTiming { what, found, wanted: wanted() })
            }
        };
        match &event.action {
            Action::Play { frequency, .. } => {
                multiple("start of a pulse", event.start, self.timing.pulse_alignment)?;
                multiple("length of a pulse", event.duration, self.timing.granularity)?;
                if event.duration < self.timing.min_length {
                    let wanted = format!("at least {}", self.timing.min_length);
                    let (what, found) = ("length of a pulse", event.duration);
                    return Err(Error::PulseTiming { what, found, wanted });
                }
                match self.carried(event.channel) {
                    Some((carrier, Some((low, high)))) => {
                        let frequency = *carrier + *frequency;
                        if (*low..=*high).contains(&frequency) {
                            Ok(())
                        } else {
                            Err(Error::Band { frequency, low: *low, high: *high })
                        }
                    }
                    _ => Ok(()),
                }
            }
            Action::Capture { .. } => {
                multiple("start of a capture", event.start, self.timing.acquire_alignment)
            }
            _ => Ok(()),
        }
    }

    fn line(&self, channel: Channel) -> Result<()> {
        let refused = |reason: String| Err(Error::NoLine { device: self.name.clone(), channel, reason });
        if channel.qubits().any(|q| q >= self.width) {
            return refused(format!(": it has {} qubits", self.width));
        }
        match channel {
            Channel::Control(c, t) if !self.controls.contains(&(c, t)) => {
                refused(": these qubits are not coupled".into())
            }
            _ => Ok(()),
        }
    }
}
