//! Unitary circuits.

use num_complex::Complex;
use proptest::prelude::*;

use super::random::{self, distance};
use crate::circuit::Instruction;
use crate::gate::{Call, Gate, dense};
use crate::linalg::{self, outer};
use crate::observable::PauliProduct;
use crate::simulator::{DensityMatrix, MixedState, Plan, PureState, QuantumState, Simulator, StateVector};
use crate::{Angle, C64, Circuit, Error, Observable};

fn calls(circuit: &Circuit) -> Vec<Call> {
    let call = |step: &Instruction| match step {
        Instruction::Gate(call) => call.clone(),
        _ => unreachable!("the circuit is unitary"),
    };
    circuit.instructions().iter().map(call).collect()
}

fn observable(width: usize, seed: u64) -> Observable {
    use rand::RngExt;
    let mut rng = random::rng(seed);
    let letters = |rng: &mut _| -> String { (0..width).map(|_| letter(rng)).collect() };
    Observable::from_paulis((0..6).map(|_| (letters(&mut rng), rng.random_range(-1.0..1.0)))).unwrap()
}

fn letter(rng: &mut rand_chacha::ChaCha8Rng) -> char {
    use rand::RngExt;
    ['I', 'X', 'Y', 'Z'][rng.random_range(0..4)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_row_acts_as_its_dense_matrix(width in 1..6_usize, seed: u64) {
        let circuit = random::unitary(width, 3, seed);
        let values = random::values(3, seed);
        let expected = dense(&calls(&circuit), width, &values).column(0).to_vec();
        let m = observable(width, seed).matrix(width).unwrap();
        let energy = linalg::inner(&expected, &m.dot(&ndarray::Array1::from(expected.clone())).to_vec()).re;

        let state = StateVector::new().run(&circuit, &values).unwrap().into_state().unwrap();
        prop_assert!(state.amplitudes().iter().zip(&expected).all(|(a, b)| (a - b).norm() < 1e-12));
        let found = StateVector::new().expectation(&circuit, &observable(width, seed), &values).unwrap();
        prop_assert!((found - energy).abs() < 1e-12);

        let mixed = DensityMatrix::new().run(&circuit, &values).unwrap();
        prop_assert!(distance(&mixed.density().unwrap(), &outer(&expected, &expected)) < 1e-12);
        prop_assert!((mixed.expectation(&observable(width, seed)).unwrap() - energy).abs() < 1e-12);

        let single = StateVector::single().run(&circuit, &values).unwrap().into_state().unwrap();
        for (a, b) in single.amplitudes().iter().zip(&expected) {
            prop_assert!((a.re - b.re as f32).abs() < 1e-5 && (a.im - b.im as f32).abs() < 1e-5);
        }
    }

    #[test]
    fn states_answer_as_their_dense_matrices(width in 1..5_usize, seed: u64) {
        let psi = linalg::haar_state(1 << width, &mut random::rng(seed));
        let rho = linalg::random_density(1 << width, 3, &mut random::rng(seed));
        let pure = PureState::from_amplitudes(psi.clone()).unwrap();
        let mixed = MixedState::from_matrix(&rho).unwrap();
        let keep = random::qubits(width - width / 2, width, &mut random::rng(seed));
        let states: [(&dyn QuantumState, _); 2] = [(&pure, outer(&psi, &psi)), (&mixed, rho)];
        for (state, rho) in states {
            let reduced = linalg::partial_trace(&rho, &keep).unwrap();
            prop_assert!(distance(&state.partial_trace(&keep).unwrap(), &reduced) < 1e-14);
            prop_assert!(distance(&state.density().unwrap(), &rho) < 1e-14);
            let probabilities = state.probabilities_of(&keep).unwrap();
            prop_assert!(probabilities.iter().zip(reduced.diag()).all(|(p, r)| (p - r.re).abs() < 1e-14));
            let m = observable(width, seed);
            let trace = linalg::trace(&m.matrix(width).unwrap().dot(&rho)).re;
            prop_assert!((state.expectation(&m).unwrap() - trace).abs() < 1e-13);
        }
    }
}

/// A state vector by the definition of each gate, one amplitude at a time.
fn by_definition(circuit: &Circuit) -> Vec<C64> {
    let mut psi = vec![C64::ZERO; 1 << circuit.width()];
    psi[0] = C64::ONE;
    for call in calls(circuit) {
        let (matrix, targets) = (call.matrix(&[]), call.target_qubits().to_vec());
        let mut next = vec![C64::ZERO; psi.len()];
        for (j, a) in psi.iter().enumerate() {
            if call.control_qubits().any(|control| j >> control & 1 == 0) {
                next[j] += a;
                continue;
            }
            let column = targets.iter().enumerate().fold(0, |sum, (k, t)| sum | (j >> t & 1) << k);
            for row in 0..matrix.nrows() {
                let moved =
                    targets.iter().enumerate().fold(j, |i, (k, t)| i & !(1 << t) | (row >> k & 1) << t);
                next[moved] += matrix[(row, column)] * a;
            }
        }
        psi = next;
    }
    psi
}

/// Wide enough for several threads and for spans of every length.
#[test]
fn wide_circuits_follow_the_definition_on_any_number_of_threads() {
    for seed in 0..2 {
        let circuit = random::unitary(15, 0, seed);
        let expected = by_definition(&circuit);
        let m = observable(15, seed);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let state = StateVector::new().run(&circuit, &[]).unwrap().into_state().unwrap();
                let reduced = state.partial_trace(&[3, 14]).unwrap();
                (state.expectation(&m).unwrap().to_bits(), reduced, state)
            })
        };
        let (one, two) = (run(1), run(2));
        assert!(one == two, "threads change the result");
        assert!(one.2.amplitudes().iter().zip(&expected).all(|(a, b)| (a - b).norm() < 1e-12));
    }
}

