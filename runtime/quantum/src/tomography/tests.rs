//! Reconstruction against exact states: dense Born probabilities are the oracle, seeded sampling the noise.

use std::time::Instant;

use rand::{Rng, RngExt};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::*;
use crate::linalg::{
    dagger, diagonal, dominant, frobenius, haar_state, identity, inner, is_hermitian, kron, outer,
    random_density, state_fidelity, trace,
};
use crate::{C64, Error};

/// The probabilities of the outcomes of `rho` in `basis`, by dense rotation.
fn born(rho: &Matrix, basis: &[Basis]) -> Vec<f64> {
    let h = C64::from(std::f64::consts::FRAC_1_SQRT_2);
    let rotation = basis.iter().fold(identity(1), |low, basis| {
        let one = match basis {
            Basis::X => ndarray::array![[h, h], [h, -h]],
            Basis::Y => ndarray::array![[h, -C64::I * h], [h, C64::I * h]],
            Basis::Z => identity(2),
        };
        kron(&one, &low)
    });
    rotation.dot(rho).dot(&dagger(&rotation)).diag().iter().map(|z| z.re.max(0.0)).collect()
}

fn confuse(distribution: &[f64], readout: &[Confusion]) -> Vec<f64> {
    let mut distribution = distribution.to_vec();
    mitigation::apply(&mut distribution, &mitigation::confusions(readout).unwrap());
    distribution
}

fn sample(distribution: &[f64], shots: usize, rng: &mut impl Rng) -> Vec<f64> {
    let mut counts = vec![0.0; distribution.len()];
    for _ in 0..shots {
        let mut u = rng.random::<f64>();
        let outcome = distribution.iter().position(|p| {
            u -= p;
            u < 0.0
        });
        counts[outcome.unwrap_or(distribution.len() - 1)] += 1.0;
    }
    counts
}

/// Counts of `shots` shots in each setting, through the readout.
fn measure(
    rho: &Matrix,
    settings: &[Vec<Basis>],
    readout: &[Confusion],
    shots: usize,
    seed: u64,
) -> Vec<Measurement> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    settings
        .iter()
        .map(|basis| {
            let distribution = confuse(&born(rho, basis), readout);
            Measurement::new(basis.clone(), sample(&distribution, shots, &mut rng)).unwrap()
        })
        .collect()
}

fn exact(rho: &Matrix, settings: &[Vec<Basis>]) -> Vec<Measurement> {
    settings.iter().map(|basis| Measurement::new(basis.clone(), born(rho, basis)).unwrap()).collect()
}

fn readout(width: usize) -> Vec<Confusion> {
    (0..width)
        .map(|q| Confusion { p1_given_0: 0.01 + 0.005 * q as f64, p0_given_1: 0.03 + 0.004 * q as f64 })
        .collect()
}

/// A pure state through local Pauli errors and depolarisation, about as a device leaves it.
fn noisy_state(pure: &[C64], fidelity: f64, width: usize) -> Matrix {
    let rest = 1.0 - fidelity;
    let dim = 1 << width;
    let mut rho =
        outer(pure, pure) * C64::from(fidelity) + identity(dim) * C64::from(0.5 * rest / dim as f64);
    let paulis = [
        ndarray::array![[C64::ZERO, C64::ONE], [C64::ONE, C64::ZERO]],
        ndarray::array![[C64::ZERO, -C64::I], [C64::I, C64::ZERO]],
        diagonal(&[1.0, -1.0]),
    ];
    // Z errors three times as likely as X and Y errors, as dephasing makes them.
    for (pauli, weight) in paulis.iter().zip([0.2, 0.2, 0.6]) {
        for qubit in 0..width {
            let full = kron(&kron(&identity(dim >> (qubit + 1)), pauli), &identity(1 << qubit));
            let flipped = full.dot(&ndarray::Array1::from(pure.to_vec())).to_vec();
            rho += &(outer(&flipped, &flipped) * C64::from(0.5 * rest * weight / width as f64));
        }
    }
    rho
}

fn eigenvector_infidelity(estimate: &Matrix, rho: &Matrix) -> f64 {
    let (found, wanted) = (dominant(estimate).unwrap().vector, dominant(rho).unwrap().vector);
    1.0 - inner(&found, &wanted).norm_sqr()
}

