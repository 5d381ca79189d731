//! Circuits to texts.

mod angle;
mod condition;
mod gate;
mod name;

use std::fmt::Write as _;

use super::Version;
use crate::circuit::Register;
use crate::gate::Row;
use crate::{Circuit, Error, Instruction, Result};
use name::Names;

/// Writes a circuit as a text.
///
/// Read again it is an equal circuit, but for what the language cannot say: the circuit's name; registers of qubits that
/// have no name and get one, and names that are none in OpenQASM; arrays of parameters, which become one input for each
/// value, in the same order; matrices, which become the gates of [`Call::lower`](crate::gate::Call::lower). Outputs that are
/// all bits in their order are what a text returns anyway. What version 2 has no words for is written otherwise or refused:
///
/// | | version 2 |
/// |---|---|
/// | global phase | left out: nothing in version 2 can see it |
/// | gates with more controls than it has | lowered |
/// | a condition with several steps | several conditions |
/// | conditions on bits of which registers cannot be made; outputs; parameters | [`Error::NotInQasm`] |
///
/// # Errors
/// [`Error::NotInQasm`]; for noise too, which is the device's and not the program's.
pub fn export(circuit: &Circuit, version: Version) -> Result<String> {
    let mut writer = Writer {
        circuit,
        version,
        names: Names::new(version),
        qubits: Vec::with_capacity(circuit.width()),
        inputs: Vec::new(),
        bits: Vec::with_capacity(circuit.bits()),
        registers: Vec::new(),
        written: vec![false; circuit.bits()],
        rows: Vec::new(),
        text: String::new(),
    };
    writer.write()?;
    Ok(writer.text)
}

impl Circuit {
    /// The circuit as an OpenQASM text. See [`export`].
    ///
    /// # Errors
    /// [`Error::NotInQasm`].
    pub fn to_qasm(&self, version: Version) -> Result<String> {
        export(self, version)
    }
}

struct Writer<'c> {
    circuit: &'c Circuit,
    version: Version,
    names: Names,
    /// The name of each qubit, input and bit.
    qubits: Vec<String>,
    inputs: Vec<String>,
    bits: Vec<String>,
    /// Registers of bits: name, first bit, how many.
    registers: Vec<Register>,
    /// Bits that something has measured into so far.
    written: Vec<bool>,
    /// Rows that need a definition, those that they use first.
    rows: Vec<&'static Row>,
    text: String,
}

