//! Eigen-decomposition of a Hermitian matrix: Householder reduction to a real tridiagonal matrix, then
//! implicit QL.

use ndarray::Array2;

use super::{Matrix, check_finite, check_square, dagger, frobenius};
use crate::{C64, Error, Result};

/// Relative asymmetry above which a matrix counts as no Hermitian one: far above rounding, far below a wrong
/// matrix.
const ASYMMETRY: f64 = 1e-8;

/// QL sweeps allowed for one eigenvalue; about two are needed on average.
const SWEEPS: usize = 60;

/// Eigenvalues and eigenvectors of a Hermitian matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Eigen {
    /// The eigenvalues, in ascending order.
    pub values: Vec<f64>,
    /// The eigenvectors, orthonormal, as columns in the order of `values`.
    pub vectors: Matrix,
}

impl Eigen {
    /// Decomposes `a`; the anti-Hermitian part that rounding leaves is ignored.
    ///
    /// Householder reflections as in EISPACK's `htridi`, implicit QL as in its `imtql2` (Wilkinson and
    /// Reinsch 1971).
    ///
    /// # Errors
    /// [`Error::NotSquare`], [`Error::NotFinite`], or [`Error::NotHermitian`] if `a` differs from its
    /// conjugate transpose by more than 1e-8 of its norm.
    pub fn new(a: &Matrix) -> Result<Self> {
        check_square("a Hermitian matrix", a)?;
        check_finite("a Hermitian matrix", a)?;
        let adjoint = dagger(a);
        let deviation = frobenius(&(a - &adjoint));
        if deviation > ASYMMETRY * frobenius(a) {
            return Err(Error::NotHermitian { deviation });
        }
        let reduction = Reduction::new((a + &adjoint) * C64::from(0.5));
        let (values, rows) = diagonalise(reduction.diagonal.clone(), reduction.off_diagonal.clone())?;
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
        let mut vectors = Matrix::zeros(a.raw_dim());
        for (column, &i) in order.iter().enumerate() {
            let vector = reduction.undo(rows.row(i).iter().copied());
            vectors.column_mut(column).iter_mut().zip(vector).for_each(|(slot, value)| *slot = value);
        }
        Ok(Self { values: order.iter().map(|&i| values[i]).collect(), vectors })
    }

    /// The eigenvector of the largest eigenvalue.
    pub fn last(&self) -> Vec<C64> {
        self.vectors.columns().into_iter().next_back().map(|column| column.to_vec()).unwrap_or_default()
    }

    /// The matrix with the same eigenvectors and the eigenvalues `function(value)`: the exponential, a root,
    /// a projection.
    #[must_use]
    pub fn map(&self, mut function: impl FnMut(f64) -> f64) -> Matrix {
        let mut scaled = self.vectors.clone();
        for (mut column, &value) in scaled.columns_mut().into_iter().zip(&self.values) {
            let factor = function(value);
            column.mapv_inplace(|z| z * factor);
        }
        scaled.dot(&dagger(&self.vectors))
    }
}

/// A = Q T Q†, T real symmetric tridiagonal and Q a product of reflections and of a diagonal of phases.
struct Reduction {
    diagonal: Vec<f64>,
    off_diagonal: Vec<f64>,
    /// Unit vector of reflection k, which acts on the elements from k + 1 on; empty where none was needed.
    reflections: Vec<Vec<C64>>,
    phases: Vec<C64>,
}

impl Reduction {
    fn new(mut a: Matrix) -> Self {
        let n = a.nrows();
        let mut reflections = Vec::with_capacity(n.saturating_sub(2));
        for k in 0..n.saturating_sub(2) {
            let v = reflection((k + 1..n).map(|row| a[[row, k]]).collect());
            if !v.is_empty() {
                reflect(&mut a, k, &v);
            }
            reflections.push(v);
        }
        let mut phases = vec![C64::ONE; n];
        let mut off_diagonal = vec![0.0; n];
        for k in 1..n {
            let element = a[[k, k - 1]];
            let modulus = element.norm();
            off_diagonal[k - 1] = modulus;
            phases[k] = if modulus > 0.0 { phases[k - 1] * element / modulus } else { phases[k - 1] };
        }
        Self { diagonal: a.diag().iter().map(|z| z.re).collect(), off_diagonal, reflections, phases }
    }

