//! Devices: what is known of a quantum processor, and the noise it makes.

mod bundle;
pub mod calibration;
mod compact;
mod document;
mod draft;
mod ibm;
mod region;
pub mod target;

pub use calibration::{Calibration, Coupling, GateCalibration, QubitCalibration, Reading, Trap, Warning};
pub use region::Region;
pub use target::{Edge, Entangler, Site, Target};
