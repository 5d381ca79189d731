//! Rules: what shape a layer gives, what its parameters are, and what the backward pass reads. Each says what the runtime's
//! operators say, with names for sizes.

use quote::ToTokens;

use super::apply::Apply;
use crate::pipeline::check::value::{Condition, Held, Tensor, type_name};
use crate::pipeline::model::DType;
use crate::pipeline::size::Size;

type Rule<'w, 'a> = Apply<'w, 'a>;

/// The last size, and those before it.
fn split(x: &Tensor) -> (Size, Vec<Size>) {
    let (last, lead) =
        x.shape.split_last().map_or((Size::unknown(), &[][..]), |(last, lead)| (last.clone(), lead));
    (last, lead.to_vec())
}

fn product(sizes: &[Size]) -> Size {
    sizes.iter().fold(Size::number(1), |product, size| product.times(size))
}

fn with_last(lead: Vec<Size>, last: Size) -> Vec<Size> {
    [lead, vec![last]].concat()
}

pub(super) fn linear(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn embedding(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let ids = at.ids(0)?;
    let (rows, dim) = (at.size("rows"), at.size("dim"));
    at.parameter(DType::F32, &[rows, dim.clone()]);
    at.keep(&ids);
    Some(at.result(DType::F32, with_last(ids.shape, dim)))
}

pub(super) fn embedding_bag(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let ids = at.ids(0)?;
    at.rank_from(0, 1)?;
    let (rows, dim) = (at.size("rows"), at.size("dim"));
    at.parameter(DType::F32, &[rows, dim.clone()]);
    at.keep(&ids);
    let (_, lead) = split(&ids);
    Some(at.result(DType::F32, with_last(lead, dim)))
}

pub(super) fn embedding_bags(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn parameter(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn layer_norm(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    norm(at, 2)
}

pub(super) fn rms_norm(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    norm(at, 1)
}

pub(super) fn batch_norm(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    at.rank_from(0, 2)?;
    let channels = x.shape[1].clone();
    (0..2).for_each(|_| at.parameter(x.dtype, std::slice::from_ref(&channels)));
    at.keep(&x);
    (0..2).for_each(|_| at.keep_besides(x.dtype, std::slice::from_ref(&channels)));
    Some(at.result(x.dtype, x.shape))
}

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

pub(super) fn attention(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn attend(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn rotary(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = positions(at, 0)?;
    let channels = x.shape[2].clone();
    heads(at, &channels);
    Some(at.result(x.dtype, x.shape))
}

/// The size after windows have gone along an axis.
fn windows(at: &mut Rule<'_, '_>, size: &Size) -> Option<Size> {
    let (window, stride, padding) = (at.size("size"), at.size("stride"), at.size("padding"));
    let all = size.plus(&padding.times(&Size::number(2)));
    let tokens = at.at("size");
    let words = "windows of \0 do not fit \0 pixels".to_owned();
    at.require(
        &tokens,
        Condition::AtMost(window.clone(), all.clone()),
        words,
        vec![window.clone(), all.clone()],
    );
    if let (Some(window), Some(all)) = (window.value(), all.value())
        && window > all
    {
        return None;
    }
    let steps = all.plus(&window.times(&Size::number(-1)));
    let steps = match (steps.value(), stride.value()) {
        (_, Some(1)) => steps,
        (Some(steps), Some(stride)) if stride > 0 => Size::number(steps / stride),
        // rounded down, which is not followed
        _ => Size::unknown(),
    };
    Some(steps.plus(&Size::number(1)))
}

fn image(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    at.rank(0, 4, "images [batch, channels, height, width]")?;
    Some(x)
}

pub(super) fn conv2d(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = image(at)?;
    let (filters, size) = (at.size("filters"), at.size("size"));
    at.parameter(x.dtype, &[filters.clone(), x.shape[1].clone(), size.clone(), size]);
    at.parameter(x.dtype, std::slice::from_ref(&filters));
    at.keep(&x);
    let (height, width) = (windows(at, &x.shape[2])?, windows(at, &x.shape[3])?);
    Some(at.result(x.dtype, vec![x.shape[0].clone(), filters, height, width]))
}

fn pool(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = image(at)?;
    let (height, width) = (windows(at, &x.shape[2])?, windows(at, &x.shape[3])?);
    Some(at.result(x.dtype, vec![x.shape[0].clone(), x.shape[1].clone(), height, width]))
}

pub(super) fn max_pool(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let out = pool(at)?;
    if out.wanted {
        at.keep_besides(DType::I32, &out.shape);
    }
    Some(out)
}

pub(super) fn average_pool(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    pool(at)
}

/// What keeps its shape and is differentiated without looking back.
pub(super) fn passes(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    Some(at.result(x.dtype, x.shape))
}

pub(super) fn of_operand(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    let out = at.result(x.dtype, x.shape.clone());
    if out.wanted {
        at.keep(&x);
    }
    Some(out)
}

pub(super) fn of_result(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let out = passes(at)?;
    if out.wanted {
        at.keep(&out);
    }
    Some(out)
}

pub(super) fn softmax(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    at.rank_from(0, 1)?;
    of_result(at)
}

/// The same memory under another shape.
fn view(x: Tensor, shape: Vec<Size>) -> Tensor {
    Tensor { shape, ..x }
}

pub(super) fn transpose(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    at.rank_from(0, 2)?;
    let x = at.x(0)?;
    let (mut shape, rank) = (x.shape, at.x(0)?.rank());
    shape.swap(rank - 1, rank - 2);
    Some(at.result(x.dtype, shape))
}

pub(super) fn flatten(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    at.rank_from(0, 1)?;
    let x = at.x(0)?;
    let shape = vec![x.shape[0].clone(), product(&x.shape[1..])];
    Some(view(x, shape))
}

pub(super) fn lower_triangle(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn matmul(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn reduce(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn reshape(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.x(0)?;
    let shape: Vec<_> = at.list("shape")?.iter().map(|size| at.walk.names.size(size)).collect();
    let tokens = at.at("shape");
    let (from, to) = (product(&x.shape), product(&shape));
    if !at.same(&from, &to, &tokens, "\0 elements cannot be reshaped to \0") {
        let message = format!("{} is {x}, which is no {}", at.called(0), type_name(x.dtype, &shape));
        at.walk.diagnostics.error(tokens, message);
        return None;
    }
    Some(view(x, shape))
}

pub(super) fn permute(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn concat(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn stack(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn slice(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn at(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn cast(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.x(0)?;
    let to = DType::of(&at.value("to")?.to_token_stream().to_string())?;
    let mut out = at.result(to, x.shape);
    out.wanted = x.wanted && x.dtype.is_real() && matches!(to, DType::F32 | DType::F64 | DType::Bf16);
    Some(out)
}

pub(super) fn arange(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let size = at.size("size");
    Some(at.result(DType::I32, vec![size]))
}

pub(super) fn one_hot(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let ids = at.ids(0)?;
    let classes = at.size("classes");
    Some(at.result(DType::F32, with_last(ids.shape, classes)))
}

pub(super) fn gather(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let ids = at.ids(0)?;
    at.rank_from(1, 1)?;
    let rows = at.x(1)?;
    if rows.wanted {
        at.keep(&ids);
    }
    let shape = [ids.shape, rows.shape[1..].to_vec()].concat();
    Some(at.result(rows.dtype, shape))
}

pub(super) fn aggregate(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn cross_entropy(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    at.rank_from(0, 1)?;
    let (_, lead) = split(&x);
    targets(at, 1, &lead)?;
    if x.wanted {
        at.keep_besides(x.dtype, &x.shape);
    }
    Some(at.result(x.dtype, Vec::new()))
}

pub(super) fn linear_cross_entropy(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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

pub(super) fn elementwise_loss(at: &mut Rule<'_, '_>) -> Option<Tensor> {
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
