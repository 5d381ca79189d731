//! The return probability as an estimate of fidelity: published pairs, and random pulses.

use std::error::Error;
use std::f64::consts::TAU;
use std::path::Path;

use ketline::quantum::C64;
use ketline::quantum::device::{Calibration, Hamiltonian, PulseDefaults};
use ketline::quantum::mitigation::{Decay, Echo, process_fidelity, random_preparations, randomized_decay};
use ketline::quantum::pulse::transmon::Transmons;
use ketline::quantum::pulse::{Duration, Line, Samples, Schedule, ScheduleBuilder, Waveform, control, drive};
use ketline_examples::{Arguments, Plot, Report, Table, plot, progress};
use ndarray::Array2;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

/// The process fidelity, and what estimates it.
const ESTIMATES: usize = 1 + LABELS.len();

/// Estimates, and the names of their metrics.
const LABELS: [(&str, &str); 4] = [
    ("from |00>", "spearman_plain"),
    ("from |00>, drift divided out", "spearman_drift"),
    ("over random preparations", "spearman_randomized"),
    ("over random preparations, drift divided out", "spearman_fest"),
];

/// Noiseless returns of the published CX: reversed pulses, and what does worse. From |00>, and as the mean over all states, which
/// is the average gate fidelity of the pair with doing nothing.
pub(crate) fn pairs(report: &mut Report) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new([
        "noiseless return of CX",
        "reversed pulses",
        "mirrored samples",
        "CX again",
        "all states: reversed",
        "mirrored",
    ]);
    let mut least = f64::INFINITY;
    for (name, pair) in [("manila", [0, 1]), ("nairobi", [6, 5]), ("jakarta", [0, 1])] {
        let transmons = Transmons::new(&Hamiltonian::bundled(name)?, &pair, 3)?;
        let defaults = PulseDefaults::bundled(name)?;
        let dt = defaults.target().dt();
        // ANCHOR: return
        let cx = defaults.schedule("cx", &pair)?;
        let returned = Echo::simulated(&transmons, &cx, dt, &[])?.probability.value;
        // ANCHOR_END: return
        let once = cx.samples(dt, &[])?;
        let mirrored = once.lines().iter().map(|line| {
            let reverse = line.samples.iter().rev().map(|d| -d);
            Line { channel: line.channel, samples: line.samples.iter().copied().chain(reverse).collect() }
        });
        let programs = [
            cx.then(&cx.reversed()?)?.samples(dt, &[])?,
            Samples::new(dt, mirrored.collect())?,
            cx.then(&cx)?.samples(dt, &[])?,
        ];
        let [reversed, mirrored, twice] = programs.map(|samples| transmons.propagator(&samples));
        let (reversed, mirrored, nothing) = (reversed?, mirrored?, Array2::<C64>::eye(4));
        let ground = [returned, mirrored.gate()[[0, 0]].norm_sqr(), twice?.gate()[[0, 0]].norm_sqr()];
        // what is left of CX twice in frames is not asked for here
        let mean = [reversed.fidelity(&nothing)?, mirrored.fidelity(&nothing)?];
        let mut row = vec![format!("{name} {}-{}", pair[0], pair[1])];
        row.extend(ground.iter().chain(&mean).map(|p| format!("{p:.4}")));
        table.row(row);
        least = least.min(returned);
        report.metric(format!("return_{name}"), returned);
        report.metric(format!("return_mirrored_{name}"), ground[1]);
        report.metric(format!("return_states_{name}"), mean[0]);
        report.metric(format!("return_states_mirrored_{name}"), mean[1]);
    }
    report.metric("return_min", least);
    println!("{table}");
    Ok(())
}

/// How the tones of random pulses are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tones {
    /// As published gates play them: half, a flip of the control, the other half negated, a flip. What a tone shifts without
    /// changing its sign is undone.
    Echoed,
    /// In one go.
    Bare,
}

/// Random pulses on a pair: tones on both qubits and the line between them, of random lengths, amplitudes and phases.
fn random_pulse(
    pair: [usize; 2],
    tones: Tones,
    flip: &Schedule,
    random: &mut ChaCha8Rng,
) -> Result<Schedule, ketline::Error> {
    let mut b = ScheduleBuilder::new("random");
    let blocks = 1 + (random.random::<f64>() * 3.0) as usize;
    for _ in 0..blocks {
        for qubit in pair {
            let length = Duration::samples(16 * (8 + (random.random::<f64>() * 24.0) as i64));
            let amp = 0.2 * random.random::<f64>();
            let drag =
                Waveform::drag(length, amp, length / 4.0, -1.0).with_phase(TAU * random.random::<f64>());
            b.play(drive(qubit), drag);
        }
        b.barrier(&pair);
        let length = Duration::samples(16 * (16 + (random.random::<f64>() * 24.0) as i64));
        let amp = 0.5 * random.random::<f64>();
        let tone =
            Waveform::gaussian_square(length, amp, Duration::samples(32), length - Duration::samples(192));
        let tone = tone.with_phase(TAU * random.random::<f64>());
        let line = control(pair[0], pair[1]);
        match tones {
            Tones::Bare => b.play(line, tone),
            Tones::Echoed => {
                for sign in [1.0, -1.0] {
                    b.play(line, tone.clone() * sign);
                    b.barrier(&pair);
                    b.append(flip);
                    b.barrier(&pair);
                }
            }
        }
        b.barrier(&pair);
    }
    b.finish()
}

