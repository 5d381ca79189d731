//! When each step of a circuit runs: as soon as its qubits are free, final measurements together at the end.

use crate::circuit::{Circuit, Instruction};
use crate::{Error, Result};

/// One step and its time, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slot {
    /// Number of the step in its circuit.
    pub(super) step: usize,
    pub(super) start: f64,
    pub(super) length: f64,
}

impl Slot {
    pub(super) fn middle(&self) -> f64 {
        self.start + self.length / 2.0
    }

    pub(super) fn end(&self) -> f64 {
        self.start + self.length
    }
}

/// The times of all steps.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Schedule {
    /// All but the final measurements, in the order of the circuit.
    pub(super) slots: Vec<Slot>,
    /// Steps that measure a qubit for the last time; they all start when everything else has ended.
    pub(super) readout: Vec<usize>,
    /// When everything but the final measurements has ended.
    pub(super) end: f64,
}

impl Schedule {
    /// Places the steps of `circuit`, whose lengths in seconds `length` knows (its arguments: step, number).
    pub(super) fn new(
        circuit: &Circuit,
        length: &dyn Fn(&Instruction, usize) -> Result<f64>,
    ) -> Result<Self> {
        let steps = circuit.instructions();
        let last = last_measurements(circuit);
        let mut free = vec![0.0_f64; circuit.width() + circuit.bits()];
        let mut slots = Vec::with_capacity(steps.len());
        for (step, instruction) in steps.iter().enumerate().filter(|(step, _)| !last[*step]) {
            let mut places = instruction.qubits();
            places.extend(instruction.bits().iter().map(|bit| bit + circuit.width()));
            let start = places.iter().map(|place| free[*place]).fold(0.0, f64::max);
            let slot = Slot { step, start, length: length(instruction, step)? };
            for place in places {
                free[place] = slot.end();
            }
            slots.push(slot);
        }
        let end = free.into_iter().fold(0.0, f64::max);
        if !end.is_finite() {
            let wanted = "a finite time".into();
            return Err(Error::OutOfRange {
                what: "length of the schedule in seconds".into(),
                found: end,
                wanted,
            });
        }
        let readout = (0..steps.len()).filter(|step| last[*step]).collect();
        Ok(Self { slots, readout, end })
    }

    /// Puts the steps in the order of the middles of their times; steps on one qubit keep theirs.
    pub(super) fn sort(&mut self) {
        // The sort is stable: steps without length stay behind what they follow.
        self.slots.sort_by(|a, b| a.middle().total_cmp(&b.middle()));
    }
}

/// Which steps are measurements after which neither the qubit nor the bit is used.
fn last_measurements(circuit: &Circuit) -> Vec<bool> {
    let (mut qubits, mut bits) = (vec![false; circuit.width()], vec![false; circuit.bits()]);
    let mut last = vec![false; circuit.instructions().len()];
    for (step, instruction) in circuit.instructions().iter().enumerate().rev() {
        if let Instruction::Measure { qubit, bit, .. } = instruction {
            last[step] = !qubits[*qubit] && !bits[*bit];
        }
        if !matches!(instruction, Instruction::Barrier { .. }) {
            instruction.qubits().into_iter().for_each(|qubit| qubits[qubit] = true);
            instruction.bits().into_iter().for_each(|bit| bits[bit] = true);
        }
    }
    last
}
