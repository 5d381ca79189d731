//! Controls that are functions of time, by commutator-free Magnus steps of fourth order.

use ndarray::Array2;

use super::{Evolved, EvolvedDensity, Piecewise, Solver};
use crate::linalg::{Matrix, frobenius};
use crate::{Error, Result};

/// Steps of the first attempt, so that a narrow pulse is not overlooked.
const FIRST: usize = 32;

/// Most steps that are tried.
const MOST: usize = 1 << 20;

/// Where a step of length 1 is sampled: the nodes of Gauss and Legendre, 1/2 ∓ √3/6.
pub(crate) const NODES: [f64; 2] = [0.211_324_865_405_187_1, 0.788_675_134_594_812_9];

/// Weights of the nodes in the first half of a step, 1/2 ± √3/3; reversed in the second. The halves are exponentials of
/// half a step each (Blanes and Moan 2006, eq. 43; Thalhammer 2006).
pub(crate) const WEIGHTS: [f64; 2] = [1.077_350_269_189_625_8, -0.077_350_269_189_625_8];

/// Steps of a smooth control as pairs of constant ones, whose exponentials in turn are of fourth order.
fn halves(
    duration: f64,
    steps: usize,
    controls: usize,
    values: &mut impl FnMut(f64, &mut [f64]),
) -> Result<Piecewise> {
    let length = duration / steps as f64;
    let mut constant = Array2::zeros((2 * steps, controls));
    let mut at_node = [vec![0.0; controls], vec![0.0; controls]];
    for step in 0..steps {
        for (node, slot) in NODES.iter().zip(&mut at_node) {
            slot.fill(0.0);
            values(length * (step as f64 + node), slot);
        }
        for k in 0..controls {
            let [early, late] = [at_node[0][k], at_node[1][k]];
            constant[[2 * step, k]] = WEIGHTS[0] * early + WEIGHTS[1] * late;
            constant[[2 * step + 1, k]] = WEIGHTS[1] * early + WEIGHTS[0] * late;
        }
    }
    Piecewise::new(0.5 * length, constant)
}

impl Solver {
    /// Carries `states`, which are columns, through `duration` under smooth controls: `controls` writes their values at a
    /// time from 0 to `duration`.
    ///
    /// Steps are added until what that changes says that the error, of fourth order, is below the tolerance.
    /// Controls that jump belong into a [`Piecewise`].
    ///
    /// # Errors
    /// As [`Self::states`], and [`Error::Tolerance`] if a million steps are not enough.
    pub fn states_of(
        &self,
        duration: f64,
        mut controls: impl FnMut(f64, &mut [f64]),
        states: &Matrix,
    ) -> Result<Evolved> {
        let inner = self.clone().with_tolerance(0.25 * self.tolerance)?;
        let (states, error) = refine(self.tolerance, |steps| {
            let controls = halves(duration, steps, self.system.controls(), &mut controls)?;
            inner.states(&controls, states).map(|end| (end.states, end.error))
        })?;
        Ok(Evolved { states, error })
    }

    /// [`Self::states_of`] for a density matrix with the environment.
    ///
    /// # Errors
    /// As [`Self::density`], and [`Error::Tolerance`] if a million steps are not enough.
    pub fn density_of(
        &self,
        duration: f64,
        mut controls: impl FnMut(f64, &mut [f64]),
        rho: &Matrix,
    ) -> Result<EvolvedDensity> {
        let inner = self.clone().with_tolerance(0.25 * self.tolerance)?;
        let (rho, error) = refine(self.tolerance, |steps| {
            let controls = halves(duration, steps, self.system.controls(), &mut controls)?;
            inner.density(&controls, rho).map(|end| (end.rho, end.error))
        })?;
        Ok(EvolvedDensity { rho, error })
    }
}

/// Takes more and more steps of a method of fourth order until its estimated error is small enough.
///
/// Grids whose numbers of steps have no common divisor share no boundary of a step. Grids that do may take a jump for one at
/// the same boundary, and agree by accident.
fn refine(tolerance: f64, mut attempt: impl FnMut(usize) -> Result<(Matrix, f64)>) -> Result<(Matrix, f64)> {
    let mut steps = FIRST;
    let (mut coarse, _) = attempt(steps)?;
    loop {
        let mut finer = steps * 8 / 5 + 1;
        while common_divisor(steps, finer) != 1 {
            finer += 1;
        }
        let ratio = (finer as f64 / steps as f64).powi(4);
        let (fine, bound) = attempt(finer)?;
        let error = frobenius(&(&fine - &coarse)) / (ratio - 1.0) + bound;
        if error <= tolerance {
            return Ok((fine, error));
        }
        if finer >= MOST {
            return Err(Error::Tolerance { wanted: tolerance, reached: error, steps: finer });
        }
        (steps, coarse) = (finer, fine);
    }
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}
