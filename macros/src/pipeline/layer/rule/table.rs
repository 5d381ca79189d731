//! Ids: tables of embeddings, rows by id, edges.

use quote::ToTokens;
use syn::Expr;

use super::{Rule, split, with_last};
use crate::diag::source;
use crate::pipeline::check::value::{Condition, Held, Tensor};
use crate::pipeline::model::DType;
use crate::pipeline::size::{Name, Size};

/// The most bags of which each is counted by itself.
const MOST_BAGS: i128 = 4096;

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
    let Ok([batch, bag]) = <[Size; 2]>::try_from(ids.shape.clone()) else {
        let message = format!("`embedding_bags` takes bags [batch, ids], and {} holds {ids}", at.called(0));
        at.error(0, message);
        return None;
    };
    let (rows, dim) = (at.value("rows")?, at.size("dim"));
    let (tables, all) = tables(at, &rows);
    let words = match &rows {
        Expr::Array(_) => "\0 bags but \0 tables in `rows`".to_owned(),
        rows => format!("\0 bags but \0 tables in `{}`", source(rows)),
    };
    let numbers = vec![count.clone(), tables.clone()];
    at.require(&rows, Condition::Equal(count.clone(), tables), words, numbers);
    at.parameter(DType::F32, &[all, dim.clone()]);
    for _ in 0..count.value().unwrap_or(0).min(MOST_BAGS) {
        at.keep_besides(ids.dtype, &[batch.clone(), bag.clone()]);
    }
    Some(at.result(DType::F32, vec![batch, count, dim]))
}

/// How many tables a list names, and the rows of all of them. Of a constant, rustc knows both; of a plain value, nobody yet.
fn tables(at: &Rule<'_, '_>, rows: &Expr) -> (Size, Size) {
    match rows {
        Expr::Array(list) => {
            let sizes = list.elems.iter().map(|size| at.walk.names.size(size));
            let all = sizes.fold(Size::default(), |sum, size| sum.plus(&size));
            (Size::number(list.elems.len() as i128), all)
        }
        rows if at.walk.is_plain_name(rows) => (Size::unknown(), Size::unknown()),
        rows => {
            let constant = |text: String| Size::name(Name::Constant(text));
            let rows = source(rows);
            (
                constant(format!("{rows}.len()")),
                constant(format!("::ketline::model::expansion::total(&{rows})")),
            )
        }
    }
}

#[allow(clippy::unnecessary_wraps)] // as all rules are
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
