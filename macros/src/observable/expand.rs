//! Model to Rust: arithmetic of the runtime's `Observable`.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Lit};

use super::model::{Pauli, Sum, Term};
use crate::diag::first_span;
use crate::index::{self, fold};

/// The whole observable; with its width in the type where literals show it.
pub(crate) fn expand(observable: &Term, width: Option<usize>) -> TokenStream {
    let tokens = term(observable);
    let constructor = width.map_or_else(|| quote!(observable), |width| quote!(declared::<#width>));
    quote!(::ketline::__private0_1::#constructor(#tokens))
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
