//! Arithmetic on two tensors, with broadcasting.

use super::{Affine, Call, Operator, Role, Saved, rule};
use crate::kernel::elementwise::{
    Broadcast, Pair, Zip, broadcast_strides, zip, zip_broadcast, zip_broadcast_same,
};
use crate::kernel::real::{Real, real};
use crate::{Derivation, Dim, Error, Result, TensorType};

/// Arithmetic on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // the names say it
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

macro_rules! arithmetic {
    ($($name:ident: $operator:tt),*) => {$(
        #[derive(Clone, Copy)]
        struct $name;
        impl<T: Real> Zip<T> for $name {
            #[inline(always)]
            #[allow(clippy::inline_always)]
            fn at(self, x: T, a: T) -> T { x $operator a }
        }
    )*};
}
arithmetic!(Add: +, Subtract: -, Multiply: *, Divide: /);

/// Arithmetic on two tensors; axes are aligned from the last one, and one of size 1 is repeated, as in NumPy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Binary(pub Arithmetic);

/// The shape of two broadcast shapes.
pub(crate) fn broadcast(operator: &'static str, a: &[Dim], b: &[Dim]) -> Result<Vec<Dim>> {
    let rank = a.len().max(b.len());
    let one = Dim::from(1);
    let at = |shape: &[Dim], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(axis) => shape[axis].clone(),
        None => one.clone(),
    };
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (x, y) if x == y || y == one => Ok(x),
            (x, y) if x == one => Ok(y),
            (x, y) => Err(Error::Shape {
                operator,
                what: format!("axis {axis} of {a:?} and {b:?}"),
                found: y.to_string(),
                expected: format!("{x} or 1"),
            }),
        })
        .collect()
}

fn broadcast_roles(operand: &TensorType, result: &[Dim]) -> Vec<Role> {
    let lead = result.len() - operand.rank();
    let roles = operand.shape.iter().enumerate();
    roles
        .map(|(axis, dim)| if *dim == result[lead + axis] { Role::Passes(lead + axis) } else { Role::Whole })
        .collect()
}

impl Operator for Binary {
    fn name(&self) -> &'static str {
        match self.0 {
            Arithmetic::Add => "add",
            Arithmetic::Subtract => "subtract",
            Arithmetic::Multiply => "multiply",
            Arithmetic::Divide => "divide",
        }
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=2)?;
        rule::real(self.name(), &[&operands[0], &operands[1]])?;
        let shape = broadcast(self.name(), &operands[0].shape, &operands[1].shape)?;
        Ok(vec![operands[0].shaped(shape)])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        fn with<T: Real>(call: &Call<'_>, f: impl Zip<T>, g: impl Zip<T>) {
            let dims = &call.result_extent(0).dims;
            let (x, a) = (&call.operand_extent(0).dims, &call.operand_extent(1).dims);
            if x == dims && a == dims {
                if call.overwrites(1) {
                    zip(call.team(), call.pair(1, 0), call.operand::<T>(0), g);
                } else {
                    zip(call.team(), call.pair(0, 0), call.operand::<T>(1), f);
                }
                return;
            }
            let (x, a) = (broadcast_strides(x, dims), broadcast_strides(a, dims));
            // an operand as large as the result may lie where it goes
            if call.overwrites(0) {
                let Pair::Same(y) = call.pair(0, 0) else { return };
                return zip_broadcast_same(call.team(), y, call.operand::<T>(1), (dims, &a[..dims.len()]), f);
            }
            if call.overwrites(1) {
                let Pair::Same(y) = call.pair(1, 0) else { return };
                return zip_broadcast_same(call.team(), y, call.operand::<T>(0), (dims, &x[..dims.len()]), g);
            }
            let shape = Broadcast { dims, x: &x[..dims.len()], a: &a[..dims.len()] };
            zip_broadcast(call.team(), (call.operand(0), call.operand(1)), call.result(0), &shape, f);
        }
        #[derive(Clone, Copy)]
        struct Reversed<F>(F);
        impl<T, F: Zip<T>> Zip<T> for Reversed<F> {
            #[inline(always)]
            #[allow(clippy::inline_always)]
            fn at(self, x: T, a: T) -> T {
                self.0.at(a, x)
            }
        }
        real!(call.operand_extent(0).dtype, T => match self.0 {
            Arithmetic::Add => with::<T>(call, Add, Reversed(Add)),
            Arithmetic::Subtract => with::<T>(call, Subtract, Reversed(Subtract)),
            Arithmetic::Multiply => with::<T>(call, Multiply, Reversed(Multiply)),
            Arithmetic::Divide => with::<T>(call, Divide, Reversed(Divide)),
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let (x, a, g) = (at.operand(0), at.operand(1), at.gradient(0));
        let (dx, da) = match self.0 {
            Arithmetic::Add => (Some(g), Some(g)),
            Arithmetic::Subtract => {
                let da = if at.wants(1) {
                    Some(at.apply(Affine { scale: -1.0, shift: 0.0 }, &[g])?)
                } else {
                    None
                };
                (Some(g), da)
            }
            Arithmetic::Multiply => {
                let times = Self(Arithmetic::Multiply);
                let dx = if at.wants(0) { Some(at.apply(times, &[g, a])?) } else { None };
                let da = if at.wants(1) { Some(at.apply(times, &[g, x])?) } else { None };
                (dx, da)
            }
            Arithmetic::Divide => {
                let dx = at.apply(Self(Arithmetic::Divide), &[g, a])?;
                let da = if at.wants(1) {
                    // -g x / a^2 from the quotient, which is there anyway
                    let quotient = at.result(0);
                    let da = at.apply(Self(Arithmetic::Multiply), &[dx, quotient])?;
                    Some(at.apply(Affine { scale: -1.0, shift: 0.0 }, &[da])?)
                } else {
                    None
                };
                (Some(dx), da)
            }
        };
        for (k, gradient) in [(0, dx), (1, da)] {
            if let Some(gradient) = gradient.filter(|_| at.wants(k)) {
                let gradient = at.sum_to(gradient, k)?;
                at.add(k, gradient)?;
            }
        }
        Ok(())
    }

    fn saved(&self) -> Saved {
        match self.0 {
            Arithmetic::Add | Arithmetic::Subtract => Saved::default(),
            Arithmetic::Multiply => Saved { operands: &[0, 1], results: &[] },
            Arithmetic::Divide => Saved { operands: &[1], results: &[0] },
        }
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0), (1, 0)]
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let shape = broadcast(self.name(), &operands[0].shape, &operands[1].shape).unwrap_or_default();
        operands.iter().map(|operand| broadcast_roles(operand, &shape)).collect()
    }
}
