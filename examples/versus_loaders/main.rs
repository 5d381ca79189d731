//! Ketline's loader beside those of others, in turn and in one run: how much faster than each, within which memory.
//!
//! `cargo run --release --example versus_loaders` (up to 20 minutes, 6 of them for the data the first time, and 25 GB of disk;
//! `--quick` with a tenth of the data). The others are Python packages; they are installed into an environment of their own, in
//! the build folder. Limits on memory and on the disk are those of Linux's control groups, which only root can make: where
//! they cannot be made, rows that need them are named and left out.

mod contest;
mod limit;
mod ours;
mod peers;
mod row;
mod table;
mod workload;

use std::collections::BTreeMap;
use std::error::Error;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use contest::Contest;
use ketline_examples::versus::{Budget, Machine, Row as _, build_folder, environment, warn};
use ketline_examples::{Arguments, Flag, Report, progress, run};
use limit::Limits;
use workload::Workload;

const FLAGS: [Flag; 8] = [
    Flag::switch("quick", "a tenth of the data, and shorter runs"),
    Flag::value("only", "ROWS", "only rows whose names begin so, such as `a_cap,b_warm_best`"),
    Flag::switch("no-peers", "time Ketline alone"),
    Flag::value("minutes", "N", "what the rows should take together, data and environment not counted [10]"),
    Flag::value("samples", "N", "samples of workload a [400000]; b has a twentieth of them"),
    Flag::value(
        "data",
        "DIR",
        "folder for the data, kept for the next run [versus-loaders-data in the build folder]",
    ),
    Flag::value("venv", "DIR", "the environment of the peers [versus-loaders-venv in the build folder]"),
    Flag::value("python", "PROGRAM", "the Python that makes the environment [python3]"),
];

/// An epoch is left after so many seconds, with `--quick` after the second number.
const LONGEST: (u64, u64) = (8, 4);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ["side", question] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
        let about = "Times Ketline's loader and others in turn: a peer's time over ours.";
        return run("versus_loaders", about, &FLAGS, versus);
    };
    match ours::side(question) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn versus(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let start = Instant::now();
    let quick = arguments.has("quick");
    let minutes: f64 =
        arguments.number("minutes", if quick { 3.0 } else { 10.0 }, "a number of minutes >= 0")?;
    let samples =
        arguments.number("samples", if quick { 40_000 } else { 400_000 }, "a whole number >= 20000")?;
    let workloads = Workload::both(samples);
    let workload = |name: &str| workloads.iter().find(|workload| workload.name == name);
    let data = arguments.path("data").unwrap_or_else(|| build_folder().join("versus-loaders-data"));
    let data = data.join(samples.to_string());
    let rows = row::named(arguments.text("only"))?;
    let machine = Machine::here();
    warn(machine);
    let environment = if arguments.has("no-peers") {
        None
    } else {
        environment(arguments, "versus-loaders-venv", &peers::PEERS, &rows)
    };
    let limits = Limits::here(&data)?;
    println!("{limits}");

    let bar = progress(arguments, "writing data", 2);
    for workload in workloads.iter().filter(|workload| rows.iter().any(|row| row.workload == workload.name)) {
        workload.write(&data)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let longest = Duration::from_secs(if quick { LONGEST.1 } else { LONGEST.0 });
    let (program, failed) = (std::env::current_exe()?, BTreeMap::new());
    let mut contest = Contest { machine, program, environment, limits, data, longest, failed };
    let bar = progress(arguments, "writing the peers' formats", rows.len() as u64);
    for row in &rows {
        let workload = workload(row.workload).ok_or("a row without a workload")?;
        row.peers().iter().for_each(|peer| contest.prepare(*peer, workload));
        bar.inc(1);
    }
    bar.finish_and_clear();
    // Pages that wait to be written can neither be forgotten nor leave the disk alone.
    Command::new("sync").status()?;
    println!("data after {:.0} s", start.elapsed().as_secs_f64());

    let end = Instant::now() + Duration::try_from_secs_f64(60.0 * minutes).unwrap_or_default();
    let mut budget = Budget::new(end, &rows);
    let bar = progress(arguments, "measuring", rows.len() as u64);
    let (mut measured, mut wrong) = (Vec::new(), Vec::new());
    for row in rows {
        bar.set_message(row.name);
        let workload = workload(row.workload).ok_or("a row without a workload")?;
        match contest.measure(row, workload, budget.take(row, Instant::now())) {
            Ok(done) => {
                bar.suspend(|| println!("{}", table::line(&done)));
                wrong.extend(done.outcome.disagreements.iter().cloned());
                measured.push(done);
            }
            Err(complaint) => bar.suspend(|| println!("{}: not measured: {complaint}", row.name)),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    table::print(&measured);
    println!("{:.0} s in all", start.elapsed().as_secs_f64());
    if !wrong.is_empty() {
        return Err(format!("each sample must come once:\n  {}", wrong.join("\n  ")).into());
    }
    Ok(table::report(&measured))
}
