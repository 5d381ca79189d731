//! Plans pipelines in several ways: how large a batch each fits on the same devices, and how long a step takes. These times are
//! simulated, from the cost of operators; a small model that is planned and trained on this machine says what that is worth.
//!
//! `cargo run --release --example pipeline_plan -- --model gpt`

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use indicatif::ProgressBar;
use ketline::model::exec::PipelineOptions;
use ketline::model::models::{Transformer, mlp, residual_net};
use ketline::model::plan::{
    Chain, Cluster, Derived, Exactness, Method, PipelineSchedule, Planned, Planner, Profile, Times, capacity,
};
use ketline::model::{self, Graph, Sizes};
use ketline_examples::{Arguments, Flag, Report, Staged, StagedBert, Table, progress, run};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

const FLAGS: [Flag; 3] = [
    Flag::value("model", "NAME", "gpt, bert, t5 or residual [all of them]"),
    Flag::switch("quick", "one model and one cluster, fewer random models"),
    Flag::value("profile", "FILE", "where times and bytes of the small BERT's nodes are kept [none are]"),
];

const MODELS: [&str; 4] = ["gpt", "bert", "t5", "residual"];

/// No micro-batch is larger.
const LIMIT: usize = 1 << 14;

/// The planners against which ours stands.
const BASELINES: [Method; 6] = [
    Method::EqualLayers,
    Method::GPipe,
    Method::PipeDream,
    Method::PipeDreamInMemory,
    Method::VPipeRecompute,
    Method::VPipe,
];

/// Of 24 layers, or 24 blocks.
fn graph(name: &str) -> Result<Graph, Box<dyn Error>> {
    let transformer = Transformer {
        vocabulary: 30_522,
        length: 512,
        width: 1024,
        heads: 16,
        layers: 24,
        ..Transformer::default()
    };
    Ok(match name {
        "gpt" => Transformer { vocabulary: 50_257, ..transformer }.gpt(false)?,
        "bert" => transformer.bert()?,
        "t5" => Transformer { vocabulary: 32_128, layers: 12, ..transformer }.t5()?,
        "residual" => residual_net(3, 224, 64, [3, 4, 14, 3], 1000)?,
        other => return Err(format!("no model `{other}`; there are {}", MODELS.join(", ")).into()),
    })
}

/// Sizes of a micro-batch; of the positions of a text, 15 % are hidden.
fn sizes(b: usize) -> Sizes {
    Sizes::new().with("B", b).with("P", 77 * b)
}

/// One model on one cluster.
struct Case<'a> {
    name: &'a str,
    derived: &'a Derived,
    cluster: Cluster,
    schedule: PipelineSchedule,
}

/// What came out: the largest batches in the order of the baselines, ours last.
struct Row {
    title: String,
    batches: Vec<usize>,
    /// Steps of the faster variant of vPipe over ours, at the largest batch of both and at half of it.
    speeds: Vec<f64>,
    plan: Option<Planned>,
}

impl Case<'_> {
    fn planner(&self, method: Method) -> Planner {
        Planner { method, schedules: vec![self.schedule], ..Planner::new(self.cluster) }
    }

    fn plan(&self, method: Method, b: usize) -> model::Result<Planned> {
        let times = Times::of_cluster(self.derived, &sizes(b), &self.cluster)?;
        self.planner(method).plan(self.derived, &sizes(b), &times)
    }

    fn row(&self) -> model::Result<Row> {
        let largest = |method| {
            let found = capacity(LIMIT, |b| self.plan(method, b))?;
            Ok(found.map_or(0, |(b, _)| b))
        };
        let mut batches =
            BASELINES.iter().map(|&method| largest(method)).collect::<model::Result<Vec<_>>>()?;
        batches.push(largest(Method::Halves)?);
        let mut speeds = Vec::new();
        for variant in [Method::VPipeRecompute, Method::VPipe] {
            let most = batches[position(variant)];
            for b in [most, most / 2].into_iter().filter(|b| *b > 0) {
                let ours = self.plan(Method::Halves, b)?.step_seconds;
                speeds.push(self.plan(variant, b)?.step_seconds / ours);
            }
        }
        let Cluster { devices, memory, .. } = self.cluster;
        let title = format!("{} on {devices} x {} GB, {}", self.name, memory / 1_000_000_000, self.schedule);
        // a plan to look at, where memory is short but not all but gone
        let plan = self.plan(Method::Halves, (batches[BASELINES.len()] / 4).max(1)).ok();
        Ok(Row { title, batches, speeds, plan })
    }
}

fn position(method: Method) -> usize {
    BASELINES.iter().position(|&other| other == method).unwrap_or(BASELINES.len())
}

