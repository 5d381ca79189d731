//! Tokens to model. Knows what a circuit may be written with, and nothing of what it means.

pub(crate) mod body;

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute, Block, Expr, FnArg, GenericArgument, Pat, PathArguments, ReturnType, Safety, Signature, Stmt,
    Type, Visibility,
};

use self::body::Lower;
use super::model::{Circuit, Dialect, Input, Kind, Output, Size, Step};
use crate::diag::{Diagnostics, source};
use crate::pulse;

fn usage(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Circuit => "`circuit!` takes a function\nhelp: `circuit!( fn bell(q: Qubits<2>) { .. } )`",
        Dialect::Pulse => "`pulse!` takes a function\nhelp: `pulse!( fn x90(q: Qubit) { .. } )`",
    }
}

/// The functions of one macro call; what cannot be read is reported and left out.
pub(crate) fn parse(tokens: TokenStream, dialect: Dialect, diagnostics: &mut Diagnostics) -> Vec<Circuit> {
    let mut circuits = Vec::new();
    let parser = |input: ParseStream<'_>| {
        if input.is_empty() {
            return Err(syn::Error::new(Span::call_site(), usage(dialect)));
        }
        while !input.is_empty() {
            circuits.push(function(input, dialect, diagnostics)?);
        }
        Ok(())
    };
    let result = parser.parse2(tokens);
    if let Err(error) = result {
        diagnostics.push(error);
    }
    circuits
}

fn function(input: ParseStream<'_>, dialect: Dialect, diagnostics: &mut Diagnostics) -> syn::Result<Circuit> {
    let attributes = input.call(Attribute::parse_outer)?;
    let visibility = input.parse::<Visibility>()?;
    let ahead = input.fork();
    let signature = match ahead.parse::<Signature>() {
        Ok(_) => input.parse::<Signature>()?,
        Err(error) if begins_function(input) => return Err(error),
        Err(_) => return Err(input.error(usage(dialect))),
    };
    let content;
    syn::braced!(content in input);
    let mut circuit = declaration(dialect, attributes, visibility, signature, diagnostics);
    match content.call(Block::parse_within) {
        Ok(statements) => {
            let body = match dialect {
                Dialect::Circuit => Lower { circuit: &circuit, diagnostics }.block(statements),
                Dialect::Pulse => vec![Step::Pulse(pulse::parse::program(statements, &circuit, diagnostics))],
            };
            circuit.body = Some(body);
        }
        Err(error) => {
            diagnostics.push(error);
            content.parse::<TokenStream>()?;
        }
    }
    Ok(circuit)
}

fn begins_function(input: ParseStream<'_>) -> bool {
    use syn::Token;
    input.peek(Token![fn])
        || input.peek(Token![const])
        || input.peek(Token![async])
        || input.peek(Token![unsafe])
}

fn declaration(
    dialect: Dialect,
    mut attributes: Vec<Attribute>,
    visibility: Visibility,
    signature: Signature,
    diagnostics: &mut Diagnostics,
) -> Circuit {
    let mut device = None;
    attributes.retain(|attribute| {
        if !attribute.path().is_ident("device") {
            return true;
        }
        match attribute.parse_args::<syn::Path>() {
            Ok(_) if device.is_some() => diagnostics.error(attribute, "`device` is given twice"),
            Ok(path) => device = Some(path),
            Err(_) => {
                diagnostics.error_help(attribute, "`device` takes the name of a type", "`#[device(Line5)]`");
            }
        }
        false
    });
    let mut refuse = |token: &dyn ToTokens| {
        let token = token.to_token_stream();
        let message = format!("`{}` has no meaning for a {}", source(&token), dialect.noun());
        diagnostics.error(token, message);
    };
    signature.constness.iter().for_each(|token| refuse(token));
    signature.asyncness.iter().for_each(|token| refuse(token));
    signature.abi.iter().for_each(|token| refuse(token));
    signature.variadic.iter().for_each(|token| refuse(token));
    match &signature.safety {
        Safety::Default => {}
        safety => refuse(safety),
    }
    let mut inputs: Vec<Input> = Vec::new();
    for argument in &signature.inputs {
        let Some(input) = input(argument, dialect.noun(), diagnostics) else { continue };
        if inputs.iter().any(|before| before.name == input.name) {
            diagnostics.error(&input.name, format!("`{}` is declared twice", input.name));
        } else {
            inputs.push(input);
        }
    }
    let output = output(&signature.output, dialect, diagnostics);
    Circuit {
        dialect,
        attributes,
        device,
        visibility,
        name: signature.ident,
        generics: signature.generics,
        inputs,
        output,
        body: None,
    }
}

