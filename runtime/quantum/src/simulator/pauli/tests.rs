//! The engine against dense algebra.

use rand::RngExt;

use super::convert::{index, to_matrix, to_pauli};
use super::curve::{Factor, Known, full};
use super::kernel::apply_with;
use super::pattern::Pattern;
use super::stencil::Stencil;
use super::transfer::Transfer;
use super::{PauliState, Program};
use crate::circuit::Instruction;
use crate::gate::{self, Call, Gate, UnitaryGate};
use crate::linalg::{dagger, haar_unitary, random_density};
use crate::observable::PauliProduct;
use crate::simulator::mixed::MixedState;
use crate::simulator::random::{self, distance};
use crate::simulator::state::QuantumState;
use crate::simulator::sweep::vector::{Dispatch, Level};
use crate::{C64, Circuit, Matrix, Observable};

fn stacked(matrix: &Matrix) -> Vec<C64> {
    matrix.iter().copied().collect()
}

#[test]
fn pauli_vectors_are_expectations_of_products() {
    for width in 0..6 {
        let d = 1 << width;
        let rho = random_density(d, 2.min(d), &mut random::rng(width as u64));
        let vector = to_pauli(width, &stacked(&rho));
        for at in (0..d * d).step_by(1 + width * width) {
            let (x, z) = (at % d, at / d);
            let product = PauliProduct::parse(
                &(0..width)
                    .map(|q| ['I', 'X', 'Z', 'Y'][(x >> q & 1) | (z >> q & 1) << 1])
                    .collect::<String>(),
            );
            let dense = Observable::from(product.unwrap()).matrix(width).unwrap();
            let mean = crate::linalg::trace(&dense.dot(&rho)).re;
            assert!((vector[index(x, z)] - mean).abs() < 1e-13, "{width} qubits, product {x} {z}");
        }
        let back = to_matrix(width, &vector);
        assert!(back.iter().zip(&rho).all(|(a, b)| (a - b).norm() < 1e-14), "{width} qubits");
    }
}

#[test]
fn the_zero_state_is_that_of_its_density_matrix() {
    for width in 0..4 {
        let state = PauliState::zero(width).unwrap();
        assert_eq!(state.to_mixed().unwrap(), MixedState::zero(width).unwrap());
        assert_eq!(state.entries(), PauliState::of(&MixedState::zero(width).unwrap()).unwrap().entries());
    }
}

/// A matrix on some digits of a vector, by definition.
fn by_definition(map: &Transfer, qubits: &[usize], vector: &[f64]) -> Vec<f64> {
    let d = map.dimension();
    let inner =
        |at: usize| -> usize { qubits.iter().enumerate().map(|(k, q)| (at >> (2 * q) & 3) << (2 * k)).sum() };
    let mask: usize = qubits.iter().map(|q| 3 << (2 * q)).sum();
    let outer =
        |k: usize| -> usize { qubits.iter().enumerate().map(|(i, q)| (k >> (2 * i) & 3) << (2 * q)).sum() };
    (0..vector.len())
        .map(|at| (0..d).map(|k| map.entries[inner(at) * d + k] * vector[at & !mask | outer(k)]).sum())
        .collect()
}

/// Every position of one, two and three qubits, dense and sparse, on every kind of vector.
#[test]
fn kernels_follow_the_definition() {
    let mut rng = random::rng(7);
    for width in 1..6_usize {
        let sets = (1_usize..1 << width).filter(|set| set.count_ones() <= 3);
        for set in sets {
            let qubits: Vec<usize> = (0..width).filter(|q| set >> q & 1 == 1).collect();
            for share in [0.1, 0.3, 1.0] {
                let d = 1 << (2 * qubits.len());
                let mut map = Transfer::identity(qubits.len());
                for (at, entry) in map.entries.iter_mut().enumerate() {
                    // the first row is often that of the identity
                    if (at >= d || share < 0.2) && rng.random::<f64>() < share {
                        *entry = rng.random_range(-1.0..1.0);
                    }
                }
                let vector: Vec<f64> = (0..1 << (2 * width)).map(|_| rng.random_range(-1.0..1.0)).collect();
                let expected = by_definition(&map, &qubits, &vector);
                for level in Level::all() {
                    let lanes = f64::lanes(*level);
                    let stencil = Stencil::new(&qubits, &Pattern::of(&map), lanes);
                    let mut coefficients = vec![0.0; stencil.len()];
                    stencil.gather(&map.entries, &mut coefficients);
                    let mut found = vector.clone();
                    found.resize(vector.len().max(lanes), 0.0);
                    apply_with(*level, &stencil, &coefficients, &mut found);
                    let far = found.iter().zip(&expected).position(|(a, b)| (a - b).abs() > 1e-13);
                    assert_eq!(far, None, "{qubits:?} of {width}, {share}, {}", level.name());
                    assert!(found[expected.len()..].iter().all(|entry| *entry == 0.0));
                }
            }
        }
    }
}

