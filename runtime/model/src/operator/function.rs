//! Functions of each element.

use super::{Call, Cost, Operator, Role, Saved, pass_all, rule};
use crate::kernel::elementwise::{Map, Zip, map, zip};
use crate::kernel::real::{Real, real};
use crate::{Derivation, Extent, Result, TensorType};

/// The table of functions: name, which of operand and result the slope is computed from, value, slope.
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident $text:literal, slope of $of:ident, |$x:ident| $value:expr, |$z:ident| $slope:expr;)*) => {
        /// A function that is applied to each element.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Function {
            $($(#[$doc])* $name,)*
        }

        impl Function {
            /// Every function.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Whether the slope is computed from the result; from the operand otherwise.
            pub const fn slope_of_result(self) -> bool {
                match self { $(Self::$name => functions!(@of $of),)* }
            }

            fn map<T: Real>(self, call: &Call<'_>) {
                match self { $(Self::$name => map::<T, _>(call.team(), call.pair(0, 0), value::$name),)* }
            }

            fn slope<T: Real>(self, call: &Call<'_>) {
                match self {
                    $(Self::$name => zip::<T, _>(call.team(), call.pair(0, 0), call.operand(1), slope::$name),)*
                }
            }
        }

        mod value {
            use super::{Map, Real, gelu_divisor, half_erf, sigmoid};
            $(
                #[derive(Clone, Copy)]
                pub(super) struct $name;
                impl<T: Real> Map<T> for $name {
                    #[inline(always)]
                    #[allow(clippy::inline_always)]
                    fn at(self, $x: T) -> T { $value }
                }
            )*
        }

        mod slope {
            use super::{GELU, Real, Zip, gelu_divisor, half_erf, sigmoid};
            $(
                #[derive(Clone, Copy)]
                pub(super) struct $name;
                impl<T: Real> Zip<T> for $name {
                    #[inline(always)]
                    #[allow(clippy::inline_always)]
                    fn at(self, gradient: T, $z: T) -> T { gradient * { $slope } }
                }
            )*
        }
    };
    (@of result) => { true };
    (@of operand) => { false };
}

functions! {
    /// `max(x, 0)`; NaN stays, so that a loss shows it.
    Relu "relu", slope of result, |x| if x < T::ZERO { T::ZERO } else { x },
        |y| if y <= T::ZERO { T::ZERO } else { T::ONE };
    /// `x Phi(x)` with the normal distribution's Phi.
    Gelu "gelu", slope of operand, |x| x * half_erf(x),
        |x| half_erf(x) + x * (T::of(-0.5) * x * x).exp() * T::of(0.398_942_280_401_432_7);
    /// The approximation of `gelu` by a hyperbolic tangent, as GPT-2 uses it.
    GeluTanh "gelu_tanh", slope of operand, |x| x / gelu_divisor(x), |x| {
        let s = T::ONE / gelu_divisor(x);
        let steepness = (x * x).fused(T::of(6.0 * GELU * 0.044_715), T::of(2.0 * GELU));
        (x * (-s).fused(s, s)).fused(steepness, s)
    };
    /// `x / (1 + exp(-x))`.
    Silu "silu", slope of operand, |x| x * sigmoid(x), |x| {
        let s = sigmoid(x);
        s * (T::ONE + x * (T::ONE - s))
    };
    /// `1 / (1 + exp(-x))`.
    Sigmoid "sigmoid", slope of result, |x| sigmoid(x), |y| y * (T::ONE - y);
    /// The hyperbolic tangent.
    Tanh "tanh", slope of result, |x| x.tanh(), |y| T::ONE - y * y;
    /// The exponential.
    Exp "exp", slope of result, |x| x.exp(), |y| y;
    /// The natural logarithm.
    Log "log", slope of operand, |x| x.ln(), |x| T::ONE / x;
    /// The square root.
    Sqrt "sqrt", slope of result, |x| x.sqrt(), |y| T::of(0.5) / y;
    /// The square.
    Square "square", slope of operand, |x| x * x, |x| x + x;
    /// The absolute value; its slope at zero is taken as zero.
    Abs "abs", slope of operand, |x| x.abs(), |x| {
        if x > T::ZERO { T::ONE } else if x < T::ZERO { -T::ONE } else { T::ZERO }
    };
}

