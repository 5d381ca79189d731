//! A response surface: a quadratic through many noisy values, and where it is least.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::minimum::Record;
use super::{Minimum, check_finite, check_setting};
use crate::Result;
use crate::linalg::{normal, solve_positive};

/// Fits a quadratic to values around a start and goes to its minimum (Box and Wilson 1951).
///
/// The best of many noisy values is the luckiest; a fit averages over all of them. A full quadratic is fitted where there are
/// twice as many values as it has coefficients, one without mixed terms otherwise. The step is at most as long as the radius:
/// farther out nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surface {
    /// How far from the start values are taken, in units of the parameters; finite and positive.
    pub radius: f64,
    /// Evaluations of the objective, all of which are made; at least [`Self::least`].
    pub evaluations: usize,
    /// Seed of the directions.
    pub seed: u64,
}

impl Surface {
    /// The least number of evaluations for so many parameters.
    pub const fn least(parameters: usize) -> usize {
        // A height, slopes and curvatures, and half as many again: one evaluation of five is at the centre
        3 * (parameters + 1)
    }

    /// Minimises `objective` around `start`; the value that is returned is the fitted one, without the noise of any evaluation.
    ///
    /// # Errors
    /// Those of the objective; [`Error::NotFinite`](crate::Error::NotFinite) if the start or a value is NaN or infinite; [`Error::Setting`](crate::Error::Setting).
    pub fn minimise(&self, start: &[f64], objective: impl FnMut(&[f64]) -> Result<f64>) -> Result<Minimum> {
        self.minimise_with(start, &[], objective)
    }

    /// [`Self::minimise`] where some values are known already: those within the radius join the fit.
    ///
    /// # Errors
    /// As [`Self::minimise`].
    pub fn minimise_with(
        &self,
        start: &[f64],
        known: &[(Vec<f64>, f64)],
        mut objective: impl FnMut(&[f64]) -> Result<f64>,
    ) -> Result<Minimum> {
        let (n, radius) = (start.len(), self.radius);
        check_setting("radius", radius, radius.is_finite() && radius > 0.0, "a finite number > 0")?;
        let enough = self.evaluations >= Self::least(n);
        check_setting("evaluations", self.evaluations as f64, enough, "at least 3 for each parameter and 3")?;
        let mut record = Record::new("the start", start)?;
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let (mut directions, mut values) = (Vec::new(), Vec::new());
        for (point, value) in known.iter().filter(|(point, value)| point.len() == n && value.is_finite()) {
            let direction: Vec<f64> = point.iter().zip(start).map(|(x, s)| (x - s) / radius).collect();
            if length(&direction) <= 1.0 {
                directions.push(direction);
                values.push(*value);
            }
        }
        let mut direction = vec![0.0; n];
        for number in 0..self.evaluations {
            match number % 5 {
                // The centre tells curvature from height
                0 => direction.fill(0.0),
                1 | 3 => direction = on_sphere(n, &mut random),
                // Opposite to the one before: what is even drops out of the slopes
                _ => direction.iter_mut().for_each(|d| *d = -*d),
            }
            let point: Vec<f64> = start.iter().zip(&direction).map(|(x, d)| x + radius * d).collect();
            let value = objective(&point)?;
            record.push(&point, value)?;
            directions.push(direction.clone());
            values.push(value);
        }
        let terms = Terms::of(n, directions.len());
        let rows: Vec<Vec<f64>> = directions.iter().map(|direction| terms.at(direction)).collect();
        let model = terms.fit(&rows, &values)?;
        let step = model.least();
        let parameters = start.iter().zip(&step).map(|(x, d)| x + radius * d).collect();
        Ok(Minimum { parameters, value: model.at(&step), ..record.best() })
    }
}

fn on_sphere(n: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
    let draw: Vec<f64> = (0..n).map(|_| normal(random)).collect();
    let norm = length(&draw).max(f64::MIN_POSITIVE);
    draw.into_iter().map(|d| d / norm).collect()
}

