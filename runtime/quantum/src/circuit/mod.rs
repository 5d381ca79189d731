//! Circuits: plain values, built by hand or by the macro `circuit!`.
//!
//! | to | see |
//! |---|---|
//! | build one | [`Builder`], [`Circuit::push`] |
//! | give its parameters values | [`Circuit::bind`], [`Parameters`] |
//! | make another of it | [`Circuit::inverse`], [`Circuit::control`], [`Circuit::power`], [`Circuit::append`], [`Circuit::simplify`], [`Circuit::lower`] |
//! | look at it | `Display`, [`Circuit::to_svg`], [`Circuit::depth`], [`Circuit::counts`] |

mod bit;
mod builder;
mod drawing;
mod instruction;
mod operand;
mod parameter;
mod pulse;
mod qubit;
mod simplify;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod transform;
mod unitary_block;

use std::collections::BTreeMap;

pub use bit::{Bit, Bits, Condition, NotBit, Output};
pub use builder::Builder;
pub use instruction::{Confusion, Instruction};
pub use operand::{IntoAngle, IntoQubits, Operand, Places};
pub use parameter::{Group, Parameters, Trainable};
pub use pulse::PulseCall;
pub use qubit::{Qubit, QubitIndex, QubitSlice, Qubits};
pub(crate) use svg::escape;
pub use unitary_block::UnitaryBlock;

use crate::gate::Call;
use crate::{Angle, Error, Result};

/// Steps of the longest circuit.
pub(crate) const MAX_STEPS: usize = 1 << 24;

/// Qubits of the widest circuit.
const MAX_WIDTH: usize = 1 << 16;

/// Whether `times` copies of `length` steps fit after `used` others.
fn fits(times: usize, length: usize, used: usize) -> bool {
    times
        .checked_mul(length)
        .and_then(|steps| steps.checked_add(used))
        .is_some_and(|steps| steps <= MAX_STEPS)
}

/// `times` copies of `body` in a row.
fn repeated(body: &[Instruction], times: usize) -> impl Iterator<Item = Instruction> + '_ {
    // nothing, however often, is nothing: without this an empty body would be counted through
    let times = if body.is_empty() { 0 } else { times };
    std::iter::repeat_n(body, times).flatten().cloned()
}

