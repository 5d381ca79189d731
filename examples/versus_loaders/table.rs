//! What is shown: a line a row, a table, and the metrics.

use ketline_examples::{Report, Table};

use crate::contest::{Outcome, Timing, median};

/// A row as soon as it is measured.
pub(crate) fn line(outcome: &Outcome) -> String {
    let name = outcome.row.name;
    let absent: Vec<_> = outcome
        .absent
        .iter()
        .map(|(peer, reason)| match peer {
            Some(peer) => format!("{}/{} {reason}", peer.name, peer.workers),
            None => reason.clone(),
        })
        .collect();
    let absent = if absent.is_empty() { String::new() } else { format!(" (without {})", absent.join("; ")) };
    if outcome.ours.runs.is_empty() {
        return format!("{name}: not measured{absent}");
    }
    let ours = outcome.ours.rate();
    match (outcome.ratio(), outcome.peers.first()) {
        (Some(ratio), Some((peer, timing))) => format!(
            "{name}: {ratio:.2} x {}/{} ({ours:.0} and {:.0} samples/s), wanted {:.1}{absent}",
            peer.name,
            peer.workers,
            timing.rate(),
            outcome.row.goal
        ),
        _ => format!("{name}: {ours:.0} samples/s{absent}"),
    }
}

/// Speed and mixing of all sides, side by side.
pub(crate) fn print(outcomes: &[Outcome]) {
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
    for outcome in outcomes.iter().filter(|outcome| !outcome.ours.runs.is_empty()) {
        let rate = outcome.ours.rate();
        let mut row = |side: String, timing: &Timing| {
            let bins = median(timing.runs.iter().map(|run| run.bins).collect());
            let most = timing.peaks.iter().max().map_or(String::new(), |peak| (peak >> 20).to_string());
            let partial = if timing.runs.iter().any(|run| run.partial) { ", stopped" } else { "" };
            table.row([
                outcome.row.name.to_owned(),
                side,
                format!("{:.0}", timing.rate()),
                format!("{:.2}", rate / timing.rate()),
                format!("{bins:.0}"),
                format!("{:.2}", median(timing.amplification.clone())),
                most,
                format!("{}{partial}", timing.runs.len()),
            ]);
        };
        row("ketline".to_owned(), &outcome.ours);
        for (peer, timing) in &outcome.peers {
            row(format!("{}/{}", peer.name, peer.workers), timing);
        }
    }
    println!("\n{table}");
}

/// The metrics: ratios, and what our capped runs took and mixed.
pub(crate) fn report(outcomes: &[Outcome]) -> Report {
    let mut report = Report::new();
    for outcome in outcomes {
        if let Some(ratio) = outcome.ratio() {
            report.metric(outcome.row.name, ratio);
        }
        if !outcome.ours.runs.is_empty() {
            report.metric(format!("{}_samples_per_second", outcome.row.name), outcome.ours.rate());
        }
    }
    let capped =
        || outcomes.iter().filter(|outcome| outcome.row.caps.is_some() && !outcome.ours.runs.is_empty());
    let worst = |values: Vec<f64>| values.into_iter().reduce(f64::max);
    if let Some(amplification) = worst(capped().map(|one| median(one.ours.amplification.clone())).collect()) {
        report.metric("read_amplification", amplification);
    }
    let over = capped()
        .flat_map(|one| one.ours.peaks.iter().map(|peak| *peak as f64 - (one.row.budget << 20) as f64));
    if let Some(over) = worst(over.collect()) {
        report.metric("resident_over_budget_bytes", over);
    }
    if let Some(small) = capped().find(|one| one.row.workload == "a") {
        report.metric("bins_at_that_speed", median(small.ours.runs.iter().map(|run| run.bins).collect()));
        report.metric(
            "distinct_chunks_per_batch",
            median(small.ours.runs.iter().map(|run| run.chunks).collect()),
        );
        report.metric("planned_bytes", median(small.ours.runs.iter().map(|run| run.planned).collect()));
    }
    if let Some(large) = capped().find(|one| one.row.workload == "b") {
        report.metric("b_bins_at_that_speed", median(large.ours.runs.iter().map(|run| run.bins).collect()));
    }
    report
}