impl Writer<'_> {
    fn write(&mut self) -> Result<()> {
        let circuit = self.circuit;
        match self.version {
            Version::Two => self.line(0, "OPENQASM 2.0;\ninclude \"qelib1.inc\";"),
            Version::Three => self.line(0, "OPENQASM 3.0;\ninclude \"stdgates.inc\";"),
        }
        self.declare_inputs()?;
        let mut calls = Vec::new();
        self.collect(circuit.instructions(), &mut calls);
        for call in &calls {
            self.require(call);
        }
        for row in std::mem::take(&mut self.rows) {
            self.define(row);
        }
        self.declare_qubits();
        self.declare_bits();
        let result = self.declare_outputs()?;
        for step in circuit.instructions() {
            self.step(step, 0)?;
        }
        if let Some(result) = result {
            for (at, bit) in circuit.outputs().iter().enumerate() {
                let line = format!("{result}[{at}] = {};", self.bits[*bit]);
                self.line(0, &line);
            }
        }
        Ok(())
    }

    fn line(&mut self, depth: usize, text: &str) {
        let indent = depth * 2;
        // writing to a string cannot fail
        let _ = writeln!(self.text, "{:indent$}{text}", "");
    }

    fn refuse<T>(&self, step: impl Into<String>, reason: &'static str) -> Result<T> {
        let version = match self.version {
            Version::Two => 2,
            Version::Three => 3,
        };
        Err(Error::NotInQasm { step: step.into(), version, reason })
    }

    fn declare_inputs(&mut self) -> Result<()> {
        let parameters = self.circuit.parameters();
        if self.version == Version::Two && !parameters.is_empty() {
            return self.refuse(parameters.name(0), "it has no inputs; give the parameters values");
        }
        for index in 0..parameters.len() {
            let name = self.names.free(&parameters.name(index));
            self.line(0, &format!("input float[64] {name};"));
            self.inputs.push(name);
        }
        Ok(())
    }

    fn declare_qubits(&mut self) {
        let width = self.circuit.width();
        let mut registers: Vec<Register> = self.circuit.registers().to_vec();
        registers.sort_by_key(|register| register.start);
        let mut next = 0;
        let mut registers = registers.into_iter().peekable();
        while next < width {
            // qubits between the registers need one too
            let register = registers.next_if(|register| register.start <= next).unwrap_or_else(|| {
                let end = registers.peek().map_or(width, |register| register.start);
                Register { name: "q".into(), start: next, len: end - next }
            });
            let name = self.names.free(&register.name);
            let line = match self.version {
                Version::Two => format!("qreg {name}[{}];", register.len),
                Version::Three => format!("qubit[{}] {name};", register.len),
            };
            self.line(0, &line);
            self.qubits.extend((0..register.len).map(|at| format!("{name}[{at}]")));
            next = register.start + register.len;
        }
    }

    fn declare_bits(&mut self) {
        let registers = match self.version {
            Version::Two => condition::registers(self.circuit.instructions(), self.circuit.bits()),
            Version::Three => vec![(0, self.circuit.bits())],
        };
        let several = registers.len() > 1;
        for (number, (start, len)) in registers.into_iter().filter(|(_, len)| *len > 0).enumerate() {
            let name = self.names.free(&if several { format!("c{number}") } else { "c".to_owned() });
            let line = match self.version {
                Version::Two => format!("creg {name}[{len}];"),
                Version::Three => format!("bit[{len}] {name};"),
            };
            self.line(0, &line);
            self.bits.extend((0..len).map(|at| format!("{name}[{at}]")));
            self.registers.push(Register { name, start, len });
        }
    }

    /// Declares the result where it is not just all bits.
    fn declare_outputs(&mut self) -> Result<Option<String>> {
        let outputs = self.circuit.outputs();
        let all =
            outputs.len() == self.circuit.bits() && outputs.iter().enumerate().all(|(at, bit)| at == *bit);
        if outputs.is_empty() || all {
            return Ok(None);
        }
        if self.version == Version::Two {
            return self.refuse("returns", "it returns all bits in their order");
        }
        let name = self.names.free("result");
        self.line(0, &format!("output bit[{}] {name};", outputs.len()));
        Ok(Some(name))
    }

    fn step(&mut self, step: &Instruction, depth: usize) -> Result<()> {
        match step {
            Instruction::If { bit, value, body } if self.version == Version::Three => {
                let not = if *value { "" } else { "!" };
                self.line(depth, &format!("if ({not}{}) {{", self.bits[*bit]));
                for inner in body {
                    self.step(inner, depth + 1)?;
                }
                self.line(depth, "}");
                Ok(())
            }
            Instruction::If { .. } => self.conditions(step),
            _ => {
                for line in self.statements(step)? {
                    self.line(depth, &line);
                }
                Ok(())
            }
        }
    }

    /// A step that is no condition, as statements.
    fn statements(&mut self, step: &Instruction) -> Result<Vec<String>> {
        match step {
            Instruction::Gate(call) => Ok(self.calls(call)),
            Instruction::Measure { confusion: Some(_), .. } => {
                self.refuse("measure", "a readout error is the device's, not the program's")
            }
            Instruction::Measure { qubit, bit, .. } => {
                self.written[*bit] = true;
                let (qubit, bit) = (&self.qubits[*qubit], &self.bits[*bit]);
                Ok(vec![match self.version {
                    Version::Two => format!("measure {qubit} -> {bit};"),
                    Version::Three => format!("{bit} = measure {qubit};"),
                }])
            }
            Instruction::Reset { qubit } => Ok(vec![format!("reset {};", self.qubits[*qubit])]),
            // without qubits it would be one on all of them
            Instruction::Barrier { qubits } if qubits.is_empty() => Ok(Vec::new()),
            Instruction::Barrier { qubits } => {
                let names: Vec<_> = qubits.iter().map(|qubit| self.qubits[*qubit].as_str()).collect();
                Ok(vec![format!("barrier {};", names.join(", "))])
            }
            Instruction::Pulse(_) => {
                self.refuse(step.name(), "pulses are the device's; a gate with a matrix can be written")
            }
            Instruction::If { .. } | Instruction::Channel { .. } => {
                self.refuse(step.name(), "noise is the device's, not the program's")
            }
        }
    }
}
