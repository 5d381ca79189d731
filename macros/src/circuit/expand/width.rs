//! Registers that go to another circuit: the compiler compares their width with the one that the circuit declares.

use proc_macro2::TokenStream;
use quote::quote_spanned;

use crate::circuit::model::{Call, Place};
use crate::diag::{first_span, source};

/// Row 34: `tokens`, the register at an argument of `call`, as a type that only a circuit of its width takes. The
/// message names the circuit and the register of this very call, so the trait that holds it is the call's own.
pub(super) fn checked(call: &Call, at: usize, tokens: &TokenStream) -> TokenStream {
    let argument = &call.arguments[at];
    let span = first_span(&argument.expr);
    let (circuit, register) = (escaped(&call.path), escaped(&argument.expr));
    let mut message = format!("`{circuit}` acts on {{W}} qubits, and `{register}` has {{H}}");
    if argument.operand.as_ref().is_some_and(|operand| matches!(operand.place, Place::Whole)) {
        let arguments: Vec<_> = call
            .arguments
            .iter()
            .enumerate()
            .map(|(k, other)| if k == at { format!("{register}[..{{W}}]") } else { escaped(&other.expr) })
            .collect();
        let arguments = arguments.join(", ");
        let help = format!("\nhelp: pass a part of a wider register: `{circuit}({arguments})`");
        message.push_str(&help);
    }
    quote_spanned! {span=> {
        struct Register<const H: ::core::primitive::usize>(::ketline::quantum::Qubits<H>);

        #[diagnostic::on_unimplemented(message = #message, label = "has {H} qubits, not {W}")]
        trait Fits<const W: ::core::primitive::usize, const H: ::core::primitive::usize> {
            fn fitting(self) -> ::ketline::quantum::Qubits<W>;
        }

        impl<const N: ::core::primitive::usize> Fits<N, N> for ::ketline::quantum::Qubits<N> {
            fn fitting(self) -> ::ketline::quantum::Qubits<N> {
                self
            }
        }

        impl<const W: ::core::primitive::usize, const H: ::core::primitive::usize>
            ::ketline::quantum::circuit::IntoQubits<W> for Register<H>
        where
            ::ketline::quantum::Qubits<H>: Fits<W, H>,
        {
            fn into_qubits(self) -> ::ketline::quantum::Qubits<W> {
                Fits::<W, H>::fitting(self.0)
            }
        }

        Register(#tokens)
    }}
}

/// The user's tokens as a part of a format string.
fn escaped(tokens: &impl quote::ToTokens) -> String {
    source(tokens).replace('{', "{{").replace('}', "}}")
}
