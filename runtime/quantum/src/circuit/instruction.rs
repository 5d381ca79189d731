//! What a circuit consists of.

use std::sync::Arc;

use super::pulse::PulseCall;
use crate::Angle;
use crate::channel::Channel;
use crate::gate::Call;

/// The probabilities with which a measured bit is read wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Confusion {
    /// Probability to read 1 where the qubit was 0.
    pub p1_given_0: f64,
    /// Probability to read 0 where the qubit was 1.
    pub p0_given_1: f64,
}

/// One step of a circuit.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Instruction {
    /// A gate.
    Gate(Call),
    /// A measurement in the Z basis.
    Measure {
        /// The measured qubit.
        qubit: usize,
        /// The classical bit that takes the outcome.
        bit: usize,
        /// Readout error, where a noise model has put it.
        confusion: Option<Confusion>,
    },
    /// Back to |0>, whatever the state was.
    Reset {
        /// The qubit.
        qubit: usize,
    },
    /// No gate moves across a barrier; it does nothing else.
    Barrier {
        /// The qubits that it stands on.
        qubits: Vec<usize>,
    },
    /// A body that runs only when a measured bit has a value.
    If {
        /// The classical bit.
        bit: usize,
        /// The value that it must have.
        value: bool,
        /// What is run then.
        body: Vec<Instruction>,
    },
    /// A noise channel, as a noise model inserts it.
    Channel {
        /// The channel.
        channel: Arc<Channel>,
        /// The qubits that it acts on; the first is the least significant bit.
        qubits: Vec<usize>,
    },
    /// Pulses. What they do is known where a [`PulseModel`](crate::pulse::PulseModel) is.
    Pulse(PulseCall),
}

impl Instruction {
    /// All qubits that the instruction touches, each once.
    pub fn qubits(&self) -> Vec<usize> {
        match self {
            Self::Gate(call) => call.all_qubits().collect(),
            Self::Measure { qubit, .. } | Self::Reset { qubit } => vec![*qubit],
            Self::Barrier { qubits } | Self::Channel { qubits, .. } => qubits.clone(),
            Self::Pulse(call) => call.qubits.clone(),
            Self::If { body, .. } => {
                let mut qubits: Vec<_> = body.iter().flat_map(Self::qubits).collect();
                qubits.sort_unstable();
                qubits.dedup();
                qubits
            }
        }
    }

    /// All classical bits that the instruction reads or writes.
    pub fn bits(&self) -> Vec<usize> {
        match self {
            Self::Measure { bit, .. } => vec![*bit],
            Self::If { bit, body, .. } => {
                let mut bits: Vec<_> =
                    std::iter::once(*bit).chain(body.iter().flat_map(Self::bits)).collect();
                bits.sort_unstable();
                bits.dedup();
                bits
            }
            _ => Vec::new(),
        }
    }

    /// Whether the step is a gate or a barrier, so that it can be undone.
    pub fn is_unitary(&self) -> bool {
        matches!(self, Self::Gate(_) | Self::Barrier { .. })
    }

    /// The step's name as it is counted and drawn.
    pub fn name(&self) -> String {
        match self {
            Self::Gate(call) => call.name(),
            Self::Measure { .. } => "measure".to_owned(),
            Self::Reset { .. } => "reset".to_owned(),
            Self::Barrier { .. } => "barrier".to_owned(),
            Self::If { .. } => "if".to_owned(),
            Self::Channel { channel, .. } => channel.name().to_owned(),
            Self::Pulse(call) => call.schedule.name().to_owned(),
        }
    }

    /// The step with qubits and bits renamed.
    #[must_use]
    pub fn relabel(&self, qubit_to: &dyn Fn(usize) -> usize, bit_to: &dyn Fn(usize) -> usize) -> Self {
        match self {
            Self::Gate(call) => Self::Gate(call.relabel(qubit_to)),
            Self::Measure { qubit, bit, confusion } => {
                Self::Measure { qubit: qubit_to(*qubit), bit: bit_to(*bit), confusion: *confusion }
            }
            Self::Reset { qubit } => Self::Reset { qubit: qubit_to(*qubit) },
            Self::Barrier { qubits } => {
                Self::Barrier { qubits: qubits.iter().map(|q| qubit_to(*q)).collect() }
            }
            Self::If { bit, value, body } => Self::If {
                bit: bit_to(*bit),
                value: *value,
                body: body.iter().map(|step| step.relabel(qubit_to, bit_to)).collect(),
            },
            Self::Channel { channel, qubits } => Self::Channel {
                channel: channel.clone(),
                qubits: qubits.iter().map(|q| qubit_to(*q)).collect(),
            },
            Self::Pulse(call) => Self::Pulse(PulseCall {
                qubits: call.qubits.iter().map(|q| qubit_to(*q)).collect(),
                ..call.clone()
            }),
        }
    }

    /// Applies `change` to the angles of every gate and of all pulses, inside `if` bodies too.
    pub(crate) fn for_each_angles(&mut self, change: &mut dyn FnMut(&str, &mut [Angle])) {
        match self {
            Self::Gate(call) => change(call.gate.name(), &mut call.angles),
            Self::Pulse(call) => change(call.schedule.name(), &mut call.arguments),
            Self::If { body, .. } => body.iter_mut().for_each(|step| step.for_each_angles(change)),
            _ => {}
        }
    }
}
