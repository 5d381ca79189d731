//! Every row of the table against independent dense algebra.

use super::*;
use crate::C64;

/// Generic angles: what holds for them holds for all.
fn angles(row: &Row, shift: f64) -> Vec<f64> {
    (0..row.angles.len()).map(|k| 0.4137 + 1.091 * k as f64 + shift).collect()
}

fn constants(values: &[f64]) -> Vec<Angle> {
    values.iter().map(|value| Angle::radians(*value)).collect()
}

fn close(a: &Matrix, b: &Matrix, tolerance: f64) -> bool {
    a.dim() == b.dim() && a.iter().zip(b).all(|(x, y)| (x - y).norm() < tolerance)
}

/// The dense unitary of calls on `width` qubits, by definition: each column is a basis state sent through every gate.
pub(crate) fn dense(calls: &[Call], width: usize, parameters: &[f64]) -> Matrix {
    let mut total = Matrix::eye(1 << width);
    for call in calls {
        let (matrix, targets) = (call.matrix(parameters), call.target_qubits());
        let controls: Vec<_> = call.control_qubits().collect();
        let spread = |index: usize| {
            targets.iter().enumerate().fold(0, |sum, (k, qubit)| sum | (index >> k & 1) << qubit)
        };
        let mask = spread(usize::MAX);
        let mut gate = Matrix::zeros((1 << width, 1 << width));
        for column in 0..1_usize << width {
            if controls.iter().any(|control| column >> control & 1 == 0) {
                gate[(column, column)] = C64::from(1.0);
                continue;
            }
            let inner =
                targets.iter().enumerate().fold(0, |sum, (k, qubit)| sum | (column >> qubit & 1) << k);
            for row in 0..matrix.nrows() {
                gate[(column & !mask | spread(row), column)] += matrix[(row, inner)];
            }
        }
        total = gate.dot(&total);
    }
    total
}

#[test]
fn rows_are_complete_and_named_once() {
    let mut names: Vec<_> =
        table().iter().flat_map(|row| std::iter::once(&row.name).chain(row.aliases)).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "a name stands twice");
    for row in table() {
        assert!(!row.doc.trim().is_empty(), "{} has no description", row.name);
        assert_eq!(row.exponents.len(), row.angles.len(), "{}", row.name);
        assert!(row.base.is_empty() || Gate::named(row.base).is_some(), "{}", row.name);
        let steps = (row.decomposition)(&constants(&angles(row, 0.0)));
        for step in steps.iter().chain([&(row.inverse)(&constants(&angles(row, 0.0)))]) {
            let Some(Gate::Standard(used)) = Gate::named(step.gate) else {
                panic!("{} names {}", row.name, step.gate)
            };
            assert_eq!(
                (used.angles.len(), used.operands.len()),
                (step.angles.len(), step.operands.len()),
                "{}",
                row.name
            );
        }
    }
}

#[test]
fn every_row_is_unitary() {
    for row in table() {
        let matrix = Gate::Standard(row).full_matrix(&angles(row, 0.0));
        assert_eq!(matrix.nrows(), 1 << row.operands.len(), "{}", row.name);
        let product = matrix.dot(&matrix.t().mapv(|a| a.conj()));
        assert!(close(&product, &Matrix::eye(matrix.nrows()), 1e-14), "{}", row.name);
    }
}

/// Beside an angle of 1e171 any other is lost in a sum.
#[test]
fn rows_stay_unitary_where_one_angle_is_huge() {
    let dagger = |matrix: &Matrix| matrix.t().mapv(|a| a.conj());
    for row in table() {
        for k in 0..row.angles.len() {
            let mut values = angles(row, 0.0);
            values[k] = 1e171;
            let matrix = (row.matrix)(&values);
            let product = dagger(&matrix).dot(&matrix);
            assert!(close(&product, &Matrix::eye(matrix.nrows()), 1e-14), "{} at angle {k}", row.name);
            for by in 0..row.angles.len() {
                // the derivative of `U^+ U = 1`, which no shifted angle keeps
                let half = dagger(&matrix).dot(&(row.slope)(&values, by));
                assert!(close(&half, &-dagger(&half), 1e-14), "{} at angle {k} by {by}", row.name);
            }
        }
    }
}

