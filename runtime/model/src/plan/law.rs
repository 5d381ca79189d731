//! How a schedule multiplies what a stage holds.

use std::collections::{BTreeSet, VecDeque};

use super::schedule::{Phase, PipelineSchedule};

/// Gradients of parameters that are there while a turn is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grown {
    /// None.
    Nothing,
    /// Those that forward passes make, with the loss.
    Forward,
    /// Those, and what this turn has made so far, and turns of the same micro-batch before it.
    SoFar,
    /// All but those that wait.
    Early,
    /// All.
    All,
}

/// What a stage holds besides the micro-batch that goes through, while a turn is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) phase: Phase,
    /// Other micro-batches between their passes.
    pub(crate) begun: u64,
    /// Other micro-batches whose gradients of weights are owed.
    pub(crate) owed: u64,
    /// Versions of parameters before the latest.
    pub(crate) versions: u64,
    /// Whether one of these is read by this micro-batch alone, so that it goes as the pass goes.
    pub(crate) releases: bool,
    pub(crate) grown: Grown,
}

impl Load {
    fn is_within(&self, other: &Self) -> bool {
        (self.phase, self.grown) == (other.phase, other.grown)
            && self.begun <= other.begun
            && self.owed <= other.owed
            && self.versions <= other.versions
            && self.releases >= other.releases
    }
}

/// A schedule with its numbers: how often a stage holds its parameters and its micro-batches.
///
/// DawnPiper (arXiv:2505.05856) gives stage `x` `W (2 + k) + W (v_x - 1) + (c_x - 1) A_x + P_x` bytes: parameters with a gradient and `k`
/// moments, `v_x` versions of them, what `c_x - 1` micro-batches in flight keep, and the peak of one that goes through. Here this is
/// counted turn by turn: gradients grow in the first backward pass, where most micro-batches are in flight, and older versions are
/// held of those parameters alone that a backward pass reads, until it has read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Law {
    /// The order of passes.
    pub schedule: PipelineSchedule,
    /// Number of stages.
    pub stages: usize,
    /// Micro-batches of a step.
    pub micro_batches: usize,
    /// Tensors that the optimiser keeps for each parameter.
    pub moments: usize,
}

impl Law {
    /// Micro-batches in flight on a stage, at most.
    pub fn in_flight(&self, stage: usize) -> u64 {
        self.schedule.in_flight(stage, self.stages, self.micro_batches) as u64
    }

    /// Versions of a stage's parameters, at most.
    pub fn versions(&self, stage: usize) -> u64 {
        self.schedule.versions(stage, self.stages, self.micro_batches) as u64
    }

    /// What a stage holds turn by turn, without those turns in which it holds no more than in others.
    pub(crate) fn loads(&self, stage: usize) -> Vec<Load> {
        let mut loads: Vec<Load> = Vec::new();
        let (mut begun, mut owed, mut updates) = (VecDeque::new(), 0, 0);
        let mut grown = Grown::Nothing;
        for turn in self.schedule.turns(stage, self.stages, self.micro_batches) {
            let first = turn.micro_batch == 0 || !self.schedule.is_synchronous();
            let mut own = None;
            match turn.phase {
                Phase::Backward => own = begun.pop_front(),
                Phase::Weights => owed -= 1,
                Phase::Forward | Phase::Update => {}
            }
            // an update writes a version beside those that others will read
            let latest = if turn.phase == Phase::Update { updates + 1 } else { updates };
            let versions: BTreeSet<u64> =
                begun.iter().chain(&own).copied().filter(|&version| version != latest).collect();
            let releases = own.is_some_and(|own| own != latest && !begun.contains(&own));
            let load = Load {
                phase: turn.phase,
                releases,
                begun: begun.len() as u64,
                owed,
                versions: versions.len() as u64,
                grown: match turn.phase {
                    Phase::Update => Grown::All,
                    Phase::Backward | Phase::Weights if first => Grown::SoFar,
                    _ => grown,
                },
            };
            match turn.phase {
                Phase::Forward => {
                    begun.push_back(updates);
                    if first && self.schedule.is_synchronous() {
                        grown = Grown::Forward;
                    }
                }
                Phase::Backward if self.schedule.splits_backward() => {
                    owed += 1;
                    grown = if grown == Grown::All { grown } else { Grown::Early };
                }
                Phase::Backward | Phase::Weights if self.schedule.is_synchronous() => grown = Grown::All,
                Phase::Backward | Phase::Weights => {}
                Phase::Update => updates += 1,
            }
            if !loads.iter().any(|other| load.is_within(other)) {
                loads.retain(|other| !other.is_within(&load));
                loads.push(load);
            }
        }
        loads
    }