#[test]
fn exact_data_give_the_state_back() {
    for width in 1..=4 {
        let mut rng = ChaCha8Rng::seed_from_u64(width as u64);
        let rho = random_density(1 << width, 3, &mut rng);
        let all = settings(width).unwrap();
        let data = exact(&rho, &all);
        assert!(frobenius(&(linear_inversion(&data, None).unwrap() - &rho)) < 1e-12);
        assert!(frobenius(&(Shadow::new(&data, None).unwrap().matrix() - &rho)) < 1e-12);
        for method in [Method::LeastSquares, Method::Shadow] {
            assert!(frobenius(&(reconstruct(&data, None, method).unwrap() - &rho)) < 1e-12);
        }
        let tight = Method::MaximumLikelihood(MaximumLikelihood { iterations: 5000, tolerance: 1e-9 });
        assert!(frobenius(&(reconstruct(&data, None, tight).unwrap() - &rho)) < 1e-4);
    }
}

#[test]
fn exact_data_through_a_known_readout_give_the_state_back() {
    let (width, readout) = (3, readout(3));
    let rho = random_density(8, 2, &mut ChaCha8Rng::seed_from_u64(21));
    let data: Vec<Measurement> = settings(width)
        .unwrap()
        .into_iter()
        .map(|basis| Measurement::new(basis.clone(), confuse(&born(&rho, &basis), &readout)).unwrap())
        .collect();
    assert!(frobenius(&(linear_inversion(&data, None).unwrap() - &rho)) > 1e-2);
    assert!(frobenius(&(linear_inversion(&data, Some(&readout)).unwrap() - &rho)) < 1e-12);
    assert!(frobenius(&(Shadow::new(&data, Some(&readout)).unwrap().matrix() - &rho)) < 1e-12);
    let tight = Method::MaximumLikelihood(MaximumLikelihood { iterations: 5000, tolerance: 1e-9 });
    assert!(frobenius(&(reconstruct(&data, Some(&readout), tight).unwrap() - &rho)) < 1e-4);
}

#[test]
fn pauli_vectors_are_the_traces_with_the_products() {
    let rho = random_density(8, 4, &mut ChaCha8Rng::seed_from_u64(33));
    let vector = PauliVector::from_matrix(&rho).unwrap();
    assert!(frobenius(&(vector.matrix() - &rho)) < 1e-14);
    let (x, y, z) = (
        ndarray::array![[C64::ZERO, C64::ONE], [C64::ONE, C64::ZERO]],
        ndarray::array![[C64::ZERO, -C64::I], [C64::I, C64::ZERO]],
        diagonal(&[1.0, -1.0]),
    );
    let digits = [identity(2), x, y, z];
    for index in 0..64 {
        let product = kron(&kron(&digits[index >> 4 & 3], &digits[index >> 2 & 3]), &digits[index & 3]);
        assert!((vector.values()[index] - trace(&product.dot(&rho)).re).abs() < 1e-14);
    }
    for basis in settings(3).unwrap() {
        let probabilities = vector.probabilities(&basis).unwrap();
        assert!(probabilities.iter().zip(born(&rho, &basis)).all(|(a, b)| (a - b).abs() < 1e-14));
    }
    assert!(matches!(vector.probabilities(&[Basis::X]), Err(Error::Dimension { found: 1, expected: 3, .. })));
    assert!(matches!(PauliVector::from_matrix(&identity(3)), Err(Error::Dimension { found: 3, .. })));
}

#[test]
fn settings_are_weighted_by_their_shots() {
    // <Z> is measured by both settings of two qubits, 300 shots against 100.
    let data = [
        Measurement::new(vec![Basis::Z, Basis::X], vec![300.0, 0.0, 0.0, 0.0]).unwrap(),
        Measurement::new(vec![Basis::Z, Basis::Z], vec![0.0, 100.0, 0.0, 0.0]).unwrap(),
    ];
    let vector = PauliVector::from_measurements(&data, None).unwrap();
    assert_eq!((vector.values()[3], vector.weights()[3]), (0.5, 400.0));
    assert_eq!((vector.values()[1], vector.weights()[1]), (0.0, 0.0));
    assert_eq!(vector.values()[0], 1.0);
}

#[test]
fn shadow_elements_agree_with_the_shadow_matrix() {
    let (width, readout) = (3, readout(3));
    let mut rng = ChaCha8Rng::seed_from_u64(41);
    let rho = random_density(8, 3, &mut rng);
    let chosen = random_settings(width, 12, 6).unwrap();
    let shadow = Shadow::new(&measure(&rho, &chosen, &readout, 5, 1), Some(&readout)).unwrap();
    let matrix = shadow.matrix();
    assert!(is_hermitian(&matrix, 1e-12) && (trace(&matrix) - 1.0).norm() < 1e-12);
    for _ in 0..5 {
        let (v, w) = (haar_state(8, &mut rng), haar_state(8, &mut rng));
        let wanted: C64 = inner(&v, &matrix.dot(&ndarray::Array1::from(w.clone())).to_vec());
        assert!((shadow.element(&v, &w).unwrap() - wanted).norm() < 1e-12);
    }
    assert!(matches!(shadow.element(&[C64::ONE], &[C64::ONE]), Err(Error::Dimension { found: 1, .. })));
    let nan = [C64::from(f64::NAN); 8];
    assert!(matches!(shadow.element(&nan, &nan), Err(Error::NotFinite { .. })));
}

