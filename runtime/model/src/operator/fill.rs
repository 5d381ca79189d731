//! Tensors made of nothing.

use super::layout::copied;
use super::{Call, Cost, Operator, Role, rule};
use crate::{DType, Derivation, Dim, Extent, Result, TensorType};

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
            DType::BF16 => call.result::<u16>(0).fill(crate::kernel::half::to_bf16(self.value as f32)),
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
