//! A program that takes batches and works on them elsewhere.

use std::thread;
use std::time::{Duration, Instant};

use ketline::data::{Batch, Epoch, Result, Sample};

/// Takes the batches of an epoch, each for so long, as a program does whose work runs on another device; says which share of the
/// time it waited for them. The plan must hold two batches or more.
///
/// # Errors
/// What reading gives.
pub fn consume<S: Sample>(epoch: Epoch<S>, step: Duration, mut look: impl FnMut(&Batch<S>)) -> Result<f64> {
    let start = Instant::now();
    let mut batches = epoch.ahead()?;
    for batch in batches.by_ref() {
        look(&batch?);
        thread::sleep(step);
    }
    Ok(batches.waited().as_secs_f64() / start.elapsed().as_secs_f64().max(f64::MIN_POSITIVE))
}
