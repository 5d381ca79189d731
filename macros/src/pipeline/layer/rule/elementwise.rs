//! What keeps its shape.

use quote::ToTokens;

use super::Rule;
use crate::pipeline::check::value::Tensor;
use crate::pipeline::model::DType;

/// What keeps its shape and is differentiated without looking back.
pub(in crate::pipeline::layer) fn passes(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    Some(at.result(x.dtype, x.shape))
}

pub(in crate::pipeline::layer) fn of_operand(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    let out = at.result(x.dtype, x.shape.clone());
    if out.wanted {
        at.keep(&x);
    }
    Some(out)
}

pub(in crate::pipeline::layer) fn of_result(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let out = passes(at)?;
    if out.wanted {
        at.keep(&out);
    }
    Some(out)
}

pub(in crate::pipeline::layer) fn softmax(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    at.rank_from(0, 1)?;
    of_result(at)
}

pub(in crate::pipeline::layer) fn cast(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.x(0)?;
    let to = DType::of(&at.value("to")?.to_token_stream().to_string())?;
    let mut out = at.result(to, x.shape);
    out.wanted = x.wanted && x.dtype.is_real() && matches!(to, DType::F32 | DType::F64 | DType::Bf16);
    Some(out)
}