/// Every row of the table, its angles turned one by one and all together, with more controls and on more qubits.
#[test]
fn maps_with_parameters_are_those_of_their_gates() {
    let mut rng = random::rng(4);
    for row in gate::table().iter().filter(|row| !row.angles.is_empty() && !row.operands.is_empty()) {
        for turned in 0..=row.angles.len() {
            for extra in 0..=usize::from(row.operands.len() < 3) {
                let width = row.operands.len() + extra;
                let operands = random::qubits(width, width, &mut rng);
                let angles: Vec<_> = (0..row.angles.len())
                    .map(|k| {
                        let parameter =
                            crate::Angle::parameter(0) * 0.7 + crate::Angle::parameter(1) * (k + 1) as f64;
                        if turned == k || turned == row.angles.len() {
                            parameter + 0.3
                        } else {
                            crate::Angle::radians(0.4)
                        }
                    })
                    .collect();
                let call =
                    Call::new(Gate::Standard(row), angles, &operands[extra..]).controlled(&operands[..extra]);
                let on: Vec<usize> = (0..width).collect();
                let factors = Factor::of(&call, &on, &mut Known::default());
                let at = |values: &[f64]| {
                    let mut product = Transfer::identity(width);
                    for factor in &factors {
                        let mut map = Transfer::identity(width);
                        factor.write(values, &mut map.entries);
                        product = map.after(&product);
                    }
                    product
                };
                let values = [rng.random_range(-3.0..3.0), rng.random_range(-3.0..3.0)];
                let places: Vec<usize> =
                    call.target_qubits().iter().copied().chain(call.control_qubits()).collect();
                let exact = Transfer::unitary(&full(&call, &call.matrix(&values))).embed(&places, &on);
                let close =
                    |a: &[f64], b: &[f64], far: f64| a.iter().zip(b).all(|(a, b)| (a - b).abs() < far);
                assert!(close(&at(&values).entries, &exact.entries, 1e-13), "{}", call.name());
                for factor in &factors {
                    for (k, angle) in factor.angles().iter().enumerate() {
                        // only one angle moves where all depend on the same parameters: compare by the chain rule
                        let moved = |by: f64| {
                            let mut map = Transfer::identity(width);
                            factor.write(&[values[0], values[1] + by], &mut map.entries);
                            map.entries
                        };
                        if factor.angles().len() > 1 {
                            continue;
                        }
                        let coefficient = angle.terms().find(|(p, _)| *p == 1).map_or(0.0, |(_, c)| c);
                        let slope: Vec<f64> =
                            factor.slope(k, &values).iter().map(|s| s * coefficient).collect();
                        let numeric: Vec<f64> =
                            moved(1e-5).iter().zip(moved(-1e-5)).map(|(a, b)| (a - b) / 2e-5).collect();
                        assert!(close(&slope, &numeric, 1e-8), "{} by angle {k}", call.name());
                    }
                }
            }
        }
    }
}

