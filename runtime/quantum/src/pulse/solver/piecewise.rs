//! Controls as numbers: constant on each of many equal steps.

use ndarray::Array2;

use crate::{Error, Result};

/// Controls that are constant on each of many steps of equal length.
#[derive(Debug, Clone, PartialEq)]
pub struct Piecewise {
    dt: f64,
    values: Array2<f64>,
}

impl Piecewise {
    /// Steps of `dt`; a row of `values` is a step, a column a control. Time and values are in units whose product is
    /// that of the system's: radians.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if `dt` is no positive finite number, [`Error::NotFinite`] for a value that is NaN or
    /// infinite (its index counts along rows).
    pub fn new(dt: f64, values: Array2<f64>) -> Result<Self> {
        if !(dt > 0.0 && dt.is_finite()) {
            let wanted = "a positive finite time".into();
            return Err(Error::OutOfRange { what: "the length of a step".into(), found: dt, wanted });
        }
        if let Some((index, &value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(Error::NotFinite { what: "a control", index, value });
        }
        let values =
            if values.is_standard_layout() { values } else { values.as_standard_layout().into_owned() };
        Ok(Self { dt, values })
    }

    /// Length of a step.
    pub fn dt(&self) -> f64 {
        self.dt
    }

    /// How many steps there are.
    pub fn steps(&self) -> usize {
        self.values.nrows()
    }

    /// How many controls there are.
    pub fn controls(&self) -> usize {
        self.values.ncols()
    }

    /// The values: a row is a step, a column a control.
    pub fn values(&self) -> &Array2<f64> {
        &self.values
    }

    /// The values of one step.
    pub(super) fn step(&self, step: usize) -> &[f64] {
        let controls = self.controls();
        // Rows are contiguous: `new` sees to it.
        self.values.as_slice().map_or(&[], |values| &values[step * controls..(step + 1) * controls])
    }
}
