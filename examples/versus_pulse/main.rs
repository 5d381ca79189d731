//! Pulse simulation beside other packages, in turn and in one run: how much faster than the best of them.
//!
//! `cargo run --release --example versus_pulse` (about 5 minutes; the first time some more, to install the other packages).
//! They are Python packages; they are installed into an environment of their own, in the build folder. What they compile or
//! prepare is not timed, and neither is ours; all work in `f64` on one processor, and all end within the row's bound of error.

mod ketline_side;
mod peers;
mod problem;
mod row;

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ketline_examples::versus::{Budget, Contest, Machine, Outcome, environment, time, warn};
use ketline_examples::{Arguments, Bars, Flag, OUT, Report, Table, progress, run};
use row::{ROWS, Row};

const FLAGS: [Flag; 6] = [
    Flag::value("only", "ROWS", "only these rows, such as `p1,p4`"),
    Flag::switch("no-peers", "time Ketline alone; the metrics are then seconds"),
    Flag::value("minutes", "N", "what the whole run should take [6]"),
    Flag::value("venv", "DIR", "the environment of the peers [pulse-venv in the build folder]"),
    Flag::value("python", "PROGRAM", "the Python that makes the environment [python3]"),
    OUT,
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ["side", row] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
        let about =
            "Times pulse simulation by Ketline and by others in turn: the best peer's time over ours.";
        return run("versus_pulse", about, &FLAGS, versus);
    };
    match ketline_side::serve(row) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn versus(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let minutes: f64 = arguments.number("minutes", 6.0, "a number of minutes >= 0")?;
    let rows = rows(arguments.text("only"))?;
    let (machine, program) = (Machine::here(), std::env::current_exe()?);
    warn(machine);
    let environment = if arguments.has("no-peers") {
        None
    } else {
        environment(arguments, "pulse-venv", &peers::PEERS, &rows)
    };
    let end = Instant::now() + Duration::try_from_secs_f64(60.0 * minutes).unwrap_or_default();
    let mut contest = Contest::new(machine, program, environment);
    let mut budget = Budget::new(end, &rows);
    let bar = progress(arguments, "measuring", rows.len() as u64);
    let (mut outcomes, mut wrong) = (Vec::new(), Vec::new());
    for row in rows {
        bar.set_message(row.name);
        let outcome = contest.measure(row, budget.take(row, Instant::now()))?;
        bar.suspend(|| println!("{}", line(&outcome)));
        wrong.extend(outcome.disagreements.iter().cloned());
        outcomes.push(outcome);
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!("\nmedians; a ratio is the best peer's time over ours\n{}", table(&outcomes));
    if !wrong.is_empty() {
        return Err(format!("all must compute the same:\n  {}", wrong.join("\n  ")).into());
    }
    draw(arguments, &outcomes)?;
    let mut report = Report::new();
    for outcome in &outcomes {
        match outcome.ratio() {
            Some(ratio) => report.metric(outcome.row.name, ratio),
            None => report.metric(format!("{}_seconds", outcome.row.name), outcome.ours.seconds()),
        };
    }
    Ok(report)
}

/// The rows that were asked for.
fn rows(only: Option<&str>) -> Result<Vec<&'static Row>, Box<dyn Error>> {
    let Some(only) = only else { return Ok(ROWS.iter().collect()) };
    let named = |name: &str| {
        let found = ROWS.iter().find(|row| row.name == name.trim());
        found.ok_or_else(|| format!("no row `{name}`; there are p1 p2 p3 p4").into())
    };
    only.split(',').map(named).collect()
}

/// One row as it is done.
fn line(outcome: &Outcome<Row>) -> String {
    let peers = outcome.peers.iter().map(|(peer, timing)| {
        let note = if timing.note.is_empty() { String::new() } else { format!(" ({})", timing.note) };
        format!("{peer} {}{note}", time(timing.seconds()))
    });
    let absent = outcome.absent.iter().map(|(peer, complaint)| format!("{peer} {complaint}"));
    let others: Vec<_> = peers.chain(absent).collect();
    let ratio = outcome.ratio().map_or(String::new(), |ratio| format!(", ratio {ratio:.1}"));
    let (ours, count) = (time(outcome.ours.seconds()), outcome.ours.count());
    let load = outcome.load.map_or(String::new(), |load| format!(" [load {load:.1}]"));
    format!("{}: {ours} in {count} rounds; {}{ratio}{load}", outcome.row.name, others.join(", "))
}

fn table(outcomes: &[Outcome<Row>]) -> Table {
    let mut table = Table::new(["row", "what", "ketline", "best peer", "takes", "ratio", "goal"]);
    for outcome in outcomes {
        let best = outcome.best();
        table.row([
            outcome.row.name.to_owned(),
            outcome.row.what.to_owned(),
            time(outcome.ours.seconds()),
            best.as_ref().map_or_else(String::new, |best| best.name.clone()),
            best.as_ref().map_or_else(String::new, |best| time(best.seconds)),
            outcome.ratio().map_or_else(String::new, |ratio| format!("{ratio:.1}")),
            format!("{}", row::GOAL),
        ]);
    }
    table
}

/// Draws the ratios beside their goals.
fn draw(arguments: &Arguments, outcomes: &[Outcome<Row>]) -> Result<(), Box<dyn Error>> {
    let ratios = outcomes.iter().filter_map(|outcome| Some((outcome.row, outcome.ratio()?)));
    let bars = ratios.fold(
        Bars::new(
            "Pulses: Ketline beside the best of the others",
            "their time over ours; the marks are goals",
        ),
        |bars, (row, ratio)| bars.bar(format!("{}: {}", row.name, row.what), ratio, Some(row::GOAL)),
    );
    if outcomes.iter().any(|outcome| outcome.ratio().is_some()) {
        let path = arguments.out()?.join("versus_pulse.svg");
        bars.write(&path)?;
        println!("{}", path.display());
    }
    Ok(())
}
