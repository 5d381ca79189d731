//! OpenQASM 2 and 3: texts to circuits and back.
//!
//! ```
//! use ketline_quantum::simulator::{Simulator, StateVector};
//! use ketline_quantum::Circuit;
//!
//! let bell = Circuit::from_qasm(
//!     r#"
//!     OPENQASM 3.0;
//!     include "stdgates.inc";
//!     input float theta;
//!     qubit[2] q;
//!     bit[2] c;
//!     ry(theta) q[0];
//!     ctrl @ x q[0], q[1];
//!     c = measure q;
//!     "#,
//! )?;
//! assert_eq!(bell.parameters().names(), ["theta"]);
//! let counts = StateVector::new().sample(&bell, &[std::f64::consts::FRAC_PI_2], 1000, 7)?;
//! assert_eq!(counts.count(0b00) + counts.count(0b11), 1000);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```
//!
//! What is known while a circuit is built is computed then: constants, classical variables, loops, definitions,
//! subroutines. Inputs of type `float` and `angle` become trainable parameters, and measured bits can be asked by `if`.
//! The rest of the language, which no circuit of fixed length holds, is refused with [`Error::Qasm`], which names line and
//! column: `while`, arithmetic on outcomes, `defcal`, durations, `extern`. There is never a part of a circuit.
//!
//! | in the text | in the circuit |
//! |---|---|
//! | registers of qubits, or physical qubits `$0`, `$1` | qubits in that order; physical ones have no register |
//! | bits | the bits of the circuit, in the order of declaration; those of subroutines too |
//! | `output` bits, or else all declared ones | what the circuit returns |
//! | a gate of the file that is included | a row of the gate table |
//! | a definition with the name of a row that does the same | that row |
//! | any other definition | its steps |
//! | `U` of version 3, `u2`, `u3` | `u` and the global phase by which they differ |
//! | `box`, `delay` | barriers: nothing moves across them, and the state does not see the time |
//!
//! A text without a version is one of version 3, unless it begins with `include "qelib1.inc"`.

mod diagnostic;
mod export;
mod lexer;
mod lower;
mod parse;
mod syntax;

use std::path::Path;

pub use diagnostic::{Diagnostic, Fault};
pub use export::export;

use diagnostic::Span;

use crate::{Circuit, Error, Result, file};

/// A version of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Version {
    /// OpenQASM 2.0.
    Two,
    /// OpenQASM 3.
    Three,
}

/// How much a text may ask for. What is beyond ends in [`Fault::Limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text.
    pub bytes: usize,
    /// Qubits of the circuit.
    pub qubits: usize,
    /// Classical bits, and inputs.
    pub bits: usize,
    /// Steps after loops, definitions and registers are expanded.
    pub steps: usize,
    /// Statements, turns of loops and parts of expressions that are gone through, also where they make no step.
    pub work: usize,
    /// Blocks, parentheses and calls inside each other.
    pub depth: usize,
}

impl Default for Limits {
    /// 16 MiB, 4,096 qubits, 65,536 bits, a million steps, sixteen million parts, 64 levels.
    fn default() -> Self {
        Self { bytes: 1 << 24, qubits: 4096, bits: 1 << 16, steps: 1 << 20, work: 1 << 24, depth: 64 }
    }
}

/// Reads a text as a circuit, within the default [`Limits`].
///
/// # Errors
/// [`Error::Qasm`].
pub fn import(text: &str) -> Result<Circuit> {
    import_within(text, &Limits::default())
}

/// Reads a text as a circuit.
///
/// # Errors
/// [`Error::Qasm`].
pub fn import_within(text: &str, limits: &Limits) -> Result<Circuit> {
    let lowered = if text.len() > limits.bytes {
        Err(Fault::Limit { what: "bytes", limit: limits.bytes }.at(Span::default()))
    } else {
        lower::lower(text, limits)
    };
    lowered.map_err(|located| Error::Qasm(Box::new(Diagnostic::new(text, located))))
}

/// Reads a file as a circuit, within the default [`Limits`].
///
/// # Errors
/// [`Error::File`] and [`Error::Qasm`].
pub fn read(path: &Path) -> Result<Circuit> {
    import(&file::read(path, Limits::default().bytes as u64)?)
}

impl Circuit {
    /// A circuit from an OpenQASM text of version 2 or 3. See [`qasm`](crate::qasm).
    ///
    /// # Errors
    /// [`Error::Qasm`].
    pub fn from_qasm(text: &str) -> Result<Self> {
        import(text)
    }
}
