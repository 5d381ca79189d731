//! `RobustState`: states prepared robustly on a noisy device (arXiv:2311.16035).
//!
//! Training on ideal qubits ignores the noise; measuring gradients on the device costs thousands of executions.
//! `RobustState` runs *forward* on the device and *backward* on the ideal simulator: the measured state says what is
//! wrong, the simulator says which parameter changes it.
//!
//! | part | here |
//! |---|---|
//! | what to reach, and with what | [`TargetState`], [`Task`], [`ansatz`](crate::ansatz) |
//! | what is wrong | [`Loss`], [`coherent_error`] |
//! | where it is measured | [`DeviceLaboratory`] with an [`Estimation`]; [`ExactLaboratory`] in simulations |
//! | training | [`RobustState`], [`Update`] |
//! | with pulses instead of gates | [`PulseTask`], [`PulseLaboratory`]; what both have in common is a [`Preparation`] |
//! | compared with | [`baseline`], [`arithmetic`] |
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use ketline_quantum::ansatz;
//! use ketline_quantum::device::{Calibration, CompileOptions, Layout, NoiseOptions, NoisyDevice, Region};
//! use ketline_quantum::robust_state::{
//!     ExactLaboratory, NoiseUnaware, RobustState, TargetState, Task, noise_unaware,
//! };
//!
//! let calibration = Calibration::bundled("manila")?;
//! let region = Region::best(&calibration, 3)?;
//! let task = Task::state(&ansatz::u_cx(3, &region.edges, 2)?, TargetState::w(3)?)?;
//! let start = noise_unaware(&task, &NoiseUnaware { steps: 200, ..NoiseUnaware::default() })?;
//!
//! let device = NoisyDevice::new(&calibration, NoiseOptions::default())?;
//! let options = CompileOptions { layout: Layout::Fixed(region.qubits), ..CompileOptions::default() };
//! let mut laboratory = ExactLaboratory::new(&device, &task, &options)?;
//! let trained =
//!     RobustState::newton(10).train(&task, &mut laboratory, &start, &mut |_| ControlFlow::Continue(()))?;
//! let (before, after) = (trained.history[0], trained.history[10]);
//! assert!(after.coherent_error < before.coherent_error / 10.0);
//! assert!(after.fidelity > before.fidelity);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```

mod arithmetic;
pub mod baseline;
mod estimate;
mod loss;
mod newton;
mod preparation;
mod pulse;
mod target;
mod task;
#[cfg(test)]
mod tests;
mod train;

pub use arithmetic::arithmetic;
pub use baseline::{NoiseUnaware, noise_unaware};
pub use estimate::{DeviceLaboratory, Estimation, ExactLaboratory};
pub use loss::{Loss, coherent_error};
pub use preparation::Preparation;
pub use pulse::{PulseLaboratory, PulseTask};
pub use target::TargetState;
pub use task::{Case, Task};
pub use train::{End, Laboratory, Record, RobustState, Trained, Update};

use train::seed_of;
