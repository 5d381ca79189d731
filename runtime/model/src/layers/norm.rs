//! Normalisations with their gains, biases and running states.

use std::sync::Arc;

use crate::graph::{Graph, Init, Value};
use crate::operator::{BatchNorm, LayerNorm};
use crate::{Dim, Error, Result, TensorType};

impl Graph {
    /// Normalises over the last axis, with parameters `name.weight` and `name.bias`.
    ///
    /// # Errors
    /// A last axis whose size is not known, a name used twice.
    pub fn layer_norm(&mut self, name: &str, x: Value) -> Result<Value> {
        let ty = TensorType::new(self.ty(x).dtype, [self.channels("layer_norm", x)?]);
        let gain = self.parameter(&format!("{name}.weight"), ty.clone(), Init::Constant(1.0))?;
        let bias = self.parameter(&format!("{name}.bias"), ty, Init::Constant(0.0))?;
        self.apply(LayerNorm { eps: 1e-5, centred: true }, &[x, gain, bias])
    }

    /// Normalises by the root mean square over the last axis, with a parameter `name.weight`.
    ///
    /// # Errors
    /// As [`layer_norm`](Self::layer_norm).
    pub fn rms_norm(&mut self, name: &str, x: Value) -> Result<Value> {
        let ty = TensorType::new(self.ty(x).dtype, [self.channels("rms_norm", x)?]);
        let gain = self.parameter(&format!("{name}.weight"), ty, Init::Constant(1.0))?;
        self.apply(LayerNorm { eps: 1e-6, centred: false }, &[x, gain])
    }

    /// Normalises each channel, axis 1. While training it is over the batch, and the states `name.running_mean` and
    /// `name.running_var` follow with momentum 0.1; otherwise by these states.
    ///
    /// # Errors
    /// A tensor without channels, a name used twice.
    pub fn batch_norm(&mut self, name: &str, x: Value, training: bool) -> Result<Value> {
        let (eps, momentum) = (1e-5, 0.1);
        let ty = self.ty(x).clone();
        if ty.rank() < 2 {
            return Err(Error::Axis { operator: "batch_norm", axis: 1, rank: ty.rank() });
        }
        let channel = ty.shaped(vec![ty.shape[1].clone()]);
        let gain = self.parameter(&format!("{name}.weight"), channel.clone(), Init::Constant(1.0))?;
        let bias = self.parameter(&format!("{name}.bias"), channel.clone(), Init::Constant(0.0))?;
        let mean = self.state(&format!("{name}.running_mean"), channel.clone(), Init::Constant(0.0))?;
        let variance = self.state(&format!("{name}.running_var"), channel.clone(), Init::Constant(1.0))?;
        if training {
            let results = self.apply_all(Arc::new(BatchNorm { eps }), &[x, gain, bias])?;
            for (state, now) in [(mean, results[1]), (variance, results[3])] {
                let old = self.affine(state, 1.0 - momentum, 0.0)?;
                let new = self.affine(now, momentum, 0.0)?;
                let new = self.add(old, new)?;
                self.update(state, new)?;
            }
            return Ok(results[0]);
        }
        let mut shape = vec![Dim::from(1); ty.rank() - 1];
        shape[0] = ty.shape[1].clone();
        let deviation = self.affine(variance, 1.0, eps)?;
        let deviation = self.sqrt(deviation)?;
        let scale = self.divide(gain, deviation)?;
        let offset = self.multiply(mean, scale)?;
        let offset = self.subtract(bias, offset)?;
        let (scale, offset) = (self.reshape(scale, shape.clone())?, self.reshape(offset, shape)?);
        let y = self.multiply(x, scale)?;
        self.add(y, offset)
    }
}