    /// Q applied to a real vector.
    fn undo(&self, vector: impl Iterator<Item = f64>) -> Vec<C64> {
        let mut y: Vec<C64> = vector.zip(&self.phases).map(|(x, phase)| phase * x).collect();
        for (k, v) in self.reflections.iter().enumerate().rev().filter(|(_, v)| !v.is_empty()) {
            let tail = &mut y[k + 1..];
            let overlap: C64 = v.iter().zip(&*tail).map(|(v, y)| v.conj() * y).sum::<C64>() * 2.0;
            tail.iter_mut().zip(v).for_each(|(y, v)| *y -= v * overlap);
        }
        y
    }
}

/// The unit vector v for which I - 2 v v† maps `x` to a multiple of the first axis; empty if `x` is one
/// already.
fn reflection(mut x: Vec<C64>) -> Vec<C64> {
    let tail: f64 = x[1..].iter().map(C64::norm_sqr).sum();
    if tail == 0.0 {
        return Vec::new();
    }
    let norm = (tail + x[0].norm_sqr()).sqrt();
    let phase = if x[0] == C64::ZERO { C64::ONE } else { x[0] / x[0].norm() };
    x[0] += phase * norm;
    let scale = 1.0 / (tail + x[0].norm_sqr()).sqrt();
    for z in &mut x {
        *z *= scale;
    }
    x
}

/// A <- H A H on the rows and columns from k + 1 on, H = I - 2 v v†, and the first column of H A below the
/// diagonal.
fn reflect(a: &mut Matrix, k: usize, v: &[C64]) {
    let start = k + 1;
    let overlap: C64 = v.iter().enumerate().map(|(i, v)| v.conj() * a[[start + i, k]]).sum::<C64>() * 2.0;
    a[[start, k]] -= v[0] * overlap;
    let mut block = a.slice_mut(ndarray::s![start.., start..]);
    let mut w: Vec<C64> =
        block.rows().into_iter().map(|row| row.iter().zip(v).map(|(a, v)| a * v).sum::<C64>()).collect();
    let mean: f64 = v.iter().zip(&w).map(|(v, w)| (v.conj() * w).re).sum();
    w.iter_mut().zip(v).for_each(|(w, v)| *w -= v * mean);
    for ((mut row, &vr), &wr) in block.rows_mut().into_iter().zip(v).zip(&w) {
        for ((element, vc), wc) in row.iter_mut().zip(v).zip(&w) {
            *element -= (vr * wc.conj() + wr * vc.conj()) * 2.0;
        }
    }
}

