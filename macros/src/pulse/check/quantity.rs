//! Units: what a literal measures, and what it is measured on.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, Lit, UnOp, parse_quote};

use super::super::clock::Time;
use super::Check;
use crate::diag::source;
use crate::replay::{Message, Tight, is_upper};
use crate::unit::{self, Quantity};

impl Check<'_, '_> {
    /// Rows 38 to 40: the literals of an expression. `wanted` is what it is to be; `None` for anything. False if something was
    /// reported.
    pub(super) fn units(&mut self, expr: &Expr, wanted: Option<Quantity>) -> bool {
        match expr {
            Expr::Lit(lit) => self.literal(&lit.lit, wanted),
            Expr::Unary(unary) => self.units(&unary.expr, wanted),
            Expr::Paren(inner) => self.units(&inner.expr, wanted),
            Expr::Group(inner) => self.units(&inner.expr, wanted),
            Expr::Binary(binary) if wanted.is_some() => match binary.op {
                BinOp::Add(_) | BinOp::Sub(_) => {
                    let left = self.units(&binary.left, wanted);
                    self.units(&binary.right, wanted) && left
                }
                BinOp::Mul(_) if is_number(&binary.left) => self.units(&binary.right, wanted),
                BinOp::Mul(_) | BinOp::Div(_) if is_number(&binary.right) => self.units(&binary.left, wanted),
                _ => self.any(expr),
            },
            expr => self.any(expr),
        }
    }

    /// All literals of an expression that may have any unit.
    fn any(&mut self, expr: &Expr) -> bool {
        struct Literals<'e>(Vec<&'e Lit>);
        impl<'e> Visit<'e> for Literals<'e> {
            fn visit_lit(&mut self, lit: &'e Lit) {
                self.0.push(lit);
                visit::visit_lit(self, lit);
            }
        }
        let mut literals = Literals(Vec::new());
        literals.visit_expr(expr);
        let faults = literals.0.into_iter().filter(|literal| !self.literal(literal, None)).count();
        faults == 0
    }

    fn literal(&mut self, literal: &Lit, wanted: Option<Quantity>) -> bool {
        let (diagnostics, suffix) = (&mut *self.walk.diagnostics, unit::suffix(literal));
        let result = match (wanted, suffix) {
            (None, _) => unit::value(literal).map(drop),
            (Some(Quantity::Duration), None) if unit::number(literal).is_some() => {
                Err(syn::Error::new_spanned(literal, "a duration needs a unit: ns, us, ms, s or dt"))
            }
            (Some(Quantity::Frequency), None) if unit::number(literal).is_some() => {
                Err(syn::Error::new_spanned(literal, "a frequency needs a unit: Hz, kHz, MHz or GHz"))
            }
            (Some(Quantity::Angle), None) if unit::is_bare_integer(literal) => {
                let digits = source(literal);
                let message =
                    format!("an angle needs a unit: write `{digits}deg` or `{digits}.0` for radians");
                Err(syn::Error::new_spanned(literal, message))
            }
            (Some(wanted), _) => unit::expected(literal, wanted).map(drop),
        };
        if let Err(error) = result {
            diagnostics.push(error);
            return false;
        }
        if suffix == Some("dt") && self.device.is_none() {
            let help = "`#[device(..)]` names the device whose sample it is";
            diagnostics.error_help(literal, "`dt` has no length without `#[device(..)]`", help);
            return false;
        }
        true
    }

    /// A number: no unit at all. False if something was reported.
    pub(super) fn number(&mut self, expr: &Expr) -> bool {
        self.elements(expr);
        if let Expr::Lit(lit) = bare(expr)
            && let Some(unit) = unit::suffix(&lit.lit)
        {
            let message = match Quantity::of(unit) {
                Some(found) => format!("expected a number, found {}", found.noun()),
                None => format!("unknown unit `{unit}`; this is a number without unit"),
            };
            self.walk.diagnostics.error(lit, message);
            return false;
        }
        self.any(expr)
    }

    /// Row 41: a time that is played is a whole number of the device's samples.
    pub(super) fn whole(&mut self, expr: &Expr, time: &Time) {
        let fraction = time.samples.fract();
        if time.constants.is_empty() && time.nanoseconds == 0.0 {
            if fraction != 0.0 {
                let message = format!("{} is not a whole number of samples", source(expr));
                self.walk.diagnostics.error(expr, message);
            }
            return;
        }
        let Some(device) = self.device.clone() else { return };
        let samples = time.in_samples(&device);
        let dt: Expr = parse_quote!(<#device as ::ketline::quantum::pulse::PulseDevice>::DT * 1e9);
        let message = Message::default().text(source(expr)).text(" is not a whole number of ");
        let message = message.number(&dt).text("ns samples");
        self.assert(parse_quote!(::ketline::__private0_1::whole(#samples)), message, expr);
    }

    /// An assertion that only constants decide, whatever loops stand around it.
    pub(super) fn assert(&mut self, condition: Expr, message: Message, at: impl ToTokens) {
        let frames = std::mem::take(&mut self.walk.frames);
        self.walk.assert(condition, message, at, Tight::Anywhere);
        self.walk.frames = frames;
    }
}

/// Without parentheses and signs.
pub(super) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => bare(&unary.expr),
        Expr::Paren(inner) => bare(&inner.expr),
        Expr::Group(inner) => bare(&inner.expr),
        expr => expr,
    }
}

/// A literal without a unit.
fn is_number(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::Lit(lit) if unit::suffix(&lit.lit).is_none())
}

