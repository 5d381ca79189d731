//! Ketline's side of a row: one process, asked by lines of JSON as the peers are.

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

use ketline::quantum::gradient::Adjoint;
use ketline::quantum::simulator::{
    Counts, DensityMatrix, Plan, Precision, PureState, QuantumState, Simulator, StateVector, Trajectories,
};
use serde_json::{Value, json};

use crate::definition::{Definition, Kind};
use crate::row::Row;

/// Values that the peers must find too, such as `p0`.
type Values = Vec<(&'static str, f64)>;

/// A workload, planned: each call is one run.
type Task = Box<dyn FnMut() -> ketline::Result<Values>>;

/// Answers questions until standard input ends.
///
/// # Errors
/// What goes wrong with the pipes, and a row that is not known; what goes wrong in a run is an answer.
pub(crate) fn serve(row: &str) -> Result<(), Box<dyn Error>> {
    let row = Row::named(row).ok_or_else(|| format!("no row `{row}`"))?;
    let definition = row.definition();
    let (mut task, mut values): (Option<Task>, Values) = (None, Vec::new());
    for line in stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let answer = match question["ask"].as_str() {
            Some("load") => {
                let memory = peak_memory();
                load(&definition).map(|planned| {
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
fn timed(task: &mut Task, times: u64) -> ketline::Result<(f64, Values)> {
    let start = Instant::now();
    let mut values = Values::new();
    for _ in 0..times {
        values = black_box(task()?);
    }
    Ok((start.elapsed().as_secs_f64() / times as f64, values))
}

/// A workload that is ready to run.
struct Planned {
    /// What planning took, in seconds.
    seconds: f64,
    /// The plan as it is printed, where it can be.
    text: String,
    task: Task,
}

fn load(definition: &Definition) -> ketline::Result<Planned> {
    if definition.precision == "f32" {
        load_with(definition, StateVector::single())
    } else {
        load_with(definition, StateVector::new())
    }
}

fn load_with<T: Precision>(definition: &Definition, simulator: StateVector<T>) -> ketline::Result<Planned> {
    let (circuit, observable) = (definition.circuit()?, definition.observable());
    let (sets, shots) = (definition.sets(), definition.shots);
    let (start, mut text) = (Instant::now(), String::new());
    let task: Task = match definition.kind {
        Kind::State => {
            let plan = simulator.plan(&circuit)?;
            text = plan.to_string();
            Box::new(move || Ok(vec![("p0", p0(&plan.run(&[])?.into_state()?))]))
        }
        Kind::Expectation => {
            let plan = simulator.plan(&circuit)?;
            Box::new(move || Ok(vec![("energy", plan.expectation(&observable, &[])?)]))
        }
        Kind::Values => {
            let plan = StateVector::new().batch(&circuit)?;
            Box::new(move || Ok(vec![("energy", plan.expectations(&observable, &sets)?.sum())]))
        }
        Kind::Gradients if sets.nrows() == 1 => {
            let (plan, values) = (Adjoint::new(&circuit)?, sets.row(0).to_vec());
            Box::new(move || {
                let result = plan.gradient(&observable, &values)?;
                let norm = result.gradient.iter().map(|slope| slope * slope).sum::<f64>().sqrt();
                Ok(vec![("energy", result.value), ("gradient", norm)])
            })
        }
        Kind::Gradients => {
            let plan = StateVector::new().batch(&circuit)?;
            Box::new(move || {
                let results = plan.gradients(&observable, &sets)?;
                let norm = results.gradients.iter().map(|slope| slope * slope).sum::<f64>().sqrt();
                Ok(vec![("energy", results.values.sum()), ("gradient", norm)])
            })
        }
        Kind::Density => {
            let plan = DensityMatrix::new().plan(&circuit)?;
            Box::new(move || Ok(vec![("p0", plan.run(&[])?.into_state()?.matrix()[(0, 0)].re)]))
        }
        Kind::Trajectories => {
            let plan = Trajectories::new(shots, 4).plan(&circuit)?;
            Box::new(move || Ok(vec![("ones", ones(&plan.sample(&[], shots, 4)?))]))
        }
        // only the sampling is timed: the state is that of an earlier circuit
        Kind::Samples => {
            let state = simulator.run(&circuit, &[])?.into_state()?;
            Box::new(move || Ok(vec![("p0", p0(&state)), ("ones", ones(&state.sample(shots, 4)?))]))
        }
    };
    Ok(Planned { seconds: start.elapsed().as_secs_f64(), text, task })
}

/// The probability of the outcome 0.
fn p0<T: Precision>(state: &PureState<T>) -> f64 {
    let amplitude = state.as_slice()[0];
    amplitude.re.widen().powi(2) + amplitude.im.widen().powi(2)
}

/// The mean number of ones in a shot.
fn ones(counts: &Counts) -> f64 {
    let ones: u64 = counts.iter().map(|(bits, times)| u64::from(bits.count_ones()) * times).sum();
    ones as f64 / counts.total() as f64
}

/// The largest memory that this process has had, in bytes; none where the system does not say.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}
