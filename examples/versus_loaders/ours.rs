//! Our side: one epoch in a process of its own.

use std::error::Error;
use std::io::BufRead as _;
use std::path::Path;
use std::time::{Duration, Instant};

use ketline::data::{Bytes, Dataset};
use serde_json::json;

use crate::workload::{BATCH, Workload};

/// `side WORKLOAD SAMPLES FOLDER BUDGET_BYTES THREADS LIMIT_SECONDS`.
pub(crate) fn serve(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [name, samples, folder, budget, threads, limit] = arguments else {
        return Err(format!("found {} arguments of a side, expected 6", arguments.len()).into());
    };
    let known = Workload::both(0).into_iter().find(|workload| workload.name == name);
    let workload = Workload { samples: samples.parse()?, ..known.ok_or("no such workload")? };
    println!("ready");
    std::io::stdin().lock().read_line(&mut String::new())?;
    // Everything from here on is counted.
    let set = Dataset::open(Path::new(folder))?;
    let planner = set.plan().batch(BATCH).budget(Bytes(budget.parse()?)).threads(threads.parse()?).seed(7);
    let loader = planner.train()?;
    let limit = Duration::from_secs_f64(limit.parse()?);
    let start = Instant::now();
    let (mut order, mut places) = (Vec::with_capacity(workload.samples as usize), Vec::new());
    let mut partial = false;
    // Numbers in the set are not those of the workload: it was shuffled when it was written.
    for batch in loader.epoch(0)? {
        let batch = batch?;
        places.extend(batch.ids().iter().map(|id| *id as u32));
        let columns = batch.columns();
        if workload.name == "a" {
            let rows = columns.array::<f32>("x")?;
            order.extend(rows.outer_iter().map(|row| row[0] as u32));
        } else {
            let rows = columns.array::<u8>("x")?;
            order.extend(rows.outer_iter().map(|row| u32::from_le_bytes([row[0], row[1], row[2], row[3]])));
        }
        if start.elapsed() > limit {
            partial = true;
            break;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let mut seen = vec![false; workload.samples as usize];
    for number in &order {
        let seen = seen.get_mut(*number as usize);
        *seen.ok_or_else(|| format!("found sample {number}, expected one below {}", workload.samples))? =
            true;
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    let randomness = loader.plan().randomness(0);
    let answer = json!({
        "seconds": seconds,
        "samples": order.len(),
        "distinct": distinct,
        "partial": partial,
        "bins": bins(&places, workload.samples),
        "chunks": randomness.chunks,
        "planned": loader.plan().resident().0,
    });
    println!("{answer}");
    Ok(())
}

/// Distinct 256ths of the set, as it is stored, in a full batch. By the samples' own numbers it would be that of a random order:
/// they were shuffled when they were written.
fn bins(order: &[u32], samples: u64) -> f64 {
    let (mut sum, mut count) = (0, 0);
    for batch in order.chunks_exact(BATCH) {
        let mut seen = [false; 256];
        for number in batch {
            seen[(u64::from(*number) * 256 / samples) as usize] = true;
        }
        sum += seen.iter().filter(|seen| **seen).count();
        count += 1;
    }
    sum as f64 / f64::from(count.max(1))
}
