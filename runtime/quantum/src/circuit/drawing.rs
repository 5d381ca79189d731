//! Where things stand in a drawing: columns and marks, shared by text and SVG.

use std::collections::BTreeSet;
use std::fmt;

use super::simplify::is_symmetric;
use super::{Circuit, Instruction};
use crate::Angle;
use crate::gate::Gate;

/// What is drawn on one wire.
pub(super) enum Mark {
    /// A control.
    Control,
    /// The target of an X with controls.
    Not,
    /// One end of a swap.
    Cross,
    /// A box.
    Label(Label),
    /// A barrier.
    Bar,
}

/// What stands in a box.
pub(super) struct Label {
    pub(super) kind: Kind,
    /// `if c0: `, or nothing.
    pub(super) condition: String,
    pub(super) name: String,
    /// Angles in parentheses, or nothing.
    pub(super) arguments: String,
    /// The number of the operand, where the order of the operands matters.
    pub(super) operand: Option<usize>,
}

/// What a box stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gate,
    Measurement,
    Reset,
    Noise,
    Pulse,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.kind {
            Kind::Measurement => "M ",
            Kind::Pulse => "∿ ",
            _ => "",
        };
        write!(f, "{}{mark}{}{}", self.condition, self.name, self.arguments)?;
        self.operand.map_or(Ok(()), |operand| write!(f, ":{operand}"))
    }
}

/// One step of the drawing: marks on wires of one column, joined by a line where there are several.
pub(super) struct Element {
    pub(super) column: usize,
    pub(super) marks: Vec<(usize, Mark)>,
    pub(super) joined: bool,
}

/// A circuit laid out.
pub(super) struct Drawing {
    pub(super) wires: Vec<String>,
    pub(super) columns: usize,
    pub(super) elements: Vec<Element>,
}

impl Drawing {
    pub(super) fn of(circuit: &Circuit) -> Self {
        let wires = (0..circuit.width()).map(|qubit| circuit.qubit_name(qubit)).collect();
        let mut drawing = Self { wires, columns: 0, elements: Vec::new() };
        let mut free = vec![0; circuit.width()];
        let mut measured_in = vec![0; circuit.bits()];
        for step in circuit.instructions() {
            drawing.place(circuit, step, "", 0, &mut free, &mut measured_in);
        }
        drawing.align(circuit);
        drawing.columns = drawing.elements.iter().map(|element| element.column + 1).max().unwrap_or(0);
        drawing
    }

    /// Puts measurements that nothing follows in one column, the last.
    fn align(&mut self, circuit: &Circuit) {
        let steps = circuit.instructions();
        let conditions = steps.iter().filter(|step| matches!(step, Instruction::If { .. }));
        let conditions: BTreeSet<_> = conditions.flat_map(Instruction::bits).collect();
        let mut last = vec![(None, 0); circuit.width()];
        for step in steps {
            step.qubits().into_iter().for_each(|wire| last[wire].0 = Some(step));
        }
        for (at, element) in self.elements.iter().enumerate() {
            element.marks.iter().for_each(|(wire, _)| last[*wire].1 = at);
        }
        let is_end = |step: &Instruction| matches!(step, Instruction::Measure { bit, .. } if !conditions.contains(bit));
        let ends: BTreeSet<_> =
            last.into_iter().filter(|(step, _)| step.is_some_and(is_end)).map(|(_, at)| at).collect();
        let others = self.elements.iter().enumerate().filter(|(at, _)| !ends.contains(at));
        let column = others.map(|(_, element)| element.column + 1).max().unwrap_or(0);
        for at in ends {
            self.elements[at].column = column;
        }
    }

