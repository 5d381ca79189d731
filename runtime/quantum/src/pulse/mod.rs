//! Below gates: pulses on the lines of a device.
//!
//! A [`Schedule`] declares what is played on which [`Channel`]: [`Waveform`]s with trainable parameters, in frames that turn.
//! On a device it becomes a [`Timeline`], where every instruction has its time, and then [`Samples`], which are numbers.
//!
//! | to | see |
//! |---|---|
//! | write a pulse program | [`ScheduleBuilder`], [`Waveform`]; the macro `pulse!` expands to them |
//! | have the compiler check it for a device | [`PulseDevice`] |
//! | give times and frequencies | [`Duration`], [`Frequency`] |
//! | know whether a device can play it | [`Schedule::check`], [`PulseTarget`], [`Timing`] |
//! | have its samples, and how they vary with parameters | [`Schedule::samples`], [`Schedule::slopes`] |
//! | undo it | [`Schedule::reversed`], [`Schedule::folded`] |
//! | train its amplitudes and phases | [`Schedule::trainable`], [`Variational`] |
//! | play what a maker published | [`PulseDefaults`](crate::device::PulseDefaults) |
//! | solve the equations of motion | [`solver`] |
//! | simulate it, and differentiate by samples and parameters | [`transmon::Transmons`], [`transmon::PulsePlan`], [`solver`] |
//! | find the samples that make a gate, and how short they can be | [`grape::Grape`] |
//! | make published pulses fit a model | [`calibration::PulseCalibration`] |
//! | have it in a circuit, and run that | [`Builder::pulse`](crate::Builder::pulse), [`PulseModel`] |
//! | see it | [`Timeline::to_svg`], and both print |
//!
//! Each channel has a clock and a frame of its own. A frame has a phase, by which envelopes that follow are turned
//! (`exp(i phase)`), and a frequency beside the carrier. With envelope d and carrier w, a line sends `Re[d exp(i w t)]`; in the
//! rotating frame of a qubit at w that is a rotation about `cos(phase) X - sin(phase) Y`. So a pulse of phase pi/2 turns about
//! -Y, and `shift_phase(drive(q), theta)` is the virtual `rz(theta)` of what follows on that line; lines that other qubits drive
//! at the same frequency have frames of their own.
//!
//! ```
//! use ketline_quantum::pulse::{Duration, ScheduleBuilder, Waveform, drive};
//!
//! let dt = Duration::samples;
//! let mut b = ScheduleBuilder::new("x");
//! b.play(drive(0), Waveform::drag(dt(160), 0.195, dt(40), -1.1));
//! let x = b.finish()?;
//! let samples = x.then(&x.reversed()?)?.samples(2.2e-10, &[])?;
//! let line = samples.line(drive(0)).expect("played");
//! assert_eq!((line.len(), line[100], line[260]), (320, -line[260], -line[100]));
//! # Ok::<(), ketline_quantum::Error>(())
//! ```

mod builder;
pub mod calibration;
mod channel;
mod device;
mod draw;
mod effect;
pub mod grape;
mod model;
mod phase;
mod program;
mod reversed;
mod samples;
mod sampling;
mod schedule;
pub mod solver;
mod step;
mod svg;
mod timeline;
mod timing;
pub mod transmon;
mod unit;
mod variational;
pub mod waveform;

pub use builder::ScheduleBuilder;
pub use channel::{Acquisition, Channel, Listening, Playable, acquire, control, drive, readout};
pub use device::{Jakarta, Manila, Nairobi, PulseDevice};
pub use effect::{Effect, PulseEffect};
pub use model::{PulseModel, PulsedCircuit};
pub use phase::Phase;
pub use program::PulseProgram;
pub use samples::{Line, Samples, Slope};
pub use schedule::Schedule;
pub use step::Step;
pub use timeline::{Action, Event, Frame, Timeline};
pub use timing::{PulseTarget, Timing};
pub use unit::{Duration, Frequency};
pub use variational::Variational;
pub use waveform::Waveform;
