//! Qubits of a circuit under construction: one, a register, a part of it.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use crate::Error;

/// One qubit of a circuit under construction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Qubit {
    pub(super) place: usize,
    pub(super) fault: Option<Fault>,
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
    pub(super) places: [usize; N],
    pub(super) fault: Option<Fault>,
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
    pub(super) places: Vec<usize>,
    pub(super) fault: Option<Fault>,
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
