//! Index arithmetic: what a macro can know about an expression of whole numbers.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{BinOp, Expr, Lit, Pat, UnOp};

use crate::diag::source;
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

/// The value of index arithmetic when names have these values; `None` where it is more than that.
pub(crate) fn value(expr: &Expr, values: &BTreeMap<String, i128>) -> Option<i128> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(int) if unit::suffix(&lit.lit).is_none() => int.base10_parse().ok(),
            _ => None,
        },
        Expr::Path(path) => values.get(&path.path.get_ident()?.to_string()).copied(),
        Expr::Paren(inner) => value(&inner.expr, values),
        Expr::Group(inner) => value(&inner.expr, values),
        Expr::Unary(unary) => match unary.op {
            UnOp::Neg(_) => value(&unary.expr, values)?.checked_neg(),
            UnOp::Deref(_) => value(&unary.expr, values),
            _ => None,
        },
        Expr::Binary(binary) => {
            let (left, right) = (value(&binary.left, values)?, value(&binary.right, values)?);
            match binary.op {
                BinOp::Add(_) => left.checked_add(right),
                BinOp::Sub(_) => left.checked_sub(right),
                BinOp::Mul(_) => left.checked_mul(right),
                // What `usize` would refuse is left to rustc.
                BinOp::Div(_) if left >= 0 => left.checked_div(right),
                BinOp::Rem(_) if left >= 0 => left.checked_rem(right),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a comparison of index arithmetic holds.
pub(crate) fn holds(condition: &Expr, values: &BTreeMap<String, i128>) -> Option<bool> {
    let Expr::Binary(binary) = condition else { return None };
    let (left, right) = (value(&binary.left, values)?, value(&binary.right, values)?);
    match binary.op {
        // A negative index is out of every range, as an overflow is at run time.
        BinOp::Lt(_) => Some(0 <= left && left < right),
        BinOp::Le(_) => Some(0 <= left && left <= right),
        BinOp::Gt(_) => Some(left > right),
        BinOp::Eq(_) => Some(left == right),
        BinOp::Ne(_) => Some(left != right),
        _ => None,
    }
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
            quote_spanned!(span=> ::ketline::__private0_1::#rule(#left, #right))
        }
        expr => leaf(expr),
    }
}
