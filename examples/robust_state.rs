//! Trains a circuit to prepare a state on a noisy device with `RobustState`: Ketline's first job, in one file.
//!
//! `cargo run --release --example robust_state -- --device jakarta --target ghz --shots 1024`

use std::error::Error;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ketline::prelude::*;
use ketline::quantum::device::{CompileOptions, Device, NoiseOptions, NoisyDevice};
use ketline::quantum::robust_state::{
    DeviceLaboratory, Estimation, ExactLaboratory, Laboratory, Loss, NoiseUnaware, Record, RobustState,
    TargetState, Task, coherent_error, noise_unaware,
};
use ketline::quantum::{self, Matrix, linalg};
use ketline_examples::plot::{self, Plot};
use ketline_examples::{Arguments, Flag, Report, Table, progress, run};

// ANCHOR: ansatz
circuit!(
    /// General rotations and CX along a line, three layers deep, closed by rotations.
    pub fn line_ansatz<const N: usize>(q: Qubits<N>, theta: [[[Angle; 3]; N]; 4]) {
        for layer in 0..3 {
            for i in 0..N {
                u(theta[layer][i][0], theta[layer][i][1], theta[layer][i][2], q[i]);
            }
            for i in 0..N - 1 {
                cx(q[i], q[i + 1]);
            }
        }
        for i in 0..N {
            u(theta[3][i][0], theta[3][i][1], theta[3][i][2], q[i]);
        }
    }
);
// ANCHOR_END: ansatz

/// How many qubits the ansatz below is instantiated with.
const WIDTH: usize = 4;

const FLAGS: [Flag; 7] = [
    Flag::value("device", "FILE|NAME", "a calibration file, or the name of a bundled snapshot [manila]"),
    Flag::value("target", "NAME", "ghz, w, fourier or gaussian [w]"),
    Flag::value("shots", "N", "shots a setting; 0 reads states exactly, as only a simulation can [1024]"),
    Flag::value("steps", "N", "training steps [20]"),
    Flag::value("checkpoint", "FILE", "where to keep the state of the run, and to go on from"),
    Flag::value("out", "DIR", "where the plot goes [target/ketline]"),
    Flag::switch("adam", "follow the straight-through gradient with Adam, as the paper does"),
];

fn main() -> ExitCode {
    run("robust_state", "Trains a four-qubit state on a simulated noisy device.", &FLAGS, train)
}

fn train(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let steps = arguments.number("steps", 20, "a whole number >= 1")?;
    let shots = arguments.number("shots", 1024, "a whole number >= 0")?;
    let seed = arguments.seed()?;
    let calibration = calibration(arguments.text("device").unwrap_or("manila"))?;
    for warning in calibration.warnings() {
        eprintln!("note: {warning}");
    }
    let target = TargetState::named(arguments.text("target").unwrap_or("w"), WIDTH)?;

    // ANCHOR: train
    let ansatz = line_ansatz::<WIDTH>()?;
    let task = Task::state(&ansatz, target.clone())?;
    let start = noise_unaware(&task, &NoiseUnaware { seed, ..NoiseUnaware::default() })?;

    let device = NoisyDevice::new(&calibration, NoiseOptions::default())?;
    let options = CompileOptions { seed, ..CompileOptions::default() };
    let exact = ExactLaboratory::new(&device, &task, &options)?;
    let compiled = exact.compiled()[0].clone();
    let on_counts = match shots {
        0 => None,
        _ => Some(DeviceLaboratory::new(&device, &task, Estimation::tomography(shots), &options)?),
    };
    let mut laboratory = Watched { on_counts, exact, target: target.clone(), truth: Vec::new() };
    let method = if arguments.has("adam") {
        RobustState::adam(Loss::DominantEigenvector, steps)
    } else {
        RobustState::newton(steps)
    };
    let checkpoint = arguments.path("checkpoint").map(|path| (path, 1));
    let bar = progress(arguments, "training", steps as u64);
    let trained =
        RobustState { seed, checkpoint, ..method }.train(&task, &mut laboratory, &start, &mut |record| {
            bar.set_message(format!("fidelity {:.4}", record.fidelity));
            bar.inc(1);
            ControlFlow::Continue(())
        })?;
    bar.finish_and_clear();
    // ANCHOR_END: train

    let (before, after) = (laboratory.judge(&start)?, laboratory.judge(&trained.values)?);
    let executions = trained.history.last().map_or(0, |record| record.executions);

    println!(
        "{} on {}, simulated from the calibration of {}",
        target.name(),
        device.target().name(),
        calibration.date()
    );
    println!(
        "{} qubits {:?}, {} entangling gates, {} swaps, {executions} circuits executed\n",
        WIDTH,
        compiled.physical(),
        compiled.entanglers(),
        compiled.swaps()
    );
    let mut table = Table::new(["", "fidelity", "coherent error"]);
    for (name, (fidelity, coherent)) in [("noise-unaware", before), ("RobustState", after)] {
        table.row([name.to_owned(), format!("{fidelity:.4}"), format!("{coherent:.6}")]);
    }
    println!("{table}");
    let path =
        arguments.path("out").unwrap_or_else(|| PathBuf::from("target/ketline")).join("robust_state.svg");
    draw(&path, &trained.history, &laboratory.truth, shots)?;
    println!("plot: {}", path.display());

    let mut report = Report::new();
    report.metric("fidelity_before", before.0).metric("fidelity_after", after.0);
    report.metric("coherent_error_before", before.1).metric("coherent_error_after", after.1);
    report.metric("coherent_ratio", before.1 / after.1.max(f64::EPSILON));
    report.metric("executions", executions as f64);
    Ok(report)
}

