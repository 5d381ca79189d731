//! A snapshot as read, before anything in it is believed.

use std::collections::{BTreeMap, BTreeSet};

use super::calibration::{Calibration, Coupling, GateCalibration, QubitCalibration, Reading, Trap, Warning};
use crate::{Error, Result};

/// Above these medians (seconds) of one- and two-qubit gates, pulses were saved stretched: devices with calibrated
/// pulses stay below 0.11 and 0.7 microseconds.
const STRETCHED: [f64; 2] = [0.3e-6, 2.5e-6];
const READOUT_ERROR: f64 = 0.15;
const WEAK_COUPLING: f64 = 0.5e6;
const LARGE_ZZ: f64 = 0.4e6;
/// Gates that only change a frame: no pulse, so no length.
const VIRTUAL: [&str; 9] = ["rz", "p", "u1", "z", "s", "sdg", "t", "tdg", "delay"];
/// Operations that are no gates: they have a length but no fidelity.
const WITHOUT_ERROR: [&str; 3] = ["reset", "measure", "delay"];

/// A number, if it was there, and where it stood.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) file: String,
    pub(super) field: String,
    pub(super) value: Option<f64>,
}

impl Entry {
    fn flag(&self, trap: Trap) -> Warning {
        Warning { file: self.file.clone(), field: self.field.clone(), value: self.value, trap }
    }

    fn wrong(&self, wanted: &str) -> Error {
        let found = self.value.map_or("nothing".into(), |value| format!("{value:e}"));
        Error::BadField { file: self.file.clone(), field: self.field.clone(), found, wanted: wanted.into() }
    }

    fn missing(&self) -> Error {
        Error::MissingField { file: self.file.clone(), field: self.field.clone() }
    }

