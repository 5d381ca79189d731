//! QAOA whose problem layer is gates and whose mixer is a trained pulse, against the same circuit of gates alone.
//!
//! ```text
//! cargo run --release --example hybrid_qaoa
//! ```

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use ketline::quantum::Channel;
use ketline::quantum::device::{
    Calibration, CompileOptions, Hamiltonian, NoiseOptions, NoisyDevice, OverRotation,
};
use ketline::quantum::hybrid::{
    Excess, Freedom, Limits, MakeMixer, MaxCut, MixerPulse, Mixers, Qaoa, Score, Sharing, Shortest, Training,
    shortest_mixer, train,
};
use ketline::quantum::pulse::{PulseTarget, Timing};
use ketline_examples::{Arguments, Flag, OUT, Plot, Report, Table, plot, progress, run};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// What every device of this family asks of its pulses.
const TIMING: Timing = Timing { granularity: 16, min_length: 64, pulse_alignment: 16, acquire_alignment: 16 };

/// Two pulses of a compiled `rx`, in samples: where the mixer starts.
const GATE_MIXER: usize = 320;

/// What a shorter mixer may lose of the ratio, and how good its pulses must be.
const KEEPS: Limits = Limits { loss: 1e-3, infidelity: 1e-4, leakage: 1e-5 };

const FLAGS: [Flag; 9] = [
    Flag::value("device", "NAME", "a bundled calibration with a bundled Hamiltonian [guadalupe]"),
    Flag::value("layers", "N", "layers of the circuit [1]"),
    Flag::value("seeds", "N", "seeds, in pairs whose miscalibrations are opposite; an even number [160]"),
    Flag::value("graphs", "N", "graphs, at most 4 [4]"),
    Flag::value("evaluations", "N", "evaluations of the score in training [24]"),
    Flag::value("shots", "N", "shots of an evaluation [65536]"),
    Flag::value("sigma", "X", "spread of the miscalibration of each qubit's pulses [0.02]"),
    Flag::value(
        "excess",
        "RULE",
        "what relaxation leaves of an sx error goes with the `pulse` or its `length` [pulse]",
    ),
    OUT,
];

fn main() -> ExitCode {
    run("hybrid_qaoa", "QAOA with a trained pulse as its mixer, against gates alone.", &FLAGS, body)
}

/// One of an antithetic pair of seeds: both have the same layout, and miscalibrations of opposite sign, so that what is linear in
/// these drops out of their mean. Each has shots of its own, which both arms share.
#[derive(Clone, Copy)]
struct Member {
    pair: u64,
    opposite: bool,
    shots: u64,
}

impl Member {
    /// As many as are wanted, drawn by `seed`, so that two runs with different seeds have none in common.
    fn draw(count: usize, seed: u64) -> Vec<Self> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let pairs = (0..count / 2).flat_map(|_| {
            let pair = random.random();
            [false, true].map(|opposite| Self { pair, opposite, shots: random.random() })
        });
        pairs.collect()
    }
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
    /// Without noise: the control.
    quiet: NoisyDevice,
    mixers: Mixers,
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
    let rule = match arguments.text("excess") {
        None | Some("pulse") => Excess::Pulse,
        Some("length") => Excess::Length,
        Some(other) => return Err(format!("--excess: found `{other}`, expected `pulse` or `length`").into()),
    };
    let target = PulseTarget::new(device, dt, TIMING, hamiltonian.width())?;
    let calibration = Calibration::bundled(device)?;
    let setting = Setting {
        quiet: NoisyDevice::new(&calibration, NoiseOptions::NONE)?,
        calibration,
        mixers: Mixers::new(hamiltonian, target).with_excess(rule),
        layers: arguments.number("layers", 1, expected)?,
        sigma: arguments.number("sigma", 0.02, "a number >= 0")?,
        evaluations: arguments.number("evaluations", 24, expected)?,
        shots: arguments.number("shots", 65_536, expected)?,
    };
    let seeds: usize = arguments.number("seeds", 160, "an even number >= 2")?;
    if seeds < 2 || !seeds.is_multiple_of(2) {
        return Err(format!("--seeds: found {seeds}, expected an even number >= 2").into());
    }
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
    let members = Member::draw(seeds, seed);
    let bar = progress(arguments, "graphs and seeds", (graphs.len() * seeds) as u64);
    let all: Vec<(&MaxCut, Member)> =
        graphs.iter().flat_map(|graph| members.iter().map(move |member| (graph, *member))).collect();
    let outcomes: Vec<Outcome> = all
        .par_iter()
        .map(|&(graph, member)| {
            let outcome = compare(&setting, graph, member);
            bar.inc(1);
            outcome
        })
        .collect::<ketline::Result<_>>()?;
    bar.finish_and_clear();

    let mut report = Report::new();
    let rows: Vec<&[Outcome]> = outcomes.chunks(seeds).collect();
    judge(graphs, &rows, &mut report);
    excess(&mut report)?;
    steps(&setting, &graphs[0], members[0], &mut report)?;
    degenerate(&setting, &graphs[0])?;
    draw(graphs, &rows, &out)?;
    println!("plotted in {}", out.join("hybrid_qaoa.svg").display());
    Ok(report)
}

