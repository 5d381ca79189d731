//! The eigenvector of the largest eigenvalue, by power iteration where the gap allows it.

use ndarray::Array1;

use super::{Eigen, Matrix, check_finite, check_square};
use crate::{C64, Result};

/// Iterations after which the full decomposition is cheaper.
const ITERATIONS: usize = 64;

/// The largest eigenvalue of a Hermitian matrix and its eigenvector.
#[derive(Debug, Clone, PartialEq)]
pub struct Dominant {
    /// The eigenvalue.
    pub value: f64,
    /// The eigenvector, of norm 1; its phase makes the largest element real and positive.
    pub vector: Vec<C64>,
}

/// The largest eigenvalue (not modulus) of the Hermitian matrix `a`, with its eigenvector.
///
/// Power iteration from a fixed vector that is close to no basis state, until the residual is 1e-14 of the
/// eigenvalue; [`Eigen`] takes over where the gap is small or the eigenvalue of largest modulus is negative.
///
/// # Errors
/// As [`Eigen::new`]; a matrix is only checked for being Hermitian where it comes to that.
pub fn dominant(a: &Matrix) -> Result<Dominant> {
    check_square("a Hermitian matrix", a)?;
    check_finite("a Hermitian matrix", a)?;
    if let Some(found) = power_iteration(a) {
        return Ok(found);
    }
    let eigen = Eigen::new(a)?;
    let vector = with_standard_phase(eigen.last());
    Ok(Dominant { value: eigen.values.last().copied().unwrap_or_default(), vector })
}

fn power_iteration(a: &Matrix) -> Option<Dominant> {
    let mut x = generic_state(a.nrows());
    for _ in 0..ITERATIONS {
        let y = a.dot(&x);
        let value = x.iter().zip(&y).map(|(x, y)| (x.conj() * y).re).sum::<f64>();
        let norm = y.iter().map(C64::norm_sqr).sum::<f64>().sqrt();
        if value <= 0.0 || !norm.is_finite() {
            return None;
        }
        let residual = x.iter().zip(&y).map(|(x, y)| (y - x * value).norm_sqr()).sum::<f64>().sqrt();
        x = y.mapv(|z| z / norm);
        if residual <= 1e-14 * value {
            return Some(Dominant { value, vector: with_standard_phase(x.to_vec()) });
        }
    }
    None
}

/// A unit vector without symmetry: moduli differ, phases follow the golden ratio.
fn generic_state(dim: usize) -> Array1<C64> {
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    let x: Array1<C64> = (0..dim)
        .map(|i| C64::from_polar(1.0 + 0.5 * (i as f64 * golden).fract(), 6.0 * (i * i + 1) as f64 * golden))
        .collect();
    let norm = x.iter().map(C64::norm_sqr).sum::<f64>().sqrt();
    x.mapv(|z| z / norm)
}

fn with_standard_phase(mut vector: Vec<C64>) -> Vec<C64> {
    if let Some(&largest) = vector.iter().max_by(|a, b| a.norm_sqr().total_cmp(&b.norm_sqr()))
        && largest != C64::ZERO
    {
        let phase = largest.conj() / largest.norm();
        for z in &mut vector {
            *z *= phase;
        }
    }
    vector
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;
    use crate::Error;
    use crate::linalg::{dagger, diagonal, haar_unitary, inner};

    fn with_spectrum(spectrum: &[f64], rng: &mut ChaCha8Rng) -> (Matrix, Vec<C64>) {
        let u = haar_unitary(spectrum.len(), rng);
        (u.dot(&diagonal(spectrum)).dot(&dagger(&u)), u.column(0).to_vec())
    }

    #[test]
    fn agrees_with_the_known_vector_whatever_the_gap() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        for second in [0.0, 0.1, 0.5, 0.65, 0.699] {
            let mut spectrum = vec![0.001; 32];
            spectrum[0] = 0.7;
            spectrum[1] = second;
            let (a, wanted) = with_spectrum(&spectrum, &mut rng);
            let found = dominant(&a).unwrap();
            assert!((found.value - 0.7).abs() < 1e-13);
            assert!((inner(&wanted, &found.vector).norm() - 1.0).abs() < 1e-12, "second eigenvalue {second}");
        }
    }

    #[test]
    fn largest_is_not_largest_modulus() {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        for spectrum in [[0.5, -3.0, 0.1, 0.0], [-1.0, -2.0, -3.0, -4.0], [1.0, -1.0, 0.2, 0.1]] {
            let (a, wanted) = with_spectrum(&spectrum, &mut rng);
            let found = dominant(&a).unwrap();
            assert!((found.value - spectrum[0]).abs() < 1e-12);
            assert!((inner(&wanted, &found.vector).norm() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn block_matrix_whose_largest_diagonal_misleads() {
        let mut a = diagonal(&[0.5, 0.4, 0.4, 0.0]);
        a[[1, 2]] = C64::new(0.0, 0.4);
        a[[2, 1]] = C64::new(0.0, -0.4);
        assert!((dominant(&a).unwrap().value - 0.8).abs() < 1e-14);
    }

    #[test]
    fn zero_and_foreign_matrices() {
        assert_eq!(dominant(&Matrix::zeros((2, 2))).unwrap().value, 0.0);
        assert!(matches!(dominant(&Matrix::zeros((2, 3))), Err(Error::NotSquare { .. })));
        let nan = Matrix::from_elem((2, 2), C64::from(f64::NAN));
        assert!(matches!(dominant(&nan), Err(Error::NotFinite { .. })));
    }
}
