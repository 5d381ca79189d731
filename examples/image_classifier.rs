//! Trains a convolutional network on images of digits: MNIST in IDX files, or digits drawn here where none are given.
//!
//! `cargo run --release --example image_classifier -- --mnist DIR --epochs 5`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use ketline::model::models::conv_net;
use ketline::model::train::{EarlyStop, Log, Optimiser, Schedule, Trainer, TrainerOptions};
use ketline::model::{Plan, PlanOptions, Run, Sizes};
use ketline_examples::{Arguments, Flag, OUT, Plot, Report, plot, progress, run};

const SIDE: usize = 28;
const PIXELS: usize = SIDE * SIDE;

const FLAGS: [Flag; 8] = [
    Flag::value("mnist", "DIR", "folder with the four unpacked IDX files [digits drawn here]"),
    Flag::value("epochs", "N", "passes over the training images [4]"),
    Flag::value("batch", "N", "images a step [64]"),
    Flag::value("filters", "N", "filters of the first convolutions [16]"),
    Flag::value("images", "N", "training images to draw where none are given [2000]"),
    Flag::value("checkpoint", "FILE", "where to keep the state of the training"),
    Flag::value("resume", "FILE", "a state to go on from"),
    OUT,
];

fn main() -> ExitCode {
    run("image_classifier", "Trains a convolutional network on images of digits.", &FLAGS, train)
}

/// Images of [`PIXELS`] bytes, and which digit each shows.
struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Images {
    fn read(folder: &Path, name: &str) -> Result<Self, Box<dyn Error>> {
        let file = |kind: &str, header: usize, magic: u32| -> Result<Vec<u8>, Box<dyn Error>> {
            let path = folder.join(format!("{name}-{kind}"));
            let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            match bytes.first_chunk::<4>() {
                Some(first) if u32::from_be_bytes(*first) == magic && bytes.len() > header => {
                    Ok(bytes[header..].to_vec())
                }
                _ => Err(format!("{}: no unpacked IDX file of kind {magic}", path.display()).into()),
            }
        };
        let (pixels, labels) = (file("images-idx3-ubyte", 16, 2051)?, file("labels-idx1-ubyte", 8, 2049)?);
        if pixels.len() != PIXELS * labels.len() || labels.iter().any(|&label| label > 9) {
            return Err(
                format!("{}: {} labels for {} pixels", folder.display(), labels.len(), pixels.len()).into()
            );
        }
        Ok(Self { pixels, labels })
    }

    /// Seven-segment digits, moved, of varying brightness, in noise.
    fn draw(count: usize, seed: u64) -> Self {
        const SEGMENTS: [u8; 10] = [0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f];
        // row, column, height, width of a segment in a box of 17 by 10
        const PLACES: [[usize; 4]; 7] = [
            [0, 0, 2, 10],
            [0, 8, 9, 2],
            [8, 8, 9, 2],
            [15, 0, 2, 10],
            [8, 0, 9, 2],
            [0, 0, 9, 2],
            [8, 0, 2, 10],
        ];
        let mut state = seed | 1;
        let mut below = move |n: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 33) as usize % n
        };
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let digit = below(10);
            let (top, left, bright) = (below(11), below(18), 120 + below(136));
            let mut image: Vec<u8> = (0..PIXELS).map(|_| below(90) as u8).collect();
            for (_, [row, column, height, width]) in
                PLACES.iter().enumerate().filter(|(k, _)| SEGMENTS[digit] >> k & 1 == 1)
            {
                for y in top + row..top + row + height {
                    image[y * SIDE + left + column..][..*width].fill(bright as u8);
                }
            }
            pixels.extend(image);
            labels.push(digit as u8);
        }
        Self { pixels, labels }
    }

    fn give(&self, run: &mut Run, which: &[usize]) -> Result<(), Box<dyn Error>> {
        let of = |&k: &usize| {
            self.pixels[k * PIXELS..(k + 1) * PIXELS].iter().map(|&x| f32::from(x) / 255.0 - 0.13)
        };
        run.set("x", &which.iter().flat_map(of).collect::<Vec<f32>>())?;
        run.set("targets", &which.iter().map(|&k| i32::from(self.labels[k])).collect::<Vec<_>>())?;
        Ok(())
    }

    /// An order for an epoch, the same whenever it is drawn (Fisher and Yates).
    fn shuffled(&self, seed: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        for k in (1..order.len()).rev() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            order.swap(k, (state >> 20) as usize % (k + 1));
        }
        order
    }
}