/// A noisy device whose pulses are off by shares that the seed draws.
fn noisy(setting: &Setting, Member { pair, opposite, .. }: Member) -> ketline::Result<NoisyDevice> {
    let over_rotation = Some(OverRotation { sigma: setting.sigma, seed: pair, opposite });
    NoisyDevice::new(&setting.calibration, NoiseOptions { over_rotation, ..NoiseOptions::default() })
}

/// Both arms from the same start with the same shots.
fn compare(setting: &Setting, graph: &MaxCut, member: Member) -> ketline::Result<Outcome> {
    // ANCHOR: arms
    let device = noisy(setting, member)?;
    let options = CompileOptions { seed: member.pair, ..CompileOptions::default() };
    let arm = |pulses: Option<MakeMixer<'_>>| {
        Qaoa::new(graph, setting.layers, Freedom::shared(), &device, &options, pulses)
    };
    let gates = arm(None)?;
    let pulses = |physical: &[usize], duration| setting.mixers.mixer(device.noise(), physical, duration);
    let hybrid = arm(Some(&|physical: &[usize]| pulses(physical, GATE_MIXER)))?;
    // ANCHOR_END: arms
    let training = Training {
        evaluations: setting.evaluations,
        shots: setting.shots,
        seed: member.shots,
        score: Score::default(),
    };
    let by_gates = train(&gates, &gates.ramp(), &training)?;
    // ANCHOR: steps
    // I: the first half of the training, at the duration of the gates. II: the shortest pulse that keeps the score there, and
    // the second half with it.
    let coarse = training.coarse(&hybrid, &hybrid.ramp())?;
    let Shortest { qaoa: short, mixer, .. } =
        shortest_mixer(&hybrid, &coarse.minimum.parameters, TIMING, GATE_MIXER, KEEPS, &pulses)?;
    let by_pulses = training.fine(&short, coarse)?;
    // ANCHOR_END: steps
    let mixed = short.pulses(&by_pulses.parameters)?;
    let worst = |of: &dyn Fn(&MixerPulse) -> f64| mixed.iter().map(of).fold(0.0, f64::max);
    // The control: without noise both arms are the same circuit
    let quiet = |pulses: Option<MakeMixer<'_>>| {
        Qaoa::new(graph, setting.layers, Freedom::shared(), &setting.quiet, &options, pulses)?
            .ratio(&by_pulses.parameters)
    };
    let still = |physical: &[usize]| setting.mixers.mixer(setting.quiet.noise(), physical, mixer.duration);
    Ok(Outcome {
        gates: gates.ratio(&by_gates.parameters)?,
        hybrid: short.ratio(&by_pulses.parameters)?,
        duration: mixer.duration,
        infidelity: worst(&|pulse| pulse.infidelity),
        leakage: worst(&|pulse| pulse.leakage),
        control: quiet(Some(&still))? - quiet(None)?,
        trace: [by_gates.trace, by_pulses.trace],
    })
}

