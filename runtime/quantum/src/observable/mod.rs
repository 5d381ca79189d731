//! Observables: real sums of Pauli products.
//!
//! ```
//! use ketline_quantum::Observable;
//!
//! let (x, z) = (Observable::x, Observable::z);
//! let ising = -1.0 * z(0) * z(1) - 0.5 * (x(0) + x(1));
//! assert_eq!(ising.to_string(), "-0.5 X(0) - 0.5 X(1) - Z(0) Z(1)");
//!
//! let edges = [(0, 1), (1, 2)];
//! let maxcut = Observable::sum(&edges, |(i, j)| 0.5 * (1.0 - z(*i) * z(*j)));
//! assert_eq!(maxcut.to_string(), "1 - 0.5 Z(0) Z(1) - 0.5 Z(1) Z(2)");
//! assert_eq!(maxcut.width(), 3);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```

mod declared;
mod operators;
mod pauli;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;

pub use declared::{Declared, Observed, Place};
pub use pauli::{MAX_QUBITS, PauliProduct};

use crate::{C64, Error, Matrix, Result};

/// Qubits of the largest observable that is written as a dense matrix.
const MAX_DENSE: usize = 13;

/// How large an imaginary part rounding may leave, relative to the largest coefficient.
const ROUNDING: f64 = 1e-12;

/// A sum of Pauli products, such as `0.5 (1 - Z(0) Z(1))`.
///
/// Like terms are joined as they are added. Coefficients are complex inside, so that products can be multiplied in
/// any order; what is left imaginary in the end is no observable, and every use of one says so with
/// [`Error::NotAnObservable`]. A qubit beyond [`MAX_QUBITS`] is also kept until use.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observable {
    terms: BTreeMap<PauliProduct, C64>,
    /// A qubit that no mask has room for.
    beyond: Option<usize>,
}

impl Observable {
    /// Pauli X on a qubit.
    pub fn x(qubit: impl Borrow<usize>) -> Self {
        Self::on(*qubit.borrow(), 1, 0)
    }

    /// Pauli Y on a qubit.
    pub fn y(qubit: impl Borrow<usize>) -> Self {
        Self::on(*qubit.borrow(), 1, 1)
    }

    /// Pauli Z on a qubit.
    pub fn z(qubit: impl Borrow<usize>) -> Self {
        Self::on(*qubit.borrow(), 0, 1)
    }

    /// The identity.
    pub fn identity() -> Self {
        Self::constant(1.0)
    }

    /// A multiple of the identity.
    pub fn constant(value: f64) -> Self {
        Self::term(PauliProduct::IDENTITY, value)
    }

    /// The observable 0.
    pub fn zero() -> Self {
        Self::default()
    }

    /// One product with its coefficient.
    pub fn term(product: PauliProduct, coefficient: f64) -> Self {
        let mut observable = Self::zero();
        observable.add_term(product, coefficient.into());
        observable
    }

    /// One product from a letter a qubit, the first for qubit 0: `Observable::pauli("XIZ", 0.5)` is `0.5 X(0) Z(2)`.
    ///
    /// # Errors
    /// As [`PauliProduct::parse`].
    pub fn pauli(letters: &str, coefficient: f64) -> Result<Self> {
        Ok(Self::term(PauliProduct::parse(letters)?, coefficient))
    }

    /// The sum of products written as [`Observable::pauli`] takes them: the form in which molecules are published.
    ///
    /// # Errors
    /// As [`PauliProduct::parse`].
    pub fn from_paulis<S: AsRef<str>>(list: impl IntoIterator<Item = (S, f64)>) -> Result<Self> {
        let mut sum = Self::zero();
        for (letters, coefficient) in list {
            sum.add_term(PauliProduct::parse(letters.as_ref())?, coefficient.into());
        }
        Ok(sum)
    }

    /// The sum of `term(item)` over all items.
    pub fn sum<I: IntoIterator, O: Into<Self>>(items: I, mut term: impl FnMut(I::Item) -> O) -> Self {
        items.into_iter().map(|item| term(item).into()).sum()
    }

    /// The least number of qubits that has room for every term.
    pub fn width(&self) -> usize {
        let used = self.terms.keys().map(|product| product.width()).max().unwrap_or(0);
        self.beyond.map_or(used, |qubit| qubit.saturating_add(1))
    }

