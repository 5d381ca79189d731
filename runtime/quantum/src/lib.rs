//! The quantum floor of Ketline: circuits as values, and what can be done with them.
//!
//! A [`Circuit`] is a list of checked steps on qubits, with named trainable parameters. *Passes* make circuits of circuits:
//! simplification, lowering, compilation to a device, noise. *Plans* make a circuit ready to run, and run it with many
//! parameter values. Parameters stay symbolic until then, so everything before is done once.
//!
//! | to | see |
//! |---|---|
//! | build a circuit | [`Builder`], or the macro `circuit!` of the crate `ketline`, which expands to it |
//! | know the gates | [`gate`] |
//! | write an observable | [`Observable`] |
//! | read and write OpenQASM | [`qasm`] |
//! | simulate, sample, take expectations | [`simulator`] |
//! | differentiate | [`gradient`] |
//! | train | [`optimise`], [`ansatz`] |
//! | know a device: calibration, noise, compilation, shots | [`device`], [`channel`] |
//! | go below gates | [`pulse`], with gates beside: [`hybrid`] |
//! | take the noise out of expectation values | [`mitigation`] |
//! | find out which state a device made | [`tomography`] |
//! | prepare a state robustly on it | [`robust_state`] |
//!
//! Qubit 0 is the least significant bit of a basis state, and the first operand of a gate that of its matrix. Angles are in
//! radians, times in seconds, frequencies in hertz. Whatever is random takes a seed and gives the same result on any number
//! of threads. What can go wrong is one enum, [`Error`]; user data never makes a panic.
//!
//! ```
//! use ketline_quantum::gradient::adjoint;
//! use ketline_quantum::{Angle, Builder, Observable, Qubits};
//!
//! let mut b = Builder::new("pair");
//! let q: Qubits<2> = b.register("q");
//! let theta: Angle = b.parameter("theta");
//! b.ry(theta, q.at(0));
//! b.cx(q.at(0), q.at(1));
//! let circuit = b.finish()?;
//!
//! let correlation = Observable::x(0) * Observable::x(1);
//! let result = adjoint(&circuit, &correlation, &[0.5])?;
//! assert!((result.value - 0.5_f64.sin()).abs() < 1e-15);
//! assert!((result.gradient[0] - 0.5_f64.cos()).abs() < 1e-15);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```

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
pub mod hybrid;
pub mod linalg;
pub mod mitigation;
pub mod observable;
pub mod optimise;
pub mod program;
pub mod pulse;
pub mod qasm;
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
pub use program::{Declaration, Program};
pub use topology::{Graph, Topology};
