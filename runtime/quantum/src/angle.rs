//! Angles: affine expressions of trainable parameters.

use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

/// How many different parameters one angle may mix.
pub const MAX_TERMS: usize = 4;

const NONE: u32 = u32::MAX;

/// An angle in radians: `offset + sum coefficient * parameter`, with at most [`MAX_TERMS`] different parameters.
///
/// Affine is what gradients by parameter shift need, and `Copy` is what lets `2.0 * gamma[p]` be written in a loop.
/// An expression that is not finite or has more parameters is NaN ([`Angle::is_valid`] is false); a circuit refuses it
/// with [`Error::Angle`](crate::Error::Angle) or [`Error::AngleTerms`](crate::Error::AngleTerms).
///
/// ```
/// use ketline_quantum::Angle;
///
/// let angle = 2.0 * Angle::parameter(0) - Angle::degrees(90.0);
/// assert_eq!(angle.value(&[1.0]), 2.0 - std::f64::consts::FRAC_PI_2);
/// ```
#[derive(Copy, Clone, PartialEq)]
pub struct Angle {
    offset: f64,
    coefficients: [f64; MAX_TERMS],
    parameters: [u32; MAX_TERMS],
}

impl Angle {
    /// What mixes more parameters than fit.
    const CROWDED: Self =
        Self { offset: f64::NAN, coefficients: [f64::NAN; MAX_TERMS], parameters: [NONE; MAX_TERMS] };

    /// The angle 0.
    pub const ZERO: Self = Self::radians(0.0);

    /// A constant angle in radians.
    pub const fn radians(value: f64) -> Self {
        Self { offset: value, coefficients: [0.0; MAX_TERMS], parameters: [NONE; MAX_TERMS] }
    }

    /// A constant angle in degrees.
    pub const fn degrees(value: f64) -> Self {
        Self::radians(value * (std::f64::consts::PI / 180.0))
    }

    /// A constant angle in full turns.
    pub const fn turns(value: f64) -> Self {
        Self::radians(value * std::f64::consts::TAU)
    }

    /// The trainable parameter number `index` of a circuit, as an angle.
    pub const fn parameter(index: usize) -> Self {
        if index >= NONE as usize {
            return Self::radians(f64::NAN);
        }
        let mut angle = Self::radians(0.0);
        angle.coefficients[0] = 1.0;
        angle.parameters[0] = index as u32;
        angle
    }

    /// The constant part, in radians.
    pub const fn offset(&self) -> f64 {
        self.offset
    }

    /// The parameters that take part, as `(index, coefficient)`, in increasing order of index.
    pub fn terms(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.parameters
            .iter()
            .zip(&self.coefficients)
            .take_while(|(p, _)| **p != NONE)
            .map(|(p, c)| (*p as usize, *c))
    }

    /// Whether no parameter takes part.
    pub const fn is_constant(&self) -> bool {
        self.parameters[0] == NONE
    }

    /// Whether the offset and all coefficients are finite and the parameters fitted.
    pub fn is_valid(&self) -> bool {
        self.offset.is_finite() && self.coefficients.iter().all(|c| c.is_finite())
    }

    /// Whether more than [`MAX_TERMS`] parameters have met, so that the expression was lost.
    pub fn is_crowded(&self) -> bool {
        self.is_constant() && self.coefficients[0].is_nan()
    }

    /// The angle in radians when the parameters have the given values; parameters beyond the slice count as NaN.
    pub fn value(&self, parameters: &[f64]) -> f64 {
        self.terms().fold(self.offset, |sum, (p, c)| sum + c * parameters.get(p).copied().unwrap_or(f64::NAN))
    }

    /// The angle with each parameter replaced by what `of` says.
    #[must_use]
    pub fn substitute(&self, mut of: impl FnMut(usize) -> Angle) -> Self {
        self.terms().fold(Self::radians(self.offset), |sum, (p, c)| sum + of(p) * c)
    }

    /// The highest parameter index that takes part.
    pub fn last_parameter(&self) -> Option<usize> {
        self.terms().map(|(p, _)| p).last()
    }

    fn push(&mut self, parameter: u32, coefficient: f64) {
        if self.is_crowded() {
            return;
        }
        let mut at = 0;
        while at < MAX_TERMS && self.parameters[at] < parameter {
            at += 1;
        }
        if at < MAX_TERMS && self.parameters[at] == parameter {
            self.coefficients[at] += coefficient;
            if self.coefficients[at] == 0.0 {
                self.parameters[at..].rotate_left(1);
                self.coefficients[at..].rotate_left(1);
                self.parameters[MAX_TERMS - 1] = NONE;
            }
        } else if self.parameters[MAX_TERMS - 1] != NONE {
            *self = Self::CROWDED; // refused where it is used
        } else {
            self.parameters[at..].rotate_right(1);
            self.coefficients[at..].rotate_right(1);
            self.parameters[at] = parameter;
            self.coefficients[at] = coefficient;
        }
    }
}

impl From<f64> for Angle {
    fn from(value: f64) -> Self {
        Self::radians(value)
    }
}

