//! Sizes of axes as the macro knows them: sums of products of names, which are equal or not whatever the names stand for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{BinOp, Expr, Lit, Stmt};

use crate::diag::source;
use crate::unit;

/// When the number behind a name is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    /// `H` of `<const H: usize>`: when the pipeline is used.
    Generic(String),
    /// `B` of `F32<B, 4>`: when a plan is made.
    RunTime(String),
    /// A constant of Rust, which the compiler knows but the macro does not.
    Constant(String),
    /// A plain argument, or what is computed from one: when the pipeline is built.
    Plain(String),
    /// A size that is not followed.
    Unknown,
}

impl Name {
    fn text(&self) -> &str {
        match self {
            Self::Generic(text) | Self::RunTime(text) | Self::Constant(text) | Self::Plain(text) => text,
            Self::Unknown => "_",
        }
    }
}

/// The names of one pipeline that sizes can be written with; any other path is a constant.
#[derive(Clone, Default)]
pub(crate) struct Names {
    pub(crate) generic: BTreeSet<String>,
    pub(crate) run_time: BTreeSet<String>,
    pub(crate) plain: BTreeMap<String, Option<Size>>,
}

impl Names {
    /// Whether run-time sizes are only multiplied, as the runtime can.
    pub(crate) fn is_product(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Paren(inner) => self.is_product(&inner.expr),
            Expr::Group(inner) => self.is_product(&inner.expr),
            Expr::Binary(binary) if matches!(binary.op, BinOp::Mul(_)) => {
                self.is_product(&binary.left) && self.is_product(&binary.right)
            }
            Expr::Path(_) => true,
            expr => !self.size(expr).names().any(|name| matches!(name, Name::RunTime(_))),
        }
    }

    /// The size that an expression says.
    pub(crate) fn size(&self, expr: &Expr) -> Size {
        match expr {
            Expr::Lit(lit) => match &lit.lit {
                Lit::Int(int) if unit::suffix(&lit.lit).is_none() => {
                    int.base10_parse().map_or_else(|_| Size::unknown(), Size::number)
                }
                _ => Size::unknown(),
            },
            Expr::Paren(inner) => self.size(&inner.expr),
            Expr::Group(inner) => self.size(&inner.expr),
            Expr::Block(_) => match unbraced(expr) {
                Expr::Block(_) => Size::unknown(),
                inner => self.size(inner),
            },
            Expr::Path(path) => match path.path.get_ident().map(ToString::to_string) {
                Some(name) if self.generic.contains(&name) => Size::name(Name::Generic(name)),
                Some(name) if self.run_time.contains(&name) => Size::name(Name::RunTime(name)),
                Some(name) if self.plain.contains_key(&name) => {
                    self.plain[&name].clone().unwrap_or_else(|| Size::name(Name::Plain(name)))
                }
                // constants are upper-case; another name is none, or rustc says so
                Some(name) if !name.starts_with(char::is_uppercase) => Size::name(Name::Plain(name)),
                _ if path.qself.is_none() => Size::name(Name::Constant(source(path))),
                _ => Size::unknown(),
            },
            Expr::Binary(binary) => {
                let (left, right) = (self.size(&binary.left), self.size(&binary.right));
                match binary.op {
                    BinOp::Add(_) => left.plus(&right),
                    BinOp::Sub(_) => left.plus(&right.times(&Size::number(-1))),
                    BinOp::Mul(_) => left.times(&right),
                    BinOp::Div(_) => left.over(&right),
                    _ => Size::unknown(),
                }
            }
            _ => Size::unknown(),
        }
    }
}

/// `{ 4 * H }` to `4 * H`.
pub(crate) fn unbraced(expr: &Expr) -> &Expr {
    match expr {
        Expr::Block(block) => match block.block.stmts.as_slice() {
            [Stmt::Expr(inner, None)] => inner,
            _ => expr,
        },
        expr => expr,
    }
}

/// What is known of two sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Same {
    Yes,
    No,
    /// The compiler can tell.
    Constant,
    /// Only the running program can tell.
    Later,
}

/// A sum of products of names, each with a whole coefficient.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(BTreeMap<Vec<Name>, i128>);

impl Size {
    pub(crate) fn number(value: i128) -> Self {
        Self(BTreeMap::from([(Vec::new(), value)])).tidy()
    }

    pub(crate) fn name(name: Name) -> Self {
        Self(BTreeMap::from([(vec![name], 1)]))
    }

    pub(crate) fn unknown() -> Self {
        Self::name(Name::Unknown)
    }

    fn tidy(mut self) -> Self {
        self.0.retain(|_, factor| *factor != 0);
        self
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        for (names, factor) in &other.0 {
            let of = sum.0.entry(names.clone()).or_default();
            match of.checked_add(*factor) {
                Some(value) => *of = value,
                None => return Self::unknown(),
            }
        }
        sum.tidy()
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut product = Self::default();
        for (a, x) in &self.0 {
            for (b, y) in &other.0 {
                let mut names = [a.clone(), b.clone()].concat();
                names.sort();
                let Some(factor) = x.checked_mul(*y) else { return Self::unknown() };
                product = product.plus(&Self(BTreeMap::from([(names, factor)])));
            }
        }
        product.tidy()
    }

