//! Ketline's loader beside those of others, in turn and in one run: how much faster than each, within which memory.
//!
//! `cargo run --release --example versus_loaders` (up to 20 minutes and 30 GB of disk; `--quick` with a tenth of the data). The
//! others are Python packages; they are installed into an environment of their own, in the build folder. Limits on memory
//! and on the disk are those of Linux's control groups, which only root can make: where they cannot be made, rows that
//! need them are named and left out.

mod contest;
mod limit;
mod ours;
mod peer;
mod row;
mod table;
mod venv;
mod workload;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use contest::Contest;
use ketline_examples::{Arguments, Flag, Report, progress, run};
use limit::Limits;
use row::{ROWS, Row};
use venv::Environment;
use workload::Workload;

const FLAGS: [Flag; 7] = [
    Flag::switch("quick", "a tenth of the data, and shorter runs"),
    Flag::value("only", "ROWS", "only rows whose names begin so, such as `a_cap,b_warm_best`"),
    Flag::switch("no-peers", "time Ketline alone"),
    Flag::value("samples", "N", "samples of workload a [400000]; b has a twentieth of them"),
    Flag::value(
        "data",
        "DIR",
        "folder for the data, kept for the next run [versus-loaders-data in the build folder]",
    ),
    Flag::value("venv", "DIR", "the environment of the peers [versus-loaders-venv in the build folder]"),
    Flag::value("python", "PROGRAM", "the Python that makes the environment [python3]"),
];

/// Minutes that the rows may take together, data and environment not counted.
const MINUTES: (u64, u64) = (14, 4);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "side") {
        return match ours::serve(&arguments[1..]) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        };
    }
    run(
        "versus_loaders",
        "Times Ketline's loader and others in turn: a peer's time over ours.",
        &FLAGS,
        versus,
    )
}

fn versus(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let start = Instant::now();
    let quick = arguments.has("quick");
    let samples =
        arguments.number("samples", if quick { 40_000 } else { 400_000 }, "a whole number >= 20000")?;
    let workloads = Workload::both(samples);
    let build = build_folder();
    let data =
        arguments.path("data").unwrap_or_else(|| build.join("versus-loaders-data")).join(samples.to_string());
    let rows = rows(arguments)?;
    let environment = if arguments.has("no-peers") { None } else { environment(arguments, &build) };
    let limits = Limits::here(&data)?;
    println!("{limits}");

    let bar = progress(arguments, "writing data", 2);
    for workload in workloads.iter().filter(|workload| rows.iter().any(|row| row.workload == workload.name)) {
        workload.write(&data)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let end = Instant::now() + Duration::from_secs(60 * if quick { MINUTES.1 } else { MINUTES.0 });
    let mut contest = Contest::new(std::env::current_exe()?, environment, limits, data, workloads, quick);
    let bar = progress(arguments, "measuring", rows.len() as u64);
    let mut outcomes = Vec::new();
    for row in rows {
        bar.set_message(row.name);
        let outcome = contest.measure(row, end);
        bar.suspend(|| println!("{}", table::line(&outcome)));
        outcomes.push(outcome);
        bar.inc(1);
    }
    bar.finish_and_clear();
    contest.finish();
    table::print(&outcomes);
    println!("{:.0} s in all", start.elapsed().as_secs_f64());
    Ok(table::report(&outcomes))
}

/// The program is `target/release/examples/versus_loaders`.
fn build_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.ancestors().nth(3).map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

/// The rows that were asked for.
fn rows(arguments: &Arguments) -> Result<Vec<&'static Row>, Box<dyn Error>> {
    let Some(only) = arguments.text("only") else { return Ok(ROWS.iter().collect()) };
    let asked: Vec<_> = only.split(',').map(str::trim).filter(|prefix| !prefix.is_empty()).collect();
    if let Some(unknown) = asked.iter().find(|prefix| !ROWS.iter().any(|row| row.name.starts_with(**prefix)))
    {
        let known: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        return Err(format!("no row begins with `{unknown}`; there are {}", known.join(" ")).into());
    }
    Ok(ROWS.iter().filter(|row| asked.iter().any(|prefix| row.name.starts_with(prefix))).collect())
}

fn environment(arguments: &Arguments, build: &std::path::Path) -> Option<Environment> {
    let folder = arguments.path("venv").unwrap_or_else(|| build.join("versus-loaders-venv"));
    match Environment::make(&folder, arguments.text("python").unwrap_or("python3")) {
        Ok(environment) => {
            println!("peers: {}", environment.versions().join(", "));
            Some(environment)
        }
        Err(complaint) => {
            println!("no peers: {complaint}");
            None
        }
    }
}
