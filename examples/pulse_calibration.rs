//! Calibrates the published pulses of devices against their Hamiltonians, and says what gate each pulse makes.
//!
//! ```text
//! cargo run --release --example pulse_calibration -- --devices jakarta,manila
//! cargo run --release --example pulse_calibration -- --devices FOLDER
//! ```
//!
//! `FOLDER` has a folder for each device with its `defs_*.json` and `conf_*.json`, or pairs of compact files of `import_calibration` in
//! `pulses` and `hamiltonians`. Everything is simulated, without relaxation; nothing here says what hardware did.

use std::error::Error;
use std::path::Path;

use ketline::quantum::device::{Exchange, Hamiltonian, PulseDefaults};
use ketline::quantum::pulse::calibration::{CalibratedGate, PulseCalibration, Recalibrated};
use ketline_examples::{Arguments, Bars, Flag, OUT, Report, Table, progress, run};

const FLAGS: [Flag; 5] = [
    Flag::value("devices", "LIST", "bundled devices by name, or a folder of snapshots [all bundled ones]"),
    Flag::value("edges", "N", "pairs of each device, none for 0 [all]"),
    Flag::value("levels", "N", "levels of a transmon [3]"),
    Flag::switch("write", "write the calibrated pulses of each device beside the pictures"),
    OUT,
];

/// How near to the published ones amplitude and beta should come.
const AMP: f64 = 0.02;
const BETA: f64 = 0.15;

/// The average fidelity of a CX that counts.
const CX: f64 = 0.995;

fn main() -> std::process::ExitCode {
    run("pulse_calibration", "Calibrates published pulses against their Hamiltonians.", &FLAGS, calibrate)
}

fn calibrate(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let edges = arguments.number("edges", usize::MAX, "a whole number >= 0")?;
    let levels = arguments.number("levels", 3, "a whole number >= 2")?;
    let out = arguments.out()?;
    let mut tally = Tally::default();
    let mut bars = Bars::new("infidelity of CX", "calibrated; the marks are as published, at best frames")
        .less_is_better();
    for (published, model) in devices(arguments.text("devices"))? {
        let published = shortened(published, edges);
        let name = model.name().to_owned();
        println!("\n{name}, {} qubits, {levels} levels each, simulated without relaxation", model.width());
        // ANCHOR: calibrate
        let calibration = PulseCalibration::new(&published, &model)?.with_levels(levels);
        let bar =
            progress(arguments, &name, published.gates().filter(|(gate, _)| *gate != "rz").count() as u64);
        let found = calibration.run(|gate| {
            bar.suspend(|| println!("  {gate}"));
            bar.inc(1);
        })?;
        bar.finish_and_clear();
        // ANCHOR_END: calibrate
        for (gate, qubits, error) in &found.left_out {
            println!("  {gate}{qubits:?} left out: {error}");
        }
        tally.count(&model, &found);
        for gate in found.gates.iter().filter(|gate| is_native(gate)) {
            let label = format!("{name} {}-{}", gate.qubits[0], gate.qubits[1]);
            bars = bars.bar(
                &label,
                infidelity(gate.found.fidelity),
                Some(infidelity(gate.published.free_fidelity)),
            );
        }
        println!("{}", table(&found));
        if arguments.has("write") {
            let path = out.join(format!("{name}_calibrated.json"));
            found.defaults.write(&path)?;
            println!("{}", path.display());
        }
    }
    if !tally.fidelities.is_empty() {
        let path = out.join("pulse_calibration.svg");
        bars.write(&path)?;
        println!("plot: {}", path.display());
    }
    tally.print();
    Ok(tally.report())
}

/// Pulses and Hamiltonian of each device asked for.
fn devices(asked: Option<&str>) -> Result<Vec<(PulseDefaults, Hamiltonian)>, Box<dyn Error>> {
    if let Some(folder) = asked.map(Path::new).filter(|path| path.is_dir()) {
        let mut folders: Vec<_> =
            std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        folders.sort();
        let mut found = Vec::new();
        for folder in folders.iter().filter(|path| path.is_dir()) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let read = PulseDefaults::read(folder.join(format!("defs_{name}.json"))).and_then(|pulses| {
                Ok((pulses, Hamiltonian::read(folder.join(format!("conf_{name}.json")))?))
            });
            match read {
                Ok(device) => found.push(device),
                // stretched pulses, no couplings: what the loader refuses
                Err(error) => println!("{name} left out: {error}"),
            }
        }
        return Ok(found);
    }
    let all = Hamiltonian::bundled_names().collect::<Vec<_>>().join(",");
    let names = asked.unwrap_or(&all).split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| Ok((PulseDefaults::bundled(name)?, Hamiltonian::bundled(name)?))).collect()
}

