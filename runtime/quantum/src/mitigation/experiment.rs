//! Pulse programs as experiments: folded, run on simulated transmons with relaxation, measured exactly or with shots.

use std::f64::consts::FRAC_1_SQRT_2;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::echo::ground;
use super::{Echo, Estimate, Foldable};
use crate::circuit::Confusion;
use crate::linalg::{Matrix, dagger, kron, trace};
use crate::observable::PauliProduct;
use crate::pulse::transmon::Transmons;
use crate::pulse::{Samples, Schedule};
use crate::tomography::mitigate;
use crate::{C64, Error, Observable, Result};

/// How an experiment is measured with a finite number of shots.
#[derive(Debug, Clone, PartialEq)]
pub struct Shots {
    /// Shots of each group of products that are measured together.
    pub count: usize,
    /// How each qubit is misread, in the order of the qubits; undone in the mean, at the price of variance. Empty for a perfect
    /// readout.
    pub confusion: Vec<Confusion>,
    /// Seed of the outcomes.
    pub seed: u64,
}

/// A pulse program with parameter values and an observable, on simulated transmons.
///
/// Relaxation acts during all pulses. The changes of basis before the readout are taken as perfect; levels above 1 are read as 1.
#[derive(Debug, Clone)]
pub struct PulseExperiment<'a> {
    transmons: &'a Transmons,
    schedule: Schedule,
    dt: f64,
    matrix: Matrix,
    groups: Vec<Group>,
    shots: Option<Shots>,
}

/// Products that are measured in one setting.
#[derive(Debug, Clone)]
struct Group {
    /// What turns their letters to Z, on all qubits.
    turn: Matrix,
    /// The sum of their coefficients times their signs, for each outcome.
    values: Vec<f64>,
}

impl<'a> PulseExperiment<'a> {
    /// An experiment on `transmons`, whose qubit k is qubit k of the observable; the schedule names qubits of the device. Measured
    /// exactly.
    ///
    /// # Errors
    /// As [`Schedule::bind`] and [`Observable::matrix`].
    pub fn new(
        transmons: &'a Transmons,
        schedule: &Schedule,
        dt: f64,
        values: &[f64],
        observable: &Observable,
    ) -> Result<Self> {
        let width = transmons.qubits().len();
        let (schedule, matrix) = (schedule.bind(values)?, observable.matrix(width)?);
        let groups = groups(observable, width)?;
        Ok(Self { transmons, schedule, dt, matrix, groups, shots: None })
    }

    /// The same experiment measured with shots.
    ///
    /// # Errors
    /// [`Error::NoShots`], [`Error::Dimension`] for confusions of the wrong number.
    pub fn with_shots(self, shots: Shots) -> Result<Self> {
        let (found, expected) = (shots.confusion.len(), self.transmons.qubits().len());
        if shots.count == 0 {
            return Err(Error::NoShots);
        }
        if found != 0 && found != expected {
            return Err(Error::Dimension { what: "the list of confusions", found, expected });
        }
        Ok(Self { shots: Some(shots), ..self })
    }

    /// How often a value has been measured: settings times shots; 0 where it is exact.
    pub fn executions(&self) -> usize {
        self.shots.as_ref().map_or(0, |shots| shots.count * self.groups.len())
    }

    fn samples(&self, folds: usize) -> Result<Samples> {
        self.schedule.folded(folds)?.samples(self.dt, &[])
    }

    /// What a readout sees after the folded program.
    fn density(&self, samples: &Samples) -> Result<Matrix> {
        Ok(self.transmons.density(samples, &ground(self.matrix.nrows()))?.read().clone())
    }

    /// The sum of the means of all groups, each from its own shots.
    fn sampled(&self, rho: &Matrix, shots: &Shots, stream: u64) -> Result<Estimate> {
        let mut sum = Estimate::default();
        for (number, group) in self.groups.iter().enumerate() {
            let turned = group.turn.dot(rho).dot(&dagger(&group.turn));
            let mut random = ChaCha8Rng::seed_from_u64(shots.seed);
            random.set_stream(stream * (1 + self.groups.len() as u64) + number as u64);
            let one = mean(&turned, &group.values, shots, &mut random)?;
            sum.value += one.value;
            sum.variance += one.variance;
        }
        Ok(sum)
    }
}

impl Foldable for PulseExperiment<'_> {
    fn expectation(&mut self, folds: usize) -> Result<Estimate> {
        let rho = self.density(&self.samples(folds)?)?;
        match &self.shots {
            None => Ok(Estimate::exact(trace(&self.matrix.dot(&rho)).re)),
            Some(shots) => self.sampled(&rho, shots, 2 * folds as u64),
        }
    }

    fn return_probability(&mut self, folds: usize) -> Result<Echo> {
        let folded = self.schedule.folded(folds)?;
        let pair = folded.then(&folded.reversed()?)?;
        let rho = self.density(&pair.samples(self.dt, &[])?)?;
        let dimension = rho.nrows();
        let Some(shots) = &self.shots else {
            return Ok(Echo::new(Estimate::exact(rho[[0, 0]].re), dimension));
        };
        let mut random = ChaCha8Rng::seed_from_u64(shots.seed);
        random.set_stream((2 * folds as u64 + 1) * (1 + self.groups.len() as u64));
        let values: Vec<f64> = (0..dimension).map(|k| f64::from(k == 0)).collect();
        Ok(Echo::new(mean(&rho, &values, shots, &mut random)?, dimension))
    }

    fn noiseless(&mut self, folds: usize) -> Result<f64> {
        let states = self.transmons.propagator(&self.samples(folds)?)?;
        let column = states.columns().column(0).to_vec();
        let rho = self.transmons.read(&crate::linalg::outer(&column, &column))?;
        Ok(trace(&self.matrix.dot(&rho)).re)
    }
}