/// The value of a plain number that literals show.
pub(super) fn plain(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Lit(lit) if unit::suffix(&lit.lit).is_none() => unit::number(&lit.lit),
        Expr::Paren(inner) => plain(&inner.expr),
        Expr::Group(inner) => plain(&inner.expr),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => plain(&unary.expr).map(|value| -value),
        Expr::Binary(binary) => {
            let (left, right) = (plain(&binary.left)?, plain(&binary.right)?);
            match binary.op {
                BinOp::Add(_) => Some(left + right),
                BinOp::Sub(_) => Some(left - right),
                BinOp::Mul(_) => Some(left * right),
                BinOp::Div(_) => Some(left / right),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A number that rustc can compute, whole literals as `f64`.
pub(super) fn constant(expr: &Expr) -> Option<Expr> {
    match expr {
        Expr::Lit(lit) if unit::suffix(&lit.lit).is_none() => {
            let value = unit::number(&lit.lit)?;
            Some(parse_quote!(#value))
        }
        Expr::Path(path) => {
            let last = path.path.segments.last()?;
            is_upper(&last.ident).then(|| expr.clone())
        }
        Expr::Paren(inner) => constant(&inner.expr).map(|inner| parse_quote!((#inner))),
        Expr::Group(inner) => constant(&inner.expr).map(|inner| parse_quote!((#inner))),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            let inner = constant(&unary.expr)?;
            Some(parse_quote!(-(#inner)))
        }
        Expr::Binary(binary)
            if matches!(binary.op, BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Div(_)) =>
        {
            let (left, op, right) = (constant(&binary.left)?, &binary.op, constant(&binary.right)?);
            Some(parse_quote!((#left) #op (#right)))
        }
        _ => None,
    }
}

/// The frequency of a literal in hertz.
pub(super) fn frequency(expr: &Expr) -> Option<f64> {
    let Expr::Lit(lit) = expr else { return None };
    let factor = match unit::suffix(&lit.lit)? {
        "Hz" => 1.0,
        "kHz" => 1e3,
        "MHz" => 1e6,
        "GHz" => 1e9,
        _ => return None,
    };
    unit::number(&lit.lit).map(|value| value * factor).filter(|hertz| hertz.is_finite())
}

/// What a duration is, where literals, constants and names of these show it.
pub(super) fn time(expr: &Expr, known: &dyn Fn(&str) -> Option<Time>) -> Option<Time> {
    match expr {
        Expr::Lit(lit) => {
            let value = unit::number(&lit.lit)?;
            let nanoseconds = |factor: f64| Time { nanoseconds: value * factor, ..Time::default() };
            match unit::suffix(&lit.lit)? {
                "ns" => Some(nanoseconds(1.0)),
                "us" => Some(nanoseconds(1e3)),
                "ms" => Some(nanoseconds(1e6)),
                "s" => Some(nanoseconds(1e9)),
                "dt" => Some(Time { samples: value, ..Time::default() }),
                _ => None,
            }
        }
        Expr::Path(path) => {
            let name: Option<&Ident> = path.path.get_ident();
            if let Some(time) = name.and_then(|name| known(&name.to_string())) {
                return Some(time);
            }
            let last = path.path.segments.last()?;
            let is_constant = is_upper(&last.ident);
            is_constant.then(|| Time { constants: vec![(1.0, expr.clone())], ..Time::default() })
        }
        Expr::Paren(inner) => time(&inner.expr, known),
        Expr::Group(inner) => time(&inner.expr, known),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            Some(Time::default().plus(&time(&unary.expr, known)?, -1.0))
        }
        Expr::Binary(binary) => match binary.op {
            BinOp::Add(_) => Some(time(&binary.left, known)?.plus(&time(&binary.right, known)?, 1.0)),
            BinOp::Sub(_) => Some(time(&binary.left, known)?.plus(&time(&binary.right, known)?, -1.0)),
            BinOp::Mul(_) => {
                let (factor, of) = match (plain(&binary.left), plain(&binary.right)) {
                    (Some(factor), None) => (factor, &binary.right),
                    (None, Some(factor)) => (factor, &binary.left),
                    _ => return None,
                };
                Some(Time::default().plus(&time(of, known)?, factor))
            }
            BinOp::Div(_) => {
                let divisor = plain(&binary.right)?;
                Some(Time::default().plus(&time(&binary.left, known)?, divisor.recip()))
            }
            _ => None,
        },
        _ => None,
    }
}
