//! Building circuits by hand; the macro `circuit!` expands to this.

use std::sync::Arc;

use super::bit::{Condition, Output};
use super::operand::{IntoQubits, Operand, Places};
use super::pulse::PulseCall;
use super::qubit::{Qubit, QubitSlice, Qubits};
use super::{Circuit, Instruction, Trainable};
use crate::gate::{Call, Gate, UnitaryGate};
use crate::pulse::{Schedule, ScheduleBuilder};
use crate::{Angle, Error, Matrix, Result};

/// A circuit under construction.
///
/// Gates are methods, angles first, then operands; a register stands for each of its qubits in turn. Nothing here
/// fails: the first mistake is kept and [`Builder::finish`] returns it.
///
/// ```
/// use ketline_quantum::{Angle, Builder, Qubits};
///
/// let mut b = Builder::new("ansatz");
/// let q: Qubits<3> = b.register("q");
/// let theta: [[Angle; 3]; 2] = b.parameter("theta");
/// for layer in theta {
///     for i in 0..3 {
///         b.ry(layer[i], q.at(i));
///     }
///     b.cz(q.at(..2), q.at(1..));
/// }
/// let bits = b.measure(q);
/// b.returns(bits);
/// let circuit = b.finish()?;
/// assert_eq!(circuit.parameters().names()[4], "theta[1][1]");
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    circuit: Circuit,
    /// Open blocks, innermost last.
    blocks: Vec<Vec<Instruction>>,
    error: Option<Error>,
}

impl Builder {
    /// An empty circuit of this name.
    pub fn new(name: impl Into<String>) -> Self {
        let circuit = Circuit { name: name.into(), ..Circuit::default() };
        Self { circuit, blocks: Vec::new(), error: None }
    }

    /// A register of `N` qubits, after those that are there.
    pub fn register<const N: usize>(&mut self, name: &str) -> Qubits<N> {
        Qubits::new(self.declare(name, N))
    }

    /// A register of one qubit.
    pub fn qubit(&mut self, name: &str) -> Qubit {
        Qubit::new(self.declare(name, 1))
    }

    /// A register with a run-time number of qubits.
    pub fn qubits(&mut self, name: &str, width: usize) -> QubitSlice {
        let start = self.declare(name, width);
        // a width that was refused has no places
        QubitSlice::new((start..self.circuit.width).collect::<Vec<_>>())
    }

    fn declare(&mut self, name: &str, width: usize) -> usize {
        let start = self.circuit.width;
        let declared = self.circuit.declare(name, width);
        self.record(declared.map(drop));
        start
    }

    /// Trainable parameters: one [`Angle`], or arrays of them.
    pub fn parameter<T: Trainable>(&mut self, name: &str) -> T {
        let mut next = match self.circuit.parameters.declare(name, T::shape()) {
            Ok(offset) => offset,
            Err(error) => {
                self.record(Err(error));
                0
            }
        };
        T::angles(&mut next)
    }

    /// A run-time number of trainable parameters.
    pub fn parameters(&mut self, name: &str, len: usize) -> Vec<Angle> {
        match self.circuit.parameters.declare(name, vec![len]) {
            Ok(offset) => (offset..offset + len).map(Angle::parameter).collect(),
            Err(error) => {
                self.record(Err(error));
                Vec::new()
            }
        }
    }

    /// A unitary matrix on the qubits of `operand`, the first of which is the least significant bit.
    pub fn unitary(&mut self, matrix: &Matrix, operand: impl Operand) {
        let places = operand.qubits();
        if let Some(fault) = places.fault {
            return self.record(Err(fault.error("unitary", self.step())));
        }
        match UnitaryGate::new("unitary", matrix.clone()) {
            Ok(gate) => self.push(Call::new(Gate::Unitary(gate.into()), [], places.list).into()),
            Err(error) => self.record(Err(error)),
        }
    }

    /// Measures in the Z basis.
    pub fn measure<O: Operand>(&mut self, operand: O) -> O::Bits {
        let first = self.circuit.bits;
        let places = operand.qubits();
        for (k, qubit) in self.checked("measure", &places).into_iter().enumerate() {
            self.circuit.bits = first + k + 1;
            self.push(Instruction::Measure { qubit, bit: first + k, confusion: None });
        }
        operand.bits(first)
    }

