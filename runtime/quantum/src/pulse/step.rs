//! Steps of a schedule, before its device is known.

use std::sync::Arc;

use super::{Channel, Duration, Frequency, Waveform};
use crate::{Angle, Error, Result};

/// Most steps of a schedule, those of blocks counted.
pub(crate) const MAX_STEPS: usize = 1 << 20;

/// How deep blocks may stand in blocks: each is a call on the stack.
const MAX_DEPTH: usize = 64;

/// One step of a schedule. Steps follow one another on each channel; between channels, barriers and blocks keep order.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// Plays a waveform.
    Play {
        /// The channel.
        channel: Channel,
        /// What is played.
        waveform: Waveform,
    },
    /// Leaves a channel idle.
    Delay {
        /// The channel.
        channel: Channel,
        /// For so long.
        duration: Duration,
    },
    /// Leaves a channel idle until a time since the beginning of the schedule or block.
    At {
        /// The channel.
        channel: Channel,
        /// The time.
        time: Duration,
    },
    /// Waits until all channels of these qubits are free.
    Barrier {
        /// The qubits.
        qubits: Vec<usize>,
    },
    /// Adds to the phase of a channel's frame.
    ShiftPhase {
        /// The channel.
        channel: Channel,
        /// In radians.
        phase: Angle,
    },
    /// Sets the phase of a channel's frame.
    SetPhase {
        /// The channel.
        channel: Channel,
        /// In radians.
        phase: Angle,
    },
    /// Adds to the frequency of a channel's frame.
    ShiftFrequency {
        /// The channel.
        channel: Channel,
        /// By so much.
        frequency: Frequency,
    },
    /// Sets the frequency of a channel's frame, carrier included.
    SetFrequency {
        /// The channel.
        channel: Channel,
        /// The frequency that is sent.
        frequency: Frequency,
    },
    /// Listens to a qubit.
    Capture {
        /// The qubit.
        qubit: usize,
        /// For so long.
        duration: Duration,
        /// The classical bit that it gives.
        bit: usize,
    },
    /// Another schedule as one step: it begins when all channels of its qubits are free, and they are free when it ends.
    Block {
        /// Its name.
        name: String,
        /// Its steps.
        steps: Arc<[Step]>,
        /// Whether it is undone: played backwards with amplitudes and phases negated.
        reversed: bool,
    },
}

impl Step {
    /// The channel, of a step that has one.
    pub fn channel(&self) -> Option<Channel> {
        match self {
            Self::Play { channel, .. }
            | Self::Delay { channel, .. }
            | Self::At { channel, .. }
            | Self::ShiftPhase { channel, .. }
            | Self::SetPhase { channel, .. }
            | Self::ShiftFrequency { channel, .. }
            | Self::SetFrequency { channel, .. } => Some(*channel),
            Self::Capture { qubit, .. } => Some(Channel::Acquire(*qubit)),
            Self::Barrier { .. } | Self::Block { .. } => None,
        }
    }

    /// Visits every channel; those of blocks too.
    pub(crate) fn channels(&self, of: &mut impl FnMut(Channel)) {
        match self {
            Self::Block { steps, .. } => steps.iter().for_each(|step| step.channels(of)),
            other => other.channel().into_iter().for_each(of),
        }
    }

    /// Visits every qubit; those of blocks too.
    pub(crate) fn qubits(&self, of: &mut impl FnMut(usize)) {
        match self {
            Self::Block { steps, .. } => steps.iter().for_each(|step| step.qubits(of)),
            Self::Barrier { qubits } => qubits.iter().copied().for_each(of),
            other => other.channel().into_iter().flat_map(Channel::qubits).for_each(of),
        }
    }

