//! Angles as texts that are read as the same number, bit by bit.

use std::f64::consts::PI;
use std::fmt::Write as _;

use crate::Angle;

/// An angle, its parameters by name.
pub(super) fn angle(angle: &Angle, names: &[impl AsRef<str>]) -> String {
    let mut text = String::new();
    for (parameter, coefficient) in angle.terms() {
        let sign = match (text.is_empty(), coefficient < 0.0) {
            (true, false) => "",
            (true, true) => "-",
            (false, false) => " + ",
            (false, true) => " - ",
        };
        text.push_str(sign);
        if coefficient.abs() != 1.0 {
            // writing to a string cannot fail
            let _ = write!(text, "{}*", number(coefficient.abs()));
        }
        text.push_str(names[parameter].as_ref());
    }
    if text.is_empty() {
        return number(angle.offset());
    }
    if angle.offset() != 0.0 {
        let sign = if angle.offset() < 0.0 { " - " } else { " + " };
        let _ = write!(text, "{sign}{}", number(angle.offset().abs()));
    }
    text
}

/// A number: a multiple of pi where that is exact, else all its digits.
fn number(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    let size = value.abs();
    for denominator in [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0, 64.0] {
        let numerator = (size / PI * denominator).round();
        if (1.0..=64.0).contains(&numerator) && numerator * PI / denominator == size {
            let top = if numerator == 1.0 { "pi".to_owned() } else { format!("{numerator}*pi") };
            return if denominator == 1.0 {
                format!("{sign}{top}")
            } else {
                format!("{sign}{top}/{denominator}")
            };
        }
    }
    let digits = format!("{value:?}");
    // version 2 knows no number with an exponent but without a point
    match digits.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0e{exponent}"),
        _ => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_where_that_is_exact() {
        let none: [&str; 0] = [];
        let text = |value: f64| angle(&Angle::radians(value), &none);
        assert_eq!(text(PI / 2.0), "pi/2");
        assert_eq!(text(-3.0 * PI / 4.0), "-3*pi/4");
        assert_eq!(text(0.1), "0.1");
        assert_eq!(text(1e-7), "1.0e-7");
        assert_eq!(text(1.5e300), "1.5e300");
        let sum = Angle::parameter(1) * -0.5 + Angle::parameter(0) - PI;
        assert_eq!(angle(&sum, &["a", "b"]), "a - 0.5*b - pi");
    }
}
