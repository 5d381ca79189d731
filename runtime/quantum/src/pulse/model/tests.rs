use std::f64::consts::{FRAC_PI_2, PI, TAU};

use super::*;
use crate::circuit::Builder;
use crate::device::{Exchange, NoiseModel, NoiseOptions, Transmon};
use crate::linalg::{Matrix, frobenius};
use crate::pulse::{Duration, ScheduleBuilder, Timing, Waveform, drive};
use crate::simulator::{DensityMatrix, Simulator, StateVector};
use crate::{Angle, C64, Observable, Qubits};

const DT: f64 = 2e-9 / 9.0;

fn transmon(gigahertz: f64) -> Transmon {
    Transmon { frequency: TAU * gigahertz * 1e9, anharmonicity: -TAU * 0.34e9, strength: TAU * 0.11e9 }
}

fn pair() -> Hamiltonian {
    let exchange = Exchange { a: 0, b: 1, strength: TAU * 1.9e6 };
    Hamiltonian::new("pair", vec![transmon(5.2), transmon(5.0)], vec![exchange], vec![]).unwrap()
}

fn target() -> PulseTarget {
    PulseTarget::new("pair", DT, Timing::default(), 2).unwrap().with_controls([(0, 1), (1, 0)]).unwrap()
}

fn model() -> PulseModel {
    PulseModel::new(&target(), &pair())
}

fn dt(samples: i64) -> Duration {
    Duration::samples(samples)
}

/// A quarter turn about X of 160 samples.
fn quarter() -> Waveform {
    let shape = Waveform::lifted_gaussian(dt(160), 1.0, dt(40));
    let area: f64 = shape.samples(DT, &[]).unwrap().iter().map(|z| z.re).sum();
    Waveform::drag(dt(160), FRAC_PI_2 / (TAU * 0.11e9 * DT * area), dt(40), -1.0)
}

fn gate(model: &PulseModel, build: impl FnOnce(&mut ScheduleBuilder)) -> Matrix {
    let mut b = ScheduleBuilder::new("pulses");
    build(&mut b);
    let call = PulseCall { schedule: b.finish().unwrap().into(), qubits: vec![0], arguments: vec![] };
    match model.effect(&call, &[0]).unwrap().effect {
        Effect::Gate(matrix) => matrix,
        Effect::Channel(_) => panic!("a gate was wanted"),
    }
}

/// Up to a global phase.
fn distance(a: &Matrix, b: &Matrix) -> f64 {
    let overlap: C64 = a.iter().zip(b).map(|(a, b)| a.conj() * b).sum();
    frobenius(&(a * (overlap / overlap.norm()) - b))
}

#[test]
fn frames_are_rz_after_the_pulses_and_programs_compose_like_gates() {
    let model = model();
    let rz =
        |angle: f64| ndarray::array![[C64::cis(-angle / 2.0), C64::ZERO], [C64::ZERO, C64::cis(angle / 2.0)]];
    let alone = gate(&model, |b| b.shift_phase(drive(0), 0.7));
    assert!(distance(&alone, &rz(0.7)) < 1e-12);
    let one = gate(&model, |b| b.play(drive(0), quarter()));
    let whole = gate(&model, |b| {
        b.play(drive(0), quarter());
        b.shift_phase(drive(0), 0.7);
        b.play(drive(0), quarter());
        b.shift_phase(drive(0), -0.3);
    });
    let parts = rz(-0.3).dot(&one).dot(&rz(0.7)).dot(&one);
    assert!(distance(&whole, &parts) < 1e-3, "{}", distance(&whole, &parts));
    let rx = Matrix::from_shape_fn((2, 2), |(r, c)| {
        if r == c { C64::from((PI / 4.0).cos()) } else { C64::new(0.0, -(PI / 4.0).sin()) }
    });
    assert!(distance(&one, &rx) < 0.05, "{}", distance(&one, &rx));
}

/// A quarter turn on each qubit, pulses between gates.
fn hybrid(amp: bool) -> Circuit {
    let mut b = Builder::new("hybrid");
    let q: Qubits<2> = b.register("q");
    let angles: [Angle; 2] = b.parameter("angle");
    b.h(q.at(0));
    b.rz(angles[0], q.at(1));
    b.pulses("quarters", |pulses| {
        for k in 0..2 {
            let line = pulses.drive(q.at(k));
            pulses.play(line, quarter().with_phase(if amp { angles[1] } else { Angle::radians(0.3) }));
        }
        let line = pulses.drive(q.at(1));
        pulses.shift_phase(line, 0.4);
    });
    b.cx(q.at(0), q.at(1));
    b.finish().unwrap()
}

