//! The hydrogen molecule at pulse level: VQE with published pulses, and the noise taken out with their reverse.
//!
//! ```text
//! cargo run --release --example zne_h2
//! cargo run --release --example zne_h2 -- --lengths all --shots 4096
//! ```

mod cached;
mod fidelity;
mod molecule;
mod vqe;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use ketline::quantum::mitigation::{Axis, Fit, Mitigated, Shots, Zne};
use ketline_examples::{Arguments, Flag, OUT, Plot, Report, Table, plot, progress, run};
use rayon::prelude::*;

use cached::Cached;
use fidelity::{fidelities, pairs};
use molecule::{Molecule, molecules};
use vqe::{DEVICES, Device, Trained, train};

/// The bond length at which devices are compared.
const EQUILIBRIUM: f64 = 0.735;

// ANCHOR: declared
/// The fit by which this example is judged. It was chosen before the devices were run.
fn declared() -> Zne {
    Zne { folds: vec![0, 1, 2], fit: Fit::Richardson, axis: Axis::Folds, subtract_drift: false }
}
// ANCHOR_END: declared

/// Everything that is compared with it.
fn fits() -> Vec<(&'static str, Zne)> {
    let zne = |folds: &[usize], fit, axis| Zne { folds: folds.to_vec(), fit, axis, subtract_drift: false };
    let free = Fit::Exponential { asymptote: None };
    vec![
        ("linear 1, 3", zne(&[0, 1], Fit::Linear, Axis::Folds)),
        ("Richardson 1, 3, 5", declared()),
        ("exponential 1, 3, 5", zne(&[0, 1, 2], free, Axis::Folds)),
        ("adaptive KIK 1, 3, 5", zne(&[0, 1, 2], Fit::AdaptiveKik { floor: None }, Axis::Folds)),
        ("linear, measured axis", zne(&[0, 1], Fit::Linear, Axis::Return)),
        ("Richardson, measured axis", zne(&[0, 1, 2], Fit::Richardson, Axis::Return)),
        (
            "linear 1, 3, drift subtracted",
            Zne { subtract_drift: true, ..zne(&[0, 1], Fit::Linear, Axis::Folds) },
        ),
        ("Richardson, drift subtracted", Zne { subtract_drift: true, ..declared() }),
    ]
}

const FLAGS: [Flag; 8] = [
    Flag::value("devices", "N", "how many devices [7]"),
    Flag::value("lengths", "all|1", "bond lengths on the first device [all]"),
    Flag::value("steps", "N", "steps of training [250]"),
    Flag::value("pulses", "N", "random pulses whose fidelity is estimated; 0 leaves them out [24]"),
    Flag::value("shots", "N", "shots a setting of the repeated runs; 0 leaves them out [16384]"),
    Flag::value("evaluations", "N", "evaluations of the gradient-free training; 0 leaves it out [350]"),
    Flag::switch("reversible", "train pulses that their reverse undoes"),
    OUT,
];

fn main() -> ExitCode {
    run("zne_h2", "H2 with pulses, and the noise taken out with their reverse.", &FLAGS, body)
}

