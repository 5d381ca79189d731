//! Batches against runs one by one.

mod trajectories;

use ndarray::{Array2, Axis, s};
use rand::RngExt;

use super::angles::Angles;
use super::sincos;
use super::{BatchPlan, CHUNK};
use crate::circuit::Instruction;
use crate::gate::{self, Call, Gate};
use crate::gradient::adjoint;
use crate::simulator::sweep::vector::{Dispatch, Kernel, Lanes, Level};
use crate::simulator::{Simulator, StateVector, random};
use crate::{Angle, Channel, Circuit, Error, Observable};

fn observable(width: usize, terms: usize, seed: u64) -> Observable {
    let mut rng = random::rng(seed ^ 0x0b5);
    let mut product = || -> (String, f64) {
        let letters = (0..width).map(|_| ['I', 'X', 'Y', 'Z'][rng.random_range(0..4)]).collect();
        (letters, rng.random_range(-1.0..1.0))
    };
    Observable::from_paulis((0..terms).map(|_| product())).unwrap()
}

fn values(sets: usize, parameters: usize, seed: u64) -> Array2<f64> {
    let mut rng = random::rng(seed ^ 0x5e75);
    Array2::from_shape_fn((sets, parameters), |_| rng.random_range(-7.0..7.0))
}

/// Each set by a run of its own.
#[track_caller]
fn agree(circuit: &Circuit, observable: &Observable, values: &Array2<f64>, level: Level) {
    let plan = BatchPlan::new(circuit, level).unwrap();
    let expectations = plan.expectations(observable, values).unwrap();
    let batch = plan.gradients(observable, values).unwrap();
    assert_eq!((expectations.len(), batch.gradients.dim()), (values.nrows(), values.dim()));
    for (set, row) in values.rows().into_iter().enumerate() {
        let row = row.to_vec();
        let value = StateVector::new().expectation(circuit, observable, &row).unwrap();
        assert!((expectations[set] - value).abs() < 1e-12, "{} and {value}", expectations[set]);
        let wanted = adjoint(circuit, observable, &row).unwrap();
        assert!((batch.values[set] - wanted.value).abs() < 1e-12);
        for (found, wanted) in batch.gradients.row(set).iter().zip(&wanted.gradient) {
            assert!((found - wanted).abs() < 2e-12, "{found} and {wanted} on {}", level.name());
        }
    }
}

#[test]
fn batches_agree_with_single_runs() {
    for seed in 0..16 {
        let width = 1 + seed as usize % 7;
        let circuit = random::unitary(width, 5, seed);
        for level in Level::all() {
            agree(&circuit, &observable(width, 9, seed), &values(11, 5, seed), *level);
        }
    }
}

/// Each row alone, with and without controls, between gates that mix everything.
#[test]
fn every_row_agrees() {
    let (width, mut rng) = (5, random::rng(6));
    for row in gate::table() {
        let mut circuit = Circuit::new(width).unwrap();
        circuit.declare_parameters("theta", &[4]).unwrap();
        for layer in 0..3 {
            for qubit in 0..width {
                let angle = 0.3 + 0.2 * (qubit + layer) as f64;
                circuit.push(Call::new(Gate::named("ry").unwrap(), [angle.into()], [qubit]).into()).unwrap();
                circuit.push(Call::new(Gate::named("rz").unwrap(), [angle.into()], [qubit]).into()).unwrap();
                if qubit + 1 < width {
                    circuit
                        .push(Call::new(Gate::named("cx").unwrap(), [], [qubit, qubit + 1]).into())
                        .unwrap();
                }
            }
            circuit.push(random::call(row, width, 4, &mut rng).into()).unwrap();
        }
        agree(&circuit, &observable(width, 6, 1), &values(3, 4, 2), Level::best());
    }
}

