//! `RobustState` at pulse level: pulses that learn what their device does wrong, with gradients of a model that does not know.
//!
//! ```text
//! cargo run --release --example robust_pulse
//! cargo run --release --example robust_pulse -- --device nairobi --shots 4096
//! ```

use std::error::Error;
use std::f64::consts::PI;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use ketline::quantum::device::{Calibration, Hamiltonian, PulseDefaults};
use ketline::quantum::linalg::state_fidelity;
use ketline::quantum::optimise::{Lbfgs, Schedule as Rate};
use ketline::quantum::pulse::transmon::Transmons;
use ketline::quantum::robust_state::{
    Estimation, Laboratory, Loss, Preparation, PulseLaboratory, PulseTask, Record, RobustState, TargetState,
    Trained, Update, coherent_error,
};
use ketline_examples::{Arguments, Flag, OUT, Plot, Report, Table, plot, progress, run};

const FLAGS: [Flag; 7] = [
    Flag::value("device", "NAME", "manila, nairobi or jakarta [manila]"),
    Flag::value("target", "NAME", "ghz, w, fourier or gaussian [ghz]"),
    Flag::value("steps", "N", "training steps [15]"),
    Flag::value("unaware", "N", "steps of the training on the model, which is unaware of the device [300]"),
    Flag::value("shots", "N", "shots a setting; 0 reads states exactly, as only a simulation can [4096]"),
    Flag::value("sigma", "X", "spread of the errors of drives, control lines and couplings [0.05]"),
    OUT,
];

/// Infidelity on the model at which the training on it ends.
const GOOD: f64 = 1e-5;

/// Bounds of a phase.
const TURNS: (f64, f64) = (-4.0 * PI, 4.0 * PI);

/// Of Gauss-Newton: among pulses some directions in which a state has to move answer weakly.
const DAMPING: f64 = 1e-3;

/// The rate of Adam: small, as amplitudes turn by tens of radians.
const RATE: f64 = 1e-3;

fn main() -> ExitCode {
    run("robust_pulse", "Pulses trained on a device with gradients of its model.", &FLAGS, body)
}

