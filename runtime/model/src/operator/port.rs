//! Nodes that send tensors away and receive them: what crosses from one stage to another, what waits on the host.

use std::fmt;

use super::{Call, Cost, Operator, Role, rule};
use crate::{Extent, Result, TensorType};

/// Where a tensor goes, or comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Peer {
    /// The host: inputs come from there, and tensors wait there that make room on the device.
    Host,
    /// Another stage.
    Stage(usize),
}

/// What carries tensors out of a run and into it.
pub trait Ports: fmt::Debug + Send + Sync {
    /// Hands a tensor's bytes over.
    ///
    /// # Errors
    /// A peer that is gone, or does not take them.
    fn send(&self, to: Peer, tag: u64, bytes: &[u8]) -> Result<()>;

    /// Waits for a tensor's bytes.
    ///
    /// # Errors
    /// A peer that is gone, or sends nothing.
    fn receive(&self, from: Peer, tag: u64, bytes: &mut [u8]) -> Result<()>;
}

/// Sends its operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendTo {
    /// To whom.
    pub to: Peer,
    /// Under which name.
    pub tag: u64,
}

/// Receives a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiveFrom {
    /// From whom.
    pub from: Peer,
    /// Under which name.
    pub tag: u64,
    /// What comes.
    pub ty: TensorType,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Stage(stage) => write!(f, "stage {stage}"),
        }
    }
}

impl Operator for SendTo {
    fn name(&self) -> &'static str {
        "send"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        Ok(Vec::new())
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        call.ports()?.send(self.to, self.tag, call.operand_bytes(0))
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(0, operands, results)
    }

    fn has_effect(&self) -> bool {
        true
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        operands.iter().map(|operand| vec![Role::Whole; operand.rank()]).collect()
    }
}

impl Operator for ReceiveFrom {
    fn name(&self) -> &'static str {
        "receive"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 0..=0)?;
        Ok(vec![self.ty.clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        call.ports()?.receive(self.from, self.tag, call.result_bytes(0))
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(0, operands, results)
    }

    fn relation(&self, _operands: &[TensorType]) -> Vec<Vec<Role>> {
        Vec::new()
    }
}
