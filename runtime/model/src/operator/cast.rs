//! Conversions between types of elements.

#![allow(unsafe_code)] // parts that workers write at once, see `Shared`

use super::{Call, Operator, Role, pass_all, rule};
use crate::kernel::elementwise::GRAIN;
use crate::kernel::half::{from_bf16, to_bf16};
use crate::kernel::real::Element;
use crate::kernel::shared::Shared;
use crate::{DType, Derivation, Result, TensorType};

/// The same numbers in another type; to `BF16` they are rounded to nearest even, from real numbers to ids towards zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cast(pub DType);

impl Operator for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        Ok(vec![TensorType { dtype: self.0, shape: operands[0].shape.clone() }])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        /// Conversions of every type through the one that holds all of its values.
        fn convert<A: Element, B: Element>(call: &Call<'_>, f: impl Fn(A) -> B + Sync) {
            let (x, y) = (call.operand::<A>(0), call.result::<B>(0));
            let (n, y) = (y.len(), Shared::new(y));
            call.team().parts(n, GRAIN, |from, to| {
                // SAFETY: parts are disjoint.
                let y = unsafe { y.part(from, to - from) };
                y.iter_mut().zip(&x[from..to]).for_each(|(y, &x)| *y = f(x));
            });
        }
        fn from_wide<A: Element>(call: &Call<'_>, to: DType, wide: impl Fn(A) -> f64 + Sync) {
            match to {
                DType::F32 => convert::<A, f32>(call, |x| wide(x) as f32),
                DType::F64 => convert::<A, f64>(call, wide),
                DType::BF16 => convert::<A, u16>(call, |x| to_bf16(wide(x) as f32)),
                DType::I32 => convert::<A, i32>(call, |x| wide(x) as i32),
                DType::I64 => convert::<A, i64>(call, |x| wide(x) as i64),
                DType::Bool => convert::<A, u8>(call, |x| u8::from(wide(x) != 0.0)),
            }
        }
        match (call.operand_extent(0).dtype, self.0) {
            (DType::F32, DType::BF16) => convert(call, to_bf16),
            (DType::BF16, DType::F32) => convert(call, from_bf16),
            (DType::I64, DType::I64) => convert(call, |x: i64| x),
            (DType::F32, to) => from_wide(call, to, |x: f32| f64::from(x)),
            (DType::F64, to) => from_wide(call, to, |x: f64| x),
            (DType::BF16, to) => from_wide(call, to, |x: u16| f64::from(from_bf16(x))),
            (DType::I32, to) => from_wide(call, to, |x: i32| f64::from(x)),
            (DType::I64, to) => from_wide(call, to, |x: i64| x as f64),
            (DType::Bool, to) => from_wide(call, to, |x: u8| f64::from(u8::from(x != 0))),
        }
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let operand = at.operand_type(0).dtype;
        if operand.is_id() || operand == DType::Bool {
            return Ok(());
        }
        let gradient = at.gradient(0);
        let gradient = at.apply(Self(operand), &[gradient])?;
        at.add(0, gradient)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![pass_all(operands[0].rank())]
    }
}