#[test]
fn constant_gates_on_one_qubit_are_one_pass() {
    let mut circuit = Circuit::new(2).unwrap();
    circuit.declare_parameters("t", &[1]).unwrap();
    let mut push = |name: &str, angles: &[Angle], qubits: &[usize]| {
        circuit.push(Call::new(Gate::named(name).unwrap(), angles, qubits).into()).unwrap();
    };
    push("h", &[], &[0]);
    push("x", &[], &[1]);
    push("t", &[], &[0]);
    push("id", &[], &[1]);
    push("rz", &[Angle::parameter(0)], &[0]);
    push("gphase", &[Angle::radians(0.3)], &[]);
    push("h", &[], &[0]);
    push("sx", &[], &[0]);
    push("cx", &[], &[0, 1]);
    // gates of a state vector are planned together
    assert_eq!(StateVector::new().plan(&circuit).unwrap().passes(), 1);
    // no phase; rotations of one qubit are one map, parameters or not: h t rz h sx | x cx
    assert_eq!(DensityMatrix::new().plan(&circuit).unwrap().passes(), 2);
}

#[test]
fn any_initial_state_is_evolved() {
    let circuit = random::unitary(3, 0, 11);
    let u = dense(&calls(&circuit), 3, &[]);
    let psi = linalg::haar_state(8, &mut random::rng(5));
    let expected = u.dot(&ndarray::Array1::from(psi.clone())).to_vec();
    let plan = StateVector::new().plan(&circuit).unwrap();
    let initial = PureState::from_amplitudes(psi.clone()).unwrap();
    let state = plan.run_from(initial, &[]).unwrap().into_state().unwrap();
    assert!((state.overlap(&PureState::from_amplitudes(expected.clone()).unwrap()) - 1.0).norm() < 1e-13);
    let plan = DensityMatrix::new().plan(&circuit).unwrap();
    let initial = MixedState::from_matrix(&outer(&psi, &psi)).unwrap();
    let state = plan.run_from(initial, &[]).unwrap();
    assert!(distance(&state.density().unwrap(), &outer(&expected, &expected)) < 1e-13);
    assert!((state.state().unwrap().purity() - 1.0).abs() < 1e-13);
    let narrow = PureState::zero(2).unwrap();
    let plan = StateVector::new().plan(&circuit).unwrap();
    assert!(matches!(plan.run_from(narrow, &[]), Err(Error::Dimension { found: 4, expected: 8, .. })));
}

