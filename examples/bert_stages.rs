//! Trains a BERT in stages: measures its nodes, plans where to cut it and what to evict, and runs a thread a stage.
//!
//! `cargo run --release --example bert_stages -- --stages 2 --memory 24`

use std::error::Error;
use std::process::ExitCode;

use ketline::model::exec::PipelineOptions;
use ketline::model::models::Transformer;
use ketline::model::plan::{Cluster, PipelineSchedule, Planner};
use ketline::model::train::{Optimiser, Schedule};
use ketline_examples::{Arguments, Flag, OUT, Report, StagedBert, run};

const FLAGS: [Flag; 11] = [
    Flag::value("stages", "N", "stages, a thread each [2]"),
    Flag::value("micro-batches", "N", "micro-batches of a step [4]"),
    Flag::value("batch", "N", "crops of a micro-batch [8]"),
    Flag::value("length", "N", "bytes a crop, more than 7 [64]"),
    Flag::value("width", "N", "channels [128]"),
    Flag::value("layers", "N", "blocks [4]"),
    Flag::value("memory", "MB", "memory of a stage, in units of 1,000,000 bytes [what needs no evictions]"),
    Flag::value("schedule", "NAME", "gpipe, 1f1b, pipedream or zb [1f1b]"),
    Flag::value("steps", "N", "training steps [60]"),
    Flag::value("profile", "FILE", "where times and bytes of nodes are kept [none are]"),
    OUT,
];

/// Nodes are timed anew after so many steps.
const STEPS_OF_ROUND: u64 = 2;

fn main() -> ExitCode {
    run(
        "bert_stages",
        "Plans a small BERT in stages that fit, and trains it on a thread a stage.",
        &FLAGS,
        train,
    )
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
    let (stages, micro_batches) = (number("stages", 2)?, number("micro-batches", 4)?);
    let (length, width, layers) = (number("length", 64)?, number("width", 128)?, number("layers", 4)?);
    let memory: f64 = arguments.number("memory", 0.0, "a number of megabytes")?;
    let steps: u64 = arguments.number("steps", 60, whole)?;
    let seed = arguments.seed()?;

    let shape = Transformer { length, width, layers, ..Transformer::default() };
    let bert = StagedBert::new(&shape, number("batch", 8)?, seed)?;
    let file = arguments.path("profile");
    let profile = bert.profile(stages, file.as_deref())?;
    if file.is_some() {
        println!(
            "The nodes that take longest, with as many models at once as stages:\n{:.12}",
            bert.table(&profile)?
        );
    }
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
    let staged = bert.train(&planner, &profile, &options, steps, steps / STEPS_OF_ROUND)?;

    println!("{}", staged.planned);
    for (k, (&bytes, stage)) in staged.bytes.iter().zip(&staged.planned.stages).enumerate() {
        let (found, expected) = (bytes as f64 / 1e6, stage.bytes as f64 / 1e6);
        println!("stage {k}: {found:.3} MB, {expected:.3} MB expected");
    }
    let ends = staged.losses.first().zip(staged.losses.last());
    let (&first, &last) = ends.unwrap_or((&f64::NAN, &f64::NAN));
    println!("loss {first:.3} -> {last:.3} nats a hidden byte in {steps} steps");
    let (simulated, measured) = staged.step_seconds();
    let [expected, last_step] = &staged.timelines;
    println!(
        "a step takes {:.2} ms measured, {:.2} ms simulated; one stage after another {:.2} ms simulated",
        measured * 1e3,
        simulated * 1e3,
        (0..stages).map(|stage| expected.busy(stage)).sum::<f64>() * 1e3,
    );
    let out = arguments.out()?;
    for (name, timeline) in [("measured", last_step), ("simulated", expected)] {
        std::fs::write(out.join(format!("bert_stages_{name}.svg")), timeline.svg())?;
        std::fs::write(out.join(format!("bert_stages_{name}.json")), timeline.chrome_trace())?;
    }
    println!(
        "timelines: {} (pictures) and .json (for ui.perfetto.dev)",
        out.join("bert_stages_*.svg").display()
    );
    let mut report = Report::new();
    report.metric("loss_first", first).metric("loss_last", last);
    report.metric("step_seconds_measured", measured).metric("step_seconds_simulated", simulated);
    report.metric("simulator_error", staged.time_error());
    report.metric("memory_prediction_error", staged.memory_error());
    for (k, &bytes) in staged.bytes.iter().enumerate() {
        report.metric(format!("stage_{k}_bytes"), bytes as f64);
    }
    Ok(report)
}