/// Eigenvalues (unsorted) of a symmetric tridiagonal matrix and its eigenvectors as rows. `e[i]` joins i and
/// i + 1.
fn diagonalise(mut d: Vec<f64>, mut e: Vec<f64>) -> Result<(Vec<f64>, Array2<f64>)> {
    let n = d.len();
    let mut rows = Array2::<f64>::eye(n);
    let norm = d.iter().zip(&e).map(|(d, e)| d.abs() + e.abs()).fold(0.0, f64::max);
    // The second bound ends rank-deficient matrices, whose small block is rounding of the large one.
    let negligible = |d: &[f64], e: f64, m: usize| {
        e.abs() <= f64::EPSILON * (d[m].abs() + d[m + 1].abs()) || e.abs() <= 0.01 * f64::EPSILON * norm
    };
    for l in 0..n {
        let mut sweeps = 0;
        loop {
            let m = (l..n - 1).find(|&m| negligible(&d, e[m], m)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            if sweeps == SWEEPS {
                return Err(Error::Convergence { what: "the eigen-decomposition", iterations: sweeps });
            }
            sweeps += 1;
            sweep(&mut d, &mut e, &mut rows, l, m);
        }
    }
    Ok((d, rows))
}

/// One implicit QL sweep over the unreduced block `l..=m`.
fn sweep(d: &mut [f64], e: &mut [f64], rows: &mut Array2<f64>, l: usize, m: usize) {
    let shift = (d[l + 1] - d[l]) / (2.0 * e[l]);
    let mut g = d[m] - d[l] + e[l] / (shift + shift.hypot(1.0).copysign(shift));
    let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
    for i in (l..m).rev() {
        let f = s * e[i];
        let b = c * e[i];
        let r = f.hypot(g);
        e[i + 1] = r;
        if r == 0.0 {
            d[i + 1] -= p;
            e[m] = 0.0;
            return;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        let t = (d[i] - g) * s + 2.0 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        let (lower, upper) = rows.multi_slice_mut((ndarray::s![i, ..], ndarray::s![i + 1, ..]));
        ndarray::Zip::from(lower).and(upper).for_each(|lower, upper| {
            (*lower, *upper) = (c * *lower - s * *upper, s * *lower + c * *upper);
        });
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0.0;
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;
    use crate::linalg::{diagonal, haar_unitary, identity, is_unitary, normal, outer};

    /// Residual, orthonormality and order, which together prove a decomposition.
    fn check(a: &Matrix) -> Eigen {
        let eigen = Eigen::new(a).unwrap();
        let scale = frobenius(a).max(1e-300);
        assert!(frobenius(&(eigen.map(|x| x) - a)) < 1e-13 * scale, "residual at dimension {}", a.nrows());
        assert!(is_unitary(&eigen.vectors, 1e-13));
        assert!(eigen.values.is_sorted());
        eigen
    }

    fn gaussian(n: usize, rng: &mut ChaCha8Rng) -> Matrix {
        let a = Matrix::from_shape_simple_fn((n, n), || C64::new(normal(rng), normal(rng)));
        &a + &dagger(&a)
    }

    #[test]
    fn random_matrices_of_every_small_dimension() {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        for n in (1..=20).chain([32, 33, 64]) {
            for _ in 0..4 {
                check(&gaussian(n, &mut rng));
            }
        }
    }

    #[test]
    fn known_spectra_come_back() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for n in [2, 4, 8, 16, 32] {
            let spectra = [
                (0..n).map(|i| i as f64 - 2.0).collect::<Vec<_>>(),
                (0..n).map(|i| f64::from(u8::from(i + 1 == n))).collect(),
                vec![0.25; n],
                (0..n).map(|i| if i + 1 < n { 1e-9 } else { 1.0 }).collect(),
                (0..n).map(|i| 10f64.powf(i as f64 - n as f64)).collect(),
            ];
            for spectrum in spectra {
                let u = haar_unitary(n, &mut rng);
                let eigen = check(&u.dot(&diagonal(&spectrum)).dot(&dagger(&u)));
                let scale = spectrum.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
                for (found, wanted) in eigen.values.iter().zip(&spectrum) {
                    assert!((found - wanted).abs() < 1e-13 * scale, "{found} is not {wanted}");
                }
            }
        }
    }

    #[test]
    fn pauli_y_and_diagonal_and_zero_matrices() {
        let y = ndarray::array![[C64::ZERO, -C64::I], [C64::I, C64::ZERO]];
        let eigen = check(&y);
        assert!((eigen.values[0] + 1.0).abs() < 1e-15 && (eigen.values[1] - 1.0).abs() < 1e-15);
        assert_eq!(check(&Matrix::zeros((4, 4))).values, [0.0; 4]);
        assert_eq!(check(&identity(8)).values, [1.0; 8]);
        assert_eq!(Eigen::new(&Matrix::zeros((0, 0))).unwrap().last(), []);
    }

    #[test]
    fn sparse_blocks_with_exact_zeros() {
        let mut rng = ChaCha8Rng::seed_from_u64(29);
        for _ in 0..50 {
            let mut a = gaussian(8, &mut rng);
            for i in 0..8 {
                for j in 0..i {
                    if rng.random::<f64>() < 0.7 {
                        a[[i, j]] = C64::ZERO;
                        a[[j, i]] = C64::ZERO;
                    }
                }
            }
            check(&a);
        }
    }

    #[test]
    fn huge_and_tiny_scales() {
        let mut rng = ChaCha8Rng::seed_from_u64(31);
        let a = gaussian(6, &mut rng);
        for scale in [1e-120, 1e120] {
            check(&a.mapv(|z| z * scale));
        }
    }

    #[test]
    fn last_is_the_dominant_eigenvector() {
        let v = [C64::new(0.6, 0.0), C64::new(0.0, 0.8)];
        let last = Eigen::new(&outer(&v, &v)).unwrap().last();
        let overlap: C64 = v.iter().zip(&last).map(|(a, b)| a.conj() * b).sum();
        assert!((overlap.norm() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn foreign_matrices_are_refused() {
        assert!(matches!(
            Eigen::new(&Matrix::zeros((2, 3))),
            Err(Error::NotSquare { rows: 2, columns: 3, .. })
        ));
        let mut a = identity(2);
        a[[0, 1]] = C64::from(0.5);
        assert!(matches!(Eigen::new(&a), Err(Error::NotHermitian { .. })));
        a[[0, 1]] = C64::from(f64::INFINITY);
        assert!(matches!(Eigen::new(&a), Err(Error::NotFinite { index: 1, .. })));
    }
}
