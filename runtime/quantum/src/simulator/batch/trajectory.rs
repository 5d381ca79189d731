//! A circuit with noise, measurements and conditions, as steps for lanes that each take their own turn.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::MAX_LANE_QUBITS;
use super::places::Places;
use super::unravel::{Action, Alternatives};
use crate::circuit::{Confusion, Instruction, Parameters};
use crate::gate::Call;
use crate::simulator::program;
use crate::{C64, Channel, Circuit, Error, Matrix, Result};

/// What happens to all lanes, or to those whose condition holds. Numbers refer to the lists of [`Trajectory`].
#[derive(Debug, Clone)]
pub(super) enum Step {
    Gate {
        places: usize,
        action: Action,
    },
    Parametrised {
        places: usize,
        call: Call,
        slot: usize,
    },
    Channel {
        places: usize,
        alternatives: usize,
    },
    Measure {
        places: usize,
        bit: usize,
        wrong: [f64; 2],
    },
    Reset {
        places: usize,
    },
    /// Lanes whose bit has the value go on; the others wait for the step `end`.
    If {
        bit: usize,
        value: bool,
        end: usize,
    },
    End,
}

/// A circuit compiled for lanes.
#[derive(Debug, Clone)]
pub(in crate::simulator) struct Trajectory {
    pub(super) width: usize,
    pub(super) steps: Vec<Step>,
    pub(super) places: Vec<Places>,
    pub(super) alternatives: Vec<Alternatives>,
    /// How many steps have a slot.
    slots: usize,
    parameters: Parameters,
}

/// Steps on their way.
#[derive(Default)]
struct Draft {
    width: usize,
    steps: Vec<Step>,
    places: Vec<Places>,
    known_places: HashMap<(Vec<usize>, Vec<usize>), usize>,
    alternatives: Vec<Alternatives>,
    known_channels: HashMap<Vec<u64>, usize>,
    slots: usize,
    /// For each qubit, what constant gates and noise on it alone have added up to.
    waiting: Vec<Option<Waiting>>,
}

/// Gates, or gates and noise, on one qubit.
enum Waiting {
    Gate(Matrix),
    Channel(Channel),
}

impl Trajectory {
    /// Compiles a circuit; `None` if it is too wide.
    pub(in crate::simulator) fn new(circuit: &Circuit) -> Result<Option<Self>> {
        let width = circuit.width();
        if width > MAX_LANE_QUBITS {
            return Ok(None);
        }
        let mut draft = Draft { width, ..Draft::default() };
        draft.waiting.resize_with(width, || None);
        for step in program::split(circuit)?.0 {
            draft.add(step)?;
        }
        draft.settle(&(0..width).collect::<Vec<_>>());
        let Draft { steps, places, alternatives, slots, .. } = draft;
        let parameters = circuit.parameters().clone();
        Ok(Some(Self { width, steps, places, alternatives, slots, parameters }))
    }

    /// What the gates with parameters do for these values.
    pub(super) fn bind(&self, values: &[f64]) -> Result<Vec<Action>> {
        self.parameters.check(values)?;
        let mut actions = Vec::with_capacity(self.slots);
        for (number, step) in self.steps.iter().enumerate() {
            if let Step::Parametrised { call, .. } = step {
                let angles = call.values(values);
                if !angles.iter().all(|angle| angle.is_finite()) {
                    return Err(Error::Angle { gate: call.name(), step: number });
                }
                actions.push(Action::of(&call.gate.matrix(&angles)));
            }
        }
        Ok(actions)
    }

    /// How many leading steps need no chance.
    pub(super) fn certain(&self) -> usize {
        let certain = |step: &&Step| matches!(step, Step::Gate { .. } | Step::Parametrised { .. });
        self.steps.iter().take_while(certain).count()
    }

    /// The dimension of the largest matrix, and of the largest that differs from lane to lane.
    pub(super) fn largest(&self) -> (usize, usize) {
        let size = |step: &Step| match step {
            Step::Gate { places, .. } | Step::Parametrised { places, .. } => {
                (self.places[*places].dimension(), 0)
            }
            Step::Channel { places, .. } => (0, self.places[*places].dimension()),
            Step::Measure { .. } | Step::Reset { .. } => (0, 2),
            Step::If { .. } | Step::End => (0, 0),
        };
        self.steps.iter().map(size).fold((0, 0), |(a, b), (c, d)| (a.max(c), b.max(d)))
    }
}

