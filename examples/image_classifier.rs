//! Trains a convolutional network on images of digits: MNIST in IDX files, or digits drawn by a rule where none are given. They
//! are written as a set in chunks and read by the loader, which holds a part of them in memory.
//!
//! `cargo run --release --example image_classifier -- --mnist DIR --epochs 5`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use ketline::data::{Batch, Bytes, Eval, Loader, Settings};
use ketline::model::models::conv_net;
use ketline::model::train::{EarlyStop, Log, Optimiser, Schedule, Trainer, TrainerOptions};
use ketline::model::{Plan, PlanOptions, Run, Sizes};
use ketline_examples::digits::{Digit, Digits};
use ketline_examples::{Arguments, Flag, OUT, Plot, Report, plot, progress, run};

const FLAGS: [Flag; 9] = [
    Flag::value(
        "mnist",
        "DIR",
        "folder with the four IDX files, packed by gzip or not [digits drawn by a rule]",
    ),
    Flag::value("epochs", "N", "passes over the training images [4]"),
    Flag::value("batch", "N", "images a step [64]"),
    Flag::value("filters", "N", "filters of the first convolutions [16]"),
    Flag::value("images", "N", "training images to draw where none are given [2000]"),
    Flag::value("budget", "MIB", "memory that the loader may take [8]"),
    Flag::value("checkpoint", "FILE", "where to keep the state of the training"),
    Flag::value("resume", "FILE", "a state to go on from"),
    OUT,
];

fn main() -> ExitCode {
    run("image_classifier", "Trains a convolutional network on images of digits.", &FLAGS, train)
}

fn train(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let whole = "a whole number >= 1";
    let (learn, test) = if let Some(folder) = arguments.path("mnist") {
        (Digits::read(&folder, "train")?, Digits::read(&folder, "t10k")?)
    } else {
        let count = arguments.number("images", 2000, whole)?;
        (Digits::drawn(count, 1), Digits::drawn(count.div_ceil(4), 2))
    };
    let folder = std::env::temp_dir().join(format!("ketline-image-classifier-{}", std::process::id()));
    let result = learn
        .write(&folder.join("learn"), Settings::new())
        .and_then(|()| test.write(&folder.join("test"), Settings::new().in_order()))
        .and_then(|()| learn_from(arguments, &folder));
    // what was not made cannot be removed; the result says why
    let _ = std::fs::remove_dir_all(&folder);
    result
}

