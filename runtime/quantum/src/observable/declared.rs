//! Observables whose qubits the compiler has seen.

use std::fmt;
use std::ops::Deref;

use super::Observable;

/// An observable that `observable!` made of literal qubits: it needs `W` of them. It derefs to [`Observable`].
#[derive(Debug, Clone, PartialEq)]
pub struct Declared<const W: usize>(Observable);

impl<const W: usize> Declared<W> {
    pub(crate) fn new(observable: Observable) -> Self {
        Self(observable)
    }
}

impl<const W: usize> Deref for Declared<W> {
    type Target = Observable;

    fn deref(&self) -> &Observable {
        &self.0
    }
}

impl<const W: usize> From<Declared<W>> for Observable {
    fn from(declared: Declared<W>) -> Self {
        declared.0
    }
}

impl<const W: usize> From<&Declared<W>> for Observable {
    fn from(declared: &Declared<W>) -> Self {
        declared.0.clone()
    }
}

impl<const W: usize> fmt::Display for Declared<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of an observable's width when a program is compiled.
pub trait Width {
    /// How many qubits it needs at least; 0 where only the running program knows.
    const WIDTH: usize;

    /// The observable.
    fn observable(&self) -> &Observable;
}

impl Width for Observable {
    const WIDTH: usize = 0;

    fn observable(&self) -> &Observable {
        self
    }
}

impl<const W: usize> Width for Declared<W> {
    const WIDTH: usize = W;

    fn observable(&self) -> &Observable {
        &self.0
    }
}
