use std::f64::consts::FRAC_PI_2;

use ndarray::Array2;
use proptest::prelude::*;

use super::*;
use crate::circuit::Confusion;
use crate::{Angle, C64, Matrix};

fn gate(name: &str, angles: &[f64], qubits: &[usize]) -> Instruction {
    let angles: Vec<Angle> = angles.iter().map(|angle| Angle::radians(*angle)).collect();
    Instruction::Gate(Call::new(Gate::named(name).unwrap(), angles, qubits))
}

fn circuit(width: usize, steps: impl IntoIterator<Item = Instruction>) -> Circuit {
    let mut circuit = Circuit::new(width).unwrap();
    for step in steps {
        circuit.push(step).unwrap();
    }
    circuit
}

fn measure(qubit: usize) -> Instruction {
    Instruction::Measure { qubit, bit: qubit, confusion: None }
}

fn bundled(name: &str, options: NoiseOptions) -> NoiseModel {
    NoiseModel::new(&Calibration::bundled(name).unwrap(), options).unwrap()
}

/// The density matrix after a circuit of gates and channels, as one superoperator after the other.
fn evolve(circuit: &Circuit) -> Matrix {
    let (width, d) = (circuit.width(), 1 << circuit.width());
    let mut rho = Array2::zeros((d, d));
    rho[[0, 0]] = C64::ONE;
    for step in circuit.instructions() {
        let (channel, qubits) = match step {
            Instruction::Gate(call) => {
                let angles = call.values(&[]);
                (Channel::unitary(call.gate.full_matrix(&angles)).unwrap(), call.qubits.clone())
            }
            Instruction::Channel { channel, qubits } => (channel.as_ref().clone(), qubits.clone()),
            _ => continue,
        };
        rho = channel.embed(&qubits, width).unwrap().apply(&rho).unwrap();
    }
    rho
}

fn distance(a: &Matrix, b: &Matrix) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).norm()).fold(0.0, f64::max)
}

#[test]
fn each_gate_has_its_reported_infidelity() {
    for name in Calibration::bundled_names() {
        let model = bundled(name, NoiseOptions::default());
        for gate in model.calibration().gates() {
            let infidelity = model
                .channel(&gate.name, &gate.qubits)
                .map_or(0.0, |noise| 1.0 - noise.average_gate_fidelity());
            let process: f64 = gate
                .qubits
                .iter()
                .map(|qubit| one_qubit_process_fidelity(&model, *qubit, gate.length))
                .product();
            let d = (1_usize << gate.qubits.len()) as f64;
            let relaxation = 1.0 - (d * process + 1.0) / (d + 1.0);
            let wanted = gate.error.max(relaxation);
            assert!((infidelity - wanted).abs() < 1e-12, "{name} {} {:?}", gate.name, gate.qubits);
        }
    }
}

/// By the closed form, with nothing of [`Channel`].
fn one_qubit_process_fidelity(model: &NoiseModel, qubit: usize, time: f64) -> f64 {
    let about = &model.calibration().qubits()[qubit];
    let average = 0.5 + (-time / about.t1).exp() / 6.0 + (-time / about.t2).exp() / 3.0;
    f64::midpoint(3.0 * average, -1.0)
}

#[test]
fn a_waiting_qubit_relaxes_for_as_long_as_it_waits() {
    let model = bundled("manila", NoiseOptions { idle: true, ..NoiseOptions::NONE });
    let steps = std::iter::once(gate("x", &[], &[1])).chain((0..20).map(|_| gate("sx", &[], &[0])));
    let noisy = model.apply(&circuit(2, steps), &[3, 4]).unwrap();
    let (sx, x) =
        (model.calibration().gate("sx", &[3]).unwrap(), model.calibration().gate("x", &[4]).unwrap());
    let wanted = (-(20.0 * sx.length - x.length) / model.calibration().qubits()[4].t1).exp();
    let rho = evolve(&noisy);
    let excited = rho[[2, 2]].re + rho[[3, 3]].re;
    assert!((excited - wanted).abs() < 1e-12, "{excited} {wanted}");

    // Measured together at the end: the first qubit measured waits for the other all the same.
    let steps = (0..20).map(|_| gate("sx", &[], &[0]));
    let early = [gate("x", &[], &[1]), measure(1)].into_iter().chain(steps).chain([measure(0)]);
    let noisy = model.apply(&circuit(2, early), &[3, 4]).unwrap();
    assert!((evolve(&noisy)[[2, 2]].re + evolve(&noisy)[[3, 3]].re - wanted).abs() < 1e-12);
    let measured = |step: &Instruction| matches!(step, Instruction::Measure { .. });
    let place = noisy.instructions().iter().position(measured).unwrap();
    assert!(noisy.instructions()[place..].iter().all(measured));
}

