//! How long a step takes on devices that are not here: discrete events of the programs that workers run.

use std::collections::BTreeMap;

use super::mark::Duty;
use super::program::Program;
use super::timeline::{Span, Timeline};
use crate::operator::Peer;
use crate::plan::{Clock, Cluster, Copies, Times};
use crate::{Error, Result};

/// What is simulated: programs, how long their nodes take, and what connects the stages.
///
/// A stage takes its nodes in order. A tensor leaves when it is sent, as soon as the link to its receiver is free, and who receives
/// it waits until it is there; sending takes no time of the sender's device, except where copies [wait](Copies::Wait).
#[derive(Debug, Clone, Copy)]
pub struct Simulation<'a> {
    /// Seconds of the model's nodes.
    pub times: &'a Times,
    /// The links, and how fast memory is.
    pub cluster: &'a Cluster,
}

/// A link that carries one thing after another.
#[derive(Debug, Default, Clone, Copy)]
struct Lane {
    free: f64,
}

impl Lane {
    /// When something that is ready then has arrived.
    fn carry(&mut self, ready: f64, seconds: f64) -> f64 {
        self.free = self.free.max(ready) + seconds;
        self.free
    }
}

#[derive(Debug, Default)]
struct Stage {
    /// The next node.
    next: usize,
    now: f64,
    /// When tensors that the host sends are there, by number of the value.
    arrivals: BTreeMap<usize, f64>,
    spans: Vec<Span>,
}

impl Simulation<'_> {
    /// Simulates a step.
    ///
    /// # Errors
    /// [`Error::Partition`] for stages that wait for one another for ever.
    pub fn run(&self, programs: &[Program]) -> Result<Timeline> {
        let waits = self.cluster.copies == Copies::Wait;
        let mut stages: Vec<Stage> = programs.iter().map(|_| Stage::default()).collect();
        let mut sent: BTreeMap<(usize, usize, u64), f64> = BTreeMap::new();
        let mut links: BTreeMap<(usize, usize), Lane> = BTreeMap::new();
        let mut hosts: BTreeMap<(usize, bool), Lane> = BTreeMap::new();
        // of all stages that can go on, the one that is furthest behind does, so that shared links serve in order of time
        while let Some(k) = (0..stages.len())
            .filter(|&k| {
                programs[k].marks().get(stages[k].next).is_some_and(|mark| match mark.duty {
                    Duty::Receive(Peer::Stage(from), tag) => sent.contains_key(&(from, k, tag)),
                    _ => true,
                })
            })
            .min_by(|&a, &b| stages[a].now.total_cmp(&stages[b].now))
        {
            let (program, stage) = (&programs[k], &mut stages[k]);
            let (mark, bytes) = (program.marks()[stage.next], program.carried(stage.next));
            // copies to the host use one lane for each direction, of the device or of all
            let lane = |out| (if self.cluster.host_shared { 0 } else { k }, out);
            let node = &program.plan().graph().nodes()[stage.next];
            let mut from = stage.now;
            let mut to = from;
            match mark.duty {
                Duty::Send(Peer::Stage(other), tag) => {
                    if waits {
                        to += bytes as f64 / self.cluster.bandwidth;
                    }
                    let arrives =
                        links.entry((k, other)).or_default().carry(to, self.cluster.link.seconds(bytes));
                    sent.insert((k, other, tag), arrives);
                }
                Duty::Receive(Peer::Stage(other), tag) => {
                    to = from.max(sent.remove(&(other, k, tag)).unwrap_or(from));
                    from = to;
                    if waits {
                        to += bytes as f64 / self.cluster.bandwidth;
                    }
                }
                Duty::Send(..) | Duty::Receive(..) => {
                    let out = matches!(mark.duty, Duty::Send(..));
                    let seconds = self.cluster.host.seconds(bytes);
                    if waits {
                        to += seconds;
                    } else {
                        let arrives = hosts.entry(lane(out)).or_default().carry(from, seconds);
                        if !out {
                            stage.arrivals.insert(node.results[0].index(), arrives);
                        }
                    }
                }
                Duty::Run(_) | Duty::Again(_) | Duty::Sum | Duty::Change => {
                    let there =
                        node.operands.iter().filter_map(|value| stage.arrivals.remove(&value.index()));
                    from = there.fold(from, f64::max);
                    to = from + self.seconds(program, stage.next);
                }
            }
            stage.spans.push(Span { stage: k, mark, from, to });
            (stage.now, stage.next) = (to, stage.next + 1);
        }
        if let Some(k) = (0..stages.len()).find(|&k| stages[k].next < programs[k].marks().len()) {
            let found = format!("stage {k} that waits for ever at its node {}", stages[k].next);
            return Err(Error::Partition { found, expected: "stages that send what others wait for".into() });
        }
        let spans = stages.into_iter().flat_map(|stage| stage.spans).collect();
        Ok(Timeline::new(spans, Clock::Simulated))
    }

    fn seconds(&self, program: &Program, k: usize) -> f64 {
        match program.marks()[k].duty {
            Duty::Run(node) | Duty::Again(node) => self.times.node(node),
            // sums and changes of parameters are traffic with memory
            _ => self.cluster.launch + program.plan().cost(k).bytes as f64 / self.cluster.bandwidth,
        }
    }
}