fn input(argument: &FnArg, noun: &str, diagnostics: &mut Diagnostics) -> Option<Input> {
    let FnArg::Typed(argument) = argument else {
        let message = format!("a {noun} has no `self`; it takes registers, angles and plain values");
        diagnostics.error(argument, message);
        return None;
    };
    let name = match &*argument.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.mutability.is_none() && pat.subpat.is_none() => {
            &pat.ident
        }
        pattern => {
            diagnostics.error(pattern, format!("an argument of a {noun} is a plain name, such as `q`"));
            return None;
        }
    };
    if let Some(attribute) = argument.attrs.first() {
        diagnostics.error(attribute, format!("an argument of a {noun} takes no attribute"));
    }
    if named(&argument.ty).is_some_and(|(name, size)| name == "Qubits" && size.is_none()) {
        diagnostics.error_help(
            &argument.ty,
            "a register says how many qubits it has",
            "`Qubits<2>`, or `Qubits<N>`",
        );
        let ty = syn::parse_quote!(Qubits<1>);
        return Some(Input { name: name.clone(), kind: kind(&ty), ty });
    }
    Some(Input { name: name.clone(), ty: (*argument.ty).clone(), kind: kind(&argument.ty) })
}

fn kind(ty: &Type) -> Kind {
    match named(ty) {
        Some((name, None)) if name == "Qubit" => return Kind::Qubit,
        Some((name, Some(size))) if name == "Qubits" => return Kind::Register(size),
        _ => {}
    }
    let (mut sizes, mut ty) = (Vec::new(), ty);
    loop {
        match ty {
            Type::Array(array) => {
                sizes.push(Size { expr: array.len.clone() });
                ty = &array.elem;
            }
            Type::Paren(inner) => ty = &inner.elem,
            Type::Group(inner) => ty = &inner.elem,
            ty => {
                let angle = named(ty).is_some_and(|(name, size)| name == "Angle" && size.is_none());
                return if angle { Kind::Angles(sizes) } else { Kind::Value };
            }
        }
    }
}

fn output(output: &ReturnType, dialect: Dialect, diagnostics: &mut Diagnostics) -> Output {
    let ReturnType::Type(_, ty) = output else { return Output::None };
    match named(ty) {
        Some((name, None)) if name == "Bit" => Output::Bit((**ty).clone()),
        Some((name, Some(size))) if name == "Bits" => Output::Bits((**ty).clone(), size),
        _ => {
            let found = source(ty);
            let (noun, how) = match dialect {
                Dialect::Circuit => ("circuit", "measured"),
                Dialect::Pulse => ("pulse program", "captured"),
            };
            let message = format!("a {noun} returns {how} bits, `Bit` or `Bits<N>`, and this is `{found}`");
            diagnostics.error(ty, message);
            Output::None
        }
    }
}

/// The last name of a path type, and its one size argument.
fn named(ty: &Type) -> Option<(&Ident, Option<Size>)> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Some((&segment.ident, None));
    };
    let expr = match arguments.args.first().filter(|_| arguments.args.len() == 1)? {
        GenericArgument::Const(expr) => unbrace(expr),
        GenericArgument::Type(Type::Path(path)) if path.qself.is_none() => {
            Expr::Path(syn::ExprPath { attrs: Vec::new(), qself: None, path: path.path.clone() })
        }
        _ => return None,
    };
    Some((&segment.ident, Some(Size { expr })))
}

/// `{ 2 * K }` to `2 * K`.
fn unbrace(expr: &Expr) -> Expr {
    if let Expr::Block(block) = expr
        && let [Stmt::Expr(inner, None)] = block.block.stmts.as_slice()
    {
        return inner.clone();
    }
    expr.clone()
}