    /// Back to |0>.
    pub fn reset(&mut self, operand: impl Operand) {
        for qubit in self.checked("reset", &operand.qubits()) {
            self.push(Instruction::Reset { qubit });
        }
    }

    /// A barrier: no gate moves across it.
    pub fn barrier(&mut self, operand: impl Operand) {
        let qubits = self.checked("barrier", &operand.qubits());
        self.push(Instruction::Barrier { qubits });
    }

    /// Runs the body only if a measured bit is 1 (or, for `!bit`, 0).
    pub fn when<R>(&mut self, condition: impl Condition, body: impl FnOnce(&mut Self) -> R) -> R {
        let (bit, value) = condition.condition();
        let (result, body) = self.block(body);
        self.push(Instruction::If { bit: bit.index(), value, body });
        result
    }

    /// The inverse of the body.
    pub fn inverse<R>(&mut self, body: impl FnOnce(&mut Self) -> R) -> R {
        let (result, body) = self.block(body);
        match super::transform::inverse(&body) {
            Ok(inverse) => self.extend(inverse),
            Err(error) => self.record(Err(error)),
        }
        result
    }

    /// The body, controlled by each qubit of `operand`.
    pub fn control<R>(&mut self, operand: impl Operand, body: impl FnOnce(&mut Self) -> R) -> R {
        let controls = self.checked("control", &operand.qubits());
        let (result, body) = self.block(body);
        match super::transform::control(&body, &controls) {
            Ok(controlled) => self.extend(controlled),
            Err(error) => self.record(Err(error)),
        }
        result
    }

    /// The body, `times` times in a row.
    pub fn power<R>(&mut self, times: usize, body: impl FnOnce(&mut Self) -> R) -> R {
        let (result, body) = self.block(body);
        if let Some(step) = body.iter().find(|step| !step.is_unitary()) {
            self.record(Err(Error::NotUnitaryStep { what: "power", step: step.name() }));
        } else if super::fits(times, body.len(), self.step()) {
            self.extend(super::repeated(&body, times));
        } else {
            self.record(Err(Error::TooManySteps { limit: super::MAX_STEPS }));
        }
        result
    }

    /// Another circuit on the qubits of `operand`; its parameters join those of this one by name.
    pub fn append(&mut self, circuit: &impl AsRef<Circuit>, operand: impl Operand) {
        let circuit = circuit.as_ref();
        let qubits = self.checked(&circuit.name, &operand.qubits());
        if self.error.is_none() {
            match self.circuit.adopt(circuit, &qubits) {
                Ok(steps) => self.extend(steps),
                Err(error) => self.record(Err(error)),
            }
        }
    }

    /// Pulses as one step: qubit k of the schedule is the one at place k of `operand`, `arguments` stand for its parameters.
    pub fn pulse(&mut self, schedule: &impl AsRef<Schedule>, operand: impl Operand, arguments: &[Angle]) {
        let schedule = schedule.as_ref();
        let qubits = self.checked(schedule.name(), &operand.qubits());
        let (schedule, arguments) = (Arc::new(schedule.clone()), arguments.to_vec());
        self.push(Instruction::Pulse(PulseCall { schedule, qubits, arguments }));
    }

    /// Pulses that are written where they stand, as one step. The qubits and parameters of this circuit can be named.
    ///
    /// ```
    /// use ketline_quantum::pulse::{Duration, Waveform};
    /// use ketline_quantum::{Angle, Builder, Qubits};
    ///
    /// let mut b = Builder::new("mixer");
    /// let q: Qubits<2> = b.register("q");
    /// let amp: Angle = b.parameter("amp");
    /// b.rzz(0.4, q.at(0), q.at(1));
    /// b.pulses("rx", |pulses| {
    ///     for k in 0..2 {
    ///         let line = pulses.drive(q.at(k));
    ///         pulses.play(line, Waveform::drag(Duration::samples(128), amp, Duration::samples(32), -1.0));
    ///     }
    /// });
    /// assert_eq!(b.finish()?.counts()["rx"], 1);
    /// # Ok::<(), ketline_quantum::Error>(())
    /// ```
    pub fn pulses<R>(&mut self, name: &str, body: impl FnOnce(&mut ScheduleBuilder) -> R) -> R {
        let parameters = self.circuit.parameters.clone();
        let mut pulses = ScheduleBuilder::within(name.to_owned(), parameters);
        let result = body(&mut pulses);
        match pulses.finish().and_then(|schedule| PulseCall::of(&schedule)) {
            Ok(call) => self.push(Instruction::Pulse(call)),
            Err(error) => self.record(Err(error)),
        }
        result
    }

