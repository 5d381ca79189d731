//! Evolution under `H(t) = H₀ + Σ s(t) C`: states, propagators, density matrices, and exact gradients.
//!
//! | to | see |
//! |---|---|
//! | say what evolves | [`System`] |
//! | give controls as samples | [`Piecewise`] |
//! | carry states, propagators or density matrices forward | [`Solver::states`], [`Solver::density`] |
//! | follow smooth controls | [`Solver::states_of`], [`Solver::density_of`] |
//! | differentiate by every sample | [`Solver::gradient`], [`Objective`] |
//!
//! A step applies the exponential of its constant generator to the state as a Taylor polynomial, of the lowest degree whose
//! remainder is provably small enough; the generator is shifted to the middle of its spectrum, and steps that are too long
//! are cut (Al-Mohy and Higham 2011). No exponential is ever written out, and nothing is diagonalised. Smooth controls are
//! followed by a commutator-free Magnus integrator of fourth order, whose two exponentials a step are again constant.
//!
//! ```
//! use ketline_quantum::C64;
//! use ketline_quantum::linalg::{Matrix, identity};
//! use ketline_quantum::pulse::solver::{Piecewise, Solver, System};
//! use ndarray::{Array2, array};
//! use std::f64::consts::PI;
//!
//! // Half a turn about x in a hundred steps
//! let x: Matrix = array![[C64::ZERO, C64::ONE], [C64::ONE, C64::ZERO]];
//! let solver = Solver::new(System::new(&Matrix::zeros((2, 2)), &[x])?);
//! let pulse = Piecewise::new(1.0, Array2::from_elem((100, 1), PI / 200.0))?;
//! let end = solver.states(&pulse, &identity(2))?;
//! assert!((end.states[[1, 0]].norm() - 1.0).abs() <= end.error && end.error <= 1e-9);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```

mod dissipator;
mod evolve;
mod kernel;
mod objective;
mod piecewise;
mod plan;
mod smooth;
mod system;
#[cfg(test)]
mod tests;

use ndarray::Array2;

pub use objective::Objective;
pub use piecewise::Piecewise;
pub(crate) use smooth::{NODES, WEIGHTS};
pub use system::{MAX_DIM, System};

use self::evolve::{Density, Duals, States};
use self::kernel::padded;
use self::plan::Plan;
use self::system::{check_size, columns};
use crate::linalg::{Matrix, check_finite};
use crate::simulator::sweep::vector::{Dispatch, Level};
use crate::{C64, Error, Result};

/// Most complex numbers that [`Solver::gradient`] keeps of the way forward: 1 GiB.
const MAX_HISTORY: usize = 1 << 26;

/// States after an evolution.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Evolved {
    /// Final states, as columns. If the initial ones were the identity, this is the propagator.
    pub states: Matrix,
    /// Bound of the error of each column in norm; for smooth controls an estimate.
    pub error: f64,
}

/// A density matrix after an evolution.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct EvolvedDensity {
    /// The final density matrix.
    pub rho: Matrix,
    /// Bound of its error in trace norm; for smooth controls an estimate.
    pub error: f64,
}

/// The value of an [`Objective`] and its derivatives.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Gradient {
    /// The value.
    pub value: f64,
    /// Its derivative by each value of the controls: a row is a step, a column a control.
    pub gradient: Array2<f64>,
    /// Final states, as columns.
    pub states: Matrix,
    /// For each final state ψ the χ with which the value changes by 2 Re <χ|dψ>, as columns.
    pub duals: Matrix,
}

/// Solves the Schrödinger and the Lindblad equation of a [`System`] to a tolerance.
#[derive(Debug, Clone)]
pub struct Solver {
    system: System,
    tolerance: f64,
    level: Level,
}

impl Solver {
    /// A solver whose results are off by at most 1e-9.
    pub fn new(system: System) -> Self {
        Self { system, tolerance: 1e-9, level: Level::best() }
    }

    /// The same solver with another bound of the error of a result: of states in norm, of density matrices in trace norm.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if it is no number above 0 and below 1.
    pub fn with_tolerance(self, tolerance: f64) -> Result<Self> {
        if tolerance > 0.0 && tolerance < 1.0 {
            return Ok(Self { tolerance, ..self });
        }
        let wanted = "a number above 0 and below 1".into();
        Err(Error::OutOfRange { what: "the tolerance".into(), found: tolerance, wanted })
    }

