//! Compiled circuits against dense unitaries, on maps of several shapes.

mod economy;

use rand::RngExt;

use super::*;
use crate::device::{Calibration, Edge, Entangler, Site};
use crate::gate::{Call, Gate, dense, table};
use crate::linalg::{Matrix, dagger, haar_unitary, trace};
use crate::simulator::{Simulator, StateVector};
use crate::{Angle, Builder, C64, Qubits};

/// Seven qubits of a heavy-hex map with all kinds of edges, some in one direction only.
fn mixed() -> Target {
    let kinds = [
        (0, 1, Entangler::Cx),
        (2, 1, Entangler::Ecr),
        (1, 3, Entangler::Cz),
        (5, 3, Entangler::Cx),
        (4, 5, Entangler::Ecr),
        (5, 6, Entangler::Cz),
    ];
    Target::new("mixed", vec![Site::default(); 7], kinds.map(|(a, b, kind)| Edge::new(a, b, kind))).unwrap()
}

fn calls(circuit: &Circuit) -> Vec<Call> {
    let call = |step: &Instruction| match step {
        Instruction::Gate(call) => Some(call.clone()),
        _ => None,
    };
    circuit.instructions().iter().filter_map(call).collect()
}

/// How far the compiled circuit is from the original up to a phase: 1 - |tr(U^+ V)| / dim.
fn distance(original: &Circuit, compiled: &Compiled, values: &[f64]) -> f64 {
    let (width, active) = (original.width(), compiled.circuit().width());
    let wide = dense(&calls(compiled.circuit()), active, values);
    // columns where the qubits that routing passes through are 0; rows sorted back by the final layout
    let dim = 1_usize << width;
    let spread = |index: usize, places: &[usize]| {
        places.iter().enumerate().fold(0, |s, (k, p)| s | (index >> k & 1) << p)
    };
    let narrow = Matrix::from_shape_fn((dim, dim), |(r, c)| {
        wide[(spread(r, compiled.last()), spread(c, compiled.initial()))]
    });
    1.0 - trace(&dagger(&dense(&calls(original), width, values)).dot(&narrow)).norm() / dim as f64
}

/// Refuses gates that the device doesn't have.
fn assert_native(compiled: &Compiled, target: &Target) {
    fn check(steps: &[Instruction], physical: &[usize], target: &Target) {
        for step in steps {
            match step {
                Instruction::If { body, .. } => check(body, physical, target),
                Instruction::Gate(call) if call.qubits.len() == 2 => {
                    let edge = target.edge(physical[call.qubits[0]], physical[call.qubits[1]]);
                    assert_eq!(edge.map(|edge| edge.gate.name()), Some(call.name().as_str()), "{call:?}");
                }
                Instruction::Gate(call) => {
                    assert!(["rz", "sx", "x"].contains(&call.name().as_str()), "{call:?}");
                }
                _ => {}
            }
        }
    }
    check(compiled.circuit().instructions(), compiled.physical(), target);
}

fn random_circuit(width: usize, gates: usize, rng: &mut ChaCha8Rng) -> Circuit {
    let rows: Vec<_> = table().iter().filter(|row| (1..=width).contains(&row.operands.len())).collect();
    let mut circuit = Circuit::new(width).unwrap();
    for _ in 0..gates {
        let row = rows[rng.random_range(0..rows.len())];
        let angles: Vec<_> = row.angles.iter().map(|_| Angle::radians(rng.random_range(-3.0..3.0))).collect();
        let mut qubits: Vec<usize> = (0..width).collect();
        let operands: Vec<_> =
            row.operands.iter().map(|_| qubits.swap_remove(rng.random_range(0..qubits.len()))).collect();
        circuit.push(Call::new(Gate::Standard(row), angles, operands).into()).unwrap();
    }
    circuit
}