/// A mean over seeds, and half of its interval of 95 %.
#[derive(Clone, Copy)]
struct Mean {
    value: f64,
    half: f64,
}

impl Mean {
    /// The members of a pair are not independent, so that the interval is that of the means of pairs.
    fn of(row: &[Outcome], of: impl Fn(&Outcome) -> f64) -> Self {
        let pairs: Vec<f64> = row.chunks(2).map(|pair| 0.5 * pair.iter().map(&of).sum::<f64>()).collect();
        let (n, free) = (pairs.len() as f64, (pairs.len() as f64 - 1.0).max(1.0));
        let value = pairs.iter().sum::<f64>() / n;
        let square = pairs.iter().map(|pair| (pair - value).powi(2)).sum::<f64>() / free;
        // Student's factor, within a hundredth for eight pairs or more
        Self { value, half: (1.96 + 2.72 / free) * (square / n).sqrt() }
    }
}

/// Means with intervals, and the bars.
fn judge(graphs: &[MaxCut], rows: &[&[Outcome]], report: &mut Report) {
    let heads = ["graph", "gates", "hybrid", "margin", "gain", "mixer", "infidelity", "leakage", "noise off"];
    let mut table = Table::new(heads);
    let (mut least, mut low, mut gains) = (f64::INFINITY, f64::INFINITY, 0.0);
    for (graph, row) in graphs.iter().zip(rows) {
        let (gates, hybrid) = (Mean::of(row, |o| o.gates), Mean::of(row, |o| o.hybrid));
        let margin = Mean::of(row, |o| o.hybrid - o.gates);
        let gain = Mean::of(row, |o| o.hybrid / o.gates - 1.0).value;
        let most = |of: &dyn Fn(&Outcome) -> f64| row.iter().map(of).fold(0.0, f64::max);
        table.row([
            graph.name().to_owned(),
            format!("{:.4} ± {:.4}", gates.value, gates.half),
            format!("{:.4} ± {:.4}", hybrid.value, hybrid.half),
            format!("{:+.6} ± {:.6}", margin.value, margin.half),
            format!("{:+.3} %", 100.0 * gain),
            format!("{:.0} dt", most(&|o| o.duration as f64)),
            format!("{:.1e}", most(&|o| o.infidelity)),
            format!("{:.1e}", most(&|o| o.leakage)),
            format!("{:+.1e}", Mean::of(row, |o| o.control).value),
        ]);
        least = least.min(margin.value);
        low = low.min(margin.value - margin.half);
        gains += gain / rows.len() as f64;
    }
    println!(
        "approximation ratio: expected cut over the largest, readout left out; means over {} pairs of seeds",
        rows[0].len() / 2
    );
    println!("{table}");
    let most =
        |of: &dyn Fn(&Outcome) -> f64| rows.iter().flat_map(|row| row.iter()).map(of).fold(0.0, f64::max);
    let mixer = most(&|o| o.duration as f64);
    report.metric("mixer_dt", mixer).metric("rotation_infidelity", most(&|o| o.infidelity));
    report.metric("leakage", most(&|o| o.leakage)).metric("margin_min", least).metric("margin_min_low", low);
    report.metric("gain_mean", gains).metric("control_largest", most(&|o| o.control.abs()));
    println!(
        "the paper reports up to +8 % and a mixer 60 % shorter, on hardware; here {:+.3} % on average and {:.0} % shorter, simulated\n",
        100.0 * gains,
        100.0 * (1.0 - mixer / GATE_MIXER as f64)
    );
}

