//! Coefficients of the KIK method: an inverse square root of the noise as a polynomial of it.

use crate::linalg::solve_positive;
use crate::{Error, Result};

/// Most folds; beyond it the coefficients are larger than anything they are applied to.
const MAX_ORDER: usize = 8;

/// Below this interval the series about 1 is the least-squares fit to all digits.
const NARROW: f64 = 1e-3;

/// Nodes and weights of Gauss-Legendre quadrature of ten points, those above 0.
const GAUSS: [(f64, f64); 5] = [
    (0.148_874_338_981_631_21, 0.295_524_224_714_752_87),
    (0.433_395_394_129_247_2, 0.269_266_719_309_996_35),
    (0.679_409_568_299_024_4, 0.219_086_362_515_982_04),
    (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
    (0.973_906_528_517_171_7, 0.066_671_344_308_688_14),
];

/// The weights of `K`, `K K^I K`, `K (K^I K)^2`, .. up to `order` folds in `K (K^I K)^(-1/2)` (arXiv:2303.05001): the
/// coefficients `a` of `Σ a_j x^j ≈ x^(-1/2)`.
///
/// The noise of `K^I K` shrinks some part of the state by a factor x between `floor` and 1. The polynomial is the least-squares
/// fit on `[floor, 1]`, exact at 1 because a channel keeps the trace. At `floor` 1 it is the Taylor series,
/// `a_j = (-1)^j (2M+1)!! / (2^M (2j+1) j! (M-j)!)`, which is Richardson's on noise 1, 3, 5, ..
///
/// That the fit is adapted to the strength of the noise is the paper's; of its text the abstract and a figure were at hand, so the
/// form of the fit, and that a measured return probability μ puts `floor` at μ², are ours.
///
/// # Errors
/// [`Error::Setting`] for no or more than eight folds, or a `floor` that is not above 0 and at most 1.
pub fn kik_coefficients(order: usize, floor: f64) -> Result<Vec<f64>> {
    if !(1..=MAX_ORDER).contains(&order) {
        return Err(Error::Setting { name: "folds", found: order as f64, expected: "1 to 8" });
    }
    if !(floor > 0.0 && floor <= 1.0) {
        return Err(Error::Setting {
            name: "the smallest factor of a noise",
            found: floor,
            expected: "a number above 0 and at most 1",
        });
    }
    if 1.0 - floor < NARROW {
        return Ok(taylor(order));
    }
    // With x = 1 - w t: Σ_{j>0} c_j t^j ≈ (1 - w t)^(-1/2) - 1 for t in [0, 1]
    let width = 1.0 - floor;
    let mut normal = vec![vec![0.0; order]; order];
    let mut right = vec![0.0; order];
    // The root has a singularity at x = 0: panels that halve towards it
    let mut high = 0.0;
    for panel in 0..12 {
        let low = high;
        high = if panel == 11 { 1.0 } else { 0.5 * (1.0 + low) };
        let (middle, half) = (0.5 * (low + high), 0.5 * (high - low));
        for (node, weight) in GAUSS.iter().flat_map(|(x, w)| [(*x, *w), (-*x, *w)]) {
            let t = middle + half * node;
            let wanted = (1.0 - width * t).sqrt().recip() - 1.0;
            for row in 0..order {
                right[row] += half * weight * wanted * power(t, row + 1);
                for (column, entry) in normal[row].iter_mut().enumerate() {
                    *entry += half * weight * power(t, row + column + 2);
                }
            }
        }
    }
    let solved = solve_positive(normal, &right)?;
    // t = (1 - x) / w, so t^j = Σ_k (j over k) (-x)^k / w^j
    let mut coefficients = vec![0.0; order + 1];
    coefficients[0] = 1.0;
    for (j, c) in (1..).zip(solved) {
        let scale = c / power(width, j);
        for (k, a) in coefficients.iter_mut().enumerate().take(j + 1) {
            *a += scale * binomial(j, k) * if k % 2 == 0 { 1.0 } else { -1.0 };
        }
    }
    Ok(coefficients)
}

/// The series of x^(-1/2) about 1, by powers of x.
fn taylor(order: usize) -> Vec<f64> {
    let m = order as f64;
    let double: f64 = (0..=order).map(|k| 2.0 * k as f64 + 1.0).product();
    (0..=order)
        .map(|j| {
            let sign = if j % 2 == 0 { 1.0 } else { -1.0 };
            sign * double / (2.0_f64.powf(m) * (2.0 * j as f64 + 1.0) * factorial(j) * factorial(order - j))
        })
        .collect()
}

fn power(x: f64, n: usize) -> f64 {
    (0..n).map(|_| x).product()
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

fn binomial(n: usize, k: usize) -> f64 {
    factorial(n) / (factorial(k) * factorial(n - k))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_noise_gives_richardsons_coefficients() {
        for (order, expected) in [(1, vec![1.5, -0.5]), (2, vec![1.875, -1.25, 0.375])] {
            for floor in [1.0, 0.999_5, 0.99] {
                let found = kik_coefficients(order, floor).unwrap();
                let tolerance = 3.0 * (1.0 - floor) + 1e-12;
                for (a, b) in found.iter().zip(&expected) {
                    assert!((a - b).abs() < tolerance, "{order} {floor}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn one_fold_is_the_closed_form() {
        // a_1 = ∫ (x^(-1/2) - 1)(x - 1) / ∫ (x - 1)²
        for g in [0.9_f64, 0.5, 0.1, 0.01] {
            let mixed =
                2.0 / 3.0 * (1.0 - g.powf(1.5)) - 2.0 * (1.0 - g.sqrt()) - 0.5 * (1.0 - g * g) + (1.0 - g);
            let expected = mixed / ((1.0 - g).powi(3) / 3.0);
            let found = kik_coefficients(1, g).unwrap();
            assert!((found[1] - expected).abs() < 1e-9, "{g}: {found:?} {expected}");
            assert!((found[0] + found[1] - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn strong_noise_is_fitted_better_than_by_the_series() {
        let worst = |coefficients: &[f64]| {
            (0..=100)
                .map(|k| 0.2 + 0.008 * f64::from(k))
                .map(|x: f64| {
                    let sum: f64 = (0..).zip(coefficients).map(|(j, a)| a * x.powi(j)).sum();
                    (sum - x.sqrt().recip()).powi(2)
                })
                .sum::<f64>()
        };
        for order in 1..=4 {
            let adapted = worst(&kik_coefficients(order, 0.2).unwrap());
            let series = worst(&kik_coefficients(order, 1.0).unwrap());
            assert!(adapted < 0.2 * series, "{order}: {adapted} {series}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (order, floor) in [(0, 0.5), (9, 0.5), (1, 0.0), (1, -1.0), (1, 1.1), (1, f64::NAN)] {
            assert!(matches!(kik_coefficients(order, floor), Err(Error::Setting { .. })));
        }
    }
}
