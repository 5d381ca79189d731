//! The solver against matrix exponentials by eigendecomposition, dense superoperators, and finite differences.

use ndarray::{Array2, array};
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::*;
use crate::linalg::{
    Eigen, dagger, frobenius, haar_state, haar_unitary, identity, is_unitary, kron, outer, trace,
};

const I: C64 = C64::new(0.0, 1.0);

/// exp(-i h t) by eigendecomposition.
fn exponential(h: &Matrix, t: f64) -> Matrix {
    let eigen = Eigen::new(h).unwrap();
    let phases =
        Matrix::from_diag(&eigen.values.iter().map(|w| C64::cis(-w * t)).collect::<ndarray::Array1<_>>());
    eigen.vectors.dot(&phases).dot(&dagger(&eigen.vectors))
}

fn hermitian(dim: usize, size: f64, rng: &mut ChaCha8Rng) -> Matrix {
    let a = Matrix::from_shape_fn((dim, dim), |_| {
        C64::new(rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0)) * size
    });
    &a + &dagger(&a)
}

fn values(steps: usize, controls: usize, rng: &mut ChaCha8Rng) -> Array2<f64> {
    Array2::from_shape_fn((steps, controls), |_| rng.random_range(-1.0..1.0))
}

fn product(drift: &Matrix, controls: &[Matrix], pulse: &Piecewise) -> Matrix {
    let mut u = identity(drift.nrows());
    for step in pulse.values().rows() {
        let mut h = drift.clone();
        for (control, value) in controls.iter().zip(step) {
            h = h + control * C64::from(*value);
        }
        u = exponential(&h, pulse.dt()).dot(&u);
    }
    u
}

fn lowering() -> Matrix {
    let (zero, one, root) = (C64::ZERO, C64::ONE, C64::from(2.0_f64.sqrt()));
    array![[zero, one, zero], [zero, zero, root], [zero, zero, zero]]
}

/// P1 and P4 of the published benchmarks: a DRAG pulse on three levels.
fn transmon() -> (Matrix, Vec<Matrix>, Piecewise) {
    let (dt, count, sigma, alpha) = (2.0 / 9.0, 160, 40.0, -std::f64::consts::TAU * 0.33);
    let a = lowering();
    let n = dagger(&a).dot(&a);
    let drift = n.dot(&(&n - &identity(3))) * C64::from(alpha / 2.0);
    let controls = vec![(&a + &dagger(&a)) * C64::from(0.5), (dagger(&a) - &a) * (I * 0.5)];
    let half = f64::from(count) / 2.0;
    let gauss = |t: f64| (-0.5 * (t / sigma).powi(2)).exp();
    let mut g: Vec<f64> = (0..count).map(|k| gauss(f64::from(k) + 0.5 - half) - gauss(half)).collect();
    let area: f64 = g.iter().sum::<f64>() * dt;
    for g in &mut g {
        *g *= std::f64::consts::PI / area;
    }
    let last = g.len() - 1;
    let slope = |k: usize| {
        let (low, high) = (k.saturating_sub(1), (k + 1).min(last));
        (g[high] - g[low]) / ((high - low) as f64 * dt)
    };
    let values = Array2::from_shape_fn((g.len(), 2), |(k, c)| if c == 0 { g[k] } else { -slope(k) / alpha });
    (drift, controls, Piecewise::new(dt, values).unwrap())
}

/// P2 and P3: a cross-resonance pulse on two coupled transmons, and its collapse operators.
fn pair(count: usize) -> (Matrix, Vec<Matrix>, Piecewise, Vec<Matrix>) {
    let tau = std::f64::consts::TAU;
    let (dt, alpha) = (2.0 / 9.0, -tau * 0.33);
    let (high, low) = (kron(&lowering(), &identity(3)), kron(&identity(3), &lowering()));
    let (n, m) = (dagger(&high).dot(&high), dagger(&low).dot(&low));
    let anharmonic = |n: &Matrix| n.dot(&(n - &identity(9))) * C64::from(alpha / 2.0);
    let exchange = dagger(&high).dot(&low) + high.dot(&dagger(&low));
    let drift =
        &n * C64::from(tau * 0.1) + anharmonic(&n) + anharmonic(&m) + exchange * C64::from(tau * 0.0025);
    let controls = vec![(&high + &dagger(&high)) * C64::from(0.5)];
    let values = Array2::from_shape_fn((count, 1), |(k, _)| {
        let edge = (k as f64 + 0.5).min(count as f64 - k as f64 - 0.5);
        let envelope = if edge < 100.0 { (-0.5 * ((edge - 100.0) / 40.0).powi(2)).exp() } else { 1.0 };
        tau * 0.05 * envelope
    });
    let (decay, dephasing) = (1.0 / 100e3, 1.0 / 80e3 - 0.5 / 100e3);
    let (decay, dephasing) = (C64::from(f64::sqrt(decay)), C64::from(f64::sqrt(2.0 * dephasing)));
    let collapse = vec![&high * decay, &low * decay, n * dephasing, m * dephasing];
    (drift, controls, Piecewise::new(dt, values).unwrap(), collapse)
}