#[test]
fn simulators_refuse_pulses_and_run_what_takes_their_place() {
    let (circuit, z) = (hybrid(false), Observable::z(0) * Observable::z(1) + Observable::x(0));
    let values = [0.6, 0.0];
    let refused = Error::PulseStep { step: "quarters".into() };
    assert_eq!(StateVector::new().expectation(&circuit, &z, &values), Err(refused.clone()));
    assert_eq!(DensityMatrix::new().expectation(&circuit, &z, &values), Err(refused.clone()));
    assert_eq!(
        circuit.inverse().unwrap_err().to_string(),
        "`quarters` is no unitary step, so it cannot stand inside `inverse`"
    );
    assert!(circuit.to_qasm(crate::qasm::Version::Three).is_err());

    // Parameters of gates may stay; those of pulses may not.
    let played = model().apply(&circuit, &[0, 1]).unwrap();
    assert_eq!(played.effects().len(), 1);
    assert!(played.effects()[0].leakage < 1e-4 && played.effects()[0].duration == 160);
    let pure = StateVector::new().expectation(&played, &z, &values).unwrap();
    let open = hybrid(true);
    assert_eq!(model().apply(&open, &[0, 1]).unwrap_err(), Error::UnboundPulses { step: "quarters".into() });
    let bound = model().apply(&open.bind(&[0.6, 0.3]).unwrap(), &[0, 1]).unwrap();
    let again = StateVector::new().expectation(&bound, &z, &[]).unwrap();
    assert!((pure - again).abs() < 1e-9, "{pure} {again}");
    // Channels that know the leakage agree, but for what leaks.
    let channels = model().with_leakage().apply(&circuit, &[0, 1]).unwrap();
    let mixed = DensityMatrix::new().expectation(&channels, &z, &values).unwrap();
    assert!((pure - mixed).abs() < 1e-3, "{pure} {mixed}");
}

#[test]
fn slow_relaxation_is_none_and_fast_relaxation_is_seen() {
    let circuit = hybrid(false);
    let Some(Instruction::Pulse(call)) =
        circuit.instructions().iter().find(|s| matches!(s, Instruction::Pulse(_)))
    else {
        panic!("the circuit has pulses")
    };
    let coherent = model().with_leakage().with_tolerance(1e-9).effect(call, &[0, 1]).unwrap();
    let calibration = Calibration::bundled("manila").unwrap();
    let open = model().with_tolerance(1e-9).with_relaxation(&calibration).effect(call, &[0, 1]).unwrap();
    let (Effect::Channel(a), Effect::Channel(b)) = (&coherent.effect, &open.effect) else {
        panic!("channels were asked for")
    };
    let difference = frobenius(&(a.superoperator() - b.superoperator()));
    // 36 ns against 50 to 150 us
    assert!(difference > 1e-4 && difference < 1e-2, "{difference}");
    assert!((coherent.leakage - open.leakage).abs() < 1e-5, "{} {}", coherent.leakage, open.leakage);
    // The same without relaxation to speak of, by the other way.
    let transmons = Transmons::new(&pair(), &[0, 1], 3).unwrap().with_tolerance(1e-9).unwrap();
    let transmons = transmons.with_relaxation(&[(1e3, 1e3); 2]).unwrap();
    let timeline = call.bound().unwrap().timeline_on(&target()).unwrap();
    let (samples, frames) = (timeline.samples(&[]).unwrap(), frames(&timeline, &[0, 1]));
    let (effect, ..) = Effect::open(&transmons, &samples, &frames).unwrap();
    let Effect::Channel(slow) = effect else { panic!("a channel was asked for") };
    let difference = frobenius(&(a.superoperator() - slow.superoperator()));
    assert!(difference < 1e-6, "{difference}");
}

