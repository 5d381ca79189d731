//! Distances between states.

use super::{Eigen, Matrix, check_square};
use crate::{C64, Error, Result};

/// The inner product <a|b>, antilinear in `a`; over the shorter length if they differ.
pub fn inner(a: &[C64], b: &[C64]) -> C64 {
    a.iter().zip(b).map(|(a, b)| a.conj() * b).sum()
}

/// The purity Tr rho², from 1/d for the maximally mixed state to 1 for a pure one.
pub fn purity(rho: &Matrix) -> f64 {
    // Tr rho² is the sum of |rho_ij|² for a Hermitian matrix.
    rho.iter().map(C64::norm_sqr).sum()
}

/// The fidelity <t|rho|t> of `rho` with the pure state `target`.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::Dimension`] if the sizes differ.
pub fn state_fidelity(rho: &Matrix, target: &[C64]) -> Result<f64> {
    check_square("a density matrix", rho)?;
    check_dimension("the target state", target.len(), rho.nrows())?;
    let image = rho.rows().into_iter().map(|row| row.iter().zip(target).map(|(a, t)| a * t).sum::<C64>());
    Ok(target.iter().zip(image).map(|(t, y)| (t.conj() * y).re).sum())
}

/// The fidelity (Tr sqrt(sqrt(rho) sigma sqrt(rho)))² of two mixed states (Uhlmann 1976; Jozsa 1994).
///
/// # Errors
/// As [`Eigen::new`]; [`Error::Dimension`] if the sizes differ.
pub fn uhlmann_fidelity(rho: &Matrix, sigma: &Matrix) -> Result<f64> {
    check_square("a density matrix", sigma)?;
    check_dimension("the second state", sigma.nrows(), rho.nrows())?;
    let root = Eigen::new(rho)?.map(|x| x.max(0.0).sqrt());
    let spectrum = Eigen::new(&root.dot(sigma).dot(&root))?.values;
    Ok(spectrum.iter().map(|x| x.max(0.0).sqrt()).sum::<f64>().powi(2))
}

/// The trace distance, half of the sum of the moduli of the eigenvalues of `rho - sigma`.
///
/// # Errors
/// As [`Eigen::new`]; [`Error::Dimension`] if the sizes differ.
pub fn trace_distance(rho: &Matrix, sigma: &Matrix) -> Result<f64> {
    check_square("a density matrix", sigma)?;
    check_dimension("the second state", sigma.nrows(), rho.nrows())?;
    Ok(0.5 * Eigen::new(&(rho - sigma))?.values.iter().map(|x| x.abs()).sum::<f64>())
}

fn check_dimension(what: &'static str, found: usize, expected: usize) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::Dimension { what, found, expected }) }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;
    use crate::linalg::{diagonal, haar_state, identity, outer, random_density};

    #[test]
    fn pure_states_reduce_to_overlaps() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let (a, b) = (haar_state(8, &mut rng), haar_state(8, &mut rng));
        let (rho, sigma) = (outer(&a, &a), outer(&b, &b));
        let overlap = inner(&a, &b).norm_sqr();
        assert!((state_fidelity(&rho, &b).unwrap() - overlap).abs() < 1e-14);
        // The square root of rounding limits the mixed-state formula on pure states.
        assert!((uhlmann_fidelity(&rho, &sigma).unwrap() - overlap).abs() < 1e-6);
        assert!((trace_distance(&rho, &sigma).unwrap() - (1.0 - overlap).sqrt()).abs() < 1e-12);
        assert!((purity(&rho) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn commuting_states_follow_the_classical_formula() {
        let (p, q) = ([0.1_f64, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]);
        let wanted = p.iter().zip(q).map(|(p, q)| (p * q).sqrt()).sum::<f64>().powi(2);
        assert!((uhlmann_fidelity(&diagonal(&p), &diagonal(&q)).unwrap() - wanted).abs() < 1e-14);
        assert!((trace_distance(&diagonal(&p), &diagonal(&q)).unwrap() - 0.4).abs() < 1e-14);
        assert!((purity(&(identity(4) * C64::from(0.25))) - 0.25).abs() < 1e-15);
    }

    #[test]
    fn symmetric_and_one_with_itself() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let (rho, sigma) = (random_density(8, 8, &mut rng), random_density(8, 8, &mut rng));
        assert!((uhlmann_fidelity(&rho, &rho).unwrap() - 1.0).abs() < 1e-12);
        let forth = uhlmann_fidelity(&rho, &sigma).unwrap();
        assert!((forth - uhlmann_fidelity(&sigma, &rho).unwrap()).abs() < 1e-12);
        let distance = trace_distance(&rho, &sigma).unwrap();
        assert!(1.0 - forth.sqrt() <= distance && distance <= (1.0 - forth).sqrt());
    }

    #[test]
    fn sizes_must_agree() {
        let wanted = Error::Dimension { what: "the target state", found: 2, expected: 4 };
        assert_eq!(state_fidelity(&identity(4), &[C64::ONE; 2]), Err(wanted));
        assert!(uhlmann_fidelity(&identity(4), &identity(2)).is_err());
        assert!(trace_distance(&identity(2), &identity(4)).is_err());
    }
}