/// The generator of a density matrix's evolution as a dense matrix on its stacked columns.
fn superoperator(h: &Matrix, collapse: &[Matrix]) -> Matrix {
    let one = identity(h.nrows());
    let transposed = |a: &Matrix| a.t().to_owned();
    let mut generator = (kron(&one, h) - kron(&transposed(h), &one)) * -I;
    for l in collapse {
        let decay = dagger(l).dot(l);
        generator = generator + kron(&l.mapv(|z| z.conj()), l)
            - (kron(&one, &decay) + kron(&transposed(&decay), &one)) * C64::from(0.5);
    }
    generator
}

fn superoperator_steps(
    drift: &Matrix,
    controls: &[Matrix],
    pulse: &Piecewise,
    l: &[Matrix],
    rho: &Matrix,
) -> Matrix {
    let dim = rho.nrows();
    let mut v: ndarray::Array1<C64> = (0..dim * dim).map(|k| rho[[k % dim, k / dim]]).collect();
    for step in pulse.values().rows() {
        let mut h = drift.clone();
        for (control, value) in controls.iter().zip(step) {
            h = h + control * C64::from(*value);
        }
        let generator = superoperator(&h, l) * C64::from(pulse.dt());
        let mut term = v.clone();
        for n in 1..60 {
            term = generator.dot(&term) / C64::from(f64::from(n));
            v += &term;
        }
    }
    Matrix::from_shape_fn((dim, dim), |(row, column)| v[column * dim + row])
}

#[test]
fn propagators_are_products_of_exponentials() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for (dim, size) in [(1, 1.0), (2, 0.1), (3, 0.5), (4, 3.0), (5, 0.2), (9, 0.05), (16, 0.3), (27, 0.1)] {
        let drift = hermitian(dim, size, &mut rng) + identity(dim) * C64::from(2.0);
        let controls: Vec<Matrix> = (0..2).map(|_| hermitian(dim, size, &mut rng)).collect();
        let pulse = Piecewise::new(0.7, values(12, 2, &mut rng)).unwrap();
        let expected = product(&drift, &controls, &pulse);
        for level in Level::all() {
            let mut solver =
                Solver::new(System::new(&drift, &controls).unwrap()).with_tolerance(1e-12).unwrap();
            solver.level = *level;
            let end = solver.states(&pulse, &identity(dim)).unwrap();
            assert!(frobenius(&(&end.states - &expected)) < 1e-12 * dim as f64, "{dim} {level:?}");
            assert!(end.error <= 1e-12 && is_unitary(&end.states, 1e-12));
        }
    }
}

#[test]
fn errors_stay_below_the_tolerance() {
    let (drift, controls, pulse) = transmon();
    let expected = product(&drift, &controls, &pulse);
    let system = System::new(&drift, &controls).unwrap();
    for tolerance in [1e-3, 1e-6, 1e-8, 1e-10, 1e-12] {
        let solver = Solver::new(system.clone()).with_tolerance(tolerance).unwrap();
        let end = solver.states(&pulse, &identity(3)).unwrap();
        for column in 0..3 {
            let off: f64 =
                (0..3).map(|row| (end.states[[row, column]] - expected[[row, column]]).norm_sqr()).sum();
            assert!(off.sqrt() <= end.error && end.error <= tolerance, "{tolerance:e}: {:e}", off.sqrt());
        }
    }
    let solver = Solver::new(system).with_tolerance(1e-15).unwrap();
    let error = solver.states(&pulse, &identity(3)).unwrap_err();
    assert!(matches!(error, Error::Tolerance { wanted: 1e-15, steps: 160, .. }), "{error}");
}

