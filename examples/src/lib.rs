//! What every example shares: arguments, progress, tables and the `--json` line, plots, trainings, contests with other packages.
//!
//! An example's `main` is one call of [`run`]:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use ketline_examples::{Flag, Report, progress, run};
//!
//! const FLAGS: [Flag; 1] = [Flag::value("steps", "N", "training steps [60]")];
//!
//! fn main() -> ExitCode {
//!     run("robust_state", "Trains a state on a noisy device.", &FLAGS, |arguments| {
//!         let steps: u64 = arguments.number("steps", 60, "a whole number >= 0")?;
//!         let bar = progress(arguments, "training", steps);
//!         for _ in 0..steps {
//!             bar.inc(1);
//!         }
//!         bar.finish_and_clear();
//!         let mut report = Report::new();
//!         report.metric("steps", steps as f64);
//!         Ok(report)
//!     })
//! }
//! ```

mod arguments;
mod consumer;
pub mod digits;
mod hidden;
pub mod plot;
mod progress;
mod report;
mod staged;
mod training;
pub mod versus;

use std::error::Error;
use std::process::ExitCode;

pub use arguments::{ArgumentError, Arguments, Flag, OUT, help};
pub use consumer::consume;
pub use hidden::Hidden;
pub use plot::{Bars, Plot, PlotError};
pub use progress::progress;
pub use report::{Report, ReportError, Table};
pub use staged::{Staged, StagedBert};
pub use training::follow;

/// Runs an example: reads the command line, answers `--help`, prints the report's metrics as the last line
/// with `--json`.
///
/// A command line that does not fit ends with exit code 2, a failed run with 1, both with the reason and its
/// causes on standard error.
pub fn run(
    example: &str,
    about: &str,
    flags: &[Flag],
    body: impl FnOnce(&Arguments) -> Result<Report, Box<dyn Error>>,
) -> ExitCode {
    let arguments = match Arguments::parse(flags, std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => return fail(&error),
    };
    if arguments.has("help") {
        print!("{}", help(example, about, flags));
        return ExitCode::SUCCESS;
    }
    let outcome = body(&arguments).and_then(|report| Ok(report.json(example)?));
    match outcome {
        Ok(line) => {
            if arguments.json() {
                println!("{line}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => fail(error.as_ref()),
    }
}

fn fail(error: &(dyn Error + 'static)) -> ExitCode {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  caused by: {error}");
        cause = error.source();
    }
    ExitCode::from(if error.is::<ArgumentError>() { 2 } else { 1 })
}