fn compare(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let quick = arguments.has("quick");
    let (seed, file) = (arguments.seed()?, arguments.path("profile"));
    // first, since a file may keep the profile of something else
    let bert = Transformer { length: 64, width: 128, layers: 4, ..Transformer::default() };
    let bert = StagedBert::new(&bert, 8, seed)?;
    let profile = bert.profile(2, file.as_deref())?;
    let names: Vec<&str> = match arguments.text("model") {
        Some(name) => vec![name],
        None if quick => vec!["bert"],
        None => MODELS.to_vec(),
    };
    let clusters = [Cluster::pcie_16gb(), Cluster::pcie_11gb()];
    let clusters = if quick { &clusters[1..] } else { &clusters[..] };
    let models = (names.into_iter())
        .map(|name| Ok((name, Derived::new(&graph(name)?)?)))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let mut cases = Vec::new();
    for (name, derived) in &models {
        for &cluster in clusters {
            for schedule in [PipelineSchedule::OneForwardOneBackward, PipelineSchedule::PipeDream] {
                cases.push(Case { name, derived, cluster, schedule });
            }
        }
    }
    let bar = progress(arguments, "comparing", cases.len() as u64);
    let rows = cases
        .par_iter()
        .map(|case| {
            let row = case.row();
            bar.inc(1);
            row
        })
        .collect::<model::Result<Vec<_>>>()?;
    bar.finish_and_clear();

    print(&rows);
    let count = if quick { 100 } else { 1000 };
    let found = exactness(count, seed, &progress(arguments, "random models", count))?;
    let (halves, exact) = seconds(&models[0].1)?;
    println!(
        "Planning 24 layers on 8 devices takes {halves:.2} s by halves and {exact:.2} s exactly (measured)."
    );
    let near = found.iter().filter(|found| found.gap <= 1.05).count();
    println!(
        "Of {} random models, {near} are cut within 5 % of the best, all within {:.1} %.",
        found.len(),
        100.0 * (found.iter().map(|found| found.gap).fold(1.0, f64::max) - 1.0)
    );
    let outside = found.iter().filter(|found| found.outside).count();
    println!("The theorem's interval misses every best first cut in {outside} of {}.", found.len());
    if file.is_some() {
        println!(
            "\nThe nodes of a small BERT that take longest here, of two models at once:\n{:.12}",
            bert.table(&profile)?
        );
    }
    let staged = staged(&bert, &profile, if quick { 12 } else { 40 }, seed)?;
    let (simulated, measured) = staged.step_seconds();
    println!(
        "A small BERT on two threads here, under a cap: {:.1} ms a step simulated, {:.1} ms measured; {:?} bytes expected, {:?} taken.",
        1e3 * simulated,
        1e3 * measured,
        staged.planned.stages.iter().map(|stage| stage.bytes).collect::<Vec<_>>(),
        staged.bytes
    );
    let mut report = report(&rows);
    report.metric("memory_prediction_error", staged.memory_error());
    report.metric("simulator_error", staged.time_error());
    report.metric("dp_gap_within_5pct", near as f64 / found.len() as f64);
    report.metric("theorem_violations", outside as f64 / found.len() as f64);
    report.metric("plan_seconds_binary", halves).metric("plan_seconds_dp", exact);
    Ok(report)
}

fn print(rows: &[Row]) {
    println!(
        "The largest micro-batch that fits, with as many micro-batches as devices; times are simulated.\n"
    );
    let mut columns = vec!["case".to_string()];
    columns.extend(BASELINES.iter().map(ToString::to_string));
    columns.extend([Method::Halves.to_string(), "speed".into()]);
    let mut table = Table::new(columns);
    for row in rows {
        let mut cells = vec![row.title.clone()];
        cells.extend(row.batches.iter().map(ToString::to_string));
        let (least, most) = span(&row.speeds);
        cells.push(format!("{least:.2} to {most:.2}"));
        table.row(cells);
    }
    println!("{table}");
    println!("Speed: steps of vPipe over ours, at the largest batch of each variant and at half of it.\n");
    if let Some((row, plan)) = rows.iter().find_map(|row| Some((row, row.plan.as_ref()?))) {
        println!("{}, a quarter of the largest batch:\n{plan}", row.title);
    }
}

fn span(of: &[f64]) -> (f64, f64) {
    of.iter().fold((f64::INFINITY, 0.0), |(least, most), &x| (least.min(x), most.max(x)))
}

