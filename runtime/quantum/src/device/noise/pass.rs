//! One run of the noise pass: steps in the order of time, with what happens between them.

use std::f64::consts::{FRAC_PI_2, PI};
use std::sync::Arc;

use super::super::schedule::{Schedule, Slot};
use super::NoiseModel;
use crate::circuit::{Circuit, Instruction};
use crate::gate::{Call, Gate};
use crate::{Angle, Channel, Result};

/// Below this length (seconds) nothing happens that a double could hold.
const INSTANT: f64 = 1e-15;

/// A noisy circuit in the making.
pub(super) struct Pass<'a> {
    model: &'a NoiseModel,
    circuit: &'a Circuit,
    physical: &'a [usize],
    /// Coupled pairs of circuit qubits, their ZZ in hertz, and until when it has been put in.
    pairs: Vec<(usize, usize, f64, f64)>,
    /// Until when each qubit has been looked after.
    clock: Vec<f64>,
    output: Vec<Instruction>,
    /// The last output that touches each qubit.
    latest: Vec<Option<usize>>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(model: &'a NoiseModel, circuit: &'a Circuit, physical: &'a [usize]) -> Self {
        let width = circuit.width();
        let mut pairs = Vec::new();
        if model.options.zz {
            for a in 0..width {
                for b in a + 1..width {
                    let coupling = model.calibration.coupling(physical[a], physical[b]);
                    let zz = coupling.and_then(|coupling| coupling.zz).filter(|zz| *zz != 0.0);
                    pairs.extend(zz.map(|zz| (a, b, zz, 0.0)));
                }
            }
        }
        let (clock, latest) = (vec![0.0; width], vec![None; width]);
        Self { model, circuit, physical, pairs, clock, output: Vec::new(), latest }
    }

    /// The steps of the noisy circuit.
    pub(super) fn run(mut self, mut schedule: Schedule) -> Result<Vec<Instruction>> {
        if !self.pairs.is_empty() {
            // ZZ until some time stands behind all steps before that time, on either of its qubits.
            schedule.sort();
        }
        for slot in &schedule.slots {
            self.step(&self.circuit.instructions()[slot.step], slot)?;
        }
        let all: Vec<usize> = (0..self.physical.len()).collect();
        self.wait(&all, schedule.end)?;
        self.couple(&all, schedule.end);
        for step in schedule.readout {
            self.inner(&self.circuit.instructions()[step], step)?;
        }
        Ok(self.output)
    }

    /// Puts out a step with what comes before and after it.
    fn step(&mut self, instruction: &Instruction, slot: &Slot) -> Result<()> {
        let qubits = instruction.qubits();
        self.wait(&qubits, slot.start)?;
        if let Instruction::Pulse(_) = instruction {
            // Their own Hamiltonian has the ZZ between these qubits while they play.
            self.couple(&qubits, slot.start);
            for (a, b, _, done) in &mut self.pairs {
                if qubits.contains(a) && qubits.contains(b) {
                    *done = slot.end();
                }
            }
        }
        if !is_diagonal(instruction) {
            self.couple(&qubits, slot.middle());
        }
        self.inner(instruction, slot.step)?;
        for qubit in qubits {
            self.clock[qubit] = slot.end();
        }
        Ok(())
    }

    /// Puts out a step with the noise that is its own.
    fn inner(&mut self, instruction: &Instruction, step: usize) -> Result<()> {
        match instruction {
            Instruction::Gate(call) => {
                self.push(instruction.clone());
                if let Some(noise) = self.model.of(call, step, self.physical)? {
                    if noise.turn != 0.0
                        && let Some(extra) = over_rotated(call, noise.turn)
                    {
                        self.push(extra);
                    }
                    if let Some(channel) = &noise.channel {
                        self.channel(channel, &call.qubits)?;
                    }
                }
            }
            Instruction::Measure { qubit, bit, .. } if self.model.options.readout => {
                let confusion = self.model.calibration.qubits()[self.physical[*qubit]].confusion();
                self.push(Instruction::Measure { qubit: *qubit, bit: *bit, confusion: Some(confusion) });
            }
            Instruction::Pulse(call) => {
                let effect = self.model.pulses(call)?.effect(call, self.physical)?;
                let played = effect.step(&call.qubits)?;
                self.push(played);
            }
            Instruction::If { bit, value, body } => {
                let outer = std::mem::take(&mut self.output);
                let latest = std::mem::replace(&mut self.latest, vec![None; self.physical.len()]);
                body.iter().try_for_each(|inner| self.inner(inner, step))?;
                let body = std::mem::replace(&mut self.output, outer);
                self.latest = latest;
                self.push(Instruction::If { bit: *bit, value: *value, body });
            }
            _ => self.push(instruction.clone()),
        }
        Ok(())
    }

    /// Relaxation of qubits that have waited until `time`.
    fn wait(&mut self, qubits: &[usize], time: f64) -> Result<()> {
        for &qubit in qubits {
            let idle = time - self.clock[qubit];
            self.clock[qubit] = time;
            if self.model.options.idle && idle > INSTANT {
                let about = &self.model.calibration.qubits()[self.physical[qubit]];
                let relaxation = Channel::thermal_relaxation(idle, about.t1, about.t2)?;
                self.channel(&relaxation, &[qubit])?;
            }
        }
        Ok(())
    }

    /// The static ZZ until `time` of all pairs that one of `qubits` is part of.
    fn couple(&mut self, qubits: &[usize], time: f64) {
        let mut due = Vec::new();
        for (a, b, zz, done) in &mut self.pairs {
            if (qubits.contains(a) || qubits.contains(b)) && time - *done > INSTANT {
                // exp(-i (2 pi zz) t ZZ / 4) = rzz(pi zz t)
                due.push((PI * *zz * (time - *done), [*a, *b]));
                *done = time;
            }
        }
        for (angle, pair) in due {
            self.push(constant("rzz", angle, &pair));
        }
    }

    fn push(&mut self, instruction: Instruction) {
        for qubit in instruction.qubits() {
            self.latest[qubit] = Some(self.output.len());
        }
        self.output.push(instruction);
    }

    /// Puts out a channel, in one with the channel before it where that acts on all its qubits.
    fn channel(&mut self, channel: &Channel, qubits: &[usize]) -> Result<()> {
        let before = self.latest[qubits[0]].filter(|at| qubits.iter().all(|q| self.latest[*q] == Some(*at)));
        if let Some(at) = before
            && let Instruction::Channel { channel: first, qubits: wide } = &mut self.output[at]
        {
            let places: Vec<usize> =
                qubits.iter().filter_map(|qubit| wide.iter().position(|other| other == qubit)).collect();
            *first = Arc::new(first.then(&channel.embed(&places, wide.len())?)?);
            return Ok(());
        }
        self.push(Instruction::Channel { channel: Arc::new(channel.clone()), qubits: qubits.to_vec() });
        Ok(())
    }
}

