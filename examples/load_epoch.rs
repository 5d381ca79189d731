//! Reads an epoch of a data set within a budget: the plan, what it mixes, how fast it is, what it takes of memory.
//!
//! `cargo run --release --example load_epoch [-- FOLDER]`; without a folder, a set of numbers is written first.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ketline::data::{Bytes, DType, Dataset, Device, Disk, Kind, Reads, Schema, Settings, Wish};
use ketline_examples::{Arguments, Flag, Report, consume, progress, run};

const FLAGS: [Flag; 11] = [
    Flag::value("samples", "N", "samples of the set that is written [50000]"),
    Flag::value("bytes", "N", "bytes of each of them, a multiple of 4 [3136]"),
    Flag::value("chunk", "KIB", "size of chunks; chosen for the disk if it is not given"),
    Flag::value("budget", "KIB", "memory that the loader may take [5 % of the set, at least 2048]"),
    Flag::value("batch", "N", "samples in a batch [256]"),
    Flag::value(
        "distinct",
        "N",
        "distinct chunks wanted in a batch, to choose the size by [120, at most half of the batch]",
    ),
    Flag::value("threads", "N", "threads that read [2]"),
    Flag::value("ring", "N", "read by io_uring, N chunks at once (Linux)"),
    Flag::value("open", "N", "chunks open at once [what the budget holds]"),
    Flag::value("step", "MS", "time that the program spends on each batch; batches are then made ahead [0]"),
    Flag::switch("direct", "read past the page cache, also what lies there"),
];

fn main() -> ExitCode {
    run("load_epoch", "Reads an epoch of a data set within a budget.", &FLAGS, load)
}

fn load(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let batch: usize = arguments.number("batch", 256, "a whole number >= 1")?;
    let mut report = Report::new();
    let (folder, made) = match arguments.rest().first() {
        Some(folder) => (PathBuf::from(folder), false),
        None => (std::env::temp_dir().join(format!("ketline-load-epoch-{}", std::process::id())), true),
    };
    let written = if made { write(arguments, &folder, batch, &mut report) } else { Ok(()) };
    let result = written.and_then(|()| read(arguments, &folder, batch, &mut report));
    if made {
        // What was not made cannot be removed; the result says why.
        let _ = std::fs::remove_dir_all(&folder);
    }
    result.map(|()| report)
}

/// Writes a set of numbers, with chunks as the disk likes them.
fn write(
    arguments: &Arguments,
    folder: &Path,
    batch: usize,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let samples: u64 = arguments.number("samples", 50_000, "a whole number >= 1")?;
    let bytes: usize = arguments.number("bytes", 3136, "a whole number >= 4")?;
    let schema = Schema::new().field("x", Kind::Fixed { dtype: DType::F32, shape: vec![bytes / 4] });
    let budget = budget(arguments, samples * bytes as u64)?;
    let chunk = if arguments.has("chunk") {
        Bytes::kib(arguments.number("chunk", 0, "a whole number >= 1")?)
    } else {
        let distinct = arguments.number("distinct", 120.min(batch / 2).max(1), "a whole number >= 1")?;
        let wish = Wish { batch, sample: Bytes(bytes as u64), distinct, budget, threads: 2 };
        let choice = probe(folder)?.choose(wish)?;
        println!("chosen: {choice}");
        choice.chunk
    };
    let bar = progress(arguments, "writing", samples);
    let shown = bar.clone();
    let settings = Settings::new().chunk_bytes(chunk).seed(arguments.seed()?);
    let settings = settings.progress(move |progress| shown.set_position(progress.written));
    let start = Instant::now();
    let mut writer = settings.create_raw(folder, &schema)?;
    let mut record = vec![0; bytes / 4 * 4];
    for number in 0..samples {
        for (at, word) in record.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            *word = ((number * 31 + at as u64) as f32).to_le_bytes();
        }
        writer.push_bytes(&record)?;
    }
    let statistics = writer.finish()?;
    bar.finish_and_clear();
    let rate = statistics.bytes as f64 / start.elapsed().as_secs_f64();
    report.metric("written_mb_per_second", 1e-6 * rate);
    Ok(())
}

