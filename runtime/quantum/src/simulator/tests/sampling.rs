//! Counts against probabilities.

use rand::RngExt;

use super::random;
use crate::simulator::{
    Counts, DensityMatrix, Plan, QuantumState, Simulator, StateVector, Trajectories, sampling,
};
use crate::{Builder, Circuit, Error, Qubits};

/// Pearson's statistic per degree of freedom; near 1 for honest counts.
fn chi_square(counts: &Counts, probabilities: &[f64]) -> f64 {
    let shots = counts.total() as f64;
    let (mut sum, mut cells) = (0.0, 0);
    for (bits, p) in probabilities.iter().enumerate() {
        let (found, wanted) = (counts.count(bits as u128) as f64, p * shots);
        if wanted < 1e-9 {
            assert_eq!(found, 0.0, "{bits} is impossible");
        } else {
            sum += (found - wanted).powi(2) / wanted;
            cells += 1;
        }
    }
    sum / f64::from((cells - 1).max(1))
}

#[test]
fn counts_follow_the_probabilities() {
    for seed in 0..6 {
        let circuit = random::unitary(4, 2, seed);
        let values = random::values(2, seed);
        let probabilities = StateVector::new().probabilities(&circuit, &values).unwrap();
        for counts in [
            StateVector::new().sample(&circuit, &values, 100_000, seed).unwrap(),
            DensityMatrix::new().sample(&circuit, &values, 100_000, seed).unwrap(),
            Trajectories::new(1, 0).sample(&circuit, &values, 20_000, seed).unwrap(),
            StateVector::single().sample(&circuit, &values, 100_000, seed).unwrap(),
        ] {
            let statistic = chi_square(&counts, &probabilities);
            assert!(statistic < 2.8, "{statistic} in {counts}");
        }
    }
}

#[test]
fn shots_of_circuits_that_measure_on_the_way_follow_the_branches() {
    for seed in 0..6 {
        let circuit = random::dynamic(3, 0, 30, false, seed);
        let probabilities = StateVector::new().probabilities(&circuit, &[]).unwrap();
        let counts = StateVector::new().sample(&circuit, &[], 20_000, seed).unwrap();
        assert!(chi_square(&counts, &probabilities) < 3.5);

        let noisy = random::dynamic(3, 0, 30, true, seed);
        let probabilities = DensityMatrix::new().probabilities(&noisy, &[]).unwrap();
        let counts = DensityMatrix::new().sample(&noisy, &[], 20_000, seed).unwrap();
        assert!(chi_square(&counts, &probabilities) < 3.5);
    }
}

#[test]
fn seeds_decide_and_threads_do_not() {
    let circuit = random::dynamic(3, 0, 30, true, 1);
    let run = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| DensityMatrix::new().sample(&circuit, &[], 1000, seed).unwrap())
    };
    assert_eq!(run(1, 4), run(2, 4));
    assert_ne!(run(1, 4), run(1, 5));
}

#[test]
fn results_are_the_bits_returned_or_measured_or_all_qubits() {
    let mut b = Builder::new("order");
    let q: Qubits<3> = b.register("q");
    b.x(q.at(0));
    let plain = b.finish().unwrap();
    assert_eq!(StateVector::new().sample(&plain, &[], 5, 0).unwrap().to_string(), "001: 5");

    let mut b = Builder::new("order");
    let q: Qubits<3> = b.register("q");
    b.x(q.at(0));
    let (one, zero) = (b.measure(q.at(0)), b.measure(q.at(2)));
    let measured = b.finish().unwrap();
    assert_eq!(StateVector::new().sample(&measured, &[], 5, 0).unwrap().to_string(), "01: 5");
    let plan = StateVector::new().plan(&measured).unwrap();
    assert_eq!(plan.probabilities(&[]).unwrap(), [0.0, 1.0, 0.0, 0.0]);

    let mut swapped = measured.clone();
    swapped.set_outputs([zero.index(), one.index(), one.index()]).unwrap();
    assert_eq!(DensityMatrix::new().sample(&swapped, &[], 5, 0).unwrap().to_string(), "110: 5");
}

#[test]
fn rare_outcomes_and_single_shots_are_drawn() {
    let mut b = Builder::new("rare");
    let q = b.qubit("q");
    b.ry(crate::Angle::radians(2.0 * 0.001_f64.sqrt().asin()), q);
    let circuit = b.finish().unwrap();
    let counts = StateVector::new().sample(&circuit, &[], 1_000_000, 8).unwrap();
    assert!((counts.frequency(1) - 0.001).abs() < 1.5e-4, "{counts}");
    assert_eq!(counts.total(), 1_000_000);
    let ones: u64 =
        (0..4000).map(|seed| StateVector::new().sample(&circuit, &[], 1, seed).unwrap().count(1)).sum();
    assert!((1..=14).contains(&ones), "{ones}");
}

