//! What `pulse!` makes: a schedule that knows the type of its parameters.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use super::{Schedule, ScheduleBuilder};
use crate::{Declaration, Result};

/// A schedule together with the type `D` of its parameter values. It derefs to [`Schedule`].
#[must_use]
pub struct PulseProgram<D> {
    schedule: Schedule,
    outputs: Vec<usize>,
    declaration: PhantomData<fn() -> D>,
}

impl<D: Declaration> PulseProgram<D> {
    pub(crate) fn new(builder: ScheduleBuilder, outputs: Vec<usize>) -> Result<Self> {
        Ok(Self { schedule: builder.finish()?, outputs, declaration: PhantomData })
    }

    /// The schedule with its parameters replaced by values.
    ///
    /// # Errors
    /// As [`Schedule::bind`].
    pub fn bind(&self, values: &D) -> Result<Schedule> {
        self.schedule.bind(&values.to_flat())
    }

    /// Values by name from a flat slice, such as a gradient or the state of an optimiser.
    ///
    /// # Errors
    /// As [`Declaration::from_flat`].
    pub fn params(&self, flat: &[f64]) -> Result<D> {
        D::from_flat(flat)
    }

    /// The captured bits that the program returns, the first is the least significant.
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// The schedule without its type.
    pub fn into_schedule(self) -> Schedule {
        self.schedule
    }
}

impl<D> Deref for PulseProgram<D> {
    type Target = Schedule;

    fn deref(&self) -> &Schedule {
        &self.schedule
    }
}

impl<D> AsRef<Schedule> for PulseProgram<D> {
    fn as_ref(&self) -> &Schedule {
        &self.schedule
    }
}

impl<D> Clone for PulseProgram<D> {
    fn clone(&self) -> Self {
        Self { schedule: self.schedule.clone(), outputs: self.outputs.clone(), declaration: PhantomData }
    }
}

impl<D> PartialEq for PulseProgram<D> {
    fn eq(&self, other: &Self) -> bool {
        self.schedule == other.schedule && self.outputs == other.outputs
    }
}

impl<D> fmt::Debug for PulseProgram<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.schedule.fmt(f)
    }
}

impl<D> fmt::Display for PulseProgram<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.schedule.fmt(f)
    }
}

impl<D> From<PulseProgram<D>> for Schedule {
    fn from(program: PulseProgram<D>) -> Self {
        program.schedule
    }
}
