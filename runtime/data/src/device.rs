//! What a disk can do, and which chunks suit it.

use std::fmt;
use std::time::{Duration, Instant};

use crate::dataset::{ChunkBuffers, Dataset};
use crate::sample::Sample;
use crate::storage::ALIGNMENT;
use crate::{Bytes, Error, Result};

/// Latency and bandwidth of reads from a device: reading `n` bytes at a random place takes `latency + n / bandwidth`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Device {
    /// Seconds before the first byte.
    pub latency: f64,
    /// Bytes a second after it.
    pub bandwidth: f64,
}

/// What is wanted of a plan when the size of chunks can still be chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish {
    /// Samples in a batch.
    pub batch: usize,
    /// Bytes of a sample, on average.
    pub sample: Bytes,
    /// Distinct chunks in a batch.
    pub distinct: usize,
    /// The limit on what is resident.
    pub budget: Bytes,
    /// Threads that read.
    pub threads: usize,
}

/// A size of chunks, and what comes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Choice {
    /// Bytes of a chunk.
    pub chunk: Bytes,
    /// Chunks that the budget has open.
    pub open: usize,
    /// The share of the device's bandwidth that reads of this size reach, one at a time.
    pub efficiency: f64,
}

impl Device {
    /// Measures the device that holds a set, past the page cache where that is possible: `reads` chunks at random places. What
    /// the system has in its cache makes it look faster.
    ///
    /// # Errors
    /// [`Error::Setting`] if the set has no chunks, and what reading them gives.
    pub fn measure<S: Sample>(dataset: &Dataset<S>, reads: usize) -> Result<Self> {
        let set = &dataset.set;
        let count = set.chunks.len() as u64;
        if count == 0 || reads == 0 {
            return Err(Error::setting("the number of chunks to measure", 0, "at least 1"));
        }
        let key = crate::random::Key::new(count);
        let mut buffers = ChunkBuffers::default();
        // Small and whole reads, in turn: two points of a line.
        let (mut small, mut whole, mut bytes) = (Vec::new(), Vec::new(), 0);
        for read in 0..reads as u64 {
            let chunk = key.below(2 * read, count) as usize;
            let start = Instant::now();
            set.touch(chunk, ALIGNMENT, &mut buffers)?;
            small.push(start.elapsed());
            let chunk = key.below(2 * read + 1, count) as usize;
            let start = Instant::now();
            let size = set.chunks[chunk].padded();
            set.touch(chunk, size, &mut buffers)?;
            whole.push(start.elapsed());
            bytes += size;
        }
        let latency = median(&mut small);
        let mean = bytes as f64 / reads as f64;
        let rest = (median(&mut whole) - latency).max(1e-9);
        Ok(Self { latency, bandwidth: (mean - ALIGNMENT as f64).max(1.0) / rest })
    }

    /// Seconds that a read takes.
    pub fn seconds(&self, bytes: Bytes) -> f64 {
        self.latency + bytes.0 as f64 / self.bandwidth
    }

    /// The largest chunks of which the budget has as many open as are wanted in a batch: large ones use the device
    /// best, and more open ones mix no better.
    ///
    /// # Errors
    /// [`Error::Budget`] if even chunks of a single sample are too large.
    pub fn choose(&self, wish: Wish) -> Result<Choice> {
        let Wish { batch, sample, distinct, budget, threads } = wish;
        if batch == 0 || sample.0 == 0 || distinct == 0 || distinct > batch || threads == 0 {
            return Err(Error::setting(
                "the wish for a plan",
                format!("{wish:?}"),
                "numbers above 0 and distinct <= batch",
            ));
        }
        let batch_bytes = sample * batch as u64;
        let left = budget.0.saturating_sub(batch_bytes.0);
        // An eighth of the chunks is read ahead; a lane draws from nearly all open chunks in a batch.
        let slots = (distinct as u64).max(1) + (distinct as u64 / 8).max(2 * threads as u64);
        let unit = ALIGNMENT as u64;
        let chunk = left / slots / unit * unit;
        if chunk < sample.0.next_multiple_of(unit) {
            let needed = batch_bytes + Bytes(sample.0.next_multiple_of(unit)) * slots;
            let parts = format!("{batch_bytes} for a batch, {slots} chunks of a sample");
            return Err(Error::Budget { found: budget, needed, parts });
        }
        let efficiency = chunk as f64 / self.bandwidth / self.seconds(Bytes(chunk));
        Ok(Choice { chunk: Bytes(chunk), open: distinct, efficiency })
    }
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} us and {:.0} MB/s", 1e6 * self.latency, 1e-6 * self.bandwidth)
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} chunks of {}, read at {:.0} % of the bandwidth",
            self.open,
            self.chunk,
            100.0 * self.efficiency
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_devices_and_small_budgets_are_told_apart() {
        let disk = Device { latency: 8e-3, bandwidth: 150e6 };
        // half of the bandwidth is reached where a chunk takes as long as the latency: 1.2 MB
        assert!((disk.seconds(Bytes(1_200_000)) - 0.016).abs() < 1e-9);
        let wish =
            Wish { batch: 256, sample: Bytes(3136), distinct: 120, budget: Bytes::mib(64), threads: 2 };
        let choice = disk.choose(wish).unwrap();
        assert!(choice.chunk > Bytes::kib(384) && choice.chunk < Bytes::kib(512), "{choice}");
        assert!(choice.chunk * 135 + Bytes(3136) * 256 <= wish.budget);
        assert!(matches!(disk.choose(Wish { budget: Bytes::mib(1), ..wish }), Err(Error::Budget { .. })));
        assert!(disk.choose(Wish { distinct: 257, ..wish }).is_err());
    }
}
