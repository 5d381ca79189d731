//! Devices: what is known of a quantum processor, the noise it makes, and what runs on it.
//!
//! | to | see |
//! |---|---|
//! | read what was measured of a device | [`Calibration`] |
//! | know the Hamiltonian that pulses act on | [`Hamiltonian`] |
//! | choose good qubits | [`Region`] |
//! | compile a circuit | [`compile()`], [`Target`] |
//! | put the noise into a circuit | [`NoiseModel`] |
//! | play the published pulses of its gates | [`PulseDefaults`] |
//! | run shots | [`Device`]: [`IdealDevice`], [`NoisyDevice`], or one of your own |
//! | count what was run | [`Metered`] |
//!
//! ```
//! use ketline_quantum::device::{Calibration, CompileOptions, Device, Job, NoiseOptions, NoisyDevice, compile};
//! use ketline_quantum::{Builder, Qubits};
//!
//! let mut b = Builder::new("ghz");
//! let q: Qubits<3> = b.register("q");
//! b.h(q.at(0));
//! b.cx(q.at(0), q.at(1..));
//! let bits = b.measure(q);
//! b.returns(bits);
//!
//! let device = NoisyDevice::new(&Calibration::bundled("manila")?, NoiseOptions::default())?;
//! let compiled = compile(&b.finish()?, device.target(), &CompileOptions::default())?;
//! let counts = device.execute(&[Job { compiled, values: vec![], shots: 1000, seed: 7 }])?;
//! assert!(counts[0].frequency(0b000) + counts[0].frequency(0b111) > 0.8);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```
//!
//! Every device here is simulated; a result is never one of hardware.

mod bundle;
mod cache;
pub mod calibration;
mod compact;
pub mod compile;
mod defs;
mod document;
mod draft;
mod execute;
mod form;
pub mod hamiltonian;
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
pub use defs::PulseDefaults;
pub use execute::{Device, Job, check};
pub use hamiltonian::{ControlLine, Exchange, Hamiltonian, PUBLISHED_STRENGTH, Transmon};
pub use ideal::IdealDevice;
pub use metered::{Metered, Tally};
pub use noise::{NoiseModel, NoiseOptions, OverRotation};
pub use noisy::NoisyDevice;
pub use region::Region;
pub use target::{Edge, Entangler, Site, Target};

pub(crate) use cache::Cache;

#[cfg(test)]
mod tests;
