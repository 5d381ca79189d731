//! Gates as statements, and definitions of those that the included file does not have.

use super::super::Version;
use super::{Writer, angle};
use crate::gate::{Call, Gate, Row};
use crate::{Angle, Instruction};

/// Rows that `stdgates.inc` has.
const KNOWN_3: &[&str] = &[
    "gphase", "id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "rx", "ry", "rz", "p", "cx", "cy",
    "cz", "ch", "cp", "crx", "cry", "crz", "cu", "swap", "ccx", "cswap",
];

/// Rows that `qelib1.inc` has, `u`, `p` and `cp` by the names that the oldest one has.
const KNOWN_2: &[(&str, &str)] = &[
    ("id", "id"),
    ("x", "x"),
    ("y", "y"),
    ("z", "z"),
    ("h", "h"),
    ("s", "s"),
    ("sdg", "sdg"),
    ("t", "t"),
    ("tdg", "tdg"),
    ("sx", "sx"),
    ("sxdg", "sxdg"),
    ("rx", "rx"),
    ("ry", "ry"),
    ("rz", "rz"),
    ("p", "u1"),
    ("u", "u3"),
    ("cx", "cx"),
    ("cy", "cy"),
    ("cz", "cz"),
    ("ch", "ch"),
    ("csx", "csx"),
    ("cp", "cu1"),
    ("crx", "crx"),
    ("cry", "cry"),
    ("crz", "crz"),
    ("cu", "cu"),
    ("swap", "swap"),
    ("rxx", "rxx"),
    ("rzz", "rzz"),
    ("ccx", "ccx"),
    ("cswap", "cswap"),
];

/// Rows that version 3 writes with modifiers: how, and of which row.
const MODIFIED_3: &[(&str, &str)] =
    &[("sxdg", "inv @ sx"), ("cs", "ctrl @ s"), ("csx", "ctrl @ sx"), ("ccz", "ctrl @ cz")];

/// The words for a row, or none where it needs a definition.
fn words(row: &Row, version: Version) -> Option<&'static str> {
    let find = |list: &[(&str, &'static str)]| {
        list.iter().find(|(name, _)| *name == row.name).map(|(_, words)| *words)
    };
    match version {
        Version::Two => find(KNOWN_2),
        Version::Three => {
            find(MODIFIED_3).or_else(|| KNOWN_3.iter().find(|name| **name == row.name).copied())
        }
    }
}

/// A call with extra controls that version 2 has a name for.
fn many_controls(call: &Call) -> Option<&'static str> {
    match (call.gate.name(), call.controls.len()) {
        ("ccx", 1) => Some("c3x"),
        ("ccx", 2) => Some("c4x"),
        ("csx", 2) => Some("c3sqrtx"),
        _ => None,
    }
}

impl Writer<'_> {
    /// All calls as they are written, inside conditions too.
    pub(super) fn collect(&self, steps: &[Instruction], calls: &mut Vec<Call>) {
        for step in steps {
            match step {
                Instruction::Gate(call) => calls.extend(self.written_as(call)),
                Instruction::If { body, .. } => self.collect(body, calls),
                _ => {}
            }
        }
    }

    /// A call in calls that have words.
    fn written_as(&self, call: &Call) -> Vec<Call> {
        let two = self.version == Version::Two;
        match &call.gate {
            Gate::Unitary(_) => call.lower(),
            Gate::Standard(_) if two && !call.controls.is_empty() && many_controls(call).is_none() => {
                call.lower()
            }
            Gate::Standard(_) => vec![call.clone()],
        }
    }

    /// Notes the definition of a call's row, if it needs one, after those that it uses.
    pub(super) fn require(&mut self, call: &Call) {
        let Gate::Standard(row) = &call.gate else { return };
        // version 2 has no word for a phase and needs none
        if words(row, self.version).is_some() || row.name == "gphase" || self.rows.contains(row) {
            return;
        }
        for step in body(row, self.version) {
            self.require(&step);
        }
        self.rows.push(row);
    }

    pub(super) fn define(&mut self, row: &'static Row) {
        // in alphabetical order, since Qiskit's reader of version 3 gives them their values in that order
        let names: Vec<_> = (0..row.angles.len()).map(|k| format!("p{k}")).collect();
        let angles = if names.is_empty() { String::new() } else { format!("({})", names.join(", ")) };
        self.line(0, &format!("gate {}{angles} {} {{", row.name, row.operands.join(", ")));
        for call in body(row, self.version) {
            if let Some(text) = self.statement(&call, &names, row.operands) {
                self.line(1, &text);
            }
        }
        self.line(0, "}");
    }

    /// A call as statements.
    pub(super) fn calls(&self, call: &Call) -> Vec<String> {
        let calls = self.written_as(call);
        calls.iter().filter_map(|call| self.statement(call, &self.inputs, &self.qubits)).collect()
    }

    fn statement(
        &self,
        call: &Call,
        inputs: &[impl AsRef<str>],
        qubits: &[impl AsRef<str>],
    ) -> Option<String> {
        let Gate::Standard(row) = &call.gate else { return None };
        let two = self.version == Version::Two;
        if two && row.name == "gphase" && call.controls.is_empty() {
            return None;
        }
        let mut name = match call.controls.len() {
            0 => String::new(),
            _ if two => String::new(),
            1 => "ctrl @ ".to_owned(),
            count => format!("ctrl({count}) @ "),
        };
        name.push_str(match many_controls(call) {
            Some(words) if two => words,
            _ => words(row, self.version).unwrap_or(row.name),
        });
        if !call.angles.is_empty() {
            let angles: Vec<_> = call.angles.iter().map(|a| angle::angle(a, inputs)).collect();
            name = format!("{name}({})", angles.join(", "));
        }
        let operands: Vec<_> = call.all_qubits().map(|qubit| qubits[qubit].as_ref()).collect();
        Some(if operands.is_empty() {
            format!("{name};")
        } else {
            format!("{name} {};", operands.join(", "))
        })
    }
}

/// What the definition of a row consists of.
fn body(row: &Row, version: Version) -> Vec<Call> {
    let angles: Vec<_> = (0..row.angles.len()).map(Angle::parameter).collect();
    let call = |(name, angle, operands): (&str, Angle, &[usize])| {
        Some(Call::new(Gate::named(name)?, [angle], operands))
    };
    if row.name == "u" && version == Version::Three {
        // not by the `U` of the language: about its phase the versions, and the programs that read them, disagree
        let [theta, phi, lambda] = [angles[0], angles[1], angles[2]];
        let steps: [(&str, Angle, &[usize]); 4] = [
            ("rz", lambda, &[0]),
            ("ry", theta, &[0]),
            ("rz", phi, &[0]),
            ("gphase", (phi + lambda) / 2.0, &[]),
        ];
        return steps.into_iter().filter_map(call).collect();
    }
    let steps = (row.decomposition)(&angles).into_iter();
    steps.filter_map(|step| Some(Call::new(Gate::named(step.gate)?, step.angles, step.operands))).collect()
}
