//! Everything that `RobustState` claims, in one table: ten devices, four states, every loss, finite shots, shadows, and
//! the baselines with equal device executions. All of it simulated.
//!
//! `cargo run --release --example robust_state_table` (minutes; `--small` for a look)

use std::error::Error;
use std::ops::ControlFlow;
use std::process::ExitCode;

use ketline::quantum::device::{
    Calibration, CompileOptions, Layout, NoiseOptions, NoisyDevice, Region, Target, compile,
};
use ketline::quantum::gradient::ShiftRule;
use ketline::quantum::optimise::Schedule;
use ketline::quantum::robust_state::baseline::{
    InverseFidelity, cobyla, exact_gradient, parameter_shift, random_start, spsa,
};
use ketline::quantum::robust_state::{
    DeviceLaboratory, Estimation, ExactLaboratory, Laboratory, Loss, NoiseUnaware, RobustState, TargetState,
    Task, arithmetic, coherent_error, noise_unaware,
};
use ketline::quantum::{ansatz, linalg};
use ketline_examples::{Arguments, Flag, Report, Table, progress, run};
use rayon::prelude::*;

/// Snapshots of 5-, 7- and 16-qubit machines that list a static ZZ.
const DEVICES: [&str; 10] =
    ["manila", "jakarta", "quito", "lima", "belem", "santiago", "nairobi", "lagos", "perth", "guadalupe"];

/// Steps of every run on exact states, and of the exact gradient that it is compared with.
const STEPS: usize = 60;
/// Gauss-Newton steps of a run on counts.
const SHOT_STEPS: usize = 15;
const SHOTS: usize = 1024;

const FLAGS: [Flag; 2] = [
    Flag::switch("small", "two devices, one state, four qubits: a look, not the figures"),
    Flag::value("qubits", "N", "only the states of 4 or 5 qubits"),
];

fn main() -> ExitCode {
    run("robust_state_table", "Prints all figures of RobustState (simulated).", &FLAGS, table)
}

/// Fidelity and coherent error of what a device prepares.
#[derive(Debug, Clone, Copy, Default)]
struct Quality {
    fidelity: f64,
    coherent: f64,
}

