//! Gradients of expectations by the parameters of a circuit.
//!
//! | method | circuits | cost in runs | see |
//! |---|---|---|---|
//! | adjoint | unitary | about 3 | [`adjoint`], [`vjp`], [`Adjoint`] |
//! | adjoint, many sets of values | unitary | about 3 each, a set a lane | [`StateVector::batch`] |
//! | density adjoint | with noise | about 3, and the states are kept | [`density_gradient`], [`DensityAdjoint`] |
//! | parameter shift | any, also on a device | 2 or 4 an angle | [`parameter_shift`], [`ShiftRule`] |
//!
//! All are exact. What is differentiated is `Tr[M rho(theta)]` for a Hermitian [`Operator`] `M` that is held fixed: an
//! observable, a dense matrix, or a few projectors. The gradient of a loss of the state is the one with `M` its derivative at that
//! state; `RobustState` takes `M` at a measured state and the rest from the noiseless circuit.
//!
//! ```
//! use ketline_quantum::gradient::adjoint;
//! use ketline_quantum::{Angle, Builder, Observable};
//!
//! let mut b = Builder::new("one");
//! let (q, theta): (_, Angle) = (b.qubit("q"), b.parameter("theta"));
//! b.ry(theta, q);
//! let result = adjoint(&b.finish()?, &Observable::z(0), &[0.3])?;
//! assert!((result.value - 0.3_f64.cos()).abs() < 1e-15);
//! assert!((result.gradient[0] + 0.3_f64.sin()).abs() < 1e-15);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```
//!
//! [`StateVector::batch`]: crate::simulator::StateVector::batch

mod adjoint;
mod density;
mod operator;
mod shift;
#[cfg(test)]
mod tests;

pub use adjoint::Adjoint;
pub use density::DensityAdjoint;
pub use operator::{Hermitian, Operator, RankOnes};
pub use shift::{Shift, ShiftRule, parameter_shift};

use crate::{Circuit, Observable, Result};

/// An expectation and its gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    /// The expectation.
    pub value: f64,
    /// Its derivative by each parameter, in flat order.
    pub gradient: Vec<f64>,
}

/// The expectation of an observable in a unitary circuit and its gradient, by the adjoint method.
///
/// # Errors
/// As [`Adjoint::new`] and [`Adjoint::gradient`].
pub fn adjoint(circuit: &impl AsRef<Circuit>, observable: &Observable, values: &[f64]) -> Result<Gradient> {
    Adjoint::new(circuit)?.gradient(observable, values)
}

/// The vector-Jacobian product of a unitary circuit: the gradient of `<psi(theta)| M |psi(theta)>` for any fixed Hermitian
/// `M`.
///
/// # Errors
/// As [`Adjoint::new`] and [`Adjoint::gradient`].
pub fn vjp(circuit: &impl AsRef<Circuit>, operator: &impl Operator, values: &[f64]) -> Result<Vec<f64>> {
    Ok(Adjoint::new(circuit)?.gradient(operator, values)?.gradient)
}

/// `Tr[M rho(theta)]` for a circuit with noise and its exact gradient.
///
/// # Errors
/// As [`DensityAdjoint::new`] and [`DensityAdjoint::gradient`].
pub fn density_gradient(
    circuit: &impl AsRef<Circuit>,
    operator: &impl Operator,
    values: &[f64],
) -> Result<Gradient> {
    DensityAdjoint::new(circuit)?.gradient(operator, values)
}