/// A qubit that is listed twice.
pub(crate) fn repeated_qubit(qubits: &[usize]) -> Option<usize> {
    if qubits.len() <= 16 {
        return qubits
            .iter()
            .enumerate()
            .find(|(at, qubit)| qubits[..*at].contains(qubit))
            .map(|(_, qubit)| *qubit);
    }
    // comparing each with each would take long for a barrier on a wide register
    let mut sorted = qubits.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// A name for neighbouring qubits.
#[derive(Debug, Clone, PartialEq)]
pub struct Register {
    /// The name.
    pub name: String,
    /// Its first qubit.
    pub start: usize,
    /// How many qubits it has.
    pub len: usize,
}

/// A quantum circuit: steps on `width` qubits, with named trainable parameters and classical bits.
///
/// Qubit 0 is the least significant bit of a basis state. Every step was checked when it was added.
#[derive(Debug, Clone, PartialEq)]
pub struct Circuit {
    name: String,
    width: usize,
    bits: usize,
    registers: Vec<Register>,
    parameters: Parameters,
    instructions: Vec<Instruction>,
    outputs: Vec<usize>,
}

impl Circuit {
    /// An empty circuit on `width` qubits without registers of their own names.
    ///
    /// # Errors
    /// [`Error::TooManyQubits`] for more than 65,536.
    pub fn new(width: usize) -> Result<Self> {
        if width > MAX_WIDTH {
            return Err(Error::TooManyQubits { found: width, limit: MAX_WIDTH });
        }
        Ok(Self { width, ..Self::default() })
    }

    /// A circuit of the same name, width, registers, bits, parameters and outputs without steps: where a pass begins.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self { instructions: Vec::new(), ..self.clone() }
    }

    /// What a pass that renumbers qubits makes of the circuit: same name, bits, parameters and outputs, no registers. The
    /// caller answers for the steps.
    pub(crate) fn rebuilt(&self, width: usize, instructions: Vec<Instruction>) -> Self {
        Self { width, instructions, registers: Vec::new(), ..self.clone() }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many qubits there are.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many classical bits there are.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// The named registers.
    pub fn registers(&self) -> &[Register] {
        &self.registers
    }

    /// The trainable parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The steps in order.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// The classical bits that are the result, the first is the least significant; empty where nothing is returned.
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// Whether every step is a gate or a barrier.
    pub fn is_unitary(&self) -> bool {
        self.instructions.iter().all(Instruction::is_unitary)
    }

    /// Adds a step. Bits are made as they are measured.
    ///
    /// # Errors
    /// Whatever does not fit: qubits, bits, angles, parameters.
    pub fn push(&mut self, instruction: Instruction) -> Result<()> {
        let bits = self.bits;
        if let Instruction::Measure { bit, .. } = &instruction {
            self.bits = self.bits.max(bit.saturating_add(1)).min(MAX_STEPS);
        }
        let checked = self.check(&instruction, self.instructions.len());
        match checked {
            Ok(()) => self.instructions.push(instruction),
            Err(_) => self.bits = bits,
        }
        checked
    }

    /// Adds a register after the qubits that are there and returns its first qubit.
    ///
    /// # Errors
    /// [`Error::DeclaredTwice`], [`Error::EmptyRegister`], [`Error::TooManyQubits`].
    pub fn declare(&mut self, name: &str, width: usize) -> Result<usize> {
        let start = self.width;
        if self.registers.iter().any(|register| register.name == name) {
            return Err(Error::DeclaredTwice { name: name.to_owned() });
        }
        if width == 0 {
            return Err(Error::EmptyRegister { name: name.to_owned() });
        }
        if width > MAX_WIDTH - start {
            return Err(Error::TooManyQubits { found: start.saturating_add(width), limit: MAX_WIDTH });
        }
        self.registers.push(Register { name: name.to_owned(), start, len: width });
        self.width += width;
        Ok(start)
    }

    /// Adds classical bits, which read 0 until something measures into them, and returns the first.
    ///
    /// # Errors
    /// [`Error::TooManyBits`].
    pub fn declare_bits(&mut self, count: usize) -> Result<usize> {
        let found = self.bits.saturating_add(count);
        if found > MAX_STEPS {
            return Err(Error::TooManyBits { found, limit: MAX_STEPS });
        }
        Ok(std::mem::replace(&mut self.bits, found))
    }

    /// Adds trainable parameters and returns the number of the first.
    ///
    /// # Errors
    /// [`Error::DeclaredTwice`], [`Error::TooManyParameters`].
    pub fn declare_parameters(&mut self, name: &str, shape: &[usize]) -> Result<usize> {
        self.parameters.declare(name, shape.to_vec())
    }

    /// Says which classical bits are the result.
    ///
    /// # Errors
    /// [`Error::BitRange`].
    pub fn set_outputs(&mut self, outputs: impl Into<Vec<usize>>) -> Result<()> {
        let outputs = outputs.into();
        if let Some(&bit) = outputs.iter().find(|bit| **bit >= self.bits) {
            return Err(Error::BitRange { bit, bits: self.bits, step: self.instructions.len() });
        }
        self.outputs = outputs;
        Ok(())
    }

    /// The circuit with all parameters replaced by values, in flat order.
    ///
    /// # Errors
    /// [`Error::ParameterCount`], [`Error::ParameterValue`]; [`Error::Angle`] where finite values give no finite angle.
    pub fn bind(&self, values: &[f64]) -> Result<Self> {
        self.parameters.check(values)?;
        let mut circuit = Self { parameters: Parameters::default(), ..self.clone() };
        let mut refused = Ok(());
        for (step, instruction) in circuit.instructions.iter_mut().enumerate() {
            instruction.for_each_angles(&mut |name, angles| {
                for angle in angles.iter_mut() {
                    *angle = Angle::radians(angle.value(values));
                }
                if refused.is_ok() && !angles.iter().all(Angle::is_valid) {
                    refused = Err(Error::Angle { gate: name.to_owned(), step });
                }
            });
        }
        refused.map(|()| circuit)
    }

    /// The circuit with all parameters replaced by values by name.
    ///
    /// # Errors
    /// As [`Parameters::flatten`] and [`Circuit::bind`].
    pub fn bind_named(&self, values: &[(&str, &[f64])]) -> Result<Self> {
        self.bind(&self.parameters.flatten(values)?)
    }

    /// The same circuit in the gates `rz`, `sx`, `x`, `cx` and the global phase, exactly. See [`Call::lower`].
    #[must_use]
    pub fn lower(&self) -> Self {
        fn lower(steps: &[Instruction]) -> Vec<Instruction> {
            let one = |step: &Instruction| match step {
                Instruction::Gate(call) => call.lower().into_iter().map(Instruction::Gate).collect(),
                Instruction::If { bit, value, body } => {
                    vec![Instruction::If { bit: *bit, value: *value, body: lower(body) }]
                }
                _ => vec![step.clone()],
            };
            steps.iter().flat_map(one).collect()
        }
        Self { instructions: lower(&self.instructions), ..self.clone() }
    }

    /// The length of the longest chain of steps that wait for each other; barriers only separate.
    pub fn depth(&self) -> usize {
        let mut levels = vec![0_usize; self.width + self.bits];
        for step in &self.instructions {
            let places: Vec<_> =
                step.qubits().into_iter().chain(step.bits().iter().map(|b| b + self.width)).collect();
            let level = places.iter().map(|place| levels[*place]).max().unwrap_or(0);
            let length =
                usize::from(!matches!(step, Instruction::Barrier { .. } | Instruction::Channel { .. }));
            for place in places {
                levels[place] = level + length;
            }
        }
        levels.into_iter().max().unwrap_or(0)
    }

    /// How often each kind of step occurs, inside `if` bodies too.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        fn count(steps: &[Instruction], counts: &mut BTreeMap<String, usize>) {
            for step in steps {
                *counts.entry(step.name()).or_default() += 1;
                if let Instruction::If { body, .. } = step {
                    count(body, counts);
                }
            }
        }
        let mut counts = BTreeMap::new();
        count(&self.instructions, &mut counts);
        counts
    }

    /// The name of a qubit, such as `q[0]`.
    pub fn qubit_name(&self, qubit: usize) -> String {
        let register = self.registers.iter().find(|r| (r.start..r.start + r.len).contains(&qubit));
        match register {
            Some(register) => format!("{}[{}]", register.name, qubit - register.start),
            None => format!("q[{qubit}]"),
        }
    }

    fn check(&self, instruction: &Instruction, step: usize) -> Result<()> {
        let gate = || instruction.name();
        if step >= MAX_STEPS {
            return Err(Error::TooManySteps { limit: MAX_STEPS });
        }
        if let Some(bit) = instruction.bits().into_iter().find(|bit| *bit >= self.bits) {
            return Err(Error::BitRange { bit, bits: self.bits, step });
        }
        match instruction {
            Instruction::Gate(call) => return call.check(self.width, self.parameters.len(), step),
            Instruction::If { body, .. } => return body.iter().try_for_each(|inner| self.check(inner, step)),
            Instruction::Pulse(call) => call.check(self.parameters.len(), step)?,
            Instruction::Channel { channel, qubits } if channel.qubits() != qubits.len() => {
                return Err(Error::Operands {
                    gate: gate(),
                    found: qubits.len(),
                    expected: channel.qubits(),
                });
            }
            _ => {}
        }
        let qubits = instruction.qubits();
        if let Some(&qubit) = qubits.iter().find(|qubit| **qubit >= self.width) {
            return Err(Error::QubitRange { gate: gate(), qubit, width: self.width, step });
        }
        match repeated_qubit(&qubits) {
            Some(qubit) => Err(Error::SameQubit { gate: gate(), qubit, step }),
            None => Ok(()),
        }
    }
}

/// A circuit named `circuit` without qubits.
impl Default for Circuit {
    fn default() -> Self {
        Self {
            name: "circuit".to_owned(),
            width: 0,
            bits: 0,
            registers: Vec::new(),
            parameters: Parameters::default(),
            instructions: Vec::new(),
            outputs: Vec::new(),
        }
    }
}

impl AsRef<Self> for Circuit {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl From<Call> for Instruction {
    fn from(call: Call) -> Self {
        Self::Gate(call)
    }
}
