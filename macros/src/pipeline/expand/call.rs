//! Calls: layers by the form of their row, other pipelines by their method.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, GenericArgument, PathArguments, Type};

use super::body::{Body, unique};
use crate::diag::first_span;
use crate::pipeline::layer::apply::positional;
use crate::pipeline::layer::{Argument, Form, Kind, Row};
use crate::pipeline::model::{Call, Value};

impl Body<'_> {
    /// Operands in variables of their own, since the graph is asked for them one after another; those that are names
    /// already stay.
    fn operands(&mut self, call: &Call) -> (TokenStream, Vec<TokenStream>) {
        let (mut before, mut names) = (TokenStream::new(), Vec::new());
        for (k, operand) in call.operands.iter().enumerate() {
            let tokens = self.value(operand, None);
            if matches!(operand, Value::Name(_)) {
                names.push(tokens);
                continue;
            }
            let name = Ident::new(&format!("operand{k}"), Span::mixed_site());
            before.extend(quote!(let #name = #tokens;));
            names.push(name.to_token_stream());
        }
        (before, names)
    }

    /// Another pipeline, or what rustc has to find; its parameters are named after it.
    pub(super) fn called(&mut self, call: &Call, name: Option<String>) -> TokenStream {
        let (before, operands) = self.operands(call);
        let word = call.word();
        let at = word.span();
        let me = self.graph(at);
        let mut path = call.path.clone();
        let given = path.segments.last_mut().map(|last| std::mem::take(&mut last.arguments));
        let mut sizes = Vec::new();
        if let Some(PathArguments::AngleBracketed(arguments)) = given {
            sizes.extend(arguments.args.iter().map(|argument| match argument {
                GenericArgument::Type(Type::Infer(_)) => quote!(::core::option::Option::None),
                argument => {
                    let size = self.sizes.plain(argument);
                    quote!(::core::option::Option::Some(#size))
                }
            }));
        }
        let sizes = quote!(&[#(#sizes),*]);
        let inner = if !call.named.is_empty() {
            // as a layer is called, so that rustc finds the one of a similar name
            let (label, values) =
                (word.to_string(), call.named.iter().map(|(_, value)| self.sizes.plain(value)));
            quote_spanned!(at=> #me.#word(#label, #(#operands,)* #(#values),*))
        } else if call.bare().is_some() && !self.is_sibling(word) {
            quote_spanned!(at=> #me.#word(#sizes, #(#operands),*))
        } else {
            quote_spanned!(at=> <::ketline::model::Graph as #path>::#word(#me, #sizes, #(#operands),*))
        };
        let inner = match name {
            Some(name) => quote_spanned!(at=> #me.scope(#name, |#me| #inner)),
            _ => inner,
        };
        quote_spanned!(at=> { #before #inner? })
    }

    pub(super) fn layer(&mut self, call: &Call, row: &Row, after: Option<String>) -> TokenStream {
        let (before, operands) = if positional(call, row).is_some() {
            (TokenStream::new(), Vec::new())
        } else {
            self.operands(call)
        };
        let (word, at) = (call.word(), call.word().span());
        let me = self.graph(at);
        let name = row.trains.then(|| {
            let own = call.label.clone().or(after).unwrap_or_else(|| row.name.to_owned());
            let name = unique(&mut self.labels, own.trim_start_matches("r#"));
            quote!(#name,)
        });
        let arguments: Vec<_> =
            row.arguments.iter().map(|argument| self.argument(call, row, argument)).collect();
        let called = match row.form {
            Form::Method => quote_spanned!(at=> #me.#word(#name #(#operands,)* #(#arguments),*)),
            Form::List => quote_spanned!(at=> #me.#word(&[#(#operands),*], #(#arguments),*)),
            Form::Parameter => {
                let (shape, deviation) = (&arguments[0], &arguments[1]);
                quote_spanned! {at=> #me.parameter(
                    #name
                    ::ketline::model::TensorType::new(::ketline::model::DType::F32, #shape),
                    ::ketline::model::Init::Normal(#deviation),
                )}
            }
            Form::Attention(method) => {
                let method = Ident::new(method, at);
                let count = if row.operands.1 == 2 { 1 } else { 3 };
                let (heads, causal) = (&arguments[0], &arguments[1]);
                let none = || quote!(::core::option::Option::None);
                let mask =
                    operands.get(count).map_or_else(none, |mask| quote!(::core::option::Option::Some(#mask)));
                let operands = operands.iter().take(count);
                quote_spanned! {at=> #me.#method(
                    #name #(#operands,)*
                    ::ketline::model::layers::Heads { heads: #heads, causal: #causal, mask: #mask },
                )}
            }
            Form::Window => {
                let (own, window) = arguments.split_at(arguments.len() - 3);
                quote_spanned! {at=> #me.#word(
                    #name #(#operands,)* #(#own,)* ::ketline::model::operator::Window::square(#(#window),*),
                )}
            }
            Form::Function => quote_spanned! {at=>
                ::ketline::model::expansion::#word(#me, #name #(#operands,)* #(#arguments),*)
            },
        };
        if before.is_empty() {
            quote_spanned!(at=> #called?)
        } else {
            quote_spanned!(at=> { #before #called? })
        }
    }

    fn argument(&self, call: &Call, row: &Row, argument: &Argument) -> TokenStream {
        let given = call.argument(argument.name).cloned().or_else(|| positional(call, row));
        let default = || syn::parse_str(argument.default?).ok();
        let Some(value) = given.or_else(default) else { return TokenStream::new() };
        let at = first_span(&value);
        match argument.kind {
            Kind::Size | Kind::Index | Kind::Seed | Kind::Flag | Kind::Range => self.sizes.number(&value),
            Kind::Axis => self.sizes.dim(&value),
            Kind::Axes => match &value {
                Expr::Array(array) => self.sizes.shape(&array.elems.iter().cloned().collect::<Vec<_>>()),
                _ => TokenStream::new(),
            },
            Kind::Order | Kind::Sizes => {
                let list = self.sizes.plain(&value);
                quote_spanned!(at=> &#list)
            }
            Kind::Type => {
                let name = value.to_token_stream().to_string();
                let name = Ident::new(if name == "Bf16" { "BF16" } else { &name }, at);
                quote_spanned!(at=> ::ketline::model::DType::#name)
            }
            Kind::Real => {
                let number = self.sizes.plain(&value);
                quote_spanned!(at=> (#number) as f64)
            }
        }
    }
}
