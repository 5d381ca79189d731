//! Ketline beside other simulators, in turn and in one run: how much faster than the best of them.
//!
//! `cargo run --release --example versus_simulators` (about 20 minutes; `--quick` for circuits of up to 20 qubits).
//! The other simulators are Python packages; they are installed into an environment of their own, in the build folder.

mod definition;
mod ketline_side;
mod limits;
mod peers;
mod row;
mod stream;
mod table;

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ketline_examples::versus::{Budget, Contest, Machine, Side, environment, warn};
use ketline_examples::{ArgumentError, Arguments, Flag, OUT, Report, progress, run};
use limits::Limits;
use row::{ROWS, Row};
use serde_json::json;
use table::LIMITED;

/// The widest circuits of a quick run.
const QUICK: usize = 20;

/// Minutes that the rows share: what a run may take, less what lasts longer than it should.
const MINUTES: (f64, f64) = (17.0, 3.5);
const MINUTES_EXPECTED: &str = "a number of minutes >= 0";

const FLAGS: [Flag; 7] = [
    Flag::switch("quick", "only circuits of up to 20 qubits"),
    Flag::value("only", "ROWS", "only rows whose names begin so, such as `w1_n20_f64_t1,w5`"),
    Flag::switch("no-peers", "time Ketline alone; the metrics are then seconds"),
    Flag::value(
        "minutes",
        "N",
        "what the whole run should take; rows that would last longer get fewer rounds [17, quick 3.5]",
    ),
    Flag::value("venv", "DIR", "the environment of the peers [versus-venv in the build folder]"),
    Flag::value("python", "PROGRAM", "the Python that makes the environment [python3]"),
    OUT,
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let side = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["side", "limits"] => limits::serve(),
        ["side", row] => ketline_side::serve(row),
        _ => {
            let about = "Times Ketline and other simulators in turn: the best peer's time over ours.";
            return run("versus_simulators", about, &FLAGS, versus);
        }
    };
    match side {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn versus(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let start = Instant::now();
    let end = end(arguments, start)?;
    let (machine, program) = (Machine::here(), std::env::current_exe()?);
    warn(machine);
    let (rows, skipped): (Vec<&Row>, Vec<&Row>) =
        rows(arguments)?.into_iter().partition(|row| row.threads <= machine.processors);
    for row in skipped {
        println!("{}: skipped, found {} processors, expected {}", row.name, machine.processors, row.threads);
    }
    let environment = if arguments.has("no-peers") {
        None
    } else {
        environment(arguments, "versus-venv", &peers::PEERS, &rows)
    };
    let mut contest = Contest::new(machine, program.clone(), environment);
    let mut budget = Budget::new(end, &rows);
    let bar = progress(arguments, "measuring", rows.len() as u64);
    let (mut outcomes, mut wrong) = (Vec::new(), Vec::new());
    for row in rows {
        bar.set_message(row.name);
        match contest.measure(row, budget.take(row, Instant::now())) {
            Ok(outcome) => {
                bar.suspend(|| println!("{}", table::line(&outcome)));
                wrong.extend(outcome.disagreements.iter().cloned());
                outcomes.push(outcome);
            }
            // the other rows took minutes, and are worth seeing
            Err(complaint) => wrong.push(format!("{}: ketline {complaint}", row.name)),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let limits = if outcomes.iter().any(|outcome| outcome.row.name == LIMITED) {
        let mut command = machine.command(&program, 1);
        command.args(["side", "limits"]);
        let answer = Side::start(command)?.ask(&json!({}), Duration::from_mins(1))?;
        Some(Limits::read(&answer)?)
    } else {
        None
    };
    table::print(&outcomes, limits, machine.processors);
    println!("\n{:.0} s in all", start.elapsed().as_secs_f64());
    if !wrong.is_empty() {
        return Err(format!("both sides must run and compute the same:\n  {}", wrong.join("\n  ")).into());
    }
    table::draw(arguments, &outcomes)?;
    Ok(table::report(&outcomes, limits))
}

/// When the run should end.
fn end(arguments: &Arguments, start: Instant) -> Result<Instant, ArgumentError> {
    let usual = if arguments.has("quick") { MINUTES.1 } else { MINUTES.0 };
    let minutes: f64 = arguments.number("minutes", usual, MINUTES_EXPECTED)?;
    let whole = Duration::try_from_secs_f64(60.0 * minutes).ok();
    whole.and_then(|whole| start.checked_add(whole)).ok_or_else(|| ArgumentError::Value {
        flag: "minutes".to_owned(),
        found: minutes.to_string(),
        expected: MINUTES_EXPECTED,
    })
}

/// The rows that were asked for.
fn rows(arguments: &Arguments) -> Result<Vec<&'static Row>, Box<dyn Error>> {
    let quick = |row: &&Row| !arguments.has("quick") || row.width <= QUICK;
    let Some(only) = arguments.text("only") else {
        return Ok(ROWS.iter().filter(|row| !row.extra).filter(quick).collect());
    };
    let asked: Vec<_> = only.split(',').map(str::trim).filter(|prefix| !prefix.is_empty()).collect();
    if let Some(unknown) = asked.iter().find(|prefix| !ROWS.iter().any(|row| row.name.starts_with(**prefix)))
    {
        let known: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        return Err(format!("no row begins with `{unknown}`; there are {}", known.join(" ")).into());
    }
    // a name in full means that row alone, though another may go on from it
    let wanted = |row: &&Row| {
        asked.iter().any(|prefix| {
            row.name == *prefix || (Row::named(prefix).is_none() && row.name.starts_with(*prefix))
        })
    };
    Ok(ROWS.iter().filter(wanted).filter(quick).collect())
}