#[test]
fn single_shot_shadows_estimate_a_fidelity_without_bias() {
    let (width, settings, readout) = (2, 30_000, readout(2));
    let mut rng = ChaCha8Rng::seed_from_u64(51);
    let target = haar_state(4, &mut rng);
    let rho = noisy_state(&target, 0.7, width);
    let data = measure(&rho, &random_settings(width, settings, 3).unwrap(), &readout, 1, 4);
    let found = Shadow::new(&data, Some(&readout)).unwrap().element(&target, &target).unwrap();
    // The shadow norm bounds the variance of one estimate by 4^2 (a little more with mitigation): 4 sigma are
    // 0.1.
    assert!((found.re - state_fidelity(&rho, &target).unwrap()).abs() < 0.1, "{found}");
    assert!(found.im.abs() < 1e-12);
}

#[test]
fn likelihood_is_larger_than_that_of_the_truth_and_of_least_squares() {
    let rho = noisy_state(&haar_state(8, &mut ChaCha8Rng::seed_from_u64(61)), 0.8, 3);
    let all = settings(3).unwrap();
    let data = measure(&rho, &all, &readout(3), 200, 8);
    let log_likelihood = |state: &Matrix| -> f64 {
        let sum = |m: &Measurement| -> f64 {
            let reported = confuse(&born(state, m.basis()), &readout(3));
            m.counts()
                .iter()
                .zip(reported)
                .filter(|(count, _)| **count > 0.0)
                .map(|(count, p)| count * p.ln())
                .sum()
        };
        data.iter().map(sum).sum()
    };
    let likelihood = Method::MaximumLikelihood(MaximumLikelihood::default());
    let estimate = reconstruct(&data, Some(&readout(3)), likelihood).unwrap();
    let linear = reconstruct(&data, Some(&readout(3)), Method::LeastSquares).unwrap();
    assert!(log_likelihood(&estimate) > log_likelihood(&rho));
    assert!(log_likelihood(&estimate) > log_likelihood(&linear));
    assert!(nearest_state(&estimate).is_ok_and(|physical| frobenius(&(physical - &estimate)) < 1e-12));
    let again = MaximumLikelihood::default().fit(&data, Some(&readout(3)), Some(&estimate)).unwrap();
    assert!(frobenius(&(again - estimate)) < 0.01);
}

#[test]
fn likelihood_finds_the_eigenvector_from_a_third_of_the_settings() {
    let (width, readout) = (4, readout(4));
    let mut infidelity = [0.0; 4];
    for seed in 0..4 {
        let rho = noisy_state(&haar_state(16, &mut ChaCha8Rng::seed_from_u64(seed)), 0.75, width);
        let few = measure(&rho, &balanced_settings(width, 27, seed).unwrap(), &readout, 1024, seed);
        let all = measure(&rho, &settings(width).unwrap(), &readout, 1024, seed);
        let likelihood = Method::MaximumLikelihood(MaximumLikelihood::default());
        let runs =
            [(&few, Method::Shadow), (&few, Method::LeastSquares), (&few, likelihood), (&all, likelihood)];
        for (sum, (data, method)) in infidelity.iter_mut().zip(runs) {
            *sum += eigenvector_infidelity(&reconstruct(data, Some(&readout), method).unwrap(), &rho) / 4.0;
        }
    }
    assert!(infidelity.is_sorted_by(|a, b| a > b), "{infidelity:?}");
    assert!(infidelity[2] < 3e-3 && infidelity[3] < 1e-3, "{infidelity:?}");
}

#[test]
fn measurements_that_do_not_fit_are_refused() {
    let one = Measurement::new(vec![Basis::Z], vec![1.0, 0.0]).unwrap();
    let two = Measurement::new(vec![Basis::Z; 2], vec![1.0; 4]).unwrap();
    let methods =
        [Method::LeastSquares, Method::Shadow, Method::MaximumLikelihood(MaximumLikelihood::default())];
    for method in methods {
        assert_eq!(reconstruct(&[], None, method), Err(Error::NoShots));
        let mixed = reconstruct(&[one.clone(), two.clone()], None, method);
        assert!(matches!(mixed, Err(Error::Dimension { found: 2, expected: 1, .. })));
        let narrow = reconstruct(std::slice::from_ref(&two), Some(&readout(1)), method);
        assert!(matches!(narrow, Err(Error::Dimension { found: 1, expected: 2, .. })));
        let blind = [Confusion { p1_given_0: 0.5, p0_given_1: 0.5 }];
        assert!(matches!(
            reconstruct(std::slice::from_ref(&one), Some(&blind), method),
            Err(Error::SingularReadout { .. })
        ));
        assert!(reconstruct(std::slice::from_ref(&one), None, method).is_ok());
    }
    let start = MaximumLikelihood::default().fit(&[one], None, Some(&identity(4)));
    assert!(matches!(start, Err(Error::Dimension { found: 4, expected: 2, .. })));
}

