//! Convolutions and pools of images.

use crate::graph::{Graph, Init, Value};
use crate::operator::{AveragePool, Conv2d, MaxPool, Window};
use crate::{Dim, Result, TensorType};

impl Graph {
    /// A convolution with bias: parameters `name.weight` `[filters, channels, size, size]` and `name.bias`.
    ///
    /// # Errors
    /// What is no image, windows that do not fit, a name used twice.
    pub fn conv2d(&mut self, name: &str, x: Value, filters: usize, window: Window) -> Result<Value> {
        let ty = self.ty(x).clone();
        let channels = ty.shape.get(1).and_then(Dim::known).unwrap_or(1);
        let bound = 1.0 / ((channels * window.size.0 * window.size.1).max(1) as f64).sqrt();
        let shape = [filters, channels, window.size.0, window.size.1];
        let weight = TensorType::new(ty.dtype, shape);
        let weight = self.parameter(&format!("{name}.weight"), weight, Init::Uniform(bound))?;
        let bias = TensorType::new(ty.dtype, [filters]);
        let bias = self.parameter(&format!("{name}.bias"), bias, Init::Uniform(bound))?;
        self.apply(Conv2d { stride: window.stride, padding: window.padding }, &[x, weight, bias])
    }

    /// The largest element of each window.
    ///
    /// # Errors
    /// What is no image, windows that do not fit.
    pub fn max_pool(&mut self, x: Value, window: Window) -> Result<Value> {
        self.apply(MaxPool(window), &[x])
    }

    /// The mean of each window.
    ///
    /// # Errors
    /// What is no image, windows that do not fit.
    pub fn average_pool(&mut self, x: Value, window: Window) -> Result<Value> {
        self.apply(AveragePool(window), &[x])
    }
}
