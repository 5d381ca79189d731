//! The physical state that is closest to an estimate.

use super::mitigation::nearest_distribution;
use crate::Result;
use crate::linalg::{Eigen, Matrix};

/// The density matrix closest to the Hermitian matrix `rho` in the Frobenius norm: the eigenvectors stay, the
/// eigenvalues are projected onto the probability simplex (Smolin, Gambetta and Smith, PRL 108, 070502,
/// 2012).
///
/// For a tomographic estimate of trace 1 with Gaussian noise this is the maximum-likelihood state.
///
/// # Errors
/// As [`Eigen::new`].
pub fn nearest_state(rho: &Matrix) -> Result<Matrix> {
    let mut eigen = Eigen::new(rho)?;
    eigen.values = nearest_distribution(&eigen.values);
    Ok(eigen.map(|x| x))
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;
    use crate::linalg::{dagger, diagonal, frobenius, haar_unitary, random_density, trace};

    #[test]
    fn physical_states_stay() {
        let rho = random_density(8, 3, &mut ChaCha8Rng::seed_from_u64(1));
        assert!(frobenius(&(nearest_state(&rho).unwrap() - rho)) < 1e-14);
    }

    #[test]
    fn a_worked_example() {
        // Eigenvalues 3/5, 1/2, 7/20, 1/10, -11/20 become 9/20, 7/20, 1/5, 0, 0.
        let u = haar_unitary(5, &mut ChaCha8Rng::seed_from_u64(2));
        let rotated = |values: &[f64]| u.dot(&diagonal(values)).dot(&dagger(&u));
        let state = nearest_state(&rotated(&[0.6, 0.5, 0.35, 0.1, -0.55])).unwrap();
        assert!(frobenius(&(state - rotated(&[0.45, 0.35, 0.2, 0.0, 0.0]))) < 1e-14);
    }

    #[test]
    fn no_other_state_is_closer() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let estimate = random_density(4, 4, &mut rng) * crate::C64::from(3.0)
            - random_density(4, 1, &mut rng) * crate::C64::from(2.0);
        let nearest = nearest_state(&estimate).unwrap();
        assert!((trace(&nearest).re - 1.0).abs() < 1e-14);
        let distance = frobenius(&(&nearest - &estimate));
        for _ in 0..500 {
            // The set is convex: a step towards any state must not help.
            let mixed =
                &nearest * crate::C64::from(0.99) + random_density(4, 1, &mut rng) * crate::C64::from(0.01);
            assert!(frobenius(&(mixed - &estimate)) > distance);
        }
    }
}
