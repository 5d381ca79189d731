//! What searches for cuts ask: how long a stage takes, and what it would hold.

use std::collections::HashMap;
use std::ops::Range;

use super::chain::Chain;
use super::cluster::Cluster;
use super::evict::{Evictor, Grain};
use super::law::Law;

/// A row of nodes that is to be cut into stages, with the price of each.
pub(crate) trait Stages {
    /// Number of nodes.
    fn nodes(&self) -> usize;
    /// Number of stages.
    fn stages(&self) -> usize;
    /// Whether a stage may end before a node.
    fn can_cut(&self, before: usize) -> bool;
    /// Seconds of nodes, whatever their stage does to fit: a lower bound of its price.
    fn compute(&self, nodes: &Range<usize>) -> f64;
    /// Bytes that stage `x` would hold if it did nothing to fit.
    fn demand(&self, x: usize, nodes: &Range<usize>) -> f64;
    /// Seconds of stage `x` with these nodes; none if it cannot fit.
    fn price(&mut self, x: usize, nodes: Range<usize>) -> Option<f64>;

    /// Whether a stage may begin at a node and another one end there.
    fn is_end(&self, before: usize) -> bool {
        before == 0 || before == self.nodes() || self.can_cut(before)
    }
}

/// Cuts of a row, with the price of its dearest stage.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cuts {
    /// The nodes before which stages end, without the last end.
    pub(crate) ends: Vec<usize>,
    pub(crate) seconds: f64,
}

impl Cuts {
    /// The intervals of the stages of a row of so many nodes.
    pub(crate) fn stages(&self, nodes: usize) -> Vec<Range<usize>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends.iter().copied().chain([nodes])).map(|(from, to)| from..to).collect()
    }

    /// Prices given cuts; none if a stage does not fit.
    pub(crate) fn priced(row: &mut impl Stages, ends: Vec<usize>) -> Option<Self> {
        let mut cuts = Self { ends, seconds: 0.0 };
        for (x, nodes) in cuts.stages(row.nodes()).into_iter().enumerate() {
            cuts.seconds = cuts.seconds.max(row.price(x, nodes)?);
        }
        Some(cuts)
    }
}

/// The stages of a chain under a schedule, priced by what they evict; each is priced once.
#[derive(Debug)]
pub(crate) struct Priced<'a> {
    pub(crate) chain: &'a Chain,
    pub(crate) law: Law,
    pub(crate) evictor: Evictor<'a>,
    /// Whether stages end at layers alone.
    at_layers: bool,
    known: HashMap<(usize, usize, usize), Option<f64>>,
}

impl<'a> Priced<'a> {
    pub(crate) fn new(chain: &'a Chain, cluster: &'a Cluster, law: Law, grain: Grain) -> Self {
        let evictor = Evictor::new(chain, cluster, law, grain);
        Self { chain, law, evictor, at_layers: grain != Grain::Nodes, known: HashMap::new() }
    }

    /// Stages that were priced.
    pub(crate) fn leaves(&self) -> usize {
        self.known.len()
    }
}

impl Stages for Priced<'_> {
    fn nodes(&self) -> usize {
        self.chain.nodes()
    }

    fn stages(&self) -> usize {
        self.law.stages
    }

    fn can_cut(&self, before: usize) -> bool {
        let layer = &self.chain.layer;
        self.chain.can_cut(before) && (!self.at_layers || layer[before] != layer[before - 1])
    }

    fn compute(&self, nodes: &Range<usize>) -> f64 {
        self.chain.seconds(nodes)
    }

    fn demand(&self, x: usize, nodes: &Range<usize>) -> f64 {
        let parameters = self.chain.owned(nodes) * self.law.copies(x);
        let saved = self.chain.saved(nodes) * self.law.in_flight(x);
        (parameters + saved) as f64
    }

    fn price(&mut self, x: usize, nodes: Range<usize>) -> Option<f64> {
        let evictor = &mut self.evictor;
        let key = (x, nodes.start, nodes.end);
        *self.known.entry(key).or_insert_with(|| evictor.evict(x, nodes).map(|outcome| outcome.seconds))
    }
}
