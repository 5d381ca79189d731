//! Inverse, control, power and composition of circuits.

use super::{Circuit, Instruction, MAX_STEPS, Parameters};
use crate::{Angle, Error, Result};

impl Circuit {
    /// The circuit that undoes this one.
    ///
    /// # Errors
    /// [`Error::NotUnitaryStep`] where a step cannot be undone.
    pub fn inverse(&self) -> Result<Self> {
        Ok(Self {
            instructions: inverse(&self.instructions)?,
            name: format!("{}†", self.name),
            ..self.clone()
        })
    }

    /// The circuit, controlled by `controls` more qubits, numbered after its own. They are a register named `control`, or
    /// `control2`, `control3`, .. where that name is taken.
    ///
    /// # Errors
    /// [`Error::NotUnitaryStep`] where a step cannot be controlled, [`Error::TooManyQubits`].
    pub fn control(&self, controls: usize) -> Result<Self> {
        let mut circuit = self.clone();
        if controls > 0 {
            let names = (2..).map(|number| format!("control{number}"));
            let free = |name: &String| self.registers.iter().all(|register| register.name != *name);
            let name = std::iter::once("control".to_owned()).chain(names).find(free);
            circuit.declare(&name.unwrap_or_default(), controls)?;
        }
        let qubits: Vec<_> = (self.width..self.width + controls).collect();
        circuit.instructions = control(&self.instructions, &qubits)?;
        Ok(circuit)
    }

    /// The circuit with a parameter of its own for each angle that has parameters, and what those angles were. Its group of
    /// parameters is named `angle`.
    ///
    /// # Errors
    /// [`Error::TooManyParameters`].
    pub fn unroll(&self) -> Result<(Self, Vec<Angle>)> {
        let mut angles = Vec::new();
        let mut circuit = Self { parameters: Parameters::default(), ..self.clone() };
        for step in &mut circuit.instructions {
            step.for_each_angles(&mut |_, its| {
                for angle in its.iter_mut().filter(|angle| !angle.is_constant()) {
                    angles.push(std::mem::replace(angle, Angle::parameter(angles.len())));
                }
            });
        }
        circuit.parameters.declare("angle", vec![angles.len()])?;
        Ok((circuit, angles))
    }

    /// The circuit, `times` times in a row, with the same parameters each time.
    ///
    /// # Errors
    /// [`Error::NotUnitaryStep`] where a step is no gate, [`Error::TooManySteps`].
    pub fn power(&self, times: usize) -> Result<Self> {
        if let Some(step) = self.instructions.iter().find(|step| !step.is_unitary()) {
            return Err(Error::NotUnitaryStep { what: "power", step: step.name() });
        }
        if !super::fits(times, self.instructions.len(), 0) {
            return Err(Error::TooManySteps { limit: MAX_STEPS });
        }
        Ok(Self { instructions: super::repeated(&self.instructions, times).collect(), ..self.clone() })
    }

    /// Appends another circuit on the given qubits. Parameters join by name: same name and shape is the same parameter;
    /// classical bits and outputs are added after those that are there. After an error nothing has changed.
    ///
    /// # Errors
    /// [`Error::Width`], [`Error::QubitRange`], [`Error::SameQubit`], [`Error::ParameterShape`].
    pub fn append(&mut self, other: &Self, qubits: &[usize]) -> Result<()> {
        let (steps, bits, parameters) = (self.instructions.len(), self.bits, self.parameters.clone());
        let added = self.adopt(other, qubits);
        let appended = added.and_then(|added| added.into_iter().try_for_each(|step| self.push(step)));
        if appended.is_ok() {
            self.outputs.extend(other.outputs.iter().map(|bit| bit + bits));
        } else {
            self.instructions.truncate(steps);
            (self.bits, self.parameters) = (bits, parameters);
        }
        appended
    }

    /// Registers what another circuit needs and returns its steps in this circuit's numbers.
    pub(super) fn adopt(&mut self, other: &Self, qubits: &[usize]) -> Result<Vec<Instruction>> {
        if qubits.len() != other.width {
            return Err(Error::Width {
                gate: other.name.clone(),
                found: qubits.len(),
                expected: other.width,
            });
        }
        for (at, &qubit) in qubits.iter().enumerate() {
            if qubit >= self.width {
                return Err(Error::QubitRange {
                    gate: other.name.clone(),
                    qubit,
                    width: self.width,
                    step: 0,
                });
            }
            if qubits[..at].contains(&qubit) {
                return Err(Error::SameQubit { gate: other.name.clone(), qubit, step: 0 });
            }
        }
        let mut renamed = vec![0; other.parameters.len()];
        for group in other.parameters.groups() {
            let offset = match self.parameters.group(&group.name) {
                Some(known) if known.shape == group.shape => known.offset,
                Some(known) => {
                    let (name, found, expected) =
                        (group.name.clone(), group.shape.clone(), known.shape.clone());
                    return Err(Error::ParameterShape { name, found, expected });
                }
                None => self.parameters.declare(&group.name, group.shape.clone())?,
            };
            for k in 0..group.len() {
                renamed[group.offset + k] = offset + k;
            }
        }
        let first_bit = self.bits;
        self.bits += other.bits;
        let mut steps = Vec::with_capacity(other.instructions.len());
        for step in &other.instructions {
            let mut step = step.relabel(&|qubit| qubits[qubit], &|bit| bit + first_bit);
            step.for_each_angles(&mut |_, angles| {
                for angle in angles {
                    *angle = angle.substitute(|p| Angle::parameter(renamed[p]));
                }
            });
            steps.push(step);
        }
        Ok(steps)
    }
}

/// The steps that undo `body`.
pub(super) fn inverse(body: &[Instruction]) -> Result<Vec<Instruction>> {
    let undo = |step: &Instruction| match step {
        Instruction::Gate(call) => Ok(Instruction::Gate(call.inverse())),
        Instruction::Barrier { .. } => Ok(step.clone()),
        _ => Err(Error::NotUnitaryStep { what: "inverse", step: step.name() }),
    };
    body.iter().rev().map(undo).collect()
}

/// The steps of `body`, each with more controls.
pub(super) fn control(body: &[Instruction], controls: &[usize]) -> Result<Vec<Instruction>> {
    let add = |step: &Instruction| match step {
        Instruction::Gate(call) => Ok(Instruction::Gate(call.clone().controlled(controls))),
        Instruction::Barrier { .. } => Ok(step.clone()),
        _ => Err(Error::NotUnitaryStep { what: "control", step: step.name() }),
    };
    body.iter().map(add).collect()
}
