//! A noisy circuit whose mixers are left open, planned once for all values.

use std::collections::BTreeMap;

use super::MixerPulse;
use crate::circuit::Instruction;
use crate::simulator::pauli::PauliState;
use crate::simulator::{DensityMatrix, DensityPlan, Simulator};
use crate::{Circuit, Result};

/// A circuit cut where pulses mix. What lies between them depends on the angles of gates alone, and to plan it takes longer than
/// to run it.
#[derive(Debug, Clone)]
pub(super) struct Course {
    width: usize,
    stretches: Vec<Stretch>,
}

/// Gates and their noise, and the mixers after them.
#[derive(Debug, Clone)]
struct Stretch {
    plan: DensityPlan,
    /// The numbers of the mixers, and the qubits that they act on.
    mixers: Vec<(usize, usize)>,
}

impl Course {
    /// Cuts a circuit at its resets, which mark mixers; `places` are the qubits of mixers number 0, 1, and so on.
    ///
    /// Steps on other qubits than those that wait to be mixed come first: they commute, and the stretches are as few as can be.
    pub(super) fn new(circuit: &Circuit, places: &[usize]) -> Result<Self> {
        let mut numbers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, place) in places.iter().enumerate().rev() {
            numbers.entry(*place).or_default().push(number);
        }
        let mut stretches = Vec::new();
        let mut left: Vec<&Instruction> = circuit.instructions().iter().collect();
        loop {
            let (mut gates, mut mixers) = (circuit.emptied(), Vec::new());
            let (mut waits, mut later) = (vec![false; circuit.width()], Vec::new());
            for step in left {
                let qubits = step.qubits();
                if qubits.iter().any(|qubit| waits[*qubit]) {
                    for qubit in qubits {
                        waits[qubit] = true;
                    }
                    later.push(step);
                } else if let Instruction::Reset { qubit } = step {
                    waits[*qubit] = true;
                    mixers.extend(numbers.get_mut(qubit).and_then(Vec::pop).map(|number| (number, *qubit)));
                } else {
                    gates.push(step.clone())?;
                }
            }
            stretches.push(Stretch { plan: DensityMatrix::new().plan(&gates)?, mixers });
            if later.is_empty() {
                return Ok(Self { width: circuit.width(), stretches });
            }
            left = later;
        }
    }

    /// The state at the end, with these values of the angles and what the pulse of each mixer does.
    pub(super) fn run(&self, values: &[f64], pulses: &[MixerPulse]) -> Result<PauliState> {
        let mut state = PauliState::zero(self.width)?;
        for Stretch { plan, mixers } in &self.stretches {
            state = plan.mean_after(state, values)?;
            for &(number, qubit) in mixers {
                state.apply_channel(&pulses[number].channel, qubit);
            }
        }
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::gate::{Call, Gate};
    use crate::{Angle, Channel};

    /// Mixers of two layers, one of which waits for a gate of the other layer.
    const STEPS: [(&str, &[usize]); 14] = [
        ("ry", &[0]),
        ("ry", &[1]),
        ("cx", &[0, 1]),
        ("mix", &[0]),
        ("ry", &[2]),
        ("cx", &[1, 2]),
        ("ry", &[0]),
        ("mix", &[0]),
        ("mix", &[1]),
        ("mix", &[2]),
        ("cx", &[0, 2]),
        ("ry", &[2]),
        ("mix", &[2]),
        ("mix", &[1]),
    ];

    #[test]
    fn a_cut_circuit_is_the_circuit() -> Result<()> {
        let mut marked = Circuit::new(3)?;
        let angle = Angle::parameter(marked.declare_parameters("angle", &[])?);
        let mut played = marked.emptied();
        let places: Vec<usize> =
            STEPS.iter().filter(|(name, _)| *name == "mix").map(|(_, qubits)| qubits[0]).collect();
        let pulses: Vec<MixerPulse> = (0..places.len())
            .map(|number| {
                let turn = Gate::named("rx").unwrap().matrix(&[0.3 + number as f64]);
                let relaxation = Channel::thermal_relaxation(0.1, 1.0, 0.7)?;
                let channel = Channel::unitary(turn)?.then(&relaxation)?;
                Ok(MixerPulse { infidelity: 0.0, leakage: 0.0, channel })
            })
            .collect::<Result<_>>()?;
        let mut number = 0;
        for (name, qubits) in STEPS {
            if name == "mix" {
                let channel = Arc::new(pulses[number].channel.clone());
                played.push(Instruction::Channel { channel, qubits: qubits.to_vec() })?;
                marked.push(Instruction::Reset { qubit: qubits[0] })?;
                number += 1;
                continue;
            }
            let angles: Vec<Angle> = if name == "ry" { vec![angle] } else { Vec::new() };
            let step = Instruction::Gate(Call::new(Gate::named(name).unwrap(), angles, qubits.to_vec()));
            played.push(step.clone())?;
            marked.push(step)?;
        }
        let course = Course::new(&marked, &places)?;
        assert_eq!(course.stretches.len(), 3);
        let found = course.run(&[0.8], &pulses)?;
        let expected = DensityMatrix::new().plan(&played)?.mean(&[0.8])?;
        let pairs = found.entries().iter().zip(expected.entries());
        assert!(pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) < 1e-13);
        Ok(())
    }
}