fn train(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let whole = "a whole number >= 1";
    let (epochs, batch): (u64, usize) =
        (arguments.number("epochs", 4, whole)?, arguments.number("batch", 64, whole)?);
    let filters: usize = arguments.number("filters", 16, whole)?;
    let seed = arguments.seed()?;
    let (learn, test) = if let Some(folder) = arguments.path("mnist") {
        (Images::read(&folder, "train")?, Images::read(&folder, "t10k")?)
    } else {
        let count = arguments.number("images", 2000, whole)?;
        (Images::draw(count, seed), Images::draw(count.div_ceil(4).max(batch), seed ^ 0x5555))
    };
    let each = (learn.labels.len() / batch) as u64;
    if each == 0 {
        return Err(format!(
            "found {} training images, expected at least a batch of {batch}",
            learn.labels.len()
        )
        .into());
    }
    let steps = epochs * each;

    let sizes = Sizes::new().with("B", batch);
    let options = TrainerOptions {
        optimiser: Optimiser::adamw(2e-3),
        schedule: Schedule::Cosine { warmup: steps / 20, steps, floor: 0.01 },
        seed,
        ..TrainerOptions::default()
    };
    let graph = conv_net(1, SIDE, filters, 10)?;
    let mut judge = Plan::new(&graph, &sizes, &PlanOptions::default())?.start(seed)?;
    let mut trainer = Trainer::new(graph, &sizes, options)?;
    if let Some(path) = arguments.path("resume") {
        trainer.resume(path)?;
    }
    let mut log = Log::new(["loss", "accuracy"]);
    let mut stop = EarlyStop::new(3);
    let bar = progress(arguments, "training", steps);
    bar.set_position(trainer.updates());
    let since = Instant::now();
    let mut right = accuracy(&mut judge, &trainer, &test, batch)?;
    while trainer.updates() < steps && !stop.stops() {
        let (epoch, place) = (trainer.updates() / each, (trainer.updates() % each) as usize);
        let order = learn.shuffled(seed ^ epoch);
        for which in order.chunks_exact(batch).skip(place) {
            learn.give(trainer.run_mut(), which)?;
            let Some(record) = trainer.step()? else { continue };
            log.push(record.step, &[record.loss]);
            bar.set_message(format!("loss {:.3}, accuracy {right:.4}", record.loss));
            bar.inc(1);
        }
        right = accuracy(&mut judge, &trainer, &test, batch)?;
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
    println!("accuracy {right:.4} on {} test images after {seconds:.0} s", test.labels.len());
    let mut report = Report::new();
    report.metric("accuracy", right).metric("seconds", seconds).metric("images", learn.labels.len() as f64);
    Ok(report)
}

/// The share of test images whose largest logit is the right one; images that do not fill a batch are filled up.
fn accuracy(judge: &mut Run, trainer: &Trainer, test: &Images, batch: usize) -> Result<f64, Box<dyn Error>> {
    judge.copy_parameters(trainer.run())?;
    let all: Vec<usize> = (0..test.labels.len()).collect();
    let mut right = 0;
    for which in all.chunks(batch) {
        let mut filled = which.to_vec();
        filled.resize(batch, 0);
        test.give(judge, &filled)?;
        judge.step()?;
        for (&k, logits) in which.iter().zip(judge.output::<f32>("logits")?.chunks_exact(10)) {
            let best = (0..10).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or(0);
            right += usize::from(best == usize::from(test.labels[k]));
        }
    }
    Ok(right as f64 / test.labels.len() as f64)
}
