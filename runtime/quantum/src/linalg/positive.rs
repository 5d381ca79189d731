//! Real positive-definite systems.

use crate::{Error, Result};

/// Solves `a x = b` for a symmetric positive-definite `a`, given by its rows, by Cholesky decomposition.
///
/// # Errors
/// [`Error::Dimension`] where the sizes differ, [`Error::NotPositive`] where `a` is not positive definite.
pub fn solve_positive(mut a: Vec<Vec<f64>>, b: &[f64]) -> Result<Vec<f64>> {
    let n = b.len();
    if let Some(found) = std::iter::once(a.len()).chain(a.iter().map(Vec::len)).find(|found| *found != n) {
        return Err(Error::Dimension { what: "the matrix of a linear system", found, expected: n });
    }
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(p, q)| p * q).sum::<f64>();
    for row in 0..n {
        for column in 0..=row {
            let (above, below) = a.split_at_mut(row);
            let lower = &mut below[0];
            if column < row {
                let done = dot(&lower[..column], &above[column][..column]);
                lower[column] = (lower[column] - done) / above[column][column];
            } else {
                let pivot = lower[row] - dot(&lower[..row], &lower[..row]);
                // NaN compares false, so the test is for what is wanted
                if pivot > 0.0 {
                    lower[row] = pivot.sqrt();
                } else {
                    return Err(Error::NotPositive { row, pivot });
                }
            }
        }
    }
    let mut x = b.to_vec();
    for row in 0..n {
        x[row] = (x[row] - dot(&a[row][..row], &x[..row])) / a[row][row];
    }
    for row in (0..n).rev() {
        let done: f64 = (row + 1..n).map(|k| a[k][row] * x[k]).sum();
        x[row] = (x[row] - done) / a[row][row];
    }
    Ok(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_solution_solves() {
        let a = vec![vec![4.0, 2.0, 0.6], vec![2.0, 5.0, 1.0], vec![0.6, 1.0, 3.0]];
        let b = [1.0, -2.0, 0.5];
        let x = solve_positive(a.clone(), &b).unwrap();
        for (row, b) in a.iter().zip(b) {
            let product: f64 = row.iter().zip(&x).map(|(a, x)| a * x).sum();
            assert!((product - b).abs() < 1e-14);
        }
        let flat = vec![vec![1.0, 1.0], vec![1.0, 1.0]];
        assert!(matches!(solve_positive(flat, &[1.0, 0.0]), Err(Error::NotPositive { row: 1, .. })));
        assert!(matches!(solve_positive(a, &[1.0]), Err(Error::Dimension { found: 3, expected: 1, .. })));
    }
}
