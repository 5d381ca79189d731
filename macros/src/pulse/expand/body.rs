//! The statements of a pulse program as calls of the builder of schedules, with the user's names and parentheses.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, ExprCall, Pat};

use crate::circuit::check::frames::frame;
use crate::circuit::expand::body::Body;
use crate::circuit::expand::builder;
use crate::circuit::model::{Argument, Call, Kind};
use crate::circuit::parse::body::argument;
use crate::diag::first_span;
use crate::index::bound;
use crate::pulse::lint::unplayed;
use crate::pulse::model::{Pulses, Step, callee, is_waveform};
use crate::pulse::word::{self, Operand, SAMPLED};
use crate::replay::{Frame, is_constant};
use crate::unit;

/// Names that hold waveforms.
type Waveforms = Vec<Ident>;

impl Body<'_> {
    /// Pulses inside a circuit.
    pub(crate) fn pulses(&mut self, pulses: &Pulses) -> TokenStream {
        let span = first_span(&pulses.word);
        let me = builder(self.circuit, span);
        let body = self.program(pulses);
        quote_spanned! {span=>
            #me.pulses("pulse", |#me: &mut ::ketline::quantum::pulse::ScheduleBuilder| { #body });
        }
    }

    /// All statements.
    pub(crate) fn program(&mut self, pulses: &Pulses) -> TokenStream {
        let (depth, mut waveforms) = (self.frames.len(), Waveforms::new());
        let unplayed = unplayed(pulses);
        let body = self.statements(&pulses.steps, &mut waveforms, &unplayed);
        self.frames.truncate(depth);
        body
    }

    fn statements(&mut self, steps: &[Step], waveforms: &mut Waveforms, unplayed: &[&Ident]) -> TokenStream {
        steps.iter().map(|step| self.statement(step, waveforms, unplayed)).collect()
    }

    fn statement(&mut self, step: &Step, waveforms: &mut Waveforms, unplayed: &[&Ident]) -> TokenStream {
        match step {
            Step::Let { token, pat, value } => {
                let tokens = self.expression(value, waveforms);
                let names: Vec<Ident> = bound(pat).into_iter().cloned().collect();
                let holds_waveform = is_waveform(value, &|name| waveforms.contains(name));
                let mut used = TokenStream::new();
                if let (true, [name]) = (holds_waveform, names.as_slice()) {
                    waveforms.push(name.clone());
                    // The lint says it; rustc need not say it again.
                    if unplayed.contains(&name) {
                        used = quote!(let _ = &#name;);
                    }
                }
                self.frames.push(match names.as_slice() {
                    [name]
                        if matches!(pat, Pat::Ident(_))
                            && is_constant(value, &self.frames, &self.generics) =>
                    {
                        Frame::Let { name: name.clone(), value: value.clone() }
                    }
                    _ => Frame::Dynamic { names, repeats: false },
                });
                quote!(#token #pat = #tokens; #used)
            }
            Step::Run(call) => {
                let call = self.expression(&Expr::Call(call.clone()), waveforms);
                quote!(#call;)
            }
            Step::For { token, pat, items, body } => {
                let inner = self.plain(items);
                self.frames.push(frame(pat, items, &self.frames, &self.generics));
                let depth = self.frames.len();
                let body = self.statements(body, waveforms, unplayed);
                self.frames.truncate(depth);
                self.frames.pop();
                quote!(#token #pat in #inner { #body })
            }
            Step::Tail(expr) => self.expression(expr, waveforms),
        }
    }

    /// An expression with words of the language, units, indices and waveforms replaced.
    fn expression(&mut self, expr: &Expr, waveforms: &Waveforms) -> TokenStream {
        struct Replace<'a, 'b, 'w>(&'b mut Body<'a>, &'w Waveforms);
        impl VisitMut for Replace<'_, '_, '_> {
            fn visit_expr_mut(&mut self, expr: &mut Expr) {
                let new = match expr {
                    Expr::Lit(lit) => unit::value(&lit.lit).ok().flatten(),
                    Expr::Index(index) => self.0.indexed(index),
                    Expr::Call(call) => self.0.word(call, self.1),
                    Expr::Binary(binary) => multiple(binary),
                    Expr::Path(path) => {
                        path.path.get_ident().filter(|name| self.1.contains(name)).map(|name| {
                            let span = name.span();
                            quote_spanned!(span=> ::core::clone::Clone::clone(&#name))
                        })
                    }
                    _ => None,
                };
                match new {
                    Some(tokens) => *expr = Expr::Verbatim(tokens),
                    None => visit_mut::visit_expr_mut(self, expr),
                }
            }
        }
        let mut expr = expr.clone();
        Replace(self, waveforms).visit_expr_mut(&mut expr);
        expr.to_token_stream()
    }

    /// A call that means something here; `None` for a call of ordinary Rust.
    fn word(&mut self, call: &ExprCall, waveforms: &Waveforms) -> Option<TokenStream> {
        let name = match callee(call) {
            Some(name) => name.clone(),
            None => return self.touches_qubits(call).then(|| self.called(call, waveforms)),
        };
        let text = name.to_string();
        if word::is_waveform(&text) {
            return Some(self.constructor(call, &name, waveforms));
        }
        if word::channel(&text).is_some() {
            let me = builder(self.circuit, name.span());
            let qubits: Vec<_> = call.args.iter().map(|expr| self.qubit(expr)).collect();
            let span = name.span();
            let mut tokens = quote_spanned!(span=> #me.#name);
            call.paren_token.surround(&mut tokens, |inner| inner.extend(quote!(#(#qubits),*)));
            return Some(tokens);
        }
        if text == "barrier" {
            return Some(self.barrier(call, &name));
        }
        if let Some(operand) = word::instruction(&text) {
            return Some(self.instruction(call, &name, operand, waveforms));
        }
        // A bare call that touches qubits is a pulse program, as in a circuit.
        self.touches_qubits(call).then(|| self.called(call, waveforms))
    }

    fn touches_qubits(&self, call: &ExprCall) -> bool {
        call.args.iter().any(|expr| argument(self.circuit, expr).operand.is_some())
    }

    /// Another pulse program.
    fn called(&mut self, call: &ExprCall, waveforms: &Waveforms) -> TokenStream {
        let Expr::Path(path) = &*call.func else { return call.to_token_stream() };
        let arguments = call.args.iter().map(|expr| {
            let lowered = argument(self.circuit, expr);
            match lowered.operand {
                Some(_) => lowered,
                None => Argument { expr: Expr::Verbatim(self.expression(expr, waveforms)), operand: None },
            }
        });
        let arguments = arguments.collect();
        self.call(&Call { path: path.path.clone(), arguments, source: call.clone() })
    }

    fn qubit(&mut self, expr: &Expr) -> TokenStream {
        let lowered = argument(self.circuit, expr);
        self.argument(&lowered)
    }

    fn barrier(&mut self, call: &ExprCall, name: &Ident) -> TokenStream {
        let (span, me) = (name.span(), builder(self.circuit, name.span()));
        let places = Ident::new("places", Span::mixed_site());
        let joined = call.args.iter().map(|expr| {
            let (at, qubit) = (first_span(expr), self.qubit(expr));
            quote_spanned!(at=> #places.extend(#me.places("barrier", #qubit));)
        });
        let joined: TokenStream = joined.collect();
        quote_spanned! {span=> {
            let mut #places = ::ketline::__private0_1::Vec::new();
            #joined
            #me.#name(&#places)
        }}
    }

    /// The arguments are computed first: a channel is asked of the same builder.
    fn instruction(
        &mut self,
        call: &ExprCall,
        name: &Ident,
        operand: Operand,
        waveforms: &Waveforms,
    ) -> TokenStream {
        let (Some(first), Some(second)) = (call.args.first(), call.args.last()) else {
            return TokenStream::new();
        };
        // Where the user's own tokens are, so that rustc points there.
        let hidden = |text: &str, expr: &Expr| Ident::new(text, first_span(expr));
        let (channel, what) = (hidden("__channel", first), hidden("__what", second));
        let first = self.expression(first, waveforms);
        let second = match operand {
            Operand::Waveform => self.waveform(second, waveforms),
            Operand::Measured(_) => self.expression(second, waveforms),
        };
        let (span, me) = (name.span(), builder(self.circuit, name.span()));
        let mut done = quote_spanned!(span=> #me.#name);
        call.paren_token.surround(&mut done, |inner| inner.extend(quote!(#channel, #what)));
        if name == "capture" {
            done = quote_spanned!(span=> ::ketline::__private0_1::bit(#done));
        }
        quote_spanned!(span=> { let #channel = #first; let #what = #second; #done })
    }

    /// What is played. An input that holds a waveform may be played again.
    fn waveform(&mut self, expr: &Expr, waveforms: &Waveforms) -> TokenStream {
        let input = |expr: &Expr| {
            match expr {
                Expr::Path(path) => path.path.get_ident().filter(|name| {
                    self.circuit.input(name).is_some_and(|(_, input)| matches!(input.kind, Kind::Value))
                }),
                _ => None,
            }
            .cloned()
        };
        match expr {
            Expr::Path(_) => match input(expr) {
                Some(name) => self.expression(expr, &vec![name]),
                None => self.expression(expr, waveforms),
            },
            Expr::Paren(inner) => {
                let inner = self.waveform(&inner.expr, waveforms);
                quote!((#inner))
            }
            Expr::Unary(unary) => {
                let (op, inner) = (unary.op, self.waveform(&unary.expr, waveforms));
                quote!(#op #inner)
            }
            Expr::Binary(binary) if matches!(binary.op, BinOp::Mul(_) | BinOp::Div(_)) => {
                let side = |body: &mut Self, expr: &Expr| match expr {
                    // a whole number is as good a factor as any
                    Expr::Lit(lit) if unit::is_bare_integer(&lit.lit) => number(expr),
                    expr => body.waveform(expr, waveforms),
                };
                let (left, op, right) = (side(self, &binary.left), &binary.op, side(self, &binary.right));
                quote!(#left #op #right)
            }
            expr => self.expression(expr, waveforms),
        }
    }

    /// `drag(duration = 160dt, ..)` as the constructor, its arguments in their order.
    fn constructor(&mut self, call: &ExprCall, name: &Ident, waveforms: &Waveforms) -> TokenStream {
        let mut given = |wanted: &str, is_number: bool| {
            let value = call.args.iter().find_map(|argument| match argument {
                Expr::Assign(named) if matches!(&*named.left, Expr::Path(path) if path.path.is_ident(wanted)) => {
                    Some(&*named.right)
                }
                _ => None,
            });
            value.map(|value| match value {
                value if is_number => self.number(value, waveforms),
                value => self.expression(value, waveforms),
            })
        };
        let (text, span) = (name.to_string(), name.span());
        let phase = given("phase", false).map(|phase| quote_spanned!(span=> .with_phase(#phase)));
        if text == SAMPLED {
            let samples = given("samples", false);
            return quote_spanned! {span=>
                ::ketline::quantum::pulse::Waveform::#name(::core::clone::Clone::clone(&#samples)) #phase
            };
        }
        let (duration, amp) = (given("duration", false), given("amp", true));
        let mut rest = Vec::new();
        let mut constructor = name.clone();
        for (argument, kind) in word::waveform(&text).unwrap_or_default() {
            let value = given(argument, *kind == word::Argument::Number);
            rest.push(match value {
                None if *argument == "width" => {
                    constructor = Ident::new("gaussian_square_rise", span);
                    given("rise", false)
                }
                value => value,
            });
        }
        quote_spanned!(span=> ::ketline::quantum::pulse::Waveform::#constructor(#duration, #amp, #(#rest),*) #phase)
    }

    /// A number: whole ones are as good as others.
    fn number(&mut self, expr: &Expr, waveforms: &Waveforms) -> TokenStream {
        match expr {
            Expr::Lit(lit) if unit::is_bare_integer(&lit.lit) => number(expr),
            Expr::Unary(unary) => {
                let (op, inner) = (unary.op, self.number(&unary.expr, waveforms));
                quote!(#op #inner)
            }
            expr => self.expression(expr, waveforms),
        }
    }
}

/// `2 * 40ns`: a whole number of times a literal with a unit.
fn multiple(binary: &syn::ExprBinary) -> Option<TokenStream> {
    let (left, op, right) = (&*binary.left, &binary.op, &*binary.right);
    let measured = |expr: &Expr| match expr {
        Expr::Lit(lit) => unit::value(&lit.lit).ok().flatten(),
        _ => None,
    };
    let is_whole = |expr: &Expr| matches!(expr, Expr::Lit(lit) if unit::is_bare_integer(&lit.lit));
    match binary.op {
        BinOp::Mul(_) if is_whole(left) => {
            let (times, right) = (number(left), measured(right)?);
            Some(quote!(#times #op #right))
        }
        BinOp::Mul(_) | BinOp::Div(_) if is_whole(right) => {
            let (left, times) = (measured(left)?, number(right));
            Some(quote!(#left #op #times))
        }
        _ => None,
    }
}

/// `1` as `1.0`.
fn number(expr: &Expr) -> TokenStream {
    match expr {
        Expr::Lit(lit) => match unit::number(&lit.lit) {
            Some(value) => {
                let mut literal = proc_macro2::Literal::f64_suffixed(value);
                literal.set_span(lit.lit.span());
                literal.into_token_stream()
            }
            None => expr.to_token_stream(),
        },
        expr => expr.to_token_stream(),
    }
}
