//! Units as literal suffixes: `90deg`, `160ns`, `5GHz`, `16GiB`.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Lit, LitFloat, LitInt};

/// What a unit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Angle,
    Duration,
    Frequency,
    Memory,
}

const UNITS: &[(&str, Quantity)] = &[
    ("rad", Quantity::Angle),
    ("deg", Quantity::Angle),
    ("turn", Quantity::Angle),
    ("ns", Quantity::Duration),
    ("us", Quantity::Duration),
    ("ms", Quantity::Duration),
    ("s", Quantity::Duration),
    ("dt", Quantity::Duration),
    ("Hz", Quantity::Frequency),
    ("kHz", Quantity::Frequency),
    ("MHz", Quantity::Frequency),
    ("GHz", Quantity::Frequency),
    ("KiB", Quantity::Memory),
    ("MiB", Quantity::Memory),
    ("GiB", Quantity::Memory),
    ("TiB", Quantity::Memory),
];

const RUST: &[&str] = &[
    "", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f16", "f32",
    "f64", "f128",
];

impl Quantity {
    pub(crate) fn of(suffix: &str) -> Option<Self> {
        UNITS.iter().find(|(unit, _)| *unit == suffix).map(|(_, quantity)| *quantity)
    }

    /// With its article, for the middle of a sentence.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Angle => "an angle",
            Self::Duration => "a duration",
            Self::Frequency => "a frequency",
            Self::Memory => "an amount of memory",
        }
    }

    /// Of several, at the beginning of a sentence.
    fn plural(self) -> &'static str {
        match self {
            Self::Angle => "angles",
            Self::Duration => "durations",
            Self::Frequency => "frequencies",
            Self::Memory => "amounts of memory",
        }
    }

    /// The units of this quantity as a list.
    pub(crate) fn units(self) -> String {
        let units = UNITS.iter().filter(|(_, quantity)| *quantity == self).map(|(unit, _)| *unit);
        units.collect::<Vec<_>>().join(", ")
    }
}

/// The suffix of a number that is not one of Rust's own.
pub(crate) fn suffix(literal: &Lit) -> Option<&str> {
    let suffix = match literal {
        Lit::Int(int) => int.suffix(),
        Lit::Float(float) => float.suffix(),
        _ => return None,
    };
    (!RUST.contains(&suffix)).then_some(suffix)
}

/// Is this a whole number without any suffix?
pub(crate) fn is_bare_integer(literal: &Lit) -> bool {
    matches!(literal, Lit::Int(int) if int.suffix().is_empty())
}

/// `90deg` as an expression of the runtime's `Angle`; `None` for a number without a unit.
pub(crate) fn angle(literal: &Lit) -> syn::Result<Option<TokenStream>> {
    expected(literal, Quantity::Angle)
}

/// A literal as an expression of the runtime's type for `wanted`; `None` for a number without a unit.
pub(crate) fn expected(literal: &Lit, wanted: Quantity) -> syn::Result<Option<TokenStream>> {
    let Some(unit) = suffix(literal) else { return Ok(None) };
    match Quantity::of(unit) {
        Some(found) if found == wanted => value(literal),
        Some(other) => {
            let message = format!("expected {}, found {}", wanted.noun(), other.noun());
            Err(syn::Error::new_spanned(literal, message))
        }
        None => {
            let message = format!("unknown unit `{unit}`; {} are {}", wanted.plural(), wanted.units());
            Err(syn::Error::new_spanned(literal, message))
        }
    }
}

/// The number of a literal, whatever its suffix, if it is not too large for one.
pub(crate) fn number(literal: &Lit) -> Option<f64> {
    let digits = match literal {
        Lit::Int(int) => LitInt::base10_digits(int),
        Lit::Float(float) => LitFloat::base10_digits(float),
        _ => return None,
    };
    digits.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// A literal with a unit as an expression of the runtime's type for it; `None` for a number without a unit.
pub(crate) fn value(literal: &Lit) -> syn::Result<Option<TokenStream>> {
    let Some(unit) = suffix(literal) else { return Ok(None) };
    let refused = |message: String| Err(syn::Error::new_spanned(literal, message));
    let Some(quantity) = Quantity::of(unit) else {
        return refused(format!("unknown unit `{unit}`"));
    };
    let Some(value) = number(literal) else {
        let digits = literal.to_token_stream().to_string();
        let digits = digits.trim_end_matches(unit);
        return refused(format!("`{digits}` is too large for {}", quantity.noun()));
    };
    let span = literal.span();
    let mut number = Literal::f64_suffixed(value);
    number.set_span(span);
    let of = |name| Ident::new(name, span);
    Ok(Some(match quantity {
        Quantity::Angle => {
            let unit = of(match unit {
                "deg" => "degrees",
                "turn" => "turns",
                _ => "radians",
            });
            quote_spanned!(span=> ::ketline::quantum::Angle::#unit(#number))
        }
        Quantity::Duration => {
            let unit = of(match unit {
                "ns" => "nanoseconds",
                "us" => "microseconds",
                "ms" => "milliseconds",
                "s" => "seconds",
                _ => "dt",
            });
            quote_spanned!(span=> ::ketline::quantum::pulse::Duration::#unit(#number))
        }
        Quantity::Frequency => {
            let unit = of(match unit {
                "kHz" => "kilohertz",
                "MHz" => "megahertz",
                "GHz" => "gigahertz",
                _ => "hertz",
            });
            quote_spanned!(span=> ::ketline::quantum::pulse::Frequency::#unit(#number))
        }
        Quantity::Memory => return refused("an amount of memory has no meaning here".into()),
    }))
}

/// The bytes that `16GiB` says; `None` for anything else, and for more than can be counted.
pub(crate) fn bytes(literal: &Lit) -> Option<u64> {
    let power = match suffix(literal)? {
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    match literal {
        Lit::Int(int) => int.base10_digits().parse::<u64>().ok()?.checked_mul(1 << power),
        Lit::Float(float) => {
            let bytes = float.base10_digits().parse::<f64>().ok()? * (1_u64 << power) as f64;
            (0.0..9e18).contains(&bytes).then_some(bytes as u64)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str) -> Result<Option<String>, String> {
        let literal = syn::parse_str::<Lit>(text).expect("a literal");
        angle(&literal)
            .map(|tokens| tokens.map(|t| t.to_string().replace(' ', "")))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn angles_expand() {
        assert_eq!(expand("90deg"), Ok(Some("::ketline::quantum::Angle::degrees(90f64)".into())));
        assert_eq!(expand("0.25turn"), Ok(Some("::ketline::quantum::Angle::turns(0.25f64)".into())));
        assert_eq!(expand("1_000rad"), Ok(Some("::ketline::quantum::Angle::radians(1000f64)".into())));
        assert_eq!(expand("1.5"), Ok(None));
        assert_eq!(expand("3usize"), Ok(None));
    }

    #[test]
    fn other_suffixes_are_refused() {
        assert_eq!(expand("5ns"), Err("expected an angle, found a duration".into()));
        assert_eq!(expand("0.5red"), Err("unknown unit `red`; angles are rad, deg, turn".into()));
        assert_eq!(expand("16GiB"), Err("expected an angle, found an amount of memory".into()));
    }
}
