//! Processes that are killed at any moment: the set is the old one or the new one, and a run goes on where it was.
#![cfg(unix)]
#![allow(missing_docs)]

mod common;

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Folder, fixed, record, stored, write};
use ketline_data::{Bytes, Dataset, Position, Settings};

/// The environment variable that makes this program the one to be killed.
const ROLE: &str = "KETLINE_KILL";

fn start(role: &str, folder: &Folder) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["the_one_to_be_killed", "--exact", "--nocapture"]).env(ROLE, role);
    command
        .env("KETLINE_FOLDER", folder.as_ref())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test of its own: what the others start.
#[test]
fn the_one_to_be_killed() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let folder = std::env::var("KETLINE_FOLDER").unwrap();
    match role.as_str() {
        "write" => loop {
            write_set(Path::new(&folder), 600);
            write_set(Path::new(&folder), 400);
        },
        from => train(Path::new(&folder), from),
    }
}

fn write_set(folder: &Path, samples: u32) {
    let settings = Settings::new().chunk_samples(20).memory(Bytes::mib(8));
    let mut writer = settings.create_raw(folder, &fixed()).unwrap();
    (0..samples).for_each(|number| writer.push_bytes(&record(number, &fixed())).unwrap());
    writer.finish().unwrap();
}

/// Prints the numbers of each batch, and where to go on after it.
fn train(folder: &Path, from: &str) {
    let dataset = Dataset::open(folder).unwrap();
    let loader = dataset.plan().batch(16).open_chunks(6).ahead(2).seed(9).train().unwrap();
    let mut epoch = match from.parse::<Position>() {
        Ok(position) => loader.resume(&position).unwrap(),
        Err(_) => loader.epoch(4).unwrap(),
    };
    let mut out = std::io::stdout().lock();
    while let Some(batch) = epoch.next() {
        let ids: Vec<_> = batch.unwrap().ids().iter().map(ToString::to_string).collect();
        writeln!(out, "batch|{}|{}|", epoch.position(), ids.join(" ")).unwrap();
    }
    writeln!(out, "over").unwrap();
}

#[test]
fn a_writer_that_is_killed_leaves_one_set_or_the_other() {
    let folder = Folder::new("killed");
    write(folder.as_ref(), &fixed(), 400, Settings::new());
    for turn in 0..30_u64 {
        let mut child = start("write", &folder);
        std::thread::sleep(Duration::from_millis(5 + turn * 7 % 61));
        child.kill().unwrap();
        child.wait().unwrap();
        let dataset = Dataset::open(&folder).unwrap();
        assert!([400, 600].contains(&dataset.len()), "turn {turn}: {}", dataset.len());
        let mut all = stored(&dataset);
        all.sort_unstable();
        assert_eq!(all, (0..dataset.len() as u32).collect::<Vec<_>>());
    }
    // what the killed ones left behind is gone after the next
    write_set(folder.as_ref(), 400);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
}

#[test]
fn a_run_that_is_killed_goes_on_exactly() {
    let folder = Folder::new("resumed");
    write_set(folder.as_ref(), 600);
    let dataset = Dataset::open(&folder).unwrap();
    let loader = dataset.plan().batch(16).open_chunks(6).ahead(2).seed(9).train().unwrap();
    let expected: Vec<u64> = loader.plan().order(4).collect();
    let (mut seen, mut from, mut runs) = (Vec::new(), String::from("begin"), 0);
    'runs: loop {
        runs += 1;
        let mut child = start(&from, &folder);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for (count, line) in
            lines.map_while(Result::ok).filter(|line| line.contains("batch|") || line == "over").enumerate()
        {
            if line == "over" {
                child.wait().unwrap();
                break 'runs;
            }
            let [_, position, ids, _] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
            seen.extend(ids.split(' ').map(|id| id.parse::<u64>().unwrap()));
            position.clone_into(&mut from);
            if count == 4 {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(runs > 5);
    assert_eq!(seen, expected);
}
