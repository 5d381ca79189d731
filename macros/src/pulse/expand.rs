//! Model to Rust: a constructor of a pulse program, and a method on the builders of schedules and of circuits, so that other
//! programs and circuits can call it.

mod body;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::circuit::expand::body::Body;
use crate::circuit::expand::{
    angle_type, argument, assertions, builder, companion, const_generics, generic_argument, output,
    parameters, turbofish,
};
use crate::circuit::model::{Circuit, Kind, Output, Step};
use crate::replay::Check;

/// The items that a pulse program becomes; with `stub`, the same items without a body.
pub(crate) fn expand(program: &Circuit, checks: &[Check], stub: bool) -> TokenStream {
    let parameters = parameters(program);
    let methods = methods(program);
    if stub {
        let constructor = constructor(program, &TokenStream::new(), None);
        return quote!(#parameters #constructor #methods);
    }
    let (items, inline) = assertions(program, checks);
    let body = match program.body.as_deref() {
        Some([Step::Pulse(pulses)]) => Body::new(program).program(pulses),
        _ => TokenStream::new(),
    };
    let constructor = constructor(program, &inline, Some(&body));
    quote!(#items #parameters #constructor #methods)
}

fn constructor(program: &Circuit, checks: &TokenStream, body: Option<&TokenStream>) -> TokenStream {
    let Circuit { attributes, visibility, name, generics, .. } = program;
    let where_clause = &generics.where_clause;
    let (_, used) = const_generics(program);
    let params = companion(&program.name, "Params");
    let values = || program.inputs.iter().filter(|input| matches!(input.kind, Kind::Value));
    let arguments = values().map(|input| {
        let (name, ty) = (&input.name, &input.ty);
        quote!(#name: #ty)
    });
    let here = Span::mixed_site();
    let body = match body {
        None => {
            let names = values().map(|input| &input.name);
            quote!(let _ = (#(&#names,)*); ::core::unimplemented!())
        }
        Some(body) => {
            let declared = program.inputs.iter().filter_map(|input| {
                let (name, label) = (&input.name, input.name.to_string());
                match &input.kind {
                    Kind::Qubit => Some(quote_spanned!(here=> let #name = pulses.qubit();)),
                    Kind::Register(size) => {
                        let size = generic_argument(size);
                        Some(quote_spanned!(here=> let #name = pulses.register::<#size>();))
                    }
                    Kind::Angles(_) => {
                        let ty = angle_type(input, &quote!(::ketline::quantum::Angle));
                        Some(quote_spanned!(here=> let #name = pulses.parameter::<#ty>(#label);))
                    }
                    Kind::Value => None,
                }
            });
            let names = program.inputs.iter().map(|input| &input.name);
            let (label, me) = (name.to_string(), builder(program, name.span()));
            let count = match &program.output {
                Output::None => quote!(0),
                Output::Bit(_) => quote!(1),
                Output::Bits(_, size) => generic_argument(size),
            };
            let (wrap, end) = if matches!(program.output, Output::None) {
                (quote_spanned!(here=> #body), quote_spanned!(here=> let outputs = ();))
            } else {
                (quote_spanned!(here=> let outputs = { #body };), TokenStream::new())
            };
            quote_spanned! {here=>
                #checks
                let mut pulses = ::ketline::quantum::pulse::ScheduleBuilder::new(#label);
                #(#declared)*
                let #me = &mut pulses;
                let _ = (&#me, #(&#names),*);
                #wrap
                #end
                ::ketline::__private0_1::pulse_program::<_, _, #count>(pulses, outputs)
            }
        }
    };
    let span = name.span();
    let quiet = quote_spanned! {span=>
        #[allow(unused_variables, long_running_const_eval, clippy::all, clippy::pedantic)]
    };
    let result = quote!(::ketline::Result<::ketline::quantum::pulse::PulseProgram<#params #used>>);
    quote! {
        #(#attributes)*
        #quiet
        #visibility fn #name #generics(#(#arguments),*) -> #result #where_clause { #body }
    }
}

/// `#name(q, amp)` inside another pulse program or a circuit calls it there.
fn methods(program: &Circuit) -> TokenStream {
    let Circuit { visibility, name, generics, .. } = program;
    let where_clause = &generics.where_clause;
    let shared = program.shared_attributes();
    let arguments: Vec<_> = program.inputs.iter().map(argument).collect();
    let output = output(program);
    let at = name.span();
    let (played, played_items) = marker(
        program,
        "Pulses",
        &format!("pulse program `{name}` has no inverse"),
        &format!("`{name}` has no inverse, power or controlled form"),
        "what pulses do is the device's: only gates and circuits of gates can stand here",
        &["Builder", "pulse::ScheduleBuilder"],
    );
    let captured = (!matches!(program.output, Output::None)).then(|| {
        marker(
            program,
            "Captures",
            &format!("pulse program `{name}` captures bits, so it is no step of a circuit"),
            &format!("`{name}` can be called in another pulse program only"),
            "a circuit measures with `measure`",
            &["pulse::ScheduleBuilder"],
        )
    });
    let (captured, captured_items) = captured.unzip();
    let bounds: Vec<Ident> = std::iter::once(played).chain(captured).collect();
    let wheres = where_clause.as_ref().map(|clause| clause.predicates.iter().collect::<Vec<_>>());
    let wheres = wheres.into_iter().flatten();
    let body = call(program);
    let quiet =
        quote! { #[allow(non_camel_case_types, dead_code, unused_mut, clippy::all, clippy::pedantic)] };
    let players = [
        (quote!(::ketline::quantum::pulse::ScheduleBuilder), quote!(&mut *self)),
        (quote!(::ketline::quantum::Builder), quote!(&mut *self)),
        // without the marker: what stands here is refused with its message
        (quote!(::ketline::quantum::circuit::UnitaryBlock<'_>), quote!(&mut **self)),
    ];
    let impls = players.iter().map(|(player, me)| {
        quote_spanned! {at=>
            #(#shared)*
            #quiet
            #[doc(hidden)]
            impl #name for #player {
                fn #name #generics(&mut self, #(#arguments),*) #output #where_clause {
                    let __player = #me;
                    #body
                }
            }
        }
    });
    quote_spanned! {at=>
        #(#shared)*
        #quiet
        #[doc(hidden)]
        #visibility trait #name {
            fn #name #generics(&mut self, #(#arguments),*) #output where #(#wheres,)* #(Self: #bounds),*;
        }

        #played_items
        #captured_items
        #(#impls)*
    }
}

/// Builds the program and calls it with the qubits and angles that the method was given.
fn call(program: &Circuit) -> TokenStream {
    let (name, at) = (&program.name, program.name.span());
    let (label, generic) = (name.to_string(), turbofish(program));
    let values =
        program.inputs.iter().filter(|input| matches!(input.kind, Kind::Value)).map(|input| &input.name);
    let gathered = program.inputs.iter().filter_map(|input| {
        let name = &input.name;
        match &input.kind {
            Kind::Qubit => Some(quote_spanned! {at=>
                ::ketline::__private0_1::Player::gather(__player, #label, #name, &mut __qubits);
            }),
            Kind::Register(size) => {
                let size = generic_argument(size);
                Some(quote_spanned! {at=>
                    let __register: ::ketline::quantum::Qubits<#size> =
                        ::ketline::quantum::circuit::IntoQubits::into_qubits(#name);
                    ::ketline::__private0_1::Player::gather(__player, #label, __register, &mut __qubits);
                })
            }
            Kind::Angles(sizes) if sizes.is_empty() => Some(quote_spanned! {at=>
                __angles.push(::ketline::quantum::circuit::IntoAngle::into_angle(#name));
            }),
            Kind::Angles(_) => Some(quote_spanned! {at=>
                ::ketline::__private0_1::Angles::collect(&#name, &mut __angles);
            }),
            Kind::Value => None,
        }
    });
    quote_spanned! {at=>
        let mut __qubits = ::ketline::__private0_1::Vec::new();
        let mut __angles: ::ketline::__private0_1::Vec<::ketline::quantum::Angle> =
            ::ketline::__private0_1::Vec::new();
        #(#gathered)*
        ::ketline::__private0_1::Player::play_program(__player, #name #generic(#(#values),*), __qubits, __angles)
    }
}

/// A trait that holds a message, and that these builders of `ketline::quantum` have.
fn marker(
    program: &Circuit,
    what: &str,
    message: &str,
    label: &str,
    note: &str,
    builders: &[&str],
) -> (Ident, TokenStream) {
    let Circuit { visibility, name, .. } = program;
    let shared = program.shared_attributes();
    let (at, bound) = (name.span(), companion(&program.name, what));
    let impls = builders.iter().filter_map(|builder| builder.parse::<TokenStream>().ok()).map(|builder| {
        quote_spanned! {at=>
            #(#shared)*
            #[doc(hidden)]
            impl #bound for ::ketline::quantum::#builder {}
        }
    });
    let items = quote_spanned! {at=>
        #(#shared)*
        #[doc(hidden)]
        #[allow(dead_code)]
        #[diagnostic::on_unimplemented(message = #message, label = #label, note = #note)]
        #visibility trait #bound {}

        #(#impls)*
    };
    (bound, items)
}
