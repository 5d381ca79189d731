//! What stands between the parentheses of a gate: qubits, registers, slices, angles and measured bits.

use std::ops::{Deref, Not, Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use crate::{Angle, Error};

/// One qubit of a circuit under construction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Qubit {
    place: usize,
    fault: Option<Fault>,
}

/// An index that was out of range; the gate that uses it reports it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// An index beyond its register.
    Index { index: usize, width: usize },
    /// A register of another width than a circuit wants.
    Width { found: usize, expected: usize },
}

impl Fault {
    pub(crate) fn error(self, gate: &str, step: usize) -> Error {
        let gate = gate.to_owned();
        match self {
            Self::Index { index, width } => Error::QubitRange { gate, qubit: index, width, step },
            Self::Width { found, expected } => Error::Width { gate, found, expected },
        }
    }
}

impl Qubit {
    pub(crate) const fn new(place: usize) -> Self {
        Self { place, fault: None }
    }
}

/// A register of `N` qubits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Qubits<const N: usize> {
    places: [usize; N],
    fault: Option<Fault>,
}

impl<const N: usize> Qubits<N> {
    pub(crate) fn new(start: usize) -> Self {
        Self { places: std::array::from_fn(|k| start + k), fault: None }
    }

    /// One qubit (an integer) or a part (a range) of the register. What is out of range is reported by the gate that
    /// uses it.
    pub fn at<I: QubitIndex>(&self, index: I) -> I::Output {
        index.of(&self.places, self.fault)
    }
}

/// Some qubits, as many as a run-time value said.
#[derive(Debug, Clone, PartialEq)]
pub struct QubitSlice {
    places: Vec<usize>,
    fault: Option<Fault>,
}

impl QubitSlice {
    pub(crate) fn new(places: impl Into<Vec<usize>>) -> Self {
        Self { places: places.into(), fault: None }
    }

    /// How many qubits there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// One qubit (an integer) or a part (a range).
    pub fn at<I: QubitIndex>(&self, index: I) -> I::Output {
        index.of(&self.places, self.fault)
    }
}

/// What a register can be indexed with: `usize` gives a [`Qubit`], a range a [`QubitSlice`].
#[diagnostic::on_unimplemented(
    message = "a register is indexed with `usize` or a range of it, found `{Self}`",
    label = "not a qubit index"
)]
pub trait QubitIndex {
    /// What comes out.
    type Output;

    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn of(self, places: &[usize], fault: Option<Fault>) -> Self::Output;
}

impl QubitIndex for usize {
    type Output = Qubit;

    #[allow(private_interfaces)]
    fn of(self, places: &[usize], fault: Option<Fault>) -> Qubit {
        match places.get(self) {
            Some(place) => Qubit { place: *place, fault },
            None => Qubit { place: 0, fault: Some(Fault::Index { index: self, width: places.len() }) },
        }
    }
}

impl QubitIndex for &usize {
    type Output = Qubit;

    #[allow(private_interfaces)]
    fn of(self, places: &[usize], fault: Option<Fault>) -> Qubit {
        (*self).of(places, fault)
    }
}

impl QubitIndex for Range<usize> {
    type Output = QubitSlice;

    #[allow(private_interfaces)]
    fn of(self, places: &[usize], fault: Option<Fault>) -> QubitSlice {
        let Some(part) = places.get(self.clone()) else {
            let index = self.end.max(self.start).saturating_sub(1);
            return QubitSlice {
                places: Vec::new(),
                fault: Some(Fault::Index { index, width: places.len() }),
            };
        };
        QubitSlice { places: part.to_vec(), fault }
    }
}

macro_rules! ranges {
    ($($range:ty: |$r:ident, $places:ident| $as_range:expr),* $(,)?) => {$(
        impl QubitIndex for $range {
            type Output = QubitSlice;

            #[allow(private_interfaces)]
            fn of(self, $places: &[usize], fault: Option<Fault>) -> QubitSlice {
                let $r = self;
                ($as_range).of($places, fault)
            }
        }
    )*};
}

ranges! {
    RangeFull: |_r, places| 0..places.len(),
    RangeFrom<usize>: |r, places| r.start..places.len().max(r.start),
    RangeTo<usize>: |r, places| 0..r.end,
    RangeInclusive<usize>: |r, places| *r.start()..r.end().saturating_add(1),
    RangeToInclusive<usize>: |r, places| 0..r.end.saturating_add(1),
}

/// Qubits of one operand, as the builder takes them.
#[doc(hidden)]
#[derive(Debug, Clone, PartialEq)]
pub struct Places {
    pub(crate) list: Vec<usize>,
    pub(crate) single: bool,
    pub(crate) fault: Option<Fault>,
}

/// What a gate acts on: a [`Qubit`], or a register or slice, qubit by qubit.
#[diagnostic::on_unimplemented(message = "expected a qubit, found `{Self}`", label = "not a qubit")]
pub trait Operand {
    /// What measuring it gives.
    type Bits;

    #[doc(hidden)]
    fn qubits(&self) -> Places;

    #[doc(hidden)]
    fn bits(&self, first: usize) -> Self::Bits;
}

impl Operand for Qubit {
    type Bits = Bit;

    fn qubits(&self) -> Places {
        Places { list: vec![self.place], single: true, fault: self.fault }
    }

    fn bits(&self, first: usize) -> Bit {
        Bit { index: first }
    }
}

impl<const N: usize> Operand for Qubits<N> {
    type Bits = Bits<N>;

    fn qubits(&self) -> Places {
        Places { list: self.places.to_vec(), single: false, fault: self.fault }
    }

