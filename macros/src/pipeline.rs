//! `pipeline!`: models whose shapes are checked as they are compiled.

pub(crate) mod check;
mod expand;
pub(crate) mod layer;
pub(crate) mod model;
mod parse;
pub(crate) mod size;

use proc_macro2::TokenStream;

use self::check::{Library, fits};
use crate::diag::Diagnostics;

/// The whole way: tokens, model, checks, tokens. After an error the items stand there without a body, so that what uses them
/// raises no further errors.
pub(crate) fn pipeline(input: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let pipelines = parse::parse(input, &mut diagnostics);
    let library = Library::new(&pipelines);
    let mut items = TokenStream::new();
    let checked: Vec<_> = (0..pipelines.len()).map(|position| library.check(position)).collect();
    for ((position, pipeline), mut checked) in pipelines.iter().enumerate().zip(checked) {
        let mut own = std::mem::take(&mut checked.diagnostics);
        if pipeline.broken {
            // what could not be read would be missed everywhere
            own = Diagnostics::default();
        }
        let twice = pipelines[..position].iter().any(|before| before.name == pipeline.name);
        if twice {
            own.error(&pipeline.name, format!("`{}` is declared twice", pipeline.name));
        }
        let promise = match &pipeline.fits {
            Some(fits) if !own.has_errors() => fits::promise(pipeline, fits, &checked, &mut own),
            _ => None,
        };
        let stub = pipeline.broken || own.has_errors() || diagnostics.has_errors();
        if !twice {
            items.extend(expand::expand(pipeline, &library, &checked, promise.as_ref(), stub));
        }
        if !stub {
            items.extend(own.lints(&pipeline.shared_attributes()));
        }
        items.extend(own.errors(&pipeline.cfg()));
    }
    items.extend(diagnostics.errors(&[]));
    items
}
