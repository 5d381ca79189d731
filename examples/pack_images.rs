//! A folder of JPEG files, a folder for each class, becomes a data set; then the set is read, and its images decoded.
//!
//! `cargo run --release --example pack_images [-- FOLDER] [--set FOLDER]`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ketline::data::import::ClassFolder;
use ketline::data::{Bytes, Jpeg, Settings};
use ketline::prelude::*;
use ketline_examples::{Arguments, Flag, Report, Table, consume, progress, run};

const FLAGS: [Flag; 5] = [
    Flag::value("set", "FOLDER", "where the set is written [a folder that is removed again]"),
    Flag::value("chunk", "KIB", "size of chunks [256]"),
    Flag::value("batch", "N", "images in a batch [8]"),
    Flag::value(
        "step",
        "MS",
        "time that a program spends on each batch, to tell how long it waits for one [60]",
    ),
    Flag::value("decoders", "N", "threads that decode [those of the machine]"),
];

// ANCHOR: photos
dataset!(
    /// Photos of clothes, stored as the files they were, read as 96 x 96 pixels.
    #[derive(Debug)]
    #[shuffle(chunks = 8, seed = 7)]
    #[split(train = 0.8, valid = 0.2)]
    pub struct Photo {
        #[jpeg]
        image: U8<3, 96, 96>,
        label: u16,
        name: String,
    }
);
// ANCHOR_END: photos

fn main() -> ExitCode {
    run("pack_images", "Packs a folder of JPEG files and reads it.", &FLAGS, pack)
}

fn pack(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/clothing");
    let source = arguments.rest().first().map_or(own, PathBuf::from);
    let temporary = std::env::temp_dir().join(format!("ketline-pack-images-{}", std::process::id()));
    let target = arguments.path("set");
    let folder = target.clone().unwrap_or_else(|| temporary.clone());
    let mut report = Report::new();
    let result =
        write(arguments, &source, &folder, &mut report).and_then(|()| read(arguments, &folder, &mut report));
    if target.is_none() {
        // What was not made cannot be removed; the result says why.
        let _ = std::fs::remove_dir_all(&temporary);
    }
    result.map(|()| report)
}

fn write(
    arguments: &Arguments,
    source: &Path,
    folder: &Path,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    // ANCHOR: import
    let files = ClassFolder::open(source, &["jpg", "jpeg"])?;
    let bar = progress(arguments, "packing", files.len() as u64);
    let chunk = Bytes::kib(arguments.number("chunk", 256, "a whole number >= 1")?);
    let mut writer = Settings::new().chunk_bytes(chunk).seed(arguments.seed()?).create::<Photo>(folder)?;
    let start = Instant::now();
    for file in files.files() {
        let file = file?;
        let name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        writer.push(&Photo { image: Jpeg { file: file.bytes }, label: file.class as u16, name })?;
        bar.inc(1);
    }
    let statistics = writer.finish()?;
    // ANCHOR_END: import
    bar.finish_and_clear();
    let rate = statistics.bytes as f64 / start.elapsed().as_secs_f64();
    println!("{} images of {} classes, {}", files.len(), files.classes().len(), Bytes(statistics.bytes));
    report.metric("images", files.len() as f64);
    report.metric("packed_mb_per_second", 1e-6 * rate);
    Ok(())
}

fn read(arguments: &Arguments, folder: &Path, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let set = Photo::open(folder)?;
    let batch = arguments.number("batch", 8, "a whole number >= 1")?;
    let planner = set.plan().batch(batch).batches_held(3);
    let planner = match arguments.number("decoders", 0, "a whole number >= 1")? {
        0 => planner,
        threads => planner.decoders(threads),
    };
    let loader = planner.train()?;
    let mut classes = Table::new(["class", "images", "mean red", "mean green", "mean blue"]);
    let mut sums: Vec<(usize, [f64; 3])> = Vec::new();
    let start = Instant::now();
    for batch in loader.epoch(0)?.ahead()? {
        let batch = batch?;
        let photos = batch.view()?;
        for (image, label) in photos.image.outer_iter().zip(photos.label) {
            let label = usize::from(*label);
            sums.resize(sums.len().max(label + 1), (0, [0.0; 3]));
            let pixels = (image.len() / 3) as f64;
            for (sum, channel) in sums[label].1.iter_mut().zip(image.outer_iter()) {
                *sum += channel.iter().map(|value| f64::from(*value)).sum::<f64>() / pixels;
            }
            sums[label].0 += 1;
        }
    }
    let images: usize = sums.iter().map(|(count, _)| count).sum();
    let rate = images as f64 / start.elapsed().as_secs_f64();
    for (label, (count, colours)) in sums.iter().enumerate().filter(|(_, (count, _))| *count > 0) {
        let mean = colours.map(|sum| format!("{:.0}", sum / *count as f64));
        classes.row([vec![label.to_string(), count.to_string()], mean.to_vec()].concat());
    }
    println!("{classes}\n{rate:.0} images/s read and decoded");
    report.metric("decoded_images", images as f64);
    report.metric("decoded_images_per_second", rate);
    let step: f64 = arguments.number("step", 60.0, "a number of milliseconds >= 0")?;
    let waits = consume(loader.epoch(1)?, Duration::try_from_secs_f64(1e-3 * step)?, |_| {})?;
    println!("with {step} ms a batch, {:.2} % of the time was spent waiting for one", 100.0 * waits);
    report.metric("waited_share_of_steps", waits);
    Ok(())
}