#[test]
fn any_number_of_sets_and_any_layout() {
    let circuit = random::unitary(3, 4, 5);
    let h = observable(3, 4, 5);
    let plan = StateVector::new().batch(&circuit).unwrap();
    let all = values(3 * CHUNK + 3, 4, 1);
    let whole = plan.gradients(&h, &all).unwrap();
    for sets in [0, 1, 7, 8, 9, CHUNK, CHUNK + 1] {
        let part = all.slice(s![..sets, ..]);
        let found = plan.gradients(&h, part).unwrap();
        assert_eq!(found.values, whole.values.slice(s![..sets]));
        assert_eq!(found.gradients, whole.gradients.slice(s![..sets, ..]));
        // columns side by side, and every other row of a wider array
        let transposed = part.t().as_standard_layout().into_owned();
        assert_eq!(plan.gradients(&h, transposed.t()).unwrap(), found);
        assert_eq!(plan.expectations(&h, transposed.t()).unwrap(), plan.expectations(&h, part).unwrap());
    }
    let mut doubled = all.clone();
    doubled.append(Axis(0), all.view()).unwrap();
    let last = doubled.slice(s![all.nrows().., ..]);
    assert!((plan.expectations(&h, last).unwrap() - &whole.values).iter().all(|d| d.abs() < 1e-13));
}

#[test]
fn threads_do_not_matter() {
    let circuit = random::unitary(4, 4, 8);
    let (h, values) = (observable(4, 8, 8), values(500, 4, 8));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let plan = StateVector::new().batch(&circuit).unwrap();
            (plan.expectations(&h, &values).unwrap(), plan.gradients(&h, &values).unwrap())
        })
    };
    assert!(run(1) == run(2));
}

/// Circuits without parameters, without gates, without qubits, and too wide for lanes.
#[test]
fn unusual_circuits() {
    let empty = Circuit::new(0).unwrap();
    let constant = Observable::constant(2.5);
    let none = Array2::zeros((3, 0));
    assert_eq!(StateVector::new().batch(&empty).unwrap().expectations(&constant, &none).unwrap()[2], 2.5);
    let fixed = random::unitary(3, 0, 1);
    agree(&fixed, &observable(3, 5, 1), &none, Level::best());
    agree(&Circuit::new(2).unwrap(), &observable(2, 5, 1), &none, Level::best());
    for width in [9, 10, 11] {
        let mut circuit = Circuit::new(width).unwrap();
        let theta = Angle::parameter(circuit.declare_parameters("theta", &[2]).unwrap());
        for qubit in 0..width {
            circuit.push(Call::new(Gate::named("ry").unwrap(), [theta * 0.7], [qubit]).into()).unwrap();
            let other = (qubit + 1) % width;
            circuit.push(Call::new(Gate::named("cx").unwrap(), [], [qubit, other]).into()).unwrap();
            let angle = Angle::parameter(1) + 0.1 * qubit as f64;
            circuit.push(Call::new(Gate::named("rzz").unwrap(), [angle], [qubit, other]).into()).unwrap();
            circuit.push(Call::new(Gate::named("rx").unwrap(), [-theta], [qubit]).into()).unwrap();
        }
        circuit.push(Instruction::Measure { qubit: 0, bit: 0, confusion: None }).unwrap();
        agree(&circuit, &observable(width, 12, 3), &values(5, 2, 3), Level::best());
    }
}

#[test]
fn refusals_are_typed() {
    let circuit = random::unitary(2, 3, 1);
    let plan = StateVector::new().batch(&circuit).unwrap();
    let z = Observable::z(0);
    let error = plan.expectations(&z, &Array2::zeros((4, 2))).unwrap_err();
    assert_eq!(error, Error::ParameterCount { found: 2, expected: 3 });
    let mut bad = Array2::zeros((20, 3));
    bad[(17, 1)] = f64::NEG_INFINITY;
    let error = plan.gradients(&z, &bad).unwrap_err();
    assert_eq!(error, Error::ParameterValue { name: "theta[1]".into(), value: "-inf".into() });
    let error = plan.expectations(&Observable::z(2), &Array2::zeros((0, 3))).unwrap_err();
    assert!(matches!(error, Error::ObservableWidth { qubit: 2, width: 2 }));

    let mut noisy = Circuit::new(1).unwrap();
    let channel = Channel::amplitude_damping(0.1).unwrap().into();
    noisy.push(Instruction::Channel { channel, qubits: vec![0] }).unwrap();
    assert!(matches!(StateVector::new().batch(&noisy), Err(Error::NeedsMixedState { .. })));
    let mut reset = Circuit::new(1).unwrap();
    reset.push(Instruction::Reset { qubit: 0 }).unwrap();
    let error = StateVector::new().batch(&reset).unwrap_err();
    assert_eq!(error.to_string(), "`reset` is no unitary step, so it cannot stand inside `a batch`");
    assert!(matches!(StateVector::new().batch(&Circuit::new(31).unwrap()), Err(Error::TooManyQubits { .. })));
}

