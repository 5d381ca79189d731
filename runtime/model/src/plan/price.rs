//! What searches for cuts ask: how long a stage takes, and what it would hold.

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};

use super::chain::Chain;
use super::cluster::{Cluster, Link};
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
    /// Seconds of nodes, whatever their stage does to fit.
    fn compute(&self, nodes: &Range<usize>) -> f64;
    /// Seconds that a link is busy with what crosses before a node.
    fn transfer(&self, _before: usize) -> f64 {
        0.0
    }
    /// Bytes that stage `x` would hold if it did nothing to fit.
    fn demand(&self, x: usize, nodes: &Range<usize>) -> f64;
    /// Seconds of stage `x` with these nodes; none if it cannot fit.
    fn price(&mut self, x: usize, nodes: Range<usize>) -> Option<f64>;

    /// Where stage `x`, which is not the last, can end so that all stages may fit.
    fn ends(&self, _x: usize) -> RangeInclusive<usize> {
        0..=self.nodes()
    }

    /// A lower bound of the price of nodes.
    fn least(&self, nodes: &Range<usize>) -> f64 {
        self.compute(nodes).max(self.transfer(nodes.start)).max(self.transfer(nodes.end))
    }

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
    chain: &'a Chain,
    law: Law,
    evictor: Evictor<'a>,
    link: &'a Link,
    /// Whether stages end at layers alone.
    at_layers: bool,
    known: HashMap<(usize, usize, usize), Option<f64>>,
    /// By stage: its first and its last end with which all stages may fit, once they are known.
    ends: Vec<RangeInclusive<usize>>,
    /// By stage and first node: the least end with which it does not fit. A stage with more nodes does not fit either.
    short: Vec<Vec<usize>>,
}

impl<'a> Priced<'a> {
    pub(crate) fn new(chain: &'a Chain, cluster: &'a Cluster, law: Law, grain: Grain) -> Self {
        let evictor = Evictor::new(chain, cluster, law, grain);
        let short = vec![vec![usize::MAX; chain.nodes()]; law.stages];
        let link = &cluster.link;
        let ends = vec![0..=chain.nodes(); law.stages];
        Self {
            chain,
            law,
            evictor,
            link,
            at_layers: grain != Grain::Nodes,
            known: HashMap::new(),
            ends,
            short,
        }
    }

    /// Searches the same row, cut at layers alone.
    pub(crate) fn at_layers<T>(&mut self, search: impl FnOnce(&mut Self) -> T) -> T {
        let at_layers = std::mem::replace(&mut self.at_layers, true);
        let found = search(self);
        self.at_layers = at_layers;
        found
    }

    /// Cuts that fit, if there are any: each stage takes as many nodes as it can, and later stages hold no more micro-batches. Nor
    /// can any stage end later, or earlier than where later stages take as many nodes as they can: searches then look in between.
    pub(crate) fn room(&mut self) -> Option<Vec<usize>> {
        let (nodes, stages) = (self.nodes(), self.law.stages);
        let places: Vec<usize> = (1..nodes).filter(|&end| self.can_cut(end)).collect();
        let (mut ends, mut from, mut next) = (Vec::new(), 0, 0);
        for x in 0..stages - 1 {
            // those that are left need a place each
            let within = places.get(next..places.len().checked_sub(stages - 2 - x)?)?;
            let fit = within.partition_point(|&end| self.evictor.has_room(x, from..end)).checked_sub(1)?;
            from = within[fit];
            next += fit + 1;
            ends.push(from);
        }
        if !self.evictor.has_room(stages - 1, from..nodes) {
            return None;
        }
        let mut to = nodes;
        for x in (1..stages).rev() {
            let before = &places[..places.partition_point(|&start| start < to)];
            let short = before.partition_point(|&start| !self.evictor.has_room(x, start..to));
            to = before.get(short).copied().unwrap_or(to).min(ends[x - 1]);
            self.ends[x - 1] = to..=ends[x - 1];
        }
        Some(ends)
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
        self.chain.can_cut(before) && (!self.at_layers || self.chain.is_layer_start(before))
    }

    fn ends(&self, x: usize) -> RangeInclusive<usize> {
        self.ends[x].clone()
    }

    fn compute(&self, nodes: &Range<usize>) -> f64 {
        self.chain.seconds(nodes)
    }

    fn transfer(&self, before: usize) -> f64 {
        self.chain.transfer(before, self.link)
    }

    fn demand(&self, x: usize, nodes: &Range<usize>) -> f64 {
        let owned = self.chain.owned(nodes) * (2 + self.law.moments as u64);
        let parameters = owned + self.chain.read_back(nodes) * (self.law.versions(x) - 1);
        let saved = self.chain.saved(nodes) * self.law.in_flight(x);
        (parameters + saved) as f64
    }

    fn price(&mut self, x: usize, nodes: Range<usize>) -> Option<f64> {
        if nodes.end >= self.short[x][nodes.start] {
            return None;
        }
        let key = (x, nodes.start, nodes.end);
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let seconds = self.evictor.evict(x, nodes.clone()).map(|outcome| outcome.seconds);
        self.known.insert(key, seconds);
        if seconds.is_none() {
            for short in self.short[x][..=nodes.start].iter_mut().rev() {
                if *short <= nodes.end {
                    break;
                }
                *short = nodes.end;
            }
        }
        seconds
    }
}
