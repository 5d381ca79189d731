//! The Cartan (KAK) decomposition of two-qubit unitaries.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, FRAC_PI_4};

use super::Call;
use super::lower::{call, euler};
use super::matrix::{self, I, J, O, cis, pair, rows};
use crate::linalg::{dagger, is_unitary};
use crate::{Angle, C64, Error, Matrix, Result};

/// How far from unitary a matrix may be before it is refused.
const TOLERANCE: f64 = 1e-7;

/// Coordinates nearer to a special value than this are that value: below what a user's matrix is checked to.
const SPECIAL: f64 = 1e-10;

/// A two-qubit unitary as local gates around an interaction of three commuting terms:
/// `U = e^(i phase) (after1 (x) after0) exp(i (x XX + y YY + z ZZ)) (before1 (x) before0)`.
///
/// The coordinates are canonical: `pi/4 >= x >= z >= |y|`. They tell how many `cx` the unitary takes, which is optimal
/// (Vidal and Dawson, Phys. Rev. A 69, 010301; Vatan and Williams, Phys. Rev. A 69, 032315).
///
/// ```
/// use ketline_quantum::gate::{Cartan, Gate};
///
/// let swap = Gate::named("swap").unwrap().full_matrix(&[]);
/// let iswap = Gate::named("iswap").unwrap().full_matrix(&[]);
/// assert_eq!([Cartan::new(&swap)?.cx_count(), Cartan::new(&iswap)?.cx_count()], [3, 2]);
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Cartan {
    /// Global phase in radians.
    pub phase: f64,
    /// What acts first on operand 0 and on operand 1.
    pub before: [Matrix; 2],
    /// The angles `[x, y, z]` of XX, YY and ZZ in radians.
    pub coordinates: [f64; 3],
    /// What acts last on operand 0 and on operand 1.
    pub after: [Matrix; 2],
}

impl Cartan {
    /// Decomposes a 4 x 4 unitary; operand 0 is the least significant bit.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::NotUnitary`].
    pub fn new(unitary: &Matrix) -> Result<Self> {
        if unitary.dim() != (4, 4) {
            let found = unitary.nrows().max(unitary.ncols());
            return Err(Error::Dimension { what: "a two-qubit unitary", found, expected: 4 });
        }
        if !is_unitary(unitary, TOLERANCE) {
            return Err(Error::NotUnitary { tolerance: TOLERANCE });
        }
        Ok(Self::of(unitary))
    }

    /// Decomposes a matrix known to be a 4 x 4 unitary.
    pub(crate) fn of(unitary: &Matrix) -> Self {
        // In the magic basis local gates are real and the interaction is diagonal, so U = K1 D K2 with orthogonal K.
        let magic = magic();
        let inner = dagger(&magic).dot(unitary).dot(&magic);
        let outer_phase = determinant(&inner).arg() / 4.0;
        let inner = inner.mapv(|z| z * cis(-outer_phase));
        let square = inner.t().dot(&inner);
        let right = joint_eigenvectors(&square);
        let diagonal = right.t().mapv(C64::from).dot(&square).dot(&right.mapv(C64::from));
        let mut halves: Vec<f64> = diagonal.diag().iter().map(|z| z.arg() / 2.0).collect();
        let left = |halves: &[f64]| {
            let turned = Matrix::from_diag(&halves.iter().map(|h| cis(-h)).collect::<ndarray::Array1<_>>());
            inner.dot(&right.mapv(C64::from)).dot(&turned)
        };
        let mut outer = left(&halves);
        if determinant(&outer).re < 0.0 {
            halves[0] += std::f64::consts::PI;
            outer = left(&halves);
        }
        let mean = halves.iter().sum::<f64>() / 4.0;
        for half in &mut halves {
            *half -= mean;
        }
        let (outer_sign, after) = local(&magic.dot(&outer.mapv(|z| C64::from(z.re))).dot(&dagger(&magic)));
        let (inner_sign, before) = local(&magic.dot(&right.t().mapv(C64::from)).dot(&dagger(&magic)));
        let coordinates =
            [(0, 2), (1, 2), (0, 1)].map(|(one, other)| f64::midpoint(halves[one], halves[other]));
        let phase = outer_phase + mean + outer_sign + inner_sign;
        let mut cartan = Self { phase, before, coordinates, after };
        cartan.canonicalise();
        cartan
    }