#[test]
fn density_matrices_follow_the_dense_superoperator() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (drift, controls, pulse, mut collapse) = pair(30);
    for l in &mut collapse {
        *l *= C64::from(10.0);
    }
    let rho = crate::linalg::random_density(9, 3, &mut rng);
    let solver = Solver::new(System::new(&drift, &controls).unwrap().with_collapse(&collapse).unwrap())
        .with_tolerance(1e-12)
        .unwrap();
    let end = solver.density(&pulse, &rho).unwrap();
    let expected = superoperator_steps(&drift, &controls, &pulse, &collapse, &rho);
    assert!(frobenius(&(&end.rho - &expected)) < 1e-12);
    assert!((trace(&end.rho) - 1.0).norm() < 1e-12);

    // Dense, complex operators
    for dim in [2, 3, 4] {
        let (drift, control) = (hermitian(dim, 0.5, &mut rng), hermitian(dim, 0.5, &mut rng));
        let collapse: Vec<Matrix> = (0..2).map(|_| haar_unitary(dim, &mut rng) * C64::from(0.4)).collect();
        let controls = [control];
        let pulse = Piecewise::new(0.3, values(7, 1, &mut rng)).unwrap();
        let rho = crate::linalg::random_density(dim, dim, &mut rng);
        for level in Level::all() {
            let system = System::new(&drift, &controls).unwrap().with_collapse(&collapse).unwrap();
            let mut solver = Solver::new(system).with_tolerance(1e-12).unwrap();
            solver.level = *level;
            let end = solver.density(&pulse, &rho).unwrap();
            let expected = superoperator_steps(&drift, &controls, &pulse, &collapse, &rho);
            assert!(frobenius(&(&end.rho - &expected)) < 1e-12, "{dim} {level:?}");
        }
    }
}

#[test]
fn without_an_environment_density_matrices_are_those_of_states() {
    let (drift, controls, pulse, _) = pair(50);
    let psi = haar_state(9, &mut ChaCha8Rng::seed_from_u64(1));
    let solver = Solver::new(System::new(&drift, &controls).unwrap());
    let column = Matrix::from_shape_fn((9, 1), |(row, _)| psi[row]);
    let end = solver.states(&pulse, &column).unwrap().states.column(0).to_vec();
    let rho = solver.density(&pulse, &outer(&psi, &psi)).unwrap().rho;
    assert!(frobenius(&(rho - outer(&end, &end))) < 2e-9);
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for dim in [2, 3, 9] {
        let drift = hermitian(dim, 0.3, &mut rng);
        let controls: Vec<Matrix> = (0..3).map(|_| hermitian(dim, 0.2, &mut rng)).collect();
        let solver = Solver::new(System::new(&drift, &controls).unwrap()).with_tolerance(1e-12).unwrap();
        // The third step is cut into parts.
        let mut start = values(6, 3, &mut rng);
        start.row_mut(2).mapv_inplace(|x| 6.0 * x);
        let one = Matrix::from_shape_fn((dim, 1), |(row, _)| if row == 0 { C64::ONE } else { C64::ZERO });
        let two = Matrix::from_shape_fn((dim, 2), |(row, c)| if row == c { C64::ONE } else { C64::ZERO });
        let gate = haar_unitary(dim, &mut rng).slice(ndarray::s![.., ..2]).to_owned();
        let objectives = [
            (&one, Objective::State(haar_state(dim, &mut rng))),
            (&one, Objective::Expectation(hermitian(dim, 1.0, &mut rng))),
            (&two, Objective::Expectation(hermitian(dim, 1.0, &mut rng))),
            (&two, Objective::Gate(gate)),
        ];
        for (states, objective) in &objectives {
            let value = |values: &Array2<f64>| {
                let pulse = Piecewise::new(0.8, values.clone()).unwrap();
                solver.gradient(&pulse, states, objective).unwrap()
            };
            let found = value(&start);
            for ((step, k), derivative) in found.gradient.indexed_iter() {
                let at = |h: f64| {
                    let mut moved = start.clone();
                    moved[[step, k]] += h;
                    value(&moved).value
                };
                // Fourth order
                let h = 1e-3;
                let expected = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                assert!((derivative - expected).abs() < 1e-9, "{dim} {step} {k}: {derivative} {expected}");
            }
        }
    }
}

#[test]
fn the_gradient_of_a_drag_pulse_is_the_published_one() {
    let (drift, controls, pulse) = transmon();
    let solver = Solver::new(System::new(&drift, &controls).unwrap()).with_tolerance(1e-8).unwrap();
    let ground = array![[C64::ONE], [C64::ZERO], [C64::ZERO]];
    let target = vec![C64::ZERO, C64::ONE, C64::ZERO];
    let found = solver.gradient(&pulse, &ground, &Objective::State(target)).unwrap();
    let norm = found.gradient.iter().map(|x| x * x).sum::<f64>().sqrt();
    // As two automatic differentiations of other packages agree
    assert!((found.value - 0.998_815).abs() < 1e-6, "{}", found.value);
    assert!((norm - 0.080_862).abs() < 1e-6, "{norm}");
}

