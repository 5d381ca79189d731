//! Trajectories in lanes against density matrices, and channels against their alternatives.

use std::sync::Arc;

use ndarray::Array2;

use crate::circuit::Instruction;
use crate::gate::{Call, Gate};
use crate::linalg::{haar_unitary, kron};
use crate::simulator::batch::unravel::Alternatives;
use crate::simulator::batch::{Trajectory, Walks};
use crate::simulator::sweep::vector::Level;
use crate::simulator::{DensityMatrix, Plan, Simulator, Trajectories, random};
use crate::{C64, Channel, Circuit, Matrix, Observable};

fn noise(channel: Channel, qubits: &[usize]) -> Instruction {
    Instruction::Channel { channel: Arc::new(channel), qubits: qubits.to_vec() }
}

fn named(name: &str, qubits: &[usize]) -> Instruction {
    Call::new(Gate::named(name).unwrap(), [], qubits).into()
}

/// Bits and amplitudes of all trajectories.
fn walk(circuit: &Circuit, values: &[f64], count: usize, level: Level) -> Vec<(u128, Vec<C64>)> {
    let trajectory = Trajectory::new(circuit).unwrap().unwrap();
    let walks = Walks::with(&trajectory, values, 5, level).unwrap();
    let parts =
        walks.fold(count, Vec::new, |list, state, bits, _| list.push((bits, state.as_slice().to_vec())));
    parts.into_iter().flatten().collect()
}

