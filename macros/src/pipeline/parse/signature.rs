//! Signatures: typed inputs, typed results, sizes.

use quote::ToTokens;
use syn::{
    Expr, ExprPath, FnArg, GenericArgument, GenericParam, Generics, Pat, PathArguments, ReturnType, Safety,
    Signature, Type,
};

use crate::diag::{Diagnostics, source};
use crate::pipeline::layer;
use crate::pipeline::model::{DType, Declared, Input, Kind};

/// The most axes of a tensor.
const MOST_AXES: usize = 8;

/// Inputs and outputs; reports what a pipeline cannot have.
pub(super) fn read(signature: &Signature, diagnostics: &mut Diagnostics) -> (Vec<Input>, Vec<Declared>) {
    let mut refuse = |token: &dyn ToTokens| {
        let token = token.to_token_stream();
        diagnostics.error(&token, format!("`{}` has no meaning for a pipeline", source(&token)));
    };
    signature.constness.iter().for_each(|token| refuse(token));
    signature.asyncness.iter().for_each(|token| refuse(token));
    signature.abi.iter().for_each(|token| refuse(token));
    signature.variadic.iter().for_each(|token| refuse(token));
    signature.generics.where_clause.iter().for_each(|token| refuse(token));
    match &signature.safety {
        Safety::Default => {}
        safety => refuse(safety),
    }
    for param in &signature.generics.params {
        let is_size = match param {
            GenericParam::Const(param) => {
                matches!(&param.ty, Type::Path(path) if path.path.is_ident("usize"))
            }
            _ => false,
        };
        if !is_size {
            diagnostics.error_help(param, "a pipeline is generic over sizes only", "`const H: usize`");
        }
    }
    let name = &signature.ident;
    if layer::row_of(&name.to_string()).is_some() {
        diagnostics.error(name, format!("`{name}` is a layer already; name the pipeline otherwise"));
    }
    let mut inputs: Vec<Input> = Vec::new();
    for argument in &signature.inputs {
        let Some(input) = input(argument, diagnostics) else { continue };
        if inputs.iter().any(|before| before.name == input.name) {
            diagnostics.error(&input.name, format!("`{}` is declared twice", input.name));
        } else {
            inputs.push(input);
        }
    }
    (inputs, outputs(signature, diagnostics))
}

/// What is left of generics when all that was refused is gone.
pub(super) fn sizes_only(mut generics: Generics) -> Generics {
    generics.params =
        generics.params.into_iter().filter(|param| matches!(param, GenericParam::Const(_))).collect();
    generics.where_clause = None;
    generics
}

fn input(argument: &FnArg, diagnostics: &mut Diagnostics) -> Option<Input> {
    let FnArg::Typed(argument) = argument else {
        diagnostics.error(argument, "a pipeline has no `self`; it takes tensors and plain values");
        return None;
    };
    let name = match &*argument.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.mutability.is_none() && pat.subpat.is_none() => {
            &pat.ident
        }
        pattern => {
            diagnostics.error(pattern, "an argument of a pipeline is a plain name, such as `x`");
            return None;
        }
    };
    if let Some(attribute) = argument.attrs.first() {
        diagnostics.error(attribute, "an argument of a pipeline takes no attribute");
    }
    let ty = (*argument.ty).clone();
    let kind = kind(&ty, diagnostics);
    Some(Input { name: name.clone(), ty, kind })
}

fn kind(ty: &Type, diagnostics: &mut Diagnostics) -> Kind {
    match ty {
        Type::Array(array) if is_tensor(&array.elem) => match declared(&array.elem, diagnostics) {
            Some(element) => Kind::Tensors(element, array.len.clone()),
            None => Kind::Broken,
        },
        Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Hop") => {
            let sizes = sizes(ty, diagnostics).unwrap_or_default();
            match <[Expr; 3]>::try_from(sizes) {
                Ok(sizes) => Kind::Hop(sizes),
                Err(found) => {
                    let message = format!("a hop has 3 sizes, found {}", found.len());
                    let help = "`Hop<V1, V0, E>`: nodes that it starts from, nodes that it leads to, edges";
                    diagnostics.error_help(ty, message, help);
                    Kind::Broken
                }
            }
        }
        ty if is_tensor(ty) => declared(ty, diagnostics).map_or(Kind::Broken, Kind::Tensor),
        _ => Kind::Plain,
    }
}

fn is_tensor(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| DType::of(&last.ident.to_string()).is_some())
}

fn outputs(signature: &Signature, diagnostics: &mut Diagnostics) -> Vec<Declared> {
    let ReturnType::Type(_, ty) = &signature.output else {
        let message = "a pipeline returns a tensor";
        diagnostics.error_help(&signature.ident, message, "`-> F32<B, 10>`, or `-> F32` for one number");
        return Vec::new();
    };
    let types: Vec<&Type> = match &**ty {
        Type::Tuple(tuple) if !tuple.elems.is_empty() => tuple.elems.iter().collect(),
        ty => vec![ty],
    };
    let mut outputs = Vec::new();
    for ty in types {
        if is_tensor(ty) {
            outputs.extend(declared(ty, diagnostics));
        } else {
            let message =
                format!("a pipeline returns tensors, such as `F32<B, 10>`, and this is `{}`", source(ty));
            diagnostics.error(ty, message);
        }
    }
    outputs
}

/// `F32<B, S, H>`.
fn declared(ty: &Type, diagnostics: &mut Diagnostics) -> Option<Declared> {
    let Type::Path(path) = ty else { return None };
    let dtype = DType::of(&path.path.segments.last()?.ident.to_string())?;
    let sizes = sizes(ty, diagnostics)?;
    if sizes.len() > MOST_AXES {
        diagnostics.error(ty, format!("found {} axes, expected at most {MOST_AXES}", sizes.len()));
        return None;
    }
    Some(Declared { tokens: ty.clone(), dtype, sizes })
}

fn sizes(ty: &Type, diagnostics: &mut Diagnostics) -> Option<Vec<Expr>> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    match &last.arguments {
        PathArguments::None => Some(Vec::new()),
        PathArguments::AngleBracketed(arguments) => {
            let mut sizes = Vec::new();
            for argument in &arguments.args {
                match argument {
                    GenericArgument::Const(expr) => sizes.push(expr.clone()),
                    // A name is a type to the parser.
                    GenericArgument::Type(Type::Path(path)) if path.qself.is_none() => {
                        let path = path.path.clone();
                        sizes.push(Expr::Path(ExprPath { attrs: Vec::new(), qself: None, path }));
                    }
                    other => {
                        diagnostics
                            .error(other, format!("a size of `{}` is a whole number or a name", last.ident));
                        return None;
                    }
                }
            }
            Some(sizes)
        }
        PathArguments::Parenthesized(arguments) => {
            let message = format!("sizes of `{0}` stand in angle brackets: `{0}<B, 4>`", last.ident);
            diagnostics.error(arguments, message);
            None
        }
    }
}
