//! Stages that are processes, against one device: `mpirun -n 2 processes`.
//!
//! Every process computes the whole model by itself as well, and compares what its stage computed bit by bit.

#![allow(clippy::needless_for_each)] // as in the tests

#[allow(dead_code)] // what only tests use
#[path = "../tests/pipeline/cases.rs"]
mod cases;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use cases::{Case, MICRO_BATCHES, NAMES, Values, case, one_device, partition};
use ketline_fabric::Endpoint;
use ketline_model::exec::{PipelineOptions, Worker};
use ketline_model::plan::{Derived, PipelineSchedule};
use ketline_model::{Result, Sizes};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn give(worker: &mut Worker, inputs: &BTreeMap<&'static str, Values>, m: usize) -> Result<()> {
    for (name, values) in inputs {
        match values {
            Values::Ids(values) => worker.set(name, m, values),
            Values::Reals(values) => worker.set(name, m, values),
            Values::Bits(values) => worker.set(name, m, values),
        }?;
    }
    Ok(())
}

fn run() -> Result<bool> {
    let end: Arc<dyn Endpoint> = Arc::from(ketline_fabric::mpi(&ketline_fabric::Options::default())?);
    let stages = end.size();
    let fractions: Vec<f64> = (1..stages).map(|k| k as f64 / stages as f64).collect();
    let mut good = true;
    for name in NAMES {
        for schedule in PipelineSchedule::ALL.into_iter().filter(|schedule| schedule.is_synchronous()) {
            for draws in [[0, 0, 0], [1, 2, 0]] {
                let Case { graph, sizes, inputs } = case(name);
                let derived = Derived::new(&graph)?;
                let partition = partition(name, schedule, &fractions, &draws);
                let options = PipelineOptions { seed: 11, ..PipelineOptions::default() };
                let sizes: Sizes = sizes;
                let mut worker = Worker::new(&derived, &partition, &sizes, &options, Arc::clone(&end))?;
                for (m, inputs) in inputs.iter().enumerate() {
                    give(&mut worker, inputs, m)?;
                }
                let record = worker.step()?;
                let (loss, sums) = one_device(&Case { graph, sizes, inputs }, &derived);
                let mut same = record.loss.to_bits() == loss.to_bits();
                let mut count = 0;
                for (parameter, sum) in &sums {
                    if let Some(gradient) = worker.gradient(parameter) {
                        same &= worker.run().values::<f32>(gradient)? == sum;
                        count += 1;
                    }
                }
                let rank = end.rank();
                println!(
                    "stage {rank} of {stages}: {name}, {schedule}, {MICRO_BATCHES} micro-batches, evicted {}: loss {:.6}, {count} gradients, {}",
                    draws != [0; 3],
                    record.loss,
                    if same { "the same bits as one device" } else { "NOT those of one device" },
                );
                good &= same;
            }
        }
    }
    Ok(good)
}
