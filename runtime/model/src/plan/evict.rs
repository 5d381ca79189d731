//! What a stage evicts to fit: swaps and recomputation, priced together.

use std::collections::BTreeMap;
use std::ops::Range;

use super::chain::Chain;
use super::cluster::Cluster;
use super::law::Law;
use super::partition::{Eviction, Restore};
use super::stage::{Choice, Stage, Walk};
use crate::graph::Value;

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

/// What a stage does to fit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decision {
    pub(crate) outcome: Outcome,
    pub(crate) evictions: BTreeMap<Value, Eviction>,
    /// Seconds of its nodes, each once.
    pub(crate) compute: f64,
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

    /// As [`evict`](Self::evict), with what is evicted.
    pub(crate) fn decide(&mut self, x: usize, nodes: Range<usize>) -> Option<Decision> {
        self.evict(x, nodes)?;
        let outcome = self.outcome(); // the stage may have seen other choices last
        let evictions = (self.stage.evicted(&self.choice))
            .map(|(memory, choice)| {
                let eviction = if choice == Choice::Swap { Eviction::Swap } else { Eviction::Recompute };
                (self.chain.memory[memory as usize].value, eviction)
            })
            .collect();
        Some(Decision { outcome, evictions, compute: self.compute })
    }

    /// Whether a stage with these nodes can be made to fit.
    pub(crate) fn has_room(&mut self, x: usize, nodes: Range<usize>) -> bool {
        self.least(x, nodes).0 <= self.cluster.memory
    }

    /// The least bytes that a stage can do with, and the largest tensor in it, by number of its memory.
    pub(crate) fn least(&mut self, x: usize, nodes: Range<usize>) -> (u64, Option<usize>) {
        self.load(x, nodes);
        if self.grain == Grain::Nodes {
            self.group_nodes();
        } else {
            self.group_layers();
        }
        match self.grain {
            Grain::Nothing => {}
            Grain::AllLayers | Grain::LastLayers => self.set_all(Choice::Recompute),
            Grain::Nodes | Grain::Layers => self.set_all(Choice::Swap),
        }
        (self.outcome().bytes, self.stage.largest(self.chain))
    }

    fn load(&mut self, x: usize, nodes: Range<usize>) {
        let (chain, law) = (self.chain, &self.law);
        self.flight = law.in_flight(x);
        self.compute = chain.seconds(&nodes);
        self.links = chain
            .transfer(nodes.start, &self.cluster.link)
            .max(chain.transfer(nodes.end, &self.cluster.link));
        self.fixed = chain.owned(&nodes) * law.copies(x) + chain.borrowed(&nodes) + chain.states(&nodes);
        self.stage.load(chain, nodes, law.schedule.splits_backward());
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

    /// Nodes, and layers if time is lost; the better one is improved node by node.
    fn nodes(&mut self, kept: Outcome) -> Option<Outcome> {
        let begin = self.choice.clone();
        self.group_nodes();
        let mut best = self.search(kept)?;
        if best.seconds > kept.seconds {
            let nodes = std::mem::replace(&mut self.choice, begin);
            self.group_layers();
            match self.search(kept).filter(|layers| layers.seconds < best.seconds) {
                Some(layers) => best = layers,
                None => self.choice = nodes,
            }
            self.group_nodes();
        }
        Some(self.improve(best))
    }

    /// Frees until it fits, the cheapest first, and begins at the other end, where all is on the host, if that does not help.
    fn search(&mut self, kept: Outcome) -> Option<Outcome> {
        let begin = self.choice.clone();
        self.set_all(Choice::Swap);
        let least = self.outcome();
        if !self.fits(&least) {
            return None;
        }
        let swapped = std::mem::replace(&mut self.choice, begin);
        if let Some(found) = self.free(kept) {
            return Some(found);
        }
        self.choice = swapped;
        let mut now = least;
        // what is cheap to make again does not wait for the link
        for group in 0..self.groups.len() {
            if now.seconds <= self.compute + now.walk.recompute {
                break;
            }
            if !self.groups[group].again.is_empty() {
                now = self.attempt(group, Choice::Recompute, now, |this, new, now| {
                    this.fits(new) && new.seconds < now.seconds
                });
            }
        }
        Some(now)
    }

    /// Swaps what is dearest to make again as long as the link has time, then makes the cheapest again, then swaps in spite of
    /// the time that it takes (the prices are those of Capuchin, ASPLOS 2020).
    fn free(&mut self, kept: Outcome) -> Option<Outcome> {
        let mut dearest: Vec<usize> = Vec::new();
        let mut time = kept.seconds * self.host;
        for group in (0..self.groups.len()).rev().filter(|&group| self.is_kept(group)) {
            let bytes = self.groups[group].bytes;
            if bytes <= time {
                time -= bytes;
                dearest.push(group);
            }
        }
        if let Some(found) = self.prefix(&dearest, Choice::Swap) {
            return Some(found);
        }
        let again = |this: &Self| {
            let groups = 0..this.groups.len();
            groups.filter(|&group| this.is_kept(group) && !this.groups[group].again.is_empty()).collect()
        };
        let cheapest: Vec<usize> = again(self);
        if let Some(found) = self.prefix(&cheapest, Choice::Recompute) {
            return Some(found);
        }
        // all at once is too much where long chains come back together: one by one
        for &group in &cheapest {
            self.set(group, Choice::Keep);
        }
        let mut now = self.outcome();
        for group in cheapest {
            now = self.attempt(group, Choice::Recompute, now, |_, new, now| new.bytes < now.bytes);
        }
        for group in (0..self.groups.len()).rev() {
            if self.fits(&now) {
                return Some(now);
            }
            now = self.attempt(group, Choice::Swap, now, |_, new, now| new.bytes < now.bytes);
        }
        Some(now).filter(|now| self.fits(now))
    }

    /// The shortest beginning of a list of groups that makes room, changed; all of them are if none does.
    fn prefix(&mut self, groups: &[usize], to: Choice) -> Option<Outcome> {
        for &group in groups {
            self.set(group, to);
        }
        let mut found = Some(self.outcome()).filter(|all| self.fits(all))?;
        let (mut below, mut enough) = (0, groups.len());
        // groups before `at` are changed, the others are not
        let mut at = groups.len();
        while below + 1 < enough {
            let middle = below.midpoint(enough);
            self.move_to(groups, to, &mut at, middle);
            let now = self.outcome();
            if self.fits(&now) {
                (enough, found) = (middle, now);
            } else {
                below = middle;
            }
        }
        self.move_to(groups, to, &mut at, enough);
        Some(found)
    }

    fn move_to(&mut self, groups: &[usize], to: Choice, at: &mut usize, end: usize) {
        for &group in groups.get(end..*at).unwrap_or_default() {
            self.set(group, Choice::Keep);
        }
        for &group in groups.get(*at..end).unwrap_or_default() {
            self.set(group, to);
        }
        *at = end;
    }

    /// Takes back what was not needed, the dearest first, and lets the link have what it has time for.
    fn improve(&mut self, mut now: Outcome) -> Outcome {
        for group in (0..self.groups.len()).rev() {
            let bytes = self.groups[group].bytes;
            let room = (self.cluster.memory - now.bytes) as f64;
            if !self.is_kept(group) && bytes * (self.flight - 1) as f64 <= room {
                now = self.attempt(group, Choice::Keep, now, |this, new, now| {
                    this.fits(new) && new.seconds <= now.seconds
                });
            }
            let busy = now.walk.out.max(now.walk.back) as f64 / self.host;
            if self.is_again(group) && busy + bytes / self.host < now.seconds {
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
        for (unit, &bytes) in bytes.iter().enumerate() {
            // what is this small changes nothing
            if bytes * 4096.0 < all {
                continue;
            }
            let at = self.units.len();
            self.units.push(unit);
            let again = if unit < nodes { at..at + 1 } else { at..at };
            let seconds = seconds.get(unit).copied().unwrap_or(0.0);
            self.groups.push(Group { swap: at..at + 1, again, bytes, seconds });
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
                let of = |grain| Evictor::new(&chain, &cluster, law(4), grain).evict(x, nodes.clone());
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
