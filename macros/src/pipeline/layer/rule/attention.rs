//! Attention.

use quote::ToTokens;

use super::{Rule, with_last};
use crate::pipeline::check::value::{Condition, Tensor, type_name};
use crate::pipeline::model::DType;
use crate::pipeline::size::Size;

/// Channels that heads share.
fn heads(at: &mut Rule<'_, '_>, channels: &Size) {
    let heads = at.size("heads");
    let words = "\0 channels cannot be split among \0 heads".to_owned();
    let numbers = vec![channels.clone(), heads.clone()];
    let tokens = at.at("heads");
    at.require(&tokens, Condition::Multiple(channels.clone(), heads), words, numbers);
}

fn positions(at: &mut Rule<'_, '_>, k: usize) -> Option<Tensor> {
    let x = at.real(k)?;
    at.rank(k, 3, "tensors [batch, positions, channels]")?;
    Some(x)
}

/// A mask of the positions that may be seen.
fn mask(at: &mut Rule<'_, '_>, k: usize, seen: &Tensor) -> Option<()> {
    let Some(mask) = at.x(k) else { return Some(()) };
    let wanted = type_name(DType::Bool, &seen.shape[..2]);
    let is_same = mask.dtype == DType::Bool
        && mask.rank() == 2
        && (0..2).all(|axis| {
            let tokens = at.call.operands[k].to_token_stream();
            at.same(
                &mask.shape[axis],
                &seen.shape[axis],
                &tokens,
                "the mask has \0 positions along an axis of \0",
            )
        });
    if !is_same {
        at.error(k, format!("`{}` takes a mask {wanted}, and {} is {mask}", at.row.name, at.called(k)));
        return None;
    }
    at.keep(&mask);
    Some(())
}

pub(in crate::pipeline::layer) fn attention(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = positions(at, 0)?;
    let channels = x.shape[2].clone();
    heads(at, &channels);
    let three = channels.times(&Size::number(3));
    at.parameter(x.dtype, &[three.clone(), channels.clone()]);
    at.parameter(x.dtype, std::slice::from_ref(&three));
    at.parameter(x.dtype, &[channels.clone(), channels.clone()]);
    at.parameter(x.dtype, std::slice::from_ref(&channels));
    at.keep(&x);
    mask(at, 1, &x)?;
    at.keep_besides(x.dtype, &with_last(x.shape[..2].to_vec(), three));
    at.keep_besides(x.dtype, &x.shape);
    let sums = [x.shape[0].clone(), at.size("heads"), x.shape[1].clone()];
    at.keep_besides(x.dtype, &sums);
    Some(at.result(x.dtype, x.shape))
}

pub(in crate::pipeline::layer) fn attend(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let (q, k, v) = (positions(at, 0)?, positions(at, 1)?, positions(at, 2)?);
    at.real_like(1, &q)?;
    at.real_like(2, &q)?;
    let pairs = [
        (1, &k, &q, 0, "batches"),
        (1, &k, &q, 2, "channels"),
        (2, &v, &k, 0, "batches"),
        (2, &v, &k, 1, "positions"),
        (2, &v, &k, 2, "channels"),
    ];
    for (operand, a, b, axis, what) in pairs {
        let tokens = at.call.operands[operand].to_token_stream();
        let words = format!("{what} differ: \0 and \0");
        if !at.same(&b.shape[axis], &a.shape[axis], &tokens, &words) {
            let (before, own) = (at.called(operand - 1), at.called(operand));
            let message = format!("{what} differ: {} in {before}, {} in {own}", b.shape[axis], a.shape[axis]);
            at.error(operand, message);
            return None;
        }
    }
    let channels = q.shape[2].clone();
    heads(at, &channels);
    mask(at, 3, &k)?;
    let out = at.result(q.dtype, q.shape.clone());
    if at.wanted() {
        for tensor in [&q, &k, &v, &out] {
            at.keep(tensor);
        }
        let sums = [q.shape[0].clone(), at.size("heads"), q.shape[1].clone()];
        at.keep_besides(q.dtype, &sums);
    }
    Some(out)
}

pub(in crate::pipeline::layer) fn rotary(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = positions(at, 0)?;
    let channels = x.shape[2].clone();
    heads(at, &channels);
    Some(at.result(x.dtype, x.shape))
}
