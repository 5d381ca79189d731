//! How a schedule multiplies what a stage holds.

use super::schedule::PipelineSchedule;

/// A schedule with its numbers: how often a stage holds its parameters and its micro-batches.
///
/// Stage `x` needs `W (2 + k) + V (v_x - 1) + (c_x - 1) A_x + P_x` bytes (DawnPiper, arXiv:2505.05856): parameters with a gradient and
/// `k` moments, `v_x` versions of those that the backward pass reads, what `c_x - 1` micro-batches in flight keep, and the peak of one
/// that goes through. Of other parameters, such as tables and biases, no pass waits for an older version.
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

    /// Micro-batches whose gradients of weights a stage owes, at most.
    pub fn owed(&self, stage: usize) -> u64 {
        if self.schedule.splits_backward() { stage.min(self.micro_batches) as u64 } else { 0 }
    }

    /// Bytes of so many of parameters with gradients and moments, and of older versions of those that the backward pass reads.
    pub fn parameters(&self, stage: usize, owned: u64, read_back: u64) -> u64 {
        owned * (2 + self.moments as u64) + read_back * self.versions(stage).saturating_sub(1)
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
    fn bubbles_are_those_of_the_schedules() {
        let law = |schedule| Law { schedule, stages: 4, micro_batches: 8, moments: 2 };
        let step = |schedule| law(schedule).step_seconds(&[1.0; 4], 0.0);
        assert_eq!(step(PipelineSchedule::OneForwardOneBackward), 11.0);
        assert_eq!(step(PipelineSchedule::GPipe), 11.0);
        assert_eq!(step(PipelineSchedule::ZeroBubble), 9.0);
        assert_eq!(step(PipelineSchedule::PipeDream), 8.0);
        let pipedream = law(PipelineSchedule::PipeDream);
        assert_eq!((pipedream.parameters(0, 10, 1), pipedream.parameters(3, 10, 1)), (43, 40));
        assert_eq!(law(PipelineSchedule::GPipe).in_flight(3), 8);
        assert_eq!(law(PipelineSchedule::ZeroBubble).owed(2), 2);
    }
}
