//! Ketline's side of a row: one process, asked by lines of JSON as the peers are.

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

use ketline::quantum::gradient::Adjoint;
use ketline::quantum::simulator::{
    DensityMatrix, Plan, Precision, PureState, Simulator, StateVector, Trajectories,
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
            Some("load") => load(&definition).map(|(seconds, planned)| {
                task = Some(planned);
                json!({ "planning": seconds })
            }),
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

/// The planned workload, and the seconds that planning took.
fn load(definition: &Definition) -> ketline::Result<(f64, Task)> {
    if definition.precision == "f32" {
        load_with(definition, StateVector::single())
    } else {
        load_with(definition, StateVector::new())
    }
}

fn load_with<T: Precision>(
    definition: &Definition,
    simulator: StateVector<T>,
) -> ketline::Result<(f64, Task)> {
    let (circuit, observable) = (definition.circuit()?, definition.observable());
    let (sets, shots) = (definition.parameters.clone(), definition.shots);
    // drawing shots of a state is timed, so that the state itself is looked at before
    let first = match definition.kind {
        Kind::Samples => p0(&simulator.run(&circuit, &[])?.into_state()?),
        _ => 0.0,
    };
    let start = Instant::now();
    let task: Task = match definition.kind {
        Kind::State => {
            let plan = simulator.plan(&circuit)?;
            Box::new(move || Ok(vec![("p0", p0(&plan.run(&[])?.into_state()?))]))
        }
        Kind::Expectation => {
            let plan = simulator.plan(&circuit)?;
            Box::new(move || Ok(vec![("energy", plan.expectation(&observable, &[])?)]))
        }
        Kind::Values => {
            let plan = simulator.plan(&circuit)?;
            Box::new(move || {
                let energies = sets.iter().map(|values| plan.expectation(&observable, values));
                Ok(vec![("energy", energies.sum::<ketline::Result<f64>>()?)])
            })
        }
        Kind::Gradients => {
            let plan = Adjoint::new(&circuit)?;
            Box::new(move || {
                let (mut energy, mut squares) = (0.0, 0.0);
                for values in &sets {
                    let result = plan.gradient(&observable, values)?;
                    energy += result.value;
                    squares += result.gradient.iter().map(|slope| slope * slope).sum::<f64>();
                }
                Ok(vec![("energy", energy), ("gradient", squares.sqrt())])
            })
        }
        Kind::Density => {
            let plan = DensityMatrix::new().plan(&circuit)?;
            Box::new(move || Ok(vec![("p0", plan.run(&[])?.into_state()?.matrix()[(0, 0)].re)]))
        }
        Kind::Trajectories => {
            let plan = Trajectories::new(shots, 4).plan(&circuit)?;
            Box::new(move || {
                let counts = plan.sample(&[], shots, 4)?;
                let ones: u64 = counts.iter().map(|(bits, times)| u64::from(bits.count_ones()) * times).sum();
                Ok(vec![("ones", ones as f64 / shots as f64)])
            })
        }
        Kind::Samples => {
            let plan = simulator.plan(&circuit)?;
            Box::new(move || {
                let counts = plan.sample(&[], shots, 4)?;
                let ones: u64 = counts.iter().map(|(bits, times)| u64::from(bits.count_ones()) * times).sum();
                Ok(vec![("p0", first), ("ones", ones as f64 / shots as f64)])
            })
        }
    };
    Ok((start.elapsed().as_secs_f64(), task))
}

/// The probability of the outcome 0.
fn p0<T: Precision>(state: &PureState<T>) -> f64 {
    let amplitude = state.as_slice()[0];
    amplitude.re.widen().powi(2) + amplitude.im.widen().powi(2)
}

/// The largest memory that this process has had, in bytes; none where the system does not say.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}
