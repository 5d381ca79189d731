//! Maximum likelihood: the physical state that makes the counts most probable.

use super::measurement::common_width;
use super::mitigation::{Maps, apply, confusions};
use super::pauli::{check_readout, expectations, matrix, products, walsh_hadamard};
use super::{Measurement, linear_inversion, nearest_state};
use crate::circuit::Confusion;
use crate::linalg::{Matrix, frobenius, identity};
use crate::{C64, Error, Result};

/// How far to iterate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaximumLikelihood {
    /// Most iterations; reaching them is no error, as the estimate is a state at every iteration.
    pub iterations: usize,
    /// Change of the state in one iteration (Frobenius norm) below which it has converged. The default, 3e-4,
    /// is far below the statistical error of a thousand shots a setting; exact data deserve less.
    pub tolerance: f64,
}

impl Default for MaximumLikelihood {
    fn default() -> Self {
        Self { iterations: 500, tolerance: 3e-4 }
    }
}

impl MaximumLikelihood {
    /// The state of largest likelihood, by accelerated projected gradient with restarts (Shang, Zhang and Ng
    /// 2017), from the linear inversion or from `start`.
    ///
    /// The confusion of the readout is part of the model here, so nothing is inverted and no
    /// quasi-probability arises. The settings need not be complete: positivity fills in what they leave open.
    ///
    /// # Errors
    /// [`Error::NoShots`] without measurements, [`Error::Dimension`] if widths differ, those of
    /// [`mitigate`](super::mitigate) and of [`Eigen::new`](crate::linalg::Eigen::new).
    pub fn fit(
        &self,
        measurements: &[Measurement],
        readout: Option<&[Confusion]>,
        start: Option<&Matrix>,
    ) -> Result<Matrix> {
        let model = Model::new(measurements, readout)?;
        let dim = 1 << model.width;
        let start = match start {
            Some(start) if start.dim() == (dim, dim) => nearest_state(start)?,
            Some(start) => {
                return Err(Error::Dimension {
                    what: "the first state",
                    found: start.nrows(),
                    expected: dim,
                });
            }
            None => nearest_state(&linear_inversion(measurements, readout)?)?,
        };
        // A little of the mixed state gives every outcome a probability.
        let mut rho = start * C64::from(1.0 - MIXED) + identity(dim) * C64::from(MIXED / dim as f64);
        let mut value = model.value(&rho);
        let mut ahead = rho.clone();
        let (mut momentum, mut length) = (1.0_f64, 1.0_f64);
        for _ in 0..self.iterations {
            let (mut base, mut gradient) = model.gradient(&ahead);
            if !base.is_finite() {
                // The extrapolated point may leave the states.
                ahead.assign(&rho);
                momentum = 1.0;
                (base, gradient) = model.gradient(&ahead);
            }
            let (next, next_value) = loop {
                let next = nearest_state(&(&ahead - &gradient * C64::from(length)))?;
                let change = &next - &ahead;
                let linear: f64 = gradient.iter().zip(&change).map(|(g, d)| (g.conj() * d).re).sum();
                let next_value = model.value(&next);
                let size = frobenius(&change);
                if next_value <= base + linear + size * size / (2.0 * length) + 1e-14 * base.abs()
                    || length < 1e-12
                {
                    break (next, next_value);
                }
                length *= 0.5;
            };
            if next_value > value {
                // Without momentum this was a plain descent step: no descent is left.
                if momentum == 1.0 {
                    break;
                }
                ahead.assign(&rho);
                momentum = 1.0;
                continue;
            }
            let change = &next - &rho;
            let following = 0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt());
            ahead = &next + &change * C64::from((momentum - 1.0) / following);
            momentum = following;
            length *= 1.2;
            rho = next;
            value = next_value;
            if frobenius(&change) < self.tolerance {
                break;
            }
        }
        Ok(rho)
    }
}

/// Share of the mixed state in the starting point.
const MIXED: f64 = 0.01;

/// The negative log-likelihood per shot as a function of the state.
struct Model {
    width: usize,
    /// For each setting, the Pauli product of each subset and the share of each outcome in all shots.
    settings: Vec<(Vec<usize>, Vec<f64>)>,
    confusion: Option<(Maps, Maps)>,
}

