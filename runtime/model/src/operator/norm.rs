//! Normalisations and softmax.

use super::{Call, Cost, Operator, Role, Saved, pass_rows, rule};
use crate::kernel::norm::{self, Channels};
use crate::kernel::real::real;
use crate::{Derivation, Extent, Result, TensorType};

/// Normalises over the last axis: operands are `x`, the gain and, if centred, the bias. Without `centred` it is the
/// normalisation by the root mean square. Result 1 holds the mean and the reciprocal deviation of each row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerNorm {
    /// Added to the variance.
    pub eps: f64,
    /// Whether the mean is subtracted.
    pub centred: bool,
}

impl LayerNorm {
    fn bias(self) -> usize {
        usize::from(self.centred)
    }
}

impl Operator for LayerNorm {
    fn name(&self) -> &'static str {
        if self.centred { "layer_norm" } else { "rms_norm" }
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        let count = 2 + self.bias();
        rule::count(self.name(), operands.len(), count..=count)?;
        rule::real(self.name(), &operands.iter().collect::<Vec<_>>())?;
        let x = &operands[0];
        let Some((last, lead)) = x.shape.split_last() else {
            return Err(rule::wrong(self.name(), "operand", x, "a tensor with axes"));
        };
        for operand in &operands[1..] {
            rule::equal(self.name(), "gain or bias", &operand.shape, std::slice::from_ref(last))?;
        }
        Ok(vec![x.clone(), x.shaped([lead, &[2.into()]].concat())])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        real!(call.operand_extent(0).dtype, T => norm::layer_norm::<T>(
            call.team(),
            call.operand(0),
            call.operand(1),
            self.centred.then(|| call.operand(2)),
            self.eps,
            self.centred,
            call.result(0),
            call.result(1),
        ));
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let operands = [at.gradient(0), at.operand(0), at.operand(1), at.result(1)];
        let gradients = at.apply_all(LayerNormGradient { centred: self.centred }, &operands)?;
        (0..2 + self.bias()).try_for_each(|k| at.add(k, gradients[k]))
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(8 * results[0].elements(), operands, results)
    }

    fn saved(&self) -> Saved {
        Saved { operands: &[0, 1], results: &[1] }
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let mut roles = vec![pass_rows(operands[0].rank())];
        roles.resize(operands.len(), vec![Role::Whole]);
        roles
    }
}

/// Gradients of [`LayerNorm`] by operand, gain and bias, from the gradient, the operand, the gain and the statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LayerNormGradient {
    /// Whether the mean was subtracted.
    pub centred: bool,
}

impl Operator for LayerNormGradient {
    fn name(&self) -> &'static str {
        "layer_norm_gradient"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 4..=4)?;
        rule::real(self.name(), &operands.iter().collect::<Vec<_>>())?;
        rule::equal(self.name(), "gradient", &operands[0].shape, &operands[1].shape)?;
        Ok(vec![operands[0].clone(), operands[2].clone(), operands[2].clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        real!(call.operand_extent(0).dtype, T => norm::layer_norm_gradient::<T>(
            call.team(),
            call.pair(0, 0),
            call.operand(1),
            call.operand(2),
            call.operand(3),
            self.centred,
            call.result(1),
            call.result(2),
            call.scratch(),
        ));
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(16 * results[0].elements(), operands, results)
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn workspace(&self, operands: &[Extent], _results: &[Extent], _threads: usize) -> usize {
        2 * operands[0].rows().div_ceil(norm::BLOCK) * operands[0].last() * operands[0].dtype.bytes()
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let rank = operands[0].rank();
        vec![pass_rows(rank), pass_rows(rank), vec![Role::Whole], pass_rows(rank)]
    }
}

/// Softmax over the last axis; a row of minus infinities gives zeros.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Softmax;

impl Operator for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        rule::real(self.name(), &[&operands[0]])?;
        rule::axis(self.name(), 0, operands[0].rank())?;
        Ok(vec![operands[0].clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let n = call.operand_extent(0).last();
        real!(call.operand_extent(0).dtype, T => norm::softmax::<T>(call.team(), call.pair(0, 0), n));
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let operands = [at.gradient(0), at.result(0)];
        let gradient = at.apply(SoftmaxGradient, &operands)?;
        at.add(0, gradient)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(5 * results[0].elements(), operands, results)
    }

    fn saved(&self) -> Saved {
        Saved { operands: &[], results: &[0] }
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![pass_rows(operands[0].rank())]
    }
}

/// The gradient of [`Softmax`], from that of its result and the result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SoftmaxGradient;

impl Operator for SoftmaxGradient {
    fn name(&self) -> &'static str {
        "softmax_gradient"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=2)?;
        rule::real(self.name(), &[&operands[0], &operands[1]])?;
        rule::axis(self.name(), 0, operands[0].rank())?;
        rule::equal(self.name(), "gradient", &operands[0].shape, &operands[1].shape)?;
        Ok(vec![operands[0].clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let n = call.operand_extent(0).last();
        real!(call.operand_extent(0).dtype, T => {
            norm::softmax_gradient::<T>(call.team(), call.pair(0, 0), call.operand(1), n);
        });
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(4 * results[0].elements(), operands, results)
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![pass_rows(operands[0].rank()); 2]
    }
}

/// Normalises each channel, which is axis 1, over all other axes: operands are `x`, gain and bias. Results are the normalised
/// tensor, and for each channel the mean, the reciprocal deviation and the unbiased variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance.
    pub eps: f64,
}