#[test]
fn every_base_is_the_same_matrix_without_controls() {
    for row in table().iter().filter(|row| !row.base.is_empty()) {
        let base = Gate::named(row.base).unwrap();
        assert_eq!((base.controls(), base.angles()), (0, row.angles.len()), "{}", row.name);
        assert!(
            close(&base.matrix(&angles(row, 0.0)), &(row.matrix)(&angles(row, 0.0)), 1e-15),
            "{}",
            row.name
        );
    }
}

#[test]
fn every_inverse_undoes_its_row() {
    for row in table() {
        let width = row.operands.len();
        let call =
            Call::new(Gate::Standard(row), constants(&angles(row, 0.0)), (0..width).collect::<Vec<_>>());
        let product = dense(&[call.clone(), call.inverse()], width, &[]);
        assert!(close(&product, &Matrix::eye(1 << width), 1e-14), "{}", row.name);
    }
}

#[test]
fn every_derivative_agrees_with_finite_differences() {
    const STEP: f64 = 1e-5;
    for row in table() {
        for k in 0..row.angles.len() {
            let at = |shift: f64| {
                let mut values = angles(row, 0.0);
                values[k] += shift;
                (row.matrix)(&values)
            };
            let numeric = (at(STEP) - at(-STEP)) / C64::from(2.0 * STEP);
            assert!(close(&(row.slope)(&angles(row, 0.0), k), &numeric, 1e-9), "{} by angle {k}", row.name);
        }
    }
}

/// The entries as functions of one angle hold only the frequencies of the row: a Fourier fit through them predicts
/// the gate elsewhere.
#[test]
fn every_exponent_set_is_complete() {
    for row in table() {
        for (k, exponents) in row.exponents.iter().enumerate() {
            let gate = Gate::Standard(row);
            let at = |value: f64| {
                let mut values = angles(row, 0.0);
                values[k] = value;
                gate.full_matrix(&values)
            };
            // the product over (exp(i f s) shift - 1) annihilates each frequency f
            let s = 0.731;
            let mut filter = vec![C64::from(1.0)];
            for f in *exponents {
                let mut next = vec![C64::from(0.0); filter.len() + 1];
                for (j, c) in filter.iter().enumerate() {
                    next[j + 1] += c;
                    next[j] -= c * C64::from_polar(1.0, f * s);
                }
                filter = next;
            }
            let sum = filter
                .iter()
                .enumerate()
                .fold(Matrix::zeros(gate.full_matrix(&angles(row, 0.0)).dim()), |sum, (j, c)| {
                    sum + at(0.2 + s * j as f64) * *c
                });
            assert!(sum.iter().all(|a| a.norm() < 1e-12), "{} angle {k}", row.name);
        }
    }
}

#[test]
fn every_decomposition_is_exact_and_native() {
    for row in table() {
        let width = row.operands.len();
        let call =
            Call::new(Gate::Standard(row), constants(&angles(row, 0.0)), (0..width).collect::<Vec<_>>());
        let lowered = call.lower();
        let native = ["rz", "sx", "x", "cx", "gphase"];
        assert!(lowered.iter().all(|c| native.contains(&c.name().as_str())), "{}: {lowered:?}", row.name);
        assert!(close(&dense(&lowered, width, &[]), &dense(&[call], width, &[]), 1e-13), "{}", row.name);
    }
}

