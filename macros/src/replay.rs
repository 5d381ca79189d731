//! Const replay: assertions about index arithmetic, decided by the macro where literals suffice, and otherwise copied
//! into a `const` with the loops around them, so that rustc evaluates them for the constants and generics of the user.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprRange, Lit, Pat, RangeLimits, UnOp, parse_quote};

use crate::diag::{first_span, source};
use crate::index::{bound, fold, holds, linear, names, value};
use crate::unit;

/// One binding that surrounds an expression.
#[derive(Clone)]
pub(crate) enum Frame {
    /// `for variable in start..end`, possibly reversed or stepped.
    Range { variable: Ident, range: ExprRange, step: Option<Expr> },
    /// `for pattern in SLICE`, the slice being a constant.
    Slice { pattern: Pat, slice: Expr },
    /// `let name = expr`, a constant.
    Let { name: Ident, value: Expr },
    /// Names that are known only at run time.
    Dynamic { names: Vec<Ident>, repeats: bool },
}

impl Frame {
    pub(crate) fn binds(&self, name: &str) -> bool {
        match self {
            Self::Range { variable, .. } => variable == name,
            Self::Slice { pattern, .. } => bound(pattern).iter().any(|bound| *bound == name),
            Self::Let { name: bound, .. } => bound == name,
            Self::Dynamic { names, .. } => names.iter().any(|bound| bound == name),
        }
    }

    /// The expressions that say what the frame ranges over.
    fn bounds(&self) -> Vec<&Expr> {
        match self {
            Self::Range { range, step, .. } => {
                range.start.iter().chain(&range.end).map(|bound| &**bound).chain(step).collect()
            }
            Self::Slice { slice, .. } => vec![slice],
            Self::Let { value, .. } => vec![value],
            Self::Dynamic { .. } => Vec::new(),
        }
    }
}

/// Inherent methods of whole numbers and slices that are `const`.
const CONST_METHODS: &[&str] = &[
    "len",
    "pow",
    "abs_diff",
    "div_ceil",
    "isqrt",
    "ilog2",
    "saturating_sub",
    "wrapping_add",
    "wrapping_sub",
    "trailing_zeros",
    "leading_zeros",
    "count_ones",
    "next_power_of_two",
    "rem_euclid",
    "div_euclid",
];

/// Can `expr` be computed in a `const`, given what surrounds it? `generics` are constant whatever their case.
pub(crate) fn is_constant(expr: &Expr, frames: &[Frame], generics: &[Ident]) -> bool {
    let all = |exprs: &[&Expr]| exprs.iter().all(|expr| is_constant(expr, frames, generics));
    match expr {
        Expr::Lit(lit) => matches!(lit.lit, Lit::Int(_)) && unit::suffix(&lit.lit).is_none(),
        Expr::Path(path) if path.qself.is_none() => {
            let Some(name) = path.path.get_ident() else {
                return path.path.segments.last().is_some_and(|segment| is_upper(&segment.ident));
            };
            match frames.iter().rposition(|frame| frame.binds(&name.to_string())) {
                Some(at) => match &frames[at] {
                    Frame::Dynamic { .. } => false,
                    frame => frame.bounds().iter().all(|bound| is_constant(bound, &frames[..at], generics)),
                },
                None => generics.contains(name) || is_upper(name),
            }
        }
        Expr::Path(path) => path.path.segments.last().is_some_and(|segment| is_upper(&segment.ident)),
        Expr::Paren(inner) => all(&[&inner.expr]),
        Expr::Group(inner) => all(&[&inner.expr]),
        Expr::Cast(cast) => all(&[&cast.expr]),
        Expr::Field(field) => all(&[&field.base]),
        Expr::Reference(reference) => all(&[&reference.expr]),
        Expr::Unary(unary) => all(&[&unary.expr]),
        Expr::Index(index) => all(&[&index.expr, &index.index]),
        Expr::Binary(binary) => all(&[&binary.left, &binary.right]),
        Expr::MethodCall(call) => {
            CONST_METHODS.iter().any(|method| call.method == method)
                && all(&[&call.receiver])
                && call.args.iter().all(|arg| is_constant(arg, frames, generics))
        }
        _ => false,
    }
}

/// `N`, `WIDTH`, but also `G` of `G::EDGES`: constants are upper case in Rust.
pub(crate) fn is_upper(name: &Ident) -> bool {
    name.to_string().trim_start_matches("r#").trim_start_matches('_').starts_with(char::is_uppercase)
}

/// A message whose numbers are known when its assertion is decided.
#[derive(Clone, Default)]
pub(crate) struct Message {
    /// Each number stands at a zero byte.
    text: String,
    numbers: Vec<Expr>,
}

impl Message {
    pub(crate) fn text(mut self, text: impl AsRef<str>) -> Self {
        self.text.push_str(text.as_ref());
        self
    }

