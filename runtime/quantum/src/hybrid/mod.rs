//! Hybrid gate-pulse circuits (arXiv:2212.00661): QAOA whose problem layers stay gates and whose mixer is a trainable pulse.
//!
//! | part | here |
//! |---|---|
//! | what is cut | [`MaxCut`] |
//! | the pulse that mixes, shared by all qubits | [`PulseMixer`], calibrated by [`Mixers`] |
//! | what of it is trained | [`Freedom`] |
//! | a circuit with noise, its mixer as pulses or as gates | [`Qaoa`], [`Mixing`] |
//! | how outcomes become a score | [`Score`]: mean or conditional value at risk, readout undone or not |
//! | the three steps | [`train`] or its halves ([`Training::coarse`], [`Training::fine`]), [`shortest_mixer`], and [`CompileOptions`](crate::device::CompileOptions) |
//!
//! Both kinds of mixer have the same parameters and start from the same values, so that a comparison is one of pulses with gates and
//! not of few parameters with many. A published mixer turns each qubit by `rz sx rz sx rz`, two pulses; the trained one is a single
//! DRAG pulse whose amplitude is the angle.
//!
//! **The degenerate case.** If each qubit has an amplitude *and* a phase of its own, the pulses alone turn |+> into any product
//! state, the best cut among them: the problem layer does nothing, the score is perfect, and nothing was learnt. Such a mixer is
//! refused ([`Error::DegenerateMixer`](crate::Error::DegenerateMixer)); [`Freedom::allow_degenerate`] shows it all the same.

mod course;
mod freedom;
mod max_cut;
mod mixer;
mod qaoa;
mod score;
#[cfg(test)]
mod tests;
mod train;
mod tuned;

pub use freedom::{Freedom, Sharing};
pub use max_cut::MaxCut;
pub use mixer::{MixerPulse, PulseMixer};
pub use qaoa::{MakeMixer, Mixing, Qaoa};
pub use score::Score;
pub use train::{Coarse, Limits, Shortest, Training, Trial, shortest_mixer, train};
pub use tuned::{Excess, Mixers};
