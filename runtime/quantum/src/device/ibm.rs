//! IBM's snapshots: `props_*.json` (what was measured) and `conf_*.json` (what the device is).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::calibration::{MAX_QUBITS, Trap, Warning};
use super::document::{self, Field};
use super::draft::{CouplingDraft, Draft, Entry, GateDraft, QubitDraft, gate_field};
use crate::{Error, Result};

/// Below this, a `dt` can only be in seconds: no electronics samples a million times a nanosecond.
const DT_IN_SECONDS: f64 = 1e-6;

/// The `props_*.json` and the `conf_*.json` of a folder that has one of each.
pub(super) fn pair_in(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let fail = |reason: String| Error::File { file: folder.display().to_string(), reason };
    let mut found = [Vec::new(), Vec::new()];
    for entry in fs::read_dir(folder).map_err(|error| fail(error.to_string()))? {
        let path = entry.map_err(|error| fail(error.to_string()))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        for (kind, prefix) in ["props_", "conf_"].iter().enumerate() {
            if name.starts_with(prefix) && path.extension().is_some_and(|end| end == "json") {
                found[kind].push(path.clone());
            }
        }
    }
    match found.each_mut().map(|paths| (paths.len(), paths.pop())) {
        [(1, Some(props)), (1, Some(conf))] => Ok((props, conf)),
        [(props, _), (conf, _)] => Err(fail(format!(
            "found {props} files props_*.json and {conf} files conf_*.json, expected one of each"
        ))),
    }
}

/// `path`, whose content is `root`, and the file that belongs to it.
pub(super) fn pair_of(path: &Path, root: &Field<'_>) -> Result<(PathBuf, PathBuf)> {
    let beside = |from: &str, to: &str| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.contains(from) {
            return Ok(path.with_file_name(name.replacen(from, to, 1)));
        }
        let reason =
            format!("its file name does not contain `{from}`, so the matching `{to}` file is not known");
        Err(Error::File { file: path.display().to_string(), reason })
    };
    if root.find("qubits").is_some() && root.find("gates").is_some() {
        Ok((path.into(), beside("props", "conf")?))
    } else if root.find("n_qubits").is_some() && root.find("basis_gates").is_some() {
        Ok((beside("conf", "props")?, path.into()))
    } else {
        Err(root.wrong("a calibration: Ketline's compact form, or IBM's props or conf"))
    }
}

/// Reads the pair of (file name, text).
pub(super) fn draft(props: (&str, &str), conf: (&str, &str)) -> Result<Draft> {
    let (props_value, conf_value) = (document::parse(props.0, props.1)?, document::parse(conf.0, conf.1)?);
    let (props, conf) = (Field::root(props.0, &props_value), Field::root(conf.0, &conf_value));
    let width = conf.get("n_qubits")?.index(MAX_QUBITS + 1)?;
    if width == 0 {
        return Err(conf.get("n_qubits")?.wrong("at least 1 qubit"));
    }
    let full_name = conf.get("backend_name")?;
    if let Some(other) = props.find("backend_name").filter(|other| other.text() != full_name.text()) {
        return Err(other.wrong(&format!("`{}`, as in {}", full_name.text()?, conf.file)));
    }
    let name = full_name.text()?.trim_start_matches("ibmq_").trim_start_matches("ibm_");
    let mut warnings = Vec::new();
    let edges: Vec<(usize, usize)> = match conf.find("coupling_map") {
        Some(map) => map.items()?.map(|edge| edge.edge(width)).collect::<Result<_>>()?,
        // A device of one qubit has no couplings.
        None if width == 1 => Vec::new(),
        None => return Err(Error::MissingField { file: conf.file.into(), field: "coupling_map".into() }),
    };
    let hamiltonian = conf.find("hamiltonian").and_then(|hamiltonian| hamiltonian.find("vars"));
    if hamiltonian.as_ref().is_none_or(|vars| vars.len() == 0) {
        let (file, field) = (conf.file.into(), "hamiltonian.vars".into());
        warnings.push(Warning { file, field, value: None, trap: Trap::NoHamiltonian });
    }
    let couplings = couplings(&props, hamiltonian.as_ref(), &edges, &mut warnings)?;
    let basis = conf.get("basis_gates")?.items()?.map(|gate| Ok(gate.text()?.to_owned()));
    Ok(Draft {
        file: props.file.into(),
        name: name.into(),
        date: props.get("last_update_date")?.text()?.into(),
        source: String::new(),
        dt: dt(&conf, &mut warnings)?,
        basis: basis.collect::<Result<_>>()?,
        qubits: qubits(&props, width)?,
        gates: props.get("gates")?.items()?.map(|gate| self::gate(&gate, width)).collect::<Result<_>>()?,
        edges_field: "coupling_map",
        edges,
        couplings,
        warnings,
    })
}