/// What goes with the errors that relaxation does not explain: `cx` of the shorter and of the longer half of each device's pairs.
fn excess(report: &mut Report) -> Result<(), Box<dyn Error>> {
    let mut halves = [Vec::new(), Vec::new()];
    for name in Calibration::bundled_names() {
        let calibration = Calibration::bundled(name)?;
        let mut pairs = Vec::new();
        // Of the two directions of a pair one is the other with pulses around it
        for gate in calibration.gates().iter().filter(|gate| gate.name == "cx" && !gate.is_dead()) {
            let back = calibration.gate("cx", &[gate.qubits[1], gate.qubits[0]]);
            if back.is_some_and(|back| (back.length, &back.qubits) < (gate.length, &gate.qubits)) {
                continue;
            }
            let mut kept = 1.0;
            for &qubit in &gate.qubits {
                let about = &calibration.qubits()[qubit];
                let relaxation = Channel::thermal_relaxation(gate.length, about.t1, about.t2)?;
                kept *= (3.0 * relaxation.average_gate_fidelity() - 1.0) / 2.0;
            }
            pairs.push((gate.length * 1e9, gate.error - (1.0 - (4.0 * kept + 1.0) / 5.0)));
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = pairs.len() / 2;
        halves[1].extend(pairs.split_off(pairs.len() - half));
        halves[0].extend(pairs.into_iter().take(half));
    }
    let median = |mut list: Vec<f64>| {
        list.sort_by(f64::total_cmp);
        list.get(list.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let [short, long] = halves.map(|half| {
        let (lengths, rests): (Vec<f64>, Vec<f64>) = half.into_iter().unzip();
        (lengths.len(), median(lengths), median(rests))
    });
    println!(
        "medians of cx of all bundled calibrations: of {} short ones, {:.0} ns, relaxation leaves {:.4} of the error \
         unexplained; of {} long ones, {:.0} ns, {:.4}\n",
        short.0, short.1, short.2, long.0, long.1, long.2
    );
    report.metric("cx_excess_short", short.2).metric("cx_excess_long", long.2);
    Ok(())
}

/// The third step, pass by pass: what each is worth on one graph.
fn steps(
    setting: &Setting,
    graph: &MaxCut,
    member: Member,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let device = noisy(setting, member)?;
    let make = |options: &CompileOptions| {
        let pulses = |physical: &[usize]| setting.mixers.mixer(device.noise(), physical, 128);
        Qaoa::new(graph, setting.layers, Freedom::shared(), &device, options, Some(&pulses))
    };
    let plain = CompileOptions { seed: member.pair, optimise: false, trials: 1, ..CompileOptions::default() };
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
        let found = qaoa.score(&values, score, 65_536, member.shots)?;
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
    let free = Freedom::angles().with_phase(Sharing::Each);
    let options = CompileOptions::default();
    if let Err(error) = Qaoa::new(graph, 1, free, &setting.quiet, &options, None) {
        println!("refused: {error}");
    }
    let trivial = Qaoa::new(graph, 1, free.allow_degenerate(), &setting.quiet, &options, None)?;
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
    let title = "Hybrid less gates: means and their intervals";
    let mut margins = Plot::new(title, "pairs of seeds so far", "margin of the ratio in 1e-4");
    for (graph, row) in graphs.iter().zip(rows) {
        let pairs = row.len() / 2;
        let line = |of: &dyn Fn(Mean) -> f64| {
            let so_far = |n: usize| of(Mean::of(&row[..2 * n], |o| 1e4 * (o.hybrid - o.gates)));
            (pairs.min(8)..=pairs).map(|n| (n as f64, so_far(n))).collect::<Vec<_>>()
        };
        margins = margins
            .line(graph.name(), line(&|mean| mean.value))
            .dashed(format!("{}, lower end", graph.name()), line(&|mean| mean.value - mean.half));
    }
    let trace = |which: usize| {
        let list = &rows[0][0].trace[which];
        list.iter().enumerate().map(|(k, v)| (k as f64, -v)).collect::<Vec<_>>()
    };
    let training = Plot::new(format!("Training on {}", graphs[0].name()), "evaluation", "score of shots")
        .line("hybrid", trace(1))
        .dashed("gates", trace(0));
    Ok(plot::write(&out.join("hybrid_qaoa.svg"), &[margins, training])?)
}
