//! Tokens to model. Knows what a data set may be written with, and nothing of what it means.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, ExprAssign, Fields, GenericArgument, GenericParam, Item, ItemStruct, PathArguments,
    Token, Type,
};

use super::model::{Dataset, ELEMENTS, Field, Kind, MOST_AXES, Options};
use crate::diag::{Diagnostics, source};

const USAGE: &str =
    "`dataset!` takes a struct\nhelp: `dataset!( pub struct Digits { image: U8<28, 28>, label: u8 } )`";
const NAMED: &str = "a dataset needs at least one named field";

/// The data sets of one macro call; what cannot be read is reported and left out.
pub(crate) fn parse(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Vec<Dataset> {
    let mut datasets = Vec::new();
    let parser = |input: ParseStream<'_>| {
        if input.is_empty() {
            return Err(syn::Error::new(Span::call_site(), USAGE));
        }
        while !input.is_empty() {
            match input.parse::<Item>()? {
                Item::Struct(item) => datasets.push(structure(item, diagnostics)),
                Item::Enum(item) => diagnostics.error(&item.ident, NAMED),
                Item::Union(item) => diagnostics.error(&item.ident, NAMED),
                other => diagnostics.error(other, USAGE),
            }
        }
        Ok(())
    };
    let result = parser.parse2(tokens);
    if let Err(error) = result {
        diagnostics.push(error);
    }
    datasets
}

fn structure(item: ItemStruct, diagnostics: &mut Diagnostics) -> Dataset {
    let mut broken = false;
    let mut refuse = |token: &dyn ToTokens, message: &str| {
        diagnostics.error(token.to_token_stream(), message);
        broken = true;
    };
    for param in &item.generics.params {
        match param {
            GenericParam::Lifetime(lifetime) => {
                refuse(lifetime, "a dataset owns its data, so it has no lifetime");
            }
            GenericParam::Type(ty) => refuse(ty, "a dataset is generic over sizes only: `const N: usize`"),
            GenericParam::Const(_) => {}
        }
    }
    if let Some(clause) = &item.generics.where_clause {
        refuse(clause, "a dataset has no `where`");
    }
    let fields = match item.fields {
        Fields::Named(fields) if !fields.named.is_empty() => fields.named,
        _ => {
            refuse(&item.ident, NAMED);
            Punctuated::new()
        }
    };
    let mut generics = item.generics;
    if broken {
        // What was refused would raise errors of its own.
        generics.params =
            generics.params.into_iter().filter(|param| matches!(param, GenericParam::Const(_))).collect();
        generics.where_clause = None;
    }
    let mut attributes = item.attrs;
    let (options, wrong) = options(&mut attributes, diagnostics);
    let mut own = Vec::new();
    for mut field in fields {
        let Some(name) = field.ident.take() else { continue };
        let (mut range, mut jpeg) = (None, None);
        field.attrs.retain(|attribute| {
            let path = attribute.path();
            if path.is_ident("range") {
                match attribute.parse_args::<syn::ExprRange>() {
                    Ok(_) if range.is_some() => diagnostics.error(attribute, "`range` is given twice"),
                    Ok(found) => range = Some(found),
                    Err(_) => {
                        diagnostics.error_help(
                            attribute,
                            "`range` takes a range of numbers",
                            "`#[range(0..1000)]`",
                        );
                    }
                }
            } else if path.is_ident("jpeg") {
                if jpeg.is_some() {
                    diagnostics.error(attribute, "`jpeg` is given twice");
                }
                jpeg = Some(attribute.clone());
            } else if ["doc", "cfg", "allow", "expect", "deprecated"].iter().any(|name| path.is_ident(name)) {
                return true;
            } else {
                let message = format!("`{}` has no meaning for a stored field", source(path));
                diagnostics.error_help(attribute, message, "`range` or `jpeg`");
            }
            false
        });
        let kind = kind(&name, &field.ty, diagnostics);
        own.push(Field {
            attributes: field.attrs,
            visibility: field.vis,
            name,
            ty: field.ty,
            kind,
            range,
            jpeg,
        });
    }
    Dataset {
        attributes,
        visibility: item.vis,
        name: item.ident,
        generics,
        broken: broken || wrong || own.iter().any(|field| matches!(field.kind, Kind::Broken)),
        fields: own,
        options,
    }
}