#[test]
fn noise_models_play_pulses_for_as_long_as_they_last() {
    let mut b = Builder::new("idle");
    let q: Qubits<2> = b.register("q");
    b.x(q.at(0));
    b.x(q.at(1));
    b.pulses("long", |pulses| {
        let line = pulses.drive(q.at(1));
        pulses.delay(line, Duration::microseconds(20.0));
    });
    b.barrier(q);
    let circuit = b.finish().unwrap();
    let calibration = Calibration::bundled("manila").unwrap();
    let options = NoiseOptions { gate_noise: false, idle: true, ..NoiseOptions::NONE };
    let noise = NoiseModel::new(&calibration, options).unwrap();
    assert!(matches!(noise.apply(&circuit, &[0, 1]), Err(Error::PulseStep { .. })));
    let pulses = model().with_relaxation(&calibration);
    let noisy = noise.with_pulses(pulses).apply(&circuit, &[0, 1]).unwrap();
    for qubit in 0..2 {
        let z = DensityMatrix::new().expectation(&noisy, &Observable::z(qubit), &[]).unwrap();
        let wanted = 1.0 - 2.0 * (-20e-6 / calibration.qubits()[qubit].t1).exp();
        assert!((z - wanted).abs() < 2e-3, "qubit {qubit}: {z} {wanted}");
    }
}

#[test]
fn what_cannot_be_played_is_refused() {
    let refused = |build: &dyn Fn(&mut Builder, Qubits<2>)| {
        let mut b = Builder::new("refused");
        let q: Qubits<2> = b.register("q");
        build(&mut b, q);
        b.finish().and_then(|circuit| model().apply(&circuit, &[0, 1])).unwrap_err()
    };
    let strong = Waveform::constant(dt(1600), 0.9);
    let loud = refused(&|b, q| {
        b.pulses("loud", |p| {
            let line = p.drive(q.at(1));
            p.play(line, 2.0 * strong.clone());
        });
    });
    assert_eq!(loud.to_string(), "drive(1) at 0 dt (0 ns): amplitude 1.8 is above the device limit of 1");
    // A strong tone at the wrong transition: half of it ends above level 1.
    let leaky = refused(&|b, q| {
        b.x(q.at(0));
        b.pulses("leaky", |p| {
            let line = p.drive(q.at(0));
            p.shift_frequency(line, crate::pulse::Frequency::megahertz(-340.0));
            p.play(line, Waveform::constant(dt(100), 0.2));
        });
    });
    assert!(matches!(leaky, Error::Leakage { leakage, .. } if leakage > 0.1), "{leaky}");
    let outside = refused(&|b, q| {
        b.pulses("outside", |p| {
            let line = p.drive(q.at(2));
            p.play(line, quarter());
        });
    });
    assert!(matches!(outside, Error::QubitRange { qubit: 2, .. }), "{outside}");
    let captures = refused(&|b, q| {
        b.pulses("captures", |p| {
            let line = p.acquire(q.at(0));
            p.capture(line, dt(100));
        });
    });
    assert_eq!(captures, Error::PulseCaptures { step: "captures".into(), bits: 1 });
}

#[test]
fn schedules_are_steps_with_arguments() {
    let mut b = ScheduleBuilder::new("turn");
    let amp: Angle = b.parameter("amp");
    b.play(drive(0), Waveform::drag(dt(160), amp, dt(40), -1.0));
    let turn = b.finish().unwrap();
    let mut b = Builder::new("calls");
    let q: Qubits<2> = b.register("q");
    let x: [Angle; 2] = b.parameter("x");
    b.pulse(&turn, q.at(1), &[2.0 * x[1]]);
    b.pulse(&turn, q.at(0), &[x[0]]);
    let calls = b.finish().unwrap();
    assert!(calls.to_string().contains("[∿ turn(x[0])]"), "{calls}");
    assert!(calls.to_svg().contains(">turn(2x[1])<"), "{}", calls.to_svg());
    let bound = calls.bind(&[0.1, 0.05]).unwrap();
    let Instruction::Pulse(call) = &bound.instructions()[0] else { panic!("a pulse step") };
    assert_eq!((call.arguments[0], &call.qubits[..]), (Angle::radians(0.1), &[1][..]));
    // Parameters keep their meaning in a larger circuit.
    let mut outer = Circuit::new(3).unwrap();
    outer.declare_parameters("y", &[3]).unwrap();
    outer.append(&calls, &[2, 0]).unwrap();
    let Instruction::Pulse(call) = &outer.instructions()[0] else { panic!("a pulse step") };
    assert_eq!((call.arguments[0], &call.qubits[..]), (2.0 * Angle::parameter(4), &[0][..]));
    let mut b = Builder::new("few");
    let q: Qubits<2> = b.register("q");
    b.pulse(&turn, q.at(1), &[]);
    assert_eq!(b.finish().unwrap_err(), Error::Angles { gate: "turn".into(), found: 0, expected: 1 });
}
