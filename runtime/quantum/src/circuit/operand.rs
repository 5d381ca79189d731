//! What stands between the parentheses of a gate: qubits and angles.

use super::bit::{Bit, Bits};
use super::qubit::{Fault, Qubit, QubitSlice, Qubits};
use crate::Angle;

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