    pub(crate) fn number(mut self, number: &Expr) -> Self {
        self.text.push('\0');
        self.numbers.push(number.clone());
        self
    }

    /// A size as messages show it: `2`, or `N = 4` where `N` is decided later.
    pub(crate) fn size(self, size: &Expr) -> Self {
        match fold(size) {
            Some(value) => self.text(value.to_string()),
            None => self.text(format!("{} = ", source(size))).number(size),
        }
    }

    /// The words, if the macro knows all numbers.
    fn render(&self, values: &BTreeMap<String, i128>) -> Option<String> {
        let mut parts = self.text.split('\0');
        let mut text = parts.next()?.to_owned();
        for (part, number) in parts.zip(&self.numbers) {
            text.push_str(&value(number, values)?.to_string());
            text.push_str(part);
        }
        Some(text)
    }
}

/// One assertion, to be decided under the frames that its expressions need.
pub(crate) struct Check {
    pub(crate) frames: Vec<Frame>,
    /// Must hold.
    pub(crate) condition: Expr,
    pub(crate) message: Message,
    /// Where the message points.
    pub(crate) at: TokenStream,
    /// Where in each range the condition is tightest.
    pub(crate) tight: Tight,
}

/// Which turns of a loop have to be looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tight {
    Anywhere,
    AtEnds,
    AtLast,
}

impl Tight {
    /// Where an index reaches farthest.
    pub(crate) fn of(index: &Expr) -> Self {
        match linear(index) {
            None => Self::Anywhere,
            Some(linear) if linear.constant >= 0 && linear.terms.values().all(|factor| *factor > 0) => {
                Self::AtLast
            }
            Some(_) => Self::AtEnds,
        }
    }
}

/// What the macro itself can say about an assertion.
pub(crate) enum Verdict {
    Holds,
    Fails(String),
    /// Constants decide, or nobody before the program runs.
    Open,
}

impl Check {
    /// The names that the condition and the message depend on.
    fn needs(&self) -> BTreeSet<String> {
        let exprs = std::iter::once(&self.condition).chain(&self.message.numbers);
        exprs.flat_map(names).map(ToString::to_string).collect()
    }

    /// Decides the assertion if only literals and loops over literals take part; `budget` bounds the turns of loops.
    pub(crate) fn decide(&self, budget: &mut usize) -> Verdict {
        let mut values = BTreeMap::new();
        match self.walk(&self.frames, &self.needs(), &mut values, budget) {
            Some(None) => Verdict::Holds,
            Some(Some(message)) => Verdict::Fails(message),
            None => Verdict::Open,
        }
    }

    /// The message of the first failure, if any; `None` if it cannot be decided here.
    #[allow(clippy::option_option)] // undecided, holds, fails
    fn walk(
        &self,
        frames: &[Frame],
        needs: &BTreeSet<String>,
        values: &mut BTreeMap<String, i128>,
        budget: &mut usize,
    ) -> Option<Option<String>> {
        let Some((frame, rest)) = frames.split_first() else {
            return if holds(&self.condition, values)? {
                Some(None)
            } else {
                Some(Some(self.message.render(values)?))
            };
        };
        match frame {
            Frame::Dynamic { repeats: false, names }
                if !names.iter().any(|name| needs.contains(&name.to_string())) =>
            {
                self.walk(rest, needs, values, budget)
            }
            Frame::Let { name, value: bound } => {
                if let Some(bound) = value(bound, values) {
                    values.insert(name.to_string(), bound);
                }
                self.walk(rest, needs, values, budget)
            }
            Frame::Range { variable, range, step: None } => {
                let closed = i128::from(matches!(range.limits, RangeLimits::Closed(_)));
                let start = value(range.start.as_ref()?, values)?;
                let end = value(range.end.as_ref()?, values)?.checked_add(closed)?;
                let used = needs.contains(&variable.to_string()) || !rest.is_empty();
                let turns = if used { start..end } else { start..end.min(start.saturating_add(1)) };
                for turn in turns {
                    *budget = budget.checked_sub(1)?;
                    values.insert(variable.to_string(), turn);
                    if let Some(message) = self.walk(rest, needs, values, budget)? {
                        return Some(Some(message));
                    }
                }
                Some(None)
            }
            _ => None,
        }
    }

    /// A text that is equal for equal assertions under the same frames.
    pub(crate) fn key(&self) -> String {
        source(&self.condition)
    }