/// States that algorithms prepare, and a random one.
fn targets(width: usize) -> Vec<Vec<C64>> {
    let dim = 1_usize << width;
    let ghz = |i: usize| if i == 0 || i + 1 == dim { 0.5_f64.sqrt() } else { 0.0 };
    let w = |i: usize| if i.is_power_of_two() { (1.0 / width as f64).sqrt() } else { 0.0 };
    let fourier = |i: usize| {
        C64::from_polar((1.0 / dim as f64).sqrt(), 5.0 * std::f64::consts::TAU * i as f64 / dim as f64)
    };
    vec![
        (0..dim).map(|i| C64::from(ghz(i))).collect(),
        (0..dim).map(|i| C64::from(w(i))).collect(),
        (0..dim).map(fourier).collect(),
        haar_state(dim, &mut ChaCha8Rng::seed_from_u64(2)),
    ]
}

/// The phase of a GHZ state shows only in the products of X and an even number of Y on all qubits, 2^(n-1)
/// settings of 3^n.
#[test]
fn balanced_settings_seldom_miss_the_phase_of_a_ghz_state() {
    let holds_phase = |basis: &Vec<Basis>| {
        !basis.contains(&Basis::Z) && basis.iter().filter(|&&basis| basis == Basis::Y).count() % 2 == 0
    };
    for (width, limit) in [(4, 20), (5, 4)] {
        let count = 3_usize.pow(width as u32 - 1);
        let missed = |chosen: Vec<Vec<Basis>>| !chosen.iter().any(holds_phase);
        let balanced =
            (0..1000).filter(|&seed| missed(balanced_settings(width, count, seed).unwrap())).count();
        let random = (0..1000).filter(|&seed| missed(random_settings(width, count, seed).unwrap())).count();
        assert!(
            balanced <= limit && balanced <= random,
            "{width} qubits: {balanced} of 1000, random {random}"
        );
    }
}

/// Prints how far the dominant eigenvector of each estimate is from the true one: mean and worst of 20 runs.
#[test]
#[ignore = "a measurement: cargo test --release -p ketline-quantum --lib tomography::tests::methods -- --ignored --nocapture"]
fn methods() {
    let methods = [
        ("shadow", Method::Shadow),
        ("least squares", Method::LeastSquares),
        ("likelihood", Method::MaximumLikelihood(MaximumLikelihood::default())),
    ];
    for (width, fidelity) in [(4, 0.6), (4, 0.8), (5, 0.6), (5, 0.8)] {
        let (total, third, readout) = (3_usize.pow(width), 3_usize.pow(width - 1), readout(width as usize));
        let width = width as usize;
        for (design, count, shots) in [
            ("all", total, 1024),
            ("balanced", third, 1024),
            ("random", third, 1024),
            ("balanced", third, 3072),
        ] {
            for (name, method) in methods {
                let (mut mean, mut worst, mut seconds) = (0.0, 0.0_f64, 0.0);
                for (state, seed) in
                    targets(width).iter().flat_map(|state| (0..5).map(move |seed| (state, seed)))
                {
                    let chosen = match design {
                        "all" => settings(width),
                        "balanced" => balanced_settings(width, count, seed),
                        _ => random_settings(width, count, seed),
                    };
                    let rho = noisy_state(state, fidelity, width);
                    let data = measure(&rho, &chosen.unwrap(), &readout, shots, seed);
                    let start = Instant::now();
                    let estimate = reconstruct(&data, Some(&readout), method).unwrap();
                    seconds += start.elapsed().as_secs_f64();
                    let infidelity = eigenvector_infidelity(&estimate, &rho);
                    mean += infidelity / 20.0;
                    worst = worst.max(infidelity);
                }
                let time = 1e3 * seconds / 20.0;
                println!(
                    "{width} {fidelity} {count:3} {design:8} x {shots} {name:13} mean {mean:.1e} worst {worst:.1e} {time:.1} ms"
                );
            }
        }
    }
}
