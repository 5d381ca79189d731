//! Trains a small GPT on text, byte by byte, and lets it write.
//!
//! `cargo run --release --example gpt -- --text FILE --steps 3000 --checkpoint gpt.safetensors`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use ketline::model::models::Transformer;
use ketline::model::text::{Corpus, Vocabulary};
use ketline::model::train::{Log, Optimiser, Schedule, Trainer, TrainerOptions};
use ketline::model::{self, Plan, PlanOptions, Run, Sizes};
use ketline_examples::{Arguments, Flag, OUT, Plot, Report, follow, plot, run};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// What is learnt where no text is given: this repository's own.
const OWN: [&str; 3] = [
    include_str!("../README.md"),
    include_str!("../guide/src/circuits.md"),
    include_str!("../guide/src/inside.md"),
];

const FLAGS: [Flag; 13] = [
    Flag::value("text", "FILE", "text to learn from [this repository's README and guide]"),
    Flag::value("steps", "N", "training steps [1500]"),
    Flag::value("batch", "N", "crops a step [16]"),
    Flag::value("length", "N", "bytes a crop [128]"),
    Flag::value("width", "N", "channels [256]"),
    Flag::value("layers", "N", "blocks [4]"),
    Flag::value("rate", "X", "the largest learning rate [0.001]"),
    Flag::value("dropout", "X", "probability of dropout [0.1]"),
    Flag::value("threads", "N", "threads; 0 for all [0]"),
    Flag::value("sample", "N", "bytes to write at the end [200]"),
    Flag::value("checkpoint", "FILE", "where to keep the state of the training"),
    Flag::value("resume", "FILE", "a state to go on from"),
    OUT,
];

fn main() -> ExitCode {
    run("gpt", "Trains a small GPT on text, byte by byte.", &FLAGS, train)
}

fn train(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let whole = "a whole number >= 1";
    let steps: u64 = arguments.number("steps", 1500, whole)?;
    let batch: usize = arguments.number("batch", 16, whole)?;
    let seed = arguments.seed()?;
    let text = match arguments.path("text") {
        Some(path) => std::fs::read(path)?,
        None => OWN.concat().into_bytes(),
    };

    // ANCHOR: model
    let vocabulary = Vocabulary::of(&text);
    let gpt = Transformer {
        vocabulary: vocabulary.len(),
        length: arguments.number("length", 128, whole)?,
        width: arguments.number("width", 256, whole)?,
        heads: 4,
        layers: arguments.number("layers", 4, whole)?,
        dropout: arguments.number("dropout", 0.1, "a number from 0 to below 1")?,
        seed,
    };
    let ids = vocabulary.encode(&text)?;
    let (learn, valid) = Corpus::split(&ids, gpt.length, batch)?;
    let valid = valid.consecutive(batch, 64);
    // ANCHOR_END: model

    // ANCHOR: train
    let optimiser = Optimiser::Adam {
        rate: arguments.number("rate", 1e-3, "a number > 0")?,
        beta1: 0.9,
        beta2: 0.99,
        eps: 1e-8,
        weight_decay: 0.1,
        decoupled: true,
    };
    let options = TrainerOptions {
        optimiser,
        schedule: Schedule::Cosine { warmup: steps.min(100), steps, floor: 0.1 },
        clip: Some(1.0),
        threads: arguments.number("threads", 0, "a whole number")?,
        seed,
        ..TrainerOptions::default()
    };
    let sizes = Sizes::new().with("B", batch);
    let mut trainer = Trainer::new(gpt.gpt(false)?, &sizes, options.clone())?;
    if let Some(path) = arguments.path("resume") {
        trainer.resume(path)?;
    }
    // validation and writing see no dropout
    let calm = Transformer { dropout: 0.0, ..gpt.clone() };
    let plan = PlanOptions { threads: options.threads, ..PlanOptions::default() };
    let mut judge = Plan::new(&calm.gpt(false)?, &sizes, &plan)?.start(seed)?;
    // ANCHOR_END: train

    println!(
        "{} bytes of text, {} tokens, arena {:.1} MB",
        text.len(),
        vocabulary.len(),
        trainer.run().plan().bytes() as f64 / 1e6
    );
    let (since, begun) = (Instant::now(), trainer.updates());
    let give = |run: &mut Run, number: u64| {
        let (ids, targets) = learn.random(batch, seed, number);
        run.set("ids", &ids)?;
        run.set("targets", &targets)
    };
    let (log, mut last) = follow(arguments, &mut trainer, steps, f64::NAN, give, |trainer| {
        validate(&mut judge, trainer, &valid)
    })?;
    let seconds = since.elapsed().as_secs_f64();
    if last.is_nan() {
        last = validate(&mut judge, &trainer, &valid)?;
    }

    let sample =
        write(&calm, &trainer, &vocabulary, arguments.number("sample", 200, "a whole number")?, seed)?;
    println!("\n{}\n", String::from_utf8_lossy(&sample));
    let out = arguments.path("out").unwrap_or_else(|| PathBuf::from("target/ketline"));
    draw(&out, &log)?;
    println!("validation loss {last:.4} nats a byte after {steps} steps, {seconds:.0} s");

    let mut report = Report::new();
    report.metric("validation_loss", last).metric("steps", steps as f64).metric("seconds", seconds);
    let done = (trainer.updates() - begun).max(1) as f64;
    report
        .metric("ms_a_step", seconds * 1e3 / done)
        .metric("arena_bytes", trainer.run().plan().bytes() as f64);
    Ok(report)
}

