//! Random rows of nodes, to try searches for cuts on.

use std::ops::Range;

use super::price::Stages;

/// Numbers of a linear congruential generator (Knuth, MMIX).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Uniform from 0 to below 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }
}

/// How a stage pays for what does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payment {
    /// The same seconds for each byte of overflow, whatever the stage.
    Alike,
    /// The seconds of its nodes that run again, the cheapest for a byte first.
    Own,
}

/// A row with seconds, parameters and saved bytes of each node; stage `x` of `l` has `l - x` micro-batches in flight.
#[derive(Debug, Clone)]
pub(crate) struct RandomRow {
    seconds: Vec<f64>,
    parameters: Vec<f64>,
    saved: Vec<f64>,
    stages: usize,
    pub(crate) memory: f64,
    payment: Payment,
    pub(crate) leaves: usize,
}

impl RandomRow {
    /// Nodes of very different seconds and bytes, which grow or fall along the row, and memory for a part of the mean demand.
    pub(crate) fn new(dice: &mut Dice, nodes: usize, stages: usize, payment: Payment) -> Self {
        let mut draw = |spread: f64| {
            let trend = 4.0 * dice.uniform() - 2.0;
            let at = |k| trend * k as f64 / nodes as f64;
            (0..nodes).map(|k| (at(k) + spread * dice.uniform()).exp()).collect::<Vec<_>>()
        };
        let (seconds, parameters, saved) = (draw(2.0), draw(2.0), draw(3.0));
        let mut row = Self { seconds, parameters, saved, stages, memory: 0.0, payment, leaves: 0 };
        let all: f64 = (0..stages).map(|x| row.demand(x, &(0..nodes))).sum::<f64>() / stages as f64;
        row.memory = all / stages as f64 * (0.4 + dice.uniform());
        row
    }
}

impl Stages for RandomRow {
    fn nodes(&self) -> usize {
        self.seconds.len()
    }

    fn stages(&self) -> usize {
        self.stages
    }

    fn can_cut(&self, before: usize) -> bool {
        (1..self.nodes()).contains(&before)
    }

    fn compute(&self, nodes: &Range<usize>) -> f64 {
        self.seconds[nodes.clone()].iter().sum()
    }

    fn demand(&self, x: usize, nodes: &Range<usize>) -> f64 {
        let sum = |of: &[f64]| of[nodes.clone()].iter().sum::<f64>();
        sum(&self.parameters) + sum(&self.saved) * (self.stages - x) as f64
    }

    fn price(&mut self, x: usize, nodes: Range<usize>) -> Option<f64> {
        self.leaves += 1;
        let mut over = self.demand(x, &nodes) - self.memory;
        let mut seconds = self.compute(&nodes);
        if self.payment == Payment::Alike {
            return Some(seconds + over.max(0.0));
        }
        let mut order: Vec<usize> = nodes.collect();
        order.sort_by(|&a, &b| {
            (self.seconds[a] / self.saved[a]).total_cmp(&(self.seconds[b] / self.saved[b]))
        });
        for node in order {
            if over <= 0.0 {
                break;
            }
            over -= self.saved[node] * (self.stages - x) as f64;
            seconds += self.seconds[node] / 3.0;
        }
        (over <= 0.0).then_some(seconds)
    }
}
