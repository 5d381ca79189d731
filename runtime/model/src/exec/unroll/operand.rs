//! Where tensors are: at hand, or with another stage or the host, from which they are received.

use super::Unroll;
use crate::exec::mark::{Duty, Mark};
use crate::exec::traffic::{Content, tag};
use crate::graph::{Source, Value};
use crate::operator::{Peer, ReceiveFrom, SendTo};
use crate::{Error, Result};

impl Unroll<'_> {
    /// Where a tensor of the model is for this micro-batch; receives it if it is not here yet.
    pub(super) fn operand(&mut self, value: Value) -> Result<Value> {
        let (model, m) = (self.derived.graph(), self.now.micro_batch);
        match model.tensor(value).source {
            Source::Node { node, .. } if model.nodes()[node].operator.is_view() => {
                let behind = self.operand(model.nodes()[node].operands[0])?;
                if let Some(&view) = self.views.get(&(behind, value)) {
                    return Ok(view);
                }
                let view = self.graph.replay(model, node, vec![behind], m as u64)[0];
                self.mark(Duty::Run(node));
                self.views.insert((behind, value), view);
                Ok(view)
            }
            Source::Parameter(_) => {
                let (known, sent) =
                    if self.synchronous { (&mut self.parameters, 0) } else { (&mut self.versions[m], m) };
                match (known.get(&value).copied(), self.traffic.owner(value)) {
                    (Some(own), _) => Ok(own),
                    (None, Some(owner)) => {
                        let own = self.receive(Peer::Stage(owner), Content::Parameter, value, sent)?;
                        if self.synchronous { &mut self.parameters } else { &mut self.versions[m] }
                            .insert(value, own);
                        Ok(own)
                    }
                    (None, None) => Err(self.missing(value)),
                }
            }
            Source::State(_) => self.found[m].get(&value).copied().ok_or_else(|| self.missing(value)),
            Source::Input | Source::Node { .. } => {
                if let Some(&own) = self.here[m].get(&value) {
                    return Ok(own);
                }
                let from = match model.tensor(value).source {
                    Source::Node { node, .. } if self.traffic.stage_of(node) != self.stage => {
                        Peer::Stage(self.traffic.stage_of(node))
                    }
                    Source::Input => Peer::Host,
                    _ => return Err(self.missing(value)),
                };
                let own = self.receive(from, Content::Tensor, value, m)?;
                self.here[m].insert(value, own);
                Ok(own)
            }
        }
    }

    /// Other stages that read a tensor.
    pub(super) fn others(&self, value: Value) -> Vec<usize> {
        self.traffic.readers(value).into_iter().filter(|&reader| reader != self.stage).collect()
    }

    pub(super) fn missing(&self, value: Value) -> Error {
        let found =
            format!("`{}` not at hand in stage {}", self.derived.graph().tensor(value).name, self.stage);
        Error::Partition { found, expected: "every tensor where it is read".into() }
    }

    pub(super) fn mark(&mut self, duty: Duty) {
        self.marks.push(Mark { turn: self.now, duty });
    }

    pub(super) fn send(&mut self, to: Peer, tag: u64, own: Value) -> Result<()> {
        self.graph.apply_all(std::sync::Arc::new(SendTo { to, tag }), &[own])?;
        self.mark(Duty::Send(to, tag));
        Ok(())
    }

    pub(super) fn receive(&mut self, from: Peer, content: Content, value: Value, m: usize) -> Result<Value> {
        let tensor = self.derived.graph().tensor(value);
        let (tag, name) = (tag(content, value.index(), m), format!("{}@{m}", tensor.name));
        let own = self.graph.apply(ReceiveFrom { from, tag, ty: tensor.ty.clone() }, &[])?;
        self.graph.rename(own, name);
        self.mark(Duty::Receive(from, tag));
        if tensor.source == Source::Input {
            self.feeds.entry(tensor.name.clone()).or_default().insert(m, (tag, own));
        }
        Ok(own)
    }
}
