//! What a data set must be: storable, and read in a way that mixes and fits.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::{Expr, ExprRange, Lit, RangeLimits, UnOp};

use super::expand::stored_type;
use super::model::{Dataset, Field, Kind};
use crate::diag::{Diagnostics, first_span, source};
use crate::index::fold;
use crate::unit::{self, Quantity};

/// Reports mistakes; returns assertions for what only the compiler knows, as expressions of type `()`.
pub(crate) fn check(dataset: &Dataset, diagnostics: &mut Diagnostics) -> Vec<TokenStream> {
    let mut checks = Vec::new();
    for (at, field) in dataset.fields.iter().enumerate() {
        if dataset.fields[..at].iter().any(|before| before.name == field.name) {
            diagnostics.error(&field.name, format!("`{}` is declared twice", field.name));
        }
        sizes(field, diagnostics, &mut checks);
        jpeg(field, diagnostics);
        range(field, diagnostics, &mut checks);
    }
    chunk(dataset, diagnostics, &mut checks);
    shuffle(dataset, diagnostics, &mut checks);
    prefetch(dataset, diagnostics, &mut checks);
    split(dataset, diagnostics, &mut checks);
    checks
}

fn sizes(field: &Field, diagnostics: &mut Diagnostics, checks: &mut Vec<TokenStream>) {
    let Kind::Array { sizes, .. } = &field.kind else { return };
    for size in sizes {
        match fold(size) {
            Some(0) => diagnostics.error(size, "a size of 0 leaves nothing to store"),
            Some(value) if value < 0 => {
                diagnostics.error(size, format!("a size is at least 1, found {value}"));
            }
            Some(_) => {}
            None => {
                let span = first_span(size);
                checks.push(quote_spanned!(span=> ::ketline::data::expansion::size({ #size })));
            }
        }
    }
}

fn jpeg(field: &Field, diagnostics: &mut Diagnostics) {
    let Some(attribute) = &field.jpeg else { return };
    let message = match &field.kind {
        Kind::Array { element: "u8", sizes } if sizes.len() == 3 => match fold(&sizes[0]) {
            None | Some(1 | 3) => return,
            Some(channels) => {
                format!("jpeg stores images of 1 or 3 channels, and `{}` has {channels}", field.name)
            }
        },
        Kind::Array { element: "u8", sizes } => {
            format!("jpeg stores U8 images of 3 axes, and `{}` has {}", field.name, sizes.len())
        }
        Kind::Broken => return,
        _ => {
            let ty = source(&field.ty);
            let name = ty.split('<').next().unwrap_or_default();
            format!("jpeg stores U8 images, and `{}` is {name}", field.name)
        }
    };
    diagnostics.error_help(attribute, message, "`U8<3, 224, 224>`: channels, height, width");
}

/// The least and the greatest number of a type of whole numbers.
fn limits(name: &str) -> Option<(i128, i128)> {
    Some(match name {
        "u8" => (0, u8::MAX.into()),
        "i8" => (i8::MIN.into(), i8::MAX.into()),
        "u16" => (0, u16::MAX.into()),
        "i16" => (i16::MIN.into(), i16::MAX.into()),
        "u32" => (0, u32::MAX.into()),
        "i32" => (i32::MIN.into(), i32::MAX.into()),
        "u64" => (0, u64::MAX.into()),
        "i64" => (i64::MIN.into(), i64::MAX.into()),
        _ => return None,
    })
}

/// The type of the numbers of a field, as Rust writes it.
pub(super) fn element(field: &Field) -> String {
    if let Kind::Array { element, .. } = &field.kind {
        return (*element).to_owned();
    }
    let ty = source(&field.ty);
    ty.strip_prefix("Vec<").and_then(|rest| rest.strip_suffix('>')).unwrap_or(&ty).to_owned()
}

/// A bound that literals decide.
fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Float(float) => float.base10_parse().ok(),
            Lit::Int(int) => int.base10_parse().ok(),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => number(&unary.expr).map(|value| -value),
        Expr::Paren(paren) => number(&paren.expr),
        _ => None,
    }
}

fn range(field: &Field, diagnostics: &mut Diagnostics, checks: &mut Vec<TokenStream>) {
    let Some(range) = &field.range else { return };
    let name = element(field);
    let known = limits(&name).is_some() || matches!(name.as_str(), "f32" | "f64");
    if !known {
        if !matches!(field.kind, Kind::Broken) {
            diagnostics.error(
                range,
                format!("`range` is for numbers, and `{}` is {}", field.name, source(&field.ty)),
            );
        }
        return;
    }
    let (Some(start), Some(end)) = (&range.start, &range.end) else {
        diagnostics.error_help(range, "`range` needs both ends", "`#[range(0..1000)]`");
        return;
    };
    if let (Some(low), Some(high)) = (number(start), number(end)) {
        let inclusive = matches!(range.limits, RangeLimits::Closed(_));
        if low > high || (low == high && !inclusive) {
            diagnostics.error(range, format!("no number lies in `{}`", source(range)));
            return;
        }
    }
    let Some((least, greatest)) = limits(&name) else { return };
    let closed = matches!(range.limits, RangeLimits::Closed(_));
    let text = format!("{}{}{}", source(start), if closed { "..=" } else { ".." }, source(end));
    let does_not_fit = format!("{text} does not fit in `{name}` ({least}..={greatest})");
    match (fold(start), fold(end)) {
        (Some(first), Some(end)) => {
            let last = if closed { end } else { end.saturating_sub(1) };
            if first < least || last > greatest {
                diagnostics.error(range, does_not_fit);
            }
        }
        _ => checks.push(constant_range(range, least, greatest, &does_not_fit)),
    }
}

fn constant_range(range: &ExprRange, least: i128, greatest: i128, message: &str) -> TokenStream {
    let span = first_span(range);
    let (start, end) = (&range.start, &range.end);
    let open = i128::from(matches!(range.limits, RangeLimits::HalfOpen(_)));
    quote_spanned! {span=>
        ::ketline::data::expansion::range((#start) as i128, (#end) as i128 - #open, #least, #greatest, #message)
    }
}

/// Reports a count that is not at least 1; `true` if it is right as far as literals tell.
fn count(value: Option<&Expr>, message: &str, diagnostics: &mut Diagnostics) {
    let Some(value) = value else { return };
    if let Expr::Lit(lit) = value
        && let Some(suffix) = unit::suffix(&lit.lit)
    {
        let found = Quantity::of(suffix)
            .map_or_else(|| format!("the unknown unit `{suffix}`"), |q| q.noun().to_owned());
        diagnostics.error(value, format!("expected a number, found {found}"));
    } else if fold(value).is_some_and(|value| value < 1) {
        diagnostics.error(value, message);
    }
}

/// Bytes that a literal with a unit says.
fn memory(value: Option<&Expr>, name: &str, diagnostics: &mut Diagnostics) {
    let Some(value @ Expr::Lit(lit)) = value else { return };
    let message = match unit::suffix(&lit.lit) {
        None => format!("`{name}` needs a unit: {}", Quantity::Memory.units()),
        Some(suffix) => match Quantity::of(suffix) {
            Some(Quantity::Memory) if unit::bytes(&lit.lit).is_some() => return,
            Some(Quantity::Memory) => format!("`{}` is no amount of memory that there is", source(value)),
            Some(other) => format!("expected an amount of memory, found {}", other.noun()),
            None => format!("unknown unit `{suffix}`; memory is {}", Quantity::Memory.units()),
        },
    };
    diagnostics.error(value, message);
}

fn chunk(dataset: &Dataset, diagnostics: &mut Diagnostics, checks: &mut Vec<TokenStream>) {
    let options = &dataset.options;
    let message = "a chunk needs at least one sample";
    count(options.chunk_samples.as_ref(), message, diagnostics);
    if let Some(samples) = options.chunk_samples.as_ref().filter(|samples| fold(samples).is_none()) {
        let span = first_span(samples);
        checks.push(
            quote_spanned!(span=> ::ketline::data::expansion::at_least_one((#samples) as usize, #message)),
        );
    }
    memory(options.chunk_bytes.as_ref(), "bytes", diagnostics);
    if let (Some(_), Some(bytes)) = (&options.chunk_samples, &options.chunk_bytes) {
        diagnostics.error(bytes, "a chunk ends by `samples` or by `bytes`, not by both");
    }
    count(options.batch.as_ref(), "a batch needs at least one sample", diagnostics);
}

fn shuffle(dataset: &Dataset, diagnostics: &mut Diagnostics, checks: &mut Vec<TokenStream>) {
    let options = &dataset.options;
    count(options.open.as_ref(), "shuffling needs at least one open chunk", diagnostics);
    if let (Some(attribute), None) = (&options.shuffle, &options.seed) {
        diagnostics.error_help(attribute, "shuffling needs `seed` so that runs repeat", "`seed = 7`");
    }
    let (Some(window), Some(samples)) = (&options.window, &options.chunk_samples) else { return };
    match (fold(window), fold(samples)) {
        (Some(window_size), Some(samples)) if window_size < samples => {
            let message = format!(
                "a shuffle window of {window_size} samples is smaller than one chunk ({samples}), so chunks would leave in order"
            );
            diagnostics.error(window, message);
        }
        (Some(_), Some(_)) => {}
        _ => {
            let span = first_span(window);
            checks.push(quote_spanned! {span=>
                ::ketline::data::expansion::window((#window) as usize, (#samples) as usize)
            });
        }
    }
}

fn prefetch(dataset: &Dataset, diagnostics: &mut Diagnostics, checks: &mut Vec<TokenStream>) {
    let options = &dataset.options;
    count(options.ahead.as_ref(), "prefetching needs at least one chunk", diagnostics);
    count(options.threads.as_ref(), "reading needs at least one thread", diagnostics);
    memory(options.memory.as_ref(), "memory", diagnostics);
    let Some(budget) = &options.memory else { return };
    let text = source(budget);
    let Some(budget) = bytes(budget) else { return };
    for chunks in [&options.ahead, &options.open].into_iter().flatten() {
        let span = first_span(chunks);
        let chunk = match (&options.chunk_samples, &options.chunk_bytes) {
            (Some(samples), _) => {
                let sizes = dataset.fields.iter().map(|field| {
                    let ty = stored_type(field, dataset);
                    quote_spanned!(span=> ::ketline::data::expansion::least::<#ty>())
                });
                quote_spanned!(span=> ((#samples) as u64) * (0 #(+ #sizes)*))
            }
            (None, Some(value)) => {
                let Some(value) = bytes(value) else { continue };
                value
            }
            (None, None) => continue,
        };
        checks.push(quote_spanned! {span=>
            ::ketline::data::expansion::memory((#chunks) as u64, #chunk, #budget, #text)
        });
    }
}

/// An amount of memory as an expression of type `u64`.
pub(super) fn bytes(value: &Expr) -> Option<TokenStream> {
    let span = first_span(value);
    match value {
        Expr::Lit(lit) => {
            let bytes = unit::bytes(&lit.lit)?;
            Some(quote_spanned!(span=> #bytes))
        }
        other => Some(quote_spanned!(span=> ((#other) as u64))),
    }
}

fn split(dataset: &Dataset, diagnostics: &mut Diagnostics, checks: &mut Vec<TokenStream>) {
    let Some(attribute) = &dataset.options.split else { return };
    let splits = &dataset.options.splits;
    if splits.is_empty() {
        diagnostics.error_help(
            attribute,
            "`split` needs at least one share",
            "`#[split(train = 0.9, valid = 0.1)]`",
        );
        return;
    }
    let values: Vec<_> = splits.iter().map(|(_, share)| number(share)).collect();
    for ((name, share), value) in splits.iter().zip(&values) {
        if value.is_some_and(|value| !(value > 0.0 && value <= 1.0)) {
            diagnostics.error(
                share,
                format!("the share of `{name}` is {}, expected one above 0 and at most 1", source(share)),
            );
            return;
        }
    }
    if let Some(values) = values.into_iter().collect::<Option<Vec<f64>>>() {
        let sum: f64 = values.iter().sum();
        if (sum - 1.0).abs() > 1e-9 {
            // Sums of decimal fractions show digits that nobody wrote.
            diagnostics.error(attribute, format!("the splits add up to {}", (sum * 1e9).round() / 1e9));
        }
    } else {
        let (span, shares) = (first_span(attribute), splits.iter().map(|(_, share)| share.to_token_stream()));
        checks.push(quote_spanned!(span=> ::ketline::data::expansion::splits(&[#(#shares),*])));
    }
}