/// The mean loss over all batches, with the trainer's parameters.
fn validate(judge: &mut Run, trainer: &Trainer, batches: &[(Vec<i32>, Vec<i32>)]) -> model::Result<f64> {
    judge.copy_parameters(trainer.run())?;
    let mut sum = 0.0;
    for (ids, targets) in batches {
        judge.set("ids", ids)?;
        judge.set("targets", targets)?;
        judge.step()?;
        sum += f64::from(judge.output::<f32>("loss")?[0]);
    }
    Ok(sum / batches.len().max(1) as f64)
}

/// Lets the model write, one token after another drawn from its softmax.
fn write(
    gpt: &Transformer,
    trainer: &Trainer,
    vocabulary: &Vocabulary,
    length: usize,
    seed: u64,
) -> model::Result<Vec<u8>> {
    let plan = PlanOptions { threads: trainer.run().plan().threads(), ..PlanOptions::default() };
    let mut run = Plan::new(&gpt.gpt(true)?, &Sizes::new().with("B", 1), &plan)?.start(seed)?;
    run.copy_parameters(trainer.run())?;
    run.set("targets", &vec![-1; gpt.length])?;
    let mut text = vec![0_i32];
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for _ in 0..length {
        let from = text.len().saturating_sub(gpt.length);
        let mut ids = text[from..].to_vec();
        let at = ids.len() - 1;
        ids.resize(gpt.length, 0);
        run.set("ids", &ids)?;
        run.step()?;
        let logits = &run.output::<f32>("logits")?[at * gpt.vocabulary..(at + 1) * gpt.vocabulary];
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights: Vec<f32> = logits.iter().map(|x| ((x - most) / 0.8).exp()).collect();
        let mut draw = rng.random::<f32>() * weights.iter().sum::<f32>();
        let id = weights.iter().position(|weight| {
            draw -= weight;
            draw < 0.0
        });
        text.push(i32::try_from(id.unwrap_or(0)).unwrap_or(0));
    }
    Ok(vocabulary.decode(&text[1..]))
}

fn draw(out: &Path, log: &Log) -> Result<(), Box<dyn Error>> {
    let curves = Plot::new("A small GPT", "step", "nats a byte")
        .line("training", log.column("loss"))
        .line("validation", log.column("valid"));
    let path = out.join("gpt.svg");
    plot::write(&path, &[curves])?;
    log.write(&out.join("gpt.csv"))?;
    println!("curves: {}", path.display());
    Ok(())
}
