//! Circuits with noise, measurements and conditions.

use super::agreement::{assert_close, finite_differences, observable};
use crate::gate::{self, Call, Gate};
use crate::gradient::{DensityAdjoint, Hermitian, RankOnes, ShiftRule, density_gradient, parameter_shift};
use crate::linalg::{self, outer};
use crate::simulator::{DensityMatrix, Plan, QuantumState, Simulator, random};
use crate::{C64, Circuit, Error, Observable};

/// Every row of the table with noise after it, and a reset.
fn noisy(width: usize, parameters: usize, seed: u64) -> Circuit {
    let mut rng = random::rng(seed);
    let mut circuit = Circuit::new(width).unwrap();
    circuit.declare_parameters("theta", &[parameters]).unwrap();
    for (at, row) in gate::table().iter().filter(|row| row.operands.len() <= width).enumerate() {
        circuit.push(random::call(row, width, parameters, &mut rng).into()).unwrap();
        if at % 3 == 0 {
            circuit.push(random::channel(width, &mut rng)).unwrap();
        }
        if at == 10 {
            circuit.push(crate::Instruction::Reset { qubit: 0 }).unwrap();
        }
    }
    circuit
}

#[test]
fn noisy_gradients_are_those_of_finite_differences_and_of_shifts() {
    for seed in 0..6 {
        let (width, parameters) = (1 + seed as usize % 4, 4);
        let circuit = noisy(width, parameters, seed);
        let values = random::values(parameters, seed);
        let m = observable(width, seed);
        let exact = density_gradient(&circuit, &m, &values).unwrap();
        let expectation = |values: &[f64]| DensityMatrix::new().expectation(&circuit, &m, values).unwrap();
        assert!((exact.value - expectation(&values)).abs() < 1e-12);
        assert_close(&exact.gradient, &finite_differences(&values, expectation), 1e-6, "finite differences");
        let shift = parameter_shift(&DensityMatrix::new(), &circuit, &m, &values).unwrap();
        assert_close(&exact.gradient, &shift.gradient, 1e-9, "shift");
        let dense = Hermitian::new(m.matrix(width).unwrap()).unwrap();
        let dense = density_gradient(&circuit, &dense, &values).unwrap();
        assert_close(&exact.gradient, &dense.gradient, 1e-12, "dense operator");
    }
}

/// The upper reference of `RobustState`: the gradient of a loss of the noisy state itself.
#[test]
fn losses_of_the_noisy_state_are_differentiated() {
    let circuit = noisy(3, 4, 8);
    let values = random::values(4, 8);
    let target = linalg::haar_state(8, &mut random::rng(8));
    let goal = outer(&target, &target);
    let plan = DensityMatrix::new().plan(&circuit).unwrap();
    let distance =
        |values: &[f64]| linalg::frobenius(&(plan.run(values).unwrap().density().unwrap() - &goal)).powi(2);
    let adjoint = DensityAdjoint::new(&circuit).unwrap();
    let gradient = adjoint
        .gradient_with(&values, |rho| Hermitian::new((rho.density()? - &goal) * C64::from(2.0)))
        .unwrap()
        .gradient;
    assert_close(&gradient, &finite_differences(&values, distance), 1e-6, "Frobenius loss");
    let fidelity = adjoint.gradient(&RankOnes::new(vec![(1.0, target.clone())]).unwrap(), &values).unwrap();
    let exact = linalg::state_fidelity(&plan.run(&values).unwrap().density().unwrap(), &target).unwrap();
    assert!((fidelity.value - exact).abs() < 1e-13);
}

/// The rule holds behind measurements and conditions too.
#[test]
fn shifts_pass_measurements_and_conditions() {
    for seed in 0..4 {
        let circuit = random::dynamic(3, 3, 30, true, seed);
        let values = random::values(3, seed);
        let m = observable(3, seed);
        let shift = parameter_shift(&DensityMatrix::new(), &circuit, &m, &values).unwrap();
        let numeric = finite_differences(&values, |values| {
            DensityMatrix::new().expectation(&circuit, &m, values).unwrap()
        });
        assert_close(&shift.gradient, &numeric, 1e-6, "finite differences");
    }
    let measured = random::dynamic(2, 1, 30, false, 0);
    let error = DensityAdjoint::new(&measured).unwrap_err();
    assert!(matches!(error, Error::NotDifferentiable { method: "density", .. }), "{error}");
}

#[test]
fn a_rule_lists_what_a_device_has_to_run() {
    let mut circuit = Circuit::new(2).unwrap();
    circuit.declare_parameters("theta", &[2]).unwrap();
    let theta = crate::Angle::parameter;
    let mut push = |name: &str, angles: &[crate::Angle], qubits: &[usize]| {
        circuit.push(Call::new(Gate::named(name).unwrap(), angles, qubits).into()).unwrap();
    };
    push("rx", &[2.0 * theta(0) - theta(1)], &[0]);
    push("ry", &[crate::Angle::radians(0.4)], &[1]);
    push("crx", &[theta(0)], &[0, 1]);
    let rule = ShiftRule::new(&circuit).unwrap();
    assert_eq!((rule.shifts().len(), rule.circuit().parameters().len()), (2 + 4, 2));
    let evaluations = rule.evaluations(&[0.1, 0.3]).unwrap();
    assert!((evaluations[0][0] - (-0.1 + std::f64::consts::FRAC_PI_2)).abs() < 1e-15);
    assert_eq!(evaluations[0][1], 0.1);
    assert!(matches!(rule.combine(&[0.0]), Err(Error::Dimension { found: 1, expected: 6, .. })));
    assert!(matches!(rule.values(&[0.1]), Err(Error::ParameterCount { .. })));
    // the closure sees the same circuit
    let plan = DensityMatrix::new().plan(rule.circuit()).unwrap();
    let z = Observable::z(1);
    let gradient = rule.gradient(&[0.1, 0.3], |values| plan.expectation(&z, values)).unwrap();
    let exact = crate::gradient::adjoint(&circuit, &z, &[0.1, 0.3]).unwrap().gradient;
    assert_close(&gradient, &exact, 1e-12, "closure");
}
