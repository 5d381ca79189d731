//! Tokens to model. Knows what a pipeline may be written with, and nothing of what it means.

mod body;
mod signature;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Block, Expr, ExprAssign, Signature, Token, Visibility};

use super::model::{self, Fits, Pipeline};
use crate::diag::Diagnostics;

const USAGE: &str =
    "`pipeline!` takes a function\nhelp: `pipeline!( fn mlp(x: F32<B, 2>) -> F32<B, 1> { .. } )`";

/// The functions of one macro call; what cannot be read is reported and left out.
pub(crate) fn parse(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Vec<Pipeline> {
    let mut pipelines = Vec::new();
    let parser = |input: ParseStream<'_>| {
        if input.is_empty() {
            return Err(syn::Error::new(Span::call_site(), USAGE));
        }
        while !input.is_empty() {
            pipelines.push(function(input, diagnostics)?);
        }
        Ok(())
    };
    let result = parser.parse2(tokens);
    if let Err(error) = result {
        diagnostics.push(error);
    }
    pipelines
}

fn function(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Pipeline> {
    let mut attributes = input.call(Attribute::parse_outer)?;
    let visibility = input.parse::<Visibility>()?;
    let begins = input.peek(Token![fn])
        || input.peek(Token![const])
        || input.peek(Token![async])
        || input.peek(Token![unsafe]);
    if !begins {
        return Err(input.error(USAGE));
    }
    let signature = input.parse::<Signature>()?;
    let content;
    syn::braced!(content in input);
    let mut own = Diagnostics::default();
    let fits = fits(&mut attributes, &mut own);
    let (inputs, outputs) = signature::read(&signature, &mut own);
    let body = match content.call(Block::parse_within) {
        Ok(statements) => body::block(statements, &mut own),
        Err(error) => {
            own.push(error);
            content.parse::<TokenStream>()?;
            model::Block { steps: Vec::new(), tail: None }
        }
    };
    let broken = own.has_errors();
    diagnostics.take(own);
    let (name, generics) = (signature.ident, signature::sizes_only(signature.generics));
    Ok(Pipeline { attributes, fits, visibility, name, generics, inputs, outputs, body, broken })
}

/// Arguments of an attribute: `key = value`, each once.
fn arguments(
    attribute: &Attribute,
    of: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<(syn::Ident, Expr)>> {
    let list = match attribute.parse_args_with(Punctuated::<Expr, Token![,]>::parse_terminated) {
        Ok(list) => list,
        Err(error) => {
            diagnostics.push(error);
            return None;
        }
    };
    let mut given: Vec<(syn::Ident, Expr)> = Vec::new();
    for argument in list {
        match argument {
            Expr::Assign(ExprAssign { left, right, .. }) => {
                let Some(name) = ident(&left) else {
                    diagnostics.error(left, format!("`{of}` takes named arguments"));
                    return None;
                };
                if given.iter().any(|(before, _)| before == name) {
                    diagnostics.error(name, format!("`{name}` is given twice"));
                    return None;
                }
                given.push((name.clone(), *right));
            }
            other => {
                diagnostics.error(other, format!("`{of}` takes named arguments"));
                return None;
            }
        }
    }
    Some(given)
}

/// The name that an expression is.
fn ident(expr: &Expr) -> Option<&syn::Ident> {
    match expr {
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    }
}

/// Takes `#[fits(..)]` out of the attributes.
fn fits(attributes: &mut Vec<Attribute>, diagnostics: &mut Diagnostics) -> Option<Fits> {
    let mut found: Option<Attribute> = None;
    attributes.retain(|attribute| {
        let path = attribute.path();
        if path.is_ident("stage") {
            let message = "`stage` marks a statement: `#[stage] let x = ..`";
            diagnostics.error(attribute, message);
            return false;
        }
        if !path.is_ident("fits") {
            return true;
        }
        if found.is_some() {
            diagnostics.error(attribute, "`fits` is given twice");
        }
        found = Some(attribute.clone());
        false
    });
    let attribute = found?;
    let mut given = arguments(&attribute, "fits", diagnostics)?;
    let mut take = |name: &str| {
        let at = given.iter().position(|(own, _)| own == name)?;
        Some(given.remove(at).1)
    };
    let (devices, memory, batch) = (take("devices"), take("memory"), take("batch"));
    let micro_batches = take("microbatches");
    let upper = |name: &syn::Ident| name.to_string().starts_with(char::is_uppercase);
    if let Some((name, _)) = given.iter().find(|(name, _)| !upper(name)) {
        let help = "`devices`, `memory`, `batch`, `microbatches`, or a run-time size";
        diagnostics.error_help(name, format!("`fits` has no argument `{name}`"), help);
        return None;
    }
    let (Some(devices), Some(memory), Some(batch)) = (devices, memory, batch) else {
        let message = "`fits` needs `devices`, `memory` and `batch`";
        diagnostics.error_help(&attribute, message, "`#[fits(devices = 4, memory = 16GiB, batch = 64)]`");
        return None;
    };
    Some(Fits { attribute, devices, memory, batch, micro_batches, sizes: given })
}

/// Reports `token` as out of place.
fn refuse(token: &dyn ToTokens, message: &str, help: &str, diagnostics: &mut Diagnostics) {
    diagnostics.error_help(token.to_token_stream(), message, help);
}
