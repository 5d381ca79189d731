//! Ketline's side of a row: what is timed.

use std::error::Error;
use std::time::Instant;

use ketline::quantum::linalg::{Matrix, outer};
use ketline::quantum::pulse::solver::{Objective, Piecewise, Solver, System};
use ketline_examples::versus::{self, Planned, Task, Values};

use crate::row::{Kind, Row};

/// Names of amplitudes or populations; more than there are levels.
const REAL: [&str; 9] = ["re0", "re1", "re2", "re3", "re4", "re5", "re6", "re7", "re8"];
const IMAGINARY: [&str; 9] = ["im0", "im1", "im2", "im3", "im4", "im5", "im6", "im7", "im8"];

/// Answers questions about a row until standard input ends.
///
/// # Errors
/// What goes wrong with the pipes, and a row that is not known; what goes wrong in a run is an answer.
pub(crate) fn serve(row: &str) -> Result<(), Box<dyn Error>> {
    let row = Row::named(row).ok_or_else(|| format!("no row `{row}`"))?;
    versus::serve(|| load(row))
}

fn load(row: &Row) -> ketline::Result<Planned> {
    let problem = row.problem();
    let start = Instant::now();
    let system = System::new(&problem.drift, &problem.controls)?.with_collapse(&problem.collapse)?;
    let solver = Solver::new(system).with_tolerance(row.tolerance)?;
    let initial = Matrix::from_shape_fn((problem.initial.len(), 1), |(level, _)| problem.initial[level]);
    let (dt, samples) = (problem.dt, problem.samples);
    // Each run begins with samples: a caller has others each time.
    let task: Task = match row.kind {
        Kind::State => Box::new(move || {
            let end = solver.states(&Piecewise::new(dt, samples.clone())?, &initial)?.states;
            let all = end.iter().zip(REAL.iter().zip(IMAGINARY));
            Ok(all.flat_map(|(z, (re, im))| [(*re, z.re), (im, z.im)]).collect())
        }),
        Kind::Density => {
            let rho = outer(&problem.initial, &problem.initial);
            Box::new(move || {
                let end = solver.density(&Piecewise::new(dt, samples.clone())?, &rho)?.rho;
                // Populations, and a row of coherences
                let mut values: Values = end.diag().iter().zip(REAL).map(|(z, name)| (name, z.re)).collect();
                values.extend(end.row(0).iter().zip(IMAGINARY).map(|(z, name)| (name, z.im)));
                Ok(values)
            })
        }
        Kind::Gradient => {
            let mut target = vec![problem.initial[1]; problem.initial.len()];
            target[1] = problem.initial[0];
            let objective = Objective::State(target);
            Box::new(move || {
                let found = solver.gradient(&Piecewise::new(dt, samples.clone())?, &initial, &objective)?;
                let norm = found.gradient.iter().map(|slope| slope * slope).sum::<f64>().sqrt();
                Ok(vec![("value", found.value), ("gradient", norm)])
            })
        }
    };
    Ok(Planned { seconds: start.elapsed().as_secs_f64(), text: String::new(), task })
}
