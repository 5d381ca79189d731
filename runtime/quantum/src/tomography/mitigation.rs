//! Readout mitigation: undoing the confusion of each qubit's outcome.

use super::measurement::check_width;
use crate::circuit::Confusion;
use crate::{Error, Result};

/// Smallest determinant of a confusion matrix that is inverted; below it the outcome says next to nothing.
const SINGULAR: f64 = 1e-3;

/// The outcome distribution before readout: `frequencies` with the inverse of the confusion of each qubit
/// applied.
///
/// Unbiased, but with finite counts some entries may be negative; [`nearest_distribution`] removes them at
/// the price of a bias.
///
/// # Errors
/// [`Error::Dimension`] if there are not `2^n` frequencies for `n` confusions; [`Error::NotFinite`];
/// [`Error::SingularReadout`] if a qubit's outcome is nearly independent of its state.
pub fn mitigate(frequencies: &[f64], readout: &[Confusion]) -> Result<Vec<f64>> {
    check_width(readout.len())?;
    let expected = 1 << readout.len();
    if frequencies.len() != expected {
        return Err(Error::Dimension { what: "a list of frequencies", found: frequencies.len(), expected });
    }
    if let Some(index) = frequencies.iter().position(|f| !f.is_finite()) {
        return Err(Error::NotFinite { what: "a list of frequencies", index, value: frequencies[index] });
    }
    let mut distribution = frequencies.to_vec();
    apply(&mut distribution, &inverses(readout)?);
    Ok(distribution)
}

/// The probability distribution that is closest to `quasi` in the Euclidean norm (Smolin, Gambetta and Smith
/// 2012). The entries of `quasi` must be finite.
pub fn nearest_distribution(quasi: &[f64]) -> Vec<f64> {
    let mut sorted = quasi.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    // The largest k for which the k largest entries, shifted to sum to one, stay positive.
    let mut sum = 0.0;
    let mut shift = 0.0;
    for (k, &entry) in sorted.iter().enumerate() {
        sum += entry;
        let candidate = (sum - 1.0) / (k + 1) as f64;
        if entry > candidate {
            shift = candidate;
        }
    }
    quasi.iter().map(|entry| (entry - shift).max(0.0)).collect()
}

/// A 2 x 2 matrix for each qubit, row-major, that acts on the distribution of its outcome.
pub(super) type Maps = Vec<[f64; 4]>;

/// The confusion matrices: columns are the true outcomes, rows the reported ones.
pub(super) fn confusions(readout: &[Confusion]) -> Result<Maps> {
    readout
        .iter()
        .enumerate()
        .map(|(qubit, c)| {
            for (name, found) in [("p1_given_0", c.p1_given_0), ("p0_given_1", c.p0_given_1)] {
                if !(0.0..=1.0).contains(&found) {
                    return Err(Error::Setting { name, found, expected: "a probability in [0, 1]" });
                }
            }
            let determinant = 1.0 - c.p1_given_0 - c.p0_given_1;
            if determinant.abs() < SINGULAR {
                return Err(Error::SingularReadout { qubit, determinant });
            }
            Ok([1.0 - c.p1_given_0, c.p0_given_1, c.p1_given_0, 1.0 - c.p0_given_1])
        })
        .collect()
}

/// The inverses of the confusion matrices.
pub(super) fn inverses(readout: &[Confusion]) -> Result<Maps> {
    let invert = |[a, b, c, d]: [f64; 4]| {
        let determinant = a * d - b * c;
        [d / determinant, -b / determinant, -c / determinant, a / determinant]
    };
    Ok(confusions(readout)?.into_iter().map(invert).collect())
}

/// Applies the matrix of qubit `q` to bit `q` of the index, for each qubit.
pub(super) fn apply(distribution: &mut [f64], maps: &[[f64; 4]]) {
    for (qubit, &[a, b, c, d]) in maps.iter().enumerate() {
        let stride = 1 << qubit;
        for block in distribution.chunks_exact_mut(2 * stride) {
            let (zeros, ones) = block.split_at_mut(stride);
            for (zero, one) in zeros.iter_mut().zip(ones) {
                (*zero, *one) = (a * *zero + b * *one, c * *zero + d * *one);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confusion(p1_given_0: f64, p0_given_1: f64) -> Confusion {
        Confusion { p1_given_0, p0_given_1 }
    }

    #[test]
    fn inverts_the_tensor_product_of_confusions() {
        let readout = [confusion(0.02, 0.05), confusion(0.1, 0.01), confusion(0.0, 0.2)];
        let truth: Vec<f64> = (1..=8).map(|i| f64::from(i) / 36.0).collect();
        // Dense oracle: the probability of each report is the sum over true outcomes.
        let reported: Vec<f64> = (0..8)
            .map(|report: usize| {
                (0..8)
                    .map(|outcome: usize| {
                        let each = readout.iter().enumerate().map(|(q, c)| {
                            match (outcome >> q & 1, report >> q & 1) {
                                (0, 0) => 1.0 - c.p1_given_0,
                                (0, _) => c.p1_given_0,
                                (_, 0) => c.p0_given_1,
                                _ => 1.0 - c.p0_given_1,
                            }
                        });
                        each.product::<f64>() * truth[outcome]
                    })
                    .sum()
            })
            .collect();
        let mut forward = truth.clone();
        apply(&mut forward, &confusions(&readout).unwrap());
        assert!(forward.iter().zip(&reported).all(|(a, b)| (a - b).abs() < 1e-15));
        let mitigated = mitigate(&reported, &readout).unwrap();
        assert!(mitigated.iter().zip(&truth).all(|(a, b)| (a - b).abs() < 1e-14));
    }

    #[test]
    fn the_nearest_distribution_satisfies_the_optimality_conditions() {
        for quasi in
            [vec![0.7, 0.5, -0.2], vec![0.2, 0.3, 0.5], vec![2.0, -3.0], vec![-1.0, -1.0], vec![0.4; 4]]
        {
            let p = nearest_distribution(&quasi);
            assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-14, "{p:?}");
            // One shift on the support, and no entry outside of it that would stay positive under it.
            let shift = p.iter().zip(&quasi).find(|(p, _)| **p > 0.0).map(|(p, q)| q - p).unwrap();
            for (p, q) in p.iter().zip(&quasi) {
                assert!(if *p > 0.0 { (q - p - shift).abs() < 1e-14 } else { *q <= shift + 1e-14 });
            }
        }
        assert_eq!(nearest_distribution(&[0.25; 4]), [0.25; 4]);
    }

    #[test]
    fn bad_input_is_refused() {
        let fair = [confusion(0.5, 0.5)];
        let wanted = Error::SingularReadout { qubit: 0, determinant: 0.0 };
        assert_eq!(mitigate(&[0.5, 0.5], &fair), Err(wanted));
        let good = [confusion(0.1, 0.1)];
        assert!(matches!(mitigate(&[1.0; 4], &good), Err(Error::Dimension { found: 4, expected: 2, .. })));
        assert!(matches!(mitigate(&[1.0, f64::NAN], &good), Err(Error::NotFinite { index: 1, .. })));
        assert!(matches!(mitigate(&[1.0, 0.0], &[confusion(f64::NAN, 0.0)]), Err(Error::Setting { .. })));
        assert!(matches!(mitigate(&[1.0, 0.0], &[confusion(1.1, 0.0)]), Err(Error::Setting { .. })));
    }
}
