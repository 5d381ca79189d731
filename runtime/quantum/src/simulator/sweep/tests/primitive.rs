//! Primitives against dense algebra.

use crate::gate::{Call, dense};
use crate::simulator::sweep::primitive::{Primitive, Primitives};
use crate::simulator::tests::random;
use crate::{Angle, C64, Circuit, Instruction, Matrix};

fn calls(circuit: &Circuit) -> Vec<Call> {
    let gate = |step: &Instruction| match step {
        Instruction::Gate(call) => call.clone(),
        _ => panic!("a unitary circuit"),
    };
    circuit.instructions().iter().map(gate).collect()
}

/// The matrix of one primitive, entry by entry from its definition.
fn matrix(primitive: &Primitive, width: usize, values: &[f64]) -> Matrix {
    let d = 1 << width;
    match primitive {
        Primitive::Phase { mask, angle, .. } => Matrix::from_shape_fn((d, d), |(row, column)| {
            let sign = if (row as u64 & mask).count_ones().is_multiple_of(2) { -0.5 } else { 0.5 };
            if row == column { C64::from_polar(1.0, sign * angle.value(values)) } else { C64::ZERO }
        }),
        Primitive::Rotate { qubit, angle, .. } => {
            let (s, c) = (angle.value(values) / 2.0).sin_cos();
            Matrix::from_shape_fn((d, d), |(row, column)| {
                C64::from(match (row ^ column, row >> qubit & 1) {
                    (0, _) => c,
                    (x, 0) if x == 1 << qubit => -s,
                    (x, _) if x == 1 << qubit => s,
                    _ => 0.0,
                })
            })
        }
        Primitive::Flip { qubit, controls } => Matrix::from_shape_fn((d, d), |(row, column)| {
            let on = column as u64 & controls == *controls;
            C64::from(f64::from(u8::from(row == if on { column ^ 1 << qubit } else { column })))
        }),
        Primitive::Dense { matrix, targets, controls } => {
            let inner =
                |j: usize| -> usize { targets.iter().enumerate().map(|(k, t)| (j >> t & 1) << k).sum() };
            let others = |j: usize| targets.iter().fold(j, |j, t| j & !(1 << t));
            Matrix::from_shape_fn((d, d), |(row, column)| {
                if column as u64 & controls != *controls {
                    C64::from(f64::from(u8::from(row == column)))
                } else if others(row) == others(column) {
                    matrix[(inner(row), inner(column))]
                } else {
                    C64::ZERO
                }
            })
        }
    }
}

fn product(primitives: &Primitives, width: usize, values: &[f64]) -> Matrix {
    let phase: f64 = primitives.phase.iter().map(|angle| angle.value(values)).sum();
    let start = Matrix::eye(1 << width) * C64::from_polar(1.0, phase);
    primitives.list.iter().fold(start, |product, step| matrix(step, width, values).dot(&product))
}

#[test]
fn primitives_multiply_to_the_circuit() {
    for seed in 0..24 {
        let width = 1 + seed as usize % 5;
        let circuit = random::unitary(width, 6, seed);
        let values = random::values(6, seed);
        let calls = calls(&circuit);
        let found = product(&Primitives::of(&calls), width, &values);
        let wanted = dense(&calls, width, &values);
        assert!(random::distance(&found, &wanted) < 1e-12, "seed {seed}");
    }
}

#[test]
fn each_row_alone_is_exact() {
    let mut rng = random::rng(3);
    for row in crate::gate::table() {
        for _ in 0..6 {
            let call = random::call(row, 5, 3, &mut rng);
            let values = random::values(3, 8);
            let found = product(&Primitives::of([&call]), 5, &values);
            let wanted = dense(std::slice::from_ref(&call), 5, &values);
            assert!(random::distance(&found, &wanted) < 1e-13, "{call:?}");
        }
    }
}

#[test]
fn phases_move_through_flips_and_add_up() {
    let named = |name: &str, angle: &[Angle], qubits: &[usize]| {
        Call::new(crate::gate::Gate::named(name).unwrap(), angle, qubits)
    };
    let a = Angle::parameter(0);
    let calls = [
        named("cx", &[], &[0, 1]),
        named("rz", &[a], &[1]),
        named("cx", &[], &[0, 1]),
        named("rzz", &[a * 0.5], &[0, 1]),
    ];
    let primitives = Primitives::of(&calls);
    assert_eq!(primitives.list, [Primitive::Phase { mask: 0b11, angle: a * 1.5, slope: None }]);
}