    /// The products with their coefficients, like terms joined, in a fixed order.
    pub fn terms(&self) -> impl ExactSizeIterator<Item = (PauliProduct, C64)> {
        self.terms.iter().map(|(product, coefficient)| (*product, *coefficient))
    }

    /// The products with real coefficients, checked for use on `width` qubits.
    ///
    /// # Errors
    /// [`Error::NotAnObservable`] for a coefficient that is not real or not finite, [`Error::ObservableWidth`] for a qubit
    /// that is not there.
    pub fn real_terms(&self, width: usize) -> Result<Vec<(PauliProduct, f64)>> {
        if self.width() > width {
            return Err(Error::ObservableWidth { qubit: self.width() - 1, width });
        }
        let largest = self.terms.values().map(|c| c.norm()).fold(0.0, f64::max);
        let real = |(product, coefficient): (PauliProduct, C64)| {
            if coefficient.is_finite() && coefficient.im.abs() <= ROUNDING * largest {
                return Ok((product, coefficient.re));
            }
            Err(Error::NotAnObservable {
                term: product.to_string(),
                coefficient: coefficient_text(coefficient),
            })
        };
        self.terms().map(real).collect()
    }

    /// Whether every term is diagonal, so that counts of outcomes are enough to estimate it.
    pub fn is_diagonal(&self) -> bool {
        self.terms.keys().all(|product| product.is_diagonal())
    }

    /// The same observable without the terms whose coefficient is at most `threshold` in modulus.
    #[must_use]
    pub fn truncate(mut self, threshold: f64) -> Self {
        self.terms.retain(|_, coefficient| !matches!(coefficient.norm(), n if n <= threshold));
        self
    }

    /// The dense matrix on `width` qubits, at most 13 of them: for small systems and tests.
    ///
    /// # Errors
    /// As [`Observable::real_terms`]; [`Error::TooManyQubits`].
    pub fn matrix(&self, width: usize) -> Result<Matrix> {
        let terms = self.real_terms(width)?;
        if width > MAX_DENSE {
            return Err(Error::TooManyQubits { found: width, limit: MAX_DENSE });
        }
        let mut matrix = Matrix::zeros((1 << width, 1 << width));
        for (product, coefficient) in terms {
            let phase = product.phase() * coefficient;
            for j in 0..1 << width {
                matrix[(j ^ product.x as usize, j)] += phase * product.sign(j);
            }
        }
        Ok(matrix)
    }

    fn on(qubit: usize, x: u64, z: u64) -> Self {
        if qubit >= MAX_QUBITS {
            return Self { beyond: Some(qubit), ..Self::default() };
        }
        Self::term(PauliProduct { x: x << qubit, z: z << qubit }, 1.0)
    }

    fn add_term(&mut self, product: PauliProduct, coefficient: C64) {
        let sum = self.terms.entry(product).or_default();
        let scale = sum.norm() + coefficient.norm();
        *sum += coefficient;
        // what cancels up to rounding is gone; NaN compares false and stays to be refused at use
        if sum.norm() <= 4.0 * f64::EPSILON * scale {
            self.terms.remove(&product);
        }
    }
}

impl fmt::Display for Observable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(qubit) = self.beyond {
            return write!(f, "an observable on qubit {qubit}");
        }
        if self.terms.is_empty() {
            return f.write_str("0");
        }
        // by letters from X on qubit 0: people look for local terms first
        let mut terms: Vec<_> = self.terms().collect();
        terms.sort_by_key(|(product, _)| {
            (product.weight(), product.factors().map(|(letter, qubit)| (qubit, letter)).collect::<Vec<_>>())
        });
        for (at, (product, coefficient)) in terms.into_iter().enumerate() {
            let negative = coefficient.im == 0.0 && coefficient.re < 0.0;
            f.write_str(match (at, negative) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            })?;
            let text = coefficient_text(if negative { -coefficient } else { coefficient });
            match (product == PauliProduct::IDENTITY, text.as_str()) {
                (true, _) => f.write_str(&text)?,
                (false, "1") => write!(f, "{product}")?,
                (false, _) => write!(f, "{text} {product}")?,
            }
        }
        Ok(())
    }
}

fn coefficient_text(coefficient: C64) -> String {
    match (coefficient.re, coefficient.im) {
        (re, 0.0) => re.to_string(),
        (0.0, im) => format!("{im}i"),
        (re, im) => format!("({re} {} {}i)", if im < 0.0 { '-' } else { '+' }, im.abs()),
    }
}
