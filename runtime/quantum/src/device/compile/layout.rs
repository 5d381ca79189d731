//! Layouts: which physical qubits a circuit runs on.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::super::target::Target;
use super::native::pair;
use super::one_qubit::pulse;
use super::route::{Move, Order, Places, Route, route};
use crate::circuit::Instruction;

/// How many partial placements are tried before the search stops with the best so far.
const BUDGET: usize = 300_000;

/// Taken for an entangler where no figure is known.
const PAIR_ERROR: f64 = 1e-2;

/// Taken for a pulse where no figure is known.
const PULSE_ERROR: f64 = 3e-4;

/// The weight of a readout error where the circuit measures nothing itself: what is measured later can be mitigated, at
/// the price of more shots.
const LATER_READOUT: f64 = 0.1;

/// What steps ask of qubits.
#[derive(Debug, Clone)]
pub(super) struct Demand {
    /// How many entanglers each pair of wires takes.
    pub(super) pairs: BTreeMap<[usize; 2], f64>,
    pulses: Vec<f64>,
    reads: Vec<f64>,
}

impl Demand {
    pub(super) fn of<'s>(width: usize, steps: impl IntoIterator<Item = &'s Instruction>) -> Self {
        let mut demand = Self { pairs: BTreeMap::new(), pulses: vec![0.0; width], reads: vec![0.0; width] };
        demand.add(steps);
        if demand.reads.iter().all(|reads| *reads == 0.0) {
            demand.reads.fill(LATER_READOUT);
        }
        demand
    }

    fn add<'s>(&mut self, steps: impl IntoIterator<Item = &'s Instruction>) {
        for step in steps {
            match step {
                Instruction::If { body, .. } => self.add(body),
                Instruction::Measure { qubit, .. } => self.reads[*qubit] += 1.0,
                Instruction::Gate(call) => {
                    if let Some([a, b]) = pair(step) {
                        let weight = if step.name() == "swap" { 3.0 } else { 1.0 };
                        *self.pairs.entry([a.min(b), a.max(b)]).or_default() += weight;
                    } else if let Some(qubit) = pulse(call).filter(|_| call.angles.is_empty()) {
                        self.pulses[qubit] += 1.0;
                    }
                }
                _ => {}
            }
        }
    }

    fn width(&self) -> usize {
        self.pulses.len()
    }
}

/// What a device asks for: minus the logarithm of the fidelity of each thing done.
#[derive(Debug, Clone)]
pub(super) struct Costs {
    width: usize,
    pair: Vec<f64>,
    pulse: Vec<f64>,
    read: Vec<f64>,
}

impl Costs {
    pub(super) fn of(target: &Target) -> Self {
        // a gate that never works is still a gate: dear, but finite
        let loss = |error: f64| -(1.0 - error.min(0.999)).ln();
        let width = target.width();
        let mut pair = vec![f64::INFINITY; width * width];
        for edge in target.edges() {
            let (a, b) = (edge.first, edge.second);
            let cost = loss(target.pair_error(a, b).unwrap_or(PAIR_ERROR));
            pair[a * width + b] = cost;
            pair[b * width + a] = cost;
        }
        let sites = target.sites();
        let pulse = sites.iter().map(|site| loss(site.error.unwrap_or(PULSE_ERROR))).collect();
        let read = sites.iter().map(|site| loss(site.readout_error().unwrap_or(0.0))).collect();
        Self { width, pair, pulse, read }
    }

    pub(super) fn pair(&self, a: usize, b: usize) -> f64 {
        self.pair[a * self.width + b]
    }

    fn site(&self, demand: &Demand, wire: usize, place: usize) -> f64 {
        demand.pulses[wire] * self.pulse[place] + demand.reads[wire] * self.read[place]
    }

