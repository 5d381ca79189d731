//! `circuit!`: functions whose body is a quantum circuit.

pub(crate) mod check;
pub(crate) mod expand;
mod lint;
pub(crate) mod model;
pub(crate) mod parse;

use proc_macro2::TokenStream;

use self::model::Dialect;
use crate::diag::Diagnostics;
use crate::pulse;

/// The whole way: tokens, model, checks, tokens. After an error the items stand there without a body, so that what
/// uses them raises no further errors.
pub(crate) fn circuit(input: TokenStream) -> TokenStream {
    functions(input, Dialect::Circuit)
}

/// [`circuit`], and `pulse!` likewise.
pub(crate) fn functions(input: TokenStream, dialect: Dialect) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let circuits = parse::parse(input, dialect, &mut diagnostics);
    let mut items = TokenStream::new();
    for circuit in &circuits {
        let mut own = Diagnostics::default();
        let checks = check::check(circuit, &mut own);
        let stub = own.has_errors() || diagnostics.has_errors();
        if !stub {
            lint::lint(circuit, &mut own);
        }
        items.extend(match dialect {
            Dialect::Circuit => expand::expand(circuit, &checks, stub),
            Dialect::Pulse => pulse::expand::expand(circuit, &checks, stub),
        });
        items.extend(own.lints(&circuit.shared_attributes()));
        items.extend(own.errors(&circuit.cfg()));
    }
    items.extend(diagnostics.errors(&[]));
    items
}
