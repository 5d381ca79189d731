//! Where things stand in a drawing: columns and marks, shared by text and SVG.

use std::fmt;

use super::{Circuit, Instruction};
use crate::Angle;
use crate::gate::{Call, Gate};

/// What is drawn on one wire.
pub(super) enum Mark {
    /// A control.
    Control,
    /// The target of an X with controls.
    Not,
    /// One end of a swap.
    Cross,
    /// A box with a label.
    Label(String),
    /// A barrier.
    Bar,
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
        drawing.columns = free.into_iter().max().unwrap_or(0);
        drawing
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
    let boxed = |qubits: &[usize], label: &str| {
        let several = qubits.len() > 1;
        let name =
            |k| if several { format!("{condition}{label}:{k}") } else { format!("{condition}{label}") };
        qubits.iter().enumerate().map(|(k, qubit)| (*qubit, Mark::Label(name(k)))).collect::<Vec<_>>()
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
            let marks = match base {
                "x" if controlled && condition.is_empty() => vec![(targets[0], Mark::Not)],
                "z" | "p" if controlled && condition.is_empty() && call.angles.is_empty() => {
                    vec![(targets[0], Mark::Control)]
                }
                "swap" if condition.is_empty() => targets.iter().map(|qubit| (*qubit, Mark::Cross)).collect(),
                _ => boxed(targets, &format!("{base}{}", Arguments { circuit, call })),
            };
            controls.chain(marks).collect()
        }
        Instruction::Measure { qubit, bit, .. } => {
            vec![(*qubit, Mark::Label(format!("{condition}M c{bit}")))]
        }
        Instruction::Reset { qubit } => vec![(*qubit, Mark::Label(format!("{condition}|0>")))],
        Instruction::Barrier { qubits } => qubits.iter().map(|qubit| (*qubit, Mark::Bar)).collect(),
        Instruction::Channel { channel, qubits } => boxed(qubits, channel.name()),
        Instruction::If { .. } => Vec::new(),
    }
}

/// The angles of a call in parentheses.
struct Arguments<'a> {
    circuit: &'a Circuit,
    call: &'a Call,
}

impl fmt::Display for Arguments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |p: usize, f: &mut fmt::Formatter<'_>| f.write_str(&self.circuit.parameters().name(p));
        for (k, angle) in self.call.angles.iter().enumerate() {
            f.write_str(if k == 0 { "(" } else { ", " })?;
            Angle::write(angle, f, name)?;
        }
        if self.call.angles.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}
