//! The body of a pipeline as calls of the graph, with the user's names.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{BinOp, Expr};

use super::sizes::{Sizes, variable};
use super::{dtype, graph, label};
use crate::circuit::expand::mentions;
use crate::diag::first_span;
use crate::pipeline::layer;
use crate::pipeline::model::{self, Block, Declared, Let, Pipeline, Stage, Value};

pub(super) struct Body<'a> {
    pipeline: &'a Pipeline,
    /// All of the macro call.
    pipelines: &'a [Pipeline],
    pub(super) sizes: Sizes,
    /// How often a name was given to a layer; to a stage.
    pub(super) labels: BTreeMap<String, usize>,
    stages: BTreeMap<String, usize>,
    /// Names that hold tensors.
    tensors: BTreeSet<String>,
}

/// `name`, and `name_1` the next time.
pub(super) fn unique(known: &mut BTreeMap<String, usize>, name: &str) -> String {
    let count = known.entry(name.to_owned()).or_default();
    *count += 1;
    if *count == 1 { name.to_owned() } else { format!("{name}_{}", *count - 1) }
}

impl<'a> Body<'a> {
    pub(super) fn new(pipeline: &'a Pipeline, pipelines: &'a [Pipeline]) -> Self {
        let inputs = pipeline.inputs.iter().filter(|input| !matches!(input.kind, model::Kind::Plain));
        Self {
            pipeline,
            pipelines,
            sizes: Sizes::inside(pipeline),
            labels: BTreeMap::new(),
            stages: BTreeMap::new(),
            tensors: inputs.map(|input| input.name.to_string()).collect(),
        }
    }

    pub(super) fn graph(&self, at: Span) -> Ident {
        graph(self.pipeline, at)
    }

    /// Whether a pipeline of the same macro call has this name; it may also be that of a method of graphs.
    pub(super) fn is_sibling(&self, name: &Ident) -> bool {
        self.pipelines.iter().any(|pipeline| pipeline.name == *name)
    }

