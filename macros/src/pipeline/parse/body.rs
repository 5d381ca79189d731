//! Statements: `let`, perhaps a stage, and values made of calls and arithmetic.

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, BinOp, Expr, ExprAssign, ExprCall, ExprMethodCall, Lit, Local, Pat, Stmt, Token, UnOp};

use super::{arguments, ident, refuse};
use crate::diag::{Diagnostics, first_span};
use crate::pipeline::model::{Block, Call, Let, Stage, Value};

const ALLOWED: &str = "a pipeline is made of `let` and calls";

pub(super) fn block(statements: Vec<Stmt>, diagnostics: &mut Diagnostics) -> Block {
    let mut block = Block { steps: Vec::new(), tail: None };
    let last = statements.len().saturating_sub(1);
    for (at, statement) in statements.into_iter().enumerate() {
        match statement {
            Stmt::Local(local) => block.steps.extend(binding(local, diagnostics)),
            Stmt::Expr(expr, None) if at == last => block.tail = value(expr, diagnostics).map(Box::new),
            Stmt::Expr(expr, _) => {
                if is_allowed(&expr, diagnostics) {
                    let message = "this value is not used";
                    refuse(&expr, message, "`let y = ..`, or end the pipeline with it", diagnostics);
                }
            }
            other => refuse(&other, ALLOWED, "`let y = linear(x, out = 2);`", diagnostics),
        }
    }
    block
}

fn binding(local: Local, diagnostics: &mut Diagnostics) -> Option<Let> {
    let stage = stage(&local.attrs, diagnostics);
    let Some(init) = local.init.filter(|init| init.diverge.is_none()) else {
        diagnostics.error(local.let_token, "`let` needs a value here, and has no `else`");
        return None;
    };
    let mut names = Vec::new();
    let mut name = |pat: &Pat| match pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.mutability.is_none() && pat.subpat.is_none() => {
            names.push(pat.ident.clone());
            true
        }
        pat => {
            diagnostics.error(pat, "`let` names what it holds: `let x = ..`, `let (a, b) = ..`");
            false
        }
    };
    let is_tuple = matches!(local.pat, Pat::Tuple(_));
    let named = match &local.pat {
        Pat::Tuple(tuple) => tuple.elems.iter().all(&mut name),
        pat => name(pat),
    };
    let value = value(*init.expr, diagnostics)?;
    named.then_some(Let { stage, token: local.let_token, names, is_tuple, value })
}

/// `#[stage]`, `#[stage(repeat = 12, name = "encoder")]`.
fn stage(attributes: &[Attribute], diagnostics: &mut Diagnostics) -> Option<Stage> {
    let mut stage = None;
    for attribute in attributes {
        if !attribute.path().is_ident("stage") {
            refuse(
                attribute,
                "a statement of a pipeline is marked by `stage` only",
                "`#[stage]`",
                diagnostics,
            );
            continue;
        }
        if stage.is_some() {
            diagnostics.error(attribute, "`stage` is given twice");
            continue;
        }
        let mut found = Stage { repeat: None, name: None };
        let given = match &attribute.meta {
            syn::Meta::Path(_) => Vec::new(),
            _ => arguments(attribute, "stage", diagnostics).unwrap_or_default(),
        };
        for (name, value) in given {
            match name.to_string().as_str() {
                "repeat" => found.repeat = Some((name, value)),
                "name" => found.name = label(&value, diagnostics),
                other => {
                    let message = format!("`stage` has no argument `{other}`");
                    refuse(&name, &message, "`repeat` or `name`", diagnostics);
                }
            }
        }
        stage = Some(found);
    }
    stage
}

/// A name in quotes.
fn label(value: &Expr, diagnostics: &mut Diagnostics) -> Option<String> {
    match value {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) if !text.value().is_empty() => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
    .or_else(|| {
        diagnostics.error(value, "a name is written in quotes: `name = \"up\"`");
        None
    })
}

