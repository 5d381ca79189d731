//! Trains a BERT in stages: measures its nodes, plans where to cut it and what to evict, and runs a thread a stage.
//!
//! `cargo run --release --example bert_stages -- --stages 2 --memory 24`

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use ketline::model::exec::{Host, Pipeline, PipelineOptions, Simulation, fit};
use ketline::model::models::Transformer;
use ketline::model::plan::{Clock, Cluster, Derived, PipelineSchedule, Planner, Times};
use ketline::model::text::{Corpus, Vocabulary};
use ketline::model::train::{Optimiser, Schedule};
use ketline::model::{self, Plan, PlanOptions, Sizes};
use ketline_examples::{Arguments, Flag, Hidden, OUT, Report, run};

/// What is learnt: this repository's own text.
const OWN: [&str; 2] = [include_str!("../README.md"), include_str!("../guide/src/circuits.md")];

const FLAGS: [Flag; 10] = [
    Flag::value("stages", "N", "stages, a thread each [2]"),
    Flag::value("micro-batches", "N", "micro-batches of a step [4]"),
    Flag::value("batch", "N", "crops of a micro-batch [8]"),
    Flag::value("length", "N", "bytes a crop, more than 7 [64]"),
    Flag::value("width", "N", "channels [128]"),
    Flag::value("layers", "N", "blocks [4]"),
    Flag::value("memory", "MB", "memory of a stage, in units of 1,000,000 bytes [what needs no evictions]"),
    Flag::value("schedule", "NAME", "gpipe, 1f1b, pipedream or zb [1f1b]"),
    Flag::value("steps", "N", "training steps [60]"),
    OUT,
];

fn main() -> ExitCode {
    run(
        "bert_stages",
        "Plans a small BERT in stages that fit, and trains it on a thread a stage.",
        &FLAGS,
        train,
    )
}

/// The median time of each node on this machine, with one thread.
fn measure(derived: &Derived, sizes: &Sizes, batch: &Hidden) -> model::Result<Times> {
    let keep = derived.gradients().iter().map(|&(_, gradient)| gradient).collect();
    let options = PlanOptions { threads: 1, keep, ..PlanOptions::default() };
    let mut run = Plan::new(derived.graph(), sizes, &options)?.start(0)?;
    run.set("ids", &batch.ids)?;
    run.set("mask", &vec![1_u8; batch.ids.len()])?;
    run.set("positions", &batch.positions)?;
    run.set("targets", &batch.targets)?;
    let seconds = run.profile(9)?.iter().map(Duration::as_secs_f64).collect();
    Times::new(derived, seconds, Clock::Measured)
}

fn schedule(arguments: &Arguments) -> Result<PipelineSchedule, Box<dyn Error>> {
    match arguments.text("schedule").unwrap_or("1f1b") {
        "gpipe" => Ok(PipelineSchedule::GPipe),
        "1f1b" => Ok(PipelineSchedule::OneForwardOneBackward),
        "pipedream" => Ok(PipelineSchedule::PipeDream),
        "zb" => Ok(PipelineSchedule::ZeroBubble),
        other => Err(format!("schedule `{other}`: expected gpipe, 1f1b, pipedream or zb").into()),
    }
}

