//! Rules that change parameters.

use crate::{Error, Extent, Result};

/// A rule that changes parameters by their gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Optimiser {
    /// Gradient descent, `v <- momentum v + g`, `p <- p - rate v`, as PyTorch's `SGD`.
    Sgd {
        /// The learning rate.
        rate: f64,
        /// How much of the velocity stays.
        momentum: f64,
        /// Whether it looks a step ahead (Nesterov).
        nesterov: bool,
        /// Added to the gradient, times the parameter.
        weight_decay: f64,
    },
    /// Adam (arXiv:1412.6980), and with `decoupled` weight decay AdamW (arXiv:1711.05101). Tables whose gradient comes by rows
    /// are changed in these rows alone, moments included, as PyTorch's `SparseAdam` does.
    Adam {
        /// The learning rate.
        rate: f64,
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// Added to the root of the second moment.
        eps: f64,
        /// The weight decay.
        weight_decay: f64,
        /// Whether the weight decay passes the moments by.
        decoupled: bool,
    },
}

impl Optimiser {
    /// Plain gradient descent.
    pub const fn sgd(rate: f64) -> Self {
        Self::Sgd { rate, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// Gradient descent with momentum.
    pub const fn momentum(rate: f64, momentum: f64) -> Self {
        Self::Sgd { rate, momentum, nesterov: false, weight_decay: 0.0 }
    }

    /// Adam with the paper's settings.
    pub const fn adam(rate: f64) -> Self {
        Self::Adam { rate, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0, decoupled: false }
    }

    /// AdamW with PyTorch's settings: weight decay 0.01.
    pub const fn adamw(rate: f64) -> Self {
        Self::Adam { rate, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01, decoupled: true }
    }

    /// The learning rate.
    pub const fn rate(&self) -> f64 {
        match *self {
            Self::Sgd { rate, .. } | Self::Adam { rate, .. } => rate,
        }
    }

    /// Names of the tensors that are kept for each parameter.
    pub(crate) const fn moments(&self) -> &'static [&'static str] {
        match self {
            Self::Sgd { momentum, .. } if *momentum == 0.0 => &[],
            Self::Sgd { .. } => &["velocity"],
            Self::Adam { .. } => &["first_moment", "second_moment"],
        }
    }

    /// Names of what is kept for one parameter.
    pub(crate) fn moments_of(&self, parameter: &str) -> impl Iterator<Item = String> {
        self.moments().iter().map(move |moment| format!("{moment} of {parameter}"))
    }

    /// Reserves what is kept for a parameter of this extent; the number of the first, the others follow.
    pub(crate) fn reserve(
        &self,
        parameter: &str,
        extent: &Extent,
        reserve: &mut Vec<(String, Extent)>,
    ) -> usize {
        let first = reserve.len();
        reserve.extend(self.moments_of(parameter).map(|moment| (moment, extent.clone())));
        first
    }

    pub(crate) fn check(&self) -> Result<()> {
        let numbers = match *self {
            Self::Sgd { rate, momentum, weight_decay, .. } => vec![rate, momentum, weight_decay],
            Self::Adam { rate, beta1, beta2, eps, weight_decay, .. } => {
                vec![rate, beta1, beta2, eps, weight_decay]
            }
        };
        if let Some(bad) = numbers.iter().find(|x| !x.is_finite() || **x < 0.0) {
            let expected = "finite numbers that are not negative";
            return Err(Error::Setting { name: "an optimiser's setting", found: bad.to_string(), expected });
        }
        if let Self::Adam { beta1, beta2, .. } = *self
            && (beta1 >= 1.0 || beta2 >= 1.0)
        {
            let found = beta1.max(beta2).to_string();
            return Err(Error::Setting { name: "a decay of a moment", found, expected: "0 to below 1" });
        }
        Ok(())
    }
}