#[test]
fn noise_after_noise_is_one_channel() {
    let options = NoiseOptions { zz: false, ..NoiseOptions::default() };
    let model = bundled("manila", options);
    let steps = [gate("sx", &[], &[0]), gate("cx", &[], &[1, 2]), gate("cx", &[], &[0, 1]), measure(2)];
    let noisy = model.apply(&circuit(3, steps), &[0, 1, 2]).unwrap();
    let names: Vec<String> = noisy.instructions().iter().map(Instruction::name).collect();
    // The wait of qubit 0 joins the noise of its sx (shorter than relaxation allows, so nothing but relaxation), that
    // of qubit 2 the noise of its cx.
    assert_eq!(names, ["sx", "relaxation", "cx", "noise", "cx", "noise", "measure"]);
}

#[test]
fn over_rotations_are_fixed_by_seed_gate_and_qubits() {
    let over = |seed| Some(OverRotation { sigma: 0.05, seed, opposite: false });
    let model = |seed| bundled("jakarta", NoiseOptions { over_rotation: over(seed), ..NoiseOptions::NONE });
    let (first, again, other) = (model(1), model(1), model(2));
    let over_rotation = over(1).map(|over| OverRotation { opposite: true, ..over });
    let opposite = bundled("jakarta", NoiseOptions { over_rotation, ..NoiseOptions::NONE });
    let mut squares = Vec::new();
    for gate in first.calibration().gates().iter().filter(|gate| gate.length > 0.0) {
        let turn = first.over_rotation(&gate.name, &gate.qubits);
        assert_eq!(turn, again.over_rotation(&gate.name, &gate.qubits));
        assert_ne!(turn, other.over_rotation(&gate.name, &gate.qubits));
        assert_eq!(-turn, opposite.over_rotation(&gate.name, &gate.qubits));
        squares.push(turn * turn);
    }
    let spread = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
    assert!((0.035..0.065).contains(&spread), "{spread}");
    assert_ne!(first.over_rotation("cx", &[0, 1]), first.over_rotation("cx", &[1, 0]));

    // What comes out is the gate with its angle off by that share.
    let turn = 1.0 + first.over_rotation("sx", &[0]);
    let noisy = first.apply(&circuit(1, [gate("sx", &[], &[0])]), &[0]).unwrap();
    let wanted = circuit(1, [gate("rx", &[FRAC_PI_2 * turn], &[0])]);
    assert!(distance(&evolve(&noisy), &evolve(&wanted)) < 1e-14);

    let turn = 1.0 + first.over_rotation("cx", &[0, 1]);
    let start = [gate("u", &[0.3, 0.5, 0.1], &[0]), gate("u", &[1.1, -0.4, 0.2], &[1])];
    let after = |steps: Vec<Instruction>| evolve(&circuit(2, start.iter().cloned().chain(steps)));
    let noisy = first.apply(&circuit(2, [gate("cx", &[], &[0, 1])]), &[0, 1]).unwrap();
    let wanted = vec![
        gate("rz", &[FRAC_PI_2], &[0]),
        gate("rx", &[FRAC_PI_2], &[1]),
        gate("rzx", &[-FRAC_PI_2 * turn], &[0, 1]),
    ];
    assert!(distance(&after(noisy.instructions().to_vec()), &after(wanted)) < 1e-14);

    for sigma in [f64::NAN, f64::INFINITY, -0.1] {
        let over_rotation = Some(OverRotation { sigma, ..over(0).unwrap() });
        let options = NoiseOptions { over_rotation, ..NoiseOptions::NONE };
        let manila = Calibration::bundled("manila").unwrap();
        assert!(matches!(NoiseModel::new(&manila, options), Err(Error::OutOfRange { .. })));
    }
}

