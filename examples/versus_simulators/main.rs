//! Ketline beside other simulators, in turn and in one run: how much faster than the best of them.
//!
//! `cargo run --release --example versus_simulators` (about 20 minutes; `--quick` for circuits of up to 20 qubits).
//! The other simulators are Python packages; they are installed into an environment of their own, in the build folder.

mod contest;
mod definition;
mod ketline_side;
mod limits;
mod machine;
mod row;
mod side;
mod stream;
mod venv;

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use contest::{Contest, Outcome};
use ketline_examples::{ArgumentError, Arguments, Bars, Flag, OUT, Report, Table, run};
use limits::Limits;
use machine::Machine;
use row::{ROWS, Row};
use serde_json::json;
use side::Side;
use venv::Environment;

/// The row whose distance to the limits of the machine is told.
const LIMITED: &str = "w1_n24_f64_t1";
/// The widest circuits of a quick run.
const QUICK: usize = 20;

const MINUTES: &str = "a number of minutes >= 0";

const FLAGS: [Flag; 7] = [
    Flag::switch("quick", "only circuits of up to 20 qubits"),
    Flag::value("only", "ROWS", "only rows whose names begin so, such as `w1_n20_f64_t1,w5`"),
    Flag::switch("no-peers", "time Ketline alone; the metrics are then seconds"),
    Flag::value("minutes", "N", "after so long every row is measured once only [17]"),
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
    let minutes: f64 = arguments.number("minutes", 17.0, MINUTES)?;
    let whole = Duration::try_from_secs_f64(60.0 * minutes).map_err(|_| ArgumentError::Value {
        flag: "minutes".to_owned(),
        found: minutes.to_string(),
        expected: MINUTES,
    })?;
    let deadline = start.checked_add(whole);
    let rows = rows(arguments)?;
    let (machine, program) = (Machine::here(), std::env::current_exe()?);
    let environment = if arguments.has("no-peers") { None } else { environment(arguments, &rows) };
    let mut contest = Contest::new(machine, program.clone(), environment, deadline);
    let (mut outcomes, mut wrong) = (Vec::new(), Vec::new());
    for row in rows {
        if row.threads > machine.processors {
            println!(
                "{}: skipped, found {} processors, expected {}",
                row.name, machine.processors, row.threads
            );
            continue;
        }
        let outcome = contest.measure(row).map_err(|complaint| format!("{}: {complaint}", row.name))?;
        println!("{}", line(&outcome));
        wrong.extend(outcome.disagreements.iter().cloned());
        outcomes.push(outcome);
    }
    let limits = if outcomes.iter().any(|outcome| outcome.row.name == LIMITED) {
        let mut command = machine.command(&program, 1);
        command.args(["side", "limits"]);
        let answer = Side::start(command)?.ask(&json!({}), Duration::from_mins(1))?;
        Some(Limits::read(&answer)?)
    } else {
        None
    };
    print(&outcomes, limits);
    println!("\n{:.0} s in all", start.elapsed().as_secs_f64());
    if !wrong.is_empty() {
        return Err(format!("both sides must compute the same:\n  {}", wrong.join("\n  ")).into());
    }
    draw(arguments, &outcomes)?;
    Ok(report(&outcomes, limits))
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

/// The environment of the peers; without one, Ketline is timed alone.
fn environment(arguments: &Arguments, rows: &[&Row]) -> Option<Environment> {
    let folder = arguments.path("venv").unwrap_or_else(|| {
        // the program is target/release/examples/versus_simulators
        let program = std::env::current_exe().unwrap_or_default();
        program.ancestors().nth(3).map_or_else(|| PathBuf::from("target"), PathBuf::from).join("versus-venv")
    });
    let wanted: BTreeSet<_> = rows.iter().flat_map(|row| row.peers).map(|peer| peer.name).collect();
    let python = arguments.text("python").unwrap_or("python3");
    match Environment::make(&folder, python, &wanted.into_iter().collect::<Vec<_>>()) {
        Ok(environment) => {
            let list: Vec<_> =
                environment.peers().map(|(name, version)| format!("{name} {version}")).collect();
            println!("peers: {}", list.join(", "));
            Some(environment)
        }
        Err(complaint) => {
            println!("no peers: {complaint}");
            None
        }
    }
}

/// One row as it is done.
fn line(outcome: &Outcome) -> String {
    let peers = outcome.peers.iter().map(|(peer, timing)| {
        let option = if peer.option.is_empty() { String::new() } else { format!("+{}", peer.option) };
        let only = if timing.count() == 1 { " (once)" } else { "" };
        format!("{}{option} {}{only}", peer.name, time(timing.seconds()))
    });
    let absent = outcome.absent.iter().map(|(peer, complaint)| format!("{} {complaint}", peer.name));
    let ratio = outcome.ratio().map_or(String::new(), |ratio| format!(", ratio {ratio:.2}"));
    let (ours, rounds) = (time(outcome.ours.seconds()), outcome.ours.count());
    let others: Vec<_> = peers.chain(absent).collect();
    format!("{}: {ours} of {rounds} rounds; {}{ratio}", outcome.row.name, others.join(", "))
}

fn print(outcomes: &[Outcome], limits: Option<Limits>) {
    let mut table = Table::new([
        "row",
        "ketline",
        "with planning",
        "peak memory",
        "best peer",
        "takes",
        "ratio",
        "goal",
        "beside those not installed",
    ]);
    for outcome in outcomes {
        let (row, ours) = (outcome.row, outcome.ours.seconds());
        let (best, takes) = outcome.peers.first().map_or_else(Default::default, |(peer, timing)| {
            (format!("{} {}", peer.name, peer.option), time(timing.seconds()))
        });
        let seen = row.seen.map_or_else(String::new, |seen| {
            let then = seen.seconds / seen.beside_seconds;
            format!("{} took {:.2} of {}", seen.peer, then, seen.beside)
        });
        table.row([
            row.name.to_owned(),
            time(ours),
            time(ours + outcome.planning),
            outcome.memory.map_or_else(String::new, |bytes| format!("{:.0} MiB", bytes / 1_048_576.0)),
            best,
            takes,
            outcome.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            format!("{}", row.goal),
            seen,
        ]);
    }
    println!("\nmedians; a ratio is the best peer's time over ours\n{table}");
    let timings = outcomes.iter().flat_map(|outcome| &outcome.peers);
    let notes: BTreeSet<_> = timings
        .filter(|(_, timing)| !timing.note.is_empty())
        .map(|(peer, timing)| format!("{}: {}", peer.name, timing.note))
        .collect();
    for note in notes {
        println!("{note}");
    }
    if let Some(limits) = limits {
        println!(
            "one processor: {:.1} GB/s in place, {:.1} GFLOP/s in f64; {LIMITED} cannot take less than {}",
            limits.bandwidth / 1e9,
            limits.arithmetic / 1e9,
            time(limits.floor(24)),
        );
    }
}

fn draw(arguments: &Arguments, outcomes: &[Outcome]) -> Result<(), Box<dyn Error>> {
    let ratios = outcomes.iter().filter_map(|outcome| Some((outcome.row, outcome.ratio()?)));
    let bars = ratios.fold(
        Bars::new(
            "Ketline beside the best of the other simulators",
            "their time over ours; the marks are goals",
        ),
        |bars, (row, ratio)| bars.bar(row.name, ratio, Some(row.goal)),
    );
    if outcomes.iter().any(|outcome| outcome.ratio().is_some()) {
        let path = arguments.out()?.join("versus_simulators.svg");
        bars.write(&path)?;
        println!("{}", path.display());
    }
    Ok(())
}

fn report(outcomes: &[Outcome], limits: Option<Limits>) -> Report {
    let mut report = Report::new();
    for outcome in outcomes {
        match outcome.ratio() {
            Some(ratio) => report.metric(outcome.row.name, ratio),
            None => report.metric(format!("{}_seconds", outcome.row.name), outcome.ours.seconds()),
        };
    }
    let limited = outcomes.iter().find(|outcome| outcome.row.name == LIMITED);
    if let (Some(limits), Some(outcome)) = (limits, limited) {
        report.metric(format!("limit_{LIMITED}"), outcome.ours.seconds() / limits.floor(outcome.row.width));
    }
    report
}

/// A duration with its unit.
fn time(seconds: f64) -> String {
    match seconds {
        1.0.. => format!("{seconds:.2} s"),
        1e-3.. => format!("{:.2} ms", 1e3 * seconds),
        _ => format!("{:.1} us", 1e6 * seconds),
    }
}
