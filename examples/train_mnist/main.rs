//! A classifier of digits, trained from a loader: as good as after a full shuffle, though a fraction of the set is in memory.
//!
//! `cargo run --release --example train_mnist -- FOLDER`, with the four files of MNIST (packed by gzip or not); without a
//! folder, digits are drawn by a rule.

mod network;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ketline::data::{Bytes, Dataset, Planner, Settings};
use ketline_examples::digits::{self, Digit, Digits};
use ketline_examples::{ArgumentError, Arguments, Flag, Report, Table, consume, progress, run};
use network::Network;

const FLAGS: [Flag; 6] = [
    Flag::value("epochs", "N", "epochs of training [4]"),
    Flag::value("seeds", "N", "runs, each with another seed [3]"),
    Flag::value("budget", "KIB", "memory that the loader may take [2400, 5 % of MNIST]"),
    Flag::value("chunk", "KIB", "size of chunks [16]"),
    Flag::value(
        "step",
        "MS",
        "time that a program spends on each batch, to tell how long it waits for one [2]",
    ),
    Flag::switch(
        "costs",
        "also train with plans that are not safe: few open chunks, no shuffle when the set was written",
    ),
];

/// A way to come by batches.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Everything in memory, and a permutation.
    Full,
    /// The loader on a set that was shuffled when it was written.
    Chunks,
    /// The loader on a set sorted by class.
    Sorted,
    /// The same with two open chunks.
    SortedFew,
    /// A set sorted by class, in order.
    InOrder,
}

const WAYS: [(Way, &str, &str); 5] = [
    (Way::Full, "full", "full shuffle in memory"),
    (Way::Chunks, "chunks", "loader, shuffled at writing"),
    (Way::Sorted, "sorted", "loader, sorted by class"),
    (Way::SortedFew, "sorted_two_open", "sorted, two open chunks"),
    (Way::InOrder, "in_order", "sorted, no shuffle at all"),
];

fn main() -> ExitCode {
    run("train_mnist", "Trains a classifier of digits from a loader.", &FLAGS, train)
}

fn train(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let (train, test) = if let Some(folder) = arguments.rest().first() {
        (Digits::read(Path::new(folder), "train")?, Digits::read(Path::new(folder), "t10k")?)
    } else {
        println!("no folder is given: digits are drawn by a rule");
        (Digits::drawn(4000, 1), Digits::drawn(1000, 2))
    };
    let folder = std::env::temp_dir().join(format!("ketline-train-mnist-{}", std::process::id()));
    let result = compare(arguments, &train, &test, &folder);
    // What was not made cannot be removed; the result says why.
    let _ = std::fs::remove_dir_all(&folder);
    result
}

fn compare(
    arguments: &Arguments,
    train: &Digits,
    test: &Digits,
    folder: &Path,
) -> Result<Report, Box<dyn Error>> {
    let epochs: u64 = arguments.number("epochs", 4, "a whole number >= 1")?;
    let seeds: u64 = arguments.number("seeds", 3, "a whole number >= 1")?;
    let chunk = Bytes::kib(arguments.number("chunk", 16, "a whole number >= 1")?);
    train.write(&folder.join("shuffled"), Settings::new().chunk_bytes(chunk))?;
    let mut by_class: Vec<usize> = (0..train.len()).collect();
    by_class.sort_by_key(|at| train.label(*at));
    train.taken(&by_class).write(&folder.join("sorted"), Settings::new().chunk_bytes(chunk).in_order())?;
    let ways = if arguments.has("costs") { &WAYS[..] } else { &WAYS[..3] };
    let mut report = Report::new();
    let mut table = Table::new(["batches", "accuracy", "each run"]);
    let bar = progress(arguments, "training", ways.len() as u64 * seeds * epochs);
    let mut full = 0.0;
    for (way, name, text) in ways {
        let mut accuracies = Vec::new();
        for seed in 0..seeds {
            let seed = arguments.seed()? + seed;
            let mut network = Network::new(seed);
            let waited = if *way == Way::Full {
                in_memory(train, &mut network, epochs, seed, &bar);
                None
            } else {
                Some(loaded(arguments, *way, folder, &mut network, (epochs, seed), &bar)?)
            };
            accuracies.push(network.accuracy(test));
            if let Some(waited) = waited.filter(|_| *way == Way::Chunks) {
                report.metric("waited_share", waited);
            }
        }
        let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
        let runs: Vec<_> = accuracies.iter().map(|accuracy| format!("{:.2}", 100.0 * accuracy)).collect();
        table.row([(*text).to_owned(), format!("{:.2} %", 100.0 * mean), runs.join(" ")]);
        report.metric(format!("accuracy_{name}"), mean);
        if *way == Way::Full {
            full = mean;
        } else {
            report.metric(format!("points_lost_{name}"), 100.0 * (full - mean));
        }
    }
    bar.finish_and_clear();
    println!("{table}");
    let step: f64 = arguments.number("step", 2.0, "a number of milliseconds >= 0")?;
    let set = Digit::open(folder.join("shuffled"))?;
    let loader = planner(arguments, &set)?.train()?;
    let waits = consume(loader.epoch(0)?, Duration::try_from_secs_f64(1e-3 * step)?, |_| {})?;
    println!("with {step} ms a batch, {:.2} % of the time was spent waiting for one", 100.0 * waits);
    report.metric("waited_share_of_steps", waits);
    Ok(report)
}

fn in_memory(digits: &Digits, network: &mut Network, epochs: u64, seed: u64, bar: &indicatif::ProgressBar) {
    for epoch in 0..epochs {
        let order = digits::permutation(digits.len(), seed * 1000 + epoch);
        for batch in order.chunks(network::BATCH) {
            let batch = digits.taken(batch);
            network.step(&batch.images(), &batch.labels());
        }
        bar.inc(1);
    }
}

/// Trains from a loader; says which share of the time was spent waiting for it.
fn loaded(
    arguments: &Arguments,
    way: Way,
    folder: &Path,
    network: &mut Network,
    (epochs, seed): (u64, u64),
    bar: &indicatif::ProgressBar,
) -> Result<f64, Box<dyn Error>> {
    let set = Digit::open(folder.join(if way == Way::Chunks { "shuffled" } else { "sorted" }))?;
    // ANCHOR: train
    let planner = planner(arguments, &set)?.seed(seed);
    let loader = if way == Way::SortedFew { planner.open_chunks(2).train()? } else { planner.train()? };
    let (start, mut waited) = (Instant::now(), 0.0);
    for number in 0..epochs {
        let epoch = if way == Way::InOrder {
            self::planner(arguments, &set)?.eval()?.pass()?
        } else {
            loader.epoch(number)?
        };
        let mut batches = epoch.ahead()?;
        for batch in batches.by_ref() {
            let batch = batch?;
            let digits = batch.view()?;
            network.step(&digits.image, &digits.label);
        }
        waited += batches.waited().as_secs_f64();
        bar.inc(1);
    }
    // ANCHOR_END: train
    Ok(waited / start.elapsed().as_secs_f64())
}

// ANCHOR: planner
/// A plan within the budget, for one batch that is used, one that is made and one that waits.
fn planner(arguments: &Arguments, set: &Dataset<Digit>) -> Result<Planner<Digit>, ArgumentError> {
    let budget = Bytes::kib(arguments.number("budget", 2400, "a whole number >= 1")?);
    Ok(set.plan().batch(network::BATCH).batches_held(3).budget(budget))
}
// ANCHOR_END: planner