/// Pulses of one qubit, and of so many pairs in both directions.
fn shortened(published: PulseDefaults, edges: usize) -> PulseDefaults {
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (gate, qubits) in published.gates() {
        if let ("cx", [a, b]) = (gate, qubits) {
            let pair = (*a.min(b), *a.max(b));
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
    }
    pairs.truncate(edges);
    published.only(|gate, qubits| match (gate, qubits) {
        ("x" | "sx" | "rz", _) => true,
        ("cx", [a, b]) => pairs.contains(&(*a.min(b), *a.max(b))),
        _ => false,
    })
}

/// Positive, whatever rounding did.
fn infidelity(fidelity: f64) -> f64 {
    (1.0 - fidelity).max(1e-12)
}

/// Whether a gate is a CX with a tone of its own.
fn is_native(gate: &CalibratedGate) -> bool {
    gate.gate == "cx" && !gate.parameters.is_empty()
}

fn table(found: &Recalibrated) -> Table {
    let mut table = Table::new([
        "gate",
        "length",
        "published",
        "best frames",
        "calibrated",
        "leakage",
        "amp",
        "published",
        "beta",
        "published",
    ]);
    for gate in &found.gates {
        let of = |name: &str| gate.parameter(name).map(|p| (p.found, p.published));
        let number = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.4}"));
        let (amp, beta) = (of("amp").or_else(|| of("cr_amp")), of("beta"));
        table.row([
            format!("{}{:?}", gate.gate, gate.qubits),
            format!("{} dt", gate.found.duration),
            format!("{:.6}", gate.published.fidelity),
            format!("{:.6}", gate.published.free_fidelity),
            format!("{:.6}", gate.found.fidelity),
            format!("{:.1e}", gate.found.leakage),
            number(amp.map(|p| p.0)),
            number(amp.map(|p| p.1)),
            number(beta.map(|p| p.0)),
            number(beta.map(|p| p.1)),
        ]);
    }
    table
}

/// What is counted over all devices.
#[derive(Debug, Default)]
struct Tally {
    qubits: usize,
    amps: usize,
    betas: usize,
    both: usize,
    /// Pairs whose coupling is one that gates can come out of.
    pairs: usize,
    good: usize,
    weak: usize,
    turned: usize,
    turned_good: usize,
    left_out: usize,
    /// Infidelity of jakarta's published X on qubit 0.
    jakarta: Option<f64>,
    fidelities: Vec<f64>,
}

impl Tally {
    fn count(&mut self, model: &Hamiltonian, found: &Recalibrated) {
        self.left_out += found.left_out.len();
        let is_weak = |qubits: &[usize]| match qubits {
            [a, b] => model.exchange(*a, *b).is_none_or(Exchange::is_weak),
            _ => false,
        };
        for (gate, qubits, _) in &found.left_out {
            match gate.as_str() {
                "x" => self.qubits += 1,
                "cx" if is_weak(qubits) => self.weak += 1,
                // what cannot be made is not good
                "cx" => self.pairs += 1,
                _ => {}
            }
        }
        for gate in &found.gates {
            let near = |name: &str, within: f64| {
                gate.parameter(name).is_some_and(|p| (p.found / p.published - 1.0).abs() <= within)
            };
            match gate.gate.as_str() {
                "x" => {
                    let (amp, beta) = (near("amp", AMP), near("beta", BETA));
                    self.qubits += 1;
                    self.amps += usize::from(amp);
                    self.betas += usize::from(beta);
                    self.both += usize::from(amp && beta);
                    if (model.name(), &gate.qubits[..]) == ("jakarta", &[0]) {
                        self.jakarta = Some(1.0 - gate.published.fidelity);
                    }
                }
                "cx" if is_weak(&gate.qubits) => self.weak += 1,
                "cx" if is_native(gate) => {
                    self.pairs += 1;
                    self.good += usize::from(gate.found.fidelity >= CX);
                    self.fidelities.push(gate.found.fidelity);
                }
                "cx" => {
                    self.turned += 1;
                    self.turned_good += usize::from(gate.found.fidelity >= CX);
                }
                _ => {}
            }
        }
    }

    fn print(&self) {
        println!(
            "x: of {} qubits, {} have an amplitude within {:.0} % of the published one, {} a beta within {:.0} %, {} both",
            self.qubits,
            self.amps,
            100.0 * AMP,
            self.betas,
            100.0 * BETA,
            self.both
        );
        println!(
            "cx: {} of {} pairs reach {CX}; against the direction of their tone {} of {}; {} with weak couplings do not count, {} \
             were left out",
            self.good, self.pairs, self.turned_good, self.turned, self.weak, self.left_out
        );
    }

    fn report(&self) -> Report {
        let mut report = Report::new();
        let part = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        report.metric("x_fraction_ok", part(self.both, self.qubits));
        report.metric("x_count_ok", self.both as f64).metric("x_count", self.qubits as f64);
        if let Some(infidelity) = self.jakarta {
            report.metric("x_infidelity_jakarta_q0", infidelity);
        }
        if self.pairs > 0 {
            report.metric("cx_fraction_ok", part(self.good, self.pairs));
            report.metric("cx_count", self.pairs as f64);
            let mut sorted = self.fidelities.clone();
            sorted.sort_by(f64::total_cmp);
            if let Some(least) = sorted.first() {
                report.metric("cx_fidelity_median", sorted[sorted.len() / 2]);
                report.metric("cx_fidelity_least", *least);
            }
        }
        if self.turned > 0 {
            report.metric("cx_turned_fraction_ok", part(self.turned_good, self.turned));
        }
        report
    }
}
