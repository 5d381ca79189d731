//! Circuits that measure, reset and decide on the way.

use proptest::prelude::*;

use super::random::{self, distance};
use crate::circuit::{Confusion, Instruction};
use crate::gate::{Call, Gate};
use crate::linalg::trace;
use crate::simulator::{DensityMatrix, Plan, QuantumState, Simulator, StateVector};
use crate::{Angle, Builder, C64, Circuit, Error, Matrix, Observable, Qubits};

/// The probabilities of all values of the bits by dense algebra.
fn expected(circuit: &Circuit, values: &[f64]) -> (Vec<f64>, Matrix) {
    let d = 1 << circuit.width();
    let mut probabilities = vec![0.0; 1 << circuit.bits()];
    let mut rho = Matrix::zeros((d, d));
    for (bits, part) in random::records(circuit, values) {
        probabilities[bits as usize] += trace(&part).re;
        rho = rho + part;
    }
    if circuit.bits() == 0 {
        probabilities = rho.diag().iter().map(|p| p.re).collect();
    }
    (probabilities, rho)
}

fn close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-11)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn branches_of_pure_states_are_exact(width in 1..4_usize, seed: u64) {
        let circuit = random::dynamic(width, 2, 20, false, seed);
        let values = random::values(2, seed);
        let (probabilities, rho) = expected(&circuit, &values);
        let plan = StateVector::new().plan(&circuit).unwrap();
        let state = plan.run(&values);
        // twelve outcomes in a row, half of them misread, are more than is kept apart
        prop_assume!(!matches!(state, Err(Error::Branches { .. })));
        let state = state.unwrap();
        prop_assert!(distance(&state.density().unwrap(), &rho) < 1e-11);
        prop_assert!(close(&plan.probabilities(&values).unwrap(), &probabilities));
        let xs = Observable::sum(0..width, |q| Observable::x(q) * 0.7 + Observable::z(q));
        let mean = trace(&xs.matrix(width).unwrap().dot(&rho)).re;
        prop_assert!((plan.expectation(&xs, &values).unwrap() - mean).abs() < 1e-11);
    }

    #[test]
    fn density_matrices_are_exact_with_noise(width in 1..4_usize, seed: u64) {
        let circuit = random::dynamic(width, 2, 40, true, seed);
        let values = random::values(2, seed);
        let (probabilities, rho) = expected(&circuit, &values);
        let plan = DensityMatrix::new().plan(&circuit).unwrap();
        prop_assert!(distance(&plan.run(&values).unwrap().density().unwrap(), &rho) < 1e-11);
        prop_assert!(close(&plan.probabilities(&values).unwrap(), &probabilities));
        let xs = Observable::sum(0..width, |q| Observable::y(q) * 0.7 + Observable::z(q));
        let mean = trace(&xs.matrix(width).unwrap().dot(&rho)).re;
        prop_assert!((plan.expectation(&xs, &values).unwrap() - mean).abs() < 1e-11);
    }

    #[test]
    fn records_carry_their_states(seed: u64) {
        let circuit = random::dynamic(2, 1, 25, true, seed);
        let values = random::values(1, seed);
        let records = random::records(&circuit, &values);
        for branch in DensityMatrix::new().run(&circuit, &values).unwrap().branches() {
            let scaled = branch.state.density().unwrap() * C64::from(branch.probability);
            prop_assert!(distance(&scaled, &records[&branch.bits]) < 1e-11);
        }
    }

    #[test]
    fn readouts_at_the_end_are_exact(width in 1..4_usize, seed: u64) {
        let mut circuit = random::dynamic(width, 0, 12, true, seed);
        let first = circuit.bits();
        for qubit in (0..width).rev() {
            let confusion = Some(Confusion { p1_given_0: 0.03 + 0.1 * qubit as f64, p0_given_1: 0.2 });
            circuit.push(Instruction::Measure { qubit, bit: circuit.bits(), confusion }).unwrap();
        }
        let (all, _) = expected(&circuit, &[]);
        prop_assert!(close(&DensityMatrix::new().probabilities(&circuit, &[]).unwrap(), &all));
        // the last readout and an early bit, in this order, the former twice
        let last = circuit.bits() - 1;
        let outputs = [last, 0, last];
        circuit.set_outputs(outputs).unwrap();
        let mut some = vec![0.0; 8];
        for (bits, p) in all.iter().enumerate() {
            some[outputs.iter().enumerate().fold(0, |sum, (k, bit)| sum | (bits >> bit & 1) << k)] += p;
        }
        prop_assert!(close(&DensityMatrix::new().probabilities(&circuit, &[]).unwrap(), &some));
        prop_assert!(first <= last);
    }
}

