//! Decompositions of one-qubit unitaries.

use super::{Matrix, check_finite, identity, is_unitary};
use crate::{C64, Error, Result};

/// How far from unitary a one-qubit matrix may be before it is refused.
const TOLERANCE: f64 = 1e-8;

/// The angles of U = e^(i phase) Rz(phi) Ry(theta) Rz(lambda), in radians; Rz(lambda) acts first.
///
/// These are the angles of the gate `u(theta, phi, lambda)`, whose matrix is e^(i (phi + lambda) / 2) times
/// the product of rotations: U = e^(i (phase - (phi + lambda) / 2)) u(theta, phi, lambda).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zyz {
    /// Angle of the middle rotation, in [0, pi].
    pub theta: f64,
    /// Angle of the last rotation about Z, in (-2 pi, 2 pi].
    pub phi: f64,
    /// Angle of the first rotation about Z, in (-2 pi, 2 pi].
    pub lambda: f64,
    /// Global phase, in (-pi/2, pi/2].
    pub phase: f64,
}

impl Zyz {
    /// Decomposes a 2 x 2 unitary.
    ///
    /// # Errors
    /// [`Error::Dimension`] if it is not 2 x 2, [`Error::NotFinite`], [`Error::NotUnitary`].
    pub fn new(u: &Matrix) -> Result<Self> {
        let (phase, special) = split(u)?;
        let (a, b) = (special[[0, 0]], special[[1, 0]]);
        let theta = 2.0 * b.norm().atan2(a.norm());
        // a = cos(theta/2) e^(-i (phi + lambda) / 2), b = sin(theta/2) e^(i (phi - lambda) / 2). Where one of
        // them vanishes its phase is noise: it is taken as zero, which leaves a single rotation about Z.
        let sum = if a.norm() > 1e-12 { -2.0 * a.arg() } else { 0.0 };
        let difference = if b.norm() > 1e-12 { 2.0 * b.arg() } else { 0.0 };
        let (phi, lambda) = match (a.norm() > 1e-12, b.norm() > 1e-12) {
            (true, false) => (sum, 0.0),
            (false, true) => (difference, 0.0),
            _ => (0.5 * (sum + difference), 0.5 * (sum - difference)),
        };
        Ok(Self { theta, phi, lambda, phase })
    }

    /// The matrix that these angles stand for.
    pub fn matrix(&self) -> Matrix {
        let (sin, cos) = (0.5 * self.theta).sin_cos();
        let (sum, difference) = (0.5 * (self.phi + self.lambda), 0.5 * (self.phi - self.lambda));
        ndarray::array![
            [C64::from_polar(cos, self.phase - sum), -C64::from_polar(sin, self.phase - difference)],
            [C64::from_polar(sin, self.phase + difference), C64::from_polar(cos, self.phase + sum)],
        ]
    }
}

/// A square root of a 2 x 2 unitary: the one whose eigenphases differ by at most pi/2, so that Z gives S and
/// X gives SX.
///
/// # Errors
/// As [`Zyz::new`].
pub fn sqrt_unitary(u: &Matrix) -> Result<Matrix> {
    let (mut phase, mut special) = split(u)?;
    let mut half_trace = special[[0, 0]].re;
    if half_trace < -1e-9 {
        // The other representative in SU(2) keeps the denominator below away from zero. A trace of zero must
        // not depend on rounding: it is where Z and X have their roots S and SX.
        special.mapv_inplace(|z| -z);
        half_trace = -half_trace;
        phase += if phase > 0.0 { -std::f64::consts::PI } else { std::f64::consts::PI };
    }
    // Cayley-Hamilton in SU(2): V² = (Tr V) V - 1, hence (V + 1)² = (Tr V + 2) V.
    let scale = C64::from_polar(1.0 / (2.0 + 2.0 * half_trace).sqrt(), 0.5 * phase);
    Ok((special + identity(2)).mapv(|z| z * scale))
}