    /// How many `cx` the unitary takes, at least and at most: 0 to 3.
    pub fn cx_count(&self) -> usize {
        let [x, y, z] = self.coordinates;
        match () {
            () if y.abs() > SPECIAL => 3,
            () if z > SPECIAL => 2,
            () if (x - FRAC_PI_4).abs() < SPECIAL => 1,
            () if x > SPECIAL => 2,
            () => 0,
        }
    }

    /// The unitary, put together again.
    pub fn matrix(&self) -> Matrix {
        let [x, y, z] = self.coordinates;
        let turn = |angle: f64, pauli: Matrix| {
            let both = pair(&pauli, &pauli);
            Matrix::eye(4) * C64::from(angle.cos()) + both * (J * angle.sin())
        };
        let middle = turn(x, matrix::x()).dot(&turn(y, matrix::y())).dot(&turn(z, matrix::z()));
        let locals = |pair_of: &[Matrix; 2]| pair(&pair_of[1], &pair_of[0]);
        locals(&self.after).dot(&middle).dot(&locals(&self.before)) * cis(self.phase)
    }

    /// The unitary on two qubits as a circuit of one-qubit gates and [`Self::cx_count`] `cx`, exact with its phase.
    pub fn calls(&self, [a, b]: [usize; 2]) -> Vec<Call> {
        let [x, y, z] = self.coordinates;
        let s = Matrix::from_diag(&ndarray::array![I, J]);
        let [mut first0, mut first1] = self.before.clone();
        let [mut last0, last1] = self.after.clone();
        let turn = |name, angle: f64, qubit| call(name, [Angle::radians(angle)], &[qubit]);
        let cx = |control, target| call("cx", [], &[control, target]);
        let mut phase = self.phase;
        let middle = match self.cx_count() {
            0 => Vec::new(),
            1 => {
                // exp(i pi/4 Z0 X1) = e^(-i pi/4) rz0(-pi/2) rx1(-pi/2) cx, and XX is ZX in another frame of operand 0
                phase -= FRAC_PI_4;
                first0 = matrix::hadamard().dot(&first0);
                last0 = last0.dot(&matrix::hadamard());
                vec![cx(a, b), turn("rz", -FRAC_PI_2, a), turn("rx", -FRAC_PI_2, b)]
            }
            2 => vec![cx(a, b), turn("rx", -2.0 * x, a), turn("rz", -2.0 * z, b), cx(a, b)],
            _ => {
                phase += FRAC_PI_4;
                first1 = s.dot(&first1);
                last0 = last0.dot(&dagger(&s));
                vec![
                    cx(b, a),
                    turn("rz", FRAC_PI_2 - 2.0 * z, a),
                    turn("ry", FRAC_PI_2 - 2.0 * x, b),
                    cx(a, b),
                    turn("ry", 2.0 * y - FRAC_PI_2, b),
                    cx(b, a),
                ]
            }
        };
        let mut calls = vec![call("gphase", [phase.into()], &[])];
        calls.extend(euler(&first0, a));
        calls.extend(euler(&first1, b));
        calls.extend(middle);
        calls.extend(euler(&last0, a));
        calls.extend(euler(&last1, b));
        calls.retain(|call| !call.qubits.is_empty() || call.angles[0] != Angle::ZERO);
        calls
    }