fn targets() -> Vec<Target> {
    vec![
        Target::line(5).unwrap(),
        Target::ring(5).unwrap(),
        Target::full(5).unwrap(),
        mixed(),
        Target::from(&Calibration::bundled("jakarta").unwrap()),
    ]
}

#[test]
fn random_circuits_are_equal_and_native_on_every_map() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for target in targets() {
        for round in 0..6 {
            let circuit = random_circuit(2 + round % 4, 14, &mut rng);
            for optimise in [true, false] {
                let options =
                    CompileOptions { optimise, trials: 3, seed: round as u64, ..Default::default() };
                let compiled = compile(&circuit, &target, &options).unwrap();
                assert_native(&compiled, &target);
                let off = distance(&circuit, &compiled, &[]);
                assert!(
                    off < 1e-11,
                    "{} {optimise}: {off}\n{circuit}\n{}",
                    target.name(),
                    compiled.circuit()
                );
            }
        }
    }
}

#[test]
fn every_row_of_the_table_is_equal_on_every_map() {
    for target in targets() {
        for row in table().iter().filter(|row| !row.operands.is_empty()) {
            let width = row.operands.len();
            let angles: Vec<_> = (0..row.angles.len()).map(|k| Angle::parameter(k) * 0.5 + 0.1).collect();
            let mut circuit = Circuit::new(width).unwrap();
            circuit.declare_parameters("a", &[angles.len().max(1)]).unwrap();
            let operands: Vec<_> = (0..width).rev().collect();
            circuit.push(Call::new(Gate::Standard(row), angles, operands).into()).unwrap();
            let compiled = compile(&circuit, &target, &CompileOptions::default()).unwrap();
            assert_native(&compiled, &target);
            let off = distance(&circuit, &compiled, &[0.7, -1.9, 2.3, 0.4]);
            assert!(off < 1e-12, "{} on {}: {off}", row.name, target.name());
        }
    }
}

#[test]
fn matrices_of_the_user_are_equal() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let mut b = Builder::new("matrices");
    let q: Qubits<3> = b.register("q");
    b.unitary(&haar_unitary(4, &mut rng), q.at(1..));
    b.unitary(&haar_unitary(8, &mut rng), q);
    b.unitary(&haar_unitary(2, &mut rng), q.at(1));
    let circuit = b.finish().unwrap();
    for target in targets() {
        let compiled = compile(&circuit, &target, &CompileOptions::default()).unwrap();
        assert!(distance(&circuit, &compiled, &[]) < 1e-11, "{}", target.name());
    }
}

fn ansatz() -> Circuit {
    let mut b = Builder::new("ansatz");
    let q: Qubits<4> = b.register("q");
    let theta: [[[Angle; 3]; 4]; 3] = b.parameter("theta");
    for layer in theta {
        for (qubit, [x, y, z]) in layer.into_iter().enumerate() {
            b.u(x, y, z, q.at(qubit));
            b.rz(2.0 * z - x, q.at(qubit));
        }
        b.cz(q.at(..3), q.at(1..));
        b.rzz(layer[0][0] + layer[1][1], q.at(0), q.at(3));
    }
    b.finish().unwrap()
}

#[test]
fn parameters_stay_symbolic() {
    let circuit = ansatz();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for target in targets() {
        let compiled = compile(&circuit, &target, &CompileOptions::default()).unwrap();
        assert_eq!(compiled.circuit().parameters(), circuit.parameters());
        let values: Vec<f64> = (0..36).map(|_| rng.random_range(-4.0..4.0)).collect();
        assert!(distance(&circuit, &compiled, &values) < 1e-12, "{}", target.name());
        let bound = circuit.bind(&values).unwrap();
        let before = compile(&bound, &target, &CompileOptions::default()).unwrap();
        assert!(distance(&bound, &before, &[]) < 1e-12);
        assert!(distance(&bound, &compiled.bind(&values).unwrap(), &[]) < 1e-12);
    }
}