    /// Seconds of a step whose stages take so long for a micro-batch, and what crosses between all of them so long together: what
    /// the slowest one takes for all, and what it waits for the others to fill and to drain.
    pub fn step_seconds(&self, stages: &[f64], transfers: f64) -> f64 {
        let slowest = stages.iter().copied().fold(0.0, f64::max);
        let fill = stages.iter().sum::<f64>() - slowest + transfers;
        let share = match self.schedule {
            PipelineSchedule::PipeDream => 0.0,
            // a third of a micro-batch's work is put where it would wait; what fills the rest is of equal size
            PipelineSchedule::ZeroBubble => 1.0 / 3.0,
            _ => 1.0,
        };
        slowest * self.micro_batches as f64 + share * fill
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_those_of_the_turns() {
        let loads = |schedule, stage| Law { schedule, stages: 3, micro_batches: 5, moments: 2 }.loads(stage);
        let load = |phase, begun, owed, versions, grown| {
            let releases = versions > 0 && phase == Phase::Backward;
            Load { phase, begun, owed, versions, releases, grown }
        };
        assert_eq!(
            loads(PipelineSchedule::GPipe, 1),
            [
                load(Phase::Forward, 0, 0, 0, Grown::Nothing),
                load(Phase::Forward, 4, 0, 0, Grown::Forward),
                load(Phase::Backward, 4, 0, 0, Grown::SoFar),
                load(Phase::Backward, 3, 0, 0, Grown::All),
            ]
        );
        assert_eq!(
            loads(PipelineSchedule::OneForwardOneBackward, 2),
            [
                load(Phase::Forward, 0, 0, 0, Grown::Nothing),
                load(Phase::Backward, 0, 0, 0, Grown::SoFar),
                load(Phase::Forward, 0, 0, 0, Grown::All),
                load(Phase::Backward, 0, 0, 0, Grown::All),
            ]
        );
        let versions = loads(PipelineSchedule::PipeDream, 0);
        for load in [
            load(Phase::Forward, 2, 0, 2, Grown::Nothing),
            load(Phase::Backward, 2, 0, 2, Grown::SoFar),
            load(Phase::Update, 2, 0, 2, Grown::All),
        ] {
            assert!(versions.contains(&load), "{versions:?}");
        }
        let owing = loads(PipelineSchedule::ZeroBubble, 2);
        assert!(owing.contains(&load(Phase::Weights, 0, 2, 0, Grown::All)), "{owing:?}");
        assert!(owing.contains(&load(Phase::Backward, 0, 2, 0, Grown::All)), "{owing:?}");
    }

    #[test]
    fn bubbles_are_those_of_the_schedules() {
        let law = |schedule| Law { schedule, stages: 4, micro_batches: 8, moments: 2 };
        let step = |schedule| law(schedule).step_seconds(&[1.0; 4], 0.0);
        assert_eq!(step(PipelineSchedule::OneForwardOneBackward), 11.0);
        assert_eq!(step(PipelineSchedule::GPipe), 11.0);
        assert_eq!(step(PipelineSchedule::ZeroBubble), 9.0);
        assert_eq!(step(PipelineSchedule::PipeDream), 8.0);
        assert_eq!(law(PipelineSchedule::GPipe).in_flight(3), 8);
    }
}