fn dt(conf: &Field<'_>, warnings: &mut Vec<Warning>) -> Result<Entry> {
    let (file, field) = (conf.file.to_owned(), "dt".to_owned());
    let Some(found) = conf.find("dt") else {
        return Ok(Entry { file, field, value: None });
    };
    let number = found.number()?;
    if number > 0.0 && number < DT_IN_SECONDS {
        let value = Some(number);
        warnings.push(Warning { file: file.clone(), field: field.clone(), value, trap: Trap::DtInSeconds });
        return Ok(Entry { file, field, value });
    }
    Ok(Entry { file, field, value: Some(number / 1e9) })
}

fn qubits(props: &Field<'_>, width: usize) -> Result<Vec<QubitDraft>> {
    let list = props.get("qubits")?;
    if list.len() != width {
        let wanted = format!("{width} qubits, as n_qubits says");
        let found = format!("{} qubits", list.len());
        return Err(Error::BadField { file: props.file.into(), field: list.path, found, wanted });
    }
    let qubit = |qubit: Field<'_>| {
        let mut values = parameters(&qubit)?;
        let mut take = |name: &str| {
            values.remove(name).unwrap_or_else(|| Entry {
                file: qubit.file.into(),
                field: format!("{}.{name}", qubit.path),
                value: None,
            })
        };
        let readout_error = take("readout_error");
        readout_error.within(0.0, 1.0, "")?;
        Ok(QubitDraft {
            t1: take("T1"),
            t2: take("T2"),
            frequency: take("frequency"),
            anharmonicity: take("anharmonicity"),
            p1_given_0: take("prob_meas1_prep0"),
            p0_given_1: take("prob_meas0_prep1"),
            readout_error: readout_error.value,
            readout_length: take("readout_length"),
        })
    };
    list.items()?.map(qubit).collect()
}

fn gate(gate: &Field<'_>, width: usize) -> Result<GateDraft> {
    let name = gate.get("gate")?.text()?.to_owned();
    let qubits = gate.get("qubits")?.operands(width)?;
    let mut values = parameters(&gate.get("parameters")?)?;
    let mut take = |quantity: &str| Entry {
        file: gate.file.into(),
        field: format!("{}.{quantity}", gate_field(&name, &qubits)),
        value: values.remove(quantity).and_then(|entry| entry.value),
    };
    Ok(GateDraft { error: take("gate_error"), length: take("gate_length"), name, qubits })
}