fn body(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let expected = "a whole number";
    let count = arguments.number("devices", DEVICES.len(), expected)?.clamp(1, DEVICES.len());
    let steps = arguments.number("steps", 250, expected)?;
    let pulses: usize = arguments.number("pulses", 24, expected)?;
    let shots: usize = arguments.number("shots", 16_384, expected)?;
    let evaluations: usize = arguments.number("evaluations", 350, expected)?;
    let (seed, out) = (arguments.seed()?, arguments.out()?);
    let molecules = molecules()?;
    let equilibrium = molecules.iter().find(|m| m.length == EQUILIBRIUM).ok_or("no H2 at 0.735 angstrom")?;
    let mut report = Report::new();

    println!("Simulated devices: transmons of three levels with the T1 and T2 of published calibrations.\n");
    pairs(&mut report)?;

    let bar = progress(arguments, "devices", count as u64);
    let devices: Vec<Device> =
        DEVICES[..count].iter().map(|(name, pair)| Device::new(name, *pair)).collect::<Result<_, _>>()?;
    let trained: Vec<Trained> = devices
        .par_iter()
        .map(|device| {
            let trained = train(device, equilibrium, steps, seed, None, arguments.has("reversible"));
            bar.inc(1);
            trained
        })
        .collect::<Result<_, _>>()?;
    bar.finish_and_clear();
    let judged = compare(&devices, &trained, equilibrium, &mut report)?;
    if shots > 0 {
        repeat(&devices[0], &trained[0], equilibrium, (shots, seed), &mut report)?;
    }
    if evaluations > 0 {
        let (device, start) = (&devices[0], &trained[0]);
        let found = vqe::gradient_free(device, equilibrium, evaluations, seed)?;
        println!(
            "gradient-free on {}: {:.2} mHa above the exact energy, noise included, after {} evaluations; with gradients of the \
             noiseless model {:.2}\n",
            device.name,
            1e3 * (found.value - equilibrium.exact),
            found.evaluations,
            1e3 * (judged[0].values[0].value - equilibrium.exact),
        );
        report.metric("vqe_gradient_mha", 1e3 * (start.energy - equilibrium.exact));
        report.metric("vqe_gradient_free_mha", 1e3 * (found.value - equilibrium.exact));
    }
    if pulses > 0 {
        fidelities(arguments, pulses, seed, &out, &mut report)?;
    }
    let lengths: Vec<&Molecule> = match arguments.text("lengths") {
        Some("1") => vec![equilibrium],
        _ => molecules.iter().collect(),
    };
    curve(arguments, &devices[0], &lengths, (&trained[0], steps, seed), &out, &mut report)?;
    draw_points(&devices, &judged, equilibrium, &out)?;
    println!("plotted in {}", out.join("zne_h2.svg").display());
    Ok(report)
}

/// 1 - |mitigated - exact| / |raw - exact|.
fn reduction(found: &Mitigated, exact: f64) -> f64 {
    1.0 - (found.estimate().value - exact).abs() / (found.values[0].value - exact).abs()
}

/// All fits on all devices.
fn compare(
    devices: &[Device],
    trained: &[Trained],
    molecule: &Molecule,
    report: &mut Report,
) -> Result<Vec<Mitigated>, Box<dyn Error>> {
    let fits = fits();
    let rows: Vec<Vec<Option<Mitigated>>> = devices
        .par_iter()
        .zip(trained)
        .map(|(device, trained)| {
            let mut experiment = device.experiment(&trained.values, &molecule.observable()?)?;
            let mut cached = Cached::new(&mut experiment);
            fits.iter()
                .map(|(_, zne)| match zne.run(&mut cached) {
                    // Where folds come back better than the pulses themselves, returning is no measure of noise.
                    Err(ketline::Error::Extrapolation { .. }) => Ok(None),
                    other => other.map(Some),
                })
                .collect::<ketline::Result<_>>()
        })
        .collect::<Result<_, _>>()?;
    let judged: Vec<Mitigated> = rows
        .iter()
        .map(|row| row[1].clone().ok_or("the declared fit asks for nothing that can fail"))
        .collect::<Result<_, _>>()?;
    list_devices(devices, trained, &judged, molecule)?;
    let mut header = vec!["reduction, %".to_owned()];
    header.extend(devices.iter().map(|device| device.name.to_owned()));
    header.extend(["mean".to_owned(), "least".to_owned()]);
    let mut table = Table::new(header);
    for (number, (name, _)) in fits.iter().enumerate() {
        let list: Vec<Option<f64>> = rows
            .iter()
            .map(|row| row[number].as_ref().map(|found| reduction(found, molecule.exact)))
            .collect();
        let known: Vec<f64> = list.iter().flatten().copied().collect();
        let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
        let least = known.iter().copied().fold(f64::INFINITY, f64::min);
        let mut cells = vec![(*name).to_owned()];
        let percent = |x: &Option<f64>| x.map_or("-".to_owned(), |x| format!("{:.1}", 100.0 * x));
        cells.extend(list.iter().chain([&Some(mean), &Some(least)]).map(percent));
        table.row(cells);
        match number {
            1 => {
                report.metric("reduction_mean", mean).metric("reduction_min", least);
            }
            0 | 3 | 5 => {
                report.metric(
                    ["reduction_linear", "", "", "reduction_kik", "", "reduction_measured_axis"][number],
                    mean,
                );
            }
            7 => {
                report.metric("reduction_drift_mean", mean);
                if let Some(place) = devices.iter().position(|device| device.name == "nairobi") {
                    report.metric("reduction_nairobi_drift", list[place].unwrap_or(f64::NEG_INFINITY));
                }
            }
            _ => {}
        }
    }
    print!("{table}");
    let ideal: Vec<f64> = judged
        .iter()
        .zip(trained)
        .map(|(found, trained)| {
            let raw = (found.values[0].value - trained.energy).abs();
            1.0 - (found.estimate().value - trained.energy).abs() / raw
        })
        .collect();
    let mean = ideal.iter().sum::<f64>() / ideal.len() as f64;
    println!(
        "against the noiseless energy of the same pulses, the declared fit takes away {:.1} % on average\n",
        100.0 * mean
    );
    report.metric("reduction_ideal_mean", mean);
    Ok(judged)
}