fn channels(extent: &Extent) -> Channels {
    Channels { batch: extent.dims[0], channels: extent.dims[1], inner: extent.dims[2..].iter().product() }
}

fn channel_roles(rank: usize) -> Vec<Role> {
    (0..rank).map(|axis| if axis == 1 { Role::Passes(1) } else { Role::Whole }).collect()
}

impl Operator for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 3..=3)?;
        rule::real(self.name(), &operands.iter().collect::<Vec<_>>())?;
        let x = &operands[0];
        rule::axis(self.name(), 1, x.rank())?;
        for operand in &operands[1..] {
            rule::equal(self.name(), "gain or bias", &operand.shape, &x.shape[1..2])?;
        }
        Ok(vec![x.clone(), operands[1].clone(), operands[1].clone(), operands[1].clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let shape = channels(call.operand_extent(0));
        real!(call.operand_extent(0).dtype, T => norm::batch_norm::<T>(
            call.team(),
            shape,
            call.operand(0),
            call.operand(1),
            call.operand(2),
            self.eps,
            call.result(0),
            (call.result(1), call.result(2), call.result(3)),
        ));
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let operands = [at.gradient(0), at.operand(0), at.operand(1), at.result(1), at.result(2)];
        let gradients = at.apply_all(BatchNormGradient, &operands)?;
        (0..3).try_for_each(|k| at.add(k, gradients[k]))
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(8 * results[0].elements(), operands, results)
    }

    fn saved(&self) -> Saved {
        Saved { operands: &[0, 1], results: &[1, 2] }
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![channel_roles(operands[0].rank()), vec![Role::Passes(1)], vec![Role::Passes(1)]]
    }
}

/// Gradients of [`BatchNorm`] by operand, gain and bias, from the gradient, the operand, the gain, means and reciprocal
/// deviations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct BatchNormGradient;

impl Operator for BatchNormGradient {
    fn name(&self) -> &'static str {
        "batch_norm_gradient"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 5..=5)?;
        rule::real(self.name(), &operands.iter().collect::<Vec<_>>())?;
        rule::equal(self.name(), "gradient", &operands[0].shape, &operands[1].shape)?;
        Ok(vec![operands[0].clone(), operands[2].clone(), operands[2].clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let shape = channels(call.operand_extent(0));
        real!(call.operand_extent(0).dtype, T => norm::batch_norm_gradient::<T>(
            call.team(),
            shape,
            call.operand(0),
            call.operand(1),
            call.operand(2),
            (call.operand(3), call.operand(4)),
            call.result(0),
            (call.result(1), call.result(2)),
        ));
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(14 * results[0].elements(), operands, results)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let rank = operands[0].rank();
        let channel = vec![Role::Passes(1)];
        vec![channel_roles(rank), channel_roles(rank), channel.clone(), channel.clone(), channel]
    }
}
