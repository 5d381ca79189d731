//! Simultaneous perturbation stochastic approximation: two noisy values a step, whatever the number of
//! parameters.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, Serialize};

use super::minimum::Record;
use super::{Minimum, check_finite, check_setting};
use crate::Result;

/// SPSA (Spall 1992) with the gains of Spall, "Implementation of the simultaneous perturbation algorithm"
/// (1998): step `k` moves by `a / (A + k + 1)^0.602` and perturbs by `c / (k + 1)^0.101`.
///
/// The perturbation of step `k` depends on the seed and on `k` only, so the state to checkpoint is this
/// struct.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spsa {
    /// Seed of the perturbations.
    pub seed: u64,
    /// Numerator `a` of the step length.
    pub gain: f64,
    /// Numerator `c` of the perturbation, in units of the parameters; about the standard deviation of the
    /// objective's noise.
    pub perturbation: f64,
    /// Stability constant `A`; about a tenth of the steps planned.
    pub stability: f64,
    /// Exponent of the step length, 0.602 by default; 1 is asymptotically optimal.
    pub alpha: f64,
    /// Exponent of the perturbation, 0.101 by default; 1/6 is asymptotically optimal.
    pub gamma: f64,
    step: usize,
}

impl Spsa {
    /// SPSA with given gains, for a run of about `steps` steps.
    pub fn new(seed: u64, gain: f64, perturbation: f64, steps: usize) -> Self {
        let stability = 0.1 * steps as f64;
        Self { seed, gain, perturbation, stability, alpha: 0.602, gamma: 0.101, step: 0 }
    }

    /// SPSA whose gain makes the first steps move each parameter by about `first_step`: Spall's recipe, with
    /// the size of the gradient estimated at `start` from `samples` pairs of evaluations.
    ///
    /// # Errors
    /// As [`Spsa::minimise`]; [`Error::Setting`](crate::Error::Setting) if `first_step` is not positive or
    /// `samples` is 0.
    pub fn calibrated(
        seed: u64,
        first_step: f64,
        perturbation: f64,
        steps: usize,
        start: &[f64],
        samples: usize,
        mut objective: impl FnMut(&[f64]) -> Result<f64>,
    ) -> Result<Self> {
        check_setting(
            "first step",
            first_step,
            first_step.is_finite() && first_step > 0.0,
            "a finite number > 0",
        )?;
        check_setting("samples", samples as f64, samples > 0, "at least 1")?;
        check_finite("the start", start)?;
        let mut spsa = Self::new(seed, 1.0, perturbation, steps);
        spsa.check()?;
        let mut record = Record::new("the start", start)?;
        let mut size = 0.0;
        for sample in 0..samples {
            // Streams from the top, which no step will reach.
            let signs = spsa.signs(u64::MAX - sample as u64, start.len());
            let [plus, minus] = evaluate_pair(start, &signs, perturbation, &mut record, &mut objective)?;
            size += (plus - minus).abs() / (2.0 * perturbation * samples as f64);
        }
        // A flat objective has no scale; any gain leaves the parameters where they are.
        if size > 0.0 {
            spsa.gain = first_step * (spsa.stability + 1.0).powf(spsa.alpha) / size;
        }
        Ok(spsa)
    }

    /// Steps taken so far.
    pub fn steps(&self) -> usize {
        self.step
    }

    /// Takes one step with two evaluations of `objective` and returns their mean. On an error nothing is
    /// changed.
    ///
    /// # Errors
    /// As [`Spsa::minimise`].
    pub fn step(
        &mut self,
        parameters: &mut [f64],
        objective: impl FnMut(&[f64]) -> Result<f64>,
    ) -> Result<f64> {
        let mut record = Record::new("the parameters", parameters)?;
        self.advance(parameters, &mut record, objective)
    }

    /// Takes as many steps as `evaluations` allow, two each, and spends one on the final point, which is the
    /// result: the best of many noisy values would be the luckiest one.
    ///
    /// # Errors
    /// Those of the objective; [`Error::NotFinite`](crate::Error::NotFinite) if a parameter or value is NaN
    /// or infinite; [`Error::Setting`](crate::Error::Setting) if a gain is out of range or `evaluations` is
    /// 0.
    pub fn minimise(
        &mut self,
        start: &[f64],
        evaluations: usize,
        mut objective: impl FnMut(&[f64]) -> Result<f64>,
    ) -> Result<Minimum> {
        check_setting("evaluations", evaluations as f64, evaluations > 0, "at least 1")?;
        let mut x = start.to_vec();
        let mut record = Record::new("the start", start)?;
        for _ in 0..(evaluations - 1) / 2 {
            self.advance(&mut x, &mut record, &mut objective)?;
        }
        record.push(&x, objective(&x)?)?;
        Ok(record.latest(x))
    }

    fn advance(
        &mut self,
        x: &mut [f64],
        record: &mut Record,
        objective: impl FnMut(&[f64]) -> Result<f64>,
    ) -> Result<f64> {
        self.check()?;
        check_finite("the parameters", x)?;
        let k = self.step as f64;
        let length = self.gain / (self.stability + k + 1.0).powf(self.alpha);
        let size = self.perturbation / (k + 1.0).powf(self.gamma);
        let signs = self.signs(self.step as u64, x.len());
        let [plus, minus] = evaluate_pair(x, &signs, size, record, objective)?;
        let slope = (plus - minus) / (2.0 * size);
        // The inverse of a sign is the sign itself.
        x.iter_mut().zip(&signs).for_each(|(x, sign)| *x -= length * slope * sign);
        self.step += 1;
        Ok(0.5 * (plus + minus))
    }