fn kind(name: &syn::Ident, ty: &Type, diagnostics: &mut Diagnostics) -> Kind {
    let owned = match ty {
        Type::Reference(reference) => Some(match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => "`String`".to_owned(),
            Type::Slice(slice) => format!("`Vec<{}>`", source(&slice.elem)),
            other => format!("`{}`", source(other)),
        }),
        Type::Ptr(pointer) => Some(format!("`{}`", source(&pointer.elem))),
        _ => None,
    };
    if let Some(owned) = owned {
        diagnostics.error(ty, format!("field `{name}` borrows; a stored field owns its data: {owned}"));
        return Kind::Broken;
    }
    let Type::Path(path) = ty else { return Kind::Other };
    let Some(last) = path.path.segments.first().filter(|_| path.path.segments.len() == 1) else {
        return Kind::Other;
    };
    let Some((_, element)) = ELEMENTS.iter().find(|(name, _)| last.ident == name) else { return Kind::Other };
    let mut sizes = Vec::new();
    match &last.arguments {
        PathArguments::None => {}
        PathArguments::AngleBracketed(arguments) => {
            for argument in &arguments.args {
                match argument {
                    GenericArgument::Const(expr) => sizes.push(expr.clone()),
                    // A name is a type to the parser.
                    GenericArgument::Type(Type::Path(path)) => {
                        sizes.push(Expr::Path(syn::ExprPath {
                            attrs: Vec::new(),
                            qself: None,
                            path: path.path.clone(),
                        }));
                    }
                    other => {
                        diagnostics.error(other, format!("a size of `{}` is a whole number", last.ident));
                        return Kind::Broken;
                    }
                }
            }
        }
        PathArguments::Parenthesized(arguments) => {
            diagnostics.error(
                arguments,
                format!("sizes of `{0}` stand in angle brackets: `{0}<28, 28>`", last.ident),
            );
            return Kind::Broken;
        }
    }
    if sizes.len() > MOST_AXES {
        diagnostics.error(ty, format!("found {} axes, expected at most {MOST_AXES}", sizes.len()));
        return Kind::Broken;
    }
    Kind::Array { element, sizes }
}

/// Takes our attributes out of those of the item.
fn options(attributes: &mut Vec<Attribute>, diagnostics: &mut Diagnostics) -> (Options, bool) {
    let (mut options, mut seen, mut wrong) = (Options::default(), Vec::new(), false);
    attributes.retain(|attribute| {
        const OURS: [(&str, &[&str]); 5] = [
            ("chunk", &["samples", "bytes", "zstd", "lz4"]),
            ("shuffle", &["chunks", "samples", "seed"]),
            ("prefetch", &["chunks", "threads", "memory"]),
            ("batch", &["samples"]),
            ("split", &[]),
        ];
        let Some((name, known)) = OURS.iter().find(|(name, _)| attribute.path().is_ident(name)) else {
            return true;
        };
        let mut refuse = |token: &dyn ToTokens, message: String| {
            diagnostics.error(token.to_token_stream(), message);
            wrong = true;
        };
        if seen.contains(name) {
            refuse(attribute, format!("`{name}` is given twice"));
            return false;
        }
        seen.push(name);
        let arguments = match attribute.parse_args_with(Punctuated::<Expr, Token![,]>::parse_terminated) {
            Ok(arguments) => arguments,
            Err(error) => {
                diagnostics.push(error);
                wrong = true;
                return false;
            }
        };
        let mut given: Vec<String> = Vec::new();
        for argument in arguments {
            let (key, value) = match argument {
                Expr::Assign(ExprAssign { left, right, .. }) => (*left, Some(*right)),
                other => (other, None),
            };
            let Expr::Path(path) = &key else {
                refuse(&key, format!("`{name}` takes named arguments"));
                continue;
            };
            let Some(ident) = path.path.get_ident() else {
                refuse(&key, format!("`{name}` takes named arguments"));
                continue;
            };
            let text = ident.to_string();
            if !known.is_empty() && !known.contains(&text.as_str()) {
                let help = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                refuse(&ident, format!("`{name}` has no argument `{text}`\nhelp: {help}"));
                continue;
            }
            if given.contains(&text) {
                refuse(&ident, format!("`{text}` is given twice"));
                continue;
            }
            given.push(text.clone());
            let flag = matches!(text.as_str(), "zstd" | "lz4") && *name == "chunk";
            let value = match (flag, value) {
                (true, None) => {
                    if options.codec.is_some() {
                        refuse(&ident, "a chunk is packed in one way".to_owned());
                    }
                    options.codec = Some(ident.clone());
                    continue;
                }
                (true, Some(value)) => {
                    refuse(&value, format!("`{text}` takes no value"));
                    continue;
                }
                (false, None) => {
                    refuse(&ident, format!("`{text}` needs a value: `{text} = ..`"));
                    continue;
                }
                (false, Some(value)) => value,
            };
            match (*name, text.as_str()) {
                ("chunk", "samples") => options.chunk_samples = Some(value),
                ("chunk", _) => options.chunk_bytes = Some(value),
                ("shuffle", "chunks") => options.open = Some(value),
                ("shuffle", "samples") => options.window = Some(value),
                ("shuffle", _) => options.seed = Some(value),
                ("prefetch", "chunks") => options.ahead = Some(value),
                ("prefetch", "threads") => options.threads = Some(value),
                ("prefetch", _) => options.memory = Some(value),
                ("batch", _) => options.batch = Some(value),
                _ => options.splits.push((ident.clone(), value)),
            }
        }
        match *name {
            "shuffle" => options.shuffle = Some(attribute.clone()),
            "split" => options.split = Some(attribute.clone()),
            _ => {}
        }
        false
    });
    (options, wrong)
}
