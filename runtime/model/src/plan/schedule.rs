//! In which order a stage takes the passes of its micro-batches.

use std::fmt;

/// A part of the work on a micro-batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// The forward pass.
    Forward,
    /// The backward pass; where gradients of weights wait, only what earlier stages wait for.
    Backward,
    /// Gradients of weights that waited.
    Weights,
    /// A change of the parameters, where there is one for each micro-batch.
    Update,
}

/// One entry of a stage's schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Turn {
    /// What is done.
    pub phase: Phase,
    /// Number of the micro-batch.
    pub micro_batch: usize,
}

/// Schedules of pipelines.
///
/// | schedule | micro-batches in flight on stage `x` of `l` | versions of parameters | bubble |
/// |---|---|---|---|
/// | GPipe (arXiv:1811.06965) | `M` | 1 | `(l-1)/M` |
/// | 1F1B with a flush (arXiv:2006.09503) | `min(l-x, M)` | 1 | `(l-1)/M` |
/// | PipeDream (arXiv:1806.03377), no flush within a step | `min(l-x, M)` | `min(l-x, M)` | 0 |
/// | ZB-H1 (arXiv:2401.10241), gradients of weights put off | `min(l-x, M)` | 1 | a third of 1F1B's |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PipelineSchedule {
    /// All forward passes, then all backward passes.
    GPipe,
    /// One forward, one backward, as soon as each can run; parameters change after the last micro-batch.
    OneForwardOneBackward,
    /// The same order, but parameters change after each backward pass; a micro-batch sees one version in both of its passes.
    PipeDream,
    /// One forward, one backward, and gradients of weights where the stage would wait.
    ZeroBubble,
}

impl PipelineSchedule {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::GPipe, Self::OneForwardOneBackward, Self::PipeDream, Self::ZeroBubble];

    /// Whether parameters change once a step, so that the gradients are those of one device.
    pub const fn is_synchronous(self) -> bool {
        !matches!(self, Self::PipeDream)
    }

    /// Whether gradients of weights are turns of their own.
    pub const fn splits_backward(self) -> bool {
        matches!(self, Self::ZeroBubble)
    }

    /// The most micro-batches that stage `stage` of `stages` has begun and not taken back.
    pub fn in_flight(self, stage: usize, stages: usize, micro_batches: usize) -> usize {
        match self {
            Self::GPipe => micro_batches,
            _ => (stages - stage).min(micro_batches),
        }
    }

    /// The most versions of its parameters that a stage holds at once.
    pub fn versions(self, stage: usize, stages: usize, micro_batches: usize) -> usize {
        if self.is_synchronous() { 1 } else { self.in_flight(stage, stages, micro_batches) }
    }

    /// What a stage does in a step, in order.
    pub fn turns(self, stage: usize, stages: usize, micro_batches: usize) -> Vec<Turn> {
        let turn = |phase, micro_batch| Turn { phase, micro_batch };
        let ahead = self.in_flight(stage, stages, micro_batches);
        let mut turns = Vec::new();
        if self == Self::GPipe {
            turns.extend((0..micro_batches).map(|m| turn(Phase::Forward, m)));
            turns.extend((0..micro_batches).map(|m| turn(Phase::Backward, m)));
            return turns;
        }
        turns.extend((0..ahead - 1).map(|m| turn(Phase::Forward, m)));
        // a stage owes as many gradients of weights as it will wait for gradients at the end
        let owed = if self.splits_backward() { stage.min(micro_batches) } else { 0 };
        let mut weights = 0;
        for m in 0..micro_batches {
            if m + ahead - 1 < micro_batches {
                turns.push(turn(Phase::Forward, m + ahead - 1));
            }
            turns.push(turn(Phase::Backward, m));
            if self == Self::PipeDream {
                turns.push(turn(Phase::Update, m));
            }
            if self.splits_backward() && m >= owed {
                turns.push(turn(Phase::Weights, weights));
                weights += 1;
            }
        }
        if self.splits_backward() {
            turns.extend((weights..micro_batches).map(|m| turn(Phase::Weights, m)));
        }
        turns
    }
}

impl fmt::Display for PipelineSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GPipe => "GPipe",
            Self::OneForwardOneBackward => "1F1B",
            Self::PipeDream => "PipeDream",
            Self::ZeroBubble => "ZB-H1",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pass once and in order, never more in flight than said, never more versions than said.
    #[test]
    fn schedules_keep_their_promises() {
        for schedule in PipelineSchedule::ALL {
            for stages in 1..6 {
                for micro_batches in 1..9 {
                    for stage in 0..stages {
                        let turns = schedule.turns(stage, stages, micro_batches);
                        let order = |phase| {
                            turns
                                .iter()
                                .filter(|t| t.phase == phase)
                                .map(|t| t.micro_batch)
                                .collect::<Vec<_>>()
                        };
                        let all: Vec<_> = (0..micro_batches).collect();
                        assert_eq!(order(Phase::Forward), all);
                        assert_eq!(order(Phase::Backward), all);
                        assert_eq!(
                            order(Phase::Weights),
                            if schedule.splits_backward() { all.clone() } else { vec![] }
                        );
                        assert_eq!(
                            order(Phase::Update),
                            if schedule.is_synchronous() { vec![] } else { all }
                        );
                        let (mut begun, mut back, mut most) = (0, 0, 0);
                        for turn in &turns {
                            match turn.phase {
                                Phase::Forward => begun += 1,
                                Phase::Backward => {
                                    assert!(begun > turn.micro_batch);
                                    back += 1;
                                }
                                Phase::Weights => assert!(back > turn.micro_batch),
                                Phase::Update => assert_eq!(back, turn.micro_batch + 1),
                            }
                            most = most.max(begun - back.min(begun));
                        }
                        assert_eq!(
                            most,
                            schedule.in_flight(stage, stages, micro_batches),
                            "{schedule} {stage}/{stages}"
                        );
                    }
                }
            }
        }
    }

    /// Stages that wait for one another as the schedules say never wait for ever.
    #[test]
    fn schedules_run_to_their_end() {
        for schedule in PipelineSchedule::ALL {
            for stages in 1..6 {
                for micro_batches in 1..9 {
                    let turns: Vec<_> =
                        (0..stages).map(|s| schedule.turns(s, stages, micro_batches)).collect();
                    let mut next = vec![0; stages];
                    let done = |next: &[usize], stage: usize, phase, m| {
                        turns[stage][..next[stage]].contains(&Turn { phase, micro_batch: m })
                    };
                    while next.iter().zip(&turns).any(|(next, turns)| *next < turns.len()) {
                        let ready = (0..stages).find(|&s| {
                            turns[s].get(next[s]).is_some_and(|turn| match turn.phase {
                                Phase::Forward => {
                                    s == 0 || done(&next, s - 1, Phase::Forward, turn.micro_batch)
                                }
                                Phase::Backward => {
                                    s + 1 == stages || done(&next, s + 1, Phase::Backward, turn.micro_batch)
                                }
                                _ => true,
                            })
                        });
                        let stage =
                            ready.unwrap_or_else(|| panic!("{schedule} {stages} {micro_batches}: {next:?}"));
                        next[stage] += 1;
                    }
                }
            }
        }
    }
}
