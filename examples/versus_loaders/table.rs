//! What is shown: a line a row, a table, and the metrics.

use ketline_examples::versus::median;
use ketline_examples::{Report, Table};

use crate::contest::{Measured, Reads};

/// A row as soon as it is measured.
pub(crate) fn line(measured: &Measured) -> String {
    let outcome = &measured.outcome;
    let (name, ours) = (outcome.row.name, measured.rate(&outcome.ours));
    let absent: Vec<_> =
        outcome.absent.iter().map(|(peer, complaint)| format!("{peer} {complaint}")).collect();
    let absent = if absent.is_empty() { String::new() } else { format!(" (without {})", absent.join("; ")) };
    let load = outcome.load.map_or(String::new(), |load| format!(" [load {load:.1}]"));
    match (outcome.ratio(), outcome.peers.first()) {
        (Some(ratio), Some((peer, timing))) => format!(
            "{name}: {ratio:.2} x {peer} ({ours:.0} and {:.0} samples/s), wanted {:.1}{absent}{load}",
            measured.rate(timing),
            outcome.row.goal
        ),
        _ => format!("{name}: {ours:.0} samples/s{absent}{load}"),
    }
}

/// Speed and mixing of all sides, side by side.
pub(crate) fn print(rows: &[Measured]) {
    let mut table = Table::new([
        "row",
        "side",
        "samples/s",
        "ours over it",
        "bins of 162",
        "read a byte",
        "peak MiB",
        "runs",
    ]);
    for measured in rows {
        let outcome = &measured.outcome;
        let mut row = |side: String, timing, reads: &Reads| {
            table.row([
                outcome.row.name.to_owned(),
                side,
                format!("{:.0}", measured.rate(timing)),
                format!("{:.2}", measured.rate(&outcome.ours) / measured.rate(timing)),
                format!("{:.0}", reads.bins),
                if reads.amplification.is_empty() {
                    String::new()
                } else {
                    format!("{:.2}", median(&reads.amplification))
                },
                format!("{}", reads.peak >> 20),
                format!("{}{}", timing.count(), if reads.partial { ", left early" } else { "" }),
            ]);
        };
        row("ketline".to_owned(), &outcome.ours, &measured.ours);
        for ((peer, timing), (_, reads)) in outcome.peers.iter().zip(&measured.peers) {
            row(peer.to_string(), timing, reads);
        }
    }
    println!("\n{table}");
}

/// The metrics: ratios, and what our runs took and mixed.
pub(crate) fn report(rows: &[Measured]) -> Report {
    let mut report = Report::new();
    for measured in rows {
        let outcome = &measured.outcome;
        if let Some(ratio) = outcome.ratio() {
            report.metric(outcome.row.name, ratio);
        }
        let name = format!("{}_samples_per_second", outcome.row.name);
        report.metric(name, measured.rate(&outcome.ours));
    }
    let most = |values: &mut dyn Iterator<Item = f64>| values.reduce(f64::max);
    let capped = || rows.iter().filter(|measured| measured.outcome.row.caps.is_some());
    let counted = capped().filter(|measured| !measured.ours.amplification.is_empty());
    if let Some(read) = most(&mut counted.map(|measured| median(&measured.ours.amplification))) {
        report.metric("read_amplification", read);
    }
    let over = |measured: &Measured| {
        measured.ours.peak as f64 - measured.outcome.row.budget.bytes(&measured.workload) as f64
    };
    let counted = rows.iter().filter(|measured| measured.ours.peak > 0);
    if let Some(over) = most(&mut counted.map(over)) {
        report.metric("resident_over_budget_bytes", over);
    }
    let first = |workload: &str| capped().find(|measured| measured.workload.name == workload);
    if let Some(small) = first("a") {
        report.metric("bins_at_that_speed", small.ours.bins);
        report.metric("distinct_chunks_per_batch", small.ours.chunks);
        report.metric("planned_bytes", small.ours.planned);
    }
    if let Some(large) = first("b") {
        report.metric("b_bins_at_that_speed", large.ours.bins);
    }
    report
}
