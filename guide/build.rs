//! Resolves the guide's `{{#include file:anchor}}` lines as mdBook does, so that included code is compiled too.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    // asked as the script runs: two checkouts that share a target folder also share the compiled script
    let folder = |name| PathBuf::from(env::var_os(name).expect("cargo sets it for build scripts"));
    let (source, target) = (folder("CARGO_MANIFEST_DIR").join("src"), folder("OUT_DIR"));
    println!("cargo::rerun-if-changed={}", source.display());
    for entry in fs::read_dir(&source).expect("the guide has a folder of chapters") {
        let path = entry.expect("a chapter can be listed").path();
        let text = fs::read_to_string(&path).expect("a chapter is UTF-8 text");
        let name = path.file_name().expect("a listed file has a name");
        fs::write(target.join(name), resolve(&text, &source)).expect("OUT_DIR can be written");
    }
}

fn resolve(text: &str, folder: &Path) -> String {
    let mut out = String::new();
    for line in text.lines() {
        match line.trim().strip_prefix("{{#include ").and_then(|rest| rest.strip_suffix("}}")) {
            Some(link) => out.push_str(&include(link, folder)),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

fn include(link: &str, folder: &Path) -> String {
    let (file, anchor) = link.split_once(':').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let path = folder.join(file);
    println!("cargo::rerun-if-changed={}", path.display());
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{link}: {error}"));
    let Some(anchor) = anchor else { return text };
    let lines: Vec<_> = text
        .lines()
        .skip_while(|line| !line.contains(&format!("ANCHOR: {anchor}")))
        .skip(1)
        .take_while(|line| !line.contains(&format!("ANCHOR_END: {anchor}")))
        .collect();
    assert!(!lines.is_empty(), "{link}: no such anchor");
    lines.join("\n")
}