/// One state on one device.
#[derive(Debug, Clone, Default)]
struct Row {
    device: &'static str,
    width: usize,
    state: &'static str,
    before: Quality,
    newton: Quality,
    adam: Quality,
    frobenius: Quality,
    control: Quality,
    exact: Quality,
    exact_long: Quality,
    tomography: Quality,
    shadows: Quality,
    /// What stands against the baselines, and the executions that it took: at 5 qubits the run on shadows.
    ours: Quality,
    executions: usize,
    baselines: Vec<(&'static str, f64)>,
}

fn table(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let seed = arguments.seed()?;
    let small = arguments.has("small");
    let only: Option<usize> = match arguments.text("qubits") {
        Some(_) => Some(arguments.number("qubits", 4, "4 or 5")?),
        None => None,
    };
    let (devices, states) = if small {
        (&DEVICES[..2], &TargetState::NAMES[1..2])
    } else {
        (&DEVICES[..], &TargetState::NAMES[..])
    };
    let widths = [4, 5].into_iter().filter(|width| only.map_or(!small || *width == 4, |only| only == *width));
    let mut all = Vec::new();
    for width in widths {
        let cases: Vec<_> =
            devices.iter().flat_map(|device| states.iter().map(move |state| (*device, *state))).collect();
        let bar = progress(arguments, &format!("{width} qubits"), cases.len() as u64);
        let rows = cases
            .par_iter()
            .map(|(device, state)| {
                let row =
                    case(width, device, state, seed).map_err(|error| format!("{device}, {state}: {error}"));
                bar.inc(1);
                row
            })
            .collect::<Result<Vec<_>, _>>()?;
        bar.finish_and_clear();
        let here: Vec<_> = rows.iter().collect();
        print_training(width, &here);
        print_baselines(width, &here);
        all.extend(rows);
    }
    if all.is_empty() {
        return Err("no states of that many qubits: 4 or 5".into());
    }
    Ok(report(&all))
}

/// Trains one state on one device in every way.
fn case(width: usize, device: &'static str, state: &'static str, seed: u64) -> ketline::Result<Row> {
    let calibration = Calibration::bundled(device)?;
    let region = Region::best(&calibration, width)?;
    let target = TargetState::named(state, width)?;
    let task = Task::state(&ansatz::u_cx(width, &region.edges, width - 1)?, target.clone())?;
    let noisy = NoisyDevice::new(&calibration, NoiseOptions::default())?;
    let options =
        CompileOptions { layout: Layout::Fixed(region.qubits.clone()), ..CompileOptions::default() };
    let exact = || ExactLaboratory::new(&noisy, &task, &options);
    let mut judge = exact()?;
    let mut quality = |values: &[f64]| -> ketline::Result<Quality> {
        let rho = judge.densities(values, 0)?.swap_remove(0);
        Ok(Quality {
            fidelity: linalg::state_fidelity(&rho, target.amplitudes())?,
            coherent: coherent_error(&rho, target.amplitudes())?,
        })
    };
    let start = noise_unaware(&task, &NoiseUnaware { seed, ..NoiseUnaware::default() })?;
    let train = |settings: RobustState, laboratory: &mut dyn Laboratory| {
        RobustState { seed, ..settings }.train(&task, laboratory, &start, &mut |_| ControlFlow::Continue(()))
    };
    let on_exact = |settings| train(settings, &mut exact()?);
    let on_counts = |estimation| {
        let mut laboratory = DeviceLaboratory::new(&noisy, &task, estimation, &options)?;
        train(RobustState::newton(SHOT_STEPS), &mut laboratory)
    };
    let reference = |steps| exact_gradient(&task, &exact()?, &start, Schedule::cosine(0.02, steps), steps);
    let by_tomography = on_counts(Estimation::tomography(SHOTS))?;
    let by_shadows = on_counts(Estimation::shadows(3_usize.pow(width as u32 - 1), SHOTS))?;
    let by_counts = if width == 4 { &by_tomography } else { &by_shadows };
    let mut row = Row {
        device,
        width,
        state,
        before: quality(&start)?,
        newton: quality(&on_exact(RobustState::newton(STEPS))?.values)?,
        adam: quality(&on_exact(RobustState::adam(Loss::DominantEigenvector, STEPS))?.values)?,
        frobenius: quality(&on_exact(RobustState::adam(Loss::Frobenius, STEPS))?.values)?,
        control: quality(&on_exact(RobustState::adam(Loss::Fidelity, STEPS))?.values)?,
        exact: quality(&reference(STEPS)?)?,
        exact_long: quality(&reference(5 * STEPS)?)?,
        tomography: quality(&by_tomography.values)?,
        shadows: quality(&by_shadows.values)?,
        ours: quality(&by_counts.values)?,
        executions: by_counts.history.last().map_or(0, |record| record.executions),
        baselines: Vec::new(),
    };

    // the same number of executions with the same number of shots for everyone
    let budget = row.executions;
    let rule = ShiftRule::new(task.cases()[0].circuit())?;
    let undone = |circuit| InverseFidelity::new(&noisy, circuit, &target, &region, SHOTS);
    let (mut shifted, mut asked) = (undone(rule.circuit())?, undone(task.cases()[0].circuit())?);
    let scratch = random_start(&task, seed);
    let prepared = compile(&arithmetic(&target)?, &Target::from(&calibration), &CompileOptions::default())?;
    let decomposed = linalg::state_fidelity(&noisy.density(&prepared, &[])?, target.amplitudes())?;
    row.baselines.push(("arithmetic", decomposed));
    row.baselines.push(("unaware", row.before.fidelity));
    for (names, from, rate) in [
        (["shift, scratch", "spsa, scratch", "cobyla, scratch"], &scratch, 0.1),
        (["shift, tuned", "spsa, tuned", "cobyla, tuned"], &start, 0.02),
    ] {
        let ends = [
            parameter_shift(&rule, &mut shifted, from, rate, budget, seed)?,
            spsa(&mut asked, from, budget, seed)?,
            cobyla(&mut asked, from, budget, seed)?,
        ];
        for (name, end) in names.iter().zip(ends) {
            row.baselines.push((name, quality(&end)?.fidelity));
        }
    }
    Ok(row)
}

fn print_training(width: usize, rows: &[&Row]) {
    println!(
        "\n{width} qubits, simulated: fidelity / coherent error, {STEPS} steps on exact states, then {SHOT_STEPS} on counts"
    );
    let mut table = Table::new([
        "device",
        "state",
        "unaware",
        "control",
        "L2",
        "Adam",
        "Newton",
        "exact gradient",
        "1024 shots",
        "shadows",
    ]);
    let show = |q: Quality| format!("{:.4} {:.1e}", q.fidelity, q.coherent);
    for row in rows {
        let all = [
            row.before,
            row.control,
            row.frobenius,
            row.adam,
            row.newton,
            row.exact,
            row.tomography,
            row.shadows,
        ];
        table.row([row.device.to_owned(), row.state.to_owned()].into_iter().chain(all.map(show)));
    }
    println!("{table}");
}

fn print_baselines(width: usize, rows: &[&Row]) {
    println!(
        "{width} qubits, simulated: mean fidelity at {} executions of {SHOTS} shots; the baselines undo the target and \
         count zeros, one execution an estimate",
        rows[0].executions
    );
    let names = rows[0].baselines.iter().map(|(name, _)| *name);
    let mut table = Table::new(["device", "RobustState"].into_iter().chain(names));
    for (device, rows) in by_device(rows) {
        let ours = mean(&rows, |row| row.ours.fidelity);
        let theirs = (0..rows[0].baselines.len()).map(|k| mean(&rows, |row| row.baselines[k].1));
        let cells = std::iter::once(ours).chain(theirs).map(|fidelity| format!("{fidelity:.4}"));
        table.row(std::iter::once(device.to_owned()).chain(cells));
    }
    println!("{table}");
}

fn report(rows: &[Row]) -> Report {
    let mut report = Report::new();
    for (width, name) in [(4, "4q"), (5, "5q")] {
        let rows: Vec<_> = rows.iter().filter(|row| row.width == width).collect();
        if rows.is_empty() {
            continue;
        }
        report.metric(format!("coherent_ratio_mean_{name}"), ratio(&rows, |row| row.newton.coherent));
        report.metric(format!("coherent_ratio_adam_mean_{name}"), ratio(&rows, |row| row.adam.coherent));
        let paper = |row: &Row| {
            let from_scratch = row.baselines.iter().filter(|(name, _)| !name.ends_with("tuned"));
            let (sum, count) =
                from_scratch.fold((0.0, 0.0), |(sum, count), (_, fidelity)| (sum + fidelity, count + 1.0));
            sum / count
        };
        let gain = mean(&rows, |row| row.ours.fidelity) / mean(&rows, paper) - 1.0;
        report.metric(format!("relative_gain_{name}"), gain);
    }
    let four: Vec<_> = rows.iter().filter(|row| row.width == 4).collect();
    let five: Vec<_> = rows.iter().filter(|row| row.width == 5).collect();
    for device in ["manila", "jakarta"] {
        let rows: Vec<_> = four.iter().copied().filter(|row| row.device == device).collect();
        if rows.is_empty() {
            continue;
        }
        report.metric(format!("coherent_ratio_{device}"), ratio(&rows, |row| row.newton.coherent));
        report.metric(format!("coherent_ratio_shots_{device}"), ratio(&rows, |row| row.tomography.coherent));
    }
    let gain =
        |rows: &[&Row], of: fn(&Row) -> Quality| mean(rows, |row| of(row).fidelity - row.before.fidelity);
    if !four.is_empty() {
        let exact = gain(&four, |row| row.exact);
        report.metric("gain_over_exact_mean", gain(&four, |row| row.newton) / exact);
        report.metric("gain_over_exact_adam", gain(&four, |row| row.adam) / exact);
        report.metric(
            "gain_over_exact_long",
            gain(&four, |row| row.newton) / gain(&four, |row| row.exact_long),
        );
    }
    let delta = |row: &Row| (row.control.fidelity - row.before.fidelity).abs();
    report.metric("control_delta_max", rows.iter().map(delta).fold(0.0, f64::max));
    let margins = [&four, &five].into_iter().flat_map(|rows| by_device(rows)).map(|(_, rows)| {
        let best =
            (0..rows[0].baselines.len()).map(|k| mean(&rows, |row| row.baselines[k].1)).fold(0.0, f64::max);
        mean(&rows, |row| row.ours.fidelity) - best
    });
    report.metric("baseline_margin_min", margins.fold(f64::INFINITY, f64::min));
    // five qubits where there are any: there a third of the settings counts
    let rows = if five.is_empty() { &four } else { &five };
    report.metric("shadow_gain_ratio", gain(rows, |row| row.shadows) / gain(rows, |row| row.tomography));
    report.metric("shadow_settings_ratio", 1.0 / 3.0);
    report
}

fn by_device<'a>(rows: &[&'a Row]) -> Vec<(&'static str, Vec<&'a Row>)> {
    let here = DEVICES
        .iter()
        .map(|device| (*device, rows.iter().copied().filter(|row| row.device == *device).collect()));
    here.filter(|(_, rows): &(_, Vec<_>)| !rows.is_empty()).collect()
}

fn mean(rows: &[&Row], of: impl Fn(&Row) -> f64) -> f64 {
    rows.iter().map(|row| of(row)).sum::<f64>() / rows.len() as f64
}

/// The mean coherent error before over that after: a mean of ratios would be ruled by the luckiest case.
fn ratio(rows: &[&Row], after: impl Fn(&Row) -> f64) -> f64 {
    mean(rows, |row| row.before.coherent) / mean(rows, after)
}