fn report(rows: &[Row]) -> Report {
    // ours over a baseline, wherever the baseline fits at all
    let ratios = |of: &dyn Fn(&Row) -> usize| -> Vec<f64> {
        rows.iter()
            .filter(|row| of(row) > 0)
            .map(|row| row.batches[BASELINES.len()] as f64 / of(row) as f64)
            .collect()
    };
    let mean = |of: &[f64]| (of.iter().map(|x| x.ln()).sum::<f64>() / of.len() as f64).exp();
    let batch = |method| move |row: &Row| row.batches[position(method)];
    let blind = ratios(&batch(Method::PipeDream));
    let aware = ratios(&batch(Method::PipeDreamInMemory));
    let vpipe = ratios(&|row| batch(Method::VPipeRecompute)(row).max(batch(Method::VPipe)(row)));
    let speeds: Vec<f64> = rows.iter().flat_map(|row| row.speeds.iter().copied()).collect();
    let mut report = Report::new();
    report
        .metric("batch_best_pipedream_blind", span(&blind).1)
        .metric("batch_best_pipedream_aware", span(&aware).1)
        .metric("batch_geomean_pipedream", mean(&aware))
        .metric("batch_min_vpipe", span(&vpipe).0)
        .metric("batch_geomean_vpipe", mean(&vpipe))
        .metric("batch_best_vpipe", span(&vpipe).1)
        .metric("speed_best_vpipe", span(&speeds).1)
        .metric("speed_min_vpipe", span(&speeds).0);
    report
}

/// How cuts by halves stand beside the best, for perceptrons of random sizes under random memory.
fn exactness(count: u64, seed: u64, bar: &ProgressBar) -> model::Result<Vec<Exactness>> {
    let found = (0..count)
        .into_par_iter()
        .map(|k| {
            bar.inc(1);
            let mut random = ChaCha8Rng::seed_from_u64(seed.wrapping_add(k));
            let depth = random.random_range(12..40);
            let layers: Vec<usize> = (0..depth).map(|_| 1 << random.random_range(6..12)).collect();
            let derived = Derived::new(&mlp(&layers)?)?;
            let devices = random.random_range(2..=8);
            let mut cluster = Cluster { devices, memory: u64::MAX, launch: 1e-6, ..Cluster::pcie_16gb() };
            let sizes = Sizes::new().with("B", 1 << random.random_range(8..14));
            let times = Times::of_cluster(&derived, &sizes, &cluster)?;
            let chain = Chain::new(&derived, &sizes, &times, 1)?;
            let free = Planner::new(cluster).plan_chain(&derived, &chain)?;
            let most = free.stages.iter().map(|stage| stage.bytes).max().unwrap_or(1);
            cluster.memory = (most as f64 * random.random_range(0.4..1.0)) as u64;
            loop {
                match (Planner { gap: true, ..Planner::new(cluster) }).plan_chain(&derived, &chain) {
                    Ok(planned) => return Ok(planned.exactness),
                    Err(model::Error::DoesNotFit { .. }) => cluster.memory += cluster.memory / 8,
                    Err(error) => return Err(error),
                }
            }
        })
        .collect::<model::Result<Vec<_>>>()?;
    bar.finish_and_clear();
    Ok(found.into_iter().flatten().collect())
}

/// Seconds that planning takes on one core where memory is short, and where it is all but gone, by halves and exactly.
fn seconds(derived: &Derived) -> model::Result<(f64, f64)> {
    let case = Case {
        name: "",
        derived,
        cluster: Cluster::pcie_11gb(),
        schedule: PipelineSchedule::OneForwardOneBackward,
    };
    let most = capacity(LIMIT, |b| case.plan(Method::Halves, b))?.map_or(1, |(b, _)| b);
    let time = |method| -> model::Result<f64> {
        let mut longest = 0.0_f64;
        for b in [most, (most / 2).max(1)] {
            let since = Instant::now();
            case.plan(method, b).map(drop)?;
            longest = longest.max(since.elapsed().as_secs_f64());
        }
        Ok(longest)
    };
    Ok((time(Method::Halves)?, time(Method::Exact)?))
}

/// Trains the small BERT on two threads of this machine, with four fifths of the memory that it would like to have.
fn staged(bert: &StagedBert, profile: &Profile, rounds: u64, seed: u64) -> model::Result<Staged> {
    let planner = |memory| Planner { micro_batches: 8, ..Planner::new(Cluster::threads(2, memory)) };
    let free = bert.plan(&planner(1 << 40), profile)?;
    let most = free.stages.iter().map(|stage| stage.bytes).max().unwrap_or(1);
    let memory = most * 4 / 5;
    let options = PipelineOptions { cap: usize::try_from(memory).ok(), seed, ..PipelineOptions::default() };
    bert.train(&planner(memory), profile, &options, 2 * rounds, rounds)
}

fn main() -> ExitCode {
    run("pipeline_plan", "Plans pipelines in several ways, and compares them.", &FLAGS, compare)
}