/// What the disk can do, by a small set that is removed again.
fn probe(folder: &Path) -> Result<Device, Box<dyn Error>> {
    let small = folder.with_added_extension("probe");
    let schema = Schema::new().field("x", Kind::Fixed { dtype: DType::U8, shape: vec![1 << 20] });
    let mut writer =
        Settings::new().chunk_samples(1).in_order().without_moments().create_raw(&small, &schema)?;
    let record = vec![7; 1 << 20];
    (0..16).try_for_each(|_| writer.push_bytes(&record))?;
    writer.finish()?;
    let device =
        Device::measure(&Dataset::<ketline::data::Raw>::open_in(&small, &Disk { reads: Reads::Direct })?, 16);
    std::fs::remove_dir_all(&small)?;
    let device = device?;
    println!("disk: {device}");
    Ok(device)
}

fn budget(arguments: &Arguments, bytes: u64) -> Result<Bytes, Box<dyn Error>> {
    let usual = (bytes / 20 / 1024).max(2048);
    Ok(Bytes::kib(arguments.number("budget", usual, "a whole number >= 1")?))
}

fn read(
    arguments: &Arguments,
    folder: &Path,
    batch: usize,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let reads = if arguments.has("direct") { Reads::Direct } else { Reads::Auto };
    // ANCHOR: plan
    let dataset = Dataset::<ketline::data::Raw>::open_in(folder, &Disk { reads })?;
    let bytes = dataset.statistics().bytes;
    let planner = dataset.plan().batch(batch).budget(budget(arguments, bytes)?).seed(arguments.seed()?);
    // ANCHOR_END: plan
    let planner = planner.threads(arguments.number("threads", 2, "a whole number >= 1")?);
    let ring: usize = arguments.number("ring", 0, "a whole number >= 1")?;
    let planner = if ring > 0 { planner.ring(ring) } else { planner };
    let open: usize = arguments.number("open", 0, "a whole number >= 1")?;
    let step: f64 = arguments.number("step", 0.0, "a number of milliseconds >= 0")?;
    let step = Duration::try_from_secs_f64(1e-3 * step)?;
    // One batch is used, one is made, one waits.
    let planner = if step.is_zero() { planner } else { planner.batches_held(3) };
    let loader = if open > 0 { planner.open_chunks(open).train()? } else { planner.train()? };
    let randomness = loader.plan().randomness(0);
    println!("{}\n\n{randomness}\n", loader.plan());

    // The peak so far is that of writing; Linux forgets it when it is asked to.
    let forgotten = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = resident(if forgotten { "VmHWM:" } else { "VmRSS:" });
    let bar = progress(arguments, "reading", loader.plan().batches(0));
    let (mut samples, mut sum, start) = (0, 0_u64, Instant::now());
    let mut count = |ids: &[u64]| {
        samples += ids.len() as u64;
        sum = ids.iter().fold(sum, |sum, id| sum.wrapping_add(*id));
        bar.inc(1);
    };
    let mut epoch = loader.epoch(0)?;
    let (activity, waits) = if step.is_zero() {
        epoch.by_ref().try_for_each(|batch| batch.map(|batch| count(batch.ids())))?;
        (Some(epoch.activity()), epoch.activity().waited.as_secs_f64() / start.elapsed().as_secs_f64())
    } else {
        (None, consume(epoch, step, |batch| count(batch.ids()))?)
    };
    let seconds = start.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let all = dataset.len();
    if samples != all || sum != all * (all - 1) / 2 {
        return Err(format!("found {samples} samples with sum {sum}, expected each of {all} once").into());
    }
    let rate = samples as f64 / seconds;
    let taken = (resident("VmHWM:") - before).max(0.0);
    let speed = 1e-6 * bytes as f64 / seconds;
    println!(
        "{rate:.0} samples/s, {speed:.0} MB/s; {:.1} % of the time was spent waiting for data",
        100.0 * waits
    );
    if let Some(activity) = activity {
        let amplification = activity.bytes.0 as f64 / bytes as f64;
        println!("{amplification:.4} bytes read for each byte of a sample");
        report.metric("read_amplification", amplification);
    }
    println!(
        "resident: {:.1} MiB more than before, at most {} planned",
        taken / 1_048_576.0,
        loader.plan().resident()
    );
    report.metric("samples_per_second", rate);
    report.metric("waited_share", waits);
    report.metric("distinct_chunks_per_batch", randomness.chunks);
    report.metric("bins_per_batch", randomness.bins);
    report.metric("pairs_against_random", randomness.pairs);
    report.metric("budget_bytes", loader.plan().budget().0 as f64);
    report.metric("planned_bytes", loader.plan().resident().0 as f64);
    report.metric("resident_bytes", taken);
    Ok(())
}

/// A line of the process's status in bytes; 0 where the system does not say.
fn resident(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let number = status
        .lines()
        .find_map(|text| text.strip_prefix(line)?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    1024.0 * number.unwrap_or_default()
}
