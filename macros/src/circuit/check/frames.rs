//! What surrounds an expression: loops, as far as constants decide them.

use proc_macro2::Ident;
use syn::{Expr, Pat};

use crate::index::bound;
use crate::replay::{Frame, is_constant};

/// `(a..b).rev()` to `a..b`.
pub(crate) fn inner(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => inner(&paren.expr),
        Expr::Group(group) => inner(&group.expr),
        Expr::MethodCall(call) if call.args.is_empty() && call.method == "rev" => inner(&call.receiver),
        expr => expr,
    }
}

/// What a `for` binds, as far as constants decide it.
pub(crate) fn frame(pat: &Pat, items: &Expr, frames: &[Frame], generics: &[Ident]) -> Frame {
    let dynamic = || Frame::Dynamic { names: bound(pat).into_iter().cloned().collect(), repeats: true };
    let (mut items, mut step) = (inner(items), None);
    if let Expr::MethodCall(call) = items
        && call.method == "step_by"
        && let Some(by) = call.args.first()
    {
        (items, step) = (inner(&call.receiver), Some(by.clone()));
    }
    if let Expr::Range(range) = items {
        let bounds = range.start.iter().chain(&range.end).map(|bound| &**bound).chain(&step);
        let constant =
            range.start.is_some() && bounds.clone().all(|bound| is_constant(bound, frames, generics));
        return match pat {
            Pat::Ident(pat) if constant && range.end.is_some() => {
                Frame::Range { variable: pat.ident.clone(), range: range.clone(), step }
            }
            // Unused, but the loop still repeats.
            Pat::Wild(wild) if constant && range.end.is_some() => {
                let variable = Ident::new("_unused", wild.underscore_token.span);
                Frame::Range { variable, range: range.clone(), step }
            }
            _ => dynamic(),
        };
    }
    let mut slice = items;
    loop {
        slice = match slice {
            Expr::MethodCall(call)
                if call.args.is_empty()
                    && ["iter", "copied", "into_iter"].iter().any(|name| call.method == name) =>
            {
                inner(&call.receiver)
            }
            Expr::Reference(reference) => inner(&reference.expr),
            slice => {
                break if step.is_none() && is_constant(slice, frames, generics) {
                    Frame::Slice { pattern: pat.clone(), slice: slice.clone() }
                } else {
                    dynamic()
                };
            }
        };
    }
}
