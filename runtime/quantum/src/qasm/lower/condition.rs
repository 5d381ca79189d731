//! Conditions on outcomes, taken apart into conditions on single bits.

use std::sync::Arc;

use super::super::diagnostic::{Fault, Located};
use super::super::syntax::{Block, Expression};
use super::value::Stop;
use super::{Flow, Lowering};
use crate::Instruction;

/// Questions of the largest condition.
const QUESTIONS: usize = 4096;

/// A condition as questions, one bit each.
#[derive(Debug, Clone, PartialEq)]
enum Tree {
    Leaf(bool),
    /// The slot that is asked, and what follows for 0 and for 1.
    Ask(usize, Arc<[Tree; 2]>),
}

impl<'a> Lowering<'a> {
    pub(super) fn conditional(
        &mut self,
        condition: &Expression<'a>,
        then: &Block<'a>,
        otherwise: &Block<'a>,
    ) -> Result<Flow, Located> {
        let mut questions = 0;
        let tree = self.decide(condition, 0, &mut questions)?;
        if let Tree::Leaf(value) = tree {
            return self.block(if value { then } else { otherwise }, condition.span);
        }
        if self.unitary > 0 {
            return Err(Fault::unsupported("`if`", "a gate consists of gates").at(condition.span));
        }
        let then = self.branch_steps(then, condition)?;
        let otherwise = self.branch_steps(otherwise, condition)?;
        let steps = self.ask(&tree, &then, &otherwise, condition)?;
        for step in steps {
            self.steps.push(step);
        }
        Ok(Flow::Next)
    }

    /// The steps of a block that runs under a condition.
    fn branch_steps(
        &mut self,
        block: &Block<'a>,
        condition: &Expression<'a>,
    ) -> Result<Vec<Instruction>, Located> {
        self.branch += 1;
        let mut flow = Flow::Next;
        let steps = self.collect(|lowering| {
            flow = lowering.block(block, condition.span)?;
            Ok(())
        });
        self.branch -= 1;
        if !matches!(flow, Flow::Next) {
            let reason = "a circuit has a fixed length, so no outcome can decide it";
            return Err(Fault::unsupported("leaving a block here", reason).at(condition.span));
        }
        steps
    }

    /// Finds out which outcomes decide a condition, by assuming one after the other.
    fn decide(
        &mut self,
        condition: &Expression<'a>,
        depth: usize,
        questions: &mut usize,
    ) -> Result<Tree, Located> {
        *questions += 1;
        if *questions > QUESTIONS || depth > 512 {
            return Err(Fault::Limit { what: "cases of a condition", limit: QUESTIONS }.at(condition.span));
        }
        let value = self.evaluate(condition).and_then(|value| self.truth(value, condition.span));
        let slot = match value {
            Ok(value) => return Ok(Tree::Leaf(value)),
            Err(Stop::Fault(located)) => return Err(located),
            Err(Stop::Open(slot, _)) => slot,
        };
        let mut side = |value| {
            self.assumed.insert(slot, value);
            let tree = self.decide(condition, depth + 1, questions);
            self.assumed.remove(&slot);
            tree
        };
        let (zero, one) = (side(false)?, side(true)?);
        Ok(if zero == one { zero } else { Tree::Ask(slot, Arc::new([zero, one])) })
    }

    /// The steps of a tree: those of `then` where it says true.
    fn ask(
        &mut self,
        tree: &Tree,
        then: &[Instruction],
        otherwise: &[Instruction],
        condition: &Expression<'a>,
    ) -> Result<Vec<Instruction>, Located> {
        let (slot, sides) = match tree {
            Tree::Leaf(value) => {
                let body = if *value { then } else { otherwise };
                self.charge(size(body), size(body), condition.span)?;
                return Ok(body.to_vec());
            }
            Tree::Ask(slot, sides) => (*slot, sides),
        };
        let mut parts = Vec::new();
        for (value, side) in [(false, &sides[0]), (true, &sides[1])] {
            let body = self.ask(side, then, otherwise, condition)?;
            if !body.is_empty() {
                parts.push(Instruction::If { bit: slot, value, body });
            }
        }
        // the first part must leave the bit as it is, or the second would be asked about another one
        let rewrites =
            |part: &Instruction| matches!(part, Instruction::If { body, .. } if writes(body, slot));
        if parts.len() == 2 && rewrites(&parts[0]) {
            parts.swap(0, 1);
        }
        if parts.len() == 2 && rewrites(&parts[0]) {
            let reason = "both of its sides measure into the bit that it asks";
            return Err(Fault::unsupported("this condition", reason).at(condition.span));
        }
        self.charge(parts.len(), parts.len(), condition.span)?;
        Ok(parts)
    }
}

/// Whether steps measure into a slot.
fn writes(steps: &[Instruction], slot: usize) -> bool {
    steps.iter().any(|step| match step {
        Instruction::Measure { bit, .. } => *bit == slot,
        Instruction::If { body, .. } => writes(body, slot),
        _ => false,
    })
}

/// How many steps there are, inside conditions too.
fn size(steps: &[Instruction]) -> usize {
    let inner = |step: &Instruction| match step {
        Instruction::If { body, .. } => 1 + size(body),
        Instruction::Gate(call) => 1 + call.qubits.len() / 8,
        Instruction::Barrier { qubits } => 1 + qubits.len() / 8,
        _ => 1,
    };
    steps.iter().map(inner).sum()
}