/// J and ZZ of each pair, from the `general` list (hertz), J otherwise from the Hamiltonian (radians a nanosecond).
fn couplings(
    props: &Field<'_>,
    hamiltonian: Option<&Field<'_>>,
    edges: &[(usize, usize)],
    warnings: &mut Vec<Warning>,
) -> Result<Vec<CouplingDraft>> {
    let mut pairs: Vec<(usize, usize)> = edges.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut found: BTreeMap<((usize, usize), &str), Entry> = BTreeMap::new();
    if let Some(general) = props.find("general") {
        for (name, entry) in parameters(&general)? {
            let Some((kind, digits)) = [("jq_", "j"), ("zz_", "zz")]
                .iter()
                .find_map(|(prefix, kind)| Some((*kind, name.strip_prefix(prefix)?)))
            else {
                continue;
            };
            match pair_named(digits, &pairs)[..] {
                [pair] if !found.contains_key(&(pair, kind)) => drop(found.insert((pair, kind), entry)),
                _ => warnings.push(Warning {
                    file: entry.file,
                    field: entry.field,
                    value: entry.value,
                    trap: Trap::UnclearCoupling,
                }),
            }
        }
    }
    let mut couplings = Vec::new();
    for pair in pairs {
        let (a, b) = pair;
        let mut take = |kind| {
            let field = format!("general.{}_{a}{b}", if kind == "j" { "jq" } else { kind });
            found.remove(&(pair, kind)).unwrap_or(Entry { file: props.file.into(), field, value: None })
        };
        let (mut exchange, zz) = (take("j"), take("zz"));
        if exchange.value.is_none()
            && let Some(variable) = hamiltonian.and_then(|vars| vars.find(&format!("jq{a}q{b}")))
        {
            let value = Some(variable.number()? * 1e9 / std::f64::consts::TAU);
            exchange = Entry { file: variable.file.into(), field: variable.path, value };
        }
        couplings.push(CouplingDraft { a, b, exchange, zz });
    }
    Ok(couplings)
}

/// The pairs that two qubit numbers written without a space between them may mean: `1112` is 11 and 12, or 1 and 112.
fn pair_named(digits: &str, pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let number = |text: &str| {
        let plain = text == "0" || !text.starts_with('0');
        text.parse::<usize>().ok().filter(|_| plain && text.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut meant: Vec<(usize, usize)> = (1..digits.len())
        .filter(|place| digits.is_char_boundary(*place))
        .filter_map(|place| Some((number(&digits[..place])?, number(&digits[place..])?)))
        .map(|(a, b)| (a.min(b), a.max(b)))
        .filter(|pair| pairs.binary_search(pair).is_ok())
        .collect();
    meant.dedup();
    meant
}

/// A list of `{name, unit, value}`, in SI units, by name. A null value counts as absent.
fn parameters(list: &Field<'_>) -> Result<BTreeMap<String, Entry>> {
    let mut all = BTreeMap::new();
    for item in list.items()? {
        let name = item.get("name")?.text()?.to_owned();
        let (times, over) = item.find("unit").map_or(Ok((1.0, 1.0)), |unit| scale(&unit))?;
        let value =
            item.find("value").map(|value| value.number()).transpose()?.map(|value| value * times / over);
        let entry = Entry { file: item.file.into(), field: format!("{}.{name}", list.path), value };
        if all.insert(name, entry).is_some() {
            return Err(item.wrong("each name once"));
        }
    }
    Ok(all)
}

/// Powers of ten to multiply and to divide by: `100 / 1e6` is the double nearest to 1e-4, `100 * 1e-6` is not.
fn scale(unit: &Field<'_>) -> Result<(f64, f64)> {
    // The empty unit of a probability is no text to `Field::text`.
    let Ok(name) = unit.text() else {
        return if unit.parsed::<String>().is_ok() { Ok((1.0, 1.0)) } else { Err(unit.wrong("a unit")) };
    };
    Ok(match name {
        "s" | "Hz" => (1.0, 1.0),
        "ms" => (1.0, 1e3),
        // The micro sign and the Greek letter both occur.
        "us" | "\u{b5}s" | "\u{3bc}s" => (1.0, 1e6),
        "ns" => (1.0, 1e9),
        "kHz" => (1e3, 1.0),
        "MHz" => (1e6, 1.0),
        "GHz" => (1e9, 1.0),
        _ => return Err(unit.wrong("one of s, ms, us, ns, Hz, kHz, MHz, GHz")),
    })
}
