//! The quantum floor of Ketline.

pub mod angle;
pub mod ansatz;
pub mod channel;
pub mod circuit;
pub mod device;
pub mod error;
#[doc(hidden)]
pub mod expansion;
pub mod file;
pub mod gate;
pub mod gradient;
pub mod linalg;
pub mod observable;
pub mod optimise;
pub mod program;
pub mod robust_state;
pub mod simulator;
pub mod tomography;
pub mod topology;

pub use angle::Angle;
pub use channel::Channel;
pub use circuit::{Bit, Bits, Builder, Circuit, Instruction, Parameters, Qubit, QubitSlice, Qubits};
pub use error::{Error, Result};
pub use gate::Gate;
pub use linalg::Matrix;
pub use num_complex::Complex64 as C64;
pub use observable::Observable;
pub use program::{Declaration, Program, Unitary};
pub use topology::{Graph, Topology};