    /// Refuses a value outside `low..=high`.
    pub(super) fn within(&self, low: f64, high: f64, unit: &str) -> Result<()> {
        match self.value {
            Some(value) if !(low..=high).contains(&value) => {
                Err(self.wrong(&format!("{low:e} to {high:e}{unit}")))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
pub(super) struct QubitDraft {
    pub(super) t1: Entry,
    pub(super) t2: Entry,
    pub(super) frequency: Entry,
    pub(super) anharmonicity: Entry,
    pub(super) p1_given_0: Entry,
    pub(super) p0_given_1: Entry,
    /// Stands in for the two probabilities where they are absent.
    pub(super) readout_error: Option<f64>,
    pub(super) readout_length: Entry,
}

#[derive(Debug)]
pub(super) struct GateDraft {
    pub(super) name: String,
    pub(super) qubits: Vec<usize>,
    pub(super) error: Entry,
    pub(super) length: Entry,
}

#[derive(Debug)]
pub(super) struct CouplingDraft {
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) exchange: Entry,
    pub(super) zz: Entry,
}

/// A snapshot as read; numbers are in seconds and hertz.
#[derive(Debug)]
pub(super) struct Draft {
    /// The file that names edges and gates.
    pub(super) file: String,
    pub(super) name: String,
    pub(super) date: String,
    pub(super) source: String,
    pub(super) dt: Entry,
    pub(super) basis: Vec<String>,
    pub(super) qubits: Vec<QubitDraft>,
    pub(super) gates: Vec<GateDraft>,
    /// Name of the field with the edges, for errors.
    pub(super) edges_field: &'static str,
    pub(super) edges: Vec<(usize, usize)>,
    pub(super) couplings: Vec<CouplingDraft>,
    pub(super) warnings: Vec<Warning>,
}

impl Draft {
    /// Checks everything, repairs what `reading` allows, and flags what is strange.
    pub(super) fn settle(mut self, reading: Reading) -> Result<Calibration> {
        self.edges.sort_unstable();
        self.edges.dedup();
        self.check_connected()?;
        let mut warnings = std::mem::take(&mut self.warnings);
        self.dt.within(1e-12, 1e-6, " s")?;
        if self.dt.value.is_none() {
            warnings.push(self.dt.flag(Trap::Absent));
        }
        let qubits = settle_qubits(&self.qubits, reading, &mut warnings)?;
        let gates = self.settle_gates(reading, &mut warnings)?;
        let couplings = self.settle_couplings(&mut warnings)?;
        Ok(Calibration {
            name: self.name,
            date: self.date,
            source: self.source,
            dt: self.dt.value,
            basis: self.basis,
            qubits,
            gates,
            edges: self.edges,
            couplings,
            warnings,
        })
    }

    /// Every qubit must be reached from qubit 0, going along edges either way.
    fn check_connected(&self) -> Result<()> {
        let mut neighbours = vec![Vec::new(); self.qubits.len()];
        for (a, b) in &self.edges {
            neighbours[*a].push(*b);
            neighbours[*b].push(*a);
        }
        let mut reached = vec![false; self.qubits.len()];
        let mut open = vec![0];
        reached[0] = true;
        while let Some(qubit) = open.pop() {
            for next in &neighbours[qubit] {
                if !std::mem::replace(&mut reached[*next], true) {
                    open.push(*next);
                }
            }
        }
        match reached.iter().position(|seen| !seen) {
            None => Ok(()),
            Some(qubit) => Err(Error::Disconnected {
                file: self.file.clone(),
                field: self.edges_field.into(),
                qubit,
                reached: reached.iter().filter(|seen| **seen).count(),
                width: reached.len(),
            }),
        }
    }

    fn settle_gates(&self, reading: Reading, warnings: &mut Vec<Warning>) -> Result<Vec<GateCalibration>> {
        let mut lengths: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let mut errors: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for gate in &self.gates {
            gate.length.within(0.0, 1.0, " s")?;
            gate.error.within(0.0, 1.0, "")?;
            lengths.entry(&gate.name).or_default().extend(gate.length.value.filter(|x| *x > 0.0));
            errors.entry(&gate.name).or_default().extend(gate.error.value.filter(|x| *x < 1.0));
        }
        let mut gates = Vec::with_capacity(self.gates.len());
        for gate in &self.gates {
            let name = gate.name.as_str();
            let length = match gate.length.value {
                Some(length) if length > 0.0 || VIRTUAL.contains(&name) => length,
                None if VIRTUAL.contains(&name) => 0.0,
                _ => fill(&gate.length, reading, median(&lengths[name]), warnings)?,
            };
            let error = match gate.error.value {
                Some(error) => error,
                None if WITHOUT_ERROR.contains(&name) => 0.0,
                None => fill(&gate.error, reading, median(&errors[name]), warnings)?,
            };
            if error >= 1.0 {
                warnings.push(gate.error.flag(Trap::DeadGate));
            }
            if error == 0.0 && length > 0.0 && !WITHOUT_ERROR.contains(&name) {
                warnings.push(gate.error.flag(Trap::NoGateError));
            }
            gates.push(GateCalibration {
                name: gate.name.clone(),
                qubits: gate.qubits.clone(),
                error,
                length,
            });
        }
        gates.sort_by(|a, b| (&a.name, &a.qubits).cmp(&(&b.name, &b.qubits)));
        self.check_gates(&gates, warnings)?;
        Ok(gates)
    }

    fn check_gates(&self, gates: &[GateCalibration], warnings: &mut Vec<Warning>) -> Result<()> {
        let wrong = |field: String, found: String, wanted: &str| {
            Err(Error::BadField { file: self.file.clone(), field, found, wanted: wanted.into() })
        };
        for twins in gates.windows(2) {
            if twins[0].name == twins[1].name && twins[0].qubits == twins[1].qubits {
                return wrong(gate_field(&twins[0].name, &twins[0].qubits), "two entries".into(), "one");
            }
        }
        let pair = |gate: &GateCalibration| (gate.qubits[0], gate.qubits[1]);
        let of_two = || gates.iter().filter(|gate| gate.qubits.len() == 2);
        if let Some(gate) = of_two().find(|gate| self.edges.binary_search(&pair(gate)).is_err()) {
            let field = gate_field(&gate.name, &gate.qubits);
            return wrong(field, format!("qubits {:?}", gate.qubits), "an edge of the coupling map");
        }
        let joined: BTreeSet<(usize, usize)> = of_two().map(pair).collect();
        for (a, b) in self.edges.iter().filter(|edge| !joined.contains(edge)) {
            let field = format!("{}[{a}, {b}]", self.edges_field);
            warnings.push(Warning {
                file: self.file.clone(),
                field,
                value: None,
                trap: Trap::EdgeWithoutGate,
            });
        }
        let names: BTreeSet<&str> = of_two().map(|gate| gate.name.as_str()).collect();
        if names.len() > 1 {
            let field = format!("gates {}", names.into_iter().collect::<Vec<_>>().join(", "));
            warnings.push(Warning { file: self.file.clone(), field, value: None, trap: Trap::MixedGates });
        }
        let mut covered: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for gate in gates.iter().filter(|gate| gate.qubits.len() == 1) {
            covered.entry(&gate.name).or_default().insert(gate.qubits[0]);
        }
        for (name, qubits) in covered.iter().filter(|(name, _)| self.basis.iter().any(|basis| basis == *name))
        {
            if let Some(qubit) = (0..self.qubits.len()).find(|qubit| !qubits.contains(qubit)) {
                return Err(Error::MissingField {
                    file: self.file.clone(),
                    field: gate_field(name, &[qubit]),
                });
            }
        }
        for (arity, limit) in STRETCHED.iter().enumerate() {
            let lengths: Vec<f64> = gates
                .iter()
                .filter(|gate| gate.qubits.len() == arity + 1 && gate.length > 0.0)
                .filter(|gate| !WITHOUT_ERROR.contains(&gate.name.as_str()))
                .map(|gate| gate.length)
                .collect();
            if let Some(value) = median(&lengths).filter(|length| length > limit) {
                let field = format!("median length of {}-qubit gates", arity + 1);
                let (file, value) = (self.file.clone(), Some(value));
                warnings.push(Warning { file, field, value, trap: Trap::StretchedPulses });
            }
        }
        Ok(())
    }

    /// One coupling for each pair of qubits that an edge joins.
    fn settle_couplings(&self, warnings: &mut Vec<Warning>) -> Result<Vec<Coupling>> {
        let mut pairs: Vec<(usize, usize)> = self.edges.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut found: BTreeMap<(usize, usize), &CouplingDraft> = BTreeMap::new();
        for coupling in &self.couplings {
            coupling.exchange.within(-1e9, 1e9, " Hz")?;
            coupling.zz.within(-1e9, 1e9, " Hz")?;
            let pair = (coupling.a.min(coupling.b), coupling.a.max(coupling.b));
            if pairs.binary_search(&pair).is_err() || found.insert(pair, coupling).is_some() {
                return Err(coupling.exchange.wrong("one coupling for each edge, and none elsewhere"));
            }
        }
        let settled = pairs.into_iter().map(|(a, b)| {
            let draft = found.get(&(a, b));
            let (exchange, zz) = draft.map_or((None, None), |draft| (draft.exchange.value, draft.zz.value));
            if exchange.unwrap_or(0.0) == 0.0 && zz.unwrap_or(0.0) == 0.0 {
                let (file, field) = (self.file.clone(), format!("coupling of {a} and {b}"));
                warnings.push(Warning { file, field, value: exchange, trap: Trap::NoCoupling });
            } else if let Some(draft) = draft {
                let small = |value: f64| value.abs() < WEAK_COUPLING;
                warnings
                    .extend(exchange.filter(|j| small(*j)).map(|_| draft.exchange.flag(Trap::WeakCoupling)));
                let large = |value: f64| value.abs() > LARGE_ZZ;
                warnings.extend(zz.filter(|zz| large(*zz)).map(|_| draft.zz.flag(Trap::LargeZz)));
            }
            Coupling { a, b, exchange, zz }
        });
        Ok(settled.collect())
    }
}

/// The way a gate is named in errors.
pub(super) fn gate_field(name: &str, qubits: &[usize]) -> String {
    let qubits: Vec<String> = qubits.iter().map(ToString::to_string).collect();
    format!("gates[{name} {}]", qubits.join(" "))
}

fn settle_qubits(
    drafts: &[QubitDraft],
    reading: Reading,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<QubitCalibration>> {
    let times = |pick: fn(&QubitDraft) -> &Entry| {
        let all: Vec<f64> =
            drafts.iter().filter_map(|qubit| pick(qubit).value).filter(|x| *x > 0.0).collect();
        median(&all)
    };
    let probabilities = |pick: fn(&QubitDraft) -> &Entry| {
        median(&drafts.iter().filter_map(|qubit| pick(qubit).value).collect::<Vec<_>>())
    };
    let (t1s, t2s) = (times(|qubit| &qubit.t1), times(|qubit| &qubit.t2));
    let (p1s, p0s) = (probabilities(|qubit| &qubit.p1_given_0), probabilities(|qubit| &qubit.p0_given_1));
    let mut qubits = Vec::with_capacity(drafts.len());
    for draft in drafts {
        draft.t1.within(0.0, 10.0, " s")?;
        draft.t2.within(0.0, 10.0, " s")?;
        draft.frequency.within(1e6, 1e12, " Hz")?;
        draft.anharmonicity.within(-1e11, 1e11, " Hz")?;
        draft.p1_given_0.within(0.0, 1.0, "")?;
        draft.p0_given_1.within(0.0, 1.0, "")?;
        draft.readout_length.within(0.0, 1.0, " s")?;
        let mut time = |entry: &Entry, all: Option<f64>| match entry.value {
            Some(value) if value > 0.0 => Ok(value),
            _ => fill(entry, reading, all, warnings),
        };
        let (t1, mut t2) = (time(&draft.t1, t1s)?, time(&draft.t2, t2s)?);
        if t2 > 2.0 * t1 {
            if reading == Reading::Strict {
                let wanted = format!("at most 2 T1 = {:e} s; a lenient reading clamps it", 2.0 * t1);
                return Err(draft.t2.wrong(&wanted));
            }
            warnings.push(draft.t2.flag(Trap::LongT2));
            t2 = 2.0 * t1;
        }
        let mut probability = |entry: &Entry, all: Option<f64>| match (entry.value, draft.readout_error) {
            (Some(value), _) => Ok(value),
            (None, Some(mean)) => {
                warnings.push(entry.flag(Trap::Filled));
                Ok(mean)
            }
            (None, None) => fill(entry, reading, all, warnings),
        };
        let (p1_given_0, p0_given_1) =
            (probability(&draft.p1_given_0, p1s)?, probability(&draft.p0_given_1, p0s)?);
        let anharmonicity = draft.anharmonicity.value.filter(|value| *value != 0.0);
        if anharmonicity.is_none() {
            warnings.push(draft.anharmonicity.flag(Trap::Absent));
        }
        let readout_length = draft.readout_length.value.unwrap_or(0.0);
        if readout_length == 0.0 {
            warnings.push(draft.readout_length.flag(Trap::Absent));
        }
        for (entry, value) in [(&draft.p1_given_0, p1_given_0), (&draft.p0_given_1, p0_given_1)] {
            if value > READOUT_ERROR {
                warnings.push(Warning { value: Some(value), ..entry.flag(Trap::ReadoutError) });
            }
        }
        let frequency = draft.frequency.value.ok_or_else(|| draft.frequency.missing())?;
        qubits.push(QubitCalibration {
            t1,
            t2,
            frequency,
            anharmonicity,
            p1_given_0,
            p0_given_1,
            readout_length,
        });
    }
    Ok(qubits)
}

/// Puts `all`, the median of the device, in the place of a value that is absent or zero, if the reading allows it.
fn fill(entry: &Entry, reading: Reading, all: Option<f64>, warnings: &mut Vec<Warning>) -> Result<f64> {
    match (reading, all) {
        (Reading::Lenient, Some(value)) => {
            warnings.push(entry.flag(Trap::Filled));
            Ok(value)
        }
        _ if entry.value.is_some() => Err(entry.wrong("more than 0")),
        _ => Err(entry.missing()),
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    Some(if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[sorted.len() / 2 - 1], upper)
    } else {
        upper
    })
}
