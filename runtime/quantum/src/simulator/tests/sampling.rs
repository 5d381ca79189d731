//! Counts against probabilities.

use super::random;
use crate::simulator::{Counts, DensityMatrix, Plan, Simulator, StateVector, Trajectories};
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

#[test]
fn no_shots_are_an_error() {
    let circuit = Circuit::new(1);
    assert_eq!(StateVector::new().sample(&circuit, &[], 0, 0), Err(Error::NoShots));
    assert_eq!(DensityMatrix::new().sample(&circuit, &[], 0, 0), Err(Error::NoShots));
    assert_eq!(Trajectories::new(9, 0).sample(&circuit, &[], 0, 0), Err(Error::NoShots));
}
