//! Index arithmetic: what a macro can know about an expression of whole numbers, and the frames (loops and bindings)
//! under which a `const` can replay it.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, ExprRange, Lit, Pat, RangeLimits, UnOp};

use crate::diag::{first_span, source};
use crate::unit;

/// The value of an expression made of literals only.
pub(crate) fn fold(expr: &Expr) -> Option<i128> {
    linear(expr).filter(|linear| linear.terms.is_empty()).map(|linear| linear.constant)
}

/// A sum of names with whole coefficients, and a constant: enough to see that `i` and `i + 1` differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Linear {
    pub(crate) terms: BTreeMap<String, i128>,
    pub(crate) constant: i128,
}

impl Linear {
    fn scale(&self, factor: i128) -> Option<Self> {
        let mut scaled = Self { constant: self.constant.checked_mul(factor)?, ..Self::default() };
        for (name, coefficient) in &self.terms {
            scaled.terms.insert(name.clone(), coefficient.checked_mul(factor)?);
        }
        scaled.terms.retain(|_, coefficient| *coefficient != 0);
        Some(scaled)
    }

    fn add(mut self, other: &Self) -> Option<Self> {
        self.constant = self.constant.checked_add(other.constant)?;
        for (name, coefficient) in &other.terms {
            let sum = self.terms.entry(name.clone()).or_default();
            *sum = sum.checked_add(*coefficient)?;
        }
        self.terms.retain(|_, coefficient| *coefficient != 0);
        Some(self)
    }

    /// `self - other`, where that is a number.
    pub(crate) fn distance(&self, other: &Self) -> Option<i128> {
        let difference = self.clone().add(&other.scale(-1)?)?;
        difference.terms.is_empty().then_some(difference.constant)
    }
}

/// `expr` as a [`Linear`]; `None` where it is something else.
pub(crate) fn linear(expr: &Expr) -> Option<Linear> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(int) if unit::suffix(&lit.lit).is_none() => {
                Some(Linear { constant: int.base10_parse().ok()?, ..Linear::default() })
            }
            _ => None,
        },
        Expr::Path(path) => {
            let name = source(path);
            Some(Linear { terms: BTreeMap::from([(name, 1)]), constant: 0 })
        }
        Expr::Paren(inner) => linear(&inner.expr),
        Expr::Group(inner) => linear(&inner.expr),
        Expr::Unary(unary) => match unary.op {
            UnOp::Neg(_) => linear(&unary.expr)?.scale(-1),
            UnOp::Deref(_) => linear(&unary.expr),
            _ => None,
        },
        Expr::Binary(binary) => {
            let (left, right) = (linear(&binary.left)?, linear(&binary.right)?);
            match binary.op {
                BinOp::Add(_) => left.add(&right),
                BinOp::Sub(_) => left.add(&right.scale(-1)?),
                BinOp::Mul(_) if left.terms.is_empty() => right.scale(left.constant),
                BinOp::Mul(_) if right.terms.is_empty() => left.scale(right.constant),
                BinOp::Div(_) => constant(&left, &right, i128::checked_div),
                BinOp::Rem(_) => constant(&left, &right, i128::checked_rem),
                _ => None,
            }
        }
        _ => None,
    }
}

fn constant(left: &Linear, right: &Linear, rule: fn(i128, i128) -> Option<i128>) -> Option<Linear> {
    let constants = left.terms.is_empty() && right.terms.is_empty();
    let value = constants.then(|| rule(left.constant, right.constant)).flatten()?;
    Some(Linear { constant: value, ..Linear::default() })
}

/// The single-segment names in an expression.
pub(crate) fn names(expr: &Expr) -> Vec<&Ident> {
    struct Names<'a>(Vec<&'a Ident>);
    impl<'a> Visit<'a> for Names<'a> {
        fn visit_path(&mut self, path: &'a syn::Path) {
            if let Some(segment) = path.segments.first() {
                self.0.push(&segment.ident);
            }
            syn::visit::visit_path(self, path);
        }
    }
    let mut names = Names(Vec::new());
    names.visit_expr(expr);
    names.0
}

/// The names that a pattern binds.
pub(crate) fn bound(pat: &Pat) -> Vec<&Ident> {
    struct Bound<'a>(Vec<&'a Ident>);
    impl<'a> Visit<'a> for Bound<'a> {
        fn visit_pat_ident(&mut self, pat: &'a syn::PatIdent) {
            self.0.push(&pat.ident);
            syn::visit::visit_pat_ident(self, pat);
        }
    }
    let mut names = Bound(Vec::new());
    names.visit_pat(pat);
    names.0
}

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

/// A message that is put together while a `const` is evaluated.
#[derive(Clone)]
pub(crate) enum Piece {
    Text(String),
    Number(TokenStream),
}

/// One assertion, to be replayed under the frames that its expressions need.
pub(crate) struct Check {
    pub(crate) frames: Vec<Frame>,
    /// Must hold; a boolean expression in the names of the frames.
    pub(crate) condition: TokenStream,
    /// Expressions of the condition and the message, to see what they depend on.
    pub(crate) uses: Vec<Expr>,
    pub(crate) message: Vec<Piece>,
    /// Where the message points.
    pub(crate) at: TokenStream,
    /// The condition is tightest at the ends of each range: no need to walk through it.
    pub(crate) ends: bool,
}

impl Check {
    /// The statements that evaluate the assertion; `None` when a surrounding loop is known at run time only.
    pub(crate) fn replay(&self, generics: &[Ident]) -> Option<Replay> {
        let mut needed = BTreeSet::new();
        for expr in &self.uses {
            needed.extend(names(expr).into_iter().map(ToString::to_string));
        }
        let span = first_span(&self.at);
        let pieces = self.message.iter().map(|piece| match piece {
            Piece::Text(text) => quote_spanned!(span=> ::ketline::__private::Piece::Text(#text)),
            Piece::Number(number) => quote_spanned!(span=> ::ketline::__private::Piece::Number(#number)),
        });
        let condition = &self.condition;
        let mut code = quote_spanned! {span=>
            if !(#condition) { ::ketline::__private::fail(&[#(#pieces),*]); }
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
            code = enclose(frame, code, used, self.ends && free);
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
pub(crate) fn edge_counter() -> Ident {
    Ident::new("edge", Span::mixed_site())
}

/// Wraps `code` into what `frame` becomes in a `const`. A loop whose variable is not used runs at most once; of a
/// loop that matters at its ends only, the ends are visited.
fn enclose(frame: &Frame, code: TokenStream, used: bool, ends: bool) -> TokenStream {
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
            } else if ends && step.is_none() {
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
pub(crate) fn by_value(expr: &Expr) -> TokenStream {
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

/// Index arithmetic on run-time values, with the runtime's functions that never overflow; `leaf` writes the operands.
pub(crate) fn wrapping(expr: &Expr, leaf: &mut dyn FnMut(&Expr) -> TokenStream) -> TokenStream {
    match expr {
        Expr::Paren(inner) => wrapping(&inner.expr, leaf),
        Expr::Binary(binary) => {
            let rule = match binary.op {
                BinOp::Add(_) => "add",
                BinOp::Sub(_) => "sub",
                BinOp::Mul(_) => "mul",
                BinOp::Div(_) => "div",
                BinOp::Rem(_) => "rem",
                _ => return leaf(expr),
            };
            let span = binary.op.span();
            let rule = Ident::new(rule, span);
            let (left, right) = (wrapping(&binary.left, leaf), wrapping(&binary.right, leaf));
            quote_spanned!(span=> ::ketline::__private::#rule(#left, #right))
        }
        expr => leaf(expr),
    }
}