#[test]
fn teleportation_moves_any_state() {
    let mut b = Builder::new("teleport");
    let q: Qubits<3> = b.register("q");
    let theta: [Angle; 3] = b.parameter("theta");
    b.u(theta[0], theta[1], theta[2], q.at(0));
    b.h(q.at(1));
    b.cx(q.at(1), q.at(2));
    b.cx(q.at(0), q.at(1));
    b.h(q.at(0));
    let (phase, flip) = (b.measure(q.at(0)), b.measure(q.at(1)));
    b.when(flip, |b| b.x(q.at(2)));
    b.when(phase, |b| b.z(q.at(2)));
    let circuit = b.finish().unwrap();

    let values = [0.7, 1.9, -0.4];
    let sent = Gate::named("u").unwrap().matrix(&values).column(0).to_vec();
    let pure = StateVector::new().run(&circuit, &values).unwrap();
    assert_eq!(pure.branches().len(), 4);
    assert_eq!(pure.clone().into_state(), Err(Error::Branches { found: 4, limit: 1 }));
    for branch in pure.branches() {
        assert!((branch.probability - 0.25).abs() < 1e-14);
        let arrived = branch.state.partial_trace(&[2]).unwrap();
        assert!(distance(&arrived, &crate::linalg::outer(&sent, &sent)) < 1e-14);
    }
    let mixed = DensityMatrix::new().run(&circuit, &values).unwrap().partial_trace(&[2]).unwrap();
    assert!(distance(&mixed, &crate::linalg::outer(&sent, &sent)) < 1e-14);
}

#[test]
fn ghz_states_are_found_whole() {
    let mut b = Builder::new("ghz");
    let q: Qubits<5> = b.register("q");
    b.h(q.at(0));
    b.cx(q.at(..4), q.at(1..));
    let bits = b.measure(q);
    b.returns(bits);
    let circuit = b.finish().unwrap();
    let simulator = StateVector::new();
    let probabilities = simulator.probabilities(&circuit, &[]).unwrap();
    assert!((probabilities[0] - 0.5).abs() < 1e-15 && (probabilities[31] - 0.5).abs() < 1e-15);
    // readout at the end leaves the state that it reads
    let parity = (0..5).map(Observable::x).reduce(|a, b| a * b).unwrap();
    assert!((simulator.expectation(&circuit, &parity, &[]).unwrap() - 1.0).abs() < 1e-15);
}

#[test]
fn conditional_resets_empty_a_qubit() {
    let mut b = Builder::new("reset");
    let q: Qubits<2> = b.register("q");
    b.h(q.at(0));
    b.cx(q.at(0), q.at(1));
    let m = b.measure(q.at(0));
    b.when(m, |b| b.x(q.at(0)));
    b.when(!m, |b| b.x(q.at(1)));
    b.reset(q.at(1));
    let circuit = b.finish().unwrap();
    for state in [
        StateVector::new().run(&circuit, &[]).unwrap().density().unwrap(),
        DensityMatrix::new().run(&circuit, &[]).unwrap().density().unwrap(),
    ] {
        assert!((state[(0, 0)] - 1.0).norm() < 1e-15);
    }
}

#[test]
fn too_many_branches_are_refused_but_can_be_sampled() {
    let mut b = Builder::new("coins");
    let q = b.qubit("q");
    let mut last = None;
    for _ in 0..20 {
        b.h(q);
        last = Some(b.measure(q));
    }
    b.when(last.unwrap(), |b| b.x(q));
    let circuit = b.finish().unwrap();
    assert!(matches!(StateVector::new().run(&circuit, &[]), Err(Error::Branches { limit: 4096, .. })));
    assert!(matches!(DensityMatrix::new().run(&circuit, &[]), Err(Error::Branches { .. })));
    // bits that nothing reads any more are forgotten, so the density matrix keeps two branches
    assert!(
        (DensityMatrix::new().expectation(&circuit, &Observable::z(0), &[]).unwrap() - 1.0).abs() < 1e-14
    );
    for counts in [
        StateVector::new().sample(&circuit, &[], 50, 3).unwrap(),
        DensityMatrix::new().sample(&circuit, &[], 50, 3).unwrap(),
    ] {
        assert_eq!((counts.total(), counts.width()), (50, 20));
    }
}

#[test]
fn readout_errors_must_be_probabilities() {
    for (p1_given_0, p0_given_1) in [(1.5, 0.0), (0.0, -0.1), (f64::NAN, 0.0)] {
        let mut circuit = Circuit::new(1).unwrap();
        let confusion = Some(Confusion { p1_given_0, p0_given_1 });
        circuit.push(Instruction::Measure { qubit: 0, bit: 0, confusion }).unwrap();
        assert!(matches!(StateVector::new().run(&circuit, &[]), Err(Error::OutOfRange { .. })));
        circuit.push(Call::new(Gate::named("x").unwrap(), [], [0]).into()).unwrap();
        assert!(matches!(DensityMatrix::new().run(&circuit, &[]), Err(Error::OutOfRange { .. })));
    }
}
