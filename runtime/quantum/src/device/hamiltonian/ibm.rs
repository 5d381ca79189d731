//! The Hamiltonian in IBM's `conf_*.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::TAU;

use super::{
    ANHARMONICITY, ControlLine, EXCHANGE, Exchange, FREQUENCY, Hamiltonian, PUBLISHED_STRENGTH, SAMPLE_TIME,
    SAMPLE_TIMES, STRENGTH, Transmon, flag_weak,
};
use crate::device::calibration::{MAX_QUBITS, Trap, Warning};
use crate::device::document::Field;
use crate::{Error, Result};

pub(super) fn read(conf: &Field<'_>) -> Result<Hamiltonian> {
    let width = conf.get("n_qubits")?.index(MAX_QUBITS + 1)?;
    if width == 0 {
        return Err(conf.get("n_qubits")?.wrong("at least 1 qubit"));
    }
    let name = conf.get("backend_name")?.text()?;
    let hamiltonian = conf.get("hamiltonian")?;
    let vars = hamiltonian.get("vars")?;
    if vars.len() == 0 {
        return Err(Error::MissingField { file: conf.file.into(), field: format!("{}.wq0", vars.path) });
    }
    let mut warnings = Vec::new();
    let mut transmons = Vec::with_capacity(width);
    for qubit in 0..width {
        transmons.push(Transmon {
            frequency: published(&vars, &format!("wq{qubit}"), FREQUENCY)?,
            anharmonicity: published(&vars, &format!("delta{qubit}"), ANHARMONICITY)?,
            strength: published(&vars, &format!("omegad{qubit}"), STRENGTH)? / PUBLISHED_STRENGTH,
        });
    }
    let exchanges = exchanges(conf, &vars, width, &mut warnings)?;
    let lines = lines(conf, &hamiltonian, &transmons)?;
    let dt = match conf.find("dt") {
        Some(dt) => {
            let found = dt.number()?;
            // No electronics samples a million times a nanosecond, so such a number is in seconds.
            let seconds = found > 0.0 && found < 1e-6;
            if seconds {
                let (file, field) = (conf.file.into(), dt.path.clone());
                warnings.push(Warning { file, field, value: Some(found), trap: Trap::DtInSeconds });
            }
            let value = if seconds { found } else { found * 1e-9 };
            if !SAMPLE_TIMES.contains(&value) {
                return Err(dt.wrong(SAMPLE_TIME));
            }
            Some(value)
        }
        None => None,
    };
    let name = name.trim_start_matches("ibmq_").trim_start_matches("ibm_").to_owned();
    Ok(Hamiltonian { name, source: String::new(), dt, transmons, exchanges, lines, warnings })
}

/// A published angular frequency: from rad/ns to rad/s.
fn published(vars: &Field<'_>, name: &str, [low, high]: [f64; 2]) -> Result<f64> {
    let field = vars.get(name)?;
    let value = field.number()?;
    // A strength of 0 drives nothing.
    if (low..=high).contains(&(value / TAU)) && value != 0.0 {
        return Ok(value * 1e9);
    }
    Err(field.wrong(&format!("{:.3} to {:.3} rad/ns, and not 0", low * TAU, high * TAU)))
}

fn exchanges(
    conf: &Field<'_>,
    vars: &Field<'_>,
    width: usize,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Exchange>> {
    let mut pairs = BTreeSet::new();
    if let Some(map) = conf.find("coupling_map") {
        for edge in map.items()? {
            let (a, b) = edge.edge(width)?;
            pairs.insert((a.min(b), a.max(b)));
        }
    }
    let mut exchanges = Vec::new();
    for (a, b) in pairs {
        let names = [format!("jq{a}q{b}"), format!("jq{b}q{a}")];
        let found = names.iter().find_map(|name| vars.find(name));
        let mut flag = |field: String, value: Option<f64>, trap| {
            warnings.push(Warning { file: conf.file.into(), field, value, trap });
        };
        let Some(field) = found else {
            flag(format!("{}.{}", vars.path, names[0]), None, Trap::NoCoupling);
            continue;
        };
        let strength = field.number()?;
        if !(EXCHANGE[0] * TAU..=EXCHANGE[1] * TAU).contains(&strength) {
            return Err(field.wrong(&format!("at most {:.3} rad/ns in modulus", EXCHANGE[1] * TAU)));
        }
        if strength == 0.0 {
            flag(field.path.clone(), Some(0.0), Trap::NoCoupling);
            continue;
        }
        let exchange = Exchange { a, b, strength: strength * 1e9 };
        flag_weak(conf.file, field.path.clone(), &exchange, warnings);
        exchanges.push(exchange);
    }
    Ok(exchanges)
}

/// The control lines: carriers from `u_channel_lo`, the driven qubits and strengths from terms such as `omegad1*X0||U0`.
fn lines(conf: &Field<'_>, hamiltonian: &Field<'_>, transmons: &[Transmon]) -> Result<Vec<ControlLine>> {
    let width = transmons.len();
    let Some(carriers) = conf.find("u_channel_lo") else { return Ok(Vec::new()) };
    let mut driven: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for term in hamiltonian.get("h_str")?.items()? {
        if let Some((line, pair)) = control_term(term.text()?) {
            if pair.0 >= width || pair.1 >= width {
                return Err(term.wrong(&format!("qubits below {width}")));
            }
            driven.insert(line, pair);
        }
    }
    let mut lines = Vec::with_capacity(carriers.len());
    for (number, carrier) in carriers.items()?.enumerate() {
        let mut parts = carrier.items()?;
        let (Some(part), None) = (parts.next(), parts.next()) else {
            return Err(carrier.wrong("the frequency of one qubit"));
        };
        let target = part.get("q")?.index(width)?;
        let Some(&(strength, control)) = driven.get(&number) else {
            return Err(hamiltonian.get("h_str")?.wrong(&format!("a term of line U{number}")));
        };
        if control == target {
            return Err(carrier.wrong(&format!("the frequency of another qubit than {control}")));
        }
        lines.push(ControlLine { control, target, strength: transmons[strength].strength });
    }
    Ok(lines)
}

/// `omegad{s}*X{q}||U{n}` as (n, (s, q)).
fn control_term(term: &str) -> Option<(usize, (usize, usize))> {
    let (factors, line) = term.split_once("||U")?;
    let (strength, qubit) = factors.split_once('*')?;
    let number = |text: &str, prefix: &str| text.strip_prefix(prefix)?.parse().ok();
    Some((line.parse().ok()?, (number(strength, "omegad")?, number(qubit, "X")?)))
}