#[test]
fn same_seed_same_result_for_any_number_of_threads() {
    let circuit = random_circuit(5, 40, &mut ChaCha8Rng::seed_from_u64(9));
    let target = mixed();
    let options = CompileOptions { seed: 7, ..Default::default() };
    let compiled = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| compile(&circuit, &target, &options).unwrap())
    };
    assert_eq!(compiled(1), compiled(3));
}

#[test]
fn measurement_reset_condition_and_barrier_survive() {
    let mut b = Builder::new("feedback");
    let q: Qubits<4> = b.register("q");
    b.h(q.at(0));
    let bit = b.measure(q.at(0));
    b.reset(q.at(0));
    b.barrier(q);
    b.when(bit, |b| {
        b.cx(q.at(0), q.at(3));
        b.cx(q.at(1), q.at(3));
        b.ry(0.3, q.at(2));
    });
    b.when(!bit, |b| b.swap(q.at(0), q.at(2)));
    let bits = b.measure(q);
    b.returns(bits);
    let circuit = b.finish().unwrap();
    for target in targets() {
        for layout in [Layout::Auto, Layout::Fixed(vec![3, 0, 1, 4])] {
            let options = CompileOptions { layout, ..Default::default() };
            let compiled = compile(&circuit, &target, &options).unwrap();
            assert_native(&compiled, &target);
            let counts = compiled.circuit().counts();
            let wanted = [("measure", 5), ("reset", 1), ("if", 2), ("barrier", 1)];
            assert!(wanted.iter().all(|(name, count)| counts[*name] == *count), "{counts:?}");
            assert_eq!(compiled.circuit().outputs(), circuit.outputs());
            // each branch by itself is a unitary that must be that of the original
            for value in [false, true] {
                let branch = |circuit: &Circuit| {
                    let mut taken = Circuit::new(circuit.width()).unwrap();
                    for step in circuit.instructions() {
                        match step {
                            Instruction::If { value: wanted, body, .. } if *wanted == value => {
                                body.iter().try_for_each(|inner| taken.push(inner.clone())).unwrap();
                            }
                            Instruction::Gate(_) => taken.push(step.clone()).unwrap(),
                            _ => {}
                        }
                    }
                    taken
                };
                let part = Compiled { circuit: branch(compiled.circuit()).into(), ..compiled.clone() };
                assert!(distance(&branch(&circuit), &part, &[]) < 1e-12, "{} {value}", target.name());
            }
        }
    }
}

/// A qubit that is measured early stands where the others must pass.
#[test]
fn no_swap_passes_through_a_qubit_that_has_been_measured() {
    let mut b = Builder::new("early");
    let q: Qubits<4> = b.register("q");
    b.ry(0.5, q);
    b.cx(q.at(0), q.at(1));
    let first = b.measure(q.at(1));
    b.cx(q.at(0), q.at(2));
    b.cx(q.at(3), q.at(0));
    b.cx(q.at(2), q.at(3));
    let [second, third] = *b.measure([q.at(0), q.at(3)]);
    b.returns([first, second, third]);
    let circuit = b.finish().unwrap();
    for target in targets() {
        for layout in [Layout::Auto, Layout::Fixed(vec![0, 1, 2, 3])] {
            let options = CompileOptions { layout, ..Default::default() };
            let compiled = compile(&circuit, &target, &options).unwrap();
            let steps = compiled.circuit().instructions();
            let measures = |step: &Instruction| matches!(step, Instruction::Measure { .. });
            let late = steps.iter().skip_while(|step| !measures(step)).all(measures);
            assert!(late, "{}: {}", target.name(), compiled.circuit());
            let simulator = StateVector::new();
            let wanted = simulator.probabilities(&circuit, &[]).unwrap();
            let found = simulator.probabilities(compiled.circuit(), &[]).unwrap();
            assert!(wanted.iter().zip(&found).all(|(a, b)| (a - b).abs() < 1e-12), "{}", target.name());
        }
    }
}