#[test]
fn readout_errors_stand_on_the_measurement() {
    let model = bundled("manila", NoiseOptions::default());
    let noisy = model.apply(&circuit(1, [measure(0)]), &[2]).unwrap();
    let about = model.calibration().qubits()[2];
    let wanted = Some(Confusion { p1_given_0: about.p1_given_0, p0_given_1: about.p0_given_1 });
    assert_eq!(noisy.instructions(), [Instruction::Measure { qubit: 0, bit: 0, confusion: wanted }]);
    let plain = bundled("manila", NoiseOptions { readout: false, ..NoiseOptions::default() });
    assert_eq!(plain.apply(&circuit(1, [measure(0)]), &[2]).unwrap().instructions(), [measure(0)]);
}

#[test]
fn without_noise_the_circuit_comes_back() {
    let mut plain = Circuit::new(0).unwrap();
    plain.declare("q", 2).unwrap();
    plain.declare_parameters("theta", &[2]).unwrap();
    let turn = Call::new(Gate::named("rz").unwrap(), [2.0 * Angle::parameter(1)], [1]);
    let body = vec![gate("x", &[], &[1])];
    let steps = [
        gate("sx", &[], &[0]),
        Instruction::Gate(turn),
        gate("cx", &[], &[0, 1]),
        measure(0),
        Instruction::If { bit: 0, value: true, body },
        Instruction::Reset { qubit: 0 },
        measure(1),
    ];
    for step in steps {
        plain.push(step).unwrap();
    }
    plain.set_outputs([1]).unwrap();
    let silent = bundled("manila", NoiseOptions::NONE).apply(&plain, &[0, 1]).unwrap();
    assert_eq!(silent, plain);

    let noisy = bundled("manila", NoiseOptions::default()).apply(&plain, &[0, 1]).unwrap();
    assert_eq!(noisy.parameters(), plain.parameters());
    assert_eq!(noisy.outputs(), [1]);
    let body = noisy.instructions().iter().find_map(|step| match step {
        Instruction::If { body, .. } => Some(body),
        _ => None,
    });
    assert_eq!(body.unwrap().iter().map(Instruction::name).collect::<Vec<_>>(), ["x", "noise"]);
}

#[test]
fn what_the_device_cannot_do_is_refused() {
    let model = bundled("manila", NoiseOptions::default());
    let refused =
        |steps: Vec<Instruction>, physical: &[usize]| model.apply(&circuit(2, steps), physical).unwrap_err();
    let message = refused(vec![gate("rz", &[0.1], &[0]), gate("cx", &[], &[0, 1])], &[0, 2]).to_string();
    assert_eq!(
        message,
        "`cx` on physical qubits [0, 2] (step 1) is not native to manila, expected cx, id, rz, sx, x on coupled qubits"
    );
    assert!(matches!(refused(vec![gate("h", &[], &[0])], &[0, 1]), Error::NotNative { .. }));
    let controlled = Call { controls: vec![1], ..Call::new(Gate::named("sx").unwrap(), [], [0]) };
    assert!(matches!(refused(vec![Instruction::Gate(controlled)], &[0, 1]), Error::NotNative { .. }));
    let hidden = Instruction::If { bit: 0, value: true, body: vec![gate("h", &[], &[0])] };
    assert!(matches!(refused(vec![measure(0), hidden], &[0, 1]), Error::NotNative { step: 1, .. }));
    assert!(matches!(refused(vec![], &[0]), Error::Shape { .. }));
    assert!(matches!(refused(vec![], &[0, 5]), Error::QubitIndex { qubit: 5, width: 5 }));
    assert!(matches!(refused(vec![], &[3, 3]), Error::RepeatedQubit { qubit: 3 }));
    let wide = model.apply(&Circuit::new(6).unwrap(), &[0, 1, 2, 3, 4, 0]);
    assert!(matches!(wide, Err(Error::DeviceTooSmall { found: 6, limit: 5, .. })));

    let text = model.calibration().to_compact().replace("\"error\":0.008827712070629129", "\"error\":1");
    let dead = Calibration::from_compact("dead", &text, crate::device::Reading::Strict).unwrap();
    let dead = NoiseModel::new(&dead, NoiseOptions::default()).unwrap();
    let error = dead.apply(&circuit(2, [gate("cx", &[], &[0, 1])]), &[0, 1]).unwrap_err();
    assert!(matches!(error, Error::DeadGate { .. }), "{error}");
}

