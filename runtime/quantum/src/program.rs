//! What `circuit!` makes: a circuit that knows the type of its parameters.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use crate::observable::Observed;
use crate::simulator::Simulator;
use crate::{Builder, Circuit, Error, Observable, Result};

/// What is known of a declared circuit without building it; its implementor holds one value for each trainable
/// parameter. `circuit!` writes it.
pub trait Declaration: Sized {
    /// The circuit's name.
    const NAME: &'static str;
    /// How many qubits it acts on.
    const WIDTH: usize;

    /// Parameter values from a flat iterator, `None` when it ends early.
    fn from_values(flat: &mut dyn Iterator<Item = f64>) -> Option<Self>;

    /// Appends the values in flat order, which is that of declaration and row-major within an array.
    fn write_flat(&self, flat: &mut Vec<f64>);

    /// The values as one flat slice, for an optimiser.
    fn to_flat(&self) -> Vec<f64> {
        let mut flat = Vec::new();
        self.write_flat(&mut flat);
        flat
    }

    /// Parameter values from a flat slice of the right length.
    fn from_flat(flat: &[f64]) -> Result<Self> {
        let mut values = flat.iter().copied();
        if let (Some(all), None) = (Self::from_values(&mut values), values.next()) {
            return Ok(all);
        }
        // The length that was wanted is that of any complete set of values.
        let whole = Self::from_values(&mut std::iter::repeat(0.0));
        let expected = whole.map_or(0, |whole| whole.to_flat().len());
        Err(Error::ParameterCount { found: flat.len(), expected })
    }
}

/// A circuit together with the type `D` of its parameter values. It derefs to [`Circuit`].
#[must_use]
pub struct Program<D> {
    circuit: Circuit,
    declaration: PhantomData<fn() -> D>,
}

impl<D: Declaration> Program<D> {
    pub(crate) fn new(builder: Builder) -> Result<Self> {
        Ok(Self { circuit: builder.finish()?, declaration: PhantomData })
    }

    /// The circuit with its parameters replaced by values.
    pub fn bind(&self, values: &D) -> Result<Circuit> {
        self.circuit.bind(&values.to_flat())
    }

    /// Values by name from a flat slice, such as a gradient or the state of an optimiser.
    pub fn params(&self, flat: &[f64]) -> Result<D> {
        D::from_flat(flat)
    }

    /// The observable, once it is known to act on qubits that the circuit has. What `observable!` made of literal
    /// qubits is checked when the program is compiled, any other observable here.
    ///
    /// # Errors
    /// [`Error::ObservableWidth`].
    pub fn observe<'o, O: Observed>(&self, observable: &'o O) -> Result<&'o Observable> {
        O::check::<D>();
        self.checked(observable.observable())
    }

    /// The expectation of an observable at these parameter values, in the state that the circuit prepares. The
    /// observable is checked as [`Self::observe`] does.
    ///
    /// # Errors
    /// As [`Self::observe`] and [`Simulator::expectation`].
    pub fn expectation<S: Simulator, O: Observed>(
        &self,
        simulator: &S,
        observable: &O,
        values: &D,
    ) -> Result<f64> {
        O::check::<D>();
        let observable = self.checked(observable.observable())?;
        simulator.expectation(&self.circuit, observable, &values.to_flat())
    }

    fn checked<'o>(&self, observable: &'o Observable) -> Result<&'o Observable> {
        let width = self.circuit.width();
        if observable.width() > width {
            return Err(Error::ObservableWidth { qubit: observable.width() - 1, width });
        }
        Ok(observable)
    }

    /// The circuit without its type.
    pub fn into_circuit(self) -> Circuit {
        self.circuit
    }
}

impl<D> Deref for Program<D> {
    type Target = Circuit;

    fn deref(&self) -> &Circuit {
        &self.circuit
    }
}

impl<D> AsRef<Circuit> for Program<D> {
    fn as_ref(&self) -> &Circuit {
        &self.circuit
    }
}

impl<D> Clone for Program<D> {
    fn clone(&self) -> Self {
        Self { circuit: self.circuit.clone(), declaration: PhantomData }
    }
}

impl<D> PartialEq for Program<D> {
    fn eq(&self, other: &Self) -> bool {
        self.circuit == other.circuit
    }
}

impl<D> fmt::Debug for Program<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.circuit.fmt(f)
    }
}

impl<D> fmt::Display for Program<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.circuit.fmt(f)
    }
}

impl<D> From<Program<D>> for Circuit {
    fn from(program: Program<D>) -> Self {
        program.circuit
    }
}
