//! Progress on standard error, for people only.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use crate::Arguments;

/// A bar of `steps` steps that names what is going on. It stays silent with `--json` and where standard error
/// is no terminal, so that logs hold no control characters.
pub fn progress(arguments: &Arguments, what: &str, steps: u64) -> ProgressBar {
    if arguments.json() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix:18} {wide_bar} {pos}/{len} {msg} {eta:>4}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(steps).with_style(style).with_prefix(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_silences_the_bar() {
        let arguments = Arguments::parse(&[], ["--json"]).unwrap();
        assert!(progress(&arguments, "training", 10).is_hidden());
    }
}