/// Unitary of a circuit by gates at the middle of their time, with free evolution under ZZ in between: the physics
/// that the pass puts into a sequence.
fn with_free_evolution(circuit: &Circuit, model: &NoiseModel, physical: &[usize]) -> Matrix {
    let width = circuit.width();
    let mut free = vec![0.0_f64; width];
    let mut events = Vec::new();
    for step in circuit.instructions() {
        let Instruction::Gate(call) = step else { continue };
        let qubits: Vec<usize> = call.qubits.iter().map(|qubit| physical[*qubit]).collect();
        let length = model.calibration().gate(call.gate.name(), &qubits).unwrap().length;
        let start = call.qubits.iter().map(|qubit| free[*qubit]).fold(0.0, f64::max);
        for qubit in &call.qubits {
            free[*qubit] = start + length;
        }
        events.push((start + length / 2.0, step.clone()));
    }
    events.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut steps = Vec::new();
    let mut now = 0.0;
    let mut evolve_to = |time: f64, steps: &mut Vec<Instruction>| {
        for a in 0..width {
            for b in a + 1..width {
                if let Some(zz) = model.calibration().coupling(physical[a], physical[b]).and_then(|c| c.zz) {
                    let angle = std::f64::consts::TAU * zz * (time - now) / 4.0;
                    steps.push(gate("rzz", &[2.0 * angle], &[a, b]));
                }
            }
        }
        now = time;
    };
    for (time, step) in events {
        evolve_to(time, &mut steps);
        steps.push(step);
    }
    evolve_to(free.into_iter().fold(0.0, f64::max), &mut steps);
    self::evolve(&self::circuit(width, steps))
}

fn native_steps(width: usize) -> impl Strategy<Value = Vec<Instruction>> {
    let step = (0..4_u8, 0..width, -3.0..3.0_f64).prop_map(move |(kind, q, angle)| match kind {
        0 => gate("rz", &[angle], &[q]),
        1 => gate("x", &[], &[q]),
        2 if q + 1 < width => gate("cx", &[], &[q, q + 1]),
        _ => gate("sx", &[], &[q]),
    });
    prop::collection::vec(step, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn zz_acts_at_all_times(steps in native_steps(3)) {
        let model = bundled("perth", NoiseOptions { zz: true, ..NoiseOptions::NONE });
        let physical = [0, 1, 2];
        let plain = circuit(3, steps);
        let wanted = with_free_evolution(&plain, &model, &physical);
        let found = evolve(&model.apply(&plain, &physical).unwrap());
        prop_assert!(distance(&found, &wanted) < 1e-12, "{}", distance(&found, &wanted));
    }

    #[test]
    fn noise_keeps_the_trace_and_lowers_the_purity(steps in native_steps(3)) {
        let over_rotation = Some(OverRotation { sigma: 0.02, seed: 3, opposite: false });
        let model = bundled("lima", NoiseOptions { over_rotation, ..NoiseOptions::default() });
        let rho = evolve(&model.apply(&circuit(3, steps), &[0, 1, 3]).unwrap());
        prop_assert!((rho.diag().sum() - 1.0).norm() < 1e-12);
        let purity: f64 = rho.iter().map(C64::norm_sqr).sum();
        prop_assert!(purity <= 1.0 + 1e-12);
    }
}
