//! The Gauss-Newton step: where to move so that the device's dominant eigenvector reaches the target at once.

use std::f64::consts::FRAC_1_SQRT_2;

use super::Preparation;
use crate::gradient::RankOnes;
use crate::linalg::{self, dominant};
use crate::{C64, Matrix, Result};

/// The longest step, in radians over all parameters together: beyond it the linear model is not to be believed.
const LONGEST: f64 = 0.7;

/// The damped Gauss-Newton step (Levenberg 1944) `J^T (J J^T + damping)^-1 r`: `r` is the way from the measured
/// dominant eigenvectors to the targets, `J` how the *ideal* states move with the parameters, tangent to the state.
///
/// As in the straight-through rule the device gives only the residual. Each row of `J` is one vector-Jacobian product
/// with the rank-2 operator `|b><psi| + |psi><b|`, so the step costs `2 (2^n - 1)` sweeps for each case and no further
/// execution on the device.
///
/// An angle moves the state by at most half of what it changes. A parameter that moves it by more, such as the amplitude of a
/// pulse, is measured in the angle by which it turns (the scaling of Marquardt 1963): else the step would be made of it alone.
pub(super) fn step(
    task: &dyn Preparation,
    values: &[f64],
    densities: &[Matrix],
    damping: f64,
) -> Result<Vec<f64>> {
    let (mut rows, mut residual) = (Vec::new(), Vec::new());
    for (case, (target, rho)) in task.targets().into_iter().zip(densities).enumerate() {
        let state = task.state(case, values)?;
        let psi = state.as_slice();
        let way = way(&dominant(rho)?.vector, target.amplitudes(), psi);
        for tangent in tangents(psi) {
            // |b><psi| + |psi><b| by its two eigenvectors
            let mixed =
                |sign: f64| psi.iter().zip(&tangent).map(|(p, b)| (p + b * sign) * FRAC_1_SQRT_2).collect();
            let operator = RankOnes::new(vec![(1.0, mixed(1.0)), (-1.0, mixed(-1.0))])?;
            rows.push(task.gradient(case, &operator, values)?.gradient);
            // the expectation moves at twice the rate of the amplitude
            residual.push(2.0 * linalg::inner(&tangent, &way).re);
        }
    }
    let units = units(&rows, values.len(), densities.len());
    for row in &mut rows {
        row.iter_mut().zip(&units).for_each(|(slope, unit)| *slope /= unit);
    }
    let normal: Vec<Vec<f64>> = rows
        .iter()
        .enumerate()
        .map(|(r, a)| {
            let products = rows.iter().map(|b| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>());
            products
                .enumerate()
                .map(|(c, product)| product + if r == c { 4.0 * damping } else { 0.0 })
                .collect()
        })
        .collect();
    let weights = linalg::solve_positive(normal, &residual)?;
    let mut step = vec![0.0; values.len()];
    for (row, weight) in rows.iter().zip(&weights) {
        step.iter_mut().zip(row).for_each(|(sum, slope)| *sum += weight * slope);
    }
    let length = step.iter().map(|x| x * x).sum::<f64>().sqrt();
    if length > LONGEST {
        for x in &mut step {
            *x *= LONGEST / length;
        }
    }
    Ok(step.iter().zip(&units).map(|(x, unit)| x / unit).collect())
}

/// For each parameter by how many radians its unit turns the states in the mean, at least 1: the norm of its column of the
/// Jacobian, which an angle brings to 1 at most.
fn units(rows: &[Vec<f64>], parameters: usize, cases: usize) -> Vec<f64> {
    let column = |k: usize| rows.iter().map(|row| row[k] * row[k]).sum::<f64>();
    (0..parameters).map(|k| (column(k) / cases as f64).sqrt().max(1.0)).collect()
}

/// The geodesic from `from` to `to` as a vector at `at`: as long as the angle between the two rays.
fn way(from: &[C64], to: &[C64], at: &[C64]) -> Vec<C64> {
    let phase = |z: C64| if z.norm() > 0.0 { z / z.norm() } else { C64::from(1.0) };
    let overlap = linalg::inner(from, to);
    let cos = overlap.norm().min(1.0);
    let turn = phase(overlap).conj();
    let direction: Vec<_> = to.iter().zip(from).map(|(t, f)| t * turn - f * cos).collect();
    let length = direction.iter().map(C64::norm_sqr).sum::<f64>().sqrt();
    let scale = if length > 0.0 { cos.acos() / length } else { 0.0 };
    let turn = phase(linalg::inner(from, at));
    let way: Vec<_> = direction.iter().map(|d| d * turn * scale).collect();
    let along = linalg::inner(at, &way);
    way.iter().zip(at).map(|(w, a)| w - a * along).collect()
}

/// An orthonormal real basis of the vectors orthogonal to `psi`: a complex basis and i times it.
fn tangents(psi: &[C64]) -> Vec<Vec<C64>> {
    // the Householder reflection that sends psi to a multiple of the first basis vector: its other rows are orthogonal
    let phase = if psi[0].norm() > 0.0 { psi[0] / psi[0].norm() } else { C64::from(1.0) };
    let mut mirror = psi.to_vec();
    mirror[0] += phase;
    let norm = mirror.iter().map(C64::norm_sqr).sum::<f64>();
    let i = C64::new(0.0, 1.0);
    (1..psi.len())
        .flat_map(|k| {
            let factor = mirror[k].conj() * (2.0 / norm);
            let column = |(r, m): (usize, &C64)| C64::from(f64::from(r == k)) - m * factor;
            let real: Vec<_> = mirror.iter().enumerate().map(column).collect();
            let imaginary = real.iter().map(|a| a * i).collect();
            [real, imaginary]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn tangents_are_orthonormal_and_orthogonal() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for psi in
            [linalg::haar_state(8, &mut rng), vec![1.0.into(), 0.0.into()], vec![0.0.into(), 1.0.into()]]
        {
            let tangents = tangents(&psi);
            assert_eq!(tangents.len(), 2 * psi.len() - 2);
            for (r, a) in tangents.iter().enumerate() {
                assert!(linalg::inner(&psi, a).norm() < 1e-14);
                for (c, b) in tangents.iter().enumerate() {
                    assert!((linalg::inner(a, b).re - f64::from(r == c)).abs() < 1e-14);
                }
            }
        }
    }

    #[test]
    fn what_turns_further_than_an_angle_is_measured_in_angles() {
        let rows = [vec![0.6, 30.0, 1.0], vec![0.0, 40.0, 1.0]];
        assert_eq!(units(&rows, 3, 1), [1.0, 50.0, 2.0_f64.sqrt()]);
        assert_eq!(units(&rows, 3, 2)[2], 1.0, "one angle in two cases is still one");
    }

    #[test]
    fn the_way_is_as_long_as_the_angle() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let (from, to) = (linalg::haar_state(4, &mut rng), linalg::haar_state(4, &mut rng));
        let way = way(&from, &to, &from);
        let length = way.iter().map(C64::norm_sqr).sum::<f64>().sqrt();
        assert!((length - linalg::inner(&from, &to).norm().acos()).abs() < 1e-12);
        // following it for its length ends on the target's ray
        let end: Vec<_> =
            from.iter().zip(&way).map(|(f, w)| f * length.cos() + w * (length.sin() / length)).collect();
        assert!((linalg::inner(&end, &to).norm() - 1.0).abs() < 1e-12);
    }
}
