//! QAOA whose problem layer is gates and whose mixer is a trained pulse, against the same circuit of gates alone.
//!
//! ```text
//! cargo run --release --example hybrid_qaoa
//! ```

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use ketline::quantum::device::{
    Calibration, CompileOptions, Hamiltonian, NoiseOptions, NoisyDevice, OverRotation,
};
use ketline::quantum::hybrid::{
    Freedom, Limits, MakeMixer, MaxCut, PulseMixer, Qaoa, Score, Sharing, Shortest, Training, shortest_mixer,
    train,
};
use ketline::quantum::pulse::{PulseTarget, Timing};
use ketline_examples::{Arguments, Flag, OUT, Plot, Report, Table, plot, progress, run};
use rayon::prelude::*;

/// What every device of this family asks of its pulses.
const TIMING: Timing = Timing { granularity: 16, min_length: 64, pulse_alignment: 16, acquire_alignment: 16 };

/// Two pulses of a compiled `rx`, in samples: where the mixer starts.
const GATE_MIXER: usize = 320;

/// What a shorter mixer may lose of the ratio, and how good its pulses must be.
const KEEPS: Limits = Limits { loss: 1e-3, infidelity: 1e-4, leakage: 1e-5 };

const FLAGS: [Flag; 8] = [
    Flag::value("device", "NAME", "a bundled calibration with a bundled Hamiltonian [guadalupe]"),
    Flag::value("layers", "N", "layers of the circuit [1]"),
    Flag::value("seeds", "N", "seeds of the miscalibration, the layout and the shots [100]"),
    Flag::value("graphs", "N", "graphs, at most 4 [4]"),
    Flag::value("evaluations", "N", "evaluations of the score in training [24]"),
    Flag::value("shots", "N", "shots of an evaluation [65536]"),
    Flag::value("sigma", "X", "spread of the miscalibration of each qubit's pulses [0.02]"),
    OUT,
];

fn main() -> ExitCode {
    run("hybrid_qaoa", "QAOA with a trained pulse as its mixer, against gates alone.", &FLAGS, body)
}

/// One graph under one seed.
struct Outcome {
    gates: f64,
    hybrid: f64,
    duration: usize,
    infidelity: f64,
    leakage: f64,
    /// With noise off, at the values that were trained with it.
    control: f64,
    trace: [Vec<f64>; 2],
}

/// Everything that is alike for all graphs and seeds.
struct Setting {
    calibration: Calibration,
    hamiltonian: Hamiltonian,
    target: PulseTarget,
    layers: usize,
    sigma: f64,
    evaluations: usize,
    shots: usize,
}

fn body(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let expected = "a whole number >= 1";
    let device = arguments.text("device").unwrap_or("guadalupe");
    let hamiltonian = Hamiltonian::bundled(device)?;
    let dt = hamiltonian.dt().ok_or("the device does not say how long a sample is")?;
    let setting = Setting {
        calibration: Calibration::bundled(device)?,
        target: PulseTarget::new(device, dt, TIMING, hamiltonian.width())?,
        hamiltonian,
        layers: arguments.number("layers", 1, expected)?,
        sigma: arguments.number("sigma", 0.02, "a number >= 0")?,
        evaluations: arguments.number("evaluations", 24, expected)?,
        shots: arguments.number("shots", 65_536, expected)?,
    };
    let seeds: u64 = arguments.number("seeds", 100, expected)?;
    let (seed, out) = (arguments.seed()?, arguments.out()?);
    let graphs = [MaxCut::k33()?, MaxCut::prism()?, MaxCut::cubic(8, 1)?, MaxCut::erdos_renyi(6, 0.5, 1)?];
    let graphs = &graphs[..arguments.number("graphs", 4, expected)?.clamp(1, 4)];

    println!(
        "simulated {device}: calibrated errors, static ZZ, each qubit's pulses off by {:.0} %; {} layer(s), {} evaluations of {} \
         shots in both arms, as many parameters in both\n",
        100.0 * setting.sigma,
        setting.layers,
        setting.evaluations,
        setting.shots
    );
    let bar = progress(arguments, "graphs and seeds", graphs.len() as u64 * seeds);
    let all: Vec<(usize, u64)> = (0..graphs.len()).flat_map(|g| (0..seeds).map(move |s| (g, s))).collect();
    let outcomes: Vec<Outcome> = all
        .par_iter()
        .map(|&(graph, number)| {
            let outcome = compare(&setting, &graphs[graph], seed.wrapping_add(number));
            bar.inc(1);
            outcome
        })
        .collect::<ketline::Result<_>>()?;
    bar.finish_and_clear();

    let mut report = Report::new();
    let rows: Vec<&[Outcome]> = outcomes.chunks(seeds as usize).collect();
    judge(graphs, &rows, &mut report);
    steps(&setting, &graphs[0], seed, &mut report)?;
    degenerate(&setting, &graphs[0])?;
    draw(graphs, &rows, &out)?;
    println!("plotted in {}", out.join("hybrid_qaoa.svg").display());
    Ok(report)
}

