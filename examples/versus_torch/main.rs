//! Times training steps of Ketline and of PyTorch on this machine's processor, in turn.
//!
//! `cargo run --release --example versus_torch -- --only gpt_t1,mlp_t2`; the first run makes a Python environment and installs
//! `torch` into it. PyTorch runs with glibc's malloc told to keep memory, eager and compiled, each a process of its own; what is
//! quoted is its best median over ours. Memory is how much a process grew over what it held before its model existed.

mod ours;

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use ketline_examples::versus::{Python, median};
use ketline_examples::{Arguments, Bars, Flag, OUT, Report, Table, progress, run};
use serde_json::Value as Json;

/// Rows with their goals, for one and for two threads.
const ROWS: [(&str, f64, f64); 5] =
    [("gpt", 1.2, 1.15), ("bert", 1.15, 1.15), ("mlp", 1.2, 1.2), ("dlrm", 1.5, 1.5), ("cnn", 1.0, 1.0)];

/// What all rows may take together, and what a row takes without and with compilation at most.
const BUDGET: Duration = Duration::from_mins(20);
const ROW: Duration = Duration::from_secs(40);
const COMPILATION: Duration = Duration::from_secs(100);

const PEER: &str = include_str!("peer.py");
const TORCH: &str = "torch==2.15.0";

const FLAGS: [Flag; 9] = [
    Flag::value("only", "ROWS", "rows such as gpt_t1,dlrm_t2 [all]"),
    Flag::value("rounds", "N", "rounds in which every side runs once [9]"),
    Flag::value("venv", "DIR", "the Python environment [target/versus-torch-venv]"),
    Flag::value("python", "PROGRAM", "what makes the environment [python3]"),
    Flag::switch("no-peers", "time Ketline alone"),
    Flag::switch("no-compile", "leave torch.compile out, which takes a minute a row"),
    Flag::value("serve", "ROW", "be our side of a row (for this program itself)"),
    Flag::value("profile", "ROW", "print where the time of a row's step goes"),
    OUT,
];

fn main() -> ExitCode {
    run("versus_torch", "Times training steps of Ketline and PyTorch in turn.", &FLAGS, compare)
}

/// A process that answers numbers of steps.
struct Side {
    name: String,
    process: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    seconds: Vec<f64>,
    bytes: f64,
}

impl Side {
    fn start(name: &str, command: &mut Command) -> Result<Self, Box<dyn Error>> {
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let ask = process.stdin.take().ok_or("no standard input")?;
        let answers = BufReader::new(process.stdout.take().ok_or("no standard output")?);
        let mut side = Self { name: name.into(), process, ask, answers, seconds: Vec::new(), bytes: 0.0 };
        side.answer()?;
        Ok(side)
    }