/// Ranks from 0.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    order.iter().enumerate().for_each(|(rank, place)| ranks[*place] = rank as f64);
    ranks
}

/// The correlation of ranks.
fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let n = a.len() as f64;
    let distance: f64 = a.iter().zip(&b).map(|(x, y)| (x - y).powi(2)).sum();
    1.0 - 6.0 * distance / (n * (n * n - 1.0))
}

/// How the estimate ranks random pulses, and where it is blind.
pub(crate) fn fidelities(
    arguments: &Arguments,
    count: usize,
    seed: u64,
    out: &Path,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let (name, pair) = ("manila", [0, 1]);
    let noiseless = Transmons::new(&Hamiltonian::bundled(name)?, &pair, 3)?;
    let transmons = noiseless.clone().with_calibration(&Calibration::bundled(name)?)?;
    let defaults = PulseDefaults::bundled(name)?;
    let dt = defaults.target().dt();
    let sx: Vec<Schedule> = pair.iter().map(|q| defaults.schedule("sx", &[*q])).collect::<Result<_, _>>()?;
    let preparations = random_preparations(&sx, &pair, 4, seed)?;
    let flip = defaults.schedule("x", &pair[..1])?;
    println!("{count} random pulses on {name}, ranked by the estimate √P and by their process fidelity:");
    let mut table = Table::new(["tones", "estimate", "Spearman's correlation"]);
    let mut plots = Vec::new();
    let bar = progress(arguments, "random pulses", 2 * count as u64);
    for (tones, label) in [(Tones::Echoed, "echoed"), (Tones::Bare, "in one go")] {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let pulses: Vec<Schedule> =
            (0..count).map(|_| random_pulse(pair, tones, &flip, &mut random)).collect::<Result<_, _>>()?;
        let mut found: Vec<[f64; ESTIMATES]> = pulses
            .par_iter()
            .map(|pulse| {
                bar.inc(1);
                let truth = process_fidelity(&transmons, &pulse.samples(dt, &[])?)?;
                let echo = |device: &Transmons| Echo::simulated(device, pulse, dt, &[]);
                let (noisy, quiet) = (echo(&transmons)?, echo(&noiseless)?);
                let survival = |device: &Transmons| {
                    let after = randomized_decay(device, pulse, dt, &preparations, &[0, 1])?;
                    Ok::<_, ketline::Error>((after[1] / after[0]).sqrt())
                };
                let (tired, fresh) = (survival(&transmons)?, survival(&noiseless)?);
                Ok([truth, noisy.fidelity(), noisy.without_drift(quiet).fidelity(), tired, tired / fresh])
            })
            .collect::<ketline::Result<_>>()?;
        let column = |k: usize| found.iter().map(|row| row[k]).collect::<Vec<_>>();
        for (k, (estimate, metric)) in LABELS.iter().enumerate() {
            let rank = spearman(&column(k + 1), &column(0));
            table.row([label.to_owned(), (*estimate).to_owned(), format!("{rank:.3}")]);
            let metric = if tones == Tones::Echoed { (*metric).to_owned() } else { format!("{metric}_bare") };
            report.metric(metric, rank);
        }
        found.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let title = format!("Random pulses, tones {label}: fidelity estimates");
        let mut plot = Plot::new(title, "process fidelity", "estimate √P");
        for (k, (estimate, _)) in LABELS.iter().enumerate() {
            plot = plot.line(*estimate, found.iter().map(|row| (row[0], row[k + 1])));
        }
        plots.push(plot.dashed("equal", found.iter().map(|row| (row[0], row[0]))));
    }
    bar.finish_and_clear();
    println!("{table}");

    // The decay of repeated pairs, and two cases in which the estimate is blind
    let cx = defaults.schedule("cx", &pair)?;
    let lengths = [0, 1, 2, 4, 6, 8];
    let survival = randomized_decay(&transmons, &cx, dt, &preparations[..3], &lengths)?;
    let decay = Decay::fit(&lengths, &survival, 4, Some(0.25))?;
    println!(
        "pairs of CX and its reverse decay with p = {:.4}: {:.2} % error a pair",
        decay.rate,
        100.0 * decay.error_per_pair()
    );
    report.metric("decay_error_per_pair", decay.error_per_pair());
    let (free, values) = defaults.schedule("x", &pair[..1])?.trainable("pulse", &[])?;
    let one = Transmons::new(&Hamiltonian::bundled(name)?, &pair[..1], 3)?;
    let wrong = [1.1 * values[0], values[1]];
    let flip = ndarray::array![[C64::ZERO, C64::ONE], [C64::ONE, C64::ZERO]];
    let truth = one.propagator(&free.samples(dt, &wrong)?)?.virtual_z(&flip)?.fidelity;
    let blind = Echo::simulated(&one, &free, dt, &wrong)?.probability.value;
    println!("blind: an X of 10 % too much amplitude has fidelity {truth:.4}, and returns with {blind:.4}\n");
    report.metric("blind_fidelity", truth).metric("blind_return", blind);

    Ok(plot::write(&out.join("zne_h2_fidelity.svg"), &plots)?)
}