/// A noisy device whose pulses are off by shares that the seed draws.
fn noisy(setting: &Setting, seed: u64) -> ketline::Result<NoisyDevice> {
    let over_rotation = Some(OverRotation { sigma: setting.sigma, seed });
    NoisyDevice::new(&setting.calibration, NoiseOptions { over_rotation, ..NoiseOptions::default() })
}

fn mixer(
    setting: &Setting,
    device: &NoisyDevice,
    physical: &[usize],
    duration: usize,
) -> ketline::Result<PulseMixer> {
    PulseMixer::new(&setting.hamiltonian, device.noise(), &setting.target, physical, duration)
}

/// Both arms from the same start with the same shots.
fn compare(setting: &Setting, graph: &MaxCut, seed: u64) -> ketline::Result<Outcome> {
    // ANCHOR: arms
    let device = noisy(setting, seed)?;
    let options = CompileOptions { seed, ..CompileOptions::default() };
    let arm = |pulses: Option<MakeMixer<'_>>| {
        Qaoa::new(graph, setting.layers, Freedom::shared(), &device, &options, pulses)
    };
    let gates = arm(None)?;
    let hybrid = arm(Some(&|physical: &[usize]| mixer(setting, &device, physical, GATE_MIXER)))?;
    // ANCHOR_END: arms
    let training =
        Training { evaluations: setting.evaluations, shots: setting.shots, seed, score: Score::default() };
    let by_gates = train(&gates, &gates.ramp(), &training)?;
    // ANCHOR: steps
    // I: train at the duration of the gates. II: the shortest pulse that keeps the score.
    let by_pulses = train(&hybrid, &hybrid.ramp(), &training)?;
    let Shortest { qaoa: short, duration, .. } = shortest_mixer(
        &hybrid,
        &by_pulses.parameters,
        TIMING,
        GATE_MIXER,
        KEEPS,
        &|physical: &[usize], duration| mixer(setting, &device, physical, duration),
    )?;
    // ANCHOR_END: steps
    let pulses = short.pulses(&by_pulses.parameters)?;
    let worst = |list: Vec<f64>| list.into_iter().fold(0.0, f64::max);
    // The control: without noise both arms are the same circuit
    let quiet = NoisyDevice::new(&setting.calibration, NoiseOptions::NONE)?;
    let ideal = Qaoa::new(graph, setting.layers, Freedom::shared(), &quiet, &options, None)?;
    let pulsed = Qaoa::new(
        graph,
        setting.layers,
        Freedom::shared(),
        &quiet,
        &options,
        Some(&|physical: &[usize]| mixer(setting, &quiet, physical, duration)),
    )?;
    let control = pulsed.ratio(&by_pulses.parameters)? - ideal.ratio(&by_pulses.parameters)?;
    Ok(Outcome {
        gates: gates.ratio(&by_gates.parameters)?,
        hybrid: short.ratio(&by_pulses.parameters)?,
        duration,
        infidelity: worst(pulses.iter().map(|p| p.infidelity).collect()),
        leakage: worst(pulses.iter().map(|p| p.leakage).collect()),
        control,
        trace: [by_gates.trace, by_pulses.trace],
    })
}