#[test]
fn states_that_cannot_be_are_refused() {
    let vector = PureState::from_amplitudes;
    assert!(matches!(vector(vec![C64::ONE; 3]), Err(Error::Dimension { found: 3, expected: 4, .. })));
    assert!(matches!(vector(vec![C64::ONE; 2]), Err(Error::OutOfRange { .. })));
    assert!(matches!(vector(vec![C64::from(f64::NAN); 2]), Err(Error::OutOfRange { .. })));
    let single =
        PureState::from_amplitudes(vec![Complex::new(0.6_f32, 0.0), Complex::new(0.0, 0.8)]).unwrap();
    assert!((single.probabilities().unwrap()[1] - 0.64).abs() < 1e-6);
    let mut rho = linalg::random_density(4, 2, &mut random::rng(1));
    rho[(0, 1)] += C64::from(0.1);
    assert!(matches!(MixedState::from_matrix(&rho), Err(Error::NotHermitian { .. })));
    assert!(matches!(MixedState::from_matrix(&linalg::identity(4)), Err(Error::OutOfRange { .. })));
    assert!(matches!(MixedState::from_matrix(&linalg::identity(3)), Err(Error::Dimension { .. })));
    assert!(matches!(
        PureState::<f64>::zero(2).unwrap().probabilities_of(&[2]),
        Err(Error::QubitIndex { qubit: 2, width: 2 })
    ));
    let wide: Observable = PauliProduct::parse("IIZ").unwrap().into();
    assert!(matches!(
        StateVector::new().expectation(&Circuit::new(2).unwrap(), &wide, &[]),
        Err(Error::ObservableWidth { qubit: 2, width: 2 })
    ));
}

#[test]
fn states_too_large_are_an_error_not_an_abort() {
    let wide = |width: usize| StateVector::new().run(&Circuit::new(width).unwrap(), &[]).unwrap_err();
    assert_eq!(wide(31), Error::TooManyQubits { found: 31, limit: 30 });
    let mixed = DensityMatrix::new().run(&Circuit::new(16).unwrap(), &[]).unwrap_err();
    assert_eq!(mixed, Error::TooManyQubits { found: 16, limit: 15 });
    let far = random::unitary(100, 0, 3);
    assert!(matches!(StateVector::new().plan(&far), Err(Error::TooManyQubits { found: 100, limit: 30 })));
    assert!(matches!(DensityMatrix::new().plan(&far), Err(Error::TooManyQubits { found: 100, limit: 15 })));
    // 2^30 amplitudes have a density matrix that no machine holds
    let error = crate::simulator::memory::check(30, crate::simulator::memory::dense(30)).unwrap_err();
    assert!(matches!(error, Error::Memory { qubits: 30, needed, available } if needed > available));
}

#[test]
fn values_are_checked() {
    let circuit = random::unitary(3, 2, 0);
    for simulator in [
        StateVector::new().run(&circuit, &[0.0]).map(drop),
        DensityMatrix::new().run(&circuit, &[0.0]).map(drop),
    ] {
        assert_eq!(simulator, Err(Error::ParameterCount { found: 1, expected: 2 }));
    }
    let error = StateVector::new().probabilities(&circuit, &[0.0, f64::INFINITY]).unwrap_err();
    assert!(matches!(error, Error::ParameterValue { name, .. } if name == "theta[1]"));
}
