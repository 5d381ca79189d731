//! What the expansions of the macros name. Nothing here is public API.

mod pulse;

pub use pulse::*;

use crate::circuit::{Bit, Bits, IntoQubits, QubitSlice, Qubits};
use crate::observable::{Declared, Place};
use crate::{Angle, Builder, Declaration, Observable, Program, Result, Topology};

/// Longest message of an assertion, in bytes; what is longer is cut.
const LENGTH: usize = 320;

/// Ends the evaluation of a constant with a message; each zero byte of the words is replaced by a number, with at most four
/// decimals. The compiler shows it at the caller's tokens.
///
/// # Panics
/// Always.
#[track_caller]
pub const fn fail(words: &str, numbers: &[f64]) -> ! {
    let words = words.as_bytes();
    let mut text = [0; LENGTH];
    let (mut length, mut next, mut at) = (0, 0, 0);
    while next < words.len() && length < LENGTH {
        if words[next] != 0 || at >= numbers.len() {
            text[length] = words[next];
            length += 1;
        } else {
            length = write(numbers[at], &mut text, length);
            at += 1;
        }
        next += 1;
    }
    match std::str::from_utf8(text.split_at(length).0) {
        Ok(text) => panic!("{}", text),
        Err(_) => panic!("this circuit does not fit its qubits"),
    }
}

/// Writes a number with at most four decimals, and says where the text ends then.
const fn write(number: f64, text: &mut [u8; LENGTH], mut length: usize) -> usize {
    const DECIMALS: u128 = 10_000;
    if number < 0.0 && length < LENGTH {
        text[length] = b'-';
        length += 1;
    }
    let scaled = (number.abs() * DECIMALS as f64 + 0.5) as u128;
    let (whole, mut rest) = (scaled / DECIMALS, scaled % DECIMALS);
    let mut unit = 1;
    while whole / unit >= 10 {
        unit *= 10;
    }
    while unit > 0 && length < LENGTH {
        text[length] = b'0' + (whole / unit % 10) as u8;
        (length, unit) = (length + 1, unit / 10);
    }
    if rest > 0 && length < LENGTH {
        text[length] = b'.';
        length += 1;
    }
    while rest > 0 && length < LENGTH {
        text[length] = b'0' + (rest * 10 / DECIMALS) as u8;
        (length, rest) = (length + 1, rest * 10 % DECIMALS);
    }
    length
}

/// Are two qubits of a device coupled?
pub const fn coupled<T: Topology>(a: usize, b: usize) -> bool {
    let mut at = 0;
    while at < T::EDGES.len() {
        let (c, d) = T::EDGES[at];
        if (a == c && b == d) || (a == d && b == c) {
            return true;
        }
        at += 1;
    }
    false
}

/// An observable must not be wider than its circuit.
///
/// # Panics
/// If it is; the compiler then shows the message.
#[track_caller]
pub const fn fits(observable: usize, circuit: usize) {
    if observable > circuit {
        fail(
            "observable acts on qubit \0, but the circuit has \0",
            &[(observable - 1) as f64, circuit as f64],
        );
    }
}

/// The end of a constructor.
pub fn program<D: Declaration>(builder: Builder) -> Result<Program<D>> {
    Program::new(builder)
}

/// A part of a register whose width the macro knows.
pub fn part<const N: usize>(slice: QubitSlice) -> Qubits<N> {
    slice.into_qubits()
}

/// Whole numbers in index arithmetic on run-time values.
#[diagnostic::on_unimplemented(
    message = "a qubit index is a `usize`, found `{Self}`",
    label = "not a `usize`"
)]
pub trait Index {
    /// The number.
    fn index(self) -> usize;
}

impl Index for usize {
    fn index(self) -> usize {
        self
    }
}

impl Index for &usize {
    fn index(self) -> usize {
        *self
    }
}

/// An index that no register has: what arithmetic on run-time values gives instead of overflow, so that the gate that
/// uses it reports it.
const NOWHERE: usize = usize::MAX;

/// `a + b`.
pub fn add(a: impl Index, b: impl Index) -> usize {
    a.index().saturating_add(b.index())
}

/// `a - b`.
pub fn sub(a: impl Index, b: impl Index) -> usize {
    a.index().checked_sub(b.index()).unwrap_or(NOWHERE)
}

/// `a * b`.
pub fn mul(a: impl Index, b: impl Index) -> usize {
    a.index().saturating_mul(b.index())
}

/// `a / b`.
pub fn div(a: impl Index, b: impl Index) -> usize {
    a.index().checked_div(b.index()).unwrap_or(NOWHERE)
}

/// `a % b`.
pub fn rem(a: impl Index, b: impl Index) -> usize {
    a.index().checked_rem(b.index()).unwrap_or(NOWHERE)
}

