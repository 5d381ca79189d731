//! Routing: swaps that bring the qubits of every gate together (SABRE, Li, Ding and Xie, ASPLOS 2019).

use std::collections::BTreeSet;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::super::target::Target;
use super::native::pair;
use crate::circuit::Instruction;

/// How many gates beyond the front are looked at.
const LOOKAHEAD: usize = 20;

/// The weight of those gates against the front.
const LOOKAHEAD_WEIGHT: f64 = 0.5;

/// What a swap adds to the cost of later swaps of the same qubits, so that swaps spread and run at the same time.
const DECAY: f64 = 0.001;

/// After so many swaps the decay starts afresh.
const DECAY_PERIOD: usize = 5;

/// Which step waits for which, by qubits and bits.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// For each step the wires that must be neighbours.
    pub(super) pairs: Vec<Option<[usize; 2]>>,
    after: Vec<Vec<usize>>,
    before: Vec<Vec<usize>>,
}

impl Order {
    pub(super) fn new(width: usize, bits: usize, steps: &[Instruction]) -> Self {
        let mut last = vec![None; width + bits];
        let (mut after, mut before) = (vec![Vec::new(); steps.len()], vec![Vec::new(); steps.len()]);
        for (at, step) in steps.iter().enumerate() {
            let places = step.qubits().into_iter().chain(step.bits().into_iter().map(|bit| bit + width));
            for place in places {
                if let Some(previous) = last[place].replace(at).filter(|p| !before[at].contains(p)) {
                    after[previous].push(at);
                    before[at].push(previous);
                }
            }
        }
        Self { pairs: steps.iter().map(only_pair).collect(), after, before }
    }

    /// The order of the steps from the last to the first.
    pub(super) fn reversed(&self) -> Self {
        let count = self.pairs.len();
        let turn = |lists: &[Vec<usize>]| {
            lists.iter().rev().map(|list| list.iter().map(|at| count - 1 - at).collect()).collect()
        };
        Self {
            pairs: self.pairs.iter().rev().copied().collect(),
            after: turn(&self.before),
            before: turn(&self.after),
        }
    }
}

/// The pair of wires that a step needs together; the body of a condition may name one pair only.
fn only_pair(step: &Instruction) -> Option<[usize; 2]> {
    let Instruction::If { body, .. } = step else { return pair(step) };
    let mut pairs = body.iter().filter_map(|inner| match inner {
        Instruction::If { .. } => only_pair(inner),
        _ => pair(inner),
    });
    let first = pairs.next()?;
    pairs.all(|[a, b]| first == [a, b] || first == [b, a]).then_some(first)
}

/// What routing does, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// Runs a step.
    Step(usize),
    /// Exchanges two physical qubits.
    Swap(usize, usize),
}

/// A routed circuit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) moves: Vec<Move>,
    /// Where each wire stands before and after.
    pub(super) start: Vec<usize>,
    pub(super) end: Vec<usize>,
}

impl Route {
    pub(super) fn swaps(&self) -> usize {
        self.moves.iter().filter(|step| matches!(step, Move::Swap(..))).count()
    }
}

/// Wires on physical qubits.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) of: Vec<usize>,
    held: Vec<Option<usize>>,
}

impl Places {
    pub(super) fn new(of: &[usize], width: usize) -> Self {
        let mut held = vec![None; width];
        of.iter().enumerate().for_each(|(wire, place)| held[*place] = Some(wire));
        Self { of: of.to_vec(), held }
    }

    pub(super) fn swap(&mut self, p: usize, q: usize) {
        self.held.swap(p, q);
        for place in [p, q] {
            if let Some(wire) = self.held[place] {
                self.of[wire] = place;
            }
        }
    }
}

/// Routes the steps from the placement `start`. All pairs must be within reach of each other.
pub(super) fn route(order: &Order, target: &Target, start: &[usize], rng: &mut ChaCha8Rng) -> Route {
    let mut router = Router {
        order,
        target,
        places: Places::new(start, target.width()),
        waiting: order.before.iter().map(Vec::len).collect(),
        front: (0..order.pairs.len()).filter(|at| order.before[*at].is_empty()).collect(),
        moves: Vec::with_capacity(order.pairs.len()),
    };
    router.run(rng);
    Route { moves: router.moves, start: start.to_vec(), end: router.places.of }
}

struct Router<'a> {
    order: &'a Order,
    target: &'a Target,
    places: Places,
    /// For each step how many others it waits for.
    waiting: Vec<usize>,
    /// Steps that wait for no other.
    front: BTreeSet<usize>,
    moves: Vec<Move>,
}

