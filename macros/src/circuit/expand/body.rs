//! The statements of a circuit as calls of the builder, with the user's names and parentheses.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprIndex, ExprRange, PathArguments};

use super::{builder, width};
use crate::circuit::check::frames::frame;
use crate::circuit::model::{
    Action, Argument, Call, Circuit, For, If, Kind, Modified, Modifier, Operand, Place, Size, Step, Value,
    root,
};
use crate::diag::first_span;
use crate::index::{bound, fold, wrapping};
use crate::replay::{Frame, is_constant};
use crate::unit;

pub(crate) struct Body<'a> {
    pub(crate) circuit: &'a Circuit,
    pub(crate) generics: Vec<Ident>,
    pub(crate) frames: Vec<Frame>,
    /// Names that may hold arrays of measured bits or angles.
    arrays: Vec<Ident>,
    /// Inside `inverse`, `control` or `power`, where calls must be unitary.
    unitary: bool,
    /// Inside a `for`.
    looping: bool,
}

impl<'a> Body<'a> {
    pub(crate) fn new(circuit: &'a Circuit) -> Self {
        Self {
            circuit,
            generics: circuit.generic_names(),
            frames: Vec::new(),
            arrays: Vec::new(),
            unitary: false,
            looping: false,
        }
    }

    pub(super) fn expand(mut self) -> TokenStream {
        let Some(steps) = &self.circuit.body else { return TokenStream::new() };
        self.block(steps)
    }

    fn block(&mut self, steps: &[Step]) -> TokenStream {
        let (frames, arrays) = (self.frames.len(), self.arrays.len());
        let block = steps.iter().map(|step| self.step(step)).collect();
        self.frames.truncate(frames);
        self.arrays.truncate(arrays);
        block
    }

