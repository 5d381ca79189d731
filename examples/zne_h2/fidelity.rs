//! The return probability as an estimate of fidelity: published pairs, and random pulses.

use std::error::Error;
use std::f64::consts::TAU;
use std::path::Path;

use ketline::quantum::device::{Calibration, Hamiltonian, PulseDefaults};
use ketline::quantum::mitigation::{Decay, Echo, process_fidelity, random_preparations, randomized_decay};
use ketline::quantum::pulse::transmon::Transmons;
use ketline::quantum::pulse::{Duration, Line, Samples, Schedule, ScheduleBuilder, Waveform, control, drive};
use ketline_examples::{Arguments, Plot, Report, Table, plot, progress};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

/// Noiseless returns of the published CX: reversed pulses, and what does worse.
pub(crate) fn pairs(report: &mut Report) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new(["noiseless return of CX", "reversed pulses", "mirrored samples", "CX again"]);
    let mut least = f64::INFINITY;
    for (name, pair) in [("manila", [0, 1]), ("nairobi", [6, 5]), ("jakarta", [0, 1])] {
        let transmons = Transmons::new(&Hamiltonian::bundled(name)?, &pair, 3)?;
        let defaults = PulseDefaults::bundled(name)?;
        let dt = defaults.target().dt();
        // ANCHOR: return
        let cx = defaults.schedule("cx", &pair)?;
        let returned = Echo::simulated(&transmons, &cx, dt, &[])?.probability.value;
        // ANCHOR_END: return
        let back = |samples: &Samples| {
            Ok::<_, ketline::Error>(transmons.propagator(samples)?.gate()[[0, 0]].norm_sqr())
        };
        let once = cx.samples(dt, &[])?;
        let mirrored = once.lines().iter().map(|line| {
            let reverse = line.samples.iter().rev().map(|d| -d);
            Line { channel: line.channel, samples: line.samples.iter().copied().chain(reverse).collect() }
        });
        let mirrored = back(&Samples::new(dt, mirrored.collect())?)?;
        let twice = back(&cx.then(&cx)?.samples(dt, &[])?)?;
        table.row([
            format!("{name} {}-{}", pair[0], pair[1]),
            format!("{returned:.4}"),
            format!("{mirrored:.4}"),
            format!("{twice:.4}"),
        ]);
        least = least.min(returned);
        report.metric(format!("return_{name}"), returned).metric(format!("return_mirrored_{name}"), mirrored);
    }
    report.metric("return_min", least);
    println!("{table}");
    Ok(())
}

/// Random pulses on a pair: tones on both qubits and the line between them, of random lengths.
fn random_pulse(pair: [usize; 2], random: &mut ChaCha8Rng) -> Result<Schedule, ketline::Error> {
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
        b.play(control(pair[0], pair[1]), tone.with_phase(TAU * random.random::<f64>()));
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
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let pulses: Vec<Schedule> =
        (0..count).map(|_| random_pulse(pair, &mut random)).collect::<Result<_, _>>()?;
    let bar = progress(arguments, "random pulses", count as u64);
    let found: Vec<[f64; 3]> = pulses
        .par_iter()
        .map(|pulse| {
            bar.inc(1);
            let truth = process_fidelity(&transmons, &pulse.samples(dt, &[])?)?;
            let echo = Echo::simulated(&transmons, pulse, dt, &[])?.fidelity();
            let survival = randomized_decay(&transmons, pulse, dt, &preparations, &[0, 1])?;
            Ok([truth, echo, (survival[1] / survival[0]).sqrt()])
        })
        .collect::<ketline::Result<_>>()?;
    bar.finish_and_clear();
    let column = |k: usize| found.iter().map(|row| row[k]).collect::<Vec<_>>();
    let (plain, randomized) = (spearman(&column(1), &column(0)), spearman(&column(2), &column(0)));
    println!(
        "{count} random pulses on {name}: the estimate √P ranks them like the process fidelity with Spearman's {plain:.3}, "
    );
    println!("over random preparations with {randomized:.3}");
    report.metric("spearman_fest", plain).metric("spearman_randomized", randomized);

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
    let flip = ndarray::array![
        [ketline::quantum::C64::ZERO, ketline::quantum::C64::ONE],
        [ketline::quantum::C64::ONE, ketline::quantum::C64::ZERO]
    ];
    let truth = one.propagator(&free.samples(dt, &wrong)?)?.virtual_z(&flip)?.fidelity;
    let blind = Echo::simulated(&one, &free, dt, &wrong)?.probability.value;
    println!("blind: an X of 10 % too much amplitude has fidelity {truth:.4}, and returns with {blind:.4}\n");
    report.metric("blind_fidelity", truth).metric("blind_return", blind);

    let mut order: Vec<[f64; 3]> = found;
    order.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let line = |k: usize| order.iter().map(|row| (row[0], row[k])).collect::<Vec<_>>();
    let plot = Plot::new(
        "Random pulses: fidelity, and what returning tells of it",
        "process fidelity",
        "estimate √P",
    )
    .line("from |00>", line(1))
    .line("over random preparations", line(2))
    .dashed("equal", line(0));
    Ok(plot::write(&out.join("zne_h2_fidelity.svg"), &[plot])?)
}
