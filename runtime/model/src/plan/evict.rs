//! What a stage evicts to fit: swaps and recomputation, priced together.

use std::ops::Range;

use super::chain::Chain;
use super::cluster::Cluster;
use super::law::Law;
use super::partition::Restore;
use super::stage::{Choice, Local, Stage, Walk};

/// What is evicted together: one node's results, or a layer's.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    /// Units that go when it is swapped.
    swap: Range<usize>,
    /// Units that go when it is computed again; none for what comes from elsewhere.
    again: Range<usize>,
    bytes: f64,
    /// Seconds to make them again.
    seconds: f64,
}

impl Group {
    fn rate(&self) -> f64 {
        if self.again.is_empty() { f64::INFINITY } else { self.seconds / self.bytes }
    }
}

/// The size of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Grain {
    /// Nodes, after trying layers too, so that nothing that layers can do is missed.
    Nodes,
    /// Whole layers, which come back whole.
    Layers,
    /// The last layers of a stage, which run again: what the published planner of vPipe writes out.
    LastLayers,
    /// All layers of a stage run again (GPipe).
    AllLayers,
    /// Nothing is evicted.
    Nothing,
}

/// What a stage comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outcome {
    /// Seconds for a micro-batch.
    pub(crate) seconds: f64,
    /// Bytes that the stage needs.
    pub(crate) bytes: u64,
    pub(crate) walk: Walk,
}

/// Chooses what stages evict.
#[derive(Debug)]
pub(crate) struct Evictor<'a> {
    chain: &'a Chain,
    cluster: &'a Cluster,
    law: Law,
    grain: Grain,
    stage: Stage,
    choice: Vec<Choice>,
    groups: Vec<Group>,
    units: Vec<usize>,
    /// What the stage at hand has, whatever is chosen.
    fixed: u64,
    flight: u64,
    compute: f64,
    links: f64,
    host: f64,
}

impl<'a> Evictor<'a> {
    pub(crate) fn new(chain: &'a Chain, cluster: &'a Cluster, law: Law, grain: Grain) -> Self {
        Self {
            chain,
            cluster,
            law,
            grain,
            stage: Stage::default(),
            choice: Vec::new(),
            groups: Vec::new(),
            units: Vec::new(),
            fixed: 0,
            flight: 1,
            compute: 0.0,
            links: 0.0,
            host: cluster.host_share(law.stages),
        }
    }

    /// The best that stage `x` can do with these nodes, and what it chooses for it; none if nothing fits.
    pub(crate) fn evict(&mut self, x: usize, nodes: Range<usize>) -> Option<Outcome> {
        self.load(x, nodes);
        let kept = self.outcome();
        if self.fits(&kept) && self.grain != Grain::AllLayers {
            return Some(kept);
        }
        match self.grain {
            Grain::Nothing => None,
            Grain::AllLayers => {
                self.group_layers();
                self.set_all(Choice::Recompute);
                Some(self.outcome()).filter(|outcome| self.fits(outcome))
            }
            Grain::LastLayers => {
                self.group_layers();
                self.last_layers()
            }
            Grain::Layers => {
                self.group_layers();
                self.search(kept)
            }
            Grain::Nodes => self.nodes(kept),
        }
    }

    /// What was chosen last.
    pub(crate) fn evicted(&self) -> impl Iterator<Item = (&Local, Choice)> {
        self.stage.evicted(&self.choice)
    }

