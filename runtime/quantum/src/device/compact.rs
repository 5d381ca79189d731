//! Ketline's own file of a calibration: JSON in SI units, one line a qubit, gate and coupling.
//!
//! ```text
//! {"format": "ketline-calibration", "version": 1, "name": "manila", "date": "2024-05-27T15:27:23-03:00",
//!  "source": "...", "dt": 2.2e-10, "basis": ["cx", "id", "rz", "sx", "x"],
//!  "qubits": [{"t1": 1.3e-4, "t2": 1e-4, "frequency": 4.96e9, "anharmonicity": -3.4e8,
//!              "p1_given_0": 0.016, "p0_given_1": 0.055, "readout_length": 5.4e-6}, ..],
//!  "gates": [{"name": "cx", "qubits": [0, 1], "error": 0.0073, "length": 2.8e-7}, ..],
//!  "edges": [[0, 1], ..],
//!  "couplings": [{"a": 0, "b": 1, "exchange": 1.9e6, "zz": -4.8e4}, ..],
//!  "warnings": []}
//! ```

use serde_json::json;

use super::calibration::{Calibration, MAX_QUBITS, Warning};
use super::document::Field;
use super::draft::{CouplingDraft, Draft, Entry, GateDraft, QubitDraft, gate_field};
use super::form::{self, Form};
use crate::Result;

pub(super) const FORM: Form = Form { format: "ketline-calibration", version: 1 };

pub(super) fn draft(root: &Field<'_>) -> Result<Draft> {
    FORM.check(root)?;
    let list = root.get("qubits")?;
    let width = list.len();
    if !(1..=MAX_QUBITS).contains(&width) {
        return Err(list.wrong(&format!("a list of 1 to {MAX_QUBITS} qubits")));
    }
    let basis = root.get("basis")?.items()?.map(|gate| Ok(gate.text()?.to_owned()));
    Ok(Draft {
        file: root.file.into(),
        name: root.get("name")?.text()?.into(),
        date: root.get("date")?.text()?.into(),
        source: form::source(root)?,
        dt: entry(root, "dt")?,
        basis: basis.collect::<Result<_>>()?,
        qubits: list.items()?.map(|qubit| self::qubit(&qubit)).collect::<Result<_>>()?,
        gates: root.get("gates")?.items()?.map(|gate| self::gate(&gate, width)).collect::<Result<_>>()?,
        edges_field: "edges",
        edges: root.get("edges")?.items()?.map(|edge| edge.edge(width)).collect::<Result<_>>()?,
        couplings: root
            .get("couplings")?
            .items()?
            .map(|pair| coupling(&pair, width))
            .collect::<Result<_>>()?,
        warnings: root.find("warnings").map_or(Ok(Vec::new()), |warnings| warnings.parsed())?,
    })
}

fn qubit(qubit: &Field<'_>) -> Result<QubitDraft> {
    Ok(QubitDraft {
        t1: entry(qubit, "t1")?,
        t2: entry(qubit, "t2")?,
        frequency: entry(qubit, "frequency")?,
        anharmonicity: entry(qubit, "anharmonicity")?,
        p1_given_0: entry(qubit, "p1_given_0")?,
        p0_given_1: entry(qubit, "p0_given_1")?,
        readout_error: None,
        readout_length: entry(qubit, "readout_length")?,
    })
}

fn gate(gate: &Field<'_>, width: usize) -> Result<GateDraft> {
    let name = gate.get("name")?.text()?.to_owned();
    let qubits = gate.get("qubits")?.operands(width)?;
    let named = |quantity: &str| {
        let field = format!("{}.{quantity}", gate_field(&name, &qubits));
        Ok(Entry { field, ..entry(gate, quantity)? })
    };
    Ok(GateDraft { error: named("error")?, length: named("length")?, name, qubits })
}

fn coupling(pair: &Field<'_>, width: usize) -> Result<CouplingDraft> {
    let (a, b) = (pair.get("a")?.index(width)?, pair.get("b")?.index(width)?);
    Ok(CouplingDraft { a, b, exchange: entry(pair, "exchange")?, zz: entry(pair, "zz")? })
}

fn entry(parent: &Field<'_>, name: &str) -> Result<Entry> {
    let field = if parent.path.is_empty() { name.into() } else { format!("{}.{name}", parent.path) };
    let value = parent.find(name).map(|value| value.number()).transpose()?;
    Ok(Entry { file: parent.file.into(), field, value })
}

pub(super) fn write(calibration: &Calibration) -> String {
    let qubits = calibration.qubits.iter().map(|qubit| {
        json!({
            "t1": qubit.t1, "t2": qubit.t2, "frequency": qubit.frequency, "anharmonicity": qubit.anharmonicity,
            "p1_given_0": qubit.p1_given_0, "p0_given_1": qubit.p0_given_1, "readout_length": qubit.readout_length,
        })
    });
    let gates = calibration.gates.iter().map(|gate| {
        json!({ "name": gate.name, "qubits": gate.qubits, "error": gate.error, "length": gate.length })
    });
    let couplings = calibration
        .couplings
        .iter()
        .map(|pair| json!({ "a": pair.a, "b": pair.b, "exchange": pair.exchange, "zz": pair.zz }));
    // What can be seen in the values is flagged again when they are read. Folders are the writer's own business.
    let name = |file: &str| file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let hidden: Vec<Warning> = calibration
        .warnings
        .iter()
        .filter(|warning| !warning.trap.is_visible())
        .map(|warning| Warning { file: name(&warning.file), ..warning.clone() })
        .collect();
    let head = [
        ("name", json!(calibration.name)),
        ("date", json!(calibration.date)),
        ("source", json!(calibration.source)),
        ("dt", json!(calibration.dt)),
        ("basis", json!(calibration.basis)),
        ("edges", json!(calibration.edges)),
        ("warnings", json!(hidden)),
    ];
    let lists =
        [("qubits", qubits.collect()), ("gates", gates.collect()), ("couplings", couplings.collect())];
    FORM.write(head, lists)
}
