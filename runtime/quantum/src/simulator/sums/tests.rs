//! Sums against dense matrices, and against one product at a time where those are too large.

use num_complex::Complex;
use proptest::prelude::*;
use rand::RngExt;

use super::*;
use crate::simulator::precision::{narrow, widen};
use crate::simulator::random::rng;
use crate::{C64, Observable, linalg};

fn state(width: usize, seed: u64) -> Vec<C64> {
    linalg::haar_state(1 << width, &mut rng(seed))
}

/// `count` random products, of which many share their flips.
fn random(width: usize, count: usize, seed: u64) -> Observable {
    let mut rng = rng(seed);
    let letters = ["IZ", "IXYZ", "IIIXYZ"][rng.random_range(0..3)].as_bytes();
    let product = |rng: &mut _| -> String {
        (0..width).map(|_| char::from(letters[RngExt::random_range(rng, 0..letters.len())])).collect()
    };
    Observable::from_paulis((0..count).map(|_| (product(&mut rng), rng.random_range(-1.0..1.0)))).unwrap()
}

/// `M psi`, one product after the other, one amplitude after the other.
fn by_definition(observable: &Observable, psi: &[C64]) -> Vec<C64> {
    let mut dual = vec![C64::ZERO; psi.len()];
    for (product, coefficient) in observable.terms() {
        for (j, amplitude) in psi.iter().enumerate() {
            dual[j ^ product.x_mask() as usize] +=
                product.phase() * coefficient * amplitude * product.sign(j);
        }
    }
    dual
}

fn distance<T: Precision>(found: &[Complex<T>], wanted: &[C64]) -> f64 {
    found.iter().zip(wanted).map(|(a, b)| (widen(*a) - b).norm_sqr()).sum::<f64>().sqrt()
}

fn check<T: Precision>(observable: &Observable, psi: &[C64], dual: &[C64], tolerance: f64) {
    let value = linalg::inner(psi, dual).re;
    let width = psi.len().ilog2() as usize;
    let psi: Vec<Complex<T>> = psi.iter().map(|a| narrow(*a)).collect();
    let scale = 1.0 + observable.terms().map(|(_, c)| c.norm()).sum::<f64>();
    for level in Level::all() {
        let sum = PauliSum::with_level(observable.real_terms(width).unwrap(), width, *level);
        let mut found = vec![Complex::new(T::one(), T::one()); psi.len()];
        let with_product = sum.apply(&psi, &mut found);
        let name = level.name();
        assert!(distance(&found, dual) < tolerance * scale, "{name}: {observable}");
        assert!((with_product - value).abs() < tolerance * scale, "{name}: {observable}");
        assert!((sum.expectation(&psi) - value).abs() < tolerance * scale, "{name}: {observable}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sums_are_their_dense_matrices(width in 1..7_usize, count in 0..20_usize, seed: u64) {
        let (observable, psi) = (random(width, count, seed), state(width, seed));
        let dual = observable.matrix(width).unwrap().dot(&ndarray::Array1::from(psi.clone())).to_vec();
        check::<f64>(&observable, &psi, &dual, 1e-14);
        check::<f32>(&observable, &psi, &dual, 1e-6);
    }
}

#[test]
fn every_product_of_a_width_is_its_matrix() {
    for width in 1..=4 {
        let psi = state(width, 3);
        for number in 0..4_usize.pow(width as u32) {
            let letters: String =
                (0..width).map(|qubit| ['I', 'X', 'Y', 'Z'][number >> (2 * qubit) & 3]).collect();
            let observable = Observable::pauli(&letters, 0.7).unwrap();
            let dual = observable.matrix(width).unwrap().dot(&ndarray::Array1::from(psi.clone())).to_vec();
            check::<f64>(&observable, &psi, &dual, 1e-14);
            check::<f32>(&observable, &psi, &dual, 1e-6);
        }
    }
}

#[test]
fn wide_sums_are_one_product_after_the_other() {
    for (width, count) in [(9, 40), (10, 40), (11, 60), (14, 30), (16, 40)] {
        for seed in 0..4 {
            let (observable, psi) = (random(width, count, seed), state(width, seed));
            let dual = by_definition(&observable, &psi);
            check::<f64>(&observable, &psi, &dual, 1e-13);
            check::<f32>(&observable, &psi, &dual, 2e-6);
        }
    }
}

fn heisenberg(width: usize) -> Observable {
    let (x, y, z) = (Observable::x, Observable::y, Observable::z);
    Observable::sum(1..width, |k| x(k - 1) * x(k) + y(k - 1) * y(k) + 0.5 * z(k - 1) * z(k))
}

#[test]
fn a_chain_takes_few_passes() {
    let width = 17;
    let (observable, psi) = (heisenberg(width), state(width, 1));
    let sum = PauliSum::<f64>::new(observable.real_terms(width).unwrap(), width);
    assert_eq!((sum.passes.len(), sum.passes.iter().map(|pass| pass.groups.len()).sum::<usize>()), (2, 17));
    check::<f64>(&observable, &psi, &by_definition(&observable, &psi), 1e-13);
}

#[test]
fn sums_are_the_same_on_any_number_of_threads() {
    let (width, seed) = (16, 5);
    let (observable, psi) = (random(width, 30, seed) + heisenberg(width), state(width, seed));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let sum = PauliSum::<f64>::new(observable.real_terms(width).unwrap(), width);
            let mut dual = vec![C64::ZERO; psi.len()];
            let value = sum.apply(&psi, &mut dual);
            (sum.expectation(&psi).to_bits(), value.to_bits(), dual)
        })
    };
    assert_eq!(run(1), run(3));
}