    /// Bernoulli signs of a stream of the seed.
    fn signs(&self, stream: u64, count: usize) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(stream);
        (0..count).map(|_| if rng.next_u32() & 1 == 0 { 1.0 } else { -1.0 }).collect()
    }

    fn check(&self) -> Result<()> {
        for (name, value) in [("gain", self.gain), ("perturbation", self.perturbation)] {
            check_setting(name, value, value.is_finite() && value > 0.0, "a finite number > 0")?;
        }
        let rest = [("stability", self.stability), ("alpha", self.alpha), ("gamma", self.gamma)];
        rest.into_iter().try_for_each(|(name, value)| {
            check_setting(name, value, value.is_finite() && value >= 0.0, "a finite number >= 0")
        })
    }
}

/// The values at `x + size * signs` and at `x - size * signs`.
fn evaluate_pair(
    x: &[f64],
    signs: &[f64],
    size: f64,
    record: &mut Record,
    mut objective: impl FnMut(&[f64]) -> Result<f64>,
) -> Result<[f64; 2]> {
    let mut values = [0.0; 2];
    for (value, side) in values.iter_mut().zip([size, -size]) {
        let point: Vec<f64> = x.iter().zip(signs).map(|(x, sign)| x + side * sign).collect();
        *value = objective(&point)?;
        record.push(&point, *value)?;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, linalg::normal};

    fn bowl(x: &[f64]) -> f64 {
        x.iter().enumerate().map(|(i, x)| (1.0 + 0.2 * i as f64) * (x - 1.0).powi(2)).sum()
    }

    #[test]
    fn descends_a_noisy_bowl() {
        let mut noise = ChaCha8Rng::seed_from_u64(5);
        let mut noisy = |x: &[f64]| Ok(bowl(x) + 0.01 * normal(&mut noise));
        let start = [0.0; 10];
        let mut spsa = Spsa::calibrated(3, 0.1, 0.1, 1000, &start, 20, &mut noisy).unwrap();
        let minimum = spsa.minimise(&start, 2001, noisy).unwrap();
        assert_eq!((minimum.evaluations, minimum.trace.len(), spsa.steps()), (2001, 2001, 1000));
        assert!(bowl(&minimum.parameters) < 0.01, "value {}", bowl(&minimum.parameters));
    }

    #[test]
    fn one_step_is_spalls_formula() {
        let mut spsa = Spsa { stability: 2.0, ..Spsa::new(1, 0.5, 0.2, 0) };
        let mut x = [0.0, 0.0];
        let mut points = Vec::new();
        let mean = spsa
            .step(&mut x, |p| {
                points.push(p.to_vec());
                Ok(p[0] + 3.0 * p[1])
            })
            .unwrap();
        assert!(mean.abs() < 1e-15);
        let signs = [points[0][0] / 0.2, points[0][1] / 0.2];
        let slope = signs[0] + 3.0 * signs[1];
        for (x, sign) in x.iter().zip(signs) {
            assert!((x + 0.5 / 3f64.powf(0.602) * slope * sign).abs() < 1e-14);
        }
    }

    #[test]
    fn calibration_sets_the_length_of_the_first_step() {
        let flat = |x: &[f64]| Ok(4.0 * x[0]);
        let mut spsa = Spsa::calibrated(9, 0.05, 0.1, 100, &[0.0], 5, flat).unwrap();
        let mut x = [0.0];
        spsa.step(&mut x, flat).unwrap();
        assert!((x[0] + 0.05).abs() < 1e-14);
        assert!(Spsa::calibrated(9, 0.05, 0.1, 100, &[0.0], 5, |_| Ok(1.0)).is_ok());
    }

    #[test]
    fn a_resumed_run_is_bit_identical() {
        let run = |interrupted_at: Option<usize>| {
            let mut spsa = Spsa::new(77, 0.2, 0.1, 50);
            let mut x = vec![0.3; 7];
            for step in 0..50 {
                if interrupted_at == Some(step) {
                    let text = serde_json::to_string(&(&spsa, &x)).unwrap();
                    (spsa, x) = serde_json::from_str(&text).unwrap();
                }
                spsa.step(&mut x, |x| Ok(bowl(x))).unwrap();
            }
            x.into_iter().map(f64::to_bits).collect::<Vec<_>>()
        };
        let whole = run(None);
        assert!([0, 1, 25, 49].into_iter().all(|step| run(Some(step)) == whole));
    }

    #[test]
    fn bad_input_is_refused_and_changes_nothing() {
        let mut spsa = Spsa::new(1, 0.1, 0.1, 10);
        let mut x = [1.0];
        let nan = spsa.step(&mut x, |_| Ok(f64::NAN));
        assert!(matches!(nan, Err(Error::NotFinite { what: "the objective", .. })));
        assert_eq!((x, spsa.steps()), ([1.0], 0));
        assert!(matches!(spsa.minimise(&x, 0, |_| Ok(0.0)), Err(Error::Setting { name: "evaluations", .. })));
        assert!(matches!(spsa.minimise(&[f64::NAN], 9, |_| Ok(0.0)), Err(Error::NotFinite { .. })));
        let mut spsa = Spsa::new(1, 0.1, 0.0, 10);
        assert!(matches!(spsa.step(&mut x, |_| Ok(0.0)), Err(Error::Setting { name: "perturbation", .. })));
    }
}
