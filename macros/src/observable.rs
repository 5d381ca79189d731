//! `observable!`: real sums of Pauli products, written as arithmetic.

mod check;
mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;

use crate::diag::Diagnostics;

/// The whole way: tokens, model, checks, tokens. After an error an empty observable stands there, so that what uses it
/// raises no further errors.
pub(crate) fn observable(input: &TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let term = parse::parse(input.clone(), &mut diagnostics);
    let expanded = term.map(|term| {
        let width = check::check(&term, &mut diagnostics);
        expand::expand(input, &term, width)
    });
    match expanded {
        Some(tokens) if !diagnostics.has_errors() => tokens,
        _ => {
            let errors = diagnostics.errors(&[]);
            quote!({ #errors ::ketline::quantum::Observable::zero() })
        }
    }
}
