//! Model to Rust: a function that builds the graph, a method of the graph for use inside other pipelines, a type for inputs.

mod body;
mod call;
mod feed;
mod sizes;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use self::body::Body;
use self::sizes::Sizes;
use super::check::value::{Condition, Requirement};
use super::check::{Checked, Library, fits::Promise};
use super::model::{Declared, Input, Kind, Pipeline, Value};
use super::size::Size;
use crate::diag::first_span;

/// The items that a pipeline becomes; with `stub`, the same items without a body.
pub(crate) fn expand(
    pipeline: &Pipeline,
    library: &Library<'_>,
    checked: &Checked,
    promise: Option<&Promise>,
    stub: bool,
) -> TokenStream {
    let is_called = library.is_called(pipeline);
    if stub {
        let body = quote!(::core::unimplemented!());
        let (constructor, method) = (constructor(pipeline, &body, is_called), method(pipeline, &body, true));
        return quote!(#constructor #method);
    }
    let promised = promise.map(|promise| promise.requirements.as_slice()).unwrap_or_default();
    let (items, inline) = assertions(pipeline, checked.requirements.iter().chain(promised), promise);
    let constructor = constructor(pipeline, &building(pipeline, promise, &inline), is_called);
    let method = method(pipeline, &Body::new(pipeline, library.pipelines).expand(), false);
    let feed = (!is_called).then(|| feed::inputs(pipeline));
    quote!(#items #constructor #method #feed)
}

/// What constants decide: items, and statements for what depends on generics. What only the running program knows is left
/// to the graph.
fn assertions<'a>(
    pipeline: &Pipeline,
    requirements: impl Iterator<Item = &'a Requirement>,
    promise: Option<&Promise>,
) -> (TokenStream, TokenStream) {
    let shared = pipeline.shared_attributes();
    let (mut items, mut inline) = (TokenStream::new(), TokenStream::new());
    let mut add = |at: Span, code: TokenStream, is_generic: bool| {
        if is_generic {
            inline.extend(quote_spanned! {at=>
                #[allow(unused_braces, unused_parens)]
                let () = const { #code };
            });
        } else {
            items.extend(quote_spanned! {at=>
                #(#shared)*
                #[allow(unused_braces, unused_parens, clippy::all, clippy::pedantic)]
                const _: () = { #code };
            });
        }
    };
    for requirement in requirements.filter(|requirement| requirement.is_constant()) {
        add(first_span(&requirement.at), assertion(requirement), requirement.is_generic());
    }
    if let Some(promise) = promise.filter(|promise| promise.is_constant) {
        add(pipeline.name.span(), promised(promise), promise.is_generic);
    }
    (items, inline)
}

fn assertion(requirement: &Requirement) -> TokenStream {
    let at = first_span(&requirement.at);
    let condition = match &requirement.what {
        Condition::Multiple(a, b) => {
            let (a, b) = (a.constant(), b.constant());
            quote_spanned!(at=> #b != 0 && #a % #b == 0)
        }
        Condition::Equal(a, b) => {
            let (a, b) = (a.constant(), b.constant());
            quote_spanned!(at=> #a == #b)
        }
        Condition::AtMost(a, b) => {
            let (a, b) = (a.constant(), b.constant());
            quote_spanned!(at=> #a <= #b)
        }
    };
    let fail = fail(at, &requirement.words, requirement.numbers.iter().map(Size::constant));
    quote_spanned!(at=> if !(#condition) { #fail })
}

/// Ends the evaluation of a constant with words in which each zero byte is a number.
fn fail(at: Span, words: &str, numbers: impl Iterator<Item = TokenStream>) -> TokenStream {
    let numbers = numbers.map(|number| quote!((#number) as f64));
    quote_spanned!(at=> ::ketline::__private0_1::fail(#words, &[#(#numbers),*]))
}

/// `#[fits(..)]` as a constant that compares.
fn promised(promise: &Promise) -> TokenStream {
    let stages = promise.stages.iter().map(|stage| {
        let [repeat, parameters, kept] = [&stage.repeat, &stage.parameters, &stage.kept].map(Size::constant);
        quote!(::ketline::model::Needs {
            repeat: (#repeat) as u64, parameters: (#parameters) as u64, kept: (#kept) as u64,
        })
    });
    let fails = promise.stages.iter().enumerate().map(|(k, stage)| {
        let words = format!(
            "stage `{}` does not fit: device \0 of \0 would hold \0 bytes, \0 of parameters with their gradients and moments \
             and \0 of \0 microbatches in flight, and it has \0",
            stage.name
        );
        let here = Span::mixed_site();
        let numbers = [
            quote_spanned!(here=> shortage.device),
            quote_spanned!(here=> devices.count),
            quote_spanned!(here=> shortage.needed),
            quote_spanned!(here=> shortage.parameters),
            quote_spanned!(here=> shortage.kept),
            quote_spanned!(here=> shortage.micro_batches),
            quote_spanned!(here=> devices.memory),
        ];
        let fail = fail(stage.at.span(), &words, numbers.into_iter());
        quote_spanned!(here=> if shortage.stage == #k { #fail })
    });
    let (here, devices) = (Span::mixed_site(), devices(promise));
    quote_spanned! {here=>
        let stages = [#(#stages),*];
        let devices = #devices;
        if let ::core::option::Option::Some(shortage) = ::ketline::model::Shortage::find(&stages, devices) {
            #(#fails)*
        }
    }
}

fn devices(promise: &Promise) -> TokenStream {
    let (count, memory, micro_batches) =
        (promise.devices.constant(), &promise.memory, promise.micro_batches.constant());
    quote!(::ketline::model::Devices {
        count: (#count) as u64, memory: #memory, micro_batches: (#micro_batches) as u64,
    })
}

/// The hidden graph, under a name that reads well should it ever show. It stands at the token that uses it, but is one
/// variable also where a `macro_rules!` wrote some of the tokens.
fn graph(pipeline: &Pipeline, at: Span) -> Ident {
    Ident::new("__model", at.resolved_at(pipeline.name.span()))
}

/// The runtime's name of a type of elements.
fn dtype(declared: &Declared) -> TokenStream {
    let name = match declared.dtype.name() {
        "Bf16" => "BF16",
        name => name,
    };
    let at = first_span(&declared.tokens);
    let name = Ident::new(name, at);
    quote_spanned!(at=> ::ketline::model::DType::#name)
}

fn constructor(pipeline: &Pipeline, body: &TokenStream, is_called: bool) -> TokenStream {
    let Pipeline { attributes, visibility, name, generics, .. } = pipeline;
    let arguments = pipeline.inputs.iter().filter(|input| matches!(input.kind, Kind::Plain)).map(|input| {
        let (name, ty) = (&input.name, &input.ty);
        quote!(#name: #ty)
    });
    let span = name.span();
    let dead = is_called.then(|| quote!(dead_code,));
    let quiet = quote_spanned! {span=>
        #[allow(#dead unused_variables, unused_mut, unused_braces, unused_parens, unreachable_code, clippy::all, clippy::pedantic)]
    };
    quote! {
        #(#attributes)*
        #quiet
        #visibility fn #name #generics(#(#arguments),*) -> ::ketline::model::Result<::ketline::model::Graph> { #body }
    }
}

/// Inputs are declared, the method is called, what it gives becomes outputs.
fn building(pipeline: &Pipeline, promise: Option<&Promise>, checks: &TokenStream) -> TokenStream {
    let (here, name) = (Span::mixed_site(), &pipeline.name);
    let sizes = Sizes::outside(pipeline);
    let model = Ident::new("model", here);
    let inputs = pipeline.inputs.iter().map(|input| declare(input, &sizes, &model));
    let passed = pipeline.inputs.iter().map(|input| {
        let name = &input.name;
        match input.kind {
            Kind::Tensors(..) | Kind::Hop(_) => quote!(&#name),
            _ => quote!(#name),
        }
    });
    let generics = pipeline.generic_names();
    let labels = output_names(pipeline);
    let results: Vec<_> = (0..labels.len()).map(|k| Ident::new(&format!("result{k}"), here)).collect();
    let pattern = if let [one] = results.as_slice() { quote!(#one) } else { quote!((#(#results),*)) };
    let fits = promise.filter(|promise| !promise.is_constant).map(|promise| {
        let (names, values): (Vec<_>, Vec<_>) =
            promise.sizes.iter().map(|(name, value)| (name, value)).unzip();
        let devices = devices(promise);
        let [batch, micro_batches] = [&promise.batch, &promise.micro_batches].map(Size::constant);
        quote_spanned! {here=>
            ::ketline::model::expansion::cut((#batch) as usize, (#micro_batches) as usize)?;
            model.fits(&::ketline::model::Sizes::new() #(.with(#names, (#values) as usize))*, #devices)?;
        }
    });
    let at = name.span();
    let call = quote_spanned! {at=> <::ketline::model::Graph as #name>::#name };
    quote_spanned! {here=>
        #checks
        let mut model = ::ketline::model::Graph::new();
        #(#inputs)*
        let #pattern = #call(&mut model, &[#(::core::option::Option::Some(#generics)),*], #(#passed),*)?;
        #(model.output(#labels, #results)?;)*
        #fits
        ::core::result::Result::Ok(model)
    }
}

/// Results are named after the variables that are returned.
fn output_names(pipeline: &Pipeline) -> Vec<String> {
    let one = |value: &Value, other: String| match value {
        Value::Name(name) => name.to_string().trim_start_matches("r#").to_owned(),
        _ => other,
    };
    match pipeline.body.tail.as_deref() {
        Some(Value::Tuple(parts, _)) => {
            parts.iter().enumerate().map(|(k, part)| one(part, format!("output.{k}"))).collect()
        }
        Some(value) if pipeline.outputs.len() == 1 => vec![one(value, "output".to_owned())],
        _ => (0..pipeline.outputs.len()).map(|k| format!("output.{k}")).collect(),
    }
}

fn label(input: &Input) -> String {
    input.name.to_string().trim_start_matches("r#").to_owned()
}

/// An input of the graph.
fn declare(input: &Input, sizes: &Sizes, model: &Ident) -> TokenStream {
    let (name, label, here) = (&input.name, label(input), Span::mixed_site());
    let ty = |declared: &Declared| {
        let (dtype, shape) = (dtype(declared), sizes.shape(&declared.sizes));
        quote!(::ketline::model::TensorType::new(#dtype, #shape))
    };
    match &input.kind {
        Kind::Tensor(declared) => {
            let ty = ty(declared);
            quote_spanned!(here=> let #name = #model.input(#label, #ty)?;)
        }
        Kind::Tensors(declared, count) => {
            let (ty, count) = (ty(declared), sizes.number(count));
            quote_spanned!(here=> let #name = ::ketline::model::expansion::inputs(&mut #model, #label, &#ty, #count)?;)
        }
        Kind::Hop(parts) => {
            let [from, to, edges] = parts.each_ref().map(|size| sizes.dim(size));
            quote_spanned! {here=>
                let #name = ::ketline::model::expansion::Hop::input(&mut #model, #label, #from, #to, #edges)?;
            }
        }
        Kind::Plain | Kind::Broken => TokenStream::new(),
    }
}

/// The method form: `encoder(x, mask)` inside another pipeline calls it on that pipeline's graph.
fn method(pipeline: &Pipeline, body: &TokenStream, stub: bool) -> TokenStream {
    let Pipeline { visibility, name, .. } = pipeline;
    let shared = pipeline.shared_attributes();
    let value = quote!(::ketline::model::Value);
    let arguments: Vec<_> = pipeline
        .inputs
        .iter()
        .map(|input| {
            let (name, ty, at) = (&input.name, &input.ty, first_span(&input.ty));
            match &input.kind {
                Kind::Tensor(_) | Kind::Broken => quote_spanned!(at=> #name: #value),
                Kind::Tensors(..) => quote_spanned!(at=> #name: &[#value]),
                Kind::Hop(_) => quote_spanned!(at=> #name: &::ketline::model::expansion::Hop),
                Kind::Plain => quote!(#name: #ty),
            }
        })
        .collect();
    let output = match pipeline.outputs.len() {
        1 => value,
        count => {
            let values = (0..count).map(|_| value.clone());
            quote!((#(#values),*))
        }
    };
    let at = name.span();
    let sizes = Ident::new("__sizes", at);
    let unused = stub.then(|| quote!(unused_variables,));
    let quiet = quote! {
        #[allow(
            non_camel_case_types, non_snake_case, dead_code, unused_mut, unused_braces, unused_parens, unreachable_code, #unused
            clippy::all, clippy::pedantic
        )]
    };
    let signature = quote_spanned! {at=>
        fn #name(
            &mut self,
            #sizes: &[::core::option::Option<::core::primitive::usize>],
            #(#arguments),*
        ) -> ::ketline::model::Result<#output>
    };
    quote_spanned! {at=>
        #(#shared)*
        #quiet
        #[doc(hidden)]
        #visibility trait #name {
            #signature;
        }

        #(#shared)*
        #quiet
        #[doc(hidden)]
        impl #name for ::ketline::model::Graph {
            #signature { #body }
        }
    }
}