    /// The cost of all that is demanded where each wire stays in its place; infinite where a pair is not coupled.
    pub(super) fn total(&self, demand: &Demand, places: &[usize]) -> f64 {
        let pairs = demand.pairs.iter().map(|([a, b], count)| count * self.pair(places[*a], places[*b]));
        pairs.sum::<f64>()
            + places.iter().enumerate().map(|(wire, place)| self.site(demand, wire, *place)).sum::<f64>()
    }
}

/// The cheapest placement in which every pair is coupled, if there is one: a search for subgraphs that leaves a branch as
/// soon as it cannot become cheaper than the best known.
pub(super) fn perfect(demand: &Demand, target: &Target, costs: &Costs) -> Option<Vec<usize>> {
    let width = demand.width();
    let mut near = vec![Vec::new(); width];
    for (&[a, b], &count) in &demand.pairs {
        near[a].push((b, count));
        near[b].push((a, count));
    }
    let mut order: Vec<usize> = Vec::new();
    while let Some(next) =
        (0..width).filter(|wire| !order.contains(wire) && !near[*wire].is_empty()).max_by_key(|wire| {
            let placed = near[*wire].iter().filter(|(other, _)| order.contains(other)).count();
            (placed, near[*wire].len(), usize::MAX - wire)
        })
    {
        order.push(next);
    }
    let least = |list: &[f64]| list.iter().copied().fold(f64::INFINITY, f64::min);
    let (pair, pulse, read) = (least(&costs.pair), least(&costs.pulse), least(&costs.read));
    let mut rest = vec![0.0; order.len() + 1];
    for (at, wire) in order.iter().enumerate().rev() {
        let earlier = near[*wire].iter().filter(|(other, _)| order[..at].contains(other));
        let pairs: f64 = earlier.map(|(_, count)| count * pair).sum();
        rest[at] = rest[at + 1] + pairs + demand.pulses[*wire] * pulse + demand.reads[*wire] * read;
    }
    let mut search = Search {
        demand,
        target,
        costs,
        near,
        order,
        rest,
        places: vec![usize::MAX; width],
        used: vec![false; target.width()],
        best: None,
        left: BUDGET,
    };
    search.place(0, 0.0);
    let (_, mut places) = search.best?;
    settle_idle(demand, costs, &mut places);
    Some(places)
}

struct Search<'a> {
    demand: &'a Demand,
    target: &'a Target,
    costs: &'a Costs,
    near: Vec<Vec<(usize, f64)>>,
    /// Wires that have pairs, each beside one before it where possible.
    order: Vec<usize>,
    /// The least that the wires from here on can cost.
    rest: Vec<f64>,
    places: Vec<usize>,
    used: Vec<bool>,
    best: Option<(f64, Vec<usize>)>,
    left: usize,
}

impl Search<'_> {
    fn place(&mut self, at: usize, cost: f64) {
        let Some(&wire) = self.order.get(at) else {
            self.best = Some((cost, self.places.clone()));
            return;
        };
        let placed: Vec<_> =
            self.near[wire].iter().copied().filter(|(other, _)| self.places[*other] != usize::MAX).collect();
        let candidates = placed.first().map_or_else(
            || (0..self.target.width()).collect(),
            |(other, _)| self.target.neighbours(self.places[*other]).to_vec(),
        );
        let mut options: Vec<(f64, usize)> = candidates
            .iter()
            .filter(|place| {
                !self.used[**place] && self.target.neighbours(**place).len() >= self.near[wire].len()
            })
            .map(|place| {
                let pairs =
                    placed.iter().map(|(other, count)| count * self.costs.pair(*place, self.places[*other]));
                (pairs.sum::<f64>() + self.costs.site(self.demand, wire, *place), *place)
            })
            .filter(|(more, _)| more.is_finite())
            .collect();
        options.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (more, place) in options {
            let bound = cost + more + self.rest[at + 1];
            if self.left == 0 || self.best.as_ref().is_some_and(|(best, _)| bound >= best - 1e-12) {
                return;
            }
            self.left -= 1;
            self.places[wire] = place;
            self.used[place] = true;
            self.place(at + 1, cost + more);
            self.used[place] = false;
            self.places[wire] = usize::MAX;
        }
    }
}