    /// What is solved.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The tolerance.
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }

    /// Carries `states`, which are columns, through all steps without the environment.
    ///
    /// # Errors
    /// [`Error::Dimension`] or [`Error::NotFinite`] if controls or states do not fit, [`Error::OutOfRange`] if a step is
    /// absurdly long, [`Error::Tolerance`] if rounding is larger than the tolerance.
    pub fn states(&self, controls: &Piecewise, states: &Matrix) -> Result<Evolved> {
        self.check(controls)?;
        self.check_states(states)?;
        let plan = self.plan(controls)?;
        let mut columns = columns(states);
        self.forward(controls, &plan, &mut columns, None);
        Ok(Evolved { states: self.finish(&columns, controls), error: plan.error })
    }

    /// Carries a density matrix through all steps, with the environment.
    ///
    /// # Errors
    /// As [`Self::states`], and [`Error::NotHermitian`].
    pub fn density(&self, controls: &Piecewise, rho: &Matrix) -> Result<EvolvedDensity> {
        self.check(controls)?;
        let mut rows = self.density_rows(rho)?;
        let system = &self.system;
        let plan = Plan::new(controls, self.tolerance, |values| {
            2.0 * norm(system, values) + system.dissipator.norm
        })?;
        let kernel = Density { system, controls, substeps: &plan.substeps, rho: &mut rows };
        // SAFETY: `rows` and the matrices of the system are padded alike; steps and controls were checked
        #[allow(unsafe_code)]
        unsafe {
            f64::run(self.level, kernel);
        }
        let (dim, stride) = (system.dim(), padded(system.dim()));
        let rho = Matrix::from_shape_fn((dim, dim), |(row, column)| rows[row * stride + column]);
        Ok(EvolvedDensity { rho, error: plan.error })
    }

    /// The value of an objective after all steps from `states`, which are columns, and its derivative by every value of the
    /// controls, without the environment: one sweep forward and one back.
    ///
    /// The derivative is that of the polynomials, so it is exact for the value that is returned.
    ///
    /// # Errors
    /// As [`Self::states`], and [`Error::Dimension`] or [`Error::NotFinite`] if the objective does not fit,
    /// [`Error::OutOfRange`] if the states of all steps do not fit in 1 GiB.
    pub fn gradient(&self, controls: &Piecewise, states: &Matrix, objective: &Objective) -> Result<Gradient> {
        self.check(controls)?;
        self.check_states(states)?;
        objective.check(self.system.dim(), states.ncols())?;
        let plan = self.plan(controls)?;
        let mut columns = columns(states);
        let length = plan.substeps.len() * columns.len();
        if length > MAX_HISTORY {
            let what = "the number of amplitudes of all steps".into();
            let wanted = format!("at most {MAX_HISTORY}");
            return Err(Error::OutOfRange { what, found: length as f64, wanted });
        }
        let mut history = Vec::with_capacity(length);
        self.forward(controls, &plan, &mut columns, Some(&mut history));
        let states = self.finish(&columns, controls);
        let stride = padded(self.system.dim());
        // All states carry the same phase, which no objective sees.
        let (value, mut duals) = objective.value(self.system.dim(), stride, &columns);
        let ends = self.finish(&duals, controls);
        let mut gradient = vec![0.0; controls.steps() * controls.controls()];
        let kernel = Duals {
            system: &self.system,
            controls,
            substeps: &plan.substeps,
            history: &history,
            columns: &mut duals,
            gradient: &mut gradient,
        };
        // SAFETY: the columns and the matrices of the system are padded alike; steps and controls were checked
        #[allow(unsafe_code)]
        unsafe {
            f64::run(self.level, kernel);
        }
        let shape = controls.values().raw_dim();
        let gradient = Array2::from_shape_fn(shape, |(step, k)| gradient[step * controls.controls() + k]);
        Ok(Gradient { value, gradient, states, duals: ends })
    }

    fn forward(&self, controls: &Piecewise, plan: &Plan, states: &mut [C64], history: Option<&mut Vec<C64>>) {
        let kernel =
            States { system: &self.system, controls, substeps: &plan.substeps, columns: states, history };
        // SAFETY: the columns and the matrices of the system are padded alike; steps and controls were checked
        #[allow(unsafe_code)]
        unsafe {
            f64::run(self.level, kernel);
        }
    }

    fn plan(&self, controls: &Piecewise) -> Result<Plan> {
        Plan::new(controls, self.tolerance, |values| norm(&self.system, values))
    }

    /// The columns as a matrix, with the phase that the shift of the spectrum took away.
    fn finish(&self, columns: &[C64], controls: &Piecewise) -> Matrix {
        let (dim, stride) = (self.system.dim(), padded(self.system.dim()));
        let phase = C64::cis(-self.system.centre * controls.dt() * controls.steps() as f64);
        Matrix::from_shape_fn((dim, columns.len() / stride), |(row, column)| {
            columns[column * stride + row] * phase
        })
    }

    fn check(&self, controls: &Piecewise) -> Result<()> {
        let (found, expected) = (controls.controls(), self.system.controls());
        if found == expected {
            return Ok(());
        }
        Err(Error::Dimension { what: "the list of controls of a step", found, expected })
    }

    fn check_states(&self, states: &Matrix) -> Result<()> {
        let (what, dim) = ("an initial state", self.system.dim());
        check_finite(what, states)?;
        if states.nrows() == dim {
            Ok(())
        } else {
            Err(Error::Dimension { what, found: states.nrows(), expected: dim })
        }
    }

    /// The padded rows of a density matrix.
    fn density_rows(&self, rho: &Matrix) -> Result<Vec<C64>> {
        check_size("a density matrix", rho, self.system.dim())?;
        check_finite("a density matrix", rho)?;
        let deviation =
            rho.indexed_iter().map(|((r, c), z)| (z - rho[[c, r]].conj()).norm()).fold(0.0, f64::max);
        if deviation > 1e-9 {
            return Err(Error::NotHermitian { deviation });
        }
        Ok(columns(&rho.t().to_owned()))
    }
}

/// Bound of ‖H - c‖ for these values of the controls.
fn norm(system: &System, values: &[f64]) -> f64 {
    system.control_norms.iter().zip(values).map(|(norm, value)| norm * value.abs()).sum::<f64>()
        + system.drift_norm
}
