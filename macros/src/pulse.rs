//! `pulse!`: functions whose body is a pulse program, and pulses that stand inside a circuit.

pub(crate) mod check;
mod clock;
pub(crate) mod expand;
pub(crate) mod lint;
pub(crate) mod model;
pub(crate) mod parse;
pub(crate) mod word;

use proc_macro2::TokenStream;

use crate::circuit::functions;
use crate::circuit::model::Dialect;

/// The whole way: tokens, model, checks, tokens. It is that of `circuit!`; a pulse program is a function with one step, a
/// block of pulses.
pub(crate) fn pulse(input: TokenStream) -> TokenStream {
    functions(input, Dialect::Pulse)
}
