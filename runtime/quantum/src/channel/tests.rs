use ndarray::array;
use proptest::prelude::*;

use super::*;

const O: C64 = C64::ZERO;
const L: C64 = C64::ONE;

fn close(a: &Matrix, b: &Matrix, tolerance: f64) -> bool {
    a.dim() == b.dim() && a.iter().zip(b).all(|(x, y)| (x - y).norm() <= tolerance)
}

/// A density matrix of `qubits` qubits with nothing special about it.
fn mixed_state(qubits: usize, seed: u64) -> Matrix {
    let d = 1 << qubits;
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let a = Array2::from_shape_fn((d, d), |_| C64::new(next(), next()));
    let rho = a.dot(&a.t().mapv(|z| z.conj()));
    let trace: C64 = rho.diag().sum();
    rho.mapv(|z| z / trace)
}

fn by_kraus(channel: &Channel, rho: &Matrix) -> Matrix {
    channel
        .kraus()
        .iter()
        .fold(Array2::zeros(rho.dim()), |sum, k| sum + k.dot(rho).dot(&k.t().mapv(|z| z.conj())))
}

/// Relaxation with its textbook Kraus operators: amplitude damping, then the phase damping left over.
fn relaxation_oracle(time: f64, t1: f64, t2: f64) -> Channel {
    let damping = Channel::amplitude_damping(1.0 - (-time / t1).exp()).unwrap();
    let pure = 1.0 - (-2.0 * time * (1.0 / t2 - 0.5 / t1)).exp();
    damping.then(&Channel::phase_damping(pure.max(0.0)).unwrap()).unwrap()
}

#[test]
fn depolarizing_mixes_with_the_maximally_mixed_state() {
    for qubits in 1..=3 {
        let (d, p) = (1_usize << qubits, 0.3);
        let channel = Channel::depolarizing(p, qubits).unwrap();
        let rho = mixed_state(qubits, 7);
        let wanted = rho.mapv(|z| z * (1.0 - p)) + Matrix::eye(d).mapv(|z: C64| z * p / d as f64);
        assert!(close(&channel.apply(&rho).unwrap(), &wanted, 1e-14));
        let infidelity = p * (d as f64 - 1.0) / d as f64;
        assert!((channel.average_gate_fidelity() - (1.0 - infidelity)).abs() < 1e-14);
        assert!(close(&by_kraus(&channel, &rho), &wanted, 1e-12));
    }
    assert!(Channel::depolarizing(4.0 / 3.0, 1).is_ok());
    assert!(matches!(Channel::depolarizing(1.34, 1), Err(Error::OutOfRange { found: 1.34, .. })));
    assert!(Channel::depolarizing(f64::NAN, 1).is_err());
}

#[test]
fn thermal_relaxation_is_amplitude_damping_and_dephasing() {
    for (time, t1, t2) in [(3e-7, 1e-4, 8e-5), (1e-6, 5e-5, 1e-4), (0.0, 1e-4, 1e-4), (2e-4, 1e-4, 1.3e-4)] {
        let channel = Channel::thermal_relaxation(time, t1, t2).unwrap();
        let rho = mixed_state(1, 3);
        let wanted = relaxation_oracle(time, t1, t2).apply(&rho).unwrap();
        assert!(close(&channel.apply(&rho).unwrap(), &wanted, 1e-14));
        assert!(close(&by_kraus(&channel, &rho), &wanted, 1e-13));
        let fidelity = 0.5 + (-time / t1).exp() / 6.0 + (-time / t2).exp() / 3.0;
        assert!((channel.average_gate_fidelity() - fidelity).abs() < 1e-14);
    }
    let forever = Channel::thermal_relaxation_to(1.0, 1e-4, 1e-4, 0.2).unwrap();
    let wanted = array![[C64::from(0.8), O], [O, C64::from(0.2)]];
    assert!(close(&forever.apply(&mixed_state(1, 5)).unwrap(), &wanted, 1e-14));
    let slowest = Channel::thermal_relaxation_to(1e-4, 1e-4, 2e-4, 0.5).unwrap();
    assert!(Channel::from_superoperator(slowest.superoperator().clone()).is_ok());
    assert!(
        Channel::thermal_relaxation(1e-7, f64::INFINITY, f64::INFINITY).unwrap().process_fidelity() == 1.0
    );
}

#[test]
fn unphysical_times_are_refused_with_both_values() {
    let error = Channel::thermal_relaxation(1e-7, 1e-4, 3e-4).unwrap_err();
    assert_eq!(error.to_string(), "T2 in seconds is 0.0003, but at most 2 T1 = 0.0002 was expected");
    for (time, t1, t2) in [(-1.0, 1.0, 1.0), (f64::NAN, 1.0, 1.0), (1.0, 0.0, 0.0), (1.0, f64::NAN, 1.0)] {
        assert!(Channel::thermal_relaxation(time, t1, t2).is_err());
    }
}