/// `sqrt(2 / pi)`.
const GELU: f64 = 0.797_884_560_802_865_4;

#[inline(always)]
#[allow(clippy::inline_always)]
fn sigmoid<T: Real>(x: T) -> T {
    T::ONE / (T::ONE + (-x).exp())
}

/// `(1 + tanh(z)) / 2` is the sigmoid of `2 z`, one by `1 + exp(-2 z)`, and this is the divisor.
#[inline(always)]
#[allow(clippy::inline_always)]
fn gelu_divisor<T: Real>(x: T) -> T {
    const SCALE: f64 = -2.0 * GELU * std::f64::consts::LOG2_E;
    let exponent = x * (x * x).fused(T::of(0.044_715 * SCALE), T::of(SCALE));
    T::ONE + exponent.exp2()
}

#[inline(always)]
#[allow(clippy::inline_always)]
fn half_erf<T: Real>(x: T) -> T {
    T::of(0.5) * (T::ONE + (x * T::of(std::f64::consts::FRAC_1_SQRT_2)).erf())
}

/// A function of each element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Unary(pub Function);

impl Operator for Unary {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        rule::real(self.name(), &[&operands[0]])?;
        Ok(vec![operands[0].clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        real!(call.operand_extent(0).dtype, T => self.0.map::<T>(call));
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let saved = if self.0.slope_of_result() { at.result(0) } else { at.operand(0) };
        let gradient = at.gradient(0);
        let gradient = at.apply(UnaryGradient(self.0), &[gradient, saved])?;
        at.add(0, gradient)
    }

    fn saved(&self) -> Saved {
        if self.0.slope_of_result() {
            Saved { operands: &[], results: &[0] }
        } else {
            Saved { operands: &[0], results: &[] }
        }
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![pass_all(operands[0].rank())]
    }
}

/// A gradient times the slope of a function: operands are the gradient and what the slope is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnaryGradient(pub Function);

impl Operator for UnaryGradient {
    fn name(&self) -> &'static str {
        "function_gradient"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=2)?;
        rule::real(self.name(), &[&operands[0], &operands[1]])?;
        rule::equal(self.name(), "gradient and operand", &operands[1].shape, &operands[0].shape)?;
        Ok(vec![operands[0].clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        real!(call.operand_extent(0).dtype, T => self.0.slope::<T>(call));
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(2 * results[0].elements(), operands, results)
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![pass_all(operands[0].rank()); 2]
    }
}

/// `scale * x + shift`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    /// The factor.
    pub scale: f64,
    /// The summand.
    pub shift: f64,
}

#[derive(Clone, Copy)]
struct AffineMap<T>(T, T);

impl<T: Real> Map<T> for AffineMap<T> {
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn at(self, x: T) -> T {
        x * self.0 + self.1
    }
}

impl Operator for Affine {
    fn name(&self) -> &'static str {
        "affine"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        rule::real(self.name(), &[&operands[0]])?;
        Ok(vec![operands[0].clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        real!(call.operand_extent(0).dtype, T => {
            map::<T, _>(call.team(), call.pair(0, 0), AffineMap(T::of(self.scale), T::of(self.shift)));
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let gradient = at.gradient(0);
        let gradient = at.apply(Self { scale: self.scale, shift: 0.0 }, &[gradient])?;
        at.add(0, gradient)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(2 * results[0].elements(), operands, results)
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![pass_all(operands[0].rank())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relu_keeps_what_is_not_a_number() {
        for (x, y, slope) in [(-1.5_f32, 0.0, 0.0), (0.0, 0.0, 0.0), (2.5, 2.5, 3.0)] {
            assert_eq!((value::Relu.at(x), slope::Relu.at(3.0, y)), (y, slope));
        }
        assert!(Map::<f32>::at(value::Relu, f32::NAN).is_nan());
        assert_eq!(Zip::<f32>::at(slope::Relu, 3.0, f32::NAN), 3.0);
    }
}