    fn bits(&self, first: usize) -> Bits<N> {
        Bits { bits: std::array::from_fn(|k| Bit { index: first + k }) }
    }
}

impl Operand for QubitSlice {
    type Bits = Vec<Bit>;

    fn qubits(&self) -> Places {
        Places { list: self.places.clone(), single: false, fault: self.fault }
    }

    fn bits(&self, first: usize) -> Vec<Bit> {
        (0..self.places.len()).map(|k| Bit { index: first + k }).collect()
    }
}

impl<const N: usize> Operand for [Qubit; N] {
    type Bits = Bits<N>;

    fn qubits(&self) -> Places {
        IntoQubits::into_qubits(*self).qubits()
    }

    fn bits(&self, first: usize) -> Bits<N> {
        IntoQubits::into_qubits(*self).bits(first)
    }
}

impl<T: Operand> Operand for &T {
    type Bits = T::Bits;

    fn qubits(&self) -> Places {
        (**self).qubits()
    }

    fn bits(&self, first: usize) -> T::Bits {
        (**self).bits(first)
    }
}

/// What a circuit that acts on `N` qubits can be called with.
#[diagnostic::on_unimplemented(
    message = "expected a register of {N} qubits, found `{Self}`",
    label = "does not have {N} qubits",
    note = "a part of a register is written `q[a..b]`"
)]
pub trait IntoQubits<const N: usize> {
    /// The register, as the called circuit sees it.
    fn into_qubits(self) -> Qubits<N>;
}

impl<const N: usize> IntoQubits<N> for Qubits<N> {
    fn into_qubits(self) -> Qubits<N> {
        self
    }
}

impl IntoQubits<1> for Qubit {
    fn into_qubits(self) -> Qubits<1> {
        Qubits { places: [self.place], fault: self.fault }
    }
}

impl<const N: usize> IntoQubits<N> for [Qubit; N] {
    fn into_qubits(self) -> Qubits<N> {
        Qubits { places: self.map(|qubit| qubit.place), fault: self.iter().find_map(|qubit| qubit.fault) }
    }
}

impl<const N: usize> IntoQubits<N> for QubitSlice {
    fn into_qubits(self) -> Qubits<N> {
        match <[usize; N]>::try_from(self.places) {
            Ok(places) => Qubits { places, fault: self.fault },
            Err(places) => {
                let width = Fault::Width { found: places.len(), expected: N };
                Qubits { places: [0; N], fault: self.fault.or(Some(width)) }
            }
        }
    }
}

/// What can stand where a gate takes an angle.
#[diagnostic::on_unimplemented(message = "expected an angle, found `{Self}`", label = "not an angle")]
pub trait IntoAngle {
    /// The angle.
    fn into_angle(self) -> Angle;
}

impl IntoAngle for Angle {
    fn into_angle(self) -> Angle {
        self
    }
}

impl IntoAngle for &Angle {
    fn into_angle(self) -> Angle {
        *self
    }
}

impl IntoAngle for f64 {
    fn into_angle(self) -> Angle {
        Angle::radians(self)
    }
}

impl IntoAngle for &f64 {
    fn into_angle(self) -> Angle {
        Angle::radians(*self)
    }
}

/// A measured bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bit {
    index: usize,
}

impl Bit {
    /// A bit that no circuit has; an `if` on it is refused.
    pub(crate) const MISSING: Self = Self { index: usize::MAX };

    /// Its number among the circuit's classical bits.
    pub fn index(self) -> usize {
        self.index
    }
}

/// `N` measured bits; it derefs to an array of [`Bit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bits<const N: usize> {
    bits: [Bit; N],
}

impl<const N: usize> Deref for Bits<N> {
    type Target = [Bit; N];

    fn deref(&self) -> &[Bit; N] {
        &self.bits
    }
}

/// A bit that must be 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotBit(Bit);

impl Not for Bit {
    type Output = NotBit;

    fn not(self) -> NotBit {
        NotBit(self)
    }
}

impl Not for NotBit {
    type Output = Bit;

    fn not(self) -> Bit {
        self.0
    }
}

/// What `if` can decide on.
#[diagnostic::on_unimplemented(
    message = "`if` needs a measured bit, found `{Self}`",
    label = "not a measured bit",
    note = "a quantum condition is written `control(q[0], ..)`"
)]
pub trait Condition {
    /// The bit and the value that it must have.
    fn condition(self) -> (Bit, bool);
}

impl Condition for Bit {
    fn condition(self) -> (Bit, bool) {
        (self, true)
    }
}

impl Condition for NotBit {
    fn condition(self) -> (Bit, bool) {
        (self.0, false)
    }
}

/// What a circuit can return: measured bits.
#[diagnostic::on_unimplemented(
    message = "a circuit returns measured bits, found `{Self}`",
    label = "not measured bits"
)]
pub trait Output {
    /// The bits, the first is the least significant.
    fn outputs(&self) -> Vec<Bit>;
}

impl Output for Bit {
    fn outputs(&self) -> Vec<Bit> {
        vec![*self]
    }
}

impl<const N: usize> Output for Bits<N> {
    fn outputs(&self) -> Vec<Bit> {
        self.bits.to_vec()
    }
}

impl Output for Vec<Bit> {
    fn outputs(&self) -> Vec<Bit> {
        self.clone()
    }
}

impl<const N: usize> Output for [Bit; N] {
    fn outputs(&self) -> Vec<Bit> {
        self.to_vec()
    }
}

impl<A: Output, B: Output> Output for (A, B) {
    fn outputs(&self) -> Vec<Bit> {
        let mut bits = self.0.outputs();
        bits.extend(self.1.outputs());
        bits
    }
}