#[test]
fn all_levels_draw_the_same() {
    for seed in 0..8 {
        let circuit = random::dynamic(1 + seed as usize % 4, 2, 40, true, seed);
        let values = random::values(2, seed);
        let wanted = walk(&circuit, &values, 37, Level::best());
        for level in Level::all() {
            let found = walk(&circuit, &values, 37, *level);
            for ((bits, state), (other_bits, other)) in found.iter().zip(&wanted) {
                assert_eq!(bits, other_bits, "seed {seed} on {}", level.name());
                assert!(state.iter().zip(other).all(|(a, b)| (a - b).norm() < 1e-10));
                assert!((state.iter().map(C64::norm_sqr).sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
        // a trajectory is the same whatever else runs
        assert!(walk(&circuit, &values, 9, Level::best()) == wanted[..9]);
    }
}

/// Noise after each gate, as in calibrated devices; measurement and conditions in between.
#[test]
fn expectations_are_those_of_the_density_matrix() {
    for dynamic in [false, true] {
        let mut circuit = Circuit::new(3).unwrap();
        let relaxation = Channel::thermal_relaxation(0.05, 1.0, 1.2).unwrap();
        for layer in 0..6 {
            for qubit in 0..3 {
                circuit.push(named(["sx", "t", "h"][(layer + qubit) % 3], &[qubit])).unwrap();
                circuit.push(noise(Channel::depolarizing(0.02, 1).unwrap(), &[qubit])).unwrap();
                circuit.push(noise(relaxation.clone(), &[qubit])).unwrap();
            }
            let pair = [layer % 3, (layer + 1) % 3];
            circuit.push(named("cx", &pair)).unwrap();
            circuit.push(noise(Channel::depolarizing(0.05, 2).unwrap(), &pair)).unwrap();
            circuit.push(noise(relaxation.tensor(&relaxation).unwrap(), &pair)).unwrap();
            if dynamic && layer == 3 {
                circuit.push(Instruction::Measure { qubit: 1, bit: 0, confusion: None }).unwrap();
                let body = vec![named("x", &[1]), noise(relaxation.clone(), &[2]), named("cx", &[2, 0])];
                circuit.push(Instruction::If { bit: 0, value: true, body }).unwrap();
                circuit.push(Instruction::Reset { qubit: 2 }).unwrap();
            }
        }
        let plan = Trajectories::new(20_000, 3).plan(&circuit).unwrap();
        let (x, y, z) = (Observable::x, Observable::y, Observable::z);
        for m in [x(0), z(1), z(0) * z(2), y(0) * x(1), x(0) * x(1) * x(2), z(0) * y(1) * y(2)] {
            let exact = DensityMatrix::new().expectation(&circuit, &m, &[]).unwrap();
            let found = plan.estimate(&m, &[]).unwrap();
            let off = (found.mean - exact).abs() / found.standard_error;
            assert!(off < 4.5, "{m}: {exact} is {off} standard errors from {found:?}");
        }
        let exact = DensityMatrix::new().probabilities(&circuit, &[]).unwrap();
        let counts = plan.sample(&[], 20_000, 8).unwrap();
        for (value, p) in exact.iter().enumerate() {
            let found = counts.count(value as u128) as f64 / 20_000.0;
            assert!(
                (found - p).abs() < 4.5 * (p * (1.0 - p) / 20_000.0).sqrt() + 1e-9,
                "{value}: {p}, {found}"
            );
        }
    }
}

#[test]
fn alternatives_make_up_the_channel() {
    let mut rng = random::rng(4);
    let relaxation = Channel::thermal_relaxation_to(0.1, 1.0, 1.3, 0.05).unwrap();
    let unitary = Channel::unitary(haar_unitary(4, &mut rng)).unwrap();
    let pair = relaxation.tensor(&relaxation).unwrap();
    let mixed = |p: f64| -> Vec<Matrix> {
        [p, 1.0 - p].iter().map(|p| haar_unitary(4, &mut rng) * C64::from(p.sqrt())).collect()
    };
    let channels = [
        Channel::depolarizing(0.1, 1).unwrap(),
        Channel::depolarizing(0.1, 2).unwrap(),
        Channel::depolarizing(0.3, 3).unwrap(),
        Channel::amplitude_damping(0.4).unwrap(),
        Channel::amplitude_damping(1.0).unwrap(),
        Channel::phase_damping(0.4).unwrap(),
        Channel::bit_flip(0.5).unwrap(),
        relaxation.clone(),
        Channel::depolarizing(0.1, 2).unwrap().then(&pair).unwrap().then(&unitary).unwrap(),
        Channel::identity(2).unwrap(),
        Channel::from_kraus({ mixed }(0.2)).unwrap(),
        unitary,
    ];
    for channel in &channels {
        let found = Alternatives::of(channel);
        let d = 1 << channel.qubits();
        let square = |entries: &[C64], d: usize| Array2::from_shape_vec((d, d), entries.to_vec()).unwrap();
        let mut sum = Matrix::zeros((d * d, d * d));
        for alternative in &found.list {
            let k = square(&alternative.operator, d);
            sum = sum + kron(&k, &k.mapv(|a| a.conj()));
        }
        let off = random::distance(&sum, channel.superoperator());
        assert!(off < 1e-12, "{}: {off:e}", channel.name());
        // the first, scaled, is the first of the list
        let ratios = found.first.entries.iter().zip(&found.list[0].operator).filter(|(a, _)| a.norm() > 1e-9);
        let ratios: Vec<_> = ratios.map(|(a, b)| a / b).collect();
        assert!(ratios.iter().all(|r| (r - ratios[0]).norm() < 1e-12 && r.im.abs() < 1e-15));
        assert!((-1e-12..=1.0 + 1e-12).contains(&found.floor), "{}", found.floor);
    }
    // 3/4 p of depolarizing noise is a Pauli; the identity's share is the floor
    let depolarizing = Alternatives::of(&channels[0]);
    assert_eq!((depolarizing.list.len(), depolarizing.probabilities.is_some()), (4, true));
    assert!((depolarizing.floor - 0.925).abs() < 1e-14);
    assert!((Alternatives::of(&channels[1]).floor - (1.0 - 0.1 * 15.0 / 16.0)).abs() < 1e-14);
    assert!(Alternatives::of(&channels[7]).floor > 0.85);
}