fn train(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let whole = "a whole number >= 1";
    let number = |name, default| arguments.number::<usize>(name, default, whole);
    let (stages, micro_batches, batch) =
        (number("stages", 2)?, number("micro-batches", 4)?, number("batch", 8)?);
    let (length, width, layers) = (number("length", 64)?, number("width", 128)?, number("layers", 4)?);
    let memory: f64 = arguments.number("memory", 0.0, "a number of megabytes")?;
    let steps: u64 = arguments.number("steps", 60, whole)?;
    let seed = arguments.seed()?;

    let text = OWN.concat().into_bytes();
    let vocabulary = Vocabulary::of(&text);
    let mask = i32::try_from(vocabulary.len())?;
    let bert =
        Transformer { vocabulary: vocabulary.len() + 1, length, width, layers, ..Transformer::default() };
    let (learn, _) = Corpus::split(&vocabulary.encode(&text)?, length, batch)?;
    let hidden = |step: u64, m: usize| {
        let draw = step * micro_batches as u64 + m as u64;
        Hidden::new(learn.random(batch, seed, draw).0, draw, mask)
    };

    let derived = Derived::new(&bert.bert()?)?;
    let sizes = Sizes::new().with("B", batch).with("P", batch * length / Hidden::ONE_IN);
    let times = measure(&derived, &sizes, &hidden(0, 0))?;
    let memory = if memory > 0.0 { (memory * 1e6) as u64 } else { 1 << 40 };
    let cluster = Cluster::threads(stages, memory);
    let planner = Planner { schedules: vec![schedule(arguments)?], micro_batches, ..Planner::new(cluster) };
    let options = PipelineOptions {
        optimiser: Optimiser::adamw(2e-3),
        schedule: Schedule::Linear { warmup: 10, steps: 4 * steps * micro_batches as u64 },
        cap: usize::try_from(memory).ok(),
        seed,
        ..PipelineOptions::default()
    };
    let (planned, programs) = fit(&planner, &derived, &sizes, &times, &options.of_programs())?;
    println!("{planned}");
    let simulated = Simulation { times: &times, cluster: &cluster, host: Host::Waits }.run(&programs)?;
    let mut report = Report::new();
    let mut worst: f64 = 0.0;
    for (program, stage) in programs.iter().zip(&planned.stages) {
        let (found, expected) = (program.bytes() as f64, stage.bytes as f64);
        println!(
            "stage {}: {:.3} MB laid out, {:.3} MB expected",
            program.stage(),
            found / 1e6,
            expected / 1e6
        );
        worst = worst.max((found - expected).abs() / found);
    }
    drop(programs);

    let mut pipeline = Pipeline::new(&derived, &planned.partition, &sizes, &options)?;
    let (mut first, mut last, mut seconds) = (f64::NAN, f64::NAN, Vec::new());
    for step in 0..steps {
        for m in 0..micro_batches {
            let Hidden { ids, positions, targets } = hidden(step, m);
            pipeline.set("mask", m, &vec![1_u8; ids.len()])?;
            pipeline.set("ids", m, &ids)?;
            pipeline.set("positions", m, &positions)?;
            pipeline.set("targets", m, &targets)?;
        }
        last = pipeline.step()?.loss;
        if step == 0 {
            first = last;
        }
        seconds.push(pipeline.timeline().seconds());
    }
    seconds.sort_by(f64::total_cmp);
    let measured = seconds[seconds.len() / 2];
    println!("loss {first:.3} -> {last:.3} nats a hidden byte in {steps} steps");
    println!(
        "a step takes {:.2} ms measured, {:.2} ms simulated; one stage after another {:.2} ms",
        measured * 1e3,
        simulated.seconds() * 1e3,
        (0..stages).map(|stage| simulated.busy(stage)).sum::<f64>() * 1e3,
    );

    let out = arguments.out()?;
    for (name, timeline) in [("measured", pipeline.timeline()), ("simulated", simulated.clone())] {
        std::fs::write(out.join(format!("bert_stages_{name}.svg")), timeline.svg())?;
        std::fs::write(out.join(format!("bert_stages_{name}.json")), timeline.chrome_trace())?;
    }
    println!(
        "timelines: {} (pictures) and .json (for ui.perfetto.dev)",
        out.join("bert_stages_*.svg").display()
    );
    report.metric("loss_first", first).metric("loss_last", last);
    report.metric("step_seconds_measured", measured).metric("step_seconds_simulated", simulated.seconds());
    report.metric("simulator_error", (simulated.seconds() - measured).abs() / measured);
    report.metric("memory_prediction_error", worst);
    for worker in pipeline.workers() {
        report.metric(format!("stage_{}_bytes", worker.stage()), worker.bytes() as f64);
    }
    Ok(report)
}
