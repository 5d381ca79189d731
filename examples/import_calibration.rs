//! Turns IBM snapshots into Ketline's compact calibration files.
//!
//! ```text
//! cargo run --release --example import_calibration -- --source TEXT --out FOLDER SNAPSHOT..
//! ```
//!
//! Each SNAPSHOT is a folder with one `props_*.json` and one `conf_*.json`, or one of these files with the other
//! beside it. `FOLDER/NAME.json` is written whole or not at all. `--lenient` repairs impossible values instead of
//! refusing them; what was repaired is noted in the file. With `--pulses GATE,GATE,..` each SNAPSHOT is a `defs_*.json` with
//! the `conf_*.json` beside it, and the pulses of these gates are written. With `--hamiltonian` each SNAPSHOT is a `conf_*.json`,
//! and the Hamiltonian in it is written.

use std::path::PathBuf;

use ketline::quantum::device::{Calibration, Hamiltonian, PulseDefaults, Reading};
use lexopt::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut out, mut reading, mut json) = (PathBuf::from("."), Reading::Strict, false);
    let mut source: Option<String> = None;
    let mut pulses: Option<String> = None;
    let mut hamiltonian = false;
    let mut snapshots: Vec<PathBuf> = Vec::new();
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("source") => source = Some(arguments.value()?.string()?),
            Long("pulses") => pulses = Some(arguments.value()?.string()?),
            Long("hamiltonian") => hamiltonian = true,
            Long("out") => out = arguments.value()?.into(),
            Long("lenient") => reading = Reading::Lenient,
            Long("json") => json = true,
            Value(path) => snapshots.push(path.into()),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let mut warnings = 0;
    for path in &snapshots {
        if hamiltonian {
            let mut found = Hamiltonian::read(path)?;
            if let Some(source) = &source {
                found = found.with_source(source.as_str());
            }
            let file = out.join(format!("{}.json", found.name()));
            found.write(&file)?;
            println!("{}: {} transmons", file.display(), found.width());
            warnings += found.warnings().len();
            continue;
        }
        if let Some(gates) = &pulses {
            let gates: Vec<&str> = gates.split(',').collect();
            let mut defaults = PulseDefaults::read_with(path, reading)?.with_gates(&gates);
            if let Some(source) = &source {
                defaults = defaults.with_source(source.as_str());
            }
            let file = out.join(format!("{}.json", defaults.target().name()));
            defaults.write(&file)?;
            println!("{}: pulses of {} gates", file.display(), defaults.gates().count());
            warnings += defaults.warnings().len();
            continue;
        }
        let mut calibration = Calibration::read_with(path, reading)?;
        if let Some(source) = &source {
            calibration = calibration.with_source(source.as_str());
        }
        let file = out.join(format!("{}.json", calibration.name()));
        calibration.write(&file)?;
        println!("{}: {} qubits, {}", file.display(), calibration.width(), calibration.date());
        for warning in calibration.warnings() {
            println!("  {warning}");
        }
        warnings += calibration.warnings().len();
    }
    if json {
        let metrics = serde_json::json!({ "snapshots": snapshots.len(), "warnings": warnings });
        println!("{}", serde_json::json!({ "example": "import_calibration", "metrics": metrics }));
    }
    Ok(())
}