impl Router<'_> {
    fn run(&mut self, rng: &mut ChaCha8Rng) {
        let width = self.target.width();
        let mut decay = vec![1.0; width];
        let mut swaps = 0; // since a gate was last run
        let patience = 3 * width.min(self.order.pairs.len()) + 10;
        self.advance();
        let mut ahead = self.lookahead();
        while !self.front.is_empty() {
            if swaps == patience {
                self.insist(swaps);
            } else {
                let (p, q) = self.best_swap(&ahead, &decay, rng);
                self.swap(p, q);
                swaps += 1;
                decay[p] += DECAY;
                decay[q] += DECAY;
            }
            if self.advance() {
                swaps = 0;
                ahead = self.lookahead();
            }
            if swaps % DECAY_PERIOD == 0 {
                decay.fill(1.0);
            }
        }
    }

    fn swap(&mut self, p: usize, q: usize) {
        self.moves.push(Move::Swap(p, q));
        self.places.swap(p, q);
    }

    fn hops(&self, [a, b]: [usize; 2]) -> usize {
        self.target.hops(self.places.of[a], self.places.of[b])
    }

    /// Runs all steps that can be run, and says whether there were any.
    fn advance(&mut self) -> bool {
        let before = self.moves.len();
        loop {
            let free = |at: &usize| self.order.pairs[*at].is_none_or(|pair| self.hops(pair) == 1);
            let Some(at) = self.front.iter().copied().find(free) else { return self.moves.len() > before };
            self.front.remove(&at);
            self.moves.push(Move::Step(at));
            for next in &self.order.after[at] {
                self.waiting[*next] -= 1;
                if self.waiting[*next] == 0 {
                    self.front.insert(*next);
                }
            }
        }
    }

    /// The next pairs behind the front.
    fn lookahead(&self) -> Vec<[usize; 2]> {
        let mut pairs = Vec::with_capacity(LOOKAHEAD);
        let mut seen: BTreeSet<usize> = self.front.clone();
        let mut level: Vec<usize> = self.front.iter().copied().collect();
        while !level.is_empty() && pairs.len() < LOOKAHEAD {
            let mut next_level = Vec::new();
            for next in level.iter().flat_map(|at| &self.order.after[*at]) {
                if seen.insert(*next) {
                    next_level.push(*next);
                    pairs.extend(self.order.pairs[*next]);
                }
            }
            level = next_level;
        }
        pairs.truncate(LOOKAHEAD);
        pairs
    }

    fn best_swap(&self, ahead: &[[usize; 2]], decay: &[f64], rng: &mut ChaCha8Rng) -> (usize, usize) {
        let front: Vec<_> = self.front.iter().filter_map(|at| self.order.pairs[*at]).collect();
        let near = |wire: usize| {
            let place = self.places.of[wire];
            self.target.neighbours(place).iter().map(move |other| (place.min(*other), place.max(*other)))
        };
        let candidates: BTreeSet<_> = front.iter().flatten().flat_map(|wire| near(*wire)).collect();
        let mut best = (f64::INFINITY, Vec::new());
        for (p, q) in candidates {
            let place = |wire: usize| match self.places.of[wire] {
                at if at == p => q,
                at if at == q => p,
                at => at,
            };
            let mean = |pairs: &[[usize; 2]]| {
                let hops: usize = pairs.iter().map(|[a, b]| self.target.hops(place(*a), place(*b))).sum();
                hops as f64 / pairs.len().max(1) as f64
            };
            let cost = decay[p].max(decay[q]) * (mean(&front) + LOOKAHEAD_WEIGHT * mean(ahead));
            if cost < best.0 - 1e-12 {
                best = (cost, vec![(p, q)]);
            } else if cost <= best.0 + 1e-12 {
                best.1.push((p, q));
            }
        }
        best.1[rng.random_range(0..best.1.len())]
    }

    /// Takes back swaps that led nowhere and goes the shortest way for the nearest pair.
    fn insist(&mut self, swaps: usize) {
        for _ in 0..swaps {
            if let Some(Move::Swap(p, q)) = self.moves.pop() {
                self.places.swap(p, q);
            }
        }
        let front = self.front.iter().filter_map(|at| self.order.pairs[*at]);
        let Some([a, b]) = front.min_by_key(|pair| self.hops(*pair)) else { return };
        for (p, q) in path(self.target, self.places.of[a], self.places.of[b]) {
            self.swap(p, q);
        }
    }
}

/// The swaps that bring what stands on `from` beside `to` on a shortest path.
pub(super) fn path(target: &Target, from: usize, to: usize) -> Vec<(usize, usize)> {
    let mut at = from;
    let mut swaps = Vec::new();
    while target.hops(at, to) > 1 {
        let closer = |next: &&usize| target.hops(**next, to) < target.hops(at, to);
        let Some(next) = target.neighbours(at).iter().find(closer) else { break };
        swaps.push((at, *next));
        at = *next;
    }
    swaps
}