/// Gives the wires without pairs the best of the qubits that are left.
fn settle_idle(demand: &Demand, costs: &Costs, places: &mut [usize]) {
    let mut used: Vec<bool> = vec![false; costs.width];
    places.iter().filter(|place| **place != usize::MAX).for_each(|place| used[*place] = true);
    for (wire, place) in places.iter_mut().enumerate().filter(|(_, place)| **place == usize::MAX) {
        let free = (0..costs.width).filter(|free| !used[*free]);
        let cost = |free: &usize| costs.site(demand, wire, *free);
        if let Some(best) = free.min_by(|a, b| cost(a).total_cmp(&cost(b))) {
            *place = best;
            used[best] = true;
        }
    }
}

/// A placement found by routing forwards and backwards from a random compact one (SABRE).
///
/// `component` are connected qubits, at least as many as there are wires with pairs.
pub(super) fn sabre(
    [forwards, backwards]: [&Order; 2],
    demand: &Demand,
    target: &Target,
    costs: &Costs,
    component: &[usize],
    rng: &mut ChaCha8Rng,
) -> Vec<usize> {
    let busy: Vec<usize> =
        (0..demand.width()).filter(|wire| demand.pairs.keys().any(|pair| pair.contains(wire))).collect();
    let mut region = vec![component[rng.random_range(0..component.len())]];
    while region.len() < busy.len() {
        let mut edge: Vec<usize> =
            region.iter().flat_map(|q| target.neighbours(*q).iter().copied()).collect();
        edge.retain(|q| !region.contains(q));
        region.push(edge[rng.random_range(0..edge.len())]);
    }
    let mut places = vec![usize::MAX; demand.width()];
    for wire in busy {
        places[wire] = region.swap_remove(rng.random_range(0..region.len()));
    }
    settle_idle(demand, costs, &mut places);
    for _ in 0..2 {
        places = route(forwards, target, &places, rng).end;
        places = route(backwards, target, &places, rng).end;
    }
    places
}

/// The cost of the entanglers of a routed circuit. If `merge`, a gate and a swap on one pair with nothing but constant
/// gates between count as what their product takes: two entanglers, not four, and never more than three.
pub(super) fn cost_of_route(
    routed: &Route,
    (steps, order): (&[Instruction], &Order),
    costs: &Costs,
    merge: bool,
) -> f64 {
    let mut places = Places::new(&routed.start, costs.width);
    // for each physical qubit the other one of its open block, and how many entanglers that takes
    let mut blocks: Vec<Option<(usize, f64)>> = vec![None; costs.width];
    let mut sum = 0.0;
    for step in &routed.moves {
        let (pair, swap) = match *step {
            Move::Swap(p, q) => {
                places.swap(p, q);
                ([p, q], true)
            }
            Move::Step(at) => match order.pairs[at] {
                Some([a, b]) => ([places.of[a], places.of[b]], false),
                None if matches!(&steps[at], Instruction::Gate(call) if call.is_constant()) => continue,
                None => {
                    steps[at].qubits().iter().for_each(|wire| blocks[places.of[*wire]] = None);
                    continue;
                }
            },
        };
        let [p, q] = pair;
        let open = blocks[p].filter(|(other, _)| merge && *other == q && blocks[q].is_some_and(|b| b.0 == p));
        let before = open.map_or(0.0, |(_, count)| count);
        let count = match (before, swap) {
            (0.0, true) => 3.0,
            (1.0, true) => 2.0,
            (count, _) => (count + 1.0).min(3.0),
        };
        sum += (count - before) * costs.pair(p, q);
        blocks[p] = Some((q, count));
        blocks[q] = Some((p, count));
    }
    sum
}
