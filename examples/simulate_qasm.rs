//! Simulates an OpenQASM file: counts, gates, depth, and how long each stage takes.
//!
//! ```text
//! cargo run --release --example simulate_qasm -- FILE --shots 1000
//! ```
//!
//! Without a file it takes `data/phase_estimation.qasm`, whose only outcome is 0101.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use ketline::prelude::*;
use ketline::quantum::file;
use ketline::quantum::qasm::{self, Limits};
use ketline::quantum::simulator::Plan;
use ketline_examples::{ArgumentError, Flag, Report, Table, run};

const BUNDLED: &str = include_str!("data/phase_estimation.qasm");

/// Rows of the table of counts.
const ROWS: usize = 16;

const FLAGS: [Flag; 2] = [
    Flag::value("shots", "N", "how often the circuit is run [1000]"),
    Flag::value("values", "LIST", "values of the inputs, in order, with commas between them [all 0]"),
];

fn main() -> ExitCode {
    run("simulate_qasm", "Simulates an OpenQASM file, given as FILE.", &FLAGS, |arguments| {
        let shots = arguments.number("shots", 1000, "a whole number >= 1")?;
        let text = match arguments.rest() {
            [] => BUNDLED.to_owned(),
            [path] => file::read(Path::new(path), Limits::default().bytes as u64)?,
            [_, second, ..] => {
                let (flag, found) = ("FILE".to_owned(), second.clone());
                return Err(ArgumentError::Value { flag, found, expected: "one file" }.into());
            }
        };

        // ANCHOR: run
        let start = Instant::now();
        let circuit = qasm::import(&text)?;
        let parsed = start.elapsed();

        let values = values(arguments.text("values"), &circuit)?;
        let start = Instant::now();
        let plan = StateVector::new().plan(&circuit)?;
        let planned = start.elapsed();

        let start = Instant::now();
        let counts = plan.sample(&values, shots, arguments.seed()?)?;
        let sampled = start.elapsed();
        // ANCHOR_END: run

        let mut table = Table::new(["outcome", "count", "share"]);
        let common = counts.most_common();
        for (bits, count) in common.iter().take(ROWS) {
            let share = *count as f64 / counts.total() as f64;
            table.row([
                format!("{bits:0width$b}", width = counts.width()),
                count.to_string(),
                format!("{share:.4}"),
            ]);
        }
        println!("{table}");
        if common.len() > ROWS {
            println!("and {} more outcomes\n", common.len() - ROWS);
        }
        let mut gates = Table::new(["step", "count"]);
        for (name, count) in circuit.counts() {
            gates.row([name, count.to_string()]);
        }
        println!("{gates}");
        let mut stages = Table::new(["stage", "seconds"]);
        for (stage, time) in [("parse", parsed), ("plan", planned), ("run", sampled)] {
            stages.row([stage.to_owned(), format!("{:.6}", time.as_secs_f64())]);
        }
        println!("{stages}");
        let (width, bits, depth) = (circuit.width(), circuit.bits(), circuit.depth());
        println!("{width} qubits, {bits} bits, depth {depth}, {} passes over the state", plan.passes());

        let mut report = Report::new();
        report.metric("qubits", width as f64).metric("bits", bits as f64).metric("depth", depth as f64);
        report.metric("steps", circuit.counts().values().sum::<usize>() as f64);
        for (name, count) in circuit.counts() {
            report.metric(format!("count_{name}"), count as f64);
        }
        report.metric("shots", counts.total() as f64).metric("outcomes", common.len() as f64);
        report.metric("most_common", common.first().map_or(0.0, |(bits, _)| counts.frequency(*bits)));
        report.metric("parse_s", parsed.as_secs_f64()).metric("plan_s", planned.as_secs_f64());
        report.metric("run_s", sampled.as_secs_f64());
        Ok(report)
    })
}

/// The values of the inputs.
fn values(list: Option<&str>, circuit: &Circuit) -> Result<Vec<f64>, ArgumentError> {
    let Some(list) = list else { return Ok(vec![0.0; circuit.parameters().len()]) };
    let fault = |found: &str| ArgumentError::Value {
        flag: "values".into(),
        found: found.into(),
        expected: "numbers with commas between them",
    };
    list.split(',').map(|text| text.trim().parse().map_err(|_| fault(text))).collect()
}
