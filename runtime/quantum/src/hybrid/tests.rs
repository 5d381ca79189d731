//! Hybrid circuits against ideal ones, and what they refuse.

use std::f64::consts::PI;

use super::*;
use crate::device::{Calibration, CompileOptions, Hamiltonian, NoiseOptions, NoisyDevice, OverRotation};
use crate::pulse::{PulseTarget, Timing};
use crate::simulator::{Plan, Simulator, StateVector};
use crate::{Builder, Channel, Error, Gate, Result};

const TIMING: Timing = Timing { granularity: 16, min_length: 64, pulse_alignment: 16, acquire_alignment: 16 };

fn device(options: NoiseOptions) -> (NoisyDevice, Mixers) {
    let device = NoisyDevice::new(&Calibration::bundled("jakarta").unwrap(), options).unwrap();
    let hamiltonian = Hamiltonian::bundled("jakarta").unwrap();
    let target = PulseTarget::new("jakarta", hamiltonian.dt().unwrap(), TIMING, 7).unwrap();
    (device, Mixers::new(hamiltonian, target))
}

fn triangle() -> MaxCut {
    MaxCut::new("kite", 4, &[(0, 1), (1, 2), (0, 2), (2, 3)]).unwrap()
}

/// The ideal circuit by gates, in the convention of the documentation.
fn ideal(problem: &MaxCut, values: &[f64], phase: bool) -> f64 {
    let n = problem.vertices();
    let mut b = Builder::new("ideal");
    let q = b.qubits("q", n);
    b.h(&q);
    for layer in values.chunks(if phase { 3 } else { 2 }) {
        for (i, j) in problem.edges() {
            b.rzz(layer[0], q.at(i), q.at(j));
        }
        for k in 0..n {
            let phi = if phase { layer[2] } else { 0.0 };
            b.rz(-phi, q.at(k));
            b.rx(layer[1], q.at(k));
            b.rz(phi, q.at(k));
        }
    }
    let plan = StateVector::new().plan(&b.finish().unwrap()).unwrap();
    plan.expectation(&problem.observable(), &[]).unwrap()
}

#[test]
fn without_noise_both_mixers_are_the_ideal_circuit() {
    let (noiseless, mixers) = device(NoiseOptions::NONE);
    let problem = triangle();
    for (freedom, values) in [
        (Freedom::shared(), vec![0.7, -0.9, 0.4, -0.5]),
        (Freedom::shared().with_phase(Sharing::All), vec![0.7, -0.9, 0.3, 0.4, 2.5, -0.8]),
    ] {
        let expected = ideal(&problem, &values, freedom.phase.is_some());
        let options = CompileOptions::default();
        let gates = Qaoa::new(&problem, 2, freedom, &noiseless, &options, None).unwrap();
        assert_eq!((gates.parameters(), gates.ramp().len()), (values.len(), values.len()));
        assert!((gates.ratio(&values).unwrap() - expected).abs() < 1e-9);
        let make = |physical: &[usize]| mixers.mixer(noiseless.noise(), physical, 128);
        let pulses = Qaoa::new(&problem, 2, freedom, &noiseless, &options, Some(&make)).unwrap();
        let found = pulses.ratio(&values).unwrap();
        assert!((found - expected).abs() < 2e-3, "{found} {expected}");
        let worst = pulses.pulses(&values).unwrap();
        assert_eq!(worst.len(), 8);
        assert!(worst.iter().all(|p| p.infidelity < 1e-4 && p.leakage < 1e-5), "{worst:?}");
        // The mean of many shots is the ratio
        let score = pulses.score(&values, Score::default(), 400_000, 3).unwrap();
        assert!((score - found).abs() < 5e-3);
    }
}

#[test]
fn a_trivial_mixer_is_refused_and_shown_on_request() {
    let (noiseless, _) = device(NoiseOptions::NONE);
    let problem = triangle();
    let free = Freedom::angles().with_phase(Sharing::Each);
    let new = |freedom| Qaoa::new(&problem, 1, freedom, &noiseless, &CompileOptions::default(), None);
    let refused = new(free).unwrap_err();
    assert_eq!(refused, Error::DegenerateMixer);
    assert!(refused.to_string().contains("product state"));
    // With γ = 0, a quarter turn about +Y or -Y prepares any partition from |+>
    let trivial = new(free.allow_degenerate()).unwrap();
    let best = (0..16).find(|bits| problem.ratio(*bits) == 1.0).unwrap();
    let mut values = vec![0.0];
    values.extend([PI / 2.0; 4]);
    values.extend((0..4).map(|k| if best >> k & 1 == 1 { PI / 2.0 } else { -PI / 2.0 }));
    assert!((trivial.ratio(&values).unwrap() - 1.0).abs() < 1e-9);
}

