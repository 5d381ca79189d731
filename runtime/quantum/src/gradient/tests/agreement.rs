//! Unitary circuits: all methods agree.

use proptest::prelude::*;
use rand::RngExt;

use crate::gate::{self, Call, Gate};
use crate::gradient::{
    Adjoint, Hermitian, Operator, RankOnes, adjoint, density_gradient, parameter_shift, vjp,
};
use crate::linalg::{self, Eigen, haar_unitary, outer};
use crate::simulator::{DensityMatrix, QuantumState, Simulator, StateVector, random};
use crate::{Angle, C64, Circuit, Error, Observable};

const WIDTH: usize = 5;
const PARAMETERS: usize = 4;

pub(super) fn observable(width: usize, seed: u64) -> Observable {
    let mut rng = random::rng(seed ^ 0x0b5);
    let letter = |k: usize| ['I', 'X', 'Y', 'Z'][k];
    let mut product = || -> (String, f64) {
        ((0..width).map(|_| letter(rng.random_range(0..4))).collect(), rng.random_range(-1.0..1.0))
    };
    Observable::from_paulis((0..5).map(|_| product())).unwrap()
}

pub(super) fn finite_differences(values: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    const STEP: f64 = 1e-4;
    let at = |k: usize, shift: f64| {
        let mut values = values.to_vec();
        values[k] += shift;
        f(&values)
    };
    // the error of fourth order is far below that of rounding
    let slope =
        |k| (8.0 * (at(k, STEP) - at(k, -STEP)) - at(k, 2.0 * STEP) + at(k, -2.0 * STEP)) / (12.0 * STEP);
    (0..values.len()).map(slope).collect()
}

#[track_caller]
pub(super) fn assert_close(a: &[f64], b: &[f64], tolerance: f64, what: &str) {
    assert_eq!(a.len(), b.len());
    for (k, (x, y)) in a.iter().zip(b).enumerate() {
        assert!((x - y).abs() < tolerance, "{what}: {x} and {y} by parameter {k}");
    }
}

/// The observable as a dense matrix and as a sum of projectors.
fn other_forms(observable: &Observable, width: usize) -> (Hermitian, RankOnes) {
    let matrix = observable.matrix(width).unwrap();
    let eigen = Eigen::new(&matrix).unwrap();
    let terms =
        eigen.values.iter().enumerate().map(|(k, w)| (*w, eigen.vectors.column(k).to_vec())).collect();
    (Hermitian::new(matrix).unwrap(), RankOnes::new(terms).unwrap())
}

fn all_agree(circuit: &Circuit, values: &[f64], seed: u64) {
    let m = observable(circuit.width(), seed);
    let (dense, projectors) = other_forms(&m, circuit.width());
    let exact = adjoint(circuit, &m, values).unwrap();
    let shift = parameter_shift(&StateVector::new(), circuit, &m, values).unwrap();
    assert!((exact.value - shift.value).abs() < 1e-11);
    assert_close(&exact.gradient, &shift.gradient, 1e-9, "shift");
    assert_close(&exact.gradient, &vjp(circuit, &dense, values).unwrap(), 1e-9, "dense vjp");
    assert_close(&exact.gradient, &vjp(circuit, &projectors, values).unwrap(), 1e-9, "projector vjp");
    let density = density_gradient(circuit, &m, values).unwrap();
    assert!((exact.value - density.value).abs() < 1e-11);
    assert_close(&exact.gradient, &density.gradient, 1e-9, "density");
    let numeric =
        finite_differences(values, |values| StateVector::new().expectation(circuit, &m, values).unwrap());
    assert_close(&exact.gradient, &numeric, 1e-6, "finite differences");
}

