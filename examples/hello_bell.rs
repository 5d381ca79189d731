//! Hello Bell: declares a circuit, draws it and runs it.
//!
//! ```text
//! cargo run --release --example hello_bell
//! ```

use std::process::ExitCode;

use ketline::prelude::*;
use ketline::quantum::file;
use ketline_examples::{Flag, OUT, Report, run};

// ANCHOR: bell
circuit!(
    /// Prepares and measures a Bell pair.
    pub fn bell(q: Qubits<2>) -> Bits<2> {
        h(q[0]);
        cx(q[0], q[1]);
        measure(q)
    }
);
// ANCHOR_END: bell

const FLAGS: [Flag; 2] = [Flag::value("shots", "N", "how often the circuit is run [1000]"), OUT];

fn main() -> ExitCode {
    run("hello_bell", "Prepares and measures a Bell pair.", &FLAGS, |arguments| {
        let shots = arguments.number("shots", 1000, "a whole number >= 1")?;
        let picture = arguments.out()?.join("bell.svg");

        let bell = bell()?;
        print!("{bell}");
        file::write(&picture, &bell.to_svg())?;
        let counts = StateVector::new().sample(&bell, &[], shots, arguments.seed()?)?;
        println!("{counts}\ndrawn in {}", picture.display());

        let mut report = Report::new();
        report.metric("shots", counts.total() as f64);
        report.metric("equal", counts.frequency(0b00) + counts.frequency(0b11));
        Ok(report)
    })
}