/// Few and many shots of few and many outcomes: the cells of a test hold at least ten shots each.
#[test]
fn lists_of_any_length_are_sampled_in_any_number_of_shots() {
    let mut rng = random::rng(1);
    for (outcomes, shots) in
        [(2, 100), (2, 3_000_000), (64, 5000), (4096, 900_000), (1 << 14, 2000), (1 << 18, 1 << 20)]
    {
        // every third outcome is impossible, weights differ widely, and their sum is not 1
        let weight = |k: usize, u: f64| if k % 3 == 1 { 0.0 } else { 0.3 * u * u };
        let weights: Vec<f64> = (0..outcomes).map(|k| weight(k, rng.random::<f64>())).collect();
        let total: f64 = weights.iter().sum();
        let counts = sampling::draw(weights.as_slice(), shots, 5).unwrap();
        assert_eq!(counts.total(), shots as u64);
        assert!(counts.iter().all(|(bits, times)| times > 0 && weights[bits as usize] > 0.0));
        let (mut statistic, mut cells, mut found, mut wanted) = (0.0, 0, 0.0, 0.0);
        for (k, weight) in weights.iter().enumerate() {
            found += counts.count(k as u128) as f64;
            wanted += weight / total * shots as f64;
            if wanted >= 10.0 || k + 1 == outcomes && wanted > 0.0 {
                statistic += (found - wanted).powi(2) / wanted;
                (cells, found, wanted) = (cells + 1, 0.0, 0.0);
            }
        }
        let freedom = f64::from(cells - 1).max(1.0);
        // five standard deviations
        assert!(
            statistic < freedom + 5.0 * (2.0 * freedom).sqrt() + 5.0,
            "{statistic} of {freedom}, {outcomes} outcomes"
        );
        assert!(cells < 9 || statistic > freedom - 5.0 * (2.0 * freedom).sqrt(), "{statistic} of {freedom}");
    }
}

#[test]
fn sure_and_impossible_outcomes_are_drawn_as_such() {
    let draw = |weights: &[f64], shots| sampling::draw(weights, shots, 3).unwrap();
    assert_eq!(draw(&[1.0], 7).to_string(), "0: 7");
    assert_eq!(draw(&[0.0, 0.0, 1e-300, 0.0], 1 << 17).to_string(), "10: 131072");
    assert_eq!(draw(&[f64::NAN, 0.1, -0.2, 0.0], 9).to_string(), "01: 9");
    assert_eq!(draw(&[0.0, 0.0], 9).total(), 0);
    let mut far = vec![0.0; 1 << 16];
    (far[0], far[65_535]) = (0.25, 0.75);
    let counts = draw(&far, 1 << 20);
    assert_eq!((counts.iter().len(), counts.total()), (2, 1 << 20));
    assert!((counts.frequency(0) - 0.25).abs() < 0.002);
    // the next number to a third of a bin: borders within bins are met exactly
    let thirds = draw(&[1.0, 1.0, 1.0], 3_000_000);
    assert!((0..3).all(|k| (thirds.frequency(k) - 1.0 / 3.0).abs() < 0.002), "{thirds}");
}

#[test]
fn states_are_sampled_as_their_probabilities() {
    let circuit = random::unitary(10, 0, 3);
    let state = StateVector::new().run(&circuit, &[]).unwrap().into_state().unwrap();
    let single = StateVector::single().run(&circuit, &[]).unwrap().into_state().unwrap();
    let probabilities = state.probabilities().unwrap();
    for counts in [state.sample(200_000, 4).unwrap(), single.sample(200_000, 4).unwrap()] {
        let mean = |f: &dyn Fn(usize) -> f64| (0..1024).map(|k| f(k) * probabilities[k]).sum::<f64>();
        let parity = |k: usize| if k.count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
        let sampled: f64 = counts.frequencies().map(|(bits, share)| parity(bits as usize) * share).sum();
        assert!((sampled - mean(&parity)).abs() < 5.0 / 200_000_f64.sqrt());
        assert_eq!(counts.total(), 200_000);
    }
    let on = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| state.sample(500_000, seed).unwrap())
    };
    assert_eq!(on(1, 7), on(2, 7));
    assert_ne!(on(1, 7), on(1, 8));
    assert_eq!(state.sample(0, 1), Err(Error::NoShots));
}

#[test]
fn no_shots_are_an_error() {
    let circuit = Circuit::new(1).unwrap();
    assert_eq!(StateVector::new().sample(&circuit, &[], 0, 0), Err(Error::NoShots));
    assert_eq!(DensityMatrix::new().sample(&circuit, &[], 0, 0), Err(Error::NoShots));
    assert_eq!(Trajectories::new(9, 0).sample(&circuit, &[], 0, 0), Err(Error::NoShots));
}
