//! Functions of each element, arithmetic with broadcasting, conversions.

#![allow(unsafe_code)] // parts that workers write at once, see `Shared`

use super::{Call, Cost, Operator, Role, Saved, pass_all, rule};
use crate::kernel::elementwise::{
    Broadcast, GRAIN, Map, Pair, Zip, broadcast_strides, map, zip, zip_broadcast, zip_broadcast_same,
};
use crate::kernel::real::{Element, Real, from_bf16, real, to_bf16};
use crate::kernel::shared::Shared;
use crate::{DType, Derivation, Dim, Error, Extent, Result, TensorType};

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
            use super::{Map, Real, gelu_argument, half_erf, sigmoid};
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
            use super::{GELU, Real, Zip, gelu_argument, half_erf, sigmoid};
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
    /// `max(x, 0)`.
    Relu "relu", slope of result, |x| x.max(T::ZERO), |y| if y > T::ZERO { T::ONE } else { T::ZERO };
    /// `x Phi(x)` with the normal distribution's Phi.
    Gelu "gelu", slope of operand, |x| x * half_erf(x),
        |x| half_erf(x) + x * (T::of(-0.5) * x * x).exp() * T::of(0.398_942_280_401_432_7);
    /// The approximation of `gelu` by a hyperbolic tangent, as GPT-2 uses it.
    GeluTanh "gelu_tanh", slope of operand, |x| x * sigmoid(gelu_argument(x)), |x| {
        let s = sigmoid(gelu_argument(x));
        s + x * s * (T::ONE - s) * (T::of(2.0 * GELU) + T::of(6.0 * GELU * 0.044_715) * x * x)
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

/// `(1 + tanh(z)) / 2` is the sigmoid of `2 z`, and this is `2 z`.
#[inline(always)]
#[allow(clippy::inline_always)]
fn gelu_argument<T: Real>(x: T) -> T {
    x * (T::of(2.0 * GELU) + T::of(2.0 * GELU * 0.044_715) * x * x)
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

/// Arithmetic on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // the names say it
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

macro_rules! arithmetic {
    ($($name:ident: $operator:tt),*) => {$(
        #[derive(Clone, Copy)]
        struct $name;
        impl<T: Real> Zip<T> for $name {
            #[inline(always)]
            #[allow(clippy::inline_always)]
            fn at(self, x: T, a: T) -> T { x $operator a }
        }
    )*};
}
arithmetic!(Add: +, Subtract: -, Multiply: *, Divide: /);

/// Arithmetic on two tensors; axes are aligned from the last one, and one of size 1 is repeated, as in NumPy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Binary(pub Arithmetic);

/// The shape of two broadcast shapes.
pub(crate) fn broadcast(operator: &'static str, a: &[Dim], b: &[Dim]) -> Result<Vec<Dim>> {
    let rank = a.len().max(b.len());
    let one = Dim::from(1);
    let at = |shape: &[Dim], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(axis) => shape[axis].clone(),
        None => one.clone(),
    };
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (x, y) if x == y || y == one => Ok(x),
            (x, y) if x == one => Ok(y),
            (x, y) => Err(Error::Shape {
                operator,
                what: format!("axis {axis} of {a:?} and {b:?}"),
                found: y.to_string(),
                expected: format!("{x} or 1"),
            }),
        })
        .collect()
}

fn broadcast_roles(operand: &TensorType, result: &[Dim]) -> Vec<Role> {
    let lead = result.len() - operand.rank();
    let roles = operand.shape.iter().enumerate();
    roles
        .map(|(axis, dim)| if *dim == result[lead + axis] { Role::Passes(lead + axis) } else { Role::Whole })
        .collect()
}

