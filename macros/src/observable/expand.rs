//! Model to Rust: arithmetic of the runtime's `Observable`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::token::Paren;
use syn::{Expr, Lit};

use super::model::{Pauli, Sum, Term};
use crate::diag::first_span;
use crate::index::{self, fold};

/// The whole observable; with its place in the type where literals show its width.
pub(crate) fn expand(source: &TokenStream, observable: &Term, width: Option<usize>) -> TokenStream {
    let tokens = term(observable);
    let Some(width) = width else { return quote!(::ketline::__private0_1::observable(#tokens)) };
    let place = place(source, width);
    quote!(::ketline::__private0_1::declared(#tokens, #place))
}

/// Row 58: a check that stands at the user's tokens and is compiled for each circuit that the observable meets.
fn place(source: &TokenStream, width: usize) -> TokenStream {
    let (first, last) = ends(source);
    // From the first token to the last: stable Rust cannot join spans, but a call ends where its parentheses do.
    let mut check = quote_spanned!(first=> ::ketline::__private0_1::fits);
    Paren(last).surround(&mut check, |inner| {
        inner.extend(quote!(#width, <D as ::ketline::quantum::Declaration>::WIDTH));
    });
    quote_spanned! {first=> {
        struct Place;

        impl ::ketline::quantum::observable::Place for Place {
            fn check<D: ::ketline::quantum::Declaration>() {
                const { #check }
            }
        }

        Place
    }}
}

fn ends(source: &TokenStream) -> (Span, Span) {
    let mut spans = source.clone().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

fn term(part: &Term) -> TokenStream {
    match part {
        Term::Pauli(pauli) => product(pauli),
        Term::Plain(Expr::Lit(lit)) => number(&lit.lit),
        Term::Plain(expr) => {
            let span = first_span(expr);
            quote_spanned!(span=> ::ketline::__private0_1::coefficient(#expr))
        }
        Term::Negative(minus, inner) => {
            let inner = term(inner);
            quote!(#minus #inner)
        }
        Term::Binary(left, op, right) => {
            let (left, right) = (term(left), term(right));
            quote!(#left #op #right)
        }
        Term::Paren(inner) => {
            let inner = term(inner);
            quote!((#inner))
        }
        Term::Sum(sum) => each(sum),
    }
}

fn product(pauli: &Pauli) -> TokenStream {
    let span = pauli.name.span();
    let constructor = Ident::new(pauli.letter.constructor(), span);
    let qubit = pauli.qubit.as_ref().filter(|_| constructor != "identity").map(|qubit| match fold(qubit) {
        Some(_) => qubit.to_token_stream(),
        None => index::wrapping(qubit, &mut |leaf| leaf.to_token_stream()),
    });
    quote_spanned!(span=> ::ketline::quantum::Observable::#constructor(#qubit))
}

/// `2` and `2.0` are the same coefficient.
fn number(literal: &Lit) -> TokenStream {
    match literal {
        Lit::Int(int) if int.suffix().is_empty() => {
            let float = syn::LitFloat::new(&format!("{}.0", int.base10_digits()), int.span());
            float.to_token_stream()
        }
        literal => literal.to_token_stream(),
    }
}

fn each(sum: &Sum) -> TokenStream {
    let span = first_span(&sum.source);
    let (items, mut closure) = (&sum.items, sum.closure.clone());
    *closure.body = Expr::Verbatim(term(&sum.term));
    quote_spanned!(span=> ::ketline::quantum::Observable::sum(#items, #closure))
}
