//! Devices: what is known of a quantum processor, and the noise it makes.

mod bundle;
pub mod calibration;
mod compact;
pub mod compile;
mod document;
mod draft;
mod ibm;
pub mod noise;
mod region;
mod schedule;
pub mod target;

pub use calibration::{Calibration, Coupling, GateCalibration, QubitCalibration, Reading, Trap, Warning};
pub use compile::{CompileOptions, Compiled, Layout, compile};
pub use noise::{NoiseModel, NoiseOptions, OverRotation};
pub use region::Region;
pub use target::{Edge, Entangler, Site, Target};