/// Reports what no pipeline holds.
fn is_allowed(expr: &Expr, diagnostics: &mut Diagnostics) -> bool {
    let word: &dyn ToTokens = match expr {
        Expr::While(it) => &it.while_token,
        Expr::Loop(it) => &it.loop_token,
        Expr::ForLoop(it) => &it.for_token,
        Expr::If(it) => &it.if_token,
        Expr::Match(it) => &it.match_token,
        Expr::Return(it) => &it.return_token,
        Expr::Break(it) => &it.break_token,
        Expr::Try(it) => &it.question_token,
        Expr::Await(it) => &it.await_token,
        Expr::Closure(_) | Expr::Macro(_) | Expr::Unsafe(_) | Expr::Async(_) | Expr::Assign(_) => {
            diagnostics.error(expr, ALLOWED);
            return false;
        }
        _ => return true,
    };
    let text = word.to_token_stream().to_string();
    let (message, help) = match text.as_str() {
        "for" | "while" | "loop" => (
            format!("`{text}` is not allowed: a pipeline has fixed layers"),
            "`#[stage(repeat = 12)] let x = ..`",
        ),
        "return" => (format!("`{text}` is not allowed: the last expression is the result"), "`x`"),
        "?" | "await" => (format!("`{text}` is not allowed: a pipeline is a declaration"), "leave it out"),
        _ => (format!("`{text}` is not allowed: a pipeline has fixed layers"), "declare two pipelines"),
    };
    diagnostics.error_help(word.to_token_stream(), message, help);
    false
}

fn value(expr: Expr, diagnostics: &mut Diagnostics) -> Option<Value> {
    if !is_allowed(&expr, diagnostics) {
        return None;
    }
    let source = expr.to_token_stream();
    Some(match expr {
        Expr::Path(path) if path.path.get_ident().is_some() && path.qself.is_none() => {
            Value::Name(path.path.segments[0].ident.clone())
        }
        Expr::Paren(inner) => value(*inner.expr, diagnostics)?,
        Expr::Group(inner) => value(*inner.expr, diagnostics)?,
        Expr::Call(ExprCall { func, args, .. }) => {
            let Expr::Path(path) = *func else {
                refuse(&func, "a layer is called by its name", "`linear(x, out = 2)`", diagnostics);
                return None;
            };
            call(path.path, None, args, source, diagnostics)?
        }
        Expr::MethodCall(ExprMethodCall { receiver, method, args, turbofish, .. }) => {
            if let Some(turbofish) = turbofish {
                diagnostics.error(turbofish, "a layer has no generics");
                return None;
            }
            let first = value(*receiver, diagnostics)?;
            call(method.into(), Some(first), args, source, diagnostics)?
        }
        Expr::Binary(binary) => {
            if !matches!(binary.op, BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Div(_)) {
                let message = "arithmetic of tensors is `+`, `-`, `*`, `/`";
                diagnostics.error(binary.op, message);
                return None;
            }
            let (left, right) = (value(*binary.left, diagnostics), value(*binary.right, diagnostics));
            match (left?, right?) {
                (Value::Plain(_), Value::Plain(_)) => Value::Plain(syn::parse2(source).ok()?),
                (left, right) => Value::Binary(Box::new(left), binary.op, Box::new(right)),
            }
        }
        Expr::Unary(unary) => match unary.op {
            UnOp::Neg(sign) => match value(*unary.expr, diagnostics)? {
                Value::Plain(_) => Value::Plain(syn::parse2(source).ok()?),
                inner => Value::Negative(sign, Box::new(inner)),
            },
            op => {
                diagnostics.error(op, "arithmetic of tensors is `+`, `-`, `*`, `/`");
                return None;
            }
        },
        Expr::Block(inner) if inner.label.is_none() => {
            Value::Block(block(inner.block.stmts, diagnostics), source)
        }
        Expr::Tuple(tuple) => {
            let values: Vec<_> = tuple.elems.into_iter().map(|element| value(element, diagnostics)).collect();
            Value::Tuple(values.into_iter().collect::<Option<_>>()?, source)
        }
        other => Value::Plain(other),
    })
}

fn call(
    path: syn::Path,
    first: Option<Value>,
    arguments: Punctuated<Expr, Token![,]>,
    source: proc_macro2::TokenStream,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    let (mut operands, mut named, mut text) = (Vec::from_iter(first), Vec::new(), None);
    let mut whole = true;
    for argument in arguments {
        match argument {
            Expr::Assign(ExprAssign { left, right, .. }) => {
                let Some(name) = ident(&left) else {
                    refuse(&left, "an argument has a name", "`out = 2`", diagnostics);
                    whole = false;
                    continue;
                };
                if name == "name" {
                    text = label(&right, diagnostics);
                    whole &= text.is_some();
                } else if named.iter().any(|(before, _)| before == name) {
                    diagnostics.error(name, format!("`{name}` is given twice"));
                    whole = false;
                } else {
                    named.push((name.clone(), *right));
                }
            }
            operand => match value(operand, diagnostics) {
                Some(operand) => operands.push(operand),
                None => whole = false,
            },
        }
    }
    debug_assert!(!path.segments.is_empty(), "a path has a name: {:?}", first_span(&path));
    whole.then_some(Value::Call(Call { path, operands, named, label: text, source }))
}
