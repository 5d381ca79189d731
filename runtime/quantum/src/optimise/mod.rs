//! Optimisers: what turns gradients, or bare function values, into better parameters.
//!
//! | optimiser | needs | state | source |
//! |---|---|---|---|
//! | [`Adam`] | gradient | serialisable | Kingma and Ba 2015; decoupled decay: Loshchilov and Hutter 2019 |
//! | [`Sgd`] | gradient | serialisable | Polyak 1964 (momentum); Nesterov 1983 |
//! | [`Spsa`] | two values a step, noise allowed | serialisable | Spall 1992; gains: Spall 1998 |
//! | [`Lbfgs`] | value and gradient, no noise | none | Liu and Nocedal 1989; bounds: Bertsekas 1982 |
//! | [`Cobyla`] | values, little noise | none | Powell 1994 |
//! | [`Surface`] | many values, much noise | none | Box and Wilson 1951 |
//!
//! Gradient optimisers implement [`Optimiser`] and take their rate from a [`Schedule`]; the caller owns the
//! loop, or hands it to [`descend`]. [`Lbfgs`], [`Cobyla`] and [`Surface`] call the objective themselves. All of them minimise. A run that is stopped, written with `serde`, read
//! and continued gives the same bits as one that was never stopped.
//!
//! ```
//! use ketline_quantum::optimise::{Adam, Optimiser, Schedule};
//!
//! let mut adam = Adam::new(Schedule::cosine(0.1, 200));
//! let mut x = [1.0, -2.0];
//! for _ in 0..200 {
//!     let gradient = [2.0 * x[0], 2.0 * x[1]];
//!     adam.step(&mut x, &gradient)?;
//! }
//! assert!(x[0].abs() < 1e-2 && x[1].abs() < 1e-2);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```

mod adam;
mod cobyla;
mod lbfgs;
mod minimum;
mod schedule;
mod sgd;
mod spsa;
mod surface;

pub use adam::Adam;
pub use cobyla::Cobyla;
pub use lbfgs::Lbfgs;
pub use minimum::{Minimum, descend};
pub use schedule::{Decay, Schedule};
pub use sgd::Sgd;
pub use spsa::Spsa;
pub use surface::Surface;

use crate::{Error, Result};

/// An optimiser that follows a gradient downhill.
pub trait Optimiser {
    /// Moves `parameters` one step against `gradient`. On an error nothing is changed.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a parameter, a gradient or a setting is NaN or infinite, [`Error::Dimension`]
    /// if the number of parameters differs from the gradient's or from that of the step before,
    /// [`Error::Setting`] if a setting is out of its range.
    fn step(&mut self, parameters: &mut [f64], gradient: &[f64]) -> Result<()>;

    /// Steps taken so far.
    fn steps(&self) -> usize;

    /// The learning rate of the next step.
    fn rate(&self) -> f64;
}

/// Refuses NaN and infinity.
fn check_finite(what: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(index) => Err(Error::NotFinite { what, index, value: values[index] }),
    }
}

/// Refuses a setting outside its range; NaN is outside every range.
fn check_setting(name: &'static str, found: f64, valid: bool, expected: &'static str) -> Result<()> {
    if valid { Ok(()) } else { Err(Error::Setting { name, found, expected }) }
}

/// Refuses a step whose slices do not fit each other or the state kept from earlier steps (empty before the
/// first).
fn check_step(parameters: &[f64], gradient: &[f64], state: &[f64]) -> Result<()> {
    let expected = parameters.len();
    if gradient.len() != expected {
        return Err(Error::Dimension { what: "the gradient", found: gradient.len(), expected });
    }
    if !state.is_empty() && state.len() != expected {
        return Err(Error::Dimension { what: "the optimiser's state", found: state.len(), expected });
    }
    check_finite("the parameters", parameters)?;
    check_finite("the gradient", gradient)
}
