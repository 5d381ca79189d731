//! The change of a parameter as a node, for graphs in which parameters change more than once.

#![allow(unsafe_code)] // parts of a parameter that workers change at once

use super::optimiser::Optimiser;
use super::schedule::Schedule;
use super::update::{CHUNK, Stride, change};
use crate::kernel::elementwise::Pair;
use crate::kernel::real::real;
use crate::kernel::shared::Shared;
use crate::operator::{Call, Cost, Operator, Role, rule};
use crate::{Extent, Result, TensorType};

/// Changes a parameter: operands are the parameter, its gradient and the rule's moments, results the new parameter and moments.
/// The number of the update is that of the step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The rule.
    pub rule: Optimiser,
    /// The learning rate over updates.
    pub schedule: Schedule,
}

impl Operator for Change {
    fn name(&self) -> &'static str {
        "change"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        let count = 2 + self.rule.moments().len();
        rule::count(self.name(), operands.len(), count..=count)?;
        rule::real(self.name(), &operands.iter().collect::<Vec<_>>())?;
        for operand in &operands[1..] {
            rule::equal(self.name(), "gradient and moments", &operand.shape, &operands[0].shape)?;
        }
        Ok(vec![operands[0].clone(); count - 1])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let factor = self.schedule.factor(call.step);
        let stride = Stride { scale: 1.0, factor, update: call.step + 1 };
        real!(call.operand_extent(0).dtype, T => {
            let new = |operand: usize, result: usize| {
                let to = match call.pair::<T>(operand, result) {
                    Pair::Same(to) => to,
                    Pair::Apart(from, to) => {
                        to.copy_from_slice(from);
                        to
                    }
                };
                Shared::new(to)
            };
            let p = new(0, 0);
            let g = call.operand::<T>(1);
            // rules have two moments at most; what a rule does not have, it does not ask for
            let moments = [0, 1].map(|k| if k < self.rule.moments().len() { new(k + 2, k + 1) } else { p });
            call.team().parts(g.len(), CHUNK, |from, to| {
                // SAFETY: parts are disjoint.
                let part = |of: Shared<'_, T>| unsafe { &mut *std::ptr::from_mut(of.part(from, to - from)) };
                change(&self.rule, part(p), &g[from..to], |k| part(moments[k]), stride);
            });
        });
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(12 * operands[0].elements(), operands, results)
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0), (2, 1), (3, 2)]
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        operands.iter().map(|operand| crate::operator::pass_all(operand.rank())).collect()
    }
}