    /// How many steps there are, those of blocks counted.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Block { steps, .. } => steps.iter().map(Self::count).fold(1, usize::saturating_add),
            _ => 1,
        }
    }

    /// How deep blocks stand in blocks.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::Block { steps, .. } => 1 + steps.iter().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Refuses what is too large to be followed.
    pub(crate) fn check_size(&self, schedule: &str) -> Result<()> {
        let sizes = [("steps", self.count(), MAX_STEPS), ("blocks within blocks", self.depth(), MAX_DEPTH)];
        match sizes.into_iter().find(|(_, found, limit)| found > limit) {
            Some((what, found, limit)) => {
                Err(Error::ScheduleSize { schedule: schedule.to_owned(), what, found, limit })
            }
            None => Ok(()),
        }
    }

    /// The step with other qubits, bits and parameters.
    pub(crate) fn map(
        &self,
        qubit: &impl Fn(usize) -> Result<usize>,
        bit: &impl Fn(usize) -> usize,
        angle: &impl Fn(Angle) -> Angle,
    ) -> Result<Self> {
        let on = |channel: &Channel| channel.map(qubit);
        Ok(match self {
            Self::Play { channel, waveform } => {
                Self::Play { channel: on(channel)?, waveform: waveform.map(angle) }
            }
            Self::Delay { channel, duration } => Self::Delay { channel: on(channel)?, duration: *duration },
            Self::At { channel, time } => Self::At { channel: on(channel)?, time: *time },
            Self::Barrier { qubits } => {
                Self::Barrier { qubits: qubits.iter().map(|q| qubit(*q)).collect::<Result<_>>()? }
            }
            Self::ShiftPhase { channel, phase } => {
                Self::ShiftPhase { channel: on(channel)?, phase: angle(*phase) }
            }
            Self::SetPhase { channel, phase } => {
                Self::SetPhase { channel: on(channel)?, phase: angle(*phase) }
            }
            Self::ShiftFrequency { channel, frequency } => {
                Self::ShiftFrequency { channel: on(channel)?, frequency: *frequency }
            }
            Self::SetFrequency { channel, frequency } => {
                Self::SetFrequency { channel: on(channel)?, frequency: *frequency }
            }
            Self::Capture { qubit: place, duration, bit: index } => {
                Self::Capture { qubit: qubit(*place)?, duration: *duration, bit: bit(*index) }
            }
            Self::Block { name, steps, reversed } => Self::Block {
                name: name.clone(),
                steps: steps.iter().map(|step| step.map(qubit, bit, angle)).collect::<Result<_>>()?,
                reversed: *reversed,
            },
        })
    }

    /// Refuses channels and expressions that cannot be, whatever the device.
    pub(crate) fn check(&self, parameters: usize) -> Result<()> {
        let expression = |what: &str, angle: Angle| {
            let gate = || what.to_owned();
            if angle.is_crowded() {
                return Err(Error::AngleTerms { gate: gate(), limit: crate::angle::MAX_TERMS, step: 0 });
            }
            match angle.last_parameter().filter(|last| *last >= parameters) {
                _ if !angle.is_valid() => Err(Error::Angle { gate: gate(), step: 0 }),
                Some(parameter) => {
                    Err(Error::ParameterRange { gate: gate(), parameter, parameters, step: 0 })
                }
                None => Ok(()),
            }
        };
        if let Some(channel @ Channel::Control(control, target)) = self.channel()
            && control == target
        {
            return Err(Error::OwnControl { channel, qubit: control });
        }
        let finite = |what: &str, frequency: Frequency| {
            if frequency.in_hertz().is_finite() {
                return Ok(());
            }
            let (found, wanted) = (frequency.in_hertz(), "a finite number".into());
            Err(Error::OutOfRange { what: what.into(), found, wanted })
        };
        match self {
            Self::Play { channel: channel @ Channel::Acquire(_), .. } => {
                Err(Error::NotPlayable { channel: *channel })
            }
            Self::Play { channel, waveform } => {
                waveform.check(*channel)?;
                waveform.expressions().try_for_each(|angle| expression(waveform.row().name, angle))
            }
            Self::ShiftPhase { phase, .. } => expression("shift_phase", *phase),
            Self::SetPhase { phase, .. } => expression("set_phase", *phase),
            Self::ShiftFrequency { frequency, .. } => {
                finite("the frequency of `shift_frequency`", *frequency)
            }
            Self::SetFrequency { frequency, .. } => finite("the frequency of `set_frequency`", *frequency),
            _ => Ok(()),
        }
    }
}