    fn answer(&mut self) -> Result<Json, Box<dyn Error>> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(format!("{} ended early", self.name).into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    fn steps(&mut self, count: u32) -> Result<f64, Box<dyn Error>> {
        writeln!(self.ask, "{count}")?;
        let answer = self.answer()?;
        self.bytes = answer["bytes"].as_f64().unwrap_or(0.0);
        answer["seconds"].as_f64().ok_or_else(|| "an answer without seconds".into())
    }

    fn median(&self) -> f64 {
        median(&self.seconds)
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // it may have ended by itself
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn row_of(text: &str) -> Result<(&str, usize), Box<dyn Error>> {
    let known = |what: &str| ROWS.iter().any(|(name, ..)| *name == what);
    match text.rsplit_once("_t") {
        Some((what, threads)) if known(what) => Ok((what, threads.parse()?)),
        _ => Err(format!(
            "no row `{text}`; there are {}, each with _t1 and _t2",
            ROWS.map(|row| row.0).join(" ")
        )
        .into()),
    }
}

/// What this program does for itself.
type Task = fn(&str, usize) -> Result<(), Box<dyn Error>>;

fn compare(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let tasks: [(&str, Task); 2] = [("serve", ours::serve), ("profile", ours::profile)];
    for (flag, task) in tasks {
        if let Some(row) = arguments.text(flag) {
            let (what, threads) = row_of(row)?;
            task(what, threads)?;
            return Ok(Report::new());
        }
    }
    let all: Vec<String> =
        ROWS.iter().flat_map(|row| [1, 2].map(|threads| format!("{}_t{threads}", row.0))).collect();
    let rows = arguments.text("only").map_or(all, |only| only.split(',').map(str::to_owned).collect());
    let rounds: usize = arguments.number("rounds", 9, "a whole number >= 1")?;
    let python = if arguments.has("no-peers") { None } else { Some(environment(arguments)?) };

    let mut table =
        Table::new(["row", "ours ms", "torch ms", "setting", "times faster", "goal", "memory", "of torch"]);
    let mut bars =
        Bars::new("Ketline and PyTorch on this processor", "times faster than PyTorch's best setting");
    let mut report = Report::new();
    let bar = progress(arguments, "comparing", rows.len() as u64);
    let start = Instant::now();
    for (k, row) in rows.iter().enumerate() {
        bar.set_message(row.clone());
        let (what, threads) = row_of(row)?;
        let mut sides =
            vec![Side::start("ketline", Command::new(std::env::current_exe()?).args(["--serve", row]))?];
        for setting in ["eager", "compile"] {
            let Some((python, peer)) = &python else { break };
            if setting == "compile" {
                let others = ROW * (rows.len() - k) as u32;
                if arguments.has("no-compile") {
                    continue;
                }
                if start.elapsed() + others + COMPILATION > BUDGET {
                    println!(
                        "{row}: torch compile: left out, the {} minutes are used up",
                        BUDGET.as_secs() / 60
                    );
                    continue;
                }
            }
            let mut command = Command::new(python);
            command.arg(peer).args([what, &threads.to_string(), setting]);
            // memory is kept instead of being given back after every tensor; glibc takes no threshold above 32 MiB
            command.envs([
                ("MALLOC_MMAP_THRESHOLD_", "33554432"),
                ("MALLOC_MMAP_MAX_", "0"),
                ("MALLOC_TRIM_THRESHOLD_", "68719476736"),
            ]);
            match Side::start(setting, &mut command) {
                Ok(side) => sides.push(side),
                Err(reason) => println!("{row}: torch {setting}: {reason}"),
            }
        }
        for round in 0..=rounds {
            for side in &mut sides {
                let one = side.steps(1)?;
                let count = (0.1 / one).clamp(1.0, 50.0) as u32;
                let seconds = side.steps(count)?;
                if round > 0 {
                    side.seconds.push(seconds);
                }
            }
        }
        let (ours, peers) = (&sides[0], &sides[1..]);
        let goal = ROWS
            .iter()
            .find(|known| known.0 == what)
            .map_or(1.0, |row| if threads == 1 { row.1 } else { row.2 });
        report.metric(format!("{row}_ms"), 1e3 * ours.median());
        let mut cells = vec![row.clone(), format!("{:.2}", 1e3 * ours.median())];
        if let Some(best) = peers.iter().min_by(|a, b| a.median().total_cmp(&b.median())) {
            let ratio = best.median() / ours.median();
            let least = peers.iter().map(|side| side.bytes).fold(f64::INFINITY, f64::min);
            let memory = least / ours.bytes;
            report.metric(row.clone(), ratio).metric(format!("{row}_memory"), memory);
            cells.extend([format!("{:.2}", 1e3 * best.median()), best.name.clone(), format!("{ratio:.2}")]);
            cells.extend([
                format!("{goal:.2}"),
                format!("{:.0} MB", ours.bytes / 1e6),
                format!("{memory:.2}"),
            ]);
            bars = bars.bar(row, ratio, Some(goal));
        }
        table.row(cells);
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!("{table}");
    if python.is_some() {
        let out = arguments.path("out").unwrap_or_else(|| PathBuf::from("target/ketline"));
        let path = out.join("versus_torch.svg");
        bars.write(&path)?;
        println!("plot: {}", path.display());
    }
    Ok(report)
}

/// The interpreter with PyTorch, and the peer's program.
fn environment(arguments: &Arguments) -> Result<(PathBuf, PathBuf), Box<dyn Error>> {
    let folder = arguments.path("venv").unwrap_or_else(|| PathBuf::from("target/versus-torch-venv"));
    let python = Python::make(&folder, arguments.text("python").unwrap_or("python3"), &[("peer.py", PEER)])?;
    if !python.versions()?.contains_key("torch") {
        python.install(&[("torch".to_owned(), vec![TORCH.to_owned()])]);
        if !python.versions()?.contains_key("torch") {
            return Err(format!("{TORCH} is not installed").into());
        }
    }
    Ok((python.interpreter().to_path_buf(), python.program("peer.py")))
}
