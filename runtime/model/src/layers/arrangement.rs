//! The same elements in another arrangement.

use crate::graph::{Graph, Value};
use crate::operator::{Broadcast, Concat, Permute, Reshape, Slice};
use crate::{Dim, Error, Result};

impl Graph {
    /// The same elements under another shape.
    ///
    /// # Errors
    /// Another number of elements.
    pub fn reshape<D: Into<Dim>>(&mut self, x: Value, shape: impl IntoIterator<Item = D>) -> Result<Value> {
        self.apply(Reshape(shape.into_iter().map(Into::into).collect()), &[x])
    }

    /// All axes but the first as one.
    ///
    /// # Errors
    /// A tensor without axes.
    pub fn flatten(&mut self, x: Value) -> Result<Value> {
        let shape = self.ty(x).shape.clone();
        let Some((first, rest)) = shape.split_first() else {
            return Err(Error::Axis { operator: "flatten", axis: 0, rank: 0 });
        };
        let rest = rest.iter().cloned().fold(Dim::from(1), std::ops::Mul::mul);
        self.reshape(x, [first.clone(), rest])
    }

    /// The axes in another order.
    ///
    /// # Errors
    /// Axes that are not each named once.
    pub fn permute(&mut self, x: Value, axes: &[usize]) -> Result<Value> {
        self.apply(Permute(axes.to_vec()), &[x])
    }

    /// The last two axes exchanged.
    ///
    /// # Errors
    /// A tensor with fewer axes.
    pub fn transpose(&mut self, x: Value) -> Result<Value> {
        let rank = self.ty(x).rank();
        if rank < 2 {
            return Err(Error::Axis { operator: "transpose", axis: 1, rank });
        }
        let mut axes: Vec<_> = (0..rank).collect();
        axes.swap(rank - 1, rank - 2);
        self.permute(x, &axes)
    }

    /// Tensors one after another along an axis.
    ///
    /// # Errors
    /// Other axes that differ.
    pub fn concat(&mut self, tensors: &[Value], axis: usize) -> Result<Value> {
        self.apply(Concat { axis }, tensors)
    }

    /// Tensors of one shape along a new axis.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn stack(&mut self, tensors: &[Value], axis: usize) -> Result<Value> {
        let parts = tensors.iter().map(|&x| {
            let mut shape = self.ty(x).shape.clone();
            if axis > shape.len() {
                return Err(Error::Axis { operator: "stack", axis, rank: shape.len() + 1 });
            }
            shape.insert(axis, 1.into());
            self.reshape(x, shape)
        });
        let parts = parts.collect::<Result<Vec<_>>>()?;
        self.concat(&parts, axis)
    }

    /// A part of an axis.
    ///
    /// # Errors
    /// A part that is not within.
    pub fn slice(&mut self, x: Value, axis: usize, range: std::ops::Range<usize>) -> Result<Value> {
        self.apply(Slice { axis, start: range.start, length: range.len() }, &[x])
    }

    /// Parts of an axis, of these lengths, which together are all of it.
    ///
    /// # Errors
    /// Lengths that do not add up.
    pub fn split(&mut self, x: Value, axis: usize, lengths: &[usize]) -> Result<Vec<Value>> {
        let found: usize = lengths.iter().sum();
        let size = self.ty(x).shape.get(axis).and_then(Dim::known);
        if size != Some(found) {
            return Err(Error::Shape {
                operator: "split",
                what: format!("lengths along axis {axis} add up to"),
                found: found.to_string(),
                expected: size.as_ref().map_or("an axis of known size".into(), ToString::to_string),
            });
        }
        let mut start = 0;
        lengths
            .iter()
            .map(|&length| {
                start += length;
                self.slice(x, axis, start - length..start)
            })
            .collect()
    }

    /// One index of an axis, which goes.
    ///
    /// # Errors
    /// An index that is not within.
    pub fn at(&mut self, x: Value, axis: usize, index: usize) -> Result<Value> {
        let part = self.slice(x, axis, index..index + 1)?;
        let mut shape = self.ty(part).shape.clone();
        shape.remove(axis);
        self.reshape(part, shape)
    }

    /// A tensor repeated to a shape.
    ///
    /// # Errors
    /// A shape that it does not broadcast to.
    pub fn broadcast<D: Into<Dim>>(&mut self, x: Value, shape: impl IntoIterator<Item = D>) -> Result<Value> {
        self.apply(Broadcast(shape.into_iter().map(Into::into).collect()), &[x])
    }
}
