//! Our side: one epoch in a process of its own.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use ketline::data::{self, Bytes, Dataset, Loader, Raw};
use ketline_examples::versus::{Planned, Values, serve};
use serde_json::{Value, json};

use crate::workload::{BATCH, Workload};

/// Threads that read.
const THREADS: usize = 2;

/// What our side is told on its command line.
pub(crate) fn question(workload: &Workload, set: &Path, budget: u64, longest: Duration) -> String {
    let (name, samples, longest) = (workload.name, workload.samples, longest.as_secs_f64());
    json!({ "name": name, "samples": samples, "set": set, "budget": budget, "limit": longest }).to_string()
}

/// Answers questions about an epoch.
pub(crate) fn side(question: &str) -> Result<(), Box<dyn Error>> {
    let question: Value = serde_json::from_str(question)?;
    let number = |name: &str| question[name].as_u64().ok_or_else(|| format!("`{name}` is no number"));
    let (samples, budget) = (number("samples")?, Bytes(number("budget")?));
    let set = question["set"].as_str().ok_or("`set` is no path")?.to_owned();
    let name = question["name"].as_str().ok_or("`name` is no text")?.to_owned();
    let limit = Duration::try_from_secs_f64(question["limit"].as_f64().unwrap_or_default())?;
    // Everything from here on is counted.
    serve(|| {
        let start = Instant::now();
        let set = Dataset::open(&set)?;
        let loader = set.plan().batch(BATCH).budget(budget).threads(THREADS).seed(7).train()?;
        let (seconds, text) = (start.elapsed().as_secs_f64(), loader.plan().to_string());
        let planned =
            [("chunks", loader.plan().randomness(0).chunks), ("planned", loader.plan().resident().0 as f64)];
        let name = name.clone();
        let task = Box::new(move || {
            let mut values = epoch(&loader, &name, samples, limit)?;
            values.extend(planned);
            Ok::<_, data::Error>(values)
        });
        Ok(Planned { seconds, text, task })
    })
}

fn epoch(loader: &Loader<Raw>, name: &str, samples: u64, limit: Duration) -> data::Result<Values> {
    let start = Instant::now();
    let (mut seen, mut count) = (vec![false; samples as usize], 0);
    let (mut bins, mut full) = (0, 0);
    // Numbers in the set are not those of the workload: it was shuffled when it was written.
    for batch in loader.epoch(0)? {
        let batch = batch?;
        let columns = batch.columns();
        let mut read = |number: u64| {
            count += 1;
            // One that is not below is missed among the distinct ones.
            if let Some(seen) = seen.get_mut(number as usize) {
                *seen = true;
            }
        };
        if name == "a" {
            columns.array::<f32>("x")?.outer_iter().for_each(|row| read(row[0] as u64));
        } else {
            let number =
                |row: ndarray::ArrayViewD<'_, u8>| u32::from_le_bytes([row[0], row[1], row[2], row[3]]);
            columns.array::<u8>("x")?.outer_iter().for_each(|row| read(number(row).into()));
        }
        if batch.len() == BATCH {
            bins += distinct_bins(batch.ids(), samples);
            full += 1;
        }
        if start.elapsed() > limit {
            break;
        }
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    Ok(vec![
        ("samples", f64::from(count)),
        ("distinct", distinct as f64),
        ("bins", bins as f64 / f64::from(full.max(1))),
    ])
}

/// Distinct 256ths of the set, as it is stored, in a batch. By the samples' own numbers it would be that of a random order: they
/// were shuffled when they were written.
fn distinct_bins(ids: &[u64], samples: u64) -> usize {
    let mut seen = [false; 256];
    for id in ids {
        seen[(id * 256 / samples) as usize] = true;
    }
    seen.iter().filter(|seen| **seen).count()
}
