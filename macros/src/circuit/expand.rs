//! Model to Rust: a constructor, a method on the builder for use inside other circuits, a type for parameter values.

pub(crate) mod body;
mod width;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Expr, GenericParam};

use self::body::Body;
use super::model::{Action, Circuit, Input, Kind, Output, Size, Step, Value};
use crate::diag::first_span;
use crate::replay::Check;

/// The items that a circuit becomes; with `stub`, the same items without a body.
pub(crate) fn expand(circuit: &Circuit, checks: &[Check], stub: bool) -> TokenStream {
    let parameters = parameters(circuit);
    let constructor = constructor(circuit, stub);
    if stub {
        let method = method(circuit, &TokenStream::new(), &quote!(::core::unimplemented!()));
        return quote!(#parameters #constructor #method);
    }
    let (items, inline) = assertions(circuit, checks);
    let body = Body::new(circuit).expand();
    let method = method(circuit, &inline, &body);
    quote!(#items #parameters #constructor #method)
}

/// What constants decide: items, and statements for what depends on generics.
pub(crate) fn assertions(circuit: &Circuit, checks: &[Check]) -> (TokenStream, TokenStream) {
    let generics = circuit.generic_names();
    let shared = circuit.shared_attributes();
    let (mut items, mut inline) = (TokenStream::new(), TokenStream::new());
    for check in checks {
        let Some(replay) = check.replay(&generics) else { continue };
        let (code, at) = (replay.code, first_span(&check.at));
        if replay.generic {
            inline.extend(quote_spanned! {at=>
                #[allow(unused_variables, unused_braces, unused_parens)]
                let () = const { #code };
            });
        } else {
            items.extend(quote_spanned! {at=>
                #(#shared)*
                #[allow(long_running_const_eval, unused_variables, unused_braces, unused_parens, clippy::all, clippy::pedantic)]
                const _: () = { #code };
            });
        }
    }
    (items, inline)
}

/// The hidden builder, under a name that reads well should it ever show. It stands at the token that uses it, but is
/// one variable also where a `macro_rules!` wrote some of the tokens.
pub(crate) fn builder(circuit: &Circuit, at: Span) -> Ident {
    Ident::new("__circuit", at.resolved_at(circuit.name.span()))
}

/// The name of an item that goes with one of this name: `BellParams` of `bell`.
pub(crate) fn companion(name: &Ident, what: &str) -> Ident {
    let text = name.to_string();
    let camel = text.trim_start_matches("r#").split('_').map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    });
    format_ident!("{}{what}", camel.collect::<String>(), span = name.span())
}

/// `<const N: usize>` and `<N>`: the generics of the parameter type, those that its width or its angles name.
pub(crate) fn const_generics(circuit: &Circuit) -> (TokenStream, TokenStream) {
    let sizes = circuit.inputs.iter().flat_map(|input| match &input.kind {
        Kind::Register(size) => std::slice::from_ref(size),
        Kind::Angles(sizes) => sizes,
        _ => &[],
    });
    let sizes: TokenStream = sizes.map(|size| size.expr.to_token_stream()).collect();
    let params: Vec<_> =
        circuit.generics.const_params().filter(|param| mentions(&sizes, &param.ident)).collect();
    if params.is_empty() {
        return (TokenStream::new(), TokenStream::new());
    }
    let names = params.iter().map(|param| &param.ident);
    (quote!(<#(#params),*>), quote!(<#(#names),*>))
}

/// Whether a name stands anywhere in the tokens.
pub(crate) fn mentions(tokens: &TokenStream, name: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(&group.stream(), name),
        _ => false,
    })
}

/// A size as a generic argument: braces only where Rust wants them.
pub(crate) fn generic_argument(size: &Size) -> TokenStream {
    let expr = &size.expr;
    match expr {
        Expr::Lit(_) => expr.to_token_stream(),
        Expr::Path(path) if path.path.get_ident().is_some() => expr.to_token_stream(),
        expr => quote!({ #expr }),
    }
}

pub(crate) fn angle_type(input: &Input, leaf: &TokenStream) -> TokenStream {
    let Kind::Angles(sizes) = &input.kind else { return TokenStream::new() };
    let span = first_span(&input.ty);
    sizes.iter().rev().fold(leaf.clone(), |inner, size| {
        let length = &size.expr;
        quote_spanned!(span=> [#inner; #length])
    })
}

pub(crate) fn parameters(circuit: &Circuit) -> TokenStream {
    let (visibility, name, label) =
        (&circuit.visibility, companion(&circuit.name, "Params"), circuit.name.to_string());
    let (declared, used) = const_generics(circuit);
    let shared = circuit.shared_attributes();
    let inputs: Vec<_> =
        circuit.inputs.iter().filter(|input| matches!(input.kind, Kind::Angles(_))).collect();
    let fields = inputs.iter().map(|input| {
        let (field, ty) = (&input.name, angle_type(input, &quote!(::core::primitive::f64)));
        let doc = format!("Values of `{field}` in radians.");
        quote!(#[doc = #doc] #visibility #field: #ty)
    });
    let angle = quote!(::ketline::quantum::Angle);
    let (names, types): (Vec<_>, Vec<_>) =
        inputs.iter().map(|input| (&input.name, angle_type(input, &angle))).unzip();
    let widths = circuit.inputs.iter().filter_map(|input| match &input.kind {
        Kind::Qubit => Some(quote!(1)),
        Kind::Register(size) => {
            let size = &size.expr;
            Some(quote!((#size)))
        }
        _ => None,
    });
    let doc = format!("Values for the parameters of [`{label}()`].");
    let (flat, values) = (if inputs.is_empty() { quote!(_) } else { quote!(flat) }, quote!(flat));
    quote! {
        #(#shared)*
        #[doc = #doc]
        #[allow(dead_code)]
        #[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::cmp::PartialEq)]
        #visibility struct #name #declared { #(#fields,)* }

        #(#shared)*
        #[allow(clippy::all, clippy::pedantic)]
        impl #declared ::ketline::quantum::Declaration for #name #used {
            const NAME: &'static ::core::primitive::str = #label;
            const WIDTH: ::core::primitive::usize = 0 #(+ #widths)*;
            fn from_values(
                #flat: &mut dyn ::core::iter::Iterator<Item = ::core::primitive::f64>,
            ) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(Self {
                    #(#names: <#types as ::ketline::quantum::circuit::Trainable>::values(#values)?,)*
                })
            }
            fn write_flat(&self, #flat: &mut ::ketline::__private0_1::Vec<::core::primitive::f64>) {
                #(<#types as ::ketline::quantum::circuit::Trainable>::flatten(&self.#names, #values);)*
            }
        }
    }
}

fn constructor(circuit: &Circuit, stub: bool) -> TokenStream {
    let Circuit { attributes, visibility, name, generics, .. } = circuit;
    let where_clause = &generics.where_clause;
    let (_, used) = const_generics(circuit);
    let params = companion(&circuit.name, "Params");
    let arguments = circuit.inputs.iter().filter(|input| matches!(input.kind, Kind::Value)).map(|input| {
        let (name, ty) = (&input.name, &input.ty);
        quote!(#name: #ty)
    });
    let here = Span::mixed_site();
    let result = quote!(::ketline::Result<::ketline::Program<#params #used>>);
    let body = if stub {
        let names =
            circuit.inputs.iter().filter(|input| matches!(input.kind, Kind::Value)).map(|input| &input.name);
        quote!(let _ = (#(&#names,)*); ::core::unimplemented!())
    } else {
        let declared = circuit.inputs.iter().filter_map(|input| {
            let (name, label) = (&input.name, input.name.to_string());
            match &input.kind {
                Kind::Qubit => Some(quote_spanned!(here=> let #name = builder.qubit(#label);)),
                Kind::Register(size) => {
                    let size = generic_argument(size);
                    Some(quote_spanned!(here=> let #name = builder.register::<#size>(#label);))
                }
                Kind::Angles(_) => {
                    let ty = angle_type(input, &quote!(::ketline::quantum::Angle));
                    Some(quote_spanned!(here=> let #name = builder.parameter::<#ty>(#label);))
                }
                Kind::Value => None,
            }
        });
        let names = circuit.inputs.iter().map(|input| &input.name);
        let (at, generic) = (name.span(), turbofish(circuit));
        let hidden = Ident::new("builder", here);
        let call = quote_spanned! {at=>
            <::ketline::quantum::Builder as #name>::#name #generic(&mut #hidden, #(#names),*)
        };
        let label = name.to_string();
        let returns = if matches!(circuit.output, Output::None) {
            quote_spanned!(here=> let _ = output;)
        } else {
            quote_spanned!(here=> builder.returns(output);)
        };
        quote_spanned! {here=>
            let mut builder = ::ketline::quantum::Builder::new(#label);
            #(#declared)*
            let output = #call;
            #returns
            ::ketline::__private0_1::program(builder)
        }
    };
    let span = name.span();
    let quiet = quote_spanned! {span=> #[allow(clippy::all, clippy::pedantic)] };
    quote! {
        #(#attributes)*
        #quiet
        #visibility fn #name #generics(#(#arguments),*) -> #result #where_clause { #body }
    }
}

/// `::<N, L>`: the generics of the circuit as arguments.
pub(crate) fn turbofish(circuit: &Circuit) -> TokenStream {
    let names: Vec<_> = circuit
        .generics
        .params
        .iter()
        .filter_map(|param| match param {
            GenericParam::Lifetime(_) => None,
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
        })
        .collect();
    let at = circuit.name.span();
    if names.is_empty() { TokenStream::new() } else { quote_spanned!(at=> ::<#(#names),*>) }
}

/// The method form: `#name(q, theta)` inside another circuit calls it on that circuit's builder.
fn method(circuit: &Circuit, checks: &TokenStream, body: &TokenStream) -> TokenStream {
    let Circuit { visibility, name, generics, .. } = circuit;
    let where_clause = &generics.where_clause;
    let shared = circuit.shared_attributes();
    let label = name.to_string();
    let arguments: Vec<_> = circuit.inputs.iter().map(argument).collect();
    let names: Vec<_> = circuit.inputs.iter().map(|input| &input.name).collect();
    let output = output(circuit);
    let at = name.span();
    let me = builder(circuit, at);
    let measuring = measuring(circuit);
    let bound = measuring.as_ref().map(|(bound, _)| quote_spanned!(at=> Self: #bound,));
    let wheres = match (&where_clause, bound) {
        (Some(clause), Some(bound)) => {
            let predicates = clause.predicates.iter();
            quote_spanned!(at=> where #(#predicates,)* #bound)
        }
        (None, Some(bound)) => quote_spanned!(at=> where #bound),
        (clause, None) => clause.to_token_stream(),
    };
    let measuring = measuring.map(|(_, items)| items);
    let generic = turbofish(circuit);
    let taken = circuit.inputs.iter().filter_map(|input| {
        let name = &input.name;
        match &input.kind {
            Kind::Register(_) => Some(quote_spanned!(at=> let #name = #me.operand(#label, #name);)),
            Kind::Angles(sizes) if sizes.is_empty() => Some(
                quote_spanned!(at=> let #name = ::ketline::quantum::circuit::IntoAngle::into_angle(#name);),
            ),
            _ => None,
        }
    });
    let quiet = quote! {
        #[allow(non_camel_case_types, dead_code, long_running_const_eval, clippy::all, clippy::pedantic)]
    };
    // All on the circuit's name: where a constant fails, rustc names this function as the one it was needed for.
    quote_spanned! {at=>
        #(#shared)*
        #quiet
        #[doc(hidden)]
        #visibility trait #name {
            fn #name #generics(&mut self, #(#arguments),*) #output #wheres;
        }

        #measuring

        #(#shared)*
        #quiet
        #[doc(hidden)]
        impl #name for ::ketline::quantum::Builder {
            fn #name #generics(&mut self, #(#arguments),*) #output #where_clause {
                #checks
                let #me = self;
                #(#taken)*
                let _ = (&#me, #(&#names),*);
                #body
            }
        }

        #(#shared)*
        #quiet
        #[doc(hidden)]
        impl #name for ::ketline::quantum::circuit::UnitaryBlock<'_> {
            fn #name #generics(&mut self, #(#arguments),*) #output #where_clause {
                <::ketline::quantum::Builder as #name>::#name #generic(self, #(#names),*)
            }
        }
    }
}

pub(crate) fn argument(input: &Input) -> TokenStream {
    let (name, ty) = (&input.name, &input.ty);
    let span = first_span(ty);
    match &input.kind {
        Kind::Qubit => quote_spanned!(span=> #name: ::ketline::quantum::Qubit),
        Kind::Register(size) => {
            let size = generic_argument(size);
            quote_spanned!(span=> #name: impl ::ketline::quantum::circuit::IntoQubits<#size>)
        }
        Kind::Angles(sizes) if sizes.is_empty() => {
            quote_spanned!(span=> #name: impl ::ketline::quantum::circuit::IntoAngle)
        }
        Kind::Angles(_) => {
            let ty = angle_type(input, &quote!(::ketline::quantum::Angle));
            quote!(#name: #ty)
        }
        Kind::Value => quote!(#name: #ty),
    }
}

/// Row 26: a circuit that measures, resets or decides has a trait of its own that holds the message; all builders have
/// it except those inside `inverse`, `control` and `power`. Returns its name and the items.
fn measuring(circuit: &Circuit) -> Option<(Ident, TokenStream)> {
    if matches!(circuit.output, Output::None) && !circuit.body.as_deref().is_some_and(measures) {
        return None;
    }
    let Circuit { visibility, name, .. } = circuit;
    let shared = circuit.shared_attributes();
    let (at, bound) = (name.span(), companion(&circuit.name, "Measures"));
    let message = format!("circuit `{name}` is not unitary");
    let label = format!("`{name}` has no inverse, power or controlled form");
    let items = quote_spanned! {at=>
        #(#shared)*
        #[doc(hidden)]
        #[allow(dead_code)]
        #[diagnostic::on_unimplemented(
            message = #message,
            label = #label,
            note = "only gates and circuits without `measure`, `reset` and `if` can stand here"
        )]
        #visibility trait #bound {}

        #(#shared)*
        #[doc(hidden)]
        impl #bound for ::ketline::quantum::Builder {}
    };
    Some((bound, items))
}

/// The return type of the method.
pub(crate) fn output(circuit: &Circuit) -> TokenStream {
    match &circuit.output {
        Output::Bit(ty) => {
            let span = first_span(ty);
            quote_spanned!(span=> -> ::ketline::quantum::Bit)
        }
        Output::Bits(ty, size) => {
            let (span, size) = (first_span(ty), generic_argument(size));
            quote_spanned!(span=> -> ::ketline::quantum::Bits<#size>)
        }
        Output::None => TokenStream::new(),
    }
}

/// Is there a step that no inverse can undo?
pub(crate) fn measures(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Let { value: Value::Plain(_), .. } | Step::Tail(Value::Plain(_)) => false,
        Step::Let { value: Value::Action(action), .. }
        | Step::Tail(Value::Action(action))
        | Step::Run(action) => match action {
            Action::Call(call) => call.is("measure") || call.is("reset"),
            Action::Modified(modified) => measures(&modified.body),
        },
        Step::For(for_loop) => measures(&for_loop.body),
        // What no inverse can undo, whether it measures or not.
        Step::If(_) | Step::Pulse(_) => true,
    })
}
