//! Losses.

use quote::ToTokens;

use super::{Rule, split};
use crate::pipeline::check::value::{Tensor, type_name};
use crate::pipeline::size::Size;

/// Ids, one for each row of a tensor.
fn targets(at: &mut Rule<'_, '_>, k: usize, rows: &[Size]) -> Option<()> {
    let ids = at.ids(k)?;
    let tokens = at.call.operands[k].to_token_stream();
    let is_same = ids.rank() == rows.len()
        && ids.shape.iter().zip(rows).all(|(a, b)| at.same(a, b, &tokens, "\0 targets along an axis of \0"));
    if !is_same {
        let wanted = type_name(ids.dtype, rows);
        at.error(k, format!("`{}` takes targets {wanted}, and {} is {ids}", at.row.name, at.called(k)));
        return None;
    }
    Some(())
}

pub(in crate::pipeline::layer) fn cross_entropy(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    at.rank_from(0, 1)?;
    let (_, lead) = split(&x);
    targets(at, 1, &lead)?;
    if x.wanted {
        at.keep_besides(x.dtype, &x.shape);
    }
    Some(at.result(x.dtype, Vec::new()))
}

pub(in crate::pipeline::layer) fn linear_cross_entropy(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    let weight = at.real_like(1, &x)?;
    at.rank_from(0, 1)?;
    at.rank(1, 2, "a weight [classes, channels]")?;
    let (inner, lead) = split(&x);
    let tokens = at.call.operands[1].to_token_stream();
    if !at.same(&inner, &weight.shape[1], &tokens, "inner sizes differ: \0 and \0") {
        let message = format!(
            "inner sizes differ: {inner} in {}, {} in {}",
            at.called(0),
            weight.shape[1],
            at.called(1)
        );
        at.error(1, message);
        return None;
    }
    targets(at, 2, &lead)?;
    if x.wanted {
        at.keep_besides(x.dtype, &x.shape);
    }
    // the gradient of the weight is made on the way and counts as one
    Some(at.result(x.dtype, Vec::new()))
}

pub(in crate::pipeline::layer) fn elementwise_loss(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    let y = at.real_like(1, &x)?;
    let tokens = at.call.operands[1].to_token_stream();
    let is_same = x.rank() == y.rank()
        && (0..x.rank()).all(|axis| at.same(&x.shape[axis], &y.shape[axis], &tokens, "\0 and \0 differ"));
    if !is_same {
        at.error(1, format!("`{}` takes targets {x}, and {} is {y}", at.row.name, at.called(1)));
        return None;
    }
    if x.wanted || y.wanted {
        at.keep_besides(x.dtype, &x.shape);
    }
    Some(at.result(x.dtype, Vec::new()))
}