/// Each row between layers that entangle everything, with 0, 1 and 2 extra controls.
#[test]
fn every_differentiable_row_agrees_with_any_controls() {
    for row in gate::table().iter().filter(|row| !row.angles.is_empty()) {
        for extra in 0..=2 {
            let mut rng = random::rng(extra as u64 * 97 + row.name.len() as u64);
            let mut circuit = Circuit::new(WIDTH).unwrap();
            circuit.declare_parameters("theta", &[PARAMETERS]).unwrap();
            let mix = |circuit: &mut Circuit, rng: &mut _| {
                let gate = gate::UnitaryGate::new("mix", haar_unitary(1 << WIDTH, rng)).unwrap();
                let all: Vec<_> = (0..WIDTH).collect();
                circuit.push(Call::new(Gate::Unitary(gate.into()), [], all).into()).unwrap();
            };
            mix(&mut circuit, &mut rng);
            let operands = row.operands.len();
            let places = random::qubits(operands + extra, WIDTH, &mut rng);
            let angles: Vec<_> = (0..row.angles.len())
                .map(|k| Angle::parameter(k) * 1.3 - 0.5 * Angle::parameter((k + 1) % PARAMETERS) + 0.2)
                .collect();
            let call =
                Call::new(Gate::Standard(row), angles, &places[..operands]).controlled(&places[operands..]);
            circuit.push(call.into()).unwrap();
            mix(&mut circuit, &mut rng);
            let values = random::values(PARAMETERS, extra as u64);
            all_agree(&circuit, &values, extra as u64);
            let gradient = adjoint(&circuit, &observable(WIDTH, 0), &values).unwrap().gradient;
            let turns = row.name != "gphase" || extra > 0;
            assert_eq!(turns, gradient.iter().any(|g| g.abs() > 1e-6), "{}", row.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn methods_agree_on_random_circuits(width in 1..6_usize, seed: u64) {
        let circuit = random::unitary(width, PARAMETERS, seed);
        all_agree(&circuit, &random::values(PARAMETERS, seed), seed);
    }
}

/// With the measured state equal to the simulated one, the straight-through gradient is that of the loss.
#[test]
fn straight_through_gradients_are_those_of_the_loss() {
    for seed in 0..4 {
        let (width, d) = (3, 8);
        let circuit = random::unitary(width, PARAMETERS, seed);
        let values = random::values(PARAMETERS, seed);
        let target = linalg::haar_state(d, &mut random::rng(seed));
        let goal = outer(&target, &target);
        let rho = |values: &[f64]| DensityMatrix::new().run(&circuit, values).unwrap().density().unwrap();
        let loss = |values: &[f64]| linalg::frobenius(&(rho(values) - &goal)).powi(2);
        let m = Hermitian::new((rho(&values) - &goal) * C64::from(2.0)).unwrap();
        let gradient = vjp(&circuit, &m, &values).unwrap();
        assert_close(&gradient, &finite_differences(&values, loss), 1e-6, "Frobenius loss");

        // the same derivative as projectors: rho is pure
        let psi = StateVector::new().run(&circuit, &values).unwrap().into_state().unwrap().into_vec();
        let projectors = RankOnes::new(vec![(2.0, psi), (-2.0, target)]).unwrap();
        assert_close(&gradient, &vjp(&circuit, &projectors, &values).unwrap(), 1e-12, "projectors");
    }
}

#[test]
fn a_final_measurement_does_not_matter() {
    let mut circuit = random::unitary(3, PARAMETERS, 2);
    let (m, values) = (observable(3, 1), random::values(PARAMETERS, 2));
    let plain = adjoint(&circuit, &m, &values).unwrap();
    circuit.push(crate::Instruction::Measure { qubit: 1, bit: 0, confusion: None }).unwrap();
    assert_eq!(adjoint(&circuit, &m, &values).unwrap(), plain);
    let state = Adjoint::new(&circuit).unwrap().state(&values).unwrap();
    assert!((state.expectation(&m).unwrap() - plain.value).abs() < 1e-13);
}

#[test]
fn what_cannot_be_differentiated_is_named() {
    let noisy = random::dynamic(2, 1, 30, true, 1);
    let error = Adjoint::new(&noisy).unwrap_err();
    assert!(matches!(error, Error::NotDifferentiable { method: "adjoint", .. }), "{error}");
    let mut circuit = Circuit::new(1).unwrap();
    circuit.push(crate::Instruction::Reset { qubit: 0 }).unwrap();
    let error = Adjoint::new(&circuit).unwrap_err();
    assert_eq!(error.to_string(), "the adjoint gradient cannot pass `reset`; use `parameter_shift`");
    let circuit = random::unitary(2, 1, 0);
    assert!(matches!(adjoint(&circuit, &Observable::z(2), &[0.0]), Err(Error::ObservableWidth { .. })));
    assert!(matches!(adjoint(&circuit, &Observable::z(0), &[]), Err(Error::ParameterCount { .. })));
}

#[test]
fn operators_are_checked() {
    let mut matrix = linalg::identity(4);
    matrix[(0, 1)] = C64::I;
    assert!(matches!(Hermitian::new(matrix.clone()), Err(Error::NotHermitian { .. })));
    matrix[(0, 1)] = C64::from(f64::NAN);
    assert!(matches!(Hermitian::new(matrix), Err(Error::NotFinite { index: 1, .. })));
    let four = Hermitian::new(linalg::identity(4)).unwrap();
    assert!(matches!(four.check(3), Err(Error::Dimension { found: 4, expected: 8, .. })));
    assert!(matches!(
        RankOnes::new(vec![(1.0, vec![C64::ONE; 2]), (1.0, vec![C64::ONE; 4])]),
        Err(Error::Dimension { .. })
    ));
    assert!(matches!(RankOnes::new(vec![(f64::NAN, vec![C64::ONE; 2])]), Err(Error::NotFinite { .. })));
    assert!(RankOnes::new(vec![]).unwrap().check(3).is_ok());
}