    /// Says which measured bits are the result, the first is the least significant.
    #[allow(clippy::needless_pass_by_value)] // bits are handles: `returns(m)` reads as the macro's last line
    pub fn returns(&mut self, output: impl Output) {
        let outputs: Vec<_> = output.outputs().into_iter().map(super::Bit::index).collect();
        let result = self.circuit.set_outputs(outputs);
        self.record(result);
    }

    /// A register that a circuit of this name is called on; a wrong width is reported here.
    pub fn operand<const N: usize>(&mut self, name: &str, operand: impl IntoQubits<N>) -> Qubits<N> {
        let qubits = operand.into_qubits();
        self.checked(name, &qubits.qubits());
        qubits
    }

    /// The numbers of qubits that something of this name acts on; a wrong index is reported here.
    pub(crate) fn places(&mut self, name: &str, operand: &impl Operand) -> Vec<usize> {
        self.checked(name, &operand.qubits())
    }

    /// Keeps the first error of those that building by hand may meet.
    pub fn fail(&mut self, error: Error) {
        self.record(Err(error));
    }

    /// The circuit.
    ///
    /// # Errors
    /// The first mistake that was made while building.
    pub fn finish(self) -> Result<Circuit> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.circuit),
        }
    }

    /// A gate of the table, registers qubit by qubit.
    pub(crate) fn call(&mut self, name: &'static str, angles: &[Angle], operands: &[Places]) {
        let Some(gate) = Gate::named(name) else { return };
        let length = operands.iter().find(|places| !places.single).map_or(1, |places| places.list.len());
        for places in operands {
            if let Some(fault) = places.fault {
                return self.record(Err(fault.error(name, self.step())));
            }
            if !places.single && places.list.len() != length {
                let (gate, found) = (name.to_owned(), places.list.len());
                return self.record(Err(Error::Width { gate, found, expected: length }));
            }
        }
        for k in 0..length {
            let qubits: Vec<_> =
                operands.iter().map(|places| places.list[if places.single { 0 } else { k }]).collect();
            self.push(Call::new(gate.clone(), angles, qubits).into());
        }
    }

    fn block<R>(&mut self, body: impl FnOnce(&mut Self) -> R) -> (R, Vec<Instruction>) {
        self.blocks.push(Vec::new());
        let result = body(self);
        (result, self.blocks.pop().unwrap_or_default())
    }

    fn push(&mut self, instruction: Instruction) {
        if self.error.is_some() {
            return;
        }
        let step = self.step();
        match self.circuit.check(&instruction, step) {
            Ok(()) => match self.blocks.last_mut() {
                Some(block) => block.push(instruction),
                None => self.circuit.instructions.push(instruction),
            },
            Err(error) => self.error = Some(error),
        }
    }

    fn extend(&mut self, steps: impl IntoIterator<Item = Instruction>) {
        for step in steps {
            self.push(step);
        }
    }

    fn step(&self) -> usize {
        self.circuit.instructions.len() + self.blocks.iter().map(Vec::len).sum::<usize>()
    }

    fn checked(&mut self, name: &str, places: &Places) -> Vec<usize> {
        match places.fault {
            Some(fault) => {
                self.record(Err(fault.error(name, self.step())));
                Vec::new()
            }
            None => places.list.clone(),
        }
    }

    fn record(&mut self, result: Result<()>) {
        if let (Err(error), None) = (result, &self.error) {
            self.error = Some(error);
        }
    }
}
