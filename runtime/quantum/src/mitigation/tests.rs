//! Mitigation against closed forms, and of pulses.

use super::*;
use crate::device::{Calibration, Hamiltonian, PulseDefaults};
use crate::pulse::transmon::Transmons;
use crate::pulse::{Duration, Line, Samples, Schedule, ScheduleBuilder, Waveform, control, drive};
use crate::{C64, Error, Observable, Result};

fn exact(values: &[f64]) -> Vec<Estimate> {
    values.iter().map(|v| Estimate::exact(*v)).collect()
}

#[test]
fn fits_are_exact_on_what_they_are_made_for() {
    let noise = [1.0, 3.0, 5.0];
    let at = |f: &dyn Fn(f64) -> f64| exact(&noise.map(f));
    let line = at(&|x| 0.3 + 0.1 * x);
    let square = at(&|x| 0.3 + 0.1 * x - 0.02 * x * x);
    let decay = at(&|x| -0.2 + 0.5 * (-0.15 * x).exp());
    let zero = |fit: Fit, values: &[Estimate]| fit.extrapolate(&noise, values).unwrap().estimate.value;
    let free = Fit::Exponential { asymptote: None };
    let known = Fit::Exponential { asymptote: Some(-0.2) };
    for fit in [Fit::Linear, Fit::Richardson, Fit::AdaptiveKik { floor: None }] {
        assert!((zero(fit, &line) - 0.3).abs() < 1e-12, "{fit:?}");
    }
    assert!((zero(free, &line) - 0.3).abs() < 1e-3);
    assert!((zero(Fit::Richardson, &square) - 0.3).abs() < 1e-12);
    assert!((zero(Fit::AdaptiveKik { floor: Some(1.0) }, &square) - 0.3).abs() < 1e-12);
    assert!((zero(free, &decay) - 0.3).abs() < 1e-6 && (zero(known, &decay) - 0.3).abs() < 1e-12);
    let coefficients = Fit::Richardson.extrapolate(&noise, &line).unwrap().coefficients;
    for (found, expected) in coefficients.iter().zip([15.0 / 8.0, -10.0 / 8.0, 3.0 / 8.0]) {
        assert!((found - expected).abs() < 1e-12);
    }
}

#[test]
fn variances_follow_the_coefficients() {
    let noise = [1.0, 3.0, 5.0];
    let values: Vec<Estimate> = [0.26, 0.13, 0.04]
        .iter()
        .zip([1e-4, 2e-4, 4e-4])
        .map(|(v, s)| Estimate { value: *v, variance: s })
        .collect();
    for fit in [Fit::Linear, Fit::Richardson, Fit::Exponential { asymptote: Some(-0.2) }] {
        let found = fit.extrapolate(&noise, &values).unwrap();
        let mut variance = 0.0;
        for (k, slope) in found.coefficients.iter().enumerate() {
            let mut moved = values.clone();
            moved[k].value += 1e-6;
            let expected =
                (fit.extrapolate(&noise, &moved).unwrap().estimate.value - found.estimate.value) / 1e-6;
            assert!((slope - expected).abs() < 1e-3, "{fit:?} {k}: {slope} {expected}");
            variance += slope * slope * values[k].variance;
        }
        assert!((found.estimate.variance - variance).abs() < 1e-12);
    }
    // A point of large variance hardly moves the line
    let mut weighted = values.clone();
    weighted[2].variance = 1.0;
    let found = Fit::Linear.extrapolate(&noise, &weighted).unwrap();
    assert!((found.estimate.value - 0.5 * (3.0 * 0.26 - 0.13)).abs() < 1e-3);
}