fn length(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The monomials of a model: 1, each coordinate, and these pairs of coordinates.
struct Terms {
    count: usize,
    pairs: Vec<(usize, usize)>,
}

impl Terms {
    fn of(count: usize, values: usize) -> Self {
        let all = (count + 1) * (count + 2) / 2;
        let mixed = values >= 2 * all;
        let pairs = (0..count).flat_map(|i| (i..count).map(move |j| (i, j)));
        Self { count, pairs: pairs.filter(|(i, j)| mixed || i == j).collect() }
    }

    fn at(&self, x: &[f64]) -> Vec<f64> {
        let squares = self.pairs.iter().map(|(i, j)| x[*i] * x[*j]);
        std::iter::once(1.0).chain(x.iter().copied()).chain(squares).collect()
    }

    /// Least squares by the normal equations: coordinates are of order 1, so they are well conditioned.
    fn fit(&self, rows: &[Vec<f64>], values: &[f64]) -> Result<Quadratic> {
        let width = 1 + self.count + self.pairs.len();
        let mut left = vec![vec![0.0; width]; width];
        let mut right = vec![0.0; width];
        for (row, value) in rows.iter().zip(values) {
            for (i, a) in row.iter().enumerate() {
                right[i] += a * value;
                for (j, b) in row.iter().enumerate() {
                    left[i][j] += a * b;
                }
            }
        }
        // Nothing to a fit, but it makes directions that no point has told apart harmless
        let ridge = 1e-9 * rows.len() as f64;
        (0..width).for_each(|i| left[i][i] += ridge);
        let found = solve_positive(left, &right)?;
        check_finite("the fitted surface", &found)?;
        let mut curvature = vec![vec![0.0; self.count]; self.count];
        for (&(i, j), c) in self.pairs.iter().zip(&found[1 + self.count..]) {
            curvature[i][j] += c;
            curvature[j][i] += c;
        }
        Ok(Quadratic { height: found[0], slope: found[1..=self.count].to_vec(), curvature })
    }
}

/// height + slope · x + x · curvature · x / 2.
struct Quadratic {
    height: f64,
    slope: Vec<f64>,
    curvature: Vec<Vec<f64>>,
}

impl Quadratic {
    fn at(&self, x: &[f64]) -> f64 {
        let dot = |a: &[f64]| a.iter().zip(x).map(|(a, x)| a * x).sum::<f64>();
        let bent: f64 = self.curvature.iter().zip(x).map(|(row, x)| x * dot(row)).sum();
        self.height + dot(&self.slope) + 0.5 * bent
    }

    /// A low point of the unit ball: the minimum if it is inside, else a damped step (Levenberg 1944).
    fn least(&self) -> Vec<f64> {
        let down: Vec<f64> = self.slope.iter().map(|g| -g).collect();
        let steepness = length(&down);
        if steepness == 0.0 {
            return down;
        }
        let mut damping = 0.0;
        loop {
            let mut damped = self.curvature.clone();
            (0..down.len()).for_each(|i| damped[i][i] += damping);
            match solve_positive(damped, &down) {
                Ok(step) if length(&step) <= 1.0 => return step,
                _ => damping = 1.2 * damping + 1e-3 * steepness,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::optimise::Cobyla;

    fn bowl(x: &[f64]) -> f64 {
        let (a, b) = (x[0] - 0.3, x[1] + 0.1);
        0.5 + 0.6 * a * a + 0.3 * b * b + 0.2 * a * b
    }

    #[test]
    fn a_quadratic_is_found_exactly() {
        let surface = Surface { radius: 0.4, evaluations: 12, seed: 1 };
        let minimum = surface.minimise(&[0.1, 0.1], |x| Ok(bowl(x))).unwrap();
        assert!((minimum.parameters[0] - 0.3).abs() < 1e-6 && (minimum.parameters[1] + 0.1).abs() < 1e-6);
        assert!((minimum.value - 0.5).abs() < 1e-8);
        assert_eq!((minimum.evaluations, minimum.trace.len()), (12, 12));
        // Too few for mixed terms: exact where there are none
        let round = |x: &[f64]| Ok(x.iter().map(|x| (x - 0.05).powi(2)).sum());
        let few = Surface { radius: 0.4, evaluations: Surface::least(5), seed: 1 };
        let minimum = few.minimise(&[0.0; 5], round).unwrap();
        assert!(minimum.parameters.iter().all(|x| (x - 0.05).abs() < 1e-6), "{minimum:?}");
    }

    #[test]
    fn noise_costs_it_far_less_than_the_luckiest_value_costs() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let (mut fitted, mut lucky) = (0.0, 0.0);
        for seed in 0..40 {
            let mut noisy = |x: &[f64]| Ok(bowl(x) + 2e-3 * normal(&mut random));
            let surface = Surface { radius: 0.3, evaluations: 40, seed };
            fitted += bowl(&surface.minimise(&[0.25, 0.0], &mut noisy).unwrap().parameters) - 0.5;
            let cobyla = Cobyla { radius: 0.3, tolerance: 1e-3, ..Cobyla::new(40) };
            lucky += bowl(&cobyla.minimise(&[0.25, 0.0], &mut noisy).unwrap().parameters) - 0.5;
        }
        assert!(fitted < 0.2 * lucky && fitted / 40.0 < 1e-4, "{fitted} {lucky}");
    }

    #[test]
    fn values_that_are_known_join_the_fit() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let (mut alone, mut joined) = (0.0, 0.0);
        for seed in 0..60 {
            let mut noisy = |x: &[f64]| Ok(bowl(x) + 2e-3 * normal(&mut random));
            let mut known: Vec<(Vec<f64>, f64)> = (0..24_u32)
                .map(|k| {
                    let point = vec![0.25 + 0.25 * f64::from(k).cos(), 0.25 * f64::from(k).sin()];
                    let value = noisy(&point)?;
                    Ok((point, value))
                })
                .collect::<Result<_>>()
                .unwrap();
            // Too far away, of another dimension, or no number: these do not
            known.extend([(vec![1.0, 0.0], -9.0), (vec![0.3], -9.0), (vec![0.25, 0.0], f64::NAN)]);
            let surface = Surface { radius: 0.3, evaluations: 12, seed };
            alone += bowl(&surface.minimise(&[0.25, 0.0], &mut noisy).unwrap().parameters) - 0.5;
            let minimum = surface.minimise_with(&[0.25, 0.0], &known, &mut noisy).unwrap();
            assert_eq!(minimum.evaluations, 12);
            joined += bowl(&minimum.parameters) - 0.5;
        }
        assert!(joined < 0.6 * alone, "{joined} {alone}");
    }

    #[test]
    fn it_never_steps_farther_than_it_looked() {
        for saddle in [false, true] {
            let far = |x: &[f64]| Ok(-5.0 * x[0] + if saddle { -x[1] * x[1] } else { x[1] * x[1] });
            let surface = Surface { radius: 0.2, evaluations: 20, seed: 3 };
            let minimum = surface.minimise(&[1.0, 0.0], far).unwrap();
            let moved = (minimum.parameters[0] - 1.0).hypot(minimum.parameters[1]);
            assert!(moved <= 0.2 + 1e-12 && minimum.parameters[0] > 1.15, "{minimum:?}");
        }
    }

    #[test]
    fn bad_settings_and_values_are_refused() {
        let good = Surface { radius: 0.1, evaluations: 9, seed: 0 };
        for bad in [
            Surface { radius: 0.0, ..good },
            Surface { radius: f64::NAN, ..good },
            Surface { evaluations: 8, ..good },
        ] {
            let outcome = bad.minimise(&[0.0; 2], |_| panic!("must not be evaluated"));
            assert!(matches!(outcome, Err(Error::Setting { .. })));
        }
        let start = good.minimise(&[f64::NAN, 0.0], |_| Ok(0.0));
        assert!(matches!(start, Err(Error::NotFinite { what: "the start", .. })));
        let value = good.minimise(&[0.0; 2], |_| Ok(f64::NAN));
        assert!(matches!(value, Err(Error::NotFinite { what: "the objective", index: 0, .. })));
        assert_eq!(good.minimise(&[0.0; 2], |_| Ok(1.0)).unwrap().evaluations, 9);
    }
}
