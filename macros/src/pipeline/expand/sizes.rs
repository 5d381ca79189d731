//! Sizes as the runtime takes them: numbers, and named sizes of the run.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{BinOp, Expr};

use crate::diag::first_span;
use crate::pipeline::model::Pipeline;
use crate::pipeline::size::unbraced;

/// How the names of sizes are written.
pub(super) struct Sizes {
    generics: Vec<String>,
    run_time: Vec<String>,
    /// Inside the method sizes are variables, made of what the operands are.
    is_inside: bool,
}

/// The variable that holds a size inside the method; it is no name that a constant of the user may have.
pub(super) fn variable(name: &str, at: Span) -> Ident {
    format_ident!("__{name}", span = at)
}

impl Sizes {
    /// Of the function, where generics are generics.
    pub(super) fn outside(pipeline: &Pipeline) -> Self {
        Self { is_inside: false, ..Self::inside(pipeline) }
    }

    /// Of the method.
    pub(super) fn inside(pipeline: &Pipeline) -> Self {
        let generics = pipeline.generic_names().into_iter().map(ToString::to_string).collect();
        Self { generics, run_time: pipeline.run_time_names(), is_inside: true }
    }

    /// Ordinary Rust with the names of generics replaced.
    pub(super) fn plain(&self, expr: &dyn ToTokens) -> TokenStream {
        let tokens = expr.to_token_stream();
        if self.is_inside { self.renamed(tokens) } else { tokens }
    }

    fn renamed(&self, tokens: TokenStream) -> TokenStream {
        let mut before = ' ';
        let each = tokens.into_iter().map(|token| {
            let after = std::mem::replace(&mut before, ' ');
            match token {
                // what follows `::` or `.` is a name of something else
                TokenTree::Ident(name)
                    if ![':', '.'].contains(&after) && self.generics.contains(&name.to_string()) =>
                {
                    TokenTree::Ident(variable(&name.to_string(), name.span()))
                }
                TokenTree::Group(group) => {
                    let delimiter: Delimiter = group.delimiter();
                    let mut new = Group::new(delimiter, self.renamed(group.stream()));
                    new.set_span(group.span());
                    TokenTree::Group(new)
                }
                TokenTree::Punct(sign) => {
                    before = sign.as_char();
                    TokenTree::Punct(sign)
                }
                other => other,
            }
        });
        each.collect()
    }

    /// A number of type `usize`.
    pub(super) fn number(&self, expr: &Expr) -> TokenStream {
        self.plain(&unbraced(expr))
    }

    fn is_run_time(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Path(path) => {
                path.path.get_ident().is_some_and(|name| self.run_time.contains(&name.to_string()))
            }
            Expr::Paren(inner) => self.is_run_time(&inner.expr),
            Expr::Group(inner) => self.is_run_time(&inner.expr),
            Expr::Binary(binary) => self.is_run_time(&binary.left) || self.is_run_time(&binary.right),
            _ => false,
        }
    }

    /// A size of an axis.
    pub(super) fn dim(&self, expr: &Expr) -> TokenStream {
        let (expr, at) = (unbraced(expr), first_span(expr));
        if !self.is_run_time(expr) {
            let number = self.plain(expr);
            return quote_spanned!(at=> ::ketline::model::Dim::from(#number));
        }
        match expr {
            Expr::Paren(inner) => self.dim(&inner.expr),
            Expr::Group(inner) => self.dim(&inner.expr),
            Expr::Binary(binary) if matches!(binary.op, BinOp::Mul(_)) => {
                let (left, right) = (self.dim(&binary.left), self.dim(&binary.right));
                quote_spanned!(at=> (#left * #right))
            }
            other => {
                let name = other.to_token_stream().to_string();
                if self.is_inside {
                    let name = variable(&name, at);
                    quote_spanned!(at=> ::core::clone::Clone::clone(&#name))
                } else {
                    quote_spanned!(at=> ::ketline::model::Dim::named(#name))
                }
            }
        }
    }

    /// Sizes of all axes.
    pub(super) fn shape(&self, sizes: &[Expr]) -> TokenStream {
        let dims = sizes.iter().map(|size| self.dim(size));
        quote!(::ketline::__private0_1::Vec::<::ketline::model::Dim>::from([#(#dims),*]))
    }

    /// A size that stands alone as a name, which is what stands there in a call.
    pub(super) fn bare(&self, expr: &Expr) -> Option<String> {
        let Expr::Path(path) = expr else { return None };
        let name = path.path.get_ident()?.to_string();
        (self.generics.contains(&name) || self.run_time.contains(&name)).then_some(name)
    }
}
