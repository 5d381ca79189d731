//! Writes the chapter "When the compiler says no" from the compile-fail files and the compiler's words beside them.
//!
//! ```text
//! cargo run -p ketline-guide --bin mistakes
//! ```

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What stands before the mistakes.
const HEAD: &str = "\
# When the compiler says no

Every mistake below is one of Ketline's tests: the program, and what `rustc` prints for it. A check happens as early as
what it needs is known:

| when | what is checked | seen by |
|---|---|---|
| the macro runs | literals and structure: an index, a unit, a name | `cargo check` |
| a constant is evaluated | sizes: constants, generics, graphs in a type; whether stages fit on devices | `cargo check`; `cargo build` for what is generic |
| types are checked | arguments of gates and circuits, layers that there are not, what is unitary, what can be stored | `cargo check` |
| the circuit or model is built | values of the running program: edges from a file, sizes from a command line | an `Error`, with gate, qubit and step, or layer and shapes |

A mistake that might be meant is a warning; `#[allow(deprecated)]` above the circuit silences it. (It is shown as use of a
deprecated constant, because that is the one warning that a macro can give on a stable compiler.) The programs below turn
warnings into errors.

<!-- Made by `cargo run -p ketline-guide --bin mistakes`; changes belong into the files of tests/ui. -->
";

fn main() -> io::Result<()> {
    let path = chapter_path();
    fs::write(&path, chapter()?)?;
    println!("wrote {}", path.display());
    Ok(())
}

fn chapter_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/compiler.md")
}

/// A program that the compiler refuses.
struct Mistake {
    /// Its row in the table of mistakes.
    row: u32,
    title: String,
    program: String,
    words: String,
}

fn chapter() -> io::Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/ui");
    let mut text = HEAD.to_owned();
    // Writing to a string cannot fail.
    for folder in sorted(&root)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let _ = writeln!(text, "\n## `{name}!`");
        for Mistake { title, program, words, .. } in mistakes(&folder)? {
            let _ = writeln!(text, "\n### {title}\n\n```rust,ignore\n{program}```\n\n```text\n{words}```");
        }
    }
    Ok(text)
}

fn mistakes(folder: &Path) -> io::Result<Vec<Mistake>> {
    let mut mistakes = Vec::new();
    for path in sorted(folder)? {
        let words = path.with_extension("stderr");
        if path.extension().is_some_and(|extension| extension == "rs") && words.exists() {
            let program = fs::read_to_string(&path)?;
            let mut rows = program.lines().filter_map(|line| line.strip_prefix("// mistake: "));
            let row = rows.find_map(|row| row.trim().parse().ok()).unwrap_or(u32::MAX);
            let title = title(&path.file_stem().unwrap_or_default().to_string_lossy());
            mistakes.push(Mistake {
                row,
                title,
                program: shown(&program),
                words: fs::read_to_string(words)?,
            });
        }
    }
    // The sort is stable: files of one row stay in the order of their names.
    mistakes.sort_by_key(|mistake| mistake.row);
    Ok(mistakes)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<_> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

/// `index_out_of_range` as a heading; files that end in `_generic` hold the generic case of the one before them.
fn title(stem: &str) -> String {
    let words = match stem.strip_suffix("_generic") {
        Some(stem) => format!("{stem}, in a generic circuit"),
        None => stem.to_owned(),
    };
    let words = words.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The program, its frame hidden as mdBook hides lines; line numbers stay those of the messages.
fn shown(program: &str) -> String {
    let mut text = String::new();
    let mut hidden_before = true;
    for line in program.lines() {
        let frame = line.starts_with("// mistake: ")
            || ["use ketline::prelude::*;", "fn main() {}", "#![deny(warnings)]"].contains(&line);
        // An empty line beside a hidden one goes with it.
        let hidden = frame || line.is_empty() && hidden_before;
        let mark = match (hidden, line.is_empty()) {
            (true, true) => "#",
            (true, false) => "# ",
            (false, _) => "",
        };
        text.extend([mark, line, "\n"]);
        hidden_before = hidden;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chapter_is_fresh() {
        let committed = fs::read_to_string(chapter_path()).unwrap_or_default();
        let stale = committed != chapter().expect("the compile-fail files can be read");
        assert!(
            !stale,
            "guide/src/compiler.md is not what tests/ui says; write it again with \
             `cargo run -p ketline-guide --bin mistakes`"
        );
    }

    #[test]
    fn the_frame_of_a_program_is_hidden() {
        let program = "// mistake: 1\nuse ketline::prelude::*;\n\ncircuit!(\n\n);\n\nfn main() {}\n";
        let text = "# // mistake: 1\n# use ketline::prelude::*;\n#\ncircuit!(\n\n);\n\n# fn main() {}\n";
        assert_eq!(shown(program), text);
        assert_eq!(title("same_qubit_in_ring"), "Same qubit in ring");
        assert_eq!(title("index_generic"), "Index, in a generic circuit");
    }
}
