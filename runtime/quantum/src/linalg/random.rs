//! Random matrices and states; the caller brings the seeded generator.

use rand::{Rng, RngExt};

use super::{Matrix, dagger, inner, trace};
use crate::C64;

/// A standard normal deviate (Box and Muller 1958; the second of the pair is dropped, so that no state is
/// kept).
pub fn normal<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    // 1 - u lies in (0, 1]: the logarithm is finite.
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// A pure state drawn uniformly from the unit sphere of C^`dim`.
pub fn haar_state<R: Rng + ?Sized>(dim: usize, rng: &mut R) -> Vec<C64> {
    let mut state: Vec<C64> = (0..dim).map(|_| complex_normal(rng)).collect();
    normalise(&mut state);
    state
}

/// A unitary drawn from the Haar measure: QR of a complex Gaussian matrix, the diagonal of R positive
/// (Mezzadri 2007).
pub fn haar_unitary<R: Rng + ?Sized>(dim: usize, rng: &mut R) -> Matrix {
    let mut columns: Vec<Vec<C64>> = Vec::with_capacity(dim);
    for _ in 0..dim {
        let mut column: Vec<C64> = (0..dim).map(|_| complex_normal(rng)).collect();
        // A second pass restores the orthogonality that one pass of Gram-Schmidt loses to rounding.
        for _ in 0..2 {
            for previous in &columns {
                let overlap = inner(previous, &column);
                column.iter_mut().zip(previous).for_each(|(z, p)| *z -= p * overlap);
            }
            normalise(&mut column);
        }
        columns.push(column);
    }
    Matrix::from_shape_fn((dim, dim), |(row, column)| columns[column][row])
}

/// A density matrix G G† / Tr(G G†) with Gaussian G of shape `dim` x `rank` (Zyczkowski and Sommers 2001);
/// rank `dim` is the Hilbert-Schmidt measure, rank 1 a Haar-random pure state. Rank 0 counts as 1.
pub fn random_density<R: Rng + ?Sized>(dim: usize, rank: usize, rng: &mut R) -> Matrix {
    let g = Matrix::from_shape_simple_fn((dim, rank.max(1)), || complex_normal(rng));
    let rho = g.dot(&dagger(&g));
    let weight = trace(&rho).re;
    rho.mapv(|z| z / weight)
}

fn complex_normal<R: Rng + ?Sized>(rng: &mut R) -> C64 {
    let re = normal(rng);
    C64::new(re, normal(rng))
}

fn normalise(state: &mut [C64]) {
    let norm = state.iter().map(C64::norm_sqr).sum::<f64>().sqrt();
    for z in state {
        *z /= norm;
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;
    use crate::linalg::{Eigen, is_unitary};

    #[test]
    fn unitaries_are_unitary_and_seeded() {
        for dim in [1, 2, 3, 16, 64] {
            let u = haar_unitary(dim, &mut ChaCha8Rng::seed_from_u64(1));
            assert!(is_unitary(&u, 1e-13));
            assert_eq!(u, haar_unitary(dim, &mut ChaCha8Rng::seed_from_u64(1)));
        }
    }

    #[test]
    fn moments_are_those_of_the_haar_measure() {
        // E |Tr U|² = 1 and E |u_00|⁴ = 2 / (d (d + 1)).
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let (samples, dim) = (4000, 4);
        let (mut squared_trace, mut fourth) = (0.0, 0.0);
        for _ in 0..samples {
            let u = haar_unitary(dim, &mut rng);
            squared_trace += trace(&u).norm_sqr() / f64::from(samples);
            fourth += u[[0, 0]].norm_sqr().powi(2) / f64::from(samples);
        }
        assert!((squared_trace - 1.0).abs() < 0.08, "E|Tr U|² = {squared_trace}");
        assert!((fourth - 0.1).abs() < 0.01, "E|u|⁴ = {fourth}");
    }

    #[test]
    fn densities_have_the_rank_asked_for() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let rho = random_density(8, 3, &mut rng);
        let values = Eigen::new(&rho).unwrap().values;
        assert!((values.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        assert!(values[4].abs() < 1e-14 && values[5] > 1e-6);
    }

    #[test]
    fn normal_deviates_have_unit_variance() {
        let mut rng = ChaCha8Rng::seed_from_u64(12);
        let samples: Vec<f64> = (0..40_000).map(|_| normal(&mut rng)).collect();
        let mean = samples.iter().sum::<f64>() / 40_000.0;
        let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 40_000.0;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03);
    }
}