/// The mean of `values` over the diagonal of a state, from shots with a confused readout that is undone.
fn mean(rho: &Matrix, values: &[f64], shots: &Shots, random: &mut ChaCha8Rng) -> Result<Estimate> {
    let width = values.len().trailing_zeros() as usize;
    let mut seen: Vec<f64> = rho.diag().iter().map(|p| p.re.max(0.0)).collect();
    let perfect = vec![Confusion::default(); width];
    let confusion = if shots.confusion.is_empty() { &perfect } else { &shots.confusion };
    for (qubit, c) in confusion.iter().enumerate() {
        for k in (0..seen.len()).filter(|k| k >> qubit & 1 == 0) {
            let (zero, one) = (seen[k], seen[k | 1 << qubit]);
            seen[k] = zero * (1.0 - c.p1_given_0) + one * c.p0_given_1;
            seen[k | 1 << qubit] = zero * c.p1_given_0 + one * (1.0 - c.p0_given_1);
        }
    }
    // The value of a raw outcome is the transpose of the inverse confusion applied to the values.
    let mut raw = vec![0.0; values.len()];
    for (outcome, slot) in raw.iter_mut().enumerate() {
        let mut unit = vec![0.0; values.len()];
        unit[outcome] = 1.0;
        *slot = mitigate(&unit, confusion)?.iter().zip(values).map(|(p, v)| p * v).sum();
    }
    let total: f64 = seen.iter().sum();
    let mut counts = vec![0_usize; seen.len()];
    for _ in 0..shots.count {
        let mut left = random.random::<f64>() * total;
        let outcome = seen.iter().position(|p| {
            left -= p;
            left < 0.0
        });
        counts[outcome.unwrap_or(seen.len() - 1)] += 1;
    }
    let share = |k: usize| counts[k] as f64 / shots.count as f64;
    let value: f64 = raw.iter().enumerate().map(|(k, v)| v * share(k)).sum();
    let square: f64 = raw.iter().enumerate().map(|(k, v)| v * v * share(k)).sum();
    Ok(Estimate { value, variance: (square - value * value).max(0.0) / shots.count as f64 })
}

/// Products that agree in the letter of every qubit that both act on share a setting; each joins the first that takes it.
fn groups(observable: &Observable, width: usize) -> Result<Vec<Group>> {
    /// The letters of a setting, and the products that it measures.
    type Setting = (Vec<char>, Vec<(PauliProduct, f64)>);
    let mut groups: Vec<Setting> = Vec::new();
    for (product, coefficient) in observable.real_terms(width)? {
        let letters: Vec<char> = (0..width)
            .map(|q| match (product.x_mask() >> q & 1, product.z_mask() >> q & 1) {
                (0, 0) => 'I',
                (1, 0) => 'X',
                (0, _) => 'Z',
                _ => 'Y',
            })
            .collect();
        let fits = |known: &[char]| known.iter().zip(&letters).all(|(a, b)| *a == 'I' || *b == 'I' || a == b);
        match groups.iter_mut().find(|(known, _)| fits(known)) {
            Some((known, list)) => {
                for (a, b) in known.iter_mut().zip(&letters).filter(|(a, _)| **a == 'I') {
                    *a = *b;
                }
                list.push((product, coefficient));
            }
            None => groups.push((letters, vec![(product, coefficient)])),
        }
    }
    Ok(groups
        .into_iter()
        .map(|(letters, list)| {
            let turn = letters.iter().fold(Matrix::eye(1), |low, letter| kron(&turn(*letter), &low));
            let values = (0..1_usize << width)
                .map(|outcome| {
                    let sign = |product: &PauliProduct| {
                        let support = (product.x_mask() | product.z_mask()) as usize;
                        if (support & outcome).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 }
                    };
                    list.iter().map(|(product, coefficient)| coefficient * sign(product)).sum()
                })
                .collect();
            Group { turn, values }
        })
        .collect())
}

/// What turns the eigenstates of a letter to those of Z.
fn turn(letter: char) -> Matrix {
    let (a, i) = (C64::from(FRAC_1_SQRT_2), C64::new(0.0, FRAC_1_SQRT_2));
    match letter {
        'X' => ndarray::array![[a, a], [a, -a]],
        'Y' => ndarray::array![[a, -i], [a, i]],
        _ => Matrix::eye(2),
    }
}
