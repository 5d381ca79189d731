//! Arithmetic of observables.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

use super::{Observable, PauliProduct};
use crate::C64;

impl From<f64> for Observable {
    fn from(value: f64) -> Self {
        Self::constant(value)
    }
}

impl From<&Observable> for Observable {
    fn from(value: &Observable) -> Self {
        value.clone()
    }
}

impl From<PauliProduct> for Observable {
    fn from(product: PauliProduct) -> Self {
        Self::term(product, 1.0)
    }
}

impl<O: Into<Observable>> AddAssign<O> for Observable {
    fn add_assign(&mut self, other: O) {
        let mut other = other.into();
        if other.terms.len() > self.terms.len() {
            std::mem::swap(self, &mut other);
        }
        self.beyond = self.beyond.max(other.beyond);
        for (product, coefficient) in other.terms {
            self.add_term(product, coefficient);
        }
    }
}

impl<O: Into<Observable>> SubAssign<O> for Observable {
    fn sub_assign(&mut self, other: O) {
        *self += -other.into();
    }
}

impl Neg for Observable {
    type Output = Self;

    fn neg(self) -> Self {
        self * -1.0
    }
}

impl Mul<f64> for Observable {
    type Output = Self;

    fn mul(mut self, factor: f64) -> Self {
        self.terms.values_mut().for_each(|coefficient| *coefficient *= factor);
        self.terms.retain(|_, coefficient| *coefficient != C64::ZERO);
        self
    }
}

impl Div<f64> for Observable {
    type Output = Self;

    fn div(mut self, divisor: f64) -> Self {
        self.terms.values_mut().for_each(|coefficient| *coefficient /= divisor);
        self
    }
}

impl Mul for &Observable {
    type Output = Observable;

    /// The operator product; `other` acts first.
    fn mul(self, other: Self) -> Observable {
        let mut product = Observable { beyond: self.beyond.max(other.beyond), ..Observable::default() };
        for (left, a) in self.terms() {
            for (right, b) in other.terms() {
                let (phase, joined) = left.times(right);
                product.add_term(joined, a * b * phase);
            }
        }
        product
    }
}

impl Mul for Observable {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        &self * &other
    }
}

impl<O: Into<Observable>> Add<O> for Observable {
    type Output = Self;

    fn add(mut self, other: O) -> Self {
        self += other;
        self
    }
}

impl<O: Into<Observable>> Sub<O> for Observable {
    type Output = Self;

    fn sub(mut self, other: O) -> Self {
        self -= other;
        self
    }
}

impl Add<Observable> for f64 {
    type Output = Observable;

    fn add(self, other: Observable) -> Observable {
        other + self
    }
}

impl Sub<Observable> for f64 {
    type Output = Observable;

    fn sub(self, other: Observable) -> Observable {
        -other + self
    }
}

impl Mul<Observable> for f64 {
    type Output = Observable;

    fn mul(self, other: Observable) -> Observable {
        other * self
    }
}

impl Sum for Observable {
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        terms.fold(Self::zero(), Add::add)
    }
}
