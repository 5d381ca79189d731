//! Observables whose qubits the compiler has seen.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use super::Observable;
use crate::Declaration;

/// An observable that `observable!` made of literal qubits. It derefs to [`Observable`].
///
/// Its type knows its place in the source, so that the compiler can point there where a circuit has too few qubits. As
/// with closures, no two places have the same type; several observables in one list are [`Observable`]s, by `into`.
pub struct Declared<P> {
    observable: Observable,
    place: PhantomData<fn() -> P>,
}

/// A place in the source where `observable!` found literal qubits; the macro writes it.
pub trait Place {
    /// Compiles only for circuits that have these qubits.
    fn check<D: Declaration>();
}

/// What a program can observe: any [`Observable`], checked when the program runs, and a [`Declared`] one, checked when
/// it is compiled.
pub trait Observed {
    /// Compiles unless the circuit is known to have too few qubits.
    fn check<D: Declaration>();

    /// The observable.
    fn observable(&self) -> &Observable;
}

impl<P> Declared<P> {
    pub(crate) fn new(observable: Observable) -> Self {
        Self { observable, place: PhantomData }
    }
}

impl<P> Deref for Declared<P> {
    type Target = Observable;

    fn deref(&self) -> &Observable {
        &self.observable
    }
}

impl<P> From<Declared<P>> for Observable {
    fn from(declared: Declared<P>) -> Self {
        declared.observable
    }
}

impl<P> From<&Declared<P>> for Observable {
    fn from(declared: &Declared<P>) -> Self {
        declared.observable.clone()
    }
}

impl<P> Clone for Declared<P> {
    fn clone(&self) -> Self {
        Self::new(self.observable.clone())
    }
}

impl<P, Q> PartialEq<Declared<Q>> for Declared<P> {
    fn eq(&self, other: &Declared<Q>) -> bool {
        self.observable == other.observable
    }
}

impl<P> fmt::Debug for Declared<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.observable.fmt(f)
    }
}

impl<P> fmt::Display for Declared<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.observable.fmt(f)
    }
}

impl Observed for Observable {
    fn check<D: Declaration>() {}

    fn observable(&self) -> &Observable {
        self
    }
}

impl<P: Place> Observed for Declared<P> {
    fn check<D: Declaration>() {
        P::check::<D>();
    }

    fn observable(&self) -> &Observable {
        &self.observable
    }
}