/// The state after gates and channels, each a sum over operators of the whole width.
fn dense(circuit: &Circuit, values: &[f64]) -> Matrix {
    let (width, d) = (circuit.width(), 1 << circuit.width());
    let mut rho = Matrix::zeros((d, d));
    rho[(0, 0)] = C64::ONE;
    for step in circuit.instructions() {
        let operators: Vec<Matrix> = match step {
            Instruction::Gate(call) => vec![gate::dense(std::slice::from_ref(call), width, values)],
            Instruction::Channel { channel, qubits } => {
                let mask: usize = qubits.iter().map(|q| 1 << q).sum();
                let inner =
                    |at: usize| -> usize { qubits.iter().enumerate().map(|(k, q)| (at >> q & 1) << k).sum() };
                let wide = |small: &Matrix| {
                    Matrix::from_shape_fn((d, d), |(row, column)| {
                        let same = row & !mask == column & !mask;
                        if same { small[(inner(row), inner(column))] } else { C64::ZERO }
                    })
                };
                channel.kraus().iter().map(wide).collect()
            }
            other => unreachable!("{other:?} is neither gate nor noise"),
        };
        let terms = operators.iter().map(|k| k.dot(&rho).dot(&dagger(k)));
        rho = terms.fold(Matrix::zeros((d, d)), |sum, term| sum + term);
    }
    rho
}

/// Gates of more qubits than a transfer matrix has, among noise, on states that several threads share.
#[test]
fn wide_circuits_with_noise_follow_dense_algebra() {
    for (width, seed) in [(5, 1), (6, 2)] {
        let mut rng = random::rng(seed);
        let mut circuit = Circuit::new(width).unwrap();
        circuit.declare_parameters("theta", &[2]).unwrap();
        let rows: Vec<_> = gate::table().iter().collect();
        for step in 0..30 {
            circuit.push(random::channel(width, &mut rng)).unwrap();
            circuit
                .push(random::call(rows[rng.random_range(0..rows.len())], width, 2, &mut rng).into())
                .unwrap();
            if step % 10 == 0 {
                let gate = UnitaryGate::new("haar", haar_unitary(16, &mut rng)).unwrap();
                let places = random::qubits(4, width, &mut rng);
                circuit.push(Call::new(Gate::Unitary(gate.into()), [], places).into()).unwrap();
            }
        }
        let values = random::values(2, seed);
        let program = Program::new(&circuit).unwrap();
        let bound = program.bind(&values).unwrap();
        let ensemble = program.run(&bound, PauliState::zero(width).unwrap(), 0).unwrap();
        let state = ensemble.state().unwrap();
        let expected = &dense(&circuit, &values);
        assert!(distance(&state.density().unwrap(), expected) < 1e-12);
        let keep = [3, 0];
        let reduced = crate::linalg::partial_trace(expected, &keep).unwrap();
        assert!(distance(&state.partial_trace(&keep).unwrap(), &reduced) < 1e-12);
        let probabilities = state.probabilities_of(&keep).unwrap();
        assert!(probabilities.iter().zip(reduced.diag()).all(|(p, r)| (p - r.re).abs() < 1e-12));
    }
}

#[test]
fn threads_do_not_change_states() {
    let mut rng = random::rng(3);
    let mut circuit = Circuit::new(9).unwrap();
    for row in gate::table() {
        circuit.push(random::channel(9, &mut rng)).unwrap();
        circuit.push(random::call(row, 9, 0, &mut rng).into()).unwrap();
    }
    let program = Program::new(&circuit).unwrap();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let bound = program.bind(&[]).unwrap();
            let state = program.run(&bound, PauliState::zero(9).unwrap(), 0).unwrap().into_state().unwrap();
            (state.entries().to_vec(), state.to_mixed().unwrap())
        })
    };
    let (one, two) = (run(1), run(2));
    assert!(one == two);
    assert!((crate::linalg::trace(&one.1.matrix().to_owned()).re - 1.0).abs() < 1e-12);
}

#[test]
fn plans_say_what_they_take() {
    use crate::simulator::{DensityMatrix, Simulator};
    let mut circuit = Circuit::new(3).unwrap();
    circuit.push(Call::new(Gate::named("h").unwrap(), [], [0]).into()).unwrap();
    circuit.push(Call::new(Gate::named("ccx").unwrap(), [], [0, 1, 2]).into()).unwrap();
    let text = DensityMatrix::new().plan(&circuit).unwrap().to_string();
    assert!(
        text.starts_with("density matrix of 3 qubits: 64 Pauli coefficients, 512.0 B\npasses         "),
        "{text}"
    );
    assert!(text.contains("multiply-adds") && text.contains("moved"), "{text}");
}
