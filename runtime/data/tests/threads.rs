//! Threads of a loader end with it. This is a program of its own: its threads are counted.
#![cfg(target_os = "linux")]
#![allow(missing_docs)]

mod common;

use std::time::{Duration, Instant};

use common::{Folder, fixed, write};
use ketline_data::{Dataset, Settings};

/// Threads that read or make batches.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("kl-read") || name.starts_with("ketline-ahead")).count()
}

#[test]
fn threads_end_with_their_epoch() {
    let (folder, schema) = (Folder::new("threads"), fixed());
    write(folder.as_ref(), &schema, 5000, Settings::new().chunk_samples(50));
    let dataset = Dataset::open(&folder).unwrap();
    let loader = dataset.plan().batch(64).threads(4).open_chunks(5).ahead(2).batches_held(3).train().unwrap();
    let expect = |count: usize, what: &str| {
        // One that begins has no name yet, and one that was joined is listed for a moment more.
        let start = Instant::now();
        while threads() != count {
            let waited = start.elapsed();
            assert!(waited < Duration::from_secs(10), "{what}: {} threads, expected {count}", threads());
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    for taken in [0, 1, 5] {
        let mut epoch = loader.epoch(taken as u64).unwrap();
        assert_eq!(epoch.by_ref().take(taken).map(Result::unwrap).count(), taken);
        expect(4, "an epoch");
        drop(epoch);
        expect(0, "an epoch that was dropped");
        let mut ahead = loader.epoch(0).unwrap().ahead().unwrap();
        assert_eq!(ahead.by_ref().take(taken).map(Result::unwrap).count(), taken);
        expect(5, "batches ahead");
        drop(ahead);
        expect(0, "batches ahead that were dropped");
    }
    let mut mapped = loader.epoch(0).unwrap().transform(2, ketline_data::OnFault::Stop, |id, _| Ok(id));
    assert!(mapped.next().unwrap().is_ok());
    drop(mapped);
    expect(0, "a transform that was dropped");
}
