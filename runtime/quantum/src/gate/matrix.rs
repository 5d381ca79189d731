//! Closed forms of the small matrices that the gate table names.

use std::f64::consts::FRAC_1_SQRT_2;

use crate::{C64, Matrix};

pub(super) const O: C64 = C64::new(0.0, 0.0);
pub(super) const I: C64 = C64::new(1.0, 0.0);
pub(super) const J: C64 = C64::new(0.0, 1.0);

/// A matrix from its rows.
pub(super) fn rows<const N: usize>(rows: [[C64; N]; N]) -> Matrix {
    Matrix::from_shape_fn((N, N), |(r, c)| rows[r][c])
}

/// A diagonal matrix.
pub(super) fn diagonal<const N: usize>(entries: [C64; N]) -> Matrix {
    Matrix::from_shape_fn((N, N), |(r, c)| if r == c { entries[r] } else { O })
}

/// The permutation that sends basis state `k` to `to[k]`.
pub(super) fn permutation<const N: usize>(to: [usize; N]) -> Matrix {
    Matrix::from_shape_fn((N, N), |(r, c)| if to[c] == r { I } else { O })
}

/// `exp(i angle)`.
pub(super) fn cis(angle: f64) -> C64 {
    C64::from_polar(1.0, angle)
}

pub(super) fn hadamard() -> Matrix {
    let h = C64::from(FRAC_1_SQRT_2);
    rows([[h, h], [h, -h]])
}

pub(super) fn x() -> Matrix {
    permutation([1, 0])
}

pub(super) fn y() -> Matrix {
    rows([[O, -J], [J, O]])
}

pub(super) fn z() -> Matrix {
    diagonal([I, -I])
}

/// The square root of X (`sign = 1`) or its inverse (`sign = -1`).
pub(super) fn root_x(sign: f64) -> Matrix {
    let (p, m) = (C64::new(0.5, 0.5 * sign), C64::new(0.5, -0.5 * sign));
    rows([[p, m], [m, p]])
}

/// `exp(-i theta P / 2)` for a Hermitian `P` with `P P = 1`.
pub(super) fn rotation(theta: f64, axis: &Matrix) -> Matrix {
    let (sin, cos) = (theta / 2.0).sin_cos();
    turned(cos, sin, axis)
}

/// The derivative of [`rotation`].
pub(super) fn rotation_slope(theta: f64, axis: &Matrix) -> Matrix {
    let (sin, cos) = (theta / 2.0).sin_cos();
    turned(-sin / 2.0, cos / 2.0, axis)
}

/// `cos - i sin P`.
fn turned(cos: f64, sin: f64, axis: &Matrix) -> Matrix {
    let mut matrix = axis.mapv(|a| -J * sin * a);
    matrix.diag_mut().mapv_inplace(|d| d + cos);
    matrix
}

/// `high` on operand 1, `low` on operand 0.
pub(super) fn pair(high: &Matrix, low: &Matrix) -> Matrix {
    Matrix::from_shape_fn((4, 4), |(r, c)| high[(r >> 1, c >> 1)] * low[(r & 1, c & 1)])
}

pub(super) fn phase(lambda: f64) -> Matrix {
    diagonal([I, cis(lambda)])
}

pub(super) fn phase_slope(lambda: f64) -> Matrix {
    diagonal([O, J * cis(lambda)])
}

/// The general one-qubit gate `u(theta, phi, lambda)` of `OpenQASM` 3, which sends |0> to `cos|0> + e^{i phi} sin|1>`.
pub(super) fn u(theta: f64, phi: f64, lambda: f64) -> Matrix {
    let (sin, cos) = (theta / 2.0).sin_cos();
    general(cos, sin, phi, lambda)
}

/// The derivative of [`u`] by its angle number `k`.
pub(super) fn u_slope(theta: f64, phi: f64, lambda: f64, k: usize) -> Matrix {
    let (sin, cos) = (theta / 2.0).sin_cos();
    let mut matrix = general(cos, sin, phi, lambda);
    match k {
        0 => return general(-sin / 2.0, cos / 2.0, phi, lambda),
        1 => matrix.row_mut(0).fill(O),
        _ => matrix.column_mut(0).fill(O),
    }
    matrix * J
}

/// `[[cos, -e^{i lambda} sin], [e^{i phi} sin, e^{i phi} e^{i lambda} cos]]`: of the angles only phases are multiplied, since
/// their sum loses the smaller one where the other is huge.
fn general(cos: f64, sin: f64, phi: f64, lambda: f64) -> Matrix {
    let (left, right) = (cis(phi), cis(lambda));
    rows([[C64::from(cos), -right * sin], [left * sin, left * right * cos]])
}

/// The exchange rotation `xx_plus_yy(theta, beta)`.
pub(super) fn exchange(theta: f64, beta: f64) -> Matrix {
    let (sin, cos) = (theta / 2.0).sin_cos();
    let c = C64::from(cos);
    rows([[I, O, O, O], [O, c, -J * sin * cis(-beta), O], [O, -J * sin * cis(beta), c, O], [O, O, O, I]])
}

/// The derivative of [`exchange`] by `theta` (`k = 0`) or `beta`.
pub(super) fn exchange_slope(theta: f64, beta: f64, k: usize) -> Matrix {
    let (sin, cos) = (theta / 2.0).sin_cos();
    let mut matrix = Matrix::zeros((4, 4));
    if k == 0 {
        let s = C64::from(-sin / 2.0);
        matrix[(1, 1)] = s;
        matrix[(2, 2)] = s;
        matrix[(1, 2)] = -J * (cos / 2.0) * cis(-beta);
        matrix[(2, 1)] = -J * (cos / 2.0) * cis(beta);
    } else {
        matrix[(1, 2)] = -sin * cis(-beta);
        matrix[(2, 1)] = sin * cis(beta);
    }
    matrix
}

/// The echoed cross-resonance gate `(X_0 - Y_0 X_1) / sqrt 2`.
pub(super) fn echoed_cross_resonance() -> Matrix {
    let one = diagonal([I, I]);
    (pair(&one, &x()) - pair(&x(), &y())) * C64::from(FRAC_1_SQRT_2)
}