impl Draft {
    fn add(&mut self, step: &Instruction) -> Result<()> {
        match step {
            Instruction::Barrier { .. } => {}
            Instruction::Pulse(call) => return Err(call.refused()),
            Instruction::Gate(call) => return self.gate(call),
            Instruction::Channel { channel, qubits } => {
                if let [qubit] = qubits[..] {
                    return self.noise(channel, qubit);
                }
                self.settle(qubits);
                self.channel(channel, qubits);
            }
            Instruction::Measure { qubit, bit, confusion } => {
                self.settle(&[*qubit]);
                let Confusion { p1_given_0, p0_given_1 } = confusion.unwrap_or_default();
                for found in [p1_given_0, p0_given_1] {
                    if !(0.0..=1.0).contains(&found) {
                        let what = "the probability of a wrong readout".into();
                        return Err(Error::OutOfRange { what, found, wanted: "a number from 0 to 1".into() });
                    }
                }
                let places = self.place(&[*qubit], &[]);
                self.steps.push(Step::Measure { places, bit: *bit, wrong: [p1_given_0, p0_given_1] });
            }
            Instruction::Reset { qubit } => {
                self.settle(&[*qubit]);
                let places = self.place(&[*qubit], &[]);
                self.steps.push(Step::Reset { places });
            }
            Instruction::If { bit, value, body } => {
                let all: Vec<_> = (0..self.width).collect();
                self.settle(&all);
                let start = self.steps.len();
                self.steps.push(Step::If { bit: *bit, value: *value, end: 0 });
                body.iter().try_for_each(|step| self.add(step))?;
                self.settle(&all);
                self.steps[start] = Step::If { bit: *bit, value: *value, end: self.steps.len() };
                self.steps.push(Step::End);
            }
        }
        Ok(())
    }

    fn gate(&mut self, call: &Call) -> Result<()> {
        let (targets, controls): (_, Vec<_>) = (call.target_qubits(), call.control_qubits().collect());
        if let ([qubit], [], true) = (targets, &controls[..], call.is_constant()) {
            let matrix = call.matrix(&[]);
            self.waiting[*qubit] = Some(match self.waiting[*qubit].take() {
                None => Waiting::Gate(matrix),
                Some(Waiting::Gate(before)) => Waiting::Gate(matrix.dot(&before)),
                Some(Waiting::Channel(before)) => Waiting::Channel(before.then(&Channel::unitary(matrix)?)?),
            });
            return Ok(());
        }
        self.settle(&call.all_qubits().collect::<Vec<_>>());
        let places = self.place(targets, &controls);
        if call.is_constant() {
            self.steps.push(Step::Gate { places, action: Action::of(&call.matrix(&[])) });
        } else {
            self.steps.push(Step::Parametrised { places, call: call.clone(), slot: self.slots });
            self.slots += 1;
        }
        Ok(())
    }

    /// Noise on one qubit.
    fn noise(&mut self, channel: &Channel, qubit: usize) -> Result<()> {
        self.waiting[qubit] = Some(Waiting::Channel(match self.waiting[qubit].take() {
            None => channel.clone(),
            Some(Waiting::Gate(before)) => Channel::unitary(before)?.then(channel)?,
            Some(Waiting::Channel(before)) => before.then(channel)?,
        }));
        Ok(())
    }

    /// Makes steps of what waits on these qubits.
    fn settle(&mut self, qubits: &[usize]) {
        for qubit in qubits {
            match self.waiting[*qubit].take() {
                None => {}
                Some(Waiting::Gate(matrix)) => {
                    let places = self.place(&[*qubit], &[]);
                    self.steps.push(Step::Gate { places, action: Action::of(&matrix) });
                }
                Some(Waiting::Channel(channel)) => self.channel(&channel, &[*qubit]),
            }
        }
    }

    fn channel(&mut self, channel: &Channel, qubits: &[usize]) {
        let bits = |entry: &C64| [entry.re.to_bits(), entry.im.to_bits()];
        let key = channel.superoperator().iter().flat_map(bits).collect();
        let alternatives = match self.known_channels.entry(key) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.alternatives.push(Alternatives::of(channel));
                *new.insert(self.alternatives.len() - 1)
            }
        };
        let places = self.place(qubits, &[]);
        self.steps.push(Step::Channel { places, alternatives });
    }

    fn place(&mut self, targets: &[usize], controls: &[usize]) -> usize {
        let width = self.width;
        *self.known_places.entry((targets.to_vec(), controls.to_vec())).or_insert_with(|| {
            self.places.push(Places::new(targets, controls.iter().copied(), width));
            self.places.len() - 1
        })
    }
}
