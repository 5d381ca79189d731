//! Weights: linear layers, products of matrices, norms.

use quote::ToTokens;

use super::{Rule, split, with_last};
use crate::pipeline::check::value::Tensor;
use crate::pipeline::model::DType;
use crate::pipeline::size::Size;

pub(in crate::pipeline::layer) fn linear(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    at.rank_from(0, 1)?;
    let ((inner, lead), out) = (split(&x), at.size("out"));
    at.parameter(x.dtype, &[out.clone(), inner]);
    let bias = at.value("bias").map(|bias| bias.to_token_stream().to_string());
    if bias.as_deref() != Some("false") {
        at.parameter(x.dtype, std::slice::from_ref(&out));
    }
    at.keep(&x);
    Some(at.result(x.dtype, with_last(lead, out)))
}

pub(in crate::pipeline::layer) fn parameter(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let shape: Vec<_> = at.list("shape")?.iter().map(|size| at.walk.names.size(size)).collect();
    at.parameter(DType::F32, &shape);
    let mut tensor = at.result(DType::F32, shape);
    // a parameter is there anyway: nothing of it is kept
    tensor.id = usize::MAX;
    Some(tensor)
}

fn norm(at: &mut Rule<'_, '_>, parameters: usize) -> Option<Tensor> {
    let x = at.real(0)?;
    at.rank_from(0, 1)?;
    let (last, lead) = split(&x);
    (0..parameters).for_each(|_| at.parameter(x.dtype, std::slice::from_ref(&last)));
    at.keep(&x);
    at.keep_besides(x.dtype, &with_last(lead, Size::number(2)));
    Some(at.result(x.dtype, x.shape))
}

pub(in crate::pipeline::layer) fn layer_norm(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    norm(at, 2)
}

pub(in crate::pipeline::layer) fn rms_norm(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    norm(at, 1)
}

pub(in crate::pipeline::layer) fn batch_norm(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    at.rank_from(0, 2)?;
    let channels = x.shape[1].clone();
    (0..2).for_each(|_| at.parameter(x.dtype, std::slice::from_ref(&channels)));
    at.keep(&x);
    (0..2).for_each(|_| at.keep_besides(x.dtype, std::slice::from_ref(&channels)));
    Some(at.result(x.dtype, x.shape))
}

pub(in crate::pipeline::layer) fn matmul(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let (a, _) = (at.real(0)?, at.real(1)?);
    let b = at.real_like(1, &a)?;
    at.rank_from(0, 2)?;
    at.rank_from(1, 2)?;
    let (m, ka) = (a.shape[a.rank() - 2].clone(), a.shape[a.rank() - 1].clone());
    let (kb, n) = (b.shape[b.rank() - 2].clone(), b.shape[b.rank() - 1].clone());
    let tokens = at.call.operands[1].to_token_stream();
    if !at.same(&ka, &kb, &tokens, "inner sizes differ: \0 and \0") {
        let message = format!("inner sizes differ: {ka} in {}, {kb} in {}", at.called(0), at.called(1));
        at.error(1, message);
        return None;
    }
    let lead = |x: &Tensor| x.shape[..x.rank() - 2].to_vec();
    let differ = a.rank() != b.rank()
        || lead(&a)
            .iter()
            .zip(&lead(&b))
            .any(|(x, y)| !at.same(x, y, &tokens, "leading sizes differ: \0 and \0"));
    if differ {
        at.error(1, format!("leading axes differ: {} is {a}, {} is {b}", at.called(0), at.called(1)));
        return None;
    }
    if b.wanted {
        at.keep(&a);
    }
    if a.wanted {
        at.keep(&b);
    }
    Some(at.result(a.dtype, [lead(&a), vec![m, n]].concat()))
}
