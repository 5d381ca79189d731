//! `circuit!`: functions whose body is a quantum circuit.

mod check;
mod expand;
mod lint;
mod model;
mod parse;

use proc_macro2::TokenStream;

use crate::diag::Diagnostics;

/// The whole way: tokens, model, checks, tokens. After an error the items stand there without a body, so that what
/// uses them raises no further errors.
pub(crate) fn circuit(input: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let circuits = parse::parse(input, &mut diagnostics);
    let mut items = TokenStream::new();
    for circuit in &circuits {
        let mut own = Diagnostics::default();
        let checks = check::check(circuit, &mut own);
        let stub = own.has_errors() || diagnostics.has_errors();
        if !stub {
            lint::lint(circuit, &mut own);
        }
        items.extend(expand::expand(circuit, &checks, stub));
        items.extend(own.lints(&circuit.shared_attributes()));
        items.extend(own.errors(&circuit.cfg()));
    }
    items.extend(diagnostics.errors(&[]));
    items
}
