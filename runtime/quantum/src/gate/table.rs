//! The gate table: one row a gate, and everything else reads the row. Adding a gate is one edit, here.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use super::matrix::{self, cis, diagonal, pair, permutation, rotation, rotation_slope, rows};
use super::row::{BOTH, HALF, HALF_CONTROLLED, UNIT, phase_of, plain, step, step_u};

gates! {
    /// The phase `exp(i gamma)` of everything; it matters once it is controlled.
    gphase(gamma;) {
        matrix: |a| diagonal([cis(a[0])]),
        slope: |a, _| diagonal([matrix::J * cis(a[0])]),
        exponents: &[&[1.0]],
        inverse: |a| step("gphase", [-a[0]], []),
        native: true,
    }
    /// The identity; it takes the time of a one-qubit pulse.
    id(; target) {
        matrix: |_| diagonal([matrix::I; 2]),
        inverse: |_| plain("id", [0]),
    }
    /// Pauli X, the bit flip.
    x(; target) {
        matrix: |_| matrix::x(),
        inverse: |_| plain("x", [0]),
        native: true,
    }
    /// Pauli Y.
    y(; target) {
        matrix: |_| matrix::y(),
        inverse: |_| plain("y", [0]),
        decomposition: |_| vec![step("gphase", [PI], []), step("rz", [PI], [0]), plain("x", [0])],
    }
    /// Pauli Z, the phase flip.
    z(; target) {
        matrix: |_| matrix::z(),
        inverse: |_| plain("z", [0]),
        decomposition: |_| phase_of(PI),
    }
    /// Hadamard: `(X + Z) / sqrt 2`.
    h(; target) {
        matrix: |_| matrix::hadamard(),
        inverse: |_| plain("h", [0]),
        decomposition: |_| vec![
            step("gphase", [FRAC_PI_4], []),
            step("rz", [FRAC_PI_2], [0]),
            plain("sx", [0]),
            step("rz", [FRAC_PI_2], [0]),
        ],
    }
    /// The square root of Z: `diag(1, i)`.
    s(; target) {
        matrix: |_| matrix::phase(FRAC_PI_2),
        inverse: |_| plain("sdg", [0]),
        decomposition: |_| phase_of(FRAC_PI_2),
    }
    /// The inverse of `s`.
    sdg(; target) {
        matrix: |_| matrix::phase(-FRAC_PI_2),
        inverse: |_| plain("s", [0]),
        decomposition: |_| phase_of(-FRAC_PI_2),
    }
    /// The fourth root of Z: `diag(1, exp(i pi/4))`.
    t(; target) {
        matrix: |_| matrix::phase(FRAC_PI_4),
        inverse: |_| plain("tdg", [0]),
        decomposition: |_| phase_of(FRAC_PI_4),
    }
    /// The inverse of `t`.
    tdg(; target) {
        matrix: |_| matrix::phase(-FRAC_PI_4),
        inverse: |_| plain("t", [0]),
        decomposition: |_| phase_of(-FRAC_PI_4),
    }
    /// The square root of X.
    sx(; target) {
        matrix: |_| matrix::root_x(1.0),
        inverse: |_| plain("sxdg", [0]),
        native: true,
    }
    /// The inverse of `sx`.
    sxdg(; target) {
        matrix: |_| matrix::root_x(-1.0),
        inverse: |_| plain("sx", [0]),
        decomposition: |_| vec![
            step("gphase", [-FRAC_PI_2], []),
            step("rz", [PI], [0]),
            plain("sx", [0]),
            step("rz", [-PI], [0]),
        ],
    }
    /// Rotation about X: `exp(-i theta X / 2)`.
    rx(theta; target) {
        matrix: |a| rotation(a[0], &matrix::x()),
        slope: |a, _| rotation_slope(a[0], &matrix::x()),
        exponents: &[HALF],
        inverse: |a| step("rx", [-a[0]], [0]),
        decomposition: |a| vec![step_u(a[0], (-FRAC_PI_2).into(), FRAC_PI_2.into(), 0)],
    }
    /// Rotation about Y: `exp(-i theta Y / 2)`.
    ry(theta; target) {
        matrix: |a| rotation(a[0], &matrix::y()),
        slope: |a, _| rotation_slope(a[0], &matrix::y()),
        exponents: &[HALF],
        inverse: |a| step("ry", [-a[0]], [0]),
        decomposition: |a| vec![step_u(a[0], 0.0.into(), 0.0.into(), 0)],
    }
    /// Rotation about Z: `exp(-i theta Z / 2)`.
    rz(theta; target) {
        matrix: |a| diagonal([cis(-a[0] / 2.0), cis(a[0] / 2.0)]),
        slope: |a, _| rotation_slope(a[0], &matrix::z()),
        exponents: &[HALF],
        inverse: |a| step("rz", [-a[0]], [0]),
        native: true,
    }
    /// Phase of the state 1: `diag(1, exp(i lambda))`.
    p(lambda; target) as u1 as phase {
        matrix: |a| matrix::phase(a[0]),
        slope: |a, _| matrix::phase_slope(a[0]),
        exponents: &[UNIT],
        inverse: |a| step("p", [-a[0]], [0]),
        decomposition: |a| vec![step("gphase", [a[0] / 2.0], []), step("rz", [a[0]], [0])],
    }
    /// The general one-qubit gate: |0> goes to `cos(theta/2) |0> + exp(i phi) sin(theta/2) |1>`, and the second column
    /// starts with `-exp(i lambda) sin(theta/2)`.
    u(theta, phi, lambda; target) as u3 {
        matrix: |a| matrix::u(a[0], a[1], a[2]),
        slope: |a, k| matrix::u_slope(a[0], a[1], a[2], k),
        exponents: &[HALF, UNIT, UNIT],
        inverse: |a| step_u(-a[0], -a[2], -a[1], 0),
        decomposition: |a| vec![
            step("gphase", [(a[1] + a[2]) / 2.0 + FRAC_PI_2], []),
            step("rz", [a[2]], [0]),
            plain("sx", [0]),
            step("rz", [a[0] + PI], [0]),
            plain("sx", [0]),
            step("rz", [a[1] + PI], [0]),
        ],
    }
    /// Controlled X.
    cx(; control, target) as cnot {
        controls: 1,
        base: "x",
        matrix: |_| matrix::x(),
        inverse: |_| plain("cx", [0, 1]),
        native: true,
    }
    /// Controlled Y.
    cy(; control, target) {
        controls: 1,
        base: "y",
        matrix: |_| matrix::y(),
        inverse: |_| plain("cy", [0, 1]),
        decomposition: |_| vec![plain("sdg", [1]), plain("cx", [0, 1]), plain("s", [1])],
    }
    /// Controlled Z.
    cz(; control, target) {
        controls: 1,
        base: "z",
        matrix: |_| matrix::z(),
        inverse: |_| plain("cz", [0, 1]),
        decomposition: |_| vec![plain("h", [1]), plain("cx", [0, 1]), plain("h", [1])],
    }
    /// Controlled Hadamard.
    ch(; control, target) {
        controls: 1,
        base: "h",
        matrix: |_| matrix::hadamard(),
        inverse: |_| plain("ch", [0, 1]),
        decomposition: |_| vec![
            step("ry", [-FRAC_PI_4], [1]),
            plain("h", [1]),
            plain("cx", [0, 1]),
            plain("h", [1]),
            step("ry", [FRAC_PI_4], [1]),
        ],
    }
    /// Controlled `s`.
    cs(; control, target) {
        controls: 1,
        base: "s",
        matrix: |_| matrix::phase(FRAC_PI_2),
        inverse: |_| step("cp", [-FRAC_PI_2], [0, 1]),
        decomposition: |_| vec![step("cp", [FRAC_PI_2], [0, 1])],
    }
    /// Controlled `sx`.
    csx(; control, target) {
        controls: 1,
        base: "sx",
        matrix: |_| matrix::root_x(1.0),
        inverse: |_| step("cu", [-FRAC_PI_2, -FRAC_PI_2, FRAC_PI_2, -FRAC_PI_4], [0, 1]),
        decomposition: |_| vec![plain("h", [1]), step("cp", [FRAC_PI_2], [0, 1]), plain("h", [1])],
    }
    /// Controlled phase: `diag(1, 1, 1, exp(i lambda))`.
    cp(lambda; control, target) as cu1 as cphase {
        controls: 1,
        base: "p",
        matrix: |a| matrix::phase(a[0]),
        slope: |a, _| matrix::phase_slope(a[0]),
        exponents: &[UNIT],
        inverse: |a| step("cp", [-a[0]], [0, 1]),
        decomposition: |a| vec![
            step("p", [a[0] / 2.0], [0]),
            plain("cx", [0, 1]),
            step("p", [a[0] / -2.0], [1]),
            plain("cx", [0, 1]),
            step("p", [a[0] / 2.0], [1]),
        ],
    }
    /// Controlled rotation about X.
    crx(theta; control, target) {
        controls: 1,
        base: "rx",
        matrix: |a| rotation(a[0], &matrix::x()),
        slope: |a, _| rotation_slope(a[0], &matrix::x()),
        exponents: &[HALF_CONTROLLED],
        inverse: |a| step("crx", [-a[0]], [0, 1]),
        decomposition: |a| vec![plain("h", [1]), step("crz", [a[0]], [0, 1]), plain("h", [1])],
    }
    /// Controlled rotation about Y.
    cry(theta; control, target) {
        controls: 1,
        base: "ry",
        matrix: |a| rotation(a[0], &matrix::y()),
        slope: |a, _| rotation_slope(a[0], &matrix::y()),
        exponents: &[HALF_CONTROLLED],
        inverse: |a| step("cry", [-a[0]], [0, 1]),
        decomposition: |a| vec![
            step("ry", [a[0] / 2.0], [1]),
            plain("cx", [0, 1]),
            step("ry", [a[0] / -2.0], [1]),
            plain("cx", [0, 1]),
        ],
    }
    /// Controlled rotation about Z.
    crz(theta; control, target) {
        controls: 1,
        base: "rz",
        matrix: |a| diagonal([cis(-a[0] / 2.0), cis(a[0] / 2.0)]),
        slope: |a, _| rotation_slope(a[0], &matrix::z()),
        exponents: &[HALF_CONTROLLED],
        inverse: |a| step("crz", [-a[0]], [0, 1]),
        decomposition: |a| vec![
            step("rz", [a[0] / 2.0], [1]),
            plain("cx", [0, 1]),
            step("rz", [a[0] / -2.0], [1]),
            plain("cx", [0, 1]),
        ],
    }
    /// Controlled `exp(i gamma) u(theta, phi, lambda)`.
    cu(theta, phi, lambda, gamma; control, target) {
        controls: 1,
        matrix: |a| matrix::u(a[0], a[1], a[2]) * cis(a[3]),
        slope: |a, k| match k {
            3 => matrix::u(a[0], a[1], a[2]) * (matrix::J * cis(a[3])),
            _ => matrix::u_slope(a[0], a[1], a[2], k) * cis(a[3]),
        },
        exponents: &[HALF_CONTROLLED, UNIT, UNIT, UNIT],
        inverse: |a| step("cu", [-a[0], -a[2], -a[1], -a[3]], [0, 1]),
        decomposition: |a| vec![
            step("p", [a[3] + (a[1] + a[2]) / 2.0], [0]),
            step("p", [(a[2] - a[1]) / 2.0], [1]),
            plain("cx", [0, 1]),
            step_u(a[0] / -2.0, 0.0.into(), (a[1] + a[2]) / -2.0, 1),
            plain("cx", [0, 1]),
            step_u(a[0] / 2.0, a[1], 0.0.into(), 1),
        ],
    }
    /// Exchanges two qubits.
    swap(; a, b) {
        matrix: |_| permutation([0, 2, 1, 3]),
        inverse: |_| plain("swap", [0, 1]),
        decomposition: |_| vec![plain("cx", [0, 1]), plain("cx", [1, 0]), plain("cx", [0, 1])],
    }
    /// Exchanges two qubits and multiplies what was exchanged by i.
    iswap(; a, b) {
        matrix: |_| rows([
            [matrix::I, matrix::O, matrix::O, matrix::O],
            [matrix::O, matrix::O, matrix::J, matrix::O],
            [matrix::O, matrix::J, matrix::O, matrix::O],
            [matrix::O, matrix::O, matrix::O, matrix::I],
        ]),
        inverse: |_| step("xx_plus_yy", [PI, 0.0], [0, 1]),
        decomposition: |_| vec![
            plain("s", [0]),
            plain("s", [1]),
            plain("h", [0]),
            plain("cx", [0, 1]),
            plain("cx", [1, 0]),
            plain("h", [1]),
        ],
    }
    /// Echoed cross-resonance: `(X_a - Y_a X_b) / sqrt 2`, the native gate of IBM's Eagle devices.
    ecr(; a, b) {
        matrix: |_| matrix::echoed_cross_resonance(),
        inverse: |_| plain("ecr", [0, 1]),
        decomposition: |_| vec![
            step("rz", [FRAC_PI_2], [0]),
            plain("sx", [1]),
            plain("cx", [0, 1]),
            plain("x", [0]),
        ],
    }
    /// Two controlled X in opposite directions: first `cx(a, b)`, then `cx(b, a)`.
    dcx(; a, b) {
        matrix: |_| permutation([0, 2, 3, 1]),
        inverse: |_| plain("dcx", [1, 0]),
        decomposition: |_| vec![plain("cx", [0, 1]), plain("cx", [1, 0])],
    }
    /// `exp(-i theta X X / 2)`.
    rxx(theta; a, b) {
        matrix: |a| rotation(a[0], &pair(&matrix::x(), &matrix::x())),
        slope: |a, _| rotation_slope(a[0], &pair(&matrix::x(), &matrix::x())),
        exponents: &[HALF],
        inverse: |a| step("rxx", [-a[0]], [0, 1]),
        decomposition: |a| vec![
            plain("h", [0]), plain("h", [1]),
            step("rzz", [a[0]], [0, 1]),
            plain("h", [0]), plain("h", [1]),
        ],
    }
    /// `exp(-i theta Y Y / 2)`.
    ryy(theta; a, b) {
        matrix: |a| rotation(a[0], &pair(&matrix::y(), &matrix::y())),
        slope: |a, _| rotation_slope(a[0], &pair(&matrix::y(), &matrix::y())),
        exponents: &[HALF],
        inverse: |a| step("ryy", [-a[0]], [0, 1]),
        decomposition: |a| vec![
            plain("sx", [0]), plain("sx", [1]),
            step("rzz", [a[0]], [0, 1]),
            plain("sxdg", [0]), plain("sxdg", [1]),
        ],
    }
    /// `exp(-i theta Z Z / 2)`.
    rzz(theta; a, b) {
        matrix: |a| rotation(a[0], &pair(&matrix::z(), &matrix::z())),
        slope: |a, _| rotation_slope(a[0], &pair(&matrix::z(), &matrix::z())),
        exponents: &[HALF],
        inverse: |a| step("rzz", [-a[0]], [0, 1]),
        decomposition: |a| vec![plain("cx", [0, 1]), step("rz", [a[0]], [1]), plain("cx", [0, 1])],
    }
    /// `exp(-i theta Z_a X_b / 2)`: what a cross-resonance drive does.
    rzx(theta; a, b) {
        matrix: |a| rotation(a[0], &pair(&matrix::x(), &matrix::z())),
        slope: |a, _| rotation_slope(a[0], &pair(&matrix::x(), &matrix::z())),
        exponents: &[HALF],
        inverse: |a| step("rzx", [-a[0]], [0, 1]),
        decomposition: |a| vec![plain("h", [1]), step("rzz", [a[0]], [0, 1]), plain("h", [1])],
    }
    /// The exchange rotation `exp(-i theta (X X + Y Y) / 4)`, turned by `rz(beta)` on the first qubit.
    xx_plus_yy(theta, beta; a, b) {
        matrix: |a| matrix::exchange(a[0], a[1]),
        slope: |a, k| matrix::exchange_slope(a[0], a[1], k),
        exponents: &[HALF_CONTROLLED, BOTH],
        inverse: |a| step("xx_plus_yy", [-a[0], a[1]], [0, 1]),
        decomposition: |a| vec![
            step("rz", [a[1] + FRAC_PI_2], [0]),
            step("rz", [-FRAC_PI_2], [1]), plain("sx", [1]), step("rz", [FRAC_PI_2], [1]),
            plain("cx", [1, 0]),
            step("ry", [a[0] / -2.0], [1]), step("ry", [a[0] / -2.0], [0]),
            plain("cx", [1, 0]),
            step("rz", [-FRAC_PI_2], [1]), plain("sxdg", [1]), step("rz", [FRAC_PI_2], [1]),
            step("rz", [-a[1] - FRAC_PI_2], [0]),
        ],
    }
    /// X with two controls.
    ccx(; control_a, control_b, target) as toffoli {
        controls: 2,
        base: "x",
        matrix: |_| matrix::x(),
        inverse: |_| plain("ccx", [0, 1, 2]),
        decomposition: |_| vec![
            plain("h", [2]),
            plain("cx", [1, 2]), plain("tdg", [2]), plain("cx", [0, 2]), plain("t", [2]),
            plain("cx", [1, 2]), plain("tdg", [2]), plain("cx", [0, 2]), plain("t", [1]), plain("t", [2]),
            plain("h", [2]),
            plain("cx", [0, 1]), plain("t", [0]), plain("tdg", [1]), plain("cx", [0, 1]),
        ],
    }
    /// Z with two controls.
    ccz(; control_a, control_b, target) {
        controls: 2,
        base: "z",
        matrix: |_| matrix::z(),
        inverse: |_| plain("ccz", [0, 1, 2]),
        decomposition: |_| vec![plain("h", [2]), plain("ccx", [0, 1, 2]), plain("h", [2])],
    }
    /// Exchanges two qubits if the control is 1.
    cswap(; control, a, b) as fredkin {
        controls: 1,
        base: "swap",
        matrix: |_| permutation([0, 2, 1, 3]),
        inverse: |_| plain("cswap", [0, 1, 2]),
        decomposition: |_| vec![plain("cx", [2, 1]), plain("ccx", [0, 1, 2]), plain("cx", [2, 1])],
    }
}