#[test]
fn what_cannot_be_compiled_is_refused() {
    let compiled = |circuit: &Circuit, target: &Target, layout| {
        compile(circuit, target, &CompileOptions { layout, ..Default::default() })
    };
    let line = Target::line(3).unwrap();
    let wide = Circuit::new(4).unwrap();
    assert!(matches!(
        compiled(&wide, &line, Layout::Auto),
        Err(Error::DeviceTooSmall { found: 4, limit: 3, .. })
    ));
    let parts = Target::coupled("parts", 6, [(0, 1), (2, 3), (3, 4)]).unwrap();
    let mut circuit = Circuit::new(4).unwrap();
    for b in 1..4 {
        circuit.push(native::call("cx", [], [b - 1, b])).unwrap();
    }
    assert!(matches!(
        compiled(&circuit, &parts, Layout::Auto),
        Err(Error::NotConnected { needed: 4, reached: 3, .. })
    ));
    assert!(matches!(
        compiled(&circuit, &parts, Layout::Fixed(vec![0, 1, 2, 3])),
        Err(Error::NotConnected { .. })
    ));
    let mut pairs = Circuit::new(5).unwrap();
    pairs.push(native::call("cx", [], [0, 1])).unwrap();
    pairs.push(native::call("cx", [], [2, 3])).unwrap();
    assert_eq!(compiled(&pairs, &parts, Layout::Auto).unwrap().swaps(), 0);
    let short = Layout::Fixed(vec![0, 1]);
    assert!(matches!(compiled(&pairs, &parts, short), Err(Error::Dimension { found: 2, expected: 5, .. })));
    let outside = Layout::Fixed(vec![0, 1, 2, 3, 6]);
    assert!(matches!(compiled(&pairs, &parts, outside), Err(Error::QubitIndex { qubit: 6, width: 6 })));
    let twice = Layout::Fixed(vec![0, 1, 2, 3, 1]);
    assert!(matches!(compiled(&pairs, &parts, twice), Err(Error::RepeatedQubit { qubit: 1 })));
    let mut noisy = Circuit::new(1).unwrap();
    let channel = std::sync::Arc::new(crate::Channel::depolarizing(0.1, 1).unwrap());
    noisy.push(Instruction::Channel { channel, qubits: vec![0] }).unwrap();
    assert!(matches!(compiled(&noisy, &line, Layout::Auto), Err(Error::NotCompilable { .. })));
    let mut b = Builder::new("wide");
    let q: Qubits<6> = b.register("q");
    b.unitary(&Matrix::eye(64), q);
    let grid = Target::grid(2, 3).unwrap();
    let error = compiled(&b.finish().unwrap(), &grid, Layout::Auto).unwrap_err();
    assert_eq!(
        error.to_string(),
        "number of qubits of the matrix `unitary` is 6, but at most 5 to compile was expected"
    );
}

#[test]
fn a_state_keeps_its_logical_qubits() {
    let mut b = Builder::new("far");
    let q: Qubits<3> = b.register("q");
    b.x(q.at(0));
    b.cx(q.at(0), q.at(1));
    b.cx(q.at(1), q.at(2));
    b.cx(q.at(0), q.at(2));
    let circuit = b.finish().unwrap();
    let options = CompileOptions { layout: Layout::Fixed(vec![0, 2, 4]), ..Default::default() };
    let compiled = compile(&circuit, &Target::line(5).unwrap(), &options).unwrap();
    let active = compiled.circuit().width();
    let column = dense(&calls(compiled.circuit()), active, &[]).column(0).to_vec();
    let rho = crate::linalg::outer(&column, &column);
    let logical = compiled.logical_density(&rho).unwrap();
    assert!((logical[(3, 3)] - C64::from(1.0)).norm() < 1e-12);
    assert!(matches!(compiled.logical_density(&Matrix::eye(2)), Err(Error::Dimension { .. })));
}
