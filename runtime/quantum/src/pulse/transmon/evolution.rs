//! How states go through pulses: from dressed states to those of the solver and back, and the steps that the tolerance needs.

use std::f64::consts::TAU;

use super::propagator::{OpenState, Propagator};
use super::{Transmons, check_rows, digit};
use crate::linalg::{Matrix, check_square, dagger, frobenius};
use crate::pulse::Samples;
use crate::pulse::solver::{Piecewise, Solver};
use crate::{C64, Error, Result};

/// Most steps that a sample is cut into.
pub(super) const MAX_PARTS: usize = 64;

impl Transmons {
    /// [`Self::propagator`], followed by an rz on each qubit by the angle that its frame has turned, with a fixed number of steps
    /// of a sample if there is one.
    pub(crate) fn propagator_in(
        &self,
        samples: &Samples,
        frames: &[f64],
        parts: Option<usize>,
    ) -> Result<Propagator> {
        let (columns, error) = self.evolve(samples, &self.computational(), frames, parts)?;
        Ok(Propagator::new(self, columns, error))
    }

    /// [`Self::density`], as [`Self::propagator_in`].
    pub(super) fn density_in(
        &self,
        samples: &Samples,
        rho: &Matrix,
        frames: &[f64],
        parts: Option<usize>,
    ) -> Result<OpenState> {
        let embedding =
            if rho.nrows() == self.dim() { Matrix::eye(self.dim()) } else { self.computational() };
        check_rows("a density matrix", rho.nrows(), embedding.ncols())?;
        check_square("a density matrix", rho)?;
        let into = self.dressed.states.dot(&embedding);
        let rho = into.dot(rho).dot(&dagger(&into));
        let out = self.to_dressed(samples, frames);
        let (rho, error) = self.refine(samples, parts, |solver, controls| {
            let end = solver.density(controls, &rho)?;
            Ok((end.rho, end.error))
        })?;
        Ok(OpenState::new(self, out.dot(&rho).dot(&dagger(&out)), error))
    }

    /// The basis states of the qubits as columns of dressed levels.
    pub(super) fn computational(&self) -> Matrix {
        let mut columns = Matrix::zeros((self.dim(), 1 << self.qubits.len()));
        for bits in 0..1 << self.qubits.len() {
            columns[[self.level_of(bits), bits]] = C64::ONE;
        }
        columns
    }

    /// Carries dressed states through the pulses; with the error of a column.
    pub(super) fn evolve(
        &self,
        samples: &Samples,
        states: &Matrix,
        frames: &[f64],
        parts: Option<usize>,
    ) -> Result<(Matrix, f64)> {
        let states = self.dressed.states.dot(states);
        let (end, error) = self.refine(samples, parts, |solver, controls| {
            let end = solver.states(controls, &states)?;
            Ok((end.states, end.error))
        })?;
        Ok((self.to_dressed(samples, frames).dot(&end), error))
    }

    /// From levels without coupling in the frame of the simulation, after the pulses, to dressed levels in their own frames, which
    /// have turned by `frames` besides; none have, if it is empty.
    pub(super) fn to_dressed(&self, samples: &Samples, frames: &[f64]) -> Matrix {
        let time = samples.dt() * samples.duration() as f64;
        let turns: Vec<f64> = self
            .detunings
            .iter()
            .enumerate()
            .map(|(place, detuning)| (detuning * time) % TAU + frames.get(place).copied().unwrap_or(0.0))
            .collect();
        let mut out = dagger(&self.dressed.states);
        for (level, mut row) in out.rows_mut().into_iter().enumerate() {
            let angle: f64 =
                turns.iter().enumerate().map(|(q, turn)| turn * digit(level, q, self.levels) as f64).sum();
            let phase = C64::cis(angle);
            row.mapv_inplace(|z| z * phase);
        }
        out
    }

    /// Cuts samples into more and more steps until the estimated error is below the tolerance; with a fixed number of steps, it is
    /// not estimated.
    pub(super) fn refine(
        &self,
        samples: &Samples,
        fixed: Option<usize>,
        mut run: impl FnMut(&Solver, &Piecewise) -> Result<(Matrix, f64)>,
    ) -> Result<(Matrix, f64)> {
        let drives = self.drives(samples, false)?;
        if drives.stand_still() {
            let solver = self.solver.clone().with_tolerance(self.tolerance)?;
            return run(&solver, &drives.controls(samples, self.qubits.len(), 0)?);
        }
        let solver = self.solver.clone().with_tolerance(0.25 * self.tolerance)?;
        if let Some(parts) = fixed {
            return run(&solver, &drives.controls(samples, self.qubits.len(), parts.max(1))?);
        }
        let mut parts = 1;
        let (mut coarse, _) = run(&solver, &drives.controls(samples, self.qubits.len(), parts)?)?;
        loop {
            parts *= 2;
            let (fine, bound) = run(&solver, &drives.controls(samples, self.qubits.len(), parts)?)?;
            // Of fourth order: the difference is fifteen times what is left.
            let error = frobenius(&(&fine - &coarse)) / 15.0 + bound;
            if error <= self.tolerance {
                return Ok((fine, error));
            }
            if parts >= MAX_PARTS {
                let steps = parts * samples.duration();
                return Err(Error::Tolerance { wanted: self.tolerance, reached: error, steps });
            }
            coarse = fine;
        }
    }
}
