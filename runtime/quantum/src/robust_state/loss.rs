//! What is wrong with a measured state, and the slope of that.

use serde::{Deserialize, Serialize};

use crate::gradient::{Hermitian, Operator, RankOnes};
use crate::linalg::{self, dominant};
use crate::{C64, Matrix, Result};

/// A loss of the density matrix that a device prepared.
///
/// The choice decides everything: only a loss whose slope depends on the measured state can learn from the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Loss {
    /// `1 - <t|rho|t>`. Its slope `-|t><t|` is the same for every `rho`, so this is noise-unaware training: the negative
    /// control.
    Fidelity,
    /// `||rho - |t><t| ||^2` in the Frobenius norm.
    Frobenius,
    /// `|| |v><v| - |t><t| ||^2` for the dominant eigenvector `v` of `rho`: the part of the error that a unitary can undo.
    DominantEigenvector,
}

impl Loss {
    /// The loss of a measured state.
    ///
    /// # Errors
    /// A matrix that does not fit the target, is not Hermitian or not finite.
    pub fn value(self, rho: &Matrix, target: &[C64]) -> Result<f64> {
        Ok(match self {
            Self::Fidelity => 1.0 - linalg::state_fidelity(rho, target)?,
            Self::Frobenius => {
                let purity = linalg::purity(rho);
                purity - 2.0 * linalg::state_fidelity(rho, target)? + 1.0
            }
            Self::DominantEigenvector => 2.0 * coherent_error(rho, target)?,
        })
    }

    /// The slope `dL / d rho` at a measured state, a Hermitian operator: what the straight-through rule freezes.
    ///
    /// For [`Loss::DominantEigenvector`] it is the slope by `|v><v|`.
    ///
    /// # Errors
    /// As [`Loss::value`].
    pub fn slope(self, rho: &Matrix, target: &[C64]) -> Result<Box<dyn Operator>> {
        Ok(match self {
            Self::Fidelity => Box::new(RankOnes::new(vec![(-1.0, target.to_vec())])?),
            Self::Frobenius => {
                Box::new(Hermitian::new((rho - &linalg::outer(target, target)) * C64::from(2.0))?)
            }
            Self::DominantEigenvector => {
                let v = dominant(rho)?.vector;
                Box::new(RankOnes::new(vec![(2.0, v), (-2.0, target.to_vec())])?)
            }
        })
    }
}

/// The coherent error `1 - |<t|v>|^2` of the dominant eigenvector `v` (Koczor's coherent mismatch, arXiv:2104.00608):
/// what a unitary after the noise could repair.
///
/// # Errors
/// A matrix that does not fit the target, is not Hermitian or not finite.
pub fn coherent_error(rho: &Matrix, target: &[C64]) -> Result<f64> {
    let v = dominant(rho)?.vector;
    if v.len() != target.len() {
        linalg::state_fidelity(rho, target)?; // reports the two sizes
    }
    Ok((1.0 - linalg::inner(target, &v).norm_sqr()).max(0.0))
}
