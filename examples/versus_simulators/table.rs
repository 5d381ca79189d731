//! What the example says: a line a row while it runs, a table, a plot and the metrics at the end.

use std::collections::BTreeSet;
use std::error::Error;

use ketline_examples::versus::{Best, time};
use ketline_examples::{Arguments, Bars, Report, Table};

use crate::limits::Limits;
use crate::row::Row;

/// What is known of a row.
pub(crate) type Outcome = ketline_examples::versus::Outcome<Row>;

/// The row whose distance to the limits of the machine is told.
pub(crate) const LIMITED: &str = "w1_n24_f64_t1";
/// Below this many qubits the memory of a process is not that of its states.
const LARGE: usize = 20;

/// One row as it is done.
pub(crate) fn line(outcome: &Outcome) -> String {
    let peers = outcome.peers.iter().map(|(peer, timing)| {
        let only = if timing.first { " (first run)" } else { "" };
        format!("{peer} {}{only}", time(timing.seconds()))
    });
    let absent = outcome.absent.iter().map(|(peer, complaint)| format!("{peer} {complaint}"));
    let others: Vec<_> = peers.chain(absent).collect();
    let ratio = outcome.ratio().map_or(String::new(), |ratio| format!(", ratio {ratio:.2}"));
    let (ours, count) = (time(outcome.ours.seconds()), outcome.ours.count());
    let rounds = if count == 1 { "round" } else { "rounds" };
    let load = outcome.load.map_or(String::new(), |load| format!(" [load {load:.1}]"));
    format!("{}: {ours} in {count} {rounds}; {}{ratio}{load}", outcome.row.name, others.join(", "))
}

/// The table, and what is to be known about it.
pub(crate) fn print(outcomes: &[Outcome], limits: Option<Limits>, processors: usize) {
    println!("\nmedians; a ratio is the best peer's time over ours\n{}", table(outcomes));
    for note in notes(outcomes) {
        println!("{note}");
    }
    for line in scaling(outcomes) {
        println!("{line}");
    }
    let limited = outcomes.iter().find(|outcome| outcome.row.name == LIMITED);
    if let (Some(limits), Some(outcome)) = (limits, limited) {
        let floor = limits.floor(outcome.row.width);
        println!("\n{}\n", outcome.plan);
        println!(
            "one processor: {:.1} GB/s in place, {:.1} GFLOP/s in f64; the floor of {LIMITED} is {}, and it takes {:.2} times \
             that",
            limits.bandwidth / 1e9,
            limits.arithmetic / 1e9,
            time(floor),
            outcome.ours.seconds() / floor,
        );
    }
    let loads = outcomes.iter().filter_map(|outcome| outcome.load);
    let most = loads.fold(0.0, f64::max);
    if most > processors as f64 {
        println!(
            "\nwarning: found a load of up to {most:.1} on {processors} processors: others were busy too, and ratios are \
             less certain"
        );
    }
}

/// The metrics: a ratio a row, or our seconds where no peer took part; states in memory, gains of a second thread, and
/// the distance to the limit.
pub(crate) fn report(outcomes: &[Outcome], limits: Option<Limits>) -> Report {
    let mut report = Report::new();
    for outcome in outcomes {
        match outcome.ratio() {
            Some(ratio) => report.metric(outcome.row.name, ratio),
            None => report.metric(format!("{}_seconds", outcome.row.name), outcome.ours.seconds()),
        };
    }
    for outcome in outcomes.iter().filter(|outcome| outcome.row.width >= LARGE) {
        if let Some(states) = outcome.states() {
            report.metric(format!("states_{}", outcome.row.name), states);
        }
    }
    for (one, two) in pairs(outcomes) {
        report.metric(format!("gain_{}", two.row.name), gain(one, two));
    }
    let limited = outcomes.iter().find(|outcome| outcome.row.name == LIMITED);
    if let (Some(limits), Some(outcome)) = (limits, limited) {
        report.metric(format!("limit_{LIMITED}"), outcome.ours.seconds() / limits.floor(outcome.row.width));
    }
    report
}

/// Draws the ratios beside their goals.
pub(crate) fn draw(arguments: &Arguments, outcomes: &[Outcome]) -> Result<(), Box<dyn Error>> {
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

fn table(outcomes: &[Outcome]) -> Table {
    let mut table = Table::new([
        "row",
        "ketline",
        "with planning",
        "peak memory",
        "states",
        "best peer",
        "takes",
        "ratio",
        "goal",
    ]);
    for outcome in outcomes {
        let (row, ours, best) = (outcome.row, outcome.ours.seconds(), outcome.best());
        let name = |best: &Best| {
            if best.seen { format!("{} (seen)", best.name) } else { best.name.clone() }
        };
        let states = outcome.states().filter(|_| row.width >= LARGE);
        table.row([
            row.name.to_owned(),
            time(ours),
            time(ours + outcome.planning),
            outcome.memory.map_or_else(String::new, |memory| format!("{:.0} MiB", memory.most / 1_048_576.0)),
            states.map_or_else(String::new, |states| format!("{states:.2}")),
            best.as_ref().map_or_else(String::new, name),
            best.map_or_else(String::new, |best| time(best.seconds)),
            outcome.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            format!("{}", row.goal),
        ]);
    }
    table
}

/// What peers say about their times, and where a time is not of this run.
fn notes(outcomes: &[Outcome]) -> BTreeSet<String> {
    let timings = outcomes.iter().flat_map(|outcome| &outcome.peers);
    let own = timings
        .filter(|(_, timing)| !timing.note.is_empty())
        .map(|(peer, timing)| format!("{}: {}", peer.name, timing.note));
    let seen = outcomes.iter().filter_map(|outcome| {
        let (seen, best) = (outcome.row.seen?, outcome.seen()?);
        Some(format!(
            "{}: {} is in no package index and did not run now; when it was timed beside {}, it took {:.2} of that, which \
             would be {} (ratio {:.2})",
            outcome.row.name,
            seen.peer,
            seen.beside,
            seen.scaled(1.0),
            time(best.seconds),
            best.seconds / outcome.ours.seconds(),
        ))
    });
    own.chain(seen).collect()
}

/// How much two threads gain, here and with the same peers.
fn scaling(outcomes: &[Outcome]) -> Vec<String> {
    let text = |(one, two): (&Outcome, &Outcome)| {
        let peers = two.peers.iter().filter_map(|(peer, timing)| {
            let (_, alone) = one.peers.iter().find(|(other, _)| other == peer)?;
            Some(format!("{peer} {:.2}", alone.seconds() / timing.seconds()))
        });
        let all: Vec<_> = std::iter::once(format!("ketline {:.2}", gain(one, two))).chain(peers).collect();
        format!("{}: gain over one thread: {}", two.row.name, all.join(", "))
    };
    pairs(outcomes).map(text).collect()
}

/// Rows of two threads, each after the same row of one.
fn pairs(outcomes: &[Outcome]) -> impl Iterator<Item = (&Outcome, &Outcome)> {
    outcomes.iter().filter_map(|two| {
        let one = two.row.on_one_thread()?;
        Some((outcomes.iter().find(|outcome| outcome.row.name == one.name)?, two))
    })
}

fn gain(one: &Outcome, two: &Outcome) -> f64 {
    one.ours.seconds() / two.ours.seconds()
}
