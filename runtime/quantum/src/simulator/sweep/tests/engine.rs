//! The engine against dense algebra and against the plain kernels.

use num_complex::Complex;

use crate::gate::{Call, Gate, dense};
use crate::simulator::precision::{Precision, widen};
use crate::simulator::sweep::engine::Engine;
use crate::simulator::sweep::vector::Level;
use crate::simulator::tests::random;
use crate::{C64, Circuit, Instruction};

pub(super) fn calls(circuit: &Circuit) -> Vec<Call> {
    let gate = |step: &Instruction| match step {
        Instruction::Gate(call) => call.clone(),
        _ => panic!("a unitary circuit"),
    };
    circuit.instructions().iter().map(gate).collect()
}

fn start<T: Precision>(width: usize) -> Vec<Complex<T>> {
    let scale = 1.0 / f64::from(1 << width).sqrt();
    let amplitude = |j: i32| C64::new((0.7 * f64::from(j)).sin(), (0.3 * f64::from(j)).cos()) * scale;
    (0..1 << width).map(|j| crate::simulator::precision::narrow(amplitude(j))).collect()
}

fn run<T: Precision>(calls: &[Call], width: usize, values: &[f64], level: Level) -> Vec<C64> {
    let engine = Engine::<T>::with_level(calls, width, level);
    let mut vector = start::<T>(width);
    engine.apply(engine.bind(values).unwrap().as_ref(), &mut vector);
    vector.into_iter().map(widen).collect()
}

/// Gates one by one, by the plain kernels.
pub(super) fn plain(calls: &[Call], width: usize, values: &[f64]) -> Vec<C64> {
    use crate::simulator::{form::Form, kernel::Layout};
    let mut vector = start::<f64>(width);
    for call in calls {
        Layout::new(call.target_qubits(), call.control_qubits())
            .apply(&Form::of(&call.matrix(values)), &mut vector);
    }
    vector
}

fn distance(a: &[C64], b: &[C64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max)
}

#[test]
fn small_circuits_equal_dense_algebra_on_every_level() {
    for seed in 0..14 {
        let width = 1 + seed as usize % 7;
        let circuit = random::unitary(width, 5, seed);
        let (calls, values) = (calls(&circuit), random::values(5, seed));
        let wanted = dense(&calls, width, &values).dot(&ndarray::Array1::from(start::<f64>(width)));
        for level in Level::all() {
            let found = run::<f64>(&calls, width, &values, *level);
            assert!(distance(&found, wanted.as_slice().unwrap()) < 1e-12, "seed {seed}, {}", level.name());
            let found = run::<f32>(&calls, width, &values, *level);
            assert!(distance(&found, wanted.as_slice().unwrap()) < 1e-5, "seed {seed}, {}", level.name());
        }
    }
}

#[test]
fn every_place_of_every_gate_is_right_on_every_level() {
    let mut rng = random::rng(5);
    let width = 17;
    for at in 0..width {
        // each gate with its first operand on this qubit
        let other = |k: usize| (at + k) % width;
        let named = |name: &str, operands: &[usize]| {
            let gate = Gate::named(name).unwrap();
            let angles: Vec<_> =
                (0..gate.angles()).map(|_| random::angle(0, &mut random::rng(at as u64))).collect();
            Call::new(gate, angles, operands)
        };
        let calls = [
            named("h", &[at]),
            named("u", &[at]),
            named("cx", &[at, other(1)]),
            named("ry", &[other(1)]),
            named("cx", &[other(7), at]),
            named("rx", &[other(3)]),
            named("ccx", &[at, other(5), other(9)]),
            named("rzz", &[at, other(4)]),
            named("h", &[other(4)]),
            named("cswap", &[other(2), at, other(11)]),
            named("cp", &[other(6), at]),
            named("ry", &[at]),
            random::call(
                Gate::named("crx")
                    .and_then(|g| match g {
                        Gate::Standard(r) => Some(r),
                        Gate::Unitary(_) => None,
                    })
                    .unwrap(),
                width,
                0,
                &mut rng,
            ),
        ];
        let wanted = plain(&calls, width, &[]);
        for level in Level::all() {
            let found = run::<f64>(&calls, width, &[], *level);
            assert!(distance(&found, &wanted) < 1e-13, "{at} {}", level.name());
            let found = run::<f32>(&calls, width, &[], *level);
            assert!(distance(&found, &wanted) < 1e-5, "{at} {}", level.name());
        }
    }
}

#[test]
fn wide_circuits_equal_the_plain_kernels() {
    for (seed, width) in [(1, 14), (2, 15), (3, 16), (4, 18), (5, 19)] {
        let circuit = random::unitary(width, 5, seed);
        let (calls, values) = (calls(&circuit), random::values(5, seed));
        let found = run::<f64>(&calls, width, &values, Level::best());
        let d = distance(&found, &plain(&calls, width, &values));
        assert!(d < 1e-12, "{width}: {d}");
        let found = run::<f32>(&calls, width, &values, Level::best());
        assert!(distance(&found, &plain(&calls, width, &values)) < 1e-5, "{width}");
    }
}