    /// Moves the coordinates into the chamber `pi/4 >= x >= z >= |y|`, correcting the local gates.
    fn canonicalise(&mut self) {
        let paulis = [matrix::x(), matrix::y(), matrix::z()];
        for (k, pauli) in paulis.iter().enumerate() {
            let quarters = (self.coordinates[k] / FRAC_PI_2).round();
            self.coordinates[k] -= quarters * FRAC_PI_2;
            self.phase += quarters * FRAC_PI_2;
            if quarters.rem_euclid(2.0) == 1.0 {
                self.before = [0, 1].map(|q| pauli.dot(&self.before[q]));
            }
        }
        for [high, low] in [[0, 2], [2, 1], [0, 2]] {
            if self.coordinates[high].abs() < self.coordinates[low].abs() {
                self.coordinates.swap(high, low);
                let frame = (&paulis[high] + &paulis[low]) * C64::from(FRAC_1_SQRT_2);
                self.before = [0, 1].map(|q| frame.dot(&self.before[q]));
                self.after = [0, 1].map(|q| self.after[q].dot(&frame));
            }
        }
        for [positive, other, axis] in [[0, 1, 2], [2, 1, 0]] {
            if self.coordinates[positive] < 0.0 {
                self.coordinates[positive] *= -1.0;
                self.coordinates[other] *= -1.0;
                self.before[0] = paulis[axis].dot(&self.before[0]);
                self.after[0] = self.after[0].dot(&paulis[axis]);
            }
        }
    }
}

/// Bell states with the phases of Hill and Wootters, as columns; XX, YY, ZZ have the eigenvalues
/// (+, -, +), (-, +, +), (+, +, -), (-, -, -) on them.
fn magic() -> Matrix {
    rows([[I, J, O, O], [O, O, J, I], [O, O, J, -I], [I, -J, O, O]]) * C64::from(FRAC_1_SQRT_2)
}

fn determinant(matrix: &Matrix) -> C64 {
    let mut rest = matrix.clone();
    let mut product = I;
    for column in 0..4 {
        let pivot = (column..4)
            .max_by(|a, b| rest[(*a, column)].norm().total_cmp(&rest[(*b, column)].norm()))
            .unwrap_or(column);
        if pivot != column {
            product = -product;
            for k in 0..4 {
                rest.swap((pivot, k), (column, k));
            }
        }
        product *= rest[(column, column)];
        for row in column + 1..4 {
            let factor = rest[(row, column)] / rest[(column, column)];
            for k in column..4 {
                let above = rest[(column, k)];
                rest[(row, k)] -= factor * above;
            }
        }
    }
    product
}

/// An orthogonal matrix of determinant 1 whose columns diagonalise both the real and the imaginary part of a symmetric
/// unitary, by Jacobi rotations for both at once (Bunse-Gerstner et al., SIAM J. Matrix Anal. Appl. 14, 927): unlike an
/// eigen-decomposition of one part, it doesn't mind equal eigenvalues.
fn joint_eigenvectors(square: &Matrix) -> ndarray::Array2<f64> {
    let mut parts = [square.mapv(|z| z.re), square.mapv(|z| z.im)];
    let mut vectors = ndarray::Array2::<f64>::eye(4);
    for _ in 0..60 {
        let mut largest: f64 = 0.0;
        for (p, q) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
            let (mut on, mut off) = (0.0, 0.0);
            for part in &parts {
                let (difference, cross) = (part[(p, p)] - part[(q, q)], part[(p, q)] + part[(q, p)]);
                on += difference * difference - cross * cross;
                off += 2.0 * difference * cross;
                largest = largest.max(cross.abs());
            }
            let angle = 0.25 * off.atan2(on);
            if angle.abs() < 1e-17 {
                continue;
            }
            let (sin, cos) = angle.sin_cos();
            let turn = |x: f64, y: f64| (cos * x + sin * y, cos * y - sin * x);
            for k in 0..4 {
                for part in &mut parts {
                    (part[(p, k)], part[(q, k)]) = turn(part[(p, k)], part[(q, k)]);
                }
                (vectors[(k, p)], vectors[(k, q)]) = turn(vectors[(k, p)], vectors[(k, q)]);
            }
            for k in 0..4 {
                for part in &mut parts {
                    (part[(k, p)], part[(k, q)]) = turn(part[(k, p)], part[(k, q)]);
                }
            }
        }
        if largest < 1e-15 {
            break;
        }
    }
    if determinant(&vectors.mapv(C64::from)).re < 0.0 {
        vectors.column_mut(0).mapv_inplace(|x| -x);
    }
    vectors
}