    pub(super) fn expand(mut self) -> TokenStream {
        let (at, pipeline) = (self.pipeline.name.span(), self.pipeline);
        let me = self.graph(at);
        let begin = self.begin();
        let body = self.block(&pipeline.body);
        let results: Vec<_> = (0..pipeline.outputs.len())
            .map(|k| Ident::new(&format!("result{k}"), Span::mixed_site()))
            .collect();
        let ends =
            pipeline.outputs.iter().zip(&results).map(|(declared, result)| {
                self.check(&quote!("the result"), &result.to_token_stream(), declared)
            });
        let ends: TokenStream = ends.collect();
        let pattern = if let [one] = results.as_slice() { quote!(#one) } else { quote!((#(#results),*)) };
        quote_spanned! {at=>
            let #me = self;
            #begin
            let #pattern = { #body };
            #ends
            ::core::result::Result::Ok(#pattern)
        }
    }

    /// Sizes become what the operands say; then the operands must be what is declared.
    fn begin(&self) -> TokenStream {
        let (pipeline, at) = (self.pipeline, self.pipeline.name.span());
        let (me, sizes) = (self.graph(at), Ident::new("__sizes", at));
        let generics: Vec<_> = pipeline.generic_names().into_iter().map(ToString::to_string).collect();
        let (mut binds, mut checks) = (TokenStream::new(), TokenStream::new());
        let names = |sizes: &[Expr]| -> Vec<String> {
            sizes.iter().map(|size| self.sizes.bare(size).unwrap_or_default()).collect()
        };
        for input in &pipeline.inputs {
            let (name, text) = (&input.name, label(input));
            match &input.kind {
                model::Kind::Tensor(declared) => {
                    let names = names(&declared.sizes);
                    binds.extend(quote!(#sizes.bind(#me, #name, &[#(#names),*]);));
                    checks.extend(self.check(&quote!(#text), &quote!(#name), declared));
                }
                model::Kind::Tensors(declared, count) => {
                    if let Some(bare) = self.sizes.bare(count) {
                        binds.extend(quote!(#sizes.bind_number(#bare, #name.len());));
                    }
                    let (names, count) = (names(&declared.sizes), self.sizes.number(count));
                    let item = Ident::new("item", Span::mixed_site());
                    let check = self.check(&quote!(#text), &quote!(*#item), declared);
                    binds.extend(quote!(for #item in #name { #sizes.bind(#me, *#item, &[#(#names),*]); }));
                    checks.extend(
                        quote!(#sizes.count(#text, #name.len(), #count)?; for #item in #name { #check }),
                    );
                }
                model::Kind::Hop(parts) => {
                    let own = names(parts);
                    binds.extend(quote!(#name.bind(#me, &mut #sizes, [#(#own),*]);));
                    let parts = parts.each_ref().map(|size| self.sizes.dim(size));
                    checks.extend(quote!(#name.check(#me, &#sizes, #text, [#(#parts),*])?;));
                }
                model::Kind::Plain | model::Kind::Broken => {}
            }
        }
        let numbers = generics.iter().map(|name| {
            let local = variable(name, at);
            quote!(let #local = #sizes.number(#name)?;)
        });
        let run_time = pipeline.run_time_names();
        let dims = run_time.iter().map(|name| {
            let local = variable(name, at);
            quote!(let #local = #sizes.dim(#name)?;)
        });
        // what a promise is about need not be used by a layer
        let promised = pipeline.fits.iter().flat_map(|fits| {
            let tokens = fits.attribute.to_token_stream();
            let inputs = pipeline.inputs.iter().map(|input| &input.name);
            inputs.filter(move |name| mentions(&tokens, name))
        });
        let used = generics.iter().chain(&run_time).map(|name| variable(name, at));
        let text = pipeline.name.to_string();
        quote_spanned! {at=>
            let mut #sizes = ::ketline::model::expansion::Names::new(#text, &[#(#generics),*], #sizes);
            #binds
            #(#numbers)*
            #(#dims)*
            let _ = (#(&#used,)* #(&#promised,)*);
            #checks
        }
    }

    fn check(&self, name: &TokenStream, value: &TokenStream, declared: &Declared) -> TokenStream {
        let at = self.pipeline.name.span();
        let (me, sizes) = (self.graph(at), Ident::new("__sizes", at));
        let (dtype, shape) = (dtype(declared), self.sizes.shape(&declared.sizes));
        quote!(#sizes.check(#me, #name, #value, &::ketline::model::TensorType::new(#dtype, #shape))?;)
    }

    fn block(&mut self, block: &Block) -> TokenStream {
        let before = self.tensors.clone();
        let steps: TokenStream = block.steps.iter().map(|step| self.step(step)).collect();
        let tail = block.tail.as_ref().map(|tail| self.value(tail, None));
        self.tensors = before;
        quote!(#steps #tail)
    }

    fn step(&mut self, step: &Let) -> TokenStream {
        let (token, names) = (&step.token, &step.names);
        let is_plain = self.is_plain(&step.value);
        // a layer is called after the new variable that it is bound to
        let after = match names.as_slice() {
            [name] if !step.is_tuple && !self.tensors.contains(&name.to_string()) => Some(name.to_string()),
            _ => None,
        };
        let (begin, value) = match &step.stage {
            None => (TokenStream::new(), self.value(&step.value, after)),
            Some(stage) => self.stage(step, stage, after),
        };
        for name in names {
            if is_plain {
                self.tensors.remove(&name.to_string());
            } else {
                self.tensors.insert(name.to_string());
            }
        }
        if step.is_tuple {
            quote!(#begin #token (#(#names),*) = #value;)
        } else {
            quote!(#begin #token #(#names)* = #value;)
        }
    }

    fn stage(&mut self, step: &Let, stage: &Stage, after: Option<String>) -> (TokenStream, TokenStream) {
        let own = match (&stage.name, &step.value, step.names.first()) {
            (Some(name), ..) => name.clone(),
            (None, Value::Call(call), _) if after.is_none() => call.word().to_string(),
            (None, _, Some(name)) => name.to_string(),
            (None, ..) => "stage".to_owned(),
        };
        let name = unique(&mut self.stages, own.trim_start_matches("r#"));
        let at = step.token.span;
        let me = self.graph(at);
        let Some((_, repeat)) = &stage.repeat else {
            return (quote_spanned!(at=> #me.stage(#name);), self.value(&step.value, after));
        };
        let Some(x) = step.names.first() else { return Default::default() };
        // as many names as stages: those of a repeated call stand before what it makes itself
        unique(&mut self.labels, &name);
        let (count, text) = (self.sizes.number(repeat), format!("{name}.{{}}"));
        let value = match &step.value {
            Value::Call(call) if layer::row_called(call).is_none() => self.called(call, None),
            value => self.value(value, None),
        };
        let [next, k] = ["next", "k"].map(|name| Ident::new(name, Span::mixed_site()));
        let value = quote_spanned! {at=> {
            let mut #next = #x;
            for #k in ::ketline::model::expansion::repeat(#count)? {
                #me.stage(::core::format_args!(#text, #k));
                #next = #me.scope(
                    ::core::format_args!(#text, #k),
                    |#me| -> ::ketline::model::Result<::ketline::model::Value> {
                        let #x = #next;
                        ::core::result::Result::Ok(#value)
                    },
                )?;
            }
            #next
        }};
        (TokenStream::new(), value)
    }

    /// Whether a value is ordinary Rust.
    fn is_plain(&self, value: &Value) -> bool {
        match value {
            Value::Plain(_) => true,
            Value::Name(name) => !self.tensors.contains(&name.to_string()),
            Value::Binary(left, _, right) => self.is_plain(left) && self.is_plain(right),
            Value::Negative(_, inner) => self.is_plain(inner),
            Value::Call(_) | Value::Block(..) | Value::Tuple(..) => false,
        }
    }

    /// An expression; `after` is what a layer is called after, if it is one.
    pub(super) fn value(&mut self, value: &Value, after: Option<String>) -> TokenStream {
        if self.is_plain(value) {
            return self.sizes.plain(value);
        }
        match value {
            Value::Name(_) | Value::Plain(_) => value.to_token_stream(),
            Value::Negative(sign, inner) => {
                let (at, inner) = (sign.span, self.value(inner, None));
                self.affine(at, &inner, &quote!(-1.0), &quote!(0.0))
            }
            Value::Binary(left, op, right) => self.binary(left, *op, right),
            Value::Block(block, source) => {
                let (at, body) = (first_span(source), self.block(block));
                quote_spanned!(at=> { #body })
            }
            Value::Tuple(parts, _) => {
                let parts = parts.iter().map(|part| self.value(part, None));
                let parts: Vec<_> = parts.collect();
                quote!((#(#parts),*))
            }
            Value::Call(call) => {
                if let Some(row) = layer::row_called(call) {
                    return self.layer(call, row, after);
                }
                let own = call.label.clone().or(after).unwrap_or_else(|| call.word().to_string());
                let name = unique(&mut self.labels, own.trim_start_matches("r#"));
                self.called(call, Some(name))
            }
        }
    }

    fn affine(&self, at: Span, x: &TokenStream, scale: &TokenStream, shift: &TokenStream) -> TokenStream {
        let (me, hold) = (self.graph(at), Ident::new("x", Span::mixed_site()));
        quote_spanned!(at=> { let #hold = #x; #me.affine(#hold, #scale, #shift)? })
    }

    fn binary(&mut self, left: &Value, op: BinOp, right: &Value) -> TokenStream {
        let at = first_span(&op);
        let (is_left, is_right) = (self.is_plain(left), self.is_plain(right));
        let (l, r) = (self.value(left, None), self.value(right, None));
        let real = |number: &TokenStream| quote!((#number) as f64);
        match (is_left, is_right) {
            (false, true) => {
                let c = real(&r);
                let (scale, shift) = match op {
                    BinOp::Add(_) => (quote!(1.0), c),
                    BinOp::Sub(_) => (quote!(1.0), quote!(-(#c))),
                    BinOp::Mul(_) => (c, quote!(0.0)),
                    _ => (quote!(1.0 / (#c)), quote!(0.0)),
                };
                self.affine(at, &l, &scale, &shift)
            }
            (true, false) => {
                let c = real(&l);
                let (scale, shift) = match op {
                    BinOp::Add(_) => (quote!(1.0), c),
                    BinOp::Sub(_) => (quote!(-1.0), c),
                    _ => (c, quote!(0.0)),
                };
                self.affine(at, &r, &scale, &shift)
            }
            _ => {
                let method = match op {
                    BinOp::Add(_) => "add",
                    BinOp::Sub(_) => "subtract",
                    BinOp::Mul(_) => "multiply",
                    _ => "divide",
                };
                let (me, method) = (self.graph(at), Ident::new(method, at));
                let [a, b] = ["a", "b"].map(|name| Ident::new(name, Span::mixed_site()));
                quote_spanned!(at=> { let #a = #l; let #b = #r; #me.#method(#a, #b)? })
            }
        }
    }
}
