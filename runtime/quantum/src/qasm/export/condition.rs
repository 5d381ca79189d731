//! Conditions of version 2, which compares whole registers and runs one step.

use super::Writer;
use crate::{Instruction, Result};

/// Bits of the widest register that is compared with a number.
const WIDEST: usize = 62;

/// A step with the bits that must have values for it to run.
type Conditional<'c> = (Vec<(usize, bool)>, &'c Instruction);

/// Takes conditions with several steps, or inside each other, apart.
fn flatten<'c>(step: &'c Instruction, asked: &[(usize, bool)], all: &mut Vec<Conditional<'c>>) {
    match step {
        Instruction::If { bit, value, body } => {
            let mut asked = asked.to_vec();
            match asked.iter().find(|(other, _)| other == bit) {
                Some((_, known)) if known != value => return, // it never runs
                Some(_) => {}
                None => asked.push((*bit, *value)),
            }
            for inner in body {
                flatten(inner, &asked, all);
            }
        }
        _ => all.push((asked.to_vec(), step)),
    }
}

/// Registers for `bits` bits, `(start, len)`, so that bits that are asked together are in one.
pub(super) fn registers(steps: &[Instruction], bits: usize) -> Vec<(usize, usize)> {
    // whether a bit is in one register with the next one
    let mut joined = vec![false; bits];
    let mut asked = vec![false; bits];
    for step in steps {
        let mut all = Vec::new();
        flatten(step, &[], &mut all);
        for (places, _) in all {
            let first = places.iter().map(|(bit, _)| *bit).min();
            let last = places.iter().map(|(bit, _)| *bit).max();
            if let (Some(first), Some(last)) = (first, last) {
                joined[first..last].fill(true);
                asked[first..=last].fill(true);
            }
        }
    }
    // bits that nobody asks are in one register with their neighbours that nobody asks
    for bit in 1..bits {
        if !asked[bit - 1] && !asked[bit] {
            joined[bit - 1] = true;
        }
    }
    let mut registers = Vec::new();
    let mut start = 0;
    for (bit, joined) in joined.iter().enumerate() {
        if !joined || bit + 1 == bits {
            registers.push((start, bit + 1 - start));
            start = bit + 1;
        }
    }
    registers
}

impl Writer<'_> {
    pub(super) fn conditions(&mut self, step: &Instruction) -> Result<()> {
        let mut all = Vec::new();
        flatten(step, &[], &mut all);
        let count = all.len();
        for (at, (asked, inner)) in all.into_iter().enumerate() {
            if let Instruction::Barrier { .. } = inner {
                for line in self.statements(inner)? {
                    self.line(0, &line); // it does nothing to the state, and only gates are conditional
                }
                continue;
            }
            if inner.bits().iter().any(|bit| asked.iter().any(|(other, _)| other == bit)) && at + 1 < count {
                return self.refuse("if", "a step changes the bit on which the next one depends");
            }
            let condition = self.comparison(&asked)?;
            for line in self.statements(inner)? {
                self.line(0, &format!("{condition}{line}"));
            }
        }
        Ok(())
    }

    /// `if(c==5) ` for these bits.
    fn comparison(&self, asked: &[(usize, bool)]) -> Result<String> {
        let Some(register) = asked
            .first()
            .and_then(|(bit, _)| self.registers.iter().find(|r| (r.start..r.start + r.len).contains(bit)))
        else {
            return Ok(String::new());
        };
        if register.len > WIDEST {
            return self
                .refuse("if", "the bits that are asked together are too many to compare with a number");
        }
        let mut number = 0_u64;
        for bit in register.start..register.start + register.len {
            match asked.iter().find(|(other, _)| *other == bit) {
                Some((_, value)) => number |= u64::from(*value) << (bit - register.start),
                // what nothing has measured is 0, and may be compared with it
                None if !self.written[bit] => {}
                None => {
                    return self.refuse("if", "it compares whole registers, and other bits are among these");
                }
            }
        }
        Ok(format!("if({}=={number}) ", register.name))
    }
}
