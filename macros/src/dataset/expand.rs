//! Model to Rust: the sample, how it is stored, its batch, and what the attributes say.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, RangeLimits, Visibility};

use super::check::{bytes, element};
use super::model::{Dataset, Field, Kind};
use crate::diag::first_span;

/// The items that a data set becomes; with `stub`, the same items without a body.
pub(crate) fn expand(dataset: &Dataset, checks: &[TokenStream], stub: bool) -> TokenStream {
    let (structure, batch) = (structure(dataset), batch(dataset));
    let implementation = implementation(dataset, checks, stub);
    let shared = dataset.shared_attributes();
    let mut items = TokenStream::new();
    // Sizes of generics are known when the set is used.
    if dataset.sizes().is_empty() && !stub {
        for check in checks {
            let span = first_span(check);
            items.extend(quote_spanned! {span=>
                #(#shared)*
                #[allow(clippy::all, clippy::pedantic, unused_parens, unused_braces)]
                const _: () = #check;
            });
        }
    }
    quote!(#items #structure #batch #implementation)
}

/// A size as a generic argument: braces only where Rust wants them.
fn size(expr: &Expr) -> TokenStream {
    match expr {
        Expr::Lit(_) | Expr::Block(_) => quote!(#expr),
        Expr::Path(path) if path.path.get_ident().is_some() => quote!(#expr),
        expr => quote!({ #expr }),
    }
}

/// The type of a field in the struct, at the user's tokens.
pub(super) fn stored_type(field: &Field, dataset: &Dataset) -> TokenStream {
    let span = first_span(&field.ty);
    match &field.kind {
        Kind::Broken => quote_spanned!(span=> ()),
        Kind::Other => {
            let ty = &field.ty;
            quote!(#ty)
        }
        Kind::Array { sizes, .. } if field.jpeg.is_some() && sizes.len() == 3 => {
            let sizes = sizes.iter().map(size);
            quote_spanned!(span=> ::ketline::data::Jpeg<#(#sizes),*>)
        }
        Kind::Array { element, sizes } => {
            let element = Ident::new(element, dataset.name.span().resolved_at(Span::mixed_site()));
            if sizes.is_empty() {
                return quote_spanned!(span=> ::core::primitive::#element);
            }
            let axes = format_ident!("Axes{}", sizes.len(), span = span);
            let sizes = sizes.iter().map(size);
            quote_spanned!(span=> ::ketline::data::Tensor<::core::primitive::#element, ::ketline::data::#axes<#(#sizes),*>>)
        }
    }
}

fn visibility<'a>(field: &'a Field, dataset: &'a Dataset) -> &'a Visibility {
    match &field.visibility {
        Visibility::Inherited => &dataset.visibility,
        own => own,
    }
}

fn structure(dataset: &Dataset) -> TokenStream {
    let Dataset { attributes, visibility: own, name, generics, .. } = dataset;
    let fields = dataset.fields.iter().map(|field| {
        let (attributes, visibility, name, ty) =
            (&field.attributes, visibility(field, dataset), &field.name, stored_type(field, dataset));
        let doc = undocumented(&field.attributes, || format!("The field `{name}` of a sample."));
        quote!(#(#attributes)* #doc #visibility #name: #ty)
    });
    let doc = undocumented(attributes, || format!("A sample of `{name}`."));
    quote! {
        #(#attributes)*
        #doc
        #[allow(missing_debug_implementations)]
        #own struct #name #generics { #(#fields,)* }
    }
}

/// A description where the user gave none.
fn undocumented(attributes: &[syn::Attribute], text: impl Fn() -> String) -> TokenStream {
    if attributes.iter().any(|attribute| attribute.path().is_ident("doc")) {
        return TokenStream::new();
    }
    let text = text();
    quote!(#[doc = #text])
}

fn batch_name(dataset: &Dataset) -> Ident {
    format_ident!("{}Batch", dataset.name, span = dataset.name.span())
}

/// What a batch shows of a field; of one that cannot be stored, nothing.
fn column(field: &Field, dataset: &Dataset, lifetime: &TokenStream) -> TokenStream {
    if matches!(field.kind, Kind::Broken) {
        return quote!(::core::marker::PhantomData<&#lifetime ()>);
    }
    let (ty, span) = (stored_type(field, dataset), first_span(&field.ty));
    quote_spanned!(span=> <#ty as ::ketline::data::Field>::Column<#lifetime>)
}

fn batch(dataset: &Dataset) -> TokenStream {
    let (own, name, batch) = (&dataset.visibility, &dataset.name, batch_name(dataset));
    let shared = dataset.shared_attributes();
    let params = dataset.generics.params.iter();
    let lifetime = quote!('batch);
    let fields = dataset.fields.iter().map(|field| {
        let (visibility, name) = (visibility(field, dataset), &field.name);
        let column = column(field, dataset, &lifetime);
        let doc = format!("`{name}` of all samples.");
        quote!(#[doc = #doc] #visibility #name: #column)
    });
    let doc = format!("A batch of [`{name}`]: each field in one piece, samples along its first axis.");
    let empty =
        dataset.fields.is_empty().then(|| quote!(#own empty: ::core::marker::PhantomData<&'batch ()>));
    quote! {
        #(#shared)*
        #[doc = #doc]
        #[allow(dead_code, missing_debug_implementations, single_use_lifetimes)]
        #own struct #batch<'batch, #(#params),*> { #(#fields,)* #empty }
    }
}

fn implementation(dataset: &Dataset, checks: &[TokenStream], stub: bool) -> TokenStream {
    let (own, name, batch) = (&dataset.visibility, &dataset.name, batch_name(dataset));
    let shared = dataset.shared_attributes();
    let generics = &dataset.generics;
    let (params, used, _) = generics.split_for_impl();
    let names = generics.const_params().map(|param| &param.ident);
    let batch_type = quote!(#batch<'batch, #(#names),*>);
    let bodies = if stub { Bodies::stub() } else { Bodies::new(dataset, &batch) };
    let Bodies { schema, write, read, view, defaults } = bodies;
    // Checked when a set is opened or made, where the compiler knows the sizes.
    let inline = if dataset.sizes().is_empty() || stub {
        TokenStream::new()
    } else {
        checks.iter().map(|check| quote_spanned!(first_span(check)=> let () = const { #check };)).collect()
    };
    let allow = quote! {
        #[allow(clippy::all, clippy::pedantic, unused_imports, unused_parens, unused_braces, unused_variables, unused_mut, unreachable_code)]
    };
    quote! {
        #(#shared)*
        #allow
        impl #params ::ketline::data::Sample for #name #used {
            type Batch<'batch> = #batch_type;
            fn schema() -> ::core::option::Option<::ketline::data::Schema> { #inline #schema }
            fn write(&self, record: &mut ::ketline::data::RecordWriter<'_>) { #write }
            fn read(record: &mut ::ketline::data::RecordReader<'_>) -> ::ketline::data::Result<Self> { #read }
            fn batch(columns: &::ketline::data::Columns) -> ::ketline::data::Result<Self::Batch<'_>> { #view }
            fn defaults() -> ::ketline::data::Defaults { #defaults }
        }

        #(#shared)*
        #[allow(dead_code)]
        impl #params #name #used {
            /// Opens a set of such samples.
            #own fn open(
                folder: impl ::core::convert::AsRef<::std::path::Path>,
            ) -> ::ketline::data::Result<::ketline::data::Dataset<Self>> {
                ::ketline::data::Dataset::open_as(folder)
            }

            /// Begins to write a set of such samples; one that is there is replaced when the writer finishes.
            #own fn create(
                folder: impl ::core::convert::AsRef<::std::path::Path>,
            ) -> ::ketline::data::Result<::ketline::data::Writer<Self>> {
                ::ketline::data::Settings::new().create(folder)
            }
        }
    }
}

struct Bodies {
    schema: TokenStream,
    write: TokenStream,
    read: TokenStream,
    view: TokenStream,
    defaults: TokenStream,
}

impl Bodies {
    fn stub() -> Self {
        let body = quote!(::core::unimplemented!());
        let [schema, write, read, view, defaults] = std::array::from_fn(|_| body.clone());
        Self { schema, write, read, view, defaults }
    }

    fn new(dataset: &Dataset, batch: &Ident) -> Self {
        let each = |tokens: &dyn Fn(&Field, TokenStream) -> TokenStream| -> TokenStream {
            dataset.fields.iter().map(|field| tokens(field, slot(field, dataset))).collect()
        };
        let names = dataset.fields.iter().map(|field| field.name.to_string());
        let texts = names.map(|name| name.trim_start_matches("r#").to_owned());
        let ranges = dataset.fields.iter().map(range);
        let kinds = dataset.fields.iter().map(|field| {
            let slot = slot(field, dataset);
            quote!(#slot.kind())
        });
        // The method that is meant depends on whether the type can be stored.
        let traits = quote!(
            use ::ketline::data::expansion::{Stored as _, Unstored as _};
        );
        let (write, read, view) = (
            each(&|field, slot| {
                let name = &field.name;
                quote!(#slot.write(&self.#name, record);)
            }),
            each(&|field, slot| {
                let name = &field.name;
                quote!(#name: #slot.read(record)?,)
            }),
            each(&|field, slot| {
                let (name, text) = (&field.name, field.name.to_string());
                let text = text.trim_start_matches("r#");
                quote!(#name: #slot.column(columns, #text)?,)
            }),
        );
        Self {
            schema: quote! {
                #traits
                ::core::option::Option::Some(::ketline::data::Schema::new() #(.field(#texts, #kinds) #ranges)*)
            },
            write: quote!(#traits #write),
            read: quote!(#traits ::core::result::Result::Ok(Self { #read })),
            view: quote!(#traits ::core::result::Result::Ok(#batch { #view })),
            defaults: defaults(dataset),
        }
    }
}

/// What can be done with a field; the compiler chooses by its type.
fn slot(field: &Field, dataset: &Dataset) -> TokenStream {
    let ty = stored_type(field, dataset);
    quote!(::ketline::data::expansion::Slot::<#ty>::new())
}

/// The range as a call on the schema; whole numbers up to and with an end are those below the next.
fn range(field: &Field) -> TokenStream {
    let Some(range) = &field.range else { return TokenStream::new() };
    let (Some(start), Some(end)) = (&range.start, &range.end) else { return TokenStream::new() };
    let closed = matches!(range.limits, RangeLimits::Closed(_));
    let end = match (closed, element(field).starts_with('f')) {
        (true, false) => quote!(((#end) as f64 + 1.0)),
        (true, true) => quote!(((#end) as f64).next_up()),
        (false, _) => quote!(((#end) as f64)),
    };
    quote!(.range((#start) as f64, #end))
}

fn defaults(dataset: &Dataset) -> TokenStream {
    let options = &dataset.options;
    let some = |field: &str, value: &Option<Expr>| {
        let field = format_ident!("{field}");
        value.as_ref().map(|value| quote!(defaults.#field = ::core::option::Option::Some((#value) as _);))
    };
    let settings = [
        some("chunk_samples", &options.chunk_samples),
        some("open_chunks", &options.open),
        some("window", &options.window),
        some("seed", &options.seed),
        some("ahead", &options.ahead),
        some("threads", &options.threads),
        some("batch", &options.batch),
    ];
    let amount = |field: &str, value: &Option<Expr>| {
        let (field, value) = (format_ident!("{field}"), bytes(value.as_ref()?)?);
        Some(quote!(defaults.#field = ::core::option::Option::Some(::ketline::data::Bytes(#value));))
    };
    let amounts = [amount("budget", &options.memory), amount("chunk_bytes", &options.chunk_bytes)];
    let codec = options.codec.as_ref().map(|codec| {
        let variant = if codec == "zstd" { quote!(Zstd) } else { quote!(Lz4) };
        quote!(defaults.codec = ::ketline::data::Codec::#variant;)
    });
    let (names, shares): (Vec<_>, Vec<_>) =
        options.splits.iter().map(|(name, share)| (name.to_string(), share)).unzip();
    let splits = (!names.is_empty()).then(|| quote!(#(defaults.splits.push((#names, (#shares) as f64));)*));
    let (settings, amounts) = (settings.into_iter().flatten(), amounts.into_iter().flatten());
    quote! {
        let mut defaults = ::ketline::data::Defaults::default();
        #(#settings)* #(#amounts)* #codec #splits
        defaults
    }
}