#[test]
fn controls_of_every_row_are_exact_also_when_lowered() {
    for row in table() {
        for extra in 1..=2 {
            let width = row.operands.len();
            let call =
                Call::new(Gate::Standard(row), constants(&angles(row, 0.0)), (0..width).collect::<Vec<_>>());
            let plain = dense(std::slice::from_ref(&call), width, &[]);
            let controls: Vec<_> = (width..width + extra).collect();
            let controlled = call.controlled(&controls);
            let wide = dense(std::slice::from_ref(&controlled), width + extra, &[]);
            let last = (1 << extra) - 1;
            let expected = Matrix::from_shape_fn(wide.dim(), |(r, c)| {
                let (outer, low) = (c >> width, (1 << width) - 1);
                match (r >> width == outer, outer == last) {
                    (true, true) => plain[(r & low, c & low)],
                    (true, false) => C64::from(f64::from(r == c)),
                    _ => C64::from(0.0),
                }
            });
            assert!(close(&wide, &expected, 1e-14), "{extra} controls on {}", row.name);
            assert!(
                close(&dense(&controlled.lower(), width + extra, &[]), &expected, 1e-12),
                "{extra} on {}",
                row.name
            );
        }
    }
}

#[test]
fn named_controls_are_found() {
    let x = Call::new(Gate::named("x").unwrap(), [], [3]);
    assert_eq!(x.clone().controlled(&[1]).name(), "cx");
    assert_eq!(x.clone().controlled(&[1, 2]).name(), "ccx");
    assert_eq!(x.controlled(&[1, 2, 0]).name(), "cccx");
    let phase = Call::new(Gate::named("gphase").unwrap(), [Angle::radians(0.3)], []);
    assert_eq!(phase.controlled(&[1, 2]).name(), "cp");
}

#[test]
fn matrices_of_the_user_are_checked_and_lowered() {
    // a unitary with no structure: the product of entangling rows
    let named = |name: &str, angles: &[f64], qubits: &[usize]| {
        Call::new(Gate::named(name).unwrap(), constants(angles), qubits)
    };
    let mix: Vec<_> = (0..3_usize)
        .flat_map(|k| {
            let a = 0.3 + k as f64;
            [
                named("u", &[a, 1.1 * a, 0.7], &[k]),
                named("rxx", &[a], &[k, (k + 1) % 3]),
                named("xx_plus_yy", &[a, 0.2], &[(k + 2) % 3, k]),
            ]
        })
        .collect();
    let matrix = dense(&mix, 3, &[]);
    let gate = Gate::Unitary(UnitaryGate::new("mine", matrix.clone()).unwrap().into());
    let call = Call::new(gate, [], [0, 1, 2]);
    assert!(close(&dense(&call.lower(), 3, &[]), &matrix, 1e-12));
    let back = dense(&call.inverse().lower(), 3, &[]).dot(&matrix);
    assert!(close(&back, &Matrix::eye(8), 1e-12));

    // permutations have many zeros, the phase of each kind counts
    for name in ["swap", "cx", "iswap", "ecr", "ch"] {
        let matrix = Gate::named(name).unwrap().full_matrix(&[]);
        let call =
            Call::new(Gate::Unitary(UnitaryGate::new(name, matrix.clone()).unwrap().into()), [], [0, 1]);
        assert!(close(&dense(&call.lower(), 2, &[]), &matrix, 1e-12), "{name}");
    }
    for row in table().iter().filter(|row| row.operands.len() == 1) {
        let matrix = (row.matrix)(&angles(row, 0.0));
        let call =
            Call::new(Gate::Unitary(UnitaryGate::new(row.name, matrix.clone()).unwrap().into()), [], [0]);
        assert!(close(&dense(&call.lower(), 1, &[]), &matrix, 1e-12), "{}", row.name);
    }

    let half = Matrix::eye(2) * C64::from(0.5);
    assert!(matches!(UnitaryGate::new("half", half), Err(crate::Error::UnitaryGate { .. })));
    let nan = Matrix::eye(2) * C64::from(f64::NAN);
    assert!(matches!(UnitaryGate::new("nan", nan), Err(crate::Error::NotFinite { .. })));
    assert!(matches!(UnitaryGate::new("odd", Matrix::eye(3)), Err(crate::Error::MatrixShape { .. })));
}