    /// The statements that evaluate the assertion; `None` when a surrounding loop is known at run time only.
    pub(crate) fn replay(&self, generics: &[Ident]) -> Option<Replay> {
        let mut needed = self.needs();
        let span = first_span(&self.at);
        let text = &self.message.text;
        let numbers = self.message.numbers.iter().map(|number| {
            let number = by_value(number);
            quote_spanned!(span=> (#number) as f64)
        });
        let condition = by_value(&self.condition);
        let mut code = quote_spanned! {span=>
            if !(#condition) { ::ketline::__private0_1::fail(#text, &[#(#numbers),*]); }
        };
        for (depth, frame) in self.frames.iter().enumerate().rev() {
            let used = needed.iter().any(|name| frame.binds(name));
            if let Frame::Dynamic { repeats, .. } = frame {
                if used || *repeats {
                    return None;
                }
                continue;
            }
            if matches!(frame, Frame::Let { .. }) && !used {
                continue;
            }
            if !frame.bounds().iter().all(|bound| is_constant(bound, &self.frames[..depth], generics)) {
                return None;
            }
            let free = !self.frames[..depth].iter().any(|outer| {
                frame
                    .bounds()
                    .iter()
                    .any(|bound| names(bound).iter().any(|name| outer.binds(&name.to_string())))
            });
            for bound in frame.bounds() {
                needed.extend(names(bound).into_iter().map(ToString::to_string));
            }
            let tight = if free { self.tight } else { Tight::Anywhere };
            code = enclose(frame, code, used, tight);
        }
        let generic = generics.iter().any(|generic| needed.contains(&generic.to_string()));
        Some(Replay { code, generic })
    }
}

/// Code of a `const` block, and whether it names a generic.
pub(crate) struct Replay {
    pub(crate) code: TokenStream,
    pub(crate) generic: bool,
}

/// The name that counts the items of a constant slice in a replay; hygienic, so no name of the user can meet it.
pub(crate) fn edge_counter() -> Expr {
    let name = Ident::new("edge", Span::mixed_site());
    parse_quote!(#name)
}

/// Wraps `code` into what `frame` becomes in a `const`. A loop whose variable is not used runs at most once; of a
/// loop that matters at its ends only, the ends are visited.
fn enclose(frame: &Frame, code: TokenStream, used: bool, tight: Tight) -> TokenStream {
    let here = Span::mixed_site();
    match frame {
        Frame::Let { name, value } => {
            let value = by_value(value);
            quote_spanned!(here=> { let #name = #value; #code })
        }
        Frame::Slice { pattern, slice } => {
            let pattern = match pattern {
                Pat::Reference(reference) => &reference.pat,
                pattern => pattern,
            };
            let (slice, edge) = (by_value(slice), edge_counter());
            let once = (!used).then(|| quote_spanned!(here=> break;));
            quote_spanned!(here=> {
                let slice = &#slice;
                let mut #edge = 0;
                while #edge < slice.len() { let #pattern = slice[#edge]; #code #once #edge += 1; }
            })
        }
        Frame::Range { variable, range, step } => {
            let (Some(start), Some(end)) = (&range.start, &range.end) else { return TokenStream::new() };
            let (start, end) = (by_value(start), by_value(end));
            let inclusive = matches!(range.limits, RangeLimits::Closed(_));
            let go_on = if inclusive { quote!(<=) } else { quote!(<) };
            let last = if inclusive { quote_spanned!(here=> end) } else { quote_spanned!(here=> end - 1) };
            if !used {
                quote_spanned!(here=> { let (start, end) = (#start, #end); if start #go_on end { #code } })
            } else if tight == Tight::AtLast && step.is_none() {
                quote_spanned!(here=> {
                    let (start, end) = (#start, #end);
                    if start #go_on end { let #variable = #last; #code }
                })
            } else if tight == Tight::AtEnds && step.is_none() {
                quote_spanned!(here=> {
                    let (start, end) = (#start, #end);
                    let mut visits = if start #go_on end { 2 } else { 0 };
                    while visits > 0 { let #variable = if visits == 2 { start } else { #last }; #code visits -= 1; }
                })
            } else {
                let step = step.as_ref().map_or_else(|| quote!(1), by_value);
                quote_spanned!(here=> {
                    let (mut next, end) = (#start, #end);
                    while next #go_on end { let #variable = next; #code next += #step; }
                })
            }
        }
        Frame::Dynamic { .. } => code,
    }
}

/// In a `const`, loop variables are numbers, also where the builder's loop yields references.
fn by_value(expr: &Expr) -> TokenStream {
    struct ByValue;
    impl VisitMut for ByValue {
        fn visit_expr_mut(&mut self, expr: &mut Expr) {
            visit_mut::visit_expr_mut(self, expr);
            let inner = match expr {
                Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => &unary.expr,
                Expr::Reference(reference) => &reference.expr,
                _ => return,
            };
            *expr = (**inner).clone();
        }
    }
    let mut expr = expr.clone();
    ByValue.visit_expr_mut(&mut expr);
    quote!(#expr)
}
