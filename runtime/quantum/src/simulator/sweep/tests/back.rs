//! Derivatives on the way back against finite differences of the plain kernels.

use num_complex::Complex;

use super::engine::{calls, plain};
use crate::C64;
use crate::gate::Call;
use crate::linalg::inner;
use crate::simulator::precision::{Precision, narrow};
use crate::simulator::sweep::engine::Engine;
use crate::simulator::sweep::vector::Level;
use crate::simulator::tests::random;

const PARAMETERS: usize = 4;

/// Some Hermitian operator that is no sum of few Pauli products: neighbours in a ring of basis states.
fn operator(psi: &[C64]) -> Vec<C64> {
    let size = psi.len();
    let weight = |j: usize| C64::new((j as f64 * 0.9).sin(), (j as f64 * 0.4).cos());
    let row = |j: usize| {
        let (before, after) = ((j + size - 1) % size, (j + 1) % size);
        psi[j] * (j as f64 * 0.13).cos() + weight(j) * psi[after] + weight(before).conj() * psi[before]
    };
    (0..size).map(row).collect()
}

fn gradient<T: Precision>(calls: &[Call], width: usize, values: &[f64], level: Level) -> Vec<f64> {
    let psi = plain(calls, width, values);
    let engine = Engine::<T>::back_with_level(calls, width, level);
    let half = 1 << (engine.pair_width() - 1);
    let mut states = vec![Complex::new(T::zero(), T::zero()); 2 * half];
    for (k, (psi, dual)) in psi.iter().zip(operator(&psi)).enumerate() {
        (states[k], states[half + k]) = (narrow(*psi), narrow(dual));
    }
    let mut gradient = vec![0.0; PARAMETERS];
    engine.meet(engine.bind(values).unwrap().as_ref(), &mut states, &mut gradient);
    gradient
}

fn check(width: usize, seed: u64, levels: &[Level]) {
    const STEP: f64 = 1e-4;
    let circuit = random::unitary(width, PARAMETERS, seed);
    let (calls, values) = (calls(&circuit), random::values(PARAMETERS, seed));
    let energy = |k: usize, shift: f64| {
        let mut values = values.clone();
        values[k] += shift * STEP;
        let psi = plain(&calls, width, &values);
        inner(&psi, &operator(&psi)).re
    };
    let slope = |k| {
        let (near, far) = (energy(k, 1.0) - energy(k, -1.0), energy(k, 2.0) - energy(k, -2.0));
        (8.0 * near - far) / (12.0 * STEP)
    };
    let wanted: Vec<_> = (0..PARAMETERS).map(slope).collect();
    for level in levels {
        let double = gradient::<f64>(&calls, width, &values, *level);
        let single = gradient::<f32>(&calls, width, &values, *level);
        for k in 0..PARAMETERS {
            let (wanted, double, single) = (wanted[k], double[k], single[k]);
            let what = format!("{width} qubits, seed {seed}, {}, parameter {k}", level.name());
            assert!((double - wanted).abs() < 1e-7, "{what}: {double}, wanted {wanted}");
            assert!((single - wanted).abs() < 1e-3, "{what}: {single}, wanted {wanted}");
        }
    }
}

#[test]
fn small_circuits_on_every_level() {
    (0..16).for_each(|seed| check(1 + seed as usize % 8, seed, Level::all()));
}

#[test]
fn wide_circuits_in_several_sweeps() {
    // 15 and more qubits are cut in blocks
    for (seed, width) in [(1, 13), (2, 15), (3, 16)] {
        check(width, seed, Level::all());
    }
}
