//! Undoing a schedule: reversed pulses, and folding with them (arXiv:2305.12597).

use std::sync::Arc;

use super::{Schedule, ScheduleBuilder, Step};
use crate::{Error, Result};

impl Schedule {
    /// The schedule that undoes this one: what was at t for d is at T - t - d, amplitudes are negated, frames turn back.
    ///
    /// Envelopes are made anew with the negated amplitude, not played backwards: a DRAG keeps its beta, because the third level
    /// that it avoids is still there. After the schedule, frames are where they were before it; so are pulses, whose phases are
    /// those of the frame in which they were played. A frequency that a schedule *sets*, or a phase, is undone as if the frame
    /// had been at its carrier and at 0 before.
    ///
    /// # Errors
    /// [`Error::Irreversible`] for a schedule that captures.
    pub fn reversed(&self) -> Result<Self> {
        if self.bits > 0 {
            return Err(Error::Irreversible { step: format!("`capture` in `{}`", self.name) });
        }
        if let [Step::Block { name, steps, reversed: true }] = &self.steps[..] {
            return Ok(Self { name: name.clone(), steps: steps.clone(), ..self.clone() });
        }
        let block = Step::Block { name: self.name.clone(), steps: self.steps.clone(), reversed: true };
        block.check_size(&self.name)?;
        Ok(Self { name: format!("reversed {}", self.name), steps: Arc::new([block]), ..self.clone() })
    }

    /// The schedule, then `folds` times its reverse and itself again: `S (S^R S)^folds`, which without noise does the same and
    /// with noise `2 folds + 1` times as much of it.
    ///
    /// # Errors
    /// [`Error::Irreversible`] for a schedule that captures, [`Error::ScheduleSize`] for one that becomes too large.
    pub fn folded(&self, folds: usize) -> Result<Self> {
        let reversed = self.reversed()?;
        let mut b = ScheduleBuilder::new(format!("{} folded {folds} times", self.name));
        b.append(self);
        for _ in 0..folds {
            b.append(&reversed);
            b.append(self);
            if b.is_refused() {
                break;
            }
        }
        b.finish()
    }
}

#[cfg(test)]
mod tests;
