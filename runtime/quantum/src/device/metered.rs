//! How much a device was asked to do.

use std::sync::atomic::{AtomicU64, Ordering};

use super::compile::Compiled;
use super::execute::{Device, Job};
use super::target::Target;
use crate::Result;
use crate::circuit::Confusion;
use crate::simulator::Counts;
use crate::tomography::{Basis, Measurement};

/// What a device has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Circuits, each setting of a measurement by itself.
    pub circuits: u64,
    /// Shots of all of them.
    pub shots: u64,
}

/// A device that counts what it runs; methods are compared at equal tallies.
#[derive(Debug, Default)]
pub struct Metered<D> {
    device: D,
    circuits: AtomicU64,
    shots: AtomicU64,
}

impl<D: Device> Metered<D> {
    /// The device with a tally of zero.
    pub fn new(device: D) -> Self {
        Self { device, circuits: AtomicU64::new(0), shots: AtomicU64::new(0) }
    }

    /// What was run without error so far.
    pub fn tally(&self) -> Tally {
        Tally { circuits: self.circuits.load(Ordering::Relaxed), shots: self.shots.load(Ordering::Relaxed) }
    }

    /// Counts from zero again.
    pub fn reset(&self) {
        self.circuits.store(0, Ordering::Relaxed);
        self.shots.store(0, Ordering::Relaxed);
    }

    /// The device itself; what it runs directly is not counted.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// The device, without the tally.
    pub fn into_device(self) -> D {
        self.device
    }

    fn add(&self, circuits: usize, shots: u64) {
        self.circuits.fetch_add(circuits as u64, Ordering::Relaxed);
        self.shots.fetch_add(shots, Ordering::Relaxed);
    }
}

impl<D: Device> Device for Metered<D> {
    fn name(&self) -> &str {
        self.device.name()
    }

    fn target(&self) -> &Target {
        self.device.target()
    }

    fn execute(&self, jobs: &[Job]) -> Result<Vec<Counts>> {
        let counts = self.device.execute(jobs)?;
        self.add(jobs.len(), jobs.iter().map(|job| job.shots as u64).sum());
        Ok(counts)
    }

    fn confusion(&self, compiled: &Compiled) -> Vec<Confusion> {
        self.device.confusion(compiled)
    }

    fn measure(
        &self,
        compiled: &Compiled,
        values: &[f64],
        settings: &[Vec<Basis>],
        shots: usize,
        seed: u64,
    ) -> Result<Vec<Measurement>> {
        let measurements = self.device.measure(compiled, values, settings, shots, seed)?;
        self.add(settings.len(), settings.len() as u64 * shots as u64);
        Ok(measurements)
    }
}