    fn step(&mut self, step: &Step) -> TokenStream {
        match step {
            Step::Let { token, pat, value } => {
                let tokens = self.value(value);
                let names: Vec<Ident> = bound(pat).into_iter().cloned().collect();
                if matches!(value, Value::Plain(expr) if self.is_array(expr)) {
                    self.arrays.extend(names.iter().cloned());
                }
                self.frames.push(match value {
                    Value::Plain(expr)
                        if names.len() == 1 && is_constant(expr, &self.frames, &self.generics) =>
                    {
                        Frame::Let { name: names[0].clone(), value: expr.clone() }
                    }
                    Value::Plain(_) => Frame::Dynamic { names, repeats: false },
                    Value::Action(_) => {
                        self.arrays.extend(names.iter().cloned());
                        Frame::Dynamic { names, repeats: false }
                    }
                });
                quote!(#token #pat = #tokens;)
            }
            Step::Run(action) => {
                let action = self.action(action);
                quote!(#action;)
            }
            Step::Tail(value) => self.value(value),
            Step::For(for_loop) => self.for_loop(for_loop),
            Step::If(branch) => self.branch(branch),
            Step::Pulse(pulses) => self.pulses(pulses),
        }
    }

    fn value(&mut self, value: &Value) -> TokenStream {
        match value {
            Value::Action(action) => self.action(action),
            Value::Plain(expr) => self.plain(expr),
        }
    }

    fn for_loop(&mut self, for_loop: &For) -> TokenStream {
        let (token, pat, items) = (for_loop.token, &for_loop.pat, self.plain(&for_loop.items));
        self.frames.push(frame(&for_loop.pat, &for_loop.items, &self.frames, &self.generics));
        let outermost = !std::mem::replace(&mut self.looping, true);
        let arrays = self.arrays.len();
        if self.is_array(&for_loop.items) {
            self.arrays.extend(bound(pat).into_iter().cloned());
        }
        let body = self.block(&for_loop.body);
        self.arrays.truncate(arrays);
        self.looping = !outermost;
        self.frames.pop();
        let tokens = quote!(#token #pat in #items { #body });
        if !outermost {
            return tokens;
        }
        // A closure of its own: the borrow checker's time grows faster than a function's number of loops.
        let me = builder(self.circuit, token.span);
        quote!((|#me: &mut ::ketline::quantum::Builder| { #tokens })(#me);)
    }

    /// Does an expression give trainable parameters, measured bits or rows of them?
    fn is_array(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Path(_) | Expr::Index(_) => root(expr).is_some_and(|name| {
                let input = self.circuit.input(name).map(|(_, input)| &input.kind);
                matches!(input, Some(Kind::Angles(_))) || (input.is_none() && self.arrays.contains(name))
            }),
            Expr::Paren(inner) => self.is_array(&inner.expr),
            Expr::Reference(reference) => self.is_array(&reference.expr),
            Expr::MethodCall(call) => self.is_array(&call.receiver),
            _ => false,
        }
    }

    fn branch(&mut self, branch: &If) -> TokenStream {
        let condition = self.plain(&branch.condition);
        let at = first_span(&branch.condition);
        let me = builder(self.circuit, at);
        let then = self.block(&branch.then);
        let otherwise = branch.otherwise.as_ref().map(|otherwise| {
            let otherwise = self.block(otherwise);
            quote_spanned!(at=> #me.when(!(#condition), |#me| { #otherwise });)
        });
        quote_spanned!(at=> #me.when(#condition, |#me| { #then }); #otherwise)
    }

    fn action(&mut self, action: &Action) -> TokenStream {
        match action {
            Action::Call(call) => self.call(call),
            Action::Modified(modified) => self.modified(modified),
        }
    }

    fn modified(&mut self, modified: &Modified) -> TokenStream {
        let word = &modified.word;
        let me = builder(self.circuit, word.span());
        let outer = std::mem::replace(&mut self.unitary, true);
        let body = self.block(&modified.body);
        self.unitary = outer;
        let first = match &modified.modifier {
            Modifier::Inverse => None,
            Modifier::Control(control) => Some(self.argument(control)),
            Modifier::Power(times) => Some(self.plain(times)),
        };
        let first = first.into_iter();
        let span = word.span();
        quote_spanned!(span=> #me.#word(#(#first,)* |#me| { #body }))
    }

    pub(crate) fn call(&mut self, call: &Call) -> TokenStream {
        let arguments: Vec<_> = (0..call.arguments.len()).map(|at| self.passed(call, at)).collect();
        let mut path = call.path.clone();
        let Some(last) = path.segments.last_mut() else { return TokenStream::new() };
        let name = last.ident.clone();
        let mut me = builder(self.circuit, name.span()).into_token_stream();
        if self.unitary && !call.is_known() {
            me = quote_spanned!(name.span()=> ::ketline::quantum::circuit::UnitaryBlock::new(#me));
            if call.bare().is_none() {
                me = quote_spanned!(name.span()=> &mut #me);
            }
        }
        let generics = match std::mem::take(&mut last.arguments) {
            PathArguments::AngleBracketed(arguments) => {
                let arguments = arguments.args;
                Some(quote_spanned!(name.span()=> ::<#arguments>))
            }
            _ => None,
        };
        let span = name.span();
        if call.bare().is_some() {
            let mut tokens = quote_spanned!(span=> #me.#name #generics);
            call.source.paren_token.surround(&mut tokens, |inner| {
                inner.extend(quote!(#(#arguments),*));
            });
            return tokens;
        }
        quote_spanned!(span=> <_ as #path>::#name #generics(#me, #(#arguments),*))
    }

    /// An argument; a register that goes to another circuit is checked there under the names of this call.
    fn passed(&mut self, call: &Call, at: usize) -> TokenStream {
        let argument = &call.arguments[at];
        let tokens = self.argument(argument);
        if call.is_known() || !argument.operand.as_ref().is_some_and(|operand| self.is_register(operand)) {
            return tokens;
        }
        width::checked(call, at, &tokens)
    }

    /// Is this a [`Qubits`](ketline_quantum::Qubits), not one qubit and not a slice?
    fn is_register(&self, operand: &Operand) -> bool {
        let Kind::Register(size) = &self.circuit.inputs[operand.input].kind else { return false };
        match &operand.place {
            Place::Whole => true,
            Place::At(_) => false,
            Place::Part(range) => width(range, size).is_some(),
        }
    }

    pub(crate) fn argument(&mut self, argument: &Argument) -> TokenStream {
        match &argument.operand {
            Some(operand) => self.operand(&argument.expr, operand),
            None => self.plain(&argument.expr),
        }
    }

    fn operand(&mut self, expr: &Expr, operand: &Operand) -> TokenStream {
        let register = &self.circuit.inputs[operand.input].name;
        let (Expr::Index(source), Place::At(_) | Place::Part(_)) = (expr, &operand.place) else {
            return expr.to_token_stream();
        };
        // The user's own token of the register, so that messages point there.
        let base = root(expr).unwrap_or(register);
        let inner = if let Place::At(index) = &operand.place {
            self.index(index)
        } else {
            let mut range = (*source.index).clone();
            if let Expr::Range(range) = &mut range {
                for bound in range.start.iter_mut().chain(&mut range.end) {
                    **bound = Expr::Verbatim(self.index(bound));
                }
            }
            range.to_token_stream()
        };
        let at = at(base, source, &inner);
        let Place::Part(range) = &operand.place else { return at };
        let Kind::Register(size) = &self.circuit.inputs[operand.input].kind else { return at };
        match width(range, size) {
            // A part of literal width is as good as a register.
            Some(width) => {
                let span = base.span();
                let mut tokens = quote_spanned!(span=> ::ketline::__private0_1::part::<#width>);
                let brackets = syn::token::Paren { span: source.bracket_token.span };
                brackets.surround(&mut tokens, |inner| inner.extend(at));
                tokens
            }
            None => at,
        }
    }

    /// An index: constants as they are (they have been replayed), run-time arithmetic without overflow.
    fn index(&mut self, expr: &Expr) -> TokenStream {
        if is_constant(expr, &self.frames, &self.generics) {
            self.plain(expr)
        } else {
            wrapping(expr, &mut |leaf| self.plain(leaf))
        }
    }

    /// Ordinary Rust with units, parameter indices and qubits replaced.
    pub(crate) fn plain(&mut self, expr: &Expr) -> TokenStream {
        struct Replace<'a, 'b>(&'b mut Body<'a>);
        impl VisitMut for Replace<'_, '_> {
            fn visit_expr_mut(&mut self, expr: &mut Expr) {
                let new = match expr {
                    Expr::Lit(lit) => unit::value(&lit.lit).ok().flatten(),
                    Expr::Index(index) => self.0.indexed(index),
                    _ => None,
                };
                match new {
                    Some(tokens) => *expr = Expr::Verbatim(tokens),
                    None => visit_mut::visit_expr_mut(self, expr),
                }
            }
        }
        let mut expr = expr.clone();
        Replace(self).visit_expr_mut(&mut expr);
        expr.to_token_stream()
    }

    /// `theta[l][i]`, `m[0]` and `q[0]` inside an ordinary expression.
    pub(crate) fn indexed(&mut self, index: &ExprIndex) -> Option<TokenStream> {
        let name = root(&index.expr)?.clone();
        let span = name.span();
        let circuit = self.circuit;
        let found = match circuit.input(&name).map(|(at, input)| (at, &input.kind)) {
            Some((at, Kind::Register(_))) if matches!(*index.index, Expr::Range(_)) => {
                let Expr::Range(range) = &*index.index else { return None };
                let operand = Operand { input: at, place: Place::Part(range.clone()) };
                return Some(self.operand(&Expr::Index(index.clone()), &operand));
            }
            Some((_, Kind::Register(_))) => {
                let inner = self.index(&index.index);
                return Some(at(&name, index, &inner));
            }
            Some((_, Kind::Angles(_))) => self.found(&Expr::Index(index.clone()))?,
            None if self.arrays.contains(&name) => self.found(&Expr::Index(index.clone()))?,
            _ => return None,
        };
        Some(quote_spanned!(span=> ::ketline::__private0_1::found(#found)))
    }

    fn found(&mut self, expr: &Expr) -> Option<TokenStream> {
        match expr {
            Expr::Index(index) => {
                let base = self.found(&index.expr)?;
                let at = self.index(&index.index);
                let span = first_span(&index.expr);
                Some(quote_spanned!(span=> ::ketline::__private0_1::pick(#base, #at)))
            }
            Expr::Paren(inner) => self.found(&inner.expr),
            Expr::Path(path) => {
                let span = path.span();
                Some(quote_spanned!(span=> ::core::option::Option::Some(&#path)))
            }
            _ => None,
        }
    }
}

/// How many qubits a part of a register has, if literals show it.
fn width(range: &ExprRange, register: &Size) -> Option<usize> {
    let start = range.start.as_ref().map_or(Some(0), |start| fold(start))?;
    let end = range.end.as_ref().map_or_else(|| register.literal(), |end| fold(end))?;
    let closed = i128::from(range.end.is_some() && matches!(range.limits, syn::RangeLimits::Closed(_)));
    usize::try_from(end.checked_sub(start)?.checked_add(closed)?).ok()
}

/// `q[i]` as `q.at(i)`, on the tokens of `q[i]`.
fn at(register: &Ident, source: &ExprIndex, index: &TokenStream) -> TokenStream {
    let span = source.bracket_token.span.open();
    let mut tokens = quote_spanned!(span=> #register.at);
    let brackets = source.bracket_token.span;
    syn::token::Paren { span: brackets }.surround(&mut tokens, |inner| inner.extend(index.clone()));
    tokens
}