impl From<&Angle> for Angle {
    fn from(value: &Angle) -> Self {
        *value
    }
}

impl Add for Angle {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        if self.is_crowded() || other.is_crowded() {
            return Self::CROWDED;
        }
        self.offset += other.offset;
        for (parameter, coefficient) in other.terms() {
            self.push(parameter as u32, coefficient);
        }
        self
    }
}

impl Mul<f64> for Angle {
    type Output = Self;

    fn mul(mut self, factor: f64) -> Self {
        if factor == 0.0 && self.is_valid() {
            return Self::ZERO;
        }
        self.offset *= factor;
        for (coefficient, parameter) in self.coefficients.iter_mut().zip(self.parameters) {
            if parameter != NONE {
                *coefficient *= factor;
            }
        }
        self
    }
}

impl Neg for Angle {
    type Output = Self;

    fn neg(self) -> Self {
        self * -1.0
    }
}

impl Sub for Angle {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Div<f64> for Angle {
    type Output = Self;

    fn div(self, divisor: f64) -> Self {
        self * (1.0 / divisor)
    }
}

impl Mul<Angle> for f64 {
    type Output = Angle;

    fn mul(self, angle: Angle) -> Angle {
        angle * self
    }
}

impl Add<f64> for Angle {
    type Output = Self;

    fn add(self, other: f64) -> Self {
        self + Self::radians(other)
    }
}

impl Sub<f64> for Angle {
    type Output = Self;

    fn sub(self, other: f64) -> Self {
        self + Self::radians(-other)
    }
}

impl Add<Angle> for f64 {
    type Output = Angle;

    fn add(self, angle: Angle) -> Angle {
        angle + self
    }
}

impl Sub<Angle> for f64 {
    type Output = Angle;

    fn sub(self, angle: Angle) -> Angle {
        -angle + self
    }
}

impl AddAssign for Angle {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Angle {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl fmt::Debug for Angle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |p, f| write!(f, "p{p}"))
    }
}

impl Angle {
    /// Writes the expression, each parameter named by `name`.
    pub(crate) fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        mut name: impl FnMut(usize, &mut fmt::Formatter<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let mut first = true;
        for (parameter, coefficient) in self.terms() {
            let sign = if coefficient < 0.0 { "-" } else { "+" };
            match (first, coefficient < 0.0) {
                (true, false) => {}
                (true, true) => write!(f, "-")?,
                (false, _) => write!(f, " {sign} ")?,
            }
            if coefficient.abs() != 1.0 {
                write!(f, "{}*", short(coefficient.abs()))?;
            }
            name(parameter, f)?;
            first = false;
        }
        if first {
            write!(f, "{}", radians(self.offset))
        } else if self.offset != 0.0 {
            let sign = if self.offset < 0.0 { "-" } else { "+" };
            write!(f, " {sign} {}", radians(self.offset.abs()))
        } else {
            Ok(())
        }
    }
}

/// A number with at most four decimals, without trailing zeros.
fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Radians the way a person writes them: multiples of pi over small denominators by name, else four decimals.
fn radians(value: f64) -> String {
    let turns = value / std::f64::consts::PI;
    for denominator in [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0] {
        let numerator = turns * denominator;
        if numerator != 0.0 && numerator.abs() < 64.0 && (numerator - numerator.round()).abs() < 1e-12 {
            let top = match numerator.round() {
                1.0 => "pi".to_owned(),
                -1.0 => "-pi".to_owned(),
                n => format!("{n}pi"),
            };
            return if denominator == 1.0 { top } else { format!("{top}/{denominator}") };
        }
    }
    short(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_affine() {
        let (a, b) = (Angle::parameter(3), Angle::parameter(1));
        let sum = 2.0 * a - b / 2.0 + 0.25;
        assert_eq!(sum.terms().collect::<Vec<_>>(), [(1, -0.5), (3, 2.0)]);
        assert_eq!(sum.value(&[0.0, 4.0, 0.0, 1.0]), 2.0 - 2.0 + 0.25);
        assert!((a - a).is_constant());
    }

    #[test]
    fn too_many_parameters_are_refused_not_dropped() {
        let four = (0..4).fold(Angle::ZERO, |sum, p| sum + Angle::parameter(p));
        assert!(four.is_valid());
        let five = four + Angle::parameter(9);
        for angle in [five, -five, 0.0 * five + 1.0, Angle::parameter(1) - five, five + four] {
            assert!(!angle.is_valid() && angle.is_crowded());
        }
        assert!(!(Angle::radians(1.0) * f64::INFINITY).is_crowded());
        assert!((four + Angle::parameter(2)).is_valid());
    }

    #[test]
    fn angles_print_as_people_write_them() {
        assert_eq!(format!("{:?}", Angle::degrees(90.0)), "pi/2");
        assert_eq!(format!("{:?}", 2.0 * Angle::parameter(0) - Angle::turns(0.25)), "2*p0 - pi/2");
        assert_eq!(format!("{:?}", -Angle::parameter(1)), "-p1");
        assert_eq!(format!("{:?}", Angle::radians(0.3)), "0.3");
    }
}