    /// The quotient, where it is whole whatever the names stand for, or where both are numbers.
    pub(crate) fn over(&self, by: &Self) -> Self {
        if let (Some(a), Some(b)) = (self.value(), by.value()) {
            return a.checked_div(b).map_or_else(Self::unknown, Self::number);
        }
        let Some((divisor, factor)) = by.0.iter().next().filter(|_| by.0.len() == 1) else {
            return Self::unknown();
        };
        let mut quotient = Self::default();
        for (names, of) in &self.0 {
            let mut names = names.clone();
            for name in divisor {
                let Some(at) = names.iter().position(|own| own == name) else { return Self::unknown() };
                names.remove(at);
            }
            if of % factor != 0 {
                return Self::unknown();
            }
            quotient.0.insert(names, of / factor);
        }
        quotient
    }

    /// The number, if no name takes part.
    pub(crate) fn value(&self) -> Option<i128> {
        match self.0.len() {
            0 => Some(0),
            1 => self.0.get(&Vec::new()).copied(),
            _ => None,
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.0.keys().flatten()
    }

    /// The one name that it is, if it is one.
    pub(crate) fn bare(&self) -> Option<&Name> {
        match self.0.iter().next() {
            Some((names, 1)) if self.0.len() == 1 && names.len() == 1 => names.first(),
            _ => None,
        }
    }

    /// Whether the compiler can compute it: no name of a running program takes part.
    pub(crate) fn is_constant(&self) -> bool {
        self.names().all(|name| matches!(name, Name::Generic(_) | Name::Constant(_)))
    }

    pub(crate) fn is_generic(&self) -> bool {
        self.names().any(|name| matches!(name, Name::Generic(_)))
    }

    pub(crate) fn is_unknown(&self) -> bool {
        self.names().any(|name| *name == Name::Unknown)
    }

    /// Whether it is the same as another. Names are equal to themselves only, as generics are in Rust.
    pub(crate) fn same(&self, other: &Self) -> Same {
        if self == other && !self.is_unknown() {
            return Same::Yes;
        }
        let (mut constant, mut later) = (false, false);
        for name in self.names().chain(other.names()) {
            constant |= matches!(name, Name::Constant(_));
            later |= matches!(name, Name::Plain(_) | Name::Unknown);
        }
        if later || constant && !(self.is_constant() && other.is_constant()) {
            Same::Later
        } else if constant {
            Same::Constant
        } else {
            Same::No
        }
    }

    /// With sizes for names.
    pub(crate) fn substituted(&self, by: &BTreeMap<Name, Self>) -> Self {
        let mut sum = Self::default();
        for (names, factor) in &self.0 {
            let product = names.iter().fold(Self::number(*factor), |product, name| {
                product.times(by.get(name).unwrap_or(&Self::name(name.clone())))
            });
            sum = sum.plus(&product);
        }
        sum
    }

    /// As an expression of type `i128`, for a constant.
    pub(crate) fn constant(&self) -> TokenStream {
        let terms = self.0.iter().map(|(names, factor)| {
            let names = names.iter().map(|name| {
                let path: TokenStream = name.text().parse().unwrap_or_default();
                quote!(* ((#path) as i128))
            });
            quote!(+ #factor #(#names)*)
        });
        quote!((0_i128 #(#terms)*))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("0");
        }
        // names before numbers, as in `H + 1`
        for (k, (names, factor)) in self.0.iter().rev().enumerate() {
            let sign = match (k, *factor < 0) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            };
            f.write_str(sign)?;
            let factor = factor.unsigned_abs();
            let mut parts: Vec<String> = Vec::new();
            if factor != 1 || names.is_empty() {
                parts.push(factor.to_string());
            }
            parts.extend(names.iter().map(|name| name.text().to_owned()));
            f.write_str(&parts.join(" * "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let plain = BTreeMap::from([("width".to_owned(), None)]);
        Names { generic: set(&["S", "H"]), run_time: set(&["B"]), plain }
    }

    fn size(text: &str) -> Size {
        names().size(&syn::parse_str(text).expect("an expression"))
    }

    #[test]
    fn sizes_are_sums_of_products() {
        assert_eq!(size("2 * (H + S) - H"), size("H + 2 * S"));
        assert_eq!(size("{ 4 * H } / 2").to_string(), "2 * H");
        assert_eq!(size("H * B + 1").to_string(), "H * B + 1");
        assert_eq!(size("H - H").value(), Some(0));
        assert_eq!(size("7 / 2").value(), Some(3));
        assert!(size("H / 2").is_unknown() && size("f(3)").is_unknown() && size("1 / 0").is_unknown());
        assert!(size("170141183460469231731687303715884105727 + 1").is_unknown());
    }

    #[test]
    fn sizes_are_compared_by_name() {
        assert_eq!(size("2 * H").same(&size("H + H")), Same::Yes);
        assert_eq!(size("H").same(&size("S")), Same::No);
        assert_eq!(size("H").same(&size("768")), Same::No);
        assert_eq!(size("H").same(&size("a::WIDTH")), Same::Constant);
        assert_eq!(size("B").same(&size("WIDTH")), Same::Later);
        assert_eq!(size("width").same(&size("768")), Same::Later);
        assert_eq!(Size::unknown().same(&Size::unknown()), Same::Later);
    }
}