/// Means with intervals of 95 %, and the bars.
fn judge(graphs: &[MaxCut], rows: &[&[Outcome]], report: &mut Report) {
    let mut table = Table::new([
        "graph",
        "gates",
        "hybrid",
        "margin",
        "gain",
        "mixer",
        "infidelity",
        "leakage",
        "noise off",
    ]);
    let (mut least, mut gains) = (f64::INFINITY, Vec::new());
    for (graph, row) in graphs.iter().zip(rows) {
        let statistics = |of: &dyn Fn(&Outcome) -> f64| {
            let n = row.len() as f64;
            let mean = row.iter().map(of).sum::<f64>() / n;
            let square = row.iter().map(|o| (of(o) - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
            // Student's factor, within a hundredth for eight seeds or more
            let factor = 1.96 + 2.72 / (n - 1.0).max(1.0);
            (mean, factor * (square / n).sqrt())
        };
        let (gates, hybrid) = (statistics(&|o| o.gates), statistics(&|o| o.hybrid));
        let margin = statistics(&|o| o.hybrid - o.gates);
        let gain = statistics(&|o| o.hybrid / o.gates - 1.0).0;
        let most = |of: &dyn Fn(&Outcome) -> f64| row.iter().map(of).fold(0.0, f64::max);
        table.row([
            graph.name().to_owned(),
            format!("{:.4} ± {:.4}", gates.0, gates.1),
            format!("{:.4} ± {:.4}", hybrid.0, hybrid.1),
            format!("{:+.5} ± {:.5}", margin.0, margin.1),
            format!("{:+.2} %", 100.0 * gain),
            format!("{:.0} dt", most(&|o| o.duration as f64)),
            format!("{:.1e}", most(&|o| o.infidelity)),
            format!("{:.1e}", most(&|o| o.leakage)),
            format!("{:+.1e}", statistics(&|o| o.control).0),
        ]);
        least = least.min(margin.0);
        gains.push(gain);
    }
    println!(
        "approximation ratio: expected cut over the largest, readout left out; means over {} seeds",
        rows[0].len()
    );
    println!("{table}");
    let all = || rows.iter().flat_map(|row| row.iter());
    let most = |of: &dyn Fn(&Outcome) -> f64| all().map(of).fold(0.0, f64::max);
    let mean = gains.iter().sum::<f64>() / gains.len() as f64;
    report
        .metric("mixer_dt", most(&|o| o.duration as f64))
        .metric("rotation_infidelity", most(&|o| o.infidelity));
    report.metric("leakage", most(&|o| o.leakage)).metric("margin_min", least).metric("gain_mean", mean);
    report.metric("control_largest", most(&|o| o.control.abs()));
    println!(
        "the paper reports up to +8 % and a mixer 60 % shorter, on hardware; here {:+.2} % on average and {:.0} % shorter, simulated\n",
        100.0 * mean,
        100.0 * (1.0 - most(&|o| o.duration as f64) / GATE_MIXER as f64)
    );
}

/// The third step, pass by pass: what each is worth on one graph.
fn steps(setting: &Setting, graph: &MaxCut, seed: u64, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let device = noisy(setting, seed)?;
    let make = |options: &CompileOptions| {
        let pulses = |physical: &[usize]| mixer(setting, &device, physical, 128);
        Qaoa::new(graph, setting.layers, Freedom::shared(), &device, options, Some(&pulses))
    };
    let plain = CompileOptions { seed, optimise: false, trials: 1, ..CompileOptions::default() };
    let cancelled = CompileOptions { optimise: true, ..plain.clone() };
    let routed = CompileOptions { trials: 20, ..cancelled.clone() };
    let values = make(&routed)?.ramp();
    let mut table = Table::new(["third step", "cx", "swaps", "score of shots"]);
    let raw = Score { tail: 1.0, mitigate: false };
    let mean = Score { tail: 1.0, mitigate: true };
    let tail = Score { tail: 0.25, mitigate: true };
    for (name, options, score) in [
        ("translated gate by gate", &plain, raw),
        ("gates cancelled", &cancelled, raw),
        ("best of 20 layouts and routings", &routed, raw),
        ("readout undone", &routed, mean),
        ("best quarter of outcomes (CVaR)", &routed, tail),
    ] {
        let qaoa = make(options)?;
        let found = qaoa.score(&values, score, 65_536, seed)?;
        table.row([
            name.to_owned(),
            qaoa.entanglers().to_string(),
            qaoa.swaps().to_string(),
            format!("{found:.4}"),
        ]);
        if name == "readout undone" {
            report.metric("score_mitigated", found);
        }
    }
    println!("{} at the start of training:", graph.name());
    println!("{table}");
    Ok(())
}

/// A mixer that is free in everything solves the problem without the problem.
fn degenerate(setting: &Setting, graph: &MaxCut) -> Result<(), Box<dyn Error>> {
    let quiet = NoisyDevice::new(&setting.calibration, NoiseOptions::NONE)?;
    let free = Freedom::angles().with_phase(Sharing::Each);
    let options = CompileOptions::default();
    if let Err(error) = Qaoa::new(graph, 1, free, &quiet, &options, None) {
        println!("refused: {error}");
    }
    let trivial = Qaoa::new(graph, 1, free.allow_degenerate(), &quiet, &options, None)?;
    let n = graph.vertices();
    let quarter = std::f64::consts::FRAC_PI_2;
    let best = (0..1_usize << n).find(|bits| graph.ratio(*bits) == 1.0).unwrap_or(0);
    let mut values = vec![0.0];
    values.extend(std::iter::repeat_n(quarter, n));
    values.extend((0..n).map(|k| if best >> k & 1 == 1 { quarter } else { -quarter }));
    println!("allowed, and with the problem layer at 0, it has the ratio {:.4}\n", trivial.ratio(&values)?);
    Ok(())
}

fn draw(graphs: &[MaxCut], rows: &[&[Outcome]], out: &Path) -> Result<(), Box<dyn Error>> {
    let mut ratios = Plot::new("QAOA on a simulated device: gates and hybrid", "seed", "approximation ratio");
    for (graph, row) in graphs.iter().zip(rows) {
        let line = |of: &dyn Fn(&Outcome) -> f64| {
            row.iter().enumerate().map(|(k, o)| (k as f64, of(o))).collect::<Vec<_>>()
        };
        ratios = ratios
            .line(format!("{}, hybrid", graph.name()), line(&|o| o.hybrid))
            .dashed(format!("{}, gates", graph.name()), line(&|o| o.gates));
    }
    let trace = |which: usize| {
        let list = &rows[0][0].trace[which];
        list.iter().enumerate().map(|(k, v)| (k as f64, -v)).collect::<Vec<_>>()
    };
    let training = Plot::new(format!("Training on {}", graphs[0].name()), "evaluation", "score of shots")
        .line("hybrid", trace(1))
        .dashed("gates", trace(0));
    Ok(plot::write(&out.join("hybrid_qaoa.svg"), &[ratios, training])?)
}
