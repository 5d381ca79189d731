//! Parts of tensors along an axis: put together, cut out, surrounded by zeros.

use super::layout::copied;
use super::{Call, Cost, Operator, Role, rule};
use crate::kernel::layout;
use crate::kernel::shared::Shared;
use crate::{Derivation, Extent, Result, TensorType};

/// Tensors one after another along an axis whose sizes are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Concat {
    /// The axis.
    pub axis: usize,
}

/// Operands that are copied together.
const AT_ONCE: usize = 32;

impl Operator for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=30)?;
        let first = &operands[0];
        rule::axis(self.name(), self.axis, first.rank())?;
        let mut total = 0;
        for operand in operands {
            if operand.dtype != first.dtype || operand.rank() != first.rank() {
                return Err(rule::wrong(self.name(), "operand", operand, &format!("one like {first}")));
            }
            let others = |ty: &TensorType| [&ty.shape[..self.axis], &ty.shape[self.axis + 1..]].concat();
            rule::equal(self.name(), "other axes", &others(operand), &others(first))?;
            let size = &operand.shape[self.axis];
            total +=
                size.known().ok_or_else(|| rule::wrong(self.name(), "axis", size, "a size that is known"))?;
        }
        let mut shape = first.shape.clone();
        shape[self.axis] = total.into();
        Ok(vec![first.shaped(shape)])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let y = call.result_extent(0);
        let count = y.dims[..self.axis].iter().product();
        let inner = y.dims[self.axis + 1..].iter().product::<usize>() * y.dtype.bytes();
        let stride = y.dims[self.axis] * inner;
        let out = Shared::new(call.result_bytes(0));
        let mut start = 0;
        for first in (0..call.operand_count()).step_by(AT_ONCE) {
            let mut operands = [(&[][..], 0); AT_ONCE];
            let some = &mut operands[..AT_ONCE.min(call.operand_count() - first)];
            for (k, operand) in some.iter_mut().enumerate() {
                let width = call.operand_extent(first + k).dims[self.axis] * inner;
                *operand = (call.operand_bytes(first + k), width);
            }
            layout::join(call.team(), some, (out, start, stride), count);
            start += some.iter().map(|(_, width)| width).sum::<usize>();
        }
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let gradient = at.gradient(0);
        let mut start = 0;
        for k in 0..at.operands() {
            let length = at.operand_type(k).shape[self.axis].known().unwrap_or(0);
            if at.wants(k) {
                let part = at.apply(Slice { axis: self.axis, start, length }, &[gradient])?;
                at.add(k, part)?;
            }
            start += length;
        }
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        copied(operands, results)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let roles = |rank| {
            (0..rank).map(|axis| if axis == self.axis { Role::Whole } else { Role::Passes(axis) }).collect()
        };
        operands.iter().map(|operand| roles(operand.rank())).collect()
    }
}

/// A part of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The axis.
    pub axis: usize,
    /// Where the part begins.
    pub start: usize,
    /// How long it is.
    pub length: usize,
}

impl Operator for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let x = &operands[0];
        rule::axis(self.name(), self.axis, x.rank())?;
        let size = &x.shape[self.axis];
        if self.length == 0 || size.known().is_none_or(|size| self.start + self.length > size) {
            let found = format!("{}..{}", self.start, self.start + self.length);
            return Err(rule::wrong(self.name(), "range", found, &format!("a part of 0..{size}")));
        }
        let mut shape = x.shape.clone();
        shape[self.axis] = self.length.into();
        Ok(vec![x.shaped(shape)])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let x = call.operand_extent(0);
        let count = x.dims[..self.axis].iter().product();
        let inner = x.dims[self.axis + 1..].iter().product::<usize>() * x.dtype.bytes();
        let (stride, width) = (x.dims[self.axis] * inner, self.length * inner);
        let out = Shared::new(call.result_bytes(0));
        layout::blocks(
            call.team(),
            (call.operand_bytes(0), self.start * inner, stride),
            (out, 0, width),
            width,
            count,
        );
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let gradient = at.gradient(0);
        let size = at.operand_type(0).shape[self.axis].known().unwrap_or(0);
        let gradient = at.apply(Pad { axis: self.axis, start: self.start, size }, &[gradient])?;
        at.add(0, gradient)
    }

    fn cost(&self, _operands: &[Extent], results: &[Extent]) -> Cost {
        copied(results, results)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        Concat { axis: self.axis }.relation(operands)
    }
}

/// Zeros before and after along an axis: the transpose of [`Slice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pad {
    /// The axis.
    pub axis: usize,
    /// Where the operand begins in the result.
    pub start: usize,
    /// Size of the result.
    pub size: usize,
}

impl Operator for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let x = &operands[0];
        rule::axis(self.name(), self.axis, x.rank())?;
        let size = &x.shape[self.axis];
        if size.known().is_none_or(|size| self.start + size > self.size) {
            return Err(rule::wrong(
                self.name(),
                "size",
                self.size,
                &format!("{} + {size} or more", self.start),
            ));
        }
        let mut shape = x.shape.clone();
        shape[self.axis] = self.size.into();
        Ok(vec![x.shaped(shape)])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let (x, y) = (call.operand_extent(0), call.result_extent(0));
        let count = x.dims[..self.axis].iter().product();
        let inner = x.dims[self.axis + 1..].iter().product::<usize>() * x.dtype.bytes();
        let (width, stride) = (x.dims[self.axis] * inner, y.dims[self.axis] * inner);
        let out = call.result_bytes(0);
        for row in out.chunks_exact_mut(stride) {
            row[..self.start * inner].fill(0);
            row[self.start * inner + width..].fill(0);
        }
        let out = (Shared::new(out), self.start * inner, stride);
        layout::blocks(call.team(), (call.operand_bytes(0), 0, width), out, width, count);
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let gradient = at.gradient(0);
        let length = at.operand_type(0).shape[self.axis].known().unwrap_or(0);
        let gradient = at.apply(Slice { axis: self.axis, start: self.start, length }, &[gradient])?;
        at.add(0, gradient)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        copied(operands, results)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        Concat { axis: self.axis }.relation(operands)
    }
}