fn body(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let name = arguments.text("device").unwrap_or("manila");
    let steps = arguments.number("steps", 15, "a whole number >= 1")?;
    let alone = arguments.number("unaware", 300, "a whole number >= 1")?;
    let shots = arguments.number("shots", 4096, "a whole number >= 0")?;
    let sigma = arguments.number("sigma", 0.05, "a number >= 0")?;
    let (seed, out) = (arguments.seed()?, arguments.out()?);
    let pair = if name == "nairobi" { [6, 5] } else { [0, 1] };
    let target = TargetState::named(arguments.text("target").unwrap_or("ghz"), 2)?;

    // ANCHOR: task
    // Published pulses, every amplitude and phase free, on the device as it is believed to be
    let defaults = PulseDefaults::bundled(name)?;
    let dt = defaults.target().dt();
    let [a, b] = pair.map(|qubit| defaults.schedule("sx", &[qubit]));
    let layer = a?.then(&b?)?;
    let program = layer.then(&defaults.schedule("cx", &pair)?)?.then(&layer)?;
    let (schedule, published) = program.trainable("pulse", &[])?;
    let hamiltonian = Hamiltonian::bundled(name)?;
    let model = Transmons::new(&hamiltonian, &pair, 3)?;
    let task = PulseTask::state(&model, &schedule, dt, target.clone(), &published)?;
    // ANCHOR_END: task

    let bar = progress(arguments, "on the model", alone as u64);
    // amplitudes come first, then phases
    let pulses = published.len() / 2;
    let bounds = [vec![(-1.0, 1.0); pulses], vec![TURNS; pulses]].concat();
    let method = Lbfgs { first: 0.01, goal: GOOD, bounds, ..Lbfgs::new(alone) };
    let unaware = method.minimise(&published, |values| {
        bar.inc(1);
        let found = task.ideal(values)?;
        Ok((found.value, found.gradient))
    })?;
    bar.finish_and_clear();

    // ANCHOR: train
    // The device as it is: drives, lines and couplings are off, and qubits relax
    let calibration = Calibration::bundled(name)?;
    let device =
        Transmons::new(&hamiltonian.miscalibrated(sigma, seed)?, &pair, 3)?.with_calibration(&calibration)?;
    let exact = PulseLaboratory::exact(&device, &schedule, dt)?;
    let confusion = pair.iter().map(|&qubit| calibration.qubits()[qubit].confusion()).collect();
    let mut laboratory = match shots {
        0 => exact.clone(),
        _ => exact.clone().with_tomography(Estimation::tomography(shots), confusion)?,
    };
    let bar = progress(arguments, "on the device", (1 + 4 + 4) * steps as u64);
    let run = |method: RobustState, laboratory: &mut PulseLaboratory| {
        RobustState { seed, ..method }.train(&task, laboratory, &unaware.parameters, &mut |record| {
            bar.set_message(format!("fidelity {:.4}", record.fidelity));
            bar.inc(1);
            ControlFlow::Continue(())
        })
    };
    let newton =
        RobustState { update: Update::GaussNewton { damping: DAMPING }, ..RobustState::newton(steps) };
    let trained = run(newton, &mut laboratory)?;
    // ANCHOR_END: train
    let rate = Rate::cosine(RATE, 4 * steps);
    let slow = |loss| RobustState { rate, ..RobustState::adam(loss, 4 * steps) };
    let adam = run(slow(Loss::DominantEigenvector), &mut laboratory)?;
    let control = run(slow(Loss::Fidelity), &mut laboratory)?;
    bar.finish_and_clear();

    println!(
        "{} on simulated {name} {}-{}, figures off by {:.0} %; {} pulses of {} dt, {} parameters; {} settings a step",
        target.name(),
        pair[0],
        pair[1],
        100.0 * sigma,
        schedule.parameters().len() / 2,
        schedule.duration(dt)?,
        schedule.parameters().len(),
        laboratory.executions()
    );
    let judge = |values: &[f64]| {
        let rho = exact.density(values)?;
        let fidelity = state_fidelity(&rho, target.amplitudes())?;
        Ok::<_, ketline::Error>((fidelity, coherent_error(&rho, target.amplitudes())?))
    };
    let mut table = Table::new(["", "steps", "fidelity", "coherent error"]);
    let mut report = Report::new();
    let start = judge(&unaware.parameters)?;
    for (label, key, values, steps) in [
        ("trained on the model alone", "unaware", &unaware.parameters, 0),
        ("RobustState, Gauss-Newton", "newton", &trained.values, steps),
        ("RobustState, Adam", "adam", &adam.values, 4 * steps),
        ("control: a loss that ignores the device", "control", &control.values, 4 * steps),
    ] {
        task.check(values)?;
        let (fidelity, coherent) = judge(values)?;
        table.row([label.to_owned(), steps.to_string(), format!("{fidelity:.4}"), format!("{coherent:.6}")]);
        report.metric(format!("fidelity_{key}"), fidelity).metric(format!("coherent_error_{key}"), coherent);
    }
    println!("{table}");
    let ratio = start.1 / judge(&trained.values)?.1.max(f64::EPSILON);
    println!(
        "on the model the start is off by {:.1e}; the coherent error falls by a factor of {ratio:.1}",
        unaware.value
    );
    report.metric("coherent_ratio", ratio).metric("model_infidelity", unaware.value);

    draw(&out, &trained, &adam, &control)?;
    println!("plotted in {}", out.join("robust_pulse.svg").display());
    Ok(report)
}

fn draw(out: &Path, newton: &Trained, adam: &Trained, control: &Trained) -> Result<(), Box<dyn Error>> {
    let line = |trained: &Trained, of: fn(&Record) -> f64| {
        trained.history.iter().map(|record| (record.step as f64, of(record))).collect::<Vec<_>>()
    };
    let fidelity = Plot::new("RobustState with pulses on a simulated device", "step", "measured fidelity")
        .line("Gauss-Newton", line(newton, |r| r.fidelity))
        .line("Adam", line(adam, |r| r.fidelity))
        .dashed("control", line(control, |r| r.fidelity));
    let floor = |r: &Record| r.coherent_error.max(1e-9);
    let coherent = Plot::new("", "step", "measured coherent error")
        .logarithmic()
        .line("Gauss-Newton", line(newton, floor))
        .line("Adam", line(adam, floor))
        .dashed("control", line(control, floor));
    Ok(plot::write(&out.join("robust_pulse.svg"), &[fidelity, coherent])?)
}
