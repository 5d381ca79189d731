//! Small dense unitaries: to recognise definitions, and for fractional powers.

use std::f64::consts::{PI, TAU};

use crate::gate::Call;
use crate::linalg::Eigen;
use crate::{C64, Matrix};

/// The matrix of constant calls on `width` qubits.
pub(super) fn dense<'c>(calls: impl IntoIterator<Item = &'c Call>, width: usize) -> Matrix {
    let mut total = Matrix::eye(1 << width);
    for call in calls {
        let (matrix, targets) = (call.matrix(&[]), call.target_qubits());
        let controls = call.control_qubits().fold(0_usize, |mask, qubit| mask | 1 << qubit);
        let spread =
            |inner: usize| targets.iter().enumerate().fold(0, |sum, (k, q)| sum | (inner >> k & 1) << q);
        let all = spread(usize::MAX);
        for base in (0..1_usize << width).filter(|base| base & all == 0 && base & controls == controls) {
            let before: Vec<_> =
                (0..matrix.nrows()).map(|k| total.row(base | spread(k)).to_owned()).collect();
            for r in 0..matrix.nrows() {
                let mut row = total.row_mut(base | spread(r));
                row.fill(C64::from(0.0));
                for (c, old) in before.iter().enumerate() {
                    row.scaled_add(matrix[(r, c)], old);
                }
            }
        }
    }
    total
}

/// Whether two matrices agree, up to a phase where `phase` says so.
pub(super) fn close(a: &Matrix, b: &Matrix, phase: bool) -> bool {
    let mut factor = C64::from(1.0);
    if phase {
        let overlap: C64 = a.iter().zip(b).map(|(a, b)| a * b.conj()).sum();
        if overlap.norm() > 1e-6 {
            factor = overlap / overlap.norm();
        }
    }
    a.dim() == b.dim() && a.iter().zip(b).all(|(a, b)| (a - b * factor).norm() < 1e-10)
}

/// An angle between -pi (exclusive) and pi, where -pi counts as pi.
pub(super) fn principal(angle: f64) -> f64 {
    let angle = angle.rem_euclid(TAU);
    if angle > PI + 1e-12 { angle - TAU } else { angle }
}

/// The principal power of a unitary matrix, `exp(exponent log U)`.
pub(super) fn power(unitary: &Matrix, exponent: f64) -> Option<Matrix> {
    let adjoint = unitary.t().mapv(|a| a.conj());
    let real = (unitary + &adjoint) * C64::from(0.5);
    let imaginary = (unitary - &adjoint) * C64::new(0.0, -0.5);
    // both parts have the eigenvectors of the matrix; some mixture of them tells all its eigenvalues apart
    [0.618_033_988_7, 1.303_577_269, -0.282_095_067_5].into_iter().find_map(|mixture| {
        let eigen = Eigen::new(&(&real + &imaginary * C64::from(mixture))).ok()?;
        let images = unitary.dot(&eigen.vectors);
        let mut result = Matrix::zeros(unitary.dim());
        for (vector, image) in eigen.vectors.columns().into_iter().zip(images.columns()) {
            let value: C64 = vector.iter().zip(image).map(|(v, w)| v.conj() * w).sum();
            if vector.iter().zip(image).any(|(v, w)| (v * value - w).norm() > 1e-9) {
                return None;
            }
            let root = C64::from_polar(1.0, principal(value.arg()) * exponent);
            for ((r, c), entry) in result.indexed_iter_mut() {
                *entry += root * vector[r] * vector[c].conj();
            }
        }
        Some(result)
    })
}