/// An array of angles or of measured bits.
pub trait Row {
    /// Its elements.
    type Item;

    /// The elements as a slice.
    fn items(&self) -> &[Self::Item];
}

impl<T, const N: usize> Row for [T; N] {
    type Item = T;

    fn items(&self) -> &[T] {
        self
    }
}

impl<const N: usize> Row for Bits<N> {
    type Item = Bit;

    fn items(&self) -> &[Bit] {
        &**self
    }
}

impl<T> Row for Vec<T> {
    type Item = T;

    fn items(&self) -> &[T] {
        self
    }
}

impl<T> Row for [T] {
    type Item = T;

    fn items(&self) -> &[T] {
        self
    }
}

impl<R: Row + ?Sized> Row for &R {
    type Item = R::Item;

    fn items(&self) -> &[R::Item] {
        (**self).items()
    }
}

/// An element, if it is there.
pub fn pick<R: Row + ?Sized>(row: Option<&R>, index: impl Index) -> Option<&R::Item> {
    row.and_then(|row| row.items().get(index.index()))
}

/// What stands for an element that is not there: the builder refuses it where it is used.
pub trait Missing: Copy {
    /// The stand-in.
    const MISSING: Self;
}

impl Missing for Angle {
    const MISSING: Self = Self::radians(f64::NAN);
}

impl Missing for Bit {
    const MISSING: Self = Self::MISSING;
}

impl<T: Missing, const N: usize> Missing for [T; N] {
    const MISSING: Self = [T::MISSING; N];
}

/// The element, or its stand-in.
pub fn found<T: Missing>(item: Option<&T>) -> T {
    item.copied().unwrap_or(T::MISSING)
}

/// What stands in an observable beside Paulis: numbers, and observables made elsewhere.
#[diagnostic::on_unimplemented(
    message = "an observable is made of real numbers and Pauli products, found `{Self}`",
    label = "neither `f64` nor an observable"
)]
pub trait Coefficient {
    /// A number or an observable.
    type Value;

    /// Without references.
    fn value(self) -> Self::Value;
}

impl Coefficient for f64 {
    type Value = f64;

    fn value(self) -> f64 {
        self
    }
}

impl Coefficient for &f64 {
    type Value = f64;

    fn value(self) -> f64 {
        *self
    }
}

impl Coefficient for Observable {
    type Value = Observable;

    fn value(self) -> Observable {
        self
    }
}

impl Coefficient for &Observable {
    type Value = Observable;

    fn value(self) -> Observable {
        self.clone()
    }
}

impl<P> Coefficient for Declared<P> {
    type Value = Observable;

    fn value(self) -> Observable {
        self.into()
    }
}

impl<P> Coefficient for &Declared<P> {
    type Value = Observable;

    fn value(self) -> Observable {
        self.into()
    }
}

/// A number or an observable inside `observable!`.
pub fn coefficient<C: Coefficient>(value: C) -> C::Value {
    value.value()
}

/// What `observable!` gives.
pub fn observable(observable: impl Into<Observable>) -> Observable {
    observable.into()
}

/// What `observable!` gives where it saw all qubits; `place` is a value so that its type needs no name outside.
pub fn declared<P: Place>(observable: impl Into<Observable>, _place: P) -> Declared<P> {
    Declared::new(observable.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_arithmetic_never_overflows() {
        assert_eq!(sub(1, 2), NOWHERE);
        assert_eq!(add(usize::MAX, 1), NOWHERE);
        assert_eq!(mul(usize::MAX, 2), NOWHERE);
        assert_eq!((div(1, 0), rem(1, 0)), (NOWHERE, NOWHERE));
        assert_eq!((add(2, 3), sub(5, 2), mul(2, 3), div(7, 2), rem(7, 2)), (5, 3, 6, 3, 1));
        for (a, b) in &[(5, 2), (4, 1)] {
            assert_eq!(sub(a, b), 3);
        }
    }

    #[test]
    fn missing_elements_are_refused_later() {
        let row = [[Angle::parameter(0); 2]; 3];
        assert_eq!(found(pick(pick(Some(&row), 2), 1)), Angle::parameter(0));
        assert!(!found(pick(pick(Some(&row), 3), 1)).is_valid());
    }

    #[test]
    #[should_panic(expected = "-0.5 0.2222 160.3 1")]
    fn messages_hold_decimals() {
        fail("\0 \0 \0 \0", &[-0.5, 2.0 / 9.0, 160.3, 0.99999]);
    }

    #[test]
    #[should_panic(expected = "edge 10 of this graph names vertex 0 of 1234567")]
    fn messages_hold_numbers() {
        fail("edge \0 of this graph names vertex \0 of \0", &[10.0, 0.0, 1_234_567.0]);
    }
}