/// Angles beyond the range of the polynomials, and angles that overflow.
#[test]
fn large_angles() {
    let mut circuit = Circuit::new(1).unwrap();
    let theta = Angle::parameter(circuit.declare_parameters("theta", &[1]).unwrap());
    for _ in 0..2 {
        circuit.push(Call::new(Gate::named("ry").unwrap(), [theta], [0]).into()).unwrap();
    }
    let z = Observable::z(0);
    let plan = StateVector::new().batch(&circuit).unwrap();
    for size in [1e5, 3e6, 1e15] {
        let found = plan.gradients(&z, &Array2::from_elem((3, 1), size)).unwrap();
        let (sine, cosine) = (2.0_f64 * size).sin_cos();
        assert!((found.values[1] - cosine).abs() < 1e-15, "{size}");
        assert!((found.gradients[(2, 0)] + 2.0 * sine).abs() < 2e-15, "{size}");
    }
    circuit.push(Call::new(Gate::named("ry").unwrap(), [theta * 3.0], [0]).into()).unwrap();
    let plan = StateVector::new().batch(&circuit).unwrap();
    let error = plan.expectations(&z, &Array2::from_elem((1, 1), 1.5e308)).unwrap_err();
    assert!(matches!(error, Error::Angle { .. }), "{error}");
}

struct SinCos<'a>(&'a [f64], &'a mut [[f64; 2]]);

impl Kernel<f64> for SinCos<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = f64>>(self) {
        for (from, to) in self.0.chunks_exact(V::LANES).zip(self.1.chunks_exact_mut(V::LANES)) {
            let mut lanes = [[0.0; 8]; 2];
            // SAFETY: a chunk has all lanes, and no vector more than 8
            unsafe {
                let (sine, cosine) = sincos::sin_cos(V::load(from.as_ptr()));
                sine.store(lanes[0].as_mut_ptr());
                cosine.store(lanes[1].as_mut_ptr());
            }
            to.iter_mut().enumerate().for_each(|(lane, to)| *to = [lanes[0][lane], lanes[1][lane]]);
        }
    }
}

#[test]
fn sines_and_cosines_are_those_of_std() {
    let mut rng = random::rng(2);
    let quarter = |k: i32| f64::from(k) * std::f64::consts::FRAC_PI_2;
    let mut angles: Vec<f64> = (-20..20).map(quarter).collect();
    angles.extend((0..40_000).map(|_| rng.random_range(-10.0..10.0)));
    angles.extend((0..40_000).map(|_| rng.random_range(-sincos::LARGEST..sincos::LARGEST)));
    angles.extend([0.0, -0.0, 1e-300, 1e-9, -1e-9, sincos::LARGEST, -sincos::LARGEST, 1.0]);
    for level in Level::all() {
        let mut found = vec![[f64::NAN; 2]; angles.len()];
        // SAFETY: only levels that the processor has
        unsafe { f64::run(*level, SinCos(&angles, &mut found)) };
        for (angle, [sine, cosine]) in angles.iter().zip(&found) {
            let off = (sine - angle.sin()).abs().max((cosine - angle.cos()).abs());
            assert!(off < 3.5e-16, "{angle}: off by {off:e} on {}", level.name());
            if angle.abs() < 1.0 {
                assert!((sine - angle.sin()).abs() <= 4.0 * f64::EPSILON * angle.abs());
            }
        }
    }
}

#[test]
fn equal_angles_are_kept_once() {
    let mut angles = Angles::default();
    let a = Angle::parameter(0);
    let first = angles.turn(a * 0.5 - 0.1);
    let second = angles.turn(0.1 - a * 0.5);
    assert_eq!((first.angle, first.negative, second.negative), (second.angle, false, true));
    angles.turn(a * 0.5 + 0.1);
    angles.turn(Angle::radians(-0.25));
    angles.turn(Angle::radians(0.25));
    assert_eq!(angles.len(), 3);
    assert_eq!(angles.bound(2.0), 1.1);
}