/// U = e^(i phase) V with det V = 1.
fn split(u: &Matrix) -> Result<(f64, Matrix)> {
    if u.dim() != (2, 2) {
        return Err(Error::Dimension {
            what: "a one-qubit unitary",
            found: u.nrows().max(u.ncols()),
            expected: 2,
        });
    }
    check_finite("a one-qubit unitary", u)?;
    if !is_unitary(u, TOLERANCE) {
        return Err(Error::NotUnitary { tolerance: TOLERANCE });
    }
    let mut phase = 0.5 * (u[[0, 0]] * u[[1, 1]] - u[[0, 1]] * u[[1, 0]]).arg();
    // The argument of a determinant -1 is pi or -pi by the sign of a zero; one representative for both.
    if phase < 1e-9 - std::f64::consts::FRAC_PI_2 {
        phase += std::f64::consts::PI;
    }
    Ok((phase, u.mapv(|z| z * C64::from_polar(1.0, -phase))))
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;
    use crate::linalg::{frobenius, haar_unitary};

    fn gates() -> Vec<Matrix> {
        let c = |re: f64, im: f64| C64::new(re, im);
        let h = std::f64::consts::FRAC_1_SQRT_2;
        let mut gates = vec![
            identity(2),
            identity(2) * c(-1., 0.),
            ndarray::array![[c(0., 0.), c(1., 0.)], [c(1., 0.), c(0., 0.)]],
            ndarray::array![[c(0., 0.), c(0., -1.)], [c(0., 1.), c(0., 0.)]],
            ndarray::array![[c(1., 0.), c(0., 0.)], [c(0., 0.), c(-1., 0.)]],
            ndarray::array![[c(1., 0.), c(0., 0.)], [c(0., 0.), c(0., 1.)]],
            ndarray::array![[c(h, 0.), c(h, 0.)], [c(h, 0.), c(-h, 0.)]],
            ndarray::array![[c(0., 0.), c(-1., 0.)], [c(1., 0.), c(0., 0.)]],
        ];
        let mut rng = ChaCha8Rng::seed_from_u64(14);
        gates.extend((0..200).map(|_| haar_unitary(2, &mut rng)));
        gates
    }

    #[test]
    fn angles_rebuild_the_unitary_with_its_phase() {
        for u in gates() {
            let zyz = Zyz::new(&u).unwrap();
            assert!(frobenius(&(zyz.matrix() - &u)) < 1e-14, "{u}");
            assert!((0.0..=std::f64::consts::PI).contains(&zyz.theta));
        }
    }

    #[test]
    fn roots_square_to_the_unitary() {
        for u in gates() {
            let root = sqrt_unitary(&u).unwrap();
            assert!(is_unitary(&root, 1e-14) && frobenius(&(root.dot(&root) - &u)) < 1e-14, "{u}");
        }
    }

    #[test]
    fn root_of_z_is_s_and_of_x_is_sx() {
        let z = ndarray::array![[C64::ONE, C64::ZERO], [C64::ZERO, -C64::ONE]];
        let s = ndarray::array![[C64::ONE, C64::ZERO], [C64::ZERO, C64::I]];
        assert!(frobenius(&(sqrt_unitary(&z).unwrap() - s)) < 1e-14);
        let x = ndarray::array![[C64::ZERO, C64::ONE], [C64::ONE, C64::ZERO]];
        let (p, m) = (C64::new(0.5, 0.5), C64::new(0.5, -0.5));
        assert!(frobenius(&(sqrt_unitary(&x).unwrap() - ndarray::array![[p, m], [m, p]])) < 1e-14);
    }

    #[test]
    fn foreign_matrices_are_refused() {
        assert!(matches!(Zyz::new(&identity(4)), Err(Error::Dimension { found: 4, expected: 2, .. })));
        assert!(matches!(sqrt_unitary(&(identity(2) * C64::from(2.0))), Err(Error::NotUnitary { .. })));
        assert!(matches!(Zyz::new(&(identity(2) * C64::from(f64::NAN))), Err(Error::NotFinite { .. })));
    }
}
