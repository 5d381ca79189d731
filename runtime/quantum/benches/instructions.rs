//! Counts the instructions of small runs and compares them with `instructions.txt`: times of a shared machine are noise,
//! instructions are not.
//!
//! ```text
//! cargo bench --bench instructions              # fails where a run takes 5 % more instructions
//! cargo bench --bench instructions -- --update  # writes the table anew
//! ```
//!
//! Valgrind counts; without it, or on another processor than x86-64 with AVX2, there is nothing to compare. It knows no
//! AVX-512, so that the kernels for AVX2 run. Only the runs are counted: circuits and plans are made before.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use ketline_quantum::Result;
use ketline_quantum::gradient::Adjoint;
use ketline_quantum::simulator::{DensityMatrix, Plan, QuantumState, Simulator, StateVector, Trajectories};

mod common;

/// How much more is refused: compilers and system libraries differ a little.
const TOLERANCE: f64 = 0.05;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

const HEAD: &str = "# Instructions of the runs in instructions.rs, as valgrind counts them with AVX2.
# `cargo bench --bench instructions -- --update` writes this file.
";

/// A run, ready: circuit, plan and values are made.
type Run = Box<dyn Fn() -> Result<()> + Send + Sync>;

/// Makes a run ready.
type Prepare = fn() -> Result<Run>;

const RUNS: [(&str, Prepare); 12] = [
    ("plan", || {
        let circuit = common::layers(12, 10)?;
        ready(move || StateVector::new().plan(&circuit))
    }),
    ("state_f64", || {
        let plan = StateVector::new().plan(&common::layers(14, 10)?)?;
        ready(move || plan.run(&[]))
    }),
    ("state_f32", || {
        let plan = StateVector::single().plan(&common::layers(14, 10)?)?;
        ready(move || plan.run(&[]))
    }),
    ("state_fourier", || {
        let plan = StateVector::new().plan(&common::fourier(14)?)?;
        ready(move || plan.run(&[]))
    }),
    ("state_small", || {
        let plan = StateVector::new().plan(&common::layers(4, 10)?)?;
        ready(move || plan.run(&[]))
    }),
    ("expectation", || {
        let (circuit, cost) = common::qaoa(14, 3)?;
        let plan = StateVector::new().plan(&circuit)?;
        ready(move || plan.expectation(&cost, &[]))
    }),
    ("gradient", || {
        let (circuit, chain) = common::ansatz(10, 4)?;
        let (plan, values) = (Adjoint::new(&circuit)?, common::sets(1, 80).row(0).to_vec());
        ready(move || plan.gradient(&chain, &values))
    }),
    ("batch_values", || {
        let (circuit, chain) = common::ansatz(5, 3)?;
        let (plan, sets) = (StateVector::new().batch(&circuit)?, common::sets(100, 30));
        ready(move || plan.expectations(&chain, &sets))
    }),
    ("batch_gradients", || {
        let (circuit, chain) = common::ansatz(5, 3)?;
        let (plan, sets) = (StateVector::new().batch(&circuit)?, common::sets(100, 30));
        ready(move || plan.gradients(&chain, &sets))
    }),
    ("density", || {
        let plan = DensityMatrix::new().plan(&common::noisy(5, 10)?)?;
        ready(move || plan.run(&[]))
    }),
    ("trajectories", || {
        let plan = Trajectories::new(16, 4).plan(&common::noisy(5, 10)?)?;
        ready(move || plan.sample(&[], 16, 4))
    }),
    ("samples", || {
        let state = StateVector::new().run(&common::layers(12, 3)?, &[])?.into_state()?;
        ready(move || state.sample(20_000, 4))
    }),
];

/// A run whose result nobody reads, and the compiler must not know that.
#[allow(clippy::unnecessary_wraps)] // the last step of those that prepare runs, which may fail
fn ready<T>(run: impl Fn() -> Result<T> + Send + Sync + 'static) -> Result<Run> {
    Ok(Box::new(move || run().map(|result| drop(black_box(Some(result))))))
}

/// What valgrind counts in: it finds this function by its name.
#[inline(never)]
fn ketline_counted(run: &Run) -> Result<()> {
    run()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--counted", name] => counted(name),
        _ => compare(arguments.iter().any(|argument| argument == "--update")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One run, in the process that valgrind watches.
fn counted(name: &str) -> Result<(), Box<dyn Error>> {
    let (_, prepare) = RUNS.iter().find(|(known, _)| *known == name).ok_or("no such run")?;
    let run = prepare()?;
    // on a thread of the pool, where parallel loops stay: valgrind counts in the thread that enters the function
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    Ok(pool.install(|| ketline_counted(&run))?)
}

fn compare(update: bool) -> Result<(), Box<dyn Error>> {
    if let Err(reason) = countable() {
        println!("instructions: skipped, {reason}");
        return Ok(());
    }
    let table = fs::read_to_string(TABLE).unwrap_or_default();
    let known: BTreeMap<&str, u64> = table
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, count)| Some((name, count.trim().parse().ok()?)))
        .collect();
    let (mut text, mut wrong) = (HEAD.to_owned(), Vec::new());
    println!("{:16} {:>12} {:>12}", "run", "instructions", "in the table");
    for (name, _) in RUNS {
        let found = count(name)?;
        writeln!(text, "{name} {found}")?;
        let expected = known.get(name).copied();
        let verdict = match expected.map(|expected| found as f64 / expected as f64) {
            None => "is not in the table",
            Some(ratio) if ratio > 1.0 + TOLERANCE => "more",
            Some(ratio) if ratio < 1.0 - TOLERANCE => "fewer: `--update` would keep it so",
            Some(_) => "",
        };
        println!("{name:16} {found:>12} {:>12} {verdict}", expected.unwrap_or(0));
        if matches!(verdict, "more" | "is not in the table") {
            wrong.push(format!("`{name}` takes {found} instructions, expected {}", expected.unwrap_or(0)));
        }
    }
    if update {
        fs::write(TABLE, text)?;
        println!("wrote {}", Path::new(TABLE).display());
    } else if !wrong.is_empty() {
        return Err(format!("{}; at most {} % more are allowed", wrong.join("; "), 100.0 * TOLERANCE).into());
    }
    Ok(())
}

/// Whether counts can be compared with the table here.
fn countable() -> Result<(), String> {
    #[cfg(target_arch = "x86_64")]
    let here = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let here = false;
    if !here {
        return Err("the table is for x86-64 with AVX2".to_owned());
    }
    let valgrind = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    valgrind.map(drop).map_err(|_| "valgrind is not installed".to_owned())
}

/// The instructions of one run.
fn count(name: &str) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*ketline_counted*"])
        .arg(env::current_exe()?)
        .args(["--counted", name])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected =
        text.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    match collected.and_then(|count| count.parse().ok()) {
        Some(count) if output.status.success() && count > 0 => Ok(count),
        _ => Err(format!("`{name}`: valgrind ended with {}: {text}", output.status).into()),
    }
}