#[test]
fn what_cannot_be_extrapolated_is_refused() {
    let values = exact(&[1.0, 0.5, -0.1]);
    let refused = |fit: Fit, noise: &[f64]| fit.extrapolate(noise, &values[..noise.len()]).unwrap_err();
    assert!(matches!(refused(Fit::Linear, &[1.0]), Error::Setting { name: "points", .. }));
    assert!(matches!(refused(Fit::Linear, &[1.0, 1.0]), Error::Extrapolation { .. }));
    assert!(matches!(refused(Fit::Richardson, &[1.0, f64::NAN]), Error::NotFinite { .. }));
    assert!(matches!(refused(Fit::Exponential { asymptote: None }, &[1.0, 3.0]), Error::Setting { .. }));
    let other = refused(Fit::Exponential { asymptote: Some(0.0) }, &[1.0, 2.0, 3.0]);
    assert_eq!(
        other.to_string(),
        "the exponential fit cannot extrapolate: found values on both sides of the asymptote 0, expected all on one side"
    );
    assert!(matches!(refused(Fit::AdaptiveKik { floor: None }, &[1.0, 2.0]), Error::Extrapolation { .. }));
    let short = Fit::Linear.extrapolate(&[1.0, 3.0], &values);
    assert!(matches!(short, Err(Error::Dimension { found: 3, expected: 2, .. })));
}

/// A program under depolarizing noise, and a drift of its noiseless energy.
struct Depolarized {
    /// What a run leaves of the state.
    kept: f64,
    /// By how much the energy drifts for a fold.
    drift: f64,
    variance: f64,
}

impl Foldable for Depolarized {
    fn expectation(&mut self, folds: usize) -> Result<Estimate> {
        let value = self.noiseless(folds)? * self.kept.powf(2.0 * folds as f64 + 1.0);
        Ok(Estimate { value, variance: self.variance })
    }

    fn return_probability(&mut self, folds: usize) -> Result<Echo> {
        let kept = self.kept.powf(4.0 * folds as f64 + 2.0);
        Ok(Echo::new(Estimate::exact(0.25 + 0.75 * kept), 4))
    }

    fn noiseless(&mut self, folds: usize) -> Result<f64> {
        Ok(-1.0 + self.drift * folds as f64)
    }
}

#[test]
fn the_measured_axis_makes_depolarizing_noise_a_straight_line() {
    let mut program = Depolarized { kept: 0.8, drift: 0.0, variance: 0.0 };
    let zne = |fit, axis| Zne { fit, axis, ..Zne::default() };
    let error =
        |zne: Zne, program: &mut Depolarized| (zne.run(program).unwrap().estimate().value + 1.0).abs();
    assert!(error(zne(Fit::Linear, Axis::Return), &mut program) < 1e-12);
    assert!(error(zne(Fit::Linear, Axis::Folds), &mut program) > 0.05);
    // Adapted to strong noise, KIK is better than the series
    let adapted = error(zne(Fit::AdaptiveKik { floor: None }, Axis::Folds), &mut program);
    let series = error(zne(Fit::AdaptiveKik { floor: Some(1.0) }, Axis::Folds), &mut program);
    assert!(adapted < 0.7 * series, "{adapted} {series}");
}

#[test]
fn a_drift_that_is_known_is_subtracted() {
    let mut program = Depolarized { kept: 0.99, drift: 0.02, variance: 0.0 };
    let zne = Zne { fit: Fit::Richardson, ..Zne::default() };
    let plain = zne.run(&mut program).unwrap();
    let better = Zne { subtract_drift: true, ..zne }.run(&mut program).unwrap();
    let error = |found: &Mitigated| (found.estimate().value + 1.0).abs();
    assert!(error(&plain) > 0.009 && error(&better) < 1e-3);
    assert!((plain.drift[2] - 0.04).abs() < 1e-12 && plain.values[0].value == better.values[0].value);
    // 0.01 of raw error against 0.01 that the drift brings in: no gain to be had
    assert!(better.forecast.helps() && better.forecast.mitigated < plain.forecast.mitigated);
}

