//! The matrix type, its products and its checks.

use ndarray::Array2;

use crate::{C64, Error, Result};

/// A dense complex matrix, row-major; basis index little-endian (operand 0 is the least significant bit).
pub type Matrix = Array2<C64>;

/// The identity of dimension `dim`.
pub fn identity(dim: usize) -> Matrix {
    Matrix::eye(dim)
}

/// The diagonal matrix of real `values`.
pub fn diagonal(values: &[f64]) -> Matrix {
    Matrix::from_diag(&values.iter().map(|&x| C64::from(x)).collect::<ndarray::Array1<_>>())
}

/// The conjugate transpose.
pub fn dagger(a: &Matrix) -> Matrix {
    a.t().mapv(|z| z.conj())
}

/// The sum of the diagonal (of the leading square, if the matrix is none).
pub fn trace(a: &Matrix) -> C64 {
    a.diag().sum()
}

/// The Frobenius norm, the square root of the sum of all squared moduli.
pub fn frobenius(a: &Matrix) -> f64 {
    a.iter().map(C64::norm_sqr).sum::<f64>().sqrt()
}

/// The Kronecker product: `high` acts on the more significant qubits, `low` on the less significant ones.
pub fn kron(high: &Matrix, low: &Matrix) -> Matrix {
    let (rows, columns) = low.dim();
    let shape = (high.nrows() * rows, high.ncols() * columns);
    Matrix::from_shape_fn(shape, |(r, c)| high[[r / rows, c / columns]] * low[[r % rows, c % columns]])
}

/// The rank-one matrix |a><b|.
pub fn outer(a: &[C64], b: &[C64]) -> Matrix {
    Matrix::from_shape_fn((a.len(), b.len()), |(r, c)| a[r] * b[c].conj())
}

/// Whether `a` is square and no element of a† a is farther than `tolerance` from the identity's. Never true
/// with a NaN.
pub fn is_unitary(a: &Matrix, tolerance: f64) -> bool {
    a.is_square() && all_within(&dagger(a).dot(a), &identity(a.nrows()), tolerance)
}

/// Whether `a` is square and no element of a† is farther than `tolerance` from the one of `a`. Never true
/// with a NaN.
pub fn is_hermitian(a: &Matrix, tolerance: f64) -> bool {
    a.is_square() && all_within(&dagger(a), a, tolerance)
}

/// The state of the qubits `keep` of `rho`, the others traced out. Qubit `keep[i]` becomes qubit `i` of the
/// result.
///
/// # Errors
/// [`Error::Dimension`] if `rho` is not square or its dimension is no power of two, [`Error::QubitIndex`] if
/// a kept qubit is out of range, [`Error::RepeatedQubit`] if it is named twice.
pub fn partial_trace(rho: &Matrix, keep: &[usize]) -> Result<Matrix> {
    check_square("a density matrix", rho)?;
    let dim = rho.nrows();
    if !dim.is_power_of_two() {
        return Err(Error::Dimension {
            what: "a density matrix of qubits",
            found: dim,
            expected: dim.next_power_of_two(),
        });
    }
    let width = dim.trailing_zeros() as usize;
    for (position, &qubit) in keep.iter().enumerate() {
        if qubit >= width {
            return Err(Error::QubitIndex { qubit, width });
        }
        if keep[..position].contains(&qubit) {
            return Err(Error::RepeatedQubit { qubit });
        }
    }
    let traced: Vec<usize> = (0..width).filter(|qubit| !keep.contains(qubit)).collect();
    let size = 1 << keep.len();
    let mut result = Matrix::zeros((size, size));
    for ((row, column), element) in result.indexed_iter_mut() {
        let (row, column) = (spread(row, keep), spread(column, keep));
        *element = (0..1 << traced.len())
            .map(|rest| spread(rest, &traced))
            .map(|rest| rho[[row | rest, column | rest]])
            .sum();
    }
    Ok(result)
}

/// The index whose bit `places[i]` is bit `i` of `bits`.
fn spread(bits: usize, places: &[usize]) -> usize {
    places.iter().enumerate().fold(0, |index, (i, &place)| index | ((bits >> i & 1) << place))
}

fn all_within(a: &Matrix, b: &Matrix, tolerance: f64) -> bool {
    a.iter().zip(b).all(|(x, y)| (x - y).norm() <= tolerance)
}

/// Refuses a matrix that is not square.
pub(crate) fn check_square(what: &'static str, a: &Matrix) -> Result<()> {
    if a.is_square() { Ok(()) } else { Err(Error::NotSquare { what, rows: a.nrows(), columns: a.ncols() }) }
}

/// Refuses NaN and infinity in a matrix.
pub(crate) fn check_finite(what: &'static str, a: &Matrix) -> Result<()> {
    match a.iter().position(|z| !z.is_finite()) {
        None => Ok(()),
        Some(index) => {
            let z = a[[index / a.ncols(), index % a.ncols()]];
            let value = if z.re.is_finite() { z.im } else { z.re };
            Err(Error::NotFinite { what, index, value })
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;
    use crate::linalg::{haar_unitary, random_density};

    fn c(re: f64, im: f64) -> C64 {
        C64::new(re, im)
    }

    #[test]
    fn kron_puts_the_second_factor_on_the_lower_qubits() {
        let x = ndarray::array![[c(0., 0.), c(1., 0.)], [c(1., 0.), c(0., 0.)]];
        let on_qubit_0 = kron(&identity(2), &x);
        assert_eq!(on_qubit_0[[1, 0]], c(1., 0.));
        assert_eq!(on_qubit_0[[2, 0]], c(0., 0.));
    }

    #[test]
    fn checks_reject_nan_and_wrong_shapes() {
        let mut u = haar_unitary(4, &mut ChaCha8Rng::seed_from_u64(1));
        assert!(is_unitary(&u, 1e-12) && !is_hermitian(&u, 1e-3));
        assert!(is_hermitian(&(&u + &dagger(&u)), 1e-15));
        u[[1, 2]] = c(0.0, f64::NAN);
        assert!(!is_unitary(&u, f64::MAX) && !is_hermitian(&u, f64::MAX));
        let Err(Error::NotFinite { index: 6, value, .. }) = check_finite("a", &u) else {
            panic!("index 6 is NaN")
        };
        assert!(value.is_nan());
        assert!(!is_unitary(&Matrix::zeros((2, 3)), 1.0));
    }

    #[test]
    fn partial_trace_of_a_product_gives_its_factors_in_the_order_asked_for() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let factors: Vec<Matrix> = (0..3).map(|_| random_density(2, 2, &mut rng)).collect();
        let rho = kron(&kron(&factors[2], &factors[1]), &factors[0]);
        let pair = partial_trace(&rho, &[2, 0]).unwrap();
        assert!(frobenius(&(pair - kron(&factors[0], &factors[2]))) < 1e-14);
        let none = partial_trace(&rho, &[]).unwrap();
        assert!((none[[0, 0]] - 1.0).norm() < 1e-14);
        assert_eq!(partial_trace(&rho, &[3]), Err(Error::QubitIndex { qubit: 3, width: 3 }));
        assert_eq!(partial_trace(&rho, &[1, 1]), Err(Error::RepeatedQubit { qubit: 1 }));
        assert!(matches!(partial_trace(&identity(3), &[0]), Err(Error::Dimension { found: 3, .. })));
        assert!(matches!(
            partial_trace(&Matrix::zeros((2, 3)), &[0]),
            Err(Error::NotSquare { columns: 3, .. })
        ));
    }
}