impl Operator for Binary {
    fn name(&self) -> &'static str {
        match self.0 {
            Arithmetic::Add => "add",
            Arithmetic::Subtract => "subtract",
            Arithmetic::Multiply => "multiply",
            Arithmetic::Divide => "divide",
        }
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=2)?;
        rule::real(self.name(), &[&operands[0], &operands[1]])?;
        let shape = broadcast(self.name(), &operands[0].shape, &operands[1].shape)?;
        Ok(vec![operands[0].shaped(shape)])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        fn with<T: Real>(call: &Call<'_>, f: impl Zip<T>, g: impl Zip<T>) {
            let dims = &call.result_extent(0).dims;
            let (x, a) = (&call.operand_extent(0).dims, &call.operand_extent(1).dims);
            if x == dims && a == dims {
                if call.overwrites(1) {
                    zip(call.team(), call.pair(1, 0), call.operand::<T>(0), g);
                } else {
                    zip(call.team(), call.pair(0, 0), call.operand::<T>(1), f);
                }
                return;
            }
            let (x, a) = (broadcast_strides(x, dims), broadcast_strides(a, dims));
            // an operand as large as the result may lie where it goes
            if call.overwrites(0) {
                let Pair::Same(y) = call.pair(0, 0) else { return };
                return zip_broadcast_same(call.team(), y, call.operand::<T>(1), (dims, &a[..dims.len()]), f);
            }
            if call.overwrites(1) {
                let Pair::Same(y) = call.pair(1, 0) else { return };
                return zip_broadcast_same(call.team(), y, call.operand::<T>(0), (dims, &x[..dims.len()]), g);
            }
            let shape = Broadcast { dims, x: &x[..dims.len()], a: &a[..dims.len()] };
            zip_broadcast(call.team(), (call.operand(0), call.operand(1)), call.result(0), &shape, f);
        }
        #[derive(Clone, Copy)]
        struct Reversed<F>(F);
        impl<T, F: Zip<T>> Zip<T> for Reversed<F> {
            #[inline(always)]
            #[allow(clippy::inline_always)]
            fn at(self, x: T, a: T) -> T {
                self.0.at(a, x)
            }
        }
        real!(call.operand_extent(0).dtype, T => match self.0 {
            Arithmetic::Add => with::<T>(call, Add, Reversed(Add)),
            Arithmetic::Subtract => with::<T>(call, Subtract, Reversed(Subtract)),
            Arithmetic::Multiply => with::<T>(call, Multiply, Reversed(Multiply)),
            Arithmetic::Divide => with::<T>(call, Divide, Reversed(Divide)),
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let (x, a, g) = (at.operand(0), at.operand(1), at.gradient(0));
        let (dx, da) = match self.0 {
            Arithmetic::Add => (Some(g), Some(g)),
            Arithmetic::Subtract => {
                let da = if at.wants(1) {
                    Some(at.apply(Affine { scale: -1.0, shift: 0.0 }, &[g])?)
                } else {
                    None
                };
                (Some(g), da)
            }
            Arithmetic::Multiply => {
                let times = Self(Arithmetic::Multiply);
                let dx = if at.wants(0) { Some(at.apply(times, &[g, a])?) } else { None };
                let da = if at.wants(1) { Some(at.apply(times, &[g, x])?) } else { None };
                (dx, da)
            }
            Arithmetic::Divide => {
                let dx = at.apply(Self(Arithmetic::Divide), &[g, a])?;
                let da = if at.wants(1) {
                    // -g x / a^2 from the quotient, which is there anyway
                    let quotient = at.result(0);
                    let da = at.apply(Self(Arithmetic::Multiply), &[dx, quotient])?;
                    Some(at.apply(Affine { scale: -1.0, shift: 0.0 }, &[da])?)
                } else {
                    None
                };
                (Some(dx), da)
            }
        };
        for (k, gradient) in [(0, dx), (1, da)] {
            if let Some(gradient) = gradient.filter(|_| at.wants(k)) {
                let gradient = at.sum_to(gradient, k)?;
                at.add(k, gradient)?;
            }
        }
        Ok(())
    }

    fn saved(&self) -> Saved {
        match self.0 {
            Arithmetic::Add | Arithmetic::Subtract => Saved::default(),
            Arithmetic::Multiply => Saved { operands: &[0, 1], results: &[] },
            Arithmetic::Divide => Saved { operands: &[1], results: &[0] },
        }
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0), (1, 0)]
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let shape = broadcast(self.name(), &operands[0].shape, &operands[1].shape).unwrap_or_default();
        operands.iter().map(|operand| broadcast_roles(operand, &shape)).collect()
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

/// The same numbers in another type; to `BF16` they are rounded to nearest even, from real numbers to ids towards zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cast(pub DType);

impl Operator for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        Ok(vec![TensorType { dtype: self.0, shape: operands[0].shape.clone() }])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        /// Conversions of every type through the one that holds all of its values.
        fn convert<A: Element, B: Element>(call: &Call<'_>, f: impl Fn(A) -> B + Sync) {
            let (x, y) = (call.operand::<A>(0), call.result::<B>(0));
            let (n, y) = (y.len(), Shared::new(y));
            call.team().parts(n, GRAIN, |from, to| {
                // SAFETY: parts are disjoint.
                let y = unsafe { y.part(from, to - from) };
                y.iter_mut().zip(&x[from..to]).for_each(|(y, &x)| *y = f(x));
            });
        }
        fn from_wide<A: Element>(call: &Call<'_>, to: DType, wide: impl Fn(A) -> f64 + Sync) {
            match to {
                DType::F32 => convert::<A, f32>(call, |x| wide(x) as f32),
                DType::F64 => convert::<A, f64>(call, wide),
                DType::BF16 => convert::<A, u16>(call, |x| to_bf16(wide(x) as f32)),
                DType::I32 => convert::<A, i32>(call, |x| wide(x) as i32),
                DType::I64 => convert::<A, i64>(call, |x| wide(x) as i64),
                DType::Bool => convert::<A, u8>(call, |x| u8::from(wide(x) != 0.0)),
            }
        }
        match (call.operand_extent(0).dtype, self.0) {
            (DType::F32, DType::BF16) => convert(call, to_bf16),
            (DType::BF16, DType::F32) => convert(call, from_bf16),
            (DType::I64, DType::I64) => convert(call, |x: i64| x),
            (DType::F32, to) => from_wide(call, to, |x: f32| f64::from(x)),
            (DType::F64, to) => from_wide(call, to, |x: f64| x),
            (DType::BF16, to) => from_wide(call, to, |x: u16| f64::from(from_bf16(x))),
            (DType::I32, to) => from_wide(call, to, |x: i32| f64::from(x)),
            (DType::I64, to) => from_wide(call, to, |x: i64| x as f64),
            (DType::Bool, to) => from_wide(call, to, |x: u8| f64::from(u8::from(x != 0))),
        }
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let operand = at.operand_type(0).dtype;
        if operand.is_id() || operand == DType::Bool {
            return Ok(());
        }
        let gradient = at.gradient(0);
        let gradient = at.apply(Self(operand), &[gradient])?;
        at.add(0, gradient)
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![pass_all(operands[0].rank())]
    }
}

impl Call<'_> {
    /// Whether a result lies where this operand does.
    pub(crate) fn overwrites(&self, operand: usize) -> bool {
        self.shares(operand).is_some()
    }
}