/// Energies of each device.
fn list_devices(
    devices: &[Device],
    trained: &[Trained],
    judged: &[Mitigated],
    molecule: &Molecule,
) -> ketline::Result<()> {
    let mut table = Table::new([
        "H2 at 0.735 angstrom",
        "pulses",
        "noiseless",
        "raw",
        "drift",
        "declared",
        "left",
        "helps",
    ]);
    let milli = |x: f64| format!("{:.2}", 1e3 * x);
    for ((device, trained), found) in devices.iter().zip(trained).zip(judged) {
        table.row([
            format!("{} {}-{}", device.name, device.pair[0], device.pair[1]),
            format!("{} dt", device.ansatz.duration(device.dt)?),
            milli(trained.energy - molecule.exact),
            milli(found.values[0].value - molecule.exact),
            milli(found.drift[1]),
            format!("{:.1} %", 100.0 * reduction(found, molecule.exact)),
            milli(found.estimate().value - molecule.exact),
            if found.forecast.helps() { "yes".to_owned() } else { "no".to_owned() },
        ]);
    }
    println!(
        "Energies above the exact one and the drift E(3) - E(1) of noiseless folds, in mHa; reduction by the declared fit:"
    );
    print!("{table}");
    println!();
    Ok(())
}

/// The same experiment with shots and misread qubits, with many seeds.
fn repeat(
    device: &Device,
    trained: &Trained,
    molecule: &Molecule,
    (shots, seed): (usize, u64),
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    const SEEDS: u64 = 20;
    let experiment = device.experiment(&trained.values, &molecule.observable()?)?;
    let runs: Vec<Mitigated> = (0..SEEDS)
        .into_par_iter()
        .map(|k| {
            let shots =
                Shots { count: shots, confusion: device.confusion.clone(), seed: seed.wrapping_add(k) };
            declared().run(&mut experiment.clone().with_shots(shots)?)
        })
        .collect::<ketline::Result<_>>()?;
    let spread = |of: &dyn Fn(&Mitigated) -> f64| {
        let list: Vec<f64> = runs.iter().map(of).collect();
        let mean = list.iter().sum::<f64>() / list.len() as f64;
        let square = list.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (list.len() - 1) as f64;
        (1e3 * mean, 1e3 * square.sqrt())
    };
    let raw = spread(&|run| run.values[0].value - molecule.exact);
    let mitigated = spread(&|run| run.estimate().value - molecule.exact);
    let guarded = spread(&|run| run.guarded().value - molecule.exact);
    let helped = runs.iter().filter(|run| run.forecast.helps()).count();
    println!(
        "{} with {shots} shots a setting, readout errors undone, {SEEDS} seeds, mHa above exact: raw {:.2} ± {:.2}, mitigated \
         {:.2} ± {:.2}; the guard lets {helped} of {SEEDS} through and then leaves {:.2} ± {:.2}\n",
        device.name, raw.0, raw.1, mitigated.0, mitigated.1, guarded.0, guarded.1
    );
    report.metric("shots_raw_mha", raw.0).metric("shots_mitigated_mha", mitigated.0);
    report.metric("shots_mitigated_deviation_mha", mitigated.1);
    Ok(())
}