#[test]
fn the_guard_refuses_what_shots_do_not_carry() {
    let zne = Zne::default();
    let helps = |kept: f64, drift: f64, variance: f64| {
        let found = zne.run(&mut Depolarized { kept, drift, variance }).unwrap();
        (found.forecast.helps(), found)
    };
    assert!(helps(0.95, 0.0, 1e-6).0);
    let (verdict, found) = helps(0.999, 0.0, 1e-4);
    assert!(!verdict && found.forecast.mitigated > found.forecast.raw);
    assert_eq!(found.guarded(), found.values[0]);
    assert!(!helps(0.999, 0.05, 0.0).0, "a drift far above the noise");
    // Over many seeds the forecast tells the truth: mean squared errors of both
    let mut random = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(5);
    for (kept, sigma, expected) in [(0.95, 2e-3, true), (0.999, 1e-2, false)] {
        let (mut raw, mut mitigated) = (0.0, 0.0);
        for _ in 0..400 {
            let values: Vec<Estimate> = [1, 3, 5]
                .map(|x| Estimate {
                    value: -f64::powi(kept, x) + sigma * crate::linalg::normal(&mut random),
                    variance: sigma * sigma,
                })
                .to_vec();
            let found = Fit::Richardson.extrapolate(&[1.0, 3.0, 5.0], &values).unwrap();
            raw += (values[0].value + 1.0).powi(2);
            mitigated += (found.estimate.value + 1.0).powi(2);
        }
        assert_eq!(mitigated < raw, expected);
    }
}

#[test]
fn a_decay_is_found() {
    let pairs: Vec<usize> = (0..8).map(|k| 3 * k).collect();
    let survivals: Vec<f64> = pairs.iter().map(|m| 0.7 * 0.97_f64.powf(*m as f64) + 0.26).collect();
    for floor in [None, Some(0.26)] {
        let found = Decay::fit(&pairs, &survivals, 4, floor).unwrap();
        assert!((found.rate - 0.97).abs() < 1e-6 && (found.floor - 0.26).abs() < 1e-5, "{found:?}");
        assert!((found.error_per_pair() - 0.75 * 0.03).abs() < 1e-6 && found.residual < 1e-8);
        assert!((found.survival(3) - survivals[1]).abs() < 1e-6);
    }
    assert!(matches!(Decay::fit(&[0, 1], &[1.0, 0.9], 4, None), Err(Error::Setting { .. })));
    assert!(matches!(Decay::fit(&[0, 1, 2], &[1.0, 0.9], 4, None), Err(Error::Dimension { .. })));
    assert!(matches!(Decay::fit(&[0, 1, 2], &[1.0, f64::NAN, 0.9], 4, None), Err(Error::NotFinite { .. })));
}

fn device(name: &str, qubits: &[usize]) -> (Transmons, PulseDefaults, f64) {
    let defaults = PulseDefaults::bundled(name).unwrap();
    let dt = defaults.target().dt();
    (Transmons::new(&Hamiltonian::bundled(name).unwrap(), qubits, 3).unwrap(), defaults, dt)
}

/// What the samples of a schedule make of |0..0>, and then those samples played backwards and negated: the control that
/// DRAG loses.
fn mirrored(transmons: &Transmons, schedule: &Schedule, dt: f64) -> f64 {
    let samples = schedule.samples(dt, &[]).unwrap();
    let lines = samples.lines().iter().map(|line| Line {
        channel: line.channel,
        samples: line.samples.iter().copied().chain(line.samples.iter().rev().map(|d| -d)).collect(),
    });
    let pair = Samples::new(dt, lines.collect()).unwrap();
    transmons.propagator(&pair).unwrap().gate()[[0, 0]].norm_sqr()
}

#[test]
fn noiseless_pairs_return_and_mirrored_samples_do_worse() {
    for (name, qubits) in [("manila", [0, 1]), ("nairobi", [6, 5]), ("jakarta", [0, 1])] {
        let (transmons, defaults, dt) = device(name, &qubits);
        let cx = defaults.schedule("cx", &qubits).unwrap();
        let returned = Echo::simulated(&transmons, &cx, dt, &[]).unwrap().probability.value;
        let control = mirrored(&transmons, &cx, dt);
        println!("{name} {qubits:?}: {returned:.4}, mirrored {control:.4}");
        assert!(returned >= 0.994, "{name}: {returned}");
        // DRAG is what mirroring loses. Most of a cross-resonance pulse is its flat tone: on jakarta both are the same to 2e-4.
        assert!(control < returned + 2e-4, "{name}: {returned} {control}");
        let x = defaults.schedule("x", &qubits[..1]).unwrap();
        let returned = Echo::simulated(&transmons, &x, dt, &[]).unwrap().probability.value;
        let control = mirrored(&transmons, &x, dt);
        assert!(returned > 0.999 && control < returned - 2e-3, "x of {name}: {returned} {control}");
    }
}

