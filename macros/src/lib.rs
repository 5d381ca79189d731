//! The procedural macros of Ketline: use them through the crate `ketline`, which their expansions name.
//!
//! | module | holds |
//! |---|---|
//! | `circuit` | `circuit!`: parse, model, check, expand |
//! | `dataset` | `dataset!`: parse, model, check, expand |
//! | `diag` | messages: errors gathered, lints |
//! | `gates` | names of the standard gates, for messages |
//! | `index` | index arithmetic |
//! | `observable` | `observable!`: parse, model, check, expand |
//! | `pipeline` | `pipeline!`: parse, model, check, expand; sizes, and the table of layers |
//! | `pulse` | `pulse!`, and the pulses inside `circuit!`: parse, model, check, expand |
//! | `replay` | index arithmetic replayed in a `const` |
//! | `unit` | literal suffixes |

mod circuit;
mod dataset;
mod diag;
#[cfg(test)]
mod fuzz;
mod gates;
mod index;
mod observable;
mod pipeline;
mod pulse;
mod replay;
mod unit;

use proc_macro::TokenStream;

/// Declares quantum circuits as ordinary functions.
#[proc_macro]
pub fn circuit(input: TokenStream) -> TokenStream {
    circuit::circuit(input.into()).into()
}

/// Declares samples that are stored in chunks.
#[proc_macro]
pub fn dataset(input: TokenStream) -> TokenStream {
    dataset::dataset(input.into()).into()
}

/// Declares models as ordinary functions.
#[proc_macro]
pub fn pipeline(input: TokenStream) -> TokenStream {
    pipeline::pipeline(input.into()).into()
}

/// Declares pulse programs as ordinary functions.
#[proc_macro]
pub fn pulse(input: TokenStream) -> TokenStream {
    pulse::pulse(input.into()).into()
}

/// Declares an observable as a sum of Pauli products.
#[proc_macro]
pub fn observable(input: TokenStream) -> TokenStream {
    observable::observable(&input.into()).into()
}