/// A product of local gates as a phase and the factors on operand 0 and 1, each of determinant 1.
fn local(product: &Matrix) -> (f64, [Matrix; 2]) {
    let block = |r: usize, c: usize| Matrix::from_shape_fn((2, 2), |(i, j)| product[(2 * r + i, 2 * c + j)]);
    let norm = |m: &Matrix| m.iter().map(C64::norm_sqr).sum::<f64>();
    let largest = [(0, 0), (0, 1), (1, 0), (1, 1)]
        .map(|(r, c)| block(r, c))
        .into_iter()
        .max_by(|a, b| norm(a).total_cmp(&norm(b)))
        .unwrap_or_else(|| Matrix::eye(2));
    let special = |m: &Matrix| {
        let root = (m[(0, 0)] * m[(1, 1)] - m[(0, 1)] * m[(1, 0)]).sqrt();
        (root, m.mapv(|z| z / root))
    };
    let (_, low) = special(&largest);
    let high =
        Matrix::from_shape_fn((2, 2), |(r, c)| dagger(&low).dot(&block(r, c)).diag().sum() * C64::from(0.5));
    let (root, high) = special(&high);
    (root.arg(), [low, high])
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;
    use crate::gate::{Gate, dense, table};
    use crate::linalg::{frobenius, haar_unitary, kron};

    fn check(unitary: &Matrix, what: &str) -> Cartan {
        let cartan = Cartan::new(unitary).unwrap();
        assert!(frobenius(&(cartan.matrix() - unitary)) < 1e-13, "{what}: {cartan:?}");
        let [x, y, z] = cartan.coordinates;
        assert!(FRAC_PI_4 + 1e-12 >= x && x >= z && z >= y.abs(), "{what}: {x} {y} {z}");
        let calls = cartan.calls([0, 1]);
        // coordinates just below SPECIAL are left out
        assert!(frobenius(&(dense(&calls, 2, &[]) - unitary)) < SPECIAL, "{what}");
        assert_eq!(calls.iter().filter(|call| call.name() == "cx").count(), cartan.cx_count(), "{what}");
        cartan
    }

    #[test]
    fn random_unitaries_are_rebuilt() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..300 {
            let haar = haar_unitary(4, &mut rng);
            let cartan = check(&haar, "haar");
            assert!(frobenius(&(dense(&cartan.calls([0, 1]), 2, &[]) - haar)) < 1e-13);
            assert_eq!(cartan.cx_count(), 3);
            let local = kron(&haar_unitary(2, &mut rng), &haar_unitary(2, &mut rng));
            assert_eq!(check(&local, "local").cx_count(), 0);
            let cx = Gate::named("cx").unwrap().full_matrix(&[]);
            let one = local.dot(&cx).dot(&kron(&haar_unitary(2, &mut rng), &haar_unitary(2, &mut rng)));
            assert_eq!(check(&one, "one cx").cx_count(), 1);
            assert_eq!(check(&one.dot(&local).dot(&cx), "two cx").cx_count(), 2);
        }
    }

    #[test]
    fn gates_of_the_table_are_rebuilt_also_near_special_angles() {
        for row in table().iter().filter(|row| row.operands.len() == 2) {
            for angle in [0.0, 1e-12, 1e-9, 1e-6, 0.3, FRAC_PI_2, FRAC_PI_2 + 1e-9, 3.0, -2.0 * FRAC_PI_2] {
                let angles = vec![angle; row.angles.len()];
                let unitary = Gate::Standard(row).full_matrix(&angles);
                let cartan = check(&unitary, row.name);
                assert!(cartan.cx_count() < 3 || row.name == "swap", "{} {angle}", row.name);
            }
        }
    }

    #[test]
    fn foreign_matrices_are_refused() {
        assert!(matches!(Cartan::new(&Matrix::eye(2)), Err(Error::Dimension { found: 2, .. })));
        assert!(matches!(Cartan::new(&(Matrix::eye(4) * C64::from(2.0))), Err(Error::NotUnitary { .. })));
    }
}
