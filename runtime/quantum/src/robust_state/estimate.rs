//! From a device to density matrices: tomography, shadows, or what only a simulation can tell.

use std::fmt;

use super::{Laboratory, Task};
use crate::circuit::Confusion;
use crate::device::{CompileOptions, Compiled, Device, NoisyDevice, compile};
use crate::tomography::{Basis, MaximumLikelihood, Method, balanced_settings, reconstruct, settings};
use crate::{Error, Matrix, Result};

/// Which settings are measured, and how the state is fitted to the counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimation {
    /// Shots in each setting.
    pub shots: usize,
    /// How many settings: `None` for all `3^n` (full tomography), else so many of them, drawn anew at each step and
    /// balanced (classical shadows in Pauli bases).
    pub settings: Option<usize>,
    /// Whether readout errors are undone with the device's own confusion.
    pub mitigate: bool,
    /// The fit.
    pub method: Method,
}

impl Estimation {
    /// Full tomography with readout mitigation and a maximum-likelihood fit.
    pub fn tomography(shots: usize) -> Self {
        Self {
            shots,
            settings: None,
            mitigate: true,
            method: Method::MaximumLikelihood(MaximumLikelihood::default()),
        }
    }

    /// `settings` random settings each step, with readout mitigation and a maximum-likelihood fit.
    pub fn shadows(settings: usize, shots: usize) -> Self {
        Self { settings: Some(settings), ..Self::tomography(shots) }
    }

    /// The settings of one step.
    pub(super) fn bases(&self, width: usize, seed: u64) -> Result<Vec<Vec<Basis>>> {
        self.settings.map_or_else(|| settings(width), |count| balanced_settings(width, count, seed))
    }

    pub(super) fn count(&self, width: usize) -> usize {
        self.settings.unwrap_or(3_usize.pow(width as u32))
    }
}

/// A device, with the circuits of a task compiled for it, that estimates states from counts.
pub struct DeviceLaboratory<'d> {
    device: &'d dyn Device,
    estimation: Estimation,
    compiled: Vec<Compiled>,
    confusion: Vec<Vec<Confusion>>,
}

impl<'d> DeviceLaboratory<'d> {
    /// Compiles the task's circuits for the device.
    ///
    /// # Errors
    /// As [`compile()`]; [`Error::NoShots`] for zero shots, [`Error::Setting`] for zero settings.
    pub fn new(
        device: &'d dyn Device,
        task: &Task,
        estimation: Estimation,
        options: &CompileOptions,
    ) -> Result<Self> {
        if estimation.shots == 0 {
            return Err(Error::NoShots);
        }
        if estimation.settings == Some(0) {
            return Err(Error::Setting { name: "settings", found: 0.0, expected: "at least 1" });
        }
        let compiled = compile_all(device, task, options)?;
        let confusion = compiled.iter().map(|one| device.confusion(one)).collect();
        Ok(Self { device, estimation, compiled, confusion })
    }

    /// The compiled circuits, one a case.
    pub fn compiled(&self) -> &[Compiled] {
        &self.compiled
    }
}

impl fmt::Debug for DeviceLaboratory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.device.name();
        f.debug_struct("DeviceLaboratory")
            .field("device", &name)
            .field("estimation", &self.estimation)
            .finish()
    }
}

impl Laboratory for DeviceLaboratory<'_> {
    fn densities(&mut self, values: &[f64], seed: u64) -> Result<Vec<Matrix>> {
        let estimate = |(number, compiled): (usize, &Compiled)| {
            let seed = super::seed_of(seed, number);
            let bases = self.estimation.bases(compiled.last().len(), seed)?;
            let measured = self.device.measure(compiled, values, &bases, self.estimation.shots, seed)?;
            let confusion = self.estimation.mitigate.then_some(self.confusion[number].as_slice());
            reconstruct(&measured, confusion, self.estimation.method)
        };
        self.compiled.iter().enumerate().map(estimate).collect()
    }

    fn executions(&self) -> usize {
        self.compiled.iter().map(|compiled| self.estimation.count(compiled.last().len())).sum()
    }
}

/// A simulated device whose states are read without measuring: the limit of infinitely many shots without readout error.
#[derive(Debug)]
pub struct ExactLaboratory<'d> {
    device: &'d NoisyDevice,
    compiled: Vec<Compiled>,
}

impl<'d> ExactLaboratory<'d> {
    /// Compiles the task's circuits for the device.
    ///
    /// # Errors
    /// As [`compile()`].
    pub fn new(device: &'d NoisyDevice, task: &Task, options: &CompileOptions) -> Result<Self> {
        Ok(Self { device, compiled: compile_all(device, task, options)? })
    }

    /// The device.
    pub fn device(&self) -> &'d NoisyDevice {
        self.device
    }

    /// The compiled circuits, one a case.
    pub fn compiled(&self) -> &[Compiled] {
        &self.compiled
    }
}

impl Laboratory for ExactLaboratory<'_> {
    fn densities(&mut self, values: &[f64], _seed: u64) -> Result<Vec<Matrix>> {
        self.compiled.iter().map(|compiled| self.device.density(compiled, values)).collect()
    }

    fn executions(&self) -> usize {
        0
    }
}

fn compile_all(device: &dyn Device, task: &Task, options: &CompileOptions) -> Result<Vec<Compiled>> {
    task.cases().iter().map(|case| compile(case.circuit(), device.target(), options)).collect()
}