    fn load(&mut self, x: usize, nodes: Range<usize>) {
        let (chain, law) = (self.chain, &self.law);
        self.flight = law.in_flight(x);
        self.compute = chain.seconds(&nodes);
        self.links = chain
            .transfer(nodes.start, &self.cluster.link)
            .max(chain.transfer(nodes.end, &self.cluster.link));
        self.fixed = chain.owned(&nodes) * law.copies(x) + chain.borrowed(&nodes) + chain.states(&nodes);
        self.stage.load(chain, nodes);
        self.fixed += law.owed(x) * self.stage.owed;
        self.choice.clear();
        self.choice.resize(self.stage.units, Choice::Recompute);
        for tensor in &self.stage.tensors {
            if Stage::is_saved(tensor) || tensor.unit as usize >= self.stage.nodes.len() {
                self.choice[tensor.unit as usize] = Choice::Keep;
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        let restore = if self.grain == Grain::Nodes { Restore::Node } else { Restore::Layer };
        let host = (self.flight == 1).then_some(self.host);
        let walk = self.stage.walk(&self.choice, restore, host);
        let busy = self.compute + walk.recompute + walk.stall;
        let swap = walk.out.max(walk.back) as f64 / self.host;
        Outcome {
            seconds: busy.max(swap).max(self.links),
            bytes: self.fixed + (self.flight - 1) * walk.kept + walk.peak,
            walk,
        }
    }

    fn fits(&self, outcome: &Outcome) -> bool {
        outcome.bytes <= self.cluster.memory
    }

    /// Layers first, then nodes from the beginning; the better one is improved node by node.
    fn nodes(&mut self, kept: Outcome) -> Option<Outcome> {
        let begin = self.choice.clone();
        self.group_layers();
        let layers = self.search(kept).map(|outcome| (outcome, self.choice.clone()));
        self.choice.clone_from(&begin);
        self.group_nodes();
        let nodes = self.search(kept);
        let best = match (layers, nodes) {
            (Some((outcome, choice)), nodes) if nodes.is_none_or(|nodes| outcome.seconds < nodes.seconds) => {
                self.choice = choice;
                outcome
            }
            (_, nodes) => nodes?,
        };
        Some(self.improve(best))
    }

    /// Frees until it fits, the cheapest first; then from the other end, where all is on the host.
    fn search(&mut self, kept: Outcome) -> Option<Outcome> {
        let begin = self.choice.clone();
        if let Some(found) = self.free(kept) {
            return Some(found);
        }
        self.choice = begin;
        self.set_all(Choice::Swap);
        let mut now = self.outcome();
        if !self.fits(&now) {
            return None;
        }
        // what is cheap to make again does not wait for the link
        for group in 0..self.groups.len() {
            if now.seconds <= self.compute + now.walk.recompute {
                break;
            }
            if self.groups[group].again.is_empty() {
                continue;
            }
            now = self.attempt(group, Choice::Recompute, now, |this, new, now| {
                this.fits(new) && new.seconds < now.seconds
            });
        }
        Some(now)
    }

    /// Swaps what is dearest to make again as long as the link has time, then makes the cheapest again, then swaps in spite of
    /// the time that it takes (the prices are those of Capuchin, ASPLOS 2020).
    fn free(&mut self, kept: Outcome) -> Option<Outcome> {
        let mut now = kept;
        for group in (0..self.groups.len()).rev() {
            now = self.attempt(group, Choice::Swap, now, |_, new, now| {
                new.seconds <= now.seconds && new.bytes < now.bytes
            });
            if self.fits(&now) {
                return Some(now);
            }
        }
        for _ in 0..2 {
            for group in 0..self.groups.len() {
                if self.groups[group].again.is_empty() || !self.is_kept(group) {
                    continue;
                }
                now = self.attempt(group, Choice::Recompute, now, |_, new, now| new.bytes < now.bytes);
                if self.fits(&now) {
                    return Some(now);
                }
            }
        }
        for group in (0..self.groups.len()).rev() {
            now = self.attempt(group, Choice::Swap, now, |_, new, now| new.bytes < now.bytes);
            if self.fits(&now) {
                return Some(now);
            }
        }
        None
    }

    /// Takes back what was not needed, the dearest first, and lets the link have what it has time for.
    fn improve(&mut self, mut now: Outcome) -> Outcome {
        self.group_nodes();
        for group in (0..self.groups.len()).rev() {
            if !self.is_kept(group) {
                now = self.attempt(group, Choice::Keep, now, |this, new, now| {
                    this.fits(new) && new.seconds <= now.seconds
                });
            }
            if self.is_again(group) {
                now = self.attempt(group, Choice::Swap, now, |this, new, now| {
                    this.fits(new) && new.seconds < now.seconds
                });
            }
        }
        now
    }

    fn last_layers(&mut self) -> Option<Outcome> {
        let mut order: Vec<usize> =
            (0..self.groups.len()).filter(|&group| !self.groups[group].again.is_empty()).collect();
        order.sort_by_key(|&group| std::cmp::Reverse(self.units[self.groups[group].again.start]));
        for group in order {
            self.set(group, Choice::Recompute);
            let now = self.outcome();
            if self.fits(&now) {
                return Some(now);
            }
        }
        None
    }

    /// Changes a group if what comes out is wanted.
    fn attempt(
        &mut self,
        group: usize,
        to: Choice,
        now: Outcome,
        wanted: impl Fn(&Self, &Outcome, &Outcome) -> bool,
    ) -> Outcome {
        let was = self.choice_of(group);
        if was == to {
            return now;
        }
        self.set(group, to);
        let new = self.outcome();
        if wanted(self, &new, &now) {
            return new;
        }
        self.set(group, was);
        now
    }

    fn choice_of(&self, group: usize) -> Choice {
        let group = &self.groups[group];
        let first = if group.again.is_empty() { group.swap.start } else { group.again.start };
        self.choice[self.units[first]]
    }

    fn is_kept(&self, group: usize) -> bool {
        self.choice_of(group) == Choice::Keep
    }

    fn is_again(&self, group: usize) -> bool {
        self.choice_of(group) == Choice::Recompute
    }

    fn set(&mut self, group: usize, to: Choice) {
        let Group { swap, again, .. } = self.groups[group].clone();
        let rest = if to == Choice::Swap { Choice::Swap } else { Choice::Keep };
        for k in swap {
            self.choice[self.units[k]] = rest;
        }
        if to == Choice::Recompute {
            for k in again {
                self.choice[self.units[k]] = to;
            }
        }
    }

    fn set_all(&mut self, to: Choice) {
        for group in 0..self.groups.len() {
            if to != Choice::Recompute || !self.groups[group].again.is_empty() {
                self.set(group, to);
            }
        }
    }

    /// A group for each saved unit; by their rates.
    fn group_nodes(&mut self) {
        self.groups.clear();
        self.units.clear();
        let nodes = self.stage.nodes.len();
        let mut bytes = vec![0.0; self.stage.units];
        for tensor in self.stage.tensors.iter().filter(|tensor| Stage::is_saved(tensor)) {
            bytes[tensor.unit as usize] += tensor.bytes as f64;
        }
        // what is not saved must be made again on the way
        let mut seconds: Vec<f64> = (0..nodes).map(|node| self.stage.seconds(node)).collect();
        for node in 0..nodes {
            seconds[node] += (self.stage.reads(node))
                .filter(|tensor| (tensor.unit as usize) < node && bytes[tensor.unit as usize] == 0.0)
                .map(|tensor| seconds[tensor.unit as usize])
                .sum::<f64>();
        }
        let all: f64 = bytes.iter().sum();
        for unit in 0..self.stage.units {
            // what is this small changes nothing
            if bytes[unit] * 4096.0 < all {
                continue;
            }
            let at = self.units.len();
            self.units.push(unit);
            let again = if unit < nodes { at..at + 1 } else { at..at };
            let seconds = seconds.get(unit).copied().unwrap_or(0.0);
            self.groups.push(Group { swap: at..at + 1, again, bytes: bytes[unit], seconds });
        }
        self.sort();
    }

    /// A group for each layer, and one for each tensor from elsewhere; by their rates.
    fn group_layers(&mut self) {
        self.groups.clear();
        self.units.clear();
        let (from, nodes) = (self.stage.nodes.start, self.stage.nodes.len());
        let layer = |unit: usize| self.chain.layer[from + unit];
        // what another layer reads is that layer's input
        let mut inner = vec![true; self.stage.units];
        for node in 0..nodes {
            for tensor in self.stage.reads(node).filter(|tensor| (tensor.unit as usize) < nodes) {
                if layer(tensor.unit as usize) != layer(node) {
                    inner[tensor.unit as usize] = false;
                }
            }
        }
        let mut bytes = vec![0.0; self.stage.units];
        for tensor in self.stage.tensors.iter().filter(|tensor| Stage::is_saved(tensor)) {
            bytes[tensor.unit as usize] += tensor.bytes as f64;
        }
        let mut first = 0;
        while first < nodes {
            let end = (first..nodes).find(|&node| layer(node) != layer(first)).unwrap_or(nodes);
            let saved = || (first..end).filter(|&unit| bytes[unit] > 0.0);
            let at = self.units.len();
            self.units.extend(saved().filter(|&unit| inner[unit]));
            let again = at..self.units.len();
            self.units.extend(saved().filter(|&unit| !inner[unit]));
            let group = Group {
                swap: at..self.units.len(),
                bytes: self.units[again.clone()].iter().map(|&unit| bytes[unit]).sum(),
                again,
                seconds: (first..end).map(|node| self.stage.seconds(node)).sum(),
            };
            if !group.swap.is_empty() {
                self.groups.push(group);
            }
            first = end;
        }
        for unit in (nodes..self.stage.units).filter(|&unit| bytes[unit] > 0.0) {
            let at = self.units.len();
            self.units.push(unit);
            self.groups.push(Group { swap: at..at + 1, again: at..at, bytes: bytes[unit], seconds: 0.0 });
        }
        self.sort();
    }

    fn sort(&mut self) {
        self.groups.sort_by(|a, b| a.rate().total_cmp(&b.rate()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Transformer, conv_net, mlp};
    use crate::plan::{Derived, Link, PipelineSchedule, Times};
    use crate::{Graph, Sizes};

    fn chain(graph: &Graph, b: usize, cluster: &Cluster) -> Chain {
        let derived = Derived::new(graph).unwrap();
        let sizes = Sizes::new().with("B", b).with("P", 4 * b);
        let times = Times::of_cluster(&derived, &sizes, cluster).unwrap();
        Chain::new(&derived, &sizes, &times, 1).unwrap()
    }

    fn law(stages: usize) -> Law {
        Law { schedule: PipelineSchedule::OneForwardOneBackward, stages, micro_batches: 4, moments: 2 }
    }

    /// The least seconds over all choices.
    fn every(evictor: &mut Evictor<'_>, x: usize, nodes: Range<usize>) -> Option<f64> {
        evictor.load(x, nodes);
        evictor.group_nodes();
        let groups = evictor.groups.len();
        let mut best: Option<f64> = None;
        for code in 0..3_usize.pow(groups as u32) {
            let mut rest = code;
            for group in 0..groups {
                let to = [Choice::Keep, Choice::Swap, Choice::Recompute][rest % 3];
                rest /= 3;
                evictor.set(group, to);
            }
            let outcome = evictor.outcome();
            if evictor.fits(&outcome) {
                best = Some(best.map_or(outcome.seconds, |best| best.min(outcome.seconds)));
            }
        }
        best
    }

    #[test]
    fn what_is_evicted_is_close_to_the_best() {
        // links between stages that hide nothing
        let link = Link { latency: 0.0, bandwidth: 1e15 };
        let cluster = Cluster { launch: 0.0, link, host_shared: false, ..Cluster::threads(4, u64::MAX) };
        let models = [
            (mlp(&[256, 300, 200, 300, 100, 10]).unwrap(), 512),
            (conv_net(3, 32, 8, 10).unwrap(), 16),
            (Transformer { layers: 1, ..Transformer::default() }.gpt(false).unwrap(), 2),
        ];
        let (mut cases, mut near, mut worst) = (0, 0, 1.0_f64);
        for (graph, b) in &models {
            let chain = chain(graph, *b, &cluster);
            let nodes = chain.nodes().min(9);
            for x in 0..4 {
                let mut free = Evictor::new(&chain, &cluster, law(4), Grain::Nodes);
                let most = free.evict(x, 0..nodes).unwrap().bytes;
                for percent in (20..100).step_by(4) {
                    let cluster = Cluster { memory: most * percent / 100, ..cluster };
                    let mut evictor = Evictor::new(&chain, &cluster, law(4), Grain::Nodes);
                    let Some(best) = every(&mut evictor, x, 0..nodes) else {
                        assert_eq!(evictor.evict(x, 0..nodes), None);
                        continue;
                    };
                    let found = evictor.evict(x, 0..nodes).unwrap();
                    assert!(found.bytes <= cluster.memory && found.seconds >= best * (1.0 - 1e-12));
                    let gap = found.seconds / best;
                    (cases, near, worst) = (cases + 1, near + usize::from(gap <= 1.03), worst.max(gap));
                }
            }
        }
        println!("{near} of {cases} within 3 %, the worst {worst}");
        assert!(cases > 40 && near * 10 >= cases * 9, "{near} of {cases}, {worst}");
    }

    #[test]
    fn nodes_are_never_dearer_than_layers() {
        let cluster = Cluster::pcie_16gb();
        let graph = Transformer { layers: 4, ..Transformer::default() }.bert().unwrap();
        let chain = chain(&graph, 8, &cluster);
        let nodes = 0..chain.nodes() - 3;
        for x in 0..4 {
            let most =
                Evictor::new(&chain, &cluster, law(4), Grain::Nodes).evict(x, nodes.clone()).unwrap().bytes;
            let mut rarer = 0;
            for percent in 5..100 {
                let cluster = Cluster { memory: most * percent / 100, ..cluster };
                let mut of = |grain| Evictor::new(&chain, &cluster, law(4), grain).evict(x, nodes.clone());
                let fine = of(Grain::Nodes);
                for grain in [Grain::Layers, Grain::LastLayers, Grain::AllLayers, Grain::Nothing] {
                    let Some(coarse) = of(grain) else { continue };
                    let fine = fine.unwrap();
                    assert!(fine.seconds <= coarse.seconds, "{grain:?} {percent} {fine:?} {coarse:?}");
                }
                rarer += usize::from(fine.is_some() && of(Grain::Layers).is_none());
            }
            assert!(rarer > 0);
        }
    }
}
