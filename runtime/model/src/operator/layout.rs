//! Tensors under another shape: nothing is computed.

use super::{Call, Cost, Operator, Role, rule};
use crate::kernel::elementwise::broadcast_strides;
use crate::kernel::layout;
use crate::{Derivation, Dim, Extent, MAX_RANK, Result, TensorType};

pub(super) fn copied(operands: &[Extent], results: &[Extent]) -> Cost {
    Cost::streaming(0, operands, results)
}

/// Fills the result from the operand's elements, `strides` apart along each axis of the result.
fn gather(call: &Call<'_>, strides: &[usize; MAX_RANK]) {
    let (x, y) = (call.operand_extent(0), call.result_extent(0));
    let from = (call.operand_bytes(0), 0);
    let strides = &strides[..y.dims.len()];
    layout::gather(call.team(), from, strides, &y.dims, x.dtype.bytes(), call.result_bytes(0));
}

/// The same elements in the same order under another shape; a view, which costs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reshape(pub Vec<Dim>);

impl Operator for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let result = operands[0].shaped(self.0.clone());
        if result.elements() != operands[0].elements() {
            return Err(rule::wrong(self.name(), "elements", &result, &operands[0].to_string()));
        }
        Ok(vec![result])
    }

    fn run(&self, _call: &Call<'_>) -> Result<()> {
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let (gradient, shape) = (at.gradient(0), at.operand_type(0).shape);
        let gradient = at.apply(Self(shape), &[gradient])?;
        at.add(0, gradient)
    }

    fn cost(&self, _operands: &[Extent], _results: &[Extent]) -> Cost {
        Cost::default()
    }

    fn is_view(&self) -> bool {
        true
    }

    /// An axis passes where the axes before it hold as many elements on both sides and it is the same, or the outermost of
    /// those that it was split into.
    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let before =
            |shape: &[Dim], axis: usize| shape[..axis].iter().cloned().fold(Dim::from(1), std::ops::Mul::mul);
        let x = &operands[0].shape;
        let roles = (0..x.len()).map(|axis| {
            let lead = before(x, axis);
            let to = (0..self.0.len()).find(|&to| before(&self.0, to) == lead && self.0[to] == x[axis]);
            to.map_or(Role::Whole, Role::Passes)
        });
        vec![roles.collect()]
    }
}

/// The axes in another order: axis `k` of the result is axis `self.0[k]` of the operand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Permute(pub Vec<usize>);

impl Operator for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        if sorted != (0..operands[0].rank()).collect::<Vec<_>>() {
            return Err(rule::wrong(self.name(), "axes", format!("{:?}", self.0), "each axis once"));
        }
        Ok(vec![operands[0].shaped(self.0.iter().map(|&axis| operands[0].shape[axis].clone()).collect())])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let x = call.operand_extent(0);
        let mut strides = [1; MAX_RANK];
        for axis in (0..x.dims.len().saturating_sub(1)).rev() {
            strides[axis] = strides[axis + 1] * x.dims[axis + 1];
        }
        let mut permuted = [1; MAX_RANK];
        self.0.iter().zip(&mut permuted).for_each(|(&axis, stride)| *stride = strides[axis]);
        gather(call, &permuted);
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let mut back = vec![0; self.0.len()];
        for (k, &axis) in self.0.iter().enumerate() {
            back[axis] = k;
        }
        let gradient = at.gradient(0);
        let gradient = at.apply(Self(back), &[gradient])?;
        at.add(0, gradient)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        copied(operands, results)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let place = |axis| self.0.iter().position(|&from| from == axis);
        vec![(0..operands[0].rank()).map(|axis| place(axis).map_or(Role::Whole, Role::Passes)).collect()]
    }
}

/// A tensor repeated along axes of size 1 and along new leading ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Broadcast(pub Vec<Dim>);

impl Operator for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let shape = super::arithmetic::broadcast(self.name(), &operands[0].shape, &self.0)?;
        rule::equal(self.name(), "shape", &shape, &self.0)?;
        Ok(vec![operands[0].shaped(shape)])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        gather(call, &broadcast_strides(&call.operand_extent(0).dims, &call.result_extent(0).dims));
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let gradient = at.gradient(0);
        let gradient = at.sum_to(gradient, 0)?;
        at.add(0, gradient)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        copied(operands, results)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let x = &operands[0];
        let lead = self.0.len() - x.rank();
        let roles = x.shape.iter().enumerate();
        let role = |(axis, dim): (usize, &Dim)| {
            if *dim == self.0[lead + axis] { Role::Passes(lead + axis) } else { Role::Whole }
        };
        vec![roles.map(role).collect()]
    }
}