/// The rotation by which a pulsed gate goes too far; nothing for other gates.
fn over_rotated(call: &Call, turn: f64) -> Option<Instruction> {
    // Up to local gates, cx = rzx(-pi/2), ecr = rzx(pi/2), cz = rzz(-pi/2).
    let (axis, angle) = match call.gate.name() {
        "sx" => ("rx", FRAC_PI_2),
        "x" => ("rx", PI),
        "cx" => ("rzx", -FRAC_PI_2),
        "ecr" => ("rzx", FRAC_PI_2),
        "cz" => ("rzz", -FRAC_PI_2),
        _ => return None,
    };
    Some(constant(axis, angle * turn, &call.qubits))
}

fn constant(name: &str, angle: f64, qubits: &[usize]) -> Instruction {
    let gate = Gate::named(name).expect("rx, rzx and rzz are rows of the gate table");
    Instruction::Gate(Call::new(gate, [Angle::radians(angle)], qubits))
}

/// Whether a static ZZ may be put before or after the step alike. It may not cross a barrier, so that the noise of two
/// circuits with a barrier between them is that of the one and then that of the other.
fn is_diagonal(instruction: &Instruction) -> bool {
    match instruction {
        Instruction::Gate(call) => {
            matches!(
                call.gate.name(),
                "rz" | "p" | "gphase" | "id" | "z" | "s" | "sdg" | "t" | "tdg" | "cz" | "rzz"
            )
        }
        Instruction::Measure { .. } => true,
        _ => false,
    }
}