#[test]
fn smooth_controls_converge_to_fourth_order_and_say_how_far_they_are() {
    // A resonant drive in the frame of the laboratory, where it turns: the rotating frame knows the answer.
    let (z, x) = (
        array![[C64::ONE, C64::ZERO], [C64::ZERO, -C64::ONE]],
        array![[C64::ZERO, C64::ONE], [C64::ONE, C64::ZERO]],
    );
    let y = array![[C64::ZERO, -I], [I, C64::ZERO]];
    let (frequency, rate, detuning, duration) = (3.0, 0.4, 0.25, 5.0);
    let drift = &z * C64::from(0.5 * (frequency + detuning));
    let system = System::new(&drift, &[&x * C64::from(0.5), &y * C64::from(0.5)]).unwrap();
    let rotating = &z * C64::from(0.5 * detuning) + &x * C64::from(0.5 * rate);
    let frame = exponential(&(&z * C64::from(0.5 * frequency)), duration);
    let expected = frame.dot(&exponential(&rotating, duration));
    let drive = |t: f64, values: &mut [f64]| {
        values[0] = rate * (frequency * t).cos();
        values[1] = rate * (frequency * t).sin();
    };
    for tolerance in [1e-4, 1e-8, 1e-10] {
        let solver = Solver::new(system.clone()).with_tolerance(tolerance).unwrap();
        let end = solver.states_of(duration, drive, &identity(2)).unwrap();
        let off = frobenius(&(&end.states - &expected));
        assert!(off <= 1.5 * end.error && end.error <= tolerance, "{tolerance:e}: {off:e} {:e}", end.error);
    }
    let psi = [C64::ONE, C64::ZERO];
    let solver = Solver::new(system.clone()).with_tolerance(1e-8).unwrap();
    let rho = solver.density_of(duration, drive, &outer(&psi, &psi)).unwrap().rho;
    let end = expected.column(0).to_vec();
    assert!(frobenius(&(rho - outer(&end, &end))) < 1e-8);

    let jump = |t: f64, values: &mut [f64]| values[0] = if t > 1.234_567 { 1.0 } else { 0.0 };
    let solver = Solver::new(system).with_tolerance(1e-11).unwrap();
    let error = solver.states_of(duration, jump, &identity(2)).unwrap_err();
    assert!(matches!(error, Error::Tolerance { .. }), "{error}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = array![[C64::ZERO, C64::ONE], [C64::ONE, C64::ZERO]];
    let system = System::new(&x, std::slice::from_ref(&x)).unwrap();
    let solver = Solver::new(system.clone());
    assert!(matches!(Piecewise::new(0.0, Array2::zeros((1, 1))), Err(Error::OutOfRange { .. })));
    let nan = Array2::from_elem((3, 2), f64::NAN);
    assert!(matches!(Piecewise::new(1.0, nan), Err(Error::NotFinite { index: 0, .. })));
    let two = Piecewise::new(1.0, Array2::zeros((3, 2))).unwrap();
    assert!(matches!(solver.states(&two, &identity(2)), Err(Error::Dimension { found: 2, expected: 1, .. })));
    let one = Piecewise::new(1.0, Array2::zeros((3, 1))).unwrap();
    assert!(matches!(solver.states(&one, &identity(3)), Err(Error::Dimension { found: 3, expected: 2, .. })));
    assert!(matches!(solver.density(&one, &(&x * I)), Err(Error::NotHermitian { .. })));
    let huge = Piecewise::new(1.0, Array2::from_elem((1, 1), 1e9)).unwrap();
    assert!(matches!(solver.states(&huge, &identity(2)), Err(Error::OutOfRange { .. })));
    let target = Objective::State(vec![C64::ONE; 3]);
    let first = identity(2).slice(ndarray::s![.., ..1]).to_owned();
    assert!(matches!(solver.gradient(&one, &first, &target), Err(Error::Dimension { found: 3, .. })));
    assert!(matches!(System::new(&(&x * I), &[]), Err(Error::NotHermitian { .. })));
    assert!(matches!(System::new(&Matrix::zeros((0, 0)), &[]), Err(Error::OutOfRange { .. })));
    assert!(matches!(System::new(&x, &[identity(3)]), Err(Error::Dimension { .. })));
    assert!(matches!(system.with_collapse(&[identity(3)]), Err(Error::Dimension { .. })));
    let solver = solver.with_tolerance(0.0);
    assert!(matches!(solver, Err(Error::OutOfRange { .. })));
}