/// The molecule pulled apart.
fn curve(
    arguments: &Arguments,
    device: &Device,
    molecules: &[&Molecule],
    (known, steps, seed): (&Trained, usize, u64),
    out: &Path,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let bar = progress(arguments, "bond lengths", molecules.len() as u64);
    let points: Vec<(f64, f64, Mitigated)> = molecules
        .par_iter()
        .map(|molecule| {
            let trained =
                train(device, molecule, steps, seed, Some(&known.values), arguments.has("reversible"))?;
            let mut experiment = device.experiment(&trained.values, &molecule.observable()?)?;
            bar.inc(1);
            Ok((trained.energy, molecule.exact, declared().run(&mut experiment)?))
        })
        .collect::<ketline::Result<_>>()?;
    bar.finish_and_clear();
    let mut table = Table::new(["length", "exact", "noiseless", "raw", "mitigated", "reduction"]);
    for (molecule, (ideal, exact, found)) in molecules.iter().zip(&points) {
        table.row([
            format!("{}", molecule.length),
            format!("{exact:.6}"),
            format!("{:+.2} mHa", 1e3 * (ideal - exact)),
            format!("{:+.2} mHa", 1e3 * (found.values[0].value - exact)),
            format!("{:+.2} mHa", 1e3 * (found.estimate().value - exact)),
            format!("{:.1} %", 100.0 * reduction(found, *exact)),
        ]);
    }
    println!("{} at {} bond lengths, angstrom and hartree:", device.name, molecules.len());
    print!("{table}");
    let list: Vec<f64> = points.iter().map(|(_, exact, found)| reduction(found, *exact)).collect();
    let mean = list.iter().sum::<f64>() / list.len() as f64;
    let worst = points.iter().map(|(ideal, exact, _)| ideal - exact).fold(0.0, f64::max);
    println!(
        "mean reduction {:.1} %, noiseless pulses at most {:.2} mHa above exact\n",
        100.0 * mean,
        1e3 * worst
    );
    report.metric("reduction_lengths_mean", mean);
    report.metric("reduction_lengths_min", list.iter().copied().fold(f64::INFINITY, f64::min));
    report.metric("noiseless_worst_mha", 1e3 * worst);
    if molecules.len() > 1 {
        let line = |of: &dyn Fn(&(f64, f64, Mitigated)) -> f64| {
            molecules.iter().zip(&points).map(|(m, point)| (m.length, of(point))).collect::<Vec<_>>()
        };
        let energies = Plot::new(
            format!("H2 by pulses on simulated {}", device.name),
            "bond length, Å",
            "energy, hartree",
        )
        .dashed("exact", line(&|(_, exact, _)| *exact))
        .line("raw", line(&|(_, _, found)| found.values[0].value))
        .line("mitigated", line(&|(_, _, found)| found.estimate().value));
        let errors = Plot::new("", "bond length, Å", "error, mHa")
            .line("raw", line(&|(_, exact, found)| 1e3 * (found.values[0].value - exact)))
            .line("mitigated", line(&|(_, exact, found)| 1e3 * (found.estimate().value - exact)))
            .dashed("noiseless", line(&|(ideal, exact, _)| 1e3 * (ideal - exact)));
        plot::write(&out.join("zne_h2.svg"), &[energies, errors])?;
    }
    Ok(())
}

/// What was extrapolated, on each device.
fn draw_points(
    devices: &[Device],
    judged: &[Mitigated],
    molecule: &Molecule,
    out: &Path,
) -> Result<(), Box<dyn Error>> {
    let mut plot =
        Plot::new("Folded pulses: from measured noise to none", "noise (0 is extrapolated)", "error, mHa");
    for (device, found) in devices.iter().zip(judged) {
        let mut points = vec![(0.0, 1e3 * (found.estimate().value - molecule.exact))];
        points.extend(
            found.noise.iter().zip(&found.values).map(|(x, v)| (*x, 1e3 * (v.value - molecule.exact))),
        );
        plot = plot.line(device.name, points);
    }
    Ok(plot::write(&out.join("zne_h2_folds.svg"), &[plot])?)
}