#[test]
fn the_return_probability_falls_with_relaxation() {
    let (transmons, defaults, dt) = device("manila", &[0]);
    let x = defaults.schedule("x", &[0]).unwrap();
    let at = |t1: f64| {
        let noisy = transmons.clone().with_relaxation(&[(t1, t1)]).unwrap();
        Echo::simulated(&noisy, &x, dt, &[]).unwrap()
    };
    let echoes: Vec<Echo> = [1e-6, 3e-6, 10e-6, 100e-6].map(at).to_vec();
    assert!(echoes.windows(2).all(|pair| pair[1].probability.value > pair[0].probability.value));
    assert!(
        echoes
            .windows(2)
            .all(|pair| pair[1].loss() < pair[0].loss() && pair[1].fidelity() > pair[0].fidelity())
    );
    // Two levels without drift come back exactly
    let two = Transmons::new(&Hamiltonian::bundled("manila").unwrap(), &[0], 2)
        .unwrap()
        .with_tolerance(1e-11)
        .unwrap();
    let mut b = ScheduleBuilder::new("turns");
    b.play(drive(0), Waveform::gaussian(Duration::samples(96), 0.3, Duration::samples(24)).with_phase(0.4));
    b.shift_phase(drive(0), 1.1);
    b.play(drive(0), Waveform::constant(Duration::samples(64), 0.1));
    let exact = Echo::simulated(&two, &b.finish().unwrap(), dt, &[]).unwrap();
    assert!((exact.probability.value - 1.0).abs() < 1e-9);
}

/// The blind case: what turns too far there turns too far back.
#[test]
fn the_return_probability_does_not_see_a_wrong_amplitude() {
    let (transmons, defaults, dt) = device("manila", &[0]);
    let x = defaults.schedule("x", &[0]).unwrap();
    let amp = x.trainable("pulse", &[]).unwrap();
    let (free, start) = amp;
    let wrong = [1.1 * start[0], start[1]];
    let target = ndarray::array![[C64::ZERO, C64::ONE], [C64::ONE, C64::ZERO]];
    let fidelity = |values: &[f64]| {
        transmons.propagator(&free.samples(dt, values).unwrap()).unwrap().virtual_z(&target).unwrap().fidelity
    };
    let returned = |values: &[f64]| Echo::simulated(&transmons, &free, dt, values).unwrap().probability.value;
    assert!(fidelity(&start) > 0.999 && fidelity(&wrong) < 0.99, "{}", fidelity(&wrong));
    assert!(returned(&wrong) > 0.995, "{}", returned(&wrong));
}

