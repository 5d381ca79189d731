//! Ids: tables of embeddings, rows by id, edges.

use quote::ToTokens;

use super::{Rule, split, with_last};
use crate::pipeline::check::value::{Condition, Held, Tensor};
use crate::pipeline::model::DType;
use crate::pipeline::size::Size;

pub(in crate::pipeline::layer) fn embedding(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let ids = at.ids(0)?;
    let (rows, dim) = (at.size("rows"), at.size("dim"));
    at.parameter(DType::F32, &[rows, dim.clone()]);
    at.keep(&ids);
    Some(at.result(DType::F32, with_last(ids.shape, dim)))
}

pub(in crate::pipeline::layer) fn embedding_bag(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let ids = at.ids(0)?;
    at.rank_from(0, 1)?;
    let (rows, dim) = (at.size("rows"), at.size("dim"));
    at.parameter(DType::F32, &[rows, dim.clone()]);
    at.keep(&ids);
    let (_, lead) = split(&ids);
    Some(at.result(DType::F32, with_last(lead, dim)))
}

pub(in crate::pipeline::layer) fn embedding_bags(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let Held::Tensors(ids, count) = at.held.first()?.clone() else { return None };
    if !ids.dtype.is_id() {
        at.error(0, format!("`embedding_bags` takes integer ids, found {}", ids.dtype.name()));
        return None;
    }
    let [batch, bag] = <[Size; 2]>::try_from(ids.shape.clone()).ok()?;
    let (rows, dim) = (at.value("rows")?, at.size("dim"));
    let all = match at.list("rows") {
        Some(rows) => {
            let found = Size::number(rows.len() as i128);
            let words = format!("\0 bags but {found} tables in `rows`");
            if !at.same(&count, &found, &rows_tokens(&rows), &words) {
                let message = format!("{count} bags but {found} tables in `rows`");
                let tokens = at.at("rows");
                at.walk.diagnostics.error(tokens, message);
                return None;
            }
            rows.iter().fold(Size::default(), |sum, rows| sum.plus(&at.walk.names.size(rows)))
        }
        None => {
            let text = crate::diag::source(&rows);
            // rustc knows how long a list of that name is
            let length = syn::parse_str(&format!("{text}.len()")).ok();
            let found = length.map_or_else(Size::unknown, |length: syn::Expr| {
                Size::name(crate::pipeline::size::Name::Constant(crate::diag::source(&length)))
            });
            let words = format!("\0 bags but \0 tables in `{text}`");
            if at.walk.is_plain_name(&rows) {
                Size::unknown()
            } else {
                at.require(
                    &rows,
                    Condition::Equal(count.clone(), found.clone()),
                    words,
                    vec![count.clone(), found],
                );
                Size::name(crate::pipeline::size::Name::Constant(format!(
                    "::ketline::model::expansion::total(&{text})"
                )))
            }
        }
    };
    at.parameter(DType::F32, &[all, dim.clone()]);
    for _ in 0..count.value().unwrap_or(0).min(4096) {
        at.keep_besides(ids.dtype, &[batch.clone(), bag.clone()]);
    }
    Some(at.result(DType::F32, vec![batch, count, dim]))
}

fn rows_tokens(rows: &[syn::Expr]) -> proc_macro2::TokenStream {
    rows.first().map_or_else(proc_macro2::TokenStream::new, ToTokens::to_token_stream)
}

pub(in crate::pipeline::layer) fn arange(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let size = at.size("size");
    Some(at.result(DType::I32, vec![size]))
}

pub(in crate::pipeline::layer) fn one_hot(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let ids = at.ids(0)?;
    let classes = at.size("classes");
    Some(at.result(DType::F32, with_last(ids.shape, classes)))
}

pub(in crate::pipeline::layer) fn gather(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let ids = at.ids(0)?;
    at.rank_from(1, 1)?;
    let rows = at.x(1)?;
    if rows.wanted {
        at.keep(&ids);
    }
    let shape = [ids.shape, rows.shape[1..].to_vec()].concat();
    Some(at.result(rows.dtype, shape))
}

pub(in crate::pipeline::layer) fn aggregate(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    at.rank_from(0, 1)?;
    let Held::Hop { from, to, edges, ids } = at.held.get(1)?.clone() else { return None };
    let tokens = at.call.operands[1].to_token_stream();
    if !at.same(&from, &x.shape[0], &tokens, "the hop starts from \0 nodes, but \0 are given") {
        let message =
            format!("{} starts from {from}, but {} is over {}", at.called(1), at.called(0), x.shape[0]);
        at.error(1, message);
        return None;
    }
    if x.wanted {
        for id in ids {
            let tensor = Tensor { dtype: DType::I32, shape: vec![edges.clone()], id, wanted: false };
            at.keep(&tensor);
        }
    }
    let shape = [vec![to], x.shape[1..].to_vec()].concat();
    Some(at.result(x.dtype, shape))
}
