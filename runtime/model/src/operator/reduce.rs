//! Sums, means and maxima over axes.

use super::{Arithmetic, Binary, Broadcast, Call, Cost, Operator, Role, Saved, rule};
use crate::kernel::real::real;
use crate::kernel::reduce;
use crate::{Derivation, Dim, Extent, Result, TensorType};

/// How elements become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reduction {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
}

/// A reduction over axes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reduce {
    /// How.
    pub reduction: Reduction,
    /// Which axes, in order.
    pub axes: Vec<usize>,
    /// Whether they stay, with size 1.
    pub keep: bool,
}

impl Operator for Reduce {
    fn name(&self) -> &'static str {
        match self.reduction {
            Reduction::Sum => "sum",
            Reduction::Mean => "mean",
        }
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let x = &operands[0];
        rule::real(self.name(), &[x])?;
        for &axis in &self.axes {
            rule::axis(self.name(), axis, x.rank())?;
        }
        if !self.axes.is_sorted_by(|a, b| a < b) {
            return Err(rule::wrong(
                self.name(),
                "axes",
                format!("{:?}", self.axes),
                "different ones in order",
            ));
        }
        let shape = x.shape.iter().enumerate().filter_map(|(axis, dim)| {
            if self.axes.contains(&axis) { self.keep.then_some(Dim::from(1)) } else { Some(dim.clone()) }
        });
        Ok(vec![x.shaped(shape.collect())])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let dims = &call.operand_extent(0).dims;
        real!(call.operand_extent(0).dtype, T => {
            let (x, y) = (call.operand::<T>(0), call.result::<T>(0));
            let scale = match self.reduction {
                Reduction::Sum => 1.0,
                Reduction::Mean => y.len() as f64 / x.len() as f64,
            };
            reduce::sum(call.team(), x, dims, &self.axes, scale, y, call.scratch());
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let mut gradient = at.gradient(0);
        let x = at.operand_type(0);
        if self.reduction == Reduction::Mean {
            // the number of elements may be a named size, so the slope is the mean of ones
            let ones = at.apply(super::Fill { ty: x.clone(), value: 1.0 }, &[])?;
            let size = at.apply(Self { reduction: Reduction::Sum, ..self.clone() }, &[ones])?;
            gradient = at.apply(Binary(Arithmetic::Divide), &[gradient, size])?;
        }
        let kept = x.shape.iter().enumerate();
        let kept = kept
            .map(|(axis, dim)| if self.axes.contains(&axis) { Dim::from(1) } else { dim.clone() })
            .collect();
        let gradient = if self.keep { gradient } else { at.apply(super::Reshape(kept), &[gradient])? };
        let gradient = at.apply(Broadcast(x.shape), &[gradient])?;
        at.add(0, gradient)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(operands[0].elements(), operands, results)
    }

    fn saved(&self) -> Saved {
        Saved::default()
    }

    fn workspace(&self, operands: &[Extent], results: &[Extent], _threads: usize) -> usize {
        reduce::workspace(&operands[0].dims, &self.axes, results[0].elements()) * operands[0].dtype.bytes()
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let mut next = 0;
        let roles = (0..operands[0].rank()).map(|axis| {
            if self.axes.contains(&axis) {
                next += usize::from(self.keep);
                // parts of a mean are no parts of a sum
                return if self.reduction == Reduction::Sum { Role::Contracts } else { Role::Whole };
            }
            next += 1;
            Role::Passes(next - 1)
        });
        vec![roles.collect()]
    }
}