impl Model {
    fn new(measurements: &[Measurement], readout: Option<&[Confusion]>) -> Result<Self> {
        let width = common_width(measurements)?;
        let confusion = match readout {
            None => None,
            Some(readout) => {
                check_readout(readout, width)?;
                let maps = confusions(readout)?;
                let transposed = maps.iter().map(|&[a, b, c, d]| [a, c, b, d]).collect();
                Some((maps, transposed))
            }
        };
        let total: f64 = measurements.iter().map(Measurement::shots).sum();
        let settings = measurements
            .iter()
            .map(|m| (products(m.basis()), m.counts().iter().map(|count| count / total).collect()))
            .collect();
        Ok(Self { width, settings, confusion })
    }

    fn value(&self, rho: &Matrix) -> f64 {
        let mut values = vec![0.0; 1 << (2 * self.width)];
        expectations(rho, self.width, &mut values);
        let mut distribution = vec![0.0; 1 << self.width];
        let mut sum = 0.0;
        for (indices, shares) in &self.settings {
            self.distribution(&values, indices, &mut distribution);
            for (&p, &share) in distribution.iter().zip(shares).filter(|(_, share)| **share > 0.0) {
                if p <= 0.0 {
                    return f64::INFINITY;
                }
                sum -= share * p.ln();
            }
        }
        sum
    }

    /// The value and its derivative by the state, a Hermitian matrix.
    fn gradient(&self, rho: &Matrix) -> (f64, Matrix) {
        let mut values = vec![0.0; 1 << (2 * self.width)];
        expectations(rho, self.width, &mut values);
        let mut slopes = vec![0.0; values.len()];
        let mut distribution = vec![0.0; 1 << self.width];
        let mut sum = 0.0;
        for (indices, shares) in &self.settings {
            self.distribution(&values, indices, &mut distribution);
            for (p, &share) in distribution.iter_mut().zip(shares) {
                if share == 0.0 {
                    *p = 0.0;
                } else if *p <= 0.0 {
                    sum = f64::INFINITY;
                    *p = 0.0;
                } else {
                    sum -= share * p.ln();
                    *p = -share / *p;
                }
            }
            if let Some((_, transposed)) = &self.confusion {
                apply(&mut distribution, transposed);
            }
            walsh_hadamard(&mut distribution);
            indices.iter().zip(&distribution).for_each(|(&index, slope)| slopes[index] += slope);
        }
        (sum, matrix(&slopes, self.width))
    }

    /// The distribution of the reported outcome in a setting.
    fn distribution(&self, values: &[f64], indices: &[usize], distribution: &mut [f64]) {
        let scale = 1.0 / distribution.len() as f64;
        distribution.iter_mut().zip(indices).for_each(|(p, &index)| *p = values[index] * scale);
        walsh_hadamard(distribution);
        if let Some((maps, _)) = &self.confusion {
            apply(distribution, maps);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;
    use crate::linalg::random_density;
    use crate::tomography::settings;

    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        let mut rng = ChaCha8Rng::seed_from_u64(17);
        let measurements: Vec<Measurement> = settings(2)
            .unwrap()
            .into_iter()
            .zip(0..5)
            .map(|(basis, i)| Measurement::new(basis, vec![3.0, f64::from(i), 0.0, 7.5]).unwrap())
            .collect();
        let readout = [
            Confusion { p1_given_0: 0.03, p0_given_1: 0.11 },
            Confusion { p1_given_0: 0.2, p0_given_1: 0.0 },
        ];
        for readout in [None, Some(&readout[..])] {
            let model = Model::new(&measurements, readout).unwrap();
            let rho = random_density(4, 4, &mut rng);
            let (value, gradient) = model.gradient(&rho);
            assert!((value - model.value(&rho)).abs() < 1e-14);
            for _ in 0..10 {
                let direction = random_density(4, 2, &mut rng) - random_density(4, 2, &mut rng);
                let step = C64::from(1e-5);
                let slope = (model.value(&(&rho + &direction * step))
                    - model.value(&(&rho - &direction * step)))
                    / 2e-5;
                let wanted: f64 = gradient.iter().zip(&direction).map(|(g, d)| (g.conj() * d).re).sum();
                assert!((slope - wanted).abs() < 1e-7, "{slope} is not {wanted}");
            }
        }
    }
}
