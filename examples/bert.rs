//! Trains a small BERT on text: bytes are hidden, and the model fills them in from both sides.
//!
//! `cargo run --release --example bert -- --text FILE --steps 2000 --checkpoint bert.safetensors`

#![allow(clippy::cast_possible_wrap)] // ids and places are 32 bits wide

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use ketline::model::text::{Corpus, Vocabulary};
use ketline::model::train::{Optimiser, Schedule, Trainer, TrainerOptions};
use ketline::model::{self, Plan, PlanOptions, Run, Sizes};
use ketline::prelude::*;
use ketline_examples::{Arguments, Flag, Hidden, OUT, Plot, Report, follow, plot, run};

/// What is learnt where no text is given: this repository's own.
const OWN: [&str; 2] = [include_str!("../README.md"), include_str!("../guide/src/circuits.md")];
const FLAGS: [Flag; 9] = [
    Flag::value("text", "FILE", "text to learn from [this repository's README and guide]"),
    Flag::value("steps", "N", "training steps [1000]"),
    Flag::value("batch", "N", "crops a step [16]"),
    Flag::value("length", "N", "bytes a crop, more than 7 [128]"),
    Flag::value("width", "N", "channels [256]"),
    Flag::value("layers", "N", "blocks [4]"),
    Flag::value("checkpoint", "FILE", "where to keep the state of the training"),
    Flag::value("resume", "FILE", "a state to go on from"),
    OUT,
];

// ANCHOR: model
pipeline!(
    /// BERT as a masked language model: what stood at some of the `B * length` positions is to be found.
    fn bert(
        ids: I32<B, length>,
        mask: Bool<B, length>,
        positions: I32<P>,
        targets: I32<P>,
        vocabulary: usize,
        length: usize,
        width: usize,
        layers: usize,
    ) -> F32 {
        #[stage(name = "embedding")]
        let x = {
            let token = embedding(ids, rows = vocabulary, dim = width);
            let place = embedding(arange(length), rows = length, dim = width);
            token + place
        };
        #[stage(repeat = layers)]
        let x = block(x, mask);
        #[stage(name = "head")]
        let loss = {
            let norm = layer_norm(x);
            let hidden = gather(positions, reshape(norm, shape = [B * length, width]));
            let head = parameter(shape = [vocabulary, width], name = "head.weight");
            linear_cross_entropy(hidden, head, targets)
        };
        loss
    }

    fn block<const S: usize, const H: usize>(x: F32<B, S, H>, mask: Bool<B, S>) -> F32<B, S, H> {
        let norm1 = layer_norm(x);
        let a = x + attention(norm1, mask, heads = 4);
        let norm2 = layer_norm(a);
        let up = linear(norm2, out = 4 * H);
        let down = linear(gelu_tanh(up), out = H);
        a + down
    }
);
// ANCHOR_END: model

fn main() -> ExitCode {
    run("bert", "Trains a small BERT to fill in hidden bytes of a text.", &FLAGS, train)
}

fn give(hidden: &Hidden, run: &mut Run) -> model::Result<()> {
    run.set("ids", &hidden.ids)?;
    run.set("mask", &vec![1_u8; hidden.ids.len()])?;
    run.set("positions", &hidden.positions)?;
    run.set("targets", &hidden.targets)
}

fn train(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let whole = "a whole number >= 1";
    let (steps, batch): (u64, usize) =
        (arguments.number("steps", 1000, whole)?, arguments.number("batch", 16, whole)?);
    let seed = arguments.seed()?;
    let text = match arguments.path("text") {
        Some(path) => std::fs::read(path)?,
        None => OWN.concat().into_bytes(),
    };
    let vocabulary = Vocabulary::of(&text);
    let mask = vocabulary.len() as i32;
    let length: usize = arguments.number("length", 128, whole)?;
    let (width, layers) = (arguments.number("width", 256, whole)?, arguments.number("layers", 4, whole)?);
    let graph = bert(vocabulary.len() + 1, length, width, layers)?;
    let ids = vocabulary.encode(&text)?;
    let (learn, valid) = Corpus::split(&ids, length, batch)?;
    let valid = valid.consecutive(batch, 16);
    let sizes = Sizes::new().with("B", batch).with("P", batch * length / Hidden::ONE_IN);
    let options = TrainerOptions {
        optimiser: Optimiser::adamw(1e-3),
        schedule: Schedule::Linear { warmup: steps.min(100), steps: steps + 1 },
        clip: Some(1.0),
        seed,
        ..TrainerOptions::default()
    };
    let mut trainer = Trainer::new(graph.clone(), &sizes, options)?;
    if let Some(path) = arguments.path("resume") {
        trainer.resume(path)?;
    }
    let mut judge = Plan::new(&graph, &sizes, &PlanOptions::default())?.start(seed)?;
    let mut validate = |trainer: &Trainer| -> model::Result<f64> {
        judge.copy_parameters(trainer.run())?;
        let mut sum = 0.0;
        for (k, (ids, _)) in valid.iter().enumerate() {
            give(&Hidden::new(ids.clone(), k as u64, mask), &mut judge)?;
            judge.step()?;
            sum += f64::from(judge.output::<f32>("loss")?[0]);
        }
        Ok(sum / valid.len().max(1) as f64)
    };

    let before = validate(&trainer)?;
    let since = Instant::now();
    let give = |run: &mut Run, number: u64| {
        give(&Hidden::new(learn.random(batch, seed, number).0, number, mask), run)
    };
    let (log, last) = follow(arguments, &mut trainer, steps, before, give, validate)?;

    let out = arguments.path("out").unwrap_or_else(|| PathBuf::from("target/ketline"));
    let curves = Plot::new("A small BERT", "step", "nats a hidden byte")
        .line("training", log.column("loss"))
        .line("validation", log.column("valid"));
    plot::write(&out.join("bert.svg"), &[curves])?;
    log.write(&out.join("bert.csv"))?;
    println!(
        "validation loss {last:.4} nats a hidden byte, {before:.4} before; curves: {}",
        out.join("bert.svg").display()
    );
    let mut report = Report::new();
    report.metric("validation_loss", last).metric("validation_loss_before", before);
    report.metric("seconds", since.elapsed().as_secs_f64());
    Ok(report)
}