#[test]
fn flips_and_paulis_act_as_their_matrices() {
    let rho = mixed_state(1, 11);
    let flipped = array![[rho[[1, 1]], rho[[1, 0]]], [rho[[0, 1]], rho[[0, 0]]]];
    let wanted = rho.mapv(|z| z * 0.75) + flipped.mapv(|z| z * 0.25);
    assert!(close(&Channel::bit_flip(0.25).unwrap().apply(&rho).unwrap(), &wanted, 1e-14));

    // "XI" flips operand 0, the least significant bit: |00> -> |01>.
    let channel = Channel::pauli(&[("XI", 1.0)]).unwrap();
    let mut ground = Matrix::zeros((4, 4));
    ground[[0, 0]] = L;
    assert!((channel.apply(&ground).unwrap()[[1, 1]] - 1.0).norm() < 1e-15);

    let all: Vec<String> =
        "IXYZ".chars().flat_map(|a| "IXYZ".chars().map(move |b| format!("{a}{b}"))).collect();
    let even: Vec<(&str, f64)> = all.iter().map(|word| (word.as_str(), 1.0 / 16.0)).collect();
    let depolarized = Channel::depolarizing(1.0, 2).unwrap();
    assert!(close(Channel::pauli(&even).unwrap().superoperator(), depolarized.superoperator(), 1e-14));

    assert!(Channel::pauli(&[("I", 0.5), ("X", 0.4)]).is_err());
    assert!(Channel::pauli(&[("I", 0.5), ("XX", 0.5)]).is_err());
    assert!(Channel::pauli(&[("Q", 1.0)]).is_err());
    assert!(Channel::pauli(&[]).is_err());
}

#[test]
fn tensor_and_embed_keep_the_operand_order() {
    let flip = Channel::bit_flip(1.0).unwrap();
    let nothing = Channel::identity(1).unwrap();
    let low = flip.tensor(&nothing).unwrap();
    assert!(close(low.superoperator(), flip.embed(&[0], 2).unwrap().superoperator(), 1e-15));
    assert!(close(low.superoperator(), Channel::pauli(&[("XI", 1.0)]).unwrap().superoperator(), 1e-15));

    let (a, b) = (Channel::amplitude_damping(0.3).unwrap(), Channel::phase_damping(0.2).unwrap());
    let (x, y) = (mixed_state(1, 1), mixed_state(1, 2));
    let together = a.tensor(&b).unwrap().apply(&kron(&y, &x)).unwrap();
    let apart = kron(&b.apply(&y).unwrap(), &a.apply(&x).unwrap());
    assert!(close(&together, &apart, 1e-14));

    // Exchanged places turn a product around.
    let turned = a.tensor(&b).unwrap().embed(&[1, 0], 2).unwrap();
    assert!(close(turned.superoperator(), b.tensor(&a).unwrap().superoperator(), 1e-14));
    for places in [&[0, 0][..], &[0], &[0, 5]] {
        assert!(turned.embed(places, 2).is_err());
    }
}

#[test]
fn process_fidelity_of_a_product_is_the_product() {
    let a = Channel::thermal_relaxation(3e-7, 9e-5, 7e-5).unwrap();
    let b = Channel::depolarizing(0.02, 1).unwrap();
    let product = a.tensor(&b).unwrap();
    assert!((product.process_fidelity() - a.process_fidelity() * b.process_fidelity()).abs() < 1e-14);
}

#[test]
fn what_is_no_channel_is_refused() {
    let half = Matrix::eye(2).mapv(|z: C64| z * 0.5);
    assert!(matches!(
        Channel::from_kraus(vec![half]),
        Err(Error::NotAChannel { property: "trace preserving", .. })
    ));
    assert!(Channel::from_kraus(vec![]).is_err());
    assert!(Channel::from_kraus(vec![Matrix::eye(3)]).is_err());
    assert!(Channel::from_kraus(vec![Matrix::eye(2), Matrix::eye(4)]).is_err());
    assert!(Channel::from_kraus(vec![Matrix::from_elem((2, 2), C64::new(f64::NAN, 0.0))]).is_err());
    assert!(Channel::identity(0).is_err() && Channel::identity(5).is_err());
    // Transposition keeps the trace and is the standard example of a map that is not completely positive.
    let mut transposition = Matrix::zeros((4, 4));
    for (row, column) in [(0, 0), (1, 2), (2, 1), (3, 3)] {
        transposition[[row, column]] = L;
    }
    assert!(matches!(
        Channel::from_superoperator(transposition),
        Err(Error::NotAChannel { property: "completely positive", .. })
    ));
    let mut nan = Matrix::eye(4);
    nan[[1, 0]] = C64::new(f64::NAN, 0.0);
    assert!(Channel::from_superoperator(nan).is_err());
}

proptest! {
    #[test]
    fn kraus_operators_and_superoperator_agree(
        p in 0.0..1.0_f64, gamma in 0.0..1.0_f64, time in 0.0..3.0_f64, ratio in 0.01..2.0_f64, seed in any::<u64>()
    ) {
        let relaxation = Channel::thermal_relaxation(time, 1.0, ratio).unwrap();
        let pair = relaxation.tensor(&Channel::amplitude_damping(gamma).unwrap()).unwrap();
        let noise = Channel::depolarizing(p, 2).unwrap().then(&pair).unwrap();
        let rho = mixed_state(2, seed);
        let after = noise.apply(&rho).unwrap();
        prop_assert!(close(&after, &by_kraus(&noise, &rho), 1e-10));
        prop_assert!((after.diag().sum() - 1.0).norm() < 1e-12);
        prop_assert!(noise.kraus().len() <= 16);
        let again = Channel::from_superoperator(noise.superoperator().clone()).unwrap();
        prop_assert!(close(again.superoperator(), noise.superoperator(), 0.0));
    }
}