#[test]
fn a_pulse_suffers_less_than_two() -> Result<()> {
    let options = NoiseOptions {
        over_rotation: Some(OverRotation { sigma: 0.03, seed: 5, opposite: false }),
        ..NoiseOptions::default()
    };
    let (noisy, mixers) = device(options);
    let (problem, options) = (triangle(), CompileOptions::default());
    let gates = Qaoa::new(&problem, 1, Freedom::shared(), &noisy, &options, None)?;
    let make = |physical: &[usize]| mixers.mixer(noisy.noise(), physical, 320);
    let pulses = Qaoa::new(&problem, 1, Freedom::shared(), &noisy, &options, Some(&make))?;
    assert_eq!((pulses.place(0), pulses.place(3)), (gates.place(0), gates.place(3)), "the same layout");
    assert_eq!(
        (pulses.swaps(), pulses.entanglers()),
        (gates.swaps(), gates.entanglers()),
        "the same problem layers"
    );
    let training = Training { evaluations: 40, shots: 4096, ..Training::default() };
    let trained = train(&pulses, &pulses.ramp(), &training)?;
    assert!(
        trained.evaluations <= 40
            && pulses.ratio(&trained.parameters)? > pulses.ratio(&pulses.ramp())? - 0.01
    );
    let of = |physical: &[usize], duration| mixers.mixer(noisy.noise(), physical, duration);
    let limits = Limits { loss: 1e-3, infidelity: 1e-4, leakage: 1e-5 };
    let found = shortest_mixer(&pulses, &trained.parameters, TIMING, 320, limits, &of)?;
    let Trial { duration, ratio, .. } = found.mixer;
    assert!(duration <= 128 && duration.is_multiple_of(16), "{:?}", found.trials);
    assert_eq!(found.qaoa.ratio(&trained.parameters)?, ratio);
    assert!(ratio > pulses.ratio(&trained.parameters)? - 1e-3);
    assert!(matches!(of(&[0], 100), Err(Error::Pulse { .. })), "no multiple of 16");
    assert!(matches!(of(&[0], 16), Err(Error::Pulse { .. })), "too short");
    Ok(())
}

#[test]
fn what_relaxation_leaves_of_an_error_goes_with_pulses_or_with_time() -> Result<()> {
    let (noisy, by_pulse) = device(NoiseOptions::default());
    let by_length = device(NoiseOptions::default()).1.with_excess(Excess::Length);
    let calibration = noisy.noise().calibration();
    let qubits: Vec<usize> = (0..7).collect();
    let back = Channel::unitary(Gate::named("rx").unwrap().matrix(&[-PI / 2.0]))?;
    for (mixers, samples, pulses) in
        [(&by_pulse, 160, 1.0), (&by_pulse, 320, 1.0), (&by_length, 160, 1.0), (&by_length, 320, 2.0)]
    {
        let mixer = mixers.mixer(noisy.noise(), &qubits, samples)?;
        for &qubit in &qubits {
            let (about, sx) = (&calibration.qubits()[qubit], calibration.gate("sx", &[qubit]).unwrap());
            let relaxation = |length: f64| {
                let channel = Channel::thermal_relaxation(length, about.t1, about.t2)?;
                Ok::<_, Error>(1.0 - channel.average_gate_fidelity())
            };
            let excess = (sx.error - relaxation(sx.length)?).max(0.0);
            let expected = relaxation(sx.length * samples as f64 / 160.0)? + pulses * excess;
            let undone = mixer.pulse(qubit, PI / 2.0, 0.0)?.channel.then(&back)?;
            let found = 1.0 - undone.average_gate_fidelity();
            assert!((found / expected - 1.0).abs() < 0.03, "qubit {qubit}: {found} {expected}");
        }
    }
    Ok(())
}

#[test]
fn scores_take_tails_and_undo_readout() {
    let problem = triangle();
    let confusion = vec![crate::circuit::Confusion { p1_given_0: 0.1, p0_given_1: 0.2 }; 4];
    let mut seen = vec![0.0; 16];
    seen[0] = 0.5;
    seen[0b0100] = 0.5;
    let plain = Score { mitigate: false, ..Score::default() };
    let expected = 0.5 * problem.ratio(0) + 0.5 * problem.ratio(4);
    assert!((plain.of(&problem, &seen, &confusion).unwrap() - expected).abs() < 1e-12);
    let tail = Score { tail: 0.25, mitigate: false };
    assert!((tail.of(&problem, &seen, &confusion).unwrap() - problem.ratio(4)).abs() < 1e-12);
    // Outcome 0 as it is read comes back
    let mut read = vec![0.0; 16];
    for (outcome, slot) in read.iter_mut().enumerate() {
        *slot = (0..4).map(|k| if outcome >> k & 1 == 1 { 0.1 } else { 0.9 }).product();
    }
    assert!(Score::default().of(&problem, &read, &confusion).unwrap().abs() < 1e-9);
    let none = Score { tail: 0.0, mitigate: false };
    assert!(matches!(none.of(&problem, &seen, &confusion), Err(Error::Setting { name: "tail", .. })));
}

#[test]
fn graphs_are_checked_and_cut() {
    assert_eq!((MaxCut::k33().unwrap().best(), MaxCut::prism().unwrap().best()), (9, 7));
    let cubic = MaxCut::cubic(8, 1).unwrap();
    assert!((0..8).all(|v| cubic.edges().iter().filter(|(i, j)| *i == v || *j == v).count() == 3));
    assert_eq!(cubic, MaxCut::cubic(8, 1).unwrap());
    assert!(MaxCut::erdos_renyi(6, 0.5, 1).unwrap().edges().len() >= 5);
    assert!(matches!(MaxCut::new("loop", 2, &[(1, 1)]), Err(Error::Edge { .. })));
    assert!(matches!(MaxCut::new("far", 2, &[(0, 2)]), Err(Error::Edge { .. })));
    assert!(matches!(MaxCut::new("twice", 2, &[(0, 1), (1, 0)]), Err(Error::DeclaredTwice { .. })));
    for (vertices, edges) in [(1, &[][..]), (21, &[(0, 1)]), (3, &[])] {
        assert!(matches!(MaxCut::new("bad", vertices, edges), Err(Error::Setting { .. })));
    }
    assert!(MaxCut::cubic(7, 1).is_err() && MaxCut::erdos_renyi(6, 0.0, 1).is_err());
    assert!(MaxCut::erdos_renyi(6, f64::NAN, 1).is_err());
}