    fn place(
        &mut self,
        circuit: &Circuit,
        step: &Instruction,
        condition: &str,
        earliest: usize,
        free: &mut [usize],
        measured_in: &mut [usize],
    ) {
        if let Instruction::If { bit, value, body } = step {
            let condition = format!("{condition}if {}c{bit}: ", if *value { "" } else { "!" });
            let earliest = earliest.max(measured_in[*bit]);
            for inner in body {
                self.place(circuit, inner, &condition, earliest, free, measured_in);
            }
            return;
        }
        let qubits = step.qubits();
        let (Some(&low), Some(&high)) = (qubits.iter().min(), qubits.iter().max()) else { return };
        let column = free[low..=high].iter().copied().max().unwrap_or(0).max(earliest);
        free[low..=high].fill(column + 1);
        if let Instruction::Measure { bit, .. } = step {
            measured_in[*bit] = column + 1;
        }
        let marks = marks(circuit, step, condition);
        let joined = !matches!(step, Instruction::Barrier { .. }) && marks.len() > 1;
        self.elements.push(Element { column, marks, joined });
    }
}

fn marks(circuit: &Circuit, step: &Instruction, condition: &str) -> Vec<(usize, Mark)> {
    let label = |kind, name: &str| {
        let (condition, name) = (condition.to_owned(), name.to_owned());
        Label { kind, condition, name, arguments: String::new(), operand: None }
    };
    match step {
        Instruction::Gate(call) => {
            let controls = call.control_qubits().map(|qubit| (qubit, Mark::Control));
            let targets = call.target_qubits();
            let base = match &call.gate {
                Gate::Standard(row) if !row.base.is_empty() => row.base,
                gate => gate.name(),
            };
            let controlled = call.control_qubits().next().is_some();
            let marks: Vec<_> = match base {
                "x" if controlled && condition.is_empty() => vec![(targets[0], Mark::Not)],
                "z" if controlled && condition.is_empty() => vec![(targets[0], Mark::Control)],
                "swap" if condition.is_empty() => targets.iter().map(|qubit| (*qubit, Mark::Cross)).collect(),
                _ => {
                    let ordered = targets.len() > 1 && !is_symmetric(&call.gate);
                    let part = |operand| Label {
                        arguments: Arguments { circuit, angles: &call.angles }.to_string(),
                        operand: ordered.then_some(operand),
                        ..label(Kind::Gate, base)
                    };
                    targets.iter().enumerate().map(|(k, qubit)| (*qubit, Mark::Label(part(k)))).collect()
                }
            };
            controls.chain(marks).collect()
        }
        Instruction::Measure { qubit, bit, .. } => {
            vec![(*qubit, Mark::Label(label(Kind::Measurement, &format!("c{bit}"))))]
        }
        Instruction::Reset { qubit } => vec![(*qubit, Mark::Label(label(Kind::Reset, "|0>")))],
        Instruction::Barrier { qubits } => qubits.iter().map(|qubit| (*qubit, Mark::Bar)).collect(),
        Instruction::Channel { channel, qubits } => {
            qubits.iter().map(|qubit| (*qubit, Mark::Label(label(Kind::Noise, channel.name())))).collect()
        }
        Instruction::Pulse(call) => {
            let part = |operand| Label {
                arguments: Arguments { circuit, angles: &call.arguments }.to_string(),
                operand: (call.qubits.len() > 1).then_some(operand),
                ..label(Kind::Pulse, call.schedule.name())
            };
            call.qubits.iter().enumerate().map(|(k, qubit)| (*qubit, Mark::Label(part(k)))).collect()
        }
        Instruction::If { .. } => Vec::new(),
    }
}

/// The angles of a call in parentheses.
struct Arguments<'a> {
    circuit: &'a Circuit,
    angles: &'a [Angle],
}

impl fmt::Display for Arguments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |p: usize, f: &mut fmt::Formatter<'_>| f.write_str(&self.circuit.parameters().name(p));
        for (k, angle) in self.angles.iter().enumerate() {
            f.write_str(if k == 0 { "(" } else { ", " })?;
            Angle::write(angle, f, name)?;
        }
        if self.angles.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}
