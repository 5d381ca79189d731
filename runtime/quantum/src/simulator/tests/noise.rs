//! Noise: superoperators against trajectories.

use std::sync::Arc;

use super::random;
use crate::circuit::Instruction;
use crate::gate::{Call, Gate};
use crate::simulator::{DensityMatrix, Plan, QuantumState, Simulator, StateVector, Trajectories};
use crate::{Channel, Circuit, Error, Observable};

#[test]
fn trajectories_converge_to_the_density_matrix() {
    for seed in 0..4 {
        let circuit = random::dynamic(3, 1, 40, true, seed);
        let values = random::values(1, seed);
        let plan = Trajectories::new(4000, seed).plan(&circuit).unwrap();
        for m in [Observable::x(0), Observable::z(1) * Observable::y(2), Observable::z(0) + Observable::z(2)]
        {
            let exact = DensityMatrix::new().expectation(&circuit, &m, &values).unwrap();
            let estimate = plan.estimate(&m, &values).unwrap();
            let off = (estimate.mean - exact).abs();
            assert!(off < 4.5 * estimate.standard_error + 1e-12, "{off} with {estimate:?}");
            assert!(estimate.standard_error < 0.05);
        }
        let exact = DensityMatrix::new().probabilities(&circuit, &values).unwrap();
        let sampled = plan.probabilities(&values).unwrap();
        assert!(exact.iter().zip(&sampled).all(|(p, q)| (p - q).abs() < 0.04));
        assert!((sampled.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn trajectories_do_not_depend_on_threads() {
    let circuit = random::dynamic(4, 0, 40, true, 9);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let plan = Trajectories::new(300, 5).plan(&circuit).unwrap();
            let mean = plan.expectation(&Observable::x(1), &[]).unwrap();
            (
                mean.to_bits(),
                plan.probabilities(&[]).unwrap(),
                plan.sample(&[], 500, 5).unwrap(),
                plan.run(&[]).unwrap(),
            )
        })
    };
    assert!(run(1) == run(2));
}

#[test]
fn an_ensemble_of_trajectories_is_their_mean() {
    let circuit = random::dynamic(2, 0, 20, true, 3);
    let plan = Trajectories::new(100, 1).plan(&circuit).unwrap();
    let ensemble = plan.run(&[]).unwrap();
    assert_eq!(ensemble.branches().len(), 100);
    let m = Observable::z(0) * Observable::x(1);
    assert!((ensemble.expectation(&m).unwrap() - plan.expectation(&m, &[]).unwrap()).abs() < 1e-12);
    assert!(Trajectories::new(0, 1).plan(&circuit).is_err());
}

fn noisy(channel: Channel, qubits: &[usize]) -> Instruction {
    Instruction::Channel { channel: Arc::new(channel), qubits: qubits.to_vec() }
}

#[test]
fn state_vectors_refuse_noise() {
    let mut circuit = Circuit::new(1).unwrap();
    circuit.push(noisy(Channel::amplitude_damping(0.1).unwrap(), &[0])).unwrap();
    let error = StateVector::new().run(&circuit, &[]).unwrap_err();
    assert_eq!(error, Error::NeedsMixedState { channel: "damping".into() });
}

/// Decay of the excited state, and of a superposition's coherence, as the textbook has them.
#[test]
fn relaxation_is_exponential() {
    let (time, t1, t2) = (30e-6, 100e-6, 70e-6);
    let mut circuit = Circuit::new(2).unwrap();
    circuit.push(Call::new(Gate::named("x").unwrap(), [], [0]).into()).unwrap();
    circuit.push(Call::new(Gate::named("h").unwrap(), [], [1]).into()).unwrap();
    for qubit in 0..2 {
        circuit.push(noisy(Channel::thermal_relaxation(time, t1, t2).unwrap(), &[qubit])).unwrap();
    }
    let state = DensityMatrix::new().run(&circuit, &[]).unwrap();
    let excited = 0.5 - 0.5 * state.expectation(&Observable::z(0)).unwrap();
    assert!((excited - (-time / t1).exp()).abs() < 1e-14);
    assert!((state.expectation(&Observable::x(1)).unwrap() - (-time / t2).exp()).abs() < 1e-14);
}

/// A gate and its noise become one map; rotations with parameters take up the noise beside them.
#[test]
fn constant_noise_is_fused() {
    let mut circuit = Circuit::new(2).unwrap();
    circuit.declare_parameters("theta", &[1]).unwrap();
    let relaxation = || Channel::thermal_relaxation(0.1, 1.0, 1.2).unwrap();
    for qubit in 0..2 {
        circuit.push(Call::new(Gate::named("sx").unwrap(), [], [qubit]).into()).unwrap();
        circuit.push(noisy(Channel::depolarizing(0.01, 1).unwrap(), &[qubit])).unwrap();
        circuit.push(noisy(relaxation(), &[qubit])).unwrap();
    }
    assert_eq!(DensityMatrix::new().plan(&circuit).unwrap().passes(), 2);
    circuit.push(Call::new(Gate::named("cx").unwrap(), [], [0, 1]).into()).unwrap();
    let zz = Call::new(Gate::named("rzz").unwrap(), [crate::Angle::radians(0.02)], [0, 1]);
    circuit.push(zz.into()).unwrap();
    circuit.push(noisy(Channel::depolarizing(0.01, 2).unwrap(), &[0, 1])).unwrap();
    circuit.push(noisy(relaxation(), &[0])).unwrap();
    circuit.push(noisy(relaxation(), &[1])).unwrap();
    assert_eq!(DensityMatrix::new().plan(&circuit).unwrap().passes(), 1);
    let rz = Call::new(Gate::named("rz").unwrap(), [crate::Angle::parameter(0)], [1]);
    circuit.push(rz.into()).unwrap();
    circuit.push(noisy(relaxation(), &[1])).unwrap();
    assert_eq!(DensityMatrix::new().plan(&circuit).unwrap().passes(), 2);
}
