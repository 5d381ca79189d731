//! Mistakes that the macros reject: each file of `ui/` names its row of the table in its first line, and the `.stderr`
//! beside it holds the compiler's words.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// Rows of the table.
const ROWS: std::ops::RangeInclusive<u32> = 1..=88;

/// Rows that only a running program can show, each with a test of its own: rows 7 and 43 in `language.rs`, row 88 in
/// `faults.rs` of `ketline-data`.
const RUN_TIME: [u32; 3] = [7, 43, 88];

/// The `.rs` files of `ui/`, with what they say.
fn files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for directory in ["ui/circuit", "ui/dataset", "ui/observable", "ui/pipeline", "ui/pulse"] {
        let entries = fs::read_dir(directory).expect("the directory of the compile-fail files");
        let paths = entries.flatten().map(|entry| entry.path());
        for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
            let text = fs::read_to_string(&path).expect("a compile-fail file");
            files.push((path, text));
        }
    }
    files.sort();
    files
}

#[test]
fn mistakes_are_rejected() {
    let cases = trybuild::TestCases::new();
    for (path, _) in files() {
        // Because some cases pass, trybuild runs `cargo build`: `check` does not evaluate constants of generics.
        if path.ends_with("pass.rs") { cases.pass(path) } else { cases.compile_fail(path) }
    }
}

#[test]
fn all_rows_are_covered() {
    let mut covered = BTreeSet::from(RUN_TIME);
    for (_, text) in files() {
        let rows = text.lines().filter_map(|line| line.strip_prefix("// mistake: "));
        covered.extend(rows.filter_map(|row| row.trim().parse::<u32>().ok()));
    }
    let wanted: BTreeSet<u32> = ROWS.collect();
    let missing: Vec<_> = wanted.difference(&covered).collect();
    println!("mistakes: {} of {} rows covered", wanted.len() - missing.len(), wanted.len());
    assert!(missing.is_empty(), "rows without a file: {missing:?}");
}
