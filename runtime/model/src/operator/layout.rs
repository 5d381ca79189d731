//! Operators that only arrange: nothing is computed.

use super::{Call, Cost, Operator, Role, rule};
use crate::kernel::elementwise::broadcast_strides;
use crate::kernel::layout;
use crate::kernel::shared::Shared;
use crate::{DType, Derivation, Dim, Extent, MAX_RANK, Result, TensorType};

fn copied(operands: &[Extent], results: &[Extent]) -> Cost {
    Cost::streaming(0, operands, results)
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
        let (x, y) = (call.operand_extent(0), call.result_extent(0));
        let mut strides = [1; MAX_RANK];
        for axis in (0..x.dims.len().saturating_sub(1)).rev() {
            strides[axis] = strides[axis + 1] * x.dims[axis + 1];
        }
        let mut permuted = [1; MAX_RANK];
        self.0.iter().zip(&mut permuted).for_each(|(&axis, stride)| *stride = strides[axis]);
        let strides = &permuted[..x.dims.len()];
        layout::gather(
            call.team(),
            (call.operand_bytes(0), 0),
            strides,
            &y.dims,
            x.dtype.bytes(),
            call.result_bytes(0),
        );
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

/// Tensors one after another along an axis whose sizes are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Concat {
    /// The axis.
    pub axis: usize,
}

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
        for k in 0..call.operand_count() {
            let width = call.operand_extent(k).dims[self.axis] * inner;
            layout::blocks(
                call.team(),
                (call.operand_bytes(k), 0, width),
                (out, start, stride),
                width,
                count,
            );
            start += width;
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

/// A tensor repeated along axes of size 1 and along new leading ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Broadcast(pub Vec<Dim>);

impl Operator for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let shape = super::elementwise::broadcast(self.name(), &operands[0].shape, &self.0)?;
        rule::equal(self.name(), "shape", &shape, &self.0)?;
        Ok(vec![operands[0].shaped(shape)])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let (x, y) = (call.operand_extent(0), call.result_extent(0));
        let strides = broadcast_strides(&x.dims, &y.dims);
        let strides = &strides[..y.dims.len()];
        layout::gather(
            call.team(),
            (call.operand_bytes(0), 0),
            strides,
            &y.dims,
            x.dtype.bytes(),
            call.result_bytes(0),
        );
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

/// The same number everywhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Fill {
    /// Type of the result.
    pub ty: TensorType,
    /// The number.
    pub value: f64,
}

impl Operator for Fill {
    fn name(&self) -> &'static str {
        "fill"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 0..=0)?;
        Ok(vec![self.ty.clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        match self.ty.dtype {
            DType::F32 => call.result::<f32>(0).fill(self.value as f32),
            DType::F64 => call.result::<f64>(0).fill(self.value),
            DType::BF16 => call.result::<u16>(0).fill(crate::kernel::real::to_bf16(self.value as f32)),
            DType::I32 => call.result::<i32>(0).fill(self.value as i32),
            DType::I64 => call.result::<i64>(0).fill(self.value as i64),
            DType::Bool => call.result::<u8>(0).fill(u8::from(self.value != 0.0)),
        }
        Ok(())
    }

    fn derivative(&self, _at: &mut Derivation<'_>) -> Result<()> {
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        copied(operands, results)
    }

    fn relation(&self, _operands: &[TensorType]) -> Vec<Vec<Role>> {
        Vec::new()
    }
}

/// The ids 0, 1, 2, ..
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Arange(pub Dim);

impl Operator for Arange {
    fn name(&self) -> &'static str {
        "arange"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 0..=0)?;
        Ok(vec![TensorType { dtype: DType::I32, shape: vec![self.0.clone()] }])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        call.result::<i32>(0).iter_mut().zip(0..).for_each(|(y, k)| *y = k);
        Ok(())
    }

    fn derivative(&self, _at: &mut Derivation<'_>) -> Result<()> {
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        copied(operands, results)
    }

    fn relation(&self, _operands: &[TensorType]) -> Vec<Vec<Role>> {
        Vec::new()
    }
}
