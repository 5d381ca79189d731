//! Lines to a device.

use std::fmt;

/// A line to a device.
///
/// Each has a clock and a frame of its own. Carriers: `Drive(q)` at the frequency of qubit q, `Control(c, t)` (on the port of
/// the control) at the frequency of the target, `Readout(q)` at that of the resonator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Drives a qubit.
    Drive(usize),
    /// Drives the first qubit, the control, at the frequency of the second, the target.
    Control(usize, usize),
    /// Drives the readout resonator of a qubit.
    Readout(usize),
    /// Listens to the readout resonator of a qubit.
    Acquire(usize),
}

impl Channel {
    /// The qubits that the channel belongs to.
    pub fn qubits(self) -> impl Iterator<Item = usize> {
        let (first, second) = match self {
            Self::Drive(q) | Self::Readout(q) | Self::Acquire(q) => (q, None),
            Self::Control(c, t) => (c, Some(t)),
        };
        std::iter::once(first).chain(second)
    }

    /// The channel with each qubit replaced by what `of` says.
    pub(crate) fn map<E>(self, mut of: impl FnMut(usize) -> Result<usize, E>) -> Result<Self, E> {
        Ok(match self {
            Self::Drive(q) => Self::Drive(of(q)?),
            Self::Control(c, t) => Self::Control(of(c)?, of(t)?),
            Self::Readout(q) => Self::Readout(of(q)?),
            Self::Acquire(q) => Self::Acquire(of(q)?),
        })
    }
}

/// As in the language: `control(0, 1)`.
impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drive(q) => write!(f, "drive({q})"),
            Self::Control(c, t) => write!(f, "control({c}, {t})"),
            Self::Readout(q) => write!(f, "readout({q})"),
            Self::Acquire(q) => write!(f, "acquire({q})"),
        }
    }
}

/// The line that listens to a qubit; a type of its own, because nothing can be played on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Acquisition(usize);

impl Acquisition {
    /// The qubit.
    pub fn qubit(self) -> usize {
        self.0
    }
}

impl From<Acquisition> for Channel {
    fn from(acquisition: Acquisition) -> Self {
        Self::Acquire(acquisition.0)
    }
}

/// What pulses can be played on: a [`Channel`], not an [`Acquisition`].
#[diagnostic::on_unimplemented(
    message = "cannot play on an acquisition channel",
    label = "`{Self}` is no channel that plays",
    note = "`drive(q)`, `control(c, t)` and `readout(q)` play; `acquire(q)` listens"
)]
pub trait Playable {
    /// The channel.
    fn playable(self) -> Channel;
}

impl Playable for Channel {
    fn playable(self) -> Channel {
        self
    }
}

/// What can be captured from: an [`Acquisition`].
#[diagnostic::on_unimplemented(
    message = "cannot capture from a channel that plays",
    label = "`{Self}` does not listen",
    note = "`acquire(q)` listens to a qubit"
)]
pub trait Listening {
    /// The qubit that is listened to.
    fn listening(self) -> Acquisition;
}

impl Listening for Acquisition {
    fn listening(self) -> Acquisition {
        self
    }
}

/// The line that drives a qubit.
pub const fn drive(qubit: usize) -> Channel {
    Channel::Drive(qubit)
}

/// The line that drives the control at the frequency of the target.
pub const fn control(control: usize, target: usize) -> Channel {
    Channel::Control(control, target)
}

/// The line that drives the resonator of a qubit.
pub const fn readout(qubit: usize) -> Channel {
    Channel::Readout(qubit)
}

/// The line that listens to a qubit.
pub const fn acquire(qubit: usize) -> Acquisition {
    Acquisition(qubit)
}