#[test]
fn pulses_as_experiments_agree_with_the_density_and_with_their_shots() {
    let calibration = Calibration::bundled("manila").unwrap();
    let (transmons, defaults, dt) = device("manila", &[0, 1]);
    let transmons = transmons.with_calibration(&calibration).unwrap();
    let sx = |q: usize| defaults.schedule("sx", &[q]).unwrap();
    let program = sx(0).then(&sx(1)).unwrap().then(&defaults.schedule("cx", &[0, 1]).unwrap()).unwrap();
    let observable = Observable::from_paulis([
        ("II", -1.0),
        ("IZ", 0.4),
        ("ZI", -0.4),
        ("ZZ", 0.1),
        ("XX", 0.2),
        ("YI", 0.3),
    ])
    .unwrap();
    let mut experiment = PulseExperiment::new(&transmons, &program, dt, &[], &observable).unwrap();
    let exact = experiment.expectation(0).unwrap();
    let rho = transmons.density(&program.samples(dt, &[]).unwrap(), &super::echo::ground(4)).unwrap();
    let expected = crate::linalg::trace(&observable.matrix(2).unwrap().dot(rho.read())).re;
    assert!((exact.value - expected).abs() < 1e-9 && exact.variance == 0.0);
    assert!((crate::linalg::trace(rho.read()).re - 1.0).abs() < 1e-6);
    assert!((experiment.noiseless(1).unwrap() - experiment.noiseless(0).unwrap()).abs() < 0.05);
    let confusion = [0, 1]
        .map(|q: usize| {
            let known = &calibration.qubits()[q];
            crate::circuit::Confusion { p1_given_0: known.p1_given_0, p0_given_1: known.p0_given_1 }
        })
        .to_vec();
    let (mut sum, mut square, mut variance) = (0.0, 0.0, 0.0);
    for seed in 0..40 {
        let shots = Shots { count: 1000, confusion: confusion.clone(), seed };
        let mut sampled = experiment.clone().with_shots(shots).unwrap();
        let found = sampled.expectation(0).unwrap();
        assert_eq!(found, sampled.expectation(0).unwrap(), "the same seed, the same outcomes");
        sum += found.value / 40.0;
        square += found.value * found.value / 40.0;
        variance += found.variance / 40.0;
    }
    let spread = square - sum * sum;
    assert!((sum - exact.value).abs() < 4.0 * (variance / 40.0).sqrt(), "{sum} {exact:?} {variance}");
    assert!((0.5..2.0).contains(&(spread / variance)), "{spread} {variance}");
    let bad = Shots { count: 0, confusion: vec![], seed: 0 };
    assert!(matches!(experiment.clone().with_shots(bad), Err(Error::NoShots)));
}

#[test]
fn random_preparations_are_undone() {
    let (transmons, defaults, dt) = device("manila", &[0, 1]);
    let sx: Vec<Schedule> = [0, 1].map(|q| defaults.schedule("sx", &[q]).unwrap()).to_vec();
    let preparations = random_preparations(&sx, &[0, 1], 3, 7).unwrap();
    let mut idle = ScheduleBuilder::new("a tone");
    idle.play(control(0, 1), Waveform::constant(Duration::samples(64), 0.2));
    let idle = idle.finish().unwrap();
    let found = randomized_decay(&transmons, &idle, dt, &preparations, &[0, 1, 2]).unwrap();
    // Preparations return; what the tone drifts by is left
    assert!(found[0] > 0.995 && found.iter().all(|p| *p > 0.9), "{found:?}");
    let times = [(20e-6, 20e-6); 2];
    let noisy = transmons.with_relaxation(&times).unwrap();
    let found = randomized_decay(&noisy, &idle, dt, &preparations, &[0, 20, 40]).unwrap();
    assert!(found.windows(2).all(|pair| pair[1] < pair[0]), "{found:?}");
    assert!(randomized_decay(&noisy, &idle, dt, &[], &[2000]).is_err());
    assert!(random_preparations(&sx, &[0], 3, 7).is_err());
}

#[test]
fn the_process_fidelity_of_relaxation_is_the_closed_form() {
    let (transmons, _, dt) = device("manila", &[0]);
    let (t1, t2, time) = (3e-6_f64, 2e-6_f64, 2000.0 * dt);
    let noisy = transmons.with_relaxation(&[(t1, t2)]).unwrap();
    let line = Line { channel: drive(0), samples: vec![C64::ZERO; 2000] };
    let found = process_fidelity(&noisy, &Samples::new(dt, vec![line]).unwrap()).unwrap();
    let expected = 0.25 * (1.0 + (-time / t1).exp() + 2.0 * (-time / t2).exp());
    assert!((found - expected).abs() < 1e-6, "{found} {expected}");
}

#[test]
fn drift_is_divided_out_of_a_return() {
    let seen = |value, variance| Echo::new(Estimate { value, variance }, 4);
    let found = seen(0.72, 1e-4).without_drift(Echo::new(Estimate::exact(0.8), 4)).probability;
    assert!((found.value - 0.9).abs() < 1e-12 && (found.variance - 1e-4 / 0.64).abs() < 1e-12);
    let more = seen(0.9, 0.0).without_drift(seen(0.8, 0.0)).probability.value;
    assert_eq!(more, 1.0, "noise brings nothing back");
    let nothing = seen(0.1, 0.0).without_drift(seen(0.0, 0.0)).probability.value;
    assert_eq!(nothing, 0.1);
}