/// Trains on the set in chunks `learn` and judges by the set `test`.
fn learn_from(arguments: &Arguments, folder: &Path) -> Result<Report, Box<dyn Error>> {
    let whole = "a whole number >= 1";
    let (epochs, batch): (u64, usize) =
        (arguments.number("epochs", 4, whole)?, arguments.number("batch", 64, whole)?);
    let filters: usize = arguments.number("filters", 16, whole)?;
    let seed = arguments.seed()?;
    // ANCHOR: loader
    let (learn, test) = (Digit::open(folder.join("learn"))?, Digit::open(folder.join("test"))?);
    let budget = Bytes::mib(arguments.number("budget", 8, whole)?);
    let loader = learn.plan().batch(batch).batches_held(2).drop_last().budget(budget).seed(seed).train()?;
    let judged = test.plan().batch(batch).batches_held(2).budget(budget).eval()?;
    // ANCHOR_END: loader
    let each = loader.plan().batches(0);
    if each == 0 {
        return Err(format!("found {} training images, expected a batch of {batch}", learn.len()).into());
    }
    let steps = epochs * each;

    let sizes = Sizes::new().with("B", batch);
    let options = TrainerOptions {
        optimiser: Optimiser::adamw(2e-3),
        schedule: Schedule::Cosine { warmup: steps / 20, steps, floor: 0.01 },
        seed,
        ..TrainerOptions::default()
    };
    let graph = conv_net(1, 28, filters, 10)?;
    let mut judge = Plan::new(&graph, &sizes, &PlanOptions::default())?.start(seed)?;
    let mut trainer = Trainer::new(graph, &sizes, options)?;
    if let Some(path) = arguments.path("resume") {
        trainer.resume(path)?;
    }
    if !trainer.updates().is_multiple_of(each) {
        return Err(format!(
            "found a state after {} steps, expected whole epochs of {each}",
            trainer.updates()
        )
        .into());
    }
    let mut log = Log::new(["loss", "accuracy"]);
    let mut stop = EarlyStop::new(3);
    let bar = progress(arguments, "training", steps);
    bar.set_position(trainer.updates());
    let since = Instant::now();
    let mut right = accuracy(&mut judge, &trainer, &judged)?;
    while trainer.updates() < steps && !stop.stops() {
        let epoch = trainer.updates() / each;
        for loaded in loader.epoch(epoch)?.ahead()? {
            give(trainer.run_mut(), &loaded?)?;
            let Some(record) = trainer.step()? else { continue };
            log.push(record.step, &[record.loss]);
            bar.set_message(format!("loss {:.3}, accuracy {right:.4}", record.loss));
            bar.inc(1);
        }
        right = accuracy(&mut judge, &trainer, &judged)?;
        stop.observe(1.0 - right);
        log.push(trainer.updates(), &[f64::NAN, right]);
        if bar.is_hidden() && !arguments.json() {
            println!("epoch {}  accuracy {right:.4}", epoch + 1);
        }
        if let Some(path) = arguments.path("checkpoint") {
            trainer.save(path, &[])?;
        }
    }
    bar.finish_and_clear();
    let seconds = since.elapsed().as_secs_f64();

    let out = arguments.path("out").unwrap_or_else(|| PathBuf::from("target/ketline"));
    let curves = [
        Plot::new("A convolutional network on digits", "step", "loss").line("training", log.column("loss")),
        Plot::new("", "step", "accuracy").line("test images", log.column("accuracy")),
    ];
    plot::write(&out.join("image_classifier.svg"), &curves)?;
    log.write(&out.join("image_classifier.csv"))?;
    println!("accuracy {right:.4} on {} test images after {seconds:.0} s", test.len());
    let mut report = Report::new();
    report.metric("accuracy", right).metric("seconds", seconds).metric("images", learn.len() as f64);
    Ok(report)
}

/// Gives a batch to a run; one that is not whole is filled up with black images.
fn give(run: &mut Run, batch: &Batch<Digit>) -> Result<(), Box<dyn Error>> {
    let digits = batch.view()?;
    let graph = run.plan().graph();
    let (x, targets) = (graph.find("x")?, graph.find("targets")?);
    let pixels = digits.image.iter().map(|&pixel| f32::from(pixel) / 255.0 - 0.13);
    let black = std::iter::repeat(-0.13);
    run.values_mut::<f32>(x)?.iter_mut().zip(pixels.chain(black)).for_each(|(to, pixel)| *to = pixel);
    let labels = digits.label.iter().map(|&label| i32::from(label)).chain(std::iter::repeat(-1));
    run.values_mut::<i32>(targets)?.iter_mut().zip(labels).for_each(|(to, label)| *to = label);
    Ok(())
}

/// The share of test images whose largest logit is the right one.
fn accuracy(judge: &mut Run, trainer: &Trainer, test: &Loader<Digit, Eval>) -> Result<f64, Box<dyn Error>> {
    judge.copy_parameters(trainer.run())?;
    let (mut right, mut all) = (0, 0);
    for batch in test.pass()?.ahead()? {
        let batch = batch?;
        give(judge, &batch)?;
        judge.step()?;
        for (&label, logits) in
            batch.view()?.label.iter().zip(judge.output::<f32>("logits")?.chunks_exact(10))
        {
            let best = (0..10).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or(0);
            right += usize::from(best == usize::from(label));
            all += 1;
        }
    }
    Ok(f64::from(u32::try_from(right)?) / f64::from(all))
}
