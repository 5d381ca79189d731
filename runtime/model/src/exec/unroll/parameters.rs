//! What a stage holds from step to step, and how it changes.

use super::Unroll;
use crate::Result;
use crate::exec::mark::Duty;
use crate::exec::traffic::{Content, tag};
use crate::graph::{Init, Source, Value};
use crate::operator::Peer;

impl Unroll<'_> {
    /// Declares what the stage holds, and sends parameters to others that use them.
    pub(super) fn declare(&mut self) -> Result<()> {
        let model = self.derived.graph();
        for value in self.traffic.read_by(self.stage) {
            let tensor = model.tensor(value);
            match tensor.source {
                Source::Parameter(init) if self.traffic.owner(value) == Some(self.stage) => {
                    let own = self.graph.parameter(&tensor.name, tensor.ty.clone(), init)?;
                    self.parameters.insert(value, own);
                }
                Source::State(init) => {
                    let own = self.graph.state(&tensor.name, tensor.ty.clone(), init)?;
                    self.states.insert(value, own);
                }
                _ => {}
            }
        }
        if self.synchronous { self.share() } else { self.declare_moments() }
    }

    /// Sends parameters to other stages that use them.
    pub(super) fn share(&mut self) -> Result<()> {
        let m = self.now.micro_batch;
        for (value, own) in self.parameters.clone() {
            if self.traffic.owner(value) == Some(self.stage) {
                for reader in self.others(value) {
                    self.send(Peer::Stage(reader), tag(Content::Parameter, value.index(), m), own)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn declare_moments(&mut self) -> Result<()> {
        let model = self.derived.graph();
        for &(value, _) in
            self.derived.gradients().iter().filter(|(value, _)| self.parameters.contains_key(value))
        {
            let tensor = model.tensor(value);
            let moments = (self.change.rule.moments_of(&tensor.name))
                .map(|name| self.graph.state(&name, tensor.ty.clone(), Init::Constant(0.0)))
                .collect::<Result<_>>()?;
            self.moments.insert(value, moments);
            self.first.insert(value, self.latest(value));
        }
        Ok(())
    }

    /// A parameter and its moments as they are now.
    pub(super) fn latest(&self, value: Value) -> Vec<Value> {
        let moments = self.moments.get(&value).into_iter().flatten();
        self.parameters.get(&value).into_iter().chain(moments).copied().collect()
    }

    /// Changes the parameters by the gradients of this micro-batch.
    pub(super) fn update(&mut self) -> Result<()> {
        for (value, gradient) in self.derived.gradients().to_vec() {
            if !self.moments.contains_key(&value) {
                continue;
            }
            let mut operands = self.latest(value);
            operands.insert(1, self.operand(gradient)?);
            let mut results = self.graph.apply_all(std::sync::Arc::new(self.change), &operands)?.into_iter();
            self.graph.set_turn(self.now.micro_batch as u64);
            self.mark(Duty::Change);
            self.parameters.insert(value, results.next().unwrap_or(operands[0]));
            self.moments.insert(value, results.collect());
        }
        Ok(())
    }
}
