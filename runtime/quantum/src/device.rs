//! Devices: what is known of a quantum processor, and the noise it makes.

mod bundle;
mod cache;
pub mod calibration;
mod compact;
pub mod compile;
mod document;
mod draft;
mod execute;
mod ibm;
mod ideal;
mod metered;
pub mod noise;
mod noisy;
mod region;
mod schedule;
pub mod target;

pub use calibration::{Calibration, Coupling, GateCalibration, QubitCalibration, Reading, Trap, Warning};
pub use compile::{CompileOptions, Compiled, Layout, compile};
pub use execute::{Device, Job, check};
pub use ideal::IdealDevice;
pub use metered::{Metered, Tally};
pub use noise::{NoiseModel, NoiseOptions, OverRotation};
pub use noisy::NoisyDevice;
pub use region::Region;
pub use target::{Edge, Entangler, Site, Target};

#[cfg(test)]
mod tests;
