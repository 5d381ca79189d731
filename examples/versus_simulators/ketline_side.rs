//! Ketline's side of a row: what is timed.

use std::error::Error;
use std::time::Instant;

use ketline::quantum::gradient::Adjoint;
use ketline::quantum::simulator::{
    Counts, DensityMatrix, Plan, Precision, PureState, QuantumState, Simulator, StateVector, Trajectories,
};
use ketline_examples::versus::{self, Planned, Task};

use crate::definition::{Definition, Kind};
use crate::row::Row;

/// Answers questions about a row until standard input ends.
///
/// # Errors
/// What goes wrong with the pipes, and a row that is not known; what goes wrong in a run is an answer.
pub(crate) fn serve(row: &str) -> Result<(), Box<dyn Error>> {
    let row = Row::named(row).ok_or_else(|| format!("no row `{row}`"))?;
    let definition = row.definition();
    versus::serve(|| load(&definition))
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