/// A bundled snapshot by name, or a file.
fn calibration(device: &str) -> ketline::Result<quantum::device::Calibration> {
    use quantum::device::Calibration;
    if Calibration::bundled_names().any(|name| name == device) {
        Calibration::bundled(device)
    } else {
        Calibration::read(device)
    }
}

/// Estimates states from counts, or reads them where there are no shots, and keeps what is true at each step, as only a
/// simulation can tell.
struct Watched<'d> {
    on_counts: Option<DeviceLaboratory<'d>>,
    exact: ExactLaboratory<'d>,
    target: TargetState,
    /// Fidelity and coherent error.
    truth: Vec<(f64, f64)>,
}

impl Watched<'_> {
    /// Fidelity and coherent error of what the device prepares.
    fn judge(&mut self, values: &[f64]) -> ketline::Result<(f64, f64)> {
        let states = self.exact.densities(values, 0)?;
        let t = self.target.amplitudes();
        Ok((linalg::state_fidelity(&states[0], t)?, coherent_error(&states[0], t)?))
    }
}

impl Laboratory for Watched<'_> {
    fn densities(&mut self, values: &[f64], seed: u64) -> ketline::Result<Vec<Matrix>> {
        let truth = self.judge(values)?;
        self.truth.push(truth);
        match &mut self.on_counts {
            Some(device) => device.densities(values, seed),
            None => self.exact.densities(values, seed),
        }
    }

    fn executions(&self) -> usize {
        self.on_counts.as_ref().map_or(0, Laboratory::executions)
    }
}

fn draw(path: &Path, history: &[Record], truth: &[(f64, f64)], shots: usize) -> Result<(), Box<dyn Error>> {
    let measured =
        |of: fn(&Record) -> f64| history.iter().map(move |record| (record.step as f64, of(record)));
    // a run that went on from a checkpoint has seen its later steps only
    let first = history.len() - truth.len().min(history.len());
    let real =
        |of: fn(&(f64, f64)) -> f64| truth.iter().enumerate().map(move |(k, t)| ((first + k) as f64, of(t)));
    let mut fidelity = Plot::new("RobustState on a simulated device", "step", "fidelity")
        .line("fidelity", real(|(fidelity, _)| *fidelity));
    let mut coherent = Plot::new("", "step", "coherent error")
        .logarithmic()
        .line("coherent error", real(|(_, coherent)| *coherent));
    if shots > 0 {
        let name = format!("as measured with {shots} shots a setting");
        fidelity = fidelity.dashed(&name, measured(|record| record.fidelity));
        coherent = coherent.dashed(&name, measured(|record| record.coherent_error));
    }
    Ok(plot::write(path, &[fidelity, coherent])?)
}
