//! Axes: in another order, joined, cut, summed over.

use quote::ToTokens;

use super::{Rule, product};
use crate::pipeline::check::value::{Condition, Tensor, type_name};
use crate::pipeline::size::Size;

/// The same memory under another shape.
fn view(x: &Tensor, shape: Vec<Size>) -> Tensor {
    Tensor { shape, ..x.clone() }
}

pub(in crate::pipeline::layer) fn transpose(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    at.rank_from(0, 2)?;
    let x = at.x(0)?;
    let (mut shape, rank) = (x.shape, at.x(0)?.rank());
    shape.swap(rank - 1, rank - 2);
    Some(at.result(x.dtype, shape))
}

pub(in crate::pipeline::layer) fn flatten(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    at.rank_from(0, 1)?;
    let x = at.x(0)?;
    let shape = vec![x.shape[0].clone(), product(&x.shape[1..])];
    Some(view(&x, shape))
}

pub(in crate::pipeline::layer) fn lower_triangle(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    at.rank_from(0, 2)?;
    let (n, m) = (x.shape[x.rank() - 1].clone(), x.shape[x.rank() - 2].clone());
    let tokens = at.call.operands[0].to_token_stream();
    if !at.same(&m, &n, &tokens, "`lower_triangle` takes square matrices, and these are \0 by \0") {
        at.error(0, format!("`lower_triangle` takes square matrices, and these are {m} by {n}"));
        return None;
    }
    let below = match n.value() {
        Some(n) => Size::number(n * (n - 1) / 2),
        None => Size::unknown(),
    };
    let mut shape = x.shape[..x.rank() - 2].to_vec();
    shape.push(below);
    Some(at.result(x.dtype, shape))
}

/// The axes of an argument, each below `count` and each once.
fn order(at: &mut Rule<'_, '_>, count: usize) -> Option<Vec<usize>> {
    let list = at.list("axes")?;
    let mut axes = Vec::new();
    for axis in &list {
        let found = at.axis(axis, count)?;
        if axes.contains(&found) {
            at.walk.diagnostics.error(axis, format!("axis {found} is named twice"));
            return None;
        }
        axes.push(found);
    }
    Some(axes)
}

pub(in crate::pipeline::layer) fn reduce(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    let axes = order(at, x.rank())?;
    if !axes.is_sorted() {
        let tokens = at.at("axes");
        at.walk.diagnostics.error(tokens, format!("the axes of `{}` stand in order", at.row.name));
        return None;
    }
    let left = x.shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    let shape = left.map(|(_, size)| size.clone()).collect();
    Some(at.result(x.dtype, shape))
}

pub(in crate::pipeline::layer) fn reshape(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.x(0)?;
    let shape: Vec<_> = at.list("shape")?.iter().map(|size| at.walk.names.size(size)).collect();
    let tokens = at.at("shape");
    let (from, to) = (product(&x.shape), product(&shape));
    if !at.same(&from, &to, &tokens, "\0 elements cannot be reshaped to \0") {
        let message = format!("{} is {x}, which is no {}", at.called(0), type_name(x.dtype, &shape));
        at.walk.diagnostics.error(tokens, message);
        return None;
    }
    Some(view(&x, shape))
}

pub(in crate::pipeline::layer) fn permute(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.x(0)?;
    let axes = order(at, x.rank())?;
    if axes.len() != x.rank() {
        let tokens = at.at("axes");
        let message = format!("`permute` names each of {} axes, found {}", x.rank(), axes.len());
        at.walk.diagnostics.error(tokens, message);
        return None;
    }
    let shape = axes.iter().map(|&axis| x.shape[axis].clone()).collect();
    Some(at.result(x.dtype, shape))
}

pub(in crate::pipeline::layer) fn concat(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let parts = at.tensors();
    let first = parts.first()?.clone();
    let axis = at.axis(&at.value("axis")?, first.rank())?;
    let mut all = first.shape[axis].clone();
    for (k, part) in parts.iter().enumerate().skip(1) {
        at.real_like(k, &first)?;
        if part.rank() != first.rank() {
            at.error(
                k,
                format!("`concat` joins tensors of {} axes, and {} is {part}", first.rank(), at.called(k)),
            );
            return None;
        }
        for other in (0..first.rank()).filter(|&other| other != axis) {
            let tokens = at.call.operands[k].to_token_stream();
            let words = format!("axis {other} differs: \0 and \0");
            let (a, b) = (&first.shape[other], &part.shape[other]);
            if !at.same(a, b, &tokens, &words) {
                let names = (at.called(0), at.called(k));
                let message = format!(
                    "`concat` joins along axis {axis}, but axis {other} differs: {a} in {}, {b} in {}",
                    names.0, names.1
                );
                at.error(k, message);
                return None;
            }
        }
        all = all.plus(&part.shape[axis]);
    }
    let mut shape = first.shape;
    shape[axis] = all;
    Some(at.result(first.dtype, shape))
}

pub(in crate::pipeline::layer) fn stack(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let parts = at.tensors();
    let first = parts.first()?.clone();
    let axis = at.axis(&at.value("axis")?, first.rank() + 1)?;
    for (k, part) in parts.iter().enumerate().skip(1) {
        at.real_like(k, &first)?;
        let tokens = at.call.operands[k].to_token_stream();
        let is_same = part.rank() == first.rank()
            && (0..first.rank())
                .all(|axis| at.same(&first.shape[axis], &part.shape[axis], &tokens, "\0 and \0 differ"));
        if !is_same {
            let message = format!(
                "`stack` takes tensors of one shape: {} is {first}, {} is {part}",
                at.called(0),
                at.called(k)
            );
            at.error(k, message);
            return None;
        }
    }
    let mut shape = first.shape;
    shape.insert(axis, Size::number(parts.len() as i128));
    Some(at.result(first.dtype, shape))
}

pub(in crate::pipeline::layer) fn slice(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.x(0)?;
    let axis = at.axis(&at.value("axis")?, x.rank())?;
    let syn::Expr::Range(range) = at.value("range")? else { return None };
    let (from, to) = (at.walk.names.size(range.start.as_ref()?), at.walk.names.size(range.end.as_ref()?));
    let (end, length) = (to.clone(), to.plus(&from.times(&Size::number(-1))));
    within(at, &range, &end, &x.shape[axis]);
    let words = "\0..\0 is an empty range".to_owned();
    at.require(&range, Condition::AtMost(Size::number(1), length.clone()), words, vec![from, to]);
    let mut shape = x.shape;
    shape[axis] = length;
    Some(at.result(x.dtype, shape))
}

pub(in crate::pipeline::layer) fn at(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.x(0)?;
    let axis = at.axis(&at.value("axis")?, x.rank())?;
    let index = at.value("index")?;
    let end = at.walk.names.size(&index).plus(&Size::number(1));
    within(at, &index, &end, &x.shape[axis]);
    let mut shape = x.shape;
    shape.remove(axis);
    Some(at.result(x.dtype, shape))
}

/// The last index that is read must be there.
fn within(at: &mut Rule<'_, '_>, tokens: &dyn ToTokens, end: &Size, size: &Size) {
    let last = end.plus(&Size::number(-1));
    let words = "index \0 of an axis of \0".to_owned();
    at.require(tokens, Condition::AtMost(end.clone(), size.clone()), words, vec![last, size.clone()]);
}
