//! `dataset!`: samples that are stored in chunks.

mod check;
mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;

use crate::diag::Diagnostics;

/// The whole way: tokens, model, checks, tokens. After an error the items stand there without a body, so that what uses
/// them raises no further errors.
pub(crate) fn dataset(input: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let datasets = parse::parse(input, &mut diagnostics);
    let mut items = TokenStream::new();
    for dataset in &datasets {
        let mut own = Diagnostics::default();
        let checks = check::check(dataset, &mut own);
        let stub = dataset.broken || own.has_errors();
        items.extend(expand::expand(dataset, &checks, stub));
        items.extend(own.errors(&dataset.cfg()));
    }
    items.extend(diagnostics.errors(&[]));
    items
}
