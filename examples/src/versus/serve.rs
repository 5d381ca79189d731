//! Our side of a row: one process, asked by lines of JSON as the peers are.

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

use serde_json::{Value, json};

/// Values that the peers must find too, such as `p0`.
pub type Values = Vec<(&'static str, f64)>;

/// A workload, planned: each call is one run.
pub type Task<E = ketline::Error> = Box<dyn FnMut() -> Result<Values, E>>;

/// A workload that is ready to run.
pub struct Planned<E = ketline::Error> {
    /// What planning took, in seconds.
    pub seconds: f64,
    /// The plan as it is printed, where it can be.
    pub text: String,
    /// What is timed.
    pub task: Task<E>,
}

impl<E> std::fmt::Debug for Planned<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planned")
            .field("seconds", &self.seconds)
            .field("text", &self.text)
            .finish_non_exhaustive()
    }
}

/// Answers questions about one workload until standard input ends.
///
/// # Errors
/// What goes wrong with the pipes; what goes wrong in a run is an answer.
pub fn serve<E: Error>(load: impl Fn() -> Result<Planned<E>, E>) -> Result<(), Box<dyn Error>> {
    let (mut task, mut values): (Option<Task<E>>, Values) = (None, Vec::new());
    for line in stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let answer = match question["ask"].as_str() {
            Some("load") => {
                let memory = peak_memory();
                load().map(|planned| {
                    task = Some(planned.task);
                    json!({ "planning": planned.seconds, "plan": planned.text, "memory": memory })
                })
            }
            Some("run") => {
                let task = task.as_mut().ok_or("nothing is loaded")?;
                timed(task, question["times"].as_u64().unwrap_or(1)).map(|(seconds, found)| {
                    values = found;
                    json!({ "seconds": seconds })
                })
            }
            _ => {
                let values: serde_json::Map<_, _> =
                    values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
                Ok(json!({ "values": values, "memory": peak_memory() }))
            }
        };
        let answer = answer.unwrap_or_else(|error| json!({ "error": error.to_string() }));
        let mut out = stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

/// The mean time of so many runs in a row, and what the last one found.
fn timed<E>(task: &mut Task<E>, times: u64) -> Result<(f64, Values), E> {
    let start = Instant::now();
    let mut values = Values::new();
    for _ in 0..times {
        values = black_box(task()?);
    }
    Ok((start.elapsed().as_secs_f64() / times as f64, values))
}

/// The largest memory that this process has had, in bytes; none where the system does not say.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}
